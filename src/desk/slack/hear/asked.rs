//! What people ask careline to do, by whatever surface, as words.

use super::{Me, People, named, read};
use crate::case::event::{Envelope, Event, Request};
use crate::case::rich::Theirs;
use crate::desk::slack::wire::{Command, Interaction, Reaction, instant};
use serde::{Deserialize, Serialize};

/// What a form keeps for its return.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// The words that the text is put behind.
    pub(crate) words: String,
    /// Where it was opened.
    pub(crate) channel: String,
    /// In which thread.
    pub(crate) thread: String,
}

/// Where an answer goes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Way {
    /// How it was asked.
    pub(crate) surface: Surface,
    /// Who asked.
    pub(crate) user: String,
    /// Where.
    pub(crate) channel: String,
    /// In which thread; empty if in none.
    pub(crate) thread: String,
    /// To open a form.
    pub(crate) trigger: String,
    /// To answer later.
    pub(crate) response_url: String,
    /// The form that was sent.
    pub(crate) view: String,
}

/// How something was asked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Surface {
    /// By a message.
    #[default]
    Message,
    /// By a slash command.
    Command,
    /// By a button or a shortcut.
    Press,
    /// By a form.
    Form,
    /// On our page in Slack.
    Home,
}

/// The field of our forms, as block and as action.
pub(crate) const FIELD: &str = "text";
/// Our forms.
pub(crate) const FORM: &str = "careline";
/// The shortcut on messages.
pub(crate) const SHORTCUT: &str = "reply";

/// A request and where its answer goes.
pub(crate) type Asked = (Envelope, Way);

fn envelope(me: &Me, kind: &str, ticket: &str, request: Request) -> Envelope {
    Envelope::new(format!("slack:{}:{kind}:{ticket}", me.team), Event::Asked(Box::new(request)))
}

/// A slash command. Slack tells of no thread.
pub(crate) fn command(me: &Me, people: &People, from: &Command, ticket: &str) -> Asked {
    let (by, standing) = me.agent(people, &from.user_id);
    let ticket = if from.trigger_id.is_empty() { ticket } else { &from.trigger_id };
    let request = Request {
        by,
        standing,
        channel: me.channel(&from.channel_id),
        thread: None,
        words: read(me, people, &from.text).text,
        named: named(me, people, &from.text),
        on: None,
        asked: None,
        gesture: false,
    };
    let way = Way {
        surface: Surface::Command,
        user: from.user_id.clone(),
        channel: from.channel_id.clone(),
        trigger: from.trigger_id.clone(),
        response_url: from.response_url.clone(),
        ..Way::default()
    };
    (envelope(me, "command", ticket, request), way)
}

/// A button, a shortcut or a form; `None` for what is not ours (a button with a link, say).
pub(crate) fn interaction(
    me: &Me,
    people: &People,
    from: &Interaction,
    ticket: &str,
) -> Option<Asked> {
    match from.kind.as_str() {
        "block_actions" => press(me, people, from, ticket),
        "message_action" if from.callback_id == SHORTCUT => {
            Some(shortcut(me, people, from, ticket))
        }
        "view_submission" if from.view.callback_id == FORM => form(me, people, from, ticket),
        _ => None,
    }
}

fn way(from: &Interaction, surface: Surface, channel: &str, thread: &str) -> Way {
    Way {
        surface,
        user: from.user.id.clone(),
        channel: channel.to_owned(),
        thread: thread.to_owned(),
        trigger: from.trigger_id.clone(),
        response_url: from.response_url.clone(),
        view: from.view.id.clone(),
    }
}

fn request(me: &Me, people: &People, way: &Way, words: String) -> Request {
    let (by, standing) = me.agent(people, &way.user);
    let thread = (!way.thread.is_empty()).then(|| me.thread(&way.channel, &way.thread));
    Request {
        by,
        standing,
        channel: me.channel(&way.channel),
        thread,
        words,
        named: Vec::new(),
        on: None,
        asked: None,
        gesture: false,
    }
}

fn press(me: &Me, people: &People, from: &Interaction, ticket: &str) -> Option<Asked> {
    let action = from.actions.first()?;
    if !action.action_id.starts_with("careline:") || action.value.is_empty() {
        return None;
    }
    let channel = first(&[&from.container.channel_id, &from.channel.id]);
    // A card is the root of its own thread, and does not say so before the first answer.
    let own = if from.container.is_ephemeral { "" } else { &from.container.message_ts };
    let thread = first(&[&from.container.thread_ts, &from.message.thread_ts, own]);
    let way = way(from, Surface::Press, channel, thread);
    let mut request = request(me, people, &way, action.value.clone());
    request.asked = instant(&action.action_ts);
    let ticket = first(&[&from.trigger_id, &action.action_ts, ticket]);
    Some((envelope(me, "press", ticket, request), way))
}

fn shortcut(me: &Me, people: &People, from: &Interaction, ticket: &str) -> Asked {
    let thread = first(&[&from.message.thread_ts, &from.message.ts, &from.message_ts]);
    let way = way(from, Surface::Press, &from.channel.id, thread);
    let mut request = request(me, people, &way, SHORTCUT.to_owned());
    request.on = Some(read(me, people, &from.message.text).text);
    (envelope(me, "shortcut", first(&[&from.trigger_id, ticket]), request), way)
}

fn form(me: &Me, people: &People, from: &Interaction, ticket: &str) -> Option<Asked> {
    let kept: Kept = serde_json::from_str(&from.view.private_metadata).ok()?;
    let text = from.view.state["values"][FIELD][FIELD]["value"].as_str().unwrap_or_default();
    let way = way(from, Surface::Form, &kept.channel, &kept.thread);
    let words = format!("{} {}", kept.words, text.trim());
    let request = request(me, people, &way, words.trim().to_owned());
    Some((envelope(me, "form", first(&[&from.trigger_id, ticket]), request), way))
}

/// A reaction that stands for words. The message it is on names the case.
pub(crate) fn reaction(me: &Me, people: &People, from: &Reaction, words: &str) -> Asked {
    let way = Way {
        user: from.user.clone(),
        channel: from.item.channel.clone(),
        thread: from.item.ts.clone(),
        ..Way::default()
    };
    let mut request = request(me, people, &way, words.to_owned());
    request.gesture = true;
    request.asked = instant(&from.event_ts);
    let on = format!("{}:{}", from.item.channel, from.item.ts);
    let ticket = format!("{on}:{}:{}:{}", from.user, from.reaction, from.event_ts);
    (envelope(me, "reaction", &ticket, request), way)
}

/// Somebody looks at our page.
pub(crate) fn home(me: &Me, people: &People, user: &str, ticket: &str) -> Asked {
    let way = Way { surface: Surface::Home, user: user.to_owned(), ..Way::default() };
    let request = request(me, people, &way, "home".to_owned());
    (envelope(me, "home", &format!("{user}:{ticket}"), request), way)
}

fn first<'a>(all: &[&'a str]) -> &'a str {
    all.iter().find(|text| !text.is_empty()).copied().unwrap_or_default()
}

/// Something that nobody can read, kept as it came.
pub(crate) fn unreadable(desk: &str, id: &str, why: &str, raw: &str) -> Envelope {
    let raw = &raw[..raw.floor_char_boundary(crate::case::limits::RAW_BYTES)];
    let event =
        Event::Unreadable { source: desk.to_owned(), why: why.to_owned(), raw: Theirs::new(raw) };
    Envelope::new(format!("slack:{desk}:unreadable:{id}"), event)
}
