//! `export`, `import`, `forget`, `audit` and `verify` on a store that is really on disk.

use super::{folder, on, said};
use crate::contract::server::Schema;
use careline::case::id::{AccountId, CaseNo, ContactId, EnvelopeId};
use careline::case::model::Contact;
use careline::case::record::{Commit, Key, LogEntry, Record};
use careline::case::rich::Theirs;
use careline::case::time::Timestamp;
use careline::store::{STORES, Store};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A configuration whose store lies beside it.
fn place() -> tempfile::TempDir {
    let dir = folder(&[]);
    let path = dir.path().join("store");
    let text = format!("[store]\npath = {}\n", toml_text(&path.display().to_string()));
    std::fs::write(dir.path().join("careline.toml"), text).unwrap();
    dir
}

fn toml_text(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\"))
}

fn open(dir: &Path) -> Arc<dyn Store> {
    let row = STORES.iter().find(|row| row.name == "sled").unwrap();
    (row.open)(&dir.join("store").into(), Timestamp::from_seconds(1)).unwrap()
}

/// Puts one customer into the store.
async fn fill(dir: &Path) {
    let id = ContactId { account: AccountId::new("acme"), remote: "77".into() };
    let contact = Contact {
        id: id.clone(),
        handle: Theirs::new("ana@social.example"),
        name: Theirs::new("Ana"),
        url: None,
        newest: None,
        cases: 0,
        wrote: 0,
        first: Timestamp::from_seconds(2),
        same: Vec::new(),
        blocked: None,
        noise: 0,
        profile: None,
        reach: None,
    };
    let writes = BTreeMap::from([(Key::Contact(id), Some(Record::Contact(Box::new(contact))))]);
    let store = open(dir);
    let at = Timestamp::from_seconds(3);
    let commit = Commit { envelope: None, at, reads: BTreeMap::new(), writes, log: None };
    store.commit(commit).await.unwrap();
    store.close().await.unwrap();
}

/// All lines of an export but the first, which says when it was made.
fn exported(dir: &Path) -> Vec<String> {
    let output = on(dir, &["export", "--json"]);
    assert!(output.status.success(), "{}", said(&output));
    let text = String::from_utf8(output.stdout).unwrap();
    let lines: Vec<String> = text.lines().map(str::to_owned).collect();
    for line in &lines {
        serde_json::from_str::<serde_json::Value>(line).unwrap();
    }
    lines[1..].to_vec()
}

#[tokio::test]
async fn an_export_is_taken_in_again() {
    let (one, other) = (place(), place());
    fill(one.path()).await;
    let lines = exported(one.path());
    assert!(lines.iter().any(|line| line.contains("ana@social.example")), "{lines:?}");
    let file = one.path().join("all.jsonl");
    std::fs::write(&file, on(one.path(), &["export", "--json"]).stdout).unwrap();
    let output = on(other.path(), &["import", file.to_str().unwrap()]);
    assert!(output.status.success(), "{}", said(&output));
    assert_eq!(exported(other.path()), lines);
    let output = on(other.path(), &["verify"]);
    assert!(output.status.success(), "{}", said(&output));
    assert!(said(&output).contains("the store is in order"));
}

/// A configuration whose store is in this schema.
fn on_postgres(schema: &Schema) -> tempfile::TempDir {
    let dir = folder(&[("address", &schema.address)]);
    let address = toml_text(&format!("file:{}", dir.path().join("address").display()));
    let text = format!("[store]\nkind = \"postgres\"\naddress = {address}\n");
    std::fs::write(dir.path().join("careline.toml"), text).unwrap();
    dir
}

#[tokio::test]
async fn a_store_moves_to_postgresql_and_back() {
    let Some(schema) = Schema::fresh() else { return };
    let (one, other, back) = (place(), on_postgres(&schema), place());
    fill(one.path()).await;
    let lines = exported(one.path());
    for (from, to) in [(&one, &other), (&other, &back)] {
        let output = on(from.path(), &["migrate", "--to", to.path().to_str().unwrap()]);
        assert!(output.status.success(), "{}", said(&output));
        let wanted = format!("{} lines are in the new store", lines.len() + 1);
        assert!(said(&output).contains(&wanted), "{}", said(&output));
        assert_eq!(exported(to.path()), lines);
        let output = on(to.path(), &["verify"]);
        assert!(said(&output).contains("the store is in order"), "{}", said(&output));
    }
    let output = on(one.path(), &["migrate", "--to", other.path().to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    assert!(said(&output).contains("the store is not empty"), "{}", said(&output));
}

#[tokio::test]
async fn a_customer_is_erased_by_his_handle() {
    let dir = place();
    fill(dir.path()).await;
    let nobody = on(dir.path(), &["forget", "acme", "bob"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(said(&nobody).contains("acme knows nobody with the id or handle bob"));
    let output = on(dir.path(), &["forget", "acme", "@ana@social.example"]);
    assert!(output.status.success(), "{}", said(&output));
    let left = exported(dir.path()).join("\n");
    assert!(!left.contains("ana@") && !left.contains("\"77\""), "{left}");
    assert!(left.contains("tombstone"), "{left}");
}

#[tokio::test]
async fn a_store_in_use_is_refused_in_a_sentence() {
    let dir = place();
    let store = open(dir.path());
    let output = on(dir.path(), &["export"]);
    assert_eq!(output.status.code(), Some(1));
    let said = said(&output);
    assert_eq!(said.trim().lines().count(), 1, "{said}");
    assert!(said.contains("another"), "{said}");
    store.close().await.unwrap();
}

#[test]
fn a_store_that_is_not_there_is_not_made() {
    let dir = place();
    for words in [&["export"][..], &["verify"], &["forget", "acme", "1"]] {
        let output = on(dir.path(), words);
        assert_eq!(output.status.code(), Some(1), "{}", said(&output));
        assert!(said(&output).contains("there is no store in"), "{}", said(&output));
    }
    assert!(!dir.path().join("store").exists());
    let output = on(dir.path(), &["import", "nowhere.jsonl"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
}

#[tokio::test]
async fn an_audit_says_who_did_what() {
    let dir = place();
    let store = open(dir.path());
    for (n, case, by) in [(1, 42, "team:U1"), (2, 43, "team:U2"), (3, 42, "guild:U2")] {
        let at = Timestamp::from_seconds(n);
        let log = LogEntry {
            seq: 0,
            at,
            envelope: EnvelopeId::new(format!("e{n}")),
            event: "asked".into(),
            did: "claimed".into(),
            case: Some(CaseNo(case)),
            by: Some(by.into()),
            policy: "p".into(),
            fired: if n == 3 { vec!["danger".into()] } else { Vec::new() },
        };
        let (reads, writes) = (BTreeMap::new(), BTreeMap::new());
        let envelope = Some(log.envelope.clone());
        store.commit(Commit { envelope, at, reads, writes, log: Some(log) }).await.unwrap();
    }
    store.close().await.unwrap();
    let lines = |words: &[&str]| {
        let output = on(dir.path(), words);
        assert!(output.status.success(), "{}", said(&output));
        String::from_utf8(output.stdout).unwrap()
    };
    let all = lines(&["audit"]);
    assert_eq!(all.lines().count(), 3);
    assert!(all.starts_with("1970-01-01T00:00:01.000Z  #42  team:U1  asked  claimed"), "{all}");
    assert_eq!(lines(&["audit", "--case", "42"]).lines().count(), 2);
    let rules = lines(&["report", "rules"]);
    let row = |name: &str| rules.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
    assert!(row("danger").ends_with("1  1970-01-01T00:00:03.000Z"), "{rules}");
    assert!(row("waited").ends_with("0  never"), "{rules}");
    assert!(lines(&["report", "fairness"]).starts_with("followers   cases  answered"));
    assert_eq!(lines(&["audit", "--agent", "U2"]).lines().count(), 2);
    let one = lines(&["audit", "--agent", "U2", "--case", "42", "--json"]);
    assert_eq!(one.lines().count(), 1);
    assert!(one.contains("guild:U2"), "{one}");
}
