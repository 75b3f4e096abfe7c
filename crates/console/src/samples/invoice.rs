//! Samples of the invoice page: paid in part, just issued, a credit note, every kind of event.

use super::{Drawn, at, id, on, ore};
use crate::{
    Channel, Event, EventAt, EventKind, FileKind, Fix, Frame, InvoiceAction, InvoiceFile, InvoiceLine, InvoiceView,
    MoneyState, VatRow, invoice,
};
use chrono::{DateTime, Utc};
use domain::delivery::State;
use domain::invoice::Kind;
use domain::money::{Micro, Money};
use domain::vat::Category;

pub(super) fn pages(frame: &Frame) -> Vec<(&'static str, Drawn)> {
    let every = InvoiceView { events: every_event(), possibly_sent_twice: true, ..overdue() };
    vec![
        ("invoice", invoice(&overdue(), frame)),
        ("invoice-every-event", invoice(&every, frame)),
        ("invoice-fresh", invoice(&fresh(), frame)),
        ("invoice-credit-note", invoice(&credit_note(), frame)),
    ]
}

fn line(description: &str, quantity: i32, price_ore: i64, rate: i32, net: i64) -> InvoiceLine {
    InvoiceLine {
        description: description.to_owned(),
        quantity: Micro::whole(quantity),
        unit: "H87".to_owned(),
        unit_price: Micro::from_micro(price_ore * 10_000),
        discount: Micro::ZERO,
        category: Category::S,
        rate: Micro::whole(rate),
        net: ore(net),
    }
}

pub(super) fn overdue() -> InvoiceView {
    let vat =
        |rate, basis, vat| VatRow { category: Category::S, rate: Micro::whole(rate), basis: ore(basis), vat: ore(vat) };
    let file = |kind, sha: Option<&str>| InvoiceFile { kind, sha256: sha.map(str::to_owned) };
    InvoiceView {
        id: id(1),
        kind: Kind::Invoice,
        number: 10_482,
        customer_name: "Ingrid Solbakken".to_owned(),
        customer_number: "10423".to_owned(),
        money: MoneyState::OverduePartlyPaid,
        delivery: Some((id(2), State::Delivered, Channel::Mail)),
        possibly_sent_twice: false,
        total: ore(183_365),
        credited: ore(0),
        paid: ore(100_000),
        remaining: ore(83_365),
        issued_on: on(10, 30),
        due_on: Some(on(11, 13)),
        delivered_from: on(11, 2),
        delivered_to: Some(on(11, 27)),
        kid: Some("0104230104820".to_owned()),
        account: Some("12345678903".to_owned()),
        your_reference: None,
        order_number: None,
        run_id: Some(id(500)),
        credits: None,
        lines: vec![
            line("Grønnsakskasse familie, uke 45–48", 4, 33_800, 15, 135_200),
            line("Eggbrett, 12 frittgående", 2, 6_200, 15, 12_400),
            InvoiceLine { discount: Micro::whole(10), ..line("Kjølebag, leie november", 1, 5_444, 25, 4_900) },
            line("Gjenbrukskasse, ikke levert tilbake", 1, 6_000, 25, 6_000),
        ],
        vat: vec![vat(15, 147_600, 22_140), vat(25, 10_900, 2_725)],
        net: ore(158_500),
        events: usual_events(),
        fee_from: Some(on(11, 27)),
        files: vec![
            file(FileKind::Pdf, Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08")),
            file(FileKind::Html, None),
            file(FileKind::Ehf, Some("60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752")),
        ],
        actions: vec![
            InvoiceAction::RegisterPayment,
            InvoiceAction::Deliver(Fix::Resend),
            InvoiceAction::Deliver(Fix::OtherChannel),
            InvoiceAction::Deliver(Fix::Print),
            InvoiceAction::Credit,
            InvoiceAction::RevokeLink,
        ],
    }
}

fn event(at: DateTime<Utc>, kind: EventKind) -> Event {
    Event { at: EventAt::Moment(at), kind, detail: None, why: None }
}

fn planned(month: u32, day: u32, kind: EventKind) -> Event {
    Event { at: EventAt::Day(on(month, day)), kind, detail: None, why: None }
}

fn usual_events() -> Vec<Event> {
    let (mail, efaktura) = (Channel::Mail, Channel::Efaktura);
    vec![
        event(at(10, 30, 15, 3), EventKind::Issued { number: 10_482 }),
        event(
            at(10, 30, 15, 3),
            EventKind::ChannelChosen { channel: efaktura, reason: "consumer_accepts_efaktura".to_owned() },
        ),
        Event {
            detail: Some("Ingen aktiv avtale".to_owned()),
            ..event(at(10, 30, 15, 5), EventKind::Rejected { channel: efaktura, cause: "no_consent".to_owned() })
        },
        event(
            at(10, 30, 15, 6),
            EventKind::ChannelChanged { channel: mail, reason: "fallback_after_failure".to_owned() },
        ),
        Event {
            detail: Some("250 2.0.0 Ok: queued".to_owned()),
            ..event(at(10, 30, 15, 7), EventKind::Delivered { channel: mail })
        },
        planned(11, 13, EventKind::DueDate),
        Event {
            why: Some("KID: 0104230104820.".to_owned()),
            ..event(at(11, 16, 5, 12), EventKind::Payment { amount: Money::from_ore(100_000) })
        },
        planned(11, 27, EventKind::ReminderPlanned),
    ]
}

fn every_event() -> Vec<Event> {
    let mail = Channel::Mail;
    let cause = |code: &str| code.to_owned();
    let kinds = vec![
        EventKind::Issued { number: 10_482 },
        EventKind::ChannelChosen { channel: mail, reason: cause("mail_address_on_file") },
        EventKind::ChannelChanged { channel: Channel::Ehf, reason: cause("a_new_rule") },
        EventKind::AttemptFailed { channel: Channel::Ehf, cause: cause("provider_away") },
        EventKind::HandedOver { channel: Channel::Ehf },
        EventKind::Delayed { channel: mail },
        EventKind::Bounced { channel: mail, cause: cause("mailbox_full") },
        EventKind::Rejected { channel: Channel::Efaktura, cause: cause("blocked_by_receiver") },
        EventKind::Failed { channel: mail, cause: cause("retries_used_up") },
        EventKind::Fallback { channel: Channel::Print },
        EventKind::Redirected { channel: mail },
        EventKind::Resent { channel: mail },
        EventKind::Held,
        EventKind::Cancelled,
        EventKind::TakeBackRequested { channel: Channel::Efaktura },
        EventKind::PossiblySentTwice,
        EventKind::Delivered { channel: mail },
        EventKind::Payment { amount: ore(50_000) },
        EventKind::Credited { amount: ore(33_365), number: 20_017 },
    ];
    let mut events: Vec<Event> = (1..).zip(kinds).map(|(minute, kind)| event(at(11, 2, 9, minute), kind)).collect();
    let reasons = crate::KNOWN_REASONS.iter();
    events.extend((1..).zip(reasons).map(|(minute, reason)| {
        let kind = EventKind::ChannelChosen { channel: Channel::Print, reason: (*reason).to_owned() };
        event(at(11, 3, 9, minute), kind)
    }));
    events.push(event(at(11, 20, 11, 0), EventKind::DeliveryPlanned { channel: Channel::Efaktura }));
    events.push(planned(12, 4, EventKind::DueDate));
    events.push(planned(12, 18, EventKind::ReminderPlanned));
    events
}

fn fresh() -> InvoiceView {
    InvoiceView {
        money: MoneyState::NotDue,
        delivery: Some((id(3), State::Retrying, Channel::Ehf)),
        customer_name: "Solvik kommune, Oppvekst og kultur, avdeling for skole og barnehage".to_owned(),
        paid: ore(0),
        remaining: ore(183_365),
        issued_on: on(11, 20),
        due_on: Some(on(12, 4)),
        delivered_to: None,
        your_reference: Some("AVD-4410 / Kari Nordmann".to_owned()),
        order_number: Some("PO-2026-001188".to_owned()),
        run_id: None,
        fee_from: None,
        files: vec![InvoiceFile { kind: FileKind::Pdf, sha256: None }],
        actions: vec![InvoiceAction::Deliver(Fix::Cancel)],
        events: vec![
            event(at(11, 20, 8, 0), EventKind::Issued { number: 10_482 }),
            event(at(11, 20, 9, 30), EventKind::DeliveryPlanned { channel: Channel::Ehf }),
        ],
        ..overdue()
    }
}

fn credit_note() -> InvoiceView {
    InvoiceView {
        kind: Kind::CreditNote,
        number: 20_017,
        money: MoneyState::Issued,
        total: ore(-183_365),
        net: ore(-158_500),
        remaining: ore(0),
        paid: ore(0),
        credits: Some((id(1), 10_482)),
        due_on: None,
        fee_from: None,
        kid: None,
        account: None,
        actions: vec![InvoiceAction::Deliver(Fix::Resend)],
        events: vec![event(at(11, 19, 8, 0), EventKind::Issued { number: 20_017 })],
        ..overdue()
    }
}
