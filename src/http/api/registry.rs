//! Products and standing orders.

use crate::ctx::Ctx;
use crate::http::auth::{Reader, Writer, with_body};
use crate::http::extract::{Created, List, Page, created, json};
use crate::http::problem::{Failure, Problem};
use crate::services::product::{self, NewProduct};
use crate::services::standing_order::{self, NewStandingOrder};
use crate::store::views::{self, ProductItem, StandingOrderItem};
use axum::Json;
use axum::extract::{Query, State};
use axum::response::Response;
use bytes::Bytes;

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
