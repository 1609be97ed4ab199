//! `tag WORD…`: names what a case is about; `-WORD` takes a name away.

use super::{Action, Field, Kind, Turn, Verb};
use crate::case::card::refresh;
use crate::case::text::cut;

/// See the module.
pub static VERB: Verb = Verb {
    name: "tag",
    usage: "tag WORD … [-WORD …]",
    summary: "Names what the case is about; `-word` takes a name away.",
    example: "tag #42 refund vip -delivery",
    fields: &[Field::needed("words", "Names, with a - in front to take one away", Kind::Text)],
    action: Action::Sort,
    ..Verb::plain(run)
};

/// More names than this name nothing.
const MOST: usize = 12;

fn run(turn: Turn<'_, '_>) {
    let Some(mut case) = turn.case else { return };
    let draft = turn.draft;
    let words = turn.rest.split(|c: char| c.is_whitespace() || c == ',').filter(|w| !w.is_empty());
    for word in words {
        let name = word.trim_start_matches(['-', '#']).to_lowercase();
        if name.is_empty() || !name.chars().all(|c| c.is_alphanumeric() || "-_.".contains(c)) {
            return draft.say("A tag is one word of letters and digits. Nothing was changed.");
        }
        let name = cut(&name, 40);
        case.tags.retain(|tag| *tag != name);
        if !word.starts_with('-') {
            case.tags.push(name);
        }
    }
    if case.tags.len() > MOST {
        return draft.say(format!("A case has at most {MOST} tags. Nothing was changed."));
    }
    case.tags.sort();
    let tags = if case.tags.is_empty() { "none".to_owned() } else { case.tags.join(", ") };
    draft.say(format!("Tags of {}: {tags}.", case.no));
    if turn.rest.is_empty() {
        return;
    }
    refresh(draft, &mut case);
    draft.put_case(case);
    draft.out.did = "tagged";
}
