//! Answers to whoever asked: within three seconds or after being asked to wait, else as a message.
//! Source: <https://docs.discord.com/developers/interactions/receiving-and-responding>.

use super::Shared;
use super::hear::asked::{Surface, Way};
use super::rest::{Call, Trouble};
use super::say::{self, As, Said};
use crate::case::effect::Answer;
use crate::case::rich::{Rich, Theirs};
use reqwest::Method;
use serde_json::{Value, json};

/// What an answer says, besides forms.
fn said(answer: &Answer, typed: &str) -> Said {
    match answer {
        Answer::Say { words, buttons } => say::of_answer(words, buttons),
        // Discord closes a form once it is sent: the words come back with the refusal.
        Answer::Refuse(why) => {
            let words = Rich::of(why).line().say("Your words were:");
            say::of_answer(&words.quote(&Theirs::new(typed)), &[])
        }
        Answer::Choices(_) => Said::default(),
        Answer::Form(form) => {
            let words = format!("That took too long for a form. Use `{} …`.", form.words);
            say::of_answer(&Rich::of(words), &[])
        }
    }
}

/// Tells Discord to wait; says whether it does.
pub(super) async fn defer(desk: &Shared, way: &Way) -> bool {
    // A press needs no visible waiting; the rest shows "thinking" to whoever asked.
    let body = match way.surface {
        // There is no later for what is being typed.
        Surface::Typing => return false,
        Surface::Press => json!({"type": 6}),
        Surface::Command | Surface::Form => json!({"type": 5, "data": {"flags": 64}}),
    };
    callback(desk, way, body).await.is_ok()
}

async fn callback(desk: &Shared, way: &Way, body: Value) -> Result<Value, Trouble> {
    let path = ["interactions", way.id.as_str(), way.token.as_str(), "callback"];
    match desk.rest.call(Call::post(&path, body).free()).await {
        // Answered already: ours, from an attempt whose end we did not see.
        Err(Trouble::No(_, 40060, _)) => Ok(Value::Null),
        done => done,
    }
}

/// Answers, at once or after [`defer`].
pub(super) async fn answer(desk: &Shared, way: &Way, answer: Option<&Answer>, deferred: bool) {
    let done = if deferred { later(desk, way, answer).await } else { now(desk, way, answer).await };
    let Err(trouble) = done else { return };
    if way.surface == Surface::Typing {
        return;
    }
    tracing::info!(desk = %desk.desk, code = trouble.code(), "an answer came too late");
    if let Some(answer) = answer {
        below(desk, &way.channel, "", answer).await;
    }
}

async fn now(desk: &Shared, way: &Way, answer: Option<&Answer>) -> Result<Value, Trouble> {
    let private =
        |said: &Said| json!({"type": 4, "data": say::sealed(said, As::Private).into_value()});
    let body = match answer {
        Some(Answer::Choices(all)) => say::choices(all, way.number),
        None if way.surface == Surface::Typing => say::choices(&[], false),
        Some(Answer::Form(form)) if way.surface != Surface::Form => say::modal(form),
        Some(answer) => private(&said(answer, &way.typed)),
        None if way.surface == Surface::Press => json!({"type": 6}),
        None => private(&say::of_answer(&Rich::of("Done."), &[])),
    };
    callback(desk, way, body).await
}

/// The message that was promised; a press, which promised none, gets one of its own.
async fn later(desk: &Shared, way: &Way, answer: Option<&Answer>) -> Result<Value, Trouble> {
    let press = way.surface == Surface::Press;
    let said = match answer {
        Some(answer) => said(answer, &way.typed),
        None if press => return Ok(Value::Null),
        None => say::of_answer(&Rich::of("Done."), &[]),
    };
    let mut path = vec!["webhooks", way.app.as_str(), way.token.as_str()];
    let body = say::sealed(&said, As::Private).into_value();
    let method = if press { Method::POST } else { Method::PATCH };
    if !press {
        path.extend(["messages", "@original"]);
    }
    desk.rest.call(Call::new(method, &path).with(body).free()).await
}

/// A word below a message, or, with no message, in the channel. Perishable: one try.
pub(super) async fn below(desk: &Shared, channel: &str, message: &str, answer: &Answer) {
    let to = Some(message).filter(|id| !id.is_empty());
    let body = say::sealed(&said(answer, ""), As::Answer { to });
    if let Err(trouble) = desk.post(channel, body).await {
        tracing::info!(desk = %desk.desk, code = trouble.code(), "an answer could not be posted");
    }
}
