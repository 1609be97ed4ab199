//! The world as Slack writes it: timestamps, messages, people, channels.
//!
//! Source: [message], [users.info], [conversations.info] (named in `face/mod.rs`).

use super::act::App;
use crate::world::office::{Channel, File, Kind, Member, Message, Office};
use serde_json::{Map, Value, json};

/// A message's instant as Slack names it: seconds, a point, six digits (`[message]`).
#[must_use]
pub fn stamp(micros: i64) -> String {
    format!("{}.{:06}", micros.div_euclid(1_000_000), micros.rem_euclid(1_000_000))
}

/// The instant that a Slack timestamp names. Exact: never by way of a float.
#[must_use]
pub fn unstamp(text: &str) -> Option<i64> {
    let (seconds, micros) = text.split_once('.').unwrap_or((text, ""));
    if micros.len() > 6 || !micros.chars().all(|c| c.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    let micros: i64 = format!("{micros:0<6}").parse().ok()?;
    seconds.checked_mul(1_000_000)?.checked_add(micros)
}

/// How much of a message is told.
#[derive(Clone, Copy, Default)]
pub(super) struct How<'a> {
    /// With the metadata that its app attached (`[conversations.history]`,
    /// `include_all_metadata`).
    pub(super) metadata: bool,
    /// Where the face is reached, for files.
    pub(super) base: &'a str,
}

/// A message (`[message]`).
pub(super) fn message(office: &Office, m: &Message, how: How<'_>) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), "message".into());
    out.insert("user".into(), m.author.clone().into());
    out.insert("text".into(), m.text.clone().into());
    out.insert("ts".into(), stamp(m.id).into());
    out.insert("team".into(), office.team.clone().into());
    if let Some(subtype) = subtype(m) {
        out.insert("subtype".into(), subtype.into());
    }
    if let Some(app) = m.app.as_deref().and_then(|app| super::act::app(office, app)) {
        bot(&mut out, &app);
    }
    if !m.blocks.is_null() {
        out.insert("blocks".into(), m.blocks.clone());
    }
    if how.metadata && !m.marks.is_null() {
        out.insert("metadata".into(), m.marks.clone());
    }
    if let Some(id) = &m.client_id {
        out.insert("client_msg_id".into(), id.clone().into());
    }
    if let Some(at) = m.edited {
        out.insert("edited".into(), json!({"user": m.author, "ts": stamp(at)}));
    }
    if !m.files.is_empty() {
        let files = m.files.iter().filter_map(|id| office.files.get(id));
        out.insert("files".into(), files.map(|f| file(f, how.base)).collect());
    }
    threads(office, m, &mut out);
    reactions(m, &mut out);
    Value::Object(out)
}

fn subtype(m: &Message) -> Option<String> {
    let is_answer = m.thread.is_some_and(|thread| thread != m.id);
    m.subtype.clone().or_else(|| (m.broadcast && is_answer).then(|| "thread_broadcast".to_owned()))
}

fn bot(out: &mut Map<String, Value>, app: &App) {
    out.insert("bot_id".into(), app.bot.clone().into());
    out.insert("app_id".into(), app.id.clone().into());
    let profile = json!({"id": app.bot, "app_id": app.id, "name": app.name, "deleted": false});
    out.insert("bot_profile".into(), profile);
}

/// `[threads]`: an answer names its parent; a parent tells how many answers it has and when the
/// newest came.
fn threads(office: &Office, m: &Message, out: &mut Map<String, Value>) {
    if let Some(root) = m.thread.filter(|root| *root != m.id) {
        out.insert("thread_ts".into(), stamp(root).into());
        if let Some(parent) = office.messages.get(&(m.channel.clone(), root)) {
            out.insert("parent_user_id".into(), parent.author.clone().into());
        }
        return;
    }
    let Some(last) = office.thread(&m.channel, m.id).last() else { return };
    let authors: std::collections::BTreeSet<_> =
        office.thread(&m.channel, m.id).map(|a| a.author.clone()).collect();
    out.insert("thread_ts".into(), stamp(m.id).into());
    out.insert("latest_reply".into(), stamp(last.id).into());
    out.insert("reply_count".into(), office.thread(&m.channel, m.id).count().into());
    out.insert("reply_users_count".into(), authors.len().into());
    out.insert("reply_users".into(), authors.into_iter().take(5).collect());
    out.insert("subscribed".into(), false.into());
}

fn reactions(m: &Message, out: &mut Map<String, Value>) {
    if m.reactions.is_empty() {
        return;
    }
    let all = m.reactions.iter();
    let all = all.map(|(name, who)| json!({"name": name, "users": who, "count": who.len()}));
    out.insert("reactions".into(), all.collect());
}

/// What stands where a deleted parent stood (`[threads]`, "deleting a parent").
pub(super) fn tombstone(office: &Office, m: &Message) -> Value {
    let mut out = Map::new();
    out.insert("type".into(), "message".into());
    out.insert("subtype".into(), "tombstone".into());
    out.insert("text".into(), "This message was deleted.".into());
    out.insert("user".into(), "USLACKBOT".into());
    out.insert("hidden".into(), true.into());
    out.insert("ts".into(), stamp(m.id).into());
    threads(office, m, &mut out);
    Value::Object(out)
}

/// A file (`[files]`): its private address needs a token.
pub(super) fn file(f: &File, base: &str) -> Value {
    let address = format!("{base}/files/{}/{}", f.id, encoded(&f.name));
    json!({
        "id": f.id, "name": f.name, "title": f.name, "mimetype": f.mime, "size": f.bytes.len(),
        "user": f.owner, "alt_txt": f.alt, "mode": "hosted", "file_access": "visible",
        "url_private": address, "url_private_download": address,
    })
}

fn encoded(name: &str) -> String {
    percent_encoding::utf8_percent_encode(name, percent_encoding::NON_ALPHANUMERIC).to_string()
}

/// A person or bot (`[users.info]`).
pub(super) fn user(office: &Office, m: &Member) -> Value {
    let stranger = m.kind == Kind::Stranger;
    let team = if stranger { "T0STRANGER" } else { office.team.as_str() };
    let handle = m.name.to_lowercase().replace(' ', ".");
    let mut out = json!({
        "id": m.id, "team_id": team, "name": handle, "real_name": m.name,
        "deleted": m.kind == Kind::Deactivated, "is_bot": m.kind == Kind::Bot,
        "is_app_user": false, "updated": 0,
        "profile": {"display_name": "", "real_name": m.name, "team": team},
    });
    // `[users.info]`: these are absent for deactivated users, `is_stranger` for one's own.
    if m.kind != Kind::Deactivated {
        out["is_restricted"] = (m.kind == Kind::Guest).into();
        out["is_ultra_restricted"] = false.into();
    }
    if stranger {
        out["is_stranger"] = true.into();
    }
    if let Some(app) = super::act::app_of(office, &m.id) {
        out["profile"]["bot_id"] = app.bot.into();
        out["profile"]["api_app_id"] = app.id.into();
    }
    out
}

/// A channel (`[conversations.info]`).
pub(super) fn channel(c: &Channel, who: &str) -> Value {
    json!({
        "id": c.id, "name": c.name, "name_normalized": c.name, "is_channel": !c.private,
        "is_group": c.private, "is_im": false, "is_mpim": false, "is_private": c.private,
        "is_archived": c.archived, "is_member": c.members.contains(who), "is_general": false,
        "is_shared": false, "is_ext_shared": false, "num_members": c.members.len(),
        "created": 0, "creator": "U0FOUNDER",
    })
}
