//! How fast, how small: one JSON line a figure, each as a ratio to something measured in the same
//! run where that makes sense.
//!
//! `cargo bench --bench figures -- [NAME…] [--list]`

mod burst;
mod hundred_k;
mod listen;
mod program;
mod relay;
#[path = "../sim/mod.rs"]
#[allow(dead_code, unused_imports, reason = "the checkers and stories are for the tests")]
mod sim;
mod store;
mod webhook;

use careline::case::event::Mention;
use careline::case::id::{AccountId, ContactId, PostId};
use careline::case::model::Audience;
use careline::case::rich::Theirs;
use careline::case::time::Timestamp;
use std::fmt::Write;

/// What a customer of the account `acme` writes.
fn mention(n: u64, who: u64, text: &str) -> Mention {
    Mention {
        contact: ContactId { account: AccountId::new("acme"), remote: format!("u{who}") },
        handle: Theirs::new(format!("user{who}")),
        name: Theirs::new(format!("User {who}")),
        author_url: None,
        avatar: None,
        post: PostId::new(format!("p{n}")),
        parent: None,
        conversation: format!("p{n}"),
        audience: Audience::Public,
        text: Theirs::new(text),
        warning: None,
        media: Vec::new(),
        url: None,
        written: Timestamp::from_seconds(1),
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

/// One figure, ready to be printed.
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// What was measured.
    pub value: f64,
    /// In which unit.
    pub unit: &'static str,
    /// What it is held against, and how many times that it is.
    pub against: Option<(&'static str, f64)>,
    /// How many runs or samples stand behind it.
    pub runs: usize,
}

impl Figure {
    fn line(&self) -> String {
        let mut line =
            format!(r#"{{"name":"{}","value":{:.3},"unit":"{}""#, self.name, self.value, self.unit);
        if let Some((to, ratio)) = self.against {
            let _ = write!(line, r#","compared_to":"{to}","ratio":{ratio:.3}"#);
        } else {
            line.push_str(r#","compared_to":null,"ratio":null"#);
        }
        let _ = write!(line, r#","runs":{}}}"#, self.runs);
        line
    }
}

/// A measurement gives one figure or several.
struct Measurement {
    names: &'static [&'static str],
    measure: fn() -> Vec<Figure>,
}

const ALL: &[Measurement] = &[
    Measurement { names: &["ready_ms", "idle_rss_mb"], measure: program::idle },
    Measurement {
        names: &["relay_in_p50", "relay_in_p99", "relay_out_p50", "relay_out_p99"],
        measure: relay::all,
    },
    Measurement { names: &["cpu_us_per_message", "relay_msgs_per_s"], measure: burst::free },
    Measurement { names: &["listen_events_per_cpu_s"], measure: listen::figure },
    Measurement { names: &["store_records_per_sync_16"], measure: || store::per_sync(16) },
    Measurement { names: &["store_records_per_sync_256"], measure: || store::per_sync(256) },
    Measurement {
        names: &["growth_100k_cases", "start_100k_cases_ms", "find_100k_ms"],
        measure: hundred_k::all,
    },
    Measurement {
        names: &["burst_limit_use", "burst_urgent_s", "burst_memory_mb"],
        measure: burst::limited,
    },
    Measurement { names: &["webhook_per_cpu_s"], measure: webhook::beside_node },
    Measurement { names: &["sim_days_per_s"], measure: days },
];

/// The value in the middle.
pub fn median(values: Vec<f64>) -> f64 {
    percentile(values, 50.0)
}

/// The value below which so many of a hundred lie.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
pub fn percentile(mut values: Vec<f64>, percent: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let at = (values.len() as f64 * percent / 100.0) as usize;
    values[at.min(values.len() - 1)]
}

/// What this process holds, in MB.
pub fn rss_mb_of_self() -> f64 {
    program::rss_mb("self")
}

/// Pretended days a second of one processor, each with its checkers: engine, store and drivers.
fn days() -> Vec<Figure> {
    const DAYS: u64 = 40;
    let before = burst::cpu_seconds("self");
    for seed in 0..DAYS {
        let wrong = sim::play_once(seed);
        assert!(wrong.is_empty(), "day {seed}: {wrong:?}");
    }
    let value = DAYS as f64 / (burst::cpu_seconds("self") - before).max(0.01);
    let runs = DAYS as usize;
    vec![Figure { name: "sim_days_per_s", value, unit: "days", against: None, runs }]
}

fn main() {
    // Cargo itself passes `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
    if asked.iter().any(|arg| arg == webhook::SERVE) {
        return webhook::serve();
    }
    if asked.iter().any(|arg| arg == "--list") {
        ALL.iter().flat_map(|m| m.names).for_each(|name| println!("{name}"));
        return;
    }
    for measurement in ALL {
        let wanted = |name: &&str| asked.is_empty() || asked.iter().any(|arg| arg == name);
        if measurement.names.iter().any(&wanted) {
            for figure in (measurement.measure)() {
                if wanted(&figure.name) {
                    println!("{}", figure.line());
                }
            }
        }
    }
}
