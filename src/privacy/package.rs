//! What is held of somebody, handed to them: made from the inventory, so that no column can be left out, for a person to read
//! (HTML, PDF) and for a machine (JSON, CSV). Made anew each time; no copy is kept.

use super::explain::{Explained, Subject, explain};
use super::inventory::{self, Class};
use super::policy;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::OrgTx;
use crate::store::organisation;
use crate::store::reading as readings;
use crate::store::request::{self as store, Rows};
use domain::customer::Language;
use domain::privacy::{Basis, Policy, Subject as About};
use render::paper::Paper;
use render::privacy::{DataTable, PackageFacts};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use utoipa::ToSchema;
use uuid::Uuid;

/// How the rows of a table are found: of a customer, of a contact person.
struct Place {
    table: &'static str,
    from: &'static str,
    customer: &'static str,
    contact: Option<&'static str>,
}

const fn place(table: &'static str, from: &'static str, customer: &'static str) -> Place {
    Place { table, from, customer, contact: None }
}

const OF_DELIVERY: &str = "d.customer_id = $2";
/// Reads about somebody; when and for what, and not by whom (C-579/21).
const READ_ABOUT: &str = "{read_about}";
const OWN: &str = "t.customer_id = $2";

/// Every table that tells of customers and contact persons. One that is not here, nor among those below, fails a test.
const PLACES: &[Place] = &[
    place("customer", "customer t", "t.id = $2"),
    place("customer_core", "customer_core t", OWN),
    place("customer_detail", "customer_detail t", OWN),
    place("customer_alias", "customer_alias t", OWN),
    place("customer_document_address", "customer_document_address t", OWN),
    Place { contact: Some("t.id = $2"), ..place("customer_contact", "customer_contact t", OWN) },
    place("standing_order", "standing_order t", OWN),
    place(
        "standing_order_line",
        "standing_order_line t JOIN standing_order s ON s.org_id = t.org_id AND s.id = t.standing_order_id",
        "s.customer_id = $2",
    ),
    place("invoice_draft", "invoice_draft t", OWN),
    place("invoice_run_skip", "invoice_run_skip t", OWN),
    place("invoice", "invoice t", OWN),
    place(
        "invoice_text",
        "invoice_text t JOIN invoice i ON i.org_id = t.org_id AND i.id = t.invoice_id",
        "i.customer_id = $2",
    ),
    place(
        "invoice_vat",
        "invoice_vat t JOIN invoice i ON i.org_id = t.org_id AND i.id = t.invoice_id",
        "i.customer_id = $2",
    ),
    place(
        "party_block",
        "party_block t JOIN invoice i ON i.org_id = t.org_id AND i.buyer_block_id = t.id",
        "i.customer_id = $2",
    ),
    place(
        "billed_period",
        "billed_period t JOIN invoice i ON i.org_id = t.org_id AND i.id = t.invoice_id",
        "i.customer_id = $2",
    ),
    place("document", "document t JOIN invoice i ON i.org_id = t.org_id AND i.id = t.invoice_id", "i.customer_id = $2"),
    place("kid", "kid t", OWN),
    place("ledger_entry", "ledger_entry t", OWN),
    place("opening_item", "opening_item t", OWN),
    place("open_item", "open_item t", OWN),
    place(
        "allocation",
        "allocation t JOIN open_item o ON o.org_id = t.org_id AND o.id = t.open_item_id",
        "o.customer_id = $2",
    ),
    place("payment", "payment t", OWN),
    place(
        "payment_payer",
        "payment_payer t JOIN payment p ON p.org_id = t.org_id AND p.id = t.payment_id",
        "p.customer_id = $2",
    ),
    place("mandate", "mandate t", OWN),
    place("delivery", "delivery t", OWN),
    place(
        "delivery_event",
        "delivery_event t JOIN delivery d ON d.org_id = t.org_id AND d.id = t.delivery_id",
        OF_DELIVERY,
    ),
    place(
        "delivery_attempt",
        "delivery_attempt t JOIN delivery d ON d.org_id = t.org_id AND d.id = t.delivery_id",
        OF_DELIVERY,
    ),
    place(
        "delivery_address",
        "delivery_address t JOIN delivery d ON d.org_id = t.org_id AND d.id = t.delivery_id",
        OF_DELIVERY,
    ),
    place("channel_lookup", "channel_lookup t", OWN),
    place("mail_suppression", "mail_suppression t", OWN),
    place("payer_link", "payer_link t", OWN),
    place("privacy_hold", "privacy_hold t", OWN),
    Place { contact: Some("t.subject_id = $2"), ..place("privacy_request", "privacy_request t", "t.subject_id = $2") },
    place(
        "privacy_notice",
        "privacy_notice t JOIN privacy_request r ON r.org_id = t.org_id AND r.id = t.request_id",
        "r.subject_id = $2",
    ),
    place("consent", "consent t", OWN),
    place("breach_person", "breach_person t", OWN),
    place("statement_notice", "statement_notice t", "t.person_id = $2"),
    Place { contact: Some(READ_ABOUT), ..place("personal_reading", "personal_reading t", READ_ABOUT) },
];

/// Tables that tell of somebody and are not handed out with the rest, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("archive_customer", "the relationship is over: the archive is read with a reason"),
    ("archive_party", "the relationship is over: the archive is read with a reason"),
    ("archive_text", "the relationship is over: the archive is read with a reason"),
    ("archive_payer", "the relationship is over: the archive is read with a reason"),
    ("archive_document", "the relationship is over: the archive is read with a reason"),
    ("customer_plan", "a list that waits to be applied; seven days"),
    ("customer_plan_part", "a list that waits to be applied; seven days"),
    ("bank_file", "the bank's own file, of many payers; each payment is handed out"),
    ("payer_session", "a page that is open for half an hour"),
    ("privacy_erasure", "names nobody"),
    ("erased_number", "a keyed hash of a number that is no longer held"),
    ("invoice_run", "of many customers; each invoice is handed out"),
];

/// Columns that are keys and marks of the service, which say nothing of anybody.
const MARKS: &[&str] = &[
    "org_id",
    "list_digest",
    "asked_of",
    "address_hash",
    "token_hash",
    "code_hash",
    "link_hash",
    "letter_hash",
    "identity_hash",
    "snapshot_hash",
    "content_hash",
    "lease_token",
    "lease_until_at",
    "provider_seq",
    "version",
    "take_back",
    "subjects",
];

/// Everything held of somebody.
#[derive(Clone, Serialize, ToSchema)]
pub struct Package {
    /// customer or contact.
    pub subject_kind: String,
    /// When it was made.
    pub made_at: chrono::DateTime<chrono::Utc>,
    /// What is held, why, on what ground, until when, and who was told.
    pub explained: Explained,
    /// Rows by table: names of columns and their values, as `docs/privacy.md` describes them.
    #[schema(value_type = Object)]
    pub data: BTreeMap<String, Rows>,
    /// What tells of people and is not handed out with the rest, and why.
    #[schema(value_type = Object)]
    pub left_out: BTreeMap<&'static str, &'static str>,
}

fn is_personal(class: &Class) -> bool {
    matches!(class.subject, About::Payer | About::ContactPerson | About::BankPayer)
}

/// Personal columns of a table; with a policy only those held by consent or contract (article 20).
fn columns_of(table: &str, portable: Option<&Policy>) -> Vec<&'static str> {
    let provided = |class: &Class| match portable {
        None => true,
        Some(policy) => class.rules.iter().any(|r| {
            policy.rule(*r).is_some_and(|r| r.bases.contains(&Basis::Contract) || r.bases.contains(&Basis::Consent))
        }),
    };
    inventory::columns()
        .filter(|(t, c, class)| *t == table && !MARKS.contains(c) && is_personal(class) && provided(class))
        .map(|(_, c, _)| c)
        .collect()
}

/// Makes the package of a customer or a contact person; portable holds what the person gave under a contract or by consent.
pub async fn make(
    ctx: &Ctx,
    actor: &Actor,
    subject: Subject,
    portable: bool,
    language: Language,
) -> Result<Package, Error> {
    let explained = explain(ctx, actor, subject, Some(language)).await?;
    let (id, contact) = match subject {
        Subject::Customer(id) => (id, false),
        Subject::Contact { id, .. } => (id, true),
        _ => return Err(Error::field("subject_kind", "not_a_person", "a customer or a contact person")),
    };
    super::reading::write(ctx).await?;
    let tx = ctx.db.read(actor.org).await?;
    let policy = policy::on(&tx, ctx.today()).await?.policy;
    let data = collect(&tx, id, contact, portable.then_some(&policy)).await?;
    tx.commit().await?;
    let subject_kind = explained.subject_kind.clone();
    let left_out = ELSEWHERE.iter().copied().collect();
    Ok(Package { subject_kind, made_at: ctx.now(), explained, data, left_out })
}

async fn collect(
    tx: &OrgTx,
    id: Uuid,
    contact: bool,
    portable: Option<&Policy>,
) -> Result<BTreeMap<String, Rows>, Error> {
    let mut data = BTreeMap::new();
    for place in PLACES {
        let Some(of) = (if contact { place.contact } else { Some(place.customer) }) else { continue };
        let columns = columns_of(place.table, portable);
        if columns.is_empty() {
            continue;
        }
        let of = of.replace(READ_ABOUT, readings::is_about(tx));
        let rows = store::values(tx, place.from, &of, &columns, id).await?;
        if !rows.is_empty() {
            data.insert(place.table.to_owned(), rows);
        }
    }
    Ok(data)
}

impl Package {
    /// As a text a person reads.
    pub async fn paper(&self, ctx: &Ctx, actor: &Actor, language: Language) -> Result<Paper, Error> {
        let tx = ctx.db.read(actor.org).await?;
        let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
        tx.commit().await?;
        let tables = self.data.iter().map(|(table, rows)| DataTable { table: table.clone(), rows: rows.clone() });
        let facts = PackageFacts {
            organisation: org.name,
            email: org.email,
            on: ctx.today(),
            held: self
                .explained
                .held
                .iter()
                .map(|h| render::privacy::HeldFacts {
                    rule: h.rule,
                    count: h.count,
                    bases: h.bases.clone(),
                    recipients: h.recipients.clone(),
                    until: h.deletable_on,
                })
                .collect(),
            tables: tables.collect(),
        };
        Ok(render::privacy::package(&facts, language))
    }

    /// As a file: JSON, a CSV a table, and the text as HTML and PDF where it is given.
    pub fn zip(&self, paper: Option<&Paper>) -> Result<Vec<u8>, Error> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        let mut add = |name: &str, bytes: &[u8]| -> std::io::Result<()> {
            zip.start_file(name, zip::write::SimpleFileOptions::default()).map_err(std::io::Error::other)?;
            zip.write_all(bytes)
        };
        add("data.json", &serde_json::to_vec_pretty(self).map_err(std::io::Error::other)?)?;
        for (table, rows) in &self.data {
            add(&format!("{table}.csv"), csv_of(rows).as_bytes())?;
        }
        if let Some(paper) = paper {
            add("data.html", render::paper::html(paper)?.as_bytes())?;
            add("data.pdf", &super::statement::pdf(paper)?)?;
        }
        Ok(zip.finish().map_err(std::io::Error::other)?.into_inner())
    }
}

/// Rows as CSV with a heading; a cell that a spreadsheet would take for a formula is made a text.
fn csv_of(rows: &Rows) -> String {
    let mut headings: Vec<&String> = rows.iter().flat_map(BTreeMap::keys).collect();
    headings.sort_unstable();
    headings.dedup();
    let cell = |text: &str| {
        let guarded =
            if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() };
        format!("\"{}\"", guarded.replace('"', "\"\""))
    };
    let mut out = headings.iter().map(|h| cell(h)).collect::<Vec<_>>().join(",");
    out.push_str("\r\n");
    for row in rows {
        let cells: Vec<String> = headings.iter().map(|h| cell(row.get(*h).map_or("", String::as_str))).collect();
        out.push_str(&cells.join(","));
        out.push_str("\r\n");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_that_tells_of_somebody_is_handed_out_or_says_why_not() {
        for (table, column, _) in inventory::columns().filter(|(_, _, class)| is_personal(class)) {
            let handed = PLACES.iter().any(|p| p.table == table);
            let elsewhere = ELSEWHERE.iter().any(|(t, why)| *t == table && !why.is_empty());
            assert!(handed != elsewhere, "{table}.{column}: put the table among PLACES or ELSEWHERE, one of the two");
        }
        for place in PLACES {
            assert!(inventory::columns().any(|(t, ..)| t == place.table), "{} is no table", place.table);
        }
    }

    #[test]
    fn a_cell_is_no_formula() {
        let rows =
            vec![BTreeMap::from([("name".to_owned(), "=1+1".to_owned()), ("city".to_owned(), "\"Os\"lo".to_owned())])];
        assert_eq!(csv_of(&rows), "\"city\",\"name\"\r\n\"\"\"Os\"\"lo\",\"'=1+1\"\r\n");
    }
}
