//! The channel of each document, chosen with its reason, handed over for real to a gateway and an access point that
//! misbehave when told.

use crate::harness::{TestApp, both};
use chrono::Duration;
use domain::channel::Channel;
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::delivery::{
    AccessPoint, AccessPointSettings, Contract, EfakturaGateway, EfakturaSettings, PeppolDirectory, PeppolSettings,
};
use reskontro::services::invoice::{CreditRequest, credit};
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::services::run::{self, NewRun};
use reskontro::services::{Actor, delivery};
use reskontro::store::views::{self, DeliveryItem};
use sandbox::access_point::Fault as PointFault;
use sandbox::efaktura::{Options as GatewayOptions, Outcome, Status};
use sandbox::peppol::{Documents, Fault as PeppolFault};
use sandbox::{Outage, OutageKind};
use std::collections::HashMap;
use std::sync::Arc;
use uuid::Uuid;

pub const BUSINESS: &str = "923609016";
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// The world outside: a gateway, an access point and the Peppol network.
pub struct World {
    pub gateway: sandbox::EfakturaGateway,
    pub point: sandbox::AccessPoint,
    pub peppol: sandbox::PeppolNetwork,
    pub ctx: Ctx,
    pub actor: Actor,
}

const TIMEOUT: std::time::Duration = std::time::Duration::from_secs(2);

/// A gateway's line, at its own address or at one before it.
pub fn efaktura_at(gateway: &sandbox::EfakturaGateway, base_url: String) -> Arc<EfakturaGateway> {
    let settings = EfakturaSettings {
        base_url,
        client_id: gateway.client_id().to_owned(),
        client_secret: gateway.client_secret().to_owned(),
        webhook_secrets: vec![SECRET.to_owned()],
        ca_pem: None,
        timeout: TIMEOUT,
    };
    Arc::new(EfakturaGateway::new(settings).unwrap())
}

/// An access point's line, at its own address or at one before it.
pub fn access_point_at(point: &sandbox::AccessPoint, contract: Contract, base_url: String) -> Arc<AccessPoint> {
    let token = point.token().to_owned();
    let settings = AccessPointSettings { contract, base_url, token, ca_pem: None, timeout: TIMEOUT };
    Arc::new(AccessPoint::new(settings).unwrap())
}

pub async fn world(app: &TestApp, contract: Contract) -> World {
    let gateway = sandbox::EfakturaGateway::start(GatewayOptions::default()).await.unwrap();
    let point = sandbox::AccessPoint::start(sandbox::access_point::Options::default()).await.unwrap();
    let peppol = sandbox::PeppolNetwork::start().await.unwrap();
    // The gateway's clock stands where ours does.
    gateway.advance((app.ctx.now() - gateway.now()).num_seconds());
    let directory = PeppolDirectory::new(&PeppolSettings {
        zone: peppol.zone().to_owned(),
        dns: Some(peppol.dns_addr()),
        ca_pem: None,
        timeout: TIMEOUT,
    });
    let ctx = Ctx {
        efaktura: Some(efaktura_at(&gateway, gateway.base_url())),
        access_point: Some(access_point_at(&point, contract, point.base_url())),
        participants: Some(Arc::new(directory.unwrap())),
        ..app.ctx.clone()
    };
    let actor = app.association().await;
    app.product(&actor, "A", "Vare", "100").await;
    assert_eq!(delivery::register_efaktura(&ctx, &actor).await.unwrap(), "active");
    World { gateway, point, peppol, ctx, actor }
}

impl World {
    /// Customers by number, each billed once and sent as far as it goes.
    pub async fn bill(&self, app: &TestApp, rows: &str) -> HashMap<String, DeliveryItem> {
        self.issue(app, rows).await;
        delivery::drain(&self.ctx).await.unwrap();
        self.deliveries().await
    }

    pub async fn issue(&self, app: &TestApp, rows: &str) {
        let list = format!(
            "Kundenr;Navn;Kundetype;Organisasjonsnummer;Adresse;Postnr;Poststed;E-post;Telefon;Produkter\n{rows}"
        );
        if !rows.is_empty() {
            app.sync(&self.actor, list.as_bytes(), Mode::Delta).await;
        }
        let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
        let id = run::start(&self.ctx, &self.actor, &new).await.unwrap();
        run::continue_run(&self.ctx, &self.actor, id, |_| {}).await.unwrap();
    }

    pub async fn deliveries(&self) -> HashMap<String, DeliveryItem> {
        let tx = self.ctx.db.read(self.actor.org).await.unwrap();
        let found = views::deliveries(&tx, None, Uuid::nil(), 1000).await.unwrap();
        let customers = views::customers(&tx, Uuid::nil(), 1000).await.unwrap();
        let number = |id: Uuid| customers.iter().find(|c| c.id == id).unwrap().number.clone();
        // The newest of each customer.
        found.into_iter().map(|d| (number(d.customer_id), d)).collect()
    }

    pub async fn again(&self) -> HashMap<String, DeliveryItem> {
        delivery::drain(&self.ctx).await.unwrap();
        delivery::poll_efaktura(&self.ctx).await.unwrap();
        delivery::drain(&self.ctx).await.unwrap();
        self.deliveries().await
    }

    pub async fn after(&self, app: &TestApp, time: Duration) -> HashMap<String, DeliveryItem> {
        app.clock.advance(time);
        self.gateway.advance(time.num_seconds());
        self.point.advance(time.num_seconds());
        self.again().await
    }
}

pub fn stands(d: &DeliveryItem) -> (&str, &str, Option<&str>) {
    (d.channel.as_str(), d.state.as_str(), d.channel_reason.as_deref())
}

pub fn person(number: u32, email: &str) -> String {
    format!("{number};Kari Nord;person;;Gata 1;0150;Oslo;{email};+479000000{number};A\n")
}

pub fn business(number: u32, email: &str) -> String {
    format!("{number};Kunde AS;bedrift;{BUSINESS};Gata 1;0150;Oslo;{email};;A\n")
}

both!(each_customer_gets_the_channel_its_facts_ask_for, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    let rows = [
        person(1, "kari@match.example"),
        person(2, "ola@noconsent.example"),
        person(3, "liv@example.org"),
        business(4, "post@kunde.example"),
        "5;Annet AS;bedrift;974760673;Gata 1;0150;Oslo;post@annet.example;;A\n".to_owned(),
    ];
    let _ = w.bill(app, &rows.concat()).await;
    let found = w.again().await;
    assert_eq!(stands(&found["1"]), ("efaktura", "delivered", Some("consumer_accepts_efaktura")));
    assert_eq!(stands(&found["2"]), ("mail", "delivered", Some("consumer_not_in_efaktura")));
    assert_eq!(stands(&found["3"]), ("mail", "delivered", Some("consumer_not_in_efaktura")));
    assert_eq!(stands(&found["4"]), ("ehf", "delivered", Some("business_in_peppol")));
    assert_eq!(stands(&found["5"]), ("mail", "delivered", Some("business_not_in_peppol")));
    assert_eq!((w.gateway.received().len(), w.point.received().len(), app.spool().len()), (1, 1, 3));
    let sent = &w.point.received()[0];
    assert_eq!(sent.document_id, found["4"].invoice_number.to_string());
    let xml = w.point.document(&sent.sbdh_instance_id).unwrap();
    assert!(formats::ehf::check(xml.as_bytes()).is_empty());
});

both!(what_a_directory_does_not_answer_is_asked_again_and_never_taken_for_a_no, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    for fault in [PeppolFault::DnsServfail, PeppolFault::DnsSilent, PeppolFault::SmpError, PeppolFault::SmpNonsense] {
        w.peppol.fault(Some(BUSINESS), fault);
        let found = w.bill(app, &business(4, "post@kunde.example")).await;
        assert_eq!(stands(&found["4"]).1, "retrying", "{fault:?}");
        assert_eq!(found["4"].channel, "ehf", "{fault:?}");
    }
    assert!(w.point.received().is_empty() && app.spool().is_empty());
    w.peppol.fault(Some(BUSINESS), PeppolFault::None);
    w.gateway.outage(Outage { on: Some(true), kind: Some(OutageKind::Unavailable), ..Outage::default() });
    let _ = w.bill(app, &person(1, "kari@match.example")).await;
    let found = w.after(app, Duration::minutes(30)).await;
    assert_eq!(stands(&found["4"]).1, "delivered");
    assert_eq!((found["1"].channel.as_str(), found["1"].state.as_str()), ("efaktura", "retrying"));
    w.gateway.outage(Outage { on: Some(false), ..Outage::default() });
    let found = w.after(app, Duration::minutes(30)).await;
    assert_eq!(stands(&found["1"]).1, "delivered");
    assert!(app.spool().is_empty(), "a consumer was mailed while the gateway was silent");
});

both!(a_business_that_takes_no_credit_notes_is_said, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    app.clock.set("2027-02-01T10:00:00Z".parse().unwrap());
    w.peppol.register(BUSINESS, Documents::InvoiceOnly);
    let found = w.bill(app, &business(4, "post@kunde.example")).await;
    assert_eq!(stands(&found["4"]), ("ehf", "delivered", Some("business_in_peppol")));
    credit(&w.ctx, &w.actor, found["4"].invoice_id, &CreditRequest::default()).await.unwrap();
    let found = w.again().await;
    assert_eq!((found["4"].state.as_str(), found["4"].reason.as_deref()), ("failed", Some("einvoice_required")));
    assert!(app.spool().is_empty());
});

both!(a_lost_answer_is_asked_for_and_the_invoice_arrives_once, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    w.point.fault(BUSINESS, Some(PointFault::Lost), None);
    let rows = person(1, "lost.kari@match.example") + &business(4, "post@kunde.example");
    let _ = w.bill(app, &rows).await;
    let found = w.after(app, Duration::minutes(5)).await;
    assert_eq!(stands(&found["1"]).1, "delivered", "{:?}", found["1"]);
    assert_eq!(stands(&found["4"]).1, "delivered", "{:?}", found["4"]);
    assert!(!found["1"].possibly_sent_twice && !found["4"].possibly_sent_twice);
    assert_eq!((w.gateway.received().len(), w.point.received().len()), (1, 1));
});

both!(an_access_point_that_cannot_be_asked_leaves_it_to_a_person, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    w.point.fault(BUSINESS, Some(PointFault::Lost), None);
    let _ = w.bill(app, &business(4, "post@kunde.example")).await;
    w.point.fault(BUSINESS, None, None);
    let found = w.after(app, Duration::days(1)).await;
    assert_eq!((found["4"].state.as_str(), found["4"].needs_person), ("unknown", true));
    assert_eq!(w.point.received().len(), 1);
    delivery::resend(&w.ctx, &w.actor, found["4"].id, false).await.unwrap();
    let found = w.again().await;
    assert_eq!((found["4"].state.as_str(), found["4"].possibly_sent_twice), ("delivered", true));
    assert_eq!(w.point.received().len(), 2);
});

both!(what_the_receiver_rejects_goes_the_next_way_once, async |app: &TestApp| {
    let w = world(app, Contract::Phoss).await;
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    w.point.fault(BUSINESS, Some(PointFault::PermanentlyFailed), None);
    let rows = [
        person(1, "reject-blocked_by_receiver.kari@match.example"),
        person(2, "deleted.ola@match.example"),
        business(4, "post@kunde.example"),
    ];
    let _ = w.bill(app, &rows.concat()).await;
    let found = w.after(app, Duration::hours(3)).await;
    for number in ["1", "2", "4"] {
        assert_eq!(stands(&found[number]), ("mail", "delivered", Some("fallback_after_failure")), "{number}");
    }
    assert_eq!(app.spool().len(), 3);
    // Old news of the channel that was left changes nothing.
    let id = w.gateway.received()[0].id;
    w.gateway.set_status(id, Status::Delivered, None);
    let found = w.again().await;
    assert_eq!(stands(&found["1"]).0, "mail");
    let events = delivery::timeline(&w.ctx, &w.actor, found["2"].invoice_id).await.unwrap();
    let said: Vec<(&str, Option<&str>)> = events.iter().map(|e| (e.what, e.detail.as_deref())).collect();
    assert!(said.contains(&("rejected", Some("deleted_by_consumer"))), "{said:?}");
    assert!(said.contains(&("fallback", Some("fallback_after_failure"))), "{said:?}");
});

both!(a_failed_channel_with_no_other_way_is_on_the_worklist_with_the_providers_words, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    app.clock.set("2027-02-01T10:00:00Z".parse().unwrap());
    w.peppol.register(BUSINESS, Documents::InvoiceAndCreditNote);
    w.point.fault(BUSINESS, Some(PointFault::As4Error), None);
    let found = w.bill(app, &business(4, "post@kunde.example")).await;
    let d = &found["4"];
    assert_eq!((d.channel.as_str(), d.state.as_str(), d.needs_person), ("ehf", "failed", true));
    assert_eq!(d.reason.as_deref(), Some("access_point_refused"));
    assert!(app.spool().is_empty(), "a business was mailed against the duty");
});

both!(consent_that_is_gone_is_seen_before_sending, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let found = w.bill(app, &person(1, "kari@match.example")).await;
    assert_eq!(found["1"].channel, "efaktura");
    app.clock.advance(Duration::days(370));
    w.gateway.advance(370 * 86_400);
    w.gateway.consumer("kari@match.example", Outcome::NoConsent);
    let found = w.bill(app, &person(1, "kari@match.example")).await;
    assert_eq!(stands(&found["1"]), ("mail", "delivered", Some("efaktura_no_longer_accepted")));
    assert_eq!(w.gateway.received().len(), 1);
});

both!(a_gateway_that_is_down_for_two_days_delays_and_loses_nothing, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let rows: String = (1..=30).map(|i| person(i, &format!("k{i}@match.example"))).collect();
    w.gateway.outage(Outage { on: Some(true), kind: Some(OutageKind::Refuse), ..Outage::default() });
    let _ = w.bill(app, &rows).await;
    for _ in 0..96 {
        let found = w.after(app, Duration::minutes(30)).await;
        assert!(found.values().all(|d| d.channel == "efaktura" && !d.needs_person));
    }
    w.gateway.outage(Outage { on: Some(false), ..Outage::default() });
    for _ in 0..3 {
        w.after(app, Duration::minutes(20)).await;
    }
    let found = w.deliveries().await;
    assert!(found.values().all(|d| d.state == "delivered" && d.channel == "efaktura"), "{found:?}");
    let received = w.gateway.received();
    assert_eq!(received.len(), 30);
    assert!(received.iter().all(|r| r.submissions == 1), "{received:?}");
    assert!(app.spool().is_empty());
});

both!(crediting_takes_the_request_back, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let _ = w.bill(app, &person(1, "kari@match.example")).await;
    let found = w.again().await;
    credit(&w.ctx, &w.actor, found["1"].invoice_id, &CreditRequest::default()).await.unwrap();
    w.again().await;
    assert_eq!(w.gateway.received()[0].status, Status::Cancelled);
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let first = views::delivery(&tx, found["1"].id).await.unwrap().unwrap();
    assert_eq!(first.state, "cancelled");
    // The credit note itself is no request for payment: it goes as mail.
    let found = w.deliveries().await;
    assert_eq!(stands(&found["1"]), ("mail", "delivered", Some("efaktura_not_for_credit_notes")));
});

both!(webhooks_late_twice_and_out_of_order_come_to_the_same_as_the_feed, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let _ = w.bill(app, &person(1, "kari@match.example")).await;
    let before = w.deliveries().await;
    assert_eq!(before["1"].state, "awaiting_receipt");
    let events = w.gateway.events();
    let take = async |event: &sandbox::efaktura::Event, at: chrono::DateTime<chrono::Utc>, secret: &str| {
        let body = serde_json::to_string(event).unwrap();
        let stamp = at.timestamp();
        let signature = sandbox::efaktura::sign(secret, "msg_1", stamp, &body).unwrap();
        let stamp = stamp.to_string();
        let headers =
            [("webhook-id", "msg_1"), ("webhook-timestamp", stamp.as_str()), ("webhook-signature", signature.as_str())];
        delivery::take_efaktura_webhook(&w.ctx, &headers, body.as_bytes()).await
    };
    let now = app.ctx.now();
    let (first, last) = (&events[0], events.last().unwrap());
    let forged = take(last, now, "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD").await.unwrap_err();
    assert_eq!(forged.code(), Some("webhook_refused"));
    assert!(take(last, now - Duration::minutes(6), SECRET).await.is_err());
    assert_eq!(w.deliveries().await["1"].state, "awaiting_receipt");
    for event in [last, first, last, first] {
        take(event, now, SECRET).await.unwrap();
    }
    assert_eq!(w.deliveries().await["1"].state, "delivered");
    let after = w.again().await;
    assert_eq!(after["1"].state, "delivered");
    let tx = w.ctx.db.read(w.actor.org).await.unwrap();
    let open = views::open_tally(&tx).await.unwrap();
    assert_eq!(open.count, 1, "a status of the gateway never pays an invoice");
});

both!(one_chosen_by_the_customer_and_one_by_the_organisation, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Telefon;Fakturakanal;Produkter\n\
        1;Kari Nord;Gata 1;0150;Oslo;kari@match.example;+4790000001;e-post;A\n\
        2;Ola Nord;Gata 1;0150;Oslo;;;;A\n";
    let patch =
        OrganisationPatch { channels_person: Some("efaktura,mail,print".into()), ..OrganisationPatch::default() };
    organisation::patch(&w.ctx, &w.actor, None, patch).await.unwrap();
    app.sync(&w.actor, list.as_bytes(), Mode::Delta).await;
    let _ = w.bill(app, "").await;
    let found = w.deliveries().await;
    assert_eq!(stands(&found["1"]), ("mail", "delivered", Some("customers_own_choice")));
    assert_eq!((found["2"].channel.as_str(), found["2"].state.as_str()), ("print", "queued"));
    let printed = delivery::print_queue(&w.ctx, &w.actor, &[]).await.unwrap().unwrap();
    assert!(printed.pdf.starts_with(b"%PDF-"));
    delivery::mark_posted(&w.ctx, &w.actor, found["2"].id).await.unwrap();
    assert!(delivery::print_queue(&w.ctx, &w.actor, &[]).await.unwrap().is_none());
    assert_eq!(w.deliveries().await["2"].state, "delivered");
});

both!(a_protected_identity_is_never_looked_up_and_goes_only_where_it_is_safe, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let list = "Kundenr;Navn;Adresse;Postnr;Poststed;E-post;Telefon;Skjermet;Produkter\n\
        1;Kari Nord;Gata 1;0150;Oslo;kari@match.example;+4790000001;ja;A\n";
    app.sync(&w.actor, list.as_bytes(), Mode::Delta).await;
    let found = w.bill(app, "").await;
    assert_eq!((found["1"].channel.as_str(), found["1"].state.as_str()), ("mail", "delivered"));
    let none = OrganisationPatch { safe_channels: Some(String::new()), ..OrganisationPatch::default() };
    organisation::patch(&w.ctx, &w.actor, None, none).await.unwrap();
    app.clock.advance(Duration::days(370));
    let found = w.bill(app, "").await;
    assert_eq!(
        (found["1"].state.as_str(), found["1"].reason.as_deref()),
        ("failed", Some("protected_no_safe_channel"))
    );
    assert!(w.gateway.received().is_empty());
});

both!(redirect_cancel_and_bulk_do_what_they_say, async |app: &TestApp| {
    let w = world(app, Contract::Phase4).await;
    let rows = "1;Kari Nord;person;;Gata 1;0150;Oslo;;;A\n2;Ola Nord;person;;Gata 2;0150;Oslo;;;A\n";
    let found = w.bill(app, rows).await;
    assert_eq!(found["1"].reason.as_deref(), Some("no_address"));
    let to = |channel, address: Option<&str>| delivery::Redirect {
        channel,
        address: address.map(str::to_owned),
        even_if_delivered: false,
    };
    let id = found["1"].id;
    for (way, code) in [
        (to(Channel::Mail, Some("nobody")), "validation_failed"),
        (to(Channel::Mail, None), "no_address"),
        (to(Channel::Ehf, None), "not_a_business"),
        (to(Channel::Print, Some("a@example.org")), "validation_failed"),
    ] {
        let refused = delivery::redirect(&w.ctx, &w.actor, id, &way).await.unwrap_err();
        assert_eq!(refused.code(), Some(code), "{way:?}");
    }
    delivery::redirect(&w.ctx, &w.actor, id, &to(Channel::Mail, Some("naboen@example.org"))).await.unwrap();
    let asked = delivery::Bulk {
        act: delivery::Act::Print,
        ids: vec![found["2"].id, Uuid::from_u128(1)],
        even_if_delivered: false,
    };
    let outcomes = delivery::bulk(&w.ctx, &w.actor, &asked).await.unwrap();
    assert_eq!(outcomes[0].refused, None);
    assert_eq!(outcomes[1].refused.as_deref(), Some("not_found"));
    let found = w.again().await;
    assert_eq!(stands(&found["1"]), ("mail", "delivered", Some("operators_choice")));
    let mail = std::fs::read_to_string(&app.spool()[0]).unwrap();
    assert!(mail.contains("naboen@example.org"));
    delivery::cancel(&w.ctx, &w.actor, found["2"].id).await.unwrap();
    assert_eq!(w.deliveries().await["2"].state, "cancelled");
});
