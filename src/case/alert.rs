//! Complaints that get worse: when a case calls for somebody, whom it calls, and when it stops.
//!
//! Loudness is not need: followers play no part, and a quiet customer who waits climbs the ladder
//! like anybody else. One message shows the alert of a case; what comes later changes that message.
//!
//! Outside the opening hours only what is urgent, a person or a rung of the ladder (whose patience
//! counts opening hours only) calls; the rest is held for one list when the team is there again.
//! The same list ends an incident, under which calls are counted instead of sent.

use super::card::button;
use super::command::away;
use super::draft::{Draft, note};
use super::effect::{Act, Delivery, Face, Note, Notice, State, Style, Tone};
use super::event::Mention;
use super::id::{AgentId, Bucket, ChannelId, Lane};
use super::incident;
use super::limits;
use super::model::{Agent, Alarm, Alert, Case, Fired, Priority, Shown, Status, Wake};
use super::policy::{Called, Rung, Urgency};
use super::rich::{Piece, Rich};
use super::rules::AlertRule;
use super::time::Span;
use super::tone::Score;

/// Why somebody is called.
pub struct Cause {
    /// What found it, for the log and `report rules`: a rule's name or one of [`BUILT_IN`].
    pub rule: String,
    /// In words, for people.
    pub why: String,
    /// How much it matters.
    pub urgency: Urgency,
}

/// Names of what calls besides the operator's rules; no rule may take one of them.
pub const BUILT_IN: [&str; 4] = [WAITED, AGAIN, PROMISE, PERSON];
const WAITED: &str = "waited";
const AGAIN: &str = "again";
const PROMISE: &str = "promise";
const PERSON: &str = "person";

impl Cause {
    fn new(rule: &str, why: String) -> Self {
        Self { rule: rule.to_owned(), why, urgency: Urgency::Normal }
    }

    fn rule(rule: &AlertRule) -> Self {
        Self { urgency: rule.urgency, ..Self::new(&rule.name, rule.why.clone()) }
    }

    /// A colleague says so: at any hour, as often as he likes.
    #[must_use]
    pub fn person(why: String) -> Self {
        Self { urgency: Urgency::Urgent, ..Self::new(PERSON, why) }
    }

    /// Something was promised for now, and the customer has no answer since.
    #[must_use]
    pub fn promise() -> Self {
        Self::new(PROMISE, "a promise is due and nobody has answered since".into())
    }
}

/// Starts, restarts or stops the clock of a case that waits. To be called whenever that may have
/// changed.
pub fn arm(draft: &Draft<'_>, case: &mut Case) {
    arm_solved(draft, case);
    let set = case.alarms.iter().any(|alarm| matches!(alarm.what, Wake::Patience(_)));
    if !counts(case) {
        case.alarms.retain(|alarm| !matches!(alarm.what, Wake::Patience(_)));
    } else if !set {
        push(draft, case);
    }
}

/// Somebody took the case, or put it back: his own patience begins now.
pub fn rearm(draft: &Draft<'_>, case: &mut Case) {
    case.alarms.retain(|alarm| !matches!(alarm.what, Wake::Patience(_)));
    arm(draft, case);
}

/// The clock for the end of the case runs from its beginning, whoever waits.
fn arm_solved(draft: &Draft<'_>, case: &mut Case) {
    let alerts = &draft.policy.alerts;
    let Some(solved) = alerts.promised(case).and_then(|promised| promised.solved) else { return };
    let at = alerts.hours.after(case.opened, solved);
    let set = case.alarms.iter().any(|alarm| alarm.what == Wake::Solved);
    if !set && at > draft.at && case.status != Status::Closed {
        case.alarms.push(Alarm { at, what: Wake::Solved });
    }
}

/// The case was promised to be closed by now.
pub fn unsolved(draft: &mut Draft<'_>, case: &mut Case) {
    let promised = draft.policy.alerts.promised(case).and_then(|promised| promised.solved);
    if let Some(solved) = promised.filter(|_| case.status != Status::Closed) {
        let why = format!("a solution was promised within {solved}");
        raise(draft, case, Cause::new(PROMISE, why), None);
    }
}

/// How soon an answer is promised, as long as no rung was told in this wait, and what it is called.
fn answer_promised(draft: &Draft<'_>, case: &Case) -> Option<(Span, &'static str)> {
    let climbs = case.alert.as_ref().is_some_and(|alert| !alert.told.is_empty());
    let promised = draft.policy.alerts.promised(case).filter(|_| !climbs)?;
    match case.answered {
        None => promised.first.map(|span| (span, "the first answer")),
        Some(_) => promised.next.map(|span| (span, "the next answer")),
    }
}

fn counts(case: &Case) -> bool {
    case.status == Status::Open && case.waits.is_some() && case.snoozed.is_none()
}

/// The lowest rung that was not told in this wait and has somebody to tell: a case of nobody has no
/// claimer.
#[must_use]
pub fn next_rung<'p>(draft: &Draft<'p>, case: &Case) -> Option<(u32, &'p Rung)> {
    let told = |rung: u32| case.alert.as_ref().is_some_and(|alert| alert.told.contains(&rung));
    let somebody = |rung: &Rung| rung.calls != Called::Claimer || case.claimer.is_some();
    let ladder = (0..).zip(&draft.policy.alerts.ladder);
    ladder.into_iter().find(|(n, rung)| !told(*n) && somebody(rung))
}

fn push(draft: &Draft<'_>, case: &mut Case) {
    let Some((rung, step)) = next_rung(draft, case) else { return };
    let climbs = case.alert.as_ref().is_some_and(|alert| !alert.told.is_empty());
    let since = case.waits.unwrap_or(draft.at);
    let since = case.calmed.map_or(since, |calmed| since.max(calmed));
    let (free, hours) = (case.claimer.is_none(), &draft.policy.alerts.hours);
    let own = hours.after(if free && !climbs { since } else { draft.at }, step.patience);
    // A promise takes the place of the first rung's patience; who has just claimed keeps his.
    let at = match answer_promised(draft, case).map(|(span, _)| hours.after(since, span)) {
        Some(due) if free => due,
        Some(due) => due.max(own),
        None => own,
    };
    let at = at.max(draft.at);
    case.alarms.push(Alarm { at, what: Wake::Patience(rung) });
}

/// The customer waited for a rung's patience: the rung is told, and the next one's clock starts.
pub fn waited(draft: &mut Draft<'_>, case: &mut Case, rung: u32) {
    if !counts(case) {
        return;
    }
    let newest = case.recent.last().and_then(|heard| draft.mention(case.no, heard.line));
    if let Some(text) = newest.map(|(mention, _, _)| mention.text.raw().to_owned()) {
        incident::join(draft, case, &text);
    }
    // Meanwhile a person may have called this rung.
    if let Some((_, step)) = next_rung(draft, case).filter(|(next, _)| *next == rung) {
        let why = match answer_promised(draft, case) {
            Some((span, what)) => format!("{what} was promised within {span}"),
            None => format!("waits longer than {}", step.patience),
        };
        let cause = Cause::new(WAITED, why);
        raise(draft, case, cause, Some((rung, step)));
    }
    push(draft, case);
}

/// What the customer's words and his writing again say.
pub fn read(draft: &mut Draft<'_>, case: &mut Case, mention: &Mention) {
    let policy = draft.policy;
    incident::join(draft, case, mention.text.raw());
    for rule in policy.alerts.rules.finding(mention.text.raw()) {
        raise(draft, case, Cause::rule(rule), None);
    }
    let since = case.answered.unwrap_or(0);
    let again = case.recent.iter().filter(|h| h.waits() && h.line >= since).count();
    let often = policy.alerts.again;
    if often > 0 && again >= often as usize {
        let why = format!("wrote {often} times without an answer");
        raise(draft, case, Cause::new(AGAIN, why), None);
    }
    // A score calls nobody; it only adds to what a rule, a clock or a person raised.
    if let Some(held) = case.alert.as_ref().map(|alert| alert.held)
        && let Some(why) = case.score.as_ref().and_then(Score::reason)
    {
        show_if_new(draft, case, why, None, held);
    }
}

/// Calls somebody, with a rung of the ladder or without one. The same reason calls once; a new one
/// changes the message. One rule calls at most once in its period; rungs and people are not
/// counted.
pub fn raise(draft: &mut Draft<'_>, case: &mut Case, cause: Cause, rung: Option<(u32, &Rung)>) {
    let period = draft.policy.alerts.period;
    let lately = |fired: &Fired| fired.rule == cause.rule && draft.at.since(fired.at) < period;
    if rung.is_none() && cause.rule != PERSON && case.fired.iter().any(lately) {
        return;
    }
    fired(draft, case, &cause.rule);
    if cause.urgency > Urgency::Normal && case.priority == Priority::Normal {
        case.priority = Priority::High;
    }
    let urgent = cause.urgency == Urgency::Urgent;
    let muted = !urgent && incident::of(draft, case).is_some();
    case.muted += u32::from(muted);
    let open = urgent || rung.is_some() || draft.policy.alerts.hours.is_open(draft.at);
    let quiet = muted || !open;
    show_if_new(draft, case, cause.why, rung, quiet);
}

fn fired(draft: &mut Draft<'_>, case: &mut Case, rule: &str) {
    draft.out.fired.push(rule.to_owned());
    case.fired.retain(|fired| fired.rule != rule);
    case.fired.push(Fired { rule: rule.to_owned(), at: draft.at });
    let first = case.fired.len().saturating_sub(limits::HELD);
    case.fired.drain(..first);
}

/// In quiet hours an alert that nobody has seen is held; one that stands there is changed, which
/// wakes nobody.
fn show_if_new(
    draft: &mut Draft<'_>,
    case: &mut Case,
    why: String,
    rung: Option<(u32, &Rung)>,
    quiet: bool,
) {
    let mut alert = case.alert.take().unwrap_or_else(|| Alert::since(draft.at));
    let new = !alert.why.contains(&why);
    if new && alert.why.len() < limits::LINKED * 2 {
        alert.why.push(why);
    }
    alert.told.extend(rung.map(|(rung, _)| rung));
    let rung = rung.filter(|_| !quiet);
    let calls = rung.map_or_else(Calls::default, |(_, step)| called(draft, case, step));
    if quiet && alert.shown.is_none() {
        alert.held = true;
    } else if new || rung.is_some() {
        alert.held = false;
        alert.shown = Some(show(draft, case, &alert, &calls, rung.is_some()));
    }
    case.alert = Some(alert);
}

/// Whom a rung calls.
#[derive(Default)]
struct Calls {
    agents: Vec<AgentId>,
    /// Who would be called, and said that he is away.
    away: Vec<Agent>,
}

/// Who is away is not called. A call that nobody would get goes to all of them: only a claimer's
/// is seen by others, in the channel.
fn called(draft: &Draft<'_>, case: &Case, rung: &Rung) -> Calls {
    let all = named(draft, case, rung);
    let duty = away::duty(draft);
    let away = |id: &AgentId| duty.away(&draft.policy.key(id), draft.at).map(|away| &away.who);
    let here: Vec<_> = all.iter().filter(|id| away(id).is_none()).cloned().collect();
    let mut gone: Vec<Agent> = all.iter().filter_map(away).cloned().collect();
    gone.dedup();
    let nobody = here.is_empty() && rung.calls != Called::Claimer;
    Calls { agents: if nobody { all } else { here }, away: gone }
}

fn named(draft: &Draft<'_>, case: &Case, rung: &Rung) -> Vec<AgentId> {
    let desk = channel(draft, case).desk;
    match &rung.calls {
        Called::Claimer => case.claimer.iter().map(|agent| agent.id.clone()).collect(),
        Called::Channel => Vec::new(),
        Called::Agents(agents) => agents.clone(),
        Called::Leads => draft.policy.leads(&desk),
        Called::OnCall => draft.policy.on_call(&desk),
    }
}

/// The thread is there now: the message gets its way to it.
pub fn opened(draft: &mut Draft<'_>, case: &mut Case) {
    if let Some(mut alert) = case.alert.take() {
        if alert.shown.is_some() {
            alert.shown = Some(show(draft, case, &alert, &Calls::default(), false));
        }
        case.alert = Some(alert);
    }
}

/// A rung makes a new message, since a changed one wakes nobody; anything else changes the old one.
fn show(draft: &mut Draft<'_>, case: &mut Case, alert: &Alert, calls: &Calls, anew: bool) -> Shown {
    let note = message(draft, case, alert, calls);
    match alert.shown.clone() {
        Some(mut shown) if !anew => {
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

/// Where the alerts of a case are shown.
#[must_use]
pub fn channel(draft: &Draft<'_>, case: &Case) -> ChannelId {
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
        lane: Lane::of_alert(case.no),
        bucket: Bucket::new(format!("{}:{}", channel.desk, channel.channel)),
        urgent: true,
        order,
        ready: draft.at,
        act: Act::Desk(notice),
        state: State::Waiting { tried: 0 },
    });
    id
}

fn message(draft: &Draft<'_>, case: &Case, alert: &Alert, calls: &Calls) -> Note {
    let no = case.no;
    let mut words = Rich::of("🔔 ").strong(no.to_string()).say(" @").theirs(&case.handle).say(": ");
    words = words.say(alert.why.join("; "));
    if let Some(since) = case.waits {
        words = words.say(". Waits since ").when(since);
    }
    words = words.say(".");
    for agent in &calls.agents {
        words = words.say(" ").and(Piece::Call(agent.clone()));
    }
    for agent in &calls.away {
        words = words.say(" ").agent(&agent.name).say(" is away.");
    }
    if let Some(url) = thread_url(draft, case) {
        words = words.say(" ").link(&url, "Open thread");
    }
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

/// Where the case's thread can be read, where the desk told.
#[must_use]
pub fn thread_url(draft: &Draft<'_>, case: &Case) -> Option<String> {
    match &draft.delivery(&case.card.by)?.state {
        State::Done(receipt) => receipt.url.clone(),
        _ => None,
    }
}

/// Somebody sees to it: the message says who, and the ladder starts from its foot for him.
pub fn taken(draft: &mut Draft<'_>, case: &mut Case) {
    if let Some(mut alert) = case.alert.take() {
        alert.taken.clone_from(&case.claimer);
        if !alert.held {
            alert.shown = Some(show(draft, case, &alert, &Calls::default(), false));
        }
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
