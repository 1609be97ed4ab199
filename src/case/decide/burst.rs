//! Many at once: the team is told how many, since when, what they have in common, and three voices.

use super::unreadable::tell;
use crate::case::draft::Draft;
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
    tell(&mut draft, &id, channel, words(many));
    draft.done("burst")
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
