//! The demo: the world, every driver's face, the real daemon with its real drivers, and a page to
//! watch and to play with. All of it in one process and on loopback only.
//!
//! Nothing of the daemon is pretended: drivers speak HTTP to the faces as they would to the real
//! servers, the store is sled in a temporary directory, and *Pull the plug* drops the daemon where
//! it stands.

pub mod cast;
mod control;
mod daemon;
pub mod hands;
pub mod ledger;
mod life;
pub mod live;
pub mod loopback;
pub mod options;
mod page;
pub mod pair;
pub mod play;
pub mod script;
mod view;

pub use options::DemoOptions;

use crate::case::time::Span;
use crate::desk::DESKS;
use crate::engine::clock;
use crate::network::NETWORKS;
use crate::world::Shared;
use cast::Cast;
use daemon::Daemon;
use hands::Hands;
use live::Live;
use loopback::Loopback;
use pair::{Chosen, Net, Office, Pair};
use script::Script;
use serde_json::{Value, json};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// How long a reply can be taken back in the demo: long enough to see the ring, short enough to
/// wait for.
const UNDO: Span = Span::seconds(6);
const DAY: &str = include_str!("day.txt");

/// Why the demo cannot be shown, in a sentence.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct DemoError(pub String);

/// How a demo is set up; [`DemoOptions`] is what a visitor may choose of it.
#[derive(Clone, Debug)]
pub struct Setup {
    /// Port of the page; 0 takes a free one.
    pub port: u16,
    /// Start the daemon too.
    pub daemon: bool,
    /// How long a reply can be taken back.
    pub undo: Span,
    /// Posts to customers per minute before the fuse blows.
    pub fuse: u32,
    /// The network and the desk that it begins with.
    pub pair: Pair,
}

impl Default for Setup {
    fn default() -> Self {
        Self { port: 0, daemon: true, undo: UNDO, fuse: 600, pair: Pair::default() }
    }
}

/// What the demo itself does, as the page shows it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Story {
    playing: bool,
    caption: String,
    focus: Option<String>,
    done: usize,
    of: usize,
    faults: usize,
}

/// Where the faces are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Faces {
    /// Mastodon's.
    pub mastodon: Loopback,
    /// Bluesky's.
    pub bluesky: Loopback,
    /// X's.
    pub x: Loopback,
    /// Facebook's.
    pub facebook: Loopback,
    /// Instagram's.
    pub instagram: Loopback,
    /// Slack's.
    pub slack: Loopback,
    /// Discord's.
    pub discord: Loopback,
}

impl Faces {
    async fn serve(shared: &Shared, stop: &CancellationToken) -> Result<Self, DemoError> {
        Ok(Self {
            mastodon: serve_network(Net::Mastodon, shared, stop).await?,
            bluesky: serve_network(Net::Bluesky, shared, stop).await?,
            x: serve_network(Net::X, shared, stop).await?,
            facebook: serve_network(Net::Facebook, shared, stop).await?,
            instagram: serve_network(Net::Instagram, shared, stop).await?,
            slack: serve_desk(Office::Slack, shared, stop).await?,
            discord: serve_desk(Office::Discord, shared, stop).await?,
        })
    }

    /// All of them.
    #[must_use]
    pub fn all(self) -> Vec<Loopback> {
        let networks = Net::ALL.map(|net| self.of(net));
        networks.into_iter().chain([self.slack, self.discord]).collect()
    }

    /// A network's.
    #[must_use]
    pub const fn of(self, net: Net) -> Loopback {
        match net {
            Net::Mastodon => self.mastodon,
            Net::Bluesky => self.bluesky,
            Net::X => self.x,
            Net::Facebook => self.facebook,
            Net::Instagram => self.instagram,
        }
    }
}

/// A running demo.
pub struct Demo {
    /// Where the page is.
    pub page: Loopback,
    /// Where the faces are.
    pub faces: Faces,
    /// The world.
    pub shared: Shared,
    /// Who is in it.
    pub cast: Arc<Cast>,
    /// What can be done in it.
    pub hands: Hands,
    token: String,
    client: reqwest::Client,
    daemon: Option<Daemon>,
    chosen: Chosen,
    undo: Span,
    story: Mutex<Story>,
    day: Mutex<CancellationToken>,
    stop: CancellationToken,
}

impl Demo {
    /// Starts everything; returns when it is ready to be used.
    ///
    /// # Errors
    /// A port is taken, or the daemon does not start.
    pub async fn start(setup: Setup) -> Result<Arc<Self>, DemoError> {
        let shared = Shared::default();
        let cast = Arc::new(Cast::new());
        cast.enter(&shared);
        let stop = CancellationToken::new();
        let (page, listener) = open(setup.port).await?;
        let faces = Faces::serve(&shared, &stop).await?;
        let chosen = Chosen::new(setup.pair);
        let daemon = match setup.daemon {
            true => Some(Daemon::start(&setup, &cast, faces).await?),
            false => None,
        };
        let demo = Arc::new(Self {
            hands: Hands::new(shared.clone(), cast.clone(), faces, chosen.clone()),
            token: format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)),
            client: crate::net::Net::new(true).client().clone(),
            undo: setup.undo,
            story: Mutex::default(),
            day: Mutex::new(CancellationToken::new()),
            page,
            faces,
            chosen,
            shared,
            cast,
            daemon,
            stop: stop.clone(),
        });
        serve(listener, control::routes(demo.clone()), stop);
        Ok(demo)
    }

    /// The line for programs: the page first, then how to act as anybody.
    #[must_use]
    pub fn told(&self) -> Value {
        // Written by hand at the front: a map of JSON would sort its keys.
        json!({
            "url": format!("{}/", self.page), "control": format!("{}/control", self.page),
            "faces": self.cast.told(self.faces),
        })
    }

    /// Ends everything and leaves nothing behind.
    pub async fn end(&self) {
        self.stop_day();
        self.stop.cancel();
        if let Some(daemon) = &self.daemon {
            daemon.end().await;
        }
    }

    /// Plays a script to its end.
    ///
    /// # Errors
    /// The step that failed.
    pub async fn play(self: &Arc<Self>, script: &Script, speed: f64) -> Result<(), play::Broken> {
        play::play(script, &mut Live::new(self.clone(), speed)).await
    }

    /// Kills the daemon where it stands and starts it again on the same store.
    ///
    /// # Errors
    /// There is no daemon, or it does not start again.
    pub async fn power_cut(&self) -> Result<(), String> {
        let daemon = self.daemon.as_ref().ok_or("this demo runs without a daemon")?;
        self.ring();
        let again = daemon.power_cut().await.map_err(|e| e.to_string());
        self.ring();
        again
    }

    /// The network and the desk that are looked at.
    #[must_use]
    pub fn pair(&self) -> Pair {
        self.chosen.get()
    }

    /// Looks at another network, and sends new cases to another desk: the daemon is stopped, its
    /// wiring changed, and it is started again. Cases that are open stay where they are.
    ///
    /// # Errors
    /// A day is being played, or the daemon does not start again.
    pub async fn choose(&self, pair: Pair) -> Result<(), String> {
        if self.story().playing {
            return Err("a day is being played; stop it first".to_owned());
        }
        let before = self.chosen.set(pair);
        if let Some(daemon) = self.daemon.as_ref().filter(|_| before.office != pair.office) {
            daemon.route(pair.office).await.map_err(|e| e.to_string())?;
        }
        self.ring();
        Ok(())
    }

    fn ring(&self) {
        self.shared.change(clock::now(), |_| ());
    }

    fn story(&self) -> MutexGuard<'_, Story> {
        self.story.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes what is told of the demo itself.
    pub(crate) fn tell(&self, change: impl FnOnce(&mut Story)) {
        change(&mut self.story());
        self.ring();
    }

    fn play_day(self: &Arc<Self>) -> Result<(), String> {
        let script = day(self.pair()).map_err(|e| e.to_string())?;
        if std::mem::replace(&mut self.story().playing, true) {
            return Err("a day is being played already".to_owned());
        }
        let stop = self.stop.child_token();
        *self.day.lock().unwrap_or_else(PoisonError::into_inner) = stop.clone();
        let demo = self.clone();
        tokio::spawn(async move {
            let result = stop.run_until_cancelled(demo.play(&script, 1.0)).await;
            demo.shared.change(clock::now(), |world| world.faults.clear(None));
            demo.tell(|story| {
                story.playing = false;
                match result {
                    Some(Ok(())) => {}
                    Some(Err(broken)) => story.caption = format!("The day broke off: {broken}"),
                    None => story.caption.clear(),
                }
            });
        });
        Ok(())
    }

    fn stop_day(&self) {
        self.day.lock().unwrap_or_else(PoisonError::into_inner).cancel();
    }

    fn bases(&self) -> Vec<String> {
        self.faces.all().iter().map(|face| format!("{face}/")).collect()
    }

    async fn state(&self) -> Value {
        let now = clock::now();
        let lives = match &self.daemon {
            Some(daemon) => daemon.lives(now, self.undo).await,
            None => Vec::new(),
        };
        let mut state = view::view(&self.shared.look(), &self.cast, self.pair());
        let story = self.story().clone();
        state["lives"] = lives.into();
        state["now"] = life::millis(now).into();
        state["bases"] = self.bases().into();
        state["faults"] = story.faults.into();
        state["daemon"] = json!({
            "up": self.daemon.as_ref().is_some_and(Daemon::is_up),
            "starts": self.daemon.as_ref().map_or(0, Daemon::starts),
            "undo_ms": self.undo.0 / 1000,
        });
        state["story"] = json!({
            "playing": story.playing, "caption": story.caption, "focus": story.focus,
            "done": story.done, "of": story.of,
        });
        state
    }
}

/// The day that the page plays, as this pair can play it.
///
/// # Errors
/// A line of it cannot be read.
pub fn day(pair: Pair) -> Result<Script, script::Misread> {
    Script::parse("day", &script::on(DAY, pair))
}

async fn open(port: u16) -> Result<(Loopback, TcpListener), DemoError> {
    let opened = Loopback::open(port).await;
    opened.map_err(|e| DemoError(format!("cannot listen on port {port} of this machine: {e}")))
}

fn serve(listener: TcpListener, router: axum::Router, stop: CancellationToken) {
    tokio::spawn(async move {
        let served = axum::serve(listener, router).into_future();
        stop.run_until_cancelled(served).await
    });
}

async fn serve_network(
    net: Net,
    shared: &Shared,
    stop: &CancellationToken,
) -> Result<Loopback, DemoError> {
    let row = NETWORKS.iter().find(|row| row.name == net.name());
    let row = row.ok_or(DemoError(format!("this build has no driver for {}", net.title())))?;
    let (at, listener) = open(0).await?;
    serve(listener, (row.face)(shared.clone(), net.account()), stop.clone());
    Ok(at)
}

async fn serve_desk(
    office: Office,
    shared: &Shared,
    stop: &CancellationToken,
) -> Result<Loopback, DemoError> {
    let row = DESKS.iter().find(|row| row.name == office.name());
    let row = row.ok_or(DemoError(format!("this build has no driver for {}", office.title())))?;
    let (at, listener) = open(0).await?;
    serve(listener, (row.face)(shared.clone(), office.name()), stop.clone());
    Ok(at)
}

/// Shows the demo until `stop` fires, or plays its script and ends.
///
/// # Errors
/// It cannot be started, or a step of the script failed.
pub async fn demo(options: DemoOptions, stop: CancellationToken) -> Result<(), DemoError> {
    let script = options.script.as_deref().map(read_script).transpose()?;
    let (port, daemon, pair) = (options.port, options.daemon, options.pair);
    let setup = Setup { port, daemon, pair, ..Setup::default() };
    let demo = Demo::start(setup).await?;
    announce(&demo, &options);
    let result = match script {
        Some(script) => {
            let played = stop.run_until_cancelled(demo.play(&script, options.speed)).await;
            played.unwrap_or(Ok(())).map_err(|broken| DemoError(broken.to_string()))
        }
        None => {
            stop.cancelled().await;
            Ok(())
        }
    };
    demo.end().await;
    result
}

fn read_script(path: &std::path::Path) -> Result<Script, DemoError> {
    let text = std::fs::read_to_string(path)
        .map_err(|e| DemoError(format!("cannot read {}: {e}", path.display())))?;
    Script::parse(&path.display().to_string(), &text).map_err(|e| DemoError(e.to_string()))
}

fn announce(demo: &Demo, options: &DemoOptions) {
    use std::io::Write;
    let line = match options.json {
        true => told_line(demo),
        false => format!("The demo is at {}/ (Ctrl+C ends it)", demo.page),
    };
    let mut out = std::io::stdout().lock();
    // Nobody reads it: the demo goes on all the same.
    let _ = writeln!(out, "{line}").and_then(|()| out.flush());
    if options.browser && options.script.is_none() {
        browse(format!("{}/", demo.page));
    }
}

/// Opens a browser, if this machine has one; without one the address was printed.
fn browse(url: String) {
    let quiet = std::process::Stdio::null;
    let mut browser = std::process::Command::new("xdg-open");
    let browser = browser.arg(url).stdin(quiet()).stdout(quiet()).stderr(quiet()).spawn();
    if let Ok(mut browser) = browser {
        std::thread::spawn(move || browser.wait());
    }
}

/// The page's address is the first value, whatever order a map has.
fn told_line(demo: &Demo) -> String {
    let told = demo.told();
    format!(r#"{{"url":{},"control":{},"faces":{}}}"#, told["url"], told["control"], told["faces"])
}
