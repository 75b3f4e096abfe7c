#!/usr/bin/env bash
# Runs a command with TEST_BROWSER_MODULES naming a folder of node modules and TEST_CHROMIUM naming Chromium. Installs
# Chromium by apt when root and missing, and the modules by npm into the user's cache.
set -euo pipefail
modules="${XDG_CACHE_HOME:-$HOME/.cache}/reskontro/browser"
chromium=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$chromium" ] && [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null || true
  chromium=$(command -v chromium || true)
fi
if [ -z "$chromium" ] || ! command -v npm >/dev/null; then
  echo "Chromium or Node.js is not installed: browser tests are skipped" >&2
  exec "$@"
fi
if [ ! -d "$modules/node_modules/axe-core" ] || [ ! -d "$modules/node_modules/playwright-core" ]; then
  mkdir -p "$modules"
  npm install --silent --no-audit --no-fund --no-package-lock --prefix "$modules" playwright-core@1.57 axe-core@4.11 >/dev/null 2>&1 \
    || npm install --silent --no-audit --no-fund --no-package-lock --prefix "$modules" playwright-core axe-core >/dev/null
fi
export TEST_BROWSER_MODULES="$modules" TEST_CHROMIUM="$chromium"
exec "$@"
