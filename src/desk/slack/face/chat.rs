//! `chat.*` and `reactions.*`.
//!
//! Source: the reference page of each method on docs.slack.dev (named in `face/mod.rs`).

use super::show::{self, How};
use super::{Answer, Call, Method, No, blocks, stamp};
use crate::world::office::{self, Message, Office};
use serde_json::{Value, json};

pub(super) const METHODS: &[Method] = &[
    Method {
        name: "chat.postMessage",
        scope: "chat:write",
        need: &["channel"],
        may: &[
            "text",
            "blocks",
            "attachments",
            "thread_ts",
            "reply_broadcast",
            "metadata",
            "mrkdwn",
            "parse",
            "link_names",
            "unfurl_links",
            "unfurl_media",
            "username",
            "icon_url",
            "icon_emoji",
            "as_user",
            "markdown_text",
        ],
        run: post,
    },
    Method {
        name: "chat.meMessage",
        scope: "chat:write",
        need: &["channel", "text"],
        may: &[],
        run: me_message,
    },
    Method {
        name: "chat.update",
        scope: "chat:write",
        need: &["channel", "ts"],
        may: &[
            "text",
            "blocks",
            "attachments",
            "metadata",
            "parse",
            "link_names",
            "as_user",
            "reply_broadcast",
            "file_ids",
            "markdown_text",
        ],
        run: update,
    },
    Method {
        name: "chat.delete",
        scope: "chat:write",
        need: &["channel", "ts"],
        may: &["as_user"],
        run: delete,
    },
    Method {
        name: "chat.postEphemeral",
        scope: "chat:write",
        need: &["channel", "user"],
        may: &[
            "text",
            "blocks",
            "attachments",
            "thread_ts",
            "parse",
            "link_names",
            "username",
            "icon_url",
            "icon_emoji",
            "as_user",
            "markdown_text",
        ],
        run: ephemeral,
    },
    Method {
        name: "chat.getPermalink",
        scope: "",
        need: &["channel", "message_ts"],
        may: &[],
        run: permalink,
    },
    Method {
        name: "reactions.add",
        scope: "reactions:write",
        need: &["channel", "name", "timestamp"],
        may: &[],
        run: |call| react(call, true),
    },
    Method {
        name: "reactions.remove",
        scope: "reactions:write",
        need: &["channel", "name", "timestamp"],
        may: &[],
        run: |call| react(call, false),
    },
    Method {
        name: "reactions.get",
        scope: "reactions:read",
        need: &["channel", "timestamp"],
        may: &["full"],
        run: reactions,
    },
];

/// `[chat.postMessage]`, errors of the place.
pub(super) fn refused(no: office::No) -> No {
    No::Code(match no {
        office::No::NoChannel => "channel_not_found",
        office::No::Archived => "is_archived",
        office::No::NotIn => "not_in_channel",
        office::No::NoMessage => "message_not_found",
        office::No::NotYours => "cant_update_message",
        office::No::NoThread => "cannot_reply_to_message",
        office::No::Already => "already_reacted",
    })
}

/// What was sent as words: text, blocks or both. `[chat.postMessage]`: `no_text` without any;
/// `invalid_blocks` names each mistake.
fn words(call: &Call<'_>, longest: usize) -> Result<(String, Value), No> {
    let text = call.text("text").unwrap_or_default().to_owned();
    let blocks = call.args.get("blocks").cloned().unwrap_or(Value::Null);
    let bare = blocks.as_array().is_none_or(Vec::is_empty);
    if call.args.contains_key("attachments") || call.args.contains_key("markdown_text") {
        return Err(No::Code("invalid_arguments"));
    }
    if text.is_empty() && bare {
        return Err(No::Code("no_text"));
    }
    if text.chars().count() > longest {
        return Err(No::Code("msg_too_long"));
    }
    check_blocks(&blocks, 50)?;
    Ok((text, blocks))
}

pub(super) fn check_blocks(value: &Value, most: usize) -> Result<(), No> {
    if value.is_null() {
        return Ok(());
    }
    let wrong = blocks::check(value, most);
    if wrong.is_empty() {
        return Ok(());
    }
    Err(No::With("invalid_blocks", json!({"response_metadata": {"messages": wrong}})))
}

/// `[metadata]`: a type and a payload, together at most 8 KiB.
fn metadata(call: &Call<'_>) -> Result<Value, No> {
    let Some(value) = call.args.get("metadata") else { return Ok(Value::Null) };
    if !value["event_type"].is_string() || !value["event_payload"].is_object() {
        return Err(No::Code("invalid_metadata_format"));
    }
    if call.who.app.is_none() {
        return Err(No::Code("metadata_must_be_sent_from_app"));
    }
    if value.to_string().len() > 8192 {
        Err(No::Code("metadata_too_large"))
    } else {
        Ok(value.clone())
    }
}

/// `[rate-limits]`: about one post a second in a channel.
fn pace(office: &mut Office, channel: &str, at: i64) -> Result<(), No> {
    let last = office.paced.get(channel).copied().unwrap_or(i64::MIN / 2);
    if office.pace > 0 && at - last < office.pace {
        let left = (office.pace - (at - last)).div_euclid(1_000_000) + 1;
        return Err(No::Paced(u64::try_from(left).unwrap_or(1)));
    }
    office.paced.insert(channel.to_owned(), at);
    Ok(())
}

fn post(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let (text, blocks) = words(call, 40_000)?;
    let marks = metadata(call)?;
    let thread = call.text("thread_ts").map(str::to_owned);
    let thread = thread.map(|ts| super::unstamp(&ts).ok_or(No::Code("invalid_thread_ts")));
    let message = Message {
        thread: thread.transpose()?,
        blocks,
        marks,
        broadcast: call.flag("reply_broadcast"),
        ..draft(call, &channel, &text)
    };
    sent(call, message)
}

fn me_message(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let text = call.text("text").unwrap_or_default().to_owned();
    let message = Message { subtype: Some("me_message".into()), ..draft(call, &channel, &text) };
    sent(call, message)
}

fn draft(call: &mut Call<'_>, channel: &str, text: &str) -> Message {
    let id = call.world.mint();
    let app = call.who.app.as_ref().map(|app| app.id.clone());
    // Slack's own clients give each message an id of their own; apps do not.
    let client_id = app.is_none().then(|| format!("client-{id}"));
    Message {
        channel: channel.to_owned(),
        id,
        author: call.who.member.id.clone(),
        app,
        text: text.to_owned(),
        client_id,
        ..Message::default()
    }
}

fn sent(call: &mut Call<'_>, message: Message) -> Answer {
    let (at, channel) = (call.world.now, message.channel.clone());
    let is_app = message.app.is_some();
    let base = call.base;
    let office = call.office();
    office.may_write(&message.author, &channel).map_err(refused)?;
    if is_app {
        pace(office, &channel, at.0)?;
    }
    let id = office.post(at, message).map_err(refused)?;
    let shown = office
        .message(&channel, id)
        .map(|m| show::message(office, m, How { metadata: true, base }));
    Ok(json!({"channel": channel, "ts": stamp(id), "message": shown}))
}

/// `[chat.update]`: only one's own message; blocks that are not sent again are gone.
fn update(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let id = call.stamp("ts").ok_or(No::Code("message_not_found"))?;
    let (text, blocks) = words(call, 4_000)?;
    let marks = metadata(call)?;
    let (at, edited) = (call.world.now, call.world.mint());
    let author = call.who.member.id.clone();
    let app = call.who.app.as_ref().map(|app| app.id.clone());
    let base = call.base;
    let office = call.office();
    let change = |m: &mut Message| {
        m.text.clone_from(&text);
        m.blocks = blocks;
        m.edited = Some(edited);
        if !marks.is_null() {
            m.marks = marks;
        }
    };
    office.edit(at, (&author, app.as_deref()), (&channel, id), change).map_err(refused)?;
    let shown = office
        .message(&channel, id)
        .map(|m| show::message(office, m, How { metadata: false, base }));
    Ok(json!({"channel": channel, "ts": stamp(id), "text": text, "message": shown}))
}

fn delete(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let id = call.stamp("ts").ok_or(No::Code("message_not_found"))?;
    let (at, author) = (call.world.now, call.who.member.id.clone());
    match call.office().delete(at, Some(&author), &channel, id) {
        Err(office::No::NotYours) => Err(No::Code("cant_delete_message")),
        Err(no) => Err(refused(no)),
        Ok(()) => Ok(json!({"channel": channel, "ts": stamp(id)})),
    }
}

/// `[chat.postEphemeral]`: not kept, never told to anybody else, and no event.
fn ephemeral(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let user = call.text("user").unwrap_or_default().to_owned();
    let (text, blocks) = words(call, 40_000)?;
    let thread = call.stamp("thread_ts");
    let message =
        Message { thread, blocks, only_for: Some(user.clone()), ..draft(call, &channel, &text) };
    let (at, id) = (call.world.now, message.id);
    let office = call.office();
    let inside = office.channels.get(&channel).is_some_and(|c| c.members.contains(&user));
    if !inside {
        return Err(No::Code("user_not_in_channel"));
    }
    office.post(at, message).map_err(refused)?;
    Ok(json!({"message_ts": stamp(id)}))
}

fn permalink(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let id = call.stamp("message_ts").ok_or(No::Code("message_not_found"))?;
    let base = call.base.to_owned();
    let message = call.office().message(&channel, id).ok_or(No::Code("message_not_found"))?;
    let thread = message.thread.filter(|root| *root != id);
    let tail = thread.map(|root| format!("?thread_ts={}&cid={channel}", stamp(root)));
    let link = format!("{base}/archives/{channel}/p{id}{}", tail.unwrap_or_default());
    Ok(json!({"channel": channel, "permalink": link}))
}

/// `[reactions.add]`: a name without colons; `already_reacted` and `no_reaction` on repeats.
fn react(call: &mut Call<'_>, on: bool) -> Answer {
    let channel = call.channel("channel")?;
    let id = call.stamp("timestamp").ok_or(No::Code("bad_timestamp"))?;
    let name = call.text("name").unwrap_or_default().to_owned();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-+".contains(c);
    if name.is_empty() || !name.chars().all(plain) {
        return Err(No::Code("invalid_name"));
    }
    let (at, member) = (call.world.now, call.who.member.id.clone());
    let office = call.office();
    if office.channels.get(&channel).is_some_and(|c| c.archived) {
        return Err(No::Code("is_archived"));
    }
    match office.react(at, &member, (&channel, id), &name, on) {
        Err(office::No::Already) if !on => Err(No::Code("no_reaction")),
        Err(no) => Err(refused(no)),
        Ok(()) => Ok(json!({})),
    }
}

fn reactions(call: &mut Call<'_>) -> Answer {
    let channel = call.channel("channel")?;
    let id = call.stamp("timestamp").ok_or(No::Code("bad_timestamp"))?;
    let base = call.base;
    let office = call.office();
    let message = office.message(&channel, id).ok_or(No::Code("message_not_found"))?;
    let shown = show::message(office, message, How { metadata: false, base });
    Ok(json!({"type": "message", "channel": channel, "message": shown}))
}
