//! Is the house in order? The rules a reviewer should not have to say, each with a sentence that
//! tells where and what, and each with a planted text that shows that it can fail.

mod code;
mod imports;
mod made;
mod planted;
mod rooms;
mod shape;
mod words;

use code::Source;
use std::path::{Path, PathBuf};

/// The project's own folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// All files below a folder, by name, without what is built.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = entry.file_name();
            match path.is_dir() {
                true if ["target", ".git", "node_modules", "data"].iter().any(|n| name == *n) => {}
                true => folders.push(path),
                false => found.push(path),
            }
        }
    }
    found.sort();
    found
}

/// The path as the project writes it.
fn short(path: &Path) -> String {
    path.strip_prefix(root()).unwrap_or(path).display().to_string()
}

/// All Rust files below this folder of the project.
fn sources(folder: &str) -> Vec<Source> {
    let all = files_below(&root().join(folder));
    assert!(!all.is_empty(), "{folder} is empty");
    let rust = all.iter().filter(|path| path.extension().is_some_and(|e| e == "rs"));
    rust.map(|path| Source::new(&short(path), &std::fs::read_to_string(path).unwrap())).collect()
}

/// Fails with every sentence, one a line.
#[track_caller]
fn none(what: &[String]) {
    assert!(what.is_empty(), "\n{}\n", what.join("\n"));
}

/// A rule has to find something in a planted text, and say this of it.
#[track_caller]
fn finds(what: &[String], words: &str) {
    assert!(what.iter().any(|w| w.contains(words)), "not found: {words}\nin: {what:#?}");
}
