//! What happens to one or another on some days of a simulation.

use super::Told;
use super::people::{CONTACT, contact, marks};
use super::requests::ask;
use super::story::{Life, unless};
use super::world::World;
use crate::privacy::consent::{self, NewConsent, Withdrawal};
use crate::privacy::erase::erase;
use crate::privacy::explain::Subject;
use crate::privacy::hold::{self, NewHold};
use crate::services::Actor;
use crate::services::customer::{self, Ending, Input, NewContact};
use crate::services::invoice::{NewDraft, create_draft, issue_draft};
use chrono::Days;
use formats::customer_list::Mode;
use uuid::Uuid;

impl Life {
    /// What happens to one or another on some days.
    pub(super) async fn incidents(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let (ctx, actor, dice) = (&world.ctx, self.actor.clone(), &world.dice);
        let there: Vec<(u32, Uuid)> = self.there().collect();
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
                let drafted = create_draft(ctx, &actor, &NewDraft::of_one(id, "KURS")).await;
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
            13..=14 => self.add_contact(world, told).await?,
            15..=18 => self.remove_contact(world, told).await?,
            _ => {}
        }
        Ok(())
    }

    /// Contact persons there are: of whom, which, and the number in their marks.
    async fn contacts(&self, world: &World) -> anyhow::Result<Vec<(Uuid, Uuid, u32)>> {
        let mut found = Vec::new();
        for (_, of) in self.there() {
            for contact in customer::contacts(&world.ctx, &self.actor, of).await? {
                let name = contact.name.unwrap_or_default();
                found.extend(marks(name.as_bytes(), CONTACT).map(|no| (of, contact.id, no)));
            }
        }
        Ok(found)
    }

    /// Somebody else is to be asked for a customer, besides those in the list.
    async fn add_contact(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let there: Vec<(u32, Uuid)> = self.there().collect();
        let Some((no, id)) = world.dice.pick(&there).copied() else { return Ok(()) };
        let (name, email) = contact(no, self.people.next_contact());
        let new = NewContact { name, role: Some("verge".into()), email: Some(email), phone: None };
        if unless(customer::add_contact(&world.ctx, &self.actor, id, &new).await, &["customer_ended"])?.is_some() {
            told.count("contact persons added");
        }
        Ok(())
    }

    /// A contact person goes and the customer stays: by hand, or erased by wish.
    async fn remove_contact(&mut self, world: &World, told: &mut Told) -> anyhow::Result<()> {
        let Some((customer, id, no)) = world.dice.pick(&self.contacts(world).await?).copied() else { return Ok(()) };
        if world.dice.once_in(2) {
            erase(&world.ctx, &self.actor, Subject::Contact { customer, id }).await?;
            self.erased_contacts.insert(no);
            told.count("contact persons erased on request");
        } else {
            customer::remove_contact(&world.ctx, &self.actor, customer, id).await?;
            self.removed.insert(no);
            told.count("contact persons removed");
        }
        // The list names nobody who has gone.
        for person in self.people.all.iter_mut().filter(|p| p.contact == Some(no)) {
            person.contact = None;
        }
        Ok(())
    }

    /// An older database brings back who was removed, not erased, since.
    pub(super) async fn remove_contacts_again(&self, world: &World) -> anyhow::Result<()> {
        for (customer, id, no) in self.contacts(world).await? {
            if self.removed.contains(&no) {
                customer::remove_contact(&world.ctx, &self.actor, customer, id).await?;
            }
        }
        Ok(())
    }
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
