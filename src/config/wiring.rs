//! `careline.toml`: which store, where we listen, which accounts, which desks, who goes where.

use super::file::File;
use super::policy::desk_of;
use super::{Env, StoreWiring, Tables, Text, WebWiring};
use crate::case::ability::Abilities;
use crate::case::id::{AccountId, ChannelId, DeskId};
use crate::case::time::Span;
use crate::desk::Desk;
use crate::net::Ground;
use crate::net::page::Pager;
use crate::network::Network;
use crate::setting::{Mistake, Mistakes, Section, resolve};
use crate::store::{Place, STORES};
use secrecy::{ExposeSecret, SecretString};
use std::collections::{BTreeMap, BTreeSet};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

/// What this file decided, as far as it could be read.
pub(super) struct Wired {
    pub(super) store: StoreWiring,
    pub(super) web: WebWiring,
    pub(super) pager: Option<Pager>,
    pub(super) networks: Vec<(AccountId, Arc<dyn Network>)>,
    pub(super) desks: Vec<(DeskId, Arc<dyn Desk>)>,
    pub(super) routes: BTreeMap<AccountId, ChannelId>,
    pub(super) abilities: BTreeMap<AccountId, Abilities>,
    /// Desks that are named, even where they could not be opened.
    pub(super) desk_names: BTreeSet<String>,
}

/// What a file is read with.
#[derive(Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) env: Env,
    pub(super) ground: &'a Ground,
    pub(super) tables: Tables,
    /// Brings what was written this long before the first start, whatever the section says.
    pub(super) since: Option<Span>,
    /// Are the examples of rules tried?
    pub(super) tried: bool,
}

const SECTIONS: &str = "[store], [web], [pager], [account.NAME], [desk.NAME]";

/// Reads the file; mistakes are noted.
pub(super) fn read(text: &Text, with: Reading<'_>, mistakes: &mut Vec<Mistake>) -> Wired {
    let mut wired = Wired {
        store: StoreWiring { kind: "sled".into(), place: "data".into() },
        web: WebWiring { listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)) },
        pager: None,
        networks: Vec::new(),
        desks: Vec::new(),
        routes: BTreeMap::new(),
        abilities: BTreeMap::new(),
        desk_names: BTreeSet::new(),
    };
    let Some(mut file) = File::open(text, with.env, mistakes) else { return wired };
    wired.store = store(&file.section("store"), mistakes);
    wired.web = web(&file.section("web"), mistakes);
    wired.pager = pager(&file.section("pager"), with.ground, mistakes);
    let mut tokens = Tokens::default();
    for (name, section) in file.group("desk") {
        named(&section, &name);
        tokens.note(&section);
        wired.desk_names.insert(name.clone());
        desk(&mut wired, &name, section, with, mistakes);
    }
    let accounts = file.group("account");
    if accounts.is_empty() {
        mistakes.push(missing(text, "account", "there is no account; add [account.NAME]"));
    }
    if wired.desk_names.is_empty() {
        mistakes.push(missing(text, "desk", "there is no desk; add [desk.NAME]"));
    }
    for (name, section) in accounts {
        named(&section, &name);
        tokens.note(&section);
        account(&mut wired, &name, section, with, mistakes);
    }
    file.done(SECTIONS, mistakes);
    wired
}

fn missing(text: &Text, key: &str, what: &str) -> Mistake {
    Mistake { file: text.name.clone(), line: 0, key: key.into(), what: what.into() }
}

/// Notes the mistakes of a section.
pub(super) fn close(section: &Section, mistakes: &mut Vec<Mistake>) {
    if let Err(Mistakes(more)) = section.done() {
        mistakes.extend(more);
    }
}

fn store(section: &Section, mistakes: &mut Vec<Mistake>) -> StoreWiring {
    let known: Vec<&str> = STORES.iter().map(|row| row.name).collect();
    let kind = section.text("kind").unwrap_or_else(|| "sled".into());
    if !known.contains(&kind.as_str()) {
        section.wrong("kind", format!("must be one of {}", known.join(", ")));
    }
    let dir = PathBuf::from(section.text("path").unwrap_or_else(|| "data".into()));
    let address = address(section, kind == "postgres");
    close(section, mistakes);
    StoreWiring { kind, place: Place { dir, address } }
}

/// Where PostgreSQL is. It may hold a password, so it is named like a secret.
fn address(section: &Section, wanted: bool) -> Option<SecretString> {
    let Some(address) = section.optional_secret("address") else {
        if wanted && !section.entries.contains_key("address") {
            section
                .wrong("address", "is missing; say where it stands: \"env:NAME\" or \"file:PATH\"");
        }
        return None;
    };
    let text = address.get();
    let schemes = ["postgres://", "postgresql://"];
    if !schemes.iter().any(|scheme| text.expose_secret().starts_with(scheme)) {
        section.wrong("address", "must lead to postgres://USER:PASSWORD@HOST:PORT/DATABASE");
    }
    if !wanted {
        section.wrong("address", "belongs to kind = \"postgres\" alone");
    }
    Some(text)
}

fn web(section: &Section, mistakes: &mut Vec<Mistake>) -> WebWiring {
    let text = section.text("listen").unwrap_or_else(|| "127.0.0.1:8080".into());
    let listen = text.parse().unwrap_or_else(|_| {
        section.wrong("listen", "must be an address and a port such as \"127.0.0.1:8080\"");
        SocketAddr::from((Ipv4Addr::LOCALHOST, 8080))
    });
    close(section, mistakes);
    WebWiring { listen }
}

fn pager(section: &Section, ground: &Ground, mistakes: &mut Vec<Mistake>) -> Option<Pager> {
    let pager = Pager::open(section, &ground.net);
    close(section, mistakes);
    pager
}

fn named(section: &Section, name: &str) {
    if !super::is_name(name) {
        section.wrong("name", "a name is 1 to 32 characters of a-z, 0-9, - and _");
    }
}

/// The rest of a section, after the keys that every account or desk has.
fn rest(section: &Section, common: &[&str]) -> Section {
    let entries = section.entries.clone().into_iter();
    let entries = entries.filter(|(key, _)| !common.contains(&key.as_str())).collect();
    Section::new(&section.file, &section.name, section.line, entries, section.env)
}

/// Mistakes about the common keys alone: the rest is the driver's to judge.
fn close_common(section: &Section, common: &[&str], mistakes: &mut Vec<Mistake>) {
    let Err(Mistakes(all)) = section.done() else { return };
    let of = |key: &str| format!("{}.{key}", section.name);
    let mine: BTreeSet<String> = common.iter().chain(&["name"]).map(|key| of(key)).collect();
    let shared = |m: &Mistake| mine.contains(&m.key) || m.what.starts_with(SAME_SECRET);
    mistakes.extend(all.into_iter().filter(shared));
}

fn desk(
    wired: &mut Wired,
    name: &str,
    section: Section,
    with: Reading<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let kind = section.required("kind");
    let row = with.tables.desks.iter().find(|row| row.name == kind);
    if row.is_none() && !kind.is_empty() {
        let known: Vec<_> = with.tables.desks.iter().map(|row| row.name).collect();
        section.wrong(
            "kind",
            format!("is not a desk careline knows; known are: {}", known.join(", ")),
        );
    }
    close_common(&section, &["kind"], mistakes);
    let Some(row) = row else { return };
    let id = DeskId::new(name);
    match (row.open)(&id, &rest(&section, &["kind"]), with.ground) {
        Ok(desk) => wired.desks.push((id, desk)),
        Err(Mistakes(more)) => mistakes.extend(more),
    }
}

const ROUTE: &[&str] = &["network", "desk", "channel"];

fn account(
    wired: &mut Wired,
    name: &str,
    section: Section,
    with: Reading<'_>,
    mistakes: &mut Vec<Mistake>,
) {
    let network = section.required("network");
    let row = with.tables.networks.iter().find(|row| row.name == network);
    if row.is_none() && !network.is_empty() {
        let known: Vec<_> = with.tables.networks.iter().map(|row| row.name).collect();
        let known = known.join(", ");
        section.wrong("network", format!("is not a network careline knows; known are: {known}"));
    }
    let id = AccountId::new(name);
    if let Some(route) = route(&section, &wired.desk_names) {
        wired.routes.insert(id.clone(), route);
    }
    close_common(&section, ROUTE, mistakes);
    let Some(row) = row else { return };
    wired.abilities.insert(id.clone(), Abilities::cautious(&title(row.name)));
    let mut own = rest(&section, ROUTE);
    if let Some(since) = with.since.filter(|_| row.example.contains("\nsince = ")) {
        let text = toml::Value::from(format!("{} s", since.0 / 1_000_000));
        own.entries.insert("since".into(), (section.line, text));
    }
    match (row.open)(&id, &own, with.ground) {
        Ok(network) => wired.networks.push((id, network)),
        Err(Mistakes(more)) => mistakes.extend(more),
    }
}

/// Where an account's cases go.
fn route(section: &Section, desks: &BTreeSet<String>) -> Option<ChannelId> {
    let channel = section.required("channel");
    let desk = desk_of(section, desks)?;
    Some(ChannelId { desk: DeskId::new(desk), channel })
}

/// A network's name as people write it.
fn title(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

const SAME_SECRET: &str = "is the same secret as";
/// Secrets of an app, which all its accounts share; no feed is read with them.
const OF_APPS: [&str; 2] = ["app_secret", "verify"];

/// Secrets that were seen, to tell that one stands at two places.
#[derive(Default)]
struct Tokens(Vec<(String, SecretString)>);

impl Tokens {
    /// Notes the secrets of a section; one that another section has too is a mistake, because two
    /// feeds with one token hear everything twice.
    fn note(&mut self, section: &Section) {
        let before = self.0.len();
        let own = section.entries.iter().filter(|(key, _)| !OF_APPS.contains(&key.as_str()));
        for (key, (_, value)) in own {
            let Some(Ok(secret)) =
                value.as_str().filter(is_reference).map(|t| resolve(t, section.env))
            else {
                continue;
            };
            let known = |(_, other): &&(String, SecretString)| same(other, &secret);
            if let Some((place, _)) = self.0[..before].iter().find(known) {
                section.wrong(key, format!("{SAME_SECRET} {place}; each needs its own"));
            }
            self.0.push((format!("{}.{key}", section.name), secret));
        }
    }
}

fn same(one: &SecretString, other: &SecretString) -> bool {
    one.expose_secret() == other.expose_secret()
}

fn is_reference(text: &&str) -> bool {
    text.starts_with("env:") || text.starts_with("file:")
}
