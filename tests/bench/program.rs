//! The program as it stands in a process list: how soon it is ready, how much it holds when idle.

use crate::{Figure, median};
use careline::sandbox::cast::{ACCOUNT, CHANNEL, DESK};
use careline::sandbox::{Demo, Setup};
use std::fmt::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Starts of the program.
const RUNS: usize = 7;
/// Rules for alerts in its policy.
const RULES: usize = 500;

struct Program(Child);

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn wiring(home: &Path, demo: &Demo, port: u16) -> String {
    let home = home.display();
    format!(
        "[store]\nkind = \"sled\"\npath = \"{home}/data\"\n\n[web]\n\
         listen = \"127.0.0.1:{port}\"\n\n[desk.{DESK}]\nkind = \"slack\"\nmode = \"socket\"\n\
         bot_token = \"file:{home}/bot\"\napp_token = \"file:{home}/app\"\napi = \"{}/api\"\n\n\
         [account.{ACCOUNT}]\nnetwork = \"mastodon\"\nserver = \"{}\"\n\
         token = \"file:{home}/us\"\nchannel = \"{CHANNEL}\"\n",
        demo.faces.slack, demo.faces.mastodon
    )
}

fn escalation() -> String {
    (0..RULES).fold(String::new(), |mut text, n| {
        let _ = write!(
            text,
            "[[rule]]\nname = \"r{n}\"\npattern = \"\\\\bword{n}s?\\\\b\"\n\
             why = \"says word {n}\"\nmust_match = [\"word{n}\"]\nmust_not_match = [\"word\"]\n"
        );
        text
    })
}

fn home(demo: &Demo, port: u16) -> tempfile::TempDir {
    let home = tempfile::tempdir().expect("a directory");
    for (name, text) in [
        ("bot", demo.cast.bot_token.clone()),
        ("app", demo.cast.app_token.clone()),
        ("us", demo.cast.us.clone()),
        ("careline.toml", wiring(home.path(), demo, port)),
        ("escalation.toml", escalation()),
    ] {
        std::fs::write(home.path().join(name), text).expect("a file");
    }
    home
}

/// Starts the program; milliseconds until it says that every feed is really read.
async fn start(demo: &Demo) -> (Program, f64) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    drop(listener);
    let home = home(demo, port);
    let client = careline::net::Net::new(true).client().clone();
    let url = format!("http://127.0.0.1:{port}/healthz");
    let began = Instant::now();
    let child = Command::new(env!("CARGO_BIN_EXE_careline"))
        .args(["run", "--config"])
        .arg(home.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let program = Program(child);
    loop {
        let asked = client.get(&url).send().await;
        if asked.is_ok_and(|answer| answer.status().is_success()) {
            return (program, began.elapsed().as_secs_f64() * 1000.0);
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it was never ready");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// What a process holds, in MB.
pub fn rss_mb(pid: &str) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kb: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kb / 1024.0
}

async fn measured() -> (Vec<f64>, Vec<f64>) {
    let (mut ready, mut held) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let setup = Setup { daemon: false, ..Setup::default() };
        let demo = Demo::start(setup).await.expect("faces");
        let (program, ms) = start(&demo).await;
        ready.push(ms);
        tokio::time::sleep(Duration::from_secs(2)).await;
        held.push(rss_mb(&program.0.id().to_string()));
        demo.end().await;
    }
    (ready, held)
}

/// Both: the program with a Slack desk and a Mastodon account, connected, and 500 rules.
pub fn idle() -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let (ready, held) = runtime.block_on(measured());
    let (ready, held, runs) = (median(ready), median(held), RUNS);
    let bolt = Some(("a minimal bot on @slack/bolt (80 MB)", held / 80.0));
    vec![
        Figure { name: "ready_ms", value: ready, unit: "ms", against: None, runs },
        Figure { name: "idle_rss_mb", value: held, unit: "MB", against: bolt, runs },
    ]
}
