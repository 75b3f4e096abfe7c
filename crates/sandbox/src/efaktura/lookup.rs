//! Consumer look-up: which keys make a sure hit, and what is found.

use super::body::{Fields, sized};
use super::checks;
use super::fault::{Fault, Outcome, identifier_of};
use super::state::{Consumer, State};
use serde_json::{Map, Value, json};

/// Most items in a request.
const MOST_ITEMS: usize = 100;

const KNOWN: [&str; 8] = ["ref", "national_id", "identifier", "phone", "email", "name", "address", "birth_date"];

/// One consumer asked for; of keys that are not compared, only whether they were given.
#[expect(clippy::struct_excessive_bools, reason = "each says whether one key was given")]
#[derive(Debug, Default)]
pub(super) struct Item {
    reference: String,
    national_id: Option<String>,
    identifier: Option<String>,
    email: Option<String>,
    phone: bool,
    name: bool,
    street: bool,
    postal_code: bool,
    address: bool,
    birth_date: bool,
}

/// Fields and what is wrong with them.
type Errors = Vec<(String, &'static str)>;

/// Reads the items of the request, or what is wrong with it.
pub(super) fn read(body: &Map<String, Value>) -> Result<Vec<Item>, Errors> {
    let mut fields = Fields::new(body, "", &["issuer", "items"]);
    fields.required("issuer", "invalid_org_number", checks::org_number);
    let Some(list) = fields.value("items").and_then(Value::as_array) else {
        fields.wrong("items", "required");
        return Err(fields.errors);
    };
    if list.is_empty() || list.len() > MOST_ITEMS {
        fields.wrong("items", "invalid_length");
        return Err(fields.errors);
    }
    let mut items = Vec::with_capacity(list.len());
    for (at, value) in list.iter().enumerate() {
        match value.as_object() {
            Some(object) => items.push(item(object, at, &mut fields.errors)),
            None => fields.wrong(&format!("items[{at}]"), "wrong_type"),
        }
    }
    if fields.errors.is_empty() { Ok(items) } else { Err(fields.errors) }
}

fn item(object: &Map<String, Value>, at: usize, errors: &mut Vec<(String, &'static str)>) -> Item {
    let mut fields = Fields::new(object, &format!("items[{at}]."), &KNOWN);
    let mut given = |name: &str, code: &'static str, pass: &dyn Fn(&str) -> bool| {
        let text = fields.text(name)?;
        if !pass(text) {
            fields.wrong(name, code);
        }
        Some(text.to_owned())
    };
    let national_id = given("national_id", "invalid_format", &|t| checks::digits(t, 11));
    let identifier = given("identifier", "invalid_length", &|t| sized(t, 1, 100));
    let email = given("email", "invalid_format", &|t| t.contains('@') && sized(t, 3, 254));
    let phone = given("phone", "invalid_format", &e164).is_some();
    let birth_date =
        given("birth_date", "invalid_date", &|t| chrono::NaiveDate::parse_from_str(t, "%Y-%m-%d").is_ok()).is_some();
    let reference = fields.required("ref", "invalid_length", |t| sized(t, 1, 100));
    let parts = |object: Option<&Map<String, Value>>, name: &str| {
        object.and_then(|o| o.get(name)).and_then(Value::as_str).is_some_and(|t| !t.trim().is_empty())
    };
    let (name, address) = (fields.object("name"), fields.object("address"));
    let (street, postal_code) = (parts(address, "street"), parts(address, "postal_code"));
    errors.append(&mut fields.errors);
    Item {
        reference,
        national_id,
        identifier,
        email: email.map(|email| email.trim().to_lowercase()),
        phone,
        name: parts(name, "last"),
        street,
        postal_code,
        address: postal_code && (street || parts(address, "city")),
        birth_date,
    }
}

/// A phone number with its country: `+` and 8 to 15 digits.
fn e164(text: &str) -> bool {
    text.strip_prefix('+')
        .is_some_and(|rest| (8..=15).contains(&rest.len()) && rest.bytes().all(|b| b.is_ascii_digit()))
}

impl Item {
    /// Whether the keys can give a sure hit.
    fn sufficient(&self) -> bool {
        let contact = self.phone || self.email.is_some();
        self.national_id.is_some()
            || self.identifier.is_some()
            || (self.phone && self.email.is_some())
            || (contact && (self.address || self.name))
            || (self.birth_date && self.postal_code && (contact || self.name || self.street))
    }

    /// Finds the consumer; one not known yet is known from now on.
    fn find(&self, state: &State) -> Option<Consumer> {
        if let Some(identifier) = &self.identifier {
            return state.consumers.get(identifier).cloned();
        }
        let key = self.email.as_ref().or(self.national_id.as_ref())?;
        let identifier = identifier_of(key);
        let known = state.consumers.get(&identifier).cloned();
        known.or_else(|| {
            let email = self.email.as_ref()?;
            Some(Consumer { identifier, outcome: Outcome::of_email(email), fault: Fault::of_email(email) })
        })
    }
}

/// The items too weak for a sure hit.
pub(super) fn insufficient(items: &[Item]) -> Vec<(String, &'static str)> {
    let weak = items.iter().enumerate().filter(|(_, item)| !item.sufficient());
    weak.map(|(at, _)| (format!("items[{at}]"), "insufficient_criteria")).collect()
}

/// The results, and the consumers first met here.
pub(super) fn answer(items: &[Item], state: &State) -> (Value, Vec<Consumer>) {
    let mut met = Vec::new();
    let results: Vec<Value> = items
        .iter()
        .map(|item| {
            let found = item.find(state);
            let outcome = found.as_ref().map_or(Outcome::None, |consumer| consumer.outcome);
            let mut result = json!({"ref": item.reference, "outcome": outcome});
            if let (Outcome::Match, Some(consumer)) = (outcome, &found) {
                result["identifier"] = json!(consumer.identifier);
                result["accepts_all"] = json!(true);
            }
            met.extend(found.filter(|c| c.outcome != Outcome::None && !state.consumers.contains_key(&c.identifier)));
            result
        })
        .collect();
    (json!({"results": results}), met)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sufficient(extra: &Value) -> bool {
        let mut object = extra.as_object().unwrap().clone();
        object.insert("ref".to_owned(), json!("1"));
        let mut errors = Vec::new();
        let item = item(&object, 0, &mut errors);
        assert!(errors.is_empty(), "{errors:?}");
        item.sufficient()
    }

    #[test]
    fn only_sure_keys_suffice() {
        let name = json!({"first": "Kari", "last": "Nordmann"});
        let address = json!({"street": "Gata 1", "postal_code": "0150", "city": "Oslo"});
        assert!(sufficient(&json!({"national_id": "01010112345"})));
        assert!(sufficient(&json!({"identifier": "EFA-1"})));
        assert!(sufficient(&json!({"phone": "+4790000001", "email": "a@match.example"})));
        assert!(sufficient(&json!({"email": "a@match.example", "name": name})));
        assert!(sufficient(&json!({"phone": "+4790000001", "address": address})));
        assert!(sufficient(&json!({"birth_date": "1980-01-31", "address": {"postal_code": "0150"}, "name": name})));
        assert!(!sufficient(&json!({"email": "a@match.example"})));
        assert!(!sufficient(&json!({"phone": "+4790000001"})));
        assert!(!sufficient(&json!({"name": name, "address": address})));
        assert!(!sufficient(&json!({"birth_date": "1980-01-31", "address": {"postal_code": "0150"}})));
    }

    #[test]
    fn errors_name_the_item_and_the_field() {
        let body = json!({"issuer": "987654325", "items": [{"ref": "1", "phone": "90000001", "shoe_size": 44}]});
        let errors = read(body.as_object().unwrap()).unwrap_err();
        assert!(errors.contains(&("items[0].phone".to_owned(), "invalid_format")));
        assert!(errors.contains(&("items[0].shoe_size".to_owned(), "unknown_field")));
    }
}
