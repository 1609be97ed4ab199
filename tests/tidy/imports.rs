//! Who may import whom: the table of the rooms, and nothing beside it.

use super::code::{Source, line_of};
use super::{finds, none, sources};
use std::collections::{BTreeMap, BTreeSet};

/// The rooms that those on top of the house may import: the fuzz targets not the last two, the
/// sandbox all but itself.
const ROOMS: &[&str] = &[
    "case",
    "world",
    "inbox",
    "net",
    "web",
    "setting",
    "network",
    "desk",
    "store",
    "projection",
    "engine",
    "config",
    "score",
    "sandbox",
];

/// Rooms that a room may import. `store!` means: its traits and types, none of its folders.
const TABLE: &[(&str, &[&str])] = &[
    ("case", &[]),
    ("world", &["case"]),
    ("inbox", &["case", "net", "web", "setting"]),
    ("net", &["case", "inbox", "web", "setting"]),
    ("web", &["case", "inbox", "net", "setting"]),
    ("setting", &["case", "inbox", "net", "web"]),
    ("listen", &["case"]),
    ("network", &["case", "inbox", "listen", "net", "web", "setting"]),
    ("desk", &["case", "inbox", "net", "web", "setting"]),
    ("store", &["case", "inbox"]),
    ("score", &["case"]),
    ("projection", &["case", "inbox", "store!"]),
    ("engine", &["case", "inbox", "net", "score", "network!", "desk!", "store!"]),
    ("config", &["case", "listen", "net", "setting", "network!", "desk!", "store!"]),
    ("fuzzed", ROOMS.split_at(12).0),
    ("sandbox", ROOMS.split_at(13).0),
    ("cli", ROOMS),
];

/// Folders and files of the second level, by room.
type Folders = BTreeMap<String, BTreeSet<String>>;

fn folders(all: &[Source]) -> Folders {
    let mut found = Folders::new();
    for source in all {
        if let [room, below, ..] = source.module()[..] {
            found.entry(room.to_owned()).or_default().insert(below.to_owned());
        }
    }
    found
}

/// What a file names of the house: the line, and the path from the root of the crate.
fn named(source: &Source) -> Vec<(usize, Vec<String>)> {
    let code = if source.room() == "case" { &source.code } else { &source.product };
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if !code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':') {
            let from = at + "crate::".len();
            paths(&code[from..]).into_iter().for_each(|path| found.push((line_of(code, at), path)));
        }
    }
    found.extend(by_super(source, code));
    found
}

/// The paths of one import: one, or all of a group in braces.
fn paths(rest: &str) -> Vec<Vec<String>> {
    let rest = rest.trim_start();
    let Some(group) = rest.strip_prefix('{') else { return vec![path(rest)] };
    let mut depth = 0_usize;
    let mut parts = vec![String::new()];
    for c in group.chars() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut().unwrap().push(c);
    }
    parts.iter().map(|part| path(part.trim())).filter(|path| !path.is_empty()).collect()
}

fn path(text: &str) -> Vec<String> {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'));
    let text = &text[..end.unwrap_or(text.len())];
    text.split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// `super::super::x`, seen from the root of the crate.
fn by_super(source: &Source, code: &str) -> Vec<(usize, Vec<String>)> {
    let own: Vec<String> = source.module().iter().map(|part| (*part).to_owned()).collect();
    let mut found = Vec::new();
    for (at, _) in code.match_indices("super::super::") {
        if code[..at].ends_with("super::") {
            continue;
        }
        let (mut rest, mut up) = (&code[at..], 0);
        while let Some(after) = rest.strip_prefix("super::") {
            (rest, up) = (after, up + 1);
        }
        let base = &own[..own.len().saturating_sub(up)];
        for path in paths(rest) {
            found.push((line_of(code, at), base.iter().cloned().chain(path).collect()));
        }
    }
    found
}

/// A face, or what all faces of a room do alike.
fn is_face(source: &Source) -> bool {
    matches!(source.module()[..], [_, "face"] | [_, _, "face", ..])
}

/// What all drivers of a room may use.
fn shared(below: &str) -> bool {
    ["face", "feed"].contains(&below)
}

/// Imports of this file that the table does not allow. The tables of drivers may name the world's
/// `Shared`, because each row carries its face.
fn judge(source: &Source, folders: &Folders) -> Vec<String> {
    let room = source.room();
    let is_root = ["lib", "main"].contains(&room);
    let Some((_, allowed)) = TABLE.iter().find(|(name, _)| *name == room) else {
        let unknown = format!("{}: {room} is not a room of the table in tests/tidy", source.path);
        return if is_root { Vec::new() } else { vec![unknown] };
    };
    let face = is_face(source);
    let rows = matches!(source.module()[..], ["network" | "desk"]);
    let shows = |path: &[String]| face || (rows && path.get(1).is_some_and(|p| p == "Shared"));
    let mut wrong = Vec::new();
    for (line, path) in named(source) {
        let Some(to) = path.first() else { continue };
        let below = path.get(1).filter(|b| folders.get(to).is_some_and(|f| f.contains(*b)));
        let mine = source.module().get(1).copied();
        let say = |what: &str| format!("{}:{line}: {room} may not import {what}", source.path);
        if to == room {
            let driver = room == "network" || room == "desk";
            let other = |b: &&String| mine.is_some_and(|m| m != b.as_str()) && !shared(b);
            if let Some(sibling) = below.filter(|b| driver && other(b)) {
                wrong.push(say(&format!("its sibling {sibling}")));
            }
        } else if allowed.contains(&to.as_str()) || (to == "world" && shows(&path)) {
        } else if allowed.contains(&format!("{to}!").as_str()) {
            if let Some(below) = below {
                wrong.push(say(&format!("{to}::{below}, only what {to} itself names")));
            }
        } else {
            wrong.push(say(to));
        }
    }
    wrong
}

/// A face writes its JSON by hand: with the driver's own types both would agree on one mistake.
fn faces_on_their_own(source: &Source) -> Vec<String> {
    let module = source.module();
    if module.get(2) != Some(&"face") {
        return Vec::new();
    }
    let own = ["wire::", "hear::", "say::"];
    let lines = source.product.lines().enumerate();
    let uses = lines.filter(|(_, line)| {
        own.iter().any(|own| {
            line.match_indices(own).any(|(at, _)| {
                line[..at].ends_with("super::") || line[..at].ends_with(&format!("{}::", module[1]))
            })
        })
    });
    let say =
        |n: usize| format!("{}:{}: a face may not use its driver's own types", source.path, n + 1);
    uses.map(|(n, _)| say(n)).collect()
}

#[test]
fn rooms_import_only_what_the_table_allows() {
    let all = sources("src");
    let folders = folders(&all);
    none(&all.iter().flat_map(|source| judge(source, &folders)).collect::<Vec<_>>());
}

#[test]
fn faces_do_not_lean_on_their_drivers() {
    none(&sources("src").iter().flat_map(faces_on_their_own).collect::<Vec<_>>());
}

#[test]
fn a_forbidden_import_is_found() {
    let mut known = Folders::new();
    known.insert("store".into(), BTreeSet::from(["sled".into()]));
    known.insert("network".into(), BTreeSet::from(["mastodon".into(), "bluesky".into()]));
    let plant = |path: &str, text: &str| judge(&Source::new(path, text), &known);
    finds(
        &plant("src/case/decide.rs", "\nuse crate::store::Store;"),
        "case/decide.rs:2: case may not",
    );
    finds(
        &plant("src/case/a.rs", "#[cfg(test)]\nmod t { use crate::net; }"),
        ":2: case may not import net",
    );
    finds(
        &plant("src/engine/mod.rs", "use crate::{case, store::sled::Sled};"),
        "store::sled, only",
    );
    finds(
        &plant("src/network/mastodon/say.rs", "use crate::world::World;"),
        "may not import world",
    );
    finds(
        &plant("src/network/mastodon/say.rs", "use crate::network::bluesky::X;"),
        "sibling bluesky",
    );
    finds(
        &plant("src/network/mastodon/say.rs", "use super::super::bluesky::X;"),
        "sibling bluesky",
    );
    finds(&plant("src/attic/mod.rs", ""), "attic is not a room");
    let fine = [
        ("src/case/decide.rs", "// crate::store\nuse super::super::x;"),
        ("src/network/mastodon/face.rs", "use crate::world::World;"),
        ("src/network/mod.rs", "use crate::world::Shared;"),
        ("src/network/mastodon/face/posts.rs", "use crate::world::World;"),
        ("src/network/mastodon/say.rs", "use crate::network::{Driver, mastodon::wire};"),
        (
            "src/engine/mod.rs",
            "use crate::store::Store;\n#[cfg(test)]\nmod t { use crate::world; }",
        ),
    ];
    for (path, text) in &fine[1..] {
        none(&plant(path, text));
    }
}

#[test]
fn a_face_with_its_drivers_types_is_found() {
    let source = Source::new("src/desk/slack/face/api.rs", "use x;\nuse super::super::wire::Post;");
    finds(&faces_on_their_own(&source), "api.rs:2: a face may not");
}
