//! The second half of the demo: relationships that end, somebody who is erased, and an older backup that does not bring them back.

use super::text::{count, left};
use crate::backup::restore::{self, Request};
use crate::backup::{create, expire};
use crate::config::Config;
use crate::ctx::{Ctx, SystemClock};
use crate::ports::Clock;
use crate::privacy::certificate::{self, Fate};
use crate::privacy::erase;
use crate::privacy::explain::Subject;
use crate::privacy::statement::{self, NewStatement};
use crate::privacy::{retention, scrub};
use crate::services::Actor;
use crate::store::views;
use age::secrecy::ExposeSecret;
use anyhow::{Context, bail};
use chrono::{DateTime, Duration, Utc};
use domain::customer::Language;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use uuid::Uuid;

/// A key pair for the demo's backups: the recipient, and the file of the identity.
pub(super) fn key_pair(dir: &Path) -> anyhow::Result<(String, PathBuf)> {
    let identity = age::x25519::Identity::generate();
    let path = dir.join("backup-identity.txt");
    std::fs::write(&path, format!("{}\n", identity.to_string().expose_secret()))?;
    Ok((identity.to_public().to_string(), path))
}

/// The system's clock, some days on.
struct Later(Duration);

impl Clock for Later {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + self.0
    }
}

/// What became of people, for the summary.
pub(super) struct People {
    wound_up: i64,
    deleted: i64,
    kept_by_law: i64,
    backups: usize,
    erased_again: u64,
    files: Vec<(PathBuf, &'static str)>,
}

/// Plays it. `elsewhere` are the settings of an empty place to restore to.
pub(super) async fn play(
    ctx: &Ctx,
    actor: &Actor,
    dir: &Path,
    identity: &Path,
    elsewhere: Config,
) -> anyhow::Result<People> {
    let before = create::create(ctx).await?;
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), 2).await?;
    tx.commit().await?;
    let customer = invoices.get(1).context("the run issued too little")?.customer_id;
    let case = erase::erase(ctx, actor, Subject::Customer(customer)).await?;
    scrub::run(ctx).await?;
    let certificate = dir.join("attest.pdf");
    std::fs::write(&certificate, statement::pdf(&certificate::paper(ctx, actor, case.id, Language::Bokmal).await?)?)?;
    let new = NewStatement { responsible: Some("daglig leder".to_owned()), ..NewStatement::default() };
    statement::publish(ctx, actor, &new).await?;
    let published = render::privacy::statement(&statement::preview(ctx, actor, &new).await?, Language::Bokmal);
    let said = dir.join("personvernerklaering.pdf");
    std::fs::write(&said, statement::pdf(&published)?)?;

    // Tomorrow: those who left in November are wound up.
    let tomorrow = Ctx { clock: Arc::new(Later(Duration::days(1))), ..ctx.clone() };
    retention::nightly(&tomorrow, actor).await?;
    let report = retention::list(ctx, actor).await?.into_iter().next().context("retention left no report")?;
    let wound_up =
        report.items.iter().filter(|i| i.what == "customers of ended relationships").map(|i| i.deleted).sum();

    // An older backup, restored elsewhere.
    restore::load(&elsewhere, &Request { name: Some(&before.name), identity, trust_key: Some(&before.public_key) })
        .await?;
    crate::store::migrate(&elsewhere.database).await?;
    let there = crate::app::context(elsewhere).await?;
    let restored = restore::open(&there).await?;
    let tx = there.db.read(actor.org).await?;
    let back = crate::store::erasure::is_back(&tx, customer).await?;
    tx.commit().await?;
    there.db.close().await;
    if back {
        bail!("the restore brought somebody back");
    }
    let counted = |fate: Fate| case.parts.iter().filter(|p| p.fate == fate).map(|p| p.count).sum();
    Ok(People {
        wound_up,
        deleted: counted(Fate::Deleted),
        kept_by_law: counted(Fate::KeptByLaw),
        backups: expire::expire(ctx).await?.backups,
        erased_again: restored.erased_again,
        files: vec![(certificate, "the certificate of an erasure"), (said, "the privacy statement the policy makes")],
    })
}

/// Tells it.
pub(super) fn show(people: &People) {
    let number = |n: i64| format!("{:>4}", count(n));
    println!("\nErased");
    let rows = [
        vec!["one member, on request".into(), number(people.deleted), "rows deleted".into()],
        vec![String::new(), number(people.kept_by_law), "rows kept by law, closed away".into()],
        vec!["those who left, a day on".into(), number(people.wound_up), "relationships wound up by the policy".into()],
    ];
    print!("{}", left(&rows, "  "));
    let again = count(i64::try_from(people.erased_again).unwrap_or(i64::MAX));
    println!("\nRestored, from a backup made before ({} encrypted)", people.backups);
    println!("  erased again: {again}; nobody is back, and it opened");
}

/// Files to look at.
pub(super) fn look_at(people: &People) {
    for (path, what) in &people.files {
        println!("  {}  {what}", path.display());
    }
}
