//! What stands around a page, and the pages shown when there is none.

use super::session::Visitor;
use crate::ctx::Ctx;
use crate::privacy::acceptance;
use crate::services::organisation::statement_path;
use crate::services::{Actor, Error, Kind};
use crate::store::{organisation, worklist};
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Redirect, Response};
use console::{ConsoleError, ErrorView, Flash, Frame, Health, NewStatement, Organisation, Theme};
use domain::customer::Language;
use domain::hex;

/// A page, or why there is none.
pub(super) type Page = Result<Response, Trouble>;

/// Why there is no page.
pub(super) enum Trouble {
    /// Sign in first; then here.
    SignIn(String),
    /// There is no such thing.
    NotFound,
    /// A rule says no.
    Refused(StatusCode, String),
    /// Our own fault; logged by this id.
    Internal(String),
}

impl Trouble {
    /// Nobody signs in over a line others can read.
    pub(super) fn not_safe() -> Self {
        let text = "people sign in over https only: set console.https behind a proxy, or listen on 127.0.0.1";
        Self::Refused(StatusCode::FORBIDDEN, text.to_owned())
    }
}

impl From<Error> for Trouble {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused(refusal) => match refusal.kind {
                Kind::NotFound | Kind::Gone => Self::NotFound,
                Kind::Forbidden | Kind::Unauthorised => Self::Refused(StatusCode::FORBIDDEN, refusal.message.clone()),
                _ => Self::Refused(StatusCode::CONFLICT, refusal.message.clone()),
            },
            _ => {
                let id = hex::encode(&crate::ctx::sha256(error.to_string().as_bytes())[..4]);
                tracing::error!(error = %error, id = %id, "a page could not be made");
                Self::Internal(id)
            }
        }
    }
}

impl From<crate::store::Error> for Trouble {
    fn from(error: crate::store::Error) -> Self {
        Error::from(error).into()
    }
}

impl From<ConsoleError> for Trouble {
    fn from(error: ConsoleError) -> Self {
        tracing::error!(error = %error, "a page could not be drawn");
        Self::Internal("template".to_owned())
    }
}

impl IntoResponse for Trouble {
    fn into_response(self) -> Response {
        let (status, view) = match self {
            Self::SignIn(next) => {
                let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return Redirect::to(&format!("/console/sign-in?next={next}")).into_response();
            }
            Self::NotFound => (StatusCode::NOT_FOUND, ErrorView::NotFound),
            Self::Refused(status, text) => (status, ErrorView::Refused { text }),
            Self::Internal(code) => (StatusCode::INTERNAL_SERVER_ERROR, ErrorView::Internal { code }),
        };
        let frame = plain(Language::Bokmal, chrono::DateTime::UNIX_EPOCH);
        let page = console::error(&view, &frame).unwrap_or_else(|_| "error".to_owned());
        (status, Html(page)).into_response()
    }
}

fn plain(language: Language, now: chrono::DateTime<chrono::Utc>) -> Frame {
    Frame { path: "/console/deliveries".to_owned(), ..Frame::bare(language, now) }
}

/// The frame of a page before anybody has signed in.
pub(super) fn bare(ctx: &Ctx, language: Language, csrf: String) -> Frame {
    Frame { csrf, ..plain(language, ctx.now()) }
}

/// The frame of a page of somebody's own, who may act for no organisation.
pub(super) async fn around_all(ctx: &Ctx, visitor: &Visitor) -> Result<Frame, Trouble> {
    match visitor.signed.actor(false) {
        Ok(actor) => around(ctx, visitor, &actor).await,
        Err(_) => {
            let signed = &visitor.signed;
            let (user, csrf) = (Some(signed.name.clone()), signed.csrf.clone());
            let (theme, path) = (Theme::from_name(&signed.theme), visitor.path.clone());
            Ok(Frame { user, csrf, theme, path, ..plain(signed.language, ctx.now()) })
        }
    }
}

/// The frame of a page, with what else needs attention.
pub(super) async fn around(ctx: &Ctx, visitor: &Visitor, actor: &Actor) -> Result<Frame, Trouble> {
    let signed = &visitor.signed;
    let tx = ctx.db.read(actor.org).await?;
    let count = |n: i64| u64::try_from(n).unwrap_or_default();
    let needs_you: i64 = worklist::causes(&tx).await?.iter().map(|c| c.count).sum();
    let parked = worklist::parked_jobs(&tx).await?;
    let organisation = |(id, name, org_number): &(uuid::Uuid, String, Option<String>)| Organisation {
        id: *id,
        name: name.clone(),
        org_number: org_number.clone(),
    };
    let organisations: Vec<Organisation> = signed.organisations.iter().map(organisation).collect();
    let org = organisation::find(&tx).await?.ok_or(Trouble::NotFound)?;
    let new = acceptance::to_accept(ctx, actor, signed.user, signed.language).await?;
    let frame = Frame {
        privacy: statement_path(ctx, &tx, &org).await?,
        new_statement: new.map(|n| NewStatement {
            href: format!("/privacy/{}?version={}&language={}", actor.org, n.version_no, signed.language.as_str()),
            version_no: n.version_no,
            valid_from: n.valid_from,
            changes: n.changes,
        }),
        theme: Theme::from_name(&signed.theme),
        user: Some(signed.name.clone()),
        organisation: organisations.iter().find(|o| o.id == actor.org).cloned(),
        organisations,
        csrf: signed.csrf.clone(),
        path: visitor.path.clone(),
        needs_you: count(needs_you),
        print_waiting: count(worklist::print_waiting(&tx).await?),
        webhooks_off: count(worklist::webhooks_off(&tx).await?),
        health: if parked > 0 { Health::Parked(count(parked)) } else { Health::Fine },
        bank_updated_at: worklist::bank_updated_at(&tx).await?,
        flash: flash(&visitor.path, signed.language),
        ..plain(signed.language, ctx.now())
    };
    tx.commit().await?;
    Ok(frame)
}

/// The line after something was done, from `done=N&refused=N&why=code` or `saved=1` of the address: counts and codes only.
fn flash(path: &str, language: Language) -> Option<Flash> {
    let query = path.split_once('?')?.1;
    let pairs: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let number = |name: &str| pairs.iter().find(|(n, _)| n == name).and_then(|(_, v)| v.parse::<u32>().ok());
    let say = |nb: String, nn: String, en: String| match language {
        Language::Bokmal => nb,
        Language::Nynorsk => nn,
        Language::English => en,
    };
    if number("saved").is_some() {
        let text = say("Utført.".into(), "Utført.".into(), "Done.".into());
        return Some(Flash { ok: true, text });
    }
    let (done, refused) = (number("done")?, number("refused").unwrap_or_default());
    let text = match (done, refused) {
        (0, 0) => say(
            "Ingen er valgt. Velg minst én levering.".into(),
            "Ingen er valde. Vel minst éi levering.".into(),
            "Nothing is selected. Select at least one delivery.".into(),
        ),
        (n, 0) => say(format!("Utført for {n}."), format!("Utført for {n}."), format!("Done for {n}.")),
        (n, r) => say(
            format!("Utført for {n}. {r} kunne ikke gjøres slik; de står fortsatt på listen."),
            format!("Utført for {n}. {r} kunne ikkje gjerast slik; dei står framleis på lista."),
            format!("Done for {n}. {r} could not be done this way and are still on the list."),
        ),
    };
    Some(Flash { ok: refused == 0 && done > 0, text })
}
