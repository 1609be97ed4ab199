//! Whether what is made from the code still is what the code would make. `UPDATE=1` rewrites it.

use super::{finds, none, root};
use careline::case::time::Timestamp;
use careline::config::{self, Files, Tables, Text, example};
use careline::net::{Ground, Net};
use std::sync::Arc;

/// Compares a file with what it is made from, or rewrites it.
fn made(path: &str, wanted: &str) -> Vec<String> {
    let file = root().join(path);
    let there = std::fs::read_to_string(&file).unwrap_or_default();
    if there == wanted {
        return Vec::new();
    }
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&file, wanted).unwrap();
        return Vec::new();
    }
    vec![format!("{path}: is not what the code makes; `UPDATE=1 cargo test tidy` rewrites it")]
}

/// A text with the part between two marks replaced; `None` if the marks are missing.
fn between(text: &str, mark: &str, part: &str) -> Option<String> {
    let (open, close) = (format!("<!-- {mark} -->\n"), format!("<!-- /{mark} -->"));
    let from = text.find(&open)? + open.len();
    let to = from + text[from..].find(&close)?;
    Some(format!("{}{part}{}", &text[..from], &text[to..]))
}

fn ground() -> Ground {
    Ground { net: Net::new(true), now: Arc::new(Timestamp::default) }
}

fn read(name: &str) -> Text {
    let text = std::fs::read_to_string(root().join(name)).unwrap_or_default();
    Text { name: name.into(), text }
}

/// Every variable holds something, and none the same as another.
#[expect(clippy::unnecessary_wraps, reason = "the shape of an environment")]
fn full(name: &str) -> Option<String> {
    Some(format!("value-of-{name}"))
}

fn check(wiring: Text) -> Vec<String> {
    let files = Files { wiring, policy: Some(read("bot-config/policy.toml")) };
    let mistakes = config::parse(&files, full, &ground(), Tables::all()).err();
    mistakes.map(|all| all.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

#[test]
fn the_shipped_wiring_shows_every_driver() {
    none(&made("bot-config/careline.toml", &example::wiring(Tables::all())));
}

#[test]
fn a_difference_is_found() {
    if std::env::var_os("UPDATE").is_none() {
        finds(&made("bot-config/careline.toml", "else"), "is not what the code makes");
    }
    let text = "a\n<!-- x -->\nold\n<!-- /x -->\nb\n";
    let wanted = "a\n<!-- x -->\nnew\n<!-- /x -->\nb\n";
    assert_eq!(between(text, "x", "new\n").as_deref(), Some(wanted));
    assert_eq!(between("a\n", "x", "new\n"), None);
}

#[test]
fn the_shipped_configuration_is_what_check_takes() {
    none(&check(read("bot-config/careline.toml")));
}

#[test]
fn a_mistake_in_a_configuration_is_found() {
    let mut wiring = read("bot-config/careline.toml");
    wiring.text.push_str("\n[unknown]\n");
    finds(&check(wiring), "unknown: is not known here");
}
