//! The newest attempts to sign in to one's own account.

use crate::ConsoleError;
use crate::channel::chip;
use crate::frame::Frame;
use crate::html::Html;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use askama::Template;
use chrono::{DateTime, Utc};

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInOutcome {
    /// Somebody was let in.
    LetIn,
    /// The password was wrong.
    Wrong,
    /// The account rested after too many tries.
    Rested,
}

/// One attempt.
#[derive(Debug, Clone)]
pub struct SignInRow {
    /// When.
    pub at: DateTime<Utc>,
    /// Network address it came from, where it is known.
    pub address: Option<String>,
    /// What became of it.
    pub outcome: SignInOutcome,
}

/// What the page shows.
#[derive(Debug, Clone, Default)]
pub struct SignInsView {
    /// Attempts, the newest first.
    pub rows: Vec<SignInRow>,
}

#[derive(Template)]
#[template(path = "sign_ins.html")]
struct Page<'a> {
    p: Shell<'a>,
    rows: Vec<(&'a SignInRow, Html)>,
}

/// The newest attempts to sign in to one's own account.
pub fn sign_ins(view: &SignInsView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::None, crate::words::page_words(frame.language).sign_ins);
    let shown = |outcome| match outcome {
        SignInOutcome::LetIn => chip("ok", Icon::Check, p.t.sign_ins_let_in),
        SignInOutcome::Wrong => chip("bad", Icon::Cross, p.t.sign_ins_wrong),
        SignInOutcome::Rested => chip("bad", Icon::Clock, p.t.sign_ins_rested),
    };
    let rows = view.rows.iter().map(|row| (row, shown(row.outcome))).collect();
    Ok(Page { p, rows }.render()?)
}
