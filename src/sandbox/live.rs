//! The demo as a stage: scripts are played by the hands of real clients, and what must be seen is
//! looked for in the world, not in careline's own record.

use super::cast::{ACCOUNT, Cast, Player};
use super::hands::{At, Hands};
use super::ledger::{self, value, words};
use super::pair::Pair;
use super::play::Stage;
use super::script::{Act, DeskAct, Expect, How};
use super::view::owners;
use super::{Demo, Story};
use crate::case::time::Span;
use crate::engine::clock;
use crate::inbox::Task;
use crate::world::World;
use crate::world::office::{Message, Office};
use crate::world::square::{Square, SquarePost};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// How long something may take to be seen.
const PATIENCE: Duration = Duration::from_secs(25);

/// A script's stage in the demo.
pub struct Live {
    demo: Arc<Demo>,
    /// The network and the desk it is played on.
    pair: Pair,
    /// The customer who was named last.
    focus: String,
    /// Posts of ours that were expected.
    expected: BTreeSet<i64>,
    speed: f64,
}

impl Live {
    /// A stage in this demo; waits are shortened by `speed`.
    #[must_use]
    pub fn new(demo: Arc<Demo>, speed: f64) -> Self {
        let pair = demo.pair();
        let sent = |world: &World| {
            let square = square(world, pair);
            square.map(|s| ledger::sent(s).map(|post| post.id).collect()).unwrap_or_default()
        };
        let expected = sent(&demo.shared.look());
        Self { demo, pair, focus: String::new(), expected, speed: speed.max(0.01) }
    }

    fn hands(&self) -> &Hands {
        &self.demo.hands
    }

    fn member(&self, who: &str) -> Result<&Player, String> {
        let known = self.demo.cast.member_of(self.pair.office, who);
        known.ok_or_else(|| format!("{who} does not work here"))
    }

    fn story(&self, change: impl FnOnce(&mut Story)) {
        self.demo.tell(change);
    }

    fn look_at(&mut self, who: &str) {
        if self.demo.cast.customer(who).is_some() {
            self.focus = who.to_owned();
            let id = self.demo.cast.customer(who).map(|player| player.id.clone());
            self.story(|story| story.focus = id);
        }
    }

    /// Waits until `find` finds something.
    async fn until<T>(&self, find: impl Fn(&World) -> Option<T>) -> Option<T> {
        let mut bell = self.demo.shared.bell();
        let deadline = tokio::time::Instant::now() + PATIENCE;
        loop {
            if let Some(found) = find(&self.demo.shared.look()) {
                return Some(found);
            }
            if tokio::time::timeout_at(deadline, bell.changed()).await.is_err() {
                return None;
            }
        }
    }

    /// The newest thread of a customer.
    async fn thread(&self, who: &str) -> Result<At, String> {
        let player = self.demo.cast.customer(who).ok_or(format!("{who} is no customer"))?;
        let id = player.id.clone();
        let found = self.until(|world| root(world, self.pair, &id)).await;
        let (channel, root) = found.ok_or(format!("{who} has no thread"))?;
        Ok(At { channel, ts: self.pair.office.stamp(root) })
    }

    async fn post(&mut self, who: &str, how: &How, text: &str) -> Result<(), String> {
        self.look_at(who);
        let focus = self.focus.clone();
        let parent = {
            let world = self.demo.shared.look();
            let square = square(&world, self.pair);
            let last = |of: &str| newest(square?, &self.demo.cast, of);
            match (who == ACCOUNT, how.again) {
                (true, _) => last(&focus),
                (false, true) => square
                    .and_then(|square| below(square, &self.demo.cast, who))
                    .or_else(|| last(who)),
                (false, false) => None,
            }
        };
        let parent = parent.map(|id| id.to_string());
        self.hands().post(who, text, how, parent.as_deref()).await.map(|_| ())
    }

    fn newest_post(&self, who: &str) -> Result<String, String> {
        let world = self.demo.shared.look();
        let found = square(&world, self.pair).and_then(|s| newest(s, &self.demo.cast, who));
        found.map(|id| id.to_string()).ok_or(format!("{who} has written nothing"))
    }

    async fn desk(&mut self, who: &str, to: Option<&str>, what: &DeskAct) -> Result<(), String> {
        if let Some(customer) = to {
            self.look_at(customer);
        }
        if let DeskAct::Slash(text) = what {
            return self.hands().slash(who, self.pair.office.talk(), text);
        }
        if let DeskAct::Fill(text) = what {
            return self.fill(who, text).await;
        }
        let thread = self.thread(&self.focus).await?;
        match what {
            DeskAct::Say(text) => self.hands().say(who, &thread, text).await.map(|_| ()),
            DeskAct::Call(text) => {
                self.hands().say(who, &thread, &format!("@careline {text}")).await.map(|_| ())
            }
            DeskAct::Press(label) => self.press(who, &thread, label).await,
            DeskAct::Edit(text) => {
                let at = self.mine(who, &thread)?;
                self.hands().edit(who, &at, text).await
            }
            DeskAct::Delete => {
                let at = self.mine(who, &thread)?;
                self.hands().delete(who, &at).await
            }
            DeskAct::Slash(_) | DeskAct::Fill(_) => Ok(()),
        }
    }

    async fn fill(&self, who: &str, text: &str) -> Result<(), String> {
        let user = self.member(who)?;
        let open = |world: &World| {
            let forms = &office(world, self.pair)?.forms;
            forms.values().find(|f| f.member == user.id && !f.closed).map(|f| f.id.clone())
        };
        let form = self.until(open).await.ok_or("no form is open")?;
        self.hands().submit(who, &form, text)
    }

    async fn press(&self, who: &str, thread: &At, label: &str) -> Result<(), String> {
        let user = self.member(who)?;
        let found = self.until(|world| button(world, self.pair, thread, &user.id, label)).await;
        let (ts, value) = found.ok_or(format!("there is no button {label}"))?;
        let at = At { channel: thread.channel.clone(), ts };
        self.hands().press(who, &at, &value)
    }

    /// Somebody's newest message in a thread.
    fn mine(&self, who: &str, thread: &At) -> Result<At, String> {
        let user = self.member(who)?;
        let world = self.demo.shared.look();
        let mine = in_thread(&world, self.pair, thread).filter(|m| m.author == user.id).last();
        let mine = mine.ok_or(format!("{who} has written nothing there"))?;
        let ts = self.pair.office.stamp(mine.id);
        Ok(At { channel: thread.channel.clone(), ts })
    }

    async fn thread_says(&self, wanted: &str, card: bool) -> Result<(), String> {
        let thread = self.thread(&self.focus).await?;
        let says = |world: &World| {
            let mut all = in_thread(world, self.pair, &thread);
            let top = self.pair.office.unstamp(&thread.ts);
            all.any(|m| (!card || Some(m.id) == top) && holds(m, wanted)).then_some(())
        };
        if self.until(says).await.is_some() {
            return Ok(());
        }
        let world = self.demo.shared.look();
        let all: Vec<String> = in_thread(&world, self.pair, &thread).map(words).collect();
        Err(format!("it says: {}", all.join(" | ")))
    }

    async fn answered(&mut self, wanted: &str) -> Result<(), String> {
        let player = self.demo.cast.customer(&self.focus).ok_or("nobody was named")?;
        let id = player.id.clone();
        let found =
            self.until(|world| answers(world, self.pair, &id, wanted).first().copied()).await;
        let all = answers(&self.demo.shared.look(), self.pair, &id, wanted);
        match (found, all.as_slice()) {
            (Some(post), [_]) => {
                self.expected.insert(post);
                Ok(())
            }
            (Some(_), all) => Err(format!("it was sent {} times", all.len())),
            (None, _) => Err("it was not sent".to_owned()),
        }
    }

    async fn only(&self, who: &str, wanted: &str) -> Result<(), String> {
        let id = self.member(who).ok().map(|player| player.id.clone());
        let shown = |world: &World| {
            let office = office(world, self.pair)?;
            let mut his = office.messages.values().filter(|m| m.only_for == id);
            his.any(|m| holds(m, wanted)).then_some(())
        };
        self.until(shown).await.ok_or_else(|| {
            let world = self.demo.shared.look();
            let his = office(&world, self.pair).map(|office| {
                let his = office.messages.values().filter(|m| m.only_for == id);
                his.map(words).collect::<Vec<_>>().join(" | ")
            });
            format!("he is shown: {}", his.unwrap_or_default())
        })
    }

    async fn form(&self, wanted: &str) -> Result<(), String> {
        let open = |world: &World| {
            let forms = &office(world, self.pair)?.forms;
            let mut open = forms.values().filter(|form| !form.closed);
            open.any(|form| form.view.to_string().contains(wanted)).then_some(())
        };
        self.until(open).await.ok_or("no such form is open".to_owned())
    }

    fn nothing_outside(&self) -> Result<(), String> {
        let world = self.demo.shared.look();
        let Some(square) = square(&world, self.pair) else { return Ok(()) };
        match ledger::sent(square).find(|post| !self.expected.contains(&post.id)) {
            Some(post) => Err(format!("this was posted: {}", post.text)),
            None => Ok(()),
        }
    }

    fn not_in_thread(&self, wanted: &str) -> Result<(), String> {
        let world = self.demo.shared.look();
        let id = self.demo.cast.customer(&self.focus).map(|player| player.id.clone());
        let Some((channel, top)) = id.and_then(|id| root(&world, self.pair, &id)) else {
            return Ok(());
        };
        let thread = At { channel, ts: self.pair.office.stamp(top) };
        match in_thread(&world, self.pair, &thread).find(|m| holds(m, wanted)) {
            Some(message) => Err(format!("it says: {}", words(message))),
            None => Ok(()),
        }
    }
}

impl Stage for Live {
    fn act<'a>(&'a mut self, act: &'a Act) -> Task<'a, Result<(), String>> {
        Box::pin(async move {
            match act {
                Act::Post { who, how, text } => self.post(who, how, text).await,
                Act::EditPost { who, text } => {
                    self.look_at(who);
                    let post = self.newest_post(who)?;
                    self.hands().edit_post(who, &post, text).await
                }
                Act::DeletePost { who } => {
                    self.look_at(who);
                    let post = self.newest_post(who)?;
                    self.hands().delete_post(who, &post).await
                }
                Act::Desk { who, to, what } => self.desk(who, to.as_deref(), what).await,
                Act::Fault(fault) => {
                    let fault = fault.clone();
                    self.demo.shared.change(clock::now(), |world| world.faults.set(fault));
                    Ok(())
                }
                Act::FaultsOver => {
                    self.demo.shared.change(clock::now(), |world| world.faults.clear(None));
                    Ok(())
                }
                Act::PowerCut => self.demo.power_cut().await,
            }
        })
    }

    fn expect<'a>(&'a mut self, what: &'a Expect) -> Task<'a, Result<(), String>> {
        Box::pin(async move {
            match what {
                Expect::Thread(wanted) => self.thread_says(wanted, false).await,
                Expect::Card(wanted) => self.thread_says(wanted, true).await,
                Expect::NoThread(wanted) => self.not_in_thread(wanted),
                Expect::Network(wanted) => self.answered(wanted).await,
                Expect::Only(who, wanted) => self.only(who, wanted).await,
                Expect::Form(wanted) => self.form(wanted).await,
                Expect::NothingOutside => self.nothing_outside(),
            }
        })
    }

    fn wait(&mut self, span: Span) -> Task<'_, ()> {
        let pause = span.to_std().div_f64(self.speed);
        Box::pin(tokio::time::sleep(pause))
    }

    fn say(&mut self, words: &str) {
        let words = words.to_owned();
        self.story(|story| story.caption = words);
    }

    fn progress(&mut self, done: usize, of: usize) {
        self.story(|story| (story.done, story.of) = (done, of));
    }
}

fn square(world: &World, pair: Pair) -> Option<&Square> {
    world.squares.get(pair.net.account())
}

fn office(world: &World, pair: Pair) -> Option<&Office> {
    world.offices.get(pair.office.name())
}

fn holds(message: &Message, wanted: &str) -> bool {
    words(message).contains(wanted)
}

/// The newest post of a customer (or of our own account) that still stands.
fn newest(square: &Square, cast: &Cast, who: &str) -> Option<i64> {
    let id = match cast.customer(who) {
        Some(player) => player.id.clone(),
        None => square.us()?.id.clone(),
    };
    square.written_by(&id).last().map(|post| post.id)
}

/// The newest post of ours that names this customer.
fn below(square: &Square, cast: &Cast, who: &str) -> Option<i64> {
    let (us, id) = (&square.us()?.id, &cast.customer(who)?.id);
    square.written_by(us).rfind(|post| post.mentions.contains(id)).map(|post| post.id)
}

/// Posts of the program to this customer with these words.
fn answers(world: &World, pair: Pair, customer: &str, wanted: &str) -> Vec<i64> {
    let Some(square) = square(world, pair) else { return Vec::new() };
    let to_him = |parent: i64| {
        square
            .posts
            .get(&parent)
            .is_some_and(|p| p.author == customer || p.mentions.iter().any(|id| id == customer))
    };
    // At X and Meta a private message answers no post, only a person.
    let for_him = |post: &SquarePost| match post.parent {
        Some(parent) => to_him(parent),
        None => post.mentions.iter().any(|id| id == customer),
    };
    let mine = ledger::sent(square).filter(|post| for_him(post));
    mine.filter(|post| post.text.contains(wanted)).map(|post| post.id).collect()
}

/// The newest thread whose first message shows a post of this customer.
fn root(world: &World, pair: Pair, customer: &str) -> Option<(String, i64)> {
    let office = office(world, pair)?;
    let mine = owners(world).into_iter().filter(|(_, owner)| owner == customer);
    let roots = mine.map(|(place, _)| place).filter(|place| {
        let message = office.messages.get(place);
        message.is_some_and(|m| m.thread.is_none_or(|root| root == m.id) && !m.deleted)
    });
    roots.max_by_key(|(_, id)| *id)
}

/// The messages of a thread that everybody sees, its first one among them.
fn in_thread<'w>(world: &'w World, pair: Pair, thread: &At) -> impl Iterator<Item = &'w Message> {
    let root = pair.office.unstamp(&thread.ts);
    let channel = thread.channel.clone();
    let all = office(world, pair).into_iter().flat_map(|office| office.messages.values());
    let all = all.filter(move |m| m.channel == channel && m.thread.or(Some(m.id)) == root);
    all.filter(|m| !m.deleted && m.only_for.is_none())
}

/// The newest button with this label that this member sees in the thread, or in the channel if it
/// was shown only to him.
fn button(
    world: &World,
    pair: Pair,
    thread: &At,
    user: &str,
    label: &str,
) -> Option<(String, String)> {
    let root = pair.office.unstamp(&thread.ts);
    let seen = office(world, pair)?.messages.values().filter(|m| {
        let his = m.only_for.as_deref().is_none_or(|only| only == user);
        let here = m.thread.or(Some(m.id)) == root || m.only_for.is_some();
        m.channel == thread.channel && his && here && !m.deleted
    });
    let mut found = seen.filter_map(|m| Some((pair.office.stamp(m.id), value(m, label)?)));
    found.next_back()
}
