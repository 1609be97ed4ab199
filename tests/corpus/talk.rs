//! Conversations to be played: those beside the project where they are, else a few of our own.

use careline::case::pleasant::is_kind;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;

/// One customer's conversation.
pub struct Talk {
    /// Turns in order: the customer's (`true`) and the agent's.
    pub turns: Vec<(bool, String)>,
}

fn tidy(text: &str, longest: usize) -> String {
    let plain = text.replace("__company__", "").replace("__cust__", "").replace('@', "");
    let words = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    words.chars().take(longest).collect()
}

/// Rows of a file beside the project, where it is.
pub fn rows(file: &str) -> Option<Vec<Value>> {
    let place = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(file);
    let text = std::fs::read_to_string(place).ok()?;
    Some(text.lines().filter_map(|line| serde_json::from_str(line).ok()).collect())
}

fn text(row: &Value, longest: usize) -> String {
    tidy(row["text"].as_str().unwrap_or_default(), longest)
}

/// Conversations of two sides, at most so many, with turns of so many characters.
pub fn conversations(most: usize, longest: usize) -> Option<Vec<Talk>> {
    let rows = rows("conversations/conversations_dev.jsonl")?;
    let talk = |row: &Value| {
        let turns = row["turns"].as_array()?.iter();
        let turns = turns.map(|turn| (turn["role"] == "customer", text(turn, longest)));
        let turns: Vec<_> = turns.filter(|(_, text)| !text.is_empty()).collect();
        // Mere thanks open no case, so there is nothing to claim.
        turns.first().filter(|(customer, text)| *customer && !is_kind(text))?;
        Some(Talk { turns })
    };
    Some(rows.iter().filter_map(talk).take(most).collect())
}

/// Posts about airlines, a talk for each author, at most so many posts of so many characters.
pub fn airline(most: usize, longest: usize) -> Option<Vec<Talk>> {
    let mut authors: BTreeMap<String, Talk> = BTreeMap::new();
    let mut rows = rows("airline/airline_dev.jsonl")?;
    rows.sort_by(|a, b| a["created_at"].as_str().cmp(&b["created_at"].as_str()));
    for row in rows.iter().take(most) {
        let author = row["author"].as_str().unwrap_or_default().to_owned();
        let talk = authors.entry(author).or_insert(Talk { turns: Vec::new() });
        talk.turns.push((true, text(row, longest)));
    }
    Some(authors.into_values().collect())
}

/// A few of our own, for machines without the others.
pub fn own() -> Vec<Talk> {
    let opening = ["the lamp flickers", "my seat is taken", "no hot water since noon", "it hums"];
    let talk = |n: usize| {
        let what = opening[n % opening.len()];
        let turns = [
            (true, format!("Hello, {what}, can somebody look? ({n})")),
            (false, format!("We are sorry. Where exactly is it? ({n})")),
            (true, format!("Second floor & left, <b>room</b> {n}. It's _urgent_ *really*.")),
            (true, format!("And thanks {n} :)")),
            (false, format!("Somebody is on the way to room {n}.")),
        ];
        Talk { turns: turns.into() }
    };
    (0..60).map(talk).collect()
}
