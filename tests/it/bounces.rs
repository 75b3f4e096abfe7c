//! Mail that comes back: letters as mail servers write them, about mails that were really sent.

use crate::api::{Api, key};
use crate::harness::{TestApp, both, skip};
use chrono::Duration;
use formats::customer_list::Mode;
use render::dkim::DkimKey;
use reqwest::Method;
use reskontro::config::Config;
use reskontro::ctx::{Ctx, SystemRng};
use reskontro::delivery::{Bounces, SmtpMailer, SmtpSettings, Tls};
use reskontro::services::access::Scope;
use reskontro::services::delivery::{Inbound, take_letter};
use reskontro::services::invoice::{CreditRequest, credit};
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery};
use reskontro::store::views::{self, DeliveryItem};
use reskontro::store::{channel, delivery as store};
use sandbox::{Fault, SmtpSink};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// The tag of the mails the fixtures are about.
const FIXTURE_ID: &[u8] = b"0192f0c1a2b37c4d8e5f60718293a4b5";

/// A letter as it stands among the fixtures, about the mail with this tag.
pub fn letter(name: &str, tag: &str) -> Vec<u8> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/formats/tests/fixtures/bounces");
    let mut bytes = std::fs::read(dir.join(format!("{name}.eml"))).unwrap();
    let mut at = 0;
    while let Some(found) = bytes[at..].windows(FIXTURE_ID.len()).position(|w| w == FIXTURE_ID) {
        at += found;
        bytes[at..at + tag.len()].copy_from_slice(tag.as_bytes());
        at += tag.len();
    }
    bytes
}

fn mailer(port: u16) -> Arc<SmtpMailer> {
    Arc::new(SmtpMailer::new(SmtpSettings {
        host: "127.0.0.1".into(),
        port,
        tls: Tls::None,
        credentials: None,
        ca_pem: None,
        hello: Some("test.example".into()),
        timeout: std::time::Duration::from_secs(10),
    }))
}

/// The service with a relay and bounces to `bounce.test`.
fn with_relay(app: &TestApp, port: u16) -> Ctx {
    let mut config = Config::clone(&app.ctx.config);
    config.mail.domain = "bounce.test".into();
    Ctx { mailer: mailer(port), config: Arc::new(config), ..app.ctx.clone() }
}

/// The service beside others that use the same mail server: its ids are its own.
fn with_shared_relay(app: &TestApp, port: u16) -> Ctx {
    Ctx { rng: Arc::new(SystemRng), ..with_relay(app, port) }
}

pub struct World {
    pub ctx: Ctx,
    pub actor: Actor,
    pub sink: SmtpSink,
}

pub async fn world(app: &TestApp) -> World {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port());
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    World { ctx, actor, sink }
}

pub const KARI: &str = "kari@example.org";

impl World {
    /// One invoice to the customer at this address, sent as far as it goes; the newest delivery.
    pub async fn bill(&self, app: &TestApp, address: &str) -> DeliveryItem {
        let list = format!(
            "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;{address};A\n"
        );
        app.sync(&self.actor, list.as_bytes(), Mode::Delta).await;
        issue(&self.ctx, &self.actor).await;
        self.send().await
    }

    /// The invoice of the year after.
    pub async fn bill_again(&self, app: &TestApp, address: &str) -> DeliveryItem {
        app.clock.advance(Duration::days(370));
        self.bill(app, address).await
    }

    async fn send(&self) -> DeliveryItem {
        delivery::drain(&self.ctx).await.unwrap();
        self.newest().await
    }

    pub async fn newest(&self) -> DeliveryItem {
        deliveries(&self.ctx, &self.actor).await.pop().unwrap()
    }

    /// Tag of the mail that was sent last.
    pub fn tag(&self) -> String {
        let sent = self.sink.received().pop().unwrap();
        sent.from.strip_prefix("b+").and_then(|f| f.strip_suffix("@bounce.test")).unwrap().to_owned()
    }

    async fn comes(&self, name: &str) -> Inbound {
        take_letter(&self.ctx, &letter(name, &self.tag())).await.unwrap()
    }

    /// What is noted of a delivery: kind and code.
    pub async fn noted(&self, d: &DeliveryItem) -> Vec<(String, Option<String>)> {
        let tx = self.ctx.db.read(self.actor.org).await.unwrap();
        let events = store::list_events(&tx, d.id).await.unwrap();
        events.into_iter().map(|e| (e.kind, e.code)).collect()
    }

    /// Why addresses are held back.
    async fn suppressed(&self) -> Vec<String> {
        let tx = self.ctx.db.read(self.actor.org).await.unwrap();
        let mut reasons = Vec::new();
        for hash in channel::list_suppressed(&tx, 10).await.unwrap() {
            reasons.push(channel::find_suppression(&tx, &hash).await.unwrap().unwrap().reason);
        }
        reasons
    }
}

async fn issue(ctx: &Ctx, actor: &Actor) {
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let id = run::start(ctx, actor, &new).await.unwrap();
    run::continue_run(ctx, actor, id, |_| {}).await.unwrap();
}

async fn deliveries(ctx: &Ctx, actor: &Actor) -> Vec<DeliveryItem> {
    let tx = ctx.db.read(actor.org).await.unwrap();
    views::deliveries(&tx, None, Uuid::nil(), 100).await.unwrap()
}

pub fn stands(d: &DeliveryItem) -> (&str, &str, Option<&str>, bool) {
    (&d.channel, &d.state, d.reason.as_deref(), d.needs_person)
}

const SENT: (&str, &str, Option<&str>, bool) = ("mail", "delivered", None, false);

fn some(kind: &str, code: &str) -> (String, Option<String>) {
    (kind.to_owned(), Some(code).filter(|c| !c.is_empty()).map(str::to_owned))
}

both!(an_address_that_does_not_exist_is_for_a_person_and_not_mailed_again, async |app: &TestApp| {
    let w = world(app).await;
    let first = w.bill(app, KARI).await;
    assert_eq!(stands(&first), SENT);
    assert_eq!(w.comes("postfix-unknown-user").await, Inbound::Bounced);
    let first = w.newest().await;
    assert_eq!(stands(&first), ("mail", "failed", Some("hard_bounce"), true));
    assert_eq!(w.noted(&first).await, [some("bounced", "hard_bounce")]);
    assert_eq!(w.suppressed().await, ["hard_bounce"]);
    let told = delivery::timeline(&w.ctx, &w.actor, first.invoice_id).await.unwrap();
    let bounce = told.iter().find(|e| e.what == "bounced").unwrap();
    let said = bounce.said.as_deref().unwrap();
    assert!(said.contains("User unknown") && !said.contains('@'), "{said}");
    let refused = delivery::resend(&w.ctx, &w.actor, first.id, false).await.unwrap_err();
    assert_eq!(refused.code(), Some("address_suppressed"));

    let next = w.bill_again(app, KARI).await;
    assert_eq!(stands(&next), ("mail", "held", Some("address_suppressed"), true));
    assert_eq!(w.sink.received().len(), 1, "mailed to an address that does not exist");
    // A person's word sends once more; what the relay then takes frees the address.
    delivery::resend(&w.ctx, &w.actor, next.id, false).await.unwrap();
    assert_eq!(stands(&w.send().await), SENT);
    assert!(w.suppressed().await.is_empty());
    assert_eq!(stands(&w.bill_again(app, KARI).await), SENT);
    assert_eq!(w.sink.received().len(), 3);
});

both!(a_forced_mail_that_bounces_too_holds_the_address_again, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    w.comes("postfix-unknown-user").await;
    let held = w.bill_again(app, KARI).await;
    w.sink.fail(Fault::RecipientPermanent, 1);
    delivery::resend(&w.ctx, &w.actor, held.id, false).await.unwrap();
    assert_eq!(stands(&w.send().await), ("mail", "failed", Some("smtp_550"), true));
    assert_eq!(w.suppressed().await, ["hard_bounce"], "freed without having been taken");
    let to = delivery::Redirect {
        channel: domain::channel::Channel::Mail,
        address: Some(KARI.into()),
        even_if_delivered: false,
    };
    delivery::redirect(&w.ctx, &w.actor, held.id, &to).await.unwrap();
    assert_eq!(stands(&w.send().await), SENT);
    assert!(w.suppressed().await.is_empty());
    w.comes("exchange-report").await;
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
    assert_eq!(w.suppressed().await, ["hard_bounce"]);
});

both!(a_bounced_mail_goes_the_next_way_where_there_is_one, async |app: &TestApp| {
    let w = world(app).await;
    let patch =
        OrganisationPatch { channels_person: Some("efaktura,mail,print".into()), ..OrganisationPatch::default() };
    organisation::patch(&w.ctx, &w.actor, None, patch).await.unwrap();
    w.bill(app, KARI).await;
    for _ in 0..2 {
        assert_eq!(w.comes("postfix-disabled").await, Inbound::Bounced);
        let d = w.newest().await;
        assert_eq!(stands(&d), ("print", "queued", None, false));
        assert_eq!(d.fallback_from.as_deref(), Some("mail"));
        let noted = [some("bounced", "hard_bounce"), some("fallback", "fallback_after_failure")];
        assert_eq!(w.noted(&d).await, noted);
    }
    let next = w.bill_again(app, KARI).await;
    assert_eq!((next.channel.as_str(), next.state.as_str()), ("print", "queued"));
    assert_eq!(w.sink.received().len(), 1);
});

both!(what_comes_back_after_the_invoice_was_credited_is_not_sent_again, async |app: &TestApp| {
    let w = world(app).await;
    let d = w.bill(app, KARI).await;
    let letter = letter("postfix-mailbox-full", &w.tag());
    credit(&w.ctx, &w.actor, d.invoice_id, &CreditRequest::default()).await.unwrap();
    take_letter(&w.ctx, &letter).await.unwrap();
    app.clock.advance(Duration::days(2));
    w.send().await;
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let now = views::delivery(&tx, d.id).await.unwrap().unwrap();
    assert_eq!(stands(&now), ("mail", "cancelled", Some("credited"), false));
    assert_eq!(w.sink.received().len(), 2, "the invoice, and its credit note");
});

both!(mail_that_comes_back_for_now_again_and_again_is_for_a_person, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    for round in 0..3 {
        assert_eq!(w.comes("postfix-mailbox-full").await, Inbound::Bounced, "{round}");
        if round < 2 {
            assert_eq!(stands(&w.newest().await), ("mail", "retrying", Some("mailbox_full"), false));
            app.clock.advance(Duration::days(2));
            w.send().await;
        }
    }
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("mailbox_full"), true));
});

both!(a_full_mailbox_is_tried_again_and_the_mail_arrives, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    for name in ["postfix-mailbox-full", "postfix-mailbox-full"] {
        assert_eq!(w.comes(name).await, Inbound::Bounced);
        let d = w.newest().await;
        assert_eq!(stands(&d), ("mail", "retrying", Some("mailbox_full"), false));
        assert_eq!(w.noted(&d).await, [some("bounced", "mailbox_full")]);
        assert!(d.not_before_at > w.ctx.now());
    }
    assert_eq!(w.send().await.state, "retrying", "tried before its time");
    let first = w.tag();
    app.clock.advance(Duration::hours(1));
    let d = w.send().await;
    assert_eq!((stands(&d), d.attempts), (SENT, 2));
    assert_eq!((w.sink.received().len(), w.tag()), (2, first));
    assert!(w.suppressed().await.is_empty());
    // The same words about the second mail are no repeat of the first letter.
    assert_eq!(w.comes("postfix-mailbox-full").await, Inbound::Bounced);
    assert_eq!(w.newest().await.state, "retrying");
    app.clock.advance(Duration::hours(3));
    assert_eq!(stands(&w.send().await), SENT);
});

both!(a_mail_that_keeps_coming_back_is_for_a_person_in_the_end, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    let mut sent = 0;
    while w.newest().await.state == "delivered" {
        sent += 1;
        assert!(sent < 20, "tried for ever");
        w.comes("postfix-given-up").await;
        app.clock.advance(Duration::days(2));
        delivery::drain(&w.ctx).await.unwrap();
    }
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("soft_bounce"), true));
    assert_eq!(w.sink.received().len(), sent);
});

both!(what_is_only_late_or_arrived_is_noted_and_changes_nothing, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    assert_eq!(w.comes("postfix-delayed").await, Inbound::Delayed);
    assert_eq!(w.comes("postfix-delayed").await, Inbound::Delayed);
    assert_eq!(w.comes("postfix-delivered").await, Inbound::Arrived);
    let d = w.newest().await;
    assert_eq!(stands(&d), SENT);
    assert_eq!(w.noted(&d).await, [some("delayed", ""), some("arrived", "")]);
    assert!(w.suppressed().await.is_empty());
});

both!(refused_by_policy_says_nothing_of_the_address, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    assert_eq!(w.comes("postfix-policy").await, Inbound::Bounced);
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("refused_by_policy"), true));
    assert!(w.suppressed().await.is_empty());
    assert_eq!(stands(&w.bill_again(app, KARI).await), SENT);
});

both!(answers_forgeries_and_letters_of_others_change_nothing, async |app: &TestApp| {
    let w = world(app).await;
    let d = w.bill(app, KARI).await;
    let tag = w.tag();
    assert_eq!(w.comes("vacation").await, Inbound::AutoReply);
    assert_eq!(w.comes("vacation-by-subject-only").await, Inbound::AutoReply);
    assert_eq!(w.comes("read-receipt").await, Inbound::AutoReply);
    assert_eq!(w.comes("answer-of-a-person").await, Inbound::NotUnderstood);
    assert_eq!(w.comes("our-own-mail").await, Inbound::NotUnderstood);
    assert_eq!(w.comes("complaint-not-spam").await, Inbound::NotUnderstood);
    assert_eq!(w.comes("report-without-recipient").await, Inbound::NotUnderstood);
    assert_eq!(w.comes("forged-without-tag").await, Inbound::NotOurs);
    let forged = format!("{}.{}", &tag[..32], "0123456789abcdef");
    let unknown = format!("{}.{}", Uuid::from_u128(5).simple(), &tag[33..]);
    for tag in [&forged, &unknown] {
        for name in ["postfix-unknown-user", "complaint"] {
            assert_eq!(take_letter(&w.ctx, &letter(name, tag)).await.unwrap(), Inbound::NotOurs, "{name}");
        }
    }
    for junk in [&b""[..], b"\0\xff\n\n", b"Subject: hei\r\n\r\nhei"] {
        take_letter(&w.ctx, junk).await.unwrap();
    }
    assert!(w.noted(&d).await.is_empty() && w.suppressed().await.is_empty());
    assert_eq!(stands(&w.newest().await), SENT);
});

both!(a_bounce_of_an_address_since_corrected_is_passed_over, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, "feil@example.org").await;
    let old = w.tag();
    // Corrected, and sent once more to where it belongs.
    let list =
        b"Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kari Nord;Gata 1;0150;Oslo;kari@example.org;A\n";
    app.sync(&w.actor, list, Mode::Delta).await;
    let id = w.newest().await.id;
    delivery::resend(&w.ctx, &w.actor, id, true).await.unwrap();
    assert_eq!(w.send().await.state, "delivered");
    assert_eq!((w.sink.received()[1].to.as_str(), w.tag() == old), (KARI, false));
    let late = letter("postfix-unknown-user", &old);
    assert_eq!(take_letter(&w.ctx, &late).await.unwrap(), Inbound::NotOurs);
    assert_eq!(w.newest().await.state, "delivered");
    assert!(w.suppressed().await.is_empty());
});

both!(who_complains_is_not_mailed_again, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    assert_eq!(w.comes("complaint").await, Inbound::Complaint);
    assert_eq!(w.comes("complaint").await, Inbound::Complaint);
    let d = w.newest().await;
    assert_eq!(stands(&d), SENT, "it had arrived");
    assert_eq!(w.noted(&d).await, [some("complained", "")]);
    assert_eq!(w.suppressed().await, ["complaint"]);
    assert_eq!(w.bill_again(app, KARI).await.state, "held");
    assert_eq!(w.sink.received().len(), 1);
});

both!(a_new_address_is_free_and_the_old_one_stays_held, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    w.comes("postfix-unknown-user").await;
    assert_eq!(stands(&w.bill_again(app, "kari.nord@example.org").await), SENT);
    assert_eq!(w.sink.received()[1].to, "kari.nord@example.org");
    assert_eq!(w.bill_again(app, "KARI@example.org").await.state, "held", "the same address in capitals");
});

both!(a_person_lets_an_address_through_again, async |app: &TestApp| {
    let w = world(app).await;
    let d = w.bill(app, KARI).await;
    w.comes("postfix-unknown-user").await;
    let writer = key(app, &w.actor, Scope::Write).await;
    let api = Api::serve_ctx(w.ctx.clone()).await;
    let path = format!("/api/v1/customers/{}/allow-address", d.customer_id);
    assert_eq!(api.send(Method::POST, &path, Some(&writer), None).await.0, 204);
    assert!(w.suppressed().await.is_empty());
    delivery::resend(&w.ctx, &w.actor, d.id, false).await.unwrap();
    assert_eq!(stands(&w.send().await), SENT);
    assert_eq!(stands(&w.bill_again(app, KARI).await), SENT);
});

both!(a_bounce_decides_what_a_lost_worker_left_open, async |app: &TestApp| {
    let w = world(app).await;
    w.sink.fail(Fault::DropsAfterContent, 1);
    assert_eq!(stands(&w.bill(app, KARI).await), ("mail", "unknown", Some("connection_lost"), true));
    assert_eq!(w.comes("postfix-unknown-user").await, Inbound::Bounced);
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
});

both!(a_bounce_may_be_faster_than_the_note_that_the_mail_left, async |app: &TestApp| {
    let w = world(app).await;
    let d = w.bill(app, KARI).await;
    // As it stands between the relay's yes and the note of it.
    let tx = w.ctx.db.write(w.actor.org).await.unwrap();
    let mut row = store::lock(&tx, d.id).await.unwrap().unwrap();
    row.state = "handing_over".into();
    row.lease_token = Some(Uuid::from_u128(1));
    row.lease_until_at = Some(w.ctx.now() + Duration::minutes(1));
    store::update(&tx, row).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(w.comes("postfix-unknown-user").await, Inbound::Bounced);
    assert_eq!(stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    assert_eq!(store::find(&tx, d.id).await.unwrap().unwrap().lease_token, None, "the worker's note would undo it");
});

/// A Maildir in the app's own folder.
pub fn maildir(app: &TestApp) -> PathBuf {
    let dir = app.dir.path().join("bounces");
    for part in ["new", "cur", "tmp"] {
        std::fs::create_dir_all(dir.join(part)).unwrap();
    }
    dir
}

fn with_inbox(ctx: &Ctx, dir: &Path) -> Ctx {
    Ctx { inbox: Some(Arc::new(Bounces::Maildir(dir.to_owned()))), ..ctx.clone() }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().path()).collect();
    paths.sort();
    paths
}

both!(the_mailbox_is_read_and_emptied_of_ours_and_of_what_is_not, async |app: &TestApp| {
    let w = world(app).await;
    w.bill(app, KARI).await;
    let dir = maildir(app);
    let letters = ["vacation", "postfix-unknown-user", "forged-without-tag", "postfix-unknown-user"];
    for (i, name) in letters.iter().enumerate() {
        let place = if i == 3 { format!("cur/{i}.x:2,S") } else { format!("new/{i}.x") };
        std::fs::write(dir.join(place), letter(name, &w.tag())).unwrap();
    }
    std::fs::write(dir.join("new/9.x"), b"\xff\x00 no letter at all").unwrap();
    let ctx = with_inbox(&w.ctx, &dir);
    assert_eq!(delivery::read_inbox(&ctx).await.unwrap(), 5);
    assert!(files(&dir.join("new")).is_empty() && files(&dir.join("cur")).is_empty());
    let d = w.newest().await;
    assert_eq!(stands(&d), ("mail", "failed", Some("hard_bounce"), true));
    assert_eq!(w.noted(&d).await, [some("bounced", "hard_bounce")]);
    reskontro::jobs::run_by_name(&ctx, "read_bounces", w.actor.org, None).await.unwrap();
    assert_eq!(delivery::read_inbox(&w.ctx).await.unwrap(), 0, "no mailbox set up");
    std::fs::remove_dir_all(&dir).unwrap();
    assert_eq!(delivery::read_inbox(&ctx).await.unwrap(), 0, "a mailbox that is away is tried again");
});

/// The private Postfix, where one runs: its port, the Maildir bounces come to, and what the far end took.
#[expect(clippy::disallowed_methods, reason = "the tests' own switch")]
fn postfix() -> Option<(u16, PathBuf, PathBuf)> {
    let get = |name| std::env::var(name).ok();
    let found = get("TEST_POSTFIX_PORT").and_then(|p| p.parse().ok());
    let folders = get("TEST_POSTFIX_MAILDIR").zip(get("TEST_POSTFIX_ACCEPTED"));
    let Some((port, (maildir, accepted))) = found.zip(folders) else {
        skip("mta", "TEST_POSTFIX_PORT is not set; `make test` starts a server");
        return None;
    };
    Some((port, maildir.into(), accepted.into()))
}

fn mentions(path: &Path, ids: &[String]) -> bool {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    ids.iter().any(|id| text.contains(id))
}

/// Waits until so many files that name one of the deliveries lie in a folder.
async fn arrived(dir: &Path, ids: &[String], count: usize) -> Vec<PathBuf> {
    for _ in 0..240 {
        let found: Vec<PathBuf> = files(dir).into_iter().filter(|p| mentions(p, ids)).collect();
        if found.len() >= count {
            return found;
        }
        tokio::time::sleep(std::time::Duration::from_millis(250)).await;
    }
    panic!("only {} of {count} letters came", files(dir).iter().filter(|p| mentions(p, ids)).count());
}

both!(what_a_real_mail_server_gives_back_finds_its_invoice, async |app: &TestApp| {
    let Some((port, inbox, _)) = postfix() else { return };
    let ctx = with_shared_relay(app, port);
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for domain in ["hard", "full", "slow", "policy", "ok"] {
        list.push_str(&format!("{domain};Kari Nord;Gata 1;0150;Oslo;kari@{domain}.example;A\n"));
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    issue(&ctx, &actor).await;
    assert_eq!(delivery::drain(&ctx).await.unwrap().get("delivered"), Some(&5));
    let ids: Vec<String> = deliveries(&ctx, &actor).await.iter().map(|d| d.id.simple().to_string()).collect();
    // One each for hard, full and policy; for slow a warning, and the end.
    let letters = arrived(&inbox.join("new"), &ids, 5).await;
    let dir = maildir(app);
    for letter in letters {
        std::fs::copy(&letter, dir.join("new").join(letter.file_name().unwrap())).unwrap();
    }
    assert_eq!(delivery::read_inbox(&with_inbox(&ctx, &dir)).await.unwrap(), 5);
    assert!(files(&dir.join("new")).is_empty());

    let tx = ctx.db.read(actor.org).await.unwrap();
    let customers = views::customers(&tx, Uuid::nil(), 100).await.unwrap();
    let mut found = HashMap::new();
    for d in deliveries(&ctx, &actor).await {
        let number = customers.iter().find(|c| c.id == d.customer_id).unwrap().number.clone();
        let noted = store::list_events(&tx, d.id).await.unwrap();
        let noted: Vec<String> = noted.into_iter().map(|e| e.kind).collect();
        found.insert(number, (d, noted.join(" ")));
    }
    let held = channel::list_suppressed(&tx, 10).await.unwrap();
    let of = |number: &str| (stands(&found[number].0), found[number].1.as_str());
    assert_eq!(of("hard"), (("mail", "failed", Some("hard_bounce"), true), "bounced"));
    assert_eq!(of("full"), (("mail", "retrying", Some("mailbox_full"), false), "bounced"));
    assert_eq!(of("policy"), (("mail", "failed", Some("refused_by_policy"), true), "bounced"));
    assert_eq!(of("slow"), (("mail", "retrying", Some("soft_bounce"), false), "delayed bounced"));
    assert_eq!(of("ok"), (SENT, ""));
    assert_eq!(held.len(), 1);
    let held = channel::find_suppression(&tx, &held[0]).await.unwrap().unwrap();
    assert_eq!(held.customer_id, found["hard"].0.customer_id);
});

fn dkim_key() -> DkimKey {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("crates/render/tests/fixtures/dkim/test-rsa-2048.pkcs8.pem");
    DkimKey::parse(&std::fs::read_to_string(path).unwrap(), "fjellbygda.example", "r2026").unwrap()
}

/// What dkimpy says of a mail; nothing where it is not installed.
fn verified(mail: &Path, record: &str) -> Option<bool> {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("scripts/verify-dkim.py");
    let done = std::process::Command::new("python3").arg(script).arg(mail).arg(record).output().ok()?;
    (done.status.code() != Some(77)).then(|| done.status.success())
}

both!(a_signed_mail_arrives_unchanged_through_a_real_mail_server, async |app: &TestApp| {
    let Some((port, _, accepted)) = postfix() else { return };
    let key = Arc::new(dkim_key());
    let ctx = Ctx { dkim: Some(key.clone()), ..with_shared_relay(app, port) };
    let actor = app.association().await;
    app.product(&actor, "A", "Medlemskontingent på Snåsa", "100").await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n1;Kåre Ås;Gata 1;0150;Oslo;kari@ok.example;A\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    issue(&ctx, &actor).await;
    assert_eq!(delivery::drain(&ctx).await.unwrap().get("delivered"), Some(&1));
    let d = deliveries(&ctx, &actor).await.remove(0);
    let came = arrived(&accepted, &[d.id.simple().to_string()], 1).await.remove(0);
    let came = std::fs::read(came).unwrap();
    let envelope = came.iter().position(|b| *b == b'\n').unwrap() + 1;
    let came = &came[envelope..];
    // The same mail as we hand it over: Postfix has put its own fields above it and changed nothing.
    let sink = SmtpSink::start().await.unwrap();
    delivery::resend(&ctx, &actor, d.id, true).await.unwrap();
    delivery::drain(&Ctx { mailer: mailer(sink.port()), ..ctx.clone() }).await.unwrap();
    let ours = sink.received().remove(0).content;
    assert!(ours.starts_with(b"DKIM-Signature:"));
    assert!(came.trim_ascii_end().ends_with(ours.trim_ascii_end()), "the mail was changed on its way");
    let file = app.dir.path().join("came.eml");
    std::fs::write(&file, came).unwrap();
    match verified(&file, &key.dns_record()) {
        Some(good) => assert!(good, "the signature does not hold"),
        None => eprintln!("dkimpy is not installed: the signature is compared by bytes only"),
    }
});
