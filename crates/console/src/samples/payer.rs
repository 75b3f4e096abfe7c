//! Samples of the payer's page: before and after the code, each thing it says, paid, credited, and a dead link.

use super::{Drawn, at, invoice as invoices, on, ore};
use crate::{AskFormView, Asked, AskedState, FormSaid, ask_form};
use crate::{Channel, payer, payer_blocked, payer_clear, payer_dead, payer_rests, payer_trouble};
use crate::{Event, EventAt, EventKind, PayerDoor, PayerInvoice, PayerSaid, PayerSeller, PayerView};
use domain::customer::Language;
use domain::invoice::Kind;

pub(super) fn pages(language: Language) -> Vec<(&'static str, Drawn)> {
    let view = |door| view(language, door);
    let paid = |door| PayerView { remaining: ore(0), ..view(door) };
    let said = |said, tries_left| PayerView { said: Some(said), ..view(closed(tries_left)) };
    let credited = PayerView { credited: ore(183_365), ..paid(open()) };
    let part = PayerView { credited: ore(3_365), remaining: ore(80_000), ..view(closed(None)) };
    vec![
        ("payer", payer(&view(closed(None)))),
        ("payer-part-credited", payer(&part)),
        ("payer-code", payer(&said(PayerSaid::Sent, Some(5)))),
        ("payer-wrong", payer(&said(PayerSaid::Wrong, Some(3)))),
        ("payer-wrong-last", payer(&said(PayerSaid::Wrong, Some(1)))),
        ("payer-used-up", payer(&said(PayerSaid::Dead, None))),
        ("payer-away", payer(&said(PayerSaid::Away, None))),
        ("payer-too-many", payer(&said(PayerSaid::TooMany, Some(5)))),
        ("payer-refused", payer(&said(PayerSaid::Refused, None))),
        ("payer-form", payer(&said(PayerSaid::Form, None))),
        ("payer-closed", payer(&said(PayerSaid::Closed, None))),
        ("payer-no-address", payer(&view(PayerDoor::NoAddress))),
        ("payer-open", payer(&view(open()))),
        ("payer-paid", payer(&paid(closed(None)))),
        ("payer-paid-open", payer(&paid(open()))),
        ("payer-credited", payer(&credited)),
        ("payer-credit-note", payer(&PayerView { kind: Kind::CreditNote, due_on: None, kid: None, ..paid(open()) })),
        ("payer-dead", payer_dead(language)),
        ("payer-rests", payer_rests(language, 30)),
        ("payer-blocked", payer_blocked(language)),
        ("payer-clear", payer_clear(language)),
        ("payer-trouble", payer_trouble(language)),
    ]
}

fn asked() -> Vec<Asked> {
    let one = |n, kind: &str, state, package| Asked {
        id: super::id(n),
        kind: kind.to_owned(),
        received_on: on(11, 2),
        due_on: on(12, 2),
        state,
        package,
    };
    vec![one(7, "access", AskedState::Answered(on(11, 10)), true), one(8, "erasure", AskedState::Waits, false)]
}

/// The form beside the statement, empty, sent and refused.
pub(super) fn forms(language: Language) -> Vec<(&'static str, Drawn)> {
    let form = |said| AskFormView {
        organisation: "Lillevik Grønt AS".to_owned(),
        email: Some("post@lillevik.example".to_owned()),
        path: "/privacy/01934b1e-7c00-7000-8000-000000000900/request".to_owned(),
        statement: "/privacy/01934b1e-7c00-7000-8000-000000000900".to_owned(),
        language,
        now: at(11, 20, 9, 15),
        token: "c5rf-t0ken".to_owned(),
        said,
        typed: Default::default(),
    };
    vec![
        ("payer-form-ask", ask_form(&form(None))),
        ("payer-form-sent", ask_form(&form(Some(FormSaid::Sent { case: super::id(9), due_on: on(12, 20) })))),
        ("payer-form-incomplete", ask_form(&form(Some(FormSaid::Incomplete)))),
        ("payer-form-stale", ask_form(&form(Some(FormSaid::Stale)))),
        ("payer-form-too-many", ask_form(&form(Some(FormSaid::TooMany)))),
    ]
}

fn closed(tries_left: Option<u64>) -> PayerDoor {
    PayerDoor::Closed { masked: "i•••@s•••.no".to_owned(), tries_left }
}

fn open() -> PayerDoor {
    let happened = |at, kind| Event { at: EventAt::Moment(at), kind, detail: None, why: None };
    let invoice = invoices::overdue();
    PayerDoor::Open(Box::new(PayerInvoice {
        name: invoice.customer_name,
        number: 10_482,
        lines: invoice.lines,
        vat: invoice.vat,
        requests: asked(),
        net: invoice.net,
        events: vec![
            happened(at(10, 30, 15, 3), EventKind::Issued { number: 10_482 }),
            happened(at(10, 30, 15, 7), EventKind::Delivered { channel: Channel::Mail }),
            Event { at: EventAt::Day(on(11, 13)), ..happened(at(11, 13, 0, 0), EventKind::DueDate) },
            happened(at(11, 16, 5, 12), EventKind::Payment { amount: ore(100_000) }),
        ],
    }))
}

fn view(language: Language, door: PayerDoor) -> PayerView {
    PayerView {
        path: "/i/dG9rZW4".to_owned(),
        language,
        now: at(11, 20, 9, 15),
        csrf: "c5rf-t0ken".to_owned(),
        said: None,
        seller: PayerSeller {
            name: "Lillevik Grønt AS".to_owned(),
            org_number: Some("315771900".to_owned()),
            email: Some("faktura@lillevik.example".to_owned()),
            phone: Some("900 00 100".to_owned()),
            logo: None,
        },
        kind: Kind::Invoice,
        total: ore(183_365),
        remaining: ore(83_365),
        credited: ore(0),
        due_on: Some(on(11, 13)),
        kid: Some("0104230104820".to_owned()),
        account: "12345678903".to_owned(),
        privacy: Some("/privacy/01934b1e-7c00-7000-8000-000000000900".to_owned()),
        door,
    }
}
