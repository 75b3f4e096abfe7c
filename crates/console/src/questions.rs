//! The pages between a click and what cannot be taken back: confirming, and choosing another channel.

use crate::channel::Channel;
use crate::channel::Named as _;
use crate::fix::Fix;
use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::words::fill;
use crate::{ConsoleError, cause};
use askama::Template;
use domain::delivery::State;
use domain::money::Money;
use uuid::Uuid;

/// One delivery a question is about.
#[derive(Debug, Clone)]
pub struct QuestionRow {
    /// The delivery.
    pub id: Uuid,
    /// Its invoice.
    pub invoice_id: Uuid,
    /// Number of the invoice.
    pub invoice_number: i64,
    /// Name of the customer.
    pub customer_name: String,
    /// Amount of the invoice.
    pub amount: Money,
    /// The channel it went by.
    pub channel: Channel,
    /// Where it stands.
    pub state: State,
}

/// What the confirmation page asks.
#[derive(Debug, Clone)]
pub struct ConfirmView {
    /// What is about to be done.
    pub fix: Fix,
    /// To which deliveries; at least one.
    pub rows: Vec<QuestionRow>,
    /// The channel they go by, when it is known.
    pub channel: Option<Channel>,
    /// Typed address for this once, carried on.
    pub address: Option<String>,
    /// Where "cancel" leads: a path of this service.
    pub back: String,
}

#[derive(Template)]
#[template(path = "confirm.html")]
struct ConfirmPage<'a> {
    p: Shell<'a>,
    v: &'a ConfirmView,
    warnings: Vec<String>,
    happens: String,
    button: String,
    action: String,
}

/// Asks before deliveries are sent again, sent elsewhere or acted on in bulk.
pub fn delivery_confirm(view: &ConfirmView, frame: &Frame) -> Result<String, ConsoleError> {
    let n = view.rows.len() as u64;
    let p = Shell::new(frame, Section::Deliveries, "");
    let title = p.n_filled(view.fix.question(n != 1, p.lang()), n);
    let p = Shell { title, ..p };
    let action = match (view.fix, view.channel) {
        (Fix::OtherChannel, Some(channel)) => format!("redirect:{}", channel.as_str()),
        (fix, _) => fix.as_str().to_owned(),
    };
    let button = p.plural(n, view.fix.button(p.lang()), view.fix.verb(p.lang()));
    let page = ConfirmPage { warnings: warnings(view, &p), happens: happens(view, &p), button, action, v: view, p };
    Ok(page.render()?)
}

/// Who gets something twice.
fn warnings(view: &ConfirmView, p: &Shell<'_>) -> Vec<String> {
    if !matches!(view.fix, Fix::Resend | Fix::OtherChannel | Fix::Print) {
        return Vec::new();
    }
    let count = |state| view.rows.iter().filter(|row| row.state == state).count() as u64;
    let mut out = Vec::new();
    match (count(State::Delivered), view.rows.as_slice()) {
        (0, _) => {}
        (1, [row]) => out.push(p.fill(p.t.confirm_resend, "channel", p.channel_word(&row.channel))),
        (n, _) => out.push(p.plural(n, p.t.already_one, p.t.already)),
    }
    match count(State::Unknown) {
        0 => {}
        n => out.push(p.plural(n, p.t.perhaps_one, p.t.perhaps)),
    }
    out
}

fn happens(view: &ConfirmView, p: &Shell<'_>) -> String {
    match (view.fix, view.channel) {
        (Fix::Resend, _) => p.t.does_resend.to_owned(),
        (Fix::OtherChannel, Some(channel)) => fill(p.t.does_redirect, &[("by", channel.by(p.lang()))]),
        (Fix::OtherChannel, None) => p.t.does_redirect_any.to_owned(),
        (Fix::Print, _) => p.t.does_print.to_owned(),
        (Fix::Credit, _) => p.t.does_credit.to_owned(),
        (Fix::Handled, _) => p.t.does_handled.to_owned(),
        (Fix::Cancel, _) => p.t.does_cancel.to_owned(),
    }
}

/// A channel to choose, or why it cannot be.
#[derive(Debug, Clone)]
pub struct ChannelChoice {
    /// The channel.
    pub channel: Channel,
    /// Cause code of why not; `None` when it can be chosen.
    pub blocked_by: Option<String>,
}

/// What must be put right in the form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RedirectError {
    /// No channel is chosen.
    NoChannel,
    /// E-mail needs an address, and the customer has none.
    NoAddress,
    /// The address cannot be one.
    InvalidAddress,
    /// The channel turned out not to work; cause code.
    Refused(String),
}

/// What the form for another channel shows.
#[derive(Debug, Clone)]
pub struct RedirectView {
    /// The deliveries; at least one.
    pub rows: Vec<QuestionRow>,
    /// Channels, possible ones and others.
    pub channels: Vec<ChannelChoice>,
    /// The chosen one.
    pub chosen: Option<Channel>,
    /// The typed address.
    pub address: String,
    /// What must be put right.
    pub errors: Vec<RedirectError>,
    /// Where "cancel" leads: a path of this service.
    pub back: String,
}

#[derive(Template)]
#[template(path = "redirect.html")]
struct RedirectPage<'a> {
    p: Shell<'a>,
    v: &'a RedirectView,
    /// Field id and text.
    errors: Vec<(&'static str, String)>,
    possible: Vec<Channel>,
    blocked: Vec<(String, String)>,
    may_type: bool,
    button: String,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "templates pass references")]
impl RedirectPage<'_> {
    fn is_chosen(&self, channel: &Channel) -> bool {
        self.v.chosen == Some(*channel)
    }

    fn channel_errors(&self) -> Vec<&str> {
        self.errors.iter().filter(|(id, _)| *id != "address").map(|(_, text)| text.as_str()).collect()
    }

    fn errors_of(&self, field: &str) -> Vec<&str> {
        self.errors.iter().filter(|(id, _)| *id == field).map(|(_, text)| text.as_str()).collect()
    }
}

/// The form that sends deliveries by another channel, or to another address.
pub fn redirect(view: &RedirectView, frame: &Frame) -> Result<String, ConsoleError> {
    let n = view.rows.len() as u64;
    let p = Shell::new(frame, Section::Deliveries, "");
    let title = match view.rows.as_slice() {
        [row] => p.fill(p.t.redirect_one, "n", row.invoice_number),
        _ => p.n_filled(p.t.redirect_many, n),
    };
    let p = Shell { title, ..p };
    let possible: Vec<Channel> = view.channels.iter().filter(|c| c.blocked_by.is_none()).map(|c| c.channel).collect();
    let blocked = |c: &ChannelChoice| {
        let why = cause::say(c.blocked_by.as_deref()?, p.lang()).title;
        Some((p.channel(&c.channel), why))
    };
    let first = possible.first().map_or("channel-none", |c| c.as_str());
    let page = RedirectPage {
        errors: view.errors.iter().map(|e| explain(e, first, &p)).collect(),
        may_type: view.rows.len() == 1 && possible.contains(&Channel::Mail),
        button: p.plural(n, p.t.send_now_one, p.t.send_now),
        blocked: view.channels.iter().filter_map(blocked).collect(),
        possible,
        v: view,
        p,
    };
    Ok(page.render()?)
}

fn explain(error: &RedirectError, first: &'static str, p: &Shell<'_>) -> (&'static str, String) {
    match error {
        RedirectError::NoChannel => (first, p.t.error_channel.to_owned()),
        RedirectError::NoAddress => ("address", p.t.error_address.to_owned()),
        RedirectError::InvalidAddress => ("address", p.w.error_email.to_owned()),
        RedirectError::Refused(code) => (first, cause::say(code, p.lang()).title),
    }
}
