//! What had arrived is given other words, or deleted, where the network lets us.
//!
//! The post is changed in place; nothing is posted anew. The line in the thread says what became of
//! it, whatever that is.

use super::draft::{Draft, note};
use super::effect::{Act, Change, Reply, State, Tone};
use super::gate::on_purpose;
use super::id::PostId;
use super::model::{Case, ReplyLine, ReplyState};
use super::reply::{parts, tell};
use super::rich::Rich;

/// Gives a post that arrived other words.
///
/// # Errors
/// Why not, as a sentence for whoever asked.
pub fn rewrite(
    draft: &mut Draft<'_>,
    case: &mut Case,
    seq: u32,
    words: &str,
) -> Result<(), String> {
    let (reply, post) = arrived(draft, case, seq)?;
    if !draft.abilities(&reply.target.account).rewrites {
        return Err("This network does not let a post be changed. Nothing was done.".into());
    }
    if !reply.files.is_empty() {
        return Err("A post with files cannot be changed from here. Nothing was done.".into());
    }
    let passed = on_purpose(case, words, 0).map_err(|rule| format!("{}.", rule.why()))?;
    let mut parts = parts(draft, case, &reply.by, &passed, &reply.target).unwrap_or_default();
    let text = parts.pop().filter(|_| parts.is_empty());
    let text = text.ok_or("It must fit into one post, as before. Nothing was done.")?;
    let words = passed.as_str().to_owned();
    let change = Some(Change::Edit { post, words });
    let out =
        Reply { target: reply.target, after: None, text, files: Vec::new(), part: (1, 1), change };
    draft.outward(case, seq, out);
    Ok(())
}

/// Deletes a post that arrived.
///
/// # Errors
/// Why not, as a sentence for whoever asked.
pub fn remove(draft: &mut Draft<'_>, case: &mut Case, seq: u32) -> Result<(), String> {
    let (reply, post) = arrived(draft, case, seq)?;
    if !draft.abilities(&reply.target.account).deletes {
        return Err("This network does not let a post be deleted. Nothing was done.".into());
    }
    let text = match draft.delivery(&reply.parts[0]).map(|delivery| &delivery.act) {
        Some(Act::Network(sent)) => sent.text.clone(),
        _ => return Err("What was sent is no longer known. Nothing was done.".into()),
    };
    let change = Some(Change::Delete { post });
    let out =
        Reply { target: reply.target, after: None, text, files: Vec::new(), part: (1, 1), change };
    draft.outward(case, seq, out);
    Ok(())
}

/// A reply of one part that arrived, and its post.
fn arrived(draft: &Draft<'_>, case: &Case, seq: u32) -> Result<(ReplyLine, PostId), String> {
    let reply = draft.reply(case.no, seq).filter(|reply| reply.state == ReplyState::Sent);
    let reply = reply.ok_or("Only what was sent can be changed there. Nothing was done.")?;
    let [part] = reply.parts.as_slice() else {
        return Err("An answer of several posts cannot be changed as one. Nothing was done.".into());
    };
    match draft.delivery(part).map(|delivery| &delivery.state) {
        Some(State::Done(receipt)) => Ok((reply.clone(), PostId::new(&receipt.remote))),
        _ => Err("It is not known where it stands. Nothing was done.".into()),
    }
}

/// The change arrived.
pub fn done(draft: &mut Draft<'_>, case: &mut Case, seq: u32, change: &Change) {
    draft.change_reply(case.no, seq, |reply| match change {
        Change::Edit { words, .. } => {
            reply.text.clone_from(words);
            reply.edits += 1;
        }
        Change::Delete { .. } => reply.state = ReplyState::Removed,
    });
    tell(draft, case, seq, 0);
}

/// It did not, or nobody knows.
pub fn failed(draft: &mut Draft<'_>, case: &mut Case, change: &Change, why: &str) {
    let what = match change {
        Change::Edit { .. } => "changed",
        Change::Delete { .. } => "deleted",
    };
    let words = format!("✗ What was sent could not be {what} there: {why}.");
    draft.post(case, None, note(Tone::Warning, Rich::of(words), Vec::new()));
}
