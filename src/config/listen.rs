//! `listen.toml`: what is listened for although nobody addressed it to us.

use super::file::File;
use super::wiring::close;
use super::{Env, Text};
use crate::case::id::AccountId;
use crate::listen::{Rule, Rules, Wanted};
use crate::network::Network;
use crate::setting::{Mistake, Section};
use std::collections::BTreeMap;
use std::sync::Arc;

/// What the file decided, by account.
pub(super) type Listening = BTreeMap<AccountId, Arc<Rules>>;

/// Posts an hour that one rule may bring at most; the default is far below.
const PER_HOUR: i64 = 1_000;
const USUAL: i64 = 20;

/// A rule, with the accounts it is for; empty = all that can listen.
struct Ruled {
    wanted: Wanted,
    accounts: Vec<String>,
}

/// Reads the file and hands each account its rules; mistakes are noted.
pub(super) fn read(
    text: &Text,
    env: Env,
    networks: &[(AccountId, Arc<dyn Network>)],
    mistakes: &mut Vec<Mistake>,
) -> Listening {
    let Some(mut file) = File::open(text, env, mistakes) else { return Listening::new() };
    let top = file.top();
    let (on, never) = (top.flag("on", true), top.list("never"));
    close(&top, mistakes);
    let mut ruled = Vec::new();
    for (_, section) in file.group("rule") {
        ruled.extend(rule(&section, networks));
        close(&section, mistakes);
    }
    file.done("on, never, [[rule]]", mistakes);
    twice(text, &ruled, mistakes);
    let ruled = if on { ruled } else { Vec::new() };
    let mut listening = Listening::new();
    for (id, _) in networks {
        let rules = of(id, &ruled);
        listening.insert(id.clone(), Arc::new(Rules::new(rules, &never)));
    }
    listening
}

/// The rules of one account. They were made once already, so that none has a mistake.
fn of(id: &AccountId, ruled: &[Ruled]) -> Vec<Rule> {
    let mine = |ruled: &&Ruled| {
        ruled.accounts.is_empty() || ruled.accounts.iter().any(|name| name == id.as_str())
    };
    ruled.iter().filter(mine).filter_map(|ruled| Rule::new(&ruled.wanted).ok()).collect()
}

/// One `[[rule]]`; `None` if it is switched off or wrong.
fn rule(section: &Section, networks: &[(AccountId, Arc<dyn Network>)]) -> Option<Ruled> {
    let on = section.flag("on", true);
    let name = section.required("name");
    if !super::is_name(&name) {
        section.wrong("name", "a name is 1 to 32 characters of a-z, 0-9, - and _");
    }
    let per_hour = section.number("per_hour", USUAL);
    if !(1..=PER_HOUR).contains(&per_hour) {
        section.wrong("per_hour", format!("must be between 1 and {PER_HOUR} posts an hour"));
    }
    let wanted = Wanted {
        name,
        words: section.list("words"),
        phrases: section.list("phrases"),
        parts: section.list("parts"),
        hashtags: section.list("hashtags"),
        regex: section.list("regex"),
        without: section.list("without"),
        languages: section.list("languages"),
        per_hour: u32::try_from(per_hour).unwrap_or(0),
    };
    if wanted.languages.iter().any(|language| !is_language(language)) {
        section.wrong("languages", "each must be a code such as \"en\" or \"pt-BR\"");
    }
    if let Err(wrong) = Rule::new(&wanted) {
        wrong.into_iter().for_each(|(key, what)| section.wrong(key, what));
    }
    let accounts = accounts(section, networks);
    on.then_some(Ruled { wanted, accounts })
}

fn is_language(text: &str) -> bool {
    let primary = text.split('-').next().unwrap_or_default();
    let plain = text.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    plain && (2..=3).contains(&primary.len())
}

/// The accounts a rule names: each must be there, and able to listen.
fn accounts(section: &Section, networks: &[(AccountId, Arc<dyn Network>)]) -> Vec<String> {
    let named = section.list("accounts");
    let able = |network: &Arc<dyn Network>| network.heed(Arc::default());
    for name in &named {
        match networks.iter().find(|(id, _)| id.as_str() == name) {
            None => section.wrong("accounts", format!("there is no account \"{name}\"")),
            Some((_, network)) => {
                if let Err(why) = able(network) {
                    section.wrong("accounts", format!("the account \"{name}\" {why}"));
                }
            }
        }
    }
    let none = named.is_empty() && networks.iter().all(|(_, network)| able(network).is_err());
    if none && !networks.is_empty() {
        section.wrong("accounts", "no account can listen; see each account's own section");
    }
    named
}

fn twice(text: &Text, ruled: &[Ruled], mistakes: &mut Vec<Mistake>) {
    let mut names: Vec<&str> = ruled.iter().map(|ruled| ruled.wanted.name.as_str()).collect();
    names.sort_unstable();
    let again = names.windows(2).filter(|pair| pair[0] == pair[1] && !pair[0].is_empty());
    mistakes.extend(again.map(|pair| Mistake {
        file: text.name.clone(),
        line: 0,
        key: "rule.name".into(),
        what: format!("two rules are called \"{}\"; cards name the rule", pair[0]),
    }));
}

/// Lets each account listen for its rules.
pub(super) fn heed(listening: &Listening, networks: &[(AccountId, Arc<dyn Network>)]) {
    for (id, network) in networks {
        // An account that cannot listen was named as a mistake, if a rule is for it alone.
        let _ = network.heed(listening.get(id).cloned().unwrap_or_default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mistakes(text: &str) -> Vec<String> {
        let text = Text { name: "listen.toml".into(), text: text.into() };
        let mut found = Vec::new();
        read(&text, |_| None, &[], &mut found);
        found.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn every_mistake_is_named_with_its_line() {
        let text = r#"on = 7

[[rule]]
name = "Brand"
words = ["two words"]
regex = ["("]
per_hour = 0
languages = ["English"]
accounts = ["x"]
sound = 1

[[rule]]
name = "b"
"#;
        let found = mistakes(text);
        let wanted = [
            (1, "top.on"),
            (4, "rule.1.name"),
            (5, "rule.1.words"),
            (6, "rule.1.regex"),
            (7, "rule.1.per_hour"),
            (8, "rule.1.languages"),
            (9, "rule.1.accounts"),
            (10, "rule.1.sound"),
            (12, "rule.2.words"),
        ];
        for (line, key) in wanted {
            let start = format!("listen.toml:{line}: {key}: ");
            assert!(found.iter().any(|m| m.starts_with(&start)), "{start} not in {found:#?}");
        }
        assert_eq!(found.len(), wanted.len(), "{found:#?}");
    }

    #[test]
    fn what_is_in_order_has_no_mistakes_and_names_are_told_apart() {
        let rule = "[[rule]]\nname = \"a\"\nwords = [\"acme\"]\n";
        assert!(mistakes(rule).is_empty() && mistakes("").is_empty());
        assert!(mistakes(&format!("{rule}{rule}"))[0].contains("two rules are called"));
        assert!(mistakes("[[rules]]\nname = \"a\"\n")[0].contains("is not known here"));
    }
}
