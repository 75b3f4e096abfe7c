//! Deliveries with all that sending them needs, read together for those a worker has taken.

use super::choose::{Chooser, Known, Paper};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::store::customer::Customer;
use crate::store::delivery::{self as store, Claimed, Delivery};
use crate::store::organisation::Organisation;
use crate::store::{OrgTx, customer, invoice, organisation};
use domain::channel::{Channel, Chosen};
use domain::delivery::State;
use domain::invoice::Document;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use uuid::Uuid;

/// A delivery with all that sending it needs.
pub(super) struct Loaded {
    pub(super) row: Delivery,
    pub(super) org: Arc<Organisation>,
    pub(super) customer: Customer,
    pub(super) invoice: invoice::Invoice,
    pub(super) document: Document,
    pub(super) address: Option<String>,
    pub(super) chooser: Arc<Chooser>,
    pub(super) known: Known,
    /// Hash of the stored file the channel carries, once it has been made.
    pub(super) file: Option<Vec<u8>>,
}

impl Loaded {
    /// One delivery.
    pub(super) async fn read(ctx: &Ctx, tx: &OrgTx, row: Delivery) -> Result<Self, Error> {
        let id = row.id;
        let mut loaded = Self::read_all(ctx, tx, vec![row]).await?;
        loaded.remove(&id).ok_or_else(|| Error::not_found("invoice"))
    }

    /// Some deliveries of one organisation, by id.
    async fn read_all(ctx: &Ctx, tx: &OrgTx, rows: Vec<Delivery>) -> Result<HashMap<Uuid, Self>, Error> {
        let org = Arc::new(organisation::find(tx).await?.ok_or_else(|| Error::not_found("organisation"))?);
        let chooser = Arc::new(Chooser::of(ctx, &org));
        let ids: Vec<Uuid> = rows.iter().map(|r| r.id).collect();
        let distinct = |of: fn(&Delivery) -> Uuid| {
            let ids: HashSet<Uuid> = rows.iter().map(of).collect();
            ids.into_iter().collect::<Vec<_>>()
        };
        let (customers, invoices) = (distinct(|r| r.customer_id), distinct(|r| r.invoice_id));
        let customers = customer::load(tx, &customers).await?;
        let known = chooser.known(tx, customers.iter()).await?;
        let customers: HashMap<Uuid, Customer> = customers.into_iter().map(|c| (c.row.id, c)).collect();
        let documents = invoice::load_documents(tx, &invoices).await?;
        let documents: HashMap<Uuid, _> = documents.into_iter().map(|(i, d)| (i.id, (i, d))).collect();
        let mut files = HashMap::new();
        for file in invoice::list_documents(tx, &invoices).await? {
            files.insert((file.invoice_id, file.kind), file.content_hash);
        }
        let mut addresses = store::addresses(tx, &ids).await?;
        let mut loaded = HashMap::with_capacity(rows.len());
        for row in rows {
            let (Some((invoice, document)), Some(customer)) =
                (documents.get(&row.invoice_id), customers.get(&row.customer_id))
            else {
                continue;
            };
            let kind = if row.channel == Channel::Ehf.as_str() { "ehf" } else { "pdf" };
            let one = Self {
                org: org.clone(),
                customer: customer.clone(),
                invoice: invoice.clone(),
                document: document.clone(),
                address: addresses.remove(&row.id),
                chooser: chooser.clone(),
                known: known.of(row.customer_id),
                file: files.get(&(row.invoice_id, kind.to_owned())).cloned(),
                row,
            };
            loaded.insert(one.row.id, one);
        }
        Ok(loaded)
    }

    pub(super) fn channel(&self) -> Channel {
        Channel::parse(&self.row.channel).unwrap_or(Channel::Print)
    }

    pub(super) fn issuer(&self) -> &str {
        self.org.org_number.as_deref().unwrap_or_default()
    }

    pub(super) fn paper(&self) -> Paper {
        Paper::of(&self.document)
    }

    /// The channel the rules choose now, leaving out one that has failed.
    pub(super) fn choose(&self, without: Option<Channel>) -> Result<Chosen, &'static str> {
        self.chooser.choose(&self.known, &self.customer, &self.paper(), without)
    }
}

/// A person chose the channel, knowing of the address.
pub(super) fn is_chosen(row: &Delivery) -> bool {
    row.channel_reason.as_deref() == Some("operators_choice")
}

/// A person chose the channel, or it is the way out after a failure: no rule changes it any more.
pub(super) fn is_pinned(row: &Delivery) -> bool {
    row.fallback_from.is_some() || is_chosen(row)
}

/// The state of a delivery.
pub(super) fn state_of(row: &Delivery) -> State {
    State::parse(&row.state).unwrap_or(State::Unknown)
}

/// Whether the worker still holds what it claimed; the state that stands otherwise.
pub(super) fn held(row: &Delivery, claimed: &Claimed) -> Result<(), State> {
    let holds = row.lease_token == claimed.lease_token && row.lease_token.is_some();
    holds.then_some(()).ok_or_else(|| state_of(row))
}

/// What a worker has taken, read an organisation at a time. What cannot be read together is left out, to be read by
/// itself: one that is broken does not stop the others.
pub(super) async fn read_claimed(ctx: &Ctx, claimed: &[Claimed]) -> Result<HashMap<Uuid, Loaded>, Error> {
    let orgs: HashSet<Uuid> = claimed.iter().map(|c| c.org_id).collect();
    let mut all = HashMap::with_capacity(claimed.len());
    for org in orgs {
        let tx = ctx.db.read(org).await?;
        let of_org: HashMap<Uuid, &Claimed> = claimed.iter().filter(|c| c.org_id == org).map(|c| (c.id, c)).collect();
        let mut rows = store::load(&tx, &of_org.keys().copied().collect::<Vec<_>>()).await?;
        rows.retain(|row| of_org.get(&row.id).is_some_and(|claimed| held(row, claimed).is_ok()));
        match Loaded::read_all(ctx, &tx, rows).await {
            Ok(loaded) => {
                all.extend(loaded);
                tx.commit().await?;
            }
            Err(error) => tracing::warn!(error = %error, "deliveries could not be read together"),
        }
    }
    Ok(all)
}
