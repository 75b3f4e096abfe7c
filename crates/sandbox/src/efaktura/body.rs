//! Reading JSON bodies field by field, so that all errors are named at once.

use serde_json::{Map, Value};

/// A JSON object being read, and what was wrong with it.
pub(super) struct Fields<'a> {
    object: &'a Map<String, Value>,
    prefix: String,
    pub(super) errors: Vec<(String, &'static str)>,
}

impl<'a> Fields<'a> {
    /// Starts with an object; members not in `known` are errors.
    pub(super) fn new(object: &'a Map<String, Value>, prefix: &str, known: &[&str]) -> Self {
        let mut fields = Self { object, prefix: prefix.to_owned(), errors: Vec::new() };
        for name in object.keys().filter(|name| !known.contains(&name.as_str())) {
            fields.wrong(name, "unknown_field");
        }
        fields
    }

    /// Notes an error.
    pub(super) fn wrong(&mut self, field: &str, code: &'static str) {
        self.errors.push((format!("{}{field}", self.prefix), code));
    }

    /// A member that is there and not null.
    pub(super) fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text, when given.
    pub(super) fn text(&mut self, name: &str) -> Option<&'a str> {
        let value = self.value(name)?;
        let text = value.as_str();
        if text.is_none() {
            self.wrong(name, "wrong_type");
        }
        text
    }

    /// A text that must be there and pass.
    pub(super) fn required(&mut self, name: &str, code: &'static str, pass: impl Fn(&str) -> bool) -> String {
        if self.value(name).is_none() {
            self.wrong(name, "required");
            return String::new();
        }
        match self.text(name) {
            Some(text) if pass(text) => text.to_owned(),
            Some(_) => {
                self.wrong(name, code);
                String::new()
            }
            None => String::new(),
        }
    }

    /// A whole number, when given.
    pub(super) fn whole(&mut self, name: &str) -> Option<i64> {
        let value = self.value(name)?;
        let number = value.as_i64();
        if number.is_none() {
            self.wrong(name, "wrong_type");
        }
        number
    }

    /// An object, when given.
    pub(super) fn object(&mut self, name: &str) -> Option<&'a Map<String, Value>> {
        let value = self.value(name)?;
        let object = value.as_object();
        if object.is_none() {
            self.wrong(name, "wrong_type");
        }
        object
    }
}

/// Between `low` and `high` characters.
pub(super) fn sized(text: &str, low: usize, high: usize) -> bool {
    (low..=high).contains(&text.chars().count())
}
