//! Every cookie that is set, and what it is for. Pages set cookies of this list alone, and the privacy statement shows it.

use crate::config::Config;
use render::privacy::CookiePurpose;

/// A cookie.
#[derive(Debug)]
pub struct Cookie {
    is_payers: bool,
    name: &'static str,
    purpose: CookiePurpose,
    seconds: i64,
}

impl Cookie {
    /// Its name, without the prefix it has over https.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// What stands before its name over https: browsers then refuse it without.
    pub fn prefix(&self, config: &Config) -> &'static str {
        match (self.is_payers, config.console.https, config.payer.is_https()) {
            (false, true, _) => "__Host-",
            (true, _, true) => "__Secure-",
            _ => "",
        }
    }

    /// What it is for.
    pub const fn purpose(&self) -> CookiePurpose {
        self.purpose
    }

    /// Seconds a browser keeps it.
    pub const fn seconds(&self) -> i64 {
        self.seconds
    }
}

/// Keeps operators signed in.
pub const SESSION: Cookie =
    Cookie { is_payers: false, name: "reskontro_session", purpose: CookiePurpose::SignedIn, seconds: 12 * 3600 };
/// Shows that a form of the console was ours.
pub const FORM: Cookie =
    Cookie { is_payers: false, name: "reskontro_form", purpose: CookiePurpose::Form, seconds: 3600 };
/// Keeps a payer's page open.
pub const PAYER: Cookie =
    Cookie { is_payers: true, name: "reskontro_payer", purpose: CookiePurpose::Payer, seconds: 30 * 60 };
/// Shows that a form of the payer's page was ours.
pub const PAYER_FORM: Cookie =
    Cookie { is_payers: true, name: "reskontro_payer_form", purpose: CookiePurpose::Form, seconds: 24 * 3600 };

/// Every cookie.
pub const COOKIES: [&Cookie; 4] = [&SESSION, &FORM, &PAYER, &PAYER_FORM];
