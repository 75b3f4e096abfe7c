//! Erasures, the archive of what law keeps, and numbers of those who were erased.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, Reader, Writer, with_body};
use crate::http::extract::{Created, created, done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::archive::{self, Question, Record};
use crate::privacy::certificate::{self, Certificate, Part};
use crate::privacy::erase;
use crate::privacy::explain::{self, Subject};
use crate::privacy::reading;
use crate::privacy::statement;
use crate::services::Error;
use crate::services::customer::{self, Readmission};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use domain::customer::Language;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Who is to be erased.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    /// customer, contact or user.
    #[schema(example = "customer")]
    subject_kind: String,
    /// The customer, the contact person or the user.
    subject_id: Uuid,
}

impl Person {
    async fn subject(&self, ctx: &Ctx, actor: &crate::services::Actor) -> Result<Subject, Error> {
        explain::subject(ctx, actor, &self.subject_kind, self.subject_id).await
    }
}

/// What an erasure would do today.
#[derive(Serialize, ToSchema)]
pub(super) struct Preview {
    /// What becomes of what: deleted, kept_by_law or kept_otherwise.
    parts: Vec<Part>,
}

/// What erasing somebody would do today: what goes, what law keeps and until when, and what is still needed.
#[utoipa::path(post, path = "/privacy/erasures/preview", tag = "privacy", request_body = Person, responses((status = 200, body = Preview), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn preview_erasure(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    body: Bytes,
) -> Result<Json<Preview>, Failure> {
    let person: Person = json(&body)?;
    let subject = person.subject(&ctx, &actor).await?;
    reading::note(&ctx, &actor, "erasure.preview", subject).await?;
    Ok(Json(Preview { parts: erase::preview(&ctx, &actor, subject).await? }))
}

/// Erases a customer, a contact person or a user. What is free goes at once; what law keeps is closed away until its day; what
/// is still needed to reach a debtor goes by itself when nothing is owed any more. It cannot be undone.
#[utoipa::path(post, path = "/privacy/erasures", tag = "privacy", request_body = Person, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn erase_person(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    let person: Person = json(&body)?;
    let actor = with_body(actor, &body);
    let erased = async {
        if actor.idempotency.is_some() {
            erase::unless_done(&ctx, &actor).await?;
        }
        let subject = person.subject(&ctx, &actor).await?;
        erase::erase(&ctx, &actor, subject).await
    };
    created(erased.await.map(|case| case.id))
}

/// Erasures, the newest first. None names anybody.
#[utoipa::path(get, path = "/privacy/erasures", tag = "privacy", responses((status = 200, body = Vec<Certificate>)))]
pub(super) async fn list_erasures(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
) -> Result<Json<Vec<Certificate>>, Failure> {
    Ok(Json(certificate::list(&ctx, &actor).await?))
}

/// An erasure: what went, what is kept, on what ground and until when, signed.
#[utoipa::path(get, path = "/privacy/erasures/{id}", tag = "privacy", params(("id" = Uuid, Path)), responses((status = 200, body = Certificate), (status = 404, body = Problem)))]
pub(super) async fn get_erasure(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Json<Certificate>, Failure> {
    Ok(Json(certificate::get(&ctx, &actor, id).await?))
}

/// In which language.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct In {
    /// nb, nn or en; nb when left out.
    language: Option<String>,
}

/// The certificate of an erasure as a PDF.
#[utoipa::path(get, path = "/privacy/erasures/{id}/certificate.pdf", tag = "privacy", params(("id" = Uuid, Path), In), responses((status = 200, content_type = "application/pdf"), (status = 404, body = Problem)))]
pub(super) async fn get_certificate(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
    Query(wanted): Query<In>,
) -> Result<Response, Failure> {
    let language = Language::from_code(wanted.language.as_deref().unwrap_or("nb"));
    let paper = certificate::paper(&ctx, &actor, id, language).await?;
    let pdf = tokio::task::spawn_blocking(move || statement::pdf(&paper)).await;
    let pdf = pdf.map_err(|e| Error::from(std::io::Error::other(e.to_string())))??;
    Ok(([(header::CONTENT_TYPE, "application/pdf")], pdf).into_response())
}

/// Takes a number in again whose customer was erased: the next list makes a new customer of it.
#[utoipa::path(post, path = "/privacy/erased-numbers/readmit", tag = "privacy", request_body = Readmission, responses((status = 204), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn readmit_number(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let asked: Readmission = json(&body)?;
    done(customer::readmit(&ctx, &with_body(actor, &body), &asked).await)
}

/// Reads the archive of what law keeps of a customer whose relationship is over. Who read it, when and why is kept.
#[utoipa::path(post, path = "/privacy/archive/readings", tag = "privacy", request_body = Question, responses((status = 200, body = Record), (status = 404, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn read_archive(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Json<Record>, Failure> {
    let question: Question = json(&body)?;
    // A repeat reads again, and is kept again.
    let actor = crate::services::Actor { idempotency: None, ..actor };
    Ok(Json(archive::read(&ctx, &actor, &question).await?))
}
