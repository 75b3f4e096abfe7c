//! Why a use case did not do what was asked.

use crate::store;
use chrono::NaiveDate;
use domain::calendar::is_plausible;
use domain::national_id::contains_national_id;
use uuid::Uuid;

/// What kind of no it is; HTTP maps each to a status.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// What was sent cannot be understood.
    Malformed,
    /// What was sent breaks a rule.
    Invalid,
    /// There is no such thing, or it belongs to somebody else.
    NotFound,
    /// It clashes with how things stand.
    Conflict,
    /// The key may not do this.
    Forbidden,
    /// No key, or not a valid one.
    Unauthorised,
    /// It was there and is erased.
    Gone,
    /// Somebody changed it meanwhile.
    Changed,
    /// Say which version you saw.
    VersionNeeded,
    /// Larger than allowed.
    TooLarge,
    /// Not a format we read.
    Unsupported,
}

/// What is wrong with one field.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize, utoipa::ToSchema)]
pub struct FieldError {
    /// Path of the field.
    pub field: String,
    /// Stable code.
    pub code: String,
    /// What is wrong and what to do.
    pub message: String,
}

/// A no with its reasons.
#[derive(Debug, Clone)]
pub struct Refusal {
    /// What kind of no it is.
    pub kind: Kind,
    /// Stable code.
    pub code: &'static str,
    /// What is wrong and what to do.
    pub message: String,
    /// What is wrong with single fields.
    pub errors: Vec<FieldError>,
}

/// Why a use case did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The database.
    #[error(transparent)]
    Store(store::Error),
    /// A file could not be written or read.
    #[error("file: {0}")]
    Io(#[from] std::io::Error),
    /// A document could not be drawn.
    #[error("document: {0}")]
    Render(#[from] render::RenderError),
    /// A rule says no.
    #[error("{} ({})", .0.message, .0.code)]
    Refused(Box<Refusal>),
    /// The same request was done before: here is what it made.
    #[error("done before")]
    Replayed {
        /// Status of the first answer.
        status: u16,
        /// Kind of thing it made.
        resource: String,
        /// The thing.
        id: Uuid,
    },
}

impl From<store::Error> for Error {
    fn from(error: store::Error) -> Self {
        match error {
            store::Error::Archived => {
                let message = "the customer relationship is over; the document is in the statutory archive, which is read \
                               with a reason: reskontro privacy archive read";
                Self::refuse(Kind::Gone, "archived", message)
            }
            other => Self::Store(other),
        }
    }
}

impl Error {
    /// Whether trying again would end the same way: a rule or what is stored says no, not a database that is away.
    pub const fn lasts(&self) -> bool {
        matches!(self, Self::Refused(_) | Self::Store(store::Error::Inconsistent { .. }))
    }

    /// A no of a kind.
    pub fn refuse(kind: Kind, code: &'static str, message: impl Into<String>) -> Self {
        Self::Refused(Box::new(Refusal { kind, code, message: message.into(), errors: Vec::new() }))
    }

    /// What was sent breaks rules of its fields.
    pub fn invalid(errors: Vec<FieldError>) -> Self {
        let message = match errors.as_slice() {
            [only] => format!("{}: {}", only.field, only.message),
            all => format!("{} fields must be put right", all.len()),
        };
        Self::Refused(Box::new(Refusal { kind: Kind::Invalid, code: "validation_failed", message, errors }))
    }

    /// What was sent breaks a rule of one field.
    pub fn field(field: impl Into<String>, code: impl Into<String>, message: impl Into<String>) -> Self {
        Self::invalid(vec![FieldError { field: field.into(), code: code.into(), message: message.into() }])
    }

    /// Code of a refusal of national identity numbers.
    pub const NATIONAL_ID: &str = "national_id";
    /// What is said of one in a text.
    pub const NO_NATIONAL_ID: &str =
        "the text holds a national identity number, which is not kept (personopplysningsloven § 12); take it out";

    /// A text in which somebody wrote a national identity number.
    pub fn unless_without_id(field: &str, text: Option<&str>) -> Result<(), Self> {
        match text.filter(|t| contains_national_id(t)) {
            Some(_) => Err(Self::field(field, Self::NATIONAL_ID, Self::NO_NATIONAL_ID)),
            None => Ok(()),
        }
    }

    /// A day that nobody means.
    pub fn unless_plausible(field: &str, day: Option<NaiveDate>) -> Result<(), Self> {
        match day.filter(|d| !is_plausible(*d)) {
            Some(day) => Err(Self::field(field, "out_of_range", format!("{day} is not between 2000 and 2100"))),
            None => Ok(()),
        }
    }

    /// The client saw another version than the one stored: somebody was faster.
    pub fn unless_seen(what: &str, seen: i64, stored: i64) -> Result<(), Self> {
        if seen == stored {
            return Ok(());
        }
        let message = format!("somebody changed the {what}; read it again");
        Err(Self::refuse(Kind::Changed, "version_mismatch", message))
    }

    /// There is no such thing.
    pub fn not_found(what: &'static str) -> Self {
        Self::refuse(Kind::NotFound, "not_found", format!("there is no such {what}"))
    }

    /// It clashes with how things stand.
    pub fn conflict(code: &'static str, message: impl Into<String>) -> Self {
        Self::refuse(Kind::Conflict, code, message)
    }

    /// The code of a refusal.
    pub fn code(&self) -> Option<&'static str> {
        match self {
            Self::Refused(r) => Some(r.code),
            _ => None,
        }
    }
}
