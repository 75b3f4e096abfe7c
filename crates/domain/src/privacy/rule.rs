//! The clocks of the retention matrix: what each category is for, on what ground, when it goes, and how far a policy may
//! move that. Numbers are those of the matrix; a category with several clocks has a rule for each.

use super::period::Period;
use serde::{Deserialize, Serialize};

/// Legal basis, GDPR article 6 (1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Basis {
    /// (a) consent.
    Consent,
    /// (b) a contract, or steps before one.
    Contract,
    /// (c) a legal duty.
    LegalDuty,
    /// (f) a legitimate interest, after a balancing test.
    LegitimateInterest,
}

/// Whom something is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// Nobody: structure, counters and settings.
    Nobody,
    /// The organisation itself; a person when it is a sole proprietorship.
    Organisation,
    /// The customer who pays.
    Payer,
    /// Somebody at or for the customer.
    ContactPerson,
    /// Whoever paid, customer or not.
    BankPayer,
    /// Somebody who works in the system.
    User,
}

/// What a period counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trigger {
    /// The relationship with the customer ended.
    RelationshipEnd,
    /// The end of the financial year of the booking.
    FinancialYear,
    /// The end of the financial year of the customer's last booked document.
    LastDocumentYear,
    /// The person left, or the relationship ended.
    PersonLeft,
    /// It was last changed.
    LastEdit,
    /// It was revoked, or the relationship ended.
    Revoked,
    /// The last debit, or the end of the mandate.
    LastDebit,
    /// It was delivered or given up.
    FinalStatus,
    /// The case was closed.
    Closed,
    /// It was withdrawn.
    Withdrawn,
    /// It was recorded.
    Recorded,
    /// The session ended.
    SessionEnd,
    /// It was last used.
    LastUse,
    /// The user's profile ended.
    ProfileEnd,
    /// It was applied or discarded.
    Decided,
    /// It was made.
    Made,
    /// The need was last reviewed.
    Reviewed,
    /// The matter was resolved.
    Resolved,
    /// Letters were sent.
    LettersSent,
    /// A newer version took its place.
    Superseded,
    /// The event was over.
    EventEnd,
    /// The last contact.
    LastContact,
    /// Nothing: it tells of nobody.
    Never,
}

impl Trigger {
    /// Whether the period counts from the end of a financial year.
    pub const fn is_financial_year(self) -> bool {
        matches!(self, Self::FinancialYear | Self::LastDocumentYear)
    }
}

/// What is done when the time has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Deleted.
    Delete,
    /// Restricted when the relationship ends, deleted when the time has come.
    Archive,
    /// Made into numbers that tell of nobody.
    Anonymise,
}

/// Why something may be kept although its time has come. The list is closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hold {
    /// Money is owed, either way.
    OpenBalance,
    /// The customer disputes a claim.
    Dispute,
    /// A legal claim is pursued or defended.
    Claim,
    /// An authority or a court ordered it.
    Order,
    /// A request of the person is not answered yet.
    PrivacyRequest,
    /// A security incident or fraud is looked into.
    Security,
}

impl Hold {
    /// Every kind.
    pub const ALL: [Self; 6] =
        [Self::OpenBalance, Self::Dispute, Self::Claim, Self::Order, Self::PrivacyRequest, Self::Security];

    /// Its name in the API and the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenBalance => "open_balance",
            Self::Dispute => "dispute",
            Self::Claim => "claim",
            Self::Order => "order",
            Self::PrivacyRequest => "privacy_request",
            Self::Security => "security",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|h| h.as_str() == text)
    }

    /// The ground a privacy statement names for it (decision 47): fulfilling the agreement, a legal duty, a dispute,
    /// security, or fraud and abuse.
    pub const fn grounds(self) -> &'static [Ground] {
        match self {
            Self::OpenBalance => &[Ground::Agreement],
            Self::Dispute | Self::Claim => &[Ground::Dispute],
            Self::Order | Self::PrivacyRequest => &[Ground::LegalDuty],
            Self::Security => &[Ground::Security, Ground::Fraud],
        }
    }
}

/// Grounds for keeping longer, as privacy statements name them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ground {
    /// Enforcing and fulfilling the agreement.
    Agreement,
    /// A duty by law.
    LegalDuty,
    /// A dispute or a legal claim.
    Dispute,
    /// Security.
    Security,
    /// Fraud and abuse.
    Fraud,
}

/// Who is told, by the nature of the service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Recipient {
    /// Who carries mail.
    MailRelay,
    /// The banks' eFaktura system.
    Efaktura,
    /// The access point that carries e-invoices between businesses.
    AccessPoint,
    /// The bank that carries out payments and mandates.
    Bank,
    /// Who runs the machines and keeps the backups.
    Host,
}

impl Recipient {
    /// Every recipient.
    pub const ALL: [Self; 5] = [Self::MailRelay, Self::Efaktura, Self::AccessPoint, Self::Bank, Self::Host];

    /// From its name in answers.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|r| r.as_str() == text)
    }

    /// Its name in answers.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MailRelay => "mail_relay",
            Self::Efaktura => "efaktura",
            Self::AccessPoint => "access_point",
            Self::Bank => "bank",
            Self::Host => "host",
        }
    }
}

macro_rules! rules {
    ($($name:ident $slug:literal $category:literal),+ $(,)?) => {
        /// A clock of the retention matrix.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum RuleId { $(#[doc = $slug] $name),+ }

        impl RuleId {
            /// Every clock, in the order of the matrix.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name in policies, plans and answers.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$name => $slug),+ }
            }

            /// The row of the matrix it belongs to.
            pub const fn category(self) -> u8 {
                match self { $(Self::$name => $category),+ }
            }
        }
    };
}

rules! {
    CustomerMaster "customer_master" 1,
    CustomerCore "customer_core" 2,
    ContactPerson "contact_person" 3,
    IssuedDocument "issued_document" 4,
    Draft "draft" 5,
    Ledger "ledger" 6,
    Payment "payment" 7,
    OpenItem "open_item" 8,
    Reminder "reminder" 9,
    UnbookedReminder "unbooked_reminder" 9,
    EfakturaReference "efaktura_reference" 10,
    Mandate "mandate" 11,
    DeliveryLog "delivery_log" 12,
    DeliveryAddress "delivery_address" 12,
    BouncedMail "bounced_mail" 12,
    MailBody "mail_body" 13,
    SupportCase "support_case" 14,
    Correspondence "correspondence" 15,
    Consent "consent" 16,
    Marketing "marketing" 17,
    PrivacyCase "privacy_case" 18,
    PrivacyPackage "privacy_package" 18,
    ErasureMark "erasure_mark" 19,
    Certificate "certificate" 19,
    AuditBooks "audit_books" 20,
    AuditOther "audit_other" 20,
    AccessLog "access_log" 21,
    BlockedAddress "blocked_address" 22,
    Session "session" 23,
    RememberToken "remember_token" 23,
    AppUser "app_user" 24,
    SyncFile "sync_file" 25,
    SyncPlan "sync_plan" 25,
    BankFile "bank_file" 26,
    UnmatchedPayment "unmatched_payment" 27,
    Backup "backup" 28,
    Statistics "statistics" 29,
    CreditCheck "credit_check" 30,
    DisputeCase "dispute_case" 31,
    BreachCase "breach_case" 32,
    BreachPersons "breach_persons" 32,
    IdentityCheck "identity_check" 33,
    MoneyLaundering "money_laundering" 34,
    Terms "terms" 35,
    EventSignup "event_signup" 36,
    Prospect "prospect" 37,
}

impl RuleId {
    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|r| r.as_str() == text)
    }
}

/// What holds of a clock whatever a policy says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Facts {
    /// What the period counts from.
    pub trigger: Trigger,
    /// The period unless a policy says otherwise; none lasts without end.
    pub period: Option<Period>,
    /// Never shorter: the law asks for it.
    pub floor: Option<Period>,
    /// Never longer.
    pub ceiling: Option<Period>,
    /// What is done then.
    pub action: Action,
    /// On what grounds it is held.
    pub bases: &'static [Basis],
    /// What may delay it.
    pub holds: &'static [Hold],
    /// Who is told.
    pub recipients: &'static [Recipient],
    /// Where the period comes from: a paragraph, or "policy" where it is a choice within bounds.
    pub source: &'static str,
    /// Whether a policy may leave it out.
    pub optional: bool,
}

const BOOKS: &[Hold] = &[Hold::OpenBalance, Hold::Dispute, Hold::Claim, Hold::Order];
const CHANNELS: &[Recipient] = &[Recipient::MailRelay, Recipient::Efaktura, Recipient::AccessPoint, Recipient::Host];
const HOST: &[Recipient] = &[Recipient::Host];
const BANK: &[Recipient] = &[Recipient::Bank, Recipient::Host];
const FIVE_YEARS: Period = Period::years(5);
const BOOKKEEPING: &str = "bokføringsloven § 13";
const POLICY: &str = "policy";

/// Kept by the bookkeeping act: five years after the financial year, ten where the policy says so.
const fn books(bases: &'static [Basis], recipients: &'static [Recipient]) -> Facts {
    Facts {
        trigger: Trigger::FinancialYear,
        period: Some(FIVE_YEARS),
        floor: Some(FIVE_YEARS),
        ceiling: Some(Period::years(10)),
        action: Action::Archive,
        bases,
        holds: BOOKS,
        recipients,
        source: BOOKKEEPING,
        optional: false,
    }
}

/// Kept for a while the policy sets, up to a ceiling.
const fn while_needed(
    trigger: Trigger,
    period: Period,
    ceiling: Period,
    bases: &'static [Basis],
    holds: &'static [Hold],
) -> Facts {
    Facts {
        trigger,
        period: Some(period),
        floor: None,
        ceiling: Some(ceiling),
        action: Action::Delete,
        bases,
        holds,
        recipients: HOST,
        source: POLICY,
        optional: false,
    }
}

const CONTRACT: &[Basis] = &[Basis::Contract];
/// The agreement while the relationship lasts, the bookkeeping act as long and after.
const CONTRACT_THEN_DUTY: &[Basis] = &[Basis::Contract, Basis::LegalDuty];
const DUTY: &[Basis] = &[Basis::LegalDuty];
const INTEREST: &[Basis] = &[Basis::LegitimateInterest];

impl RuleId {
    /// What holds of it whatever a policy says.
    #[expect(clippy::too_many_lines, reason = "one row a clock, as in the matrix")]
    pub const fn facts(self) -> Facts {
        use Trigger as T;
        let days = Period::days;
        let months = Period::months;
        match self {
            Self::CustomerMaster => Facts {
                recipients: CHANNELS,
                ..while_needed(
                    T::RelationshipEnd,
                    Period::NONE,
                    months(12),
                    CONTRACT,
                    &[Hold::OpenBalance, Hold::Dispute],
                )
            },
            Self::CustomerCore => Facts { trigger: T::LastDocumentYear, ..books(CONTRACT_THEN_DUTY, CHANNELS) },
            Self::ContactPerson => while_needed(
                T::PersonLeft,
                days(30),
                days(30),
                &[Basis::LegitimateInterest, Basis::Contract],
                &[Hold::Dispute],
            ),
            Self::IssuedDocument => books(CONTRACT_THEN_DUTY, CHANNELS),
            Self::Draft => while_needed(T::LastEdit, days(90), months(12), CONTRACT, &[]),
            Self::Ledger => books(DUTY, HOST),
            Self::Payment | Self::UnmatchedPayment | Self::BankFile => books(CONTRACT_THEN_DUTY, BANK),
            Self::OpenItem => books(&[Basis::Contract, Basis::LegitimateInterest], HOST),
            Self::Reminder => {
                books(&[Basis::LegitimateInterest, Basis::LegalDuty], &[Recipient::MailRelay, Recipient::Host])
            }
            Self::UnbookedReminder => {
                while_needed(T::Recorded, months(42), months(42), INTEREST, &[Hold::Dispute, Hold::Claim])
            }
            Self::EfakturaReference => Facts {
                recipients: &[Recipient::Efaktura, Recipient::Host],
                ..while_needed(T::Revoked, Period::NONE, days(10), CONTRACT, &[])
            },
            Self::Mandate => Facts {
                recipients: BANK,
                ..while_needed(T::LastDebit, months(13), months(13), CONTRACT, &[Hold::Dispute])
            },
            Self::DeliveryLog => books(&[Basis::LegitimateInterest, Basis::LegalDuty], HOST),
            Self::DeliveryAddress => {
                while_needed(T::Recorded, months(12), months(24), CONTRACT, &[Hold::Dispute, Hold::Claim])
            }
            Self::BouncedMail => while_needed(T::Recorded, days(30), days(30), INTEREST, &[]),
            Self::MailBody => while_needed(T::FinalStatus, days(30), days(90), CONTRACT, &[]),
            Self::SupportCase => while_needed(
                T::Closed,
                months(12),
                months(36),
                &[Basis::Contract, Basis::LegitimateInterest],
                &[Hold::Dispute, Hold::PrivacyRequest],
            ),
            Self::Correspondence => Facts {
                period: Some(Period::months(42)),
                floor: Some(Period::months(42)),
                ceiling: Some(FIVE_YEARS),
                ..books(DUTY, HOST)
            },
            Self::Consent => {
                while_needed(T::Withdrawn, Period::years(3), FIVE_YEARS, INTEREST, &[Hold::PrivacyRequest])
            }
            Self::Marketing => while_needed(
                T::Withdrawn,
                Period::NONE,
                Period::NONE,
                &[Basis::Consent, Basis::LegitimateInterest],
                &[],
            ),
            Self::PrivacyCase => Facts {
                source: "GDPR article 5 (2)",
                ..while_needed(
                    T::Closed,
                    Period::years(3),
                    FIVE_YEARS,
                    &[Basis::LegalDuty, Basis::LegitimateInterest],
                    &[Hold::Claim, Hold::Order],
                )
            },
            Self::PrivacyPackage => while_needed(T::Made, days(30), days(30), DUTY, &[]),
            Self::ErasureMark => Facts {
                // Longer than any backup that could bring the person back.
                floor: Some(Period::days(31)),
                ..while_needed(T::Made, days(60), months(12), INTEREST, &[])
            },
            Self::Certificate => while_needed(T::Made, FIVE_YEARS, FIVE_YEARS, INTEREST, &[]),
            Self::AuditBooks => Facts {
                holds: &[Hold::OpenBalance, Hold::Dispute, Hold::Claim, Hold::Order, Hold::Security],
                ..books(&[Basis::LegalDuty, Basis::LegitimateInterest], HOST)
            },
            Self::AuditOther => {
                while_needed(T::Recorded, months(24), months(36), INTEREST, &[Hold::Security, Hold::Order])
            }
            Self::AccessLog => while_needed(T::Recorded, days(90), months(12), INTEREST, &[Hold::Security]),
            Self::BlockedAddress => while_needed(T::Reviewed, months(6), months(6), INTEREST, &[]),
            Self::Session => while_needed(T::SessionEnd, days(1), days(1), CONTRACT, &[Hold::Security]),
            Self::RememberToken => while_needed(T::LastUse, days(90), days(90), CONTRACT, &[Hold::Security]),
            Self::AppUser => {
                while_needed(T::ProfileEnd, Period::NONE, days(30), CONTRACT, &[Hold::Security, Hold::Dispute])
            }
            Self::SyncFile => while_needed(T::Decided, Period::NONE, Period::NONE, CONTRACT, &[]),
            Self::SyncPlan => while_needed(T::Made, days(7), days(7), CONTRACT, &[]),
            Self::Backup => {
                Facts { source: "GDPR article 32", ..while_needed(T::Made, days(30), days(30), INTEREST, &[]) }
            }
            Self::Statistics => Facts {
                trigger: T::Never,
                period: None,
                ceiling: None,
                action: Action::Anonymise,
                optional: true,
                ..while_needed(T::Never, Period::NONE, Period::NONE, INTEREST, &[])
            },
            Self::CreditCheck => {
                Facts { optional: true, ..while_needed(T::Made, months(3), months(3), INTEREST, &[Hold::Dispute]) }
            }
            Self::DisputeCase => while_needed(
                T::Resolved,
                Period::years(3),
                FIVE_YEARS,
                &[Basis::Contract, Basis::LegitimateInterest],
                &[Hold::Claim, Hold::Order],
            ),
            Self::BreachCase => Facts {
                source: "GDPR article 33 (5)",
                ..while_needed(T::Closed, FIVE_YEARS, FIVE_YEARS, DUTY, &[Hold::Order])
            },
            Self::BreachPersons => while_needed(T::LettersSent, months(12), months(12), DUTY, &[Hold::Order]),
            Self::IdentityCheck => Facts {
                optional: true,
                ..while_needed(
                    T::Made,
                    months(24),
                    months(24),
                    &[Basis::Consent, Basis::LegitimateInterest],
                    &[Hold::Security],
                )
            },
            Self::MoneyLaundering => Facts {
                floor: Some(FIVE_YEARS),
                source: "hvitvaskingsloven § 30",
                optional: true,
                ..while_needed(T::RelationshipEnd, FIVE_YEARS, FIVE_YEARS, DUTY, &[Hold::Order])
            },
            Self::Terms => {
                while_needed(T::Superseded, FIVE_YEARS, FIVE_YEARS, &[Basis::LegalDuty, Basis::LegitimateInterest], &[])
            }
            Self::EventSignup => {
                Facts { optional: true, ..while_needed(T::EventEnd, days(30), days(90), &[Basis::Consent], &[]) }
            }
            Self::Prospect => {
                Facts { optional: true, ..while_needed(T::LastContact, months(6), months(12), CONTRACT, &[]) }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn every_row_of_the_matrix_has_a_clock_within_its_own_bounds() {
        let categories: HashSet<u8> = RuleId::ALL.iter().map(|r| r.category()).collect();
        assert_eq!(categories, (1..=37).collect());
        for rule in RuleId::ALL {
            let facts = rule.facts();
            let period = facts.period;
            assert_eq!(period.is_none(), *rule == RuleId::Statistics, "{rule:?}");
            if let (Some(period), Some(floor)) = (period, facts.floor) {
                assert!(period.is_at_least(floor), "{rule:?}");
            }
            if let (Some(period), Some(ceiling)) = (period, facts.ceiling) {
                assert!(ceiling.is_at_least(period), "{rule:?}");
            }
            assert!(!facts.bases.is_empty() && !facts.source.is_empty(), "{rule:?}");
            assert_eq!(RuleId::parse(rule.as_str()), Some(*rule));
        }
    }

    #[test]
    fn nothing_holds_a_backup_or_an_objection_to_marketing() {
        assert!(RuleId::Backup.facts().holds.is_empty() && RuleId::Marketing.facts().holds.is_empty());
    }

    #[test]
    fn every_hold_names_a_ground_of_the_statement() {
        for hold in Hold::ALL {
            assert_eq!(Hold::parse(hold.as_str()), Some(hold));
            assert!(!hold.grounds().is_empty());
            assert!(RuleId::ALL.iter().any(|r| r.facts().holds.contains(&hold)), "{hold:?} holds nothing");
        }
    }
}
