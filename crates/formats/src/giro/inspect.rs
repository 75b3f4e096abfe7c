//! What a giro file holds, as JSON, without a database.

use super::ocr::parse;
use super::types::{Assignment, GiroFile, Mandate};
use crate::fixed::Fault;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Kind, verdict and content of a file; on rejection its fault.
pub fn inspect(bytes: &[u8]) -> Value {
    match parse(bytes) {
        Ok(file) => accepted(&file),
        Err(fault) => rejected(bytes, &fault),
    }
}

fn rejected(bytes: &[u8], fault: &Fault) -> Value {
    let kind = match fault.code {
        "unsupported_camt" => "camt",
        "unsupported_avtalegiro" => "avtalegiro",
        _ if bytes.windows(8).take(400).any(|w| w == b"NY212420") => "fbo",
        _ => "ocr",
    };
    json!({ "kind": kind, "verdict": "reject", "fault": fault })
}

fn accepted(file: &GiroFile<'_>) -> Value {
    let mandates: Vec<Value> = file.mandates.iter().flat_map(|a| &a.mandates).map(mandate).collect();
    let mut out = Map::new();
    let only_mandates = file.assignments.is_empty();
    out.insert("kind".into(), json!(if only_mandates { "fbo" } else { "ocr" }));
    out.insert("verdict".into(), json!("accept"));
    if only_mandates {
        out.insert("account".into(), json!(file.mandates.first().map(|a| a.account)));
    } else {
        out.insert("assignments".into(), file.assignments.iter().map(assignment).collect());
        out.insert("transactions".into(), json!(file.assignments.iter().map(|a| a.transactions).sum::<u64>()));
        out.insert("control_sum_ore".into(), json!(file.control_sum_ore));
    }
    if !mandates.is_empty() {
        out.insert("mandates".into(), Value::Array(mandates));
    }
    if file.ambiguous_sum {
        out.insert("ambiguous_sum".into(), json!(true));
    }
    Value::Object(out)
}

fn assignment(a: &Assignment<'_>) -> Value {
    let mut types: BTreeMap<String, u64> = BTreeMap::new();
    for p in &a.payments {
        *types.entry(p.kind.to_string()).or_default() += 1;
    }
    let payments: Vec<Value> = a
        .payments
        .iter()
        .map(|p| {
            let mut payment = json!({
                "kid": Some(p.kid).filter(|k| !k.is_empty()), "amount_ore": p.amount_ore, "type": p.kind,
                "date": p.settled_on, "debit_account": p.debit_account,
            });
            if let (Some(text), Some(fields)) = (&p.text, payment.as_object_mut()) {
                fields.insert("text".to_owned(), json!(text));
            }
            payment
        })
        .collect();
    json!({
        "account": a.account, "transactions": a.transactions, "control_sum_ore": a.control_sum_ore,
        "types": types, "payments": payments,
    })
}

fn mandate(m: &Mandate<'_>) -> Value {
    json!({ "registration": m.registration.digit(), "kid": m.kid, "notify": m.notify })
}
