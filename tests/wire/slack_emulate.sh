#!/bin/sh
# Runs our Slack driver against emulate, a Slack Web API somebody else wrote (npm, 0.12.2; its tag
# `latest` is another program). Installs it below target/, starts it on loopback, runs the one
# test, stops it.
set -eu
cd "$(dirname "$0")/../.."
place=target/slack-emulate
port=${SLACK_EMULATE_PORT:-12921}
mkdir -p "$place"
cp tests/wire/slack_emulate.mjs "$place/start.mjs"
if [ ! -d "$place/node_modules/emulate" ]; then
    (cd "$place" && npm init -y >/dev/null && npm pkg set type=module >/dev/null &&
        npm install --no-audit --no-fund --loglevel=error emulate@0.12.2)
fi
(cd "$place" && exec node start.mjs "$port" >facts.json 2>log) &
emulate=$!
trap 'kill "$emulate" 2>/dev/null || true' EXIT
tries=0
until [ -s "$place/facts.json" ]; do
    tries=$((tries + 1))
    [ "$tries" -lt 120 ] || { cat "$place/log"; echo "emulate did not start"; exit 1; }
    sleep 0.5
done
CARELINE_SLACK_EMULATE=$(cat "$place/facts.json") \
    cargo test -q --test main wire::slack_emulate -- --nocapture
