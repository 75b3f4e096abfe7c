//! Samples of sign-in, lists, runs, print queue, webhooks and errors.

use super::deliveries::run_bar;
use super::{Drawn, at, id, on, ore, with_band};
use crate::{
    Band, Channel, DisabledWhy, Endpoint, EndpointState, ErrorView, Flash, Frame, Health, InvoiceRow, InvoiceSearch,
    InvoicesView, MoneyState, PrintQueueView, PrintRow, RunRow, RunState, RunStep, RunView, RunsView, SignInError,
    SignInOutcome, SignInRow, SignInView, SignInsView, Theme, WebhookFailure, WebhooksView, error, invoices,
    print_queue, run, runs, sign_in, sign_ins, webhooks,
};
use domain::delivery::State;
use domain::invoice::Kind;

pub(super) fn pages(frame: &Frame) -> Vec<(&'static str, Drawn)> {
    let demo = with_band(frame, Band::Demo, Health::Late(2));
    let dark = Frame { theme: Theme::Dark, ..frame.clone() };
    let out = Frame { user: None, ..frame.clone() };
    let failed = Frame { flash: Some(Flash { ok: false, text: "550".to_owned() }), ..frame.clone() };
    let in_error =
        |error| SignInView { user: "marit".to_owned(), error: Some(error), next: "/console/runs".to_owned() };
    let found = |search| InvoicesView { search, ..all_invoices() };
    let none = InvoicesView { rows: Vec::new(), search: InvoiceSearch::Number("99".to_owned()), ..Default::default() };
    vec![
        ("sign-in", sign_in(&SignInView::default(), frame)),
        ("sign-in-wrong", sign_in(&in_error(SignInError::Wrong), &demo)),
        ("sign-in-too-many", sign_in(&in_error(SignInError::TooMany(15)), frame)),
        ("sign-in-address-rests", sign_in(&in_error(SignInError::AddressRests(30)), frame)),
        ("sign-in-address-blocked", sign_in(&in_error(SignInError::AddressBlocked), frame)),
        ("sign-ins", sign_ins(&attempts(), frame)),
        ("sign-in-expired", sign_in(&in_error(SignInError::Expired), frame)),
        ("invoices", invoices(&all_invoices(), frame)),
        ("invoices-number", invoices(&found(InvoiceSearch::Number("0104230104820".to_owned())), frame)),
        ("invoices-name", invoices(&found(name()), &dark)),
        ("invoices-no-hit", invoices(&none, frame)),
        ("invoices-empty", invoices(&InvoicesView::default(), frame)),
        ("runs", runs(&all_runs(), frame)),
        ("runs-empty", runs(&RunsView { next_run_on: Some(on(12, 1)), ..Default::default() }, &demo)),
        ("run-not-started", run(&a_run(RunState::NotStarted), frame)),
        ("run-running", run(&a_run(RunState::Running), frame)),
        ("run-finished", run(&a_run(RunState::Finished), frame)),
        ("run-stopped", run(&a_run(RunState::Stopped), frame)),
        ("run-taken-back", run(&a_run(RunState::TakenBack), frame)),
        ("print-queue", print_queue(&queue(), frame)),
        ("print-queue-empty", print_queue(&PrintQueueView::default(), frame)),
        ("webhooks", webhooks(&hooks(), frame)),
        ("webhooks-empty", webhooks(&WebhooksView::default(), frame)),
        ("error-not-found", error(&ErrorView::NotFound, frame)),
        ("error-not-found-out", error(&ErrorView::NotFound, &out)),
        ("error-forbidden", error(&ErrorView::Forbidden { admin: "Marit Bakken".to_owned() }, frame)),
        ("error-conflict", error(&ErrorView::Conflict { see: "/console/invoices".to_owned() }, &failed)),
        ("error-internal", error(&ErrorView::Internal { code: "0193-4b1e".to_owned() }, frame)),
        ("error-session", error(&ErrorView::SessionExpired { next: "/console/runs?after=1&x=å".to_owned() }, &out)),
    ]
}

fn name() -> InvoiceSearch {
    InvoiceSearch::Name { token: "s7f2".to_owned(), name: "Somby & <søn>".to_owned() }
}

fn all_invoices() -> InvoicesView {
    let states = [
        (MoneyState::NotDue, Some((State::Delivered, Channel::Efaktura))),
        (MoneyState::Overdue, Some((State::Failed, Channel::Mail))),
        (MoneyState::PartlyPaid, Some((State::Delivered, Channel::Mail))),
        (MoneyState::OverduePartlyPaid, Some((State::AwaitingReceipt, Channel::Ehf))),
        (MoneyState::Paid, Some((State::Delivered, Channel::Ehf))),
        (MoneyState::Credited, Some((State::Cancelled, Channel::Mail))),
        (MoneyState::Disputed, Some((State::Delivered, Channel::Print))),
        (MoneyState::WrittenOff, Some((State::Rejected, Channel::Efaktura))),
        (MoneyState::Issued, None),
        (MoneyState::NotDue, Some((State::Held, Channel::Mail))),
        (MoneyState::NotDue, Some((State::Unknown, Channel::Mail))),
    ];
    let names = ["Ingrid Solbakken", "Áile Somby", "Solvik kommune, Oppvekst", "Fjordgløtt Borettslag"];
    let row = |n: i32, (money, delivery), name: &str| InvoiceRow {
        id: id(2000 + u128::from(n.unsigned_abs())),
        kind: if money == MoneyState::Issued { Kind::CreditNote } else { Kind::Invoice },
        number: i64::from(10_482 - n),
        customer_name: name.to_owned(),
        customer_number: (10_423 + n).to_string(),
        issued_on: on(10, 30),
        due_on: (money != MoneyState::Issued).then(|| on(11, 27)),
        total: ore(183_365 + i64::from(n) * 11_100),
        money,
        delivery,
    };
    InvoicesView {
        search: InvoiceSearch::All,
        rows: (0..).zip(states).zip(names.iter().cycle()).map(|((n, state), name)| row(n, state, name)).collect(),
        is_later_page: true,
        next: Some("0193-9=".to_owned()),
    }
}

fn all_runs() -> RunsView {
    let states = [RunState::NotStarted, RunState::Running, RunState::Finished, RunState::Stopped, RunState::TakenBack];
    let row = |(n, state): (u32, RunState)| RunRow {
        id: id(500 + u128::from(n)),
        bill_on: on(11 - n, 17),
        state,
        invoices: 1284 - u64::from(n) * 13,
        numbers: (state != RunState::NotStarted).then_some((9_300, 10_583)),
        sum: ore(218_446_050),
        needs_you: u64::from(n == 2) * 7,
    };
    RunsView {
        rows: (0..).zip(states).map(row).collect(),
        next_run_on: Some(on(12, 1)),
        is_later_page: false,
        next: Some("n2".to_owned()),
    }
}

fn a_run(state: RunState) -> RunView {
    let issued = match state {
        RunState::NotStarted => 0,
        RunState::Running | RunState::Stopped => 812,
        RunState::Finished | RunState::TakenBack => 1281,
    };
    let ended = matches!(state, RunState::Finished | RunState::TakenBack);
    RunView {
        id: id(500),
        bill_on: on(11, 17),
        state,
        step: (state == RunState::Running).then_some(RunStep::Book),
        total: 1284,
        issued,
        skipped: u64::from(issued > 0) * 3,
        failed: 0,
        sum: ore(218_446_050),
        vat: ore(31_208_775),
        numbers: ended.then_some((9_300, 10_580)),
        credit_numbers: (state == RunState::TakenBack).then_some((20_017, 21_297)),
        started_at: (issued > 0).then(|| at(11, 17, 14, 58)),
        finished_at: ended.then(|| at(11, 17, 15, 2)),
        started_by: (issued > 0).then(|| "Marit Bakken".to_owned()),
        delivery: (state == RunState::Finished).then(run_bar),
        may_start: true,
    }
}

fn queue() -> PrintQueueView {
    let row = |n: u8, name: &str, downloaded| PrintRow {
        id: id(3000 + u128::from(n)),
        invoice_id: id(3100 + u128::from(n)),
        invoice_number: 10_590 + i64::from(n),
        customer_name: name.to_owned(),
        customer_number: (10_460 + i64::from(n)).to_string(),
        queued_at: at(11, 18, 9, u32::from(n)),
        downloaded_at: downloaded,
        due_on: Some(on(12, 1)),
        amount: ore(101_600),
    };
    PrintQueueView {
        waiting: 3,
        pages: Some(5),
        rows: vec![
            row(1, "Per-Erik Viken", Some(at(11, 19, 8, 0))),
            row(2, "Grethe Moen Aas", None),
            row(3, "Ragnhild Øverås", None),
        ],
        is_later_page: false,
        next: None,
    }
}

fn attempts() -> SignInsView {
    let row = |day, address: Option<&str>, outcome| SignInRow {
        at: at(11, day, 8, 12),
        address: address.map(str::to_owned),
        outcome,
    };
    SignInsView {
        rows: vec![
            row(20, Some("192.0.2.7"), SignInOutcome::LetIn),
            row(19, Some("2001:db8::7"), SignInOutcome::Rested),
            row(19, Some("2001:db8::7"), SignInOutcome::Wrong),
            row(12, None, SignInOutcome::LetIn),
        ],
    }
}

fn hooks() -> WebhooksView {
    let failure = |hour, status: Option<u16>, words: &str| WebhookFailure {
        at: at(11, 19, hour, 30),
        event: "invoice.delivered".to_owned(),
        status,
        words: words.to_owned(),
    };
    let endpoint = |n: u128, url: &str, state, failures| Endpoint {
        id: id(4000 + n),
        url: url.to_owned(),
        events: vec!["invoice.issued".to_owned(), "invoice.delivered".to_owned(), "delivery.failed".to_owned()],
        state,
        waiting: 18,
        last_success_at: (n != 3).then(|| at(11, 14, 6, 30)),
        failures,
    };
    let off = |why| EndpointState::Disabled { since: at(11, 19, 8, 0), why };
    let slow = vec![failure(7, Some(503), "Service Unavailable"), failure(3, None, "connection timed out")];
    let quiet =
        Endpoint { waiting: 0, ..endpoint(4, "https://crm.solvik.example/hook", EndpointState::Active, Vec::new()) };
    WebhooksView {
        endpoints: vec![
            endpoint(1, "https://medlem.lillevik.example/reskontro/hendelser", off(DisabledWhy::Failing), slow.clone()),
            endpoint(2, "https://gammel.lillevik.example/hook", off(DisabledWhy::Gone), Vec::new()),
            endpoint(3, "https://test.lillevik.example/hook", off(DisabledWhy::ByHand), Vec::new()),
            endpoint(5, "https://regnskap.example/inn", EndpointState::Active, slow),
            quiet,
        ],
    }
}
