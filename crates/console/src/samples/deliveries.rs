//! Samples of the worklist, its other tabs and the questions it asks.

use super::{Drawn, at, id, on, ore, with_band, with_flash};
use crate::{
    Band, Channel, ChannelChoice, ChannelCounts, ChannelDown, ConfirmView, DeliveriesView, DeliveryRow, Fix, Frame,
    Health, QuestionRow, ReasonCount, RedirectError, RedirectView, RunBar, Tab, deliveries, delivery_confirm, redirect,
};
use domain::customer::Language;
use domain::delivery::State;

pub(super) fn pages(frame: &Frame) -> Vec<(&'static str, Drawn)> {
    let full = view();
    let done = with_flash(
        frame,
        ["3 fakturaer er sendt på nytt.", "3 fakturaer er sende på nytt.", "3 invoices are sent again."],
    );
    let parked = with_band(frame, Band::TestClock, Health::Parked(1));
    let calm = Frame { needs_you: 0, print_waiting: 0, webhooks_off: 0, ..frame.clone() };
    let down = DeliveriesView { channels_down: down(), ..view() };
    let all_causes = DeliveriesView { rows: all_causes(), funnel: Vec::new(), reasons: Vec::new(), ..view() };
    let tab = |tab| DeliveriesView { tab, rows: moving(tab), ..view() };
    vec![
        ("deliveries", deliveries(&full, frame)),
        ("deliveries-done", deliveries(&full, &done)),
        ("deliveries-channel-down", deliveries(&down, &parked)),
        ("deliveries-all-causes", deliveries(&all_causes, frame)),
        ("deliveries-empty", deliveries(&empty(true), &calm)),
        ("deliveries-first-day", deliveries(&empty(false), &calm)),
        ("deliveries-retrying", deliveries(&tab(Tab::Retrying), frame)),
        ("deliveries-under-way", deliveries(&tab(Tab::UnderWay), frame)),
        ("deliveries-delivered", deliveries(&tab(Tab::Delivered), frame)),
        ("confirm-resend-one", delivery_confirm(&confirm(Fix::Resend, 1), frame)),
        ("confirm-resend", delivery_confirm(&confirm(Fix::Resend, 3), frame)),
        ("confirm-efaktura", delivery_confirm(&to_efaktura(), frame)),
        ("confirm-cancel", delivery_confirm(&confirm(Fix::Cancel, 3), frame)),
        ("confirm-credit", delivery_confirm(&confirm(Fix::Credit, 3), frame)),
        ("redirect", redirect(&choose(1, Vec::new()), frame)),
        ("redirect-many", redirect(&choose(3, Vec::new()), frame)),
        ("redirect-errors", redirect(&choose(1, vec![RedirectError::NoChannel, RedirectError::InvalidAddress]), frame)),
    ]
}

/// The worklist in a language, full, with its frame.
pub fn worklist(language: Language) -> (DeliveriesView, Frame) {
    (view(), super::frame(language))
}

fn view() -> DeliveriesView {
    DeliveriesView {
        needs_you: 7,
        reminders_stopped: true,
        last_delivered_at: Some(at(11, 20, 8, 41)),
        latest_run: Some(run_bar()),
        channels_down: Vec::new(),
        tab: Tab::NeedsYou,
        retrying: 4,
        under_way: 26,
        rows: rows(),
        is_later_page: false,
        next: Some("0193:51".to_owned()),
        funnel: vec![
            counts(Channel::Efaktura, [812, 18, 792, 2]),
            counts(Channel::Mail, [377, 6, 368, 3]),
            counts(Channel::Ehf, [122, 2, 118, 2]),
            counts(Channel::Print, [9, 3, 6, 0]),
        ],
        reasons: vec![
            reason("hard_bounce", 14),
            reason("no_consent", 9),
            reason("ehf_refused", 5),
            reason("mailbox_full", 2),
            reason("lost_while_handing_over", 1),
        ],
        offered: Fix::ALL.into(),
    }
}

pub(super) fn run_bar() -> RunBar {
    RunBar {
        id: id(500),
        bill_on: on(11, 17),
        sent_on: Some(on(11, 17)),
        invoices: 1284,
        delivered: vec![(Channel::Efaktura, 772), (Channel::Mail, 361), (Channel::Ehf, 118)],
        under_way: 26,
        needs_you: 7,
        needs_you_amount: ore(1_846_250),
        held: 0,
    }
}

fn counts(channel: Channel, [issued, under_way, delivered, needs_you]: [u64; 4]) -> ChannelCounts {
    ChannelCounts { channel, issued, under_way, delivered, needs_you }
}

fn reason(cause: &str, count: u64) -> ReasonCount {
    ReasonCount { cause: cause.to_owned(), count }
}

fn row(n: u128, number: i64, name: &str, channel: Channel, cause: &str, words: &str) -> DeliveryRow {
    DeliveryRow {
        id: id(n),
        invoice_id: id(1000 + n),
        invoice_number: number,
        customer_name: name.to_owned(),
        customer_number: (number - 59).to_string(),
        channel,
        state: State::Failed,
        cause: cause.to_owned(),
        words: (!words.is_empty()).then(|| words.to_owned()),
        at: Some(at(11, 17, 15, 4)),
        next_try: None,
        due_on: Some(on(12, 1)),
        amount: ore(64_400),
        possibly_sent_twice: false,
        can_take: None,
    }
}

fn rows() -> Vec<DeliveryRow> {
    let efaktura = Some(Channel::Efaktura);
    vec![
        DeliveryRow {
            due_on: Some(on(11, 23)),
            amount: ore(118_900),
            can_take: efaktura,
            ..row(1, 10_511, "Jon Are Myrvang", Channel::Mail, "hard_bounce", "mailbox does not exist")
        },
        DeliveryRow {
            amount: ore(183_365),
            can_take: efaktura,
            ..row(2, 10_523, "Áile Somby", Channel::Mail, "hard_bounce", "user unknown")
        },
        DeliveryRow {
            can_take: efaktura,
            ..row(3, 10_540, "Tove Kristine Dahl", Channel::Mail, "hard_bounce", "mailbox does not exist")
        },
        DeliveryRow {
            state: State::Rejected,
            due_on: Some(on(11, 23)),
            amount: ore(984_000),
            ..row(
                4,
                10_498,
                "Solvik kommune, Oppvekst",
                Channel::Ehf,
                "ehf_refused",
                "NO-R-001: BuyerReference is missing",
            )
        },
        DeliveryRow {
            state: State::Rejected,
            amount: ore(312_085),
            ..row(
                5,
                10_499,
                "Solvik kommune, Teknisk",
                Channel::Ehf,
                "ehf_refused",
                "NO-R-001: BuyerReference is missing",
            )
        },
        DeliveryRow {
            state: State::Unknown,
            possibly_sent_twice: true,
            due_on: Some(on(11, 18)),
            amount: ore(101_600),
            ..row(6, 10_562, "Per-Erik Viken", Channel::Mail, "lost_while_handing_over", "connection reset by peer")
        },
        row(7, 10_577, "Grethe Moen Aas", Channel::Efaktura, "no_consent", "Ingen aktiv avtale"),
    ]
}

fn all_causes() -> Vec<DeliveryRow> {
    let codes = crate::KNOWN_CAUSES.iter().copied().chain(["smtp_554", "gremlins_in_the_relay"]);
    let row = |(n, code): (u8, &str)| {
        let name = format!("Kunde med <{code}> & co.");
        row(100 + u128::from(n), 10_600 + i64::from(n), &name, Channel::Mail, code, "said \"no\" & <nothing> more")
    };
    (0..).zip(codes).map(row).collect()
}

fn down() -> Vec<ChannelDown> {
    vec![
        ChannelDown {
            channel: Channel::Efaktura,
            since: at(11, 20, 7, 2),
            waiting: 42,
            next_try: Some(at(11, 20, 9, 30)),
        },
        ChannelDown { channel: Channel::Mail, since: at(11, 19, 22, 40), waiting: 3, next_try: None },
    ]
}

fn empty(ever: bool) -> DeliveriesView {
    DeliveriesView {
        needs_you: 0,
        reminders_stopped: false,
        last_delivered_at: ever.then(|| at(11, 20, 8, 41)),
        latest_run: ever.then(|| RunBar { needs_you: 0, needs_you_amount: ore(0), under_way: 0, ..run_bar() }),
        retrying: 0,
        under_way: 0,
        rows: Vec::new(),
        next: None,
        funnel: Vec::new(),
        reasons: Vec::new(),
        ..view()
    }
}

fn moving(tab: Tab) -> Vec<DeliveryRow> {
    let (states, next): (&[State], _) = match tab {
        Tab::Retrying => (&[State::Retrying], Some(at(11, 20, 10, 5))),
        Tab::UnderWay => (&[State::Queued, State::HandingOver, State::AwaitingReceipt], None),
        _ => (&[State::Delivered], None),
    };
    let moved = |row: DeliveryRow, state: &State| DeliveryRow {
        state: *state,
        cause: String::new(),
        words: (tab == Tab::Retrying).then(|| "450 4.2.1 try again later".to_owned()),
        next_try: next,
        ..row
    };
    rows().into_iter().zip(states.iter().cycle()).map(|(row, state)| moved(row, state)).collect()
}

fn asked(n: usize) -> Vec<QuestionRow> {
    let states = [State::Delivered, State::Unknown, State::Failed];
    let question = |(row, state): (DeliveryRow, State)| QuestionRow {
        id: row.id,
        invoice_id: row.invoice_id,
        invoice_number: row.invoice_number,
        customer_name: row.customer_name,
        amount: row.amount,
        channel: row.channel,
        state,
    };
    rows().into_iter().zip(states).take(n).map(question).collect()
}

fn confirm(fix: Fix, n: usize) -> ConfirmView {
    ConfirmView { fix, rows: asked(n), channel: None, address: None, back: "/console/deliveries".to_owned() }
}

fn to_efaktura() -> ConfirmView {
    ConfirmView { channel: Some(Channel::Efaktura), ..confirm(Fix::OtherChannel, 3) }
}

fn choose(n: usize, errors: Vec<RedirectError>) -> RedirectView {
    let choice =
        |channel, blocked_by: Option<&str>| ChannelChoice { channel, blocked_by: blocked_by.map(str::to_owned) };
    let wrong = !errors.is_empty();
    RedirectView {
        rows: asked(n),
        channels: vec![
            choice(Channel::Efaktura, None),
            choice(Channel::Mail, None),
            choice(Channel::Print, None),
            choice(Channel::Ehf, Some("not_in_peppol")),
        ],
        chosen: (!wrong).then_some(Channel::Efaktura),
        address: if wrong { "jon.are@myrvang".to_owned() } else { String::new() },
        errors,
        back: "/console/deliveries".to_owned(),
    }
}
