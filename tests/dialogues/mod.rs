//! Does careline do the right thing? Stories in text files, played at three heights: with the
//! decision alone; with the engine over a store in memory and the simulator's network and desk; and
//! in the demo over HTTP with the real drivers and the real store. The format is described in
//! `src/sandbox/script.rs`.

mod alerts;
mod decide;
mod shows;
mod simulated;

use careline::sandbox::script::Script;
use careline::sandbox::{Demo, Setup};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// All stories, by name.
fn all() -> Vec<Script> {
    read("tests/dialogues").into_iter().map(|(_, script)| script).collect()
}

/// The stories of a folder, each with its text.
fn read(folder: &str) -> Vec<(String, Script)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(folder);
    let files = std::fs::read_dir(folder).expect("the folder of the dialogues");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "txt"));
    files.sort();
    assert!(files.len() >= 12, "only {} dialogues", files.len());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let script = Script::parse(&name, &text).unwrap_or_else(|e| panic!("{e}"));
        (text, script)
    };
    files.into_iter().map(read).collect()
}

/// Verbs that no story can show: they name another case, whose number a story does not know.
const NUMBERED: [&str; 2] = ["link", "merge"];

#[test]
fn every_verb_is_in_a_story() {
    let all = [read("tests/dialogues"), read("tests/dialogues/alerts")].concat();
    let asked: Vec<String> = all
        .iter()
        .flat_map(|(text, _)| text.lines().filter_map(|line| line.split_once(' ')))
        .filter(|(who, _)| who.ends_with(['@', '/', '!']))
        .map(|(_, words)| words.to_lowercase())
        .collect();
    let is_in = |verb: &str| asked.iter().any(|words| words.starts_with(verb));
    let names = careline::case::command::VERBS.iter().map(|verb| verb.name);
    let untold: Vec<_> = names.filter(|verb| !NUMBERED.contains(verb) && !is_in(verb)).collect();
    assert!(untold.is_empty(), "no story has {untold:?}");
}

#[tokio::test]
async fn the_decision_alone_does_the_right_thing() {
    for script in all() {
        let mut stage = decide::Decided::new();
        careline::sandbox::play::play(&script, &mut stage).await.unwrap_or_else(|e| panic!("{e}"));
    }
}

#[tokio::test]
async fn the_engine_does_the_right_thing_over_a_pretended_world() {
    for script in all() {
        let mut stage = simulated::Simulated::new().await;
        careline::sandbox::play::play(&script, &mut stage).await.unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Each story has a demo of its own, a few at a time: a story must not hear another one's posts.
#[tokio::test(flavor = "multi_thread")]
async fn the_whole_program_does_the_right_thing_over_http() {
    let room = Arc::new(Semaphore::new(4));
    let mut playing = JoinSet::new();
    for script in all() {
        let place = room.clone().acquire_owned().await.expect("an open door");
        playing.spawn(async move {
            let demo = Demo::start(Setup::default()).await.expect("a demo");
            let played = demo.play(&script, 1.0).await;
            demo.end().await;
            drop(place);
            played.map_err(|broken| broken.to_string())
        });
    }
    let all = playing.join_all().await;
    let broken: Vec<String> = all.into_iter().filter_map(Result::err).collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}
