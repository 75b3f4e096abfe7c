//! Taking an invoice, and taking it back.

use super::fault::{Fault, identifier_of};
use super::invoice::{Ground, Receiver, Request as Body};
use super::problem::{Problem, respond};
use super::routes::Posted;
use super::state::{Answer, Fact, Invoice, State};
use super::status::Status;
use super::{Gateway, body};
use crate::net::random_id;
use crate::net::server::hang_up;
use axum::extract::{Path, Request, State as Shared};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// An invoice as the read calls show it.
pub(super) fn full(invoice: &Invoice) -> Value {
    json!({
        "id": invoice.id,
        "issuer": invoice.issuer,
        "invoice_number": invoice.invoice_number,
        "status": invoice.status(),
        "sequence": invoice.history.last().map_or(0, |step| step.sequence),
        "reason": invoice.history.last().and_then(|step| step.reason.clone()),
        "history": invoice.history,
    })
}

/// What the submitter gets.
enum Reply {
    Now(Response),
    Lost,
    Never,
}

/// `POST /v1/invoices`.
pub(super) async fn submit(Shared(gateway): Shared<Arc<Gateway>>, request: Request) -> Response {
    let posted = match Posted::read(&gateway, request, "invoice:write").await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    if let (Some(issuer), Some(number)) =
        (posted.body.get("issuer").and_then(Value::as_str), posted.body.get("invoice_number").and_then(Value::as_str))
    {
        let fact = Fact::Posted { issuer: issuer.to_owned(), invoice_number: number.to_owned() };
        gateway.record(&mut gateway.hold(), [fact]);
    }
    if let Err(response) = posted.begin(&gateway) {
        return *response;
    }
    // In a task of its own: a client that goes away must not leave the key taken.
    let reply = tokio::spawn(async move {
        gateway.switch.work().await;
        match accept(&gateway, &posted) {
            Ok((answer, fault)) => match posted.finish(&gateway).await {
                Ok(()) => match fault {
                    Some(Fault::Lost) => Reply::Lost,
                    Some(Fault::Hang) => Reply::Never,
                    _ => Reply::Now(respond(&answer)),
                },
                Err(problem) => Reply::Now(problem.into_response()),
            },
            Err(problem) => {
                posted.refuse(&gateway, &problem);
                Reply::Now(problem.into_response())
            }
        }
    });
    match reply.await {
        Ok(Reply::Now(response)) => response,
        Ok(Reply::Never) => std::future::pending().await,
        Ok(Reply::Lost) | Err(_) => hang_up(),
    }
}

/// Checks and stores the invoice with everything that follows from it.
fn accept(gateway: &Gateway, posted: &Posted) -> Result<(Answer, Option<Fault>), Problem> {
    let body = Body::read(&posted.body).map_err(|errors| Problem::fields("invalid_request", &errors))?;
    let mut state = gateway.hold();
    let key = match &body.receiver {
        Receiver::Identifier(identifier) => Some(identifier.clone()),
        Receiver::NationalId(id) => Some(identifier_of(id)),
        Receiver::Reference(_) => None,
    };
    let consumer = key.as_ref().and_then(|key| state.consumers.get(key));
    let fault = state.faults.get(&body.invoice_number).cloned();
    let fault = fault.or_else(|| Fault::of_number(&body.invoice_number));
    let fault = fault.or_else(|| consumer.and_then(|consumer| consumer.fault.clone()));
    if let Some(known) = state.numbered(&body.issuer, &body.invoice_number) {
        let problem = Problem::new(StatusCode::CONFLICT, "duplicate_invoice", "The issuer has used this number.");
        return Err(problem.with("id", known.id.to_string()));
    }
    let ground = Ground {
        issuer: state.issuers.get(&body.issuer),
        consumer,
        today: gateway.clock.today(),
        min_days: gateway.options.min_days,
    };
    let mut rejection = body.rejection(&ground).map(str::to_owned);
    if let Some(Fault::Reject(code)) = &fault {
        rejection = Some(code.clone());
    }
    if fault == Some(Fault::Unavailable) {
        let met = state.unavailable.entry(body.invoice_number.clone()).or_default();
        *met += 1;
        if *met <= 2 {
            let problem = Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Try again in a moment.");
            return Err(problem.retry_after(1));
        }
    }
    Ok((store(gateway, &mut state, posted, body, rejection, fault.as_ref()), fault))
}

fn store(
    gateway: &Gateway,
    state: &mut State,
    posted: &Posted,
    body: Body,
    rejection: Option<String>,
    fault: Option<&Fault>,
) -> Answer {
    let id = random_id();
    let (Receiver::Identifier(receiver) | Receiver::Reference(receiver) | Receiver::NationalId(receiver)) =
        body.receiver;
    let waits = rejection.is_none() && (fault == Some(&Fault::Slow) || !gateway.options.auto);
    let afterwards = match fault {
        Some(Fault::Then(status)) => Some(*status),
        _ => None,
    };
    let invoice = Invoice {
        id,
        idempotency_key: posted.key,
        issuer: body.issuer,
        invoice_number: body.invoice_number,
        receiver,
        document_type: body.document_type,
        amount_ore: body.amount_ore,
        due_date: body.due_date.to_string(),
        kid: body.kid,
        payment: body.payment,
        document: body.document.describe(),
        waits,
        afterwards,
        history: Vec::new(),
    };
    let answer = Answer { status: 202, body: json!({"id": id, "status": Status::Received}) };
    // One write, answer included: a crash keeps all of it or none.
    gateway.record(state, [Fact::Invoice(Box::new(invoice)), posted.answered(answer.clone())]);
    gateway.step(state, id, Status::Received, None);
    match rejection {
        Some(code) => {
            gateway.step(state, id, Status::Rejected, Some(&code));
        }
        None if !waits => gateway.carry(state, id),
        None => {}
    }
    answer
}

/// `POST /v1/invoices/{id}/cancel`.
pub(super) async fn cancel(
    Shared(gateway): Shared<Arc<Gateway>>,
    Path(id): Path<String>,
    request: Request,
) -> Response {
    let posted = match Posted::read(&gateway, request, "invoice:write").await {
        Ok(posted) => posted,
        Err(response) => return *response,
    };
    if let Err(response) = posted.begin(&gateway) {
        return *response;
    }
    gateway.switch.work().await;
    match withdraw(&gateway, &posted, &id) {
        Ok(answer) => match posted.finish(&gateway).await {
            Ok(()) => respond(&answer),
            Err(problem) => problem.into_response(),
        },
        Err(problem) => {
            posted.refuse(&gateway, &problem);
            problem.into_response()
        }
    }
}

fn withdraw(gateway: &Gateway, posted: &Posted, id: &str) -> Result<Answer, Problem> {
    let mut fields = body::Fields::new(&posted.body, "", &["reason"]);
    let reason = fields.required("reason", "invalid_length", |text| body::sized(text, 1, 200));
    if !fields.errors.is_empty() {
        return Err(Problem::fields("invalid_request", &fields.errors));
    }
    let mut state = gateway.hold();
    let found = Uuid::parse_str(id).ok().and_then(|id| state.invoice(id));
    let Some(invoice) = found else {
        return Err(Problem::new(StatusCode::NOT_FOUND, "invoice_not_found", "There is no such invoice."));
    };
    let conflict = |code: &str, detail: &str| Err(Problem::new(StatusCode::CONFLICT, code, detail));
    if invoice.was(Status::Paid) {
        return conflict("already_paid", "The invoice is paid.");
    }
    match invoice.status() {
        Status::Cancelled => return conflict("already_cancelled", "The invoice is cancelled."),
        Status::Received | Status::Accepted | Status::Delivered | Status::Opened => {}
        _ => return conflict("too_late", "The invoice can no longer be cancelled."),
    }
    let id = invoice.id;
    let answer = Answer { status: 202, body: json!({"id": id, "status": Status::Cancelled}) };
    gateway.record(&mut state, [Fact::Released { id }, posted.answered(answer.clone())]);
    gateway.step(&mut state, id, Status::Cancelled, Some(&reason));
    Ok(answer)
}
