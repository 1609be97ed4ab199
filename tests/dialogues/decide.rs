//! The lowest height: `decide` over a map of records. Deliveries arrive at once, time passes when
//! a story waits, and the desk is what the decisions say it shows.

use super::shows::{self, Shown, Shows};
use careline::case::ability::Abilities;
use careline::case::effect::{Act as Deed, Answer, Card, Delivery, Face, Note};
use careline::case::effect::{Notice, Receipt};
use careline::case::event::Standing;
use careline::case::event::{Envelope, Event, Inside, Mention, Outcome, OwnPost, Remark, Request};
use careline::case::id::{
    AccountId, AgentId, ChannelId, ContactId, DeskId, MessageId, PostId, ThreadId,
};
use careline::case::model::{Agent, Audience, Case};
use careline::case::policy::{Alerts, Person, Policy};
use careline::case::record::Record;
use careline::case::replay::Replay;
use careline::case::rich::Theirs;
use careline::case::role::Role;
use careline::case::time::{Span, Timestamp};
use careline::inbox::Task;
use careline::sandbox::play::Stage;
use careline::sandbox::script::{Act, DeskAct, Expect, How};
use careline::world::fault::{Fault, Wrong};
use std::collections::BTreeMap;

/// A story's stage over the decision alone.
pub struct Decided {
    policy: Policy,
    replay: Replay,
    now: Timestamp,
    step: u64,
    focus: String,
    /// Customers' posts, newest last.
    posts: Vec<(String, PostId, Mention)>,
    /// What agents wrote, newest last.
    said: Vec<(String, Remark)>,
    /// What only one member of staff was told.
    told: Vec<(String, Answer)>,
    /// Replies that reached a customer.
    sent: Vec<(String, String)>,
    expected: usize,
    refuse: u32,
    /// Alerts stand among the messages of a thread, and what they hold is listed at openings.
    alerts: bool,
}

fn channel() -> ChannelId {
    ChannelId { desk: DeskId::new("slack"), channel: "C1".into() }
}

fn agent(who: &str) -> Agent {
    let name = match who {
        "maria" => "Maria Okoye",
        "tom" => "Tom Berger",
        other => other,
    };
    Agent { id: AgentId { desk: DeskId::new("slack"), user: who.into() }, name: name.into() }
}

fn standing(who: &str) -> Standing {
    if who == "gil" { Standing::Guest } else { Standing::Member }
}

impl Decided {
    pub fn new() -> Self {
        let mut policy = Policy::standard();
        policy.undo = Span::seconds(6);
        let account = AccountId::new("acme");
        policy.routes.insert(account.clone(), channel());
        let able = Abilities {
            private: true,
            rewrites: true,
            deletes: true,
            ..Abilities::cautious("Mastodon")
        };
        policy.abilities.insert(account, able);
        let agents = ["maria", "tom"].map(str::to_owned).into();
        policy.agents.insert(DeskId::new("slack"), agents);
        Self {
            policy,
            replay: Replay::default(),
            now: Timestamp::from_seconds(1_000_000),
            step: 0,
            focus: String::new(),
            posts: Vec::new(),
            said: Vec::new(),
            told: Vec::new(),
            sent: Vec::new(),
            expected: 0,
            refuse: 0,
            alerts: false,
        }
    }

    /// With this ladder, these hours and rules, beginning at this instant.
    pub fn with_alerts(begins: Timestamp, alerts: Alerts) -> Self {
        let mut stage = Self::new();
        let person = |name: &str, role| {
            let accounts = [agent(name).id].into();
            (name.to_owned(), Person { accounts, role, ..Person::default() })
        };
        stage.policy.people = [person("lea", Role::Lead), person("ole", Role::Agent)].into();
        stage.policy.alerts = alerts;
        (stage.now, stage.alerts) = (begins, true);
        stage
    }

    /// What the engine does when the team is there again.
    fn open(&mut self, before: Timestamp) {
        let hours = &self.policy.alerts.hours;
        if hours.opened(self.now) != hours.opened(before) && hours.is_open(self.now) {
            let held = |case: &Case| case.alert.as_ref().is_some_and(|alert| alert.held);
            let cases = self.cases().into_iter().filter(held).map(|case| case.no).collect();
            self.take("", Event::Held { cases });
        }
    }

    fn take(&mut self, who: &str, event: Event) {
        self.step += 1;
        self.now = self.now + Span::millis(10);
        let mut envelope = Envelope::new(format!("e{}", self.step), event);
        envelope.at = self.now;
        let decision = self.replay.take(&self.policy, envelope);
        self.told.extend(decision.answer.map(|answer| (who.to_owned(), answer)));
        self.arrive();
    }

    fn records<T>(&self, of: impl Fn(&Record) -> Option<T>) -> Vec<T> {
        self.replay.records.values().filter_map(|v| v.record.as_ref().and_then(&of)).collect()
    }

    fn deliveries(&self) -> Vec<Delivery> {
        let mut all = self.records(|record| match record {
            Record::Delivery(delivery) => Some((**delivery).clone()),
            _ => None,
        });
        all.sort_by_key(|delivery| delivery.order);
        all
    }

    /// All that waits arrives, in order.
    fn arrive(&mut self) {
        while let Some(next) = self.deliveries().into_iter().find(|d| d.state.is_pending()) {
            self.step += 1;
            self.now = self.now + Span::millis(10);
            let outward = match &next.act {
                Deed::Network(reply) => Some(reply.clone()),
                Deed::Desk(_) => None,
            };
            let refused = outward.is_some() && self.refuse > 0;
            let event = if refused {
                self.refuse -= 1;
                let why = "the network refused it".to_owned();
                Event::Failed { delivery: next.id, outcome: Outcome::Never(why) }
            } else {
                let remote = format!("{}.{:06}", self.now.0 / 1_000_000, self.now.0 % 1_000_000);
                let url = outward.is_none().then(|| format!("https://desk.example/{remote}"));
                let receipt = Receipt { remote, url, at: self.now };
                Event::Delivered { delivery: next.id, receipt }
            };
            let anew = outward.filter(|reply| !refused && reply.change.is_none());
            if let Some(reply) = anew {
                self.sent.push((reply.target.contact.remote, reply.text.as_str().to_owned()));
            }
            let mut envelope = Envelope::new(format!("e{}", self.step), event);
            envelope.at = self.now;
            self.replay.take(&self.policy, envelope);
        }
    }

    fn pass(&mut self, span: Span) {
        let (before, end) = (self.now, self.now + span);
        loop {
            let cases = self.cases();
            let due = cases.iter().flat_map(|case| {
                case.alarms.iter().map(|alarm| (alarm.at, case.no, alarm.clone()))
            });
            let Some((at, case, alarm)) = due.filter(|(at, ..)| *at <= end).min() else { break };
            self.now = self.now.max(at);
            self.take("", Event::Due { case, alarm });
        }
        self.now = self.now.max(end);
        if self.alerts {
            self.open(before);
        }
    }

    fn cases(&self) -> Vec<Case> {
        self.records(|record| match record {
            Record::Case(case) => Some((**case).clone()),
            _ => None,
        })
    }

    fn case(&self) -> Result<Case, String> {
        let mine = self.cases().into_iter().filter(|case| case.contact.remote == self.focus);
        mine.max_by_key(|case| case.no).ok_or(format!("{} has no case", self.focus))
    }

    fn place(&self) -> Result<ThreadId, String> {
        self.case()?.thread.ok_or("there is no thread".to_owned())
    }

    fn post(&mut self, who: &str, how: &How, text: &str) {
        let at = self.now;
        let post = PostId::new(format!("p{}", self.step));
        if who == "acme" {
            let parent = self.posts.iter().rev().find(|(author, ..)| *author == self.focus);
            let parent = parent.map(|(_, post, _)| post.clone());
            let (account, text) = (AccountId::new("acme"), text.to_owned());
            let own = OwnPost { account, post, parent, text, url: None, written: at };
            return self.take(who, Event::OwnPost(Box::new(own)));
        }
        self.focus = who.to_owned();
        // As the demo listens: for the brand's name, in posts that do not call its account.
        let overheard = text.contains("Acme Outdoor") && !text.contains("@acme");
        let mention = Mention {
            contact: ContactId { account: AccountId::new("acme"), remote: who.into() },
            handle: Theirs::new(who),
            name: Theirs::new(who),
            author_url: None,
            avatar: None,
            post: post.clone(),
            parent: None,
            conversation: post.0.clone(),
            audience: if how.direct { Audience::Direct } else { Audience::Public },
            text: Theirs::new(text),
            warning: how.warning.clone().map(Theirs::new),
            media: Vec::new(),
            url: None,
            written: at,
            language: None,
            no_reply: None,
            overheard: overheard.then(|| "brand".into()),
            reach: None,
        };
        self.posts.push((who.to_owned(), post, mention.clone()));
        self.take(who, Event::Mentioned(Box::new(mention)));
    }

    fn newest(&self, who: &str) -> Result<(PostId, Mention), String> {
        let found = self.posts.iter().rev().find(|(author, ..)| author == who);
        found.map(|(_, post, m)| (post.clone(), m.clone())).ok_or(format!("{who} wrote nothing"))
    }

    fn remark(&self, who: &str, text: &str) -> Result<Remark, String> {
        let message = MessageId { channel: channel(), message: format!("m{}", self.step) };
        let calls = text.contains("@tom") || text.contains("@maria");
        Ok(Remark {
            thread: self.place()?,
            message,
            by: agent(who),
            standing: standing(who),
            text: text.to_owned(),
            inside: if calls { vec![Inside::Person] } else { Vec::new() },
            files: Vec::new(),
            machine: false,
            written: self.now,
        })
    }

    fn ask(&mut self, who: &str, thread: Option<ThreadId>, words: &str) {
        let request = Request {
            by: agent(who),
            standing: standing(who),
            channel: channel(),
            thread,
            words: words.to_owned(),
            named: named(words),
            on: None,
            asked: Some(self.now),
            gesture: false,
        };
        self.take(who, Event::Asked(Box::new(request)));
    }

    fn desk(&mut self, who: &str, what: &DeskAct) -> Result<(), String> {
        match what {
            DeskAct::Say(text) => {
                let remark = self.remark(who, text)?;
                self.said.push((who.to_owned(), remark.clone()));
                self.take(who, Event::Said(Box::new(remark)));
            }
            DeskAct::Edit(text) => {
                let mut remark = self.last(who)?;
                remark.text.clone_from(text);
                self.take(who, Event::Reworded(Box::new(remark)));
            }
            DeskAct::Delete => {
                let remark = self.last(who)?;
                let (message, thread) = (remark.message, Some(remark.thread));
                self.take(who, Event::Unsaid { message, thread });
            }
            DeskAct::Call(words) => {
                let thread = self.place()?;
                self.ask(who, Some(thread), words);
            }
            DeskAct::Slash(words) => self.ask(who, None, words),
            DeskAct::Press(label) => {
                let words = shows::button(self, who, label)?;
                let thread = self.place()?;
                self.ask(who, Some(thread), &words);
            }
            DeskAct::Fill(text) => {
                let form = shows::form(self).ok_or("no form is open")?;
                let thread = self.place()?;
                self.ask(who, Some(thread), &format!("{} {text}", form.words));
            }
        }
        Ok(())
    }

    fn see(&mut self, what: &Expect) -> Result<(), String> {
        let mut expected = self.expected;
        let seen = shows::see(self, what, &self.focus, &mut expected);
        self.expected = expected;
        seen
    }

    fn last(&self, who: &str) -> Result<Remark, String> {
        let mine = self.said.iter().rev().find(|(author, _)| author == who);
        mine.map(|(_, remark)| remark.clone()).ok_or(format!("{who} has written nothing"))
    }
}

/// Colleagues whom the words call.
fn named(words: &str) -> Vec<Agent> {
    ["maria", "tom"].into_iter().filter(|n| words.contains(&format!("@{n}"))).map(agent).collect()
}

/// Without its facts where alerts are looked at: they say in the same words why it is urgent.
fn card_face(card: &Card, facts: bool) -> Shown {
    let mut text =
        format!("{} · {} · {}", card.text.raw(), card.audience, card.standing.plain(true));
    for (what, is) in card.facts.iter().filter(|_| facts) {
        text += &format!(" · {what}: {}", is.plain(true));
    }
    (text, card.buttons.clone())
}

fn note_face(note: &Note) -> Shown {
    (note.words.plain(true), note.buttons.clone())
}

impl Shows for Decided {
    fn thread(&self) -> Result<Vec<Shown>, String> {
        let no = self.case()?.no;
        let mut faces: BTreeMap<_, Shown> = BTreeMap::new();
        let mut order = Vec::new();
        let mine = |d: &Delivery| d.case == Some(no) || self.alerts && d.case.is_none();
        for delivery in self.deliveries().into_iter().filter(mine) {
            let Deed::Desk(notice) = delivery.act else { continue };
            let (id, face) = match notice {
                Notice::Open { card, .. } => (delivery.id, card_face(&card, !self.alerts)),
                Notice::Post(note) => (delivery.id, note_face(&note)),
                Notice::Tell { note, .. } if self.alerts => (delivery.id, note_face(&note)),
                Notice::Amend { of, to } => match *to {
                    Face::Card(card) => (of, card_face(&card, !self.alerts)),
                    Face::Note(note) => (of, note_face(&note)),
                },
                _ => continue,
            };
            if faces.insert(id.clone(), face).is_none() {
                order.push(id);
            }
        }
        Ok(order.into_iter().filter_map(|id| faces.remove(&id)).collect())
    }

    fn told(&self) -> Vec<(String, Answer)> {
        self.told.clone()
    }

    fn sent(&self) -> Vec<(String, String)> {
        self.sent.clone()
    }
}

impl Stage for Decided {
    fn act<'a>(&'a mut self, act: &'a Act) -> Task<'a, Result<(), String>> {
        Box::pin(async move {
            match act {
                Act::Post { who, how, text } => self.post(who, how, text),
                Act::EditPost { who, text } => {
                    let (_, mut mention) = self.newest(who)?;
                    mention.text = Theirs::new(text.clone());
                    self.take(who, Event::Changed(Box::new(mention)));
                }
                Act::DeletePost { who } => {
                    let (post, _) = self.newest(who)?;
                    let account = AccountId::new("acme");
                    self.take(who, Event::Withdrawn { account, post });
                }
                Act::Desk { who, to, what } => {
                    if let Some(to) = to {
                        self.focus.clone_from(to);
                    }
                    self.desk(who, what)?;
                }
                // Below the outbox only a final refusal can be told; the rest is its work.
                Act::Fault(Fault {
                    wrong: Wrong::Status { status: 400..=428, .. }, times, ..
                }) => {
                    self.refuse = *times;
                }
                Act::Fault(_) | Act::FaultsOver => self.refuse = 0,
                Act::PowerCut => self.replay = self.replay.clone(),
            }
            Ok(())
        })
    }

    fn expect<'a>(&'a mut self, what: &'a Expect) -> Task<'a, Result<(), String>> {
        let at_once = matches!(what, Expect::NoThread(_) | Expect::NothingOutside);
        Box::pin(async move {
            for _ in 0..20 {
                match self.see(what) {
                    Err(_) if !at_once => self.pass(Span::seconds(1)),
                    seen => return seen,
                }
            }
            self.see(what)
        })
    }

    fn wait(&mut self, span: Span) -> Task<'_, ()> {
        self.pass(span);
        Box::pin(async {})
    }
}
