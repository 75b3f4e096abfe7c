//! `reskontro privacy promises`: how the promises of the five privacy statements stand in this version.

use super::print_json;
use super::text::{left, table};
use crate::privacy::promises::{Promise, Status, register};

/// Which promises.
#[derive(clap::Args)]
pub(super) struct PromisesArgs {
    /// Lists each that is not kept whole, with what it waits for or why it is not ours.
    #[arg(long)]
    open: bool,
    /// For programs.
    #[arg(long)]
    json: bool,
}

const SOURCES: [&str; 5] = ["association", "platform", "firm", "marketplace", "erp"];

pub(super) fn run(args: &PromisesArgs) -> anyhow::Result<()> {
    let all = register().map_err(anyhow::Error::msg)?;
    if args.json {
        return print_json(&all);
    }
    let count = |of: &dyn Fn(&&Promise) -> bool, status: Status| {
        all.iter().filter(of).filter(|p| p.status == status).count().to_string()
    };
    let line = |name: &str, of: &dyn Fn(&&Promise) -> bool| {
        let numbers = [Status::Kept, Status::Partly, Status::NotOurs].map(|status| count(of, status));
        [vec![name.to_owned()], numbers.to_vec(), vec![all.iter().filter(of).count().to_string()]].concat()
    };
    let head = ["", "kept", "in part", "not ours", "all"].map(str::to_owned).to_vec();
    let mut rows = vec![head];
    rows.extend(SOURCES.map(|source| line(source, &|p| p.source == source)));
    rows.push(line("core and platform", &|p| p.scope == "core" || p.scope == "platform"));
    rows.push(line("all", &|_| true));
    print!("{}", table(&rows, "  "));
    if args.open {
        for (status, title) in
            [(Status::Partly, "Kept in part, and what is missing"), (Status::NotOurs, "Not ours, and why")]
        {
            println!("\n{title}");
            let why = |p: &Promise| p.waits_for.clone().or_else(|| p.because.clone()).unwrap_or_default();
            let rows: Vec<Vec<String>> =
                all.iter().filter(|p| p.status == status).map(|p| vec![p.id.clone(), why(p)]).collect();
            print!("{}", left(&rows, "  "));
        }
    }
    Ok(())
}
