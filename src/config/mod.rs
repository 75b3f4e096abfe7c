//! Typed settings: `config/default.toml`, then the file named by `RESKONTRO_CONFIG`, then the environment
//! (`RESKONTRO__SECTION__KEY`). The only place that reads the environment.

mod check;
mod sections;

pub use sections::*;

use figment::Figment;
use figment::providers::{Env, Format, Toml};
use serde::Deserialize;
use std::path::PathBuf;

/// Every key with its default and what it means.
pub const DEFAULT_TOML: &str = include_str!("../../config/default.toml");

/// All settings.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where rows live.
    pub database: Database,
    /// Where files live.
    pub files: Files,
    /// What must outlive the database.
    pub ledgers: Ledgers,
    /// Backups.
    pub backup: Backup,
    /// The web server.
    pub http: Http,
    /// How mail leaves.
    pub mail: Mail,
    /// The eFaktura gateway.
    pub efaktura: Efaktura,
    /// How e-invoices leave.
    pub ehf: Ehf,
    /// Calls of integrators' endpoints.
    pub webhooks: Webhooks,
    /// People who sign in.
    pub console: Console,
    /// Sign-ins that fail.
    pub sign_in: SignIn,
    /// The payer's page.
    pub payer: Payer,
    /// Who works for the installation, and what organisations agree to.
    pub privacy: Privacy,
    /// What is too large.
    pub limits: Limits,
    /// Dated rules of law that may move.
    pub rules: Rules,
    /// Background work.
    pub worker: Worker,
    /// What is logged and how.
    pub log: Log,
}

/// A setting that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// Missing, of the wrong type or unknown.
    #[error("{0}")]
    Read(Box<figment::Error>),
    /// Of the right type and still wrong.
    #[error("{key}: {message}")]
    Invalid {
        /// The key.
        key: &'static str,
        /// What to do.
        message: String,
    },
}

impl Config {
    /// Reads defaults, the file named by `RESKONTRO_CONFIG`, and the environment.
    pub fn load() -> Result<Self, ConfigError> {
        let mut figment = Figment::from(Toml::string(DEFAULT_TOML));
        if let Some(path) = std::env::var_os("RESKONTRO_CONFIG") {
            figment = figment.merge(Toml::file_exact(PathBuf::from(path)));
        }
        Self::from_figment(&figment.merge(Env::prefixed("RESKONTRO__").split("__")))
    }

    /// Defaults with changes in TOML, for tests and the demo.
    pub fn with(changes: &str) -> Result<Self, ConfigError> {
        Self::from_figment(&Figment::from(Toml::string(DEFAULT_TOML)).merge(Toml::string(changes)))
    }

    fn from_figment(figment: &Figment) -> Result<Self, ConfigError> {
        let config: Self = figment.extract().map_err(|e| ConfigError::Read(Box::new(e)))?;
        config.validate()?;
        Ok(config)
    }
}
