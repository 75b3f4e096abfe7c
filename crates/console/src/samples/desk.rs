//! Samples of the desk of privacy: requests in every state, erasures asked about and done, plans.

use super::{Drawn, at, id, on};
use crate::frame::{Frame, NewStatement};
use crate::{
    DeskView, ErasurePart, ErasureRow, ErasureView, PartFate, PlanItem, PlanRow, PlanView, RequestPageView, RequestRow,
    RequestState, desk, desk_erasure, desk_plan, desk_request,
};

fn row(n: u128, kind: &str, state: RequestState, day: u32) -> RequestRow {
    let known = state != RequestState::Unsorted;
    RequestRow {
        id: id(n),
        kind: kind.to_owned(),
        customer: known.then(|| ("Sissel Brekke".to_owned(), "10344".to_owned())),
        channel: if known { "payer" } else { "mail" }.to_owned(),
        received_on: on(10, 26),
        due_on: on(11, day),
        state,
        closed_on: matches!(state, RequestState::Answered | RequestState::Refused).then(|| on(11, 12)),
    }
}

fn plan(state: &str) -> PlanRow {
    PlanRow {
        id: id(710),
        made_at: at(11, 20, 2, 15),
        state: state.to_owned(),
        executed_at: (state == "done").then(|| at(11, 20, 2, 16)),
        rows: 2_452,
        held: 3,
    }
}

fn case(done: bool) -> ErasureRow {
    ErasureRow { id: id(720), asked_at: at(11, 12, 9, 0), done_at: done.then(|| at(11, 12, 9, 1)) }
}

fn request(state: RequestState, owner: bool) -> RequestPageView {
    let kind = if state == RequestState::Unsorted { "unsorted" } else { "erasure" };
    RequestPageView {
        row: row(701, kind, state, 25),
        wish: Some("Slett meg, takk.".to_owned()),
        asker: Some("Sissel Brekke, sissel@brekke.example".to_owned()),
        left_out: 1,
        receipt_at: Some(at(11, 2, 8, 0)),
        identity: if state == RequestState::Ready { "by_code" } else { "unknown" }.to_owned(),
        extended: None,
        grounds: (state == RequestState::Refused).then(|| "artikkel 17 (3) b".to_owned()),
        notices: vec![("mail_relay".to_owned(), true), ("efaktura".to_owned(), false)],
        package: state == RequestState::Answered,
        owner,
    }
}

pub(super) fn pages(frame: &Frame) -> Vec<(&'static str, Drawn)> {
    let requests = vec![
        row(701, "erasure", RequestState::Ready, 25),
        row(702, "access", RequestState::Identity, 18),
        row(703, "unsorted", RequestState::Unsorted, 30),
        row(704, "rectification", RequestState::Answered, 26),
        row(705, "objection", RequestState::Refused, 26),
    ];
    let full = DeskView {
        requests,
        all: true,
        plans: vec![plan("dry_run"), plan("done")],
        erasures: vec![case(true), case(false)],
        no_such_customer: true,
        owner: true,
    };
    let part = |title: &str, fate, until, rows| ErasurePart {
        title: title.to_owned(),
        fate,
        until,
        held: if fate == PartFate::Otherwise { vec!["10350".to_owned()] } else { Vec::new() },
        rows,
    };
    let parts = vec![
        part("10344", PartFate::Goes, None, 41),
        part("10345", PartFate::ByLaw, Some(on(12, 31)), 6),
        part("10346", PartFate::Otherwise, None, 1),
    ];
    let erasure =
        |customer, case| ErasureView { customer, case, parts: parts.clone(), backups_gone_by: Some(on(12, 12)) };
    let item = |title: &str, rows, held| PlanItem { title: title.to_owned(), period: "90".to_owned(), rows, held };
    let of = |state: &str, owner| PlanView {
        row: plan(state),
        policy_version: 2,
        items: vec![item("10347", 1_242, 0), item("10348", 1_210, 3)],
        owner,
    };
    let told = NewStatement {
        version_no: 2,
        valid_from: on(12, 1),
        changes: vec!["10349: 45.".to_owned()],
        href: "/privacy/01934b1e-7c00-7000-8000-000000000900?version=2".to_owned(),
    };
    let told = Frame { new_statement: Some(told), ..frame.clone() };
    vec![
        ("desk", desk(&full, frame)),
        ("desk-empty", desk(&DeskView::default(), frame)),
        ("desk-new-statement", desk(&DeskView::default(), &told)),
        ("desk-request-ready", desk_request(&request(RequestState::Ready, true), frame)),
        ("desk-request-viewer", desk_request(&request(RequestState::Ready, false), frame)),
        ("desk-request-identity", desk_request(&request(RequestState::Identity, true), frame)),
        ("desk-request-unsorted", desk_request(&request(RequestState::Unsorted, true), frame)),
        ("desk-request-answered", desk_request(&request(RequestState::Answered, true), frame)),
        ("desk-request-refused", desk_request(&request(RequestState::Refused, true), frame)),
        ("desk-erase", desk_erasure(&erasure(Some(("Sissel Brekke".to_owned(), id(3))), None), frame)),
        ("desk-erased", desk_erasure(&erasure(None, Some(case(true))), frame)),
        ("desk-plan-dry", desk_plan(&of("dry_run", true), frame)),
        ("desk-plan", desk_plan(&of("planned", true), frame)),
        ("desk-plan-viewer", desk_plan(&of("planned", false), frame)),
        ("desk-plan-done", desk_plan(&of("done", true), frame)),
        ("desk-plan-nothing", desk_plan(&PlanView { items: Vec::new(), ..of("done", true) }, frame)),
    ]
}
