//! Customers: sync by plan and apply, and changes by hand.

mod apply;
mod classify;
mod edit;
mod plan;

pub use apply::{Applied, apply, discard};
pub use classify::{Action, PlanRow};
pub use edit::{create, read, set_mapping};
pub use plan::{
    Counts, Guard, Input, PlanReport, PlanSummary, Renumbered, find_plan, part_of_plan, plan, rows_of_plan,
};
