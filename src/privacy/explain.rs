//! Why something is held, and until when: for a customer, a contact person, an invoice, a payment or a user.

use super::policy;
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use crate::store::OrgTx;
use crate::store::clocks::{self, Clock, Found, Kind, Since};
use crate::store::organisation::{self, Organisation};
use crate::store::privacy::{self as store, HoldRow, Relationship};
use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use domain::privacy::{
    Basis, Ground, Hold, Policy, Recipient, RelationshipEnd, Rule, RuleId, Trigger, financial_year_over_on,
    inactive_from,
};
use serde::Serialize;
use utoipa::ToSchema;
use uuid::Uuid;

/// Everything held of somebody or something, and why.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Explained {
    /// What was asked about: customer, contact, invoice, payment or user.
    pub subject_kind: String,
    /// Which.
    pub subject_id: Uuid,
    /// Number of the policy it is held by; 0 for a preset nobody has published.
    pub policy_version: i64,
    /// Last day of the relationship, when it has ended or is to end.
    pub relationship_ended_on: Option<NaiveDate>,
    /// The day the relationship ends by itself if nothing happens, where the policy says so.
    pub relationship_ends_by_itself_on: Option<NaiveDate>,
    /// What is held, by clock.
    pub held: Vec<Held>,
    /// Holds that stand.
    pub holds: Vec<HoldView>,
    /// Who was told, and when last.
    pub told: Vec<Told>,
}

/// What one clock holds.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Held {
    /// The clock.
    #[schema(value_type = String, example = "issued_document")]
    pub rule: RuleId,
    /// Row of the retention matrix.
    pub category: u8,
    /// What the category is called.
    pub title: &'static str,
    /// What the rows are.
    pub what: &'static str,
    /// How many there are.
    pub count: i64,
    /// What it is held for.
    pub purpose: &'static str,
    /// On what grounds, by article 6 (1).
    #[schema(value_type = Vec<String>)]
    pub bases: Vec<Basis>,
    /// Who is told of it by the nature of the service.
    #[schema(value_type = Vec<String>)]
    pub recipients: Vec<Recipient>,
    /// Where the period comes from: a paragraph, or "policy".
    pub source: &'static str,
    /// What the period counts from.
    #[schema(value_type = String, example = "financial_year")]
    pub trigger: Trigger,
    /// How long, as an ISO 8601 period.
    #[schema(value_type = Option<String>, example = "P5Y")]
    pub period: Option<domain::privacy::Period>,
    /// The day the period counts from, of what goes last; none while it is in use.
    pub counted_from: Option<NaiveDate>,
    /// First day on which the first of it may be deleted.
    pub first_deletable_on: Option<NaiveDate>,
    /// First day on which all of it may be deleted; none while it is in use.
    pub deletable_on: Option<NaiveDate>,
    /// in_use, running, due or held.
    pub state: &'static str,
    /// What delays it.
    #[schema(value_type = Vec<String>)]
    pub held_by: Vec<Hold>,
}

/// A hold that stands.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct HoldView {
    /// The hold; none for what is owed, which holds by itself.
    pub id: Option<Uuid>,
    /// Its kind.
    #[schema(value_type = String, example = "dispute")]
    pub kind: Hold,
    /// The grounds a privacy statement names for it.
    #[schema(value_type = Vec<String>)]
    pub grounds: Vec<Ground>,
    /// Why.
    pub reason: String,
    /// Who sees to it.
    pub owner: Option<String>,
    /// When it is looked at again.
    pub review_on: Option<NaiveDate>,
}

/// Somebody who was told.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Told {
    /// Who.
    #[schema(value_type = String, example = "mail_relay")]
    pub recipient: Recipient,
    /// How many documents.
    pub documents: i64,
    /// When last.
    pub last_at: DateTime<Utc>,
}

/// What is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject {
    /// A customer.
    Customer(Uuid),
    /// Somebody at or for a customer.
    Contact {
        /// Of whom.
        customer: Uuid,
        /// Who.
        id: Uuid,
    },
    /// An invoice or a credit note.
    Invoice(Uuid),
    /// A payment.
    Payment(Uuid),
    /// Somebody who signs in.
    User(Uuid),
}

impl Subject {
    const fn parts(self) -> (Kind, Uuid) {
        match self {
            Self::Customer(id) => (Kind::Customer, id),
            Self::Contact { id, .. } => (Kind::Contact, id),
            Self::Invoice(id) => (Kind::Invoice, id),
            Self::Payment(id) => (Kind::Payment, id),
            Self::User(id) => (Kind::User, id),
        }
    }
}

/// What a kind and an id mean.
pub async fn subject(ctx: &Ctx, actor: &Actor, kind: &str, id: Uuid) -> Result<Subject, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let subject = subject_in(&tx, kind, id).await?;
    tx.commit().await?;
    Ok(subject)
}

/// What a kind and an id mean, in a transaction. There must be such a thing.
pub(super) async fn subject_in(tx: &OrgTx, kind: &str, id: Uuid) -> Result<Subject, Error> {
    let known = Kind::parse(kind);
    let known = known
        .ok_or_else(|| Error::field("subject_kind", "unknown_kind", "customer, contact, invoice, payment or user"))?;
    let of = store::customer_of(tx, known, id).await?.ok_or_else(|| Error::not_found(known.as_str()))?;
    Ok(match known {
        Kind::Customer => Subject::Customer(id),
        Kind::Invoice => Subject::Invoice(id),
        Kind::Payment => Subject::Payment(id),
        Kind::User => Subject::User(id),
        Kind::Contact => Subject::Contact { customer: of.ok_or_else(|| Error::not_found("contact"))?, id },
    })
}

/// What a clock is reckoned with.
struct Reckoning<'a> {
    policy: &'a Policy,
    fiscal_start: u32,
    relationship: Option<&'a Relationship>,
    today: NaiveDate,
    language: Language,
}

/// Why somebody or something is held, and until when.
pub async fn explain(
    ctx: &Ctx,
    actor: &Actor,
    subject: Subject,
    language: Option<Language>,
) -> Result<Explained, Error> {
    explain_as(ctx, actor, subject, language, false).await
}

/// The same, as if the relationship ended today.
pub(super) async fn explain_at_end(ctx: &Ctx, actor: &Actor, subject: Subject) -> Result<Explained, Error> {
    explain_as(ctx, actor, subject, None, true).await
}

async fn explain_as(
    ctx: &Ctx,
    actor: &Actor,
    subject: Subject,
    language: Option<Language>,
    at_end: bool,
) -> Result<Explained, Error> {
    let (kind, id) = subject.parts();
    let tx = ctx.db.read(actor.org).await?;
    let customer = store::customer_of(&tx, kind, id).await?.ok_or_else(|| Error::not_found(kind.as_str()))?;
    if matches!(subject, Subject::Contact { customer: of, .. } if customer != Some(of)) {
        return Err(Error::not_found(kind.as_str()));
    }
    let org = organisation::find(&tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    let version = policy::on(&tx, ctx.today()).await?;
    let mut relationship = match customer {
        Some(customer) => store::relationship(&tx, customer).await?,
        None => None,
    };
    if let Some(relationship) = relationship.as_mut().filter(|_| at_end) {
        relationship.ended_on.get_or_insert(ctx.today());
    }
    let holds = standing(&store::holds_on(&tx, id, customer).await?, relationship.as_ref());
    let reckoning = Reckoning {
        policy: &version.policy,
        fiscal_start: fiscal_start(&org),
        relationship: relationship.as_ref(),
        today: ctx.today(),
        language: language.unwrap_or_else(|| Language::from_code(&org.language)),
    };
    let mut held = Vec::new();
    for (clock, found) in clocks::find(&tx, kind, id).await? {
        if let Some(rule) = version.policy.rule(clock.rule) {
            held.push(reckoning.held(clock, rule, found, &holds));
        }
    }
    let told = told(&tx, kind, id).await?;
    tx.commit().await?;
    Ok(Explained {
        subject_kind: kind.as_str().to_owned(),
        subject_id: id,
        policy_version: version.version_no,
        relationship_ended_on: relationship.as_ref().and_then(|r| r.ended_on),
        relationship_ends_by_itself_on: reckoning.ends_by_itself_on(),
        held,
        holds,
        told,
    })
}

/// First month of the organisation's financial year.
fn fiscal_start(org: &Organisation) -> u32 {
    u32::try_from(org.fiscal_year_start_month).unwrap_or(1)
}

fn standing(rows: &[HoldRow], relationship: Option<&Relationship>) -> Vec<HoldView> {
    let mut holds: Vec<HoldView> = rows
        .iter()
        .filter_map(|row| {
            let kind = Hold::parse(&row.kind)?;
            Some(HoldView {
                id: Some(row.id),
                kind,
                grounds: kind.grounds().to_vec(),
                reason: row.reason.clone(),
                owner: Some(row.owner.clone()),
                review_on: Some(row.review_on),
            })
        })
        .collect();
    if relationship.is_some_and(|r| r.open_ore > 0 || r.unallocated_ore != 0) {
        holds.push(HoldView {
            id: None,
            kind: Hold::OpenBalance,
            grounds: Hold::OpenBalance.grounds().to_vec(),
            reason: "money is owed".to_owned(),
            owner: None,
            review_on: None,
        });
    }
    holds
}

impl Reckoning<'_> {
    fn held(&self, clock: &Clock, rule: &Rule, found: Found, holds: &[HoldView]) -> Held {
        let (first, last) = self.counted_from(clock, found);
        // Of whom nothing was ever booked the law keeps nothing: the core goes with the rest.
        let never_booked = clock.since == Since::LastBooked && self.last_booked().is_none();
        let rule = self.policy.rule(RuleId::CustomerMaster).filter(|_| never_booked).unwrap_or(rule);
        let after = |day: NaiveDate| {
            let from =
                if rule.trigger.is_financial_year() { financial_year_over_on(day, self.fiscal_start) } else { day };
            rule.period.map(|p| p.after(from))
        };
        let deletable_on = last.and_then(after);
        let held_by: Vec<Hold> = holds.iter().map(|h| h.kind).filter(|h| rule.holds.contains(h)).collect();
        let state = match deletable_on {
            None => "in_use",
            Some(day) if day > self.today => "running",
            Some(_) if held_by.is_empty() => "due",
            Some(_) => "held",
        };
        Held {
            rule: clock.rule,
            category: clock.rule.category(),
            title: render::privacy::title(clock.rule, self.language),
            what: clock.what,
            count: found.count,
            purpose: render::privacy::purpose(clock.rule, self.language),
            bases: rule.bases_when(self.relationship.is_some_and(|r| r.status != "active")),
            recipients: rule.recipients.iter().copied().collect(),
            source: rule.id.facts().source,
            trigger: rule.trigger,
            period: rule.period,
            counted_from: last,
            first_deletable_on: first.and_then(after),
            deletable_on,
            state,
            held_by,
        }
    }

    /// The first and the last day the time of a clock's rows counts from.
    fn counted_from(&self, clock: &Clock, found: Found) -> (Option<NaiveDate>, Option<NaiveDate>) {
        let ended_on = self.relationship.and_then(|r| r.ended_on);
        match clock.since {
            Since::Day(_) | Since::Instant(_) => (found.first, found.last),
            Since::InUse => (None, None),
            Since::Ending => (ended_on, ended_on),
            // A relationship that goes on will book more.
            Since::LastBooked => {
                let last = ended_on.map(|ended| self.last_booked().unwrap_or(ended));
                (last, last)
            }
        }
    }

    fn last_booked(&self) -> Option<NaiveDate> {
        self.relationship.and_then(|r| r.last_booked_on.max(r.last_invoice_on))
    }

    /// The day a relationship nobody has ended is over, where the policy says so.
    fn ends_by_itself_on(&self) -> Option<NaiveDate> {
        let relationship = self.relationship.filter(|r| r.ended_on.is_none())?;
        let RelationshipEnd::Inactivity(period) = self.policy.relationship_end else { return None };
        let made_on = relationship.created_at.date_naive();
        inactive_from(relationship.last_invoice_on, Some(made_on).max(relationship.last_contact_on), period)
    }
}

/// Who was told of a customer or an invoice by way of a channel.
async fn told(tx: &OrgTx, kind: Kind, id: Uuid) -> Result<Vec<Told>, Error> {
    let rows = match kind {
        Kind::Customer => store::handed_over(tx, "customer_id", id).await?,
        Kind::Invoice => store::handed_over(tx, "invoice_id", id).await?,
        _ => Vec::new(),
    };
    let recipient = |channel: &str| match channel {
        "mail" => Some(Recipient::MailRelay),
        "efaktura" => Some(Recipient::Efaktura),
        "ehf" => Some(Recipient::AccessPoint),
        _ => None,
    };
    let told = rows.into_iter().filter_map(|row| {
        let recipient = recipient(&row.channel)?;
        Some(Told { recipient, documents: row.documents, last_at: row.last_at })
    });
    Ok(told.collect())
}
