//! The middle height: the real engine over a store in memory, with the simulator's network and desk
//! in one process, no HTTP, and a clock that is moved.

use super::shows::{self, Shown, Shows};
use crate::sim::disk::{Disk, Forgetful};
use crate::sim::house::{self, BOT, CHANNEL, DESK, House};
use crate::sim::sky::Sky;
use crate::sim::town::{Town, US};
use careline::case::ability::Abilities;
use careline::case::effect::Answer;
use careline::case::id::{AccountId, DeskId};
use careline::case::model::Audience;
use careline::case::policy::Policy;
use careline::case::record::Record;
use careline::case::time::{Span, Timestamp};
use careline::engine::{Engine, Parts, Tuning};
use careline::inbox::Task;
use careline::sandbox::play::Stage;
use careline::sandbox::script::{Act, DeskAct, Expect, How};
use careline::store::{Kind, Store};
use careline::world::office::{Kind as Rank, Message, What};
use careline::world::square::{Person, SquarePost};
use futures_util::FutureExt;
use serde_json::json;
use std::sync::Arc;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const ACME: &str = "acme";
const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// How long something that is expected may take.
const FAIR: u32 = 20;

/// A story's stage around the engine.
pub struct Simulated {
    sky: Sky,
    disk: Disk,
    store: Arc<Forgetful>,
    life: JoinHandle<()>,
    focus: String,
    expected: usize,
}

fn able() -> Abilities {
    Abilities { private: true, rewrites: true, deletes: true, ..Abilities::cautious("Mastodon") }
}

fn policy() -> Policy {
    let mut policy = Policy::standard();
    policy.undo = Span::seconds(6);
    let account = AccountId::new(ACME);
    policy.routes.insert(account.clone(), house::channel());
    policy.abilities.insert(account, able());
    policy.agents.insert(DeskId::new(DESK), ["maria", "tom"].map(str::to_owned).into());
    policy
}

fn staff(sky: &Sky) {
    sky.change(|world| {
        let us = Person { id: US.into(), handle: US.into(), is_us: true, ..Person::default() };
        world.square(ACME).join(us);
        let office = world.office(DESK);
        office.hire(BOT, "careline", Rank::Bot, &[]);
        office.hire("maria", "Maria Okoye", Rank::Full, &[]);
        office.hire("tom", "Tom Berger", Rank::Full, &[]);
        office.hire("nils", "Nils", Rank::Full, &[]);
        office.hire("gil", "Gil", Rank::Guest, &[]);
        office.found(CHANNEL, "support", &[BOT, "maria", "tom", "nils", "gil"]);
    });
}

impl Simulated {
    pub async fn new() -> Self {
        let sky = Sky::fair(START);
        staff(&sky);
        let disk = Disk::new();
        let (store, life) = live(&sky, &disk);
        let (focus, expected) = (String::new(), 0);
        let mut stage = Self { sky, disk, store, life, focus, expected };
        stage.pass(Span::seconds(1)).await;
        stage
    }

    /// Lets everything run until nobody moves any more.
    async fn quiet(&self) {
        loop {
            let before = (self.sky.moves(), self.store.calls());
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            if (self.sky.moves(), self.store.calls()) == before {
                return;
            }
        }
    }

    async fn pass(&mut self, span: Span) {
        let end = self.sky.now() + span;
        self.quiet().await;
        while self.sky.now() < end {
            let until = self.sky.next_late().map_or(end, |late| late.min(end));
            if !self.sky.clock.step(until) {
                self.sky.do_late();
            }
            self.quiet().await;
        }
    }

    async fn power_cut(&mut self) {
        self.life.abort();
        let _ = (&mut self.life).await;
        self.sky.clock.forget_sleepers();
        (self.store, self.life) = live(&self.sky, &self.disk);
    }

    /// The newest post of somebody, or of the two of a conversation.
    fn newest(&self, who: &str, or_us: bool) -> Option<i64> {
        let mut world = self.sky.world.look();
        let all = world.square(ACME).posts.values();
        let ours = |post: &&SquarePost| {
            or_us && post.author == US && post.mentions.iter().any(|id| id == who)
        };
        all.filter(|post| !post.deleted && (post.author == who || ours(post))).map(|p| p.id).max()
    }

    fn post(&mut self, who: &str, how: &How, text: &str) -> Result<(), String> {
        let ours = who == ACME;
        let parent = match (ours, how.again) {
            (true, _) => self.newest(&self.focus, false),
            (false, true) => self.newest(who, true),
            (false, false) => None,
        };
        let to = if ours { self.focus.clone() } else { US.to_owned() };
        let author = if ours { US } else { who };
        if !ours {
            who.clone_into(&mut self.focus);
        }
        let post = SquarePost {
            parent,
            audience: if how.direct { Audience::Direct } else { Audience::Public },
            warning: how.warning.clone(),
            mentions: if ours || text.contains("@acme") { vec![to] } else { Vec::new() },
            ..SquarePost::by(author, text)
        };
        let posted = self.sky.change(|world| {
            let person = Person { id: author.into(), handle: author.into(), ..Person::default() };
            world.square(ACME).people.entry(author.to_owned()).or_insert(person);
            world.post(ACME, post)
        });
        posted.map(drop).map_err(|no| format!("{no:?}"))
    }

    fn change(&self, who: &str, text: Option<&str>) -> Result<(), String> {
        let id = self.newest(who, false).ok_or(format!("{who} wrote nothing"))?;
        let done = self.sky.change(|world| {
            let now = world.now;
            let square = world.square(ACME);
            match text {
                Some(text) => square.edit(now, who, id, |post| text.clone_into(&mut post.text)),
                None => square.delete(now, who, id),
            }
        });
        done.map_err(|no| format!("{no:?}"))
    }

    /// The thread of the customer who is spoken of, by the case's own record.
    fn root(&self) -> Result<i64, String> {
        let store = self.disk.look();
        let rows = store.scan(Kind::Case, None, usize::MAX).now_or_never();
        let rows = rows.and_then(Result::ok).ok_or("the store cannot be read")?;
        let cases = rows.into_iter().filter_map(|(_, row)| match row.record {
            Some(Record::Case(case)) => Some(case),
            _ => None,
        });
        let mine = cases.filter(|case| case.contact.remote == self.focus);
        let newest =
            mine.max_by_key(|case| case.no).ok_or(format!("{} has no case", self.focus))?;
        let thread = newest.thread.ok_or("there is no thread")?;
        thread.root.parse().map_err(|_| "no root".to_owned())
    }

    /// The card and what stands below it, as everybody sees it.
    fn shown(&self) -> Result<Vec<Message>, String> {
        let root = self.root()?;
        let mut world = self.sky.world.look();
        let office = world.office(DESK);
        let card = office.message(CHANNEL, root).cloned();
        let below = office.thread(CHANNEL, root).filter(|m| m.id != root).cloned();
        Ok(card.into_iter().chain(below).collect())
    }

    fn said(&self, who: &str) -> Result<i64, String> {
        let shown = self.shown()?;
        let mine = shown.iter().rev().find(|message| message.author == who);
        mine.map(|message| message.id).ok_or(format!("{who} has written nothing"))
    }

    fn ask(&self, who: &str, root: Option<i64>, words: &str) {
        let (member, app) = (who.to_owned(), BOT.to_owned());
        let payload = json!({ "thread": root, "words": words });
        let asked = What::Asked { member, app, surface: "interactive".into(), payload };
        self.sky.change(|world| {
            let now = world.now;
            world.office(DESK).note(now, asked);
        });
    }

    fn desk(&mut self, who: &str, what: &DeskAct) -> Result<(), String> {
        let root = self.root()?;
        match what {
            DeskAct::Say(text) => self.write(who, root, text)?,
            DeskAct::Edit(text) => {
                let at = (CHANNEL, self.said(who)?);
                let edited = self.sky.change(|world| {
                    let now = world.now;
                    let change = |message: &mut Message| text.clone_into(&mut message.text);
                    world.office(DESK).edit(now, (who, None), at, change)
                });
                edited.map_err(|no| no.to_string())?;
            }
            DeskAct::Delete => {
                let id = self.said(who)?;
                let deleted = self.sky.change(|world| {
                    let now = world.now;
                    world.office(DESK).delete(now, None, CHANNEL, id)
                });
                deleted.map(drop).map_err(|no| no.to_string())?;
            }
            DeskAct::Call(words) => self.ask(who, Some(root), words),
            DeskAct::Slash(words) => self.ask(who, None, words),
            DeskAct::Press(label) => self.ask(who, Some(root), &shows::button(self, who, label)?),
            DeskAct::Fill(text) => {
                let form = shows::form(self).ok_or("no form is open")?;
                self.ask(who, Some(root), &format!("{} {text}", form.words));
            }
        }
        Ok(())
    }

    fn write(&self, who: &str, root: i64, text: &str) -> Result<(), String> {
        let said = self.sky.change(|world| {
            let (now, id) = (world.now, world.mint());
            let message = Message {
                channel: CHANNEL.into(),
                id,
                thread: Some(root),
                author: who.into(),
                text: text.into(),
                ..Message::default()
            };
            world.office(DESK).post(now, message)
        });
        said.map(drop).map_err(|no| no.to_string())
    }

    fn see(&mut self, what: &Expect) -> Result<(), String> {
        let mut expected = self.expected;
        let seen = shows::see(self, what, &self.focus, &mut expected);
        self.expected = expected;
        seen
    }
}

impl Shows for Simulated {
    fn thread(&self) -> Result<Vec<Shown>, String> {
        let looks = |message: Message| {
            let buttons = serde_json::from_value(message.blocks).unwrap_or_default();
            (message.text, buttons)
        };
        Ok(self.shown()?.into_iter().map(looks).collect())
    }

    fn told(&self) -> Vec<(String, Answer)> {
        self.sky.told().into_iter().map(|told| (told.member, told.answer)).collect()
    }

    fn sent(&self) -> Vec<(String, String)> {
        let mut world = self.sky.world.look();
        let ours = world.square(ACME).written_by(US).filter(|post| post.key.is_some());
        let to = |post: &SquarePost| post.mentions.first().cloned().unwrap_or_default();
        ours.map(|post| (to(post), post.text.clone())).collect()
    }
}

/// One life of the program, on what the last one left.
fn live(sky: &Sky, disk: &Disk) -> (Arc<Forgetful>, JoinHandle<()>) {
    let account = AccountId::new(ACME);
    let store = Arc::new(Forgetful::new(sky.clone(), disk, None));
    let town = Town {
        sky: sky.clone(),
        account: account.clone(),
        abilities: able(),
        // A server that ignores keys: what is sent twice stands there twice.
        keyed: false,
        latest: Span::seconds(15),
        listens: Some("Acme Outdoor"),
    };
    let house = House { sky: sky.clone() };
    let parts = Parts {
        store: store.clone(),
        policy: policy(),
        networks: vec![(account, Arc::new(town))],
        desks: vec![(DeskId::new(DESK), Arc::new(house))],
        clock: Arc::new(sky.clock.clone()),
        tuning: Tuning::default(),
    };
    let run = async move {
        let engine = Engine::open(parts).await.expect("a store in memory");
        engine.run(CancellationToken::new()).await.expect("a good life");
    };
    (store, tokio::spawn(run))
}

impl Stage for Simulated {
    fn act<'a>(&'a mut self, act: &'a Act) -> Task<'a, Result<(), String>> {
        Box::pin(async move {
            match act {
                Act::Post { who, how, text } => self.post(who, how, text)?,
                Act::EditPost { who, text } => self.change(who, Some(text))?,
                Act::DeletePost { who } => self.change(who, None)?,
                Act::Desk { who, to, what } => {
                    if let Some(to) = to {
                        self.focus.clone_from(to);
                    }
                    self.desk(who, what)?;
                }
                Act::Fault(fault) => {
                    let fault = fault.clone();
                    self.sky.change(|world| world.faults.set(fault));
                }
                Act::FaultsOver => self.sky.change(|world| world.faults.clear(None)),
                Act::PowerCut => self.power_cut().await,
            }
            // The next to act has at least seen this one.
            self.pass(Span::millis(300)).await;
            Ok(())
        })
    }

    fn expect<'a>(&'a mut self, what: &'a Expect) -> Task<'a, Result<(), String>> {
        let at_once = matches!(what, Expect::NoThread(_) | Expect::NothingOutside);
        Box::pin(async move {
            for _ in 0..FAIR {
                match self.see(what) {
                    Err(_) if !at_once => self.pass(Span::seconds(1)).await,
                    seen => return seen,
                }
            }
            self.see(what)
        })
    }

    fn wait(&mut self, span: Span) -> Task<'_, ()> {
        Box::pin(self.pass(span))
    }
}
