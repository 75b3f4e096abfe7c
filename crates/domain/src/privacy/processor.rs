//! Who works for an installation: on what ground data may leave the EEA, which hosts are whose, and which need no register.

use super::period::Period;
use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use std::net::{IpAddr, Ipv6Addr};

/// On what ground data may be handed over outside the EEA (GDPR chapter V).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Transfer {
    /// The Commission has found the country, or the certified receiver, adequate (article 45).
    AdequacyDecision,
    /// The Commission's standard contractual clauses, with the assessment they ask for (article 46 (2) (c)).
    StandardContractualClauses,
    /// Binding corporate rules that an authority has approved (article 47).
    BindingCorporateRules,
    /// A derogation for a specific situation (article 49).
    Derogation,
}

/// Why a text is no ground for a transfer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BadTransfer {
    /// Privacy Shield or Safe Harbour, which the Court of Justice annulled.
    Annulled,
    /// Not one of them.
    Unknown,
}

impl Transfer {
    /// Every ground.
    pub const ALL: [Self; 4] =
        [Self::AdequacyDecision, Self::StandardContractualClauses, Self::BindingCorporateRules, Self::Derogation];

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AdequacyDecision => "adequacy_decision",
            Self::StandardContractualClauses => "standard_contractual_clauses",
            Self::BindingCorporateRules => "binding_corporate_rules",
            Self::Derogation => "derogation",
        }
    }

    /// From its name.
    pub fn parse(text: &str) -> Result<Self, BadTransfer> {
        let letters: String = text.chars().filter(|c| c.is_alphabetic()).collect::<String>().to_lowercase();
        if letters.contains("privacyshield") || letters.contains("safeharbo") {
            return Err(BadTransfer::Annulled);
        }
        Self::ALL.into_iter().find(|t| t.as_str() == text).ok_or(BadTransfer::Unknown)
    }
}

/// Whether a country, by its two letters, is in the EEA.
pub fn is_in_eea(country: &str) -> bool {
    const EEA: &str = "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IS IT LI LT LU LV MT NL NO PL PT RO SE SI SK";
    EEA.split(' ').any(|c| c == country)
}

/// The day a risk assessment is made again: a year after the last.
pub fn assessed_again_on(assessed_on: NaiveDate) -> NaiveDate {
    Period::months(12).after(assessed_on)
}

/// A host, or every host below a domain.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct HostPattern(String);

impl HostPattern {
    /// From `smtp.example.no`, `*.example.no` or an address.
    pub fn parse(text: &str) -> Option<Self> {
        let host = normal(text);
        if host.parse::<IpAddr>().is_ok() {
            return Some(Self(host));
        }
        let name = host.strip_prefix("*.");
        let labels: Vec<&str> = name.unwrap_or(&host).split('.').collect();
        let sound = |label: &&str| {
            !label.is_empty()
                && label.len() <= 63
                && label.chars().all(|c| c.is_alphanumeric() || c == '-' || c == '_')
                && !label.starts_with('-')
        };
        // Everything below a whole top-level domain belongs to nobody.
        let narrow = name.is_none() || labels.len() >= 2;
        (host.len() <= 253 && narrow && labels.iter().all(sound)).then_some(Self(host))
    }

    /// As it is written.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether a host is meant.
    pub fn matches(&self, host: &str) -> bool {
        let host = normal(host);
        match self.0.strip_prefix('*') {
            Some(below) => host.strip_suffix(below).is_some_and(|label| !label.is_empty()),
            None => host == self.0,
        }
    }
}

/// A host as it is compared: small letters, no brackets, no final dot.
fn normal(host: &str) -> String {
    let host = host.trim().to_lowercase();
    let bare = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(&host);
    bare.strip_suffix('.').unwrap_or(bare).to_owned()
}

/// Whether a host is this machine or one of a private network: nobody else can be behind it. Names count as they are written and
/// are not looked up.
pub fn is_private_host(host: &str) -> bool {
    const PRIVATE: [&str; 4] = [".localhost", ".local", ".internal", ".home.arpa"];
    let host = normal(host);
    match host.parse::<IpAddr>() {
        Ok(IpAddr::V4(v4)) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        Ok(IpAddr::V6(v6)) => is_private_v6(v6),
        // A name without a dot is known to the local network alone, such as that of a container.
        Err(_) => !host.is_empty() && (!host.contains('.') || PRIVATE.iter().any(|end| host.ends_with(end))),
    }
}

fn is_private_v6(address: Ipv6Addr) -> bool {
    match address.to_ipv4_mapped() {
        Some(v4) => v4.is_loopback() || v4.is_private() || v4.is_link_local(),
        None => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grounds_that_were_annulled_are_told_from_those_that_are_none() {
        for text in ["Privacy Shield", "privacy_shield", "EU-US Privacy Shield", "Safe Harbour", "safe_harbor"] {
            assert_eq!(Transfer::parse(text), Err(BadTransfer::Annulled), "{text}");
        }
        assert_eq!(Transfer::parse("consent"), Err(BadTransfer::Unknown));
        for ground in Transfer::ALL {
            assert_eq!(Transfer::parse(ground.as_str()), Ok(ground));
        }
    }

    #[test]
    fn the_eea_is_the_union_and_three_more() {
        for inside in ["NO", "IS", "LI", "SE", "GR", "HR"] {
            assert!(is_in_eea(inside), "{inside}");
        }
        for outside in ["GB", "CH", "US", "UA", "no", "", "NO SE"] {
            assert!(!is_in_eea(outside), "{outside}");
        }
    }

    #[test]
    fn a_pattern_means_one_host_or_all_below_a_domain() {
        let exact = HostPattern::parse("SMTP.Example.no.").unwrap();
        assert!(exact.matches("smtp.example.no") && exact.matches("smtp.example.no."));
        assert!(!exact.matches("a.smtp.example.no") && !exact.matches("smtp.example.no.evil.example"));
        let below = HostPattern::parse("*.example.no").unwrap();
        assert!(below.matches("smtp.example.no") && below.matches("a.b.Example.NO"));
        assert!(!below.matches("example.no") && !below.matches("badexample.no") && !below.matches(".example.no"));
        assert!(HostPattern::parse("[2001:db8::1]").unwrap().matches("2001:db8::1"));
        for bad in ["", "*", "*.no", "*.", "a..b", "https://example.no", "a b", "*.*.no", "-a.no", "mail@example.no"] {
            assert_eq!(HostPattern::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn what_only_a_private_network_reaches_needs_no_register() {
        for private in [
            "localhost",
            "127.0.0.1",
            "[::1]",
            "10.1.2.3",
            "192.168.1.5",
            "172.16.0.1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "postgres",
            "db.internal",
            "nas.local",
        ] {
            assert!(is_private_host(private), "{private}");
        }
        for public in ["smtp.example.no", "8.8.8.8", "172.32.0.1", "2001:db8::1", "internal.example", "", "100.64.0.1"]
        {
            assert!(!is_private_host(public), "{public}");
        }
    }

    #[test]
    fn an_assessment_lasts_a_year() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        assert_eq!(assessed_again_on(day("2026-11-25")), day("2027-11-25"));
        assert_eq!(assessed_again_on(day("2028-02-29")), day("2029-02-28"));
    }
}
