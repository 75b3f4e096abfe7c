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
use crate::store::privacy;
use crate::store::reading::{self as readings, Reading};
use crate::store::request::{self as store, Rows};
use domain::customer::Language;
use domain::privacy::{Basis, Policy, RuleId, Subject as About};
use render::paper::Paper;
use render::privacy::{DataTable, PackageFacts};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io::{Cursor, Write};
use utoipa::ToSchema;

/// How the rows of a table are found: of a customer, of a contact person, of somebody who signs in.
struct Place {
    /// What the rows are called in the package.
    name: &'static str,
    table: &'static str,
    from: &'static str,
    customer: Option<&'static str>,
    contact: Option<&'static str>,
    user: Option<&'static str>,
}

const fn place(table: &'static str, from: &'static str, customer: &'static str) -> Place {
    Place { name: table, table, from, customer: Some(customer), contact: None, user: None }
}

const fn of_user(table: &'static str, from: &'static str, user: &'static str) -> Place {
    Place { name: table, table, from, customer: None, contact: None, user: Some(user) }
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
    place("customer_note", "customer_note t", OWN),
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
    Place { user: Some("t.subject_id = $2"), ..place("privacy_hold", "privacy_hold t", OWN) },
    Place {
        contact: Some("t.subject_id = $2"),
        user: Some("t.subject_id = $2"),
        ..place("privacy_request", "privacy_request t", "t.subject_id = $2")
    },
    Place {
        contact: Some("r.subject_id = $2"),
        user: Some("r.subject_id = $2"),
        ..place(
            "privacy_notice",
            "privacy_notice t JOIN privacy_request r ON r.org_id = t.org_id AND r.id = t.request_id",
            "r.subject_id = $2",
        )
    },
    place("consent", "consent t", OWN),
    place("access_attempt", "access_attempt t", OWN),
    place("breach_person", "breach_person t", OWN),
    Place { user: Some("t.person_id = $2"), ..place("statement_notice", "statement_notice t", "t.person_id = $2") },
    Place {
        contact: Some(READ_ABOUT),
        user: Some(READ_ABOUT),
        ..place("personal_reading", "personal_reading t", READ_ABOUT)
    },
    // What the statutory archive keeps of somebody whose relationship is over.
    place("archive_customer", "archive_customer t", OWN),
    place("archive_party", "archive_party t", OWN),
    place("archive_text", "archive_text t", OWN),
    place("archive_document", "archive_document t", OWN),
    place("archive_payer", "archive_payer t", OWN),
    place("archive_note", "archive_note t", OWN),
    // Accounts and sessions are the installation's: shown to an organisation they act for.
    of_user("app_user", "(SELECT u.*, m.org_id FROM app_user u JOIN membership m ON m.user_id = u.id) t", "t.id = $2"),
    of_user(
        "user_session",
        "(SELECT s.*, m.org_id FROM user_session s JOIN membership m ON m.user_id = s.user_id) t",
        "t.user_id = $2",
    ),
    of_user(
        "sign_in",
        "(SELECT s.*, m.org_id FROM sign_in s JOIN membership m ON m.user_id = s.user_id) t",
        "t.user_id = $2",
    ),
    of_user("membership", "membership t", "t.user_id = $2"),
    of_user("audit_event", "audit_event t", "t.actor_id = $2"),
    of_user("statement_acceptance", "statement_acceptance t", "t.user_id = $2"),
    of_user("agreement_acceptance", "agreement_acceptance t", "t.actor_id = $2"),
    Place { name: READ_BY, ..of_user("personal_reading", "personal_reading t", "t.actor_id = $2") },
];

/// Tables only the retention path reads: for whoever stands in the archive.
const ARCHIVE: &str = "archive_";
/// What somebody who signs in has looked at.
const READ_BY: &str = "personal_reading_by_you";

/// Tables that tell of somebody and are not handed out with the rest, and why.
const ELSEWHERE: &[(&str, &str)] = &[
    ("customer_plan", "a list that waits to be applied; seven days"),
    ("customer_plan_part", "a list that waits to be applied; seven days"),
    ("bank_file", "the bank's own file, of many payers; each payment is handed out"),
    ("payer_session", "a page that is open for half an hour"),
    ("privacy_erasure", "names nobody"),
    ("erased_number", "a keyed hash of a number that is no longer held"),
    ("invoice_run", "of many customers; each invoice is handed out"),
    ("blocked_address", "network addresses of the installation; none is kept as somebody's"),
    ("audit_segment", "seals of the audit log; each act is handed out"),
];

/// Columns that are keys and marks of the service, which say nothing of anybody; and who read, which is not told to the person
/// read about. The organisation a session is open for may be another one.
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
    "password_hash",
    "id_hash",
    "csrf",
    "chosen_org",
    "actor_id",
    "author_id",
];

/// Everything held of somebody.
#[derive(Clone, Serialize, ToSchema)]
pub struct Package {
    /// customer, contact or user.
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
    !matches!(class.subject, About::Nobody | About::Organisation)
}

/// What is portable: what rests on consent or contract, by the policy and by whether the relationship is over.
struct Portable {
    policy: Policy,
    over: bool,
}

impl Portable {
    fn has(&self, rule: RuleId) -> bool {
        let bases = self.policy.rule(rule).map(|r| r.bases_when(self.over)).unwrap_or_default();
        bases.contains(&Basis::Contract) || bases.contains(&Basis::Consent)
    }
}

/// Personal columns of a table; of what is portable only those held by consent or contract (article 20).
fn columns_of(table: &str, portable: Option<&Portable>) -> Vec<&'static str> {
    let provided = |class: &Class| portable.is_none_or(|p| class.rules.iter().any(|r| p.has(*r)));
    inventory::columns()
        .filter(|(t, c, class)| *t == table && !MARKS.contains(c) && is_personal(class) && provided(class))
        .map(|(_, c, _)| c)
        .collect()
}

/// Makes the package of a customer, of a contact person or of somebody who signs in; portable holds what the person gave under a
/// contract or by consent. Of a customer in the archive it holds what the archive keeps: `why` says there what it was read for.
pub async fn make(
    ctx: &Ctx,
    actor: &Actor,
    subject: Subject,
    portable: bool,
    language: Language,
    why: &str,
) -> Result<Package, Error> {
    let explained = explain(ctx, actor, subject, Some(language)).await?;
    if matches!(subject, Subject::Invoice(_) | Subject::Payment(_)) {
        return Err(Error::field("subject_kind", "not_a_person", "a customer, a contact person or a user"));
    }
    super::reading::write(ctx).await?;
    let mut tx = ctx.db.read(actor.org).await?;
    let of = match subject {
        Subject::Customer(id) | Subject::Contact { customer: id, .. } => privacy::relationship(&tx, id).await?,
        _ => None,
    };
    let status = of.as_ref().map_or("active", |r| r.status.as_str());
    let policy = policy::on(&tx, ctx.today()).await?.policy;
    let portable = portable.then_some(Portable { policy, over: status != "active" });
    let archived = status == "archived";
    if archived {
        tx.commit().await?;
        tx = ctx.db.retain(actor.org).await?;
        let row = super::reading::row(ctx, actor, "archive.read", Some(why));
        readings::insert(&tx, Reading { people: 1, subject_id: Some(explained.subject_id), ..row }).await?;
    }
    let mut data = BTreeMap::new();
    for place in PLACES.iter().filter(|p| archived || !p.table.starts_with(ARCHIVE)) {
        let rows = rows_of(&tx, place, subject, portable.as_ref()).await?;
        if !rows.is_empty() {
            data.insert(place.name.to_owned(), rows);
        }
    }
    tx.commit().await?;
    let subject_kind = explained.subject_kind.clone();
    let left_out = ELSEWHERE.iter().copied().collect();
    Ok(Package { subject_kind, made_at: ctx.now(), explained, data, left_out })
}

async fn rows_of(tx: &OrgTx, place: &Place, subject: Subject, portable: Option<&Portable>) -> Result<Rows, Error> {
    let (of, id) = match subject {
        Subject::Customer(id) => (place.customer, id),
        Subject::Contact { id, .. } => (place.contact, id),
        Subject::User(id) => (place.user, id),
        Subject::Invoice(_) | Subject::Payment(_) => return Ok(Rows::new()),
    };
    let columns = columns_of(place.table, portable);
    let Some(of) = of.filter(|_| !columns.is_empty()) else { return Ok(Rows::new()) };
    let of = of.replace(READ_ABOUT, readings::is_about(tx));
    Ok(store::values(tx, place.from, &of, &columns, id).await?)
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
            of_user: self.subject_kind == "user",
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
        let names: std::collections::HashSet<&str> = PLACES.iter().map(|p| p.name).collect();
        assert_eq!(names.len(), PLACES.len(), "two places are called the same");
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
