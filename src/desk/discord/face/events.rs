//! What happened in the office, as the gateway's events to one app.
//! Source: <https://docs.discord.com/developers/events/gateway-events>.

use super::apps::App;
use super::channels::{is_thread, place};
use super::ids::stamp;
use super::show;
use crate::world::office::{Happening, Message, Office, What};
use serde_json::{Value, json};

/// An event: its name and its data.
pub(super) type Event = (String, Value);

fn event(name: &str, data: Value) -> Vec<Event> {
    vec![(name.to_owned(), data)]
}

/// What this app is told of it. `content`: may it read words?
pub(super) fn told(office: &Office, app: &App, happening: &Happening, base: &str) -> Vec<Event> {
    let inside =
        |channel: &str| office.channels.get(channel).is_none_or(|c| c.members.contains(&app.user));
    match &happening.what {
        What::Posted { message } if inside(&message.channel) && message.only_for.is_none() => {
            event("MESSAGE_CREATE", shown(office, app, message, base))
        }
        What::Edited { after, .. } if inside(&after.channel) && after.only_for.is_none() => {
            event("MESSAGE_UPDATE", shown(office, app, after, base))
        }
        What::Deleted { before, .. } if inside(&before.channel) && before.only_for.is_none() => {
            let data = json!({"id": stamp(before.id), "channel_id": before.channel,
                "guild_id": office.team});
            event("MESSAGE_DELETE", data)
        }
        What::Arranged { channel, how } if inside(channel) => {
            let mut data = show::channel(office, channel);
            if how == "THREAD_CREATE" {
                data["newly_created"] = true.into();
            }
            event(how, data)
        }
        What::ChannelGone { channel } => {
            let place = place(office, channel);
            let name = if is_thread(&place) { "THREAD_DELETE" } else { "CHANNEL_DELETE" };
            let data = json!({"id": channel, "guild_id": office.team, "type": place["type"],
                "parent_id": place["parent_id"], "name": "gone", "position": 0,
                "permission_overwrites": []});
            event(name, data)
        }
        What::Asked { app: to, payload, .. } if *to == app.id => {
            event("INTERACTION_CREATE", payload.clone())
        }
        _ => Vec::new(),
    }
}

/// `[gateway#message-content-intent]`: without it words are empty, but for the app's own messages
/// and those that name it.
fn shown(office: &Office, app: &App, message: &Message, base: &str) -> Value {
    let mut data = show::whole(office, message, base);
    data["guild_id"] = office.team.clone().into();
    if let Some(author) = office.members.get(&message.author) {
        data["member"] = show::member(office, author, false);
    }
    let named = message.text.contains(&format!("<@{}>", app.user))
        || message.text.contains(&format!("<@!{}>", app.user));
    if !app.content && message.author != app.user && !named {
        data["content"] = "".into();
        for field in ["embeds", "attachments", "components"] {
            data[field] = json!([]);
        }
    }
    data
}
