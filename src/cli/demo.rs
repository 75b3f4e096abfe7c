//! `reskontro demo`: an association's main job in a fresh database, and a summary of what happened.

use super::demo_outside::Outside;
use super::demo_privacy::{self, People};
use super::text::{count, kr, left, table};
use crate::config::Config;
use crate::ctx::Ctx;
use crate::services::access::{self, Scope};
use crate::services::customer::{self, Input, PlanReport};
use crate::services::invoice::{OpeningItem, take_over};
use crate::services::organisation::{self, DPA_VERSION, NewBankAccount, NewOrganisation};
use crate::services::payment::{ImportOptions, Imported, import};
use crate::services::product::{self, NewProduct};
use crate::services::run::{self, NewRun};
use crate::services::user::{self, NewUser};
use crate::services::{Actor, delivery, ledger, payer};
use crate::store::billing::Run;
use crate::store::views::{self, Tally};
use anyhow::{Context, bail};
use chrono::{Days, NaiveDate};
use domain::calendar::banking_day_on_or_after;
use domain::money::Micro;
use formats::customer_list::Mode;
use formats::giro::{PaymentToWrite, write_ocr};
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// How the demo runs.
#[derive(clap::Args)]
pub(super) struct Args {
    /// Folder of the demo; wiped at each start.
    #[arg(long, default_value = "demo")]
    dir: PathBuf,
    /// Stops after the summary instead of serving.
    #[arg(long)]
    exit: bool,
    /// Address and port it serves on.
    #[arg(long, default_value = "127.0.0.1:8080")]
    bind: String,
}

const MARKER: &str = ".reskontro-demo";
const OCTOBER: &[u8] = include_bytes!("../../assets/demo/members_2026_10.csv");
const NOVEMBER: &[u8] = include_bytes!("../../assets/demo/members_2026_11.csv");
const ACCOUNT: &str = "15031234562";
/// A KID of the old system whose control character is a hyphen (MOD11).
const OLD_KID: &str = "100008-";

pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let dir = fresh_folder(&args.dir)?;
    let outside = Outside::start(&dir).await?;
    let (recipient, identity) = demo_privacy::key_pair(&dir)?;
    let place = |at: &Path| config(&dir, at, &args.bind, &recipient, &outside);
    let (config, elsewhere) = (place(&dir)?, place(&dir.join("restored"))?);
    super::serve::log(&config);
    super::serve::prepare(&config).await?;
    let ctx = crate::app::context(config).await?;
    println!("Reskontro demo: Fjellbygda idrettslag bills its members.\n");
    let told = play(&ctx, &dir, &outside).await?;
    summarise(&ctx, &told, &dir).await?;
    let people = Box::pin(demo_privacy::play(&ctx, &told.actor, &dir, &identity, elsewhere)).await?;
    demo_privacy::show(&people);
    point_out(&ctx, &told, &people, &dir, &args, &outside).await?;
    if args.exit {
        ctx.db.close().await;
        return Ok(());
    }
    super::serve::serve(ctx).await
}

/// Makes the folder anew; one without our own marker is left alone (decision 58).
fn fresh_folder(dir: &Path) -> anyhow::Result<PathBuf> {
    if dir.exists() {
        let empty = std::fs::read_dir(dir)?.next().is_none();
        if !empty && !dir.join(MARKER).exists() {
            bail!("{} exists and is not a demo folder; choose another with --dir", dir.display());
        }
        std::fs::remove_dir_all(dir)?;
    }
    std::fs::create_dir_all(dir)?;
    std::fs::write(dir.join(MARKER), "Made by `reskontro demo`; wiped at its next start.\n")?;
    dir.canonicalize().context("the demo folder cannot be found")
}

/// Settings with the database and the files at a place in the demo's folder.
fn config(dir: &Path, at: &Path, bind: &str, recipient: &str, outside: &Outside) -> anyhow::Result<Config> {
    let (dir, at) = (dir.display(), at.display());
    // Payers' pages are on this host, whatever address it listens on.
    let port = bind.rsplit(':').next().unwrap_or_default();
    Ok(Config::with(&format!(
        "[database]\nurl = \"sqlite:{at}/db/reskontro.db\"\n[files]\ndir = \"{at}/files\"\n[ledgers]\n\
         dir = \"{dir}/ledgers\"\n[backup]\ndir = \"{dir}/backups\"\nrecipients = [\"{recipient}\"]\n[http]\nbind = \"{bind}\"\n\
         [mail]\nspool_dir = \"{dir}/spool\"\ndomain = \"fjellbygda.example\"\n[payer]\n\
         base_url = \"http://127.0.0.1:{port}\"\n[log]\nfilter = \"warn\"\n{}",
        outside.settings()
    ))?)
}

/// What happened, for the summary.
struct Told {
    actor: Actor,
    october: PlanReport,
    november: PlanReport,
    run: Run,
    bank: Imported,
    again: Imported,
    bank_file: PathBuf,
    key: String,
    password: String,
    sample: Uuid,
}

async fn play(ctx: &Ctx, dir: &Path, outside: &Outside) -> anyhow::Result<Told> {
    let actor = Actor::operator(organisation::create(ctx, association()).await?);
    for (number, name, price) in [
        ("MEDL-SENIOR", "Medlemskontingent senior", "600"),
        ("MEDL-BARN", "Medlemskontingent barn", "350"),
        ("TREN-SKI", "Treningsavgift ski", "1250"),
        ("TREN-FOTBALL", "Treningsavgift fotball", "1890.50"),
        ("TREN-HÅNDBALL", "Treningsavgift håndball", "1700"),
        ("SPONSOR", "Sponsoravtale, logo på drakt", "7500"),
    ] {
        product::create(ctx, &actor, new_product(number, name, price)?).await?;
    }
    let october = sync(ctx, &actor, OCTOBER).await?;
    let november = sync(ctx, &actor, NOVEMBER).await?;
    let id = run::start(ctx, &actor, &NewRun { bill_on: None, due_on: None, send_after_minutes: Some(0) }).await?;
    outside.settle(ctx, &actor).await?;
    delivery::register_efaktura(ctx, &actor).await?;
    let run = run::continue_run(ctx, &actor, id, |_| {}).await?;
    send(ctx, &actor, outside).await?;
    let old = OpeningItem {
        customer_number: "10073".to_owned(),
        old_number: "2025-881".to_owned(),
        issued_on: ctx.today() - Days::new(60),
        due_on: ctx.today() - Days::new(46),
        remaining_ore: 45_000,
        kid: Some(OLD_KID.to_owned()),
    };
    take_over(ctx, &actor, &[old]).await?;
    let (bytes, sample) = bank_file(ctx, &actor).await?;
    let path = dir.join("innbetalinger.ocr");
    std::fs::write(&path, &bytes)?;
    let bank = import(ctx, &actor, &bytes, ImportOptions::default()).await?;
    let again = import(ctx, &actor, &bytes, ImportOptions::default()).await?;
    let key = access::create_key(ctx, &actor, "demo", Scope::Admin, None).await?.text;
    let password = user::new_token(ctx)[..16].to_owned();
    let new = NewUser { login: "demo", name: "Kari Kasserer", password: &password };
    let operator = user::create(ctx, &new).await?;
    user::add_member(ctx, &actor, operator, "owner").await?;
    Ok(Told { actor, october, november, run, bank, again, bank_file: path, key, password, sample })
}

/// Sends what is due over all channels, until the receipts are in.
async fn send(ctx: &Ctx, actor: &Actor, outside: &Outside) -> anyhow::Result<()> {
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), 10_000).await?;
    tx.commit().await?;
    outside.trouble(&invoices.iter().rev().filter(|i| i.kid.is_some()).map(|i| i.number).collect::<Vec<_>>());
    // Receipts of the access point are asked for after some seconds, by the clock on the wall.
    for _ in 0..30 {
        delivery::drain(ctx).await?;
        delivery::poll_efaktura(ctx).await?;
        let tx = ctx.db.read(actor.org).await?;
        let open = views::delivery_tally(&tx).await?.iter().any(|t| t.name.ends_with("awaiting_receipt"));
        tx.commit().await?;
        if !open {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_secs(1)).await;
    }
    Ok(())
}

fn association() -> NewOrganisation {
    NewOrganisation {
        name: "Fjellbygda idrettslag".to_owned(),
        org_number: Some("312345676".to_owned()),
        legal_form: "FLI".to_owned(),
        vat_registered: false,
        street: Some("Idrettsveien 1".to_owned()),
        postal_code: Some("7760".to_owned()),
        city: Some("Snåsa".to_owned()),
        email: "kasserer@fjellbygda.example".to_owned(),
        phone: Some("29 00 00 10".to_owned()),
        privacy_url: Some("fjellbygda.example/personvern".to_owned()),
        language: "nb".to_owned(),
        terms_days: 14,
        fiscal_year_start_month: 1,
        first_invoice_number: None,
        accept_dpa: Some(DPA_VERSION.to_owned()),
        privacy_preset: None,
        bank_account: Some(NewBankAccount {
            account_no: ACCOUNT.to_owned(),
            name: "Drift".to_owned(),
            kid_modulus: "mod10".to_owned(),
            kid_customer_digits: 7,
            kid_invoice_digits: 7,
        }),
    }
}

fn new_product(number: &str, name: &str, price: &str) -> anyhow::Result<NewProduct> {
    Ok(NewProduct {
        number: number.to_owned(),
        name: name.to_owned(),
        unit: "H87".to_owned(),
        unit_price: Micro::parse(price)?,
        vat_code: "6".to_owned(),
        every_months: 12,
    })
}

async fn sync(ctx: &Ctx, actor: &Actor, bytes: &[u8]) -> anyhow::Result<PlanReport> {
    let report = customer::plan(ctx, actor, &Input { bytes, mode: Mode::Full }).await?;
    customer::apply(ctx, actor, report.id, false).await?;
    Ok(report)
}

/// What the bank reports next day: most paid in full, some part, one twice, one with an unknown KID, one by an old
/// MOD11 KID. Also one invoice to look at.
async fn bank_file(ctx: &Ctx, actor: &Actor) -> anyhow::Result<(Vec<u8>, Uuid)> {
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), 10_000).await?;
    tx.commit().await?;
    let settled_on: NaiveDate = banking_day_on_or_after(ctx.today() + Days::new(1));
    let payment = |kid: &str, amount_ore, kind| PaymentToWrite {
        kid: kid.to_owned(),
        amount_ore,
        kind,
        settled_on,
        debit_account: Some("99990686021".to_owned()),
    };
    let mut payments = Vec::new();
    for (i, invoice) in invoices.iter().enumerate() {
        let Some(kid) = invoice.kid.as_deref() else { continue };
        match i % 10 {
            0..=5 => payments.push(payment(kid, invoice.total_ore, 10)),
            6 => payments.push(payment(kid, invoice.total_ore / 2, 13)),
            _ => {}
        }
    }
    let first = invoices.first().context("the run issued no invoice")?;
    payments.push(payment(first.kid.as_deref().unwrap_or_default(), first.total_ore, 10));
    payments.push(payment("4711471147114", 60_000, 14));
    payments.push(payment(OLD_KID, 45_000, 10));
    Ok((write_ocr(1, ACCOUNT, &payments), invoices.get(3).map_or(first.id, |i| i.id)))
}

/// The page of the newest invoice that went by mail.
async fn payers_page(ctx: &Ctx, actor: &Actor) -> anyhow::Result<Option<String>> {
    let tx = ctx.db.read(actor.org).await?;
    let invoices = views::invoices(&tx, Uuid::nil(), 10_000).await?;
    tx.commit().await?;
    for invoice in invoices.iter().rev() {
        if let Some(url) = payer::find_url(ctx, actor, invoice.id).await? {
            return Ok(Some(url));
        }
    }
    Ok(None)
}

/// Count and sum of the named tallies.
fn tallied(tally: &[Tally], names: &[&str]) -> (i64, i64) {
    let found = tally.iter().filter(|t| names.contains(&t.name.as_str()));
    found.fold((0, 0), |(count, ore), t| (count + t.count, ore + t.ore))
}

async fn summarise(ctx: &Ctx, told: &Told, dir: &Path) -> anyhow::Result<()> {
    let tx = ctx.db.read(told.actor.org).await?;
    let deliveries = views::delivery_tally(&tx).await?;
    let payments = views::payment_tally(&tx).await?;
    let open = views::open_tally(&tx).await?;
    let series = views::series(&tx).await?;
    tx.commit().await?;
    show_sync(told);
    let run = &told.run;
    let last = series.first().map_or(0, |s| s.next_number - 1);
    let first = series.first().map_or(0, |s| s.first_number);
    println!("\nBilled");
    println!("  {} invoices, {}, numbers {first} to {last} without a gap", count(run.issued_count), kr(run.issued_ore));
    println!("\nSent");
    show_sent(&deliveries, dir);
    show_payments(told, &payments);
    println!("\nOpen\n  {} claims, {}", count(open.count), kr(open.ore));
    let checks = ledger::verify(ctx, &told.actor).await?;
    let held = checks.iter().filter(|c| c.findings.is_empty()).count();
    println!("  ledger: {held} of {} checks hold", checks.len());
    if held < checks.len() {
        bail!("the ledger does not hold");
    }
    Ok(())
}

/// Where to look next.
async fn point_out(
    ctx: &Ctx,
    told: &Told,
    people: &People,
    dir: &Path,
    args: &Args,
    outside: &Outside,
) -> anyhow::Result<()> {
    let pdf = crate::services::invoice::pdf(ctx, &told.actor, told.sample).await?;
    let path = dir.join("faktura.pdf");
    std::fs::write(&path, pdf)?;
    println!("\nLook at\n  {}  an invoice", path.display());
    demo_privacy::look_at(people);
    if !args.exit {
        println!("  http://{}  the console; sign in as demo with {}", args.bind, told.password);
        if let Some(url) = payers_page(ctx, &told.actor).await? {
            println!("  {url}  a payer's page; its code comes in {}/spool", dir.display());
        }
        println!("  {}  what the made-up eFaktura gateway has got", outside.gateway.base_url());
        println!("  {}  what the made-up access point has got", outside.point.base_url());
        println!("  http://{}/docs  the API, with this key:", args.bind);
        println!("  {}", told.key);
        println!("\nServing on http://{} until Ctrl-C.", args.bind);
    }
    Ok(())
}

fn show_sent(deliveries: &[Tally], dir: &Path) {
    let number = |names: &[&str]| format!("{:>4}", count(tallied(deliveries, names).0));
    let place = format!("mails in {}/spool", dir.display());
    let rows = [
        vec!["eFaktura".into(), number(&["efaktura delivered"]), "requests in consumers' banks".into()],
        vec!["EHF".into(), number(&["ehf delivered"]), "e-invoices to businesses".into()],
        vec!["e-mail".into(), number(&["mail delivered"]), place],
        vec!["went another way".into(), number(&["fallback"]), "the first channel said no".into()],
        vec!["on the worklist".into(), number(&["worklist"]), "each with its reason".into()],
    ];
    print!("{}", left(&rows, "  "));
}

fn show_sync(told: &Told) {
    let number = |n: usize| count(i64::try_from(n).unwrap_or(i64::MAX));
    let (o, v) = (&told.october.summary.counts, &told.november.summary.counts);
    println!("Synced");
    let later = format!("{} new, {} changed, {} ended", v.new, v.changed, v.ending);
    let rows = [
        vec!["October list".into(), format!("{} new", number(o.new)), format!("{} rows rejected", o.rejected)],
        vec!["November list on top".into(), later, format!("{} unchanged", number(v.unchanged))],
    ];
    print!("{}", table(&rows, "  "));
    for column in &told.october.summary.refused_columns {
        println!("  not stored: «{}», we have no purpose for it", column.heading);
    }
}

fn show_payments(told: &Told, payments: &[Tally]) {
    println!("\nPaid, by {}", told.bank_file.display());
    let line = |label: &str, names: &[&str]| {
        let (payments, ore) = tallied(payments, names);
        vec![label.to_owned(), count(payments), kr(ore)]
    };
    let rows = [
        line("in full", &["kid_exact"]),
        line("in part", &["kid_part"]),
        line("paid twice, waits to be paid back", &["paid_twice"]),
        line("unknown KID, waits for a decision", &["unknown_kid"]),
    ];
    print!("{}", table(&rows, "  "));
    if told.again.repeated {
        println!("  the same file once more: nothing booked ({} payments known)", count(told.bank.file.payments));
    }
}
