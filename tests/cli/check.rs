//! `check`, and what every command says about a bad question.

use super::{careline, folder, on, said};
use careline::config::{Tables, example};

#[test]
fn without_a_configuration_it_names_the_way_to_one() {
    let dir = folder(&[]);
    let output = on(&dir.path().join("none"), &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    assert!(said.contains("careline.toml") && said.contains("careline init"), "{said}");
    assert!(said.trim_end().ends_with("1 mistake in the configuration"), "{said}");
}

#[test]
fn every_mistake_is_printed_with_file_line_and_key() {
    let wiring = "[web]\nlisten = 1\nport = 2\n\n[shop]\n";
    let dir = folder(&[("careline.toml", wiring), ("policy.toml", "undo = \"soon\"\n")]);
    let output = on(dir.path(), &["check"]);
    assert_eq!(output.status.code(), Some(2));
    let said = said(&output);
    for want in [
        "careline.toml:2: web.listen: must be a text in quotes",
        "careline.toml:3: web.port: is not a setting here; known are: listen",
        "careline.toml:5: shop: is not known here",
        "careline.toml: account: there is no account",
        "policy.toml:1: top.undo: must be a length of time",
    ] {
        assert!(said.contains(want), "{want}\n{said}");
    }
}

#[test]
fn the_shipped_files_only_miss_their_variables() {
    let wiring = example::wiring(Tables::all());
    let dir = folder(&[("careline.toml", &wiring), ("policy.toml", example::POLICY)]);
    let output = on(dir.path(), &["check"]);
    let said = said(&output);
    let wrong: Vec<&str> =
        said.lines().filter(|line| line.contains(".toml:") && !line.contains("variable")).collect();
    assert!(Tables::all().desks.is_empty() || wrong.is_empty(), "{said}");
}

#[test]
fn an_example_that_a_rule_does_not_find_is_a_mistake() {
    let wiring = example::wiring(Tables::all());
    let mut rules = example::ESCALATION.to_owned();
    let line = rules.lines().count() + 5;
    rules.push_str(
        "[[rule]]\nname = \"late\"\nwhy = \"is late\"\npattern = \"late\"\n\
         must_match = [\"too slow\"]\nmust_not_match = [\"in time\"]\n",
    );
    let dir = folder(&[("careline.toml", &wiring), ("escalation.toml", &rules)]);
    let said = said(&on(dir.path(), &["check"]));
    let want = format!(
        "escalation.toml:{line}: rule.7.must_match: the pattern does not find \"too slow\""
    );
    assert!(said.contains(&want), "{want}\n{said}");
    assert_eq!(said.matches("escalation.toml").count(), 1, "{said}");
}

#[test]
fn a_question_that_is_not_understood_ends_with_2() {
    for words in [&["rum"][..], &["run", "--since", "soon"], &["demo", "--port", "x"], &[]] {
        let output = careline().args(words).output().unwrap();
        assert_eq!(output.status.code(), Some(2), "{words:?}: {}", said(&output));
    }
    let help = careline().arg("--help").output().unwrap();
    assert_eq!(help.status.code(), Some(0));
    let log = careline().args(["check", "--log-filter", "a=b=c"]).output().unwrap();
    assert_eq!(log.status.code(), Some(2));
    assert!(said(&log).contains("the log filter is not understood"), "{}", said(&log));
}

#[test]
fn init_without_a_terminal_says_what_to_do_instead() {
    let dir = folder(&[]);
    let output = on(dir.path(), &["init"]);
    assert!(!output.status.success());
    let there = std::fs::read_dir(dir.path()).unwrap().count();
    assert_eq!(there, 0, "nothing is written half");
}
