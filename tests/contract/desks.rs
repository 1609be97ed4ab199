//! Is every desk as good as the others? What must hold for each row of the table.

use careline::case::id::DeskId;
use careline::case::time::Timestamp;
use careline::desk::{DESKS, Driver};
use careline::net::{Ground, Net};
use careline::setting::Section;
use std::collections::BTreeMap;
use std::sync::Arc;

fn ground() -> Ground {
    Ground { net: Net::new(false), now: Arc::new(|| Timestamp::from_seconds(1_800_000_000)) }
}

fn env(name: &str) -> Option<String> {
    match name {
        "SLACK_BOT_TOKEN" => Some("xoxb-secret-words".into()),
        "SLACK_APP_TOKEN" => Some("xapp-secret-words".into()),
        _ => Some("secret-words".into()),
    }
}

/// The section of a row's example, without the keys that the house itself reads.
fn section(
    row: &Driver,
    change: impl FnOnce(&mut BTreeMap<String, (usize, toml::Value)>),
) -> Section {
    let table: toml::Table = row.example.parse().expect("an example is TOML");
    let desks = table["desk"].as_table().expect("an example is a [desk.NAME]");
    let (name, values) = desks.iter().next().expect("one desk");
    assert_eq!(values["kind"].as_str(), Some(row.name), "an example is of its own kind");
    let values = values.as_table().unwrap().iter().filter(|(key, _)| *key != "kind");
    let mut entries: BTreeMap<_, _> =
        values.map(|(key, value)| (key.clone(), (1, value.clone()))).collect();
    change(&mut entries);
    Section::new("careline.toml", &format!("desk.{name}"), 1, entries, env)
}

#[test]
fn an_example_opens_and_an_unknown_key_does_not() {
    for row in DESKS {
        let good = section(row, |_| {});
        assert!((row.open)(&DeskId::new("a"), &good, &ground()).is_ok(), "{}", row.name);
        let bad = section(row, |keys| drop(keys.insert("made_up".into(), (9, true.into()))));
        let Err(mistakes) = (row.open)(&DeskId::new("a"), &bad, &ground()) else {
            panic!("{} takes anything", row.name);
        };
        assert!(mistakes.0.iter().any(|m| m.key.ends_with("made_up")), "{mistakes:?}");
    }
}

#[test]
fn a_missing_secret_is_named_and_no_secret_is_repeated() {
    for row in DESKS {
        let all = section(row, |_| {});
        let secrets = all
            .entries
            .iter()
            .filter(|(_, (_, v))| v.as_str().is_some_and(|text| text.starts_with("env:")));
        for (key, _) in secrets {
            let without = section(row, |keys| drop(keys.remove(key)));
            let Err(mistakes) = (row.open)(&DeskId::new("a"), &without, &ground()) else {
                panic!("{} opens without {key}", row.name);
            };
            assert!(mistakes.0.iter().any(|m| m.key.ends_with(key.as_str())), "{key}");
            assert!(!format!("{mistakes:?}").contains("secret-words"));
        }
    }
}

#[tokio::test]
async fn in_the_sandbox_only_this_machine_is_reached() {
    for row in DESKS {
        let inside = Ground { net: Net::new(true), ..ground() };
        let refused = (row.open)(&DeskId::new("a"), &section(row, |_| {}), &inside);
        assert!(refused.is_err(), "{} would leave the machine", row.name);
    }
}
