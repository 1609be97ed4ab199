//! A decision while it is being made: what was found, what will be written, and the few ways in
//! which a case grows.

use super::ability::Abilities;
use super::effect::{Act, Answer, Button, Delivery, Face, Note, Notice, Reply, State, Tone};
use super::event::Mention;
use super::id::{AccountId, Bucket, CaseNo, DeliveryId, Lane};
use super::model::{Body, Case, Line, ReplyLine, Shown};
use super::policy::Policy;
use super::record::{Decision, Found, Key, Record};
use super::rich::Rich;
use super::time::{Span, Timestamp};
use super::tone::Score;

/// See the module.
pub struct Draft<'a> {
    /// What the operator decided.
    pub policy: &'a Policy,
    /// What was read.
    pub found: &'a Found,
    /// When this happens.
    pub at: Timestamp,
    /// A number for a new case.
    pub spare: CaseNo,
    /// What was read in the event.
    pub score: Option<Score>,
    /// What was decided so far.
    pub out: Decision,
}

impl<'a> Draft<'a> {
    /// Nothing decided yet.
    #[must_use]
    pub fn new(policy: &'a Policy, found: &'a Found, at: Timestamp, spare: CaseNo) -> Self {
        Self { policy, found, at, spare, score: None, out: Decision::default() }
    }

    /// Ends it with these words for the log.
    #[must_use]
    pub fn done(mut self, did: &'static str) -> Decision {
        self.out.did = did;
        self.out
    }

    /// Ends it with this case as it is now.
    #[must_use]
    pub fn done_with(mut self, case: Case, did: &'static str) -> Decision {
        self.put_case(case);
        self.done(did)
    }

    /// Writes the case.
    pub fn put_case(&mut self, mut case: Case) {
        case.alarms.sort();
        self.out.case = Some(case.no);
        self.write(Key::Case(case.no), Record::Case(Box::new(case)));
    }

    /// Writes a record.
    pub fn write(&mut self, key: Key, record: Record) {
        self.out.writes.insert(key, Some(record));
    }

    /// A record as it will stand after this decision.
    #[must_use]
    pub fn get(&self, key: &Key) -> Option<&Record> {
        match self.out.writes.get(key) {
            Some(written) => written.as_ref(),
            None => self.found.get(key),
        }
    }

    /// A line as it will stand.
    #[must_use]
    pub fn line(&self, no: CaseNo, seq: u32) -> Option<&Line> {
        self.get(&Key::Line(no, seq))?.line()
    }

    /// The reply in a line as it will stand.
    #[must_use]
    pub fn reply(&self, no: CaseNo, seq: u32) -> Option<&ReplyLine> {
        match &self.line(no, seq)?.body {
            Body::Reply(reply) => Some(reply),
            _ => None,
        }
    }

    /// The customer's words in a line as they will stand.
    #[must_use]
    pub fn mention(&self, no: CaseNo, seq: u32) -> Option<(&Mention, &Shown, u32)> {
        match &self.line(no, seq)?.body {
            Body::Mention { mention, shown, edits } => Some((mention, shown, *edits)),
            _ => None,
        }
    }

    /// A delivery as it will stand.
    #[must_use]
    pub fn delivery(&self, id: &DeliveryId) -> Option<&Delivery> {
        self.get(&Key::Delivery(id.clone()))?.delivery()
    }

    /// What an account can do: its server's own word, else configuration's, else the least.
    #[must_use]
    pub fn abilities(&self, account: &AccountId) -> Abilities {
        match self.get(&Key::Account(account.clone())) {
            Some(Record::Account(abilities)) => abilities.clone(),
            _ => self
                .policy
                .abilities
                .get(account)
                .cloned()
                .unwrap_or_else(|| Abilities::cautious("the network")),
        }
    }

    /// Adds a line to a case.
    pub fn add_line(&mut self, case: &mut Case, at: Timestamp, body: Body) -> u32 {
        let seq = case.lines;
        case.lines += 1;
        self.put_line(Line { case: case.no, seq, at, body });
        seq
    }

    /// Writes a line.
    pub fn put_line(&mut self, line: Line) {
        self.write(Key::Line(line.case, line.seq), Record::Line(Box::new(line)));
    }

    /// Changes the body of a line that was read; nothing happens if it was not.
    pub fn change_line(&mut self, no: CaseNo, seq: u32, change: impl FnOnce(&mut Body)) {
        if let Some(mut line) = self.line(no, seq).cloned() {
            change(&mut line.body);
            self.put_line(line);
        }
    }

    /// Changes the reply in a line that was read.
    pub fn change_reply(&mut self, no: CaseNo, seq: u32, change: impl FnOnce(&mut ReplyLine)) {
        self.change_line(no, seq, |body| {
            if let Body::Reply(reply) = body {
                change(reply);
            }
        });
    }

    /// Writes a delivery.
    pub fn put_delivery(&mut self, delivery: Delivery) {
        self.write(Key::Delivery(delivery.id.clone()), Record::Delivery(Box::new(delivery)));
    }

    /// The next delivery's id, and its place in its lane.
    pub fn next_id(&self, case: &mut Case) -> (DeliveryId, (Timestamp, u32)) {
        let n = case.sent;
        case.sent += 1;
        case.newest_order = case.newest_order.max(self.at);
        (DeliveryId::nth(case.no, n), (case.newest_order, n))
    }

    /// Queues a notice into the case's thread.
    pub fn notice(&mut self, case: &mut Case, line: Option<u32>, notice: Notice) -> DeliveryId {
        let (id, order) = self.next_id(case);
        let channel = match &notice {
            Notice::Open { channel, .. } => channel,
            _ => case.thread.as_ref().map_or(&case.channel, |thread| &thread.channel),
        };
        let bucket = Bucket::new(format!("{}:{}", channel.desk, channel.channel));
        self.put_delivery(Delivery {
            id: id.clone(),
            case: Some(case.no),
            line,
            lane: Lane::new(format!("t{}", case.no.0)),
            bucket,
            urgent: matches!(notice, Notice::Post(_) | Notice::Open { .. }),
            order,
            ready: self.at,
            act: Act::Desk(notice),
            state: State::Waiting { tried: 0 },
        });
        id
    }

    /// Queues one part of a reply to the customer.
    pub fn outward(&mut self, case: &mut Case, line: u32, reply: Reply) -> DeliveryId {
        let (id, order) = self.next_id(case);
        self.put_delivery(Delivery {
            id: id.clone(),
            case: Some(case.no),
            line: Some(line),
            lane: Lane::new(format!("c{}", case.no.0)),
            bucket: Bucket::new(reply.target.account.as_str()),
            urgent: false,
            order,
            ready: self.at,
            act: Act::Network(Box::new(reply)),
            state: State::Waiting { tried: 0 },
        });
        id
    }

    /// Posts a note into the case's thread.
    pub fn post(&mut self, case: &mut Case, line: Option<u32>, note: Note) -> Shown {
        Shown { by: self.notice(case, line, Notice::Post(Box::new(note))), amend: None }
    }

    /// Posts a sentence of ours into the case's thread.
    pub fn tell(&mut self, case: &mut Case, tone: Tone, words: Rich) {
        self.post(case, None, note(tone, words, Vec::new()));
    }

    /// Makes what `shown` names look like this. A change that has not left yet is replaced, so that
    /// ten changes in a second are one call.
    pub fn amend(&mut self, case: &mut Case, line: Option<u32>, shown: &mut Shown, face: Face) {
        let newest = shown.amend.clone().unwrap_or_else(|| shown.by.clone());
        let fresh = |d: &&Delivery| d.state == State::Waiting { tried: 0 };
        if let Some(mut waiting) = self.delivery(&newest).filter(fresh).cloned()
            && reface(&mut waiting.act, &face)
        {
            self.put_delivery(waiting);
            return;
        }
        let of = shown.by.clone();
        shown.amend = Some(self.notice(case, line, Notice::Amend { of, to: Box::new(face) }));
    }

    /// The newest case of a case's contact.
    #[must_use]
    pub fn newest_of_contact(&self, case: &Case) -> Option<CaseNo> {
        match self.get(&Key::Contact(case.contact.clone())) {
            Some(Record::Contact(contact)) => contact.newest,
            _ => None,
        }
    }

    /// Answers whoever asked.
    pub fn answer(&mut self, words: Rich, buttons: Vec<Button>) {
        self.out.answer = Some(Answer::Say { words, buttons });
    }

    /// Answers whoever asked, in a sentence.
    pub fn say(&mut self, text: impl Into<String>) {
        self.answer(Rich::of(text), Vec::new());
    }
}

/// Puts a new face on a notice that has not left; says whether it could.
fn reface(act: &mut Act, face: &Face) -> bool {
    match (act, face) {
        (Act::Desk(Notice::Open { card, .. }), Face::Card(new)) => *card = new.clone(),
        (Act::Desk(Notice::Post(note)), Face::Note(new)) => *note = new.clone(),
        (Act::Desk(Notice::Amend { to, .. }), new) => **to = new.clone(),
        _ => return false,
    }
    true
}

/// A note without pictures.
#[must_use]
pub fn note(tone: Tone, words: Rich, buttons: Vec<Button>) -> Note {
    Note { tone, words, media: Vec::new(), url: None, buttons }
}

/// How long until this instant, in words for people; "now" if it is past.
#[must_use]
pub fn until(now: Timestamp, then: Timestamp) -> String {
    let span = Span(then.0 - now.0);
    if span.0 <= 0 { "now".into() } else { format!("in {span}") }
}
