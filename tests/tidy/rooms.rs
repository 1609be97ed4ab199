//! Whether each driver has its five parts and its row, and whether clocks and chance stay out.

use super::code::Source;
use super::{finds, none, root, sources};
use careline::desk::DESKS;
use careline::network::NETWORKS;
use careline::store::STORES;
use std::collections::BTreeSet;

const PARTS: [&str; 5] = ["mod", "wire", "hear", "say", "face"];

/// Folders of drivers below a room, and the modules of each.
fn drivers(room: &str, all: &[Source]) -> Vec<(String, BTreeSet<String>)> {
    let mut found: Vec<(String, BTreeSet<String>)> = Vec::new();
    for source in all {
        let parts: Vec<&str> = source.path.trim_end_matches(".rs").split('/').collect();
        if let ["src", first, driver, part, ..] = parts[..]
            && first == room
        {
            match found.iter_mut().find(|(name, _)| name == driver) {
                Some((_, parts)) => drop(parts.insert(part.to_owned())),
                None => found.push((driver.to_owned(), BTreeSet::from([part.to_owned()]))),
            }
        }
    }
    found.sort();
    found
}

/// Rows that share a folder: two networks of one company, with one interface.
const HOUSED: [(&str, &str); 2] = [("facebook", "meta"), ("instagram", "meta")];

fn folder(row: &str) -> &str {
    HOUSED.iter().find(|(name, _)| *name == row).map_or(row, |(_, folder)| folder)
}

fn missing_parts(room: &str, all: &[Source]) -> Vec<String> {
    let mut found = Vec::new();
    for (driver, parts) in drivers(room, all) {
        for part in PARTS.iter().filter(|part| !parts.contains(**part)) {
            found.push(format!("src/{room}/{driver}: has no {part}; a driver has {PARTS:?}"));
        }
    }
    found
}

/// Folders without a row, rows without a folder, rows out of order.
fn table(room: &str, folders: &[String], rows: &[&str]) -> Vec<String> {
    let upper = room.to_uppercase();
    let mut found = Vec::new();
    let has_row = |name: &&String| rows.iter().any(|row| folder(row) == *name);
    for name in folders.iter().filter(|name| !has_row(name)) {
        found.push(format!("src/{room}/mod.rs: add `mod {name};` and `&{name}::{upper}`"));
    }
    for name in rows.iter().filter(|row| !folders.iter().any(|f| f == folder(row))) {
        found.push(format!("src/{room}/{name}: has a row, but no folder"));
    }
    if !rows.is_sorted() {
        found.push(format!("src/{room}/mod.rs: sort the rows by name: {rows:?}"));
    }
    found
}

/// Words that ask what time it is.
const CLOCKS: [&str; 5] =
    ["Instant::now", "SystemTime::now", "Timestamp::now", "Zoned::now", "UNIX_EPOCH.elapsed"];

fn clocks(source: &Source) -> Vec<String> {
    let clock = ["src/engine/clock.rs", "src/world/clock.rs"].contains(&source.path.as_str());
    let face = source.module().get(2) == Some(&"face");
    if clock || face || source.room() == "sandbox" {
        return Vec::new();
    }
    words(
        source,
        &source.product,
        &CLOCKS,
        "asks for the time; take it from the envelope or ground",
    )
}

/// Words that would make a decision depend on something else than its arguments.
const IMPURE: [&str; 12] = [
    "HashMap",
    "HashSet",
    "async ",
    ".await",
    "sleep",
    "thread::",
    "tokio",
    "fastrand",
    "std::fs",
    "std::env",
    "println!",
    "RandomState",
];

fn impure(source: &Source) -> Vec<String> {
    if source.room() != "case" {
        return Vec::new();
    }
    let words_of = |code| words(source, code, &IMPURE, "has no place in case");
    let mut found = words_of(&source.product);
    found.extend(words(source, &source.code, &CLOCKS, "has no place in case"));
    found
}

fn words(source: &Source, code: &str, words: &[&str], what: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (n, line) in code.lines().enumerate() {
        for word in words.iter().filter(|word| line.contains(**word)) {
            found.push(format!("{}:{}: {} {what}", source.path, n + 1, word.trim()));
        }
    }
    found
}

/// A refusal in a face is a rule of a platform, and a rule needs a source: a file that refuses
/// names where its rules stand, as `Source: …` or as a link, in a comment.
fn unsourced(source: &Source) -> Vec<String> {
    let tests = source.path.ends_with("tests.rs");
    if source.module().get(2) != Some(&"face") || tests {
        return Vec::new();
    }
    let refusals = ["StatusCode::", "status(4", "No::", "Err("];
    let refuses = refusals.iter().any(|word| source.product.contains(word));
    let mut comments = source.text.lines().filter(|line| line.trim_start().starts_with("//"));
    let cited = comments.any(|line| line.contains("Source:") || line.contains("https://"));
    if refuses && !cited {
        return vec![format!("{}: refuses, but names no source (`Source: …`)", source.path)];
    }
    Vec::new()
}

#[test]
fn drivers_have_their_parts_and_their_rows() {
    let all = sources("src");
    let names = |room| drivers(room, &all).into_iter().map(|(name, _)| name).collect::<Vec<_>>();
    let mut found = missing_parts("network", &all);
    found.extend(missing_parts("desk", &all));
    let rows: Vec<&str> = NETWORKS.iter().map(|row| row.name).collect();
    found.extend(table("network", &names("network"), &rows));
    let rows: Vec<&str> = DESKS.iter().map(|row| row.name).collect();
    found.extend(table("desk", &names("desk"), &rows));
    let stores: Vec<&str> = STORES.iter().map(|row| row.name).collect();
    assert!(stores.is_sorted(), "src/store/mod.rs: sort the rows by name: {stores:?}");
    none(&found);
}

#[test]
fn nobody_asks_for_the_time_but_the_clock() {
    none(&sources("src").iter().flat_map(clocks).collect::<Vec<_>>());
}

#[test]
fn case_depends_on_nothing_but_its_arguments() {
    none(&sources("src/case").iter().flat_map(impure).collect::<Vec<_>>());
}

#[test]
fn rules_of_faces_have_sources() {
    none(&sources("src").iter().flat_map(unsourced).collect::<Vec<_>>());
}

#[test]
fn the_rooms_are_those_of_the_map() {
    let map = std::fs::read_to_string(root().join("src/lib.rs")).unwrap();
    let rooms: BTreeSet<String> = sources("src").iter().map(|s| s.room().to_owned()).collect();
    let missing = rooms.iter().filter(|r| !["lib", "main"].contains(&r.as_str()));
    let missing = missing.filter(|room| !map.contains(&format!("pub mod {room};")));
    none(&missing.map(|room| format!("src/lib.rs: add `pub mod {room};`")).collect::<Vec<_>>());
}

#[test]
fn missing_parts_and_rows_are_found() {
    let all =
        [Source::new("src/desk/pager/mod.rs", ""), Source::new("src/desk/pager/face/x.rs", "")];
    let found = missing_parts("desk", &all);
    finds(&found, "src/desk/pager: has no wire");
    assert_eq!(found.len(), 3, "{found:?}");
    finds(&table("desk", &["pager".into()], &[]), "add `mod pager;` and `&pager::DESK`");
    finds(&table("desk", &[], &["pager"]), "has a row, but no folder");
    finds(&table("desk", &["a".into(), "b".into()], &["b", "a"]), "sort the rows");
}

#[test]
fn clocks_and_chance_are_found() {
    let plant = |path: &str, text: &str| Source::new(path, text);
    finds(&clocks(&plant("src/net/mod.rs", "\nlet x = Instant::now();")), "mod.rs:2: Instant::now");
    none(&clocks(&plant("src/engine/clock.rs", "Instant::now()")));
    none(&clocks(&plant("src/net/mod.rs", "// Instant::now()")));
    finds(&impure(&plant("src/case/a.rs", "use std::collections::HashMap;")), "a.rs:1: HashMap");
    finds(&impure(&plant("src/case/a.rs", "pub async fn f() {}")), "async has no place");
    finds(&impure(&plant("src/case/a.rs", "#[cfg(test)]\nmod t { SystemTime::now() }")), ":2:");
    finds(&unsourced(&plant("src/desk/x/face.rs", "StatusCode::OK")), "names no source");
    none(&unsourced(&plant("src/desk/x/face.rs", "// Source: its page\nStatusCode::OK")));
}
