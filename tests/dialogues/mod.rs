//! Does careline do the right thing? Stories in text files, played at several heights: with the
//! decision alone, and in the demo over HTTP with the real drivers and the real store. The format
//! is described in `src/sandbox/script.rs`.

mod decide;

use careline::sandbox::script::Script;
use std::path::PathBuf;

/// All stories, by name.
fn all() -> Vec<Script> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/dialogues");
    let files = std::fs::read_dir(folder).expect("the folder of the dialogues");
    let mut files: Vec<PathBuf> = files.map(|file| file.expect("a file").path()).collect();
    files.retain(|path| path.extension().is_some_and(|ext| ext == "txt"));
    files.sort();
    assert!(files.len() >= 12, "only {} dialogues", files.len());
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("a readable file");
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        Script::parse(&name, &text).unwrap_or_else(|e| panic!("{e}"))
    };
    files.into_iter().map(read).collect()
}

#[tokio::test]
async fn the_decision_alone_does_the_right_thing() {
    for script in all() {
        let mut stage = decide::Decided::new();
        careline::sandbox::play::play(&script, &mut stage).await.unwrap_or_else(|e| panic!("{e}"));
    }
}
