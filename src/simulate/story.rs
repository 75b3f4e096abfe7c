//! What happens on the days of a simulation. Everything but who stands in the organisation's list is read from the database, so
//! that the story goes on after a restore as an organisation would.

use super::Told;
use super::checks;
use super::people::People;
use super::world::World;
use crate::backup::restore::{self, Request};
use crate::privacy::certificate;
use crate::privacy::consent::{self, NewConsent, Withdrawal};
use crate::privacy::hold::{self, NewHold};
use crate::privacy::request::{self, Decision, NewRequest, RequestView};
use crate::services::customer::{self, Ending, Input};
use crate::services::invoice::{CreditRequest, DraftLine, NewDraft, create_draft, credit, issue_draft};
use crate::services::payment::{self, ImportOptions, NewPayment, import};
use crate::services::run::{self, NewRun};
use crate::services::{Actor, Error, delivery};
use crate::store::views::{self, InvoiceItem};
use anyhow::Context;
use chrono::{Datelike, Days, NaiveDate};
use domain::calendar::is_banking_day;
use domain::customer::Language;
use domain::money::Micro;
use domain::privacy::{Period, Preset};
use formats::customer_list::Mode;
use formats::giro::{PaymentToWrite, write_ocr};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Customers an organisation begins with.
const BEGINNING: usize = 24;
/// Days of bank files somebody keeps, to be read again after a restore.
const KEPT_FILES: usize = 40;

/// How long the policy keeps what does not go with the relationship.
pub(super) struct Kept {
    /// What law asks for, from the end of the financial year.
    pub(super) years: Period,
    /// The address a document was sent to.
    pub(super) address: Period,
    /// A mail in the outbox.
    pub(super) mail: Period,
}

/// What a simulation knows that the database need not.
pub(super) struct Life {
    /// The organisation, acting.
    pub(super) actor: Actor,
    /// Customers by number in the organisation's list.
    pub(super) known: BTreeMap<u32, Uuid>,
    /// Those of them who are customers no more.
    pub(super) gone: BTreeSet<u32>,
    /// Those who were erased.
    pub(super) erased: BTreeMap<u32, Uuid>,
    /// Those who are to be, and the case that waits until nothing is owed.
    pub(super) waiting: BTreeMap<u32, Uuid>,
    /// When something was last booked on them.
    pub(super) last_booked: BTreeMap<u32, NaiveDate>,
    /// How long the policy keeps it.
    pub(super) kept: Kept,
    /// Those whose data is or was restricted: some day it is lifted, and they are told.
    restricted: BTreeSet<Uuid>,
    people: People,
    mode: Mode,
    account: String,
    files: Vec<Vec<u8>>,
    sequence: u32,
    /// Year and month of the last list, and of the last invoice run.
    listed_in: (i32, u32),
    billed_in: (i32, u32),
}

/// What one day's refusal may be: it is part of life.
fn unless<T>(done: Result<T, Error>, expected: &[&str]) -> anyhow::Result<Option<T>> {
    match done {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.code().is_some_and(|code| expected.contains(&code)) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

impl Life {
    pub(super) fn new(world: &World, actor: Actor, preset: Preset, account: &str, kept: Kept) -> Self {
        let mut people = People::new(preset != Preset::AssociationBilling);
        for _ in 0..BEGINNING {
            let one = people.join(&world.dice);
            world.join(&one.email(), one.org_number.as_deref());
        }
        Self {
            actor,
            known: BTreeMap::new(),
            gone: BTreeSet::new(),
            erased: BTreeMap::new(),
            waiting: BTreeMap::new(),
            last_booked: BTreeMap::new(),
            kept,
            restricted: BTreeSet::new(),
            people,
            // Where nobody tells of an ending, a list tells of changes alone.
            mode: if preset == Preset::InvoicingPlatform { Mode::Delta } else { Mode::Full },
            account: account.to_owned(),
            files: Vec::new(),
            sequence: 0,
            listed_in: (0, 0),
            billed_in: (0, 0),
        }
    }

    /// One day from morning to evening; `closing` once nobody new comes and everybody leaves.
    pub(super) async fn day(&mut self, world: &mut World, closing: bool, told: &mut Told) -> anyhow::Result<()> {
        let today = world.ctx.today();
        let month = (today.year(), today.month());
        if self.listed_in != month && today.day() > 1 {
            self.listed_in = month;
            self.sync(world, closing, told).await?;
        } else if self.billed_in != month && today.day() > 2 {
            self.billed_in = month;
            let new = NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) };
            run::start(&world.ctx, &self.actor, &new).await?;
            told.count("invoice runs");
            crate::jobs::drain_jobs(&world.ctx).await?;
        }
        if is_banking_day(today) {
            self.bank(world, told).await?;
        }
        self.answer(world, told).await?;
        self.wind_up_money(world, told).await?;
        if !closing {
            self.incidents(world, told).await?;
        }
        self.send(world).await
    }

    /// The organisation's list: some join, some leave, some move.
    async fn sync(&mut self, world: &World, closing: bool, told: &mut Told) -> anyhow::Result<()> {
        let dice = &world.dice;
        if !closing {
            for _ in 0..dice.below(3) {
                let one = self.people.join(dice);
                world.join(&one.email(), one.org_number.as_deref());
            }
        }
        let leaving = if closing { (self.people.active().len() / 3).max(1) } else { dice.below(2) };
        for _ in 0..leaving {
            let Some(i) = dice.pick(&self.people.active()).copied() else { continue };
            if self.mode == Mode::Full {
                self.people.all[i].listed = false;
            } else {
                self.people.all[i].billed = false;
            }
        }
        if let Some(i) = dice.pick(&self.people.active()).copied() {
            self.people.all[i].moves();
        }
        let ctx = &world.ctx;
        if !self.people.all.iter().any(|p| p.listed) {
            // An empty list is never read as everybody having left.
            return self.end_the_rest(world, told).await;
        }
        let list = self.people.list();
        let plan = customer::plan(ctx, &self.actor, &Input { bytes: &list, mode: self.mode }).await?;
        customer::apply(ctx, &self.actor, plan.id, closing).await?;
        told.count("customer lists");
        told.add("relationships ended by a list", plan.summary.counts.ending);
        // Whoever was erased and still stood in the list was passed by; now the other system has heard.
        let heard: Vec<u32> = self.erased.keys().copied().collect();
        for no in heard {
            self.person(no).listed = false;
        }
        self.learn(world).await
    }

    /// Ends by hand what relationships there are still.
    async fn end_the_rest(&self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        for id in self.known.iter().filter(|(no, _)| !self.gone.contains(no)).map(|(_, id)| *id) {
            let ending = Ending { reason: "laget legges ned".into(), ended_on: None };
            if unless(customer::end(&world.ctx, &self.actor, id, &ending).await, &["customer_ended"])?.is_some() {
                told.count("relationships ended by hand");
            }
        }
        Ok(())
    }

    fn person(&mut self, no: u32) -> &mut super::people::Person {
        let at = usize::try_from(no).unwrap_or(usize::MAX).saturating_sub(1);
        &mut self.people.all[at]
    }

    /// Learns the ids of those who are new.
    async fn learn(&mut self, world: &World) -> anyhow::Result<()> {
        let tx = world.ctx.db.read(self.actor.org).await?;
        let customers = views::customers(&tx, Uuid::nil(), 100_000).await?;
        tx.commit().await?;
        for one in customers {
            let no = one.number.parse().context("a customer number of the list is a number")?;
            self.known.insert(no, one.id);
        }
        Ok(())
    }

    /// Sends what is due, and hears what became of it.
    async fn send(&self, world: &World) -> anyhow::Result<()> {
        for _ in 0..3 {
            delivery::drain(&world.ctx).await?;
            delivery::poll_efaktura(&world.ctx).await?;
            world.pass(20);
        }
        let tx = world.ctx.db.read(self.actor.org).await?;
        let print = views::print_queue(&tx, 1000).await?;
        tx.commit().await?;
        for item in print {
            delivery::mark_posted(&world.ctx, &self.actor, item.id).await?;
        }
        Ok(())
    }

    async fn invoices(&self, world: &World) -> anyhow::Result<Vec<InvoiceItem>> {
        let tx = world.ctx.db.read(self.actor.org).await?;
        let all = views::invoices(&tx, Uuid::nil(), 100_000).await?;
        tx.commit().await?;
        Ok(all)
    }

    /// The bank's file of the day: most pay once, some a part, some twice, some with a number nobody knows.
    async fn bank(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, dice, today) = (&world.ctx, &world.dice, world.ctx.today());
        let mut payments = Vec::new();
        let mut pay = |kid: &str, amount_ore: i64| {
            payments.push(PaymentToWrite {
                kid: kid.to_owned(),
                amount_ore,
                kind: 10,
                settled_on: today,
                debit_account: Some("99990686021".to_owned()),
            });
        };
        for invoice in self.invoices(world).await?.iter().filter(|i| i.remaining_ore > 0) {
            let Some(kid) = invoice.kid.as_deref().filter(|_| dice.once_in(9)) else { continue };
            match dice.below(24) {
                0 => pay(kid, (invoice.remaining_ore / 2).max(1)),
                1 => {
                    pay(kid, invoice.remaining_ore);
                    pay(kid, invoice.remaining_ore);
                }
                2 => pay("4711471147114", 12_300),
                _ => pay(kid, invoice.remaining_ore),
            }
        }
        if payments.is_empty() {
            return Ok(());
        }
        self.sequence += 1;
        let file = write_ocr(self.sequence, &self.account, &payments);
        import(ctx, &self.actor, &file, ImportOptions::default()).await?;
        told.count("bank files");
        told.add("payments", payments.len());
        self.files.push(file);
        if self.files.len() > KEPT_FILES {
            self.files.remove(0);
        }
        Ok(())
    }

    /// Requests of persons are answered in time, most of them long before it is over.
    async fn answer(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        for asked in request::list(&world.ctx, &self.actor, true).await? {
            if asked.days_left > 3 && !world.dice.once_in(6) {
                continue;
            }
            self.decide(world, &asked, told).await?;
        }
        for id in &self.restricted {
            if world.dice.once_in(30) {
                let lifted = request::lift_restriction(&world.ctx, &self.actor, *id, true).await;
                unless(lifted, &["not_restricted", "not_found"])?;
            }
        }
        Ok(())
    }

    async fn decide(&mut self, world: &World, asked: &RequestView, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, actor) = (&world.ctx, self.actor.clone());
        let refused = Decision { decision: "refused".into(), grounds: Some("artikkel 12 (5) b".into()) };
        let granted = Decision { decision: "granted".into(), grounds: None };
        if asked.identity == "unknown" {
            request::identify(ctx, &actor, asked.id, true).await?;
        }
        let there = asked.subject_id.filter(|id| self.known.values().any(|known| known == id));
        let decision = if world.dice.once_in(8) { &refused } else { &granted };
        // Who has left meanwhile cannot be given what is not there.
        let decided = unless(request::decide(ctx, &actor, asked.id, decision).await, &["not_found", "archived"])?;
        let Some(done) = decided else {
            request::decide(ctx, &actor, asked.id, &refused).await?;
            return Ok(());
        };
        told.count("requests of persons answered");
        if done.decision.as_deref() != Some("granted") {
            return Ok(());
        }
        match (asked.kind.as_str(), there) {
            ("erasure", Some(id)) => {
                let no = self.known.iter().find(|(_, known)| **known == id).map(|(no, _)| *no);
                // One that waits for what is owed is done by itself later.
                if let (Some(no), Some(case)) = (no, done.erasure_id) {
                    self.waiting.insert(no, case);
                    self.person(no).billed = false;
                    told.count("people to be erased on request");
                }
            }
            ("restriction", Some(id)) => drop(self.restricted.insert(id)),
            ("access" | "portability", Some(_)) => {
                let zip = request::zip_of(ctx, &actor, asked.id, Language::Bokmal).await?;
                anyhow::ensure!(!zip.is_empty(), "the package of request {} is empty", asked.id);
            }
            ("rectification", Some(_)) => {
                for notice in done.notices {
                    request::told(ctx, &actor, asked.id, &notice.recipient).await?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Whose erasure has been carried out meanwhile. A case a restore took back waits again.
    pub(super) async fn hear_of_erasures(&mut self, world: &World) -> anyhow::Result<()> {
        let mut still = BTreeMap::new();
        for (no, case) in std::mem::take(&mut self.waiting) {
            let known = unless(certificate::get(&world.ctx, &self.actor, case).await, &["not_found"])?;
            match (known.and_then(|c| c.done_at), self.known.get(&no)) {
                (Some(_), Some(id)) => drop(self.erased.insert(no, *id)),
                _ => drop(still.insert(no, case)),
            }
        }
        self.waiting = still;
        Ok(())
    }

    /// Money that waits is placed or paid back; what nobody pays is credited after some months.
    async fn wind_up_money(&self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, actor, dice) = (&world.ctx, &self.actor, &world.dice);
        let tx = ctx.db.read(actor.org).await?;
        let waiting = views::payments(&tx, None, true, Uuid::nil(), 1000).await?;
        tx.commit().await?;
        for payment in waiting {
            if dice.once_in(6) {
                if payment.reason == "suspected_duplicate" {
                    unless(payment::confirm(ctx, actor, payment.id).await, &["not_suspected"])?;
                }
                unless(payment::refund(ctx, actor, payment.id).await, &["nothing_unallocated"])?;
                told.count("payments paid back");
            }
        }
        for invoice in self.invoices(world).await? {
            let old = invoice.due_on.is_some_and(|due| due + Days::new(90) < ctx.today());
            if !old || invoice.remaining_ore <= 0 || !dice.once_in(10) {
                continue;
            }
            if dice.once_in(2) {
                let paid = NewPayment {
                    amount_ore: invoice.remaining_ore,
                    booked_on: None,
                    invoice_id: Some(invoice.id),
                    customer_id: None,
                };
                payment::register(ctx, actor, &paid).await?;
                told.count("payments registered by hand");
            } else {
                let reason = Some("Ettergitt".to_owned());
                let asked = CreditRequest { reason, ..CreditRequest::default() };
                if unless(
                    credit(ctx, actor, invoice.id, &asked).await,
                    &["credit_above_remaining", "credit_not_positive", "archived"],
                )?
                .is_some()
                {
                    told.count("invoices credited");
                }
            }
        }
        for held in hold::list(ctx, actor, false, Uuid::nil(), 1000).await? {
            if dice.once_in(25) {
                hold::release(ctx, actor, held.id).await?;
            }
        }
        Ok(())
    }

    /// What happens to one or another on some days.
    async fn incidents(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, actor, dice) = (&world.ctx, self.actor.clone(), &world.dice);
        let there: Vec<(u32, Uuid)> =
            self.known.iter().filter(|(no, _)| !self.gone.contains(no)).map(|(no, id)| (*no, *id)).collect();
        let Some((_, id)) = dice.pick(&there).copied() else { return Ok(()) };
        match dice.below(60) {
            0..=3 => ask(world, &actor, id, told).await?,
            4 => dispute(world, &actor, id, told).await?,
            5..=6 => {
                let given = NewConsent {
                    purpose: "newsletter".into(),
                    channel: "mail".into(),
                    text_version: "1".into(),
                    given_by: "skjema".into(),
                    proof: None,
                };
                consent::give(ctx, &actor, id, &given).await?;
                told.count("consents given");
            }
            7 => {
                consent::withdraw(ctx, &actor, id, &Withdrawal { purpose: None, channel: None }).await?;
                told.count("consents withdrawn");
            }
            8..=10 => {
                let drafted = create_draft(ctx, &actor, &draft(id)).await;
                if let Some(drafted) = unless(drafted, &["customer_ended", "restricted"])? {
                    told.count("drafts");
                    if dice.once_in(2) {
                        unless(issue_draft(ctx, &actor, drafted).await, &["customer_ended", "restricted"])?;
                    }
                }
            }
            11 => {
                let ending = Ending { reason: "oppsagt".into(), ended_on: Some(ctx.today() + Days::new(14)) };
                unless(customer::end(ctx, &actor, id, &ending).await, &["customer_ended", "restricted"])?;
                told.count("relationships ended by hand");
            }
            12 => {
                let broken = b"Kundenr;Navn;E-post\n1;\"ikke lukket".to_vec();
                let input = Input { bytes: &broken, mode: Mode::Delta };
                anyhow::ensure!(customer::plan(ctx, &actor, &input).await.is_err(), "a broken list was taken in");
                told.count("lists refused");
            }
            _ => {}
        }
        Ok(())
    }

    /// The database is lost: an older backup is restored elsewhere, and life goes on there. Bank files since are read again.
    pub(super) async fn disaster(&mut self, world: &mut World, told: &mut Told) -> anyhow::Result<()> {
        let mut backups = crate::backup::Vault::open(&world.ctx.config)?.backups().await?;
        backups.sort_by_key(|m| std::cmp::Reverse(m.made_at));
        let reach = backups.len().min(12);
        if reach == 0 {
            return Ok(());
        }
        let manifest = &backups[world.dice.below(reach)];
        let Some(config) = world.next_place() else { return Ok(()) };
        let asked =
            Request { name: Some(&manifest.name), identity: &world.identity, trust_key: Some(&manifest.public_key) };
        restore::load(&config, &asked).await?;
        crate::store::migrate(&config.database).await?;
        let ctx = world.context(config).await?;
        let done = restore::open(&ctx).await?;
        world.move_to(ctx).await;
        told.count("databases lost and restored");
        told.add("people erased again by a restore", usize::try_from(done.erased_again).unwrap_or(usize::MAX));
        let lost: i64 = done.lost_numbers.iter().map(|l| l.last_no - l.first_no + 1).sum();
        told.add("invoice numbers lost in a restore, and explained", usize::try_from(lost).unwrap_or_default());
        // Whoever joined since is gone, and has another id when the next list comes.
        self.gone = checks::gone(&world.ctx, &self.actor, &self.known).await?;
        for file in &self.files {
            import(&world.ctx, &self.actor, file, ImportOptions::default()).await?;
        }
        self.learn(world).await
    }
}

/// Somebody asks for something about themselves.
async fn ask(world: &World, actor: &Actor, id: Uuid, told: &mut Told) -> anyhow::Result<()> {
    let kinds = ["access", "rectification", "erasure", "erasure", "restriction", "objection", "portability"];
    let asked = NewRequest {
        kind: world.dice.pick(&kinds).copied().unwrap_or("access").into(),
        subject_kind: "customer".into(),
        subject_id: id,
        channel: "mail".into(),
        received_on: None,
        wish: None,
    };
    request::receive(&world.ctx, actor, &asked).await?;
    told.count("requests of persons received");
    Ok(())
}

/// Somebody disputes what they are to pay.
async fn dispute(world: &World, actor: &Actor, id: Uuid, told: &mut Told) -> anyhow::Result<()> {
    let placed = NewHold {
        kind: "dispute".into(),
        subject_kind: "customer".into(),
        subject_id: id,
        reason: "bestrider kravet".into(),
        owner: "kasserer".into(),
        review_on: world.ctx.today() + Days::new(60),
    };
    hold::place(&world.ctx, actor, &placed).await?;
    told.count("holds placed");
    Ok(())
}

/// A course, invoiced by hand.
fn draft(customer_id: Uuid) -> NewDraft {
    NewDraft {
        customer_id,
        lines: vec![DraftLine {
            product_number: Some("KURS".into()),
            description: None,
            quantity: Micro::ONE,
            unit: None,
            unit_price: None,
            discount_percent: Micro::ZERO,
            vat_code: None,
        }],
        due_on: None,
        delivered_from: None,
        delivered_to: None,
        delivery_place: None,
        note: None,
    }
}
