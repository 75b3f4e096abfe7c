//! The rules of sending: what is asked and how often, providers that are away, and workers and clocks that misbehave.

use crate::bounces;
use crate::channels::{self, BUSINESS, World, access_point_at, business, efaktura_at, person};
use crate::ehf::issue;
use crate::harness::{ImapServer, Instead, TestApp, Wire, both, count, message_ids};
use crate::mail::with_relay;
use chrono::Duration;
use domain::channel::Channel;
use formats::customer_list::Mode;
use reskontro::config::Config;
use reskontro::ctx::Ctx;
use reskontro::delivery::{Bounces, Contract, ImapSettings, Tls};
use reskontro::ports::{FileStore, Pending, Session};
use reskontro::services::delivery;
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::store::mandate::{self, Mandate};
use reskontro::store::views::{self, DeliveryItem};
use reskontro::store::{channel, delivery as store, invoice};
use sandbox::SmtpSink;
use sandbox::efaktura::Status;
use sandbox::peppol::Documents;
use serde_json::{Value, json};
use std::io::Write;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::Arc;
use uuid::Uuid;

const KARI: &str = "kari@match.example";

/// The world outside, with its lines listened to.
struct Heard {
    w: World,
    gateway: Wire,
    point: Wire,
}

async fn heard(app: &TestApp) -> Heard {
    let mut w = channels::world(app, Contract::Phase4).await;
    let gateway = Wire::to(w.gateway.base_url()).await;
    let point = Wire::to(w.point.base_url()).await;
    w.ctx.efaktura = Some(efaktura_at(&w.gateway, gateway.base_url.clone()));
    w.ctx.access_point = Some(access_point_at(&w.point, Contract::Phase4, point.base_url.clone()));
    Heard { w, gateway, point }
}

impl Heard {
    async fn customer(&self, number: &str) -> Uuid {
        let tx = self.w.ctx.db.read(self.w.actor.org).await.unwrap();
        views::customers(&tx, Uuid::nil(), 100).await.unwrap().into_iter().find(|c| c.number == number).unwrap().id
    }

    /// One more invoice to a customer, sent as far as it goes.
    async fn one_more(&self, number: &str) -> DeliveryItem {
        issue(&self.w.ctx, &self.w.actor, self.customer(number).await).await;
        delivery::drain(&self.w.ctx).await.unwrap();
        self.w.deliveries().await.remove(number).unwrap()
    }

    /// What is due after a while is sent.
    async fn after(&self, app: &TestApp, seconds: i64) {
        app.clock.advance(Duration::seconds(seconds));
        delivery::drain(&self.w.ctx).await.unwrap();
    }

    async fn state(&self, number: &str) -> String {
        self.w.deliveries().await[number].state.clone()
    }

    fn look_ups(&self) -> usize {
        self.gateway.count("POST /v1/consumers/lookup")
    }

    /// Requests for payment that reached the gateway.
    fn requests(&self) -> usize {
        self.gateway.count("POST /v1/invoices")
    }
}

const REQUEST: Instead = Instead {
    of: "POST /v1/invoices",
    times: 1,
    passed_on: false,
    status: 503,
    retry_after: None,
    body: String::new(),
};

both!(a_consumers_yes_is_asked_again_after_an_hour_and_not_before, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    assert_eq!(h.look_ups(), 1);
    for (seconds, asked) in [(3599, 1), (1, 2), (3599, 2), (1, 3)] {
        app.clock.advance(Duration::seconds(seconds));
        let d = h.one_more("1").await;
        assert_eq!((d.channel.as_str(), h.look_ups()), ("efaktura", asked));
    }
    let again = &h.gateway.calls("POST /v1/consumers/lookup")[1].body;
    assert!(again.contains("EFA-") && !again.contains(KARI), "{again}");
});

both!(a_consumers_no_holds_for_seven_days, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(2, "ola@noconsent.example")).await;
    assert_eq!(h.look_ups(), 1);
    for (seconds, asked) in [(7 * 86_400 - 1, 1), (1, 2)] {
        app.clock.advance(Duration::seconds(seconds));
        let d = h.one_more("2").await;
        assert_eq!((d.channel.as_str(), h.look_ups()), ("mail", asked));
    }
});

both!(a_business_is_asked_about_after_an_hour_of_yes_and_four_hours_of_no, async |app: &TestApp| {
    let h = heard(app).await;
    let asked = || h.w.peppol.counters().smp_requests;
    h.w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    h.w.bill(app, &business(4, "post@kunde.example")).await;
    assert_eq!(asked(), 1);
    app.clock.advance(Duration::seconds(3599));
    assert_eq!((h.one_more("4").await.channel.as_str(), asked()), ("ehf", 1));
    h.w.peppol.register(BUSINESS, Documents::None);
    app.clock.advance(Duration::seconds(1));
    assert_eq!((h.one_more("4").await.channel.as_str(), asked()), ("mail", 2));
    app.clock.advance(Duration::seconds(4 * 3600 - 1));
    assert_eq!((h.one_more("4").await.channel.as_str(), asked()), ("mail", 2));
    app.clock.advance(Duration::seconds(1));
    assert_eq!((h.one_more("4").await.channel.as_str(), asked()), ("mail", 3));
});

both!(a_changed_address_is_asked_about_at_once, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    h.w.bill(app, &person(1, "kari.ny@noconsent.example")).await;
    assert_eq!((h.one_more("1").await.channel.as_str(), h.look_ups()), ("mail", 2));
    assert!(h.gateway.calls("POST /v1/consumers/lookup")[1].body.contains("kari.ny@noconsent.example"));
});

both!(the_consumers_of_several_deliveries_are_asked_about_in_one_call, async |app: &TestApp| {
    let h = heard(app).await;
    let rows: String = (1..=9).map(|n| person(n, &format!("k{n}@match.example"))).collect();
    h.w.bill(app, &rows).await;
    let calls = h.gateway.calls("POST /v1/consumers/lookup");
    let items: Vec<usize> = calls
        .iter()
        .map(|c| serde_json::from_str::<Value>(&c.body).unwrap()["items"].as_array().unwrap().len())
        .collect();
    assert_eq!((items, h.requests(), h.w.gateway.received().len()), (vec![9], 9, 9));
});

both!(a_protected_identity_is_not_asked_about_even_where_efaktura_is_safe, async |app: &TestApp| {
    let h = heard(app).await;
    let safe = OrganisationPatch { safe_channels: Some("efaktura,ehf,mail".into()), ..OrganisationPatch::default() };
    organisation::patch(&h.w.ctx, &h.w.actor, None, safe).await.unwrap();
    let list = format!(
        "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Telefon;Skjermet;Produkter\n\
         1;Kari Nord;Gata 1;0150;Oslo;{KARI};+4790000001;ja;A\n"
    );
    app.sync(&h.w.actor, list.as_bytes(), Mode::Delta).await;
    h.w.bill(app, "").await;
    assert_eq!((h.one_more("1").await.channel.as_str(), h.look_ups()), ("mail", 0));
});

both!(five_failures_leave_a_provider_alone_and_one_document_at_a_time_tries_it_again, async |app: &TestApp| {
    let h = heard(app).await;
    h.gateway.instead(Instead { times: usize::MAX, ..REQUEST });
    let rows: String = (1..=5).map(|n| person(n, &format!("k{n}@match.example"))).collect();
    h.w.bill(app, &rows).await;
    assert_eq!(h.requests(), 5);
    let more: String = (6..=8).map(|n| person(n, &format!("k{n}@match.example"))).collect();
    h.w.bill(app, &more).await;
    assert_eq!(h.requests(), 5, "sent to a provider that is left alone");
    for (i, pause) in [30, 60, 120, 240, 480, 900, 900].into_iter().enumerate() {
        h.after(app, pause - 1).await;
        assert_eq!(h.requests(), 5 + i, "tried within the pause of {pause} s");
        h.after(app, 1).await;
        assert_eq!(h.requests(), 6 + i, "not one document after the pause of {pause} s");
    }
    h.gateway.clear();
    h.after(app, 900).await;
    let open = h.requests();
    assert!(open > 13, "one success does not let the others go");
    h.after(app, 1080).await;
    assert_eq!((h.requests(), h.w.gateway.received().len()), (20, 8));
    // Closed for good: one more failure is the first.
    h.gateway.instead(REQUEST);
    h.one_more("1").await;
    assert_eq!(h.one_more("2").await.state, "awaiting_receipt");
});

both!(a_provider_is_not_tried_before_the_time_it_asks_for, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    h.gateway.instead(Instead { retry_after: Some(7200), ..REQUEST });
    h.point.instead(Instead { of: "POST /sendas4", status: 429, retry_after: Some(7200), ..REQUEST });
    h.w.bill(app, &(person(1, KARI) + &business(4, "post@kunde.example"))).await;
    let tried = || (h.requests(), h.point.count("POST /sendas4"));
    for seconds in [60, 3600, 3539] {
        h.after(app, seconds).await;
        assert_eq!(tried(), (1, 1));
    }
    h.after(app, 1).await;
    assert_eq!(tried(), (2, 2));
    assert_eq!((h.state("1").await, h.state("4").await), ("awaiting_receipt".into(), "delivered".into()));
});

both!(what_the_gate_refuses_never_reaches_the_access_point, async |app: &TestApp| {
    use domain::money::Micro;
    use reskontro::services::invoice::{DraftLine, NewDraft, create_draft, issue_draft};
    use sea_orm::ConnectionTrait;
    let h = heard(app).await;
    app.clock.set("2027-02-01T10:00:00Z".parse().unwrap());
    h.w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    h.w.bill(app, &business(4, "post@kunde.example")).await;
    assert_eq!(h.point.count("POST"), 1);
    // A unit that means stick: the service refuses it, a person at the database does not.
    let tx = h.w.ctx.db.write(h.w.actor.org).await.unwrap();
    tx.execute_unprepared("UPDATE product SET unit = 'STK'").await.unwrap();
    tx.commit().await.unwrap();
    let line = |description: &str, code: &str| DraftLine {
        product_number: Some("A".into()),
        description: Some(description.into()),
        quantity: Micro::ONE,
        unit: None,
        unit_price: None,
        discount_percent: Micro::ZERO,
        vat_code: Some(code.into()),
    };
    let mut new = NewDraft {
        customer_id: h.customer("4").await,
        lines: vec![line("Vare", "3")],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    };
    let draft = create_draft(&h.w.ctx, &h.w.actor, &new).await.unwrap();
    let id = issue_draft(&h.w.ctx, &h.w.actor, draft).await.unwrap().id;
    delivery::drain(&h.w.ctx).await.unwrap();
    let d = &h.w.deliveries().await["4"];
    assert_eq!((d.invoice_id, d.channel.as_str(), d.state.as_str()), (id, "ehf", "failed"));
    assert_eq!((d.reason.as_deref(), d.needs_person), (Some("ehf_refused"), true));
    let tx = h.w.ctx.db.read(h.w.actor.org).await.unwrap();
    let attempts = store::list_attempts(&tx, d.id).await.unwrap();
    assert!(attempts[0].detail.as_deref().unwrap().contains("RESKONTRO-UNIT"), "{attempts:?}");
    assert_eq!((h.point.count("POST"), h.w.point.received().len()), (1, 1));
    // Nothing of this can stand in XML, nor be read on paper.
    new.lines = vec![line("\u{7f}\u{ffff}", "3")];
    let draft = create_draft(&h.w.ctx, &h.w.actor, &new).await.unwrap();
    let refused = issue_draft(&h.w.ctx, &h.w.actor, draft).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_issuable"));
});

both!(a_token_that_holds_no_more_is_renewed_once_and_the_request_goes, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    let tokens = || h.gateway.count("POST /oauth/token");
    let first = tokens();
    h.w.gateway.revoke_tokens();
    assert_eq!((h.one_more("1").await.attempts, h.requests(), tokens()), (1, 3, first + 1));
    h.w.gateway.advance(2 * 3600);
    assert_eq!((h.one_more("1").await.attempts, h.requests(), tokens()), (1, 5, first + 2));
    assert_eq!(h.w.gateway.received().len(), 3);
    h.gateway.instead(Instead { status: 401, times: usize::MAX, ..REQUEST });
    assert_eq!(h.one_more("1").await.state, "retrying");
    assert_eq!((h.requests(), tokens()), (7, first + 3), "renewed more than once");
});

both!(a_feed_that_began_anew_is_read_from_its_start_and_says_nothing_twice, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    h.w.again().await;
    let tx = h.w.ctx.db.system().await.unwrap();
    channel::set_position(&tx, "efaktura", "gone", app.ctx.now()).await.unwrap();
    tx.commit().await.unwrap();
    h.w.bill(app, &person(2, "ola@match.example")).await;
    let all = h.w.gateway.events().len() as u64;
    assert_eq!(delivery::poll_efaktura(&h.w.ctx).await.unwrap(), all);
    for (number, d) in h.w.deliveries().await {
        assert_eq!(d.state, "delivered", "{number}");
        let told = delivery::timeline(&h.w.ctx, &h.w.actor, d.invoice_id).await.unwrap();
        assert_eq!(told.iter().filter(|e| e.what == "delivered").count(), 1, "{number}: {told:?}");
    }
    assert_eq!(delivery::poll_efaktura(&h.w.ctx).await.unwrap(), 0, "its position is not kept");
});

both!(a_status_that_is_not_known_changes_nothing, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    let id = h.w.gateway.received()[0].id;
    let view = json!({"id": id, "status": "teleported", "sequence": 1}).to_string();
    let event = |sequence: u64| {
        let event = json!({"event_id": "", "sequence": sequence, "invoice_id": id, "status": "teleported"});
        Instead { of: "GET /v1/events", status: 200, body: json!({"events": [event]}).to_string(), ..REQUEST }
    };
    h.gateway.instead(Instead { of: "GET /v1/invoices", status: 200, body: view, ..REQUEST });
    h.gateway.instead(event(1));
    h.after(app, 6).await;
    assert_eq!((h.gateway.count("GET /v1/invoices"), h.state("1").await.as_str()), (1, "awaiting_receipt"));
    assert_eq!(delivery::poll_efaktura(&h.w.ctx).await.unwrap(), 1);
    assert_eq!(h.state("1").await, "awaiting_receipt");
    delivery::poll_efaktura(&h.w.ctx).await.unwrap();
    assert_eq!(h.state("1").await, "delivered");
    h.gateway.instead(event(99));
    delivery::poll_efaktura(&h.w.ctx).await.unwrap();
    let d = &h.w.deliveries().await["1"];
    assert_eq!((d.state.as_str(), d.needs_person, d.attempts), ("delivered", false, 1));
});

both!(a_request_still_under_way_at_the_gateway_is_asked_about_and_ends_once, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    let problem = json!({"code": "in_progress", "detail": "The first request still runs."}).to_string();
    // Where the first request came through, nothing is handed over again; where it did not, the same key is.
    for (passed_on, attempts, requests) in [(true, 1, 2), (false, 2, 4)] {
        let busy = Instead { status: 409, passed_on, retry_after: Some(1), body: problem.clone(), ..REQUEST };
        h.gateway.instead(busy);
        h.one_more("1").await;
        let d = &h.w.again().await["1"];
        assert_eq!((d.state.as_str(), d.attempts, d.possibly_sent_twice), ("delivered", attempts, false));
        assert_eq!(h.requests(), requests);
    }
    assert_eq!(h.w.gateway.received().len(), 3);
});

both!(avtalegiro_is_asked_for_only_where_it_is_set_up_and_a_mandate_is_active, async |app: &TestApp| {
    let mut h = heard(app).await;
    h.w.bill(app, &person(1, KARI)).await;
    let d = h.w.deliveries().await.remove("1").unwrap();
    let tx = h.w.ctx.db.read(h.w.actor.org).await.unwrap();
    let (billed, document) = invoice::load_documents(&tx, &[d.invoice_id]).await.unwrap().remove(0);
    tx.commit().await.unwrap();
    for (set_up, active, payment) in
        [(false, true, "manual"), (true, false, "manual"), (true, true, "avtalegiro"), (true, false, "manual")]
    {
        let row = Mandate {
            org_id: h.w.actor.org,
            bank_account_id: billed.bank_account_id,
            kid: document.kid.clone().unwrap(),
            customer_id: Some(billed.customer_id),
            notify: false,
            active,
            updated_on: document.issued_on,
        };
        let tx = h.w.ctx.db.write(h.w.actor.org).await.unwrap();
        mandate::upsert(&tx, &[row]).await.unwrap();
        tx.commit().await.unwrap();
        let mut config = Config::clone(&h.w.ctx.config);
        config.efaktura.avtalegiro = set_up;
        h.w.ctx.config = Arc::new(config);
        h.one_more("1").await;
        let sent: Value = serde_json::from_str(&h.gateway.calls("POST /v1/invoices").pop().unwrap().body).unwrap();
        assert_eq!(sent["payment"], payment, "set up: {set_up}, active: {active}");
    }
});

/// Storing a file brings the worker down.
struct Deadly;

impl FileStore for Deadly {
    fn put<'a>(&'a self, _: Uuid, _: &'a [u8]) -> Pending<'a, std::io::Result<[u8; 32]>> {
        Box::pin(async { panic!("the worker dies") })
    }

    fn get<'a>(&'a self, _: Uuid, _: &'a [u8]) -> Pending<'a, std::io::Result<Vec<u8>>> {
        Box::pin(async { panic!("the worker dies") })
    }

    fn remove<'a>(&'a self, _: Uuid, _: &'a [u8]) -> Pending<'a, std::io::Result<()>> {
        Box::pin(async { panic!("the worker dies") })
    }

    fn remove_all(&self, _: Uuid) -> Pending<'_, std::io::Result<()>> {
        Box::pin(async { panic!("the worker dies") })
    }

    fn path(&self, _: Uuid, _: &[u8]) -> PathBuf {
        panic!("the worker dies")
    }
}

both!(what_kills_its_worker_every_time_is_for_a_person_in_the_end, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.issue(app, &person(1, "kari@example.org")).await;
    let deadly = Ctx { files: Arc::new(Deadly), ..h.w.ctx.clone() };
    for death in 1..=21 {
        let ctx = deadly.clone();
        let died = tokio::spawn(async move { delivery::drain(&ctx).await.unwrap() }).await;
        assert!(died.is_err_and(|e| e.is_panic()), "given up before death {death}");
        app.clock.advance(Duration::seconds(121));
    }
    delivery::drain(&deadly).await.unwrap();
    let d = &h.w.deliveries().await["1"];
    assert_eq!((d.state.as_str(), d.reason.as_deref()), ("failed", Some("tried_too_often")));
    assert_eq!((d.attempts, d.needs_person), (21, true));
    // Put right, a person sends it.
    delivery::resend(&h.w.ctx, &h.w.actor, d.id, false).await.unwrap();
    delivery::drain(&h.w.ctx).await.unwrap();
    assert_eq!((h.state("1").await.as_str(), app.spool().len()), ("delivered", 1));
});

both!(a_channel_that_is_gone_leaves_what_a_person_put_there_to_a_person, async |app: &TestApp| {
    let mut h = heard(app).await;
    h.w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    h.point.instead(Instead { of: "POST", ..REQUEST });
    h.w.bill(app, &business(4, "post@kunde.example")).await;
    let id = h.w.deliveries().await["4"].id;
    let to = delivery::Redirect { channel: Channel::Ehf, address: None, even_if_delivered: false };
    delivery::redirect(&h.w.ctx, &h.w.actor, id, &to).await.unwrap();
    h.w.ctx.access_point = None;
    delivery::drain(&h.w.ctx).await.unwrap();
    let d = &h.w.deliveries().await["4"];
    assert_eq!((d.channel.as_str(), d.state.as_str()), ("ehf", "failed"));
    assert_eq!((d.reason.as_deref(), d.needs_person), (Some("no_channel"), true));
    assert_eq!((h.point.count("POST"), app.spool().len()), (1, 0));
});

both!(a_worker_without_a_line_leaves_what_has_no_other_way_to_a_person, async |app: &TestApp| {
    let h = heard(app).await;
    app.clock.set("2027-02-01T10:00:00Z".parse().unwrap());
    h.w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    h.w.issue(app, &business(4, "post@kunde.example")).await;
    let claimed = delivery::claim(&h.w.ctx, Channel::Ehf, 1).await.unwrap().remove(0);
    delivery::deliver(&h.w.ctx, None, &claimed).await.unwrap();
    let d = &h.w.deliveries().await["4"];
    assert_eq!((d.channel.as_str(), d.state.as_str()), ("ehf", "failed"));
    assert_eq!((d.reason.as_deref(), d.needs_person), (Some("channel_off"), true));
    assert_eq!((h.point.count("POST"), app.spool().len()), (0, 0));
});

both!(a_receipt_that_stays_out_for_five_days_is_for_a_person, async |app: &TestApp| {
    let h = heard(app).await;
    h.w.bill(app, &person(1, "slow.kari@match.example")).await;
    h.after(app, 5 * 86_400 - 3600).await;
    let d = &h.w.deliveries().await["1"];
    assert_eq!((d.state.as_str(), d.needs_person), ("awaiting_receipt", false));
    h.after(app, 2 * 3600).await;
    let d = &h.w.deliveries().await["1"];
    assert_eq!((d.state.as_str(), d.reason.as_deref(), d.needs_person), ("unknown", Some("no_receipt"), true));
    let asked = h.gateway.count("GET /v1/invoices");
    h.after(app, 86_400).await;
    assert_eq!((h.gateway.count("GET /v1/invoices"), h.requests()), (asked, 1));
    // Late is better than never.
    h.w.gateway.set_status(h.w.gateway.received()[0].id, Status::Delivered, None);
    let d = &h.w.again().await["1"];
    assert_eq!((d.state.as_str(), d.needs_person), ("delivered", false));
});

/// Four mails, the first two held by a worker that has not begun.
async fn four_mails(app: &TestApp, ctx: &Ctx) -> (reskontro::services::Actor, Vec<store::Claimed>) {
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    let mut list = String::from("Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Produkter\n");
    for n in 1..=4 {
        list += &format!("{n};Kari Nord;Gata 1;0150;Oslo;k{n}@example.org;A\n");
    }
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    app.bill(ctx, &actor).await;
    let claimed = delivery::claim(ctx, Channel::Mail, 2).await.unwrap();
    assert_eq!(claimed.len(), 2);
    (actor, claimed)
}

async fn send_held(ctx: &Ctx, claimed: &[store::Claimed]) {
    let mut session = delivery::session(ctx, Channel::Mail);
    for claimed in claimed {
        let session = session.as_deref_mut().map(|s| s as &mut dyn Session);
        delivery::deliver(ctx, session, claimed).await.unwrap();
    }
}

both!(a_clock_set_back_by_a_day_delays_and_neither_loses_nor_doubles, async |app: &TestApp| {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let (actor, held) = four_mails(app, &ctx).await;
    app.clock.advance(Duration::days(-1));
    delivery::drain(&ctx).await.unwrap();
    send_held(&ctx, &held[..1]).await;
    app.clock.advance(Duration::days(1));
    delivery::drain(&ctx).await.unwrap();
    // The other worker has died.
    app.clock.advance(Duration::seconds(121));
    delivery::drain(&ctx).await.unwrap();
    assert!(app.deliveries(&actor).await.iter().all(|d| d.state == "delivered"));
    let sent = count(message_ids(&sink).into_iter().map(|(id, _)| id));
    assert_eq!((sent.len(), sent.values().sum::<usize>()), (4, 4));
});

both!(a_clock_set_forward_by_a_week_and_back_neither_loses_nor_doubles, async |app: &TestApp| {
    let sink = SmtpSink::start().await.unwrap();
    let ctx = with_relay(app, sink.port(), Tls::None, None);
    let (actor, held) = four_mails(app, &ctx).await;
    app.clock.advance(Duration::days(7));
    send_held(&ctx, &held[..1]).await;
    delivery::drain(&ctx).await.unwrap();
    // Its lease ran out long ago.
    send_held(&ctx, &held).await;
    app.clock.advance(Duration::days(-7));
    send_held(&ctx, &held).await;
    delivery::drain(&ctx).await.unwrap();
    assert!(app.deliveries(&actor).await.iter().all(|d| d.state == "delivered"));
    let sent = count(message_ids(&sink).into_iter().map(|(id, _)| id));
    assert_eq!((sent.len(), sent.values().sum::<usize>()), (4, 4));
});

/// `reskontro mail inbound`: what it is given on standard input, and what it says.
fn inbound(app: &TestApp, args: &[&str], letter: &[u8]) -> (bool, String) {
    std::fs::create_dir_all(&app.ctx.config.files.dir).unwrap();
    std::fs::write(app.ctx.config.files.dir.join("installation.key"), [7; 32]).unwrap();
    let mut child = crate::torture::command(app, &[&["mail", "inbound"], args].concat())
        .env("RESKONTRO__MAIL__DOMAIN", "bounce.test")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(letter).unwrap();
    let done = child.wait_with_output().unwrap();
    (done.status.success(), String::from_utf8(done.stdout).unwrap())
}

both!(a_letter_handed_to_the_program_finds_its_delivery, async |app: &TestApp| {
    let w = bounces::world(app).await;
    w.bill(app, bounces::KARI).await;
    let late = bounces::letter("postfix-delayed", &w.tag());
    assert_eq!(inbound(app, &[], &late), (true, "Delayed: others still try.\n".into()));
    let bounce = bounces::letter("postfix-unknown-user", &w.tag());
    assert_eq!(inbound(app, &[], &bounce), (true, "Bounced: the mail did not arrive.\n".into()));
    assert_eq!(bounces::stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
    assert!(!inbound(app, &[], b"").0, "no letter is no success");
});

both!(a_maildir_named_to_the_program_is_taken_in_and_emptied, async |app: &TestApp| {
    let w = bounces::world(app).await;
    w.bill(app, bounces::KARI).await;
    let dir = bounces::maildir(app);
    for (name, file) in [("vacation", "new/1.x"), ("postfix-unknown-user", "cur/2.x:2,S")] {
        std::fs::write(dir.join(file), bounces::letter(name, &w.tag())).unwrap();
    }
    let arguments = ["--maildir", dir.to_str().unwrap()];
    assert_eq!(inbound(app, &arguments, b""), (true, "2 letters taken in.\n".into()));
    assert_eq!(inbound(app, &arguments, b""), (true, "0 letters taken in.\n".into()));
    assert_eq!(bounces::stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
    assert!(!inbound(app, &["--maildir", "/nowhere"], b"").0);
});

both!(a_bounce_in_a_mailbox_over_imap_is_taken_and_deleted, async |app: &TestApp| {
    let w = bounces::world(app).await;
    w.bill(app, bounces::KARI).await;
    for (capabilities, name, expunge) in
        [("IMAP4rev1", "postfix-delayed", "EXPUNGE"), ("IMAP4rev1 UIDPLUS", "postfix-unknown-user", "UID EXPUNGE 7")]
    {
        let server = ImapServer::start(capabilities, vec![(7, bounces::letter(name, &w.tag()))]).await;
        let settings = ImapSettings {
            host: "127.0.0.1".into(),
            port: server.port,
            tls: Tls::None,
            user: "b".into(),
            password: "secret".into(),
            mailbox: "Bounces".into(),
            ca_pem: None,
            timeout: std::time::Duration::from_secs(2),
        };
        let ctx = Ctx { inbox: Some(Arc::new(Bounces::Imap(Box::new(settings)))), ..w.ctx.clone() };
        assert_eq!(delivery::read_inbox(&ctx).await.unwrap(), 1);
        assert!(server.letters.lock().unwrap().is_empty());
        for command in
            ["LOGIN \"b\" \"secret\"", "SELECT \"Bounces\"", "UID FETCH 7 (UID BODY.PEEK[]", expunge, "LOGOUT"]
        {
            assert_eq!(server.heard(command), 1, "{command}: {:?}", server.commands.lock().unwrap());
        }
        assert_eq!(delivery::read_inbox(&ctx).await.unwrap(), 0);
    }
    let noted: Vec<String> = w.noted(&w.newest().await).await.into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(noted, ["delayed", "bounced"]);
    assert_eq!(bounces::stands(&w.newest().await), ("mail", "failed", Some("hard_bounce"), true));
});
