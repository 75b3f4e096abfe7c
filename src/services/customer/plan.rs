//! Plans a customer sync: what a list would do, without doing it.

use super::classify::{Action, PlanRow, Verdict, classify, digest};
use super::erased::{Erased, erased_numbers};
use crate::ctx::{Ctx, InstallationKey, sha256};
use crate::services::error::{Error, Kind};
use crate::services::organisation::unless_over;
use crate::services::work::{Actor, Deed, Work};
use crate::store::customer::{self as store, Customer, Known};
use crate::store::organisation::Counter;
use crate::store::{bulk, organisation, plan as plans, product};
use chrono::{DateTime, Days, NaiveDate, Utc};
use domain::customer::Field;
use domain::hex;
use formats::customer_list::{self, CustomerList, Detected, ListRow, Mode, Options, RefusedColumn, RowNote};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use uuid::Uuid;

/// Rows of a plan kept in one part.
pub(super) const PART_ROWS: usize = 500;
/// Days an unapplied plan lives (decision 33).
const PLAN_DAYS: u64 = 7;

/// A list to plan.
pub struct Input<'a> {
    /// The file.
    pub bytes: &'a [u8],
    /// Full or delta.
    pub mode: Mode,
}

/// How many customers meet what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Counts {
    /// Made.
    pub new: usize,
    /// Some fields differ.
    pub changed: usize,
    /// No difference.
    pub unchanged: usize,
    /// Ended before, in the list again.
    pub reopened: usize,
    /// Ended.
    pub ending: usize,
    /// Rows with an error.
    pub rejected: usize,
    /// Rows repeated, stale, ending somebody unknown, or naming somebody who was erased.
    pub skipped: usize,
}

/// Whether a full list would end suspiciously many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Guard {
    /// Active customers before.
    pub active_before: usize,
    /// Active customers that are not in the list.
    pub vanished: usize,
    /// Vanished in percent of active, one decimal.
    pub percent: String,
    /// Above the limit: apply needs `force`.
    pub trips: bool,
}

/// A vanished customer that looks like a new one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Renumbered {
    /// Number that vanishes.
    pub from: String,
    /// Number that is new.
    pub to: String,
}

/// What a plan says of the file as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlanSummary {
    /// How the file was understood.
    pub detect: Detected,
    /// Heading to target.
    pub mapping: BTreeMap<String, String>,
    /// Columns that are not stored.
    pub refused_columns: Vec<RefusedColumn>,
    /// How many customers meet what.
    pub counts: Counts,
    /// Of those ending, how many by a row of their own.
    pub ending_by_row: usize,
    /// Whether a full list would end suspiciously many.
    pub guard: Guard,
    /// Row and cell errors.
    pub errors: Vec<RowNote>,
    /// Information.
    pub notes: Vec<RowNote>,
    /// Vanished customers that look like new ones.
    pub renumbered: Vec<Renumbered>,
}

/// A plan as it stands.
#[derive(Debug, Clone)]
pub struct PlanReport {
    /// The plan, to be named when applying.
    pub id: Uuid,
    /// `planned`, `applied`, `discarded` or `expired`.
    pub status: String,
    /// Full or delta.
    pub mode: String,
    /// What it says.
    pub summary: PlanSummary,
    /// Customers that apply would touch.
    pub changes: i64,
    /// When it is forgotten.
    pub expires_at: DateTime<Utc>,
    /// When it was applied.
    pub applied_at: Option<DateTime<Utc>>,
}

impl PlanReport {
    /// From its row.
    pub fn of(row: plans::Plan) -> Result<Self, Error> {
        let summary = serde_json::from_str(&row.summary)
            .map_err(|_| crate::store::Error::inconsistent("customer_plan", "summary"))?;
        Ok(Self {
            id: row.id,
            status: row.status,
            mode: row.mode,
            summary,
            changes: row.changes,
            expires_at: row.expires_at,
            applied_at: row.applied_at,
        })
    }
}

/// Plans a sync. Nothing of the customers changes; the plan and its diff live seven days.
pub async fn plan(ctx: &Ctx, actor: &Actor, input: &Input<'_>) -> Result<PlanReport, Error> {
    let work = Work::begin(ctx, actor).await?;
    let org = organisation::find(&work.tx).await?.ok_or_else(|| Error::not_found("organisation"))?;
    if org.dpa_accepted_at.is_none() {
        let message = "accept the data-processing agreement before personal data is imported";
        return Err(Error::conflict("dpa_not_accepted", message));
    }
    unless_over(&work.tx, work.today()).await?;
    bulk::prefer_indexes(&work.tx).await?;
    let known = store::list_known(&work.tx).await?;
    let numbers: HashSet<String> = known.iter().map(|k| k.number.clone()).collect();
    let mapping = store::mapping(&work.tx).await?;
    let options = Options { mode: input.mode, known: &numbers, mapping: &mapping };
    let mut list = customer_list::read(input.bytes, &options).map_err(|e| unreadable(&e))?;
    drop(numbers);
    let grace = Days::new(u64::try_from(org.ending_grace_days).unwrap_or_default());
    let rows = std::mem::take(&mut list.rows);
    let tracker = ctx.progress.begin(actor.org, "customer_sync.plan", rows.len());
    let erased = erased_numbers(&work.tx, &ctx.key).await?;
    let mut planner = Planner::new(work, known, ctx.today(), input.mode, grace, &ctx.key, erased);
    for chunk in rows.chunks(PART_ROWS) {
        planner.take(chunk, &mut list).await?;
        tracker.advance(chunk.len());
    }
    planner.vanish(&list).await?;
    let limit = usize::try_from(org.guard_percent).unwrap_or(10);
    let counter = organisation::take_numbers(&planner.work.tx, Counter::Sync, 0).await?;
    planner.finish(list, limit, counter, sha256(input.bytes).to_vec()).await
}

fn unreadable(error: &customer_list::FileError) -> Error {
    let kind = match error.code {
        "too_large" => Kind::TooLarge,
        "unsupported_format" => Kind::Unsupported,
        _ => Kind::Invalid,
    };
    let place = error.line.map(|l| format!("line {l}: ")).unwrap_or_default();
    Error::refuse(kind, error.code, format!("{place}{}", error.message))
}

/// What must be known of a customer to see whether a row is news.
struct Standing {
    id: Uuid,
    active: bool,
    /// Digest of the row it was last made of, while it is active and not to end.
    digest: Option<[u8; 16]>,
}

impl Standing {
    fn of(known: Known) -> (String, Self) {
        let stays = known.status == "active" && known.ended_on.is_none();
        let digest = known.list_digest.filter(|_| stays).and_then(|d| d.try_into().ok());
        (known.number, Self { id: known.id, active: known.status == "active", digest })
    }

    fn made_of(&self, digest: &[u8]) -> bool {
        self.digest.is_some_and(|d| d == digest)
    }
}

/// Builds a plan part by part.
struct Planner<'a> {
    work: Work<'a>,
    id: Uuid,
    today: NaiveDate,
    mode: Mode,
    by_number: HashMap<String, Standing>,
    key: &'a InstallationKey,
    erased: Erased<'a>,
    unseen: HashSet<Uuid>,
    met: HashSet<Uuid>,
    grace: Days,
    active_before: usize,
    vanished: usize,
    counts: Counts,
    ending_by_row: usize,
    new_keys: HashMap<String, String>,
    renumbered: Vec<Renumbered>,
    part: Vec<PlanRow>,
    parts: i64,
    changes: i64,
}

impl<'a> Planner<'a> {
    fn new(
        work: Work<'a>,
        known: Vec<Known>,
        today: NaiveDate,
        mode: Mode,
        grace: Days,
        key: &'a InstallationKey,
        erased: Erased<'a>,
    ) -> Self {
        // Who is to end anyway is not counted again.
        let staying = known.iter().filter(|k| k.status == "active" && k.ended_on.is_none());
        let unseen: HashSet<Uuid> = staying.map(|k| k.id).collect();
        Self {
            id: work.id(),
            work,
            today,
            mode,
            active_before: unseen.len(),
            unseen,
            met: HashSet::new(),
            grace,
            by_number: known.into_iter().map(Standing::of).collect(),
            key,
            erased,
            vanished: 0,
            counts: Counts::default(),
            ending_by_row: 0,
            new_keys: HashMap::new(),
            renumbered: Vec::new(),
            part: Vec::new(),
            parts: 0,
            changes: 0,
        }
    }

    /// Compares a chunk of rows with what is stored. Who was made of the very same row is not read.
    async fn take(&mut self, rows: &[ListRow], list: &mut CustomerList) -> Result<(), Error> {
        let mut open = Vec::with_capacity(rows.len());
        let mut ids = Vec::new();
        for row in rows {
            let digest = digest(self.key, row);
            let known = self.by_number.get(&row.number);
            // Who still owes is here until it is settled, and no customer any more.
            if known.is_none_or(|k| !k.active) && self.erased.has(&row.number) {
                self.counts.skipped += 1;
                list.notes.push(note(row, None, "erased"));
                continue;
            }
            let Some(known) = known else {
                open.push((Cow::Borrowed(row), None, digest));
                continue;
            };
            let without = self.erased.without_contacts(known.id, row);
            if without.is_some() {
                list.notes.push(note(row, None, "contact_erased"));
            }
            self.unseen.remove(&known.id);
            if !self.met.insert(known.id) {
                // Two rows name one customer, by its number of today and one it had before.
                list.errors.push(RowNote::row_error(row.line, "duplicate_number"));
                list.rejected += 1;
            } else if !matches!(row.standing, formats::customer_list::Standing::Ended { .. }) && known.made_of(&digest)
            {
                self.counts.unchanged += 1;
            } else {
                ids.push(known.id);
                open.push((without.map_or(Cow::Borrowed(row), Cow::Owned), Some(known.id), digest));
            }
        }
        let stored = load(&self.work, &ids).await?;
        for (row, id, digest) in open {
            let row = &*row;
            match classify(row, id.and_then(|id| stored.get(&id)), self.today, self.mode) {
                Verdict::Unchanged => self.counts.unchanged += 1,
                Verdict::Stale => {
                    self.counts.skipped += 1;
                    list.notes.push(note(row, list.updated_at_column.as_ref(), "stale"));
                }
                // Only stored (GDPR article 18): a list changes nothing until the restriction is lifted.
                Verdict::Plan(_)
                    if id.and_then(|id| stored.get(&id)).is_some_and(|c| c.row.restricted_at.is_some()) =>
                {
                    self.counts.skipped += 1;
                    list.notes.push(note(row, None, "restricted"));
                }
                Verdict::Plan(mut planned) => {
                    planned.digest = planned.record.is_some().then(|| hex::encode(&digest));
                    self.add(*planned).await?;
                }
            }
        }
        Ok(())
    }

    async fn add(&mut self, row: PlanRow) -> Result<(), Error> {
        match row.action {
            Action::New => {
                self.counts.new += 1;
                for key in row.record.iter().flat_map(likeness) {
                    self.new_keys.insert(key, row.number.clone());
                }
            }
            Action::Change => self.counts.changed += 1,
            Action::Reopen => self.counts.reopened += 1,
            Action::End => {
                self.counts.ending += 1;
                self.ending_by_row += usize::from(row.ended_reason.as_deref() != Some("vanished"));
            }
            Action::Touch => self.counts.unchanged += 1,
        }
        self.changes += 1;
        self.part.push(row);
        if self.part.len() >= PART_ROWS { self.flush().await } else { Ok(()) }
    }

    async fn flush(&mut self) -> Result<(), Error> {
        if self.part.is_empty() {
            return Ok(());
        }
        let content = serde_json::to_string(&self.part)
            .map_err(|_| crate::store::Error::inconsistent("customer_plan_part", "content"))?;
        plans::insert_part(&self.work.tx, self.id, self.parts, content).await?;
        self.parts += 1;
        self.part.clear();
        Ok(())
    }

    /// Who is active and not in a full list has left; a rejected row keeps its customer.
    async fn vanish(&mut self, list: &CustomerList) -> Result<(), Error> {
        if self.mode == Mode::Delta {
            return Ok(());
        }
        for number in &list.kept {
            if let Some(known) = self.by_number.get(number) {
                self.unseen.remove(&known.id);
            }
        }
        let mut gone: Vec<Uuid> = self.unseen.iter().copied().collect();
        gone.sort_unstable();
        self.vanished = gone.len();
        for chunk in gone.chunks(PART_ROWS) {
            let mut stored: Vec<Customer> = load(&self.work, chunk).await?.into_values().collect();
            stored.sort_by_key(|c| c.row.id);
            for customer in stored {
                let number = customer.record.get(Field::Number).unwrap_or_default().to_owned();
                let twin = likeness(&customer.record).into_iter().find_map(|k| self.new_keys.get(&k).cloned());
                if let Some(to) = twin {
                    self.renumbered.push(Renumbered { from: number.clone(), to });
                }
                let row = PlanRow {
                    action: Action::End,
                    number,
                    id: Some(customer.row.id),
                    version: Some(customer.row.version),
                    record: None,
                    fields: Vec::new(),
                    ended_on: self.today.checked_add_days(self.grace),
                    ended_reason: Some("vanished".to_owned()),
                    digest: None,
                };
                self.add(row).await?;
            }
        }
        Ok(())
    }

    async fn finish(
        mut self,
        list: CustomerList,
        limit_percent: usize,
        sync_counter: i64,
        content_hash: Vec<u8>,
    ) -> Result<PlanReport, Error> {
        self.flush().await?;
        let (vanished, active) = (self.vanished, self.active_before);
        let tenths = if active == 0 { 0 } else { (vanished * 2_000 + active) / (2 * active) };
        let guard = Guard {
            active_before: active,
            vanished,
            percent: format!("{}.{}", tenths / 10, tenths % 10),
            trips: vanished * 100 > limit_percent * active,
        };
        let mut notes = list.notes;
        notes.sort();
        let summary = PlanSummary {
            detect: list.detected,
            mapping: list.mapping,
            refused_columns: list.refused_columns,
            counts: Counts { rejected: list.rejected, skipped: list.skipped + self.counts.skipped, ..self.counts },
            ending_by_row: self.ending_by_row,
            guard,
            errors: list.errors,
            notes,
            renumbered: self.renumbered,
        };
        let at = self.work.at;
        let row = plans::Plan {
            org_id: self.work.tx.org(),
            id: self.id,
            mode: if self.mode == Mode::Full { "full" } else { "delta" }.to_owned(),
            status: "planned".to_owned(),
            content_hash,
            sync_counter,
            summary: serde_json::to_string(&summary)
                .map_err(|_| crate::store::Error::inconsistent("customer_plan", "summary"))?,
            changes: self.changes,
            guard_trips: summary.guard.trips,
            created_at: at,
            expires_at: at.checked_add_days(Days::new(PLAN_DAYS)).unwrap_or(at),
            applied_at: None,
        };
        plans::insert(&self.work.tx, row.clone()).await?;
        self.work
            .done(Deed { verb: "customer_sync.planned", subject: "customer_sync", id: self.id, fields: "" })
            .await?;
        PlanReport::of(row)
    }
}

/// Why a row does nothing.
fn note(row: &ListRow, column: Option<&(Option<usize>, String)>, code: &str) -> RowNote {
    RowNote {
        line: row.line,
        column: column.and_then(|c| c.0),
        heading: column.map(|c| c.1.clone()),
        code: code.to_owned(),
        level: None,
    }
}

/// Customers by id, with the standard products their standing orders say.
async fn load(work: &Work<'_>, ids: &[Uuid]) -> Result<HashMap<Uuid, Customer>, Error> {
    let mut customers: HashMap<Uuid, Customer> =
        store::load(&work.tx, ids).await?.into_iter().map(|c| (c.row.id, c)).collect();
    let mut products: HashMap<Uuid, Vec<String>> = HashMap::new();
    for (order, number) in product::list_synced(&work.tx, ids, work.today()).await? {
        products.entry(order.customer_id).or_default().push(number);
    }
    for (id, numbers) in products {
        if let Some(customer) = customers.get_mut(&id) {
            customer.record.set(Field::StandardProducts, Some(numbers.join("\n")));
        }
    }
    Ok(customers)
}

/// What makes two records look like one customer: the same name, and organisation number, e-mail or address.
fn likeness(record: &domain::customer::CustomerRecord) -> Vec<String> {
    let get = |f| record.get(f);
    let Some(name) = get(Field::Name) else { return Vec::new() };
    let address = get(Field::Street).zip(get(Field::PostalCode)).map(|(s, p)| format!("a{s}|{p}"));
    let others = [get(Field::OrgNumber).map(|o| format!("o{o}")), get(Field::Email).map(|e| format!("e{e}")), address];
    others.into_iter().flatten().map(|o| format!("{name}|{o}")).collect()
}

/// All rows of a plan that is not applied yet.
pub async fn rows_of_plan(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<Vec<PlanRow>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let mut rows = Vec::new();
    let mut part_no = 0;
    while let Some(content) = plans::part(&tx, id, part_no).await? {
        rows.extend(parse_part(&content)?);
        part_no += 1;
    }
    Ok(rows)
}

/// Up to 500 rows of a plan that is not applied yet.
pub async fn part_of_plan(ctx: &Ctx, actor: &Actor, id: Uuid, part: u32) -> Result<Vec<PlanRow>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    plans::find(&tx, id).await?.ok_or_else(|| Error::not_found("customer sync"))?;
    let content = plans::part(&tx, id, i64::from(part)).await?;
    tx.commit().await?;
    content.map_or_else(|| Ok(Vec::new()), |c| parse_part(&c))
}

/// A plan as it stands.
pub async fn find_plan(ctx: &Ctx, actor: &Actor, id: Uuid) -> Result<PlanReport, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let row = plans::find(&tx, id).await?.ok_or_else(|| Error::not_found("customer sync"))?;
    tx.commit().await?;
    PlanReport::of(row)
}

/// Rows of one part.
pub(super) fn parse_part(content: &str) -> Result<Vec<PlanRow>, Error> {
    let bad = |_| crate::store::Error::inconsistent("customer_plan_part", "content");
    Ok(serde_json::from_str(content).map_err(bad)?)
}
