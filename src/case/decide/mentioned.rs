//! A customer wrote: joins his open case, reopens the one just closed, or opens a new one.

use crate::case::alert;
use crate::case::card::{card, customer_note, refresh};
use crate::case::draft::Draft;
use crate::case::effect::{Notice, Tone};
use crate::case::event::Mention;
use crate::case::id::{CaseNo, ChannelId, DeliveryId};
use crate::case::likeness;
use crate::case::limits;
use crate::case::model::{Body, Case, Contact, Heard, Priority, Shown, Status};
use crate::case::pleasant::is_pleasantry;
use crate::case::record::{Decision, Key, Record};
use crate::case::rich::{Piece, Rich, Theirs};
use crate::case::text::{fit, weight};
use crate::case::time::{Span, Timestamp};

pub fn decide(mut draft: Draft<'_>, mention: &Mention) -> Decision {
    let account = &mention.contact.account;
    if let Some(Record::Post(no, line)) =
        draft.get(&Key::Post(account.clone(), mention.post.clone()))
    {
        let (no, line) = (*no, *line);
        return known(draft, mention, no, line);
    }
    if is_erased(&draft, mention) {
        return draft.done("erased");
    }
    let reach = mention.reach;
    let mention = &bounded(mention);
    let mut contact = contact(&draft, mention);
    contact.reach = reach.or(contact.reach);
    contact.wrote += u32::from(mention.overheard.is_none());
    let idle = idle(&draft, mention, &contact);
    let newest = contact.newest.and_then(|no| draft.found.case(no)).cloned();
    let (no, did) = match newest {
        Some(case) if idle.is_some() || goes_on(&draft, &case, mention) => {
            (case.no, join(&mut draft, case, mention, idle))
        }
        earlier => {
            contact.cases += 1;
            match open(&mut draft, mention, earlier.as_ref(), &contact, idle) {
                Some(no) => (no, "opened"),
                None => return draft.done("no_route"),
            }
        }
    };
    contact.newest = Some(no);
    draft.write(Key::Contact(contact.id.clone()), Record::Contact(Box::new(contact)));
    draft.done(did)
}

/// It stands there already. If it was only overheard and turns out to be addressed to us after all,
/// its author waits for an answer from now on.
fn known(mut draft: Draft<'_>, mention: &Mention, no: CaseNo, line: u32) -> Decision {
    let Some(mut case) = draft.found.case(no).cloned() else { return draft.done("known") };
    let heard = case.recent.iter_mut().find(|heard| heard.line == line && heard.overheard);
    let Some(heard) = heard.filter(|_| mention.overheard.is_none()) else {
        return draft.done("known");
    };
    heard.overheard = false;
    let written = heard.written;
    spoke(&mut case, written);
    draft.tell(&mut case, Tone::Status, Rich::of("This was addressed to us after all."));
    alert::arm(&draft, &mut case);
    refresh(&mut draft, &mut case);
    draft.done_with(case, "addressed")
}

/// The customer speaks to us, and waits since then.
fn spoke(case: &mut Case, written: Timestamp) {
    case.waits = Some(case.waits.map_or(written, |since| since.min(written)));
    case.wrote += 1;
    case.unasked = false;
    if case.status == Status::Answered {
        case.status = Status::Open;
    }
}

/// Why a mention is shown and wants nothing.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Idle {
    /// It says thanks.
    Thanks,
    /// Its author was blocked by us.
    Blocked,
}

fn idle(draft: &Draft<'_>, mention: &Mention, contact: &Contact) -> Option<Idle> {
    let thanks = draft.policy.pleasantries && is_pleasantry(mention);
    match contact.blocked {
        Some(_) => Some(Idle::Blocked),
        None => thanks.then_some(Idle::Thanks),
    }
}

fn is_erased(draft: &Draft<'_>, mention: &Mention) -> bool {
    let Some(Record::Identity(identity)) = draft.get(&Key::Identity) else { return false };
    let grave = crate::case::forget::tombstone(&identity.salt, &mention.contact);
    draft.get(&Key::Tombstone(grave)).is_some()
}

/// The mention with every text within its bound, and without what no line needs.
pub fn bounded(mention: &Mention) -> Mention {
    let name = |text: &Theirs| Theirs::new(fit(text.raw(), limits::NAME_BYTES));
    let mut bounded = Mention { reach: None, ..mention.clone() };
    bounded.handle = name(&mention.handle);
    bounded.name = name(&mention.name);
    bounded.text = Theirs::new(fit(mention.text.raw(), limits::TEXT_BYTES));
    bounded.warning = mention.warning.as_ref().map(name);
    bounded.media.truncate(limits::MEDIA);
    for medium in &mut bounded.media {
        medium.alt = name(&medium.alt);
    }
    bounded.media.retain(|medium| medium.url.len() <= limits::NAME_BYTES * 2);
    for medium in &mut bounded.media {
        medium.preview = medium.preview.take().filter(|url| url.len() <= limits::NAME_BYTES * 2);
    }
    let short =
        |url: &Option<String>| url.clone().filter(|url| url.len() <= limits::NAME_BYTES * 2);
    bounded.url = short(&mention.url);
    bounded.author_url = short(&mention.author_url);
    bounded.avatar = short(&mention.avatar);
    while heavy(&bounded) > limits::MENTION_BYTES && bounded.media.pop().is_some() {}
    bounded
}

/// About what a mention weighs in a row, its field names included.
fn heavy(mention: &Mention) -> usize {
    let theirs = |text: &Theirs| weight(text.raw());
    let link = |url: &Option<String>| url.as_deref().map_or(0, weight);
    let media = mention.media.iter();
    let media = media.map(|m| 120 + weight(&m.url) + theirs(&m.alt) + link(&m.preview));
    let ids = mention.post.as_str().len() * 2 + mention.conversation.len();
    let names = theirs(&mention.handle) + theirs(&mention.name);
    let words = theirs(&mention.text) + mention.warning.as_ref().map_or(0, theirs);
    let links = link(&mention.url) + link(&mention.author_url) + link(&mention.avatar);
    600 + ids + names + words + links + media.sum::<usize>()
}

fn contact(draft: &Draft<'_>, mention: &Mention) -> Contact {
    let known = match draft.get(&Key::Contact(mention.contact.clone())) {
        Some(Record::Contact(contact)) => Some((**contact).clone()),
        _ => None,
    };
    let mut contact = known.unwrap_or_else(|| Contact {
        id: mention.contact.clone(),
        handle: mention.handle.clone(),
        name: mention.name.clone(),
        url: None,
        newest: None,
        cases: 0,
        wrote: 0,
        first: draft.at,
        same: Vec::new(),
        blocked: None,
        noise: 0,
        profile: None,
        reach: None,
    });
    contact.handle = mention.handle.clone();
    contact.name = mention.name.clone();
    contact.url = mention.author_url.clone();
    contact
}

/// What was only overheard opens nothing again: he did not write to us.
fn goes_on(draft: &Draft<'_>, case: &Case, mention: &Mention) -> bool {
    let soon = |closed| draft.at.since(closed) <= draft.policy.reopen;
    case.status != Status::Closed || mention.overheard.is_none() && case.closed.is_some_and(soon)
}

/// The customer's clock counts from when he wrote, never from the future.
fn heard(draft: &Draft<'_>, mention: &Mention, line: u32) -> Heard {
    Heard {
        line,
        post: mention.post.clone(),
        shown: None,
        withdrawn: false,
        edited: None,
        written: mention.written.min(draft.at),
        audience: mention.audience,
        warning: mention.warning.clone(),
        no_reply: mention.no_reply.is_some(),
        overheard: mention.overheard.is_some(),
        private_reply: false,
    }
}

fn remember(
    draft: &mut Draft<'_>,
    case: &mut Case,
    mention: &Mention,
    line: u32,
    idle: Option<Idle>,
) {
    let heard = heard(draft, mention, line);
    match idle {
        None if !heard.overheard => spoke(case, heard.written),
        Some(Idle::Thanks) => case.thanks += 1,
        _ => {}
    }
    case.recent.push(heard);
    if case.recent.len() > limits::RECENT {
        case.recent.remove(0);
    }
    case.score.clone_from(&draft.score);
    case.handle = mention.handle.clone();
    case.name = mention.name.clone();
    let key = Key::Post(mention.contact.account.clone(), mention.post.clone());
    draft.write(key, Record::Post(case.no, line));
}

fn join(
    draft: &mut Draft<'_>,
    mut case: Case,
    mention: &Mention,
    idle: Option<Idle>,
) -> &'static str {
    let did = match idle {
        None => wake(draft, &mut case, mention),
        Some(Idle::Thanks) => "thanked",
        Some(Idle::Blocked) => "blocked",
    };
    let seq = case.lines;
    let shown = draft.post(&mut case, Some(seq), customer_note(mention, 0, false));
    let body = Body::Mention { mention: Box::new(mention.clone()), shown, edits: 0 };
    let written = mention.written;
    draft.add_line(&mut case, written, body);
    remember(draft, &mut case, mention, seq, idle);
    if idle.is_none() {
        if mention.overheard.is_none() {
            super::due::wake(draft, &mut case);
        }
        alert::read(draft, &mut case, mention);
        alert::arm(draft, &mut case);
    }
    refresh(draft, &mut case);
    draft.put_case(case);
    did
}

/// The customer waits again.
fn wake(draft: &mut Draft<'_>, case: &mut Case, mention: &Mention) -> &'static str {
    let was = case.status;
    if mention.overheard.is_none() {
        case.status = Status::Open;
    }
    case.closed = None;
    if was != Status::Closed {
        return "joined";
    }
    case.cause = None;
    draft.tell(case, Tone::Status, Rich::of("Opened again: the customer wrote."));
    "reopened"
}

fn route(draft: &Draft<'_>, mention: &Mention) -> Option<ChannelId> {
    let policy = draft.policy;
    let route = policy.routes.get(&mention.contact.account);
    route.or(policy.ops.as_ref()).or_else(|| policy.routes.values().next()).cloned()
}

/// Opens a case with this mention as its first line, and its thread with it.
pub fn open(
    draft: &mut Draft<'_>,
    mention: &Mention,
    earlier: Option<&Case>,
    contact: &Contact,
    idle: Option<Idle>,
) -> Option<CaseNo> {
    let channel = route(draft, mention)?;
    let mut case = blank(draft, mention, channel.clone());
    case.follows = earlier.map(|case| case.no);
    case.knew = earlier.and_then(|case| case.claimer.clone().or_else(|| case.knew.clone()));
    case.same.clone_from(&contact.same);
    case.linked = conversation(draft, &case, mention);
    case.odd = likeness::of(draft, mention);
    likeness::note(draft, case.no, mention);
    if idle.is_some() {
        case.status = Status::Closed;
        case.closed = Some(draft.at);
        case.cause = Some("thanks".into());
    }
    let seq = draft.add_line(
        &mut case,
        mention.written,
        Body::Mention {
            mention: Box::new(mention.clone()),
            shown: Shown { by: DeliveryId::nth(draft.spare, 0), amend: None },
            edits: 0,
        },
    );
    remember(draft, &mut case, mention, seq, idle);
    let card = Box::new(card(draft, &case, mention));
    let by = draft.notice(&mut case, Some(seq), Notice::Open { channel, card });
    debug_assert_eq!(by, case.card.by, "the card is a case's first delivery");
    if idle.is_none() {
        alert::read(draft, &mut case, mention);
        alert::arm(draft, &mut case);
        if case.alert.is_some() {
            refresh(draft, &mut case);
        }
        offer(draft, &mut case);
    }
    let no = case.no;
    draft.put_case(case);
    Some(no)
}

/// Whoever knows the customer is told first.
fn offer(draft: &mut Draft<'_>, case: &mut Case) {
    let Some(knew) = case.knew.clone().filter(|_| draft.policy.sticky > Span::default()) else {
        return;
    };
    let words = Rich::of("He knows this customer and is offered it first: ");
    let words = words.and(Piece::Call(knew.id)).say(" (for ");
    let words = words.say(format!("{}).", draft.policy.sticky));
    draft.tell(case, Tone::Status, words);
}

fn blank(draft: &Draft<'_>, mention: &Mention, channel: ChannelId) -> Case {
    Case {
        no: draft.spare,
        account: mention.contact.account.clone(),
        contact: mention.contact.clone(),
        handle: mention.handle.clone(),
        name: mention.name.clone(),
        status: Status::Open,
        claimer: None,
        opened: draft.at,
        closed: None,
        cause: None,
        waits: None,
        channel,
        thread: None,
        card: Shown { by: DeliveryId::nth(draft.spare, 0), amend: None },
        lines: 0,
        sent: 0,
        wrote: 0,
        recent: Vec::new(),
        answered: None,
        held: Vec::new(),
        sending: Vec::new(),
        unknown: None,
        alarms: Vec::new(),
        follows: None,
        linked: Vec::new(),
        lost: Vec::new(),
        newest_order: draft.at,
        tags: Vec::new(),
        snoozed: None,
        alert: None,
        plain: false,
        odd: None,
        score: None,
        unasked: mention.overheard.is_some(),
        low: None,
        priority: Priority::default(),
        knew: None,
        thanks: 0,
        same: Vec::new(),
        fired: Vec::new(),
        calmed: None,
        incident: None,
        muted: 0,
    }
}

/// Cases of other people in the same public conversation; this one is added to them.
fn conversation(draft: &mut Draft<'_>, case: &Case, mention: &Mention) -> Vec<CaseNo> {
    if mention.audience < crate::case::model::Audience::Unlisted {
        return Vec::new();
    }
    let key = Key::Conversation(case.account.clone(), mention.conversation.clone());
    let others = match draft.get(&key) {
        Some(Record::Conversation(cases)) => cases.clone(),
        _ => Vec::new(),
    };
    let mut all = others.clone();
    all.push(case.no);
    let first = all.len().saturating_sub(limits::LINKED);
    draft.write(key, Record::Conversation(all.split_off(first)));
    others
}
