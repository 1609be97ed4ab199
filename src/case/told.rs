//! The line in the thread that tells how far a reply has come, and what can be done about it.

use super::ability::dollars;
use super::card::button;
use super::draft::{Draft, note};
use super::effect::{Button, Note, Style, Tone};
use super::gate::holds_secret;
use super::model::{Ask, Body, Case, ReplyLine, ReplyState};
use super::private;
use super::rich::{Rich, Theirs};
use super::time::Timestamp;

/// The line as it should look now. `goes` is when a held reply leaves.
pub fn told(
    draft: &Draft<'_>,
    case: &Case,
    seq: u32,
    reply: &ReplyLine,
    parts: usize,
    goes: Timestamp,
) -> Note {
    let no = case.no;
    let private = if reply.target.private_reply { ", privately" } else { "" };
    let to = |start: &str| Rich::of(start).say("@").theirs(&reply.target.handle).say(private);
    let undo = || button("Undo", format!("undo {no} {seq}"), Style::Plain);
    let send = |label| button(label, format!("send {no} {seq}"), Style::Primary);
    let (tone, words, buttons): (Tone, Rich, Vec<Button>) = match &reply.state {
        ReplyState::Held => {
            let wait = super::draft::until(draft.at, goes);
            let many = if parts > 1 { format!(" as {parts} posts") } else { String::new() };
            let words = to("⏳ Goes to ").say(format!(" {wait}{many}."));
            let switch = private::button(draft, case, seq, reply);
            (Tone::Status, words, [undo(), send("Send now")].into_iter().chain(switch).collect())
        }
        ReplyState::Asking(ask) => {
            let mut words = news(draft, case, *ask, asking(*ask, reply, to("✋ Not sent to ")));
            if case.unasked {
                words = words.say(
                    " He did not write to us: one answer is all he gets, so ask politely whether \
                     you may help.",
                );
            }
            let switch = private::button(draft, case, seq, reply);
            (Tone::Warning, words, choices(case, seq, *ask).into_iter().chain(switch).collect())
        }
        ReplyState::Sending => (Tone::Status, to("→ On its way to "), Vec::new()),
        ReplyState::Sent => (Tone::Status, with_link(to("✓ Sent to "), reply), Vec::new()),
        ReplyState::Removed => {
            (Tone::Status, to("🗑 Deleted again, it had been sent to "), Vec::new())
        }
        ReplyState::Withdrawn => {
            (Tone::Status, Rich::of("↩ Taken back. It was not sent."), Vec::new())
        }
        ReplyState::Failed(why) => {
            let words = with_parts(to("✗ Not delivered to ").say(format!(": {why}.")), reply);
            let again = button("Change and send again", format!("reply {no}"), Style::Primary);
            (Tone::Warning, words, vec![again])
        }
        ReplyState::Unknown(why) => {
            let words = to("❔ Nobody can tell whether this reached ")
                .say(format!(": {why}. Please look on the network before anything is sent again."));
            let there = button("It arrived", format!("answered {no}"), Style::Primary);
            let again = button("It did not, write again", format!("reply {no}"), Style::Plain);
            (Tone::Warning, with_parts(words, reply), vec![there, again])
        }
    };
    note(tone, words, buttons)
}

/// What came in the meantime, so that nobody decides blindly.
fn news(draft: &Draft<'_>, case: &Case, ask: Ask, words: Rich) -> Rich {
    let line = match ask {
        Ask::WroteAgain | Ask::PostChanged => {
            case.recent.iter().rev().find(|heard| !heard.withdrawn).map(|heard| heard.line)
        }
        Ask::AnsweredAlready => case.answered,
        _ => None,
    };
    match line.and_then(|line| draft.line(case.no, line)).map(|line| &line.body) {
        Some(Body::Mention { mention, .. }) => words.quote(&mention.text),
        Some(Body::Own { text, .. }) => words.quote(&Theirs::new(text.clone())),
        Some(Body::Reply(reply)) => words.quote(&Theirs::new(reply.text.clone())),
        _ => words,
    }
}

/// Send anyway, edit, drop; for an approval also: only this one of several.
fn choices(case: &Case, seq: u32, ask: Ask) -> Vec<Button> {
    let no = case.no;
    let send = |label, rest| button(label, format!("send {no} {seq}{rest}"), Style::Primary);
    let mut all = vec![send(send_label(ask), "")];
    if ask == Ask::Approval && case.held.len() > 1 {
        all.push(send("Approve this, drop the others", " alone"));
    }
    all.push(button("Edit", format!("edit {no} {seq}"), Style::Plain));
    let drop = if ask == Ask::Approval { "Reject" } else { "Drop" };
    all.push(button(drop, format!("undo {no} {seq}"), Style::Plain));
    all
}

fn with_link(words: Rich, reply: &ReplyLine) -> Rich {
    let words = if reply.edits > 0 { words.say(" · changed since") } else { words };
    let words = if reply.parts.len() > 1 {
        words.say(format!(" as {} posts", reply.parts.len()))
    } else {
        words
    };
    match &reply.url {
        Some(url) => words.say(" · ").link(url, "open"),
        None => words,
    }
}

fn with_parts(words: Rich, reply: &ReplyLine) -> Rich {
    match (reply.arrived, reply.parts.len()) {
        (0, _) => words,
        (arrived, of) => words.say(format!(" {arrived} of {of} posts are public.")),
    }
}

const SECRET: &str = "it seems to hold a password or somebody's number.";

fn asking(ask: Ask, reply: &ReplyLine, words: Rich) -> Rich {
    let words = match ask {
        Ask::WroteAgain => words.say(" yet: the customer wrote again."),
        Ask::AnsweredAlready => words.say(" yet: somebody else has answered in the meantime."),
        Ask::PostGone => words.say(" yet: the customer deleted the post this answers."),
        Ask::PostChanged => words.say(" yet: the customer changed the post this answers."),
        Ask::Unasked => words.say(" yet: shall a stranger hear from us?"),
        Ask::Old => words.say(" yet: this was written while careline was away."),
        Ask::Secret => return words.say(format!(" yet: {SECRET}")),
        Ask::Approval => words
            .say(" yet: a second person lets it go. ")
            .agent(&reply.by.name)
            .say(" wrote:")
            .quote(&Theirs::new(reply.text.clone())),
        Ask::Price(mills) => words.say(format!(
            " yet: it holds a link. With it this costs {}; without it, much less.",
            dollars(u64::from(mills))
        )),
        Ask::Files => reply.files.iter().fold(
            words.say(" yet. These files go with it, for everybody who can read the post:"),
            |words, file| {
                let words = words.line().say("📎 ").theirs(&Theirs::new(file.name.clone()));
                match file.alt.as_deref().is_none_or(str::is_empty) {
                    true => words.say(" · without a description for who cannot see it"),
                    false => words,
                }
            },
        ),
    };
    if holds_secret(&reply.text) { words.line().say(format!("⚠ And {SECRET}")) } else { words }
}

const fn send_label(ask: Ask) -> &'static str {
    match ask {
        Ask::Files => "Send with files",
        Ask::Approval => "Approve and send",
        Ask::Unasked => "Answer once",
        _ => "Send anyway",
    }
}
