//! What stands around a page: who is signed in, where, and what else needs attention.

use chrono::{DateTime, NaiveDate, Utc};
use domain::customer::Language;
use uuid::Uuid;

/// An organisation the user can work in.
#[derive(Debug, Clone)]
pub struct Organisation {
    /// Its id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// Its organisation number, nine digits.
    pub org_number: Option<String>,
}

/// Light, dark or as the device says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Theme {
    /// As the device says.
    #[default]
    System,
    /// Light.
    Light,
    /// Dark.
    Dark,
}

impl Theme {
    /// Every theme.
    pub const ALL: [Self; 3] = [Self::System, Self::Light, Self::Dark];

    /// Name in forms and cookies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// From its name; anything unknown is the device's.
    pub fn from_name(name: &str) -> Self {
        Self::ALL.into_iter().find(|t| t.as_str() == name).unwrap_or_default()
    }
}

/// How the jobs are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Health {
    /// All on time.
    #[default]
    Fine,
    /// So many are late.
    Late(u64),
    /// So many stopped and wait for somebody.
    Parked(u64),
}

/// One line about what was just done.
#[derive(Debug, Clone)]
pub struct Flash {
    /// Whether it went well.
    pub ok: bool,
    /// The line, in the language of the page.
    pub text: String,
}

/// The yellow band on top.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Band {
    /// The clock is not the real one.
    TestClock,
    /// The customers are made up.
    Demo,
}

/// A version of the privacy statement the user has not accepted yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewStatement {
    /// Its number.
    pub version_no: i64,
    /// First day it holds.
    pub valid_from: NaiveDate,
    /// What differs from the version before, a line each.
    pub changes: Vec<String>,
    /// Where it is read.
    pub href: String,
}

/// The frame of a page.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Language of the page.
    pub language: Language,
    /// Light or dark.
    pub theme: Theme,
    /// What time it is, by the service's own clock.
    pub now: DateTime<Utc>,
    /// Name of who is signed in; `None` leaves out menu and search.
    pub user: Option<String>,
    /// The organisation worked in.
    pub organisation: Option<Organisation>,
    /// All organisations the user can switch to.
    pub organisations: Vec<Organisation>,
    /// The session's token, sent as `csrf` by every POST form.
    pub csrf: String,
    /// Path and query of this page, sent as `return_to` by the forms of the frame.
    pub path: String,
    /// Deliveries that need somebody.
    pub needs_you: u64,
    /// Deliveries that wait in the print queue.
    pub print_waiting: u64,
    /// Webhook endpoints that are switched off.
    pub webhooks_off: u64,
    /// How the jobs are.
    pub health: Health,
    /// When bank data last came.
    pub bank_updated_at: Option<DateTime<Utc>>,
    /// One line about what was just done.
    pub flash: Option<Flash>,
    /// Test clock or demo.
    pub band: Option<Band>,
    /// Where the organisation's privacy statement is read.
    pub privacy: Option<String>,
    /// A version of it the user has not accepted yet.
    pub new_statement: Option<NewStatement>,
}

impl Frame {
    /// The frame of a page that nobody is signed in to: no menu, nothing that waits.
    pub const fn bare(language: Language, now: DateTime<Utc>) -> Self {
        Self {
            language,
            theme: Theme::System,
            now,
            user: None,
            organisation: None,
            organisations: Vec::new(),
            csrf: String::new(),
            path: String::new(),
            needs_you: 0,
            print_waiting: 0,
            webhooks_off: 0,
            health: Health::Fine,
            bank_updated_at: None,
            flash: None,
            band: None,
            privacy: None,
            new_statement: None,
        }
    }
}
