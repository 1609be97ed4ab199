//! Who people are: `users.info`, kept for a while.

use super::calls::{Calls, Trouble};
use super::hear::{People, Person};
use super::wire::User;
use crate::case::event::Standing;
use crate::case::limits::NAME_BYTES;
use crate::case::time::{Span, Timestamp};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

/// How long somebody's record is believed: a guest who becomes a member, and the other way round,
/// is noticed within this time.
const KEPT: Span = Span::minutes(5);
/// Records kept at once.
const MOST: usize = 10_000;

/// People looked up before.
#[derive(Default)]
pub(super) struct Book {
    known: Mutex<BTreeMap<String, (Person, Timestamp)>>,
}

impl Book {
    fn get(&self, id: &str, now: Timestamp) -> Option<Person> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(id).filter(|(_, at)| now.since(*at) < KEPT).map(|(person, _)| person.clone())
    }

    fn put(&self, id: &str, person: Person, now: Timestamp) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(id.to_owned(), (person, now));
    }

    /// Looks up all of them. Somebody whom Slack does not know is left out, and so is nobody.
    ///
    /// # Errors
    /// Slack could not be asked; what they said must wait.
    pub(super) async fn find(
        &self,
        calls: &Calls,
        team: &str,
        ids: Vec<String>,
        now: Timestamp,
    ) -> Result<People, Trouble> {
        let mut people = People::new();
        for id in ids {
            let person = match self.get(&id, now) {
                Some(person) => Some(person),
                None => self.ask(calls, team, &id, now).await?,
            };
            people.extend(person.map(|person| (id, person)));
        }
        Ok(people)
    }

    async fn ask(
        &self,
        calls: &Calls,
        team: &str,
        id: &str,
        now: Timestamp,
    ) -> Result<Option<Person>, Trouble> {
        let answer = match calls.get("users.info", &[("user", id)]).await {
            Ok(answer) => answer,
            Err(Trouble::No(code)) if code.starts_with("user_not_") => return Ok(None),
            Err(trouble) => return Err(trouble),
        };
        let Ok(user) = User::deserialize(&answer["user"]) else { return Ok(None) };
        let person = person(&user, team);
        self.put(id, person.clone(), now);
        Ok(Some(person))
    }
}

/// What a record says (`[users.info]`): the name people chose, and whether he is one of ours.
fn person(user: &User, team: &str) -> Person {
    let names = [&user.profile.display_name, &user.profile.real_name, &user.real_name, &user.name];
    let name = names.into_iter().find(|name| !name.trim().is_empty());
    let mut name = name.cloned().unwrap_or_else(|| "somebody".into());
    name.truncate(name.floor_char_boundary(NAME_BYTES));
    Person { name, standing: standing(user, team) }
}

fn standing(user: &User, team: &str) -> Standing {
    if user.deleted || user.is_bot || user.is_workflow_bot {
        Standing::Nobody
    } else if user.is_stranger || (!user.team_id.is_empty() && user.team_id != team) {
        Standing::Stranger
    } else if user.is_restricted || user.is_ultra_restricted {
        Standing::Guest
    } else {
        Standing::Member
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_whole_members_of_our_team_are_members() {
        let of = |more: serde_json::Value| {
            let mut user = json!({"team_id": "T1", "real_name": "Ann"});
            user.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            standing(&User::deserialize(&user).unwrap(), "T1")
        };
        assert_eq!(of(json!({})), Standing::Member);
        assert_eq!(of(json!({"is_restricted": true})), Standing::Guest);
        assert_eq!(of(json!({"is_ultra_restricted": true})), Standing::Guest);
        assert_eq!(of(json!({"is_stranger": true})), Standing::Stranger);
        assert_eq!(of(json!({"team_id": "T2"})), Standing::Stranger);
        assert_eq!(of(json!({"deleted": true})), Standing::Nobody);
        assert_eq!(of(json!({"is_bot": true, "is_restricted": true})), Standing::Nobody);
    }
}
