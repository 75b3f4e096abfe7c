//! What people of a simulation ask for about themselves, and how it is answered.

use super::Told;
use super::story::{Life, unless};
use super::world::World;
use crate::privacy::certificate;
use crate::privacy::request::{self, Decision, NewRequest, RequestView};
use crate::services::Actor;
use domain::customer::Language;
use std::collections::BTreeMap;
use uuid::Uuid;

impl Life {
    /// Requests of persons are answered in time, most of them long before it is over.
    pub(super) async fn answer(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
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
}

/// Somebody asks for something about themselves.
pub(super) async fn ask(world: &World, actor: &Actor, id: Uuid, told: &mut Told) -> anyhow::Result<()> {
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
