//! The one thing services receive. May import `ports`, `config` and the database handle.

use crate::config::Config;
use crate::pace::Pace;
use crate::ports::{Caller, Carrier, Clock, Efaktura, FileStore, Journal, Mailbox, Participants, Rng};
use crate::progress::Progress;
use crate::store::Db;
use chrono::{DateTime, NaiveDate, Utc};
use domain::channel::Channel;
use domain::hex;
use hmac::{Hmac, KeyInit, Mac};
use render::dkim::DkimKey;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::sync::{Arc, Mutex, PoisonError};
use uuid::Uuid;

/// Database, clock, ids, ports and settings.
#[derive(Clone)]
pub struct Ctx {
    /// The database.
    pub db: Db,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Makes ids.
    pub ids: Arc<Ids>,
    /// Gives random bytes.
    pub rng: Arc<dyn Rng>,
    /// Sends mail.
    pub mailer: Arc<dyn Carrier>,
    /// The eFaktura gateway, where there is one.
    pub efaktura: Option<Arc<dyn Efaktura>>,
    /// Takes e-invoices, where they are sent.
    pub access_point: Option<Arc<dyn Carrier>>,
    /// Says who is in Peppol; without one every business with a number is taken to be.
    pub participants: Option<Arc<dyn Participants>>,
    /// Where bounces come to, where they are read.
    pub inbox: Option<Arc<dyn Mailbox>>,
    /// Signs mail, where there is a key.
    pub dkim: Option<Arc<DkimKey>>,
    /// Calls endpoints of integrators.
    pub caller: Arc<dyn Caller>,
    /// How fast providers are given documents.
    pub pace: Pace,
    /// Keeps files.
    pub files: Arc<dyn FileStore>,
    /// Erasures, so that a restore cannot bring anybody back (decision 49).
    pub erasures: Arc<dyn Journal>,
    /// Numbers and messages the world has seen, so that a restore cannot use them again (decision 23).
    pub seen: Arc<dyn Journal>,
    /// Settings.
    pub config: Arc<Config>,
    /// How far long work of this process is.
    pub progress: Progress,
    /// Key of keyed hashes, one per installation.
    pub key: Arc<InstallationKey>,
}

impl Ctx {
    /// Now.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// The business date: today in Oslo.
    pub fn today(&self) -> NaiveDate {
        oslo_day(self.now())
    }

    /// A new id, greater than every id this process made before.
    pub fn id(&self) -> Uuid {
        self.ids.next(self.now(), self.rng.as_ref())
    }

    /// What carries documents on a channel, where it is set up.
    pub fn carrier(&self, channel: Channel) -> Option<Arc<dyn Carrier>> {
        match channel {
            Channel::Mail => Some(self.mailer.clone()),
            Channel::Efaktura => self.efaktura.clone().map(|e| e as Arc<dyn Carrier>),
            Channel::Ehf => self.access_point.clone(),
            Channel::Print => None,
        }
    }

    /// A random number for jitter.
    pub fn jitter(&self) -> u16 {
        let mut bytes = [0; 2];
        self.rng.fill(&mut bytes);
        u16::from_le_bytes(bytes)
    }
}

/// Makes UUIDv7 ids that grow within the process.
#[derive(Default)]
pub struct Ids {
    last: Mutex<(u64, u32)>,
}

impl Ids {
    fn next(&self, now: DateTime<Utc>, rng: &dyn Rng) -> Uuid {
        let millis = u64::try_from(now.timestamp_millis()).unwrap_or_default();
        let mut random = [0; 10];
        rng.fill(&mut random);
        let (millis, count) = {
            let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
            *last = if millis > last.0 { (millis, 0) } else { (last.0, last.1 + 1) };
            *last
        };
        // The counter fills the bits right after the time: rand_a and the top of rand_b.
        let count = count.to_be_bytes();
        random[0] = count[1];
        random[1] = count[2];
        random[2] = count[3] >> 2;
        random[3] = (count[3] << 6) | (random[3] & 0x3f);
        uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
    }
}

/// The system's clock.
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        let now = Utc::now();
        DateTime::from_timestamp_micros(now.timestamp_micros()).unwrap_or(now)
    }
}

/// The system's random bytes.
pub struct SystemRng;

impl Rng for SystemRng {
    #[expect(clippy::expect_used, reason = "a system without random bytes cannot keep secrets: stop")]
    fn fill(&self, bytes: &mut [u8]) {
        getrandom::fill(bytes).expect("the operating system gives random bytes");
    }
}

/// A secret of the installation for keyed hashes of low-entropy values.
pub struct InstallationKey([u8; 32]);

/// Whether the holder of a key signed this; key and signature are hexadecimal.
pub fn is_signed(content: &[u8], signature: &str, public_key: &str) -> bool {
    let (Some(key), Some(signature)) = (hex::decode(public_key), hex::decode(signature)) else { return false };
    UnparsedPublicKey::new(&ED25519, key).verify(content, &signature).is_ok()
}

impl InstallationKey {
    /// From its 32 bytes.
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// HMAC-SHA-256 over length-prefixed parts.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        // A 32-byte key is always accepted.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&self.0) else { return [0; 32] };
        for part in parts {
            mac.update(&u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }
}

impl InstallationKey {
    /// What it signs with, made of the key itself.
    fn signer(&self) -> Option<Ed25519KeyPair> {
        Ed25519KeyPair::from_seed_unchecked(&self.hash(&[b"sign"])).ok()
    }

    /// Signs what the installation vouches for: certificates, receipts, packages and backups. Ed25519, hexadecimal.
    pub fn sign(&self, content: &[u8]) -> Option<String> {
        self.signer().map(|s| hex::encode(s.sign(content).as_ref()))
    }

    /// The key its signatures are checked with, hexadecimal.
    pub fn public_key(&self) -> Option<String> {
        self.signer().map(|s| hex::encode(s.public_key().as_ref()))
    }

    fn cipher(&self) -> Option<LessSafeKey> {
        UnboundKey::new(&CHACHA20_POLY1305, &self.hash(&[b"seal"])).ok().map(LessSafeKey::new)
    }

    /// Encrypts a secret that must be read again; the nonce stands in front.
    pub fn seal(&self, rng: &dyn Rng, secret: &[u8]) -> Vec<u8> {
        let mut nonce = [0; NONCE_LEN];
        rng.fill(&mut nonce);
        let mut sealed = secret.to_vec();
        let done = self.cipher().and_then(|c| {
            c.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::empty(), &mut sealed).ok()
        });
        // Without a cipher nothing is kept rather than something in clear.
        if done.is_none() { Vec::new() } else { [&nonce[..], &sealed].concat() }
    }

    /// A secret as it was sealed; none when the key is another or it was changed.
    pub fn open(&self, sealed: &[u8]) -> Option<Vec<u8>> {
        let (nonce, rest) = sealed.split_first_chunk::<NONCE_LEN>()?;
        let mut held = rest.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        Some(self.cipher()?.open_in_place(nonce, Aad::empty(), &mut held).ok()?.to_vec())
    }
}

/// Compares without telling by the time it takes how much is right.
pub fn same(a: &[u8], b: &[u8]) -> bool {
    a.len() == b.len() && a.iter().zip(b).fold(0, |d, (x, y)| d | (x ^ y)) == 0
}

/// SHA-256.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

/// The day a point in time is in, in Oslo.
pub fn oslo_day(at: DateTime<Utc>) -> NaiveDate {
    at.with_timezone(&chrono_tz::Europe::Oslo).date_naive()
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Zero;
    impl Rng for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }

    #[test]
    fn ids_grow_even_when_the_clock_stands_or_goes_back() {
        let ids = Ids::default();
        let at = |s| DateTime::from_timestamp(s, 0).unwrap();
        let mut last = ids.next(at(100), &Zero);
        for second in [100, 100, 99, 50, 101].into_iter().chain(std::iter::repeat_n(101, 2000)) {
            let next = ids.next(at(second), &Zero);
            assert!(next > last, "{next} {last}");
            last = next;
        }
    }

    #[test]
    fn what_is_sealed_is_opened_by_the_same_key_alone() {
        let key = InstallationKey::new([7; 32]);
        let sealed = key.seal(&Zero, b"secret");
        assert!(!sealed.windows(6).any(|w| w == b"secret"));
        assert_eq!(key.open(&sealed).as_deref(), Some(&b"secret"[..]));
        assert_eq!(InstallationKey::new([8; 32]).open(&sealed), None);
        assert_eq!(key.open(&sealed[1..]), None);
    }

    #[test]
    fn tokens_are_compared_whole() {
        assert!(same(b"abc", b"abc"));
        assert!(!same(b"abc", b"abd") && !same(b"abc", b"ab") && !same(b"", b"a"));
    }

    #[test]
    fn parts_are_not_run_together() {
        let key = InstallationKey::new([7; 32]);
        assert_ne!(key.hash(&[b"ab", b"c"]), key.hash(&[b"a", b"bc"]));
    }
}
