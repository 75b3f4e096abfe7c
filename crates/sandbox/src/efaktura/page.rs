//! What the gateway received, as a page to look at.

use super::Gateway;
use super::state::Invoice;
use crate::net::page::{escape, kroner, page, table};
use axum::extract::State as Shared;
use axum::response::Html;
use std::fmt::Write;
use std::sync::Arc;

/// Rows shown, newest first.
const MOST_ROWS: usize = 200;

/// `GET /`.
pub(super) async fn show(Shared(gateway): Shared<Arc<Gateway>>) -> Html<String> {
    let state = gateway.hold();
    let mut rows = String::new();
    for invoice in state.invoices.iter().rev().take(MOST_ROWS) {
        row(&mut rows, invoice);
    }
    let mut issuers = String::new();
    for issuer in state.issuers.values() {
        let _ = write!(
            issuers,
            "<tr><td class=\"m\">{}</td><td>{}</td><td class=\"m\">{}</td><td class=\"s\">{}</td></tr>",
            escape(&issuer.orgnr),
            escape(&issuer.name),
            escape(&issuer.accounts.join(" ")),
            escape(&issuer.status),
        );
    }
    let webhook = match &state.webhook.url {
        Some(_) if !state.webhook.sends() => "off".to_owned(),
        Some(_) => format!("{} sent, {} waiting", state.webhook_sent, state.deliveries.len()),
        None => "none".to_owned(),
    };
    let facts = [
        ("invoices", state.invoices.len().to_string()),
        ("consumers looked up", state.lookups.to_string()),
        ("events", state.events.len().to_string()),
        ("webhook", webhook),
        ("gateway's clock", gateway.clock.now().format("%Y-%m-%d %H:%M UTC").to_string()),
    ];
    let columns = ["Number", "Issuer", "Amount, kr#", "Due#", "KID", "Receiver", "Document", "Status"];
    let body = table("Invoices", &columns, &rows)
        + &table("Issuers", &["Organisation", "Name", "Accounts", "Status"], &issuers);
    page("eFaktura gateway", "A simulated gateway. Nothing shown here has left this machine.", &facts, &body)
}

fn row(rows: &mut String, invoice: &Invoice) {
    let mut history = String::new();
    for step in &invoice.history {
        let reason = step.reason.as_ref().map(|reason| format!(" ({})", escape(reason))).unwrap_or_default();
        let _ = write!(history, "{}{reason}, {}<br>", step.status.word(), step.at.format("%d.%m. %H:%M:%S"));
    }
    let _ = write!(
        rows,
        "<tr><td class=\"m\">{}</td><td class=\"m\">{}</td><td class=\"n\">{}</td><td class=\"n\">{}</td><td class=\"m\">{}</td>\
         <td class=\"m\">{}</td><td>{}<br><small>{}, {}</small></td><td><span class=\"s\">{}</span><br><small>{history}</small></td></tr>",
        escape(&invoice.invoice_number),
        escape(&invoice.issuer),
        kroner(invoice.amount_ore),
        escape(&invoice.due_date),
        escape(&invoice.kid),
        escape(&invoice.receiver),
        escape(&invoice.document),
        escape(&invoice.document_type),
        escape(&invoice.payment),
        invoice.status().word(),
    );
}
