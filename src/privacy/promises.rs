//! The promises of five privacy statements, and how each stands in this version: the register `docs/promises.toml`.

use figment::Figment;
use figment::providers::{Format, Toml};
use serde::{Deserialize, Serialize};

/// How a promise stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    /// All of it, proved by its tests.
    Kept,
    /// Not all of it yet: `waits_for` says what is missing.
    Partly,
    /// No software keeps it: `because` says why.
    NotOurs,
}

/// One promise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Promise {
    /// Its source and number.
    pub id: String,
    /// Whose statement: association, platform, firm, marketplace or erp.
    pub source: String,
    /// What it is about.
    pub topic: String,
    /// core, platform, contact-purposes or website-only.
    pub scope: String,
    /// The promise.
    pub says: String,
    /// How it stands.
    pub status: Status,
    /// What is missing, where it is kept in part.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waits_for: Option<String>,
    /// Why the service cannot keep it, where it is not ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub because: Option<String>,
    /// Integration tests that prove it, as module::test.
    pub tests: Vec<String>,
}

#[derive(Deserialize)]
struct Register {
    promise: Vec<Promise>,
}

/// Every promise, as the register of this version has it.
pub fn register() -> Result<Vec<Promise>, String> {
    let text = include_str!("../../docs/promises.toml");
    let register: Register = Figment::from(Toml::string(text)).extract().map_err(|e| e.to_string())?;
    Ok(register.promise)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn each_says_what_it_must() {
        let all = register().unwrap();
        let ids: HashSet<&str> = all.iter().map(|p| p.id.as_str()).collect();
        assert_eq!((all.len(), ids.len()), (258, 258));
        for p in &all {
            let said = |text: &Option<String>| text.as_ref().is_some_and(|t| t.trim().len() > 3);
            let right = match p.status {
                Status::Kept => !p.tests.is_empty() && p.waits_for.is_none() && p.because.is_none(),
                Status::Partly => said(&p.waits_for) && p.because.is_none(),
                Status::NotOurs => said(&p.because) && p.waits_for.is_none(),
            };
            assert!(right, "{p:?}");
            assert!(p.id.starts_with(&p.source), "{p:?}");
        }
    }
}
