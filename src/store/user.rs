//! People who sign in, their sessions, and the organisations they act for.

use super::error::Error;
use super::tx::{OrgTx, SystemTx};
use chrono::{DateTime, Utc};
use entity::{app_user, membership, user_session};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, IntoActiveModel, QueryFilter, QueryOrder, Statement,
};
use uuid::Uuid;

pub use app_user::Model as User;
pub use membership::Model as Membership;
pub use user_session::Model as Session;

/// Adds a person.
pub async fn insert(tx: &SystemTx, row: User) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// A person by what they sign in with.
pub async fn find_by_login(tx: &SystemTx, login: &str) -> Result<Option<User>, Error> {
    Ok(app_user::Entity::find().filter(app_user::Column::Login.eq(login)).one(tx).await?)
}

/// A person.
pub async fn find(tx: &SystemTx, id: Uuid) -> Result<Option<User>, Error> {
    Ok(app_user::Entity::find_by_id(id).one(tx).await?)
}

/// Writes all fields of a person.
pub async fn update(tx: &SystemTx, mut row: User) -> Result<(), Error> {
    row.version += 1;
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Lets somebody act for the organisation.
pub async fn add_member(tx: &OrgTx, row: Membership) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// The organisations somebody acts for, oldest first.
pub async fn list_memberships(tx: &SystemTx, user: Uuid) -> Result<Vec<Membership>, Error> {
    let rows = membership::Entity::find().filter(membership::Column::UserId.eq(user));
    Ok(rows.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::OrgId).all(tx).await?)
}

/// Who acts for the organisation, oldest first.
pub async fn list_members(tx: &OrgTx) -> Result<Vec<Membership>, Error> {
    let rows = membership::Entity::find().filter(membership::Column::OrgId.eq(tx.org()));
    Ok(rows.order_by_asc(membership::Column::CreatedAt).order_by_asc(membership::Column::UserId).all(tx).await?)
}

/// Begins a session.
pub async fn insert_session(tx: &SystemTx, row: Session) -> Result<(), Error> {
    row.into_active_model().insert(tx).await?;
    Ok(())
}

/// A session by the hash of its token.
pub async fn find_session(tx: &SystemTx, id_hash: &[u8]) -> Result<Option<Session>, Error> {
    Ok(user_session::Entity::find_by_id(id_hash.to_vec()).one(tx).await?)
}

/// Writes all fields of a session.
pub async fn update_session(tx: &SystemTx, row: Session) -> Result<(), Error> {
    row.into_active_model().reset_all().update(tx).await?;
    Ok(())
}

/// Ends a session.
pub async fn delete_session(tx: &SystemTx, id_hash: &[u8]) -> Result<(), Error> {
    user_session::Entity::delete_by_id(id_hash.to_vec()).exec(tx).await?;
    Ok(())
}

/// Forgets sessions that ended before a time.
pub async fn forget_sessions(tx: &SystemTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let gone = user_session::Entity::delete_many().filter(user_session::Column::ExpiresAt.lt(before));
    Ok(gone.exec(tx).await?.rows_affected)
}

/// Takes somebody's right to act for the organisation away.
pub async fn remove_member(tx: &OrgTx, user: Uuid) -> Result<(), Error> {
    membership::Entity::delete_by_id((tx.org(), user)).exec(tx).await?;
    Ok(())
}

/// Removes an account and its sessions. Its sign-ins tell of an address alone then, until their own time is over.
pub async fn delete(tx: &SystemTx, user: Uuid) -> Result<(), Error> {
    let sql = "UPDATE sign_in SET user_id = NULL WHERE user_id = $1";
    tx.execute_raw(Statement::from_sql_and_values(tx.get_database_backend(), sql, [user.into()])).await?;
    user_session::Entity::delete_many().filter(user_session::Column::UserId.eq(user)).exec(tx).await?;
    app_user::Entity::delete_by_id(user).exec(tx).await?;
    Ok(())
}

/// Removes accounts made before a time that act for no organisation, and their sessions; their sign-ins name nobody then.
pub async fn delete_orphans(tx: &SystemTx, before: DateTime<Utc>) -> Result<u64, Error> {
    let none = "NOT EXISTS (SELECT 1 FROM membership m WHERE m.user_id = app_user.id)";
    let sessions =
        format!("DELETE FROM user_session WHERE user_id IN (SELECT id FROM app_user WHERE created_at < $1 AND {none})");
    let accounts = format!("DELETE FROM app_user WHERE created_at < $1 AND {none}");
    let sign_ins = format!(
        "UPDATE sign_in SET user_id = NULL WHERE user_id IN (SELECT id FROM app_user WHERE created_at < $1 AND {none})"
    );
    let mut removed = 0;
    for sql in [sign_ins, sessions, accounts] {
        let statement = Statement::from_sql_and_values(tx.get_database_backend(), sql, [before.into()]);
        removed = tx.execute_raw(statement).await?.rows_affected();
    }
    Ok(removed)
}
