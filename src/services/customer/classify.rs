//! What one row of a list does to one customer. Pure.

use crate::ctx::InstallationKey;
use crate::store::customer::Customer;
use chrono::NaiveDate;
use domain::customer::{CustomerRecord, Field, FieldChange, diff, serde_value::Value};
use formats::customer_list::{ListRow, Mode, Standing};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Who ended a relationship: a list.
pub const BY_LIST: &str = "list";
/// Who ended a relationship: somebody by hand.
pub const BY_HAND: &str = "hand";
/// Who ended a relationship: the privacy policy, after a time without activity.
pub const BY_POLICY: &str = "policy";

/// What a plan does with a customer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Made.
    New,
    /// Some fields differ.
    Change,
    /// Ended before, in the list again.
    Reopen,
    /// Ended.
    End,
    /// Only the other system's timestamp is newer.
    Touch,
}

/// One row of a plan.
#[derive(Clone, Serialize, Deserialize)]
pub struct PlanRow {
    /// What is done.
    pub action: Action,
    /// Customer number.
    pub number: String,
    /// The customer, when known.
    pub id: Option<Uuid>,
    /// Its version when the plan was made.
    pub version: Option<i64>,
    /// The record as it will be.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub record: Option<CustomerRecord>,
    /// What differs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
    /// Last day of the relationship.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_on: Option<NaiveDate>,
    /// Why it ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ended_reason: Option<String>,
    /// Digest of the list row, hexadecimal.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
}

/// A keyed digest of what a row says: the same row again is known without reading the customer.
pub fn digest(key: &InstallationKey, row: &ListRow) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = vec![b"list row 2", row.number.as_bytes()];
    for (field, value) in &row.sets {
        parts.push(field.name().as_bytes());
        parts.push(value.as_deref().map_or(&[0], str::as_bytes));
    }
    parts.push(match row.standing {
        Standing::Unsaid => b"unsaid",
        Standing::Active => b"active",
        Standing::Ended { .. } => b"ended",
    });
    key.hash(&parts)[..16].to_vec()
}

/// What a row does: something, nothing, or nothing because it is older than what we have.
pub enum Verdict {
    /// A row of the plan.
    Plan(Box<PlanRow>),
    /// No difference.
    Unchanged,
    /// Older than what is stored.
    Stale,
}

/// Compares a row of a list of this mode with the customer it names.
pub fn classify(row: &ListRow, existing: Option<&Customer>, today: NaiveDate, mode: Mode) -> Verdict {
    let plan = |action, record, fields| {
        Verdict::Plan(Box::new(PlanRow {
            action,
            number: existing.and_then(|e| e.record.get(Field::Number)).unwrap_or(row.number.as_str()).to_owned(),
            id: existing.map(|e| e.row.id),
            version: existing.map(|e| e.row.version),
            record,
            fields,
            ended_on: None,
            ended_reason: None,
            digest: None,
        }))
    };
    let Some(customer) = existing else {
        return plan(Action::New, Some(row.as_new()), Vec::new());
    };
    let active = customer.row.status == "active";
    if is_older(row, &customer.record) {
        return Verdict::Stale;
    }
    if let Standing::Ended { on, reason } = &row.standing {
        let on = on.unwrap_or(today);
        if !active || customer.row.ended_on == Some(on) {
            return Verdict::Unchanged;
        }
        let Verdict::Plan(mut end) = plan(Action::End, None, Vec::new()) else { return Verdict::Unchanged };
        end.ended_on = Some(on);
        end.ended_reason.clone_from(reason);
        return Verdict::Plan(end);
    }
    let mut after = row.applied_to(&customer.record);
    // A list never renumbers: the row may name the customer by a number it had before (decision 35).
    after.set(Field::Number, customer.record.get(Field::Number).map(str::to_owned));
    keep_product_order(&customer.record, &mut after);
    let mut fields = diff(&customer.record, &after);
    if !active {
        fields.push(FieldChange {
            field: "status".to_owned(),
            from: Value::Text("ended".to_owned()),
            to: Value::Text("active".to_owned()),
            masked: false,
        });
        return plan(Action::Reopen, Some(after), fields);
    }
    if let Some(on) = customer.row.ended_on.filter(|_| calls_off(row, customer, mode)) {
        fields.push(FieldChange {
            field: "ended_on".to_owned(),
            from: Value::Text(on.to_string()),
            to: Value::Null,
            masked: false,
        });
    }
    if !fields.is_empty() {
        return plan(Action::Change, Some(after), fields);
    }
    if after.get(Field::ExternalUpdatedAt) == customer.record.get(Field::ExternalUpdatedAt) {
        return Verdict::Unchanged;
    }
    plan(Action::Touch, Some(after), fields)
}

/// Whether a row calls an ending to come off: a list only takes back what a list has said.
fn calls_off(row: &ListRow, customer: &Customer, mode: Mode) -> bool {
    customer.row.ended_by.as_deref() == Some(BY_LIST) && (mode == Mode::Full || row.standing == Standing::Active)
}

fn is_older(row: &ListRow, stored: &CustomerRecord) -> bool {
    let said = row.sets.iter().find(|(f, _)| *f == Field::ExternalUpdatedAt).and_then(|(_, v)| v.as_deref());
    matches!((said, stored.get(Field::ExternalUpdatedAt)), (Some(said), Some(stored)) if said < stored)
}

/// The same products in another order are no change.
fn keep_product_order(before: &CustomerRecord, after: &mut CustomerRecord) {
    let (mut old, mut new) = (before.products(), after.products());
    old.sort_unstable();
    new.sort_unstable();
    if old == new {
        let same = before.get(Field::StandardProducts).map(str::to_owned);
        after.set(Field::StandardProducts, same);
    }
}
