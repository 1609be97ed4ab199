//! Do we speak the platforms' language? Payloads in, requests out, and drivers against their faces.

pub mod bluesky;
mod bluesky_real;
mod clients;
pub mod discord;
mod jetstream;
mod lexicons;
mod listen;
mod mastodon;
mod mastodon_golden;
mod mastodon_mock;
mod meta;
mod slack;
mod slack_emulate;
mod whole;
mod x;

use std::path::{Path, PathBuf};

/// What lies beside the project, if it is there; else one line says that it is not.
fn shared(path: &str) -> Option<PathBuf> {
    let home = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared").join(path);
    if home.exists() {
        return Some(home);
    }
    println!("no {path} beside the project: not tried");
    None
}
