//! Records of processing (GDPR article 30), made from the policy in force and the inventory.

use super::inventory;
use super::statement::{NewStatement, preview};
use crate::ctx::Ctx;
use crate::services::error::Error;
use crate::services::work::Actor;
use domain::customer::Language;
use domain::privacy::{RuleId, Subject};
use render::paper::Paper;
use render::privacy::{Records, records, records_paper};
use std::collections::BTreeMap;

/// The records as they are today, for programs and as a text.
pub async fn of_today(ctx: &Ctx, actor: &Actor, language: Language) -> Result<(Records, Paper), Error> {
    let facts = preview(ctx, actor, &NewStatement::default()).await?;
    let version = super::policy::current(ctx, actor).await?.version_no;
    let made = records(&facts, version, &subjects(), language);
    let paper = records_paper(&made, &facts, language);
    Ok((made, paper))
}

/// Of whom each clock holds something.
fn subjects() -> BTreeMap<RuleId, Vec<Subject>> {
    let mut out: BTreeMap<RuleId, Vec<Subject>> = BTreeMap::new();
    for (_, _, class) in inventory::columns() {
        for rule in class.rules {
            let of = out.entry(*rule).or_default();
            if !of.contains(&class.subject) {
                of.push(class.subject);
            }
        }
    }
    out
}
