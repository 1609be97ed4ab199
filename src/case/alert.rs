//! Complaints that get worse: when a case calls for somebody, whom it calls, and when it stops.
//!
//! Loudness is not need: followers play no part, and a quiet customer who waits climbs the ladder
//! like anybody else. One message shows the alert of a case; what comes later changes that message.

use super::card::button;
use super::draft::{Draft, note};
use super::effect::{Act, Delivery, Face, Note, Notice, State, Style, Tone};
use super::event::Mention;
use super::id::{AgentId, Bucket, ChannelId, Lane};
use super::model::{Alarm, Alert, Case, Shown, Status, Wake};
use super::policy::{Called, Rung};
use super::rich::{Piece, Rich};
use super::tone::Score;

/// Starts, restarts or stops the clock of a case that waits. To be called whenever that may have
/// changed.
pub fn arm(draft: &Draft<'_>, case: &mut Case) {
    let set = case.alarms.iter().any(|alarm| matches!(alarm.what, Wake::Patience(_)));
    if !counts(case) {
        case.alarms.retain(|alarm| !matches!(alarm.what, Wake::Patience(_)));
    } else if !set {
        let rung = case.alert.as_ref().map_or(0, |alert| alert.rung);
        push(draft, case, rung);
    }
}

/// Somebody took the case, or put it back: his own patience begins now.
pub fn rearm(draft: &Draft<'_>, case: &mut Case) {
    case.alarms.retain(|alarm| !matches!(alarm.what, Wake::Patience(_)));
    arm(draft, case);
}

fn counts(case: &Case) -> bool {
    case.status == Status::Open && case.waits.is_some() && case.snoozed.is_none()
}

fn push(draft: &Draft<'_>, case: &mut Case, rung: u32) {
    let Some(step) = draft.policy.alerts.ladder.get(rung as usize) else { return };
    let from = match (rung, &case.claimer) {
        (0, None) => case.waits.unwrap_or(draft.at),
        _ => draft.at,
    };
    let at = draft.policy.alerts.hours.after(from, step.patience).max(draft.at);
    case.alarms.push(Alarm { at, what: Wake::Patience(rung) });
}

/// The customer waited for a rung's patience: the rung is told, and the next one's clock starts.
pub fn waited(draft: &mut Draft<'_>, case: &mut Case, rung: u32) {
    if !counts(case) {
        return;
    }
    let Some(step) = draft.policy.alerts.ladder.get(rung as usize).cloned() else { return };
    raise(draft, case, format!("waits longer than {}", step.patience), Some((rung, &step)));
    push(draft, case, rung + 1);
}

/// What the customer's words and his writing again say.
pub fn read(draft: &mut Draft<'_>, case: &mut Case, mention: &Mention) {
    let policy = draft.policy;
    for rule in &policy.alerts.rules {
        if rule.pattern.is_in(mention.text.raw()) {
            raise(draft, case, rule.why.clone(), None);
        }
    }
    let since = case.answered.unwrap_or(0);
    let again = case.recent.iter().filter(|h| h.waits() && h.line >= since).count();
    let often = policy.alerts.again;
    if often > 0 && again >= often as usize {
        raise(draft, case, format!("wrote {often} times without an answer"), None);
    }
    // A score calls nobody; it only adds to what a rule, a clock or a person raised.
    if case.alert.is_some()
        && let Some(why) = case.score.as_ref().and_then(Score::reason)
    {
        raise(draft, case, why, None);
    }
}

/// Calls somebody. The same reason calls once; a new one changes the message.
pub fn raise(draft: &mut Draft<'_>, case: &mut Case, why: String, rung: Option<(u32, &Rung)>) {
    let mut alert = case.alert.take().unwrap_or_else(|| Alert {
        why: Vec::new(),
        rung: 0,
        since: draft.at,
        shown: None,
        taken: None,
    });
    let new = !alert.why.contains(&why);
    if new && alert.why.len() < super::limits::LINKED * 2 {
        alert.why.push(why);
    }
    let called = rung.map_or_else(Vec::new, |(_, step)| called(case, step));
    if let Some((rung, _)) = rung {
        alert.rung = rung + 1;
    }
    if new || rung.is_some() {
        alert.shown = Some(show(draft, case, &alert, &called));
    }
    case.alert = Some(alert);
}

fn called(case: &Case, rung: &Rung) -> Vec<AgentId> {
    match &rung.calls {
        Called::Claimer => case.claimer.iter().map(|agent| agent.id.clone()).collect(),
        Called::Channel => Vec::new(),
        Called::Agents(agents) => agents.clone(),
    }
}

/// A call makes a new message, since a changed one wakes nobody; anything else changes the old one.
fn show(draft: &mut Draft<'_>, case: &mut Case, alert: &Alert, called: &[AgentId]) -> Shown {
    let note = message(draft, case, alert, called);
    match alert.shown.clone() {
        Some(mut shown) if called.is_empty() => {
            let channel = channel(draft, case);
            amend(draft, case, &mut shown, note, &channel);
            shown
        }
        _ => {
            let channel = channel(draft, case);
            let notice = Notice::Tell { channel: channel.clone(), note: Box::new(note) };
            Shown { by: queue(draft, case, notice, &channel), amend: None }
        }
    }
}

fn channel(draft: &Draft<'_>, case: &Case) -> ChannelId {
    draft.policy.alerts.channel.clone().unwrap_or_else(|| case.channel.clone())
}

fn amend(draft: &mut Draft<'_>, case: &mut Case, shown: &mut Shown, note: Note, to: &ChannelId) {
    let of = shown.by.clone();
    let notice = Notice::Amend { of, to: Box::new(Face::Note(Box::new(note))) };
    shown.amend = Some(queue(draft, case, notice, to));
}

/// Alerts have a lane of their own: a thread that cannot be written to must not hold them.
fn queue(
    draft: &mut Draft<'_>,
    case: &mut Case,
    notice: Notice,
    channel: &ChannelId,
) -> super::id::DeliveryId {
    let (id, order) = draft.next_id(case);
    draft.put_delivery(Delivery {
        id: id.clone(),
        case: Some(case.no),
        line: None,
        lane: Lane::new(format!("a{}", case.no.0)),
        bucket: Bucket::new(format!("{}:{}", channel.desk, channel.channel)),
        urgent: true,
        order,
        ready: draft.at,
        act: Act::Desk(notice),
        state: State::Waiting { tried: 0 },
    });
    id
}

fn message(draft: &Draft<'_>, case: &Case, alert: &Alert, called: &[AgentId]) -> Note {
    let no = case.no;
    let mut words = Rich::of("🔔 ").strong(no.to_string()).say(" @").theirs(&case.handle).say(": ");
    words = words.say(alert.why.join("; "));
    if let Some(since) = case.waits {
        words = words.say(". Waits since ").when(since);
    }
    words = called
        .iter()
        .fold(words.say("."), |words, agent| words.say(" ").and(Piece::Call(agent.clone())));
    if let Some((mention, _, _)) = draft.mention(no, case.recent.last().map_or(0, |h| h.line)) {
        words = words.quote(&mention.text);
    }
    if let Some(agent) = &alert.taken {
        words = words.line().say("✓ ").agent(&agent.name).say(" takes it.");
        return note(Tone::Warning, words, Vec::new());
    }
    let buttons = vec![
        button("I take it", format!("claim {no}"), Style::Primary),
        button("Not urgent", format!("calm {no}"), Style::Plain),
        button("Snooze 2 h", format!("snooze {no} 2h"), Style::Plain),
    ];
    note(Tone::Warning, words, buttons)
}

/// Somebody sees to it: the message says who, and the ladder starts from its foot for him.
pub fn taken(draft: &mut Draft<'_>, case: &mut Case) {
    if let Some(mut alert) = case.alert.take() {
        alert.taken.clone_from(&case.claimer);
        alert.shown = Some(show(draft, case, &alert, &[]));
        case.alert = Some(alert);
    }
    rearm(draft, case);
}

/// The alert is over: answered, closed, snoozed or calmed. The message says which.
pub fn over(draft: &mut Draft<'_>, case: &mut Case, how: Rich) {
    case.alarms.retain(|alarm| !matches!(alarm.what, Wake::Patience(_)));
    let Some(alert) = case.alert.take() else { return };
    let Some(mut shown) = alert.shown else { return };
    let words = Rich::of("✓ ").strong(case.no.to_string()).say(" @").theirs(&case.handle);
    let words = words.say(format!(": {}. ", alert.why.join("; "))).then(how);
    let channel = channel(draft, case);
    amend(draft, case, &mut shown, note(Tone::Status, words, Vec::new()), &channel);
}
