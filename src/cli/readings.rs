//! The log of reads of personal data at the command line.

use super::{Org, context, print_json, text};
use crate::privacy::reading::{self, PAGE, ReadingView};
use uuid::Uuid;

/// Whose data was read.
#[derive(clap::Args)]
pub(super) struct ReadsArgs {
    /// Customer number or id; everybody when left out.
    #[arg(long, value_name = "CUSTOMER")]
    customer: Option<String>,
    #[command(flatten)]
    org: Org,
    /// For programs.
    #[arg(long)]
    json: bool,
}

/// Shows who looked, when and for what.
pub(super) async fn run(args: ReadsArgs) -> anyhow::Result<()> {
    let ctx = context().await?;
    let actor = args.org.actor(&ctx).await?;
    let person = match args.customer.as_deref() {
        // Of somebody who was erased the id alone is known.
        Some(which) => Some(match Uuid::try_parse(which) {
            Ok(id) => id,
            Err(_) => super::privacy::id_of(super::privacy::find(&ctx, &actor, "customer", which).await?),
        }),
        None => None,
    };
    let mut rows: Vec<ReadingView> = Vec::new();
    loop {
        let after = rows.last().map_or_else(Uuid::nil, |r| r.id);
        let page = reading::list(&ctx, &actor, person, after, PAGE).await?;
        let full = u64::try_from(page.len()).unwrap_or_default() == PAGE;
        rows.extend(page);
        if !full {
            break;
        }
    }
    if let Some(person) = person {
        reading::note_now(&ctx, &actor, "reads.list", person).await?;
    }
    if args.json {
        return print_json(&rows);
    }
    if rows.is_empty() {
        println!("Nobody has looked, as far as the log goes back.");
        return Ok(());
    }
    let shown: Vec<Vec<String>> = rows.iter().map(line).collect();
    print!("{}", text::left(&shown, ""));
    Ok(())
}

fn line(row: &ReadingView) -> Vec<String> {
    let who = match row.actor_id {
        Some(id) => format!("{} {id}", row.actor_kind.replace('_', " ")),
        None => row.actor_kind.replace('_', " "),
    };
    let people = match row.people {
        1 => "1 person".to_owned(),
        n => format!("{} people", text::count(n)),
    };
    let when = row.at.with_timezone(&chrono_tz::Europe::Oslo).format("%Y-%m-%d %H:%M:%S").to_string();
    vec![when, row.action.clone(), people, who, row.reason.clone().unwrap_or_default()]
}
