//! The log of reads of personal data.

use crate::ctx::Ctx;
use crate::http::auth::Admin;
use crate::http::extract::{List, Page};
use crate::http::problem::Failure;
use crate::privacy::reading::{self, ReadingView};
use axum::Json;
use axum::extract::{Query, State};
use serde::Deserialize;
use utoipa::IntoParams;
use uuid::Uuid;

/// Whose data was read.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Whose {
    /// A customer, a contact person or a user, by id; everybody when left out.
    customer_id: Option<Uuid>,
}

/// Who looked at whose data, when and for what, oldest first: ids only.
#[utoipa::path(get, path = "/privacy/reads", tag = "privacy", params(Page, Whose), responses((status = 200, body = List<ReadingView>)))]
pub(super) async fn list_reads(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Query(page): Query<Page>,
    Query(whose): Query<Whose>,
) -> Result<Json<List<ReadingView>>, Failure> {
    let limit = page.limit();
    let rows = reading::list(&ctx, &actor, whose.customer_id, page.after()?, limit.unsigned_abs()).await?;
    reading::note(&ctx, &actor, "reads.list", reading::about([whose.customer_id])).await?;
    Ok(Json(List::new(rows, limit, |r| r.id)))
}
