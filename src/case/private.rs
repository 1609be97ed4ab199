//! A reply for the customer alone, though his post is public: where the network can do that, and
//! only because an agent said so; and back. A private post is never answered in public.

use super::card;
use super::draft::Draft;
use super::effect::{Button, Style};
use super::gate::on_purpose;
use super::model::{Audience, Case, Heard, ReplyLine, Target, Wake};
use super::reply::{parts, tell};

/// Why a second private answer does not go.
pub const SPENT: &str = "the network takes one private answer to a post, and it was given";

/// Why it is not made private, or does not go as it was.
pub const TOO_LONG: &str = "it is too long for one private answer";

/// The post that this answers.
fn heard<'c>(case: &'c Case, target: &Target) -> Option<&'c Heard> {
    case.recent.iter().find(|heard| heard.line == target.line)
}

/// The target is for nobody whom the words were not meant for.
pub(super) fn narrow(target: &mut Target, audience: Audience) {
    let public = target.audience > Audience::Direct;
    target.audience = target.audience.min(audience);
    target.private_reply = public && target.audience == Audience::Direct;
}

/// Has this post its one private answer, or is another one on its way?
pub(super) fn is_spent(draft: &Draft<'_>, case: &Case, seq: u32, target: &Target) -> bool {
    if !target.private_reply || !draft.abilities(&target.account).is_private_once() {
        return false;
    }
    let same = |other: &ReplyLine| other.target.private_reply && other.target.post == target.post;
    let mut others = case.sending.iter().filter(|sending| **sending != seq);
    heard(case, target).is_some_and(|heard| heard.private_reply)
        || others.any(|other| draft.reply(case.no, *other).is_some_and(same))
}

/// Are these more parts than the one private answer that the network takes?
pub(super) fn is_too_long(draft: &Draft<'_>, target: &Target, parts: usize) -> bool {
    parts > 1 && target.private_reply && draft.abilities(&target.account).is_private_once()
}

/// Its author has, or may have, this private answer.
pub(super) fn given(case: &mut Case, target: &Target) {
    let heard = case.recent.iter_mut().find(|heard| heard.line == target.line);
    if let Some(heard) = heard.filter(|_| target.private_reply) {
        heard.private_reply = true;
    }
}

/// The button that makes a waiting reply private, or public again, where that can be done.
pub(super) fn button(
    draft: &Draft<'_>,
    case: &Case,
    seq: u32,
    reply: &ReplyLine,
) -> Option<Button> {
    let (label, verb) = match reply.target.private_reply {
        true => ("Public", "public"),
        false => ("Private", "private"),
    };
    other(draft, case, seq, &reply.target).ok()?;
    Some(card::button(label, format!("{verb} {} {seq}", case.no), Style::Plain))
}

/// The target as it would be the other way round.
fn other(
    draft: &Draft<'_>,
    case: &Case,
    seq: u32,
    target: &Target,
) -> Result<Target, &'static str> {
    let abilities = draft.abilities(&target.account);
    let heard = heard(case, target).ok_or("the post it answers is not at hand any more")?;
    let mut other = target.clone();
    other.private_reply = !target.private_reply;
    if target.private_reply {
        other.audience = heard.audience;
        return Ok(other);
    }
    if heard.audience == Audience::Direct {
        return Err("the customer wrote privately, and so is the answer");
    }
    if !abilities.private {
        return Err("this network knows no private answer to a public post");
    }
    other.audience = Audience::Direct;
    if is_spent(draft, case, seq, &other) {
        return Err(SPENT);
    }
    match abilities.until_private(target.written).is_some_and(|until| until <= draft.at) {
        true => Err("the time in which the network takes a private answer is over"),
        false => Ok(other),
    }
}

/// Makes a reply that waits private, or as public as the post it answers. It waits anew, so that
/// its author sees what became of it.
///
/// # Errors
/// Why not, as the end of a sentence.
pub fn switch(
    draft: &mut Draft<'_>,
    case: &mut Case,
    seq: u32,
    private: bool,
) -> Result<(), &'static str> {
    let waiting = draft.reply(case.no, seq).filter(|_| case.held.contains(&seq));
    let reply = waiting.cloned().ok_or("it does not wait any more")?;
    if reply.target.private_reply == private {
        return Err(if private { "it is private already" } else { "it is not private" });
    }
    let target = other(draft, case, seq, &reply.target)?;
    let passed = on_purpose(case, &reply.text, reply.files.len()).map_err(|rule| rule.why())?;
    let count = parts(draft, case, &reply.by, &passed, &target).map_or(0, |parts| parts.len());
    if count == 0 || is_too_long(draft, &target, count) {
        return Err(TOO_LONG);
    }
    draft.change_reply(case.no, seq, |reply| reply.target = target);
    let again = draft.at + draft.policy.undo;
    let own = case.alarms.iter_mut().filter(|alarm| alarm.what == Wake::Release(seq));
    own.for_each(|alarm| alarm.at = alarm.at.max(again));
    tell(draft, case, seq, count);
    Ok(())
}
