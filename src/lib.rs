//! Reskontro: invoicing and accounts receivable for Norwegian businesses and associations, with personal-data
//! lifecycle controls. `docs/architecture.md` draws the layers; `tests/architecture.rs` holds them.

/// Composition root: configuration to context, router and workers. The only place that wires.
pub mod app;
/// Backups, their ageing out, and restores that bring nobody back.
pub mod backup;
/// The command line, one file a command family.
pub mod cli;
/// Typed settings with their defaults, files and environment.
pub mod config;
/// What services receive: database, clock, ids, ports and settings.
pub mod ctx;
/// Channels out of the building: SMTP, the eFaktura gateway, access points, folders.
pub mod delivery;
/// The API over HTTP.
pub mod http;
/// The queue runner and the schedule.
pub mod jobs;
/// How fast providers are given documents.
pub mod pace;
/// Traits for the outside world.
pub mod ports;
/// Personal data: what every column is and why it is held.
pub mod privacy;
/// How far long work is.
pub mod progress;
/// Use cases, one transaction each, verbs as files.
pub mod services;
/// Years in seconds: what a policy does to a made-up organisation.
pub mod simulate;
/// The database: the only user of sea-orm.
pub mod store;
