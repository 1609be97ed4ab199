//! Apps: who they are, commands, answers to interactions, and what follows them.
//! Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>,
//! <https://docs.discord.com/developers/interactions/application-commands>,
//! <https://docs.discord.com/developers/resources/guild>.

use super::messages::{change_message, write};
use super::{Answer, Call, Face, No, invalid, no, now, rules, show};
use crate::world::World;
use crate::world::office::{Form, Kind, Member, Office, What};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::sync::Weak;
use std::time::Duration;

/// An installed app.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its id.
    pub id: String,
    /// The user that its bot is.
    pub user: String,
    /// What people call it.
    pub name: String,
    /// Its bot's token.
    pub token: String,
    /// It was given the Message Content Intent.
    pub content: bool,
    /// Permissions it was not given, as Discord names them (`MANAGE_CHANNELS`).
    pub lacks: Vec<String>,
}

/// Installs an app into a server, or changes it. Its bot is in no channel yet.
pub fn install(office: &mut Office, app: &App) {
    if office.team.is_empty() {
        office.team = "100000000000000001".into();
    }
    office.hire(&app.user, &app.name, Kind::Bot, &[&app.token]);
    let value = serde_json::to_value(app).unwrap_or_default();
    office.notes.insert(format!("app:{}", app.id), value);
}

/// Adds or names a role of the server.
pub fn role(office: &mut Office, id: &str, name: &str) {
    office.notes.insert(format!("role:{id}"), json!({"id": id, "name": name}));
}

/// Gives a member these roles, instead of those he had.
pub fn grant(office: &mut Office, member: &str, roles: &[&str]) {
    office.notes.insert(format!("roles:{member}"), json!(roles));
}

pub(super) fn all(office: &Office) -> Vec<App> {
    let apps = office.notes.range("app:".to_owned().."app;".to_owned());
    apps.filter_map(|(_, value)| serde_json::from_value(value.clone()).ok()).collect()
}

pub(super) fn of_user(office: &Office, user: &str) -> Option<App> {
    all(office).into_iter().find(|app| app.user == user)
}

/// An interaction that was told to an app, by its token.
fn by_ticket(office: &Office, token: &str) -> Option<(String, Value)> {
    let all = office.notes.range("interaction:".to_owned().."interaction;".to_owned());
    let mut all = all.filter(|(_, note)| note["token"] == token);
    all.next().map(|(key, note)| (key.clone(), note.clone()))
}

/// Who acts by an interaction's token: its app. Unknown or ended tokens are 10062 and 50027.
pub(super) fn by_token(
    world: &mut World,
    desk: &str,
    parts: &[&str],
) -> Result<(Member, Option<App>), No> {
    let office = world.office(desk);
    let token = parts.get(2).copied().unwrap_or_default();
    let unknown = || match parts.first() {
        Some(&"webhooks") => no(404, 10015, "Unknown Webhook"),
        _ => no(404, 10062, "Unknown interaction"),
    };
    let (_, note) = by_ticket(office, token).ok_or_else(unknown)?;
    let app = all(office).into_iter().find(|app| note["app"] == app.id.as_str());
    let app = app.ok_or_else(unknown)?;
    let member = office.members.get(&app.user).cloned().ok_or_else(unknown)?;
    Ok((member, Some(app)))
}

pub(super) fn route(call: &mut Call<'_>, method: &str, parts: &[&str]) -> Option<Answer> {
    Some(match (method, parts) {
        ("GET", ["gateway"]) => Ok(json!({"url": gateway(call)})),
        ("GET", ["gateway", "bot"]) => Ok(gateway_bot(call)),
        ("GET", ["users", "@me"]) => {
            let mut me = show::user(&call.who);
            me["mfa_enabled"] = true.into();
            me["locale"] = "en-US".into();
            Ok(me)
        }
        ("GET", ["applications", "@me"] | ["oauth2", "applications", "@me"]) => application(call),
        ("GET", ["guilds", guild]) => in_guild(call, guild, show::guild),
        ("GET", ["guilds", guild, "roles"]) => {
            in_guild(call, guild, |o| show::guild(o)["roles"].take())
        }
        ("GET", ["guilds", guild, "channels"]) => in_guild(call, guild, show::channels),
        ("GET", ["guilds", guild, "members", user]) => member(call, guild, user),
        ("GET", ["applications", app, .., "commands"]) => commands(call, app),
        ("POST", ["interactions", id, token, "callback"]) => callback(call, id, token),
        ("POST", ["webhooks", _, token]) => follow(call, token),
        ("PATCH", ["webhooks", _, token, "messages", "@original"]) => original(call, token),
        ("GET", ["webhooks", _, token, "messages", "@original"]) => answered(call, token),
        _ => return None,
    })
}

fn gateway(call: &Call<'_>) -> String {
    format!("{}/gateway", call.base.replacen("http", "ws", 1))
}

/// `[gateway#get-gateway-bot]`.
fn gateway_bot(call: &mut Call<'_>) -> Value {
    let url = gateway(call);
    let notes = &call.office().notes;
    let total = notes.get("session_limit").and_then(Value::as_u64).unwrap_or(1_000);
    let used = notes.get("identifies").and_then(Value::as_u64).unwrap_or(0);
    let after = notes.get("session_reset").and_then(Value::as_u64).unwrap_or(86_400_000);
    json!({"url": url, "shards": 1, "session_start_limit": {
        "total": total, "remaining": total.saturating_sub(used), "reset_after": after,
        "max_concurrency": 1,
    }})
}

fn application(call: &mut Call<'_>) -> Answer {
    let app = call.app.clone().ok_or_else(|| no(403, 20002, "Only bots can use this endpoint"))?;
    Ok(show::application(&app))
}

fn in_guild(call: &mut Call<'_>, guild: &str, show: impl Fn(&Office) -> Value) -> Answer {
    let office = call.office();
    if office.team != guild {
        return Err(no(404, 10004, "Unknown Guild"));
    }
    Ok(show(office))
}

fn member(call: &mut Call<'_>, guild: &str, user: &str) -> Answer {
    in_guild(call, guild, |_| Value::Null)?;
    let office = call.office();
    let known = office.members.get(user).ok_or_else(|| no(404, 10013, "Unknown User"))?.clone();
    match known.kind {
        Kind::Deactivated | Kind::Stranger => Err(no(404, 10007, "Unknown Member")),
        _ => Ok(show::member(office, &known, true)),
    }
}

fn commands(call: &mut Call<'_>, app: &str) -> Answer {
    let key = format!("commands:{app}");
    count(call.office(), "command_reads");
    Ok(call.office().notes.get(&key).cloned().unwrap_or_else(|| json!([])))
}

/// Counts how often something was asked for, for whoever checks it.
fn count(office: &mut Office, what: &str) {
    let n = office.notes.entry(what.to_owned()).or_insert_with(|| json!(0));
    *n = (n.as_u64().unwrap_or(0) + 1).into();
}

/// `[application-commands#bulk-overwrite-guild-application-commands]`.
pub(super) fn overwrite(call: &mut Call<'_>, parts: &[&str], body: &Value) -> Answer {
    let app = parts.get(1).copied().unwrap_or_default().to_owned();
    if call.app.as_ref().is_none_or(|mine| mine.id != app) {
        return Err(no(403, 20012, "You are not authorized to perform this action"));
    }
    let mut all = body.as_array().cloned().ok_or_else(|| invalid("must be a list"))?;
    for command in &mut all {
        command_rules(command)?;
        command["id"] = super::stamp(call.world.mint()).into();
        command["application_id"] = app.clone().into();
        command["version"] = command["id"].clone();
        command["default_member_permissions"] = Value::Null;
        if command["description"].is_null() {
            command["description"] = "".into();
        }
        if command["type"].is_null() {
            command["type"] = 1.into();
        }
    }
    count(call.office(), "command_writes");
    let all = Value::Array(all);
    call.office().notes.insert(format!("commands:{app}"), all.clone());
    Ok(all)
}

/// `[application-commands#application-command-object]`: names, descriptions, counts.
fn command_rules(command: &Value) -> Result<(), No> {
    let length = |value: &Value| value.as_str().unwrap_or_default().chars().count();
    let chat = matches!(command["type"].as_u64(), None | Some(1));
    if !(1..=32).contains(&length(&command["name"])) {
        return Err(invalid("name: Must be between 1 and 32 in length."));
    }
    if chat != (1..=100).contains(&length(&command["description"])) {
        return Err(invalid("description: 1 to 100 characters, and only for slash commands"));
    }
    let options = command["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    if options.len() > 25 {
        return Err(invalid("options: Must be 25 or fewer in length."));
    }
    let mut optional = false;
    for option in options {
        let name = option["name"].as_str().unwrap_or_default();
        let sound = |c: char| c.is_alphanumeric() || c == '-' || c == '_';
        let lower = name.to_lowercase() == name && name.chars().all(sound);
        if !lower || !(1..=32).contains(&length(&option["name"])) {
            return Err(invalid("options: a name is lower case, 1 to 32 characters"));
        }
        if !(1..=100).contains(&length(&option["description"])) {
            return Err(invalid("options: description: Must be between 1 and 100 in length."));
        }
        let late = option["required"] == true && optional;
        optional |= option["required"] != true;
        let listed = option["choices"].as_array().map_or(0, Vec::len);
        if late || listed > 25 || (listed > 0 && option["autocomplete"] == true) {
            return Err(invalid("options: required ones first; 25 choices, or autocomplete"));
        }
        if option["options"].is_array() {
            let inner = json!({"name": "x", "description": "x", "options": option["options"]});
            command_rules(&inner)?;
        }
    }
    Ok(())
}

/// `[receiving-and-responding#create-interaction-response]`: within three seconds, once.
fn callback(call: &mut Call<'_>, id: &str, token: &str) -> Answer {
    let unknown = || no(404, 10062, "Unknown interaction");
    let (key, mut note) = by_ticket(call.office(), token).ok_or_else(unknown)?;
    if note["id"] != id || note["state"] == "late" {
        return Err(unknown());
    }
    if note["state"] != "new" {
        return Err(no(400, 40060, "Interaction has already been acknowledged."));
    }
    rules::known(call.body, &["type", "data"])?;
    let kind = call.body.get("type").and_then(Value::as_u64).unwrap_or(0);
    let data = call.body.get("data").cloned().unwrap_or_default();
    let from = note["kind"].as_u64().unwrap_or(0);
    note["state"] = "answered".into();
    match kind {
        4 if from != 4 => note["original"] = ephemeral(call, &note, &data)?.into(),
        5 if from != 4 => note["state"] = "deferred".into(),
        6 if matches!(from, 3 | 5) => {}
        8 if from == 4 => note["choices"] = choices(&data)?,
        9 if !matches!(from, 4 | 5) => open(call, &note, &data)?,
        _ => return Err(invalid("type: not an answer to this interaction")),
    }
    // An answer to a form closes it.
    if let Some(form) = note["form"].as_str().map(str::to_owned)
        && let Some(form) = call.office().forms.get_mut(&form)
    {
        form.closed = true;
    }
    call.office().notes.insert(key, note);
    Ok(Value::Null)
}

/// `[receiving-and-responding#autocomplete]`: at most 25 choices with a name and a value.
fn choices(data: &Value) -> Result<Value, No> {
    let all = data["choices"].as_array().ok_or_else(|| invalid("choices: must be a list"))?;
    let sound = |choice: &Value| {
        let name = choice["name"].as_str().unwrap_or_default().chars().count();
        let value = &choice["value"];
        let fits = value.is_number() || value.as_str().is_some_and(|v| v.chars().count() <= 100);
        (1..=100).contains(&name) && fits
    };
    if all.len() > 25 || !all.iter().all(sound) {
        return Err(invalid("choices: at most 25, each with a name and a value of 100 characters"));
    }
    Ok(data["choices"].clone())
}

/// What stands as the answer.
fn answered(call: &mut Call<'_>, token: &str) -> Answer {
    let (_, note) = good(call, token)?;
    let id = note["original"].as_i64().ok_or_else(|| no(404, 10008, "Unknown Message"))?;
    shown(call, &note, id)
}

/// A message in answer; only for whoever asked where its flags say so.
fn ephemeral(call: &mut Call<'_>, note: &Value, data: &Value) -> Result<i64, No> {
    let body = data.as_object().cloned().unwrap_or_default();
    rules::message(&body, rules::Body::Interaction)?;
    let channel = note["channel"].as_str().unwrap_or_default().to_owned();
    let id = write(call, &channel, None, &body)?;
    let private = body.get("flags").and_then(Value::as_u64).unwrap_or(0) & (1 << 6) != 0;
    if private {
        let user = note["user"].as_str().unwrap_or_default().to_owned();
        let office = call.office();
        // The ledger, too, must say from the start that only he sees it.
        if let Some(message) = office.messages.get_mut(&(channel, id)) {
            message.only_for = Some(user.clone());
        }
        if let Some(What::Posted { message }) = office.happened.last_mut().map(|h| &mut h.what) {
            message.only_for = Some(user);
        }
    }
    Ok(id)
}

fn open(call: &mut Call<'_>, note: &Value, data: &Value) -> Result<(), No> {
    rules::known(
        data.as_object().unwrap_or(&serde_json::Map::new()),
        &["title", "custom_id", "components"],
    )?;
    rules::modal(data)?;
    let mut view = data.clone();
    view["app"] = note["app"].clone();
    view["channel"] = note["channel"].clone();
    let id = super::stamp(call.world.mint());
    let member = note["user"].as_str().unwrap_or_default().to_owned();
    let at = call.world.now;
    let form = Form { id, member, view, errors: Default::default(), closed: false };
    call.office().open_form(at, form);
    Ok(())
}

/// How long a token is good, in microseconds: 15 minutes.
const GOOD: i64 = 900_000_000;

fn good(call: &mut Call<'_>, token: &str) -> Result<(String, Value), No> {
    let (key, note) =
        by_ticket(call.office(), token).ok_or_else(|| no(404, 10015, "Unknown Webhook"))?;
    let age = call.world.now.0 - note["at"].as_i64().unwrap_or(0);
    if age > GOOD || note["state"] == "late" {
        return Err(no(401, 50027, "Invalid Webhook Token"));
    }
    if note["state"] == "new" {
        return Err(no(404, 10015, "Unknown Webhook"));
    }
    Ok((key, note))
}

fn follow(call: &mut Call<'_>, token: &str) -> Answer {
    let (key, mut note) = good(call, token)?;
    let body = Value::Object(call.body.clone());
    let id = ephemeral(call, &note, &body)?;
    if note["state"] == "deferred" {
        note["original"] = id.into();
        note["state"] = "answered".into();
        call.office().notes.insert(key, note.clone());
    }
    shown(call, &note, id)
}

fn original(call: &mut Call<'_>, token: &str) -> Answer {
    let (key, mut note) = good(call, token)?;
    let channel = note["channel"].as_str().unwrap_or_default().to_owned();
    if let Some(id) = note["original"].as_i64() {
        let mut body = call.body.clone();
        body.remove("flags");
        rules::message(&body, rules::Body::Edit)?;
        change_message(call, &channel, id, &body)?;
        return shown(call, &note, id);
    }
    let mut body = call.body.clone();
    body.insert("flags".into(), json!((1 << 6) | (1 << 2)));
    let id = ephemeral(call, &note, &Value::Object(body))?;
    note["original"] = id.into();
    note["state"] = "answered".into();
    call.office().notes.insert(key, note.clone());
    shown(call, &note, id)
}

fn shown(call: &mut Call<'_>, note: &Value, id: i64) -> Answer {
    let base = call.base.to_owned();
    let channel = note["channel"].as_str().unwrap_or_default();
    Ok(show::message(call.office(), channel, id, &base))
}

/// Tells people that an app did not answer within three seconds, until the face is gone.
pub(super) async fn watch(face: Weak<Face>) {
    loop {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let Some(face) = face.upgrade() else { return };
        let at = now();
        let late: Vec<(String, Value)> = {
            let mut world = face.shared.look();
            let office = world.office(&face.name);
            let all = office.notes.range("interaction:".to_owned().."interaction;".to_owned());
            let is_late = |note: &Value| {
                note["state"] == "new" && at.0 - note["at"].as_i64().unwrap_or(0) > 3_000_000
            };
            all.filter(|(_, n)| is_late(n)).map(|(k, n)| (k.clone(), n.clone())).collect()
        };
        for (key, mut note) in late {
            note["state"] = "late".into();
            let member = note["user"].as_str().unwrap_or_default().to_owned();
            let asked = note["seq"].as_u64().unwrap_or(0);
            face.shared.change(at, |world| {
                let office = world.office(&face.name);
                office.notes.insert(key, note);
                office.note(at, What::Unanswered { member, asked });
            });
        }
    }
}
