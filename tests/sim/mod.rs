//! Does it hold on a bad day? The real engine over a pretended world, with faults by lot: repeats,
//! refusals, lost answers, late effects, deaf feeds, deaths at any call of the store, clocks that
//! are set. Time is pretended, so that a day takes less than a second.
//!
//! `SIM_SEEDS=FROM..TO cargo test --test main sim` plays these days and names each that fails.

mod alarms;
mod check;
mod day;
mod disk;
mod house;
mod sky;
mod stop;
mod town;

use careline::case::ability::{Abilities, Resend};
use careline::case::id::{AccountId, DeskId};
use careline::case::policy::Policy;
use careline::case::time::{Span, Timestamp};
use careline::engine::{Engine, Parts, Tuning};
use careline::network::Network;
use disk::{Death, Disk, Forgetful};
use house::House;
use sky::Sky;
use std::fmt::Write;
use std::sync::{Arc, Mutex};
use tokio_util::sync::CancellationToken;
use town::Town;

const START: Timestamp = Timestamp::from_seconds(1_800_000_000);
/// How long the world is calm before the checkers look: longer than any wait of ours.
const CALM: Span = Span::minutes(100);

struct Day {
    sky: Sky,
    disk: Arc<Mutex<Disk>>,
    plan: Vec<(Timestamp, day::Act)>,
    done: usize,
    lives: u32,
}

/// How a life ends.
#[derive(Debug, PartialEq)]
enum End {
    Died,
    Stopped,
    Gone(String),
    Evening,
}

fn abilities(account: &str) -> Abilities {
    let keyed = Resend::Keyed { window: Span::hours(1) };
    let resend = if account == "acme" { keyed } else { Resend::Look };
    Abilities { resend, ..Abilities::cautious("Mastodon") }
}

impl Day {
    fn new(seed: u64) -> Self {
        let sky = Sky::new(seed, START);
        sky.change(day::found);
        let plan = day::plan(&sky, START);
        Self { sky, disk: Arc::default(), plan, done: 0, lives: 0 }
    }

    fn policy() -> Policy {
        let mut policy = Policy::standard();
        (policy.fuse_account, policy.fuse_case) = (500, 500);
        policy.ops = Some(house::channel());
        for account in day::ACCOUNTS {
            let id = AccountId::new(account);
            policy.routes.insert(id.clone(), house::channel());
            policy.abilities.insert(id, abilities(account));
        }
        policy
    }

    fn parts(&self, store: Arc<Forgetful>) -> Parts {
        let town = |account: &&str| {
            let id = AccountId::new(*account);
            let keyed = *account == "acme";
            let latest = Span::seconds(if keyed { 60 } else { 15 });
            let (sky, abilities) = (self.sky.clone(), abilities(account));
            let town = Town { sky, account: id.clone(), abilities, keyed, latest };
            (id, Arc::new(town) as Arc<dyn Network>)
        };
        Parts {
            store,
            policy: Self::policy(),
            networks: day::ACCOUNTS.iter().map(town).collect(),
            desks: vec![(DeskId::new(house::DESK), Arc::new(House { sky: self.sky.clone() }))],
            clock: Arc::new(self.sky.clock.clone()),
            tuning: Tuning::default(),
        }
    }

    /// One process, from start to end.
    fn live(&mut self, death: Option<Death>, stop_at: Option<Timestamp>) -> End {
        self.lives += 1;
        fastrand::seed(self.sky.lot(u64::MAX));
        let store = Arc::new(Forgetful::new(self.sky.clone(), self.disk.clone(), death));
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let end = runtime.block_on(self.play(&store, stop_at));
        drop(runtime);
        self.sky.clock.forget_sleepers();
        end
    }

    async fn play(&mut self, store: &Arc<Forgetful>, stop_at: Option<Timestamp>) -> End {
        let stop = CancellationToken::new();
        let (parts, told) = (self.parts(store.clone()), stop.clone());
        let run = tokio::spawn(async move {
            let engine = Engine::open(parts).await.map_err(|error| error.to_string())?;
            engine.run(told).await
        });
        let evening = START + day::LENGTH + CALM;
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
            if stop_at.is_some_and(|at| self.sky.now() >= at) {
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
        let ahead = [act, self.sky.next_late(), calm, stop_at].into_iter().flatten();
        let until = ahead.chain([evening]).min().unwrap_or(evening);
        if self.sky.clock.step(until) {
            return;
        }
        self.sky.do_late();
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
    fn sleep(&mut self, span: Span) {
        let until = self.sky.now() + span;
        while self.sky.now() < until {
            self.pass(until, None);
        }
    }

    /// The whole day: what went wrong.
    fn run(&mut self) -> Vec<String> {
        let bad_lives = self.sky.lot(5);
        for _ in 0..bad_lives {
            let stops = self.sky.lot(4) == 0;
            let call = 1 + self.sky.lot(2500);
            let death = Some(Death { call, after: self.sky.lot(2) == 0 }).filter(|_| !stops);
            let at = self.sky.now() + Span::seconds(self.sky.lot(200) as i64);
            match self.live(death, Some(at).filter(|_| stops)) {
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
        check::check(&mut self.sky.world.look(), &self.disk.lock().unwrap())
    }

    /// How much went on: mentions, posts of ours, lives.
    fn busy(&self) -> [usize; 3] {
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
    fn trace(&self) -> String {
        let mut text = String::new();
        for entry in &self.disk.lock().unwrap().log {
            let _ = writeln!(text, "{} {} {} {}", entry.at, entry.envelope, entry.event, entry.did);
        }
        let mut world = self.sky.world.look();
        for account in day::ACCOUNTS {
            let _ = writeln!(text, "{:?}", world.square(account).happened);
        }
        let _ = writeln!(text, "{:?}", world.office(house::DESK).happened);
        text
    }
}

fn seeds() -> std::ops::Range<u64> {
    let asked = std::env::var("SIM_SEEDS").ok();
    let range = asked.as_deref().and_then(|text| {
        let (from, to) = text.split_once("..")?;
        Some(from.trim().parse().ok()?..to.trim().parse().ok()?)
    });
    range.unwrap_or(0..16)
}

#[test]
fn days_hold() {
    let (began, seeds) = (std::time::Instant::now(), seeds());
    let count = seeds.end.saturating_sub(seeds.start);
    let (mut failed, mut busy) = (Vec::new(), [0; 3]);
    for seed in seeds {
        let mut day = Day::new(seed);
        let wrong = day.run();
        day.busy().iter().zip(&mut busy).for_each(|(n, sum)| *sum += n);
        if !wrong.is_empty() {
            println!("day {seed}:\n  {}", wrong.join("\n  "));
            failed.push(seed);
        }
    }
    let [mentions, replies, lives] = busy;
    println!("{mentions} mentions, {replies} replies, {lives} lives");
    println!("{count} days in {:?}; {} failed: {failed:?}", began.elapsed(), failed.len());
    assert!(failed.is_empty(), "days that failed: {failed:?}");
    let idle = count >= 10 && (mentions < 50 || replies < 10 || lives < 12);
    assert!(!idle, "days on which nothing happens prove nothing");
}

#[test]
fn the_same_seed_is_the_same_day() {
    for seed in [3, 5, 8] {
        let play = || {
            let mut day = Day::new(seed);
            day.run();
            day.trace()
        };
        let (one, two) = (play(), play());
        let differ = one.lines().zip(two.lines()).find(|(a, b)| a != b);
        assert_eq!(differ, None, "day {seed}");
    }
}
