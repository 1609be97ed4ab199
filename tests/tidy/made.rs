//! Whether what is made from the code still is what the code would make. `UPDATE=1` rewrites it.

use super::code::Source;
use super::{finds, none, root, sources};
use careline::case::ability::{Abilities, Count, Limit, Resend, dollars};
use careline::case::command::{VERBS, Verb};
use careline::case::model::Audience;
use careline::case::time::Timestamp;
use careline::config::{self, Files, Tables, Text, example};
use careline::net::{Ground, Net};
use careline::network::NETWORKS;
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
    // Opening connects nowhere; a sandbox's client would refuse the real addresses.
    Ground { net: Net::new(false), now: Arc::new(Timestamp::default) }
}

fn read(name: &str) -> Text {
    let text = std::fs::read_to_string(root().join(name)).unwrap_or_default();
    Text { name: name.into(), text }
}

/// Every variable holds something, and none the same as another.
#[expect(clippy::unnecessary_wraps, reason = "the shape of an environment")]
fn full(name: &str) -> Option<String> {
    // Slack tells kinds of tokens apart by how they begin.
    match name {
        "SLACK_BOT_TOKEN" => Some("xoxb-value".into()),
        "SLACK_APP_TOKEN" => Some("xapp-value".into()),
        _ => Some(format!("value-of-{name}")),
    }
}

fn check(wiring: Text) -> Vec<String> {
    let (policy, phrases) = (read("bot-config/policy.toml"), read("bot-config/phrases.toml"));
    let listen = Some(read("bot-config/listen.toml"));
    let escalation = Some(read("bot-config/escalation.toml"));
    let policy = Some(policy);
    let files = Files { wiring, policy, phrases: Some(phrases), listen, escalation };
    let mistakes = config::parse(&files, full, &ground(), Tables::all()).err();
    mistakes.map(|all| all.0.iter().map(ToString::to_string).collect()).unwrap_or_default()
}

/// The README's table of verbs.
fn verbs() -> String {
    let row = |verb: &&Verb| {
        let cell = |text: &str| text.replace('|', "\\|");
        let (usage, example) = (cell(verb.usage), cell(verb.example));
        format!("| `{usage}` | {} | `{example}` |\n", cell(verb.summary))
    };
    let head = "| Words | What they do | Example |\n|---|---|---|\n";
    std::iter::once(head.to_owned()).chain(VERBS.iter().map(row)).collect()
}

#[test]
fn the_readme_shows_every_verb() {
    let there = read("README.md").text;
    let wanted = between(&there, "verbs", &verbs());
    let wanted = wanted.expect("README.md needs the marks `verbs` and `/verbs`");
    none(&made("README.md", &wanted));
}

/// The README's table of what each network takes, as its driver's row says it.
fn networks() -> String {
    let head = "| Network | A post | A private message | Can be answered | A post in private \
                | Files | What a post costs | Taken back from here | After an unknown result |\n\
                |---|---|---|---|---|---|---|---|---|\n";
    let rows = NETWORKS.iter().map(|row| network(&(row.abilities)()));
    std::iter::once(head.to_owned()).chain(rows).collect()
}

fn network(can: &Abilities) -> String {
    let long = |limit: Limit| match limit.count {
        Count::Bytes => format!("{} bytes", limit.limit),
        Count::Weighted => format!("{} as X counts", limit.limit),
        Count::Graphemes { bytes } => format!("{} letters, {bytes} bytes", limit.limit),
        Count::Mastodon { .. } | Count::Chars => format!("{} characters", limit.limit),
    };
    let answered = can.window.map_or_else(
        || "for ever".to_owned(),
        |window| {
            let comment = window.private.map(|span| format!("; a comment in private {span}"));
            format!("a message {}{}", window.direct, comment.unwrap_or_default())
        },
    );
    let private = match (can.private, can.is_private_once()) {
        (false, _) => "no",
        (true, true) => "once",
        (true, false) => "yes",
    };
    let costs = can.price.map_or_else(
        || "nothing".to_owned(),
        |price| {
            format!("{}, with a link {}", dollars(price.post.into()), dollars(price.link.into()))
        },
    );
    let again = match can.resend {
        Resend::Keyed { .. } => "looked for, else sent again under its key",
        Resend::Look => "looked for, sent again after two absences",
        Resend::Ask => "a person is asked",
    };
    let (post, letter) =
        (long(can.limit_for(Audience::Public)), long(can.limit_for(Audience::Direct)));
    let (name, files, deletes) = (&can.network, can.files, if can.deletes { "yes" } else { "no" });
    format!(
        "| {name} | {post} | {letter} | {answered} | {private} | {files} | {costs} | {deletes} \
         | {again} |\n"
    )
}

#[test]
fn the_readme_shows_what_each_network_takes() {
    let there = read("README.md").text;
    let wanted = between(&there, "networks", &networks());
    let wanted = wanted.expect("README.md needs the marks `networks` and `/networks`");
    none(&made("README.md", &wanted));
}

/// Tests that a text names as `folder::…::name` or `room::…::tests`, and that are not there.
fn unknown_tests(text: &str, all: &[Source]) -> Vec<String> {
    let names = text.split('`').skip(1).step_by(2).filter(|name| name.contains("::"));
    let known = |name: &str| {
        let parts: Vec<&str> = name.split("::").collect();
        let Some((last, front)) = parts.split_last() else { return false };
        all.iter().any(|source| {
            let path = source.path.trim_start_matches("tests/").trim_start_matches("src/");
            let path = path.trim_end_matches(".rs").trim_end_matches("/mod").replace('/', "::");
            let is_file = path == name;
            let front: Vec<_> = front.iter().filter(|part| **part != "tests").copied().collect();
            let holds = path == front.join("::") || path == parts[..parts.len() - 1].join("::");
            is_file || (holds && source.text.contains(&format!("fn {last}(")))
        })
    };
    let unknown = names.filter(|name| !known(name));
    unknown.map(|name| format!("README.md: there is no test `{name}`")).collect()
}

/// The part of a text between two marks.
fn marked<'t>(text: &'t str, mark: &str) -> &'t str {
    let (open, close) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let part = text.split(&open).nth(1).and_then(|rest| rest.split(&close).next());
    part.unwrap_or_else(|| panic!("README.md needs the marks `{mark}` and `/{mark}`"))
}

/// Dialogues that a text names and that are not there.
fn unknown_dialogues(text: &str) -> Vec<String> {
    let names = text.split('`').skip(1).step_by(2).filter_map(|name| name.strip_prefix("d/"));
    let gone = names.filter(|name| !root().join("tests/dialogues").join(name).exists());
    gone.map(|name| format!("README.md: there is no dialogue `{name}`")).collect()
}

#[test]
fn every_feature_names_what_shows_it() {
    let text = read("README.md").text;
    let mut all = sources("tests");
    all.extend(sources("src"));
    let part = marked(&text, "features");
    let rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
    let silent = rows.filter(|row| !row.contains("::") && !row.contains("`d/"));
    let mut found: Vec<String> =
        silent.map(|row| format!("README.md: a feature nothing shows: {row}")).collect();
    found.extend(unknown_tests(part, &all));
    found.extend(unknown_dialogues(part));
    none(&found);
}

#[test]
fn a_dialogue_that_is_not_there_is_found() {
    finds(&unknown_dialogues("| x | `d/never.txt` |"), "no dialogue `never.txt`");
    none(&unknown_dialogues("`d/undo.txt`"));
}

#[test]
fn every_promise_names_tests_that_are_there() {
    let text = read("README.md").text;
    let mut all = sources("tests");
    all.extend(sources("src"));
    let part = marked(&text, "promises");
    let rows = part.lines().filter(|line| line.starts_with("| ")).skip(1);
    let silent = rows.filter(|row| !row.contains("::"));
    let mut found: Vec<String> =
        silent.map(|row| format!("README.md: a promise without a test: {row}")).collect();
    found.extend(unknown_tests(part, &all));
    none(&found);
}

#[test]
fn a_promise_without_its_test_is_found() {
    let all = [
        Source::new("tests/kill/store.rs", "fn at_each_commit() {}"),
        Source::new("src/net/mod.rs", ""),
    ];
    finds(&unknown_tests("| x | `kill::store::never` |", &all), "no test `kill::store::never`");
    none(&unknown_tests("`kill::store::at_each_commit`, `kill::store`, `net`", &all));
}

#[test]
fn the_shipped_wiring_shows_every_driver() {
    none(&made("bot-config/careline.toml", &example::wiring(Tables::all())));
}

#[test]
fn what_desks_make_from_the_verbs_is_shipped() {
    let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let made_by = Tables::all().desks.iter().filter_map(|row| row.made.as_ref());
    let wrong = made_by
        .flat_map(|file| made(&format!("bot-config/{}", file.file), &((file.text)(&verbs) + "\n")));
    none(&wrong.collect::<Vec<_>>());
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
