//! What the service needs of the outside world. May import `domain`. Implementations live in `delivery` and `ctx`.

use chrono::{DateTime, NaiveDate, Utc};
use std::future::Future;
use std::path::PathBuf;
use std::pin::Pin;
use uuid::Uuid;

/// Tells the time. Nothing else may.
pub trait Clock: Send + Sync {
    /// Now, in whole microseconds: what both databases keep.
    fn now(&self) -> DateTime<Utc>;
}

/// Gives random bytes. Nothing else may.
pub trait Rng: Send + Sync {
    /// Fills `bytes`.
    fn fill(&self, bytes: &mut [u8]);
}

/// A boxed future, so that ports can be trait objects.
pub type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is handed to a channel.
pub enum Parcel {
    /// A mail.
    Mail(Mail),
    /// A request in a consumer's bank.
    Efaktura(Box<EfakturaRequest>),
    /// An e-invoice to a business.
    Ehf(EhfMessage),
}

/// One mail as it goes out.
#[derive(Clone)]
pub struct Mail {
    /// Names the file in a spool and the Message-ID.
    pub id: Uuid,
    /// Address the answers of the mail system go to.
    pub envelope_from: String,
    /// The one recipient.
    pub recipient: String,
    /// Headers and body as sent, CR LF line ends.
    pub bytes: Vec<u8>,
}

/// One request for payment, by `docs/efaktura.md`.
pub struct EfakturaRequest {
    /// Idempotency key for life.
    pub id: Uuid,
    /// Organisation number of the seller.
    pub issuer: String,
    /// The consumer's identifier in the service.
    pub receiver: String,
    /// Number of the invoice.
    pub invoice_number: String,
    /// Date of the invoice.
    pub issued_on: NaiveDate,
    /// Due date.
    pub due_on: NaiveDate,
    /// Amount in øre.
    pub amount_ore: i64,
    /// KID.
    pub kid: String,
    /// Account to pay to, eleven digits.
    pub account: String,
    /// The bank pays by a mandate; the consumer need not approve (AvtaleGiro, transaction type 02).
    pub avtalegiro: bool,
    /// The invoice itself.
    pub pdf: Vec<u8>,
}

/// One document for an access point.
pub struct EhfMessage {
    /// Instance id of the envelope, chosen by us and stored before the first try.
    pub id: Uuid,
    /// Organisation number of the seller.
    pub sender: String,
    /// Organisation number of the buyer.
    pub receiver: String,
    /// Credit notes are registered apart from invoices.
    pub credit_note: bool,
    /// The UBL.
    pub xml: Vec<u8>,
}

/// How handing over ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handed {
    /// It has arrived, as far as the channel can tell. With the provider's own name for it, where it gives one.
    Accepted(Option<String>),
    /// The provider has it and will report.
    HandedOver(Option<String>),
    /// Not now; nothing was handed over.
    Temporary(Fault),
    /// The provider itself does not answer; nothing was handed over.
    Away(Fault),
    /// Not ever.
    Permanent(Fault),
    /// The line went dead while the content was being handed over.
    Lost(Fault),
}

/// Why something did not go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Stable code such as `smtp_450` or `connection_refused`.
    pub code: String,
    /// The provider's words, without addresses.
    pub detail: String,
    /// Seconds the provider asked to wait.
    pub retry_after: Option<u32>,
}

impl Fault {
    /// A fault with the provider's words.
    pub fn new(code: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { code: code.into(), detail: detail.into(), retry_after: None }
    }
}

/// What was handed over earlier, to ask about it or take it back.
#[derive(Debug, Clone)]
pub struct Sent {
    /// Our id.
    pub message_id: Uuid,
    /// The provider's name for it, once known.
    pub provider_ref: Option<String>,
    /// Organisation number of the seller.
    pub issuer: String,
    /// Number of the document.
    pub invoice_number: String,
}

/// What a provider says has become of something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// It never got it: it can be handed over again.
    NotThere,
    /// On its way.
    UnderWay,
    /// Arrived.
    Delivered,
    /// The provider or the receiver said no.
    Rejected(Fault),
    /// Taken back.
    TakenBack,
    /// It can no longer be taken back.
    TooLate(Fault),
    /// No answer this time.
    Silent(Fault),
}

/// A provider's answer about something handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    /// What has become of it.
    pub standing: Standing,
    /// The provider's name for it.
    pub provider_ref: Option<String>,
    /// Grows with each change; a lower one is old news.
    pub seq: i64,
}

/// Called once, right before the content is handed over (decision 40).
pub type BeforeHandover<'a> = Box<dyn FnOnce() -> Pending<'a, Result<(), String>> + Send + 'a>;

/// Hands over documents one after the other; each worker has its own.
pub trait Session: Send {
    /// Hands over one parcel. `before` runs when the receiver is ready for the content; when it fails nothing is sent.
    fn send<'a>(&'a mut self, parcel: &'a Parcel, before: BeforeHandover<'a>) -> Pending<'a, Handed>;

    /// Asks what became of something. A channel that cannot be asked has no answer.
    fn ask<'a>(&'a mut self, sent: &'a Sent) -> Pending<'a, Told> {
        let _ = sent;
        let fault = Fault::new("cannot_be_asked", "this channel cannot be asked");
        Box::pin(async { Told { standing: Standing::Silent(fault), provider_ref: None, seq: 0 } })
    }

    /// Takes something back.
    fn take_back<'a>(&'a mut self, sent: &'a Sent) -> Pending<'a, Told> {
        let _ = sent;
        let fault = Fault::new("cannot_be_taken_back", "what left on this channel cannot be taken back");
        Box::pin(async { Told { standing: Standing::TooLate(fault), provider_ref: None, seq: 0 } })
    }
}

/// A channel out of the building.
pub trait Carrier: Send + Sync {
    /// A session for one worker.
    fn session(&self) -> Box<dyn Session>;

    /// Whether the provider can be asked what became of a document whose answer was lost.
    fn can_ask(&self) -> bool {
        false
    }
}

/// What a consumer is looked up by; as little as gives a sure hit.
#[derive(Clone)]
pub struct ConsumerQuery {
    /// Ties the answer to the question.
    pub reference: Uuid,
    /// An identifier found earlier, to see whether it still holds.
    pub identifier: Option<String>,
    /// Telephone, E.164.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// First and last name.
    pub name: Option<(String, String)>,
}

/// What the service says of a consumer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConsumerAnswer {
    /// Accepts eFaktura from everybody; the identifier to send to.
    Match(String),
    /// Known, and does not accept.
    NoConsent,
    /// Has blocked this issuer.
    Blocked,
    /// Several persons fit.
    Ambiguous,
    /// Nobody fits, or too little was asked with.
    Nobody,
}

/// An issuer as the gateway is to know it.
pub struct Issuer {
    /// Organisation number.
    pub org_number: String,
    /// Name.
    pub name: String,
    /// Accounts that are paid to.
    pub accounts: Vec<String>,
    /// Digits of its KIDs, where all its accounts have the same.
    pub kid_length: Option<i64>,
    /// Where payers turn.
    pub support: String,
}

/// One status change from the gateway's feed or webhook.
#[derive(Debug, Clone)]
pub struct EfakturaEvent {
    /// The gateway's name for the request.
    pub provider_ref: String,
    /// What has become of it.
    pub told: Told,
}

/// A page of the gateway's feed: its events, and where to go on.
pub type FeedPage = (Vec<EfakturaEvent>, String);

/// The eFaktura gateway.
pub trait Efaktura: Carrier {
    /// Looks consumers up, at most a hundred at a time; `id` names this question. An error is no answer, never a no.
    fn look_up<'a>(
        &'a self,
        id: Uuid,
        issuer: &'a str,
        queries: &'a [ConsumerQuery],
    ) -> Pending<'a, Result<Vec<(Uuid, ConsumerAnswer)>, Fault>>;

    /// Registers or renews an issuer; its status: pending, active or blocked.
    fn register<'a>(&'a self, issuer: &'a Issuer) -> Pending<'a, Result<String, Fault>>;

    /// Events after a position of the feed.
    fn events<'a>(&'a self, after: &'a str) -> Pending<'a, Result<FeedPage, Fault>>;

    /// Reads a webhook, when its signature holds and it is fresh.
    fn read_webhook(&self, headers: &[(&str, &str)], body: &[u8], now: DateTime<Utc>) -> Result<EfakturaEvent, Fault>;
}

/// What a business is registered for in Peppol.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Participant {
    /// Takes invoices.
    pub invoice: bool,
    /// Takes credit notes.
    pub credit_note: bool,
}

/// Finds receivers in Peppol.
pub trait Participants: Send + Sync {
    /// What a business is registered for. An error is no answer, never a no.
    fn look_up<'a>(&'a self, org_number: &'a str) -> Pending<'a, Result<Participant, Fault>>;
}

/// One letter that came back to an envelope sender of ours.
pub struct Letter {
    /// Its name in the mailbox.
    pub handle: String,
    /// As it came.
    pub bytes: Vec<u8>,
}

/// A mailbox bounces come to.
pub trait Mailbox: Send + Sync {
    /// Opens it for one round.
    fn open(&self) -> Pending<'_, Result<Box<dyn Inbox>, Fault>>;
}

/// A mailbox that is open. Reading changes nothing.
pub trait Inbox: Send {
    /// Some letters, oldest first.
    fn list(&mut self, limit: usize) -> Pending<'_, Result<Vec<Letter>, Fault>>;

    /// Removes a letter that is dealt with; one already gone is fine.
    fn remove<'a>(&'a mut self, handle: &'a str) -> Pending<'a, Result<(), Fault>>;

    /// Closes it.
    fn close(self: Box<Self>) -> Pending<'static, ()> {
        Box::pin(async {})
    }
}

/// One call of an integrator's endpoint.
pub struct Call {
    /// Names the event, the same at every try.
    pub id: Uuid,
    /// Where to.
    pub url: String,
    /// Secrets that sign it, the newest first.
    pub secrets: Vec<String>,
    /// When it is sent.
    pub at: DateTime<Utc>,
    /// JSON.
    pub body: Vec<u8>,
}

/// What an endpoint answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Called {
    /// HTTP status.
    pub status: u16,
    /// Seconds it asks to wait.
    pub retry_after: Option<u32>,
}

/// Calls endpoints of integrators: over https, and never inside our own network.
pub trait Caller: Send + Sync {
    /// Whether an address may be called at all; says what is wrong with it.
    fn check_url(&self, url: &str) -> Result<(), Fault>;

    /// Calls.
    fn call<'a>(&'a self, call: &'a Call) -> Pending<'a, Result<Called, Fault>>;
}

/// Keeps files by the hash of their content.
pub trait FileStore: Send + Sync {
    /// Keeps `bytes` and returns their SHA-256. The same bytes twice are kept once.
    fn put<'a>(&'a self, org: Uuid, bytes: &'a [u8]) -> Pending<'a, std::io::Result<[u8; 32]>>;
    /// The bytes with this hash.
    fn get<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, std::io::Result<Vec<u8>>>;
    /// Removes the file with this hash; one already gone is fine.
    fn remove<'a>(&'a self, org: Uuid, hash: &'a [u8]) -> Pending<'a, std::io::Result<()>>;
    /// Removes every file of an organisation.
    fn remove_all(&self, org: Uuid) -> Pending<'_, std::io::Result<()>>;
    /// Where a file would be, for people to look at.
    fn path(&self, org: Uuid, hash: &[u8]) -> PathBuf;
}

/// Makes the lines that go after the last one there is.
pub type NextLines = Box<dyn FnOnce(Option<&str>) -> Vec<String> + Send>;

/// A file that is only added to and outlives the database (decisions 23 and 49). One writer at a time, whichever process.
pub trait Journal: Send + Sync {
    /// Adds lines; they are on disk when it returns.
    fn append(&self, next: NextLines) -> Pending<'_, std::io::Result<()>>;
    /// Every line, oldest first. A last line that was cut off by a crash is left out.
    fn lines(&self) -> Pending<'_, std::io::Result<Vec<String>>>;
    /// Puts other lines in place of all, whole or not at all; none leaves them as they are.
    fn rewrite(&self, made: Rewrite) -> Pending<'_, std::io::Result<()>>;
}

/// Makes other lines of all there are.
pub type Rewrite = Box<dyn FnOnce(&[String]) -> Option<Vec<String>> + Send>;
