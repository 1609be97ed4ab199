//! `escalation.toml`: words that call somebody. Each rule brings sentences that it must find and
//! must pass by. A daemon that starts takes them as tried: that takes longer than all the rest.

use super::file::File;
use super::wiring::close;
use super::{Env, Text};
use crate::case::alert::BUILT_IN;
use crate::case::pattern::Pattern;
use crate::case::policy::Urgency;
use crate::case::rules::{AlertRule, AlertRules};
use crate::setting::{Mistake, Section};
use std::collections::BTreeSet;

/// Reads the file; mistakes are noted, and examples that fail if they are tried.
pub(super) fn read(text: &Text, env: Env, tried: bool, mistakes: &mut Vec<Mistake>) -> AlertRules {
    let Some(mut file) = File::open(text, env, mistakes) else { return AlertRules::default() };
    let mut names = BTreeSet::new();
    let mut rules = Vec::new();
    for (_, section) in file.group("rule") {
        let rule = rule(&section, tried);
        if let Some(rule) = &rule
            && !names.insert(rule.name.clone())
        {
            section.wrong("name", "another rule has this name");
        }
        rules.extend(rule);
        close(&section, mistakes);
    }
    file.done("[[rule]]", mistakes);
    rules.into()
}

fn rule(section: &Section, tried: bool) -> Option<AlertRule> {
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
    for (key, examples, wanted) in [("must_match", finds, true), ("must_not_match", passes, false)]
    {
        if examples.is_empty() {
            section.wrong(key, "needs at least one sentence");
        }
        if tried {
            try_all(section, &rule, key, &examples, wanted);
        }
    }
    Some(rule)
}

/// Each example that fails is a mistake of its own.
fn try_all(section: &Section, rule: &AlertRule, key: &str, examples: &[String], wanted: bool) {
    let what = if wanted { "the pattern does not find" } else { "the pattern finds" };
    for example in examples.iter().filter(|text| rule.finds(text) != wanted) {
        section.wrong(key, format!("{what} \"{example}\""));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        read_as(text, true)
    }

    fn read_as(text: &str, tried: bool) -> Vec<String> {
        let text = Text { name: "escalation.toml".into(), text: text.into() };
        let mut mistakes = Vec::new();
        let _ = read(&text, |_| None, tried, &mut mistakes);
        mistakes.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_shipped_rules_find_and_pass_by_what_they_should() {
        assert_eq!(mistakes(crate::config::example::ESCALATION), Vec::<String>::new());
    }

    #[test]
    fn every_example_that_fails_is_named_with_its_key() {
        let text = "[[rule]]\nname = \"law\"\nwhy = \"speaks of a lawyer\"\n\
             pattern = '\\blawyer\\b'\n\
             must_match = [\"my Lawyer says\", \"my solicitor says\", \"we sue\"]\n\
             must_not_match = [\"lawyers wear your shoes\", \"my lawyer\"]\n";
        let start = "escalation.toml:5: rule.1.must_match: the pattern does not find";
        let want = [
            format!("{start} \"my solicitor says\""),
            format!("{start} \"we sue\""),
            "escalation.toml:6: rule.1.must_not_match: the pattern finds \"my lawyer\"".into(),
        ];
        assert_eq!(mistakes(text), want);
        assert_eq!(read_as(text, false), Vec::<String>::new());
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
