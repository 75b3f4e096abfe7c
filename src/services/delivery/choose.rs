//! The channel of a document: what is known of its receiver, and what directories must still be asked.

use crate::ctx::{Ctx, InstallationKey};
use crate::ports::{ConsumerAnswer, ConsumerQuery, Fault, Participant};
use crate::services::error::Error;
use crate::store::OrgTx;
use crate::store::channel::{self as store, Lookup};
use crate::store::customer::Customer;
use crate::store::organisation::Organisation;
use chrono::{DateTime, Duration, NaiveDate, Utc};
use domain::channel::{Channel, Chosen, Facts, Order, Reach, choose};
use domain::customer::Field;
use domain::delivery::{MailGround, is_mail_address};
use domain::invoice::{Document, Kind};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// Hours a yes holds right before sending: consent and registration may be gone.
const YES_HOURS: i64 = 1;
/// Days a yes is good enough to choose by when a document is issued.
const YES_DAYS_AT_ISSUE: i64 = 14;
/// Hours a business is not asked about again after a no.
const EHF_NO_HOURS: i64 = 4;
/// Days a consumer is not asked about again after a no.
const EFAKTURA_NO_DAYS: i64 = 7;
/// Held-back addresses an organisation may have before they are looked for one by one.
const FEW: u64 = 100;

/// The organisation's rules for channels, and what the installation has set up.
pub(crate) struct Chooser {
    org: Uuid,
    person: Vec<Channel>,
    business: Vec<Channel>,
    safe: Vec<Channel>,
    now: DateTime<Utc>,
    today: NaiveDate,
    duty_from: NaiveDate,
    min_days: u16,
    ehf_on: bool,
    /// Whether a directory says who is in Peppol; without one every business with a number is taken to be.
    ehf_directory: bool,
    efaktura_on: bool,
    key: Arc<InstallationKey>,
}

/// What directories said of some customers, and which of their addresses mail is held back from.
#[derive(Default)]
pub(crate) struct Known {
    lookups: HashMap<(Uuid, Channel), Lookup>,
    suppressed: HashSet<Vec<u8>>,
}

/// What of a document matters for its channel.
#[derive(Clone, Copy)]
pub(crate) struct Paper {
    credit_note: bool,
    payable: bool,
    pub(super) issued_on: NaiveDate,
    due_on: Option<NaiveDate>,
}

impl Paper {
    /// Of a document.
    pub(crate) fn of(document: &Document) -> Self {
        Self {
            credit_note: document.kind == Kind::CreditNote,
            payable: document.totals.total.is_positive(),
            issued_on: document.issued_on,
            due_on: document.due_on,
        }
    }
}

/// A question a directory must answer before something is sent.
pub(crate) enum Question {
    /// Is this consumer in eFaktura?
    Consumer(Box<ConsumerQuery>),
    /// Is this business in Peppol?
    Business(String),
}

impl Chooser {
    /// The rules of an organisation.
    pub(crate) fn of(ctx: &Ctx, org: &Organisation) -> Self {
        let list = |text: &str| Channel::parse_list(text).unwrap_or_default();
        Self {
            org: org.org_id,
            person: list(&org.channels_person),
            business: list(&org.channels_business),
            safe: list(&org.safe_channels),
            now: ctx.now(),
            today: ctx.today(),
            duty_from: ctx.config.rules.einvoice_duty_from,
            min_days: ctx.config.efaktura.min_days,
            ehf_on: ctx.access_point.is_some() && org.org_number.is_some(),
            ehf_directory: ctx.participants.is_some(),
            efaktura_on: ctx.efaktura.is_some() && org.efaktura_status.as_deref() == Some("active"),
            key: ctx.key.clone(),
        }
    }

    /// What is known of these customers; no look-ups are read where no directory is asked.
    pub(crate) async fn known<'c>(
        &self,
        tx: &OrgTx,
        customers: impl Iterator<Item = &'c Customer> + Clone + Send,
    ) -> Result<Known, Error> {
        let mut known = Known { suppressed: self.suppressed(tx, customers.clone()).await?, ..Known::default() };
        if self.efaktura_on || (self.ehf_on && self.ehf_directory) {
            let ids: Vec<Uuid> = customers.map(|c| c.row.id).collect();
            for lookup in store::list_lookups(tx, &ids).await? {
                known.add(lookup);
            }
        }
        Ok(known)
    }

    /// The addresses mail is held back from: all of them where there are few, else those of these customers.
    async fn suppressed<'c>(
        &self,
        tx: &OrgTx,
        customers: impl Iterator<Item = &'c Customer> + Send,
    ) -> Result<HashSet<Vec<u8>>, Error> {
        let few = store::list_suppressed(tx, FEW + 1).await?;
        if few.len() as u64 <= FEW {
            return Ok(few.into_iter().collect());
        }
        let mut hashes: Vec<Vec<u8>> =
            customers.filter_map(|c| Some(address_hash(&self.key, self.org, mail_address(c).ok()?))).collect();
        hashes.sort_unstable();
        hashes.dedup();
        Ok(store::suppressed_of(tx, &hashes).await?.into_iter().collect())
    }

    /// Chooses a channel, leaving out one that has failed. `Err` says what a person can mend.
    pub(crate) fn choose(
        &self,
        known: &Known,
        customer: &Customer,
        paper: &Paper,
        without: Option<Channel>,
    ) -> Result<Chosen, &'static str> {
        let business = customer.row.kind == "business";
        let order = Order {
            own: customer.record.get(Field::Channel).and_then(Channel::parse),
            organisation: if business { &self.business } else { &self.person },
            safe: &self.safe,
            without,
        };
        choose(&order, &self.facts(known, customer, paper))
    }

    /// Whether one channel can be used, by a person's choice.
    pub(super) fn only(
        &self,
        known: &Known,
        customer: &Customer,
        paper: &Paper,
        channel: Channel,
    ) -> Result<(), &'static str> {
        let order = Order { own: None, organisation: &[channel], safe: &self.safe, without: None };
        choose(&order, &self.facts(known, customer, paper)).map(|_| ())
    }

    /// Whether a channel that was settled before may still be used: a directory's no, a protection or a duty stands
    /// against it. What a person decided about an address stands.
    pub(super) fn decided(
        &self,
        known: &Known,
        customer: &Customer,
        paper: &Paper,
        channel: Channel,
    ) -> Result<(), &'static str> {
        match self.only(known, customer, paper, channel) {
            Err("address_suppressed" | "no_address" | "invalid_address") if channel == Channel::Mail => Ok(()),
            other => other,
        }
    }

    fn facts(&self, known: &Known, customer: &Customer, paper: &Paper) -> Facts {
        Facts {
            business: customer.row.kind == "business",
            protected: customer.record.is_protected(),
            credit_note: paper.credit_note,
            payable: paper.payable,
            issued_on: paper.issued_on,
            due_on: paper.due_on,
            today: self.today,
            duty_from: self.duty_from,
            mail_ground: customer.row.mail_ground.as_deref().and_then(MailGround::parse),
            efaktura_min_days: self.min_days,
            ehf: self.ehf(known, customer, paper),
            efaktura: self.efaktura(known, customer),
            mail: match mail_address(customer) {
                Err(why) => Reach::No(why),
                Ok(address) if self.is_suppressed(known, address) => Reach::No("address_suppressed"),
                Ok(_) => Reach::Yes,
            },
        }
    }

    /// Whether mail to an address is held back.
    fn is_suppressed(&self, known: &Known, address: &str) -> bool {
        !known.suppressed.is_empty() && known.suppressed.contains(&address_hash(&self.key, self.org, address))
    }

    fn ehf(&self, known: &Known, customer: &Customer, paper: &Paper) -> Reach {
        if !self.ehf_on {
            return Reach::Off;
        }
        if customer.record.get(Field::OrgNumber).is_none() {
            return Reach::No("no_org_number");
        }
        if !self.ehf_directory {
            return Reach::Yes;
        }
        let Some(lookup) = self.answered(known, customer, Channel::Ehf) else { return Reach::Unknown };
        match lookup.answer.as_str() {
            "both" => Reach::Yes,
            "invoice" if !paper.credit_note => Reach::Yes,
            "credit_note" if paper.credit_note => Reach::Yes,
            "invoice" => Reach::No("no_credit_note_in_peppol"),
            _ => Reach::No("business_not_in_peppol"),
        }
    }

    fn efaktura(&self, known: &Known, customer: &Customer) -> Reach {
        if !self.efaktura_on {
            return Reach::Off;
        }
        if Self::consumer_keys(customer).is_none() {
            return Reach::No("consumer_not_in_efaktura");
        }
        let Some(lookup) = self.answered(known, customer, Channel::Efaktura) else { return Reach::Unknown };
        match lookup.answer.as_str() {
            "match" => Reach::Yes,
            "withdrawn" => Reach::No("efaktura_no_longer_accepted"),
            "blocked" => Reach::No("blocked_by_receiver"),
            _ => Reach::No("consumer_not_in_efaktura"),
        }
    }

    /// An answer that was given for the customer as it is now, and is not too old to choose by.
    fn answered<'k>(&self, known: &'k Known, customer: &Customer, channel: Channel) -> Option<&'k Lookup> {
        let lookup = known.lookups.get(&(customer.row.id, channel))?;
        let same = lookup.asked_of.as_deref() == Some(self.asked_of(customer, channel).as_slice());
        let recent = self.now - lookup.checked_at < Duration::days(YES_DAYS_AT_ISSUE);
        (same && recent).then_some(lookup)
    }

    /// A keyed hash of what a customer is looked up by: asked again when it changes.
    fn asked_of(&self, customer: &Customer, channel: Channel) -> Vec<u8> {
        let text = |f| customer.record.get(f).unwrap_or_default().as_bytes();
        let parts = match channel {
            Channel::Ehf => vec![text(Field::OrgNumber)],
            _ => vec![text(Field::Phone), text(Field::Email), text(Field::Name), text(Field::EfakturaAddress)],
        };
        let scope: [&[u8]; 3] = [b"lookup", self.org.as_bytes(), channel.as_str().as_bytes()];
        self.key.hash(&scope.into_iter().chain(parts).collect::<Vec<_>>())[..16].to_vec()
    }

    /// What must be asked before this is sent, of all channels or of the `only` one that is left: nothing while the last
    /// answer is fresh.
    pub(crate) fn question(
        &self,
        known: &Known,
        customer: &Customer,
        paper: &Paper,
        only: Option<Channel>,
    ) -> Option<Question> {
        // With nothing known, the first channel that a directory decides on is the one to ask about.
        let unknown = Known::default();
        let channel = match only {
            Some(channel) => channel,
            None => self.choose(&unknown, customer, paper, None).ok().filter(|c| c.pending)?.channel,
        };
        let facts = self.facts(&unknown, customer, paper);
        let undecided = match channel {
            Channel::Ehf => facts.ehf == Reach::Unknown,
            Channel::Efaktura => facts.efaktura == Reach::Unknown,
            Channel::Mail | Channel::Print => false,
        };
        let lookup = self.answered(known, customer, channel);
        let fresh = lookup.is_some_and(|l| self.now - l.checked_at < fresh_for(channel, &l.answer));
        if fresh || !undecided {
            return None;
        }
        if channel == Channel::Ehf {
            return customer.record.get(Field::OrgNumber).map(|n| Question::Business(n.to_owned()));
        }
        let mut query = Self::consumer_keys(customer)?;
        let identifier = lookup.filter(|l| l.answer == "match").and_then(|l| l.identifier.clone());
        if identifier.is_some() {
            // Less is said when it is only to be seen whether an earlier answer holds.
            query = ConsumerQuery { identifier, phone: None, email: None, name: None, ..query };
        }
        Some(Question::Consumer(Box::new(query)))
    }

    /// What a consumer is looked up by: as little as gives a sure hit, and nothing about a protected identity.
    fn consumer_keys(customer: &Customer) -> Option<ConsumerQuery> {
        let get = |f| customer.record.get(f).map(str::to_owned);
        let mut query = ConsumerQuery {
            reference: customer.row.id,
            identifier: get(Field::EfakturaAddress),
            phone: None,
            email: None,
            name: None,
        };
        if query.identifier.is_some() {
            return Some(query);
        }
        if customer.record.is_protected() {
            return None;
        }
        query.phone = get(Field::Phone).filter(|p| p.starts_with('+'));
        query.email = get(Field::Email);
        if query.phone.is_none() || query.email.is_none() {
            let name = customer.record.get(Field::Name).and_then(|n| n.rsplit_once(' '));
            query.name = name.map(|(first, last)| (first.to_owned(), last.to_owned()));
        }
        let keys = [query.phone.is_some(), query.email.is_some(), query.name.is_some()];
        (keys.iter().filter(|k| **k).count() >= 2).then_some(query)
    }

    /// The consumer's identifier, where the service gave it for the customer as it is now.
    pub(crate) fn identifier<'k>(&self, known: &'k Known, customer: &Customer) -> Option<&'k str> {
        self.answered(known, customer, Channel::Efaktura)?.identifier.as_deref()
    }

    /// What a consumer look-up answered, to be kept.
    pub(crate) fn consumer_row(&self, known: &Known, customer: &Customer, answer: &ConsumerAnswer) -> Lookup {
        let before = known.lookups.get(&(customer.row.id, Channel::Efaktura));
        let was_match = before.is_some_and(|l| l.answer == "match" || l.answer == "withdrawn");
        let (answer, identifier) = match answer {
            ConsumerAnswer::Match(identifier) => ("match", Some(identifier.clone())),
            ConsumerAnswer::Blocked => ("blocked", None),
            _ if was_match => ("withdrawn", None),
            ConsumerAnswer::NoConsent => ("no_consent", None),
            ConsumerAnswer::Ambiguous => ("ambiguous", None),
            ConsumerAnswer::Nobody => ("nobody", None),
        };
        let keys = Self::consumer_keys(customer).map(|q| {
            let named = [
                (q.identifier.is_some(), "identifier"),
                (q.phone.is_some(), "phone"),
                (q.email.is_some(), "email"),
                (q.name.is_some(), "name"),
            ];
            named.iter().filter(|(is, _)| *is).map(|(_, name)| *name).collect::<Vec<_>>().join("+")
        });
        Lookup {
            org_id: self.org,
            customer_id: customer.row.id,
            channel: Channel::Efaktura.as_str().to_owned(),
            answer: answer.to_owned(),
            identifier,
            matched_on: keys.filter(|_| answer == "match"),
            asked_of: Some(self.asked_of(customer, Channel::Efaktura)),
            checked_at: self.now,
        }
    }

    /// What a Peppol look-up answered, to be kept.
    pub(crate) fn business_row(&self, customer: &Customer, participant: Participant) -> Lookup {
        let answer = match (participant.invoice, participant.credit_note) {
            (true, true) => "both",
            (true, false) => "invoice",
            (false, true) => "credit_note",
            (false, false) => "none",
        };
        Lookup {
            org_id: self.org,
            customer_id: customer.row.id,
            channel: Channel::Ehf.as_str().to_owned(),
            answer: answer.to_owned(),
            identifier: None,
            matched_on: None,
            asked_of: Some(self.asked_of(customer, Channel::Ehf)),
            checked_at: self.now,
        }
    }
}

impl Known {
    /// What is known of one customer.
    pub(crate) fn of(&self, customer: Uuid) -> Self {
        let of = |channel: &Channel| Some(((customer, *channel), self.lookups.get(&(customer, *channel))?.clone()));
        Self { lookups: Channel::ALL.iter().filter_map(of).collect(), suppressed: self.suppressed.clone() }
    }

    /// Takes in an answer.
    pub(crate) fn add(&mut self, row: Lookup) {
        if let Some(channel) = Channel::parse(&row.channel) {
            self.lookups.insert((row.customer_id, channel), row);
        }
    }
}

/// How long an answer is good enough to send by.
fn fresh_for(channel: Channel, answer: &str) -> Duration {
    match (channel, answer) {
        (_, "match" | "both" | "invoice" | "credit_note") => Duration::hours(YES_HOURS),
        (Channel::Ehf, _) => Duration::hours(EHF_NO_HOURS),
        _ => Duration::days(EFAKTURA_NO_DAYS),
    }
}

/// Where a customer's mail goes: its own address, else the first guardian's, who is left alone while an objection of theirs waits.
pub(crate) fn mail_address(customer: &Customer) -> Result<&str, &'static str> {
    let guardians = customer.record.get(Field::Guardian1Email).filter(|_| !customer.guardian_objects);
    match customer.record.get(Field::Email).or(guardians) {
        None => Err("no_address"),
        Some(address) if is_mail_address(address) => Ok(address),
        Some(_) => Err("invalid_address"),
    }
}

/// Names an address without holding it.
pub(crate) fn address_hash(key: &InstallationKey, org: Uuid, address: &str) -> Vec<u8> {
    key.hash(&[b"mail address", org.as_bytes(), address.to_lowercase().as_bytes()]).to_vec()
}

/// Asks the directories. An answer is kept; silence is an error and never a no.
pub(crate) async fn ask(
    ctx: &Ctx,
    chooser: &Chooser,
    known: &Known,
    issuer: &str,
    customer: &Customer,
    question: Question,
) -> Result<Lookup, Fault> {
    match question {
        Question::Business(number) => {
            let Some(directory) = &ctx.participants else {
                return Err(Fault::new("lookup_off", "no Peppol directory is set up"));
            };
            let participant = directory.look_up(&number).await?;
            Ok(chooser.business_row(customer, participant))
        }
        Question::Consumer(query) => {
            let Some(gateway) = &ctx.efaktura else {
                return Err(Fault::new("lookup_off", "no eFaktura gateway is set up"));
            };
            let answers = gateway.look_up(ctx.id(), issuer, &[*query]).await?;
            let answer = answers.into_iter().find(|(id, _)| *id == customer.row.id).map(|(_, a)| a);
            let answer = answer.ok_or_else(|| Fault::new("lookup_incomplete", "the gateway left the question out"))?;
            Ok(chooser.consumer_row(known, customer, &answer))
        }
    }
}
