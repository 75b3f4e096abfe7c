//! The privacy statement: made from the policy in force, what is stored, the cookies that are set and who works for the
//! organisation; kept as published. What it would say against that is refused before it is shown to anybody.

use super::cookies::COOKIES;
use super::inventory;
use super::policy::{self, Version};
use crate::ctx::Ctx;
use crate::services::error::{Error, FieldError};
use crate::services::work::{Actor, Deed, Work};
use crate::store::OrgTx;
use crate::store::organisation::{self, Organisation};
use crate::store::privacy::{self as store, StatementRow};
use chrono::NaiveDate;
use domain::customer::Language;
use domain::privacy::{Period, Policy, RuleId};
use render::paper::Paper;
use render::privacy::{Signed, Statement};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// Characters of the organisation's own text at most, in each language.
const OWN_TEXT: usize = 4_000;
/// Characters of who answers for it at most.
const RESPONSIBLE: usize = 100;

/// A statement to be published.
#[derive(Debug, Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewStatement {
    /// First day it holds: today or later; today when left out.
    pub valid_from: Option<NaiveDate>,
    /// Who answers for it and signs it: a name or a role, such as "daglig leder". Nothing is published without.
    pub responsible: Option<String>,
    /// What the organisation says besides, by language: nb, nn, en. Empty lines part paragraphs. It names nobody but the
    /// organisation and promises no time the policy does not keep.
    #[serde(default)]
    #[schema(value_type = Object)]
    pub own: BTreeMap<String, String>,
}

/// A statement as it was published: what it was made of, and its words. Words of a later release do not change it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// What it was made of.
    pub facts: Statement,
    /// What it says, by language code.
    pub texts: BTreeMap<String, Paper>,
    /// What it says of cookies, by language code.
    pub cookies: BTreeMap<String, Paper>,
}

impl Published {
    /// As it was kept.
    pub(super) fn of_row(row: &StatementRow) -> Result<Self, Error> {
        let broken = |_| crate::store::Error::inconsistent("privacy_statement", "content");
        Ok(serde_json::from_str(&row.content).map_err(broken)?)
    }

    fn of(facts: Statement) -> Self {
        let all = [Language::Bokmal, Language::Nynorsk, Language::English];
        let texts = all.map(|l| (l.as_str().to_owned(), render::privacy::statement(&facts, l)));
        let cookies = all.map(|l| (l.as_str().to_owned(), render::privacy::cookie_declaration(&facts, l)));
        Self { texts: texts.into(), cookies: cookies.into(), facts }
    }
}

/// What a statement would say today.
pub async fn preview(ctx: &Ctx, actor: &Actor, new: &NewStatement) -> Result<Statement, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let newest = store::list_statements(&tx).await?.into_iter().next();
    let version = policy::on(&tx, new.valid_from.unwrap_or_else(|| ctx.today())).await?;
    let made = make(ctx, &tx, new, newest.as_ref(), version).await?;
    tx.commit().await?;
    Ok(made)
}

/// The statement that follows `newest`, by a version of the policy.
async fn make(
    ctx: &Ctx,
    tx: &OrgTx,
    new: &NewStatement,
    newest: Option<&StatementRow>,
    version: Version,
) -> Result<Statement, Error> {
    let valid_from = new.valid_from.unwrap_or_else(|| ctx.today());
    if valid_from < ctx.today() {
        return Err(Error::field("valid_from", "in_the_past", "a statement holds from today on, or later"));
    }
    Error::unless_plausible("valid_from", Some(valid_from))?;
    let org = organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let statement = Statement {
        version_no: newest.map_or(0, |s| s.version_no) + 1,
        valid_from,
        organisation: who(&org, new.responsible.clone()),
        policy: version.policy,
        stored: stored_rules(),
        cookies: cookies(ctx),
        processors: super::processor::registered(tx).await?,
        signed: Some(Signed { place: org.city.clone(), on: ctx.today() }),
        own: new.own.clone(),
    };
    check(&statement)?;
    Ok(statement)
}

fn who(org: &Organisation, responsible: Option<String>) -> render::privacy::Organisation {
    let town = [org.postal_code.as_deref(), org.city.as_deref()].into_iter().flatten().collect::<Vec<_>>().join(" ");
    let address = [org.street.clone(), org.street2.clone(), Some(town).filter(|t| !t.is_empty())];
    render::privacy::Organisation {
        name: org.name.clone(),
        org_number: org.org_number.clone(),
        address: address.into_iter().flatten().collect(),
        email: org.email.clone(),
        phone: org.phone.clone(),
        responsible: responsible.map(|r| r.trim().to_owned()).filter(|r| !r.is_empty()),
    }
}

/// Clocks that a column lives by, and those of what is stored outside tables.
pub fn stored_rules() -> BTreeSet<RuleId> {
    let outside = [RuleId::MailBody, RuleId::Backup];
    inventory::columns().flat_map(|(_, _, class)| class.rules.iter().copied()).chain(outside).collect()
}

fn cookies(ctx: &Ctx) -> Vec<render::privacy::Cookie> {
    let shown = COOKIES.iter().map(|c| render::privacy::Cookie {
        name: format!("{}{}", c.prefix(&ctx.config), c.name()),
        purpose: c.purpose(),
        minutes: c.seconds() / 60,
    });
    shown.collect()
}

/// Refuses what names another company or promises what the policy does not do.
fn check(statement: &Statement) -> Result<(), Error> {
    let mut errors = Vec::new();
    for (language, text) in &statement.own {
        let field = format!("own.{language}");
        let mut find = |code: &str, message: String| {
            errors.push(FieldError { field: field.clone(), code: code.to_owned(), message });
        };
        if !matches!(language.as_str(), "nb" | "nn" | "en") {
            find("unknown_language", "nb, nn or en".to_owned());
        }
        if text.chars().count() > OWN_TEXT {
            find("too_long", format!("at most {OWN_TEXT} characters"));
        }
        for name in companies(text) {
            let known =
                statement.processors.iter().map(|p| p.name.as_str()).chain([statement.organisation.name.as_str()]);
            if !known.into_iter().any(|k| k.contains(&name) || name.ends_with(k)) {
                find("names_another", format!("\"{name}\" is neither you nor one of your registered processors"));
            }
        }
        for (period, said) in promised(text) {
            if !keeps(&statement.policy, period) {
                find("promises_other", format!("\"{said}\" is a time nothing in the policy keeps; change one of them"));
            }
        }
    }
    if errors.is_empty() { Ok(()) } else { Err(Error::invalid(errors)) }
}

/// Names that end as those of companies do.
fn companies(text: &str) -> Vec<String> {
    const FORMS: [&str; 12] = ["AS", "ASA", "SA", "ANS", "DA", "NUF", "AB", "ApS", "GmbH", "Ltd", "Inc", "LLC"];
    let words: Vec<&str> = text.split_whitespace().collect();
    let bare = |w: &str| w.trim_matches(|c: char| !c.is_alphanumeric()).to_owned();
    let mut found = Vec::new();
    for (at, word) in words.iter().enumerate() {
        if !FORMS.contains(&bare(word).as_str()) {
            continue;
        }
        // The capitalised words right before it are the name.
        let name: Vec<String> = words[..at]
            .iter()
            .rev()
            .take_while(|w| w.chars().next().is_some_and(char::is_uppercase) && !w.ends_with(['.', ',', ';', ':']))
            .take(5)
            .map(|w| bare(w))
            .collect();
        if !name.is_empty() {
            let name: Vec<String> = name.into_iter().rev().chain([bare(word)]).collect();
            found.push(name.join(" "));
        }
    }
    found
}

/// Times a text names where it speaks of keeping or deleting: "slettes etter 30 dager", not "over 18 år".
fn promised(text: &str) -> Vec<(Period, String)> {
    const OF_TIME: [&str; 14] = [
        "slett", "lagr", "behold", "behald", "oppbevar", "fjern", "borte", "svar", "delet", "eras", "kept", "keep",
        "stor", "answer",
    ];
    let of_time = |sentence: &&str| OF_TIME.iter().any(|word| sentence.contains(word));
    let lower = text.to_lowercase();
    lower.split(['.', '!', '?', ';', '\n']).filter(of_time).flat_map(times).collect()
}

fn times(sentence: &str) -> Vec<(Period, String)> {
    let words: Vec<&str> = sentence.split_whitespace().collect();
    let mut found = Vec::new();
    for pair in words.windows(2) {
        let Ok(number) = pair[0].trim_matches(|c: char| !c.is_alphanumeric()).parse::<u32>() else { continue };
        let unit = pair[1].trim_matches(|c: char| !c.is_alphanumeric());
        let period = match unit {
            "dag" | "dager" | "dagar" | "day" | "days" => Period::days(number),
            "uke" | "uker" | "veke" | "veker" | "week" | "weeks" => Period::days(number.saturating_mul(7)),
            "måned" | "måneder" | "månad" | "månader" | "month" | "months" => Period::months(number),
            "år" | "year" | "years" => Period::months(number.saturating_mul(12)),
            _ => continue,
        };
        found.push((period, format!("{number} {unit}")));
    }
    found
}

fn keeps(policy: &Policy, period: Period) -> bool {
    let request = Period::days(policy.request_days);
    period == request || policy.rules.iter().any(|r| r.period == Some(period))
}

/// Publishes what the statement says today; the versions before are kept.
pub async fn publish(ctx: &Ctx, actor: &Actor, new: &NewStatement) -> Result<Uuid, Error> {
    if new.responsible.as_deref().is_none_or(|r| r.trim().is_empty() || r.chars().count() > RESPONSIBLE) {
        let message = format!(
            "say in up to {RESPONSIBLE} characters who answers for it: a name or a role, such as \"daglig leder\""
        );
        return Err(Error::field("responsible", "required", message));
    }
    let work = Work::begin(ctx, actor).await?;
    // Two at once get two numbers.
    organisation::lock(&work.tx).await?;
    let newest = store::list_statements(&work.tx).await?.into_iter().next();
    let version = policy::on(&work.tx, new.valid_from.unwrap_or_else(|| ctx.today())).await?;
    let (policy_version_no, approved_at) = (version.version_no, version.approved_at);
    let statement = make(ctx, &work.tx, new, newest.as_ref(), version).await?;
    if approved_at.is_none() {
        let message = "nothing is deleted by a policy that nobody has approved, and the statement would say it is; approve \
                       the policy first";
        return Err(Error::conflict("policy_not_approved", message));
    }
    if newest.is_some_and(|n| n.valid_from > statement.valid_from) {
        let message = "the newest version is to hold from a later day; a newer one cannot hold before it";
        return Err(Error::field("valid_from", "before_newest", message));
    }
    let id = work.id();
    let broken = |_| crate::store::Error::inconsistent("privacy_statement", "content");
    let row = StatementRow {
        org_id: actor.org,
        id,
        version_no: statement.version_no,
        policy_version_no,
        valid_from: statement.valid_from,
        content: serde_json::to_string(&Published::of(statement)).map_err(broken)?,
        published_at: work.at,
    };
    store::insert_statement(&work.tx, row).await?;
    let deed = Deed { verb: "privacy_statement.published", subject: "privacy_statement", id, fields: "content" };
    work.done(deed).await?;
    Ok(id)
}

/// Published versions, the newest first.
pub async fn list(ctx: &Ctx, actor: &Actor) -> Result<Vec<StatementRow>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_statements(&tx).await?;
    tx.commit().await?;
    Ok(rows)
}

/// A published version as it was; the one in force when no number is given.
pub async fn published(ctx: &Ctx, org: Uuid, version_no: Option<i64>) -> Result<Published, Error> {
    let tx = ctx.db.read(org).await?;
    let rows = store::list_statements(&tx).await?;
    tx.commit().await?;
    let today = ctx.today();
    let wanted = |row: &StatementRow| match version_no {
        Some(number) => row.version_no == number,
        None => row.valid_from <= today,
    };
    let row = rows.into_iter().find(wanted).ok_or_else(|| Error::not_found("privacy statement"))?;
    Published::of_row(&row)
}

/// A text as a PDF: the same text gives the same bytes.
pub fn pdf(paper: &Paper) -> Result<Vec<u8>, Error> {
    let content =
        serde_json::to_vec(paper).map_err(|_| crate::store::Error::inconsistent("privacy_statement", "content"))?;
    Ok(render::paper::pdf(paper, &crate::ctx::sha256(&content))?)
}

/// The organisation, where there is only one.
pub async fn only_organisation(ctx: &Ctx) -> Result<Uuid, Error> {
    let tx = ctx.db.system_look().await?;
    let all = organisation::list_ids(&tx).await?;
    match all.as_slice() {
        [only] => Ok(*only),
        _ => Err(Error::not_found("privacy statement")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_companies_are_seen() {
        let text = "Vi bruker Lillevik Data AS, og av og til Ola Regnskap\u{a0}ASA. Som vi sa: AS er en form.";
        assert_eq!(companies(text), ["Lillevik Data AS", "Ola Regnskap ASA"]);
    }

    #[test]
    fn times_are_seen_whatever_the_language() {
        let said: Vec<String> = promised("Slettes innen 30 dager, 2 år og 6\u{a0}months. I 1918 var 3 ting 5 år.")
            .into_iter()
            .map(|p| p.0.to_string())
            .collect();
        assert_eq!(said, ["P30D", "P2Y", "P6M"]);
    }

    #[test]
    fn everything_stored_is_in_the_policies_of_all_presets_but_what_they_leave_out() {
        for preset in domain::privacy::Preset::ALL {
            let policy = Policy::of(preset);
            for rule in stored_rules() {
                assert!(
                    policy.rule(rule).is_some() || rule.facts().optional,
                    "{rule:?} is stored and not in {}",
                    preset.as_str()
                );
            }
        }
    }
}
