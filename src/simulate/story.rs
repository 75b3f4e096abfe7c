//! What happens on the days of a simulation. Everything but who stands in the organisation's list is read from the database, so
//! that the story goes on after a restore as an organisation would.

use super::Told;
use super::breach::Noticed;
use super::checks;
use super::closing::{Package, Standing};
use super::people::{People, no_of, number};
use super::world::World;
use crate::backup::restore::{self, Request};
use crate::privacy::hold;
use crate::services::customer::{self, Ending, Input, Renumbering};
use crate::services::invoice::{CreditRequest, credit};
use crate::services::payment::{self, ImportOptions, NewPayment, import};
use crate::services::run::{self, NewRun};
use crate::services::{Actor, Error, delivery};
use crate::store::views::{self, InvoiceItem};
use anyhow::Context;
use chrono::{Datelike, Days, NaiveDate};
use domain::calendar::is_banking_day;
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
    /// Whom a breach concerned, from when they were told.
    pub(super) concerned: Period,
    /// A breach, from when it was closed.
    pub(super) breach: Period,
    /// The organisation keeps its archive itself.
    pub(super) is_handed_over: bool,
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
    /// Those whose archive the organisation has confirmed to have.
    pub(super) handed_over: BTreeSet<u32>,
    /// The package of the archive that waits for a word, and the year of the last one.
    pub(super) package: Option<Package>,
    pub(super) packed_in: i32,
    /// Whether the organisation itself goes on.
    pub(super) standing: Standing,
    /// What is on paper of breaches.
    pub(super) breaches: Vec<Noticed>,
    /// Those whose data is or was restricted: some day it is lifted, and they are told.
    pub(super) restricted: BTreeSet<Uuid>,
    /// Contact persons who were removed: they come back with an older database, and are removed again.
    pub(super) removed: BTreeSet<u32>,
    /// Contact persons who were erased: they never come back.
    pub(super) erased_contacts: BTreeSet<u32>,
    pub(super) people: People,
    mode: Mode,
    account: String,
    files: Vec<Vec<u8>>,
    sequence: u32,
    /// Year and month of the last list, and of the last invoice run.
    listed_in: (i32, u32),
    billed_in: (i32, u32),
}

/// What one day's refusal may be: it is part of life.
pub(super) fn unless<T>(done: Result<T, Error>, expected: &[&str]) -> anyhow::Result<Option<T>> {
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
            handed_over: BTreeSet::new(),
            package: None,
            packed_in: 0,
            standing: Standing::Served,
            breaches: Vec::new(),
            restricted: BTreeSet::new(),
            removed: BTreeSet::new(),
            erased_contacts: BTreeSet::new(),
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

    /// Customers there are.
    pub(super) fn there(&self) -> impl Iterator<Item = (u32, Uuid)> {
        self.known.iter().filter(|(no, _)| !self.gone.contains(no)).map(|(no, id)| (*no, *id))
    }

    /// One day from morning to evening; `closing` once nobody new comes and everybody leaves.
    pub(super) async fn day(&mut self, world: &mut World, closing: bool, told: &mut Told) -> anyhow::Result<()> {
        let today = world.ctx.today();
        match self.standing {
            Standing::Gone(_) => return Ok(()),
            Standing::Ends(on) if on < today => {}
            _ => self.bill(world, closing, told).await?,
        }
        let mut open = self.open_invoices(world).await?;
        if is_banking_day(today) {
            self.bank(world, &mut open, told).await?;
        }
        self.answer(world, told).await?;
        self.look_into_breaches(world, told).await?;
        self.hand_over(world, told).await?;
        self.fetch_everything(world, told).await?;
        self.wind_up_money(world, &open, told).await?;
        if !closing {
            // Whoever was erased this morning is asked for nothing any more.
            self.gone = checks::gone(&world.ctx, &self.actor, &self.known).await?;
            self.incidents(world, told).await?;
        }
        self.send(world).await
    }

    /// Once a month a list comes, and the day after it everybody is billed.
    async fn bill(&mut self, world: &World, closing: bool, told: &mut Told) -> anyhow::Result<()> {
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
        Ok(())
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
        self.people.hear_of_numbers();
        self.renumber_one(world, told).await?;
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

    /// Somebody in the list is given another number here; the list still has the one before.
    async fn renumber_one(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let Some(i) = world.dice.pick(&self.people.listed()).copied() else { return Ok(()) };
        let (no, times) = (self.people.all[i].no, self.people.all[i].renumbered + 1);
        let Some(id) = self.known.get(&no).filter(|_| !self.gone.contains(&no)) else { return Ok(()) };
        let asked = Renumbering { number: number(no, times) };
        customer::renumber(&world.ctx, &self.actor, *id, &asked).await?;
        self.people.all[i].renumbered = times;
        told.count("customers given another number");
        Ok(())
    }

    /// Gives the numbers again that a database that was lost knew.
    async fn renumber_again(&self, world: &World) -> anyhow::Result<()> {
        let tx = world.ctx.db.read(self.actor.org).await?;
        let customers = views::customers(&tx, Uuid::nil(), 100_000).await?;
        tx.commit().await?;
        for one in customers {
            let Some(person) = no_of(&one.number).and_then(|no| self.people.all.iter().find(|p| p.no == no)) else {
                continue;
            };
            let number = number(person.no, person.renumbered);
            if one.number != number {
                customer::renumber(&world.ctx, &self.actor, one.id, &Renumbering { number }).await?;
            }
        }
        Ok(())
    }

    /// Ends by hand what relationships there are still.
    async fn end_the_rest(&self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        for (_, id) in self.there() {
            let ending = Ending { reason: "laget legges ned".into(), ended_on: None };
            if unless(customer::end(&world.ctx, &self.actor, id, &ending).await, &["customer_ended"])?.is_some() {
                told.count("relationships ended by hand");
            }
        }
        Ok(())
    }

    pub(super) fn person(&mut self, no: u32) -> &mut super::people::Person {
        let at = usize::try_from(no).unwrap_or(usize::MAX).saturating_sub(1);
        &mut self.people.all[at]
    }

    /// Learns the ids of those who are new.
    async fn learn(&mut self, world: &World) -> anyhow::Result<()> {
        let tx = world.ctx.db.read(self.actor.org).await?;
        let customers = views::customers(&tx, Uuid::nil(), 100_000).await?;
        tx.commit().await?;
        for one in customers {
            let no = no_of(&one.number).context("a customer number is none that was given")?;
            if self.known.insert(no, one.id) != Some(one.id) {
                // Who comes back is a customer anew, with an archive of their own.
                self.handed_over.remove(&no);
            }
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

    /// What is owed this morning.
    async fn open_invoices(&self, world: &World) -> anyhow::Result<Vec<InvoiceItem>> {
        let tx = world.ctx.db.read(self.actor.org).await?;
        let mut all = views::invoices(&tx, Uuid::nil(), 100_000).await?;
        tx.commit().await?;
        all.retain(|i| i.remaining_ore > 0);
        Ok(all)
    }

    /// The bank's file of the day: most pay once, some a part, some twice, some with a number nobody knows. Who pays is taken out
    /// of what is open.
    async fn bank(&mut self, world: &World, open: &mut Vec<InvoiceItem>, told: &mut Told) -> anyhow::Result<()> {
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
        open.retain(|invoice| {
            let Some(kid) = invoice.kid.as_deref().filter(|_| dice.once_in(9)) else { return true };
            match dice.below(24) {
                0 => pay(kid, (invoice.remaining_ore / 2).max(1)),
                1 => {
                    pay(kid, invoice.remaining_ore);
                    pay(kid, invoice.remaining_ore);
                }
                2 => pay("4711471147114", 12_300),
                _ => pay(kid, invoice.remaining_ore),
            }
            false
        });
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

    /// Money that waits is placed or paid back; what nobody pays is credited after some months.
    async fn wind_up_money(&self, world: &World, open: &[InvoiceItem], told: &mut Told) -> anyhow::Result<()> {
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
        for invoice in open {
            let old = invoice.due_on.is_some_and(|due| due + Days::new(90) < ctx.today());
            if !old || !dice.once_in(10) {
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
        if self.standing != Standing::Served {
            return Ok(());
        }
        told.add("people erased again by a restore", usize::try_from(done.erased_again).unwrap_or(usize::MAX));
        let lost: i64 = done.lost_numbers.iter().map(|l| l.last_no - l.first_no + 1).sum();
        told.add("invoice numbers lost in a restore, and explained", usize::try_from(lost).unwrap_or_default());
        self.reopen_breaches(world, manifest.made_at).await?;
        self.renumber_again(world).await?;
        // Whoever joined since is gone, and has another id when the next list comes.
        self.gone = checks::gone(&world.ctx, &self.actor, &self.known).await?;
        // Who owes something by the older books is no more in the archive than here.
        self.handed_over.retain(|no| self.gone.contains(no));
        for file in &self.files {
            import(&world.ctx, &self.actor, file, ImportOptions::default()).await?;
        }
        self.learn(world).await?;
        self.remove_contacts_again(world).await
    }
}
