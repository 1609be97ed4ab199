//! The planted bugs of `tests/planted` still fit into the house: a patch that does not apply any
//! more would make `tests/planted/run` show nothing.

use super::{none, root};
use std::process::Command;

#[test]
fn every_planted_bug_can_still_be_planted() {
    let folder = root().join("tests/planted");
    let entries = std::fs::read_dir(&folder).expect("the folder of planted bugs").flatten();
    let patches = entries.map(|entry| entry.path());
    let mut patches: Vec<_> =
        patches.filter(|path| path.extension().is_some_and(|end| end == "patch")).collect();
    patches.sort();
    assert!(patches.len() >= 10, "there should be ten planted bugs and more");
    let mut wrong = Vec::new();
    for patch in &patches {
        let check = ["apply", "--check"];
        let Ok(said) = Command::new("git").args(check).arg(patch).current_dir(root()).output()
        else {
            println!("no git here: the planted bugs were not tried");
            return;
        };
        if !said.status.success() {
            let why = String::from_utf8_lossy(&said.stderr).into_owned();
            wrong.push(format!("{}: {why}", patch.display()));
        }
    }
    none(&wrong);
}
