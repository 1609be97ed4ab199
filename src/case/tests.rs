//! The life of a case in small stories, and every status with every event and every role.

mod alerts;
mod bounds;
mod casework;
mod costly;
mod every;
mod oddities;
mod private;
mod stories;
mod team;

use super::ability::Abilities;
use super::effect::{Act, Answer, Delivery, Notice, Receipt, State};
use super::event::{Envelope, Event, File, Mention, Remark, Request, Standing};
use super::id::*;
use super::model::{Agent, Audience, Case, ReplyLine};
use super::policy::{Person, Policy};
use super::record::{Decision, Key, Record};
use super::replay::Replay;
use super::rich::Theirs;
use super::role::Role;
use super::time::{Span, Timestamp};

/// A small world around `decide`: a clock, and deliveries that arrive when told to.
pub struct Play {
    pub policy: Policy,
    pub replay: Replay,
    pub now: Timestamp,
    pub step: u64,
}

pub fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new("slack"), channel: "C1".into() }
}

pub fn account() -> AccountId {
    AccountId::new("acme")
}

pub fn agent(name: &str) -> Agent {
    let id = AgentId { desk: DeskId::new("slack"), user: format!("U-{name}") };
    Agent { id, name: name.to_owned() }
}

/// A file that an agent has attached.
pub fn file(name: &str, mime: &str) -> File {
    let url = "https://files.example/f".into();
    File { id: "F1".into(), name: name.into(), mime: mime.into(), size: 9, alt: None, url }
}

pub fn mention(who: &str, post: &str, text: &str, at: Timestamp) -> Mention {
    Mention {
        contact: ContactId { account: account(), remote: who.to_owned() },
        handle: Theirs::new(who),
        name: Theirs::new(who.to_uppercase()),
        author_url: None,
        avatar: None,
        post: PostId::new(post),
        parent: None,
        conversation: post.to_owned(),
        audience: Audience::Public,
        text: Theirs::new(text),
        warning: None,
        media: Vec::new(),
        url: Some(format!("https://social.example/{post}")),
        written: at,
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

impl Play {
    pub fn new() -> Self {
        let mut policy = Policy::standard();
        policy.routes.insert(account(), channel());
        policy.abilities.insert(account(), Abilities::cautious("Mastodon"));
        Self { policy, replay: Replay::default(), now: Timestamp::from_seconds(1000), step: 0 }
    }

    /// Anna wrote, and it stands in its thread.
    pub fn open() -> Self {
        let mut play = Self::new();
        play.writes("anna", "p1", "my parcel is lost");
        play.arrive();
        play
    }

    pub fn pass(&mut self, span: Span) {
        self.now = self.now + span;
    }

    pub fn take(&mut self, event: Event) -> Decision {
        self.step += 1;
        self.pass(Span::millis(10));
        let mut envelope = Envelope::new(format!("e{}", self.step), event);
        envelope.at = self.now;
        self.replay.take(&self.policy, envelope)
    }

    pub fn writes(&mut self, who: &str, post: &str, text: &str) -> Decision {
        let mention = mention(who, post, text, self.now);
        self.take(Event::Mentioned(Box::new(mention)))
    }

    /// The thread of the only (or newest) case.
    pub fn thread(&self) -> ThreadId {
        self.case().thread.clone().unwrap_or(ThreadId { channel: channel(), root: "none".into() })
    }

    pub fn case(&self) -> Case {
        let cases = self.replay.records.values().filter_map(|v| match &v.record {
            Some(Record::Case(case)) => Some((**case).clone()),
            _ => None,
        });
        cases.max_by_key(|case| case.no).expect("a case")
    }

    pub fn remark(&self, who: &str, text: &str) -> Remark {
        let message = MessageId { channel: channel(), message: format!("m{}", self.step) };
        Remark {
            thread: self.thread(),
            message,
            by: agent(who),
            standing: Standing::Member,
            text: text.to_owned(),
            inside: Vec::new(),
            files: Vec::new(),
            machine: false,
            written: self.now,
        }
    }

    pub fn says(&mut self, who: &str, text: &str) -> Decision {
        let remark = self.remark(who, text);
        self.take(Event::Said(Box::new(remark)))
    }

    pub fn asks(&mut self, who: &str, words: &str) -> Decision {
        let request = self.request(who, words);
        self.take(Event::Asked(Box::new(request)))
    }

    /// As [`Play::asks`], with a colleague named in the words.
    pub fn asks_naming(&mut self, who: &str, words: &str, named: &str) -> Decision {
        let request = Request { named: vec![agent(named)], ..self.request(who, words) };
        self.take(Event::Asked(Box::new(request)))
    }

    /// A request in the newest case's thread.
    pub fn request(&self, who: &str, words: &str) -> Request {
        Request {
            by: agent(who),
            standing: Standing::Member,
            channel: channel(),
            thread: self.case().thread,
            words: words.to_owned(),
            named: Vec::new(),
            on: None,
            asked: Some(self.now),
            gesture: false,
        }
    }

    /// From now on this colleague learns.
    pub fn learns(&mut self, who: &str) {
        let accounts = [agent(who).id].into();
        let person = Person { accounts, role: Role::Learner, ..Person::default() };
        self.policy.people.insert(who.into(), person);
    }

    pub fn pending(&self) -> Vec<Delivery> {
        let all = self.replay.records.values().filter_map(|v| match &v.record {
            Some(Record::Delivery(delivery)) if delivery.state.is_pending() => {
                Some((**delivery).clone())
            }
            _ => None,
        });
        let mut all: Vec<Delivery> = all.collect();
        all.sort_by_key(|delivery| delivery.order);
        all
    }

    /// All that waits arrives, in order, until nothing waits.
    pub fn arrive(&mut self) {
        while let Some(delivery) = self.pending().first().cloned() {
            self.pass(Span::millis(10));
            let remote = format!("r{}", delivery.id);
            let receipt = Receipt { remote, url: None, at: self.now };
            self.take(Event::Delivered { delivery: delivery.id, receipt });
        }
    }

    /// The time passes and alarms go off.
    pub fn wait(&mut self, span: Span) {
        self.pass(span);
        let (case, now) = (self.case(), self.now);
        for alarm in case.alarms.iter().filter(|alarm| alarm.at <= now) {
            self.take(Event::Due { case: case.no, alarm: alarm.clone() });
        }
    }

    pub fn outward(&self) -> Vec<(String, State)> {
        let all = self.replay.records.values().filter_map(|v| match &v.record {
            Some(Record::Delivery(delivery)) => Some(delivery),
            _ => None,
        });
        let mut all: Vec<_> = all.collect();
        all.sort_by_key(|delivery| delivery.order);
        let outward = all.into_iter().filter_map(|delivery| match &delivery.act {
            Act::Network(reply) => Some((reply.text.as_str().to_owned(), delivery.state.clone())),
            Act::Desk(_) => None,
        });
        outward.collect()
    }

    pub fn texts(&self) -> Vec<String> {
        self.outward().into_iter().map(|(text, _)| text).collect()
    }

    pub fn reply_line(&self, seq: u32) -> ReplyLine {
        let no = self.case().no;
        match self.replay.records[&Key::Line(no, seq)].record.clone() {
            Some(Record::Line(line)) => match line.body {
                super::model::Body::Reply(reply) => *reply,
                other => panic!("no reply: {other:?}"),
            },
            other => panic!("no line: {other:?}"),
        }
    }

    /// All that the desk was told, as plain text.
    pub fn told(&self) -> String {
        let mut all: Vec<&Box<Delivery>> = Vec::new();
        for versioned in self.replay.records.values() {
            if let Some(Record::Delivery(delivery)) = &versioned.record {
                all.push(delivery);
            }
        }
        all.sort_by_key(|delivery| delivery.order);
        all.iter().map(|delivery| format!("{}\n", text_of(&delivery.act))).collect()
    }
}

fn text_of(act: &Act) -> String {
    match act {
        Act::Desk(Notice::Post(note) | Notice::Tell { note, .. }) => note.words.plain(true),
        Act::Desk(Notice::Amend { to, .. }) => match &**to {
            super::effect::Face::Card(card) => card.standing.plain(true),
            super::effect::Face::Note(note) => note.words.plain(true),
        },
        Act::Desk(Notice::Open { card, .. }) => card.text.raw().to_owned(),
        Act::Desk(Notice::Mark { mark, .. }) => format!("{mark:?}"),
        Act::Network(reply) => format!("-> {}", reply.text.as_str()),
    }
}

pub fn answer(decision: &Decision) -> String {
    match &decision.answer {
        Some(Answer::Say { words, buttons }) => {
            let labels = buttons.iter().map(|b| format!(" [{}: {}]", b.label, b.words));
            words.plain(true) + &labels.collect::<String>()
        }
        Some(Answer::Form(form)) => format!("form {}", form.words),
        Some(Answer::Refuse(why)) => format!("refused: {why}"),
        Some(Answer::Choices(all)) => {
            all.iter().map(|one| format!("{}={}\n", one.label, one.value)).collect()
        }
        None => String::new(),
    }
}
