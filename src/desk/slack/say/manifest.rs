//! The manifest from which a company creates its own Slack app: pasted once, nothing forgotten.

use super::super::hear::asked::SHORTCUT;
use serde_json::{Value, json};

/// What the bot may do, each with the call that needs it.
pub(crate) const SCOPES: &[&str] = &[
    "app_mentions:read", // @careline
    "channels:history",  // threads of public channels, and the sweep
    "channels:read",     // check --live
    "chat:write",        // cards, notices, answers
    "commands",          // /careline and the shortcut
    "files:read",        // files that agents send to customers
    "groups:history",    // the same in private channels
    "groups:read",
    "reactions:read",  // eyes = claim
    "reactions:write", // marks on messages
    "users:read",      // who is a guest, who is from elsewhere
];

/// The events careline listens to.
const EVENTS: &[&str] = &[
    "app_home_opened",
    "app_mention",
    "app_uninstalled",
    "channel_archive",
    "channel_deleted",
    "channel_left",
    "group_archive",
    "group_deleted",
    "group_left",
    "message.channels",
    "message.groups",
    "reaction_added",
    "tokens_revoked",
];

/// Slack's app manifest, as text to paste. `verbs` become the usage hint of `/careline`; `address`
/// is where Slack reaches us over HTTP, `None` for Socket Mode, which needs no public address.
#[must_use]
pub fn manifest(verbs: &[&str], address: Option<&str>) -> String {
    let mut hint = verbs.join(" | ");
    hint.truncate(hint.floor_char_boundary(1_000));
    let mut command = json!({
        "command": "/careline", "description": "Look after customers' mentions",
        "usage_hint": hint, "should_escape": true,
    });
    let mut events = json!({"bot_events": EVENTS});
    let mut interactivity = json!({"is_enabled": true});
    if let Some(address) = address.map(|address| address.trim_end_matches('/')) {
        command["url"] = format!("{address}/commands").into();
        events["request_url"] = format!("{address}/events").into();
        interactivity["request_url"] = format!("{address}/interactivity").into();
    }
    let manifest = whole(command, events, interactivity, address.is_none());
    serde_json::to_string_pretty(&manifest).unwrap_or_default()
}

fn whole(command: Value, events: Value, interactivity: Value, socket: bool) -> Value {
    json!({
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {
            "name": "careline",
            "description": "Brings customers' mentions into threads and carries answers back",
        },
        "features": {
            "app_home": {
                "home_tab_enabled": true, "messages_tab_enabled": false,
                "messages_tab_read_only_enabled": false,
            },
            "bot_user": {"display_name": "careline", "always_online": true},
            "shortcuts": [{
                "name": "Reply to customer", "type": "message", "callback_id": SHORTCUT,
                "description": "Send these words to the customer of this thread",
            }],
            "slash_commands": [command],
        },
        "oauth_config": {"scopes": {"bot": SCOPES}},
        "settings": {
            "event_subscriptions": events,
            "interactivity": interactivity,
            "org_deploy_enabled": false,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": false,
        },
    })
}
