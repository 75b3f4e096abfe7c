//! Customers and their lists at the command line.

use super::{Org, context, print_json, read_file, text, watched};
use crate::ctx::Ctx;
use crate::privacy::reading::{self, About};
use crate::services::Actor;
use crate::services::customer::{self, Action, Input, PlanReport, PlanRow};
use clap::{Subcommand, ValueEnum};
use domain::customer::shown;
use formats::customer_list::Mode;
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use uuid::Uuid;

/// Customers and their lists.
#[derive(Subcommand)]
pub(super) enum CustomersCommand {
    /// Shows what a file would do. Nothing changes; the plan can be applied for seven days.
    Plan {
        /// CSV, XLSX, JSON or NDJSON.
        file: PathBuf,
        /// Whether the file holds everybody or only changes.
        #[arg(long, value_enum, default_value = "full")]
        mode: ListMode,
        /// For programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Shows a customer as it is stored; that it was read is logged.
    Show {
        /// Customer number or id.
        which: String,
        /// For programs.
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        org: Org,
    },
    /// Applies a plan by its id, or plans and applies a file.
    Apply {
        /// A plan's id, or a file.
        plan_or_file: String,
        /// Whether the file holds everybody or only changes.
        #[arg(long, value_enum, default_value = "full")]
        mode: ListMode,
        /// Applies although more customers would end than the guard allows.
        #[arg(long)]
        force: bool,
        #[command(flatten)]
        org: Org,
    },
}

/// A customer's fields, as the API shows them.
async fn show_one(ctx: &Ctx, actor: &Actor, which: &str, json: bool) -> anyhow::Result<()> {
    let found = super::privacy::find(ctx, actor, "customer", which).await?;
    let id = super::privacy::id_of(found);
    let fields = customer::read(ctx, actor, id).await?.fields();
    reading::note_now(ctx, actor, "customer.get", id).await?;
    if json {
        return print_json(&fields);
    }
    let rows: Vec<Vec<String>> =
        fields.iter().filter_map(|(name, value)| Some(vec![name.clone(), said(value)?])).collect();
    print!("{}", text::left(&rows, "  "));
    Ok(())
}

/// A value on a line; none where there is nothing.
fn said(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        Value::Array(many) if many.is_empty() => None,
        Value::Array(many) => Some(many.iter().filter_map(said).collect::<Vec<_>>().join(", ")),
        Value::Object(of) => Some(of.values().filter_map(said).collect::<Vec<_>>().join(", ")),
        other => Some(other.to_string()),
    }
}

/// Whether a list holds everybody.
#[derive(Clone, Copy, ValueEnum)]
pub(super) enum ListMode {
    /// Everybody; who is not in it has left.
    Full,
    /// Changes only.
    Delta,
}

impl From<ListMode> for Mode {
    fn from(mode: ListMode) -> Self {
        match mode {
            ListMode::Full => Self::Full,
            ListMode::Delta => Self::Delta,
        }
    }
}

pub(super) async fn run(command: CustomersCommand) -> anyhow::Result<ExitCode> {
    let ctx = context().await?;
    match command {
        CustomersCommand::Plan { file, mode, json, org } => {
            let actor = org.actor(&ctx).await?;
            let bytes = read_file(&file, ctx.config.limits.customer_list_bytes)?;
            let input = Input { bytes: &bytes, mode: mode.into() };
            let planned = watched(&ctx, &actor, customer::plan(&ctx, &actor, &input)).await;
            let report = match planned {
                Err(crate::services::Error::Refused(refusal)) if json => {
                    print_json(&json!({ "file_error": { "code": refusal.code, "message": refusal.message } }))?;
                    return Ok(ExitCode::FAILURE);
                }
                other => other?,
            };
            let rows = customer::rows_of_plan(&ctx, &actor, report.id).await?;
            reading::note_now(&ctx, &actor, "sync.changes", About::Many(rows.len())).await?;
            if json { print_json(&as_json(&report, &rows))? } else { show(&report, &rows) }
        }
        CustomersCommand::Show { which, json, org } => {
            show_one(&ctx, &org.actor(&ctx).await?, &which, json).await?;
        }
        CustomersCommand::Apply { plan_or_file, mode, force, org } => {
            let actor = org.actor(&ctx).await?;
            let id = match Uuid::try_parse(&plan_or_file) {
                Ok(id) => id,
                Err(_) => {
                    let bytes = read_file(Path::new(&plan_or_file), ctx.config.limits.customer_list_bytes)?;
                    let input = Input { bytes: &bytes, mode: mode.into() };
                    watched(&ctx, &actor, customer::plan(&ctx, &actor, &input)).await?.id
                }
            };
            let applied = watched(&ctx, &actor, customer::apply(&ctx, &actor, id, force)).await?;
            println!(
                "{} made, {} changed, {} ended.",
                text::count(i64::try_from(applied.created).unwrap_or_default()),
                text::count(i64::try_from(applied.changed).unwrap_or_default()),
                text::count(i64::try_from(applied.ended).unwrap_or_default()),
            );
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Everything a plan says, with its rows by what they do.
pub(super) fn as_json(report: &PlanReport, rows: &[PlanRow]) -> Value {
    let numbers = |action: Action| -> Vec<&str> {
        rows.iter().filter(|r| r.action == action).map(|r| r.number.as_str()).collect()
    };
    let changed: Map<String, Value> = rows
        .iter()
        .filter(|r| r.action == Action::Change)
        .map(|r| (r.number.clone(), r.fields.iter().map(|f| Value::from(f.field.as_str())).collect()))
        .collect();
    let diffs: Vec<Value> = rows
        .iter()
        .filter(|r| !r.fields.is_empty())
        .map(|r| json!({ "number": r.number, "fields": r.fields }))
        .collect();
    let records: Vec<Value> = rows.iter().filter_map(|r| r.record.as_ref()).map(record_json).collect();
    let mut out = json!(report.summary);
    let more = json!({
        "plan_id": report.id, "mode": report.mode, "expires_at": report.expires_at, "file_error": null,
        "new_numbers": numbers(Action::New), "changed": changed, "reopened": numbers(Action::Reopen),
        "ending_numbers": numbers(Action::End), "diffs": diffs, "records": records,
    });
    if let (Value::Object(out), Value::Object(more)) = (&mut out, more) {
        out.extend(more);
    }
    out
}

fn record_json(record: &domain::customer::CustomerRecord) -> Value {
    let fields = record.values().map(|(f, v)| (f.name().to_owned(), json!(shown(f, Some(v)))));
    Value::Object(fields.collect())
}

fn show(report: &PlanReport, rows: &[PlanRow]) {
    let s = &report.summary;
    let row = |name: &str, n: usize| vec![name.to_owned(), text::count(i64::try_from(n).unwrap_or_default())];
    println!("Plan {}\n", report.id);
    let counts = [
        row("new", s.counts.new),
        row("changed", s.counts.changed),
        row("unchanged", s.counts.unchanged),
        row("reopened", s.counts.reopened),
        row("ending", s.counts.ending),
        row("rejected", s.counts.rejected),
        row("skipped", s.counts.skipped),
    ];
    print!("{}", text::table(&counts, "  "));
    for column in &s.refused_columns {
        let why = if column.reason == "national_id" { "national identity numbers" } else { "no purpose" };
        println!("  column «{}» is not stored: {why}", column.heading);
    }
    for error in s.errors.iter().take(20) {
        let column = error.column.map(|c| format!(", column {c}")).unwrap_or_default();
        println!("  line {}{column}: {}", error.line, error.code.replace('_', " "));
    }
    if s.errors.len() > 20 {
        println!("  and {} more errors; --json lists all", s.errors.len() - 20);
    }
    for changed in rows.iter().filter(|r| r.action == Action::Change).take(10) {
        let fields: Vec<&str> = changed.fields.iter().map(|f| f.field.as_str()).collect();
        println!("  {} changes {}", changed.number, fields.join(", "));
    }
    if s.guard.trips {
        println!("\nThe guard stops this plan: {} % of the active customers would end.", s.guard.percent);
    }
    println!("\nNothing has changed. Apply with: reskontro customers apply {}", report.id);
}
