//! What a worker of a channel does, round after round.

use super::answer::check;
use super::choose::{Chooser, Paper, Question};
use super::engine::{CLAIM, claim, claim_checks, deliver, session};
use crate::ctx::Ctx;
use crate::ports::{ConsumerQuery, Session};
use crate::services::error::Error;
use crate::store::delivery::{self as store, Claimed};
use crate::store::{channel, customer, invoice, organisation};
use domain::channel::Channel;
use std::collections::{HashMap, HashSet};
use uuid::Uuid;

/// The channels a machine serves; print is for people.
const SERVED: [Channel; 3] = [Channel::Ehf, Channel::Efaktura, Channel::Mail];
/// Consumers a gateway is asked about in one call.
const LOOK_UP: usize = 100;

/// How many deliveries ended in which state.
pub type States = HashMap<&'static str, u64>;

/// One round of a worker: what is to be asked about, then what is due. How many deliveries it dealt with.
pub async fn serve_channel(
    ctx: &Ctx,
    channel: Channel,
    session: &mut Option<Box<dyn Session>>,
    states: &mut States,
    stop: impl Fn() -> bool,
) -> Result<u64, Error> {
    let mut done = 0;
    if let Some(open) = session.as_deref_mut() {
        for claimed in claim_checks(ctx, channel, CLAIM).await? {
            match check(ctx, open, &claimed).await {
                Ok(state) => *states.entry(state.as_str()).or_default() += 1,
                Err(error) => {
                    tracing::error!(delivery.id = %claimed.id, error = %error, "a delivery could not be asked about");
                }
            }
            done += 1;
        }
    }
    let claimed = claim(ctx, channel, CLAIM).await?;
    if channel == Channel::Efaktura {
        look_up_ahead(ctx, &claimed).await?;
    }
    for delivery in &claimed {
        if stop() {
            // What is not begun goes back when its lease runs out.
            break;
        }
        match deliver(ctx, session.as_deref_mut().map(|s| s as &mut dyn Session), delivery).await {
            Ok(state) => *states.entry(state.as_str()).or_default() += 1,
            Err(error) => {
                tracing::error!(delivery.id = %delivery.id, error = %error, "a delivery could not be carried out");
            }
        }
        done += 1;
    }
    Ok(done)
}

/// Delivers what is due on every channel until nothing is; how many ended in which state.
pub async fn drain(ctx: &Ctx) -> Result<States, Error> {
    let mut sessions: Vec<_> = SERVED.iter().map(|c| (*c, session(ctx, *c))).collect();
    let mut states = States::new();
    loop {
        let mut done = 0;
        for (channel, session) in &mut sessions {
            done += serve_channel(ctx, *channel, session, &mut states, || false).await?;
        }
        if done == 0 {
            return Ok(states);
        }
    }
}

/// Asks about the consumers of several deliveries in one call; where that fails, each delivery asks for itself.
pub async fn look_up_ahead(ctx: &Ctx, claimed: &[Claimed]) -> Result<(), Error> {
    let Some(gateway) = &ctx.efaktura else { return Ok(()) };
    if claimed.len() < 2 {
        return Ok(());
    }
    let orgs: HashSet<Uuid> = claimed.iter().map(|c| c.org_id).collect();
    for org_id in orgs {
        let tx = ctx.db.read(org_id).await?;
        let Some(org) = organisation::find(&tx).await? else { continue };
        let Some(issuer) = org.org_number.clone() else { continue };
        let mut invoices = Vec::new();
        for c in claimed.iter().filter(|c| c.org_id == org_id) {
            invoices.extend(store::find(&tx, c.id).await?.map(|row| row.invoice_id));
        }
        let documents = invoice::load_documents(&tx, &invoices).await?;
        let ids: Vec<Uuid> = documents.iter().map(|(i, _)| i.customer_id).collect();
        let customers = customer::load(&tx, &ids).await?;
        let chooser = Chooser::load(ctx, &tx, &org).await?;
        let known = chooser.known(&tx, &ids).await?;
        tx.commit().await?;
        let papers: HashMap<Uuid, Paper> = documents.iter().map(|(i, d)| (i.customer_id, Paper::of(d))).collect();
        let question = |c: &customer::Customer| match chooser.question(&known, c, papers.get(&c.row.id)?, None)? {
            Question::Consumer(query) => Some(*query),
            Question::Business(_) => None,
        };
        let queries: Vec<ConsumerQuery> = customers.iter().filter_map(question).collect();
        for some in queries.chunks(LOOK_UP) {
            ctx.pace.wait(Channel::Efaktura).await;
            // Where it fails each delivery asks for itself, and says how it went.
            let Ok(answers) = gateway.look_up(ctx.id(), &issuer, some).await else { return Ok(()) };
            let row = |(id, answer): &(Uuid, _)| {
                let customer = customers.iter().find(|c| c.row.id == *id)?;
                Some(chooser.consumer_row(&known, customer, answer))
            };
            let rows: Vec<channel::Lookup> = answers.iter().filter_map(row).collect();
            let tx = ctx.db.write(org_id).await?;
            channel::keep_lookups(&tx, &rows).await?;
            tx.commit().await?;
        }
    }
    Ok(())
}
