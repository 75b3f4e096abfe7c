#!/usr/bin/env bash
# The bound on dependencies (docs/adr/0003): packages in the graph of default features on Linux.
set -euo pipefail
limit=560
count=$(cargo tree -e normal,build --prefix none --target x86_64-unknown-linux-gnu | sed 's/ (\*)$//' | sort -u | wc -l)
echo "$count packages (bound $limit)"
[ "$count" -le "$limit" ] || { echo "too many packages: raise the bound by an ADR, or drop a dependency" >&2; exit 1; }
