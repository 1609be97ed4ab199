//! Takes what Slack brings, puts it into the inbox, and answers within three seconds.
//!
//! Acts are answered in Slack's own acknowledgement, after the commit. When the commit takes
//! longer, a button or command is acknowledged and finished by its response address; a form keeps
//! its text; an event stays unacknowledged, and Slack brings it again.

use super::calls::Trouble;
use super::caught;
use super::hear::asked::{self, Asked, FIELD, Surface, Way};
use super::hear::{self, Me};
use super::wire::{Callback, Command, Interaction, Message};
use super::{Shared, home, say};
use crate::case::effect::{Answer, Button, Form, Style};
use crate::case::event::{Envelope, Event};
use crate::case::rich::Rich;
use crate::inbox::{Inbox, Pulse, Shut, Taken};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Slack waits three seconds; the way there and back takes some of them.
const SOON: Duration = Duration::from_millis(2_500);

/// How something is acknowledged.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Ack {
    /// Not at all: Slack shall bring it again.
    Not,
    /// It is safe.
    Safe,
    /// It is safe, and this is the answer.
    With(Value),
}

/// Forms whose first sending is still on its way: the same text once more is the same request.
#[derive(Default)]
pub(super) struct Slow(Mutex<BTreeMap<(String, u64), String>>);

/// Messages that Slack brought twice under two names carry one id of their client's.
#[derive(Default)]
pub(super) struct Twice {
    first: BTreeMap<String, String>,
    order: VecDeque<String>,
}

/// Client ids that are remembered.
const REMEMBERED: usize = 5_000;

impl Twice {
    /// The timestamp under which this message first came.
    pub(super) fn first(&mut self, message: &Message) -> Option<String> {
        if message.client_msg_id.is_empty() {
            return None;
        }
        let key = format!("{}:{}", message.channel, message.client_msg_id);
        if let Some(first) = self.first.get(&key) {
            return Some(first.clone()).filter(|first| *first != message.ts);
        }
        self.order.push_back(key.clone());
        self.first.insert(key, message.ts.clone());
        if self.order.len() > REMEMBERED
            && let Some(old) = self.order.pop_front()
        {
            self.first.remove(&old);
        }
        None
    }
}

/// Takes one thing. `ticket` names the delivery, for what has no name of its own.
pub(super) async fn take(
    slack: &Shared,
    inbox: &Inbox,
    surface: &str,
    payload: Value,
    ticket: &str,
) -> Ack {
    let Ok(me) = slack.me().await else { return Ack::Not };
    let done = match surface {
        "events_api" => event(slack, inbox, &me, &payload).await,
        "slash_commands" => match read::<Command>(&payload) {
            Ok(command) => commanded(slack, inbox, &me, &command, ticket).await,
            Err(why) => Err(why),
        },
        "interactive" => match read::<Interaction>(&payload) {
            Ok(from) => interacted(slack, inbox, &me, &from, ticket).await,
            Err(why) => Err(why),
        },
        _ => Err("it came by a way that careline does not know".into()),
    };
    match done {
        Ok(ack) => ack,
        Err(why) => unreadable(slack, inbox, ticket, &why, &payload.to_string()).await,
    }
}

/// Keeps what nobody can read, and then acknowledges it: it would only come again.
pub(super) async fn unreadable(
    slack: &Shared,
    inbox: &Inbox,
    ticket: &str,
    why: &str,
    raw: &str,
) -> Ack {
    let envelope = asked::unreadable(slack.desk.as_str(), ticket, why, raw);
    match inbox.put(envelope).await {
        Ok(_) => Ack::Safe,
        Err(Shut) => Ack::Not,
    }
}

pub(super) fn read<T: DeserializeOwned>(payload: &Value) -> Result<T, String> {
    T::deserialize(payload).map_err(|error| crate::net::misread(&error))
}

async fn event(slack: &Shared, inbox: &Inbox, me: &Me, payload: &Value) -> Result<Ack, String> {
    let call: Callback = read(payload)?;
    if call.kind != "event_callback" {
        return Ok(Ack::Safe);
    }
    match call.event["type"].as_str() {
        Some("message" | "app_mention") => {
            let message: Message = read(&call.event)?;
            Ok(heard(slack, inbox, me, message).await)
        }
        Some("reaction_added") => home::reacted(slack, inbox, me, &call.event).await,
        Some("app_home_opened") => home::opened(slack, inbox, me, &call.event).await,
        Some("tokens_revoked" | "app_uninstalled") => {
            let why = "the app was removed from the workspace, or its token revoked";
            inbox.pulse(&slack.feed(), Pulse::Dead(why.into()));
            Ok(Ack::Safe)
        }
        Some(_) => Ok(closed(slack, inbox, me, &call.event).await),
        None => Err("an event without a type".into()),
    }
}

async fn closed(slack: &Shared, inbox: &Inbox, me: &Me, event: &Value) -> Ack {
    let Some((channel, why)) = hear::closed(event) else { return Ack::Safe };
    let threads = slack.caught.ours_in(&channel);
    let all = threads.iter().map(|thread| hear::lost(me, &channel, &thread.root, why));
    match put_all(inbox, all.collect()).await {
        Some(_) => Ack::Safe,
        None => Ack::Not,
    }
}

async fn heard(slack: &Shared, inbox: &Inbox, me: &Me, mut message: Message) -> Ack {
    let found = slack.find(me, hear::people(&message)).await;
    let Ok(people) = found else { return Ack::Not };
    if !caught::catch_up(slack, inbox, me, &message, SOON).await {
        return Ack::Not;
    }
    let first = slack.twice.lock().unwrap_or_else(PoisonError::into_inner).first(&message);
    if let Some(first) = first {
        message.ts = first;
    }
    let envelopes = hear::message(me, &people, &message);
    let ways: Vec<Way> = envelopes.iter().map(way_back).collect();
    let Some(taken) = put_all(inbox, envelopes).await else { return Ack::Not };
    for (taken, way) in taken.into_iter().zip(ways) {
        if let Some(answer) = taken.answer.filter(|_| !way.user.is_empty()) {
            tokio::spawn(later(slack.clone(), way, answer));
        }
    }
    Ack::Safe
}

/// To whom an answer to this message goes: to its author, where he wrote it.
fn way_back(envelope: &Envelope) -> Way {
    let (by, channel, thread) = match &envelope.event {
        Event::Said(remark) | Event::Reworded(remark) => {
            (&remark.by.id.user, &remark.thread.channel.channel, Some(&remark.thread.root))
        }
        Event::Asked(request) => (
            &request.by.id.user,
            &request.channel.channel,
            request.thread.as_ref().map(|thread| &thread.root),
        ),
        _ => return Way::default(),
    };
    Way {
        user: by.clone(),
        channel: channel.clone(),
        thread: thread.cloned().unwrap_or_default(),
        ..Way::default()
    }
}

/// Puts all of them. `None` if that is not done within Slack's patience; it goes on all the same.
pub(super) async fn put_all(inbox: &Inbox, envelopes: Vec<Envelope>) -> Option<Vec<Taken>> {
    let inbox = inbox.clone();
    let puts = tokio::spawn(async move {
        let mut taken = Vec::with_capacity(envelopes.len());
        for envelope in envelopes {
            taken.push(inbox.put(envelope).await?);
        }
        Ok::<_, Shut>(taken)
    });
    tokio::time::timeout(SOON, puts).await.ok()?.ok()?.ok()
}

async fn commanded(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    command: &Command,
    ticket: &str,
) -> Result<Ack, String> {
    let mut ids: Vec<String> = hear::plain::called(&command.text).map(str::to_owned).collect();
    ids.truncate(10);
    ids.push(command.user_id.clone());
    let Ok(people) = slack.find(me, ids).await else {
        return Ok(busy(Surface::Command));
    };
    let asked = asked::command(me, &people, command, ticket);
    Ok(put(slack, inbox, asked).await)
}

async fn interacted(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    from: &Interaction,
    ticket: &str,
) -> Result<Ack, String> {
    if from.view.kind == "home" {
        return Ok(home::pressed(slack, inbox, me, from, ticket).await);
    }
    let mut ids = hear::people(&from.message);
    ids.push(from.user.id.clone());
    let surface = if from.kind == "view_submission" { Surface::Form } else { Surface::Press };
    let Ok(people) = slack.find(me, ids).await else {
        return Ok(busy(surface));
    };
    match asked::interaction(me, &people, from, ticket) {
        Some(asked) => Ok(put(slack, inbox, asked).await),
        None => Ok(Ack::Safe),
    }
}

fn busy(surface: Surface) -> Ack {
    const WORDS: &str = "careline is busy at the moment; nothing was done. Please try again.";
    match surface {
        Surface::Form => Ack::With(errors(WORDS)),
        Surface::Command => {
            Ack::With(json!({"response_type": "ephemeral", "text": WORDS, "mrkdwn": false}))
        }
        Surface::Press | Surface::Message | Surface::Home => Ack::Safe,
    }
}

/// `[views]`: shown under the field; the form stays open with its text.
fn errors(why: &str) -> Value {
    let why: String = why.chars().take(1_000).collect();
    json!({"response_action": "errors", "errors": {FIELD: why}})
}

impl Slow {
    fn key(asked: &Asked) -> Option<(String, u64)> {
        let Event::Asked(request) = &asked.0.event else { return None };
        let mut hasher = DefaultHasher::new();
        request.words.hash(&mut hasher);
        (asked.1.surface == Surface::Form).then(|| (asked.1.view.clone(), hasher.finish()))
    }

    fn map(&self) -> std::sync::MutexGuard<'_, BTreeMap<(String, u64), String>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a form that was sent before, and never answered, the name it had then.
    fn known(&self, asked: &mut Asked) {
        let Some(key) = Self::key(asked) else { return };
        if let Some(id) = self.map().get(&key) {
            asked.0.id = crate::case::id::EnvelopeId::new(id.clone());
        }
    }

    fn note(&self, asked: &Asked) {
        let Some(key) = Self::key(asked) else { return };
        let mut map = self.map();
        if map.len() > REMEMBERED {
            map.clear();
        }
        map.insert(key, asked.0.id.as_str().to_owned());
    }
}

/// Said to whom was told to wait.
const NOT_DONE: &str = "careline is stopping and did not do this. Please ask again in a moment.";

/// Puts a request and answers it, now or a little later.
async fn put(slack: &Shared, inbox: &Inbox, mut asked: Asked) -> Ack {
    slack.forms.known(&mut asked);
    let (envelope, way) = asked.clone();
    let (door, again) = (inbox.clone(), slack.clone());
    let mut running = tokio::spawn(async move { door.put(envelope).await });
    match tokio::time::timeout(SOON, &mut running).await {
        Ok(Ok(Ok(taken))) => answered(slack, way, taken),
        Ok(_) => Ack::Not,
        Err(_) if way.surface == Surface::Form => {
            slack.forms.note(&asked);
            Ack::With(errors(
                "careline is still writing this down. Your text is kept: press Send once more.",
            ))
        }
        Err(_) => {
            let ack = wait(&way);
            tokio::spawn(async move {
                let answer = match running.await {
                    Ok(Ok(taken)) => taken.answer,
                    // "Working on it" was said: the end must be said too.
                    Ok(Err(Shut)) | Err(_) => Some(Answer::Refuse(NOT_DONE.into())),
                };
                if let Some(answer) = answer {
                    later(again, way, answer).await;
                }
            });
            ack
        }
    }
}

fn wait(way: &Way) -> Ack {
    if way.surface == Surface::Command {
        let text = "Working on it…";
        return Ack::With(json!({"response_type": "ephemeral", "text": text, "mrkdwn": false}));
    }
    Ack::Safe
}

fn answered(slack: &Shared, way: Way, taken: Taken) -> Ack {
    let Some(answer) = taken.answer else { return Ack::Safe };
    match (way.surface, &answer) {
        (Surface::Command, Answer::Say { .. } | Answer::Refuse(_)) => {
            let mut words = say::answer(&answer).unwrap_or_default();
            words["response_type"] = "ephemeral".into();
            Ack::With(words)
        }
        (Surface::Form, Answer::Refuse(why)) => Ack::With(errors(why)),
        _ => {
            tokio::spawn(later(slack.clone(), way, answer));
            Ack::Safe
        }
    }
}

/// Answers after the acknowledgement. One try: answers are perishable.
pub(super) async fn later(slack: Shared, way: Way, answer: Answer) {
    let done = match &answer {
        Answer::Form(form) => open(&slack, &way, form).await,
        // Slack completes names by itself and asks for nothing else.
        Answer::Choices(_) => return,
        Answer::Say { .. } | Answer::Refuse(_) => whisper(&slack, &way, &answer).await,
    };
    if let Err(trouble) = done {
        tracing::warn!(desk = %slack.desk, why = trouble.why(), "an answer did not arrive");
    }
}

async fn open(slack: &Shared, way: &Way, form: &Form) -> Result<(), Trouble> {
    if way.trigger.is_empty() {
        // Slack opens a form for a press, not for a message: one press more.
        let words = Rich::of(form.label.as_str()).say(": write it behind the command, or here.");
        let open = Button {
            label: "Open the form".into(),
            words: form.words.clone(),
            style: Style::Primary,
        };
        return whisper(slack, way, &Answer::Say { words, buttons: vec![open] }).await;
    }
    let view = say::form(form, &way.channel, &way.thread);
    let body = json!({"trigger_id": way.trigger, "view": view});
    slack.calls.post("views.open", &body).await.map(drop)
}

/// Words that only one person sees: by the response address, which also works where the bot is
/// not, else in the thread.
async fn whisper(slack: &Shared, way: &Way, answer: &Answer) -> Result<(), Trouble> {
    let Some(mut words) = say::answer(answer) else { return Ok(()) };
    if !way.thread.is_empty() {
        words["thread_ts"] = way.thread.clone().into();
    }
    if let Some(url) =
        url::Url::parse(&way.response_url).ok().filter(|url| is_answerable(slack, url))
    {
        words["response_type"] = "ephemeral".into();
        words["replace_original"] = false.into();
        let sent = slack.ground.net.client().post(url).json(&words).send();
        let sent = tokio::time::timeout(crate::case::limits::CALL.to_std(), sent).await;
        if sent.is_ok_and(|sent| sent.is_ok_and(|answer| answer.status().is_success())) {
            return Ok(());
        }
        words["response_type"] = Value::Null;
    }
    for key in ["response_type", "replace_original"] {
        words.as_object_mut().map(|words| words.remove(key));
    }
    words["channel"] = way.channel.clone().into();
    words["user"] = way.user.clone().into();
    slack.calls.post("chat.postEphemeral", &words).await.map(drop)
}

/// Response addresses lead to Slack's own hosts; whatever else a payload names is not called.
fn is_answerable(slack: &Shared, url: &url::Url) -> bool {
    slack.is_slacks(url)
}
