//! `auth.*`, `apps.*`, `conversations.*`, `users.*`, `usergroups.*`.
//!
//! Source: the reference page of each method on docs.slack.dev (named in `face/mod.rs`).

use super::show::{self, How};
use super::{Answer, Call, Method, No};
use crate::world::office::{Channel, Message, Office};
use serde_json::{Value, json};

const HISTORY: &str = "channels:history|groups:history";
const READ: &str = "channels:read|groups:read";

pub(super) const METHODS: &[Method] = &[
    Method { name: "auth.test", scope: "", need: &[], may: &[], run: test },
    Method { name: "apps.connections.open", scope: "", need: &[], may: &[], run: connect },
    Method {
        name: "conversations.history",
        scope: HISTORY,
        need: &["channel"],
        may: &["cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        run: history,
    },
    Method {
        name: "conversations.replies",
        scope: HISTORY,
        need: &["channel", "ts"],
        may: &["cursor", "include_all_metadata", "inclusive", "latest", "limit", "oldest"],
        run: replies,
    },
    Method {
        name: "conversations.info",
        scope: READ,
        need: &["channel"],
        may: &["include_locale", "include_num_members"],
        run: info,
    },
    Method {
        name: "conversations.list",
        scope: READ,
        need: &[],
        may: &["cursor", "exclude_archived", "limit", "team_id", "types"],
        run: list,
    },
    Method {
        name: "conversations.members",
        scope: READ,
        need: &["channel"],
        may: &["cursor", "limit"],
        run: members,
    },
    Method {
        name: "conversations.join",
        scope: "channels:join",
        need: &["channel"],
        may: &[],
        run: join,
    },
    Method {
        name: "conversations.open",
        scope: "im:write",
        need: &["users"],
        may: &["prevent_creation", "return_im"],
        run: open,
    },
    Method {
        name: "users.info",
        scope: "users:read",
        need: &["user"],
        may: &["include_locale"],
        run: person,
    },
    Method {
        name: "users.list",
        scope: "users:read",
        need: &[],
        may: &["cursor", "include_locale", "limit", "team_id"],
        run: people,
    },
    Method {
        name: "usergroups.list",
        scope: "usergroups:read",
        need: &[],
        may: &["include_count", "include_disabled", "include_users", "team_id"],
        run: |_| Ok(json!({"usergroups": []})),
    },
];

fn test(call: &mut Call<'_>) -> Answer {
    let (member, app) = (call.who.member.clone(), call.who.app.clone());
    let url = format!("{}/", call.base);
    let office = call.office();
    let mut out = json!({
        "url": url, "team": "careline demo", "user": member.name, "team_id": office.team,
        "user_id": member.id, "is_enterprise_install": false,
    });
    if let Some(app) = app {
        out["bot_id"] = app.bot.into();
    }
    Ok(out)
}

/// `[apps.connections.open]`: an address for one connection, soon.
fn connect(call: &mut Call<'_>) -> Answer {
    let app = call.who.app.clone().ok_or(No::Code("not_allowed_token_type"))?;
    let ticket = format!("{}-{}", app.id, call.world.mint());
    call.office().notes.insert(format!("ticket:{ticket}"), Value::Bool(true));
    let base = call.base.replacen("http", "ws", 1);
    Ok(json!({"url": format!("{base}/link/{ticket}")}))
}

/// A channel that the caller may read: members only (`[conversations.history]`,
/// `not_in_channel`).
fn readable(call: &mut Call<'_>) -> Result<Channel, No> {
    let id = call.channel("channel")?;
    let who = call.who.member.id.clone();
    let channel = call.office().channels.get(&id).cloned().ok_or(No::Code("channel_not_found"))?;
    if channel.members.contains(&who) { Ok(channel) } else { Err(No::Code("not_in_channel")) }
}

/// Which messages a page may hold: `oldest` and `latest` are left out unless `inclusive`.
struct Window {
    from: i64,
    to: i64,
    limit: usize,
}

fn window(call: &Call<'_>, default: usize, most: usize) -> Result<Window, No> {
    let edge = |key: &str, code| match call.text(key) {
        None | Some("0") => Ok(None),
        Some(text) => super::unstamp(text).map(Some).ok_or(No::Code(code)),
    };
    let step = i64::from(!call.flag("inclusive"));
    let from = edge("oldest", "invalid_ts_oldest")?.map_or(i64::MIN, |at| at + step);
    let to = edge("latest", "invalid_ts_latest")?.map_or(i64::MAX, |at| at - step);
    let limit = call.number("limit").unwrap_or(default).clamp(1, most);
    Ok(Window { from, to, limit })
}

/// Where the next page begins: Slack's cursors are opaque, ours too.
fn cursor(call: &Call<'_>) -> Result<Option<i64>, No> {
    let Some(text) = call.text("cursor") else { return Ok(None) };
    let at = text.strip_prefix("next:").and_then(|at| at.parse().ok());
    at.map(Some).ok_or(No::Code("invalid_cursor"))
}

fn page(messages: Vec<Value>, next: Option<i64>) -> Value {
    let cursor = next.map(|at| format!("next:{at}")).unwrap_or_default();
    let mut out = json!({"messages": messages, "has_more": next.is_some()});
    if !cursor.is_empty() {
        out["response_metadata"] = json!({"next_cursor": cursor});
    }
    out
}

fn shown(office: &Office, m: &Message, how: How<'_>) -> Value {
    if m.deleted { show::tombstone(office, m) } else { show::message(office, m, how) }
}

/// Deleted parents with answers stand as stones; whatever only one person saw is never told.
fn stands(office: &Office, m: &Message) -> bool {
    let gone = m.deleted && office.thread(&m.channel, m.id).next().is_none();
    !gone && m.only_for.is_none()
}

/// `[conversations.history]`: newest first, without answers unless they were also sent to the
/// channel.
fn history(call: &mut Call<'_>) -> Answer {
    let channel = readable(call)?;
    let window = window(call, 100, 999)?;
    let to = cursor(call)?.map_or(window.to, |at| window.to.min(at));
    let how = How { metadata: call.flag("include_all_metadata"), base: call.base };
    let office = call.office();
    if window.from > to {
        return Ok(page(Vec::new(), None));
    }
    let range = (channel.id.clone(), window.from)..=(channel.id.clone(), to);
    let all = office.messages.range(range).rev().map(|(_, m)| m);
    let mut all = all.filter(|m| m.thread.is_none_or(|root| root == m.id) || m.broadcast);
    let mut out = Vec::new();
    let mut next = None;
    for m in all.by_ref().filter(|m| stands(office, m)) {
        if out.len() == window.limit {
            next = Some(m.id);
            break;
        }
        out.push(shown(office, m, how));
    }
    Ok(page(out, next))
}

/// `[conversations.replies]`: oldest first, and the parent always in front.
fn replies(call: &mut Call<'_>) -> Answer {
    let channel = readable(call)?;
    let window = window(call, 1000, 1000)?;
    let from = cursor(call)?.map_or(window.from, |at| window.from.max(at));
    let root = call.stamp("ts").ok_or(No::Code("thread_not_found"))?;
    let how = How { metadata: call.flag("include_all_metadata"), base: call.base };
    let office = call.office();
    let parent =
        office.messages.get(&(channel.id.clone(), root)).ok_or(No::Code("thread_not_found"))?;
    if !stands(office, parent) {
        return Err(No::Code("thread_not_found"));
    }
    let mut out = vec![shown(office, parent, how)];
    let mut next = None;
    for m in office.thread(&channel.id, root).filter(|m| m.id >= from && m.id <= window.to) {
        if out.len() > window.limit {
            next = Some(m.id);
            break;
        }
        out.push(show::message(office, m, how));
    }
    Ok(page(out, next))
}

fn info(call: &mut Call<'_>) -> Answer {
    let id = call.channel("channel")?;
    let who = call.who.member.id.clone();
    let channel = &call.office().channels[&id];
    if channel.private && !channel.members.contains(&who) {
        return Err(No::Code("channel_not_found"));
    }
    Ok(json!({"channel": show::channel(channel, &who)}))
}

fn list(call: &mut Call<'_>) -> Answer {
    let who = call.who.member.id.clone();
    let all = call.office().channels.values();
    let all = all.filter(|c| !c.private || c.members.contains(&who));
    let all: Vec<_> = all.map(|c| show::channel(c, &who)).collect();
    Ok(json!({"channels": all, "response_metadata": {"next_cursor": ""}}))
}

fn members(call: &mut Call<'_>) -> Answer {
    let channel = readable(call)?;
    Ok(json!({"members": channel.members, "response_metadata": {"next_cursor": ""}}))
}

/// `[conversations.join]`: public channels only.
fn join(call: &mut Call<'_>) -> Answer {
    let id = call.channel("channel")?;
    let who = call.who.member.id.clone();
    let channel = call.office().channels.get_mut(&id).ok_or(No::Code("channel_not_found"))?;
    if channel.private {
        return Err(No::Code("method_not_supported_for_channel_type"));
    }
    if channel.archived {
        return Err(No::Code("is_archived"));
    }
    channel.members.insert(who.clone());
    Ok(json!({"channel": show::channel(channel, &who)}))
}

fn open(call: &mut Call<'_>) -> Answer {
    let user = call.text("users").unwrap_or_default().to_owned();
    let who = call.who.member.id.clone();
    let office = call.office();
    if !office.members.contains_key(&user) {
        return Err(No::Code("user_not_found"));
    }
    let id = format!("D{}{}", who.trim_start_matches('U'), user.trim_start_matches('U'));
    if !office.channels.contains_key(&id) {
        office.found(&id, &id.to_lowercase(), &[&who, &user]);
        if let Some(channel) = office.channels.get_mut(&id) {
            channel.private = true;
        }
    }
    Ok(json!({"channel": {"id": id}}))
}

fn person(call: &mut Call<'_>) -> Answer {
    let id = call.text("user").unwrap_or_default().to_owned();
    let office = call.office();
    let member = office.members.get(&id).ok_or(No::Code("user_not_found"))?;
    Ok(json!({"user": show::user(office, member)}))
}

fn people(call: &mut Call<'_>) -> Answer {
    let office = call.office();
    let all: Vec<_> = office.members.values().map(|m| show::user(office, m)).collect();
    let at = office.happened.last().map_or(0, |h| h.at.0);
    Ok(json!({"members": all, "cache_ts": at / 1_000_000, "response_metadata": {}}))
}
