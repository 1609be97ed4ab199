//! One day of one seed: its lives and deaths, one after the other, over one world and one disk.

use super::check;
use super::day::{self, Act};
use super::disk::{Death, Disk, Forgetful, Moment};
use super::house::{self, House};
use super::sky::Sky;
use super::town::{self, Town};
use careline::case::ability::{Abilities, Resend, Window};
use careline::case::id::{AccountId, AgentId, DeskId};
use careline::case::policy::{Called, Policy, Rung};
use careline::case::time::{Span, Timestamp};
use careline::engine::{Engine, Parts, Tuning};
use careline::network::Network;
use careline::store::Store;
use std::fmt::Write;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

pub const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// How long the world is calm before the checkers look: longer than any wait of ours.
const CALM: Span = Span::minutes(100);
/// Rungs of the ladder of alerts.
pub const RUNGS: usize = 2;

pub struct Day {
    pub sky: Sky,
    pub disk: Disk,
    plan: Vec<(Timestamp, Act)>,
    /// What else shall happen, and when.
    then: Vec<(Timestamp, Box<dyn FnOnce()>)>,
    done: usize,
    lives: u32,
    /// Lives that end badly, at most.
    bad_lives: u64,
    /// When the process was told to stop.
    told: Option<Timestamp>,
    stops: Vec<i64>,
}

/// How a life ends.
#[derive(Debug, PartialEq)]
pub enum End {
    Died,
    Stopped,
    Gone(String),
    Evening,
}

fn abilities(account: &str) -> Abilities {
    let keyed = Resend::Keyed { window: Span::hours(1) };
    let all = Abilities { private: true, ..Abilities::cautious("Mastodon") };
    // As at Meta: messages for a while, and one private answer to a post.
    let window = Window { direct: Span::minutes(5), private: Some(Span::days(7)) };
    match account {
        "acme" => Abilities { resend: keyed, window: Some(window), ..all },
        _ => Abilities { resend: Resend::Look, ..all },
    }
}

pub fn policy() -> Policy {
    let mut policy = Policy::standard();
    let desk = DeskId::new(house::DESK);
    (policy.fuse_account, policy.fuse_case) = (500, 500);
    policy.ops = Some(house::channel());
    policy.agents.insert(desk.clone(), day::AGENTS.map(str::to_owned).into());
    let second = AgentId { desk, user: day::AGENTS[1].into() };
    policy.alerts.ladder = vec![
        Rung { patience: Span::minutes(2), calls: Called::Channel },
        Rung { patience: Span::minutes(3), calls: Called::Agents(vec![second]) },
    ];
    for account in day::ACCOUNTS {
        let id = AccountId::new(account);
        policy.routes.insert(id.clone(), house::channel());
        policy.abilities.insert(id, abilities(account));
    }
    policy
}

impl Day {
    /// The whole day of a seed.
    pub fn new(seed: u64) -> Self {
        let sky = Sky::new(seed, START);
        sky.change(day::found);
        let plan = day::plan(&sky, START);
        let bad_lives = sky.lot(5);
        let (done, lives) = (0, 0);
        let (told, stops, then) = (None, Vec::new(), Vec::new());
        Self { sky, disk: Disk::new(), plan, then, done, lives, bad_lives, told, stops }
    }

    /// A day without acts, faults and deaths.
    #[cfg(test)]
    pub fn without_faults() -> Self {
        let day = Self::smaller(1, &[], 0);
        day.sky.calm_down();
        day
    }

    /// Something that happens at this instant, while somebody lives or sleeps.
    #[cfg(test)]
    pub fn then(&mut self, at: Timestamp, what: impl FnOnce() + 'static) {
        self.then.push((at, Box::new(what)));
    }

    /// The same seed with fewer acts and fewer deaths.
    pub fn smaller(seed: u64, keep: &[usize], bad_lives: u64) -> Self {
        let mut day = Self::new(seed);
        day.plan = keep.iter().filter_map(|n| day.plan.get(*n).copied()).collect();
        day.bad_lives = bad_lives;
        day
    }

    /// How many acts and bad lives it has.
    pub fn size(&self) -> (usize, u64) {
        (self.plan.len(), self.bad_lives)
    }

    fn parts(&self, store: Arc<Forgetful>) -> Parts {
        let town = |account: &&str| {
            let id = AccountId::new(*account);
            let keyed = *account == "acme";
            let latest = Span::seconds(if keyed { 60 } else { 15 });
            let (sky, abilities) = (self.sky.clone(), abilities(account));
            let town = Town { sky, account: id.clone(), abilities, keyed, latest, listens: None };
            (id, Arc::new(town) as Arc<dyn Network>)
        };
        Parts {
            store,
            policy: policy(),
            networks: day::ACCOUNTS.iter().map(town).collect(),
            desks: vec![(DeskId::new(house::DESK), Arc::new(House { sky: self.sky.clone() }))],
            clock: Arc::new(self.sky.clock.clone()),
            tuning: Tuning::default(),
        }
    }

    /// One process, from start to end.
    pub fn live(&mut self, death: Option<Death>, stop_at: Option<Timestamp>) -> End {
        self.lives += 1;
        self.told = None;
        self.sky.note(format!("life {} begins; it dies at {death:?}", self.lives));
        fastrand::seed(self.sky.lot(u64::MAX));
        let store = Arc::new(Forgetful::new(self.sky.clone(), &self.disk, death));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let end = runtime.block_on(self.play(&store, stop_at));
        drop(runtime);
        self.sky.clock.forget_sleepers();
        if let Some(told) = self.told.filter(|_| end == End::Stopped) {
            self.stops.push(self.sky.now().since(told).0 / 1_000_000);
        }
        self.sky.note(format!("life {} ends: {end:?}", self.lives));
        end
    }

    async fn play(&mut self, store: &Arc<Forgetful>, stop_at: Option<Timestamp>) -> End {
        let stop = CancellationToken::new();
        let (parts, told) = (self.parts(store.clone()), stop.clone());
        let run = tokio::spawn(async move {
            let engine = Engine::open(parts).await.map_err(|error| error.to_string())?;
            engine.run(told).await
        });
        // Whoever says when it shall stop decides alone.
        let evening = stop_at.map_or(START + day::LENGTH + CALM, |at| at + CALM);
        loop {
            self.quiet(store).await;
            if store.is_dead() {
                return End::Died;
            }
            if run.is_finished() {
                return match run.await {
                    Ok(Ok(())) if stop.is_cancelled() => End::Stopped,
                    Ok(Ok(())) => End::Gone("it stopped by itself".into()),
                    Ok(Err(why)) => End::Gone(why),
                    Err(error) => End::Gone(error.to_string()),
                };
            }
            if self.sky.now() >= evening {
                return End::Evening;
            }
            if stop_at.is_some_and(|at| self.sky.now() >= at) && !stop.is_cancelled() {
                self.told = Some(self.sky.now());
                stop.cancel();
            }
            self.pass(evening, stop_at.filter(|_| !stop.is_cancelled()));
        }
    }

    /// Lets everything run until nobody moves any more.
    async fn quiet(&self, store: &Forgetful) {
        loop {
            let before = (self.sky.moves(), store.calls());
            for _ in 0..4 {
                tokio::task::yield_now().await;
            }
            if (self.sky.moves(), store.calls()) == before {
                return;
            }
        }
    }

    /// Moves to the next instant at which something happens, and lets it happen.
    fn pass(&mut self, evening: Timestamp, stop_at: Option<Timestamp>) {
        let act = self.plan.get(self.done).map(|(at, _)| *at);
        let calm = Some(START + day::LENGTH).filter(|_| !self.sky.is_calm());
        let then = self.then.iter().map(|(at, _)| *at).min();
        let ahead = [act, then, self.sky.next_late(), calm, stop_at].into_iter().flatten();
        let until = ahead.chain([evening]).min().unwrap_or(evening);
        if self.sky.clock.step(until) {
            return;
        }
        self.sky.do_late();
        let now = self.sky.now();
        self.then.extract_if(.., |(at, _)| *at <= now).for_each(|(_, what)| what());
        if self.sky.now() >= START + day::LENGTH {
            self.sky.calm_down();
        }
        while let Some((_, act)) = self.plan.get(self.done).filter(|(at, _)| *at <= self.sky.now())
        {
            day::act(&self.sky, *act, self.done);
            self.done += 1;
        }
    }

    /// Nobody lives for a while; the world goes on.
    pub fn sleep(&mut self, span: Span) {
        let until = self.sky.now() + span;
        while self.sky.now() < until {
            self.pass(until, None);
        }
    }

    /// The whole day: what went wrong.
    pub fn run(&mut self) -> Vec<String> {
        for _ in 0..self.bad_lives {
            let stops = self.sky.lot(4) == 0;
            let moments = [Moment::Before, Moment::Unsynced, Moment::After];
            let moment = moments[self.sky.lot(3) as usize];
            let death = Death { call: 1 + self.sky.lot(2500), moment };
            let at = self.sky.now() + Span::seconds(self.sky.lot(200) as i64);
            match self.live(Some(death).filter(|_| !stops), Some(at).filter(|_| stops)) {
                End::Gone(why) => return vec![format!("it gave up: {why}")],
                End::Evening => break,
                End::Died | End::Stopped => {}
            }
            let span = Span::seconds(self.sky.lot(40) as i64);
            self.sleep(span);
        }
        if self.sky.now() < START + day::LENGTH + CALM {
            let end = self.live(None, None);
            if end != End::Evening {
                return vec![format!("the last life ended early: {end:?}")];
            }
        }
        self.judge()
    }

    /// What the books say, and whether the store is in order.
    fn judge(&self) -> Vec<String> {
        let mut wrong = check::check(&self.sky, self.stops.clone());
        let store = self.disk.look();
        let torn = futures_util::future::FutureExt::now_or_never(store.check());
        let torn = torn.and_then(Result::ok).unwrap_or_default();
        wrong.extend(torn.into_iter().map(|sentence| format!("the store: {sentence}")));
        wrong
    }

    /// How much went on: mentions, posts of ours, lives.
    pub fn busy(&self) -> [usize; 3] {
        let mut world = self.sky.world.look();
        let mut busy = [0, 0, self.lives as usize];
        for account in day::ACCOUNTS {
            let ours = world.square(account).written_by(town::US).count();
            busy[0] += world.square(account).posts.len() - ours;
            busy[1] += ours;
        }
        busy
    }

    /// All that happened, to compare two plays of one day.
    pub fn trace(&self) -> String {
        let mut text = String::new();
        let store = self.disk.look();
        let log = futures_util::future::FutureExt::now_or_never(store.log(0, usize::MAX));
        for entry in log.and_then(Result::ok).unwrap_or_default() {
            let _ = writeln!(text, "{} {} {} {}", entry.at, entry.envelope, entry.event, entry.did);
        }
        let mut world = self.sky.world.look();
        for account in day::ACCOUNTS {
            for happening in &world.square(account).happened {
                let _ = writeln!(text, "{happening:?}");
            }
        }
        for happening in &world.office(house::DESK).happened {
            let _ = writeln!(text, "{happening:?}");
        }
        text
    }
}
