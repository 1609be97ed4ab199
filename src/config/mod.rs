//! Reads `bot-config/` and the environment, and names every mistake at once.
//!
//! Each driver reads its own section; here are only the keys that every account or desk has, and
//! the rules that span sections: a route needs its desk, two accounts need two tokens.

mod alerts;
mod escalation;
pub mod example;
mod file;
mod listen;
mod people;
mod policy;
mod wiring;

use crate::case::id::{AccountId, DeskId};
use crate::case::policy::Policy;
use crate::case::rules::AlertRules;
use crate::case::time::Span;
use crate::desk::{self, DESKS, Desk};
use crate::listen::Rules;
use crate::net::Ground;
use crate::net::page::Pager;
use crate::network::{self, NETWORKS, Network};
use crate::setting::{Mistake, Mistakes};
use crate::store::Place;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use wiring::Reading;

/// How environment variables are looked up; tests bring their own.
pub type Env = fn(&str) -> Option<String>;

/// The machine's own environment.
#[must_use]
pub fn environment(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// A file of the configuration: its name as the operator knows it, and its text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// Its name: `bot-config/careline.toml`.
    pub name: String,
    /// What stands in it.
    pub text: String,
}

/// The files of one configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `careline.toml`: store, web, accounts, desks.
    pub wiring: Text,
    /// `policy.toml`; without it all has its default.
    pub policy: Option<Text>,
    /// `phrases.toml`; without it there are no stock replies.
    pub phrases: Option<Text>,
    /// `listen.toml`; without it only what is addressed to us is heard.
    pub listen: Option<Text>,
    /// `escalation.toml`; without it no words call somebody.
    pub escalation: Option<Text>,
}

/// The drivers that sections may name.
#[derive(Clone, Copy)]
pub struct Tables {
    /// Rows of networks.
    pub networks: &'static [&'static network::Driver],
    /// Rows of desks.
    pub desks: &'static [&'static desk::Driver],
}

impl Tables {
    /// All drivers that this program has.
    #[must_use]
    pub fn all() -> Self {
        Self { networks: NETWORKS, desks: DESKS }
    }
}

/// Which store, and where.
#[derive(Clone, Debug)]
pub struct StoreWiring {
    /// `sled`, `postgres` or `memory`.
    pub kind: String,
    /// Its directory or address.
    pub place: Place,
}

/// Where we listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebWiring {
    /// Address and port for health, metrics and webhooks.
    pub listen: SocketAddr,
}

/// All that the operator decided, opened and ready; nothing is connected yet.
pub struct Config {
    /// What `decide` may know.
    pub policy: Policy,
    /// The store.
    pub store: StoreWiring,
    /// The listener.
    pub web: WebWiring,
    /// Who is called outside chat.
    pub pager: Option<Pager>,
    /// Accounts, in the order of their names.
    pub networks: Vec<(AccountId, Arc<dyn Network>)>,
    /// Desks, in the order of their names.
    pub desks: Vec<(DeskId, Arc<dyn Desk>)>,
    /// What accounts listen for; the networks above heed it already.
    pub listen: BTreeMap<AccountId, Arc<Rules>>,
    /// Closed cases older than this are erased; `None` keeps them.
    pub retention: Option<Span>,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let accounts: Vec<_> = self.networks.iter().map(|(id, _)| id.as_str()).collect();
        let desks: Vec<_> = self.desks.iter().map(|(id, _)| id.as_str()).collect();
        f.debug_struct("Config")
            .field("revision", &self.policy.revision)
            .field("accounts", &accounts)
            .field("desks", &desks)
            .finish_non_exhaustive()
    }
}

/// Is this a name for an account or desk? Names stand in store keys, lanes and metrics: short,
/// plain and without separators.
#[must_use]
pub fn is_name(name: &str) -> bool {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_');
    (1..=32).contains(&name.len()) && name.chars().all(plain)
}

/// Files that may lie in the directory; any other `.toml` is probably a misspelt one.
const KNOWN_FILES: &[&str] = &[
    "careline.toml",
    "escalation.toml",
    "listen.toml",
    "phrases.toml",
    "policy.toml",
    "sandbox.toml",
];

/// Reads the directory of the configuration.
///
/// # Errors
/// Every mistake in every file.
pub fn load(dir: &Path, env: Env, ground: &Ground) -> Result<Config, Mistakes> {
    load_as(dir, Reading { env, ground, tables: Tables::all(), since: None, tried: true })
}

/// As [`load`], for a daemon that starts: the examples of rules are taken as tried. At their first
/// start accounts also bring what was written this long before.
///
/// # Errors
/// Every mistake in every file.
pub fn load_since(
    dir: &Path,
    env: Env,
    ground: &Ground,
    since: Option<Span>,
) -> Result<Config, Mistakes> {
    load_as(dir, Reading { env, ground, tables: Tables::all(), since, tried: false })
}

fn load_as(dir: &Path, reading: Reading<'_>) -> Result<Config, Mistakes> {
    let mut mistakes = Vec::new();
    let files = gather(dir, &mut mistakes);
    match read(&files, reading) {
        Ok(config) if mistakes.is_empty() => Ok(config),
        Ok(_) => Err(Mistakes(mistakes)),
        // Without the first file the rest would only repeat that it is not there.
        Err(_) if files.wiring.text.is_empty() && !mistakes.is_empty() => Err(Mistakes(mistakes)),
        Err(Mistakes(more)) => {
            mistakes.extend(more);
            Err(Mistakes(mistakes))
        }
    }
}

fn gather(dir: &Path, mistakes: &mut Vec<Mistake>) -> Files {
    let mut take = |name: &str, needed: bool| {
        let path = dir.join(name);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(e) if !needed && e.kind() == std::io::ErrorKind::NotFound => return None,
            Err(e) => {
                mistakes.push(about_file(
                    &path,
                    format!("cannot be read ({e}); `careline init` makes one"),
                ));
                String::new()
            }
        };
        Some(Text { name: path.display().to_string(), text })
    };
    let wiring = take("careline.toml", true).unwrap_or_default();
    let policy = take("policy.toml", false);
    let phrases = take("phrases.toml", false);
    let listen = take("listen.toml", false);
    let escalation = take("escalation.toml", false);
    for path in std::fs::read_dir(dir).into_iter().flatten().flatten().map(|e| e.path()) {
        let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let ours = KNOWN_FILES.contains(&name.as_str()) || name.ends_with(".local.toml");
        if name.ends_with(".toml") && !ours {
            let known = KNOWN_FILES.join(", ");
            mistakes
                .push(about_file(&path, format!("is not read by careline; known are: {known}")));
        }
    }
    Files { wiring, policy, phrases, listen, escalation }
}

fn about_file(path: &Path, what: String) -> Mistake {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    Mistake { file: path.display().to_string(), line: 0, key: name, what }
}

/// Reads a configuration from its texts.
///
/// # Errors
/// Every mistake in every file.
pub fn parse(files: &Files, env: Env, ground: &Ground, tables: Tables) -> Result<Config, Mistakes> {
    read(files, Reading { env, ground, tables, since: None, tried: true })
}

/// Reads only which store a configuration has: whoever erases or exports needs no token.
///
/// # Errors
/// Every mistake that stands in the way.
pub fn store(dir: &Path, env: Env, ground: &Ground) -> Result<StoreWiring, Mistakes> {
    let mut mistakes = Vec::new();
    let files = gather(dir, &mut mistakes);
    let none = Tables { networks: &[], desks: &[] };
    let reading = Reading { env, ground, tables: none, since: None, tried: false };
    let mut all = Vec::new();
    let wired = wiring::read(&files.wiring, reading, &mut all);
    mistakes.retain(|mistake| mistake.file == files.wiring.name || files.wiring.name.is_empty());
    mistakes.extend(all.into_iter().filter(|m| m.key.starts_with("store") || m.key == "syntax"));
    if mistakes.is_empty() { Ok(wired.store) } else { Err(Mistakes(mistakes)) }
}

/// Reads only the rules that call somebody: a report of them needs no token.
#[must_use]
pub fn rules(dir: &Path, env: Env) -> AlertRules {
    let files = gather(dir, &mut Vec::new());
    escalation::read(&files.escalation.unwrap_or_default(), env, false, &mut Vec::new())
}

fn read(files: &Files, reading: Reading<'_>) -> Result<Config, Mistakes> {
    let mut mistakes = Vec::new();
    let env = reading.env;
    let wired = wiring::read(&files.wiring, reading, &mut mistakes);
    let text = files.policy.clone().unwrap_or_default();
    let ruled = policy::read(&text, env, &wired, &mut mistakes);
    let text = files.phrases.clone().unwrap_or_default();
    let canned = policy::phrases(&text, env, &mut mistakes);
    let text = files.listen.clone().unwrap_or_default();
    let listen = listen::read(&text, env, &wired.networks, &mut mistakes);
    let text = files.escalation.clone().unwrap_or_default();
    let rules = escalation::read(&text, env, reading.tried, &mut mistakes);
    mistakes.sort();
    mistakes.dedup();
    if !mistakes.is_empty() {
        return Err(Mistakes(mistakes));
    }
    let mut policy = ruled.policy;
    policy.canned = canned;
    policy.alerts.rules = rules;
    policy.revision = revision(files);
    listen::heed(&listen, &wired.networks);
    Ok(Config {
        policy,
        store: wired.store,
        web: wired.web,
        pager: wired.pager,
        networks: wired.networks,
        desks: wired.desks,
        listen,
        retention: ruled.retention,
    })
}

/// A short hash of all that was read, for the log.
fn revision(files: &Files) -> String {
    let others = [&files.policy, &files.phrases, &files.listen, &files.escalation];
    let others = others.into_iter().map(|file| file.as_ref());
    let mut hash = Sha256::new();
    for file in std::iter::once(Some(&files.wiring)).chain(others) {
        hash.update(file.map_or("", |text| text.text.as_str()).as_bytes());
        hash.update([0]);
    }
    hex::encode(&hash.finalize()[..6])
}

#[cfg(test)]
mod tests;
