#!/usr/bin/env bash
# Installs the official clients, in the versions of the lock file, below target/clients; where that
# was done already it takes a second. `cargo test clients` runs them when they are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
home=${CARGO_TARGET_DIR:-$here/../../../target}/clients
new_enough() { [ "$(node --version | tr -dc '0-9.' | cut -d. -f1)" -ge 20 ]; }
command -v node >/dev/null && command -v npm >/dev/null && new_enough || {
  echo "install Node (20 or newer) and npm first"
  exit 1
}
mkdir -p "$home"
if cmp -s "$here/package-lock.json" "$home/.installed"; then
  echo "the official clients are there"
  exit 0
fi
rm -f "$home/.installed"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$home/"
(cd "$home" && timeout 600 npm ci --ignore-scripts --loglevel=error)
cp "$here/package-lock.json" "$home/.installed"
