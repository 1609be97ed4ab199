//! The program as it stands in a process list: how soon it is ready, how much it holds when idle.

use crate::{Figure, median};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

/// Starts of the program.
const RUNS: usize = 7;

struct Demo(Child);

impl Drop for Demo {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn start() -> (Demo, f64) {
    let began = Instant::now();
    let mut child = Command::new(env!("CARGO_BIN_EXE_careline"))
        .args(["demo", "--port", "0", "--no-browser", "--json"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program");
    let out = child.stdout.take().expect("its output");
    let mut line = String::new();
    BufReader::new(out).read_line(&mut line).expect("its line");
    assert!(line.starts_with('{'), "the demo did not say that it is ready: {line}");
    (Demo(child), began.elapsed().as_secs_f64() * 1000.0)
}

fn rss_mb(demo: &Demo) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", demo.0.id())).expect("status");
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("VmRSS");
    let kb: f64 = line.split_whitespace().nth(1).and_then(|n| n.parse().ok()).expect("a number");
    kb / 1024.0
}

/// Both, of the demo: faces, page, drivers, engine and store in one process, so the daemon alone
/// is smaller.
pub fn idle() -> Vec<Figure> {
    let (mut ready, mut held) = (Vec::new(), Vec::new());
    for _ in 0..RUNS {
        let (demo, ms) = start();
        ready.push(ms);
        std::thread::sleep(std::time::Duration::from_secs(2));
        held.push(rss_mb(&demo));
    }
    let runs = RUNS;
    vec![
        Figure { name: "ready_ms", value: median(ready), unit: "ms", against: None, runs },
        Figure {
            name: "idle_rss_mb",
            value: median(held.clone()),
            unit: "MB",
            against: Some(("a minimal bot on @slack/bolt (80 MB)", median(held) / 80.0)),
            runs,
        },
    ]
}
