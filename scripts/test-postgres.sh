#!/usr/bin/env bash
# Runs a command with TEST_DATABASE_URL naming a private PostgreSQL cluster, which is stopped and removed afterwards.
# With TEST_DATABASE_URL set already, that server is used. Installs PostgreSQL by apt when root and missing.
set -euo pipefail
if [ -n "${TEST_DATABASE_URL:-}" ]; then exec "$@"; fi
find_bin() { ls -d /usr/lib/postgresql/*/bin /usr/local/opt/postgresql*/bin 2>/dev/null | sort -V | tail -n 1; }
bin=$(find_bin || true)
if [ -z "$bin" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq postgresql >/dev/null
  bin=$(find_bin || true)
fi
if [ -z "$bin" ]; then
  echo "PostgreSQL is not installed: tests on it are skipped (install it, or set TEST_DATABASE_URL)" >&2
  exec "$@"
fi
dir=$(mktemp -d /tmp/reskontro-pg.XXXXXX)
as() { "$@"; }
if [ "$(id -u)" = 0 ]; then
  id postgres >/dev/null 2>&1 || useradd --system postgres
  chown postgres "$dir"
  as() { runuser -u postgres -- "$@"; }
fi
stop() { as "$bin/pg_ctl" -D "$dir/data" -m immediate stop >/dev/null 2>&1 || true; rm -rf "$dir"; }
trap stop EXIT
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])' 2>/dev/null || echo $((20000 + RANDOM % 20000)))
cd /
as "$bin/initdb" -D "$dir/data" -A trust -U postgres --no-sync --locale=C.UTF-8 -E UTF8 >"$dir/init.log" 2>&1 || { cat "$dir/init.log" >&2; exit 1; }
as "$bin/pg_ctl" -D "$dir/data" -l "$dir/log" -w -t 60 -o "-p $port -k $dir -c listen_addresses=127.0.0.1 -c fsync=${PG_FSYNC:-off} -c full_page_writes=${PG_FSYNC:-off} -c max_connections=300 -c shared_buffers=${PG_BUFFERS:-256MB} -c max_wal_size=8GB -c wal_recycle=off -c log_min_messages=fatal" start >/dev/null || { cat "$dir/log" >&2; exit 1; }
cd - >/dev/null
export TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres"
"$@"
