//! Does the program answer in one clear sentence, with the right exit code?

mod check;
mod data;

use std::path::Path;
use std::process::{Command, Output};

/// The program, with nothing of this machine's environment but what it needs.
fn careline() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_careline"));
    command.env_clear().env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// A directory with these files in it.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    dir
}

fn on(dir: &Path, words: &[&str]) -> Output {
    careline().args(words).arg("--config").arg(dir).output().unwrap()
}

fn said(output: &Output) -> String {
    let both = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    String::from_utf8(both).unwrap()
}
