//! The life of a reply: captured, held, asked about, released, told.
//!
//! The target is frozen when the words are captured: the newest post of the customer that stood in
//! the thread before. Whether it may still go is asked again at release, never what it answers.

use super::ability::Limit;
use super::alert;
use super::card::refresh;
use super::draft::Draft;
use super::effect::{Face, Reply, State};
use super::event::File;
use super::gate::{Passed, PublicText, Rule, holds_secret, on_purpose};
use super::id::{DeliveryId, MessageId};
use super::limits;
use super::model::{
    Agent, Alarm, Ask, Body, Case, Heard, ReplyLine, ReplyState, Status, Target, Wake,
};
use super::private;
use super::rich::Rich;
use super::role::Role;
use super::terms::{assist, is_over, price};
use super::text::Frame;
use super::time::Timestamp;
use super::told::told;

/// Words on their way to being a reply.
pub struct Words {
    /// What passed the gate.
    pub passed: Passed,
    /// Who wrote them.
    pub by: Agent,
    /// The message, if it was one.
    pub source: Option<MessageId>,
    /// Files that go with them.
    pub files: Vec<File>,
    /// When they were written, by the desk's clock: what stood in the thread before can be their
    /// target.
    pub written: Timestamp,
    /// When they shall go, if not after the undo time.
    pub not_before: Option<Timestamp>,
}

/// Captures words as a reply: freezes the target, holds it for the undo time or asks.
///
/// # Errors
/// The rule that keeps the words inside after all; nothing was changed then.
pub fn capture(draft: &mut Draft<'_>, case: &mut Case, words: Words) -> Result<u32, Rule> {
    let heard = target(case, words.written).ok_or(Rule::NoTarget)?.clone();
    let target = freeze(case, &heard);
    if heard.no_reply || !draft.abilities(&case.account).replies {
        return Err(assist(draft, case, &words.passed, &target));
    }
    if is_over(draft, &target) {
        return Err(Rule::Over);
    }
    if case.unasked && is_approached(case) {
        return Err(Rule::Once);
    }
    if words.passed.is_long() {
        return Err(Rule::TooLong);
    }
    if case.held.len() >= limits::HELD || words.files.len() > limits::MEDIA {
        return Err(Rule::TooMany);
    }
    let parts = parts(draft, case, &words.by, &words.passed, &target).ok_or(Rule::TooLong)?;
    let dear = || price(draft, case, &parts).map(Ask::Price);
    let ask = ask_at_capture(draft, &words, case, &heard).or_else(dear);
    let seq = case.lines;
    let reply = ReplyLine {
        by: words.by,
        text: words.passed.as_str().to_owned(),
        source: words.source,
        files: words.files,
        target,
        state: ask.map_or(ReplyState::Held, ReplyState::Asking),
        parts: Vec::new(),
        arrived: 0,
        url: None,
        told: None,
        saw: seq,
        edits: 0,
    };
    draft.add_line(case, words.written, Body::Reply(Box::new(reply)));
    case.held.push(seq);
    let at = words.not_before.unwrap_or(draft.at + draft.policy.undo);
    if ask.is_none() && at <= draft.at {
        release(draft, case, seq, false);
        return Ok(seq);
    }
    if ask.is_none() {
        case.alarms.push(Alarm { at, what: Wake::Release(seq) });
    }
    tell(draft, case, seq, parts.len());
    Ok(seq)
}

/// Somebody who did not write to us is answered once, until he does.
fn is_approached(case: &Case) -> bool {
    let begun = !case.held.is_empty() || !case.sending.is_empty();
    begun || case.answered.is_some() || case.unknown.is_some()
}

/// The newest post of the customer that stood in the thread before this instant. A post whose
/// receipt is not in yet did not stand there for anybody. What was addressed to us comes before
/// what was only overheard.
fn target(case: &Case, written: Timestamp) -> Option<&Heard> {
    let stood = |h: &&Heard| h.shown.is_some_and(|shown| shown <= written);
    let standing = case.recent.iter().rev().filter(stood);
    let there = || standing.clone().filter(|h| !h.withdrawn);
    let addressed = there().find(|h| !h.overheard);
    addressed.or_else(|| there().next()).or_else(|| standing.clone().next())
}

fn freeze(case: &Case, heard: &Heard) -> Target {
    Target {
        account: case.account.clone(),
        post: heard.post.clone(),
        line: heard.line,
        contact: case.contact.clone(),
        handle: case.handle.clone(),
        audience: heard.audience,
        warning: heard.warning.clone(),
        written: heard.written,
        private_reply: false,
    }
}

fn ask_at_capture(draft: &Draft<'_>, words: &Words, case: &Case, heard: &Heard) -> Option<Ask> {
    if heard.withdrawn {
        return Some(Ask::PostGone);
    }
    if draft.policy.role(&words.by.id) == Role::Learner {
        return Some(Ask::Approval);
    }
    if let Some(ask) = asks_for(words.passed.as_str(), &words.files) {
        return Some(ask);
    }
    if case.unasked {
        return Some(Ask::Unasked);
    }
    if draft.at.since(words.written) > draft.policy.stale {
        return Some(Ask::Old);
    }
    newer(case, heard).map(|_| Ask::WroteAgain)
}

/// What in the words and files themselves asks for a press.
#[must_use]
pub fn asks_for(text: &str, files: &[File]) -> Option<Ask> {
    if files.is_empty() { holds_secret(text).then_some(Ask::Secret) } else { Some(Ask::Files) }
}

/// A post of the customer that came after this one and still stands.
fn newer<'c>(case: &'c Case, heard: &Heard) -> Option<&'c Heard> {
    case.recent.iter().find(|h| h.line > heard.line && h.waits())
}

/// The parts, complete, as this account's network takes them.
pub(super) fn parts(
    draft: &Draft<'_>,
    case: &Case,
    by: &Agent,
    passed: &Passed,
    target: &Target,
) -> Option<Vec<PublicText>> {
    let signature = draft.policy.signed(by, &target.account);
    let passed = passed.clone().signed(case, signature.as_deref());
    let abilities = draft.abilities(&target.account);
    let front = match abilities.names_customer {
        true => format!("@{} ", target.handle.raw()),
        false => String::new(),
    };
    let Limit { limit, count } = abilities.limit_for(target.audience);
    // A content warning counts against the same limit (Mastodon documentation, `Status`).
    let warning = target.warning.as_ref().map_or(0, |w| super::text::count(w.raw(), count));
    let limit = limit.saturating_sub(warning);
    passed.parts(Frame { front: &front, limit, how: count }, limits::PARTS)
}

/// What the customer would see of these words, part by part, with the length of each.
#[must_use]
pub fn seen_as(
    draft: &Draft<'_>,
    case: &Case,
    by: &Agent,
    passed: &Passed,
) -> Option<Vec<(String, usize)>> {
    let target = freeze(case, target(case, draft.at)?);
    let how = draft.abilities(&case.account).limit_for(target.audience).count;
    let parts = parts(draft, case, by, passed, &target)?;
    let seen =
        |text: &PublicText| (text.as_str().to_owned(), super::text::count(text.as_str(), how));
    Some(parts.iter().map(seen).collect())
}

/// Why this reply may not simply go now.
fn objection(case: &Case, reply: &ReplyLine, written: Timestamp) -> Option<Ask> {
    let target = case.recent.iter().find(|h| h.line == reply.target.line);
    if target.is_none_or(|h| h.withdrawn) {
        return Some(Ask::PostGone);
    }
    let edited = target.and_then(|h| h.edited).is_some_and(|edited| edited > written);
    if case.recent.iter().any(|h| h.line > reply.target.line && h.waits()) {
        return Some(Ask::WroteAgain);
    }
    if edited {
        return Some(Ask::PostChanged);
    }
    case.answered.is_some_and(|line| line > reply.saw).then_some(Ask::AnsweredAlready)
}

/// Whoever presses has seen what stood there when he was asked; what came since asks again.
fn nothing_newer(case: &Case, reply: &ReplyLine) -> bool {
    let wrote = case.recent.iter().any(|h| h.line > reply.saw && h.waits());
    !wrote && case.answered.is_none_or(|line| line <= reply.saw)
}

/// Who may let a waiting reply go: its author, or for a learner's anybody else who is none.
#[must_use]
pub fn may_send(draft: &Draft<'_>, reply: &ReplyLine, who: &super::id::AgentId) -> bool {
    match reply.state {
        ReplyState::Asking(Ask::Approval) => {
            !draft.policy.same(&reply.by.id, who) && draft.policy.role(who) != Role::Learner
        }
        _ => draft.policy.same(&reply.by.id, who),
    }
}

/// Who may change a reply: its author, or a lead.
#[must_use]
pub fn may_edit(draft: &Draft<'_>, reply: &ReplyLine, who: &super::id::AgentId) -> bool {
    draft.policy.same(&reply.by.id, who) || draft.policy.role(who) >= Role::Lead
}

/// Lets a held reply go, or asks if something happened since. `anyway` skips the question: an agent
/// has read it and pressed.
pub fn release(draft: &mut Draft<'_>, case: &mut Case, seq: u32, anyway: bool) {
    let Some(line) = draft.line(case.no, seq).cloned() else { return };
    let Body::Reply(mut reply) = line.body else { return };
    case.alarms.retain(|alarm| alarm.what != Wake::Release(seq));
    if !matches!(reply.state, ReplyState::Held | ReplyState::Asking(_)) {
        return;
    }
    let objection = objection(case, &reply, line.at);
    if let Some(ask) = unwarned(draft, case, &reply) {
        return ask_first(draft, case, seq, ask);
    }
    let anyway = anyway && nothing_newer(case, &reply);
    if objection == Some(Ask::PostGone) && anyway {
        let Some(heard) = case.recent.iter().rev().find(|h| !h.withdrawn && h.shown.is_some())
        else {
            return fail(draft, case, seq, "there is no post of the customer left to answer");
        };
        // The words were meant for so many people and no more.
        let audience = reply.target.audience;
        reply.target = freeze(case, heard);
        private::narrow(&mut reply.target, audience);
    }
    if let Some(ask) = objection.filter(|_| !anyway) {
        return ask_first(draft, case, seq, ask);
    }
    send(draft, case, seq, *reply);
}

fn ask_first(draft: &mut Draft<'_>, case: &mut Case, seq: u32, ask: Ask) {
    let newest = case.lines.saturating_sub(1);
    draft.change_reply(case.no, seq, |reply| {
        reply.state = ReplyState::Asking(ask);
        reply.saw = newest;
    });
    tell(draft, case, seq, 0);
}

/// What has to be asked about money before this goes, if it was not asked yet: a link may have come
/// into the words by an edit, or another question may have been asked first.
fn unwarned(draft: &Draft<'_>, case: &Case, reply: &ReplyLine) -> Option<Ask> {
    let asked = matches!(reply.state, ReplyState::Asking(Ask::Price(_)));
    let passed = on_purpose(case, &reply.text, reply.files.len()).ok().filter(|_| !asked)?;
    let parts = parts(draft, case, &reply.by, &passed, &reply.target)?;
    price(draft, case, &parts).map(Ask::Price)
}

fn send(draft: &mut Draft<'_>, case: &mut Case, seq: u32, mut reply: ReplyLine) {
    let passed = on_purpose(case, &reply.text, reply.files.len());
    let parts =
        passed.ok().and_then(|passed| parts(draft, case, &reply.by, &passed, &reply.target));
    let Some(parts) = parts else {
        return fail(draft, case, seq, "it is too long for one answer, or the case is closed");
    };
    if is_over(draft, &reply.target) {
        return fail(draft, case, seq, Rule::Over.why());
    }
    if private::is_too_long(draft, &reply.target, parts.len()) {
        return fail(draft, case, seq, private::TOO_LONG);
    }
    if private::is_spent(draft, case, seq, &reply.target) {
        return fail(draft, case, seq, private::SPENT);
    }
    if draft.policy.dry_run {
        return fail(draft, case, seq, "careline runs with --dry-run and sends nothing");
    }
    let of = u8::try_from(parts.len()).unwrap_or(u8::MAX);
    let mut after: Option<DeliveryId> = None;
    for (n, text) in (1..).zip(parts) {
        let files = if n == 1 { reply.files.clone() } else { Vec::new() };
        let part =
            Reply { target: reply.target.clone(), after, text, files, part: (n, of), change: None };
        let id = draft.outward(case, seq, part);
        reply.parts.push(id.clone());
        after = Some(id);
    }
    reply.state = ReplyState::Sending;
    case.held.retain(|held| *held != seq);
    case.sending.push(seq);
    draft.change_reply(case.no, seq, |old| *old = reply);
}

/// Takes a reply back that has not left. Says whether it could.
pub fn withdraw(draft: &mut Draft<'_>, case: &mut Case, seq: u32) -> bool {
    if !case.held.contains(&seq) {
        return false;
    }
    case.held.retain(|held| *held != seq);
    case.alarms.retain(|alarm| alarm.what != Wake::Release(seq));
    draft.change_reply(case.no, seq, |reply| reply.state = ReplyState::Withdrawn);
    tell(draft, case, seq, 0);
    true
}

/// Ends a reply as not sent, in the thread's sight.
pub fn fail(draft: &mut Draft<'_>, case: &mut Case, seq: u32, why: &str) {
    finish(draft, case, seq, ReplyState::Failed(why.to_owned()));
}

/// Ends a reply with this state and tells the thread.
pub fn finish(draft: &mut Draft<'_>, case: &mut Case, seq: u32, state: ReplyState) {
    case.held.retain(|held| *held != seq);
    case.sending.retain(|sending| *sending != seq);
    case.alarms.retain(|alarm| alarm.what != Wake::Release(seq));
    let reply = draft.reply(case.no, seq).cloned();
    if let Some(reply) = reply {
        reply.parts.iter().for_each(|id| drop_waiting(draft, id));
        if matches!(state, ReplyState::Unknown(_)) {
            private::given(case, &reply.target);
        }
    }
    draft.change_reply(case.no, seq, |reply| reply.state = state);
    tell(draft, case, seq, 0);
}

fn drop_waiting(draft: &mut Draft<'_>, id: &DeliveryId) {
    let waiting = |d: &&super::effect::Delivery| matches!(d.state, State::Waiting { .. });
    if let Some(mut delivery) = draft.delivery(id).filter(waiting).cloned() {
        delivery.state = State::Dropped;
        draft.put_delivery(delivery);
    }
}

/// Shows in the thread how far a reply has come: posts the line the first time, then changes it.
pub fn tell(draft: &mut Draft<'_>, case: &mut Case, seq: u32, parts: usize) {
    let Some(reply) = draft.reply(case.no, seq).cloned() else { return };
    let goes = case.alarms.iter().find(|alarm| alarm.what == Wake::Release(seq));
    let goes = goes.map_or(draft.at, |alarm| alarm.at);
    let note = told(draft, case, seq, &reply, parts, goes);
    let shown = match reply.told {
        Some(mut shown) => {
            draft.amend(case, Some(seq), &mut shown, Face::Note(Box::new(note)));
            shown
        }
        None => draft.post(case, Some(seq), note),
    };
    draft.change_reply(case.no, seq, |reply| reply.told = Some(shown));
}

/// A part arrived, or all of them: brings reply, case and thread up to date.
pub fn arrived(draft: &mut Draft<'_>, case: &mut Case, seq: u32, url: Option<String>) {
    draft.change_reply(case.no, seq, |reply| {
        reply.arrived += 1;
        reply.url = reply.url.take().or(url);
    });
    let Some(reply) = draft.reply(case.no, seq) else { return };
    if (reply.arrived as usize) < reply.parts.len() || reply.state == ReplyState::Sent {
        return;
    }
    let (target, source) = (reply.target.line, reply.source.clone());
    private::given(case, &reply.target);
    draft.change_reply(case.no, seq, |reply| reply.state = ReplyState::Sent);
    case.sending.retain(|sending| *sending != seq);
    answered(draft, case, target, seq);
    tell(draft, case, seq, 0);
    if let Some(message) = source {
        let mark = super::effect::Mark::Sent;
        draft.notice(case, Some(seq), super::effect::Notice::Mark { message, mark });
    }
    refresh(draft, case);
}

/// The customer's words up to this line have their answer.
pub fn answered(draft: &mut Draft<'_>, case: &mut Case, up_to: u32, by_line: u32) {
    case.answered = Some(case.answered.map_or(by_line, |line| line.max(by_line)));
    let open = case.recent.iter().find(|h| h.line > up_to && h.waits());
    case.waits = open.map(|h| h.written);
    if case.status == Status::Open && case.waits.is_none() {
        case.status = Status::Answered;
        alert::over(draft, case, Rich::of("Answered."));
    }
}
