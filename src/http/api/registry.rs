//! Products and standing orders.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, if_match, json, repeatable, versioned};
use crate::http::problem::{Failure, Problem};
use crate::privacy::reading;
use crate::services::product::{self, NewProduct, ProductPatch};
use crate::services::standing_order::{self, NewStandingOrder, StandingOrderPatch};
use crate::services::{Actor, Error};
use crate::store::views::{self, ProductItem, StandingOrderItem, StandingOrderLineItem};
use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use bytes::Bytes;
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Products.
#[utoipa::path(get, path = "/products", tag = "registry", params(Page), responses((status = 200, body = List<ProductItem>)))]
pub(super) async fn list_products(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<ProductItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::products(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    Ok(Json(List::new(items, page.limit(), |p| p.id)))
}

/// Makes a product.
#[utoipa::path(post, path = "/products", tag = "registry", request_body = NewProduct, responses((status = 201, body = Created), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_product(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewProduct = json(&body)?;
    created(product::create(&ctx, &with_body(actor, &body), new).await)
}

async fn product_view(ctx: &Ctx, org: Uuid, id: Uuid) -> Result<Response, Failure> {
    let tx = ctx.db.read(org).await?;
    let found = views::product(&tx, id).await?.ok_or_else(|| Error::not_found("product"))?;
    tx.commit().await?;
    Ok(versioned(found.version, &found))
}

/// A product.
#[utoipa::path(get, path = "/products/{id}", tag = "registry", params(("id" = Uuid, Path)), responses((status = 200, body = ProductItem), (status = 404, body = Problem)))]
pub(super) async fn get_product(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    product_view(&ctx, actor.org, id).await
}

/// Changes a product. What was issued before keeps what it said.
#[utoipa::path(patch, path = "/products/{id}", tag = "registry", request_body = ProductPatch, params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "ETag of the version you saw")), responses((status = 200, body = ProductItem), (status = 404, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_product(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let (version, org) = (if_match(&headers)?, actor.org);
    repeatable(product::patch(&ctx, &with_body(actor, &body), id, version, json(&body)?).await)?;
    product_view(&ctx, org, id).await
}

/// Standing orders.
#[utoipa::path(get, path = "/standing-orders", tag = "registry", params(Page), responses((status = 200, body = List<StandingOrderItem>)))]
pub(super) async fn list_standing_orders(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Query(page): Query<Page>,
) -> Result<Json<List<StandingOrderItem>>, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let items = views::standing_orders(&tx, page.after()?, page.limit()).await?;
    tx.commit().await?;
    reading::note(&ctx, &actor, "standing_orders.list", reading::about(items.iter().map(|o| Some(o.customer_id))))
        .await?;
    Ok(Json(List::new(items, page.limit(), |o| o.id)))
}

/// Makes a standing order.
#[utoipa::path(post, path = "/standing-orders", tag = "registry", request_body = NewStandingOrder, responses((status = 201, body = Created), (status = 404, body = Problem), (status = 409, body = Problem), (status = 422, body = Problem)))]
pub(super) async fn create_standing_order(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    body: Bytes,
) -> Result<Response, Failure> {
    let new: NewStandingOrder = json(&body)?;
    created(standing_order::create(&ctx, &with_body(actor, &body), new).await)
}

/// A standing order with its lines.
#[derive(Serialize, ToSchema)]
pub(super) struct StandingOrderView {
    #[serde(flatten)]
    order: StandingOrderItem,
    lines: Vec<StandingOrderLineItem>,
}

async fn order_view(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Response, Failure> {
    let tx = ctx.db.read(actor.org).await?;
    let (order, lines) = views::standing_order(&tx, id).await?.ok_or_else(|| Error::not_found("standing order"))?;
    tx.commit().await?;
    reading::note(ctx, actor, "standing_order.get", order.customer_id).await?;
    Ok(versioned(order.version, &StandingOrderView { order, lines }))
}

/// A standing order with its lines.
#[utoipa::path(get, path = "/standing-orders/{id}", tag = "registry", params(("id" = Uuid, Path)), responses((status = 200, body = StandingOrderView), (status = 404, body = Problem)))]
pub(super) async fn get_standing_order(
    State(ctx): State<Ctx>,
    Reader(actor): Reader,
    Path(id): Path<Uuid>,
) -> Result<Response, Failure> {
    order_view(&ctx, &actor, id).await
}

/// Changes a standing order. Periods billed before keep what they said; to end it, set `end_on`.
#[utoipa::path(patch, path = "/standing-orders/{id}", tag = "registry", request_body = StandingOrderPatch, params(("id" = Uuid, Path), ("If-Match" = String, Header, description = "ETag of the version you saw")), responses((status = 200, body = StandingOrderView), (status = 404, body = Problem), (status = 409, body = Problem), (status = 412, body = Problem), (status = 422, body = Problem), (status = 428, body = Problem)))]
pub(super) async fn patch_standing_order(
    State(ctx): State<Ctx>,
    Writer(actor): Writer,
    Path(id): Path<Uuid>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Failure> {
    let version = if_match(&headers)?;
    repeatable(standing_order::patch(&ctx, &with_body(actor.clone(), &body), id, version, &json(&body)?).await)?;
    order_view(&ctx, &actor, id).await
}
