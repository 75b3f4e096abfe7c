//! What is deleted when its time has come: one sweep a kind of rows, counted before and deleted in batches.

use super::clocks::NEXT_STATEMENT;
use super::error::Error;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::{Hold, RuleId};
use entity::privacy_retention;
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, FromQueryResult, IntoActiveModel, QueryFilter,
    QueryOrder, QuerySelect, Statement, Value,
};
use std::collections::BTreeSet;
use uuid::Uuid;

pub use privacy_retention::Model as Report;

/// What makes a row due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A date before the cutoff.
    Day(&'static str),
    /// A point in time before the day of the cutoff.
    Instant(&'static str),
    /// The relationship ended before the cutoff.
    Ending,
}

/// Rows of one kind that go by one clock.
#[derive(Debug, Clone, Copy)]
pub struct Sweep {
    /// The clock.
    pub rule: RuleId,
    /// What the rows are, for people.
    pub what: &'static str,
    /// Tables, with `t` for the one rows are deleted from.
    from: &'static str,
    /// Which customer a row is of.
    customer: &'static str,
    /// Which invoice a row is of, where a hold on that alone keeps it.
    invoice: Option<&'static str>,
    /// What is due, besides the time.
    only: &'static str,
    /// What its time counts from.
    pub since: Since,
    /// Key of the table beside the organisation.
    key: &'static str,
    /// What keeps a row besides holds.
    kept: Option<&'static str>,
    /// What is done: deleted, or emptied by these assignments.
    empty: Option<&'static str>,
}

const fn sweep(rule: RuleId, what: &'static str, from: &'static str, key: &'static str, since: Since) -> Sweep {
    Sweep {
        rule,
        what,
        from,
        customer: "t.customer_id",
        invoice: None,
        only: "TRUE",
        since,
        key,
        kept: None,
        empty: None,
    }
}

/// An invoice that refers to a correspondence keeps it for as long as it is kept itself.
const REFERRED_NO_MORE: &str = "(t.referred_invoice_id IS NULL OR NOT EXISTS (SELECT 1 FROM invoice i \
     WHERE i.org_id = t.org_id AND i.id = t.referred_invoice_id))";
const CORRESPONDENCE: &str = "t.kind = 'correspondence' AND (t.referred_invoice_id IS NULL OR NOT EXISTS \
     (SELECT 1 FROM invoice i WHERE i.org_id = t.org_id AND i.id = t.referred_invoice_id))";

/// Every sweep, in the order they are made.
pub const SWEEPS: &[Sweep] = &[
    sweep(RuleId::Draft, "drafts", "invoice_draft t", "id", Since::Instant("t.updated_at")),
    sweep(RuleId::EfakturaReference, "look-ups of channels", "channel_lookup t", "customer_id, channel", Since::Ending),
    Sweep {
        only: "t.efaktura_address IS NOT NULL",
        empty: Some("efaktura_address = NULL"),
        ..sweep(RuleId::EfakturaReference, "eFaktura addresses", "customer_detail t", "customer_id", Since::Ending)
    },
    Sweep {
        only: "NOT t.active",
        ..sweep(RuleId::Mandate, "ended mandates", "mandate t", "bank_account_id, kid", Since::Day("t.updated_on"))
    },
    Sweep {
        customer: "d.customer_id",
        invoice: Some("d.invoice_id"),
        ..sweep(
            RuleId::DeliveryAddress,
            "addresses of deliveries",
            "delivery_address t JOIN delivery d ON d.org_id = t.org_id AND d.id = t.delivery_id",
            "delivery_id",
            Since::Instant("d.created_at"),
        )
    },
    Sweep {
        // Guardians are reached in the payer's stead for as long as something is owed.
        only: "(t.slot NOT LIKE 'guardian%' OR NOT EXISTS (SELECT 1 FROM open_item o WHERE o.org_id = t.org_id \
               AND o.customer_id = t.customer_id AND o.remaining_ore > 0))",
        ..sweep(RuleId::ContactPerson, "contact persons", "customer_contact t", "id", Since::Ending)
    },
    Sweep {
        // Who complained is written to no more for as long as the relationship lasts.
        only: "(t.reason <> 'complaint' OR EXISTS (SELECT 1 FROM customer c WHERE c.org_id = t.org_id \
               AND c.id = t.customer_id AND c.status <> 'active'))",
        ..sweep(
            RuleId::DeliveryAddress,
            "addresses that bounce",
            "mail_suppression t",
            "address_hash",
            Since::Instant("t.since_at"),
        )
    },
    Sweep {
        customer: "NULL",
        ..sweep(
            RuleId::SyncPlan,
            "rows of sync plans",
            "customer_plan_part t JOIN customer_plan p ON p.org_id = t.org_id AND p.id = t.plan_id",
            "plan_id, part_no",
            Since::Instant("p.created_at"),
        )
    },
    Sweep {
        customer: "NULL",
        ..sweep(RuleId::SyncPlan, "sync plans", "customer_plan t", "id", Since::Instant("t.created_at"))
    },
    Sweep {
        only: "t.kind = 'support'",
        ..sweep(
            RuleId::SupportCase,
            "notes of support",
            "customer_note t",
            "id",
            // Left open when its customer went to the archive, it counts from then.
            Since::Instant(
                "COALESCE(t.closed_at, (SELECT c.updated_at FROM customer c WHERE c.org_id = t.org_id \
                 AND c.id = t.customer_id AND c.status = 'archived'))",
            ),
        )
    },
    Sweep {
        only: CORRESPONDENCE,
        ..sweep(RuleId::Correspondence, "correspondence", "customer_note t", "id", Since::Day("t.contact_on"))
    },
    Sweep {
        only: REFERRED_NO_MORE,
        ..sweep(
            RuleId::Correspondence,
            "correspondence in the archive",
            "archive_note t",
            "id",
            Since::Day("t.contact_on"),
        )
    },
    Sweep {
        customer: "t.subject_id",
        // What is looked into may be answered by it.
        kept: Some("EXISTS (SELECT 1 FROM breach b WHERE b.org_id = t.org_id AND b.closed_at IS NULL)"),
        ..sweep(RuleId::AccessLog, "reads of personal data", "personal_reading t", "id", Since::Instant("t.at"))
    },
    Sweep {
        kept: Some("EXISTS (SELECT 1 FROM breach b WHERE b.org_id = t.org_id AND b.closed_at IS NULL)"),
        ..sweep(
            RuleId::AccessLog,
            "codes of payers and refused API keys",
            "access_attempt t",
            "id",
            Since::Instant("t.at"),
        )
    },
    Sweep {
        customer: "NULL",
        ..sweep(RuleId::Certificate, "erasure certificates", "privacy_erasure t", "id", Since::Instant("t.done_at"))
    },
    Sweep {
        // The last word a person has said of a purpose goes three years after it was said, the words before it too.
        only: "(t.act = 'withdrawn' OR EXISTS (SELECT 1 FROM consent n WHERE n.org_id = t.org_id \
               AND n.customer_id = t.customer_id AND n.purpose = t.purpose AND n.channel = t.channel AND n.id > t.id))",
        ..sweep(RuleId::Consent, "consents", "consent t", "id", Since::Instant("t.at"))
    },
    Sweep {
        customer: "t.subject_id",
        ..sweep(RuleId::PrivacyCase, "answered requests", "privacy_request t", "id", Since::Instant("t.closed_at"))
    },
    Sweep {
        customer: "NULL",
        ..sweep(
            RuleId::Terms,
            "acceptances of earlier agreements",
            "agreement_acceptance t",
            "id",
            Since::Instant("t.superseded_at"),
        )
    },
    Sweep {
        customer: "NULL",
        ..sweep(
            RuleId::Terms,
            "notices of earlier privacy statements",
            "statement_notice t JOIN privacy_statement s ON s.org_id = t.org_id AND s.id = t.statement_id",
            "statement_id, person_id",
            Since::Day(NEXT_STATEMENT),
        )
    },
    Sweep {
        customer: "NULL",
        ..sweep(
            RuleId::Terms,
            "acceptances of earlier privacy statements",
            "statement_acceptance t JOIN privacy_statement s ON s.org_id = t.org_id AND s.id = t.statement_id",
            "id",
            Since::Day(NEXT_STATEMENT),
        )
    },
    sweep(
        RuleId::BreachPersons,
        "people concerned by breaches",
        "breach_person t JOIN breach b ON b.org_id = t.org_id AND b.id = t.breach_id",
        "breach_id, customer_id",
        Since::Instant("COALESCE(b.persons_informed_at, b.closed_at)"),
    ),
    Sweep {
        customer: "NULL",
        only: "NOT EXISTS (SELECT 1 FROM breach_person p WHERE p.org_id = t.org_id AND p.breach_id = t.id)",
        ..sweep(RuleId::BreachCase, "closed breaches", "breach t", "id", Since::Instant("t.closed_at"))
    },
    sweep(RuleId::DisputeCase, "released holds", "privacy_hold t", "id", Since::Instant("t.released_at")),
];

/// When a sweep's rows are due: before this day, and the same as a point in time.
#[derive(Debug, Clone, Copy)]
pub struct Cutoff {
    /// The day.
    pub day: NaiveDate,
    /// Its beginning.
    pub at: DateTime<Utc>,
    /// What was made after this may still be on its way.
    pub on_its_way_since: DateTime<Utc>,
}

/// How many rows of a sweep are due, and how many are kept by holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, FromQueryResult)]
pub struct Counted {
    /// To be deleted.
    pub due: i64,
    /// Kept by a hold.
    pub held: i64,
}

impl Sweep {
    /// Rows whose time has come, whatever holds them; `$2` is the cutoff.
    fn time(&self) -> String {
        let only = self.only;
        match self.since {
            Since::Day(column) | Since::Instant(column) => format!("t.org_id = $1 AND {column} < $2 AND {only}"),
            Since::Ending => {
                let customer = self.customer;
                // What is on its way is let arrive, for ten days.
                format!(
                    "t.org_id = $1 AND {only} AND EXISTS (SELECT 1 FROM customer c WHERE c.org_id = t.org_id \
                     AND c.id = {customer} AND c.status = 'ended' AND c.ended_on < $2) \
                     AND NOT EXISTS (SELECT 1 FROM delivery v WHERE v.org_id = t.org_id AND v.customer_id = {customer} \
                     AND v.state IN ('queued','sending','handing_over','awaiting_receipt','retrying','unknown') \
                     AND v.created_at > $3)"
                )
            }
        }
    }

    /// Whether one of these kinds of hold keeps a row.
    fn held(&self, holds: &BTreeSet<Hold>) -> String {
        let held = holds_any(holds, "t.org_id", self.customer, self.invoice);
        self.kept.map_or_else(|| held.clone(), |kept| format!("({held} OR {kept})"))
    }

    fn values(&self, tx: &OrgTx, cutoff: Cutoff) -> Vec<Value> {
        let until = match self.since {
            Since::Instant(_) => cutoff.at.into(),
            Since::Day(_) | Since::Ending => cutoff.day.into(),
        };
        let mut values = vec![tx.org().into(), until];
        if self.since == Since::Ending {
            values.push(cutoff.on_its_way_since.into());
        }
        values
    }

    /// How many rows are due, and how many are kept.
    pub async fn count(&self, tx: &OrgTx, cutoff: Cutoff, holds: &BTreeSet<Hold>) -> Result<Counted, Error> {
        let sql = format!(
            "SELECT CAST(COALESCE(SUM(CASE WHEN held THEN 0 ELSE 1 END), 0) AS BIGINT) AS due, \
             CAST(COALESCE(SUM(CASE WHEN held THEN 1 ELSE 0 END), 0) AS BIGINT) AS held \
             FROM (SELECT {} AS held FROM {} WHERE {}) AS s",
            self.held(holds),
            self.from,
            self.time()
        );
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, self.values(tx, cutoff));
        let found = Counted::find_by_statement(statement).one(tx).await?;
        Ok(found.unwrap_or(Counted { due: 0, held: 0 }))
    }

    /// Deletes a batch of what is due; how many rows.
    pub async fn carry_out(
        &self,
        tx: &OrgTx,
        cutoff: Cutoff,
        holds: &BTreeSet<Hold>,
        batch: u64,
    ) -> Result<u64, Error> {
        let table = self.from.split(' ').next().unwrap_or_default();
        let keys = self.key.split(", ").map(|k| format!("t.{k}")).collect::<Vec<_>>().join(", ");
        let due = format!(
            "SELECT {keys} FROM {} WHERE {} AND NOT {} ORDER BY {keys} LIMIT {batch}",
            self.from,
            self.time(),
            self.held(holds)
        );
        let sql = match self.empty {
            None => format!("DELETE FROM {table} WHERE org_id = $1 AND ({}) IN ({due})", self.key),
            Some(assignments) => {
                format!("UPDATE {table} SET {assignments} WHERE org_id = $1 AND ({}) IN ({due})", self.key)
            }
        };
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, self.values(tx, cutoff));
        Ok(tx.execute_raw(statement).await?.rows_affected())
    }
}

/// Whether one of these kinds of hold stands on a customer, or on an invoice of its own; what is owed holds by itself.
pub(super) fn holds_any(holds: &BTreeSet<Hold>, org: &str, customer: &str, invoice: Option<&str>) -> String {
    let kinds: Vec<String> = holds.iter().map(|h| format!("'{}'", h.as_str())).collect();
    if kinds.is_empty() {
        return "FALSE".to_owned();
    }
    let of = match invoice {
        None => format!("h.customer_id = {customer}"),
        Some(invoice) => format!("(h.subject_id = {customer} OR h.subject_id = {invoice})"),
    };
    let mut any = vec![format!(
        "EXISTS (SELECT 1 FROM privacy_hold h WHERE h.org_id = {org} AND h.released_at IS NULL AND {of} \
         AND h.kind IN ({}))",
        kinds.join(", ")
    )];
    if holds.contains(&Hold::OpenBalance) {
        any.push(format!(
            "EXISTS (SELECT 1 FROM open_item o WHERE o.org_id = {org} AND o.customer_id = {customer} \
             AND o.remaining_ore > 0)"
        ));
        any.push(format!(
            "EXISTS (SELECT 1 FROM payment p WHERE p.org_id = {org} AND p.customer_id = {customer} \
             AND p.unallocated_ore <> 0)"
        ));
    }
    format!("({})", any.join(" OR "))
}

/// Active customers nothing was billed to, paid by, talked of with or changed of since a day, and who are billed for nothing to
/// come.
pub async fn list_inactive(tx: &OrgTx, before: NaiveDate, limit: u64) -> Result<Vec<Uuid>, Error> {
    #[derive(FromQueryResult)]
    struct Id {
        id: Uuid,
    }
    let midnight = before.and_time(chrono::NaiveTime::MIN).and_utc();
    let none = |table: &str, day: &str| {
        format!(
            "NOT EXISTS (SELECT 1 FROM {table} t WHERE t.org_id = c.org_id AND t.customer_id = c.id AND t.{day} >= $2)"
        )
    };
    let sql = format!(
        "SELECT c.id FROM customer c WHERE c.org_id = $1 AND c.status = 'active' AND c.ended_on IS NULL \
         AND c.updated_at < $3 AND {} AND {} AND {} AND NOT EXISTS (SELECT 1 FROM standing_order s WHERE s.org_id = c.org_id \
         AND s.customer_id = c.id AND s.next_period_on IS NOT NULL AND (s.end_on IS NULL OR s.end_on >= s.next_period_on)) \
         ORDER BY c.id LIMIT {limit}",
        none("invoice", "issued_on"),
        none("payment", "booked_on"),
        none("customer_note", "contact_on")
    );
    let values = [tx.org().into(), before.into(), midnight.into()];
    let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, values);
    Ok(Id::find_by_statement(statement).all(tx).await?.into_iter().map(|r| r.id).collect())
}

/// Keeps a report.
pub async fn insert_report(tx: &OrgTx, row: Report) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// Writes all fields of a report.
pub async fn update_report(tx: &OrgTx, row: Report) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Reports, the newest first.
pub async fn list_reports(tx: &OrgTx, limit: u64) -> Result<Vec<Report>, Error> {
    let rows = privacy_retention::Entity::find().filter(privacy_retention::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_desc(privacy_retention::Column::Id).limit(limit).all(tx).await?)
}

/// A report.
pub async fn find_report(tx: &OrgTx, id: Uuid) -> Result<Option<Report>, Error> {
    Ok(privacy_retention::Entity::find_by_id((tx.org(), id)).one(tx).await?)
}
