//! What people do in Discord's client that has no API: press, type a command, use a message's
//! menu, send a form. Each writes what the app is told into the ledger; the gateway carries it.
//! Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>.

use super::apps::{self, App};
use super::channels::{is_thread, place};
use super::ids::stamp;
use super::show;
use crate::desk::face::{inside, open_form, seen};
use crate::world::World;
use crate::world::office::{Office, What};
use serde_json::{Map, Value, json};

/// Tells an app of an interaction, with a token to answer by; gives its id.
fn ask(
    world: &mut World,
    desk: &str,
    user: &str,
    app: &App,
    (kind, channel, data): (u64, &str, Value),
    more: Value,
) -> String {
    let (id, at) = (stamp(world.mint()), world.now);
    let office = world.office(desk);
    let Some(member) = office.members.get(user).cloned() else { return String::new() };
    let mut who = show::member(office, &member, true);
    who["permissions"] = "0".into();
    let mut shown = show::channel(office, channel);
    shown["permissions"] = "0".into();
    let token = format!("interaction-{id}");
    let mut payload = json!({
        "id": id, "application_id": app.id, "type": kind, "token": token, "version": 1,
        "guild_id": office.team, "guild": {"id": office.team, "locale": "en-US", "features": []},
        "channel_id": channel, "channel": shown, "member": who, "data": data, "locale": "en-US",
        "guild_locale": "en-US", "app_permissions": "2251799813685247", "entitlements": [],
        "authorizing_integration_owners": {"0": office.team}, "context": 0,
        "attachment_size_limit": 10_485_760,
    });
    if let Some(message) = more.get("message") {
        payload["message"] = message.clone();
    }
    let seq = office.happened.len() as u64 + 1;
    let note = json!({"id": id, "token": token, "app": app.id, "user": user, "channel": channel,
        "kind": kind, "at": at.0, "state": "new", "seq": seq, "form": more["form"]});
    office.notes.insert(format!("interaction:{id}"), note);
    let (member, app) = (user.to_owned(), app.id.clone());
    office.note(at, What::Asked { member, app, surface: "interaction".into(), payload });
    id
}

fn app(office: &Office, id: Option<&str>) -> Result<App, String> {
    let mut all = apps::all(office).into_iter();
    let found = all.find(|app| id.is_none_or(|id| app.id == id));
    found.ok_or_else(|| "there is no such app".into())
}

/// Presses a button of a message, named by its label, or by the words in its `custom_id`.
///
/// # Errors
/// A sentence: there is no such message or button, or he does not see it.
pub fn press(
    world: &mut World,
    desk: &str,
    user: &str,
    place: (&str, i64),
    wanted: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let message = seen(office, user, place)?;
    let app = app(office, Some(message.app.as_deref().ok_or("not an app's message")?))?;
    let rows = message.blocks.as_array().cloned().unwrap_or_default();
    let mut buttons = rows.iter().filter_map(|row| row["components"].as_array()).flatten();
    let fits = |button: &&Value| {
        let id = button["custom_id"].as_str().unwrap_or_default();
        button["label"] == wanted || id == wanted || id.starts_with(&format!("{wanted}|"))
    };
    let id = buttons.find(fits).ok_or("there is no such button")?["custom_id"].clone();
    let shown = show::whole(office, &message, "");
    let data = json!({"component_type": 2, "custom_id": id, "id": 2});
    ask(world, desk, user, &app, (3, place.0, data), json!({"message": shown}));
    Ok(())
}

/// Types a slash command, in a channel or a thread, with these options.
///
/// # Errors
/// A sentence: nothing like that is registered, it does not take such an option or wants one that
/// is missing, or he is not in the channel.
pub fn slash(
    world: &mut World,
    desk: &str,
    user: &str,
    channel: &str,
    name: &str,
    options: &[(&str, Value)],
) -> Result<(), String> {
    let office = world.office(desk);
    let (app, command) = command(office, user, channel, name)?;
    let known = command["options"].as_array().map(Vec::as_slice).unwrap_or_default();
    let wanted = known.iter().filter(|option| option["required"] == true);
    let given = |option: &Value| options.iter().any(|(name, _)| option["name"] == *name);
    if let Some(missing) = wanted.clone().find(|option| !given(option)) {
        return Err(format!("the client wants a value for {}", missing["name"]));
    }
    let (mut typed, mut people) = (Vec::new(), Map::new());
    for (name, value) in options {
        let option = known.iter().find(|option| option["name"] == *name);
        let kind = option.ok_or("the command does not take that")?["type"].clone();
        if let Some(member) = (kind == 6).then(|| office.members.get(text(value))).flatten() {
            people.insert(member.id.clone(), show::user(member));
        }
        typed.push(json!({"name": name, "type": kind, "value": value}));
    }
    let mut data = json!({"id": command["id"], "name": command["name"], "type": 1,
        "guild_id": office.team, "options": typed});
    if !people.is_empty() {
        data["resolved"] = json!({"users": people});
    }
    ask(world, desk, user, &app, (2, channel, data), json!({}));
    Ok(())
}

/// Begins to type an option that the app completes.
///
/// # Errors
/// A sentence: nothing like that is registered, or the app completes no such option.
pub fn type_option(
    world: &mut World,
    desk: &str,
    user: &str,
    channel: &str,
    name: &str,
    (option, begun): (&str, &str),
) -> Result<String, String> {
    let office = world.office(desk);
    let (app, command) = command(office, user, channel, name)?;
    let mut known = command["options"].as_array().into_iter().flatten();
    let known = known.find(|known| known["name"] == option && known["autocomplete"] == true);
    let kind = known.ok_or("the app completes no such option")?["type"].clone();
    let options = json!([{"name": option, "type": kind, "value": begun, "focused": true}]);
    let data = json!({"id": command["id"], "name": command["name"], "type": 1,
        "guild_id": office.team, "options": options});
    Ok(ask(world, desk, user, &app, (4, channel, data), json!({})))
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn command(office: &Office, user: &str, channel: &str, name: &str) -> Result<(App, Value), String> {
    inside(office, user, channel)?;
    let app = app(office, None)?;
    let commands = office.notes.get(&format!("commands:{}", app.id)).cloned().unwrap_or_default();
    let fits = |command: &&Value| command["name"] == name && command["type"] == 1;
    let command = commands.as_array().and_then(|all| all.iter().find(fits)).cloned();
    Ok((app, command.ok_or("there is no such command")?))
}

/// Uses an app's entry in a message's menu.
///
/// # Errors
/// A sentence: there is no such message or entry, or he does not see it.
pub fn menu(
    world: &mut World,
    desk: &str,
    user: &str,
    place: (&str, i64),
    entry: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let message = seen(office, user, place)?;
    let app = app(office, None)?;
    let commands = office.notes.get(&format!("commands:{}", app.id)).cloned().unwrap_or_default();
    let fits = |command: &&Value| command["type"] == 3 && command["name"] == entry;
    let command = commands.as_array().and_then(|all| all.iter().find(fits));
    let command = command.ok_or("there is no such entry")?;
    let id = stamp(message.id);
    let data = json!({"id": command["id"], "name": entry, "type": 3, "target_id": id,
        "guild_id": office.team,
        "resolved": {"messages": {id: show::whole(office, &message, "")}}});
    ask(world, desk, user, &app, (2, place.0, data), json!({}));
    Ok(())
}

/// Sends the form that this member sees, with this text in its first field.
///
/// # Errors
/// A sentence: there is no such open form of his, or the text does not fit.
pub fn submit(
    world: &mut World,
    desk: &str,
    user: &str,
    form: &str,
    text: &str,
) -> Result<(), String> {
    let office = world.office(desk);
    let view = open_form(office, user, form)?;
    let app = app(office, view["app"].as_str())?;
    let input = &view["components"][0]["components"][0];
    let max = input["max_length"].as_u64().unwrap_or(4_000);
    if text.encode_utf16().count() as u64 > max {
        return Err("the client does not send a text that long".into());
    }
    let field = json!({"type": 4, "custom_id": input["custom_id"], "value": text, "id": 2});
    let data = json!({"custom_id": view["custom_id"],
        "components": [{"type": 1, "id": 1, "components": [field]}]});
    let channel = view["channel"].as_str().unwrap_or_default().to_owned();
    ask(world, desk, user, &app, (5, &channel, data), json!({"form": form}));
    Ok(())
}

/// Threads of a channel that were not deleted, oldest first: for pages and tests.
#[must_use]
pub fn threads(office: &Office, channel: &str) -> Vec<String> {
    let below = |id: &&String| {
        let place = place(office, id);
        is_thread(&place) && place["parent_id"] == channel
    };
    let mut all: Vec<String> = office.channels.keys().filter(below).cloned().collect();
    all.sort_by_key(|id| id.parse::<u64>().unwrap_or(0));
    all
}
