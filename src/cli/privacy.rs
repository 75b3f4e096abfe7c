//! Personal data over time at the command line: the policy, holds, and why something is held.

use super::breaches::{self, BreachCommand};
use super::erasure::{self, ArchiveCommand, CertificateArgs, EraseArgs};
use super::holds::{self, HoldCommand};
use super::notices::{self, AcceptancesArgs, NotifyArgs};
use super::processors::{self, ProcessorCommand};
use super::readings::{self, ReadsArgs};
use super::requests::{self, RequestCommand};
use super::{Org, context, print_json, promises, text};
use crate::ctx::Ctx;
use crate::privacy::explain::{self, Explained, Held, Subject, explain};
use crate::privacy::map::data_map;
use crate::privacy::policy::{self, NewPolicy, Version};
use crate::privacy::statement::{self, NewStatement};
use crate::privacy::{reading, records, retention};
use crate::services::Actor;
use crate::store::{archive, customer, invoice};
use anyhow::{Context, bail};
use chrono::NaiveDate;
use clap::Subcommand;
use domain::customer::Language;
use domain::privacy::Period;
use render::paper::Paper;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use uuid::Uuid;

/// Personal data.
#[derive(Subcommand)]
pub(super) enum PrivacyCommand {
    /// The policy: what is kept, why and until when.
    #[command(subcommand)]
    Policy(PolicyCommand),
    /// Says of a customer, contact, invoice, payment or user what is held, why, on what ground and until when.
    Explain {
        /// customer, contact, invoice, payment or user.
        kind: String,
        /// Customer number, invoice number or id.
        which: String,
        /// nb, nn or en.
        #[arg(long, default_value = "en")]
        language: String,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Holds: what is kept although its time has come, and why.
    #[command(subcommand)]
    Hold(HoldCommand),
    /// What has had its time: look at it, then delete it.
    #[command(subcommand)]
    Retention(RetentionCommand),
    /// Requests of persons: taken in, identified, answered in time.
    #[command(subcommand)]
    Requests(RequestCommand),
    /// Who works for the installation, under which agreement, where and at which hosts.
    #[command(subcommand)]
    Processor(ProcessorCommand),
    /// How the promises of five privacy statements stand: kept, in part, not ours.
    Promises(promises::PromisesArgs),
    /// Who looked at whose data, when and for what.
    Reads(ReadsArgs),
    /// The register of breaches: the 72 hours, whom they concern, letters, the notification.
    #[command(subcommand)]
    Breach(BreachCommand),
    /// Erases a person: shows what would go and what law keeps, and with --execute does it.
    Erase(EraseArgs),
    /// Lists erasures. None names anybody.
    Erasures {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// The certificate of an erasure: what went, what is kept and until when, when the backups are gone.
    Certificate(CertificateArgs),
    /// Takes the number of an erased customer, or a contact person who was erased, in again, with a reason.
    Readmit {
        /// The customer's number.
        number: String,
        /// Name or address of the contact person of that customer, where it is the contact person who was erased.
        #[arg(long, value_name = "NAME")]
        contact: Option<String>,
        /// Why it is in use again.
        #[arg(long)]
        reason: String,
        #[command(flatten)]
        org: Org,
    },
    /// What law keeps of customers whose relationship is over.
    #[command(subcommand)]
    Archive(ArchiveCommand),
    /// Overwrites what deleted rows left in the files of the database. The service does so each night after an erasure.
    Scrub,
    /// The privacy statement that the policy makes.
    #[command(subcommand)]
    Statement(StatementCommand),
    /// Records of processing (GDPR article 30) as they are today.
    Records {
        /// A PDF file to write; an HTML file when it ends so. Shown in short when left out.
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
    },
    /// Every table and column with what it holds, as a fides dataset (YAML).
    Map,
}

/// What has had its time.
#[derive(Subcommand)]
pub(super) enum RetentionCommand {
    /// Shows what is due by which rule, and what is held. Deletes nothing.
    Plan {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Plans and deletes, where the policy is approved. The service does so each night.
    Run {
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
}

/// The privacy statement.
#[derive(Subcommand)]
pub(super) enum StatementCommand {
    /// Lists what was published.
    List {
        #[command(flatten)]
        org: Org,
    },
    /// Writes the statement to a file, published or not: what it would say today.
    Preview {
        /// A PDF file, or an HTML file when it ends so.
        #[arg(long, value_name = "FILE")]
        out: PathBuf,
        /// nb, nn or en.
        #[arg(long, default_value = "nb")]
        language: String,
        #[command(flatten)]
        what: StatementArgs,
        #[command(flatten)]
        org: Org,
    },
    /// Tells customers and users of the newest version by mail, before it holds. Cut off, it goes on where it was.
    Notify(NotifyArgs),
    /// Lists which users have seen and accepted a version.
    Acceptances(AcceptancesArgs),
    /// Publishes the statement; the versions before are kept.
    Publish {
        #[command(flatten)]
        what: StatementArgs,
        #[command(flatten)]
        org: Org,
    },
}

/// What the organisation adds.
#[derive(clap::Args)]
pub(super) struct StatementArgs {
    /// Who answers for it and signs it: a name or a role. Nothing is published without.
    #[arg(long)]
    responsible: Option<String>,
    /// First day it holds; today when left out.
    #[arg(long, value_name = "DATE")]
    from: Option<NaiveDate>,
    /// JSON file of your own text by language, such as {"nb": "…"}.
    #[arg(long, value_name = "FILE")]
    own: Option<PathBuf>,
}

impl StatementArgs {
    fn read(&self) -> anyhow::Result<NewStatement> {
        let own = match &self.own {
            None => BTreeMap::new(),
            Some(path) => {
                let bytes = super::read_file(path, 1 << 20)?;
                let shown = path.display();
                serde_json::from_slice(&bytes).with_context(|| format!("{shown} is not JSON of texts by language"))?
            }
        };
        Ok(NewStatement { valid_from: self.from, responsible: self.responsible.clone(), own })
    }
}

/// The policy.
#[derive(Subcommand)]
pub(super) enum PolicyCommand {
    /// Shows the policy in force, or every version.
    Show {
        /// Every version, the newest first.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        org: Org,
        /// For programs.
        #[arg(long)]
        json: bool,
    },
    /// Says what is wrong with a policy, without publishing it.
    Check(PolicyArgs),
    /// Publishes a version. It deletes nothing until it is approved.
    Publish {
        #[command(flatten)]
        policy: PolicyArgs,
        /// First day it holds; today when left out.
        #[arg(long, value_name = "DATE")]
        from: Option<NaiveDate>,
        #[command(flatten)]
        org: Org,
    },
    /// Lets a version delete: you have looked at what it would do.
    #[command(disable_version_flag = true)]
    Approve {
        /// Its number.
        version: i64,
        #[command(flatten)]
        org: Org,
    },
}

/// What a policy is made of.
#[derive(clap::Args)]
pub(super) struct PolicyArgs {
    /// association-billing, invoicing-platform, accounting-firm, accounting-marketplace or erp.
    #[arg(long)]
    preset: String,
    /// JSON file of what differs from the preset, such as {"rules": {"support_case": {"period": "P6M"}}}.
    #[arg(long, value_name = "FILE")]
    changes: Option<PathBuf>,
}

impl PolicyArgs {
    fn read(&self, valid_from: Option<NaiveDate>) -> anyhow::Result<NewPolicy> {
        let changes = match &self.changes {
            None => Value::Null,
            Some(path) => {
                let bytes = super::read_file(path, 1 << 20)?;
                serde_json::from_slice(&bytes).with_context(|| format!("{} is not JSON", path.display()))?
            }
        };
        Ok(NewPolicy { preset: self.preset.clone(), changes, valid_from })
    }
}

pub(super) async fn run(command: PrivacyCommand) -> anyhow::Result<()> {
    match command {
        PrivacyCommand::Policy(PolicyCommand::Check(args)) => {
            policy::compose(&args.read(None)?)?;
            println!("The policy may be published.");
            Ok(())
        }
        PrivacyCommand::Policy(command) => policy(&context().await?, command).await,
        PrivacyCommand::Hold(command) => holds::run(&context().await?, command).await,
        PrivacyCommand::Retention(command) => retain(&context().await?, command).await,
        PrivacyCommand::Statement(command) => statements(&context().await?, command).await,
        PrivacyCommand::Requests(command) => requests::run(command).await,
        PrivacyCommand::Processor(command) => processors::run(command).await,
        PrivacyCommand::Promises(args) => promises::run(&args),
        PrivacyCommand::Reads(args) => readings::run(args).await,
        PrivacyCommand::Breach(command) => breaches::run(command).await,
        PrivacyCommand::Erase(args) => erasure::erase(args).await,
        PrivacyCommand::Erasures { org, json } => erasure::list(org, json).await,
        PrivacyCommand::Certificate(args) => erasure::certificate(args).await,
        PrivacyCommand::Readmit { number, contact, reason, org } => {
            erasure::readmit(number, contact, reason, org).await
        }
        PrivacyCommand::Archive(command) => erasure::archive(command).await,
        PrivacyCommand::Scrub => erasure::scrub().await,
        PrivacyCommand::Map => {
            print!("{}", data_map());
            Ok(())
        }
        PrivacyCommand::Records { out, language, org, json } => {
            let ctx = context().await?;
            let language = Language::from_code(&language);
            let (records, paper) = records::of_today(&ctx, &org.actor(&ctx).await?, language).await?;
            if json {
                return print_json(&records);
            }
            match out {
                Some(path) => write(&path, &paper),
                None => {
                    for activity in &records.activities {
                        println!("{}: {}", activity.title, activity.purpose);
                    }
                    println!("\n{} activities; --out FILE.pdf writes them in full.", records.activities.len());
                    Ok(())
                }
            }
        }
        PrivacyCommand::Explain { kind, which, language, org, json } => {
            let ctx = context().await?;
            let actor = org.actor(&ctx).await?;
            let subject = find(&ctx, &actor, &kind, &which).await?;
            let explained = explain(&ctx, &actor, subject, Some(Language::from_code(&language))).await?;
            reading::note_now(&ctx, &actor, "privacy.explain", subject).await?;
            if json {
                return print_json(&explained);
            }
            show(&explained, Language::from_code(&language));
            Ok(())
        }
    }
}

async fn policy(ctx: &Ctx, command: PolicyCommand) -> anyhow::Result<()> {
    match command {
        PolicyCommand::Check(_) => {}
        PolicyCommand::Show { all, org, json } => {
            let actor = org.actor(ctx).await?;
            let versions =
                if all { policy::list(ctx, &actor).await? } else { vec![policy::current(ctx, &actor).await?] };
            if json {
                return print_json(&versions);
            }
            versions.iter().for_each(show_version);
            notices::warn(ctx, &actor).await?;
        }
        PolicyCommand::Publish { policy: args, from, org } => {
            let new = args.read(from)?;
            let actor = org.actor(ctx).await?;
            policy::publish(ctx, &actor, &new).await?;
            let version = policy::list(ctx, &actor).await?.remove(0);
            println!(
                "Version {} holds from {}. It deletes nothing until you have looked at its plan:\n  \
                 reskontro privacy policy approve {}",
                version.version_no, version.valid_from, version.version_no
            );
        }
        PolicyCommand::Approve { version, org } => {
            policy::approve(ctx, &org.actor(ctx).await?, version).await?;
            println!("Version {version} is approved.");
        }
    }
    Ok(())
}

async fn retain(ctx: &Ctx, command: RetentionCommand) -> anyhow::Result<()> {
    let (org, json, carry_out) = match command {
        RetentionCommand::Plan { org, json } => (org, json, false),
        RetentionCommand::Run { org, json } => (org, json, true),
    };
    let actor = org.actor(ctx).await?;
    let id = retention::plan(ctx, &actor).await?;
    if carry_out {
        retention::execute(ctx, &actor, id).await?;
    }
    let plan = retention::get(ctx, &actor, id).await?;
    if json {
        return print_json(&plan);
    }
    let counted = if carry_out { "deleted" } else { "due" };
    let mut rows = vec![["what", "kept", counted, "held"].map(str::to_owned).to_vec()];
    for item in &plan.items {
        let count = if carry_out { item.deleted } else { item.due };
        let period = long(item.period, Language::English);
        rows.push(vec![item.what.clone(), period, text::count(count), text::count(item.held)]);
    }
    print!("{}", text::table(&rows, ""));
    match plan.state.as_str() {
        "done" => {}
        "dry_run" => println!(
            "\nVersion {} of the policy is not approved: nothing is deleted until `reskontro privacy policy approve {}`.",
            plan.policy_version, plan.policy_version
        ),
        _ => {
            println!(
                "\nNothing is deleted yet: `reskontro privacy retention run` does it, and the service each night."
            );
        }
    }
    Ok(())
}

async fn statements(ctx: &Ctx, command: StatementCommand) -> anyhow::Result<()> {
    match command {
        StatementCommand::List { org } => {
            let actor = org.actor(ctx).await?;
            let rows = statement::list(ctx, &actor).await?;
            if rows.is_empty() {
                println!("Nothing is published yet; look at it with `reskontro privacy statement preview`.");
            }
            for s in rows {
                println!(
                    "Version {}, from {}: /privacy/{}?version={}",
                    s.version_no, s.valid_from, s.org_id, s.version_no
                );
            }
            notices::warn(ctx, &actor).await?;
        }
        StatementCommand::Notify(args) => notices::notify(ctx, args).await?,
        StatementCommand::Acceptances(args) => notices::acceptances(ctx, args).await?,
        StatementCommand::Preview { out, language, what, org } => {
            let made = statement::preview(ctx, &org.actor(ctx).await?, &what.read()?).await?;
            let language = Language::from_code(&language);
            write(&out, &render::privacy::statement(&made, language))?;
        }
        StatementCommand::Publish { what, org } => {
            let actor = org.actor(ctx).await?;
            statement::publish(ctx, &actor, &what.read()?).await?;
            let newest = statement::list(ctx, &actor).await?.remove(0);
            println!(
                "Version {} holds from {} and is read at /privacy/{}.",
                newest.version_no, newest.valid_from, actor.org
            );
            notices::after_publishing(ctx, &actor, newest.version_no).await?;
        }
    }
    Ok(())
}

/// Writes a text as PDF, or as HTML where the file's name says so.
pub(super) fn write(path: &Path, paper: &Paper) -> anyhow::Result<()> {
    let bytes = if path.extension().is_some_and(|e| e == "html") {
        render::paper::html(paper)?.into_bytes()
    } else {
        statement::pdf(paper)?
    };
    std::fs::write(path, bytes).with_context(|| format!("{} cannot be written", path.display()))?;
    println!("Written to {}.", path.display());
    Ok(())
}

fn show_version(version: &Version) {
    let state = match (version.published_at, version.approved_at) {
        (None, _) => "preset, not published",
        (_, None) => "published, not approved: deletes nothing",
        _ => "approved",
    };
    println!(
        "Version {}, from {}: {}, {state}",
        version.version_no,
        version.valid_from,
        version.policy.preset.as_str()
    );
    let rows: Vec<Vec<String>> = version
        .policy
        .rules
        .iter()
        .map(|rule| {
            let title = render::privacy::title(rule.id, Language::English);
            let trigger = render::privacy::trigger(rule.trigger, Language::English);
            let how_long = rule.period.map_or_else(String::new, |p| long(p, Language::English));
            vec![title.to_owned(), how_long, trigger.to_owned()]
        })
        .collect();
    print!("{}", text::left(&rows, "  "));
}

fn long(period: Period, language: Language) -> String {
    render::privacy::period(period, language)
}

/// What a kind and a number or an id mean.
pub(super) async fn find(ctx: &Ctx, actor: &Actor, kind: &str, which: &str) -> anyhow::Result<Subject> {
    let tx = ctx.db.read(actor.org).await?;
    let id = match (kind, Uuid::try_parse(which)) {
        (_, Ok(id)) => id,
        ("customer", _) => {
            let found = customer::resolve_number(&tx, which).await?;
            let found = if found.is_some() { found } else { in_archive(ctx, actor, which).await? };
            found.with_context(|| format!("there is no customer with number {which}"))?
        }
        ("invoice", _) => {
            let number = which.parse().with_context(|| format!("{which} is neither an invoice number nor an id"))?;
            let found = invoice::find_by_number(&tx, number).await?;
            found.with_context(|| format!("there is no invoice with number {which}"))?
        }
        _ => bail!("give the id of the {kind}"),
    };
    tx.commit().await?;
    Ok(explain::subject(ctx, actor, kind, id).await?)
}

/// Who had a number and is in the archive; an id alone, nothing is shown.
async fn in_archive(ctx: &Ctx, actor: &Actor, number: &str) -> anyhow::Result<Option<Uuid>> {
    let tx = ctx.db.retain(actor.org).await?;
    let found = archive::find_by_number(&tx, number).await?;
    tx.commit().await?;
    match found.as_slice() {
        [] => Ok(None),
        [only] => Ok(Some(*only)),
        several => {
            let ids = several.iter().map(Uuid::to_string).collect::<Vec<_>>().join(", ");
            bail!("several customers in the archive had number {number}; give the id: {ids}")
        }
    }
}

pub(super) const fn id_of(subject: Subject) -> Uuid {
    match subject {
        Subject::Customer(id)
        | Subject::Contact { id, .. }
        | Subject::Invoice(id)
        | Subject::Payment(id)
        | Subject::User(id) => id,
    }
}

fn show(e: &Explained, language: Language) {
    println!("{} {}, by version {} of the policy", e.subject_kind, e.subject_id, e.policy_version);
    match (e.relationship_ended_on, e.relationship_ends_by_itself_on) {
        (Some(on), _) => println!("The relationship ended on {on}."),
        (None, Some(on)) => println!("The relationship ends by itself on {on} if nothing happens."),
        _ => {}
    }
    for held in &e.held {
        println!("\n{} ({})", held.title, text::count(held.count));
        println!("  {}; {}", held.what, held.purpose);
        let bases: Vec<&str> = held.bases.iter().map(|b| render::privacy::basis(*b, language)).collect();
        println!("  {}", bases.join("; "));
        println!("  {}", until(held, language));
    }
    for hold in &e.holds {
        let review = hold.review_on.map(|on| format!(", looked at again on {on}")).unwrap_or_default();
        println!("\nHeld: {} ({}){review}", render::privacy::hold(hold.kind, language), hold.reason);
    }
    for told in &e.told {
        let who = render::privacy::recipient(told.recipient, language);
        println!("\nTold: {who}, {} documents, last {}", text::count(told.documents), told.last_at.format("%Y-%m-%d"));
    }
}

fn until(held: &Held, language: Language) -> String {
    let period = held.period.map(|p| long(p, language)).unwrap_or_default();
    let rule = format!("{period} {} ({})", render::privacy::trigger(held.trigger, language), held.source);
    match (held.state, held.first_deletable_on, held.deletable_on) {
        ("in_use", ..) | (_, _, None) => format!("in use; goes {rule}"),
        ("held", _, Some(on)) => {
            let by: Vec<&str> = held.held_by.iter().map(|h| render::privacy::hold(*h, language)).collect();
            format!("could have gone on {on}, held: {}; {rule}", by.join(", "))
        }
        ("due", _, Some(on)) => format!("to be deleted since {on}; {rule}"),
        (_, Some(first), Some(last)) if first != last => format!("goes from {first} to {last}: {rule}"),
        (_, _, Some(on)) => format!("goes on {on}: {rule}"),
    }
}
