//! What the access point received, as a page to look at.

use super::Point;
use crate::net::lock;
use crate::net::page::{escape, page, table};
use axum::extract::State as Shared;
use axum::response::Html;
use std::collections::HashSet;
use std::fmt::Write;
use std::sync::Arc;

/// Rows shown, newest first.
const MOST_ROWS: usize = 200;

/// `GET /`.
pub(super) async fn show(Shared(point): Shared<Arc<Point>>) -> Html<String> {
    let state = lock(&point.state);
    let mut rows = String::new();
    for message in state.messages.iter().rev().take(MOST_ROWS) {
        let progress = &message.progress;
        let error = progress.error.as_ref().map(|error| format!("<br><small>{}</small>", escape(error)));
        let _ = write!(
            rows,
            "<tr><td class=\"m\">{}</td><td class=\"m\">{}</td><td class=\"m\">{}</td><td class=\"n\">{}</td><td>{}</td>\
             <td class=\"n\">{}</td><td><span class=\"s\">{}</span>{}</td><td class=\"m\">{}</td></tr>",
            escape(&message.document_id),
            escape(&message.sender),
            escape(&message.receiver),
            message.xml.len(),
            message.created_at.format("%d.%m. %H:%M:%S"),
            progress.attempts,
            progress.status.word(),
            error.unwrap_or_default(),
            escape(&progress.sbdh_instance_id),
        );
    }
    let receivers: HashSet<&str> = state.messages.iter().map(|message| message.receiver.as_str()).collect();
    let facts = [
        ("messages", state.messages.len().to_string()),
        ("receivers", receivers.len().to_string()),
        ("in transmission", state.in_transmission().count().to_string()),
        ("repeated submissions", state.repeats.to_string()),
        ("clock", point.clock.now().format("%Y-%m-%d %H:%M UTC").to_string()),
    ];
    let columns = ["Document", "From", "To", "Bytes#", "Came", "Attempts#", "Status", "SBDH instance"];
    let body = table("Documents", &columns, &rows);
    page("Peppol access point", "A simulated access point. Nothing shown here has left this machine.", &facts, &body)
}
