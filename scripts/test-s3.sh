#!/usr/bin/env bash
# Runs a command with TEST_S3_URL naming a private S3-compatible server on loopback, which is stopped afterwards: moto, kept in the
# user's cache, installed by pip when missing. With TEST_S3_URL set already, that server is used.
set -euo pipefail
if [ -n "${TEST_S3_URL:-}" ]; then exec "$@"; fi
venv="${XDG_CACHE_HOME:-$HOME/.cache}/reskontro/s3"
if [ ! -x "$venv/bin/moto_server" ]; then
  { python3 -m venv "$venv" && "$venv/bin/pip" install --quiet "moto[s3,server]"; } >/dev/null 2>&1 || rm -rf "$venv"
fi
if [ ! -x "$venv/bin/moto_server" ]; then
  echo "moto could not be installed: tests on object storage are skipped (or set TEST_S3_URL)" >&2
  exec "$@"
fi
port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
"$venv/bin/moto_server" -H 127.0.0.1 -p "$port" >/dev/null 2>&1 &
server=$!
trap 'kill "$server" 2>/dev/null || true; wait "$server" 2>/dev/null || true' EXIT
for _ in $(seq 100); do
  if python3 -c "import socket; socket.create_connection(('127.0.0.1', $port), 1)" 2>/dev/null; then break; fi
  sleep 0.1
done
export TEST_S3_URL="http://127.0.0.1:$port"
"$@"
