//! How things end in a simulation: the archive is handed to the organisation that keeps its own, and the organisation itself goes.

use super::Told;
use super::people::{CORE, marks};
use super::story::{Life, unless};
use super::world::World;
use crate::ctx::Ctx;
use crate::privacy::hand_over::{self, Scope};
use crate::privacy::{certificate, closing};
use crate::services::Actor;
use crate::services::organisation::{self, NewEnding};
use crate::store::organisation as store;
use anyhow::Context;
use chrono::{Datelike, Days, NaiveDate};
use std::collections::BTreeSet;
use std::io::Read;
use uuid::Uuid;

/// A package that was written and is not confirmed yet.
pub(super) struct Package {
    id: Uuid,
    sha256: String,
    /// Customers in it.
    nos: BTreeSet<u32>,
}

/// Where the organisation's own end stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Standing {
    /// It goes on.
    Served,
    /// Its last day is set.
    Ends(NaiveDate),
    /// It was deleted on this day.
    Gone(NaiveDate),
}

impl Life {
    /// Where the policy lets the organisation keep its archive it fetches it once a year, and some day says that it has it.
    pub(super) async fn hand_over(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        if !self.kept.is_handed_over {
            return Ok(());
        }
        let (ctx, today) = (&world.ctx, world.ctx.today());
        if let Some(package) = self.package.take_if(|_| world.dice.once_in(4)) {
            let confirmed = hand_over::confirm(ctx, &self.actor, package.id, &package.sha256).await;
            match unless(confirmed, &["not_found"])? {
                Some(confirmed) => {
                    self.handed_over.extend(taken(ctx, &self.actor, self, &package.nos).await?);
                    told.add("people whose archive was handed over", usize::try_from(confirmed.handed_over)?);
                }
                // An older database does not know the package: another one is written.
                None => self.packed_in = 0,
            }
        }
        // Whoever forgot it has another look in December.
        let is_due = self.packed_in != today.year() && (today.month() == 12 || world.dice.once_in(8));
        if is_due && hand_over::standing(ctx, &self.actor).await?.customers > 0 {
            self.packed_in = today.year();
            self.package = Some(write(ctx, &self.actor, Scope::Archive).await?);
            told.count("packages of the archive");
        }
        Ok(())
    }

    /// The organisation says that it leaves.
    pub(super) async fn end_agreement(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let ends_on = world.ctx.today() + Days::new(1) + Days::new(u64::try_from(world.dice.below(14))?);
        let ending = NewEnding { ends_on: Some(ends_on), keep_archive: false };
        organisation::end(&world.ctx, &self.actor, &ending).await?;
        self.standing = Standing::Ends(ends_on);
        told.count("agreements ended");
        Ok(())
    }

    /// Before the thirty days are over somebody fetches all there is.
    pub(super) async fn fetch_everything(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let Standing::Ends(ends_on) = self.standing else { return Ok(()) };
        if world.ctx.today() == ends_on + Days::new(20) {
            let everything = write(&world.ctx, &self.actor, Scope::Organisation).await?;
            let there: BTreeSet<u32> = self.there().map(|(no, _)| no).collect();
            let left_out: Vec<_> = there.difference(&everything.nos).collect();
            anyhow::ensure!(left_out.is_empty(), "customers {left_out:?} are not in the package of all there is");
            told.count("packages of all there is");
        }
        Ok(())
    }

    /// A week after the organisation is gone the database is lost as well: an older backup does not bring it back.
    pub(super) fn is_to_come_back(&self, today: NaiveDate) -> bool {
        matches!(self.standing, Standing::Gone(on) if today == on + Days::new(7))
    }

    /// Whether the organisation was deleted in the night. Whoever left has a certificate.
    pub(super) async fn hear_of_the_end(&mut self, ctx: &Ctx, told: &mut Told) -> anyhow::Result<()> {
        let Standing::Ends(_) = self.standing else { return Ok(()) };
        let tx = ctx.db.read(self.actor.org).await?;
        let is_there = store::find(&tx).await?.is_some();
        tx.commit().await?;
        if !is_there {
            let case = closing::certificate(ctx, self.actor.org).await?;
            anyhow::ensure!(certificate::is_genuine(&case) && case.done_at.is_some(), "the certificate does not hold");
            self.standing = Standing::Gone(ctx.today());
            self.gone = self.known.keys().copied().collect();
            told.count("organisations deleted whole");
        }
        Ok(())
    }
}

/// Writes a package, and reads who is in it.
async fn write(ctx: &Ctx, actor: &Actor, scope: Scope) -> anyhow::Result<Package> {
    let (made, file) = Box::pin(hand_over::write(ctx, actor, scope, "avtale om eget arkiv")).await?;
    let (_, hash) = hand_over::check(file.path())?;
    let mut zip = zip::ZipArchive::new(file.reopen()?)?;
    let mut people = Vec::new();
    zip.by_name("customers.csv").context("the package names nobody")?.read_to_end(&mut people)?;
    Ok(Package { id: made.id, sha256: domain::hex::encode(&hash), nos: marks(&people, CORE).collect() })
}

/// Those of a confirmed package whose copy here is gone; a hold, or something booked since, keeps some.
async fn taken(ctx: &Ctx, actor: &Actor, life: &Life, nos: &BTreeSet<u32>) -> anyhow::Result<Vec<u32>> {
    let tx = ctx.db.retain_look(actor.org).await?;
    let mut taken = Vec::new();
    for no in nos {
        if let Some(id) = life.known.get(no)
            && crate::store::hand_over::is_taken(&tx, *id).await?
        {
            taken.push(*no);
        }
    }
    tx.commit().await?;
    Ok(taken)
}
