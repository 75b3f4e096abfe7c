//! The sign-in page.

use crate::frame::Frame;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use crate::{ConsoleError, format};
use askama::Template;

/// Why nobody was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignInError {
    /// Name and password do not match; it is not said which.
    Wrong,
    /// Too many tries; wait so many minutes.
    TooMany(u64),
    /// Too many tries from the address; wait so many minutes.
    AddressRests(u64),
    /// The address is blocked until a person lifts it.
    AddressBlocked,
    /// The session ended.
    Expired,
}

/// What the sign-in page shows.
#[derive(Debug, Clone, Default)]
pub struct SignInView {
    /// What was typed as user.
    pub user: String,
    /// What went wrong.
    pub error: Option<SignInError>,
    /// Path to go on to; a path of this service only.
    pub next: String,
}

#[derive(Template)]
#[template(path = "sign_in.html")]
struct Page<'a> {
    p: Shell<'a>,
    v: &'a SignInView,
    error: Option<String>,
}

/// The sign-in page: no menu.
pub fn sign_in(view: &SignInView, frame: &Frame) -> Result<String, ConsoleError> {
    let frame = &Frame { user: None, ..frame.clone() };
    let p = Shell::new(frame, Section::None, crate::words::words(frame.language).sign_in);
    let error = view.error.map(|error| match error {
        SignInError::Wrong => p.t.sign_in_wrong.to_owned(),
        SignInError::TooMany(minutes) => p.fill(p.t.sign_in_too_many, "n", format::count(minutes, p.lang())),
        SignInError::AddressRests(minutes) => p.fill(p.t.sign_in_address_rests, "n", format::count(minutes, p.lang())),
        SignInError::AddressBlocked => p.t.sign_in_address_blocked.to_owned(),
        SignInError::Expired => p.t.sign_in_expired.to_owned(),
    });
    Ok(Page { p, v: view, error }.render()?)
}
