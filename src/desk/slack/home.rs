//! What agents do without words: a look at our page in Slack, a press there, a reaction.

use super::answer::{Ack, later, put_all, read};
use super::hear::Me;
use super::hear::asked::{self, Surface, Way};
use super::say;
use super::wire::{HomeOpened, Interaction, Reaction};
use super::{Shared, calls::Trouble};
use crate::case::command;
use crate::case::effect::Answer;
use crate::case::rich::Rich;
use crate::inbox::Inbox;
use crate::setting::Section;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// What reactions stand for, as the section says; without a word of it the usual two.
pub(super) fn reactions(section: &Section) -> BTreeMap<String, String> {
    let mut given = section.list("reactions");
    if !section.entries.contains_key("reactions") {
        given = vec!["eyes=claim".into(), "white_check_mark=close".into()];
    }
    let mut reactions = BTreeMap::new();
    for entry in given {
        match entry.split_once('=').map(|(name, words)| (name.trim(), words.trim())) {
            Some((name, words)) if !name.is_empty() && is_verb(words) => {
                reactions.insert(name.trim_matches(':').to_owned(), words.to_owned());
            }
            _ => section.wrong("reactions", "each must be such as \"eyes=claim\""),
        }
    }
    reactions
}

fn is_verb(words: &str) -> bool {
    !words.is_empty() && command::parse(words).is_ok()
}

/// Somebody put a reaction on a message. Our own marks are reactions too.
pub(super) async fn reacted(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    event: &Value,
) -> Result<Ack, String> {
    let from: Reaction = read(event)?;
    let Some(words) = slack.reactions.get(&from.reaction).filter(|_| from.user != me.user) else {
        return Ok(Ack::Safe);
    };
    let Ok(people) = slack.find(me, vec![from.user.clone()]).await else { return Ok(Ack::Not) };
    let (envelope, way) = asked::reaction(me, &people, &from, words);
    let Some(taken) = put_all(inbox, vec![envelope]).await else { return Ok(Ack::Not) };
    if let Some(answer) = taken.into_iter().find_map(|taken| taken.answer) {
        tokio::spawn(later(slack.clone(), way, answer));
    }
    Ok(Ack::Safe)
}

/// Somebody looks at our page: it is made anew each time.
pub(super) async fn opened(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    event: &Value,
) -> Result<Ack, String> {
    let from: HomeOpened = read(event)?;
    if from.tab != "home" {
        return Ok(Ack::Safe);
    }
    let Ok(people) = slack.find(me, vec![from.user.clone()]).await else { return Ok(Ack::Not) };
    let (envelope, way) = asked::home(me, &people, &from.user, &from.event_ts);
    let Some(taken) = put_all(inbox, vec![envelope]).await else { return Ok(Ack::Not) };
    let page = taken.into_iter().find_map(|taken| taken.answer);
    tokio::spawn(show(slack.clone(), way, None, page));
    Ok(Ack::Safe)
}

/// Somebody pressed a button of our page: the page then says what came of it.
pub(super) async fn pressed(
    slack: &Shared,
    inbox: &Inbox,
    me: &Me,
    from: &Interaction,
    ticket: &str,
) -> Ack {
    let Ok(people) = slack.find(me, vec![from.user.id.clone()]).await else { return Ack::Safe };
    let Some((press, way)) = asked::interaction(me, &people, from, ticket) else {
        return Ack::Safe;
    };
    let (look, home) = asked::home(me, &people, &from.user.id, ticket);
    let Some(taken) = put_all(inbox, vec![press, look]).await else { return Ack::Not };
    let mut answers = taken.into_iter().map(|taken| taken.answer);
    let (done, page) = (answers.next().flatten(), answers.next().flatten());
    match done {
        Some(form @ Answer::Form(_)) => tokio::spawn(later(slack.clone(), way, form)),
        done => tokio::spawn(show(slack.clone(), home, done, page)),
    };
    Ack::Safe
}

/// `[views.publish]`. One try: who looks again sees it anew.
async fn show(slack: Shared, way: Way, done: Option<Answer>, page: Option<Answer>) {
    if let Err(trouble) = publish(&slack, &way, done, page).await {
        tracing::warn!(desk = %slack.desk, why = trouble.why(), "our page could not be shown");
    }
}

async fn publish(
    slack: &Shared,
    way: &Way,
    done: Option<Answer>,
    page: Option<Answer>,
) -> Result<(), Trouble> {
    debug_assert_eq!(way.surface, Surface::Home);
    let Some(Answer::Say { words, buttons }) = page else { return Ok(()) };
    let done = match done {
        Some(Answer::Say { words, .. }) => Some(words.line()),
        Some(Answer::Refuse(why)) => Some(Rich::of(why).line()),
        Some(Answer::Form(_) | Answer::Choices(_)) | None => None,
    };
    let view = say::home(done.as_ref(), &words, &buttons);
    let body = json!({"user_id": way.user, "view": view});
    slack.calls.post("views.publish", &body).await.map(drop)
}
