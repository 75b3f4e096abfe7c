//! Where the rows of each clock stand, whose they are, and the day their time counts from: what explains reads this list;
//! what is deleted stands in `retention`.

use super::error::Error;
use super::reading;
use super::sql::all;
use super::tx::OrgTx;
use chrono::{DateTime, NaiveDate, Utc};
use chrono_tz::Europe::Oslo;
use domain::privacy::RuleId;
use sea_orm::FromQueryResult;
use uuid::Uuid;

/// The day a row's time counts from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Since {
    /// A date.
    Day(&'static str),
    /// A point in time.
    Instant(&'static str),
    /// The end of the relationship.
    Ending,
    /// The newest thing booked for the customer; the end of the relationship when nothing was.
    LastBooked,
    /// Nothing yet: it is in use.
    InUse,
}

/// What the rows of a clock are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A customer.
    Customer,
    /// Somebody at or for a customer.
    Contact,
    /// An invoice or a credit note.
    Invoice,
    /// A payment.
    Payment,
    /// Somebody who signs in.
    User,
}

impl Kind {
    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Customer => "customer",
            Self::Contact => "contact",
            Self::Invoice => "invoice",
            Self::Payment => "payment",
            Self::User => "user",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Customer, Self::Contact, Self::Invoice, Self::Payment, Self::User]
            .into_iter()
            .find(|k| k.as_str() == text)
    }
}

/// Rows of one table that live by one clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    /// The clock.
    pub rule: RuleId,
    /// What the rows are, for people.
    pub what: &'static str,
    /// Tables, with `t` for the one that counts.
    from: &'static str,
    /// The rows of a subject, whose id is `$2`.
    of: &'static [(Kind, &'static str)],
    /// The rows the clock is for, among all of the table.
    only: &'static str,
    /// What their time counts from.
    pub since: Since,
}

use Kind::{Contact, Customer, Invoice, Payment, User};

const fn clock(
    rule: RuleId,
    what: &'static str,
    from: &'static str,
    of: &'static [(Kind, &'static str)],
    since: Since,
) -> Clock {
    Clock { rule, what, from, of, only: "TRUE", since }
}

/// A segment of the audit log holds one day at most: what is in it goes on the day of its own time.
const fn acts(rule: RuleId, what: &'static str) -> Clock {
    clock(rule, what, "audit_event t", &[(User, "t.actor_id = $2")], Since::Instant("t.at"))
}

/// Reads about somebody are found by what each database knows of bytes.
const READ_ABOUT: &str = "{read_about}";
/// The day another statement took the place of `s`.
pub(super) const NEXT_STATEMENT: &str = "(SELECT MIN(n.valid_from) FROM privacy_statement n \
    WHERE n.org_id = t.org_id AND n.version_no > s.version_no)";
const T_CUSTOMER: &[(Kind, &str)] = &[(Customer, "t.customer_id = $2")];
const OF_DELIVERY: &[(Kind, &str)] = &[(Customer, "d.customer_id = $2"), (Invoice, "d.invoice_id = $2")];

/// Every clock that has rows.
pub const CLOCKS: &[Clock] = &[
    clock(RuleId::CustomerMaster, "contact details", "customer_detail t", T_CUSTOMER, Since::Ending),
    clock(RuleId::CustomerMaster, "chosen postal address", "customer_document_address t", T_CUSTOMER, Since::Ending),
    clock(RuleId::CustomerMaster, "standing orders", "standing_order t", T_CUSTOMER, Since::Ending),
    clock(RuleId::CustomerCore, "number and name", "customer_core t", T_CUSTOMER, Since::LastBooked),
    Clock {
        only: "t.status = 'archived' AND t.handed_over_at IS NULL",
        ..clock(
            RuleId::CustomerCore,
            "number and name, in the archive",
            "customer t",
            &[(Customer, "t.id = $2")],
            Since::LastBooked,
        )
    },
    clock(RuleId::CustomerCore, "former numbers", "customer_alias t", T_CUSTOMER, Since::LastBooked),
    clock(
        RuleId::ContactPerson,
        "contact persons",
        "customer_contact t",
        &[(Customer, "t.customer_id = $2"), (Contact, "t.id = $2")],
        Since::Ending,
    ),
    clock(
        RuleId::IssuedDocument,
        "invoices and credit notes",
        "invoice t",
        &[(Customer, "t.customer_id = $2"), (Invoice, "t.id = $2")],
        Since::Day("t.issued_on"),
    ),
    clock(RuleId::Draft, "drafts", "invoice_draft t", T_CUSTOMER, Since::Instant("t.updated_at")),
    clock(
        RuleId::Ledger,
        "postings",
        "ledger_entry t",
        &[(Customer, "t.customer_id = $2"), (Invoice, "t.invoice_id = $2"), (Payment, "t.payment_id = $2")],
        Since::Day("t.booked_on"),
    ),
    Clock {
        only: "t.remaining_ore > 0",
        ..clock(
            RuleId::OpenItem,
            "unpaid claims",
            "open_item t",
            &[(Customer, "t.customer_id = $2"), (Invoice, "t.invoice_id = $2")],
            Since::InUse,
        )
    },
    Clock {
        only: "t.remaining_ore = 0",
        ..clock(
            RuleId::OpenItem,
            "settled claims",
            "open_item t",
            &[(Customer, "t.customer_id = $2"), (Invoice, "t.invoice_id = $2")],
            Since::Day(
                "COALESCE((SELECT MAX(a.booked_on) FROM allocation a WHERE a.org_id = t.org_id \
                 AND a.open_item_id = t.id), t.booked_on)",
            ),
        )
    },
    Clock {
        only: "t.unallocated_ore = 0",
        ..clock(
            RuleId::Payment,
            "payments",
            "payment t",
            &[(Customer, "t.customer_id = $2"), (Payment, "t.id = $2")],
            Since::Day("t.booked_on"),
        )
    },
    Clock {
        only: "t.unallocated_ore <> 0",
        ..clock(
            RuleId::UnmatchedPayment,
            "payments not allocated",
            "payment t",
            &[(Customer, "t.customer_id = $2"), (Payment, "t.id = $2")],
            Since::InUse,
        )
    },
    clock(RuleId::EfakturaReference, "look-ups of channels", "channel_lookup t", T_CUSTOMER, Since::Ending),
    Clock { only: "t.active", ..clock(RuleId::Mandate, "mandates", "mandate t", T_CUSTOMER, Since::InUse) },
    Clock {
        only: "NOT t.active",
        ..clock(RuleId::Mandate, "ended mandates", "mandate t", T_CUSTOMER, Since::Day("t.updated_on"))
    },
    clock(
        RuleId::DeliveryLog,
        "deliveries",
        "invoice t JOIN delivery d ON d.org_id = t.org_id AND d.invoice_id = t.id",
        OF_DELIVERY,
        Since::Day("t.issued_on"),
    ),
    clock(
        RuleId::DeliveryAddress,
        "addresses of deliveries",
        "delivery_address t JOIN delivery d ON d.org_id = t.org_id AND d.id = t.delivery_id",
        OF_DELIVERY,
        Since::Instant("d.created_at"),
    ),
    clock(
        RuleId::DeliveryAddress,
        "addresses that bounce",
        "mail_suppression t",
        T_CUSTOMER,
        Since::Instant("t.since_at"),
    ),
    clock(
        RuleId::DeliveryAddress,
        "links to invoices",
        "payer_link t",
        &[(Customer, "t.customer_id = $2"), (Invoice, "t.invoice_id = $2")],
        Since::Instant("t.created_at"),
    ),
    clock(
        RuleId::DisputeCase,
        "holds",
        "privacy_hold t",
        &[
            (Customer, "t.customer_id = $2"),
            (Invoice, "t.subject_id = $2"),
            (Payment, "t.subject_id = $2"),
            (Contact, "t.subject_id = $2"),
            (User, "t.subject_id = $2"),
        ],
        Since::Instant("t.released_at"),
    ),
    Clock {
        only: "t.kind = 'support' AND t.closed_at IS NULL",
        ..clock(RuleId::SupportCase, "notes of support, open", "customer_note t", T_CUSTOMER, Since::InUse)
    },
    Clock {
        only: "t.kind = 'support' AND t.closed_at IS NOT NULL",
        ..clock(RuleId::SupportCase, "notes of support", "customer_note t", T_CUSTOMER, Since::Instant("t.closed_at"))
    },
    Clock {
        only: "t.kind = 'correspondence' AND t.referred_invoice_id IS NULL",
        ..clock(RuleId::Correspondence, "correspondence", "customer_note t", T_CUSTOMER, Since::Day("t.contact_on"))
    },
    clock(
        RuleId::IssuedDocument,
        "correspondence that invoices refer to",
        "customer_note t JOIN invoice i ON i.org_id = t.org_id AND i.id = t.referred_invoice_id",
        T_CUSTOMER,
        Since::Day("i.issued_on"),
    ),
    clock(RuleId::Consent, "consents", "consent t", T_CUSTOMER, Since::Instant("t.at")),
    clock(
        RuleId::PrivacyCase,
        "requests",
        "privacy_request t",
        &[(Customer, "t.subject_id = $2"), (Contact, "t.subject_id = $2"), (User, "t.subject_id = $2")],
        Since::Instant("t.closed_at"),
    ),
    clock(
        RuleId::Terms,
        "acceptances of the data-processing agreement",
        "agreement_acceptance t",
        &[(User, "t.actor_id = $2")],
        Since::Instant("t.superseded_at"),
    ),
    clock(
        RuleId::Terms,
        "notices of new privacy statements",
        "statement_notice t JOIN privacy_statement s ON s.org_id = t.org_id AND s.id = t.statement_id",
        &[(Customer, "t.person_id = $2"), (User, "t.person_id = $2")],
        Since::Day(NEXT_STATEMENT),
    ),
    clock(
        RuleId::Terms,
        "acceptances of the privacy statement",
        "statement_acceptance t JOIN privacy_statement s ON s.org_id = t.org_id AND s.id = t.statement_id",
        &[(User, "t.user_id = $2")],
        Since::Day(NEXT_STATEMENT),
    ),
    clock(
        RuleId::AccessLog,
        "reads of their data",
        "personal_reading t",
        &[(Customer, READ_ABOUT), (Contact, READ_ABOUT), (User, READ_ABOUT)],
        Since::Instant("t.at"),
    ),
    clock(RuleId::AccessLog, "codes typed on their page", "access_attempt t", T_CUSTOMER, Since::Instant("t.at")),
    clock(
        RuleId::AccessLog,
        "sign-ins",
        "membership t JOIN sign_in s ON s.user_id = t.user_id",
        &[(User, "t.user_id = $2")],
        Since::Instant("s.at"),
    ),
    clock(
        RuleId::BreachPersons,
        "named as concerned by a breach",
        "breach_person t JOIN breach b ON b.org_id = t.org_id AND b.id = t.breach_id",
        &[(Customer, "t.customer_id = $2")],
        Since::Instant("COALESCE(b.persons_informed_at, b.closed_at)"),
    ),
    clock(
        RuleId::AccessLog,
        "what they have looked at",
        "personal_reading t",
        &[(User, "t.actor_id = $2")],
        Since::Instant("t.at"),
    ),
    clock(
        RuleId::Session,
        "sessions",
        "(SELECT s.*, m.org_id FROM user_session s JOIN membership m ON m.user_id = s.user_id) t",
        &[(User, "t.user_id = $2")],
        Since::Instant("t.expires_at"),
    ),
    clock(RuleId::AppUser, "membership", "membership t", &[(User, "t.user_id = $2")], Since::InUse),
    Clock { only: "t.chain = 'books'", ..acts(RuleId::AuditBooks, "acts on the books") },
    Clock { only: "t.chain = 'other'", ..acts(RuleId::AuditOther, "other acts") },
];

/// What one clock holds of a subject.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Found {
    /// How many rows.
    pub count: i64,
    /// The earliest day their time counts from.
    pub first: Option<NaiveDate>,
    /// The latest.
    pub last: Option<NaiveDate>,
}

#[derive(FromQueryResult)]
struct Row {
    clock: i64,
    count: i64,
    first_on: Option<NaiveDate>,
    last_on: Option<NaiveDate>,
    first_at: Option<DateTime<Utc>>,
    last_at: Option<DateTime<Utc>>,
}

impl Clock {
    /// What it asks of a subject, whose id is `$2`, in an organisation, which is `$1`; none where it holds nothing of such a kind.
    fn question(&self, tx: &OrgTx, number: usize, kind: Kind) -> Option<String> {
        let (_, of) = self.of.iter().find(|(of, _)| *of == kind)?;
        let of = of.replace(READ_ABOUT, reading::is_about(tx));
        let (days, times) = match self.since {
            Since::Day(column) => (column, NO_TIME),
            Since::Instant(column) => (NO_DAY, column),
            Since::Ending | Since::LastBooked | Since::InUse => (NO_DAY, NO_TIME),
        };
        Some(format!(
            "SELECT CAST({number} AS BIGINT) AS clock, COUNT(*) AS count, MIN({days}) AS first_on, MAX({days}) AS last_on, \
             MIN({times}) AS first_at, MAX({times}) AS last_at FROM {} WHERE t.org_id = $1 AND {of} AND {}",
            self.from, self.only
        ))
    }
}

const NO_DAY: &str = "CAST(NULL AS DATE)";
const NO_TIME: &str = "CAST(NULL AS TIMESTAMPTZ)";

/// What is held of a subject, clock by clock; asked in one go. Clocks that hold nothing are left out.
pub async fn find(tx: &OrgTx, kind: Kind, id: Uuid) -> Result<Vec<(&'static Clock, Found)>, Error> {
    let questions: Vec<String> = CLOCKS.iter().enumerate().filter_map(|(n, c)| c.question(tx, n, kind)).collect();
    let rows = all::<Row>(tx, &questions.join(" UNION ALL "), vec![tx.org().into(), id.into()]).await?;
    let day = |at: Option<DateTime<Utc>>| at.map(|at| at.with_timezone(&Oslo).date_naive());
    let mut found: Vec<(usize, Found)> = rows
        .into_iter()
        .filter(|row| row.count > 0)
        .filter_map(|row| {
            let (first, last) = (row.first_on.or(day(row.first_at)), row.last_on.or(day(row.last_at)));
            Some((usize::try_from(row.clock).ok()?, Found { count: row.count, first, last }))
        })
        .collect();
    found.sort_by_key(|(clock, _)| *clock);
    Ok(found.into_iter().filter_map(|(clock, found)| Some((CLOCKS.get(clock)?, found))).collect())
}
