//! The world outside the demo: an eFaktura gateway, an access point and the Peppol network, all made up and in process.

use crate::ctx::Ctx;
use crate::services::Actor;
use crate::store::views;
use domain::customer::Field;
use sandbox::access_point::{self, Fault as PointFault};
use sandbox::efaktura::{self, Fault, Outcome};
use sandbox::peppol::Documents;
use sandbox::{AccessPoint, EfakturaGateway, PeppolNetwork};
use std::path::Path;
use uuid::Uuid;

/// The counterparts; they end when dropped.
pub(super) struct Outside {
    pub(super) gateway: EfakturaGateway,
    pub(super) point: AccessPoint,
    peppol: PeppolNetwork,
}

impl Outside {
    pub(super) async fn start(dir: &Path) -> anyhow::Result<Self> {
        let journal = |name: &str| Some(dir.join(name));
        let gateway = efaktura::Options { journal: journal("efaktura.jsonl"), ..efaktura::Options::default() };
        let point = access_point::Options { journal: journal("peppol.jsonl"), ..access_point::Options::default() };
        Ok(Self {
            gateway: EfakturaGateway::start(gateway).await?,
            point: AccessPoint::start(point).await?,
            peppol: PeppolNetwork::start().await?,
        })
    }

    /// The settings that lead to them.
    pub(super) fn settings(&self) -> String {
        format!(
            "[efaktura]\nmode = \"gateway\"\nbase_url = \"{}\"\nclient_id = \"{}\"\nclient_secret = \"{}\"\nper_second = 0\n\
             [ehf]\nmode = \"phoss\"\nbase_url = \"{}\"\ntoken = \"{}\"\nlookup = \"dns\"\ndns_zone = \"{}\"\n\
             dns_server = \"{}\"\n",
            self.gateway.base_url(),
            self.gateway.client_id(),
            self.gateway.client_secret(),
            self.point.base_url(),
            self.point.token(),
            self.peppol.zone(),
            self.peppol.dns_addr(),
        )
    }

    /// Half of the members accept eFaktura; all businesses but one stand in Peppol, and the access point of one is out
    /// of order.
    pub(super) async fn settle(&self, ctx: &Ctx, actor: &Actor) -> anyhow::Result<()> {
        let tx = ctx.db.read(actor.org).await?;
        let customers = views::customers(&tx, Uuid::nil(), 10_000).await?;
        tx.commit().await?;
        let (mut people, mut businesses) = (0_u32, 0_u32);
        for item in customers {
            let customer = crate::services::customer::read(ctx, actor, item.id).await?.customer;
            let get = |field| customer.record.get(field);
            if let Some(number) = get(Field::OrgNumber) {
                businesses += 1;
                match businesses {
                    1 => {}
                    2 => {
                        self.peppol.register(number, Documents::InvoiceAndCreditNote);
                        self.point.fault(number, Some(PointFault::PermanentlyFailed), None);
                    }
                    _ => self.peppol.register(number, Documents::InvoiceAndCreditNote),
                }
            } else if let Some(email) = get(Field::Email) {
                people += 1;
                let outcome = if people % 2 == 0 { Outcome::Match } else { Outcome::NoConsent };
                self.gateway.consumer(email, outcome);
            }
        }
        Ok(())
    }

    /// Two consumers have blocked the association since, which the gateway says only when it gets the invoice.
    pub(super) fn trouble(&self, numbers: &[i64]) {
        for number in numbers.iter().take(2) {
            self.gateway.fault(&number.to_string(), Some(Fault::Reject("blocked_by_receiver".to_owned())));
        }
    }
}
