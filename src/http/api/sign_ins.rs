//! Sign-ins of people, and addresses nobody signs in from.

use crate::ctx::Ctx;
use crate::http::auth::{Admin, with_body};
use crate::http::extract::{Created, created, done, json};
use crate::http::problem::{Failure, Problem};
use crate::privacy::blocked::{self, BlockView, NewBlock};
use crate::privacy::reading;
use crate::services::sign_in::{self, SignInView};
use axum::Json;
use axum::extract::{Path, State};
use axum::response::Response;
use bytes::Bytes;
use chrono::NaiveDate;
use serde::Deserialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// The newest attempts to sign in of somebody who acts for the organisation, the newest first.
#[utoipa::path(get, path = "/users/{user_id}/sign-ins", tag = "access", params(("user_id" = Uuid, Path)), responses((status = 200, body = Vec<SignInView>), (status = 404, body = Problem)))]
pub(super) async fn list_sign_ins(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(user_id): Path<Uuid>,
) -> Result<Json<Vec<SignInView>>, Failure> {
    let rows = sign_in::list_of_member(&ctx, actor.org, user_id).await?;
    reading::note(&ctx, &actor, "user.sign_ins", user_id).await?;
    Ok(Json(rows))
}

/// Addresses nobody signs in from, the newest first. Where several organisations share the installation its operator sees to them.
#[utoipa::path(get, path = "/blocked-addresses", tag = "access", responses((status = 200, body = Vec<BlockView>), (status = 403, body = Problem)))]
pub(super) async fn list_blocks(State(ctx): State<Ctx>, Admin(_actor): Admin) -> Result<Json<Vec<BlockView>>, Failure> {
    blocked::unless_shared(&ctx).await?;
    Ok(Json(blocked::list(&ctx).await?))
}

/// Lets nobody sign in from an address or a range, until it is lifted; not looked at again within six months, it is lifted by itself.
#[utoipa::path(post, path = "/blocked-addresses", tag = "access", request_body = NewBlock, responses((status = 201, body = Created), (status = 403, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn block_address(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    body: Bytes,
) -> Result<Response, Failure> {
    blocked::unless_shared(&ctx).await?;
    let new: NewBlock = json(&body)?;
    created(blocked::place(&ctx, &with_body(actor, &body), &new).await)
}

/// When a block is looked at again.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct BlockReview {
    /// The day: six months from now at the latest, and when left out.
    review_on: Option<NaiveDate>,
}

/// Notes that a block was looked at and is still needed.
#[utoipa::path(post, path = "/blocked-addresses/{block_id}/review", tag = "access", params(("block_id" = Uuid, Path)), request_body = BlockReview, responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn review_block(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(block_id): Path<Uuid>,
    body: Bytes,
) -> Result<Response, Failure> {
    blocked::unless_shared(&ctx).await?;
    let review: BlockReview = json(&body)?;
    done(blocked::review(&ctx, &with_body(actor, &body), block_id, review.review_on).await)
}

/// Lifts a block.
#[utoipa::path(delete, path = "/blocked-addresses/{block_id}", tag = "access", params(("block_id" = Uuid, Path)), responses((status = 204), (status = 403, body = Problem), (status = 404, body = Problem)))]
pub(super) async fn unblock_address(
    State(ctx): State<Ctx>,
    Admin(actor): Admin,
    Path(block_id): Path<Uuid>,
) -> Result<Response, Failure> {
    blocked::unless_shared(&ctx).await?;
    done(blocked::lift(&ctx, &actor, block_id).await)
}
