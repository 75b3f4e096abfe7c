//! Data that is promised to stay in the EEA stays there: no policy promises it while somebody outside works for the installation.

use super::error::Error;
use crate::store::{OrgTx, processor};
use domain::privacy::Region;

/// Refuses a policy that keeps data in the EEA while somebody who works for the installation is outside. The register stays as it
/// is until the end of the transaction.
pub async fn unless_kept(tx: &OrgTx, region: Region) -> Result<(), Error> {
    if region != Region::EeaOnly {
        return Ok(());
    }
    processor::hold_still(tx).await?;
    let outside = processor::list_outside_eea(tx).await?;
    if outside.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = outside.into_iter().map(|p| format!("{} ({})", p.name, p.country)).collect();
    let message = format!(
        "the policy promises that data stays in the EEA, and these work for the installation outside it: {}",
        names.join(", ")
    );
    Err(Error::conflict("processor_outside_eea", message))
}
