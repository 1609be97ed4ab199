//! Who may do what. One function, [`may`]; a test goes through all of it.
//!
//! An action that needs a role nobody was given falls to the next one below: a team of two needs no
//! lead to lift a stop.

use super::id::AgentId;
use super::model::{Agent, Case};
use super::policy::Policy;
use serde::{Deserialize, Serialize};

/// What somebody is in the team. Each may do all that the ones before may.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Learns: what he writes to customers waits until somebody else lets it go.
    Learner,
    /// Answers customers.
    #[default]
    Agent,
    /// Decides about customers and the work of others.
    Lead,
    /// Decides about careline.
    Admin,
}

/// What a verb needs a role for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Reading.
    Look,
    /// Taking an unclaimed case, letting go of one's own.
    Claim,
    /// Words to the customer.
    Speak,
    /// Letting a waiting reply go, or taking it back; whose it is, is asked beside this.
    Release,
    /// Notes, tags, snoozing, closing: all that stays inside.
    Sort,
    /// Deciding who looks after a case that somebody has.
    Give,
    /// Refusing a customer.
    Block,
    /// Stopping all that goes out: anybody who sees the fire.
    Stop,
    /// Letting it go out again.
    Resume,
}

/// All roles, from the least.
pub const ROLES: [Role; 4] = [Role::Learner, Role::Agent, Role::Lead, Role::Admin];

/// Why something may not be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Denied {
    /// It needs at least this role.
    Needs(Role),
    /// Somebody else looks after the case.
    Owner(Agent),
}

impl Denied {
    /// As the one who asked reads it.
    #[must_use]
    pub fn why(&self) -> String {
        match self {
            Self::Needs(Role::Admin) => "Only an admin may do that. Nothing was done.".into(),
            Self::Needs(Role::Lead) => "Only a lead may do that. Nothing was done.".into(),
            Self::Needs(_) => "A learner may not do that. Nothing was done.".into(),
            Self::Owner(owner) => format!(
                "{} looks after this case. Ask for its release first; nothing was done.",
                owner.name
            ),
        }
    }
}

/// May this actor do this, about this case?
///
/// # Errors
/// [`Denied`] says why not.
pub fn may(
    policy: &Policy,
    actor: &AgentId,
    action: Action,
    case: Option<&Case>,
) -> Result<(), Denied> {
    let role = policy.role(actor);
    let needed = needed(action).min(policy.highest_role());
    if role < needed {
        return Err(Denied::Needs(needed));
    }
    let own_only = action == Action::Speak || (action == Action::Sort && role == Role::Learner);
    let owner = case.and_then(|case| case.claimer.as_ref()).filter(|_| own_only);
    match owner.filter(|owner| !policy.same(&owner.id, actor)) {
        Some(owner) => Err(Denied::Owner(owner.clone())),
        None => Ok(()),
    }
}

const fn needed(action: Action) -> Role {
    match action {
        Action::Look | Action::Claim | Action::Speak | Action::Release => Role::Learner,
        Action::Sort | Action::Stop => Role::Learner,
        Action::Give => Role::Agent,
        Action::Block => Role::Lead,
        Action::Resume => Role::Admin,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::id::DeskId;
    use crate::case::policy::Person;
    use crate::case::tests::{Play, agent};

    const ACTIONS: [Action; 9] = [
        Action::Look,
        Action::Claim,
        Action::Speak,
        Action::Release,
        Action::Sort,
        Action::Give,
        Action::Block,
        Action::Stop,
        Action::Resume,
    ];

    fn person(name: &str, role: Role) -> (String, Person) {
        let person = Person { accounts: [agent(name).id].into(), role, ..Person::default() };
        (name.to_owned(), person)
    }

    fn team(roles: &[Role]) -> Policy {
        let names = roles.iter().map(|role| person(&format!("{role:?}"), *role));
        Policy { people: names.collect(), ..Policy::standard() }
    }

    /// A case of nobody, of the actor, of somebody else.
    fn cases(actor: &str) -> [Case; 3] {
        let mut play = Play::new();
        play.writes("anna", "p1", "hello");
        let of = |claimer: Option<Agent>| Case { claimer, ..play.case() };
        [of(None), of(Some(agent(actor))), of(Some(agent("otto")))]
    }

    /// A letter for each of: no case, nobody's, the actor's own, somebody else's.
    fn row(policy: &Policy, actor: &str, action: Action) -> String {
        let id = agent(actor).id;
        let mut all = vec![may(policy, &id, action, None)];
        all.extend(cases(actor).iter().map(|case| may(policy, &id, action, Some(case))));
        let letter = |answer: &Result<(), Denied>| match answer {
            Ok(()) => 'y',
            Err(Denied::Owner(_)) => 'o',
            Err(Denied::Needs(_)) => '-',
        };
        all.iter().map(letter).collect()
    }

    fn matrix(policy: &Policy, roles: &[Role]) -> Vec<String> {
        let line = |action: &Action| {
            let cells = roles.iter().map(|role| row(policy, &format!("{role:?}"), *action));
            format!("{action:?} {}", cells.collect::<Vec<_>>().join(" "))
        };
        ACTIONS.iter().map(line).collect()
    }

    #[test]
    fn the_whole_matrix() {
        let got = matrix(&team(&ROLES), &ROLES);
        let want = [
            //       learner agent lead admin
            "Look yyyy yyyy yyyy yyyy",
            "Claim yyyy yyyy yyyy yyyy",
            "Speak yyyo yyyo yyyo yyyo",
            "Release yyyy yyyy yyyy yyyy",
            "Sort yyyo yyyy yyyy yyyy",
            "Give ---- yyyy yyyy yyyy",
            "Block ---- ---- yyyy yyyy",
            "Stop yyyy yyyy yyyy yyyy",
            "Resume ---- ---- ---- yyyy",
        ];
        assert_eq!(got, want);
    }

    #[test]
    fn what_needs_a_role_nobody_has_falls_to_the_one_below() {
        let got = matrix(&team(&[Role::Learner, Role::Agent]), &[Role::Learner, Role::Agent]);
        assert_eq!(got[6], "Block ---- yyyy");
        assert_eq!(got[8], "Resume ---- yyyy");
        let lead = matrix(&team(&[Role::Agent, Role::Lead]), &[Role::Agent, Role::Lead]);
        assert_eq!(lead[8], "Resume ---- yyyy");
    }

    #[test]
    fn a_person_is_the_same_at_every_desk() {
        let mut policy = team(&[Role::Agent]);
        let other = AgentId { desk: DeskId::new("discord"), user: "77".into() };
        let person = policy.people.get_mut("Agent").unwrap();
        person.accounts.insert(other.clone());
        let [_, own, _] = cases("Agent");
        assert_eq!(may(&policy, &other, Action::Speak, Some(&own)), Ok(()));
        let stranger = AgentId { desk: DeskId::new("discord"), user: "78".into() };
        let denied = may(&policy, &stranger, Action::Speak, Some(&own));
        assert!(matches!(denied, Err(Denied::Owner(_))), "{denied:?}");
    }
}
