//! `[people.NAME]`: one member of staff with his accounts at the desks, his role and his limits.

use super::file::File;
use super::wiring::close;
use crate::case::id::{AgentId, DeskId};
use crate::case::policy::Person;
use crate::case::role::Role;
use crate::setting::{Mistake, Section};
use std::collections::{BTreeMap, BTreeSet};

/// More cases than this at once are no limit but a slip.
const MOST: i64 = 1_000;

/// Reads all of them; mistakes are noted. An account can belong to one person only.
pub(super) fn read(
    file: &mut File<'_>,
    desks: &BTreeSet<String>,
    mistakes: &mut Vec<Mistake>,
) -> BTreeMap<String, Person> {
    let mut people = BTreeMap::new();
    let mut taken = BTreeSet::new();
    for (name, section) in file.group("people") {
        let person = person(&section, desks);
        for account in &person.accounts {
            if !taken.insert(account.clone()) {
                section.wrong(account.desk.as_str(), "belongs to another person already");
            }
        }
        close(&section, mistakes);
        people.insert(name, person);
    }
    people
}

fn person(section: &Section, desks: &BTreeSet<String>) -> Person {
    let given = desks.iter().filter(|desk| section.entries.contains_key(*desk));
    let account = |desk: &String| {
        let user = section.text(desk)?;
        Some(AgentId { desk: DeskId::new(desk.as_str()), user })
    };
    let accounts: BTreeSet<AgentId> = given.filter_map(account).collect();
    if accounts.is_empty() {
        let known = desks.iter().cloned().collect::<Vec<_>>().join(", ");
        section.wrong("desk", format!("needs an account at a desk; desks are: {known}"));
    }
    let role = match section.one_of("role", &["agent", "learner", "lead", "admin"]).as_str() {
        "learner" => Role::Learner,
        "lead" => Role::Lead,
        "admin" => Role::Admin,
        _ => Role::Agent,
    };
    let capacity = section.number("capacity", 0);
    if !(0..=MOST).contains(&capacity) {
        section.wrong("capacity", format!("must be between 0 (no limit) and {MOST}"));
    }
    let alias = section.text("alias").filter(|alias| !alias.trim().is_empty());
    let signature = section.text("signature");
    let capacity = u32::try_from(capacity).unwrap_or(0);
    Person { accounts, role, capacity, alias, signature }
}
