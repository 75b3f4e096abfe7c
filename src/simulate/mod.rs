//! Years in seconds: a made-up organisation lives by a policy under a clock that moves when told, beside made-up counterparts,
//! and everything that must always hold is looked at every simulated night.
//!
//! `world` is the clock, the dice and the counterparts, `people` the customers, `story` what happens by day (`incidents`: to one or
//! another; `requests`: what people ask for; `breach`; `closing`: how it ends), `checks` what must hold by night. A new kind of
//! event: an arm in `incidents`; a new invariant: a line in `checks::night`.

mod breach;
mod checks;
mod closing;
mod incidents;
mod people;
mod requests;
mod story;
mod world;

pub use world::Places;

use crate::ctx::Ctx;
use crate::jobs;
use crate::privacy::policy::{self, NewPolicy};
use crate::privacy::retention;
use crate::privacy::statement::{self, NewStatement};
use crate::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use crate::services::product::{self, NewProduct};
use crate::services::{Actor, Error};
use crate::store::traces;
use chrono::{DateTime, Days, NaiveDate, Utc};
use closing::Standing;
use domain::money::Micro;
use domain::privacy::{Custody, Period, Preset, RuleId};
use serde::Serialize;
use serde_json::Value;
use std::collections::BTreeMap;
use story::{Kept, Life};
use thiserror::Error;
use uuid::Uuid;
use world::{World, at};

const ACCOUNT: &str = "12345678903";

/// How a story ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Customers leave one after the other, and the organisation goes on.
    Customers,
    /// The organisation ends its agreement: after thirty days all of it is deleted.
    Organisation,
}

/// What is played.
pub struct Script {
    /// Kind of organisation.
    pub preset: Preset,
    /// What its policy changes of the preset, as `privacy policy publish` takes it.
    pub changes: Value,
    /// The same seed plays the same story.
    pub seed: u64,
    /// First day.
    pub from: NaiveDate,
    /// Days people join, pay, move, ask and leave.
    pub days: u32,
    /// Days afterwards, in which everybody leaves and what is kept runs out: where customers leave each third is looked at; after
    /// 200 one in three weeks.
    pub closing_days: u32,
    /// Who leaves in them.
    pub end: End,
    /// Nights between two backups, at least 1.
    pub backup_every: u32,
}

/// Something that must always hold does not.
#[derive(Debug, Error)]
#[error("night before {night}: {check}: {finding}")]
pub struct Broken {
    /// The morning it was found.
    pub night: NaiveDate,
    /// What was checked.
    pub check: &'static str,
    /// What was found instead.
    pub finding: String,
}

/// What a rule removed in all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Removed {
    /// The clock.
    pub rule: RuleId,
    /// What the rows are.
    pub what: String,
    /// How long they are kept.
    pub period: Period,
    /// How many went.
    pub rows: i64,
    /// The first day some went.
    pub first_on: NaiveDate,
    /// The last.
    pub last_on: NaiveDate,
}

/// What a simulation came to.
#[derive(Debug, Serialize)]
pub struct Outcome {
    /// Kind of organisation.
    pub preset: &'static str,
    /// Its seed.
    pub seed: u64,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub to: NaiveDate,
    /// What happened, counted.
    pub happened: BTreeMap<&'static str, usize>,
    /// What the policy removed.
    pub removed: Vec<Removed>,
    /// Customers there were, and of them: who are customers still, who are in the archive, and of whom nothing is left.
    pub people: Left,
    /// What was looked at each night, and how often it held.
    pub held: BTreeMap<&'static str, u64>,
}

/// What is left of people.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Left {
    /// Customers there ever were.
    pub ever: usize,
    /// Customers still.
    pub customers: usize,
    /// In the archive alone, as the bookkeeping act asks.
    pub archived: usize,
    /// Of whom nothing is left.
    pub nothing: usize,
}

/// What happened, counted as it is told.
#[derive(Default)]
pub(crate) struct Told {
    counts: BTreeMap<&'static str, usize>,
    removed: Vec<Removed>,
    looked_at: DateTime<Utc>,
}

impl Told {
    fn removed(&mut self, item: retention::Item, today: NaiveDate) {
        match self.removed.iter_mut().find(|r| r.rule == item.rule && r.what == item.what) {
            Some(known) => {
                known.rows += item.deleted;
                known.last_on = today;
            }
            None => self.removed.push(Removed {
                rule: item.rule,
                what: item.what,
                period: item.period,
                rows: item.deleted,
                first_on: today,
                last_on: today,
            }),
        }
        self.removed.sort_by_key(|r| r.rule);
    }

    fn count(&mut self, what: &'static str) {
        self.add(what, 1);
    }

    fn add(&mut self, what: &'static str, how_many: usize) {
        *self.counts.entry(what).or_default() += how_many;
    }
}

/// Plays a script. `watch` is told each day and how many there are.
pub async fn play(script: &Script, places: Places, mut watch: impl FnMut(u32, u32)) -> anyhow::Result<Outcome> {
    let mut world = World::open(places, script.seed, script.from).await?;
    let actor = Actor::operator(organisation::create(&world.ctx, organisation(script.preset)).await?);
    let kept = begin(&world.ctx, &actor, script).await?;
    let mut life = Life::new(&world, actor, script.preset, ACCOUNT, kept);
    let (mut told, mut held) = (Told::default(), checks::Checked::new());
    let all = script.days + script.closing_days;
    let (thefts, disasters) = (once_a_year(script, &world), once_a_year(script, &world));
    let mut day = 0;
    while day < all {
        let closing = day >= script.days;
        // Afterwards little happens: the clock leaps, as it does when a service stood still.
        day += match script.end {
            _ if closing && day > script.days + 200 => 21,
            End::Customers if closing => 3,
            _ => 1,
        };
        let today = script.from + Days::new(u64::from(day));
        watch(day, all);
        world.set(at(today, 8, 30));
        if thefts.contains(&day) {
            life.theft(&world, &mut told).await?;
        }
        if disasters.contains(&day) || life.is_to_come_back(today) {
            life.disaster(&mut world, &mut told).await?;
        }
        if closing && script.end == End::Organisation && life.standing == Standing::Served {
            life.end_agreement(&world, &mut told).await?;
        }
        life.day(&mut world, closing, &mut told).await?;
        night(&world, script, today, day, &mut life, &mut told).await?;
        checks::night(&world.ctx, &life.actor, &life, &mut held).await?;
    }
    let people = checks::people(&world.ctx, &life.actor, &life).await?;
    world.ctx.db.close().await;
    Ok(Outcome {
        preset: script.preset.as_str(),
        seed: script.seed,
        from: script.from,
        to: script.from + Days::new(u64::from(all)),
        happened: told.counts,
        removed: told.removed,
        people,
        held,
    })
}

/// One day in each year, begun or whole, for what happens once a year.
fn once_a_year(script: &Script, world: &World) -> Vec<u32> {
    let years = script.days.div_ceil(365);
    let on = |year: u32| {
        let (first, last) = (year * 365, script.days.min(year * 365 + 365));
        let room = usize::try_from((last - first) / 2).unwrap_or(1);
        (last - first) / 4 + first + u32::try_from(world.dice.below(room)).unwrap_or_default()
    };
    (0..years).map(on).collect()
}

/// The nightly jobs at their hours.
async fn night(
    world: &World,
    script: &Script,
    today: NaiveDate,
    day: u32,
    life: &mut Life,
    told: &mut Told,
) -> anyhow::Result<()> {
    let ctx = if day.is_multiple_of(script.backup_every.max(1)) {
        world.ctx.clone()
    } else {
        let mut config = crate::config::Config::clone(&world.ctx.config);
        config.backup.recipients.clear();
        Ctx { config: std::sync::Arc::new(config), ..world.ctx.clone() }
    };
    let morning = today + Days::new(1);
    for (hour, minute) in [(2, 40), (3, 20), (5, 0)] {
        world.set(at(morning, hour, minute));
        jobs::enqueue_due(&ctx).await?;
        jobs::drain_jobs(&ctx).await?;
    }
    life.hear_of_the_end(&ctx, told).await?;
    if let Standing::Gone(_) = life.standing {
        return Ok(());
    }
    note_removed(&ctx, &life.actor, told).await?;
    life.hear_of_erasures(world).await?;
    life.gone = checks::gone(&ctx, &life.actor, &life.known).await?;
    let tx = ctx.db.read(life.actor.org).await?;
    let booked: BTreeMap<Uuid, NaiveDate> =
        traces::last_booked(&tx).await?.into_iter().map(|l| (l.customer_id, l.booked_on)).collect();
    tx.commit().await?;
    for (no, id) in &life.known {
        if let Some(on) = booked.get(id) {
            life.last_booked.insert(*no, *on);
        }
    }
    Ok(())
}

/// Adds what the reports since the last look say.
async fn note_removed(ctx: &Ctx, actor: &Actor, told: &mut Told) -> Result<(), Error> {
    let (today, since) = (ctx.today(), told.looked_at);
    let reports = retention::list(ctx, actor).await?.into_iter();
    for report in reports.filter(|r| r.executed_at.is_some_and(|at| at > since)) {
        for item in report.items.into_iter().filter(|i| i.deleted > 0) {
            told.removed(item, today);
        }
    }
    told.looked_at = ctx.now();
    Ok(())
}

/// Products, the policy, and the statement it makes. How long the policy keeps what outlives a relationship.
async fn begin(ctx: &Ctx, actor: &Actor, script: &Script) -> anyhow::Result<Kept> {
    let vat_code = if script.preset == Preset::AssociationBilling { "6" } else { "3" };
    for (number, name, price, every_months) in
        [("FAST", "Fast avgift", "125", 1), ("AAR", "Årsavgift", "600", 12), ("KURS", "Kurs", "450", 12)]
    {
        let new = NewProduct {
            number: number.to_owned(),
            name: name.to_owned(),
            unit: "H87".to_owned(),
            unit_price: Micro::parse(price)?,
            vat_code: vat_code.to_owned(),
            every_months,
        };
        product::create(ctx, actor, new).await?;
    }
    let new =
        NewPolicy { preset: script.preset.as_str().to_owned(), changes: script.changes.clone(), valid_from: None };
    policy::publish(ctx, actor, &new).await?;
    retention::plan(ctx, actor).await?;
    let newest = policy::current(ctx, actor).await?;
    policy::approve(ctx, actor, newest.version_no).await?;
    let new = NewStatement { responsible: Some("daglig leder".to_owned()), ..NewStatement::default() };
    statement::publish(ctx, actor, &new).await?;
    crate::services::delivery::register_efaktura(ctx, actor).await?;
    let books = [RuleId::CustomerCore, RuleId::IssuedDocument, RuleId::Ledger, RuleId::Payment, RuleId::OpenItem];
    let period = |rule: RuleId| newest.policy.rule(rule).and_then(|r| r.period).unwrap_or(Period::NONE);
    let longest = books.into_iter().map(period).fold(Period::NONE, |a, b| if a.is_at_least(b) { a } else { b });
    Ok(Kept {
        years: longest,
        address: period(RuleId::DeliveryAddress),
        mail: period(RuleId::MailBody),
        concerned: period(RuleId::BreachPersons),
        breach: period(RuleId::BreachCase),
        is_handed_over: newest.policy.archive_custody == Custody::Tenant,
    })
}

fn organisation(preset: Preset) -> NewOrganisation {
    let association = preset == Preset::AssociationBilling;
    NewOrganisation {
        name: if association { "Fjellbygda idrettslag" } else { "Fjordby tjenester AS" }.to_owned(),
        org_number: Some("312345676".to_owned()),
        legal_form: if association { "FLI" } else { "AS" }.to_owned(),
        vat_registered: !association,
        street: Some("Idrettsveien 1".to_owned()),
        postal_code: Some("7760".to_owned()),
        city: Some("Snåsa".to_owned()),
        email: "kasserer@fjellbygda.example".to_owned(),
        phone: None,
        privacy_url: Some("fjellbygda.example/personvern".to_owned()),
        language: "nb".to_owned(),
        terms_days: 14,
        fiscal_year_start_month: 1,
        first_invoice_number: None,
        accept_dpa: Some(DPA_VERSION.to_owned()),
        privacy_preset: Some(preset.as_str().to_owned()),
        bank_account: Some(NewBankAccount {
            account_no: ACCOUNT.to_owned(),
            name: "Drift".to_owned(),
            kid_modulus: "mod10".to_owned(),
            kid_customer_digits: 7,
            kid_invoice_digits: 7,
        }),
    }
}
