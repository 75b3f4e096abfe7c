//! The SMP: which documents a participant takes, as XML.

use super::{Documents, Fault, Registry};
use crate::net::outage::Switch;
use crate::net::page::{escape, page, table};
use crate::net::{Outage, lock};
use axum::extract::{Path, State as Shared};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use std::fmt::Write;
use std::sync::{Arc, Mutex};

const SCHEME: &str = "iso6523-actorid-upis";
const INVOICE: &str = "urn:oasis:names:specification:ubl:schema:xsd:Invoice-2::Invoice";
const CREDIT_NOTE: &str = "urn:oasis:names:specification:ubl:schema:xsd:CreditNote-2::CreditNote";
const BILLING: &str = "##urn:cen.eu:en16931:2017#compliant#urn:fdc:peppol.eu:2017:poacc:billing:3.0::2.1";
/// Something every access point answers for, so that a group is never empty.
const OTHER: &str = "urn:oasis:names:specification:ubl:schema:xsd:ApplicationResponse-2::ApplicationResponse\
                     ##urn:fdc:peppol.eu:poacc:trns:mlr:3::2.1";

#[derive(Clone)]
struct Smp {
    registry: Arc<Mutex<Registry>>,
    switch: Arc<Switch>,
}

/// The routes of the SMP and its control calls.
pub(super) fn router(registry: Arc<Mutex<Registry>>, switch: Arc<Switch>) -> Router {
    Router::new()
        .route("/", get(show))
        .route("/{participant}", get(group))
        .route("/control/participants", post(participants))
        .route("/control/faults", post(faults))
        .route("/control/outage", post(outage))
        .with_state(Smp { registry, switch })
}

/// Everything but unreserved characters as `%XX`.
fn percent(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// The ServiceGroup of a participant.
fn service_group(base: &str, orgnr: &str, documents: Documents) -> String {
    let kinds: &[String] = &match documents {
        Documents::InvoiceAndCreditNote => {
            vec![format!("{INVOICE}{BILLING}"), format!("{CREDIT_NOTE}{BILLING}")]
        }
        Documents::InvoiceOnly => vec![format!("{INVOICE}{BILLING}")],
        Documents::None => vec![OTHER.to_owned()],
    };
    let participant = percent(&format!("{SCHEME}::0192:{orgnr}"));
    let mut references = String::new();
    for kind in kinds {
        let href = format!("{base}/{participant}/services/{}", percent(&format!("busdox-docid-qns::{kind}")));
        let _ = write!(references, "<smp:ServiceMetadataReference href=\"{}\"/>", escape(&href));
    }
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\
         <smp:ServiceGroup xmlns:smp=\"http://busdox.org/serviceMetadata/publishing/1.0/\" \
         xmlns:id=\"http://busdox.org/transport/identifiers/1.0/\">\
         <id:ParticipantIdentifier scheme=\"{SCHEME}\">0192:{}</id:ParticipantIdentifier>\
         <smp:ServiceMetadataReferenceCollection>{references}</smp:ServiceMetadataReferenceCollection>\
         </smp:ServiceGroup>",
        escape(orgnr)
    )
}

async fn group(Shared(smp): Shared<Smp>, headers: axum::http::HeaderMap, Path(participant): Path<String>) -> Response {
    let mut registry = lock(&smp.registry);
    registry.counters.smp_requests += 1;
    let Some(orgnr) = participant.strip_prefix("iso6523-actorid-upis::0192:") else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let xml = |text: String| ([("content-type", "text/xml;charset=UTF-8")], text).into_response();
    match registry.fault_of(orgnr) {
        Fault::SmpError => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        Fault::SmpNotFound => return StatusCode::NOT_FOUND.into_response(),
        Fault::SmpNonsense => return xml("<html><body>Welcome".to_owned()),
        _ => {}
    }
    let host = headers.get("host").and_then(|value| value.to_str().ok()).unwrap_or("localhost");
    match registry.participants.get(orgnr) {
        Some(documents) => xml(service_group(&format!("http://{host}"), orgnr, *documents)),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn show(Shared(smp): Shared<Smp>) -> Html<String> {
    let registry = lock(&smp.registry);
    let mut participants: Vec<_> = registry.participants.iter().collect();
    participants.sort();
    let mut rows = String::new();
    for (orgnr, documents) in participants {
        let takes = match documents {
            Documents::InvoiceAndCreditNote => "invoice, credit note",
            Documents::InvoiceOnly => "invoice",
            Documents::None => "neither",
        };
        let fault = format!("{:?}", registry.fault_of(orgnr));
        let orgnr = escape(orgnr);
        let _ = write!(rows, "<tr><td class=\"m\">0192:{orgnr}</td><td>{takes}</td><td>{fault}</td></tr>");
    }
    let facts = [
        ("participants", registry.participants.len().to_string()),
        ("DNS questions", registry.counters.dns_queries.to_string()),
        ("SMP requests", registry.counters.smp_requests.to_string()),
    ];
    let body = table("Participants", &["Participant", "Takes", "Fault"], &rows);
    page("Peppol look-up", "A simulated corner of the Peppol network: DNS and SMP.", &facts, &body)
}

#[derive(Deserialize)]
struct Participant {
    org_number: String,
    /// `null` or left out takes it out of the network.
    documents: Option<Documents>,
}

async fn participants(Shared(smp): Shared<Smp>, Json(request): Json<Participant>) -> StatusCode {
    let mut registry = lock(&smp.registry);
    match request.documents {
        Some(documents) => registry.register(&request.org_number, documents),
        None => {
            registry.participants.remove(&request.org_number);
        }
    }
    StatusCode::NO_CONTENT
}

#[derive(Deserialize)]
struct FaultRequest {
    org_number: Option<String>,
    fault: Fault,
}

async fn faults(Shared(smp): Shared<Smp>, Json(request): Json<FaultRequest>) -> StatusCode {
    lock(&smp.registry).set_fault(request.org_number.as_deref(), request.fault);
    StatusCode::NO_CONTENT
}

async fn outage(Shared(smp): Shared<Smp>, Json(change): Json<Outage>) -> Json<Outage> {
    smp.switch.set(change);
    Json(smp.switch.get())
}
