//! The real daemon of the demo: configuration read as `run` reads it, sled in a temporary
//! directory, the real drivers with the faces as their servers. It lives in a runtime of its own,
//! so that pulling the plug can drop it where it stands, in the middle of whatever it did.

use super::cast::{CHANNEL, Cast, DESK, Role};
use super::life::Known;
use super::pair::{FORUM, Net, Office};
use super::{DemoError, Faces, Setup};
use crate::case::time::{Span, Timestamp};
use crate::config::{self, Files, Tables, Text};
use crate::engine::{Engine, Pace, Parts, Tuning, clock};
use crate::net::{self, Ground};
use crate::store::{STORES, Store};
use serde_json::Value;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex as Lock, PoisonError};
use std::time::Duration;
use tokio::runtime::Runtime;
use tokio::sync::{Mutex, oneshot};
use tokio_util::sync::CancellationToken;

const WIRING: &str = include_str!("../../bot-config/sandbox.toml");
/// How long a killed daemon may take to let go of its directory.
const LET_GO: Duration = Duration::from_secs(15);

/// See the module.
pub(super) struct Daemon {
    home: tempfile::TempDir,
    files: Lock<Files>,
    faces: Faces,
    tuning: Tuning,
    running: Mutex<Option<Running>>,
    known: Mutex<Known>,
    up: AtomicBool,
    starts: AtomicU32,
}

/// What the demo listens for, although nobody addressed it to the account.
const LISTEN: &str = r#"
[[rule]]
name = "brand"
phrases = ["acme outdoor"]
per_hour = 100
"#;

/// One life of it. Dropping it is the power cut: its tasks end where they stand.
struct Running {
    runtime: Option<Runtime>,
    store: Arc<dyn Store>,
    stop: CancellationToken,
    ended: oneshot::Receiver<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

fn failed(why: impl std::fmt::Display) -> DemoError {
    DemoError(why.to_string())
}

impl Daemon {
    /// Starts it; returns when its store is open and its drivers listen.
    pub(super) async fn start(setup: &Setup, cast: &Cast, faces: Faces) -> Result<Self, DemoError> {
        let home = tempfile::Builder::new().prefix("careline-demo-").tempdir().map_err(failed)?;
        write_secrets(home.path(), cast).map_err(failed)?;
        let files = Files {
            wiring: wiring(home.path(), faces, setup.pair.office),
            policy: Some(Text { name: "the demo's policy".into(), text: policy(setup, cast) }),
            phrases: None,
            listen: Some(Text { name: "the demo's rules".into(), text: LISTEN.into() }),
            escalation: Some(Text {
                name: "the shipped rules".into(),
                text: crate::config::example::ESCALATION.into(),
            }),
        };
        let daemon = Self {
            home,
            files: Lock::new(files),
            faces,
            tuning: tuning(setup),
            running: Mutex::default(),
            known: Mutex::default(),
            up: AtomicBool::new(false),
            starts: AtomicU32::new(0),
        };
        daemon.begin().await?;
        Ok(daemon)
    }

    async fn begin(&self) -> Result<(), DemoError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("careline-daemon")
            .enable_all()
            .build()
            .map_err(failed)?;
        let (tell, told) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let files = self.files.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let (tuning, stop) = (self.tuning, CancellationToken::new());
        let data = self.home.path().join("data");
        let until = stop.clone();
        runtime.spawn(async move {
            match open(&files, &data, tuning).await {
                Ok((engine, store)) => {
                    let _ = tell.send(Ok(store));
                    if let Err(why) = engine.run(until).await {
                        tracing::error!("the daemon gave up: {why}");
                    }
                }
                Err(error) => drop(tell.send(Err(error))),
            }
            let _ = end.send(());
        });
        match told.await.unwrap_or_else(|_| Err(failed("the daemon ended at once"))) {
            Ok(store) => {
                *self.running.lock().await = {
                    let runtime = Some(runtime);
                    Some(Running { runtime, store, stop, ended })
                };
                self.starts.fetch_add(1, Ordering::Relaxed);
                self.up.store(true, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                runtime.shutdown_background();
                Err(error)
            }
        }
    }

    /// Drops it where it stands and starts it again on what is on disk.
    pub(super) async fn power_cut(&self) -> Result<(), DemoError> {
        let running = self.running.lock().await.take().ok_or(failed("it is being started"))?;
        self.up.store(false, Ordering::Relaxed);
        drop(running);
        self.again().await
    }

    /// Sends new cases to this desk: stops, and starts again on the same store with other wiring.
    pub(super) async fn route(&self, office: Office) -> Result<(), DemoError> {
        self.end().await;
        let wiring = wiring(self.home.path(), self.faces, office);
        self.files.lock().unwrap_or_else(PoisonError::into_inner).wiring = wiring;
        self.again().await
    }

    /// Starts it; the life before may take a moment to let go of the store.
    async fn again(&self) -> Result<(), DemoError> {
        let deadline = tokio::time::Instant::now() + LET_GO;
        loop {
            match self.begin().await {
                Err(_) if tokio::time::Instant::now() < deadline => {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                }
                done => return done,
            }
        }
    }

    /// Stops it as SIGTERM would, and waits.
    pub(super) async fn end(&self) {
        let Some(mut running) = self.running.lock().await.take() else { return };
        self.up.store(false, Ordering::Relaxed);
        running.stop.cancel();
        let _ = tokio::time::timeout(Duration::from_secs(10), &mut running.ended).await;
    }

    /// The lives of its cases; while it is down, as they were.
    pub(super) async fn lives(&self, now: Timestamp, undo: Span) -> Vec<Value> {
        let store = self.running.lock().await.as_ref().map(|running| running.store.clone());
        let mut known = self.known.lock().await;
        if let Some(store) = store {
            known.read(&*store).await;
        }
        known.lives(now, undo)
    }

    pub(super) fn is_up(&self) -> bool {
        self.up.load(Ordering::Relaxed)
    }

    pub(super) fn starts(&self) -> u32 {
        self.starts.load(Ordering::Relaxed)
    }
}

async fn open(
    files: &Files,
    data: &Path,
    tuning: Tuning,
) -> Result<(Engine, Arc<dyn Store>), DemoError> {
    // In the sandbox nothing but this machine is reached, whatever an address says.
    let ground = Ground { net: net::Net::new(true), now: clock::system() };
    let config = config::parse(files, |_| None, &ground, Tables::all());
    let config = config.map_err(|mistakes| {
        let all: Vec<String> = mistakes.0.iter().map(ToString::to_string).collect();
        DemoError(all.join("\n"))
    })?;
    let row = STORES.iter().find(|row| row.name == config.store.kind);
    let row = row.ok_or(failed("this build has no sled"))?;
    let store = (row.open)(&data.into(), clock::now()).map_err(failed)?;
    let parts = Parts {
        store: store.clone(),
        policy: config.policy,
        networks: config.networks,
        desks: config.desks,
        clock: Arc::new(clock::System),
        tuning,
    };
    Ok((Engine::open(parts).await.map_err(failed)?, store))
}

fn write_secrets(home: &Path, cast: &Cast) -> std::io::Result<()> {
    let all = [
        ("bot_token", &cast.bot_token),
        ("app_token", &cast.app_token),
        ("account_token", &cast.us),
        ("discord_token", &cast.discord_token),
        ("sky_password", &cast.sky),
        ("x_token", &cast.x),
        ("facebook_token", &cast.facebook),
        ("facebook_secret", &cast.facebook),
        ("instagram_token", &cast.instagram),
        // The token is renewed in its file, and the secret stays.
        ("instagram_secret", &cast.instagram),
    ];
    all.into_iter().try_for_each(|(name, secret)| std::fs::write(home.join(name), secret))
}

/// All networks and both desks; new cases of all accounts go to this desk.
fn wiring(home: &Path, faces: Faces, office: Office) -> Text {
    let stream = faces.bluesky.to_string().replacen("http", "ws", 1);
    let text = WIRING
        .replace("DEMO", &home.display().to_string())
        .replace("ws://127.0.0.1:0", &stream)
        .replace("http://127.0.0.1:0/api/v10", &format!("{}/api/v10", faces.discord))
        .replace("http://127.0.0.1:0/api", &format!("{}/api", faces.slack));
    let text = Net::ALL.into_iter().fold(text, |text, net| {
        let place = format!("http://127.0.0.1:0/{}\"", net.name());
        text.replace(&place, &format!("{}\"", faces.of(net)))
    });
    let text = match office {
        Office::Slack => text,
        Office::Discord => text
            .replace(&format!("channel = \"{CHANNEL}\""), &format!("channel = \"{FORUM}\""))
            .replace("desk = \"slack\"", "desk = \"discord\""),
    };
    Text { name: "sandbox.toml".into(), text }
}

fn policy(setup: &Setup, cast: &Cast) -> String {
    let agents = cast.staff.iter().filter(|player| player.role == Some(Role::Agent));
    let agents: Vec<String> = agents.map(|player| format!("\"{}\"", player.id)).collect();
    let (undo, fuse) = (setup.undo.0 / 1000, setup.fuse);
    format!(
        "undo = \"{undo} ms\"\n\n[fuse]\naccount_per_minute = {fuse}\ncase_per_minute = {fuse}\n\n\
         [agents]\n{DESK} = [{}]\n",
        agents.join(", ")
    )
}

/// Real desks want about a post a second in a channel; the demo's take what they get.
fn tuning(setup: &Setup) -> Tuning {
    let free = Pace { burst: setup.fuse.max(1), every: Span::millis(1) };
    // A visitor who takes a dead token back wants to see it end.
    Tuning { desk: free, account: free, probe: Span::seconds(2), ..Tuning::default() }
}
