//! What a message, its components and a thread's name may be.
//! Source: <https://docs.discord.com/developers/resources/message#create-message>,
//! <https://docs.discord.com/developers/components/reference>,
//! <https://docs.discord.com/developers/resources/channel#start-thread-from-message>.

use super::{No, invalid, no};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;

/// Fields of a message; `nonce` ones only where a message is created alone.
const FIELDS: [&str; 7] =
    ["content", "tts", "embeds", "allowed_mentions", "components", "attachments", "flags"];
const CREATE: [&str; 5] = ["nonce", "enforce_nonce", "message_reference", "sticker_ids", "poll"];

/// Suppress embeds, ephemeral, suppress notifications.
const FLAGS: u64 = 1 << 2 | 1 << 6 | 1 << 12;

/// Which message a body is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Body {
    Create,
    /// The first message of a forum post.
    First,
    Edit,
    Interaction,
}

/// Unknown fields are refused; Discord ignores them.
pub(super) fn known(body: &Map<String, Value>, fields: &[&str]) -> Result<(), No> {
    match body.keys().find(|key| !fields.contains(&key.as_str())) {
        Some(key) => Err(invalid(format!("{key}: is no field here"))),
        None => Ok(()),
    }
}

pub(super) fn message(body: &Map<String, Value>, which: Body) -> Result<(), No> {
    let mut fields = FIELDS.to_vec();
    if which == Body::Create {
        fields.extend(CREATE);
    }
    // discord.js says everywhere that it wants no nonce.
    if body.get("enforce_nonce") == Some(&json!(false)) {
        fields.push("enforce_nonce");
    }
    known(body, &fields)?;
    let content = body.get("content").and_then(Value::as_str).unwrap_or_default();
    if content.chars().count() > 2_000 {
        return Err(invalid("content: Must be 2000 or fewer in length."));
    }
    let flags = body.get("flags").and_then(Value::as_u64).unwrap_or(0);
    let ephemeral = flags & (1 << 6) != 0 && which != Body::Interaction;
    if flags & !FLAGS != 0 || ephemeral {
        return Err(invalid("flags: not settable here"));
    }
    let some =
        |key: &str| body.get(key).and_then(Value::as_array).is_some_and(|all| !all.is_empty());
    let empty = content.trim().is_empty()
        && !["embeds", "components", "attachments"].iter().any(|k| some(k));
    if empty && (which != Body::Edit || body.contains_key("content")) {
        return Err(no(400, 50006, "Cannot send an empty message"));
    }
    if let Some(nonce) = body.get("nonce") {
        let fits = nonce.as_str().is_some_and(|n| n.chars().count() <= 25) || nonce.is_i64();
        if !fits {
            return Err(invalid("nonce: Must be 25 or fewer in length."));
        }
    }
    mentions(body.get("allowed_mentions"))?;
    components(body.get("components"))
}

fn mentions(value: Option<&Value>) -> Result<(), No> {
    let Some(value) = value.filter(|v| !v.is_null()) else { return Ok(()) };
    let fields = value.as_object().ok_or_else(|| invalid("allowed_mentions: must be an object"))?;
    known(fields, &["parse", "users", "roles", "replied_user"])?;
    for kind in ["users", "roles"] {
        let ids = value[kind].as_array().map_or(0, Vec::len);
        let parsed = value["parse"].as_array().is_some_and(|all| all.contains(&json!(kind)));
        if ids > 100 || (ids > 0 && parsed) {
            return Err(invalid("allowed_mentions: parse and ids exclude each other"));
        }
    }
    Ok(())
}

fn components(value: Option<&Value>) -> Result<(), No> {
    let Some(rows) = value.filter(|v| !v.is_null()) else { return Ok(()) };
    let rows = rows.as_array().ok_or_else(|| invalid("components: must be a list"))?;
    if rows.len() > 5 {
        return Err(invalid("components: Must be 5 or fewer in length."));
    }
    let mut ids = BTreeSet::new();
    for row in rows {
        let all = row["components"].as_array().map(Vec::as_slice).unwrap_or_default();
        if row["type"] != 1 || !(1..=5).contains(&all.len()) {
            return Err(invalid("components: a row holds 1 to 5 components"));
        }
        for one in all {
            button(one, &mut ids)?;
        }
    }
    Ok(())
}

fn button(one: &Value, ids: &mut BTreeSet<String>) -> Result<(), No> {
    let label = one["label"].as_str().unwrap_or_default().chars().count();
    if one["type"] != 2 || !(1..=80).contains(&label) {
        return Err(invalid("components: a button has a label of 1 to 80 characters"));
    }
    match one["style"].as_u64() {
        Some(1..=4) => {
            let id = one["custom_id"].as_str().unwrap_or_default();
            if !(1..=100).contains(&id.chars().count()) {
                return Err(invalid("custom_id: Must be between 1 and 100 in length."));
            }
            if !ids.insert(id.to_owned()) {
                return Err(invalid("components: Component custom id cannot be duplicated"));
            }
            Ok(())
        }
        Some(5) if one["url"].is_string() && one["custom_id"].is_null() => Ok(()),
        _ => Err(invalid("style: a button of this style is not known")),
    }
}

/// A thread's name and its time of quiet.
pub(super) fn thread(body: &Map<String, Value>) -> Result<String, No> {
    let name = body.get("name").and_then(Value::as_str).unwrap_or_default().trim();
    if !(1..=100).contains(&name.chars().count()) {
        return Err(invalid("name: Must be between 1 and 100 in length."));
    }
    quiet(body)?;
    Ok(name.to_owned())
}

pub(super) fn quiet(body: &Map<String, Value>) -> Result<(), No> {
    let given = body.get("auto_archive_duration").filter(|value| !value.is_null());
    match given.map(Value::as_u64) {
        None | Some(Some(60 | 1440 | 4320 | 10080)) => Ok(()),
        Some(_) => Err(invalid("auto_archive_duration: one of 60, 1440, 4320, 10080")),
    }
}

/// A modal.
/// Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>.
pub(super) fn modal(data: &Value) -> Result<(), No> {
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    if !(1..=45).contains(&length(&data["title"]))
        || !(1..=100).contains(&length(&data["custom_id"]))
    {
        return Err(invalid("a modal has a title of 45 and a custom_id of 100 characters at most"));
    }
    let rows = data["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    if !(1..=5).contains(&rows.len()) {
        return Err(invalid("components: a modal has 1 to 5"));
    }
    for row in rows {
        let input = &row["components"][0];
        let max = input["max_length"].as_u64().unwrap_or(4_000);
        let fine = row["type"] == 1
            && input["type"] == 4
            && (1..=45).contains(&length(&input["label"]))
            && (1..=100).contains(&length(&input["custom_id"]))
            && length(&input["placeholder"]) <= 100
            && (1..=4_000).contains(&max)
            && length(&input["value"]) as u64 <= max;
        if !fine {
            return Err(invalid("components: a text input breaks a limit"));
        }
    }
    Ok(())
}
