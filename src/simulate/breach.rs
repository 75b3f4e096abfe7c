//! A breach of a simulation: a key is stolen and read with, the case is opened, those concerned are found and written to, the
//! authority is told in time, and the case is closed.

use super::Told;
use super::story::Life;
use super::world::World;
use crate::ctx::Ctx;
use crate::privacy::affected::{self, Search};
use crate::privacy::breach::{self, BreachView, Facts, Notified};
use crate::privacy::reading;
use crate::services::Actor;
use crate::services::access::{self, Scope};
use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Hours left when the authority is told at the latest: there is no day after it.
const LAST_CALL: i64 = 30;

/// What the organisation has on paper of a breach, whatever becomes of its database.
pub(super) struct Noticed {
    id: Uuid,
    /// When it was noticed.
    since: DateTime<Utc>,
    is_harmless: bool,
    /// Whose key it was.
    thief: Uuid,
    authority_told_at: Option<DateTime<Utc>>,
}

fn facts(noticed_at: DateTime<Utc>, is_harmless: bool) -> Facts {
    let text = |text: &str| Some(text.to_owned());
    Facts {
        noticed_at: Some(noticed_at),
        happened_from_at: None,
        happened_until_at: None,
        what: text("En nøkkel til programmet kom på avveie."),
        categories: text("navn, adresse, e-post og fakturaer"),
        cause: text("Nøkkelen lå i et delt dokument."),
        consequences: text("Noen kan sende deg falske fakturaer."),
        measures: text("Nøkkelen er stengt. Sjekk kontonummeret før du betaler."),
        risk: text(if is_harmless { "none" } else { "high" }),
        not_notified_because: if is_harmless { text("Det som ble lest, var alt kjent.") } else { None },
        not_informed_because: None,
    }
}

impl Life {
    /// A key is stolen; some customers are read with it before it is noticed.
    pub(super) async fn theft(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, dice, actor) = (&world.ctx, &world.dice, self.actor.clone());
        let key = access::create_key(ctx, &actor, "regnskap", Scope::Read, None).await?;
        let (thief, _) = access::authenticate(ctx, &key.text, None).await?;
        let there: Vec<Uuid> = self.there().map(|(_, id)| id).collect();
        for _ in 0..3 + dice.below(6) {
            world.pass(1);
            if let Some(id) = dice.pick(&there) {
                reading::note(ctx, &thief, "customer.get", *id).await?;
            }
        }
        world.pass(10);
        access::revoke_key(ctx, &actor, key.id).await?;
        // The first is grave, so that every story has one.
        let is_harmless = !self.breaches.is_empty() && dice.once_in(3);
        let since = ctx.now();
        let id = breach::open(ctx, &actor, &facts(since, is_harmless)).await?;
        self.breaches.push(Noticed { id, since, is_harmless, thief: key.id, authority_told_at: None });
        told.count("breaches");
        Ok(())
    }

    /// Goes on with open cases: the authority is told in time, the rest is done some day.
    pub(super) async fn look_into_breaches(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, actor) = (&world.ctx, &self.actor);
        for case in breach::list(ctx, actor, true).await? {
            let Some(noticed) = self.breaches.iter_mut().find(|n| n.id == case.id) else { continue };
            let to_do = |what: &str| case.to_do.contains(&what);
            if to_do("notify_authority") {
                tell_authority(world, actor, noticed, &case, told).await?;
            }
            if to_do("tell_controller") && world.dice.once_in(2) {
                let notice = Notified { to: Some("controller".into()), ..Notified::default() };
                breach::notified(ctx, actor, case.id, &notice).await?;
            }
            if to_do("note_people") {
                find_people(ctx, actor, noticed, told).await?;
            } else if to_do("inform_people") && world.dice.once_in(3) {
                write_to_people(ctx, actor, case.id, told).await?;
            }
            if to_do("close") && world.dice.once_in(4) {
                breach::close(ctx, actor, case.id).await?;
                told.count("breaches closed");
            }
        }
        Ok(())
    }

    /// Cases of a database that was lost are opened again from what is on paper. Made at `made_at`, the backup has the others.
    pub(super) async fn reopen_breaches(&mut self, world: &World, made_at: DateTime<Utc>) -> anyhow::Result<()> {
        for noticed in self.breaches.iter_mut().filter(|n| n.since > made_at) {
            let facts = facts(noticed.since, noticed.is_harmless);
            noticed.id = breach::open(&world.ctx, &self.actor, &facts).await?;
        }
        Ok(())
    }
}

/// Tells the authority some day, and at the last call. What it was told before the database was lost is noted again.
async fn tell_authority(
    world: &World,
    actor: &Actor,
    noticed: &mut Noticed,
    case: &BreachView,
    told: &mut Told,
) -> anyhow::Result<()> {
    if noticed.authority_told_at.is_none() {
        if case.hours_left.is_some_and(|left| left > LAST_CALL) && !world.dice.once_in(3) {
            return Ok(());
        }
        told.count("breaches told to the authority");
    }
    let at = *noticed.authority_told_at.get_or_insert(world.ctx.now());
    let notice = Notified { at: Some(at), reference: Some("27/00123".into()), ..Notified::default() };
    Ok(breach::notified(&world.ctx, actor, case.id, &notice).await?)
}

/// Whoever was read of with the key; everybody where the log that knew was lost.
async fn find_people(ctx: &Ctx, actor: &Actor, noticed: &Noticed, told: &mut Told) -> anyhow::Result<()> {
    let from_at = Some(noticed.since - chrono::Duration::days(1));
    let by_key = Search { actor_id: Some(noticed.thief), from_at, ..Search::default() };
    let mut found = affected::search(ctx, actor, noticed.id, &by_key).await?;
    if found.people == 0 {
        let everybody = Search { everybody: true, ..Search::default() };
        found = affected::search(ctx, actor, noticed.id, &everybody).await?;
    }
    told.add("people concerned by a breach", usize::try_from(found.added).unwrap_or_default());
    Ok(())
}

/// Letters by mail and on paper. Whoever cannot be written to any more is told in public.
async fn write_to_people(ctx: &Ctx, actor: &Actor, id: Uuid, told: &mut Told) -> anyhow::Result<()> {
    let sent = affected::send(ctx, actor, id, true).await?;
    let posted = affected::posted(ctx, actor, id).await?;
    told.add("letters about a breach", usize::try_from(sent.mailed + posted).unwrap_or_default());
    let case = breach::get(ctx, actor, id).await?;
    if sent.waiting == 0 && case.to_do.contains(&"inform_people") {
        let public = Facts { not_informed_because: Some("Kunngjort på nettsiden.".into()), ..Facts::default() };
        breach::patch(ctx, actor, id, case.version, &public).await?;
    }
    Ok(())
}
