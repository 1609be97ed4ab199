//! The morning's digest was put together: the leads are called to it.

use super::unreadable::tell_with;
use crate::case::draft::Draft;
use crate::case::effect::Tone;
use crate::case::record::Decision;
use crate::case::rich::{Piece, Rich};

pub fn decide(mut draft: Draft<'_>, words: &Rich) -> Decision {
    let policy = draft.policy;
    let ops = policy.ops.as_ref().or_else(|| policy.routes.values().next());
    let Some(channel) = policy.alerts.channel.as_ref().or(ops).cloned() else {
        return draft.done("no_route");
    };
    let leads = policy.leads(&channel.desk).into_iter();
    let words =
        leads.fold(words.clone().line(), |words, lead| words.and(Piece::Call(lead)).say(" "));
    let id = format!("m{}.{}", draft.at.0, draft.spare.0);
    tell_with(&mut draft, &id, channel, crate::case::draft::note(Tone::Status, words, Vec::new()));
    draft.done("digest")
}
