//! The page shown when there is none: not found, no access, a conflict, our own fault, a session that ended.

use crate::ConsoleError;
use crate::frame::Frame;
use crate::html::url_encode;
use crate::icon::Icon;
use crate::shell::{Section, Shell};
use askama::Template;

/// What went wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ErrorView {
    /// No such page.
    NotFound,
    /// Not allowed; who can allow it.
    Forbidden {
        /// Name of an administrator.
        admin: String,
    },
    /// A rule says no; which, in words.
    Refused {
        /// What is wrong and what to do.
        text: String,
    },
    /// Somebody else changed it; where the change is seen.
    Conflict {
        /// A path of this service.
        see: String,
    },
    /// Our own fault.
    Internal {
        /// What to quote.
        code: String,
    },
    /// The session ended; where to go after signing in.
    SessionExpired {
        /// A path of this service.
        next: String,
    },
}

#[derive(Template)]
#[template(path = "error.html")]
struct Page<'a> {
    p: Shell<'a>,
    text: String,
    href: String,
    link: &'static str,
}

/// The error page; without a signed-in user it has no menu.
pub fn error(view: &ErrorView, frame: &Frame) -> Result<String, ConsoleError> {
    let p = Shell::new(frame, Section::None, "");
    let (t, home) = (p.t, "/console/deliveries".to_owned());
    let (title, text, href, link) = match view {
        ErrorView::NotFound => (t.not_found, t.not_found_text.to_owned(), home, t.to_deliveries),
        ErrorView::Forbidden { admin } => {
            (t.forbidden, p.fill(t.forbidden_text, "admin", admin), home, t.to_deliveries)
        }
        ErrorView::Refused { text } => (t.refused, text.clone(), home, t.to_deliveries),
        ErrorView::Conflict { see } => (t.conflict, t.conflict_text.to_owned(), see.clone(), t.see_change),
        ErrorView::Internal { code } => (t.internal, p.fill(t.internal_text, "id", code), home, t.to_deliveries),
        ErrorView::SessionExpired { next } => {
            let href = format!("/console/sign-in?next={}", url_encode(next));
            (t.session, t.sign_in_expired.to_owned(), href, p.w.sign_in)
        }
    };
    let p = Shell { title: title.to_owned(), ..p };
    Ok(Page { p, text, href, link }.render()?)
}
