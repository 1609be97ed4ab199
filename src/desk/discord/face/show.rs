//! Things as Discord shows them.
//! Source: <https://docs.discord.com/developers/resources/message#message-object> and the pages
//! of users, guilds, channels and applications beside it.

use super::apps::{self, App};
use super::channels::{is_thread, place};
use super::ids::{stamp, unstamp, written};
use crate::world::office::{Kind, Member, Office};
use serde_json::{Value, json};

pub(super) fn user(member: &Member) -> Value {
    let bot = member.kind == Kind::Bot;
    json!({
        "id": member.id, "username": member.name.to_lowercase().replace(' ', "."),
        "global_name": if bot { Value::Null } else { member.name.clone().into() },
        "discriminator": "0", "avatar": null, "bot": bot, "system": false, "public_flags": 0,
        "flags": 0, "primary_guild": null,
    })
}

pub(super) fn roles(office: &Office, member: &str) -> Value {
    office.notes.get(&format!("roles:{member}")).cloned().unwrap_or_else(|| json!([]))
}

pub(super) fn member(office: &Office, who: &Member, with_user: bool) -> Value {
    let mut shown = json!({
        "roles": roles(office, &who.id), "nick": null, "avatar": null, "banner": null,
        "joined_at": "2024-01-01T00:00:00.000000+00:00", "premium_since": null, "deaf": false,
        "mute": false, "flags": 0, "pending": who.kind == Kind::Guest,
        "communication_disabled_until": null,
    });
    if with_user {
        shown["user"] = user(who);
    }
    shown
}

pub(super) fn application(app: &App) -> Value {
    json!({
        "id": app.id, "name": app.name, "icon": null, "description": "", "bot_public": false,
        "bot_require_code_grant": false, "verify_key": "", "hook": true,
        "flags": if app.content { 1 << 19 } else { 0 }, "flags_new": "0", "type": null,
        "redirect_uris": [], "interactions_endpoint_url": null,
        "role_connections_verification_url": null, "approximate_guild_count": 1,
        "approximate_user_install_count": 0, "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0, "team": null, "eligible_oauth2_scopes": [],
        "owner": {"id": "1", "username": "owner", "discriminator": "0", "avatar": null,
            "public_flags": 0, "flags": 0, "global_name": null, "primary_guild": null},
        "bot": {"id": app.user, "username": app.name, "discriminator": "0", "avatar": null,
            "bot": true, "public_flags": 0, "flags": 0, "global_name": null,
            "primary_guild": null},
    })
}

/// Everything that `@everyone` may do in the world; bots may lack some of it.
const ALL: &str = "2251799813685247";

pub(super) fn guild(office: &Office) -> Value {
    let named = office.notes.range("role:".to_owned().."role;".to_owned());
    let role = |id: &Value, name: &Value, position: usize| {
        json!({"id": id, "name": name, "permissions": ALL, "position": position, "color": 0,
            "colors": {"primary_color": 0, "secondary_color": null, "tertiary_color": null},
            "hoist": false, "managed": false, "mentionable": false, "icon": null,
            "unicode_emoji": null, "flags": 0})
    };
    let everyone = role(&office.team.clone().into(), &"@everyone".into(), 0);
    let named = named.enumerate().map(|(n, (_, r))| role(&r["id"], &r["name"], n + 1));
    let roles: Vec<Value> = std::iter::once(everyone).chain(named).collect();
    json!({
        "id": office.team, "name": "Careline demo", "icon": null, "owner_id": "1",
        "roles": roles, "emojis": [], "stickers": [], "features": [], "verification_level": 0,
        "default_message_notifications": 0, "explicit_content_filter": 0, "mfa_level": 0,
        "premium_tier": 0, "preferred_locale": "en-US", "nsfw_level": 0, "afk_timeout": 300,
        "system_channel_flags": 0, "premium_progress_bar_enabled": false, "splash": null,
        "discovery_splash": null, "banner": null, "description": null, "afk_channel_id": null,
        "application_id": null, "system_channel_id": null, "rules_channel_id": null,
        "public_updates_channel_id": null, "safety_alerts_channel_id": null,
        "vanity_url_code": null, "max_members": 1000, "incidents_data": null,
        "home_header": null, "region": "deprecated", "widget_enabled": false,
        "widget_channel_id": null, "max_presences": null, "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25, "premium_subscription_count": 0, "nsfw": false,
    })
}

pub(super) fn channel(office: &Office, id: &str) -> Value {
    let place = place(office, id);
    let channel = office.channels.get(id);
    let name = channel.map_or("", |channel| channel.name.as_str());
    let newest = office.channel(id).last().map(|m| stamp(m.id));
    let mut shown = json!({
        "id": id, "type": place["type"], "guild_id": office.team, "name": name, "flags": 0,
        "last_message_id": newest, "rate_limit_per_user": 0,
    });
    if is_thread(&place) {
        shown["parent_id"] = place["parent_id"].clone();
        shown["owner_id"] = place["owner_id"].clone();
        shown["applied_tags"] = place["applied_tags"].clone();
        shown["message_count"] = office.channel(id).count().into();
        shown["total_message_sent"] = shown["message_count"].clone();
        shown["member_count"] = 1.into();
        shown["thread_metadata"] = json!({
            "archived": place["archived"], "locked": place["locked"],
            "auto_archive_duration": place["auto_archive_duration"].as_u64().unwrap_or(4_320),
            "archive_timestamp": place["archive_timestamp"],
            "create_timestamp": written(unstamp(id).unwrap_or(0)),
        });
        return shown;
    }
    shown["position"] = 0.into();
    shown["parent_id"] = Value::Null;
    shown["permission_overwrites"] = json!([]);
    shown["topic"] = Value::Null;
    shown["nsfw"] = false.into();
    if place["type"] == 15 {
        shown["available_tags"] = place["available_tags"].clone();
        shown["default_reaction_emoji"] = Value::Null;
        shown["default_sort_order"] = Value::Null;
        shown["default_forum_layout"] = 0.into();
        shown["flags"] = place["flags"].as_u64().unwrap_or(0).into();
    }
    shown
}

/// The channels that are no threads.
pub(super) fn channels(office: &Office) -> Value {
    let ids = office.channels.keys().filter(|id| !is_thread(&place(office, id)));
    ids.map(|id| channel(office, id)).collect()
}

/// Threads that are not archived.
pub(super) fn threads(office: &Office) -> Value {
    let open = |place: &Value| is_thread(place) && place["archived"] != true;
    let ids = office.channels.keys().filter(|id| open(&place(office, id)));
    ids.map(|id| channel(office, id)).collect()
}

pub(super) fn message(office: &Office, channel: &str, id: i64, base: &str) -> Value {
    match office.messages.get(&(channel.to_owned(), id)) {
        Some(message) => whole(office, message, base),
        None => Value::Null,
    }
}

pub(super) fn whole(office: &Office, m: &crate::world::office::Message, base: &str) -> Value {
    let nobody = || Member {
        id: m.author.clone(),
        name: "Deleted User".into(),
        kind: Kind::Deactivated,
        tokens: Default::default(),
    };
    let author = office.members.get(&m.author).cloned().unwrap_or_else(nobody);
    let hook = m.subtype.as_deref() == Some("webhook");
    let reference = &m.marks["reference"];
    let mut shown = json!({
        "id": stamp(m.id), "channel_id": m.channel, "author": user(&author), "content": m.text,
        "timestamp": written(m.id), "edited_timestamp": m.edited.map(written), "tts": false,
        "mention_everyone": m.marks["everyone"].as_bool().unwrap_or(false),
        "mentions": mentions(office, m), "mention_roles": list(&m.marks["roles"]),
        "attachments": attachments(office, m, base), "embeds": [], "pinned": false,
        "type": if reference.is_object() { 19 } else { 0 },
        "flags": m.marks["flags"].as_u64().unwrap_or(0), "components": components(&m.blocks),
        "reactions": reactions(office, m),
    });
    if let Some(nonce) = &m.client_id {
        shown["nonce"] = nonce.clone().into();
    }
    if reference.is_object() {
        shown["message_reference"] = reference.clone();
        shown["message_reference"]["type"] = 0.into();
        shown["message_reference"]["channel_id"] = m.channel.clone().into();
        shown["message_reference"]["guild_id"] = office.team.clone().into();
    }
    if hook {
        shown["webhook_id"] = m.author.clone().into();
    }
    if let Some(app) = &m.app {
        shown["application_id"] = app.clone().into();
    }
    shown
}

fn list(value: &Value) -> Value {
    if value.is_array() { value.clone() } else { json!([]) }
}

/// Rows and their buttons, each with a number of its own in the message.
/// Source: <https://docs.discord.com/developers/components/reference>, "Anatomy of a Component".
fn components(value: &Value) -> Value {
    let mut rows = value.as_array().cloned().unwrap_or_default();
    let mut n = 0;
    let mut number = |one: &mut Value| {
        n += 1;
        one["id"] = n.into();
    };
    for row in &mut rows {
        number(row);
        row["components"].as_array_mut().into_iter().flatten().for_each(&mut number);
    }
    rows.into()
}

/// People that the text names: what a bot's message calls is decided by its allowed mentions, a
/// person's message calls whom it names.
fn mentions(office: &Office, m: &crate::world::office::Message) -> Value {
    let named: Vec<String> = match m.marks["users"].as_array() {
        Some(all) => all.iter().filter_map(|id| id.as_str().map(str::to_owned)).collect(),
        None => {
            let bodies = m.text.split("<@").skip(1).filter_map(|rest| rest.split('>').next());
            bodies.map(|id| id.trim_start_matches('!').to_owned()).collect()
        }
    };
    named.iter().filter_map(|id| office.members.get(id)).map(user).collect()
}

fn attachments(office: &Office, m: &crate::world::office::Message, base: &str) -> Value {
    let files = m.files.iter().filter_map(|id| office.files.get(id));
    let shown = files.map(|file| {
        let url = format!("{base}/attachments/{}/{}?ex=1&is=1&hm=1", file.id, file.name);
        json!({"id": file.id, "filename": file.name, "content_type": file.mime,
            "size": file.bytes.len(), "url": url, "proxy_url": url, "description": file.alt})
    });
    shown.collect()
}

fn reactions(office: &Office, m: &crate::world::office::Message) -> Value {
    let bots: Vec<String> = apps::all(office).into_iter().map(|app| app.user).collect();
    let shown = m.reactions.iter().map(|(name, who)| {
        json!({"emoji": {"id": null, "name": name}, "count": who.len(),
            "count_details": {"burst": 0, "normal": who.len()}, "burst_colors": [],
            "me": who.iter().any(|id| bots.contains(id)), "me_burst": false})
    });
    shown.collect()
}
