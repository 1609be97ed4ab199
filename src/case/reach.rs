//! What must be read before an event can be decided: by name, in rounds.
//!
//! The first round asks for what the event names; what was found names the rest. Asked again with
//! what was found, until it wants nothing new (at most [`ROUNDS`](super::limits::ROUNDS)).

use super::command::{self, About};
use super::event::{Envelope, Event, Mention, Open, OwnPost, Request, Typed};
use super::id::{CaseNo, DeliveryId, MessageId, ThreadId};
use super::model::{Body, Case, Shown, Wake};
use super::policy::Policy;
use super::record::{Found, Key, Query, Reach, Record};
use super::time::Timestamp;

/// What is wanted, all rounds together; the caller reads what is new.
#[must_use]
pub fn reach(policy: &Policy, envelope: &Envelope, found: &Found) -> Reach {
    let mut want = Want { policy, at: envelope.at, found, reach: Reach::default() };
    match &envelope.event {
        Event::Mentioned(mention) | Event::Changed(mention) => want.mention(mention),
        Event::Withdrawn { account, post } => {
            want.by_line(Key::Post(account.clone(), post.clone()));
        }
        Event::OwnPost(post) => want.own_post(post),
        Event::Said(remark) | Event::Reworded(remark) => {
            want.message(&remark.message, Some(&remark.thread));
        }
        Event::Unsaid { message, thread } => want.message(message, thread.as_ref()),
        Event::Asked(request) => want.request(request),
        Event::Typed(typed) => want.typed(typed),
        Event::Delivered { delivery, .. } | Event::Failed { delivery, .. } => {
            want.outcome(delivery);
        }
        Event::Due { case, alarm } => {
            want.key(Key::Incident);
            want.key(Key::Duty);
            want.case(*case, true);
            if let (Wake::Promise(seq), Some(case)) = (&alarm.what, found.case(*case)) {
                want.line(&case.clone(), *seq);
            }
        }
        Event::ThreadGone { thread, .. } => want.thread(thread),
        Event::Unreadable { .. } => want.key(Key::Quarantine(envelope.id.clone())),
        Event::Trouble { .. }
        | Event::Restored { .. }
        | Event::Burst(_)
        | Event::Morning { .. } => {}
        Event::Counted { .. } => want.key(Key::Incident),
        Event::Held { cases } => {
            want.key(Key::Incident);
            cases.iter().for_each(|no| want.case(*no, false));
        }
        Event::FeedState { feed, .. } => want.key(Key::Cursor(feed.clone())),
        Event::AccountState { account, .. } => want.key(Key::Account(account.clone())),
        Event::Echo { delivery, .. } => {
            want.key(Key::Identity);
            want.key(Key::Switch);
            want.outcome(delivery);
        }
    }
    want.reach
}

struct Want<'f> {
    policy: &'f Policy,
    at: Timestamp,
    found: &'f Found,
    reach: Reach,
}

impl Want<'_> {
    fn key(&mut self, key: Key) {
        self.reach.keys.insert(key);
    }

    fn delivery(&mut self, id: &DeliveryId) {
        self.key(Key::Delivery(id.clone()));
    }

    fn shown(&mut self, shown: &Shown) {
        self.delivery(&shown.by);
        if let Some(amend) = &shown.amend {
            self.delivery(amend);
        }
    }

    /// A case with what its card needs; with `replies`, also its replies under way.
    fn case(&mut self, no: CaseNo, replies: bool) {
        self.key(Key::Case(no));
        let Some(case) = self.found.case(no).cloned() else { return };
        self.key(Key::Account(case.account.clone()));
        self.key(Key::Contact(case.contact.clone()));
        self.line(&case, 0);
        self.shown(&case.card);
        case.low.iter().for_each(|low| self.shown(low));
        if replies {
            for seq in case.held.iter().chain(&case.sending) {
                self.line(&case, *seq);
            }
            if let Some(heard) = case.recent.last() {
                self.key(Key::Line(no, heard.line));
            }
        }
    }

    /// A line, and what shows it at the desk.
    fn line(&mut self, case: &Case, seq: u32) {
        if seq >= case.lines {
            return;
        }
        self.key(Key::Line(case.no, seq));
        let Some(line) = self.found.line(case.no, seq).cloned() else { return };
        match &line.body {
            Body::Mention { shown, .. } => self.shown(shown),
            Body::Reply(reply) => {
                reply.told.iter().for_each(|told| self.shown(told));
                reply.parts.iter().for_each(|part| self.delivery(part));
            }
            Body::Remark { .. } | Body::Own { .. } => {}
        }
    }

    /// The line a post or message belongs to, and its case.
    fn by_line(&mut self, key: Key) {
        self.key(key.clone());
        let (no, seq) = match self.found.get(&key) {
            Some(Record::Post(no, seq) | Record::Message(no, seq)) => (*no, *seq),
            _ => return,
        };
        self.case(no, true);
        if let Some(case) = self.found.case(no).cloned() {
            self.line(&case, seq);
        }
    }

    fn mention(&mut self, mention: &Mention) {
        let account = &mention.contact.account;
        self.key(Key::Incident);
        self.key(Key::Identity);
        if let Some(Record::Identity(identity)) = self.found.get(&Key::Identity) {
            let grave = super::forget::tombstone(&identity.salt, &mention.contact);
            self.key(Key::Tombstone(grave));
            let alike = super::likeness::key(&identity.salt, account, mention.handle.raw());
            self.key(alike.clone());
            if let Some(Record::Conversation(cases)) = self.found.get(&alike) {
                cases.iter().for_each(|no| self.key(Key::Case(*no)));
            }
        }
        self.by_line(Key::Post(account.clone(), mention.post.clone()));
        self.key(Key::Conversation(account.clone(), mention.conversation.clone()));
        let contact = Key::Contact(mention.contact.clone());
        self.key(contact.clone());
        if let Some(Record::Contact(contact)) = self.found.get(&contact)
            && let Some(no) = contact.newest
        {
            self.case(no, false);
        }
    }

    fn own_post(&mut self, post: &OwnPost) {
        self.by_line(Key::Post(post.account.clone(), post.post.clone()));
        let Some(parent) = &post.parent else { return };
        let key = Key::Post(post.account.clone(), parent.clone());
        self.by_line(key.clone());
        // It may be the reply of which nobody knew.
        if let Some(Record::Post(no, _)) = self.found.get(&key)
            && let Some(case) = self.found.case(*no).cloned()
            && let Some(unknown) = case.unknown
        {
            self.line(&case, unknown);
        }
    }

    fn thread(&mut self, thread: &ThreadId) {
        let key = Key::Thread(thread.clone());
        self.key(key.clone());
        if let Some(Record::Thread(no)) = self.found.get(&key) {
            self.case(*no, true);
        }
    }

    fn message(&mut self, message: &MessageId, thread: Option<&ThreadId>) {
        self.by_line(Key::Message(message.clone()));
        if let Some(thread) = thread {
            self.thread(thread);
        }
    }

    fn request(&mut self, request: &Request) {
        self.key(Key::Switch);
        self.key(Key::Duty);
        self.key(Key::Incident);
        let Ok(command) = command::parse(&request.words) else { return };
        let no = command.case.or_else(|| self.asked_in(request));
        let case = no.and_then(|no| self.found.case(no));
        let asks = |query: command::Asks| query(self.policy, request, command.rest, case);
        self.reach.query = command.verb.query.and_then(asks);
        // `next` takes a case of the list: the list names it, the record decides.
        let no = match command.verb.about {
            About::Case => no,
            About::Nothing => command::next::pick(self.policy, &request.by, self.found, self.at),
        };
        let Some(no) = no else { return };
        self.case(no, true);
        let Some(case) = self.found.case(no).cloned() else { return };
        // What the customer wrote last may be shown, or begin a case of its own.
        if let Some(line) = case.recent.last().map(|heard| heard.line) {
            self.line(&case, line);
            if let Some(Body::Mention { mention, .. }) =
                self.found.line(no, line).map(|line| &line.body)
            {
                self.key(Key::Conversation(case.account.clone(), mention.conversation.clone()));
            }
        }
        let answered = case.answered;
        let seqs = command.rest.split_whitespace().take(1).filter_map(|word| word.parse().ok());
        for seq in seqs.chain(case.unknown).chain(answered) {
            self.line(&case, seq);
        }
        if let Some(other) = command::named_case(command.rest) {
            self.case(other, true);
        }
    }

    /// The case in whose thread something was asked, or on one of whose messages.
    fn asked_in(&mut self, request: &Request) -> Option<CaseNo> {
        let thread = request.thread.as_ref()?;
        self.thread(thread);
        if let Some(Record::Thread(no)) = self.found.get(&Key::Thread(thread.clone())) {
            return Some(*no);
        }
        let message = Key::Message(thread.message());
        self.key(message.clone());
        match self.found.get(&message) {
            Some(Record::Message(no, _)) => Some(*no),
            _ => None,
        }
    }

    /// Cases are looked for as `list` and `find` do.
    fn typed(&mut self, typed: &Typed) {
        if typed.of == Open::Case {
            let begun = typed.begun.trim().trim_start_matches('#');
            self.reach.query = Some(match begun {
                "" => Query::NotClosed,
                words => Query::Find(words.to_owned()),
            });
        }
    }

    fn outcome(&mut self, id: &DeliveryId) {
        self.delivery(id);
        let Some(delivery) = self.found.delivery(id) else { return };
        let (Some(no), line) = (delivery.case, delivery.line) else { return };
        self.case(no, false);
        if let (Some(case), Some(line)) = (self.found.case(no).cloned(), line) {
            self.line(&case, line);
        }
    }
}
