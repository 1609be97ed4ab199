//! `check`: every mistake in the configuration; with `--live` every token and permission too.

use super::{Failure, ground, wait};
use crate::config::{self, Config};
use crate::net::Finding;
use std::path::Path;

/// Reads the configuration and says what was found.
pub(super) fn check(dir: &Path, live: bool) -> Result<(), Failure> {
    let config = config::load(dir, config::environment, &ground())?;
    println!("{}", summary(dir, &config));
    if !live {
        return Ok(());
    }
    let found = wait(probe(&config))?;
    print!("{}", report(&found));
    match found.iter().filter(|(_, finding)| finding.result.is_err()).count() {
        0 => Ok(()),
        1 => Err(Failure::Failed("1 thing is missing".into())),
        n => Err(Failure::Failed(format!("{n} things are missing"))),
    }
}

fn summary(dir: &Path, config: &Config) -> String {
    let accounts: Vec<_> = config.networks.iter().map(|(id, _)| id.as_str()).collect();
    let desks: Vec<_> = config.desks.iter().map(|(id, _)| id.as_str()).collect();
    let listens = config.listen.iter().filter(|(_, rules)| !rules.is_empty());
    let listens: String =
        listens.map(|(id, rules)| format!("{id} listens with {} rules; ", rules.len())).collect();
    format!(
        "{} is in order: accounts {}; desks {}; {listens}revision {}",
        dir.display(),
        accounts.join(", "),
        desks.join(", "),
        config.policy.revision
    )
}

/// Tries all accounts and desks, one after the other: a token that is refused often is locked.
async fn probe(config: &Config) -> Vec<(String, Finding)> {
    let mut found = Vec::new();
    for (id, network) in &config.networks {
        let all = network.probe().await.into_iter();
        found.extend(all.map(|finding| (format!("account.{id}"), finding)));
    }
    for (id, desk) in &config.desks {
        let all = desk.probe().await.into_iter();
        found.extend(all.map(|finding| (format!("desk.{id}"), finding)));
    }
    found
}

fn report(found: &[(String, Finding)]) -> String {
    let line = |(place, finding): &(String, Finding)| match &finding.result {
        Ok(seen) => format!("ok       {place}: {}: {seen}\n", finding.what),
        Err(missing) => format!("missing  {place}: {}: {missing}\n", finding.what),
    };
    found.iter().map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_says_what_is_there_and_what_is_missing() {
        let finding = |result| Finding { what: "token".into(), result };
        let found = [
            ("account.acme".to_owned(), finding(Ok("we are @acme".into()))),
            ("desk.team".to_owned(), finding(Err("no scope chat:write; add it".into()))),
        ];
        let text = report(&found);
        assert!(text.contains("ok       account.acme: token: we are @acme"), "{text}");
        assert!(text.contains("missing  desk.team: token: no scope chat:write; add it"), "{text}");
    }
}
