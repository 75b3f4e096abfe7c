//! A policy: what is kept of whom, why and until when, as data. Five presets, edits within what the law and the promises
//! allow, and a check that says where a policy goes too far.

use super::period::Period;
use super::rule::{Action, Basis, Hold, Recipient, RuleId, Trigger};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::fmt;

/// What kind of business a policy was made for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Preset {
    /// An association that bills its members.
    AssociationBilling,
    /// An open invoicing platform.
    InvoicingPlatform,
    /// An accounting firm.
    AccountingFirm,
    /// A marketplace where accounting firms serve client companies.
    AccountingMarketplace,
    /// An ERP vendor.
    Erp,
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 5] = [
        Self::AssociationBilling,
        Self::InvoicingPlatform,
        Self::AccountingFirm,
        Self::AccountingMarketplace,
        Self::Erp,
    ];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AssociationBilling => "association-billing",
            Self::InvoicingPlatform => "invoicing-platform",
            Self::AccountingFirm => "accounting-firm",
            Self::AccountingMarketplace => "accounting-marketplace",
            Self::Erp => "erp",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.as_str() == text)
    }

    /// What an organisation of a legal form starts with, as the register of business enterprises codes it.
    pub fn of_legal_form(code: &str) -> Self {
        match code {
            "FLI" | "STI" | "BRL" | "ESEK" | "SA" => Self::AssociationBilling,
            _ => Self::InvoicingPlatform,
        }
    }
}

/// What ends a relationship that nobody has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RelationshipEnd {
    /// Nothing: a sync or a person ends it.
    Explicit,
    /// So long without a delivery or a contact. An ending by a sync or a person still counts at once.
    Inactivity(Period),
    /// The end of the contract, which a person or a sync tells.
    Contract,
}

/// Who keeps what the bookkeeping act asks for once a relationship has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Custody {
    /// The service, in its restricted archive.
    Platform,
    /// The organisation, which takes an export and confirms it; the service then keeps nothing.
    Tenant,
}

/// Where data may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Region {
    /// In the EEA, whatever else is agreed.
    EeaOnly,
    /// In the EEA, elsewhere with a recorded ground for the transfer.
    Eea,
}

/// What the organisation is to the data.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// It decides, and is served by a processor.
    Controller,
    /// It works on behalf of others.
    Processor,
}

/// What marketing needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Marketing {
    /// None is sent but what belongs to the relationship; anybody may opt out.
    RelationshipOnly,
    /// To customers of the last twelve months who have not opted out (markedsføringsloven § 15).
    OptOut,
    /// To those who have consented, a channel at a time.
    Consent,
}

/// One clock as a policy sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rule {
    /// Which clock.
    pub id: RuleId,
    /// What the period counts from.
    pub trigger: Trigger,
    /// How long; left out where it lasts without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub period: Option<Period>,
    /// What is done then.
    pub action: Action,
    /// On what grounds it is held.
    pub bases: BTreeSet<Basis>,
    /// What may delay it.
    pub holds: BTreeSet<Hold>,
    /// Who is told.
    pub recipients: BTreeSet<Recipient>,
}

/// A policy as it stands at one time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Policy {
    /// What it was made from.
    pub preset: Preset,
    /// What the organisation is to the data.
    pub role: Role,
    /// What ends a relationship that nobody has ended.
    pub relationship_end: RelationshipEnd,
    /// Who keeps what law asks for.
    pub archive_custody: Custody,
    /// Where data may be.
    pub region: Region,
    /// What marketing needs.
    pub marketing: Marketing,
    /// Days a request of a person may take at most; a calendar month when that is shorter.
    pub request_days: u32,
    /// People a number must stand for before it is kept as statistics.
    pub small_group: u32,
    /// Why national identity numbers are held, where they are (personopplysningsloven § 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub national_id_reason: Option<String>,
    /// The clocks.
    pub rules: Vec<Rule>,
}

/// What is wrong with a policy: where, by a stable code, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path of the field, such as `rules.backup.period`.
    pub field: String,
    /// Stable code.
    pub code: &'static str,
    /// What to do.
    pub message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.field, self.message, self.code)
    }
}

/// The fewest people a statistic may stand for.
pub const SMALLEST_GROUP: u32 = 5;

impl Policy {
    /// The policy a preset starts with (retention matrix, section 4).
    pub fn of(preset: Preset) -> Self {
        use Preset::{AccountingFirm, AccountingMarketplace, AssociationBilling, Erp, InvoicingPlatform};
        let months = |rule: RuleId, m: u32| (rule, Period::months(m));
        let days = |rule: RuleId, d: u32| (rule, Period::days(d));
        let (own, off): (Vec<(RuleId, Period)>, &[RuleId]) = match preset {
            AssociationBilling => (
                vec![
                    days(RuleId::ContactPerson, 0),
                    months(RuleId::SupportCase, 6),
                    days(RuleId::AccessLog, 30),
                    months(RuleId::AuditOther, 12),
                ],
                &[RuleId::Statistics, RuleId::MoneyLaundering, RuleId::CreditCheck, RuleId::IdentityCheck],
            ),
            InvoicingPlatform => (vec![months(RuleId::SupportCase, 36)], &[RuleId::MoneyLaundering]),
            AccountingFirm => (vec![months(RuleId::CustomerMaster, 12)], &[RuleId::CreditCheck]),
            AccountingMarketplace => {
                (vec![days(RuleId::CustomerMaster, 30)], &[RuleId::Statistics, RuleId::CreditCheck])
            }
            Erp => (
                vec![days(RuleId::AccessLog, 180), months(RuleId::AuditOther, 36)],
                &[RuleId::MoneyLaundering, RuleId::CreditCheck],
            ),
        };
        let rules = RuleId::ALL.iter().filter(|r| !off.contains(r)).map(|id| {
            let chosen = own.iter().find(|(of, _)| of == id).map(|(_, period)| *period);
            let rule = Rule::of(*id);
            Rule { period: chosen.or(rule.period), ..rule }
        });
        Self {
            preset,
            role: if matches!(preset, AccountingFirm) { Role::Controller } else { Role::Processor },
            relationship_end: match preset {
                AssociationBilling => RelationshipEnd::Explicit,
                InvoicingPlatform => RelationshipEnd::Inactivity(Period::years(3)),
                AccountingFirm | AccountingMarketplace | Erp => RelationshipEnd::Contract,
            },
            archive_custody: Custody::Platform,
            region: match preset {
                AssociationBilling | AccountingMarketplace => Region::EeaOnly,
                _ => Region::Eea,
            },
            marketing: match preset {
                AssociationBilling => Marketing::RelationshipOnly,
                InvoicingPlatform => Marketing::OptOut,
                _ => Marketing::Consent,
            },
            request_days: 30,
            small_group: SMALLEST_GROUP,
            national_id_reason: None,
            rules: rules.collect(),
        }
    }

    /// A clock, where the policy has it.
    pub fn rule(&self, id: RuleId) -> Option<&Rule> {
        self.rules.iter().find(|r| r.id == id)
    }

    /// Everything that breaks law, a promise or the matrix. Nothing: it may be published.
    pub fn check(&self) -> Vec<Finding> {
        let mut out = Vec::new();
        let mut find = |field: String, code, message: String| out.push(Finding { field, code, message });
        for id in RuleId::ALL {
            match self.rules.iter().filter(|r| r.id == *id).count() {
                0 if !id.facts().optional => {
                    let message = "the category is held and needs a rule; take the preset's".to_owned();
                    find(format!("rules.{}", id.as_str()), "missing_rule", message);
                }
                0 | 1 => {}
                _ => {
                    let message = "the rule stands more than once; keep one".to_owned();
                    find(format!("rules.{}", id.as_str()), "duplicate_rule", message);
                }
            }
        }
        for rule in &self.rules {
            rule.check(&mut find);
        }
        if self.request_days == 0 || self.request_days > 30 {
            find(
                "request_days".to_owned(),
                "above_ceiling",
                "a request is answered within 30 days: 1 to 30".to_owned(),
            );
        }
        if self.small_group < SMALLEST_GROUP {
            let message = format!("a number stands for at least {SMALLEST_GROUP} people");
            find("small_group".to_owned(), "below_floor", message);
        }
        if let RelationshipEnd::Inactivity(period) = self.relationship_end
            && !(period.is_at_least(Period::months(1)) && Period::years(3).is_at_least(period))
        {
            let message = "a relationship counts as over after one month to three years".to_owned();
            find("relationship_end".to_owned(), "above_ceiling", message);
        }
        if self.national_id_reason.as_deref().is_some_and(|r| r.trim().chars().count() < 40) {
            let message = "say in a sentence or two why certain identification is needed and nothing less does \
                           (personopplysningsloven § 12), or leave it out"
                .to_owned();
            find("national_id_reason".to_owned(), "not_justified", message);
        }
        let locked = matches!(self.preset, Preset::AssociationBilling | Preset::AccountingMarketplace);
        if locked && self.region != Region::EeaOnly {
            let message = "this preset promises that data stays in the EEA: eea_only".to_owned();
            find("region".to_owned(), "region_locked", message);
        }
        out
    }
}

impl Rule {
    /// The clock as the matrix proposes it.
    pub fn of(id: RuleId) -> Self {
        let facts = id.facts();
        Self {
            id,
            trigger: facts.trigger,
            period: facts.period,
            action: facts.action,
            bases: facts.bases.iter().copied().collect(),
            holds: facts.holds.iter().copied().collect(),
            recipients: facts.recipients.iter().copied().collect(),
        }
    }

    /// The grounds it rests on at a time. What the law keeps rests on the agreement too while the relationship lasts, and on
    /// the law alone once it is over.
    pub fn bases_when(&self, over: bool) -> Vec<Basis> {
        let law = self.action == Action::Archive && self.bases.contains(&Basis::LegalDuty);
        self.bases.iter().copied().filter(|b| !(over && law && *b == Basis::Contract)).collect()
    }

    fn check(&self, find: &mut impl FnMut(String, &'static str, String)) {
        let facts = self.id.facts();
        let at = |field: &str| format!("rules.{}.{field}", self.id.as_str());
        if self.trigger != facts.trigger {
            find(at("trigger"), "trigger_fixed", "what the period counts from is fixed; take the preset's".to_owned());
        }
        if self.action != facts.action {
            find(at("action"), "action_fixed", "what is done then is fixed; take the preset's".to_owned());
        }
        match self.period {
            None if facts.period.is_some() => {
                find(
                    at("period"),
                    "endless",
                    "say how long: nothing that tells of people is kept without end".to_owned(),
                );
            }
            Some(period) => {
                if let Some(floor) = facts.floor.filter(|f| !period.is_at_least(*f)) {
                    find(at("period"), "below_floor", format!("{} asks for at least {floor}", facts.source));
                }
                if let Some(ceiling) = facts.ceiling.filter(|c| !c.is_at_least(period)) {
                    find(at("period"), "above_ceiling", format!("at most {ceiling}"));
                }
            }
            None => {}
        }
        if self.bases.is_empty() || !self.bases.iter().all(|b| facts.bases.contains(b)) {
            find(at("bases"), "basis_unknown", format!("one or more of {}", names(facts.bases)));
        }
        if !self.holds.iter().all(|h| facts.holds.contains(h)) {
            find(at("holds"), "hold_not_allowed", format!("none other than {}", names(facts.holds)));
        }
        if !facts.holds.iter().all(|h| self.holds.contains(h)) {
            find(at("holds"), "hold_missing", format!("none of these can be left out: {}", names(facts.holds)));
        }
        if !facts.recipients.iter().all(|r| self.recipients.contains(r)) {
            let message = format!("these are told by the nature of the service: {}", names(facts.recipients));
            find(at("recipients"), "recipient_missing", message);
        }
    }
}

fn names<T: fmt::Debug>(of: &[T]) -> String {
    if of.is_empty() {
        return "(none)".to_owned();
    }
    of.iter().map(|one| snake(&format!("{one:?}"))).collect::<Vec<_>>().join(", ")
}

/// A variant's name as it stands in data.
fn snake(name: &str) -> String {
    let mut out = String::with_capacity(name.len() + 4);
    for (i, c) in name.char_indices() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn codes(policy: &Policy) -> Vec<(String, &'static str)> {
        policy.check().into_iter().map(|f| (f.field, f.code)).collect()
    }

    fn with(preset: Preset, id: RuleId, change: impl FnOnce(&mut Rule)) -> Policy {
        let mut policy = Policy::of(preset);
        change(policy.rules.iter_mut().find(|r| r.id == id).unwrap());
        policy
    }

    #[test]
    fn what_law_keeps_rests_on_the_agreement_while_it_lasts() {
        let grounds = |id: RuleId, over: bool| Rule::of(id).bases_when(over);
        for id in [RuleId::CustomerCore, RuleId::IssuedDocument, RuleId::Payment] {
            assert_eq!(grounds(id, false), [Basis::Contract, Basis::LegalDuty], "{id:?}");
            assert_eq!(grounds(id, true), [Basis::LegalDuty], "{id:?}");
        }
        assert_eq!(grounds(RuleId::Ledger, false), [Basis::LegalDuty]);
        // What no law asks for rests on the agreement for as long as it is there.
        assert_eq!(grounds(RuleId::CustomerMaster, true), [Basis::Contract]);
        assert_eq!(grounds(RuleId::OpenItem, true), [Basis::Contract, Basis::LegitimateInterest]);
    }

    #[test]
    fn every_preset_may_be_published() {
        for preset in Preset::ALL {
            assert_eq!(Policy::of(preset).check(), [], "{}", preset.as_str());
            assert_eq!(Preset::parse(preset.as_str()), Some(preset));
        }
    }

    #[test]
    fn associations_start_as_associations() {
        assert_eq!(Preset::of_legal_form("FLI"), Preset::AssociationBilling);
        assert_eq!(Preset::of_legal_form("AS"), Preset::InvoicingPlatform);
    }

    #[test]
    fn presets_differ_where_the_matrix_says() {
        let period = |preset, id| Policy::of(preset).rule(id).and_then(|r| r.period).map(|p| p.to_string());
        let row = |id| Preset::ALL.map(|p| period(p, id).unwrap_or_default());
        assert_eq!(row(RuleId::CustomerMaster), ["P0D", "P0D", "P1Y", "P30D", "P0D"]);
        assert_eq!(row(RuleId::SupportCase), ["P6M", "P3Y", "P1Y", "P1Y", "P1Y"]);
        assert_eq!(row(RuleId::AccessLog), ["P30D", "P90D", "P90D", "P90D", "P180D"]);
        assert_eq!(row(RuleId::AuditOther), ["P1Y", "P2Y", "P2Y", "P2Y", "P3Y"]);
        assert_eq!(row(RuleId::Backup), ["P30D"; 5]);
        assert_eq!(row(RuleId::Ledger), ["P5Y"; 5]);
        assert_eq!(row(RuleId::MoneyLaundering), ["", "", "P5Y", "P5Y", ""]);
        assert_eq!(row(RuleId::CreditCheck), ["", "P3M", "", "", ""]);
        let kept = |p| Policy::of(p).rule(RuleId::Statistics).is_some();
        assert_eq!(Preset::ALL.map(kept), [false, true, true, false, true]);
    }

    #[test]
    fn law_is_not_shortened_and_promises_are_not_stretched() {
        use Preset::Erp;
        let period = |id, text: &str| codes(&with(Erp, id, |r| r.period = Some(Period::parse(text).unwrap())));
        for id in [RuleId::CustomerCore, RuleId::IssuedDocument, RuleId::Ledger, RuleId::Payment, RuleId::BankFile] {
            let field = format!("rules.{}.period", id.as_str());
            assert_eq!(period(id, "P4Y11M"), [(field.clone(), "below_floor")]);
            assert_eq!(period(id, "P1825D"), [(field.clone(), "below_floor")]);
            assert_eq!(period(id, "P10Y"), []);
            assert_eq!(period(id, "P10Y1D"), [(field, "above_ceiling")]);
        }
        assert_eq!(period(RuleId::Backup, "P31D"), [("rules.backup.period".into(), "above_ceiling")]);
        assert_eq!(period(RuleId::Backup, "P1M"), [("rules.backup.period".into(), "above_ceiling")]);
        assert_eq!(period(RuleId::Backup, "P7D"), []);
        assert_eq!(period(RuleId::ErasureMark, "P30D"), [("rules.erasure_mark.period".into(), "below_floor")]);
        let endless = with(Erp, RuleId::AccessLog, |r| r.period = None);
        assert_eq!(codes(&endless), [("rules.access_log.period".into(), "endless")]);
    }

    #[test]
    fn what_a_policy_leaves_out_or_adds_is_found() {
        let mut policy = Policy::of(Preset::AssociationBilling);
        policy.rules.retain(|r| r.id != RuleId::Mandate);
        let twice = policy.rules[0].clone();
        policy.rules.push(twice);
        assert_eq!(
            codes(&policy),
            [("rules.customer_master".into(), "duplicate_rule"), ("rules.mandate".into(), "missing_rule")]
        );
        let mut policy = Policy::of(Preset::AssociationBilling);
        policy.region = Region::Eea;
        policy.request_days = 31;
        policy.small_group = 4;
        policy.national_id_reason = Some("needed".into());
        policy.relationship_end = RelationshipEnd::Inactivity(Period::years(4));
        let found: Vec<_> = policy.check().into_iter().map(|f| f.code).collect();
        assert_eq!(found, ["above_ceiling", "below_floor", "above_ceiling", "not_justified", "region_locked"]);
    }

    #[test]
    fn a_rule_cannot_be_turned_into_another() {
        use Preset::Erp;
        let found = |policy: Policy| policy.check().remove(0);
        let changed = found(with(Erp, RuleId::Backup, |r| r.holds = [Hold::Claim].into()));
        assert_eq!((changed.code, changed.message.as_str()), ("hold_not_allowed", "none other than (none)"));
        let changed = found(with(Erp, RuleId::CustomerMaster, |r| r.holds.clear()));
        assert_eq!(changed.code, "hold_missing", "what is owed would hold nothing");
        let changed = found(with(Erp, RuleId::Ledger, |r| r.trigger = Trigger::Never));
        assert_eq!(changed.code, "trigger_fixed");
        let changed = found(with(Erp, RuleId::Ledger, |r| r.action = Action::Anonymise));
        assert_eq!(changed.code, "action_fixed");
        let changed = found(with(Erp, RuleId::Ledger, |r| r.bases = [Basis::Consent].into()));
        assert_eq!((changed.code, changed.message.as_str()), ("basis_unknown", "one or more of legal_duty"));
        let changed = found(with(Erp, RuleId::EfakturaReference, |r| r.recipients.clear()));
        assert!(changed.message.ends_with("efaktura, host"), "{changed}");
    }
}
