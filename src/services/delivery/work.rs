//! What a worker of a channel does, round after round.

use super::answer::check;
use super::choose::Question;
use super::engine::{CLAIM, Ended, Tried, claim, claim_checks, conclude, session, try_one};
use super::loaded::{Loaded, is_pinned, read_claimed};
use crate::ctx::Ctx;
use crate::ports::{ConsumerQuery, Session};
use crate::services::error::Error;
use crate::services::seen;
use crate::store::channel;
use crate::store::delivery::Claimed;
use domain::channel::Channel;
use std::collections::HashMap;
use uuid::Uuid;

/// The channels a machine serves; print is for people.
const SERVED: [Channel; 3] = [Channel::Ehf, Channel::Efaktura, Channel::Mail];

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
    seen::note_claimed(ctx, &claimed).await?;
    let mut loaded = read_claimed(ctx, &claimed).await?;
    if channel == Channel::Efaktura {
        look_up_ahead(ctx, &mut loaded).await?;
    }
    // Each is noted while the next one is on its way.
    let mut ended = None;
    for delivery in &claimed {
        if stop() {
            // What is not begun goes back when its lease runs out.
            break;
        }
        let session = session.as_deref_mut().map(|s| s as &mut dyn Session);
        let next = Box::pin(try_one(ctx, session, delivery, loaded.remove(&delivery.id)));
        let (tried, ()) = tokio::join!(next, Box::pin(note(ctx, ended.take(), states)));
        match tried {
            Ok(Tried::Ended(attempt)) => ended = Some((delivery, attempt)),
            Ok(Tried::Settled(state)) => *states.entry(state.as_str()).or_default() += 1,
            Err(error) => failed(delivery, &error),
        }
        done += 1;
    }
    Box::pin(note(ctx, ended, states)).await;
    Ok(done)
}

/// Notes an attempt that has ended, where there is one.
async fn note(ctx: &Ctx, ended: Option<(&Claimed, Box<Ended>)>, states: &mut States) {
    let Some((delivery, attempt)) = ended else { return };
    match conclude(ctx, delivery, *attempt).await {
        Ok(state) => *states.entry(state.as_str()).or_default() += 1,
        Err(error) => failed(delivery, &error),
    }
}

fn failed(delivery: &Claimed, error: &Error) {
    tracing::error!(delivery.id = %delivery.id, error = %error, "a delivery could not be carried out");
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
async fn look_up_ahead(ctx: &Ctx, loaded: &mut HashMap<Uuid, Loaded>) -> Result<(), Error> {
    let Some(gateway) = &ctx.efaktura else { return Ok(()) };
    let mut questions: HashMap<Uuid, HashMap<Uuid, ConsumerQuery>> = HashMap::new();
    for one in loaded.values() {
        if let Some(Question::Consumer(query)) =
            one.chooser.question(&one.known, &one.customer, &one.paper(), None).filter(|_| !is_pinned(&one.row))
        {
            questions.entry(one.row.org_id).or_default().insert(one.customer.row.id, *query);
        }
    }
    for (org, queries) in questions {
        let of_org = loaded.values_mut().filter(|one| one.row.org_id == org).collect::<Vec<_>>();
        let Some(issuer) = of_org.first().and_then(|one| one.org.org_number.clone()) else { continue };
        if queries.len() < 2 {
            continue;
        }
        let queries: Vec<ConsumerQuery> = queries.into_values().collect();
        ctx.pace.wait(Channel::Efaktura).await;
        // Where it fails each delivery asks for itself, and says how it went.
        let Ok(answers) = gateway.look_up(ctx.id(), &issuer, &queries).await else { return Ok(()) };
        let answers: HashMap<Uuid, _> = answers.into_iter().collect();
        let mut rows = HashMap::new();
        for one in of_org {
            let id = one.customer.row.id;
            if let Some(answer) = answers.get(&id) {
                let row = one.chooser.consumer_row(&one.known, &one.customer, answer);
                one.known.add(row.clone());
                rows.insert(id, row);
            }
        }
        let tx = ctx.db.write(org).await?;
        channel::keep_lookups(&tx, &rows.into_values().collect::<Vec<_>>()).await?;
        tx.commit().await?;
    }
    Ok(())
}
