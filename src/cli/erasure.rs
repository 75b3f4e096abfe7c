//! Erasures, the archive and the scrub at the command line.

use super::ending::{self, ExportArgs};
use super::{Org, context, print_json, text};
use crate::ctx::Ctx;
use crate::privacy::archive::{self, Question, Record};
use crate::privacy::certificate::{self, Certificate, Fate, Part};
use crate::privacy::erase;
use crate::privacy::hand_over::Scope;
use crate::privacy::reading;
use crate::privacy::scrub;
use crate::services::Actor;
use crate::services::customer::{self, Readmission};
use anyhow::Context;
use clap::Subcommand;
use domain::customer::Language;
use domain::money::Money;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Who is erased, and whether it is done.
#[derive(clap::Args)]
pub(super) struct EraseArgs {
    /// customer, contact or user.
    kind: String,
    /// Customer number or id.
    which: String,
    /// Erases. Left out, it only shows what would go and what is kept.
    #[arg(long)]
    execute: bool,
    #[command(flatten)]
    org: Org,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Erases somebody, or shows what that would do.
pub(super) async fn erase(args: EraseArgs) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    let subject = super::privacy::find(&ctx, &actor, &args.kind, &args.which).await?;
    if !args.execute {
        let parts = erase::preview(&ctx, &actor, subject).await?;
        reading::note_now(&ctx, &actor, "erasure.preview", subject).await?;
        if args.json {
            return print_json(&parts);
        }
        show_parts(&parts, false);
        println!("\nNothing is erased yet: add --execute. It cannot be undone.");
        return Ok(());
    }
    let case = erase::erase(&ctx, &actor, subject).await?;
    if args.json {
        return print_json(&case);
    }
    show(&case);
    println!("\nreskontro privacy certificate {} --out attest.pdf writes the certificate.", case.id);
    Ok(())
}

pub(super) fn show_parts(parts: &[Part], done: bool) {
    let groups = [
        (Fate::Deleted, if done { "Deleted" } else { "Deleted now" }),
        (Fate::KeptByLaw, "Kept by law, closed away"),
        (Fate::KeptOtherwise, "Kept on another ground"),
    ];
    let mut between = "";
    for (fate, heading) in groups {
        let rows: Vec<Vec<String>> = parts.iter().filter(|p| p.fate == fate).map(row).collect();
        if rows.is_empty() {
            continue;
        }
        println!("{between}{heading}");
        print!("{}", text::left(&rows, "  "));
        between = "\n";
    }
}

fn row(part: &Part) -> Vec<String> {
    let until = match (part.until, part.held_by.is_empty()) {
        (Some(on), _) => format!("until {on}"),
        (None, true) => String::new(),
        (None, false) => "until it is settled".to_owned(),
    };
    let held: Vec<&str> = part.held_by.iter().map(|h| render::privacy::hold(*h, Language::English)).collect();
    let ground = match (part.fate, part.source.as_str(), held.is_empty()) {
        (Fate::Deleted, ..) => String::new(),
        (_, "policy", true) => "by the policy".to_owned(),
        (_, "policy", false) => held.join(", "),
        (_, source, true) => source.to_owned(),
        (_, source, false) => format!("{source}; {}", held.join(", ")),
    };
    vec![part.what.clone(), text::count(part.count), until, ground]
}

pub(super) fn show(case: &Certificate) {
    println!("Case {}", case.id);
    match case.done_at {
        Some(at) => println!("Done {}.\n", at.format("%Y-%m-%d %H:%M")),
        None => println!("What reaches the debtor is still needed; the rest goes by itself when it is settled.\n"),
    }
    show_parts(&case.parts, true);
    if let Some(by) = case.backups_gone_by {
        println!("\nThe last backup is gone by {by}.");
    }
    match (case.overwritten_at, case.overwritten_by) {
        (Some(at), _) => println!("The remains on disk were overwritten on {}.", at.format("%Y-%m-%d")),
        (None, Some(by)) => println!("The remains on disk are overwritten by {by}."),
        _ => {}
    }
}

/// Lists erasures.
pub(super) async fn list(org: Org, json: bool) -> anyhow::Result<()> {
    let ctx = context().await?;
    let cases = certificate::list(&ctx, &org.actor(&ctx).await?).await?;
    if json {
        return print_json(&cases);
    }
    if cases.is_empty() {
        println!("Nobody was erased yet.");
    }
    for case in cases {
        let state = case.done_at.map_or_else(|| "waits".to_owned(), |at| format!("done {}", at.format("%Y-%m-%d")));
        println!("{}  {}  asked {}  {state}", case.id, case.scope, case.asked_at.format("%Y-%m-%d"));
    }
    Ok(())
}

/// Which certificate, and where to.
#[derive(clap::Args)]
pub(super) struct CertificateArgs {
    /// The case.
    id: Uuid,
    /// A PDF file to write; an HTML file when it ends so. Shown when left out.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// nb, nn or en.
    #[arg(long, default_value = "nb")]
    language: String,
    #[command(flatten)]
    org: Org,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Shows or writes a certificate.
pub(super) async fn certificate(args: CertificateArgs) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    if let Some(out) = args.out {
        let paper = certificate::paper(&ctx, &actor, args.id, Language::from_code(&args.language)).await?;
        return super::privacy::write(&out, &paper);
    }
    let case = certificate::get(&ctx, &actor, args.id).await?;
    if args.json {
        return print_json(&case);
    }
    show(&case);
    let genuine = if certificate::is_genuine(&case) { "is genuine" } else { "is NOT genuine" };
    if case.done_at.is_some() {
        println!("The signature {genuine}.");
    }
    Ok(())
}

/// Takes the number of somebody who was erased, or a contact person, in again.
pub(super) async fn readmit(number: String, contact: Option<String>, reason: String, org: Org) -> anyhow::Result<()> {
    let ctx = context().await?;
    let of_contact = contact.is_some();
    customer::readmit(&ctx, &org.actor(&ctx).await?, &Readmission { number, contact, reason }).await?;
    println!(
        "{}",
        if of_contact {
            "The contact person may be taken in again; the next list that names them does."
        } else {
            "The number may be used again; the next list makes a new customer of it."
        }
    );
    Ok(())
}

/// The statutory archive.
#[derive(Subcommand)]
pub(super) enum ArchiveCommand {
    /// Shows what law keeps of a customer whose relationship is over. Who read it, when and why is kept.
    Read {
        /// Number the customer had.
        #[arg(long, conflicts_with_all = ["id", "invoice"])]
        number: Option<String>,
        /// Number of one of its documents.
        #[arg(long, conflicts_with = "id")]
        invoice: Option<i64>,
        /// The customer's id.
        #[arg(long)]
        id: Option<Uuid>,
        /// Why you look, such as «bokettersyn 2029».
        #[arg(long)]
        reason: String,
        /// A folder to write the documents to as PDF.
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Shows who keeps the archive, how many customers it holds, and what was handed over.
    Status {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Writes the archive to a package: each document as it was sent, the books as tables, a signed manifest.
    Export(ExportArgs),
    /// Checks a package to its end, wherever it lies.
    Check {
        /// The package.
        package: PathBuf,
    },
    /// Confirms that the organisation has a package: the copy here is deleted (archive_custody = tenant).
    Confirm {
        /// The package, as it was written.
        package: PathBuf,
        #[command(flatten)]
        org: Org,
    },
}

/// Reads the archive, or hands it over.
pub(super) async fn archive(command: ArchiveCommand) -> anyhow::Result<()> {
    let (number, invoice, id, reason, out, org, json) = match command {
        ArchiveCommand::Read { number, invoice, id, reason, out, org, json } => {
            (number, invoice, id, reason, out, org, json)
        }
        ArchiveCommand::Status { org, json } => return ending::standing(&org, json).await,
        ArchiveCommand::Export(args) => return ending::export(args, Scope::Archive).await,
        ArchiveCommand::Check { package } => return ending::check(&package),
        ArchiveCommand::Confirm { package, org } => return ending::confirm(&org, &package).await,
    };
    let ctx = context().await?;
    let actor = org.actor(&ctx).await?;
    let record =
        archive::read(&ctx, &actor, &Question { number, invoice_number: invoice, customer_id: id, reason }).await?;
    if json {
        print_json(&record)?;
    } else {
        show_record(&record);
    }
    match out {
        Some(folder) => write_documents(&ctx, &actor, &record, &folder).await,
        None => Ok(()),
    }
}

fn show_record(record: &Record) {
    println!("{}  {}", record.number, record.name);
    if record.protected_identity {
        println!("The identity was protected: see that nobody else reads this.");
    }
    let documents = record
        .documents
        .iter()
        .map(|d| vec![d.number.to_string(), d.issued_on.to_string(), Money::from_ore(d.total_ore).to_plain_string()]);
    let payments = record.payments.iter().map(|p| {
        let amount = Money::from_ore(p.amount_ore).to_plain_string();
        vec!["paid".to_owned(), p.booked_on.to_string(), amount]
    });
    print!("{}", text::table(&documents.chain(payments).collect::<Vec<_>>(), "  "));
}

async fn write_documents(ctx: &Ctx, actor: &Actor, record: &Record, folder: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    for document in &record.documents {
        let path = folder.join(format!("{}.pdf", document.number));
        let bytes = archive::pdf(ctx, actor, document).await?;
        std::fs::write(&path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    }
    println!("{} documents written to {}.", record.documents.len(), folder.display());
    Ok(())
}

/// Overwrites what deleted rows left behind.
pub(super) async fn scrub() -> anyhow::Result<()> {
    let ctx = context().await?;
    let done = scrub::run(&ctx).await?;
    println!("Rewritten: {}. {} erasures are now overwritten on disk.", done.rewritten, done.noted);
    Ok(())
}
