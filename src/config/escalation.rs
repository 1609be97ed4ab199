//! `escalation.toml`: words that call somebody. Each rule brings sentences that it must find and
//! must pass by; they are tried whenever the file is read.

use super::file::File;
use super::wiring::close;
use super::{Env, Text};
use crate::case::alert::BUILT_IN;
use crate::case::pattern::Pattern;
use crate::case::policy::{AlertRule, Urgency};
use crate::setting::{Mistake, Section};
use std::collections::BTreeSet;

/// Reads the file; mistakes and failing examples are noted.
pub(super) fn read(text: &Text, env: Env, mistakes: &mut Vec<Mistake>) -> Vec<AlertRule> {
    let Some(mut file) = File::open(text, env, mistakes) else { return Vec::new() };
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (_, section) in file.group("rule") {
        let rule = rule(&section);
        if let Some(rule) = &rule
            && !names.insert(rule.name.clone())
        {
            section.wrong("name", "another rule has this name");
        }
        rules.extend(rule);
        close(&section, mistakes);
    }
    file.done("[[rule]]", mistakes);
    rules
}

fn rule(section: &Section) -> Option<AlertRule> {
    let (name, why) = (section.required("name"), section.required("why"));
    if !super::is_name(&name) {
        section.wrong("name", "a name is 1 to 32 characters of a-z, 0-9, - and _");
    } else if BUILT_IN.contains(&name.as_str()) {
        section.wrong("name", format!("careline itself uses {}", BUILT_IN.join(", ")));
    }
    let urgency = match section.one_of("priority", &["normal", "high", "urgent"]).as_str() {
        "urgent" => Urgency::Urgent,
        "high" => Urgency::High,
        _ => Urgency::Normal,
    };
    let (finds, passes) = (section.list("must_match"), section.list("must_not_match"));
    let pattern = Pattern::new(&section.required("pattern"));
    let pattern = pattern.map_err(|what| section.wrong("pattern", what)).ok()?;
    let rule = AlertRule { name, pattern, why, urgency };
    try_all(section, &rule, "must_match", &finds, true);
    try_all(section, &rule, "must_not_match", &passes, false);
    Some(rule)
}

/// Each example that fails is a mistake of its own.
fn try_all(section: &Section, rule: &AlertRule, key: &str, examples: &[String], wanted: bool) {
    if examples.is_empty() {
        section.wrong(key, "needs at least one sentence");
    }
    let what = if wanted { "the pattern does not find" } else { "the pattern finds" };
    for example in examples.iter().filter(|text| rule.finds(text) != wanted) {
        section.wrong(key, format!("{what} \"{example}\""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let text = Text { name: "escalation.toml".into(), text: text.into() };
        let mut mistakes = Vec::new();
        let _ = read(&text, |_| None, &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_rules_find_and_pass_by_what_they_should() {
        assert_eq!(mistakes(crate::config::example::ESCALATION), Vec::<String>::new());
    }

    #[test]
    fn every_example_that_fails_is_named_with_its_key() {
        let found = mistakes(
            "[[rule]]\nname = \"law\"\nwhy = \"speaks of a lawyer\"\npattern = '\\blawyer\\b'\n\
             must_match = [\"my Lawyer says\", \"my solicitor says\", \"we sue\"]\n\
             must_not_match = [\"lawyers wear your shoes\", \"my lawyer\"]\n",
        );
        let start = "escalation.toml:5: rule.1.must_match: the pattern does not find";
        let want = [
            format!("{start} \"my solicitor says\""),
            format!("{start} \"we sue\""),
            "escalation.toml:6: rule.1.must_not_match: the pattern finds \"my lawyer\"".into(),
        ];
        assert_eq!(found, want);
    }

    #[test]
    fn a_rule_needs_a_name_of_its_own_and_examples() {
        let rule = |name: &str| {
            format!(
                "[[rule]]\nname = \"{name}\"\nwhy = \"y\"\npattern = \"x\"\n\
                 must_match = [\"x\"]\nmust_not_match = [\"y\"]\n"
            )
        };
        assert!(mistakes(&(rule("a") + &rule("a")))[0].contains("another rule has this name"));
        assert!(mistakes(&rule("person"))[0].contains("careline itself uses"));
        let bare = "[[rule]]\nname = \"a\"\nwhy = \"y\"\npattern = \"(\"\npriority = \"loud\"\n";
        let found = mistakes(bare);
        assert!(found.iter().any(|m| m.contains("rule.1.pattern: is no regular")), "{found:?}");
        assert!(found.iter().any(|m| m.contains("must be one of normal, high, urgent")));
    }
}
