//! What the operator decided: who may speak, where cases go, how long a reply waits.

use super::ability::Abilities;
use super::hours::Hours;
use super::id::{AccountId, AgentId, ChannelId, DeskId};
use super::model::{Agent, Case, Priority};
use super::role::Role;
use super::rules::AlertRules;
use super::time::Span;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How plain words in a thread are taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Relay {
    /// The claimer's plain message in the case's own thread is a reply, after its undo time.
    #[default]
    Claimer,
    /// Only the verb `reply` sends.
    Explicit,
}

/// All that `decide` may know besides the records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Policy {
    /// A short hash of the configuration it came from; logged with each decision.
    pub revision: String,
    /// How plain words are taken.
    pub relay: Relay,
    /// How long a reply can be taken back.
    pub undo: Span,
    /// Words captured longer ago than this ask again before they go out.
    pub stale: Span,
    /// A new mention this soon after closing reopens the case; later it opens a new one.
    pub reopen: Span,
    /// Where an account's cases go.
    pub routes: BTreeMap<AccountId, ChannelId>,
    /// What accounts can do, as far as configuration knows; a server's own word wins.
    pub abilities: BTreeMap<AccountId, Abilities>,
    /// Who may speak to customers at a desk; absent = every full member.
    pub agents: BTreeMap<DeskId, BTreeSet<String>>,
    /// People by name, each one over all desks. Who is in no entry is an agent of his own.
    #[serde(default)]
    pub people: BTreeMap<String, Person>,
    /// The channel for notices about careline itself.
    pub ops: Option<ChannelId>,
    /// Host names and other words that are never for a customer (case does not matter).
    pub inside_words: Vec<String>,
    /// Beginnings that mark a note, besides the built-in ones.
    pub note_marks: Vec<String>,
    /// Signature put behind a reply's text; `{name}` is the agent's first name, or his alias.
    pub signature: Option<String>,
    /// Signatures of single accounts, instead of that one.
    #[serde(default)]
    pub signatures: BTreeMap<AccountId, String>,
    /// How long a case is offered first to the one who knows the customer; zero is not at all.
    #[serde(default)]
    pub sticky: Span,
    /// Languages the team reads; another one is said on the card.
    #[serde(default)]
    pub languages: Vec<String>,
    /// A mere "thanks!" neither opens nor reopens a case.
    #[serde(default)]
    pub pleasantries: bool,
    /// Reset the fuse's window and count: posts to customers per minute and account.
    pub fuse_account: u32,
    /// Posts to customers per minute and case.
    pub fuse_case: u32,
    /// Nothing is sent to customers; all else works, and replies say so.
    pub dry_run: bool,
    /// Zone in which agents say times: `Europe/Berlin`.
    #[serde(default)]
    pub zone: String,
    /// Stock replies by name; `{name}`, `{agent}`, `{case}` are filled in.
    #[serde(default)]
    pub canned: BTreeMap<String, String>,
    /// When a case calls for somebody.
    #[serde(default)]
    pub alerts: Alerts,
    /// Mentions are scored, and the score learns from what the team does.
    #[serde(default)]
    pub score: bool,
}

/// One member of staff, over all desks.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// His accounts at the desks.
    pub accounts: BTreeSet<AgentId>,
    /// What he is in the team.
    pub role: Role,
    /// How many cases he looks after at once; 0 is any number.
    pub capacity: u32,
    /// The name that customers read instead of his own.
    pub alias: Option<String>,
    /// His own signature; an empty one signs nothing.
    pub signature: Option<String>,
}

impl Person {
    /// His accounts at this desk, or all of them if he has none there.
    fn at(&self, desk: &DeskId) -> Vec<AgentId> {
        let here: Vec<_> = self.accounts.iter().filter(|a| a.desk == *desk).cloned().collect();
        if here.is_empty() { self.accounts.iter().cloned().collect() } else { here }
    }
}

/// When a case calls for somebody, and whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Alerts {
    /// Who is told when a customer waits, each after his own patience. Empty = nobody.
    pub ladder: Vec<Rung>,
    /// Words that matter.
    pub rules: AlertRules,
    /// So many posts without an answer call somebody; 0 = never.
    pub again: u32,
    /// One rule calls at most once for a case in this time.
    #[serde(default = "a_day")]
    pub period: Span,
    /// When the leads get their digest, in minutes after midnight; absent = never.
    #[serde(default)]
    pub digest: Option<u16>,
    /// Who is on call, by name in `people`.
    #[serde(default)]
    pub on_call: Vec<String>,
    /// How soon answers are promised; the first that fits a case counts.
    #[serde(default)]
    pub promises: Vec<Promised>,
    /// When waiting counts. Outside of it only what is urgent calls.
    pub hours: Hours,
    /// Where alerts are shown; absent = the case's own channel.
    pub channel: Option<ChannelId>,
}

impl Default for Alerts {
    /// Nobody is called: what is not configured wakes nobody.
    fn default() -> Self {
        Self {
            ladder: Vec::new(),
            rules: AlertRules::default(),
            again: 0,
            period: a_day(),
            digest: None,
            on_call: Vec::new(),
            promises: Vec::new(),
            hours: Hours::always(),
            channel: None,
        }
    }
}

/// How soon customers of an account, or cases of a priority, are promised an answer: in opening
/// hours. Without a promise only the ladder's own patience counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promised {
    /// Of this account; absent = of every one.
    pub account: Option<AccountId>,
    /// Of this priority; absent = of every one.
    pub priority: Option<Priority>,
    /// The first answer by a person, from when the customer wrote.
    pub first: Option<Span>,
    /// Each later answer, from when the customer wrote again.
    pub next: Option<Span>,
    /// The end of the case, from when it was opened.
    pub solved: Option<Span>,
}

impl Promised {
    fn is_for(&self, case: &Case) -> bool {
        self.account.as_ref().is_none_or(|account| *account == case.account)
            && self.priority.is_none_or(|priority| priority == case.priority)
    }
}

const fn a_day() -> Span {
    Span::days(1)
}

/// One rung of the ladder.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// How long the customer waits before this rung is told, counted from the rung below.
    pub patience: Span,
    /// Who is told.
    pub calls: Called,
}

/// Who is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Called {
    /// Whoever looks after the case.
    Claimer,
    /// Whoever reads the channel.
    Channel,
    /// These, by name.
    Agents(Vec<AgentId>),
    /// Whoever is a lead in `people`.
    Leads,
    /// Whoever is on call.
    OnCall,
}

/// How much something matters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Urgency {
    /// Somebody is told while the team is there.
    #[default]
    Normal,
    /// And the case goes before the others that wait.
    High,
    /// And somebody is told at any hour.
    Urgent,
}

impl Alerts {
    /// What is promised to the customer of this case.
    #[must_use]
    pub fn promised(&self, case: &Case) -> Option<&Promised> {
        self.promises.iter().find(|promised| promised.is_for(case))
    }
}

impl Policy {
    /// Accounts at this desk of everybody who is a lead; elsewhere if they have none there.
    #[must_use]
    pub fn leads(&self, desk: &DeskId) -> Vec<AgentId> {
        let leads = self.people.values().filter(|person| person.role == Role::Lead);
        leads.flat_map(|person| person.at(desk)).collect()
    }

    /// The same of everybody who is on call.
    #[must_use]
    pub fn on_call(&self, desk: &DeskId) -> Vec<AgentId> {
        let names = self.alerts.on_call.iter();
        names.filter_map(|name| self.people.get(name)).flat_map(|person| person.at(desk)).collect()
    }

    /// The policy of a new installation, with no accounts.
    #[must_use]
    pub fn standard() -> Self {
        Self {
            revision: "standard".into(),
            relay: Relay::Claimer,
            undo: Span::seconds(10),
            stale: Span::minutes(30),
            reopen: Span::days(7),
            routes: BTreeMap::new(),
            abilities: BTreeMap::new(),
            agents: BTreeMap::new(),
            people: BTreeMap::new(),
            ops: None,
            inside_words: Vec::new(),
            note_marks: Vec::new(),
            signature: None,
            signatures: BTreeMap::new(),
            sticky: Span::minutes(15),
            languages: vec!["en".into()],
            pleasantries: true,
            fuse_account: 20,
            fuse_case: 12,
            dry_run: false,
            zone: "UTC".into(),
            canned: BTreeMap::new(),
            alerts: Alerts::default(),
            score: true,
        }
    }

    /// May this member of the desk act on cases? Whoever is somebody in `people` may.
    #[must_use]
    pub fn is_agent(&self, agent: &AgentId) -> bool {
        self.agents.get(&agent.desk).is_none_or(|list| list.contains(&agent.user))
            || self.person(agent).is_some()
    }

    /// Who this is, over all desks.
    #[must_use]
    pub fn person(&self, agent: &AgentId) -> Option<(&str, &Person)> {
        let mut people = self.people.iter();
        let (name, person) = people.find(|(_, person)| person.accounts.contains(agent))?;
        Some((name, person))
    }

    /// Are these one person?
    #[must_use]
    pub fn same(&self, a: &AgentId, b: &AgentId) -> bool {
        a == b || self.person(a).is_some_and(|(_, person)| person.accounts.contains(b))
    }

    /// All accounts of the person who has this one.
    #[must_use]
    pub fn accounts(&self, agent: &AgentId) -> Vec<AgentId> {
        match self.person(agent) {
            Some((_, person)) => person.accounts.iter().cloned().collect(),
            None => vec![agent.clone()],
        }
    }

    /// What one person is remembered by: his name in `people`, else his account.
    #[must_use]
    pub fn key(&self, agent: &AgentId) -> String {
        let alone = || format!("{}:{}", agent.desk, agent.user);
        self.person(agent).map_or_else(alone, |(name, _)| name.to_owned())
    }

    /// What somebody is in the team.
    #[must_use]
    pub fn role(&self, agent: &AgentId) -> Role {
        self.person(agent).map(|(_, person)| person.role).unwrap_or_default()
    }

    /// The highest role that anybody was given; every team has agents.
    #[must_use]
    pub fn highest_role(&self) -> Role {
        self.people.values().map(|person| person.role).max().unwrap_or_default().max(Role::Agent)
    }

    /// What the customer reads below a reply of this agent, if anything.
    #[must_use]
    pub fn signed(&self, agent: &Agent, account: &AccountId) -> Option<String> {
        let person = self.person(&agent.id).map(|(_, person)| person);
        let own = person.and_then(|person| person.signature.as_ref());
        let text = own.or_else(|| self.signatures.get(account)).or(self.signature.as_ref())?;
        Some(text.replace("{name}", self.public_name(agent))).filter(|text| !text.is_empty())
    }

    /// What customers may call this agent: his alias, else his first name.
    #[must_use]
    pub fn public_name<'n>(&'n self, agent: &'n Agent) -> &'n str {
        let alias = self.person(&agent.id).and_then(|(_, person)| person.alias.as_deref());
        alias.unwrap_or_else(|| agent.name.split_whitespace().next().unwrap_or_default())
    }
}
