//! What a simulation runs in: a clock that moves when told, dice that fall the same way every time, made-up counterparts, and
//! places for the database before and after a restore.

use crate::config::Config;
use crate::ctx::{Ctx, Ids};
use crate::ports::{Clock, Rng};
use chrono::{DateTime, Duration, NaiveDate, NaiveTime, Utc};
use chrono_tz::Europe::Oslo;
use sandbox::access_point;
use sandbox::efaktura::{self, Outcome};
use sandbox::peppol::Documents;
use sandbox::{AccessPoint, EfakturaGateway, PeppolNetwork, SplitMix64};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

/// A clock that moves when told.
pub(super) struct Hands(Mutex<DateTime<Utc>>);

impl Clock for Hands {
    fn now(&self) -> DateTime<Utc> {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The same seed gives the same story.
pub(super) struct Dice(Mutex<SplitMix64>);

impl Dice {
    pub(super) const fn new(seed: u64) -> Self {
        Self(Mutex::new(SplitMix64::new(seed)))
    }

    fn next(&self) -> u64 {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).next()
    }

    /// A number from 0 up to, and without, `sides`.
    pub(super) fn below(&self, sides: usize) -> usize {
        let sides = u64::try_from(sides.max(1)).unwrap_or(1);
        usize::try_from(self.next() % sides).unwrap_or_default()
    }

    /// True once in so many throws.
    pub(super) fn once_in(&self, throws: usize) -> bool {
        self.below(throws) == 0
    }

    /// One of them.
    pub(super) fn pick<'a, T>(&self, of: &'a [T]) -> Option<&'a T> {
        if of.is_empty() { None } else { of.get(self.below(of.len())) }
    }
}

impl Rng for Dice {
    fn fill(&self, bytes: &mut [u8]) {
        for part in bytes.chunks_mut(8) {
            part.copy_from_slice(&self.next().to_be_bytes()[..part.len()]);
        }
    }
}

/// Where a simulation keeps what it makes. All of it may be thrown away afterwards.
pub struct Places {
    /// Settings of databases that are there and empty: the first is lived in, each restore moves on to the next. They share the
    /// folders of ledgers, backups, mail and e-invoices.
    pub databases: Vec<Config>,
    /// The file of the age identity that opens the backups.
    pub identity: PathBuf,
}

/// The world around the service.
pub(super) struct World {
    pub(super) ctx: Ctx,
    pub(super) dice: Arc<Dice>,
    pub(super) identity: PathBuf,
    hands: Arc<Hands>,
    ids: Arc<Ids>,
    left: std::vec::IntoIter<Config>,
    gateway: EfakturaGateway,
    point: AccessPoint,
    peppol: PeppolNetwork,
}

impl World {
    /// Opens the first place on a day.
    pub(super) async fn open(places: Places, seed: u64, on: NaiveDate) -> anyhow::Result<Self> {
        let gateway = EfakturaGateway::start(efaktura::Options::default()).await?;
        let point = AccessPoint::start(access_point::Options::default()).await?;
        let peppol = PeppolNetwork::start().await?;
        let mut left = places.databases.into_iter();
        let mut first = left.next().ok_or_else(|| anyhow::anyhow!("a simulation needs a database"))?;
        let (hands, dice, ids) = (Arc::new(Hands(Mutex::new(at(on, 8, 0)))), Arc::new(Dice::new(seed)), Arc::default());
        lead_to(&mut first, &gateway, &point, &peppol);
        let ctx =
            Ctx { clock: hands.clone(), rng: dice.clone(), ids: Arc::clone(&ids), ..crate::app::context(first).await? };
        Ok(Self { ctx, dice, identity: places.identity, hands, ids, left, gateway, point, peppol })
    }

    /// Sets the clock; it never goes back. The counterparts' clocks follow.
    pub(super) fn set(&self, to: DateTime<Utc>) {
        *self.hands.0.lock().unwrap_or_else(PoisonError::into_inner) = to;
        self.gateway.advance((to - self.gateway.now()).num_seconds());
        self.point.advance(0);
    }

    /// Some minutes pass.
    pub(super) fn pass(&self, minutes: i64) {
        self.set(self.ctx.now() + Duration::minutes(minutes));
    }

    /// The settings of the next empty place, where there is one.
    pub(super) fn next_place(&mut self) -> Option<Config> {
        let mut config = self.left.next()?;
        lead_to(&mut config, &self.gateway, &self.point, &self.peppol);
        Some(config)
    }

    /// Goes on in another place; the one before is closed.
    pub(super) async fn move_to(&mut self, ctx: Ctx) {
        let before = std::mem::replace(&mut self.ctx, ctx);
        before.db.close().await;
    }

    /// A context of a place that has been loaded.
    pub(super) async fn context(&self, config: Config) -> anyhow::Result<Ctx> {
        let (clock, rng) = (self.hands.clone(), self.dice.clone());
        Ok(Ctx { clock, rng, ids: Arc::clone(&self.ids), ..crate::app::context(config).await? })
    }

    /// Half of the people accept eFaktura; two of three businesses stand in Peppol.
    pub(super) fn join(&self, email: &str, org_number: Option<&str>) {
        if let Some(number) = org_number {
            if !self.dice.once_in(3) {
                self.peppol.register(number, Documents::InvoiceAndCreditNote);
            }
        } else {
            let outcome = if self.dice.once_in(2) { Outcome::Match } else { Outcome::NoConsent };
            self.gateway.consumer(email, outcome);
        }
    }
}

/// Lets the settings lead to the made-up counterparts.
fn lead_to(config: &mut Config, gateway: &EfakturaGateway, point: &AccessPoint, peppol: &PeppolNetwork) {
    use crate::config::{EfakturaMode, EhfMode, LookupMode};
    config.efaktura.mode = EfakturaMode::Gateway;
    config.efaktura.base_url = gateway.base_url();
    config.efaktura.client_id = gateway.client_id().to_owned();
    config.efaktura.client_secret = gateway.client_secret().to_owned().into();
    config.efaktura.per_second = 0;
    config.ehf.mode = EhfMode::Phoss;
    config.ehf.base_url = point.base_url();
    config.ehf.token = point.token().to_owned().into();
    config.ehf.lookup = LookupMode::Dns;
    config.ehf.dns_zone = peppol.zone().to_owned();
    config.ehf.dns_server = peppol.dns_addr().to_string();
}

/// A time of day in Oslo.
pub(super) fn at(day: NaiveDate, hour: u32, minute: u32) -> DateTime<Utc> {
    let time = NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or(NaiveTime::MIN);
    // In the hour that does not exist, the one after it.
    let local = day.and_time(time).and_local_timezone(Oslo);
    local.earliest().map_or_else(|| (day.and_time(time) + Duration::hours(1)).and_utc(), |t| t.with_timezone(&Utc))
}
