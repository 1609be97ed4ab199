//! What people ask careline to do, by whatever surface, as words.
//! Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>.

use super::{Me, named, read};
use crate::case::command::{Field, Kind, VERBS};
use crate::case::event::{Envelope, Event, Open, Request, Typed};
use crate::case::limits::NAME_BYTES;
use crate::case::model::Agent;
use crate::desk::discord::say::{CASE, COMMAND, SHORTCUT, split};
use crate::desk::discord::wire::{Interaction, Message, User, instant};
use serde_json::Value;

/// Where an answer goes.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) id: String,
    pub(crate) token: String,
    pub(crate) app: String,
    pub(crate) surface: Surface,
    /// Where a plain message can be posted if the token is no longer taken.
    pub(crate) channel: String,
    /// What the form held, so that it is not lost with a refusal.
    pub(crate) typed: String,
    /// What is completed is a number.
    pub(crate) number: bool,
}

/// How something was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Surface {
    /// By a slash command or from the menu of a message.
    #[default]
    Command,
    /// By a button.
    Press,
    /// By a form.
    Form,
    /// Not yet: an option is being typed.
    Typing,
}

/// A request and where its answer goes; `None` for what is not ours.
pub(crate) fn interaction(me: &Me, from: &Interaction) -> Option<(Envelope, Way)> {
    if from.guild_id != me.guild {
        return None;
    }
    let asked = match from.kind {
        2 => command(me, &from.data)?,
        3 => Asked { surface: Surface::Press, words: pressed(&from.data)?, ..Asked::default() },
        5 => Asked { surface: Surface::Form, words: filled(&from.data)?, ..Asked::default() },
        4 => return typing(me, from),
        _ => return None,
    };
    let surface = asked.surface;
    let member = from.member.as_ref();
    let user = member.map(|member| &member.user).or(from.user.as_ref())?;
    let thread = from.channel.as_ref().filter(|channel| channel.is_thread());
    let parent = thread.map_or(from.channel_id.as_str(), |thread| &thread.parent_id);
    let request = Request {
        by: me.agent(user, member),
        standing: me.standing(user, member),
        channel: me.channel(parent),
        thread: thread.map(|thread| me.thread(parent, &thread.id)).or_else(|| of_card(me, from)),
        words: asked.words,
        named: asked.named,
        on: asked.on,
        asked: instant(&from.id),
        gesture: false,
    };
    let typed = if surface == Surface::Form { field(&from.data) } else { String::new() };
    let id = format!("discord:{}:asked:{}", me.guild, from.id);
    let envelope = Envelope::new(id, Event::Asked(Box::new(request)));
    Some((envelope, Way { surface, typed, ..way(from) }))
}

fn way(from: &Interaction) -> Way {
    Way {
        id: from.id.clone(),
        token: from.token.clone(),
        app: from.application_id.clone(),
        channel: from.channel_id.clone(),
        ..Way::default()
    }
}

/// An option that is being typed, if we complete it.
fn typing(me: &Me, from: &Interaction) -> Option<(Envelope, Way)> {
    let option = options(&from.data).iter().find(|option| option["focused"] == true)?;
    let name = option["name"].as_str()?;
    let verb = VERBS.iter().find(|verb| from.data["name"] == verb.name)?;
    let field = verb.fields.iter().find(|field| field.name == name);
    let of = match field.map(|field| field.kind) {
        None if name == CASE => Open::Case,
        Some(Kind::Canned) => Open::Canned,
        Some(Kind::When) => Open::When,
        _ => return None,
    };
    let member = from.member.as_ref();
    let user = member.map(|member| &member.user).or(from.user.as_ref())?;
    let begun = text(&option["value"]);
    let begun = begun[..begun.floor_char_boundary(NAME_BYTES)].to_owned();
    let (by, standing) = (me.agent(user, member), me.standing(user, member));
    let typed = Typed { by, standing, of, begun };
    let id = format!("discord:{}:typed:{}", me.guild, from.id);
    let way = Way { surface: Surface::Typing, number: of == Open::Case, ..way(from) };
    Some((Envelope::new(id, Event::Typed(Box::new(typed))), way))
}

fn options(data: &Value) -> &[Value] {
    data["options"].as_array().map(Vec::as_slice).unwrap_or_default()
}

/// A value as it was typed, be it text or a number.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// A press on a card that stands in a text channel is a press in the thread below it, which has
/// the card's id.
fn of_card(me: &Me, from: &Interaction) -> Option<crate::case::id::ThreadId> {
    let message = from.message.as_ref().filter(|m| !m.id.is_empty())?;
    (from.kind == 3).then(|| me.thread(&from.channel_id, &message.id))
}

#[derive(Default)]
struct Asked {
    surface: Surface,
    words: String,
    named: Vec<Agent>,
    on: Option<String>,
}

fn command(me: &Me, data: &Value) -> Option<Asked> {
    match (data["type"].as_u64(), data["name"].as_str()?) {
        (Some(3), name) if name == SHORTCUT => {
            let id = data["target_id"].as_str()?;
            let message = data["resolved"]["messages"][id].clone();
            let message: Message = serde_json::from_value(message).ok()?;
            let on = read(me, &message.content, &message.mentions).text;
            Some(Asked { words: "reply".to_owned(), on: Some(on), ..Asked::default() })
        }
        (None | Some(1), name) => typed(me, name, data),
        _ => None,
    }
}

/// `/close case:42 cause:refunded` and `/careline text:close #42 refunded` are the same words.
fn typed(me: &Me, command: &str, data: &Value) -> Option<Asked> {
    let verb = VERBS.iter().find(|row| row.name == command);
    let option = |name: &str| options(data).iter().find(|o| o["name"] == name).map(|o| &o["value"]);
    let (mut words, rest) = match verb {
        Some(verb) => {
            let filled = |field: &Field| Some(piece(field, option(field.name)?));
            let pieces: Vec<String> = verb.fields.iter().filter_map(filled).collect();
            (verb.name.to_owned(), pieces.join(" "))
        }
        None if command == COMMAND => (String::new(), option("text").map(text).unwrap_or_default()),
        None => return None,
    };
    if let Some(number) = option(CASE).and_then(Value::as_u64) {
        words.push_str(&format!(" #{number}"));
    }
    let users = data["resolved"]["users"].as_object().into_iter().flat_map(|all| all.values());
    let people: Vec<User> =
        users.filter_map(|user| serde_json::from_value(user.clone()).ok()).collect();
    let plain = read(me, &rest, &people);
    let words = format!("{words} {}", plain.text).trim().to_owned();
    Some(Asked { words, named: named(me, &plain, &people), ..Asked::default() })
}

/// What a field holds, as a message would say it: a person that was picked is a call.
fn piece(field: &Field, value: &Value) -> String {
    match field.kind {
        Kind::Person => format!("<@{}>", text(value)),
        _ => text(value),
    }
}

fn pressed(data: &Value) -> Option<String> {
    let (words, _) = split(data["custom_id"].as_str()?);
    (!words.is_empty()).then(|| words.to_owned())
}

fn filled(data: &Value) -> Option<String> {
    let (words, _) = split(data["custom_id"].as_str()?);
    let all = format!("{words} {}", field(data));
    (!words.is_empty()).then(|| all.trim().to_owned())
}

/// The form's one field, in the older form (rows) or the newer one (labels).
fn field(data: &Value) -> String {
    let rows = data["components"].as_array().map(Vec::as_slice).unwrap_or_default();
    let value = rows.iter().find_map(|row| {
        let older = row["components"].as_array().and_then(|all| all.first());
        older.unwrap_or(&row["component"])["value"].as_str()
    });
    value.unwrap_or_default().trim().to_owned()
}
