//! Customers, products and standing orders by hand; endings to come; runs taken back.

use crate::api::{Api, key};
use crate::harness::{TestApp, both, cli};
use chrono::{Days, Duration};
use domain::customer::Field;
use domain::delivery::MailGround;
use domain::money::Micro;
use formats::customer_list::Mode;
use reqwest::Method;
use reskontro::services::access::Scope;
use reskontro::services::customer::{self, Ending, NewContact, NewDocumentAddress, Renumbering};
use reskontro::services::organisation::{self, OrganisationPatch};
use reskontro::services::product::{self, ProductPatch};
use reskontro::services::run::{self, CreditRun, NewRun, Shown};
use reskontro::services::standing_order::{self, NewStandingOrder, NewStandingOrderLine, StandingOrderPatch};
use reskontro::services::{Actor, delivery, invoice, ledger};
use reskontro::store::billing::Run;
use reskontro::store::views::{self, InvoiceItem};
use serde_json::{Map, Value, json};
use uuid::Uuid;

const LIST: &str = "Medlemsnr;Navn;Adresse;Postnr;Poststed;E-post;Kontingent\n\
    1;Kari Nord;Gata 1;7760;Snåsa;kari@example.org;MEDL\n\
    2;Ola Sør;Gata 2;7760;Snåsa;ola@example.org;MEDL\n";
const WITHOUT_OLA: &str = "Medlemsnr;Navn;Adresse;Postnr;Poststed;E-post;Kontingent\n\
    1;Kari Nord;Gata 1;7760;Snåsa;kari@example.org;MEDL\n";

async fn begin(app: &TestApp) -> Actor {
    let actor = app.association().await;
    app.product(&actor, "MEDL", "Medlemskontingent", "450").await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    actor
}

async fn id_of(app: &TestApp, actor: &Actor, number: &str) -> Uuid {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::search_customers(&tx, number, 10).await.unwrap()[0].id
}

async fn bill(app: &TestApp, actor: &Actor) -> Run {
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(15) };
    let id = run::start(&app.ctx, actor, &new).await.unwrap();
    run::continue_run(&app.ctx, actor, id, |_| {}).await.unwrap()
}

async fn invoices(app: &TestApp, actor: &Actor) -> Vec<InvoiceItem> {
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    views::invoices(&tx, Uuid::nil(), 100).await.unwrap()
}

async fn holds(app: &TestApp, actor: &Actor) {
    for check in ledger::verify(&app.ctx, actor).await.unwrap() {
        assert!(check.findings.is_empty(), "{}: {:?}", check.name, check.findings);
    }
}

fn object(value: &Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

both!(a_customer_is_changed_by_hand_field_by_field, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "1").await;
    let change = object(&json!({ "name": "Kari Nordmann", "email": null, "phone": "420 00 000" }));
    customer::patch(&app.ctx, &actor, id, 1, change.clone()).await.unwrap();
    let whole = customer::read(&app.ctx, &actor, id).await.unwrap();
    let get = |f| whole.customer.record.get(f).map(str::to_owned);
    assert_eq!(get(Field::Name).as_deref(), Some("Kari Nordmann"));
    assert_eq!((get(Field::Email), get(Field::Phone).as_deref()), (None, Some("+4742000000")));
    assert_eq!(get(Field::Street).as_deref(), Some("Gata 1"), "what is left out stays");
    let stale = customer::patch(&app.ctx, &actor, id, 1, change).await.unwrap_err();
    assert_eq!(stale.code(), Some("version_mismatch"));
    for (bad, says) in [
        (json!({ "email": "no address" }), "email"),
        (json!({ "number": "77" }), "number"),
        (json!({ "status": "ended" }), "status"),
        (json!({ "shoe_size": "43" }), "shoe_size"),
        (json!({ "name": "13097248022" }), "name"),
    ] {
        let error = customer::patch(&app.ctx, &actor, id, 2, object(&bad)).await.unwrap_err().to_string();
        assert!(error.contains(says), "{error}");
    }
});

both!(the_payment_method_is_read_back_as_it_was_stored, async |app: &TestApp| {
    let actor = app.association().await;
    let list = "Medlemsnr;Navn;Adresse;Postnr;Poststed;Betalingsmåte\n\
        1;Kari Nord;Gata 1;7760;Snåsa;AvtaleGiro\n2;Ola Sør;Gata 2;7760;Snåsa;Giro\n3;Eva Vest;Gata 3;7760;Snåsa;\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let reader = key(app, &actor, Scope::Read).await;
    let api = Api::serve(app).await;
    let stored = async |number: &str| {
        let path = format!("/api/v1/customers/{}", id_of(app, &actor, number).await);
        let (_, shown) = api.send(Method::GET, &path, Some(&reader), None).await;
        let printed: Value = serde_json::from_str(&cli(app, &["customers", "show", number, "--json"])).unwrap();
        assert_eq!(printed["payment_method"], shown["payment_method"], "{number}");
        shown["payment_method"].clone()
    };
    assert_eq!(stored("1").await, json!("avtalegiro"));
    assert_eq!(stored("2").await, json!("giro"));
    assert_eq!(stored("3").await, Value::Null, "nothing was said");
    let id = id_of(app, &actor, "1").await;
    customer::patch(&app.ctx, &actor, id, 1, object(&json!({ "payment_method": "giro" }))).await.unwrap();
    assert_eq!(stored("1").await, json!("giro"));
    assert!(cli(app, &["customers", "show", "1"]).contains("payment_method"));
});

both!(a_relationship_ends_on_its_day_and_not_before, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "2").await;
    let last = app.ctx.today() + Days::new(20);
    let ending = Ending { ended_on: Some(last), reason: "flyttet".into() };
    customer::end(&app.ctx, &actor, id, &ending).await.unwrap();
    assert_eq!(bill(app, &actor).await.issued_count, 2, "what begins before the last day is billed");
    assert_eq!(customer::end_due(&app.ctx, &actor).await.unwrap(), 0);
    app.clock.advance(Duration::days(20));
    assert_eq!(customer::end_due(&app.ctx, &actor).await.unwrap(), 1);
    assert_eq!(customer::end_due(&app.ctx, &actor).await.unwrap(), 0, "twice does nothing");
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().customer.row.status, "ended");
    app.clock.advance(Duration::days(400));
    assert_eq!(bill(app, &actor).await.issued_count, 1, "nobody is billed after the end");
    let again = customer::end(&app.ctx, &actor, id, &ending).await.unwrap_err();
    assert_eq!(again.code(), Some("customer_ended"));
    customer::reopen(&app.ctx, &actor, id).await.unwrap();
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().customer.row.status, "active");
});

both!(who_vanishes_has_days_of_grace_and_may_come_back, async |app: &TestApp| {
    let actor = begin(app).await;
    let patch = OrganisationPatch { ending_grace_days: Some(14), ..OrganisationPatch::default() };
    organisation::patch(&app.ctx, &actor, None, patch).await.unwrap();
    let id = id_of(app, &actor, "2").await;
    let gone = app.sync(&actor, WITHOUT_OLA.as_bytes(), Mode::Full).await;
    assert_eq!(gone.summary.counts.ending, 1);
    let row = customer::read(&app.ctx, &actor, id).await.unwrap().customer.row;
    assert_eq!((row.status.as_str(), row.ended_on), ("active", Some(app.ctx.today() + Days::new(14))));
    app.clock.advance(Duration::days(2));
    let still = app.sync(&actor, WITHOUT_OLA.as_bytes(), Mode::Full).await;
    assert_eq!((still.summary.counts.ending, still.summary.guard.vanished), (0, 0), "the day does not move");
    let back = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(back.summary.counts.changed, 1);
    let whole = customer::read(&app.ctx, &actor, id).await.unwrap();
    assert_eq!((whole.customer.row.ended_on, whole.customer.row.status.as_str()), (None, "active"));
    assert_eq!(whole.customer.record.get(Field::StandardProducts), Some("MEDL"));
    app.clock.advance(Duration::days(30));
    assert_eq!(customer::end_due(&app.ctx, &actor).await.unwrap(), 0);
    assert_eq!(bill(app, &actor).await.issued_count, 2);
});

both!(an_ending_set_by_hand_is_not_taken_back_by_a_list, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "2").await;
    let last = app.ctx.today() + Days::new(20);
    customer::end(&app.ctx, &actor, id, &Ending { ended_on: Some(last), reason: "oppsagt".into() }).await.unwrap();
    let same = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(same.summary.counts.unchanged, 2);
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().customer.row.ended_on, Some(last));
});

both!(left_out_of_a_list_by_mistake_nobody_pays_twice, async |app: &TestApp| {
    let actor = begin(app).await;
    assert_eq!(bill(app, &actor).await.issued_count, 2);
    app.sync(&actor, WITHOUT_OLA.as_bytes(), Mode::Full).await;
    app.clock.advance(Duration::days(1));
    let back = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(back.summary.counts.reopened, 1);
    assert_eq!(bill(app, &actor).await.issued_count, 0, "the year is paid for already");
    app.clock.advance(Duration::days(366));
    assert_eq!(bill(app, &actor).await.issued_count, 2, "the next year is billed once");
});

both!(who_returns_after_years_is_billed_from_now, async |app: &TestApp| {
    let actor = begin(app).await;
    assert_eq!(bill(app, &actor).await.issued_count, 2);
    app.sync(&actor, WITHOUT_OLA.as_bytes(), Mode::Full).await;
    app.clock.advance(Duration::days(3 * 366));
    bill(app, &actor).await;
    app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    let run = bill(app, &actor).await;
    assert_eq!((run.issued_count, run.issued_ore), (1, 45_000), "not for the years of absence");
});

both!(a_number_that_was_changed_still_means_the_customer, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "1").await;
    let renumber = async |number: &str| {
        customer::renumber(&app.ctx, &actor, id, &Renumbering { number: number.into() }).await.map_err(|e| e.code())
    };
    renumber("M-100").await.unwrap();
    assert_eq!(renumber("2").await, Err(Some("number_taken")));
    assert_eq!(renumber("M-100").await, Err(Some("number_taken")));
    assert!(renumber("not a number!").await.is_err());
    assert_eq!(id_of(app, &actor, "1").await, id);
    let same = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!((same.summary.counts.unchanged, same.summary.counts.new, same.summary.counts.ending), (2, 0, 0));
    let changed = LIST.replace("Kari Nord", "Kari Nordmann");
    let report = app.sync(&actor, changed.as_bytes(), Mode::Full).await;
    assert_eq!(report.summary.counts.changed, 1);
    let whole = customer::read(&app.ctx, &actor, id).await.unwrap();
    assert_eq!(whole.customer.record.get(Field::Number), Some("M-100"), "a list never renumbers");
    assert_eq!(whole.earlier_numbers, ["1"]);
    let both_numbers = format!("{LIST}M-100;Kari Nord;Gata 1;7760;Snåsa;kari@example.org;MEDL\n");
    let report = app.sync(&actor, both_numbers.as_bytes(), Mode::Full).await;
    assert_eq!((report.summary.counts.rejected, report.summary.errors[0].code.as_str()), (1, "duplicate_number"));
    let new = customer::create(&app.ctx, &actor, &object(&json!({ "number": "1", "name": "Ny" }))).await;
    assert_eq!(new.unwrap_err().code(), Some("number_taken"), "a number of the past is not given to somebody else");
    renumber("1").await.unwrap();
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().earlier_numbers, ["M-100"]);
});

both!(a_run_taken_back_bills_the_same_periods_again, async |app: &TestApp| {
    let actor = begin(app).await;
    let wrong = bill(app, &actor).await;
    let price = ProductPatch { unit_price: Micro::parse("500").ok(), ..ProductPatch::default() };
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let product = views::products(&tx, Uuid::nil(), 1).await.unwrap()[0].clone();
    tx.commit().await.unwrap();
    product::patch(&app.ctx, &actor, product.id, product.version, price).await.unwrap();
    let asked = CreditRun { reason: "feil pris".into(), rebill: true };
    run::start_crediting(&app.ctx, &actor, wrong.id, &asked).await.unwrap();
    let credited = run::continue_crediting(&app.ctx, &actor, wrong.id).await.unwrap();
    assert_eq!((credited.credited_count, credited.credit_status.as_deref()), (2, Some("finished")));
    let again = run::continue_crediting(&app.ctx, &actor, wrong.id).await.unwrap();
    assert_eq!(again.credited_count, 2, "a repeat credits nothing more");
    let twice = run::start_crediting(&app.ctx, &actor, wrong.id, &asked).await.unwrap_err();
    assert_eq!(twice.code(), Some("run_credited"));
    app.clock.advance(Duration::hours(1));
    assert!(delivery::drain(&app.ctx).await.unwrap().is_empty(), "mail that had not left is withdrawn");
    let right = bill(app, &actor).await;
    assert_eq!((right.issued_count, right.issued_ore), (2, 100_000));
    assert_eq!(bill(app, &actor).await.issued_count, 0);
    let open: i64 = invoices(app, &actor).await.iter().map(|i| i.remaining_ore).sum();
    assert_eq!(open, 100_000);
    holds(app, &actor).await;
});

both!(only_what_is_credited_in_full_is_billed_again_and_later_periods_are_not, async |app: &TestApp| {
    let actor = begin(app).await;
    bill(app, &actor).await;
    let first = invoices(app, &actor).await;
    app.clock.advance(Duration::days(366));
    assert_eq!(bill(app, &actor).await.issued_count, 2);
    let rebill = invoice::CreditRequest { rebill: true, ..invoice::CreditRequest::default() };
    let half = invoice::CreditRequest {
        quantities: std::collections::HashMap::from([(1, Micro::parse("0.5").unwrap())]),
        ..rebill.clone()
    };
    let refused = invoice::credit(&app.ctx, &actor, first[0].id, &half).await.unwrap_err();
    assert_eq!(refused.code(), Some("not_credited_in_full"));
    invoice::credit(&app.ctx, &actor, first[0].id, &rebill).await.unwrap();
    let again = bill(app, &actor).await;
    assert_eq!((again.issued_count, again.issued_ore), (1, 45_000), "the second year was billed already");
    app.clock.advance(Duration::days(366));
    assert_eq!(bill(app, &actor).await.issued_ore, 90_000);
    holds(app, &actor).await;
});

both!(a_standing_order_is_changed_and_its_last_period_cut, async |app: &TestApp| {
    let actor = begin(app).await;
    app.sync(&actor, WITHOUT_OLA.replace("MEDL", "").as_bytes(), Mode::Full).await;
    let (customer_id, today) = (id_of(app, &actor, "1").await, app.ctx.today());
    let line = |price: &str| NewStandingOrderLine {
        product_number: "MEDL".into(),
        quantity: Micro::ONE,
        unit_price: Micro::parse(price).ok(),
        discount_percent: Micro::ZERO,
    };
    let new = NewStandingOrder {
        customer_id,
        from_on: today,
        every_months: 12,
        end_on: None,
        prorate: false,
        lines: vec![line("365")],
    };
    let id = standing_order::create(&app.ctx, &actor, new).await.unwrap();
    let patch = StandingOrderPatch {
        end_on: Some(Some(today + Days::new(99))),
        prorate: Some(true),
        lines: Some(vec![line("730")]),
        ..StandingOrderPatch::default()
    };
    standing_order::patch(&app.ctx, &actor, id, 1, &patch).await.unwrap();
    let stale = standing_order::patch(&app.ctx, &actor, id, 1, &patch).await.unwrap_err();
    assert_eq!(stale.code(), Some("version_mismatch"));
    let run = bill(app, &actor).await;
    assert_eq!(run.issued_ore, 20_000, "100 of 365 days of 730 kroner");
    let issued = invoices(app, &actor).await.pop().unwrap();
    let page = invoice::html(&app.ctx, &actor, issued.id).await.unwrap();
    assert!(page.contains("Medlemskontingent (100 av 365 dager)"), "the share is said");
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let version = views::standing_order(&tx, id).await.unwrap().unwrap().0.version;
    tx.commit().await.unwrap();
    let moved = StandingOrderPatch { every_months: Some(1), ..StandingOrderPatch::default() };
    let refused = standing_order::patch(&app.ctx, &actor, id, version, &moved).await.unwrap_err();
    assert_eq!(refused.code(), Some("periods_billed"));
});

both!(contact_persons_by_hand_outlive_a_list, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "1").await;
    let new = |email: &str| NewContact {
        name: "Liv Dal".into(),
        role: Some("regnskap".into()),
        email: Some(email.into()),
        phone: Some("43 00 00 00".into()),
    };
    let wrong = customer::add_contact(&app.ctx, &actor, id, &new("liv")).await.unwrap_err().to_string();
    assert!(wrong.contains("email"), "{wrong}");
    let contact = customer::add_contact(&app.ctx, &actor, id, &new("liv@example.org")).await.unwrap();
    app.sync(&actor, LIST.replace("Kari Nord", "Kari Nordmann").as_bytes(), Mode::Full).await;
    let kept = customer::contacts(&app.ctx, &actor, id).await.unwrap();
    assert_eq!((kept.len(), kept[0].phone.as_deref()), (1, Some("+4743000000")));
    customer::remove_contact(&app.ctx, &actor, id, contact).await.unwrap();
    assert!(customer::contacts(&app.ctx, &actor, id).await.unwrap().is_empty());
});

both!(a_protected_identity_has_the_address_chosen_for_its_documents, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "1").await;
    customer::patch(&app.ctx, &actor, id, 1, object(&json!({ "protected_identity": true }))).await.unwrap();
    let chosen = NewDocumentAddress {
        street: Some("Postboks 9".into()),
        street2: None,
        postal_code: Some("0150".into()),
        city: Some("Oslo".into()),
    };
    customer::set_document_address(&app.ctx, &actor, id, Some(chosen)).await.unwrap();
    bill(app, &actor).await;
    let mine = invoices(app, &actor).await.into_iter().find(|i| i.customer_id == id).unwrap();
    let page = invoice::html(&app.ctx, &actor, mine.id).await.unwrap();
    assert!(page.contains("Postboks 9") && !page.contains("Gata 1"), "the live address stands nowhere");
});

both!(what_was_changed_by_hand_is_put_right_by_the_same_list, async |app: &TestApp| {
    let actor = begin(app).await;
    let same = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!((same.summary.counts.unchanged, same.changes), (2, 0));
    let id = id_of(app, &actor, "1").await;
    customer::patch(&app.ctx, &actor, id, 1, object(&json!({ "street": "Gata 99" }))).await.unwrap();
    let back = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(back.summary.counts.changed, 1, "the list is the organisation's own word");
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let order = views::standing_orders(&tx, Uuid::nil(), 1).await.unwrap()[0].clone();
    tx.commit().await.unwrap();
    let ended = StandingOrderPatch { end_on: Some(Some(app.ctx.today())), ..StandingOrderPatch::default() };
    standing_order::patch(&app.ctx, &actor, order.id, order.version, &ended).await.unwrap();
    let again = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(again.summary.counts.changed, 1, "a product ended by hand and still in the list");
});

both!(a_change_taken_back_by_the_next_list_is_taken_back, async |app: &TestApp| {
    let actor = begin(app).await;
    app.product(&actor, "TREN", "Trening", "900").await;
    let id = id_of(app, &actor, "1").await;
    let other = LIST.replace("kari@example.org;MEDL", "kari@example.net;MEDL, TREN");
    assert_eq!(app.sync(&actor, other.as_bytes(), Mode::Full).await.summary.counts.changed, 1);
    let back = app.sync(&actor, LIST.as_bytes(), Mode::Full).await;
    assert_eq!(back.summary.counts.changed, 1, "the row it was first made of is news again");
    let whole = customer::read(&app.ctx, &actor, id).await.unwrap();
    let get = |f| whole.customer.record.get(f).map(str::to_owned);
    assert_eq!(get(Field::Email).as_deref(), Some("kari@example.org"));
    assert_eq!(get(Field::StandardProducts).as_deref(), Some("MEDL"));
});

both!(an_end_date_filled_in_later_ends_the_customer, async |app: &TestApp| {
    let actor = app.association().await;
    let list =
        |end: &str| format!("Medlemsnr;Navn;Postnr;Poststed;Utmeldt\n1;Kari;7760;Snåsa;\n2;Ola;7760;Snåsa;{end}\n");
    app.sync(&actor, list("").as_bytes(), Mode::Full).await;
    let ended = app.sync(&actor, list("01.10.2026").as_bytes(), Mode::Full).await;
    assert_eq!(ended.summary.counts.ending, 1);
    let id = id_of(app, &actor, "2").await;
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().customer.row.status, "ended");
});

both!(an_ending_moved_or_called_off_leaves_nothing_unbilled, async |app: &TestApp| {
    let actor = begin(app).await;
    let id = id_of(app, &actor, "2").await;
    let today = app.ctx.today();
    let line = NewStandingOrderLine {
        product_number: "MEDL".into(),
        quantity: Micro::ONE,
        unit_price: Micro::parse("10").ok(),
        discount_percent: Micro::ZERO,
    };
    let monthly = NewStandingOrder {
        customer_id: id,
        from_on: today,
        every_months: 1,
        end_on: None,
        prorate: false,
        lines: vec![line],
    };
    standing_order::create(&app.ctx, &actor, monthly).await.unwrap();
    let end = async |days: u64| {
        let ending = Ending { ended_on: Some(today + Days::new(days)), reason: "flytter".into() };
        customer::end(&app.ctx, &actor, id, &ending).await.unwrap();
    };
    end(10).await;
    end(100).await;
    bill(app, &actor).await;
    app.clock.advance(Duration::days(65));
    assert_eq!(bill(app, &actor).await.issued_ore, 2_000, "two more months, by the later day");
    customer::reopen(&app.ctx, &actor, id).await.unwrap();
    app.clock.advance(Duration::days(60));
    assert_eq!(bill(app, &actor).await.issued_ore, 2_000, "called off, it goes on");
    end(155).await;
    app.clock.advance(Duration::days(40));
    customer::end_due(&app.ctx, &actor).await.unwrap();
    assert_eq!(customer::read(&app.ctx, &actor, id).await.unwrap().customer.row.status, "ended");
    assert_eq!(bill(app, &actor).await.issued_ore, 1_000, "what began before the last day, billed after it");
    app.clock.advance(Duration::days(100));
    assert_eq!(bill(app, &actor).await.issued_count, 0);
});

both!(an_invoice_of_nothing_does_not_stop_a_run_from_being_taken_back, async |app: &TestApp| {
    let actor = begin(app).await;
    app.product(&actor, "HEDER", "Æresmedlem", "0").await;
    let list = LIST.replace("ola@example.org;MEDL", "ola@example.org;HEDER");
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let run = bill(app, &actor).await;
    assert_eq!((run.issued_count, run.issued_ore), (2, 45_000));
    let asked = CreditRun { reason: "feil".into(), rebill: true };
    let early = run::continue_crediting(&app.ctx, &actor, run.id).await.unwrap_err();
    assert_eq!(early.code(), Some("run_not_taken_back"));
    run::start_crediting(&app.ctx, &actor, run.id, &asked).await.unwrap();
    let both = tokio::join!(
        run::continue_crediting(&app.ctx, &actor, run.id),
        run::continue_crediting(&app.ctx, &actor, run.id)
    );
    assert_eq!((both.0.unwrap().credited_count, both.1.unwrap().credited_count), (1, 1));
    let again = bill(app, &actor).await;
    assert_eq!((again.issued_count, again.issued_ore), (2, 45_000));
    holds(app, &actor).await;
});

both!(what_was_credited_in_part_before_is_said, async |app: &TestApp| {
    let actor = begin(app).await;
    let run = bill(app, &actor).await;
    let first = invoices(app, &actor).await.remove(0);
    let half = invoice::CreditRequest {
        quantities: std::collections::HashMap::from([(1, Micro::parse("0.5").unwrap())]),
        ..invoice::CreditRequest::default()
    };
    invoice::credit(&app.ctx, &actor, first.id, &half).await.unwrap();
    let asked = CreditRun { reason: "feil".into(), rebill: false };
    run::start_crediting(&app.ctx, &actor, run.id, &asked).await.unwrap();
    let done = run::continue_crediting(&app.ctx, &actor, run.id).await.unwrap();
    assert_eq!((done.credited_count, done.credit_status.as_deref()), (1, Some("partly_credited")));
});

both!(an_order_that_was_billed_keeps_its_rhythm_and_its_product, async |app: &TestApp| {
    let actor = begin(app).await;
    app.product(&actor, "TREN", "Trening", "900").await;
    bill(app, &actor).await;
    let issued = invoices(app, &actor).await.remove(0);
    let rebill = invoice::CreditRequest { rebill: true, ..invoice::CreditRequest::default() };
    invoice::credit(&app.ctx, &actor, issued.id, &rebill).await.unwrap();
    let tx = app.ctx.db.read(actor.org).await.unwrap();
    let orders = views::standing_orders(&tx, Uuid::nil(), 10).await.unwrap();
    tx.commit().await.unwrap();
    for order in orders {
        let moved = StandingOrderPatch { every_months: Some(1), ..StandingOrderPatch::default() };
        let refused = standing_order::patch(&app.ctx, &actor, order.id, order.version, &moved).await.unwrap_err();
        assert_eq!(refused.code(), Some("periods_billed"));
        let line = |product: &str| NewStandingOrderLine {
            product_number: product.into(),
            quantity: Micro::ONE,
            unit_price: None,
            discount_percent: Micro::whole(10),
        };
        let other = StandingOrderPatch { lines: Some(vec![line("TREN")]), ..StandingOrderPatch::default() };
        let refused = standing_order::patch(&app.ctx, &actor, order.id, order.version, &other).await.unwrap_err();
        assert_eq!(refused.code(), Some("kept_by_list"));
        let cheaper = StandingOrderPatch { lines: Some(vec![line("MEDL")]), ..StandingOrderPatch::default() };
        standing_order::patch(&app.ctx, &actor, order.id, order.version, &cheaper).await.unwrap();
    }
});

both!(a_contact_removed_by_hand_comes_back_with_the_list_that_keeps_it, async |app: &TestApp| {
    let actor = app.association().await;
    let list =
        "Medlemsnr;Navn;Postnr;Poststed;Foresatt 1 navn;Foresatt 1 epost\n1;Kari;7760;Snåsa;Mor;mor@example.org\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    let id = id_of(app, &actor, "1").await;
    let guardian = customer::contacts(&app.ctx, &actor, id).await.unwrap().remove(0);
    customer::remove_contact(&app.ctx, &actor, id, guardian.id).await.unwrap();
    let back = app.sync(&actor, list.as_bytes(), Mode::Full).await;
    assert_eq!(back.summary.counts.changed, 1);
    assert_eq!(customer::contacts(&app.ctx, &actor, id).await.unwrap().len(), 1);
});

both!(from_2027_a_business_gets_mail_only_on_a_recorded_ground, async |app: &TestApp| {
    let actor = app.association().await;
    app.product(&actor, "A", "Annonse", "1000").await;
    let list = "Kundenr;Navn;Orgnr;Adresse;Postnr;Poststed;E-post;Produkter\n\
        1;Solbakken Bygg AS;315771900;Gata 1;0150;Oslo;post@example.org;A\n2;Kari Nord;;Gata 2;0150;Oslo;kari@example.org;A\n";
    app.sync(&actor, list.as_bytes(), Mode::Full).await;
    app.clock.set("2027-01-04T10:00:00Z".parse().unwrap());
    let business = id_of(app, &actor, "1").await;
    let all = Shown { after: None, limit: 10 };
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
    let preview = run::preview(&app.ctx, &actor, &new, all).await.unwrap();
    assert_eq!((preview.invoices, preview.undeliverable.values().sum::<u64>()), (2, 1));
    bill(app, &actor).await;
    let deliveries = async || {
        let tx = app.ctx.db.read(actor.org).await.unwrap();
        views::deliveries(&tx, Some("failed"), Uuid::nil(), 10).await.unwrap()
    };
    let failed = deliveries().await;
    assert_eq!((failed.len(), failed[0].customer_id, failed[0].needs_person), (1, business, true));
    assert_eq!(failed[0].reason.as_deref(), Some("einvoice_required"));
    let refused = delivery::resend(&app.ctx, &actor, failed[0].id, false).await.unwrap_err();
    assert_eq!(refused.code(), Some("einvoice_required"));
    let ground = customer::NewMailGround { ground: Some(MailGround::OtherFormat) };
    customer::set_mail_ground(&app.ctx, &actor, business, ground).await.unwrap();
    delivery::resend(&app.ctx, &actor, failed[0].id, false).await.unwrap();
    app.clock.advance(Duration::hours(1));
    assert_eq!(delivery::drain(&app.ctx).await.unwrap().get("delivered"), Some(&2));
});
