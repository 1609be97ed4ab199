//! Channels, forums, threads and tags.
//! Source: <https://docs.discord.com/developers/resources/channel>,
//! <https://docs.discord.com/developers/topics/threads>.

use super::ids::{stamp, unstamp, written};
use super::{Answer, Call, No, invalid, messages, no, rules, show};
use crate::case::time::Timestamp;
use crate::world::World;
use crate::world::office::{Channel, Office, What};
use serde_json::{Value, json};

pub(super) fn route(call: &mut Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    Some(match (method, parts) {
        ("GET", ["channels", id]) => get(call, id),
        ("PATCH", ["channels", id]) => patch(call, id),
        ("DELETE", ["channels", id]) => remove(call, id),
        ("POST", ["channels", id, "threads"]) => start(call, id),
        ("POST", ["channels", id, "messages", message, "threads"]) => below(call, id, message),
        ("GET", ["guilds", guild, "threads", "active"]) => active(call, guild),
        ("GET", ["channels", id, "threads", "archived", "public"]) => archived(call, id),
        _ => return None,
    })
}

/// Makes a forum, with these members.
pub fn forum(office: &mut Office, id: &str, name: &str, members: &[&str]) {
    office.found(id, name, members);
    set(office, id, json!({"type": 15, "available_tags": []}));
}

/// Locks a thread, as a moderator does in Discord's client.
pub fn lock(world: &mut World, desk: &str, thread: &str) {
    let at = world.now;
    let office = world.office(desk);
    change(office, at, thread, json!({"locked": true, "archived": true}));
}

/// What Discord knows of a channel.
pub(super) fn place(office: &Office, id: &str) -> Value {
    office.notes.get(&format!("place:{id}")).cloned().unwrap_or_else(|| json!({"type": 0}))
}

pub(super) fn set(office: &mut Office, id: &str, value: Value) {
    office.notes.insert(format!("place:{id}"), value);
}

/// Changes some of it and tells.
pub(super) fn change(office: &mut Office, at: Timestamp, id: &str, fields: Value) {
    let mut value = place(office, id);
    let thread = is_thread(&value);
    if let (Some(all), Value::Object(fields)) = (value.as_object_mut(), fields) {
        all.extend(fields);
    }
    set(office, id, value);
    let how = if thread { "THREAD_UPDATE" } else { "CHANNEL_UPDATE" };
    office.note(at, What::Arranged { channel: id.to_owned(), how: how.to_owned() });
}

pub(super) fn is_thread(place: &Value) -> bool {
    matches!(place["type"].as_u64(), Some(10..=12))
}

fn is_forum(place: &Value) -> bool {
    matches!(place["type"].as_u64(), Some(15 | 16))
}

/// A channel that the caller sees.
pub(super) fn seen(call: &mut Call<'_>, id: &str) -> Result<Value, No> {
    let who = call.who.id.clone();
    let office = call.office();
    let channel = office.channels.get(id).ok_or_else(|| no(404, 10003, "Unknown Channel"))?;
    if !channel.members.contains(&who) {
        return Err(no(403, 50001, "Missing Access"));
    }
    Ok(place(office, id))
}

fn get(call: &mut Call<'_>, id: &str) -> Answer {
    seen(call, id)?;
    Ok(show::channel(call.office(), id))
}

fn remove(call: &mut Call<'_>, id: &str) -> Answer {
    let place = seen(call, id)?;
    call.needs(if is_thread(&place) { "MANAGE_THREADS" } else { "MANAGE_CHANNELS" })?;
    let shown = show::channel(call.office(), id);
    let at = call.world.now;
    call.office().remove_channel(at, id);
    Ok(shown)
}

fn patch(call: &mut Call<'_>, id: &str) -> Answer {
    let place = seen(call, id)?;
    if is_thread(&place) { patch_thread(call, id, &place) } else { patch_forum(call, id) }
}

/// `[channel#modify-channel]`, threads: an archived one can only be opened, or that with more;
/// its owner may archive and name it, everything else is for moderators.
fn patch_thread(call: &mut Call<'_>, id: &str, place: &Value) -> Answer {
    let fields = [
        "name",
        "archived",
        "auto_archive_duration",
        "locked",
        "rate_limit_per_user",
        "flags",
        "applied_tags",
        "invitable",
    ];
    let body = call.body.clone();
    rules::known(&body, &fields)?;
    rules::quiet(&body)?;
    if body.contains_key("name") {
        rules::thread(&body)?;
    }
    let flag = |key: &str| body.get(key).and_then(Value::as_bool);
    if place["archived"] == true
        && flag("archived") != Some(false)
        && body.len() != usize::from(body.contains_key("archived"))
    {
        return Err(no(400, 50083, "Thread is archived"));
    }
    let owns = place["owner_id"] == call.who.id.as_str();
    if !owns || body.contains_key("locked") || (place["locked"] == true) {
        call.needs("MANAGE_THREADS")?;
    }
    if let Some(tags) = body.get("applied_tags") {
        applied(call, place["parent_id"].as_str().unwrap_or_default(), tags)?;
    }
    let at = call.world.now;
    let office = call.office();
    if let (Some(name), Some(channel)) =
        (body.get("name").and_then(Value::as_str), office.channels.get_mut(id))
    {
        channel.name = name.to_owned();
    }
    change(office, at, id, Value::Object(body));
    Ok(show::channel(office, id))
}

/// Tags of a post are of its forum, five at most.
fn applied(call: &mut Call<'_>, forum: &str, tags: &Value) -> Result<(), No> {
    let tags = tags.as_array().ok_or_else(|| invalid("applied_tags: must be a list"))?;
    let known = place(call.office(), forum)["available_tags"].clone();
    let known = known.as_array().cloned().unwrap_or_default();
    let sound = tags.iter().all(|tag| known.iter().any(|k| k["id"] == *tag));
    if tags.len() > 5 || !sound {
        return Err(invalid("applied_tags: at most 5 tags of this forum"));
    }
    Ok(())
}

fn patch_forum(call: &mut Call<'_>, id: &str) -> Answer {
    call.needs("MANAGE_CHANNELS")?;
    let body = call.body.clone();
    rules::known(&body, &["name", "available_tags", "topic"])?;
    let mut fields = serde_json::Map::new();
    if let Some(tags) = body.get("available_tags").and_then(Value::as_array) {
        if tags.len() > 20 {
            return Err(invalid("available_tags: Must be 20 or fewer in length."));
        }
        let mut all = Vec::new();
        for tag in tags {
            let name = tag["name"].as_str().unwrap_or_default();
            if !(1..=20).contains(&name.chars().count()) {
                return Err(invalid("available_tags: name: Must be between 1 and 20 in length."));
            }
            let id = tag["id"].as_str().map(str::to_owned);
            let id = id.unwrap_or_else(|| stamp(call.world.mint()));
            all.push(json!({"id": id, "name": name, "moderated": false, "emoji_id": null,
                "emoji_name": null}));
        }
        fields.insert("available_tags".into(), Value::Array(all));
    }
    let at = call.world.now;
    let office = call.office();
    change(office, at, id, Value::Object(fields));
    Ok(show::channel(office, id))
}

/// A thread as a channel of the office; whoever sees the parent sees it.
fn found(call: &mut Call<'_>, id: &str, name: &str, parent: &str, more: Value) {
    let at = call.world.now;
    let owner = call.who.id.clone();
    let office = call.office();
    let members = office.channels.get(parent).map(|c| c.members.clone()).unwrap_or_default();
    let channel = Channel {
        id: id.to_owned(),
        name: name.to_owned(),
        archived: false,
        private: false,
        members,
    };
    office.channels.insert(id.to_owned(), channel);
    let mut value = json!({"type": 11, "parent_id": parent, "owner_id": owner, "archived": false,
        "locked": false, "applied_tags": [], "archive_timestamp": written(at.0)});
    if let (Some(all), Value::Object(more)) = (value.as_object_mut(), more) {
        all.extend(more);
    }
    set(office, id, value);
    let how = "THREAD_CREATE".to_owned();
    office.note(at, What::Arranged { channel: id.to_owned(), how });
}

/// `[channel#start-thread-in-forum-or-media-channel]`: the first message has the thread's id.
fn start(call: &mut Call<'_>, parent: &str) -> Answer {
    let place = seen(call, parent)?;
    if !is_forum(&place) {
        return Err(no(400, 50024, "Cannot execute action on this channel type"));
    }
    call.needs("SEND_MESSAGES")?;
    let body = call.body.clone();
    rules::known(
        &body,
        &["name", "auto_archive_duration", "rate_limit_per_user", "message", "applied_tags"],
    )?;
    let name = rules::thread(&body)?;
    let first = body.get("message").and_then(Value::as_object);
    let first = first.ok_or_else(|| invalid("message: This field is required"))?;
    rules::message(first, rules::Body::First)?;
    let tags = body.get("applied_tags").cloned().unwrap_or_else(|| json!([]));
    applied(call, parent, &tags)?;
    let must = place["flags"].as_u64().unwrap_or(0) & (1 << 4) != 0;
    if must && tags.as_array().is_some_and(Vec::is_empty) {
        return Err(no(400, 40067, "A tag is required to create a forum post in this channel"));
    }
    let id = call.world.mint();
    let thread = stamp(id);
    found(call, &thread, &name, parent, json!({"applied_tags": tags}));
    messages::write(call, &thread, Some(id), first)?;
    let mut shown = show::channel(call.office(), &thread);
    let base = call.base.to_owned();
    shown["message"] = show::message(call.office(), &thread, id, &base);
    Ok(shown)
}

/// `[channel#start-thread-from-message]`: the thread has the message's id; a second one is 160004.
fn below(call: &mut Call<'_>, parent: &str, message: &str) -> Answer {
    let place = seen(call, parent)?;
    if !matches!(place["type"].as_u64(), Some(0 | 5)) {
        return Err(no(400, 50024, "Cannot execute action on this channel type"));
    }
    call.needs("CREATE_PUBLIC_THREADS")?;
    let body = call.body.clone();
    // discord.js also says that it shall be a public one.
    let fields = ["name", "auto_archive_duration", "rate_limit_per_user", "type"];
    rules::known(&body, &fields)?;
    if body.get("type").is_some_and(|kind| *kind != 11) {
        return Err(invalid("type: only public threads are pretended"));
    }
    let name = rules::thread(&body)?;
    let id = unstamp(message).unwrap_or(0);
    if call.office().message(parent, id).is_none() {
        return Err(no(404, 10008, "Unknown Message"));
    }
    if call.office().channels.contains_key(message) {
        let words = "A thread has already been created for this message";
        return Err(no(400, 160_004, words));
    }
    found(call, message, &name, parent, json!({}));
    Ok(show::channel(call.office(), message))
}

fn threads(call: &mut Call<'_>, filter: impl Fn(&Value) -> bool) -> Vec<Value> {
    let who = call.who.id.clone();
    let office = call.office();
    let mine = office.channels.values().filter(|c| c.members.contains(&who));
    let ids: Vec<String> = mine.map(|c| c.id.clone()).collect();
    let fits = |id: &String| {
        let place = place(office, id);
        is_thread(&place) && filter(&place)
    };
    let mut ids: Vec<String> = ids.into_iter().filter(fits).collect();
    ids.sort_by_key(|id| std::cmp::Reverse(id.parse::<u64>().unwrap_or(0)));
    ids.iter().map(|id| show::channel(office, id)).collect()
}

fn active(call: &mut Call<'_>, guild: &str) -> Answer {
    if call.office().team != guild {
        return Err(no(404, 10004, "Unknown Guild"));
    }
    let all = threads(call, |place| place["archived"] != true);
    Ok(json!({"threads": all, "members": [], "has_more": false}))
}

fn archived(call: &mut Call<'_>, id: &str) -> Answer {
    seen(call, id)?;
    call.number("limit", 50, 100)?;
    let id = id.to_owned();
    let all = threads(call, |p| p["archived"] == true && p["parent_id"] == id.as_str());
    Ok(json!({"threads": all, "members": [], "has_more": false}))
}
