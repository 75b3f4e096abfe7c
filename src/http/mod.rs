//! The API over HTTP: authenticate, read the request, call one service, map the result.
//!
//! May import `domain`, `ctx`, `services`, `privacy`, `render` and `store::views` (reads). To add a route: a handler
//! with its `utoipa::path` in the noun's file under `api`, and its line in `api::routes`.

mod api;
mod ask_form;
mod auth;
mod console;
mod efaktura;
mod extract;
mod form;
mod payer;
mod peer;
mod privacy;
mod problem;
mod reads;
mod router;

pub use auth::OPEN_ROUTES;
pub use reads::{READ_ROUTES, UNREAD_ROUTES};
pub use router::{openapi_json, router};
