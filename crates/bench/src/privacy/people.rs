//! An organisation of so many rows, made by the service itself: one in nine of its people left years ago, so that the years the
//! law keeps their documents are over now; the others were billed and have paid lately.

use super::Hands;
use super::tables::{counts, ids, settle};
use crate::data;
use crate::measure::per_second;
use crate::place::Place;
use anyhow::Context;
use chrono::{DateTime, Days, NaiveDate, Utc};
use formats::customer_list::Mode;
use reskontro::ctx::Ctx;
use reskontro::privacy::explain::Subject;
use reskontro::privacy::{reading, retention};
use reskontro::services::Actor;
use reskontro::services::customer::{self, Input};
use reskontro::services::payment::{ImportOptions, import};
use reskontro::services::product;
use reskontro::services::run::{self as runs, NewRun};
use reskontro::store::views;
use sea_orm::ConnectionTrait;
use std::ops::Range;
use std::time::Instant;
use uuid::Uuid;

/// Rows somebody who is billed and pays comes to.
const ROWS_EACH: usize = 25;
/// Mails that lie in the folder.
const MOST_MAILS: usize = 20_000;
/// A list shows so many people.
const LISTED: usize = 50;
/// One read in so many is of a list.
const LIST_IN: usize = 5;

/// What was made.
pub(super) struct Filled {
    /// Whose it is.
    pub(super) actor: Actor,
    /// People who are customers now.
    pub(super) people: Vec<Uuid>,
    /// How many left years ago.
    pub(super) left: usize,
    /// Rows of all tables.
    pub(super) rows: i64,
}

impl Filled {
    /// Somebody, spread over all of them.
    pub(super) fn person(&self, turn: usize) -> Uuid {
        self.people.get(turn * 7_919 % self.people.len().max(1)).copied().unwrap_or_default()
    }
}

fn noon(year: i32, month: u32, day: u32) -> anyhow::Result<DateTime<Utc>> {
    let day = NaiveDate::from_ymd_opt(year, month, day).and_then(|d| d.and_hms_opt(12, 0, 0));
    Ok(day.context("a day")?.and_utc())
}

/// Makes it.
pub(super) async fn fill(place: &mut Place, rows: usize) -> anyhow::Result<Filled> {
    let began = Instant::now();
    let now = place.ctx.now();
    let hands = Hands::new(noon(2020, 2, 3)?);
    let ticking = std::mem::replace(&mut place.ctx.clock, hands.clone());
    let actor = place.organisation().await?;
    for (number, price) in [("A", "450"), ("B", "1250.50")] {
        product::create(&place.ctx, &actor, data::product(number, price)?).await?;
    }
    let people = (rows / ROWS_EACH).max(100);
    let left = people / 9;
    bill_and_pay(place, &actor, 0..left).await?;
    // A list without them ends them; by the policy they are archived, and their documents kept for five years.
    hands.put(noon(2020, 12, 1)?);
    sync(place, &actor, left..left + 1).await?;
    hands.put(noon(2021, 3, 1)?);
    retention::nightly(&place.ctx, &actor).await?;
    hands.put(now - Days::new(20));
    bill_and_pay(place, &actor, left..people).await?;
    let tx = place.ctx.db.read(actor.org).await?;
    let people: Vec<Uuid> =
        views::customers(&tx, Uuid::nil(), i64::try_from(people)?).await?.into_iter().map(|c| c.id).collect();
    tx.commit().await?;
    let reads = people.len() / 2;
    for days in [60, 3] {
        hands.put(now - Days::new(days));
        read(&place.ctx, &actor, &people, reads).await?;
    }
    place.ctx.clock = ticking;
    put_mails(place).await?;
    settle(place).await?;
    let made: i64 = counts(&place.raw).await?.values().sum();
    println!(
        "    {made} rows of {} people and {left} who left, made in {:.0} s ({:.0} rows/s)",
        people.len(),
        began.elapsed().as_secs_f64(),
        per_second(usize::try_from(made)?, began.elapsed())
    );
    anyhow::ensure!(made >= i64::try_from(rows)?, "{made} rows were made instead of {rows}");
    Ok(Filled { actor, people, left, rows: made })
}

async fn sync(place: &Place, actor: &Actor, numbers: Range<usize>) -> anyhow::Result<()> {
    let bytes = data::customers(numbers, false);
    let plan = customer::plan(&place.ctx, actor, &Input { bytes: &bytes, mode: Mode::Full }).await?;
    customer::apply(&place.ctx, actor, plan.id, true).await?;
    Ok(())
}

/// These people become customers, get an invoice by mail and pay it.
async fn bill_and_pay(place: &Place, actor: &Actor, numbers: Range<usize>) -> anyhow::Result<()> {
    let count = numbers.len();
    sync(place, actor, numbers).await?;
    let ctx = &place.ctx;
    let newest = "SELECT COALESCE(MAX(number), 0) FROM invoice";
    let before = super::tables::number(&place.raw, newest).await?;
    let run = runs::start(ctx, actor, &NewRun { bill_on: None, due_on: None, send_after_minutes: Some(600) }).await?;
    runs::continue_run(ctx, actor, run, |_| {}).await?;
    for sql in [
        "UPDATE delivery SET state = 'delivered', attempts = 1, handed_over_at = created_at, message_id = id \
         WHERE state = 'queued'",
        "INSERT INTO delivery_attempt (org_id, delivery_id, attempt_no, started_at, ended_at, outcome, detail) \
         SELECT org_id, id, 1, created_at, created_at, state, '250 2.0.0 Ok: queued' FROM delivery d WHERE NOT EXISTS \
         (SELECT 1 FROM delivery_attempt a WHERE a.org_id = d.org_id AND a.delivery_id = d.id)",
    ] {
        place.raw.execute_unprepared(sql).await?;
    }
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), i64::MAX).await?;
    tx.commit().await?;
    let kids: Vec<(String, i64)> =
        invoices.into_iter().filter(|i| i.number > before).filter_map(|i| i.kid.map(|k| (k, i.total_ore))).collect();
    let paid = import(ctx, actor, &data::payments(&kids, ctx.today()), ImportOptions::default()).await?;
    // Of the list that ends those who left somebody is billed with the others.
    anyhow::ensure!(usize::try_from(paid.file.matched)? >= count, "{} payments were placed", paid.file.matched);
    Ok(())
}

/// So many reads are logged: of one person, and now and then of a list.
async fn read(ctx: &Ctx, actor: &Actor, people: &[Uuid], count: usize) -> anyhow::Result<()> {
    for turn in 0..count {
        let at = turn * 7_919 % people.len().max(1);
        if turn % LIST_IN == 0 {
            let list: Vec<Uuid> = people.iter().copied().skip(at).take(LISTED).collect();
            reading::note(ctx, actor, "customers.list", list).await?;
        } else if let Some(person) = people.get(at) {
            reading::note(ctx, actor, "customer.get", Subject::Customer(*person)).await?;
        }
    }
    Ok(reading::write(ctx).await?)
}

/// Mails of the last weeks lie in the folder, named after their deliveries.
async fn put_mails(place: &Place) -> anyhow::Result<()> {
    let folder = &place.ctx.config.mail.spool_dir;
    std::fs::create_dir_all(folder)?;
    for id in ids(&place.raw, &format!("SELECT id FROM delivery ORDER BY id DESC LIMIT {MOST_MAILS}")).await? {
        std::fs::write(folder.join(format!("{id}.eml")), b"Subject: Faktura\r\n\r\nFaktura\r\n")?;
    }
    Ok(())
}
