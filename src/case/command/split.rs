//! `split`: the customer's newest post is another matter; it gets a case of its own, and this one
//! is closed.

use super::{Action, Turn, Verb, asker, close};
use crate::case::card::customer_note;
use crate::case::decide::mentioned;
use crate::case::draft::Draft;
use crate::case::effect::Face;
use crate::case::id::CaseNo;
use crate::case::model::{Body, Case};
use crate::case::record::{Key, Record};

/// See the module.
pub static VERB: Verb = Verb {
    name: "split",
    usage: "split",
    summary: "The newest post is another matter: it opens a new case, this one is closed.",
    example: "split #42",
    action: Action::Sort,
    ..Verb::plain(run)
};

fn run(turn: Turn<'_, '_>) {
    let Some(case) = turn.case else { return };
    let draft = turn.draft;
    let newest = case.recent.iter().rev().find(|heard| !heard.withdrawn).map(|heard| heard.line);
    let Some(line) = newest.filter(|line| *line > 0) else {
        return draft.say("There is nothing to split: this case began with the newest post.");
    };
    if draft.newest_of_contact(&case).is_some_and(|newest| newest != case.no) {
        return draft.say("This customer has a newer case; please go on there.");
    }
    let Some((mention, _, _)) = draft.mention(case.no, line) else { return };
    let mention = mention.clone();
    let key = Key::Contact(case.contact.clone());
    let Some(Record::Contact(contact)) = draft.get(&key) else { return };
    let mut contact = contact.clone();
    let cause = format!("what came last is {} now", draft.spare);
    let Some(mut case) = close::close(draft, case, asker(turn.request), &cause) else { return };
    show_moved(draft, &mut case, line);
    case.recent.retain(|heard| heard.line != line);
    let Some(no) = mentioned::open(draft, &mention, Some(&case), &contact, None) else { return };
    contact.cases += 1;
    contact.newest = Some(no);
    draft.write(key, Record::Contact(contact));
    draft.say(format!("It is {no} now."));
    draft.put_case(case);
    draft.out.did = "split";
}

/// The post in the old thread says where it went.
fn show_moved(draft: &mut Draft<'_>, case: &mut Case, line: u32) {
    let to: CaseNo = draft.spare;
    let Some((mention, shown, edits)) = draft.mention(case.no, line) else { return };
    let (mut shown, mut note) = (shown.clone(), customer_note(mention, edits, false));
    note.words = note.words.say(format!(" · goes on in {to}"));
    draft.amend(case, Some(line), &mut shown, Face::Note(Box::new(note)));
    draft.change_line(case.no, line, |body| {
        if let Body::Mention { shown: old, .. } = body {
            *old = shown;
        }
    });
}
