//! What people do that has no API: press, type a command, use a shortcut, send a form; and the
//! installing of an app. Each writes what the app is told into the ledger; `push` carries it there.
//!
//! Source: [interactivity], [slash-commands], [shortcuts], [block_actions],
//! [view_submission] (named in `face/mod.rs`).

use super::show::{self, How, stamp};
use super::views;
use crate::desk::face::{inside, open_form, seen};
use crate::world::World;
use crate::world::office::{Kind, Office, What};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

/// An installed app.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct App {
    /// Its id: `A…`.
    pub id: String,
    /// Its bot's own id: `B…`.
    pub bot: String,
    /// The member that its bot is: `U…`.
    pub user: String,
    /// What people call it.
    pub name: String,
    /// Its bot token: `xoxb-…`.
    pub bot_token: String,
    /// Its own token, for Socket Mode: `xapp-…`.
    pub app_token: String,
    /// What it signs by.
    pub signing_secret: String,
    /// Where events, interactions and commands go over HTTP: a base to which `/events`,
    /// `/interactivity` and `/commands` are added. `None` = Socket Mode.
    pub request_url: Option<String>,
    /// What its bot may do.
    pub scopes: Vec<String>,
    /// Its slash command.
    pub command: String,
}

/// Installs an app into a workspace, or changes it. Its bot is in no channel yet.
pub fn install(office: &mut Office, app: &App) {
    if office.team.is_empty() {
        office.team = "T0CARELINE".into();
    }
    office.hire(&app.user, &app.name, Kind::Bot, &[&app.bot_token, &app.app_token]);
    let value = serde_json::to_value(app).unwrap_or_default();
    office.notes.insert(format!("app:{}", app.id), value);
}

/// The installed apps.
pub(super) fn apps(office: &Office) -> impl Iterator<Item = App> {
    let apps = office.notes.range("app:".to_owned().."app;".to_owned());
    apps.filter_map(|(_, value)| serde_json::from_value(value.clone()).ok())
}

pub(super) fn app(office: &Office, id: &str) -> Option<App> {
    serde_json::from_value(office.notes.get(&format!("app:{id}"))?.clone()).ok()
}

pub(super) fn app_of(office: &Office, member: &str) -> Option<App> {
    apps(office).find(|app| app.user == member)
}

/// A ticket to open one form, for three seconds (`[interactivity]`, "trigger_id").
fn trigger(world: &mut World, desk: &str, user: &str) -> String {
    let (id, at) = (world.mint(), world.now.0);
    let id = format!("{id}.trigger");
    let note = json!({"at": at, "user": user});
    world.office(desk).notes.insert(format!("trigger:{id}"), note);
    id
}

/// Where an answer may be sent five times within half an hour (`[interactivity]`,
/// "response_url"). The face puts its own address in front.
fn reply_to(world: &mut World, desk: &str, place: &Value) -> String {
    let (id, at) = (world.mint(), world.now.0);
    let mut note = place.clone();
    note["uses"] = 5.into();
    note["until"] = (at + 1_800_000_000).into();
    world.office(desk).notes.insert(format!("response:{id}"), note);
    format!("/response/{id}")
}

fn ask(world: &mut World, desk: &str, surface: &str, user: &str, app: &App, payload: Value) {
    let at = world.now;
    let (member, app, surface) = (user.to_owned(), app.id.clone(), surface.to_owned());
    world.office(desk).note(at, What::Asked { member, app, surface, payload });
}

fn person(office: &Office, user: &str) -> Value {
    let name = office.members.get(user).map(|m| m.name.to_lowercase().replace(' ', "."));
    let stranger = office.members.get(user).is_some_and(|m| m.kind == Kind::Stranger);
    let team = if stranger { "T0STRANGER" } else { office.team.as_str() };
    json!({"id": user, "username": name, "name": name, "team_id": team})
}

fn head(office: &Office, kind: &str, user: &str, app: &App) -> Value {
    json!({
        "type": kind, "user": person(office, user), "api_app_id": app.id, "token": "fixed",
        "team": {"id": office.team, "domain": "careline-demo"}, "enterprise": null,
        "is_enterprise_install": false,
    })
}

/// Finds the button by its value or its action id, with its block.
fn button(blocks: &Value, wanted: &str) -> Option<(Value, Value)> {
    let rows = blocks.as_array()?.iter().filter(|block| block["type"] == "actions");
    let all = rows.flat_map(|block| {
        let id = block["block_id"].clone();
        block["elements"].as_array().into_iter().flatten().map(move |e| (id.clone(), e.clone()))
    });
    let mut all = all;
    all.find(|(_, e)| e["value"] == wanted || e["action_id"] == wanted)
}

/// Presses a button of a message, named by its value or action id.
///
/// # Errors
/// A sentence: there is no such message or button, or he does not see it.
pub fn press(
    world: &mut World,
    desk: &str,
    user: &str,
    place: (&str, i64),
    value: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let message = seen(office, user, place)?;
    let app =
        message.app.as_deref().and_then(|id| app(office, id)).ok_or("not an app's message")?;
    let (block, element) = button(&message.blocks, value).ok_or("there is no such button")?;
    let ephemeral = message.only_for.is_some();
    let thread = message.thread.filter(|root| *root != message.id).map(stamp);
    let mut payload = head(office, "block_actions", user, &app);
    let shown = show::message(office, &message, How { metadata: true, base: "" });
    payload["channel"] = json!({"id": place.0, "name": office.channels[place.0].name});
    payload["container"] = json!({
        "type": "message", "message_ts": stamp(place.1), "channel_id": place.0,
        "is_ephemeral": ephemeral,
    });
    if let Some(thread) = &thread {
        payload["container"]["thread_ts"] = thread.clone().into();
    }
    // `[block_actions]`: the message is told unless only one person saw it.
    if !ephemeral {
        payload["message"] = shown;
    }
    payload["actions"] = json!([action(&stamp(world.mint()), &block, &element)]);
    payload["state"] = json!({"values": {}});
    let to = json!({"channel": place.0, "user": user, "app": app.id, "message": place.1,
        "thread": message.thread, "ephemeral": ephemeral});
    payload["trigger_id"] = trigger(world, desk, user).into();
    payload["response_url"] = reply_to(world, desk, &to).into();
    ask(world, desk, "interactive", user, &app, payload);
    Ok(())
}

/// Opens the page of the installed app (`[app_home_opened]`).
///
/// # Errors
/// A sentence: there is no such member or app.
pub fn open_home(world: &mut World, desk: &str, user: &str) -> Result<(), String> {
    let at = stamp(world.mint());
    let office = world.office(desk);
    let app = apps(office).next().ok_or("no app is installed")?;
    if !office.members.contains_key(user) {
        return Err("there is no such member".into());
    }
    let mut payload = json!({
        "type": "app_home_opened", "user": user, "channel": format!("D{user}"), "tab": "home",
        "event_ts": at,
    });
    if let Some(view) = office.notes.get(&views::page(&app.id, user)) {
        payload["view"] = view.clone();
    }
    ask(world, desk, HOME, user, &app, payload);
    Ok(())
}

/// What `open_home` notes; `push` makes an event of it.
pub(super) const HOME: &str = "app_home_opened";

/// Presses a button on the page of the installed app, named by its value or action id
/// (`[block_actions]`: such a payload has a view and no channel or message).
///
/// # Errors
/// A sentence: there is no such page or button.
pub fn press_home(world: &mut World, desk: &str, user: &str, value: &str) -> Result<(), String> {
    let office = world.office(desk);
    let app = apps(office).next().ok_or("no app is installed")?;
    let view = office.notes.get(&views::page(&app.id, user)).cloned();
    let view = view.ok_or("he has no such page")?;
    let (block, element) = button(&view["blocks"], value).ok_or("there is no such button")?;
    let mut payload = head(office, "block_actions", user, &app);
    payload["container"] = json!({"type": "view", "view_id": view["id"]});
    payload["view"] = view;
    payload["actions"] = json!([action(&stamp(world.mint()), &block, &element)]);
    payload["trigger_id"] = trigger(world, desk, user).into();
    ask(world, desk, "interactive", user, &app, payload);
    Ok(())
}

fn action(at: &str, block: &Value, element: &Value) -> Value {
    let mut action = json!({"action_ts": at, "block_id": block, "type": "button"});
    for field in ["action_id", "text", "value", "style"] {
        if !element[field].is_null() {
            action[field] = element[field].clone();
        }
    }
    action
}

/// Types a slash command in a channel. `[slash-commands]`: never in a thread, and the app is told
/// of no thread.
///
/// # Errors
/// A sentence: there is no such channel or command, or he is not in the channel.
pub fn slash(
    world: &mut World,
    desk: &str,
    user: &str,
    channel: &str,
    line: &str,
) -> Result<(), String> {
    let (command, text) = line.split_once(' ').unwrap_or((line, ""));
    let office = world.office(desk);
    let app = apps(office).find(|app| app.command == command).ok_or("there is no such command")?;
    let place = inside(office, user, channel)?;
    let name = person(office, user)["name"].clone();
    let mut payload = json!({
        "token": "fixed", "team_id": office.team, "team_domain": "careline-demo",
        "channel_id": channel, "channel_name": place.name, "user_id": user, "user_name": name,
        "command": command, "text": text, "api_app_id": app.id, "is_enterprise_install": "false",
    });
    let to = json!({"channel": channel, "user": user, "app": app.id, "ephemeral": true});
    payload["response_url"] = reply_to(world, desk, &to).into();
    payload["trigger_id"] = trigger(world, desk, user).into();
    ask(world, desk, "slash_commands", user, &app, payload);
    Ok(())
}

/// Uses an app's shortcut on a message (`[shortcuts]`, `message_action`).
///
/// # Errors
/// A sentence: there is no such message or app, or he does not see it.
pub fn shortcut(
    world: &mut World,
    desk: &str,
    user: &str,
    place: (&str, i64),
    callback: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let message = seen(office, user, place)?;
    let app = apps(office).next().ok_or("no app is installed")?;
    let mut payload = head(office, "message_action", user, &app);
    payload["callback_id"] = callback.into();
    payload["message_ts"] = stamp(place.1).into();
    payload["action_ts"] = stamp(message.id).into();
    payload["channel"] = json!({"id": place.0, "name": office.channels[place.0].name});
    payload["message"] = show::message(office, &message, How::default());
    let to = json!({"channel": place.0, "user": user, "app": app.id, "ephemeral": true,
        "thread": message.thread});
    payload["action_ts"] = stamp(world.mint()).into();
    payload["trigger_id"] = trigger(world, desk, user).into();
    payload["response_url"] = reply_to(world, desk, &to).into();
    ask(world, desk, "interactive", user, &app, payload);
    Ok(())
}

/// Sends the form that this member sees, with this text in its first field.
///
/// # Errors
/// A sentence: there is no such open form of his.
pub fn submit(
    world: &mut World,
    desk: &str,
    user: &str,
    form: &str,
    text: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let mut view = open_form(office, user, form)?;
    let app = view["app_id"].as_str().and_then(|id| app(office, id)).ok_or("nobody's form")?;
    let input = view["blocks"].as_array().into_iter().flatten().find(|b| b["type"] == "input");
    let (block, action) = input.map_or((Value::Null, Value::Null), |b| {
        (b["block_id"].clone(), b["element"]["action_id"].clone())
    });
    let (Some(block), Some(action)) = (block.as_str(), action.as_str()) else {
        return Err("the form has no field".into());
    };
    // `[view_submission]`: an empty field comes as null.
    let value = if text.is_empty() { Value::Null } else { text.into() };
    view["state"] =
        json!({"values": {block: {action: {"type": "plain_text_input", "value": value}}}});
    let mut payload = head(office, "view_submission", user, &app);
    payload["view"] = view;
    payload["response_urls"] = json!([]);
    payload["trigger_id"] = trigger(world, desk, user).into();
    ask(world, desk, "interactive", user, &app, payload);
    Ok(())
}
