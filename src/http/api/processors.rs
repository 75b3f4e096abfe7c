//! Who works for the installation. The operator keeps the register at the command line; every key reads it.

use crate::ctx::Ctx;
use crate::http::auth::Reader;
use crate::http::problem::Failure;
use crate::privacy::processor::{self, ProcessorView};
use axum::Json;
use axum::extract::{Query, State};
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::{Recipient, Transfer};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which processors.
#[derive(Debug, Deserialize, IntoParams)]
pub(super) struct Which {
    /// Those that no longer work for the installation too.
    #[serde(default)]
    all: bool,
}

/// Somebody who works for the installation under a data-processing agreement.
#[derive(Serialize, ToSchema)]
pub(super) struct ProcessorItem {
    id: Uuid,
    name: String,
    /// mail_relay, efaktura, access_point, bank or host.
    #[schema(value_type = String, example = "mail_relay")]
    service: Recipient,
    /// Country where the data is, in two letters.
    country: String,
    /// Whether that is in the EEA.
    in_eea: bool,
    /// adequacy_decision, standard_contractual_clauses, binding_corporate_rules or derogation; outside the EEA only.
    #[schema(value_type = Option<String>)]
    transfer_ground: Option<Transfer>,
    /// Reference of the agreement.
    agreement: Option<String>,
    agreement_on: Option<NaiveDate>,
    /// When the risk was last assessed.
    assessed_on: Option<NaiveDate>,
    /// When it is assessed again.
    review_due_on: Option<NaiveDate>,
    /// Whether that day has passed.
    review_late: bool,
    added_at: DateTime<Utc>,
    ended_at: Option<DateTime<Utc>>,
}

impl From<ProcessorView> for ProcessorItem {
    fn from(p: ProcessorView) -> Self {
        Self {
            id: p.id,
            name: p.name,
            service: p.service,
            country: p.country,
            in_eea: p.in_eea,
            transfer_ground: p.transfer_ground,
            agreement: p.agreement,
            agreement_on: p.agreement_on,
            assessed_on: p.assessed_on,
            review_due_on: p.review_due_on,
            review_late: p.review_late,
            added_at: p.added_at,
            ended_at: p.ended_at,
        }
    }
}

/// Who works for the installation, and so for the organisation, under a data-processing agreement. The events `processor.added`
/// and `processor.ended` tell of changes.
#[utoipa::path(get, path = "/privacy/processors", tag = "privacy", params(Which), responses((status = 200, body = Vec<ProcessorItem>)))]
pub(super) async fn list_processors(
    State(ctx): State<Ctx>,
    Reader(_actor): Reader,
    Query(which): Query<Which>,
) -> Result<Json<Vec<ProcessorItem>>, Failure> {
    let all = processor::list(&ctx, which.all).await?;
    Ok(Json(all.into_iter().filter(ProcessorView::is_processor).map(ProcessorItem::from).collect()))
}
