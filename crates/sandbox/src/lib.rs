//! The other side, for tests, simulation and demo: an eFaktura gateway, an access point, the Peppol look-up and a
//! mail server, all of which misbehave when told.
//!
//! May import `formats` and `domain`; never the root package. To add a counterpart: one file or folder named as it.

pub mod access_point;
pub mod efaktura;
mod made_up;
mod net;
pub mod peppol;
mod smtp;

pub use access_point::AccessPoint;
pub use efaktura::EfakturaGateway;
pub use made_up::{SplitMix64, org_numbers};
pub use net::{Outage, OutageKind};
pub use peppol::PeppolNetwork;
pub use smtp::{Fault, Received, SmtpSink};
