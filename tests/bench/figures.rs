//! How fast, how small: one JSON line a figure, each as a ratio to something measured in the same
//! run where that makes sense.
//!
//! `cargo bench --bench figures -- [NAME…] [--list]`

mod hundred_k;
mod program;
mod store;

use std::fmt::Write;

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
    Measurement { names: &["store_records_per_sync_16"], measure: || store::per_sync(16) },
    Measurement { names: &["store_records_per_sync_256"], measure: || store::per_sync(256) },
    Measurement {
        names: &["growth_100k_cases", "start_100k_cases_ms", "find_100k_ms"],
        measure: hundred_k::all,
    },
];

/// The value in the middle.
pub fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    // Cargo itself passes `--bench`.
    let asked: Vec<String> = std::env::args().skip(1).filter(|arg| arg != "--bench").collect();
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
