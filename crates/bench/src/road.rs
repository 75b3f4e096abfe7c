//! The main job at size: sync, run, bank file.

use crate::baseline::{How, copy};
use crate::data;
use crate::measure::{Report, peak_mb, per_second, reset_peak};
use crate::place::Place;
use formats::customer_list::Mode;
use reskontro::services::Actor;
use reskontro::services::customer::{self, Input};
use reskontro::services::payment::{ImportOptions, import};
use reskontro::services::product;
use reskontro::services::run::{self as runs, NewRun};
use reskontro::store::views;
use std::time::Instant;
use uuid::Uuid;

const PEAK_MB: f64 = 300.0;

async fn plan_and_apply(place: &Place, actor: &Actor, bytes: &[u8]) -> anyhow::Result<std::time::Duration> {
    let began = Instant::now();
    let plan = customer::plan(&place.ctx, actor, &Input { bytes, mode: Mode::Full }).await?;
    customer::apply(&place.ctx, actor, plan.id, false).await?;
    Ok(began.elapsed())
}

/// New customers, then the same list with one in a hundred moved.
pub(crate) async fn sync(place: &Place, report: &mut Report, rows: usize) -> anyhow::Result<Actor> {
    let actor = place.organisation().await?;
    for (number, price) in [("A", "450"), ("B", "1250.50")] {
        product::create(&place.ctx, &actor, data::product(number, price)?).await?;
    }
    let (first_list, second_list) = (data::customers(0..rows, false), data::customers(0..rows, true));
    reset_peak();
    let first = plan_and_apply(place, &actor, &first_list).await?;
    let peak = peak_mb();
    drop(first_list);
    let limit = copy(
        place,
        How::Merge,
        &["customer", "customer_core", "customer_detail", "customer_contact", "standing_order", "standing_order_line"],
    )
    .await?;
    report.add("sync: new customers", place.db, per_second(rows, first), "rows/s", per_second(rows, limit), 0.35);
    report.at_most("sync: peak memory", place.db, peak, "MB", PEAK_MB, 1.0);
    let second = plan_and_apply(place, &actor, &second_list).await?;
    let work = "sync: again, 1 % changed, against the first";
    report.at_most(work, place.db, second.as_secs_f64(), "s", first.as_secs_f64(), 0.5);
    Ok(actor)
}

/// A run over everybody, two lines each.
pub(crate) async fn run(place: &Place, report: &mut Report, actor: &Actor, rows: usize) -> anyhow::Result<()> {
    reset_peak();
    let began = Instant::now();
    let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(600) };
    let id = runs::start(&place.ctx, actor, &new).await?;
    let done = runs::continue_run(&place.ctx, actor, id, |_| {}).await?;
    let took = began.elapsed();
    let peak = peak_mb();
    anyhow::ensure!(usize::try_from(done.issued_count)? == rows, "{} invoices were issued", done.issued_count);
    let limit = copy(
        place,
        How::Copy,
        &[
            "invoice",
            "invoice_text",
            "invoice_vat",
            "party_block",
            "kid",
            "billed_period",
            "ledger_entry",
            "open_item",
            "delivery",
            "delivery_address",
            "audit_event",
        ],
    )
    .await?;
    report.add("run: invoices of two lines", place.db, per_second(rows, took), "inv/s", per_second(rows, limit), 0.4);
    report.at_most("run: peak memory", place.db, peak, "MB", PEAK_MB, 1.0);
    Ok(())
}

/// Everybody pays.
pub(crate) async fn bank(place: &Place, report: &mut Report, actor: &Actor, rows: usize) -> anyhow::Result<()> {
    let tx = place.ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), i64::try_from(rows)?).await?;
    tx.commit().await?;
    let kids: Vec<(String, i64)> = invoices.into_iter().filter_map(|i| i.kid.map(|k| (k, i.total_ore))).collect();
    let bytes = data::payments(&kids, data::day());
    drop(kids);
    reset_peak();
    let began = Instant::now();
    let done = import(&place.ctx, actor, &bytes, ImportOptions::default()).await?;
    let took = began.elapsed();
    let peak = peak_mb();
    anyhow::ensure!(usize::try_from(done.file.matched)? == rows, "{} payments were placed", done.file.matched);
    let limit = copy(place, How::Copy, &["payment", "payment_payer", "allocation", "open_item"]).await?;
    // An open item that is paid is written anew. The ledger holds the invoices' entries too; the payments' share is one entry each.
    let ledger = copy(place, How::Copy, &["ledger_entry"]).await? / 3;
    let limit = limit + ledger;
    report.add("bank file: payments with KID", place.db, per_second(rows, took), "pay/s", per_second(rows, limit), 0.4);
    report.at_most("bank file: peak memory", place.db, peak, "MB", PEAK_MB, 1.0);
    Ok(())
}
