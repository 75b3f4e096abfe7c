//! pg_dump and pg_restore of the system: found, of the right version, and run without a password anybody sees.

use super::refuse;
use crate::config::Config;
use crate::services::error::Error;
use secrecy::{ExposeSecret, SecretString};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};

/// The program, at least as new as the server: an older one leaves out what it does not know (decision 50).
pub(super) fn program(config: &Config, name: &str, server: i32) -> Result<PathBuf, Error> {
    let mut seen = Vec::new();
    for path in places(&config.backup.pg_bin, name) {
        let Some(version) = version(&path) else { continue };
        if version >= server {
            return Ok(path);
        }
        seen.push(version);
    }
    let message = match seen.iter().max() {
        None => format!("{name} was not found: install the PostgreSQL client, or name its folder in backup.pg_bin"),
        Some(newest) => {
            format!(
                "{name} is version {newest} and the server {server}: install one at least as new, or name its folder in backup.pg_bin"
            )
        }
    };
    Err(refuse("pg_tools_too_old", message))
}

/// Where it may be: the folder of the settings alone, else the system's.
fn places(folder: &str, name: &str) -> Vec<PathBuf> {
    if !folder.is_empty() {
        return vec![Path::new(folder).join(name)];
    }
    let mut places = Vec::new();
    for entry in std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten() {
        places.push(entry.path().join("bin").join(name));
    }
    places.sort();
    places.reverse();
    places.push(PathBuf::from(name));
    places
}

fn version(program: &Path) -> Option<i32> {
    let output = Command::new(program).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    // «pg_dump (PostgreSQL) 15.18 (Debian …)»
    let number = text.split_whitespace().find(|w| w.starts_with(|c: char| c.is_ascii_digit()))?;
    number.split('.').next()?.parse().ok()
}

/// The program with its database: in the environment, where other users of the machine do not see the password.
pub(super) fn command(program: &Path, url: &SecretString) -> io::Result<Command> {
    let bad = |_| io::Error::other("the database address cannot be read");
    let url = reqwest::Url::parse(url.expose_secret()).map_err(bad)?;
    let mut command = Command::new(program);
    command.env("PGHOST", url.host_str().unwrap_or("localhost").trim_matches(['[', ']']));
    command.env("PGPORT", url.port().unwrap_or(5432).to_string());
    command.env("PGDATABASE", url.path().trim_start_matches('/'));
    command.env("PGUSER", decoded(url.username()));
    if let Some(password) = url.password() {
        command.env("PGPASSWORD", decoded(password));
    }
    for (key, value) in url.query_pairs() {
        let name = match key.as_ref() {
            "sslmode" => "PGSSLMODE",
            "sslrootcert" => "PGSSLROOTCERT",
            "host" => "PGHOST",
            _ => continue,
        };
        command.env(name, value.as_ref());
    }
    Ok(command)
}

/// Text with its percent escapes undone.
fn decoded(text: &str) -> String {
    let pair = format!("x={}", text.replace('+', "%2B"));
    form_urlencoded::parse(pair.as_bytes()).next().map(|(_, v)| v.into_owned()).unwrap_or_default()
}

/// Waits for a program, and says what it said where it failed.
pub(super) fn ended(name: &str, mut child: Child) -> io::Result<()> {
    let mut said = String::new();
    if let Some(mut errors) = child.stderr.take() {
        errors.read_to_string(&mut said)?;
    }
    let status = child.wait()?;
    if status.success() {
        return Ok(());
    }
    let first = said.lines().find(|l| l.contains("error")).or_else(|| said.lines().next()).unwrap_or_default();
    Err(io::Error::other(format!("{name} failed: {first}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_in_the_environment_alone() {
        let url = SecretString::from("postgres://backup:p%40ss+word@db.example:5433/ledger?sslmode=require".to_owned());
        let command = command(Path::new("pg_dump"), &url).unwrap();
        let set = |name: &str| {
            let found = command.get_envs().find(|(k, _)| *k == name).and_then(|(_, v)| v);
            found.map(|v| v.to_string_lossy().into_owned())
        };
        assert_eq!(set("PGPASSWORD").as_deref(), Some("p@ss+word"));
        assert_eq!((set("PGHOST").as_deref(), set("PGPORT").as_deref()), (Some("db.example"), Some("5433")));
        assert_eq!((set("PGDATABASE").as_deref(), set("PGSSLMODE").as_deref()), (Some("ledger"), Some("require")));
        assert_eq!(command.get_args().count(), 0);
    }

    #[test]
    fn an_older_tool_is_refused() {
        let config = Config::with("").unwrap();
        if version(Path::new("pg_dump")).is_none() && places("", "pg_dump").iter().all(|p| version(p).is_none()) {
            return;
        }
        let refused = program(&config, "pg_dump", 999).unwrap_err();
        assert_eq!(refused.code(), Some("pg_tools_too_old"));
    }
}
