//! What happened, as the events an app is told (`[events]`, pages of each event).
//!
//! Source: [events] and the page of each event (named in `face/mod.rs`).

use super::act::App;
use super::show::{self, How, stamp};
use crate::world::office::{Happening, Message, Office, What};
use serde_json::{Value, json};

/// The events of one happening for one app: nothing from channels where its bot is not.
pub(super) fn of(office: &Office, happening: &Happening, app: &App, base: &str) -> Vec<Value> {
    match &happening.what {
        What::Posted { message } => posted(office, message, app, base),
        What::Edited { before, after } if inside(office, &before.channel, app) => {
            vec![edited(office, before, after, base)]
        }
        What::Deleted { before, stone } if inside(office, &before.channel, app) => {
            vec![deleted(office, before, *stone, happening.at.0, base)]
        }
        What::Reacted { channel, message, member, name, on } if inside(office, channel, app) => {
            vec![json!({
                "type": if *on { "reaction_added" } else { "reaction_removed" }, "user": member,
                "reaction": name, "event_ts": stamp(happening.at.0),
                "item": {"type": "message", "channel": channel, "ts": stamp(*message)},
            })]
        }
        What::Archived { channel } => vec![json!({
            "type": "channel_archive", "channel": channel, "user": "U0FOUNDER", "is_moved": 0,
            "event_ts": stamp(happening.at.0),
        })],
        What::ChannelGone { channel } => vec![json!({
            "type": "channel_deleted", "channel": channel, "event_ts": stamp(happening.at.0),
        })],
        _ => Vec::new(),
    }
}

fn inside(office: &Office, channel: &str, app: &App) -> bool {
    office.channels.get(channel).is_some_and(|c| c.members.contains(&app.user))
}

fn kind(office: &Office, channel: &str) -> &'static str {
    match office.channels.get(channel) {
        Some(c) if c.id.starts_with('D') => "im",
        Some(c) if c.private => "group",
        _ => "channel",
    }
}

/// `[message]`: also an app's own posts; `[app_mention]` besides, when its bot is called; and the
/// parent's `message_changed`, whose text is the same (reply counts).
fn posted(office: &Office, m: &Message, app: &App, base: &str) -> Vec<Value> {
    if m.only_for.is_some() || !inside(office, &m.channel, app) {
        return Vec::new();
    }
    // As it was: later changes come as events of their own.
    let mut event = show::message(office, m, How { metadata: false, base });
    event["channel"] = m.channel.clone().into();
    event["channel_type"] = kind(office, &m.channel).into();
    event["event_ts"] = stamp(m.id).into();
    let mut out = vec![event.clone()];
    if m.text.contains(&format!("<@{}>", app.user)) && m.author != app.user {
        event["type"] = "app_mention".into();
        out.push(event);
    }
    out.extend(counted(office, m, base));
    out
}

fn counted(office: &Office, answer: &Message, base: &str) -> Option<Value> {
    let root = answer.thread.filter(|root| *root != answer.id)?;
    let parent = office.message(&answer.channel, root)?;
    let shown = show::message(office, parent, How { metadata: false, base });
    let mut before = shown.clone();
    before["reply_count"] = (shown["reply_count"].as_u64().unwrap_or(1) - 1).into();
    Some(changed(office, answer.id, &answer.channel, shown, before))
}

fn changed(office: &Office, at: i64, channel: &str, after: Value, before: Value) -> Value {
    json!({
        "type": "message", "subtype": "message_changed", "hidden": true, "channel": channel,
        "channel_type": kind(office, channel), "ts": stamp(at), "event_ts": stamp(at),
        "message": after, "previous_message": before,
    })
}

fn edited(office: &Office, before: &Message, after: &Message, base: &str) -> Value {
    let how = How { metadata: false, base };
    let at = after.edited.unwrap_or(after.id);
    let (new, old) = (show::message(office, after, how), show::message(office, before, how));
    changed(office, at, &after.channel, new, old)
}

/// A parent with answers becomes a stone, told as a change; all else is told as deleted.
fn deleted(office: &Office, m: &Message, stone: bool, at: i64, base: &str) -> Value {
    let old = show::message(office, m, How { metadata: false, base });
    if stone {
        return changed(office, at, &m.channel, show::tombstone(office, m), old);
    }
    json!({
        "type": "message", "subtype": "message_deleted", "hidden": true, "channel": m.channel,
        "channel_type": kind(office, &m.channel), "ts": stamp(at), "event_ts": stamp(at),
        "deleted_ts": stamp(m.id), "previous_message": old,
    })
}

/// The envelope around an event (`[events]`, "callback field overview").
pub(super) fn callback(office: &Office, app: &App, event: Value, id: &str, at: i64) -> Value {
    json!({
        "token": "fixed", "team_id": office.team, "api_app_id": app.id, "event": event,
        "type": "event_callback", "event_id": id, "event_time": at / 1_000_000,
        "authorizations": [{
            "enterprise_id": null, "team_id": office.team, "user_id": app.user, "is_bot": true,
            "is_enterprise_install": false,
        }],
        "is_ext_shared_channel": false, "event_context": "4-context",
    })
}
