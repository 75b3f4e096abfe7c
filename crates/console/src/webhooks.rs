//! Webhook endpoints: which work, which are switched off and why, and what failed last.

use crate::ConsoleError;
use crate::channel::chip;
use crate::frame::Frame;
use crate::html::Html;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use askama::Template;
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Why an endpoint is switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DisabledWhy {
    /// It failed for too long.
    Failing,
    /// It answered 410.
    Gone,
    /// Somebody did it.
    ByHand,
}

/// Whether an endpoint is told anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndpointState {
    /// Yes.
    Active,
    /// No.
    Disabled {
        /// Since when.
        since: DateTime<Utc>,
        /// Why.
        why: DisabledWhy,
    },
}

/// A message that did not get through.
#[derive(Debug, Clone)]
pub struct WebhookFailure {
    /// When.
    pub at: DateTime<Utc>,
    /// Name of the event, such as `invoice.delivered`.
    pub event: String,
    /// HTTP status, when there was an answer.
    pub status: Option<u16>,
    /// What was said; never a body.
    pub words: String,
}

/// One endpoint.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// The endpoint.
    pub id: Uuid,
    /// Its address, without query.
    pub url: String,
    /// Events it asked for.
    pub events: Vec<String>,
    /// Whether it is told anything.
    pub state: EndpointState,
    /// Messages that wait or failed and can be sent again.
    pub waiting: u64,
    /// When it last took one.
    pub last_success_at: Option<DateTime<Utc>>,
    /// What failed last, newest first.
    pub failures: Vec<WebhookFailure>,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct WebhooksView {
    /// Endpoints; those switched off should come first.
    pub endpoints: Vec<Endpoint>,
}

struct Card<'a> {
    nth: usize,
    e: &'a Endpoint,
    chip: Html,
    off: Option<String>,
    last: String,
    events: String,
    primary: bool,
}

#[derive(Template)]
#[template(path = "webhooks.html")]
struct Page<'a> {
    p: Shell<'a>,
    cards: Vec<Card<'a>>,
}

/// The webhook endpoints.
pub fn webhooks(view: &WebhooksView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::Webhooks, crate::words::words(frame.language).webhooks);
    let first_off = view.endpoints.iter().position(|e| e.state != EndpointState::Active);
    let cards = view.endpoints.iter().enumerate().map(|(nth, e)| card(nth, e, first_off, &p)).collect();
    Ok(Page { p, cards }.render()?)
}

fn card<'a>(nth: usize, e: &'a Endpoint, first_off: Option<usize>, p: &Shell<'_>) -> Card<'a> {
    let (chip, off) = match e.state {
        EndpointState::Active => (chip("ok", Icon::Check, p.t.active), None),
        EndpointState::Disabled { since, why } => {
            let template = match why {
                DisabledWhy::Failing => p.t.off_failing,
                DisabledWhy::Gone => p.t.off_gone,
                DisabledWhy::ByHand => p.t.off_by_hand,
            };
            let text = p.fill(template, "since", p.moment_text(&since));
            (crate::channel::chip("bad", Icon::Pause, p.t.switched_off), Some(text))
        }
    };
    let last = e.last_success_at.map(|at| p.fill(p.t.last_ok, "time", p.moment_text(&at)));
    Card {
        nth,
        e,
        chip,
        off,
        last: last.unwrap_or_else(|| p.t.never_ok.to_owned()),
        events: p.fill(p.t.events, "list", e.events.join(", ")),
        primary: first_off == Some(nth),
    }
}
