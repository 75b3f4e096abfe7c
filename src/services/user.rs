//! People who sign in: accounts, sessions, and the organisation they act for.

use super::error::{Error, Kind};
use super::sign_in::{self, How, Outcome};
use super::work::{Actor, ActorKind, Deed, Work};
use crate::ctx::{Ctx, sha256};
use crate::store::organisation;
use crate::store::user::{self as store, Membership, Session, User};
use argon2::Argon2;
use argon2::password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash};
use chrono::Duration;
use domain::customer::Language;
use domain::hex;
use std::net::IpAddr;
use uuid::Uuid;

/// Characters a password has at least.
const SHORTEST: usize = 12;
/// Wrong passwords in a row before an account rests.
const FAILURES: i64 = 5;
/// Minutes it rests, for each further wrong one as long again.
const REST_MINUTES: i64 = 5;
/// Hours a session lasts however busy it is.
const SESSION_HOURS: i64 = 12;

/// What somebody may do for an organisation.
pub const ROLES: &[&str] = &["owner", "operator", "viewer"];

/// An account to be.
pub struct NewUser<'a> {
    /// What they sign in with.
    pub login: &'a str,
    /// Their name.
    pub name: &'a str,
    /// Their password.
    pub password: &'a str,
}

fn hashed(ctx: &Ctx, password: &str) -> Result<String, Error> {
    let mut salt = [0; 16];
    ctx.rng.fill(&mut salt);
    let hash = Argon2::default().hash_password_with_salt(password.as_bytes(), &salt);
    Ok(hash.map_err(|e| std::io::Error::other(e.to_string()))?.to_string())
}

fn fits(hash: &str, password: &str) -> bool {
    PasswordHash::new(hash).is_ok_and(|h| Argon2::default().verify_password(password.as_bytes(), &h).is_ok())
}

/// Makes an account.
pub async fn create(ctx: &Ctx, new: &NewUser<'_>) -> Result<Uuid, Error> {
    let login = new.login.trim().to_lowercase();
    if login.is_empty() || login.chars().count() > 100 || login.chars().any(char::is_whitespace) {
        return Err(Error::field("login", "invalid", "up to 100 characters without blanks, such as an e-mail address"));
    }
    if new.name.trim().is_empty() {
        return Err(Error::field("name", "required", "the name others see"));
    }
    if new.password.chars().count() < SHORTEST {
        return Err(Error::field("password", "too_short", format!("at least {SHORTEST} characters")));
    }
    let password_hash = hashed(ctx, new.password)?;
    let now = ctx.now();
    let tx = ctx.db.system().await?;
    if store::find_by_login(&tx, &login).await?.is_some() {
        return Err(Error::conflict("login_taken", "somebody signs in with this already"));
    }
    let id = ctx.id();
    let row = User {
        id,
        version: 1,
        login,
        name: new.name.trim().to_owned(),
        password_hash,
        language: "nb".to_owned(),
        theme: "system".to_owned(),
        failures: 0,
        locked_until_at: None,
        created_at: now,
        updated_at: now,
    };
    store::insert(&tx, row).await?;
    tx.commit().await?;
    Ok(id)
}

/// Lets somebody act for an organisation.
pub async fn add_member(ctx: &Ctx, actor: &Actor, user: Uuid, role: &str) -> Result<(), Error> {
    if !ROLES.contains(&role) {
        return Err(Error::field("role", "unknown", format!("one of {}", ROLES.join(", "))));
    }
    let work = Work::begin(ctx, actor).await?;
    let row = Membership { org_id: actor.org, user_id: user, role: role.to_owned(), created_at: work.at };
    store::add_member(&work.tx, row).await?;
    work.done(Deed { verb: "member.added", subject: "user", id: user, fields: "role" }).await
}

/// Removes an account nobody's organisation needs any more.
pub async fn remove_if_nobodys(ctx: &Ctx, user: Uuid) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    if store::list_memberships(&tx, user).await?.is_empty() {
        store::delete(&tx, user).await?;
    }
    Ok(tx.commit().await?)
}

/// Removes accounts that have acted for nobody for a day: what an erasure that was cut off left.
pub async fn remove_orphans(ctx: &Ctx) -> Result<u64, Error> {
    let tx = ctx.db.system().await?;
    let removed = store::delete_orphans(&tx, ctx.now() - Duration::days(1)).await?;
    tx.commit().await?;
    Ok(removed)
}

/// Somebody who acts for an organisation.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Member {
    /// Who.
    pub id: Uuid,
    /// What they sign in with.
    pub login: String,
    /// Their name.
    pub name: String,
    /// `owner`, `operator` or `viewer`.
    pub role: String,
}

/// Who acts for an organisation, oldest first.
pub async fn members(ctx: &Ctx, actor: &Actor) -> Result<Vec<Member>, Error> {
    let tx = ctx.db.read(actor.org).await?;
    let rows = store::list_members(&tx).await?;
    tx.commit().await?;
    let tx = ctx.db.system().await?;
    let mut members = Vec::with_capacity(rows.len());
    for row in rows {
        if let Some(user) = store::find(&tx, row.user_id).await? {
            members.push(Member { id: user.id, login: user.login, name: user.name, role: row.role });
        }
    }
    tx.commit().await?;
    Ok(members)
}

/// Why somebody was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Name or password is wrong; which is not said.
    Wrong,
    /// Too many wrong passwords; minutes left.
    Resting(i64),
    /// Nobody signs in from this address: minutes left, or none where a person lifts it.
    Blocked(Option<i64>),
}

/// A password nobody has: checked when there is no such account, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Lets somebody in: the token for their cookie. Every attempt is logged with the address it came from.
pub async fn sign_in(
    ctx: &Ctx,
    login: &str,
    password: &str,
    from: Option<IpAddr>,
) -> Result<Result<String, Refused>, Error> {
    if let Some(blocked) = sign_in::blocked(ctx, How::Password, from).await? {
        return Ok(Err(Refused::Blocked(blocked.minutes(ctx.now()))));
    }
    let (user, tried) = try_password(ctx, login, password).await?;
    let outcome = match &tried {
        Ok(_) => Outcome::LetIn,
        Err(Refused::Resting(_)) => Outcome::Resting,
        Err(_) => Outcome::Wrong,
    };
    sign_in::note(ctx, from, user, outcome).await?;
    Ok(tried)
}

/// Whose account it is, where there is one, and whether the password opens it.
async fn try_password(
    ctx: &Ctx,
    login: &str,
    password: &str,
) -> Result<(Option<Uuid>, Result<String, Refused>), Error> {
    let now = ctx.now();
    let tx = ctx.db.system().await?;
    let found = store::find_by_login(&tx, &login.trim().to_lowercase()).await?;
    tx.commit().await?;
    let id = found.as_ref().map(|u| u.id);
    let hash = found.as_ref().map_or(NOBODY, |u| &u.password_hash).to_owned();
    let (given, resting) = (password.to_owned(), found.as_ref().and_then(|u| u.locked_until_at));
    if let Some(until) = resting.filter(|until| *until > now) {
        return Ok((id, Err(Refused::Resting((until - now).num_minutes() + 1))));
    }
    let right = tokio::task::spawn_blocking(move || fits(&hash, &given)).await.unwrap_or(false);
    let Some(id) = id else { return Ok((None, Err(Refused::Wrong))) };
    let tx = ctx.db.system().await?;
    let Some(mut user) = store::find(&tx, id).await? else { return Ok((None, Err(Refused::Wrong))) };
    if !right {
        user.failures += 1;
        if user.failures >= FAILURES {
            let rests = (user.failures - FAILURES + 1).min(12);
            user.locked_until_at = Some(now + Duration::minutes(REST_MINUTES * rests));
        }
        store::update(&tx, user).await?;
        tx.commit().await?;
        return Ok((Some(id), Err(Refused::Wrong)));
    }
    if user.failures > 0 {
        user.failures = 0;
        user.locked_until_at = None;
        store::update(&tx, user.clone()).await?;
    }
    let chosen = store::list_memberships(&tx, user.id).await?.first().map(|m| m.org_id);
    let token = random_token(ctx);
    let session = Session {
        id_hash: sha256(token.as_bytes()).to_vec(),
        user_id: user.id,
        chosen_org: chosen,
        csrf: random_token(ctx),
        created_at: now,
        seen_at: now,
        expires_at: now + Duration::hours(SESSION_HOURS),
    };
    store::insert_session(&tx, session).await?;
    tx.commit().await?;
    Ok((Some(id), Ok(token)))
}

fn random_token(ctx: &Ctx) -> String {
    let mut bytes = [0; 32];
    ctx.rng.fill(&mut bytes);
    hex::encode(&bytes)
}

/// Somebody who is signed in.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Who.
    pub user: Uuid,
    /// Their name.
    pub name: String,
    /// Language of their pages.
    pub language: Language,
    /// `system`, `light` or `dark`.
    pub theme: String,
    /// The organisation they act for now, and their role there.
    pub org: Option<(Uuid, String)>,
    /// All they may act for, with its name and organisation number.
    pub organisations: Vec<(Uuid, String, Option<String>)>,
    /// Must come with every form.
    pub csrf: String,
}

impl Signed {
    /// They as an actor for the chosen organisation; changes need more than looking.
    pub fn actor(&self, writes: bool) -> Result<Actor, Error> {
        let (org, role) = self.org.as_ref().ok_or_else(|| {
            Error::refuse(Kind::Forbidden, "no_organisation", "you act for no organisation; an owner can let you")
        })?;
        if writes && role == "viewer" {
            return Err(Error::refuse(
                Kind::Forbidden,
                "role_too_small",
                "your role is to look; an owner can change it",
            ));
        }
        Ok(Actor { org: *org, kind: ActorKind::User, id: Some(self.user), idempotency: None })
    }
}

/// Who a cookie stands for; none when the session is over.
pub async fn session(ctx: &Ctx, token: &str) -> Result<Option<Signed>, Error> {
    let now = ctx.now();
    let tx = ctx.db.system().await?;
    let Some(mut session) = store::find_session(&tx, &sha256(token.as_bytes())).await? else { return Ok(None) };
    let idle = now - session.seen_at > Duration::minutes(ctx.config.console.idle_minutes);
    if idle || session.expires_at <= now {
        store::delete_session(&tx, &session.id_hash).await?;
        tx.commit().await?;
        return Ok(None);
    }
    let Some(user) = store::find(&tx, session.user_id).await? else { return Ok(None) };
    let memberships = store::list_memberships(&tx, user.id).await?;
    let chosen = memberships.iter().find(|m| Some(m.org_id) == session.chosen_org).or(memberships.first());
    let org = chosen.map(|m| (m.org_id, m.role.clone()));
    let csrf = session.csrf.clone();
    if now - session.seen_at > Duration::minutes(1) {
        session.seen_at = now;
        store::update_session(&tx, session).await?;
    }
    tx.commit().await?;
    let mut organisations = Vec::with_capacity(memberships.len());
    for m in &memberships {
        let tx = ctx.db.read(m.org_id).await?;
        if let Some(found) = organisation::find(&tx).await? {
            organisations.push((m.org_id, found.name, found.org_number));
        }
    }
    Ok(Some(Signed {
        user: user.id,
        name: user.name,
        language: Language::from_code(&user.language),
        theme: user.theme,
        org,
        organisations,
        csrf,
    }))
}

/// Ends a session.
pub async fn sign_out(ctx: &Ctx, token: &str) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    store::delete_session(&tx, &sha256(token.as_bytes())).await?;
    Ok(tx.commit().await?)
}

/// Chooses the organisation to act for.
pub async fn choose_organisation(ctx: &Ctx, token: &str, org: Uuid) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let found = store::find_session(&tx, &sha256(token.as_bytes())).await?;
    let mut session = found.ok_or_else(|| Error::not_found("session"))?;
    if !store::list_memberships(&tx, session.user_id).await?.iter().any(|m| m.org_id == org) {
        return Err(Error::not_found("organisation"));
    }
    session.chosen_org = Some(org);
    store::update_session(&tx, session).await?;
    Ok(tx.commit().await?)
}

/// Chooses language and theme.
pub async fn set_preferences(ctx: &Ctx, user: Uuid, language: &str, theme: &str) -> Result<(), Error> {
    let tx = ctx.db.system().await?;
    let mut row = store::find(&tx, user).await?.ok_or_else(|| Error::not_found("user"))?;
    row.language = Language::from_code(language).as_str().to_owned();
    row.theme = ["light", "dark"].into_iter().find(|t| *t == theme).unwrap_or("system").to_owned();
    row.updated_at = ctx.now();
    store::update(&tx, row).await?;
    Ok(tx.commit().await?)
}

/// Ties a form shown before somebody has signed in to the browser it was shown in.
pub fn form_token(ctx: &Ctx, cookie: &str) -> String {
    hex::encode(&ctx.key.hash(&[b"form", cookie.as_bytes()])[..16])
}

/// A new token for a cookie.
pub fn new_token(ctx: &Ctx) -> String {
    random_token(ctx)
}
