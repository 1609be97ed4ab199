//! Many at once: the team is told how many, since when, what they have in common, and three voices.

use super::unreadable::tell_with;
use crate::case::card::button;
use crate::case::draft::{Draft, note};
use crate::case::effect::{Button, Style, Tone};
use crate::case::event::Many;
use crate::case::limits;
use crate::case::record::Decision;
use crate::case::rich::{Rich, Theirs};
use crate::case::text::fit;

pub fn decide(mut draft: Draft<'_>, many: &Many) -> Decision {
    let policy = draft.policy;
    let channel = policy.alerts.channel.as_ref().or_else(|| policy.routes.get(&many.account));
    let Some(channel) = channel.cloned() else { return draft.done("no_route") };
    let id = format!("b{}.{}", draft.at.0, draft.spare.0);
    let note = note(Tone::Warning, words(many), incident(many).into_iter().collect());
    tell_with(&mut draft, &id, channel, note);
    draft.done("burst")
}

/// Opens an incident with the words they have in common; a person decides it.
fn incident(many: &Many) -> Option<Button> {
    let plain = |word: &&Theirs| {
        word.raw().chars().count() <= 24 && word.raw().chars().all(char::is_alphanumeric)
    };
    let words: Vec<&str> = many.common.iter().filter(plain).take(3).map(Theirs::raw).collect();
    let opens =
        || button("It is an incident", format!("incident {}", words.join(" ")), Style::Plain);
    (!words.is_empty()).then(opens)
}

fn words(many: &Many) -> Rich {
    let rich = Rich::of("📈 ").strong(many.account.as_str());
    let rich = rich.say(format!(": {} mentions since ", many.count)).when(many.since);
    let usual = many.usual.max(1);
    let mut rich = rich.say(format!(", where at most {usual} are usual."));
    let short = |text: &Theirs, most| Theirs::new(fit(text.raw(), most));
    for (at, word) in many.common.iter().enumerate() {
        rich = rich.say(if at == 0 { " In common: " } else { ", " });
        rich = rich.theirs(&short(word, limits::NAME_BYTES));
    }
    many.voices.iter().fold(rich, |rich, voice| rich.quote(&short(voice, 300)))
}
