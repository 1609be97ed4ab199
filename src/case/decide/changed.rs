//! The customer changed a post, or took it back. What stands in the thread follows; what waits to
//! be sent asks again at its release.

use super::mentioned;
use crate::case::card::{customer_note, refresh};
use crate::case::draft::Draft;
use crate::case::effect::{Face, Tone};
use crate::case::event::Mention;
use crate::case::id::{AccountId, CaseNo, PostId};
use crate::case::model::{Body, Case};
use crate::case::record::{Decision, Key, Record};
use crate::case::rich::{Rich, Theirs};

/// An edit of a post nobody has seen is a mention: it may have been the edit that addressed us.
pub fn changed(mut draft: Draft<'_>, mention: &Mention) -> Decision {
    let key = Key::Post(mention.contact.account.clone(), mention.post.clone());
    let Some(Record::Post(no, seq)) = draft.get(&key).cloned() else {
        return mentioned::decide(draft, mention);
    };
    let Some((mut case, old)) = standing(&draft, no, seq) else { return draft.done("known") };
    if old.contact != mention.contact {
        return draft.done("not_its_author");
    }
    let mention = &mentioned::bounded(mention);
    let same =
        old.text == mention.text && old.warning == mention.warning && old.media == mention.media;
    if same {
        return draft.done("unchanged");
    }
    let at = draft.at;
    draft.change_line(no, seq, |body| {
        if let Body::Mention { mention: old, edits, .. } = body {
            old.text = mention.text.clone();
            old.warning = mention.warning.clone();
            old.media.clone_from(&mention.media);
            *edits += 1;
        }
    });
    if let Some(heard) = case.recent.iter_mut().find(|h| h.line == seq) {
        heard.edited = Some(at);
    }
    show(&mut draft, &mut case, seq, false);
    if seq == 0 {
        let words =
            Rich::of("The customer changed the first post; the card shows it as it is now.");
        draft.tell(&mut case, Tone::Status, words);
    }
    draft.done_with(case, "changed")
}

/// The words of a post that its author took back are not kept.
pub fn withdrawn(mut draft: Draft<'_>, account: &AccountId, post: &PostId) -> Decision {
    let key = Key::Post(account.clone(), post.clone());
    let Some(Record::Post(no, seq)) = draft.get(&key).cloned() else {
        return draft.done("unknown");
    };
    let Some((mut case, _)) = standing(&draft, no, seq) else { return draft.done("unknown") };
    let gone = case.recent.iter().any(|h| h.line == seq && h.withdrawn);
    if gone {
        return draft.done("known");
    }
    draft.change_line(no, seq, |body| {
        if let Body::Mention { mention, .. } = body {
            mention.text = Theirs::new("");
            mention.warning = None;
            mention.media.clear();
        }
    });
    if let Some(heard) = case.recent.iter_mut().find(|h| h.line == seq) {
        heard.withdrawn = true;
        heard.warning = None;
    }
    show(&mut draft, &mut case, seq, true);
    if seq == 0 {
        draft.tell(&mut case, Tone::Status, Rich::of("The customer deleted the first post."));
    }
    draft.done_with(case, "withdrawn_by_customer")
}

fn standing(draft: &Draft<'_>, no: CaseNo, seq: u32) -> Option<(Case, Mention)> {
    let case = draft.found.case(no)?.clone();
    let (mention, _, _) = draft.mention(no, seq)?;
    Some((case, mention.clone()))
}

fn show(draft: &mut Draft<'_>, case: &mut Case, seq: u32, withdrawn: bool) {
    if seq == 0 {
        return refresh(draft, case);
    }
    let Some((mention, shown, edits)) = draft.mention(case.no, seq) else { return };
    let face = Face::Note(Box::new(customer_note(mention, edits, withdrawn)));
    let mut shown = shown.clone();
    draft.amend(case, Some(seq), &mut shown, face);
    draft.change_line(case.no, seq, |body| {
        if let Body::Mention { shown: old, .. } = body {
            *old = shown;
        }
    });
}
