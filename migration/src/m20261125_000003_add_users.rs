//! People who sign in: who they are, which organisations they act for, and their sessions.

use crate::ddl;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const UP: &str = r"
CREATE TABLE app_user (
  id $uuid NOT NULL PRIMARY KEY,
  version $int NOT NULL,
  login $text NOT NULL UNIQUE,
  name $text NOT NULL,
  password_hash $text NOT NULL,
  language $text NOT NULL,
  theme $text NOT NULL,
  failures $int NOT NULL,
  locked_until_at $time,
  created_at $time NOT NULL,
  updated_at $time NOT NULL
);
CREATE TABLE user_session (
  id_hash $bytes NOT NULL PRIMARY KEY,
  user_id $uuid NOT NULL,
  chosen_org $uuid,
  csrf $text NOT NULL,
  created_at $time NOT NULL,
  seen_at $time NOT NULL,
  expires_at $time NOT NULL
);
CREATE INDEX user_session_user ON user_session (user_id);
CREATE INDEX user_session_expiry ON user_session (expires_at);
CREATE TABLE membership (
  org_id $uuid NOT NULL,
  user_id $uuid NOT NULL,
  role $text NOT NULL,
  created_at $time NOT NULL,
  PRIMARY KEY (org_id, user_id)
);
CREATE INDEX membership_user ON membership (user_id);
";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        ddl::apply(manager, UP).await?;
        // Which organisations somebody acts for is asked before one is chosen; ids only stand here.
        ddl::allow_system(manager, &["membership"]).await
    }
}
