//! The policy of an organisation: dated versions, checked before they hold, and approved before they delete.

use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError, Kind};
use crate::services::region;
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::privacy::{self as store, PolicyRow};
use chrono::{DateTime, NaiveDate, Utc};
use domain::privacy::{Policy, Preset, Region};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::ToSchema;
use uuid::Uuid;

/// A version of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Version {
    /// The version; none for a preset that nobody has published.
    pub id: Option<Uuid>,
    /// Its number; 0 for a preset that nobody has published.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// When it was published.
    pub published_at: Option<DateTime<Utc>>,
    /// When its first plan was looked at and approved; until then nothing is deleted by it.
    pub approved_at: Option<DateTime<Utc>>,
    /// What it says.
    pub policy: Policy,
}

/// A policy to be published.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPolicy {
    /// What it is made from: association-billing, invoicing-platform, accounting-firm, accounting-marketplace or erp.
    #[schema(example = "association-billing")]
    pub preset: String,
    /// What differs from the preset: fields of the policy, and under `rules` by clock, such as
    /// `{"rules": {"support_case": {"period": "P6M"}}}`. A clock that is null is left out.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub changes: Value,
    /// First day it holds: today or later. Today when left out.
    pub valid_from: Option<NaiveDate>,
}

/// The policy a preset and its changes make, checked.
pub fn compose(new: &NewPolicy) -> Result<Policy, Error> {
    let preset = Preset::parse(&new.preset).ok_or_else(|| {
        let known = Preset::ALL.map(Preset::as_str).join(", ");
        Error::field("preset", "unknown_preset", format!("one of {known}"))
    })?;
    let policy = changed(preset, &new.changes)?;
    let findings = policy.check();
    if findings.is_empty() {
        return Ok(policy);
    }
    let errors = findings.into_iter().map(|f| FieldError {
        field: format!("changes.{}", f.field),
        code: f.code.to_owned(),
        message: f.message,
    });
    Err(Error::invalid(errors.collect()))
}

fn changed(preset: Preset, changes: &Value) -> Result<Policy, Error> {
    let broken = || crate::store::Error::inconsistent("privacy_policy", "content");
    let mut content = serde_json::to_value(Policy::of(preset)).map_err(|_| broken())?;
    let Value::Object(fields) = changes else {
        return if changes.is_null() {
            Ok(Policy::of(preset))
        } else {
            Err(Error::field("changes", "not_an_object", "an object of what differs from the preset"))
        };
    };
    for (name, value) in fields {
        match name.as_str() {
            "rules" => change_rules(&mut content, value)?,
            "preset" => return Err(Error::field("changes.preset", "fixed", "the preset stands beside the changes")),
            _ => content[name.as_str()] = value.clone(),
        }
    }
    serde_json::from_value(content).map_err(|e| {
        // serde names the field or what stands in its place; nothing of a person is in a policy.
        Error::field("changes", "not_a_policy", e.to_string())
    })
}

fn change_rules(content: &mut Value, changes: &Value) -> Result<(), Error> {
    let Value::Object(changes) = changes else {
        return Err(Error::field("changes.rules", "not_an_object", "clocks by name, with what differs in each"));
    };
    let Some(rules) = content["rules"].as_array_mut() else { return Ok(()) };
    for (id, change) in changes {
        let at = rules.iter().position(|rule| rule["id"] == id.as_str());
        let field = format!("changes.rules.{id}");
        match (at, change) {
            (Some(at), Value::Null) => drop(rules.remove(at)),
            (Some(at), Value::Object(fields)) => {
                for (name, value) in fields {
                    rules[at][name.as_str()] = value.clone();
                }
            }
            (None, Value::Object(fields)) => {
                let known = domain::privacy::RuleId::parse(id);
                let known = known.ok_or_else(|| Error::field(&field, "unknown_rule", "there is no such clock"))?;
                let mut rule = serde_json::to_value(domain::privacy::Rule::of(known)).unwrap_or_default();
                for (name, value) in fields {
                    rule[name.as_str()] = value.clone();
                }
                rules.push(rule);
            }
            (None, Value::Null) => {
                if domain::privacy::RuleId::parse(id).is_none() {
                    return Err(Error::field(field, "unknown_rule", "there is no such clock"));
                }
            }
            _ => {
                return Err(Error::field(field, "not_an_object", "what differs in the clock, or null to leave it out"));
            }
        }
    }
    Ok(())
}

/// Publishes a version. Its first plan is a dry run: nothing is deleted by it until somebody approves.
pub async fn publish(ctx: &Ctx, actor: &Actor, new: &NewPolicy) -> Result<Uuid, Error> {
    let policy = compose(new)?;
    let valid_from = new.valid_from.unwrap_or_else(|| ctx.today());
    Error::unless_plausible("valid_from", Some(valid_from))?;
    if valid_from < ctx.today() {
        let message = "a policy holds from today on, or later; what was held before was held by the policy before";
        return Err(Error::field("valid_from", "in_the_past", message));
    }
    let work = Work::begin(ctx, actor).await?;
    region::unless_kept(&work.tx, policy.region).await?;
    // Two at once get two numbers.
    crate::store::organisation::lock(&work.tx).await?;
    let newest = store::list_policies(&work.tx).await?.into_iter().next();
    if let Some(newest) = &newest
        && newest.valid_from > valid_from
    {
        let message = format!(
            "version {} is to hold from {}; a newer version cannot hold before it",
            newest.version_no, newest.valid_from
        );
        return Err(Error::field("valid_from", "before_newest", message));
    }
    let row = PolicyRow {
        org_id: actor.org,
        id: work.id(),
        version_no: newest.map_or(0, |n| n.version_no) + 1,
        preset: policy.preset.as_str().to_owned(),
        content: to_content(&policy)?,
        valid_from,
        published_at: work.at,
        approved_at: None,
    };
    let id = row.id;
    store::insert_policy(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_policy.published", subject: "privacy_policy", id, fields: "content" }).await?;
    Ok(id)
}

/// Lets a version delete: somebody has looked at what it would do.
pub async fn approve(ctx: &Ctx, actor: &Actor, version_no: i64) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    crate::store::organisation::lock(&work.tx).await?;
    let versions = store::list_policies(&work.tx).await?;
    let found = versions.into_iter().find(|v| v.version_no == version_no);
    let mut row = found.ok_or_else(|| Error::not_found("policy version"))?;
    let id = row.id;
    if row.approved_at.is_some() {
        return Err(Error::refuse(Kind::Conflict, "already_approved", "this version has been approved"));
    }
    row.approved_at = Some(work.at);
    store::update_policy(&work.tx, row).await?;
    work.done(Deed { verb: "privacy_policy.approved", subject: "privacy_policy", id, fields: "approved_at" }).await
}

/// The version in force on a day. An organisation that has published none is held to its preset.
pub async fn on(tx: &OrgTx, day: NaiveDate) -> Result<Version, Error> {
    if let Some(row) = store::policy_on(tx, day).await? {
        return of_row(&row);
    }
    let org = crate::store::organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    Ok(Version {
        id: None,
        version_no: 0,
        valid_from: org.created_at.date_naive(),
        published_at: None,
        approved_at: None,
        policy: Policy::of(Preset::of_legal_form(&org.legal_form)),
    })
}

/// Whether the version in force on a day, or one that is to hold later, keeps data in the EEA.
pub async fn stays_in_eea(tx: &OrgTx, day: NaiveDate) -> Result<bool, Error> {
    let locked = |version: &Version| version.policy.region == Region::EeaOnly;
    if locked(&on(tx, day).await?) {
        return Ok(true);
    }
    let versions = store::list_policies(tx).await?;
    let later = versions.iter().filter(|v| v.valid_from > day).map(of_row).collect::<Result<Vec<_>, _>>()?;
    Ok(later.iter().any(locked))
}

/// The version in force today.
pub async fn current(ctx: &Ctx, actor: &Actor) -> Result<Version, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let version = on(&tx, ctx.today()).await?;
    tx.commit().await?;
    Ok(version)
}

/// Every version, the newest first, and the preset where none was published.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<Version>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut versions = store::list_policies(&tx).await?.iter().map(of_row).collect::<Result<Vec<_>, _>>()?;
    if versions.is_empty() {
        versions.push(on(&tx, ctx.today()).await?);
    }
    tx.commit().await?;
    Ok(versions)
}

fn of_row(row: &PolicyRow) -> Result<Version, Error> {
    let policy = serde_json::from_str(&row.content)
        .map_err(|_| crate::store::Error::inconsistent("privacy_policy", "content"))?;
    Ok(Version {
        id: Some(row.id),
        version_no: row.version_no,
        valid_from: row.valid_from,
        published_at: Some(row.published_at),
        approved_at: row.approved_at,
        policy,
    })
}

fn to_content(policy: &Policy) -> Result<String, Error> {
    Ok(serde_json::to_string(policy).map_err(|_| crate::store::Error::inconsistent("privacy_policy", "content"))?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::privacy::{Period, RuleId};
    use serde_json::json;

    fn made(changes: Value) -> Result<Policy, Error> {
        compose(&NewPolicy { preset: "erp".into(), changes, valid_from: None })
    }

    fn refused(changes: Value) -> (String, String) {
        let Err(Error::Refused(refusal)) = made(changes) else { panic!("taken") };
        (refusal.errors[0].field.clone(), refusal.errors[0].code.clone())
    }

    #[test]
    fn what_differs_is_laid_over_the_preset() {
        let policy = made(json!({
            "archive_custody": "tenant",
            "relationship_end": {"inactivity": "P2Y"},
            "rules": {"support_case": {"period": "P6M"}, "statistics": null, "credit_check": {}}
        }));
        let policy = policy.unwrap();
        assert_eq!(policy.rule(RuleId::SupportCase).unwrap().period, Some(Period::months(6)));
        assert!(policy.rule(RuleId::Statistics).is_none() && policy.rule(RuleId::CreditCheck).is_some());
        assert_eq!(made(Value::Null).unwrap(), Policy::of(Preset::Erp));
    }

    #[test]
    fn what_cannot_be_says_where() {
        let at = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(
            refused(json!({"rules": {"backup": {"period": "P31D"}}})),
            at("changes.rules.backup.period", "above_ceiling")
        );
        assert_eq!(refused(json!({"rules": {"ledger": null}})), at("changes.rules.ledger", "missing_rule"));
        assert_eq!(refused(json!({"rules": {"nothing": {}}})), at("changes.rules.nothing", "unknown_rule"));
        assert_eq!(refused(json!({"rules": {"ledger": 5}})), at("changes.rules.ledger", "not_an_object"));
        assert_eq!(refused(json!({"rules": []})), at("changes.rules", "not_an_object"));
        assert_eq!(refused(json!([])), at("changes", "not_an_object"));
        assert_eq!(refused(json!({"preset": "erp"})), at("changes.preset", "fixed"));
        assert_eq!(refused(json!({"nothing": 1})), at("changes", "not_a_policy"));
        assert_eq!(refused(json!({"rules": {"ledger": {"period": "5 years"}}})), at("changes", "not_a_policy"));
    }
}
