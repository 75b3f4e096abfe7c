//! Invoice runs: look first, then issue all in batches that a crash cannot double or lose (decisions 18-20).

use super::delivery::{Known, Paper};
use super::error::Error;
use super::invoice::{Billing, CreditRequest, Prepared, credit_in, issue_all, language};
use super::organisation::unless_over;
use super::standing_order::{reopen_periods, rhythm};
use super::work::{Actor, Deed, Work};
use crate::ctx::Ctx;
use crate::store::billing::{self as store, Run, Skip};
use crate::store::customer::{self, Customer};
use crate::store::product::{self, Product, StandingOrder, StandingOrderLine};
use crate::store::{bulk, organisation};
use chrono::{Days, Duration, NaiveDate};
use domain::customer::{Field, Language};
use domain::invoice::{Document, Kind, LineInput};
use domain::money::{Micro, Money};
use domain::standing_order::{Period, Rhythm};
use domain::vat::Vat;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap, HashSet};
use utoipa::ToSchema;
use uuid::Uuid;

/// Customers a preview or a batch looks at in one go.
const CHUNK: u64 = 500;
/// Periods of one standing order billed at once.
const MAX_PERIODS: usize = 24;

/// What a run is to bill.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRun {
    /// Periods that have begun by this day; today when left out.
    pub bill_on: Option<NaiveDate>,
    /// Due date; by the organisation's terms when left out.
    pub due_on: Option<NaiveDate>,
    /// Minutes before mail goes out, to stop a mistake; 15 when left out.
    pub send_after_minutes: Option<u16>,
}

impl NewRun {
    fn bill_on(&self, today: NaiveDate) -> Result<NaiveDate, Error> {
        let bill_on = self.bill_on.unwrap_or(today);
        if bill_on > today + Days::new(366) {
            return Err(Error::field("bill_on", "out_of_range", "at most a year ahead"));
        }
        Ok(bill_on)
    }
}

/// What a run would do.
#[derive(Debug, Clone, Default, Serialize, ToSchema)]
pub struct Preview {
    /// Invoices that would be issued.
    pub invoices: u64,
    /// Sum without VAT in øre.
    pub net_ore: i64,
    /// VAT in øre.
    pub vat_ore: i64,
    /// Sum in øre.
    pub total_ore: i64,
    /// Customers that would be skipped, by reason.
    pub skipped: BTreeMap<String, u64>,
    /// Invoices by the channel they would go on.
    pub channels: BTreeMap<String, u64>,
    /// Invoices no channel can carry, by reason: issued, and on the worklist.
    pub undeliverable: BTreeMap<String, u64>,
    /// Customer by customer, in the order of their ids: what each would be billed, or why not.
    pub customers: Vec<PreviewCustomer>,
    /// Gives the next customers; none when these are the last.
    pub next_cursor: Option<Uuid>,
}

/// What one customer would be billed. It has no number yet.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewCustomer {
    /// The customer.
    pub customer_id: Uuid,
    /// Its number.
    pub customer_number: String,
    /// Why nothing is billed: `customer_ended`, `unknown_product`, `inactive_product`, `nothing_due`, …
    pub skipped: Option<String>,
    /// What is billed.
    pub lines: Vec<PreviewLine>,
    /// Sum with VAT in øre.
    pub total_ore: i64,
    /// The channel it would go on: ehf, efaktura, mail or print; none when no channel can carry it.
    pub channel: Option<String>,
    /// Why that channel, or why none.
    pub channel_reason: Option<String>,
}

/// One line of a preview.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PreviewLine {
    /// What is sold.
    pub description: String,
    /// How many; a decimal string.
    #[schema(value_type = String)]
    pub quantity: Micro,
    /// Sum without VAT in øre.
    pub net_ore: i64,
}

/// What is due of one customer: a document, or why not.
struct Due {
    customer: Customer,
    outcome: Result<Billed, &'static str>,
}

/// Which customers a preview names: so many, after one of them.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    /// The customer they come after.
    pub after: Option<Uuid>,
    /// How many.
    pub limit: usize,
}

/// What a run would bill, without doing it. The sums are those of the whole run, whichever customers are named.
pub async fn preview(ctx: &Ctx, actor: &Actor, new: &NewRun, shown: Shown) -> Result<Preview, Error> {
    let looker = Actor { idempotency: None, ..actor.clone() };
    let work = Work::begin(ctx, &looker).await?;
    bulk::prefer_indexes(&work.tx).await?;
    let billing = Billing::load(ctx, &work, None, new.due_on).await?;
    let bill_on = new.bill_on(billing.issued_on)?;
    let mut preview = Preview::default();
    let mut after = None;
    loop {
        let ids = product::list_due_customers(&work.tx, bill_on, after, CHUNK).await?;
        let Some(last) = ids.last() else { return Ok(preview) };
        after = Some(*last);
        let due = collect(&work, &billing, bill_on, &ids).await?;
        let known = billing.chooser.known(&work.tx, due.iter().map(|d| &d.customer)).await?;
        for d in due {
            let entry = preview.add(&d, &billing, &known);
            if shown.after.is_some_and(|a| entry.customer_id <= a) {
                continue;
            }
            if preview.customers.len() < shown.limit {
                preview.customers.push(entry);
            } else {
                preview.next_cursor = preview.customers.last().map(|c| c.customer_id);
            }
        }
    }
}

impl Preview {
    /// Counts a customer in.
    fn add(&mut self, due: &Due, billing: &Billing, known: &Known) -> PreviewCustomer {
        let mut entry = PreviewCustomer {
            customer_id: due.customer.row.id,
            customer_number: due.customer.record.get(Field::Number).unwrap_or_default().to_owned(),
            skipped: None,
            lines: Vec::new(),
            total_ore: 0,
            channel: None,
            channel_reason: None,
        };
        match &due.outcome {
            Err(reason) => {
                *self.skipped.entry((*reason).to_owned()).or_default() += 1;
                entry.skipped = Some((*reason).to_owned());
            }
            Ok((document, ..)) => {
                self.invoices += 1;
                self.net_ore += document.totals.net.ore();
                self.vat_ore += document.totals.vat.ore();
                self.total_ore += document.totals.total.ore();
                let chosen = billing.chooser.choose(known, &due.customer, &Paper::of(document), None);
                entry.channel = chosen.ok().map(|c| c.channel.as_str().to_owned());
                entry.channel_reason = Some(chosen.map_or_else(|e| e, |c| c.reason).to_owned());
                let (counts, name) = match chosen {
                    Ok(chosen) => (&mut self.channels, chosen.channel.as_str()),
                    Err(reason) => (&mut self.undeliverable, reason),
                };
                *counts.entry(name.to_owned()).or_default() += 1;
                entry.total_ore = document.totals.total.ore();
                let lines = document.lines.iter().map(|l| PreviewLine {
                    description: l.input.description.clone(),
                    quantity: l.input.quantity,
                    net_ore: l.net.ore(),
                });
                entry.lines = lines.collect();
            }
        }
        entry
    }
}

/// Starts a run. Its batches are issued by [`continue_run`].
pub async fn start(ctx: &Ctx, actor: &Actor, new: &NewRun) -> Result<Uuid, Error> {
    let work = Work::begin(ctx, actor).await?;
    unless_over(&work.tx, work.today()).await?;
    let billing = Billing::load(ctx, &work, None, new.due_on).await?;
    let bill_on = new.bill_on(billing.issued_on)?;
    let id = work.id();
    let minutes = i64::from(new.send_after_minutes.unwrap_or(15));
    let run = Run {
        org_id: actor.org,
        id,
        version: 1,
        status: "running".to_owned(),
        bill_on,
        issued_on: billing.issued_on,
        due_on: billing.due_on,
        send_after_at: work.at + Duration::minutes(minutes),
        cursor_customer_id: None,
        issued_count: 0,
        skipped_count: 0,
        issued_ore: 0,
        expected_count: product::count_due_customers(&work.tx, bill_on).await?,
        created_at: work.at,
        finished_at: None,
        credit_status: None,
        credit_reason: None,
        credit_rebill: false,
        credited_count: 0,
    };
    store::insert_run(&work.tx, run).await?;
    let job = crate::services::upkeep::job(ctx, actor.org, "commit_run", &id.to_string(), Some(id));
    crate::store::job::enqueue(&work.tx, job).await?;
    work.done(Deed { verb: "invoice_run.started", subject: "invoice_run", id, fields: "" }).await?;
    Ok(id)
}

/// Stops a run after the batch that is being issued. What was issued stays; the rest can be billed by a new run.
pub async fn stop(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let mut run = store::lock_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    if run.status != "running" {
        return Err(Error::conflict("run_finished", "the run has finished"));
    }
    run.status = "stopped".to_owned();
    run.finished_at = Some(work.at);
    store::update_run(&work.tx, run).await?;
    work.done(Deed { verb: "invoice_run.stopped", subject: "invoice_run", id, fields: "status" }).await
}

/// Lets a run that stands still go on: its job goes into the queue again, and finds what is left.
pub async fn go_on(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<(), Error> {
    let work = Work::begin(ctx, actor).await?;
    let run = store::lock_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    if run.status != "running" {
        return Err(Error::conflict("run_finished", "the run has finished"));
    }
    let key = format!("{id} {}", work.at.timestamp());
    let job = crate::services::upkeep::job(ctx, actor.org, "commit_run", &key, Some(id));
    crate::store::job::enqueue(&work.tx, job).await?;
    work.done(Deed { verb: "invoice_run.continued", subject: "invoice_run", id, fields: "" }).await
}

/// Takes a run back: every invoice of it is credited in full by a job.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreditRun {
    /// Why; printed on each credit note.
    pub reason: String,
    /// Frees the periods, so that a new run bills them again.
    #[serde(default)]
    pub rebill: bool,
}

/// Starts crediting all of a run that is finished or stopped.
pub async fn start_crediting(ctx: &Ctx, actor: &Actor, id: Uuid, asked: &CreditRun) -> Result<(), Error> {
    if asked.reason.trim().is_empty() || asked.reason.chars().count() > 200 {
        return Err(Error::field("reason", "required", "say in up to 200 characters why; it is printed"));
    }
    let work = Work::begin(ctx, actor).await?;
    let mut run = store::lock_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    if run.status == "running" {
        return Err(Error::conflict("run_not_finished", "stop the run first"));
    }
    if run.credit_status.is_some() {
        return Err(Error::conflict("run_credited", "the run is credited already"));
    }
    run.credit_status = Some("running".to_owned());
    run.credit_reason = Some(asked.reason.trim().to_owned());
    run.credit_rebill = asked.rebill;
    store::update_run(&work.tx, run).await?;
    let job = crate::services::upkeep::job(ctx, actor.org, "credit_run", &id.to_string(), Some(id));
    crate::store::job::enqueue(&work.tx, job).await?;
    work.done(Deed { verb: "invoice_run.crediting", subject: "invoice_run", id, fields: "credit_status" }).await
}

/// Invoices credited in one transaction.
const CREDIT_BATCH: u64 = 100;

/// Credits what is left of a run's invoices, batch by batch. Safe to call again, late, or from two places at once: what is
/// credited is left out.
pub async fn continue_crediting(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Run, Error> {
    loop {
        let mut work = Work::begin(ctx, actor).await?;
        let seen = store::find_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
        match seen.credit_status.as_deref() {
            Some("running") => {}
            Some(_) => return Ok(seen),
            None => return Err(Error::conflict("run_not_taken_back", "nobody has asked to take this run back")),
        }
        let request = CreditRequest {
            reason: seen.credit_reason.clone(),
            rebill: seen.credit_rebill,
            ..CreditRequest::default()
        };
        let asked = store::list_uncredited(&work.tx, id, CREDIT_BATCH).await?;
        let customers: Vec<Uuid> = asked.iter().map(|i| i.customer_id).collect();
        customer::lock(&work.tx, &customers).await?;
        // Read again behind the lock: another worker may have credited some of them meanwhile.
        let held: HashSet<Uuid> = asked.iter().map(|i| i.id).collect();
        let batch = store::list_uncredited(&work.tx, id, CREDIT_BATCH).await?;
        for invoice in batch.iter().filter(|i| held.contains(&i.id)) {
            credit_in(ctx, &mut work, invoice.id, &request).await?;
        }
        let nothing_left = asked.is_empty();
        if nothing_left && seen.credit_rebill {
            // An invoice of nothing has no credit note; its periods are billed again all the same.
            for invoice in store::list_empty(&work.tx, id).await? {
                customer::lock(&work.tx, &[invoice.customer_id]).await?;
                reopen_periods(&work, invoice.id).await?;
            }
        }
        let mut run = store::lock_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
        let credited = batch.iter().filter(|i| held.contains(&i.id)).count();
        run.credited_count += i64::try_from(credited).unwrap_or_default();
        if nothing_left {
            let partly = store::count_partly_credited(&work.tx, id).await? > 0;
            run.credit_status = Some(if partly { "partly_credited" } else { "finished" }.to_owned());
        }
        let run = store::update_run(&work.tx, run).await?;
        let verb = "invoice_run.batch_credited";
        work.done(Deed { verb, subject: "invoice_run", id, fields: "credited_count" }).await?;
        if nothing_left {
            return Ok(run);
        }
    }
}

/// Issues batches until the run is finished. Safe to call again, late, or from two places at once.
///
/// While one batch is written the next is read and priced: its customers are locked in its own transaction, and it is
/// only used when the run stands where it was made for.
pub async fn continue_run(ctx: &Ctx, actor: &Actor, id: Uuid, mut progress: impl FnMut(&Run)) -> Result<Run, Error> {
    let tx = ctx.db.read(actor.org).await?;
    unless_over(&tx, ctx.today()).await?;
    tx.commit().await?;
    let mut ready = None;
    loop {
        let batch = match ready.take() {
            Some(batch) => batch,
            None => Batch::prepare(ctx, actor, id, cursor(ctx, actor, id).await?).await?,
        };
        // SQLite has one writer: there is nothing to do meanwhile.
        let ahead = batch.last.filter(|_| ctx.db.is_postgres());
        let run = match ahead {
            None => batch.issue(id).await?,
            Some(last) => {
                let (run, next) = tokio::join!(batch.issue(id), Batch::prepare(ctx, actor, id, Some(last)));
                ready = next.ok();
                run?
            }
        };
        progress(&run);
        if run.status != "running" {
            return Ok(run);
        }
        ready = ready.filter(|b| b.after == run.cursor_customer_id);
    }
}

async fn cursor(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Option<Uuid>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let run = store::find_run(&tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
    tx.commit().await?;
    Ok(run.cursor_customer_id)
}

/// The next customers of a run with what they are billed, locked and priced.
struct Batch<'a> {
    work: Work<'a>,
    billing: Billing,
    /// The customer the batch comes after.
    after: Option<Uuid>,
    /// Its last customer; none when nobody is left.
    last: Option<Uuid>,
    due: Vec<Due>,
}

impl<'a> Batch<'a> {
    /// Reads the batch after a customer.
    async fn prepare(ctx: &'a Ctx, actor: &'a Actor, id: Uuid, after: Option<Uuid>) -> Result<Self, Error> {
        let work = Work::begin(ctx, actor).await?;
        bulk::prefer_indexes(&work.tx).await?;
        let run = store::find_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
        let mut billing = Billing::load(ctx, &work, Some(run.issued_on), Some(run.due_on)).await?;
        billing.run_id = Some(id);
        billing.send_after = run.send_after_at;
        let ids = product::list_due_customers(&work.tx, run.bill_on, after, ctx.config.worker.run_batch).await?;
        // What is billed is read after the lock: a sync may have ended a customer or dropped a product meanwhile.
        customer::lock(&work.tx, &ids).await?;
        let due = collect(&work, &billing, run.bill_on, &ids).await?;
        Ok(Self { work, billing, after, last: ids.last().copied(), due })
    }

    /// Issues the batch in one transaction: its documents, its periods and the run's cursor, or nothing.
    async fn issue(self, id: Uuid) -> Result<Run, Error> {
        let Self { mut work, billing, after, last, due } = self;
        let mut run = store::lock_run(&work.tx, id).await?.ok_or_else(|| Error::not_found("invoice run"))?;
        if run.status != "running" || run.cursor_customer_id != after {
            // Stopped meanwhile, or somebody else went on with it.
            return Ok(run);
        }
        let Some(last) = last else {
            run.status = "finished".to_owned();
            run.finished_at = Some(work.at);
            let run = store::update_run(&work.tx, run).await?;
            work.done(Deed { verb: "invoice_run.finished", subject: "invoice_run", id, fields: "status" }).await?;
            return Ok(run);
        };
        run.cursor_customer_id = Some(last);
        let (mut prepared, mut orders, mut skips) = (Vec::new(), Vec::new(), Vec::new());
        for Due { customer, outcome } in due {
            match outcome {
                Err(reason) => skips.push(Skip {
                    org_id: run.org_id,
                    run_id: id,
                    customer_id: customer.row.id,
                    reason: reason.to_owned(),
                }),
                Ok((document, advanced, periods)) => {
                    orders.extend(advanced);
                    let id = work.id();
                    prepared.push(Prepared { id, customer, document, credits_invoice_id: None, periods });
                }
            }
        }
        let issued = issue_all(&mut work, &billing, prepared).await?;
        product::update_orders(&work.tx, &orders).await?;
        store::insert_skips(&work.tx, &skips).await?;
        run.issued_count += i64::try_from(issued.len()).unwrap_or_default();
        run.skipped_count += i64::try_from(skips.len()).unwrap_or_default();
        run.issued_ore += issued.iter().map(|i| i.total_ore).sum::<i64>();
        let run = store::update_run(&work.tx, run).await?;
        let deed = Deed { verb: "invoice_run.batch_issued", subject: "invoice_run", id, fields: "issued_count" };
        work.done(deed).await?;
        Ok(run)
    }
}

/// What is due of customers.
async fn collect(
    work: &Work<'_>,
    billing: &Billing,
    bill_on: NaiveDate,
    customers: &[Uuid],
) -> Result<Vec<Due>, Error> {
    let orders = product::list_due(&work.tx, bill_on, customers).await?;
    if orders.is_empty() {
        return Ok(Vec::new());
    }
    // Only orders with a period that was credited and is billed anew may have billed what comes after it.
    let reopened: Vec<Uuid> = orders.iter().filter(|o| o.next_period_no < o.billed_before_no).map(|o| o.id).collect();
    let billed = store::list_billed(&work.tx, &reopened).await?;
    let ids: Vec<Uuid> = orders.iter().map(|o| o.id).collect();
    let mut lines: HashMap<Uuid, Vec<StandingOrderLine>> = HashMap::new();
    for line in product::lines_of(&work.tx, &ids).await? {
        lines.entry(line.standing_order_id).or_default().push(line);
    }
    let mut by_customer: BTreeMap<Uuid, Vec<StandingOrder>> = BTreeMap::new();
    for order in orders {
        by_customer.entry(order.customer_id).or_default().push(order);
    }
    let customers: Vec<Uuid> = by_customer.keys().copied().collect();
    let pricing = Pricing {
        products: product::by_number(&work.tx).await?,
        vat: organisation::list_vat(&work.tx, billing.issued_on).await?,
        vat_registered: billing.org.vat_registered,
        bill_on,
        billed,
    };
    let customers = customer::load(&work.tx, &customers).await?;
    Ok(customers
        .into_iter()
        .map(|customer| {
            let orders = by_customer.remove(&customer.row.id).unwrap_or_default();
            let outcome = pricing.bill(billing, &customer, orders, &lines);
            Due { customer, outcome }
        })
        .collect())
}

/// What turns standing orders into lines.
struct Pricing {
    products: HashMap<String, Product>,
    vat: Vec<Vat>,
    vat_registered: bool,
    bill_on: NaiveDate,
    /// Periods billed already, of orders that bill some anew.
    billed: HashSet<(Uuid, i64)>,
}

/// The document, the standing orders moved on, and the periods billed.
type Billed = (Document, Vec<StandingOrder>, Vec<(Uuid, i64, NaiveDate)>);

impl Pricing {
    /// One document of everything due of a customer, or why it is skipped.
    fn bill(
        &self,
        billing: &Billing,
        customer: &Customer,
        orders: Vec<StandingOrder>,
        lines: &HashMap<Uuid, Vec<StandingOrderLine>>,
    ) -> Result<Billed, &'static str> {
        if customer.row.restricted_at.is_some() {
            return Err("restricted");
        }
        let (mut inputs, mut advanced, mut periods) = (Vec::new(), Vec::new(), Vec::new());
        let (mut from, mut to): (Option<NaiveDate>, Option<NaiveDate>) = (None, None);
        for mut order in orders {
            // Nothing that begins after the customer's last day is billed.
            let own = rhythm(&order);
            let end_on = [own.end_on, customer.row.ended_on].into_iter().flatten().min();
            let rhythm = Rhythm { end_on, ..own };
            let next = u32::try_from(order.next_period_no).map_err(|_| "invalid_standing_order")?;
            let is_billed = |n: u32| self.billed.contains(&(order.id, i64::from(n)));
            let due = rhythm.due(next, self.bill_on, MAX_PERIODS, is_billed);
            for (n, period) in &due {
                let part = rhythm.part(*period).filter(|_| order.prorate);
                for line in lines.get(&order.id).map(Vec::as_slice).unwrap_or_default() {
                    inputs.push(self.line(line, part, language(&billing.org, customer))?);
                }
                periods.push((order.id, i64::from(*n), period.from_on));
                widen(&mut from, &mut to, *period);
            }
            if let Some((last, _)) = due.last() {
                order.next_period_no = i64::from(*last) + 1;
                order.next_period_on = own.period(last + 1).map(|p| p.from_on);
                order.version += 1;
                advanced.push(order);
            }
        }
        if inputs.is_empty() {
            return Err(if customer.row.status == "active" { "nothing_due" } else { "customer_ended" });
        }
        let mut document = billing.priced(Kind::Invoice, customer, inputs).map_err(|_| "amount_too_large")?;
        document.delivered_from = from.unwrap_or(billing.issued_on);
        document.delivered_to = to.filter(|t| Some(*t) > from);
        if document.totals.total < Money::ZERO {
            return Err("negative_total");
        }
        if !domain::invoice::missing_elements(&document).is_empty() {
            return Err("mandatory_element_missing");
        }
        Ok((document, advanced, periods))
    }

    /// One line; of a period cut short only its share, and it says so.
    fn line(
        &self,
        line: &StandingOrderLine,
        part: Option<(u32, u32)>,
        language: Language,
    ) -> Result<LineInput, &'static str> {
        let product = self.products.get(&line.product_number).ok_or("unknown_product")?;
        if !product.active {
            return Err("inactive_product");
        }
        let vat = self.vat.iter().rfind(|v| v.code == product.vat_code).ok_or("unknown_vat_code")?;
        let mut description = product.name.clone();
        let mut quantity = Micro::from_micro(line.quantity_micro);
        if let Some((days, of)) = part {
            quantity = quantity.share(days, of).ok_or("amount_too_large")?;
            description.push_str(&part_words(days, of, language));
        }
        Ok(LineInput {
            description,
            quantity,
            unit: product.unit.clone(),
            unit_price: Micro::from_micro(line.price_micro.unwrap_or(product.price_micro)),
            discount_percent: Micro::from_micro(line.discount_micro),
            vat: domain::vat::on_document(vat.clone(), self.vat_registered),
            product: Some(product.number.clone()),
        })
    }
}

fn part_words(days: u32, of: u32, language: Language) -> String {
    match language {
        Language::Bokmal => format!(" ({days} av {of} dager)"),
        Language::Nynorsk => format!(" ({days} av {of} dagar)"),
        Language::English => format!(" ({days} of {of} days)"),
    }
}

fn widen(from: &mut Option<NaiveDate>, to: &mut Option<NaiveDate>, period: Period) {
    *from = Some(from.map_or(period.from_on, |f| f.min(period.from_on)));
    let end = period.to_on.unwrap_or(period.from_on);
    *to = Some(to.map_or(end, |t| t.max(end)));
}
