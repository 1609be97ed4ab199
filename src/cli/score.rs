//! `score`: how well the score learns from a file, measured on another. `bursts`: what a timeline
//! would have raised.

use super::{Failure, Where, data};
use crate::case::time::Timestamp;
use crate::engine::{clock, judge};
use crate::score::Scorer;
use crate::score::burst::{Burst, Bursts, Happening};
use crate::score::measure::measure;
use crate::score::shuffle::Chance;
use clap::Args;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::io::BufRead;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What `score` can be told.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub(super) struct ScoreArgs {
    /// Lessons: lines of JSON with `text` and `label` (0 or 1).
    #[arg(long, value_name = "FILE", requires = "on")]
    learn: Option<PathBuf>,
    /// How many lessons of their seeded order are learned, one at a time; without it, all.
    #[arg(long, value_name = "N", requires = "learn")]
    labels: Option<usize>,
    /// The order.
    #[arg(long, default_value_t = 0)]
    seed: u64,
    /// What is scored and measured: lines of JSON with `text` and `label`.
    #[arg(long, value_name = "FILE")]
    on: Option<PathBuf>,
    #[command(flatten)]
    place: Where,
    /// Scores this text with what the team of this configuration taught, and says why.
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["on", "export", "reset"])]
    explain: Option<String>,
    /// Prints what the team taught, as lines that `--learn` reads.
    #[arg(long, conflicts_with_all = ["on", "reset"])]
    export: bool,
    /// Forgets what the team taught. The daemon must not run meanwhile.
    #[arg(long, conflicts_with = "on")]
    reset: bool,
}

#[derive(Debug, Deserialize)]
struct Row {
    text: String,
    #[serde(deserialize_with = "label")]
    label: bool,
}

/// 0 or 1, as a number or as a truth.
fn label<'de, D: serde::Deserializer<'de>>(from: D) -> Result<bool, D::Error> {
    match serde_json::Value::deserialize(from)? {
        serde_json::Value::Bool(yes) => Ok(yes),
        value if value.as_f64() == Some(0.0) => Ok(false),
        value if value.as_f64() == Some(1.0) => Ok(true),
        value => Err(serde::de::Error::custom(format!("`label` must be 0 or 1, not {value}"))),
    }
}

#[derive(Debug, Deserialize)]
struct EventRow {
    created_at: String,
    brand: String,
    #[serde(default)]
    network: Option<String>,
    #[serde(default)]
    topic: Option<String>,
    #[serde(default)]
    score: Option<f32>,
    #[serde(default)]
    text: Option<String>,
}

/// Does what `score` asks for.
pub(super) fn score(args: &ScoreArgs) -> Result<(), Failure> {
    let dir = &args.place.config;
    match (&args.on, &args.explain) {
        (Some(on), _) => figures(args, on),
        (None, Some(text)) => explain(dir, text),
        (None, None) if args.export => export(dir),
        (None, None) if args.reset => reset(dir),
        (None, None) => {
            let ways = "--on FILE, --explain TEXT, --export or --reset";
            Err(Failure::Usage(format!("say what to do: {ways}")))
        }
    }
}

/// How many words an explanation names.
const EXPLAINED: usize = 12;

fn explain(dir: &Path, text: &str) -> Result<(), Failure> {
    let scorer = data::with(dir, false, async |store| {
        let mut scorer = Scorer::new(judge::SEED);
        for (text, yes) in judge::lessons(store).await? {
            scorer.learn(&text, yes);
        }
        Ok(scorer)
    })?;
    let read = scorer.read(text);
    let language = read.language.unwrap_or("unknown");
    println!(
        "{:.2}  ({:.2} before {} lessons; language {language})",
        read.score,
        read.untaught,
        scorer.lessons()
    );
    for found in scorer.explain(text, EXPLAINED) {
        println!("{:+.3}  {}", found.weight, found.word);
    }
    Ok(())
}

fn export(dir: &Path) -> Result<(), Failure> {
    for (text, yes) in data::with(dir, false, async |store| Ok(judge::lessons(store).await?))? {
        println!("{}", serde_json::json!({ "text": text, "label": u8::from(yes) }));
    }
    Ok(())
}

fn reset(dir: &Path) -> Result<(), Failure> {
    data::with(dir, false, async |store| Ok(judge::reset(store, clock::now()).await?))?;
    println!("the score knows nothing of the team any more");
    Ok(())
}

/// Measures the score and prints one line of JSON.
fn figures(args: &ScoreArgs, on: &Path) -> Result<(), Failure> {
    let mut scorer = Scorer::new(args.seed);
    if let Some(learn) = &args.learn {
        let mut lessons: Vec<Row> = rows(learn)?;
        Chance::new(args.seed).shuffle(&mut lessons);
        for lesson in lessons.iter().take(args.labels.unwrap_or(usize::MAX)) {
            scorer.learn(&lesson.text, lesson.label);
        }
        scorer.calibrate();
    }
    let test: Vec<Row> = rows(on)?;
    // The lists are read once, before the clock runs.
    let _ = scorer.read("");
    let began = clock::now();
    let scores: Vec<(f32, bool)> =
        test.iter().map(|row| (scorer.read(&row.text).score, row.label)).collect();
    let took = clock::now().since(began).to_std().max(Duration::from_micros(1));
    let found = measure(&scores, scorer.threshold());
    #[allow(clippy::cast_precision_loss, reason = "a count of lines")]
    let speed = scores.len() as f64 / took.as_secs_f64();
    let line = serde_json::json!({
        "auc": short(found.auc), "f1": short(found.f1), "precision": short(found.precision),
        "recall": short(found.recall), "ece": short(found.ece), "texts_per_s": speed.round(),
        "labels": scorer.lessons(), "texts": scores.len(),
    });
    println!("{line}");
    Ok(())
}

/// Four digits: more would be noise.
fn short(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

/// Replays a timeline and prints each burst as a line of JSON.
pub(super) fn bursts(events: &Path) -> Result<(), Failure> {
    let mut all = Vec::new();
    for (line, row) in (1..).zip(rows::<EventRow>(events)?) {
        all.push(happening(row).map_err(|what| wrong(events, line, &what))?);
    }
    all.sort_by_key(|happening| happening.at);
    let mut watched = Bursts::default();
    for happening in &all {
        if let Some(burst) = watched.add(happening) {
            println!("{}", report(&burst));
        }
    }
    Ok(())
}

fn happening(row: EventRow) -> Result<Happening, String> {
    let at = Timestamp::parse(&row.created_at)
        .ok_or_else(|| format!("`created_at` is no time: {:?}", row.created_at))?;
    let score = row.score.filter(|score| score.is_finite());
    let network = row.network.unwrap_or_default();
    Ok(Happening { at, brand: row.brand, network, topic: row.topic, score, text: row.text })
}

fn report(burst: &Burst) -> serde_json::Value {
    let minutes = (burst.at.since(burst.since).0 / 60_000_000).max(1);
    serde_json::json!({
        "at": burst.at.to_string(), "brand": burst.brand, "network": burst.network,
        "topic": burst.topic, "since": burst.since.to_string(), "count": burst.count,
        "usual": (burst.usual * 10.0).round() / 10.0, "common": burst.common,
        "voices": burst.voices,
        "why": format!("{} in {minutes} min where {:.1} are usual", burst.count, burst.usual),
    })
}

/// Lines of JSON; a mistake is named with file and line. Empty lines are passed over.
fn rows<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, Failure> {
    let file = std::fs::File::open(path)
        .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", path.display())))?;
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(std::io::BufReader::new(file).lines()) {
        let line = line.map_err(|e| wrong(path, number, &e.to_string()))?;
        let line = line.trim_start_matches('\u{feff}').trim();
        if !line.is_empty() {
            let row = serde_json::from_str(line);
            rows.push(row.map_err(|e| wrong(path, number, &e.to_string()))?);
        }
    }
    Ok(rows)
}

fn wrong(path: &Path, line: usize, what: &str) -> Failure {
    Failure::Usage(format!("{}:{line}: {what}", path.display()))
}
