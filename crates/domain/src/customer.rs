//! The customer as the organisation's own system describes it: fields, values and the difference between two records.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// Language of documents and mails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
pub enum Language {
    /// Norwegian bokmål.
    #[default]
    #[serde(rename = "nb")]
    Bokmal,
    /// Norwegian nynorsk.
    #[serde(rename = "nn")]
    Nynorsk,
    /// English.
    #[serde(rename = "en")]
    English,
}

impl Language {
    /// ISO 639-1 code.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bokmal => "nb",
            Self::Nynorsk => "nn",
            Self::English => "en",
        }
    }

    /// From a code; anything unknown is bokmål.
    pub fn from_code(code: &str) -> Self {
        match code {
            "nn" => Self::Nynorsk,
            "en" => Self::English,
            _ => Self::Bokmal,
        }
    }
}

macro_rules! fields {
    ($($variant:ident $name:literal),+ $(,)?) => {
        /// One thing a customer list can say about a customer, in canonical order.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Field { $(#[doc = $name] $variant),+ }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Name in the API, in mappings and in diffs.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),+ }
            }
        }
    };
}

fields! {
    Number "number", Kind "kind", Name "name", OrgNumber "org_number", Street "street", Street2 "street2",
    PostalCode "postal_code", City "city", Country "country", Email "email", Phone "phone", Language "language",
    PaymentMethod "payment_method", Channel "channel", EfakturaAddress "efaktura_address",
    StandardProducts "standard_products", ProtectedIdentity "protected_identity", Reference "reference",
    OrderNumber "order_number", ExternalUpdatedAt "external_updated_at",
    ContactName "contact_name", ContactRole "contact_role", ContactEmail "contact_email", ContactPhone "contact_phone",
    Guardian1Name "guardian1_name", Guardian1Email "guardian1_email", Guardian1Phone "guardian1_phone",
    Guardian2Name "guardian2_name", Guardian2Email "guardian2_email", Guardian2Phone "guardian2_phone",
}

impl Field {
    /// How many fields there are.
    pub const COUNT: usize = Self::ALL.len();

    /// From its name.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|f| f.name() == name)
    }

    /// Address parts and e-mail addresses: not shown in a diff of somebody with a protected identity.
    pub const fn is_masked_when_protected(self) -> bool {
        matches!(
            self,
            Self::Street
                | Self::Street2
                | Self::PostalCode
                | Self::City
                | Self::Country
                | Self::Email
                | Self::ContactEmail
                | Self::Guardian1Email
                | Self::Guardian2Email
        )
    }
}

/// A customer's values by field, each as normalised text. Absent is empty.
///
/// `standard_products` holds one product number a line; `protected_identity` holds `true` or nothing.
#[derive(Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(into = "BTreeMap<String, String>", from = "BTreeMap<String, String>")]
pub struct CustomerRecord(Vec<(Field, Box<str>)>);

impl From<CustomerRecord> for BTreeMap<String, String> {
    fn from(record: CustomerRecord) -> Self {
        record.0.into_iter().map(|(f, v)| (f.name().to_owned(), v.into_string())).collect()
    }
}

impl From<BTreeMap<String, String>> for CustomerRecord {
    fn from(map: BTreeMap<String, String>) -> Self {
        let mut record = Self::default();
        for (name, value) in map {
            if let Some(field) = Field::parse(&name) {
                record.set(field, Some(value));
            }
        }
        record
    }
}

/// Hides every value: records are people.
impl fmt::Debug for CustomerRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CustomerRecord({} fields)", self.0.len())
    }
}

impl CustomerRecord {
    /// The value of a field.
    pub fn get(&self, field: Field) -> Option<&str> {
        let at = self.0.binary_search_by_key(&field, |(f, _)| *f).ok()?;
        self.0.get(at).map(|(_, v)| &**v)
    }

    /// Sets or, with `None` or blank text, clears a field.
    pub fn set(&mut self, field: Field, value: Option<String>) {
        let at = self.0.binary_search_by_key(&field, |(f, _)| *f);
        match (at, value.filter(|v| !v.is_empty())) {
            (Ok(at), Some(value)) => self.0[at].1 = value.into(),
            (Ok(at), None) => {
                self.0.remove(at);
            }
            (Err(at), Some(value)) => self.0.insert(at, (field, value.into())),
            (Err(_), None) => {}
        }
    }

    /// Every value that is there.
    pub fn values(&self) -> impl Iterator<Item = (Field, &str)> {
        self.0.iter().map(|(f, v)| (*f, &**v))
    }

    /// Product numbers of `standard_products`.
    pub fn products(&self) -> Vec<&str> {
        self.get(Field::StandardProducts).map(|v| v.split('\n').collect()).unwrap_or_default()
    }

    /// Whether address and e-mail must not be shown.
    pub fn is_protected(&self) -> bool {
        self.get(Field::ProtectedIdentity) == Some("true")
    }
}

/// One changed field of a customer.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// Field name, or `status`.
    pub field: String,
    /// Value before; nothing when empty or masked.
    pub from: serde_value::Value,
    /// Value after; nothing when empty or masked.
    pub to: serde_value::Value,
    /// Set when a protected identity hides the values.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub masked: bool,
}

/// Values as they stand in a diff.
pub mod serde_value {
    use serde::{Deserialize, Serialize};

    /// Nothing, a yes or no, a text or a list of texts.
    #[derive(Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
    #[serde(untagged)]
    pub enum Value {
        /// Empty or hidden.
        #[default]
        Null,
        /// Yes or no.
        Bool(bool),
        /// A text.
        Text(String),
        /// Several texts.
        List(Vec<String>),
    }
}

/// A value as a diff or a sample shows it.
pub fn shown(field: Field, value: Option<&str>) -> serde_value::Value {
    use serde_value::Value;
    match (field, value) {
        (Field::ProtectedIdentity, v) => Value::Bool(v == Some("true")),
        (_, None) => Value::Null,
        (Field::StandardProducts, Some(v)) => Value::List(v.split('\n').map(str::to_owned).collect()),
        (_, Some(v)) => Value::Text(v.to_owned()),
    }
}

/// Which fields differ, in order of their names. A newer `external_updated_at` alone is no change.
pub fn diff(before: &CustomerRecord, after: &CustomerRecord) -> Vec<FieldChange> {
    let protected = before.is_protected() || after.is_protected();
    let mut changes: Vec<FieldChange> = Field::ALL
        .iter()
        .copied()
        .filter(|f| !matches!(f, Field::ExternalUpdatedAt | Field::Number) && before.get(*f) != after.get(*f))
        .map(|f| {
            let masked = protected && f.is_masked_when_protected();
            let show = |v: Option<&str>| if masked { serde_value::Value::Null } else { shown(f, v) };
            FieldChange { field: f.name().to_owned(), from: show(before.get(f)), to: show(after.get(f)), masked }
        })
        .collect();
    changes.sort_by(|a, b| a.field.cmp(&b.field));
    changes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(pairs: &[(Field, &str)]) -> CustomerRecord {
        let mut r = CustomerRecord::default();
        for (f, v) in pairs {
            r.set(*f, Some((*v).to_owned()));
        }
        r
    }

    #[test]
    fn a_newer_timestamp_alone_is_no_change() {
        let a = record(&[(Field::Name, "Kari"), (Field::ExternalUpdatedAt, "2026-10-01T00:00:00")]);
        let b = record(&[(Field::Name, "Kari"), (Field::ExternalUpdatedAt, "2026-11-01T00:00:00")]);
        assert!(diff(&a, &b).is_empty());
    }

    #[test]
    fn a_protected_identity_hides_address_and_mail_before_and_after() {
        let a = record(&[(Field::Street, "Gata 1"), (Field::Phone, "+4742000000"), (Field::ProtectedIdentity, "true")]);
        let b = record(&[(Field::Street, "Gata 2"), (Field::Phone, "+4742000001")]);
        let changes = diff(&a, &b);
        let names: Vec<&str> = changes.iter().map(|c| c.field.as_str()).collect();
        assert_eq!(names, ["phone", "protected_identity", "street"]);
        assert!(changes[2].masked && !changes[0].masked);
    }

    #[test]
    fn debug_output_holds_no_value() {
        let r = record(&[(Field::Name, "Kari Nordmann")]);
        assert_eq!(format!("{r:?}"), "CustomerRecord(1 fields)");
    }
}
