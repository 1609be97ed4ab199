#!/bin/sh
# Runs our driver against mastodon_mock, a Mastodon server somebody else wrote (PyPI, 0.6.1).
# Installs it below target/, starts it on loopback in memory, runs the one test, stops it.
set -eu
cd "$(dirname "$0")/../.."
place=target/mastodon-mock
port=${MASTODON_MOCK_PORT:-12911}
if [ ! -x "$place/bin/mastodon_mock" ]; then
    python3 -m venv "$place"
    "$place/bin/pip" -q install mastodon_mock==0.6.1
fi
cat >"$place/mock.toml" <<'TOML'
[database]
path = ":memory:"
[streaming]
enabled = true
[[seed.accounts]]
username = "acme"
access_token = "token-us"
[[seed.accounts]]
username = "ann"
access_token = "token-ann"
TOML
"$place/bin/mastodon_mock" serve --config "$place/mock.toml" --host 127.0.0.1 --port "$port" \
    --in-memory --log-level warning &
mock=$!
trap 'kill "$mock" 2>/dev/null || true' EXIT
tries=0
until curl -sf "http://127.0.0.1:$port/api/v1/instance" >/dev/null; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { echo "mastodon_mock did not start"; exit 1; }
    sleep 0.5
done
CARELINE_MASTODON_MOCK="http://127.0.0.1:$port" CARELINE_MASTODON_MOCK_TOKEN=token-us \
    CARELINE_MASTODON_MOCK_CUSTOMER=token-ann \
    cargo test -q --test main wire::mastodon_mock -- --nocapture
