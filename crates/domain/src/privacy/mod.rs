//! Personal data over time: the clocks of the retention matrix, the policy that sets them, and the dates they count from.
//!
//! `rule` says what holds whatever a policy says, `policy` what an organisation has chosen within that, `clock` which
//! days count, `period` how long is how long, `processor` who works for the installation, `authority` who supervises. To add a clock: a line in `rules!` and its facts.

mod authority;
mod clock;
mod period;
mod policy;
mod processor;
mod rule;

pub use authority::{AUTHORITY, Authority};
pub use clock::{
    claim_lives_until, financial_year_cutoff, financial_year_over_on, inactive_from, request_due_on,
    request_extended_to,
};
pub use period::{BadPeriod, Period};
pub use policy::{Custody, Finding, Marketing, Policy, Preset, Region, RelationshipEnd, Role, Rule, SMALLEST_GROUP};
pub use processor::{BadTransfer, HostPattern, Transfer, assessed_again_on, is_in_eea, is_private_host};
pub use rule::{Action, Basis, Facts, Ground, Hold, Recipient, RuleId, Subject, Trigger};
