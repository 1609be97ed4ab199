//! What `check` says to good and bad files, with drivers that only read their sections.

use super::*;
use crate::case::effect::Receipt;
use crate::case::event::File;
use crate::case::policy::Relay;
use crate::case::time::Timestamp;
use crate::desk::Mark;
use crate::inbox::{Inbox, Task};
use crate::net::{Failure, Finding, Looked, Net, Stopped};
use crate::setting::Section;
use std::collections::BTreeMap;

/// A network and a desk that do nothing.
struct Idle;

impl Network for Idle {
    fn listen(&self, _: Inbox) -> Task<'_, Stopped> {
        Box::pin(async { Stopped::Asked })
    }
    fn deliver<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async { Err(Failure::Never("idle".into())) })
    }
    fn look<'a>(&'a self, _: &'a network::Outgoing) -> Task<'a, Looked> {
        Box::pin(async { Looked::Absent })
    }
    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

impl Desk for Idle {
    fn listen(&self, _: Inbox, _: Arc<tokio::sync::Notify>) -> Task<'_, Stopped> {
        Box::pin(async { Stopped::Asked })
    }
    fn deliver<'a>(&'a self, _: &'a desk::Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async { Err(Failure::Never("idle".into())) })
    }
    fn look<'a>(&'a self, _: &'a desk::Outgoing) -> Task<'a, Looked> {
        Box::pin(async { Looked::Absent })
    }
    fn sweep(&self, _: Vec<Mark>, _: Inbox) -> Task<'_, Result<(), Failure>> {
        Box::pin(async { Ok(()) })
    }
    fn fetch<'a>(&'a self, _: &'a File) -> Task<'a, Result<bytes::Bytes, Failure>> {
        Box::pin(async { Err(Failure::Never("idle".into())) })
    }
    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}

fn open_network(_: &AccountId, s: &Section, _: &Ground) -> Result<Arc<dyn Network>, Mistakes> {
    let _ = (s.url("server", None), s.secret("token"));
    s.done().map(|()| Arc::new(Idle) as Arc<dyn Network>)
}

fn open_desk(_: &DeskId, s: &Section, _: &Ground) -> Result<Arc<dyn Desk>, Mistakes> {
    let _ = s.secret("bot_token");
    s.done().map(|()| Arc::new(Idle) as Arc<dyn Desk>)
}

fn no_face(_: crate::world::Shared, _: &str) -> axum::Router {
    axum::Router::new()
}

static SQUARE: network::Driver = network::Driver {
    name: "square",
    example: "",
    open: open_network,
    abilities: || crate::case::ability::Abilities::cautious("Square"),
    face: no_face,
};
static OFFICE: desk::Driver =
    desk::Driver { name: "office", example: "", open: open_desk, face: no_face, made: None };
static SQUARES: &[&network::Driver] = &[&SQUARE];
static OFFICES: &[&desk::Driver] = &[&OFFICE];

fn env(name: &str) -> Option<String> {
    let all = BTreeMap::from([("T1", "one"), ("T2", "two"), ("T1_AGAIN", "one"), ("D", "desk")]);
    all.get(name).map(|text| (*text).to_owned())
}

fn ground() -> Ground {
    Ground { net: Net::new(true), now: Arc::new(Timestamp::default) }
}

fn read(wiring: &str, policy: &str) -> Result<Config, Vec<String>> {
    let text = |name: &str, text: &str| Text { name: name.into(), text: text.into() };
    let policy = Some(text("policy.toml", policy));
    let wiring = text("careline.toml", wiring);
    let phrases = Some(text("phrases.toml", "[canned]\nsorry = \"Sorry!\"\n"));
    let files = Files { wiring, policy, phrases, ..Files::default() };
    let tables = Tables { networks: SQUARES, desks: OFFICES };
    parse(&files, env, &ground(), tables)
        .map_err(|Mistakes(all)| all.iter().map(ToString::to_string).collect())
}

const GOOD: &str = "\
[desk.team]
kind = \"office\"
bot_token = \"env:D\"

[account.acme]
network = \"square\"
channel = \"C1\"
server = \"https://social.example\"
token = \"env:T1\"
";

fn mistakes(wiring: &str, policy: &str) -> Vec<String> {
    read(wiring, policy).err().unwrap_or_default()
}

#[test]
fn a_good_configuration_is_opened() {
    let policy = "relay = \"explicit\"\nundo = \"3 s\"\nretention_days = 30\n\
        [agents]\nteam = [\"U1\"]\n[ops]\ndesk = \"team\"\nchannel = \"C9\"\n";
    let config = read(GOOD, policy).unwrap();
    assert_eq!(config.networks.len(), 1);
    assert_eq!(config.desks.len(), 1);
    assert_eq!(config.policy.relay, Relay::Explicit);
    assert_eq!(config.policy.undo, Span::seconds(3));
    assert_eq!(config.retention, Some(Span::days(30)));
    assert_eq!(config.policy.routes[&AccountId::new("acme")].channel, "C1");
    assert_eq!(config.policy.abilities[&AccountId::new("acme")].network, "Square");
    assert!(config.policy.agents[&DeskId::new("team")].contains("U1"));
    assert_eq!(config.policy.ops.unwrap().channel, "C9");
}

#[test]
fn the_revision_follows_every_file() {
    let revision = |policy| read(GOOD, policy).unwrap().policy.revision;
    assert_eq!(revision("undo = \"3 s\""), revision("undo = \"3 s\""));
    assert_ne!(revision("undo = \"3 s\""), revision("undo = \"4 s\""));
}

#[test]
fn all_mistakes_are_named_at_once_with_file_line_and_key() {
    let wiring = "\
[stroe]
path = \"x\"
[web]
listen = \"8080\"
[desk.team]
kind = \"office\"
bot_token = \"xoxb-written-here\"
[account.acme]
network = \"square\"
chanel = \"C1\"
server = \"social.example\"
token = \"env:NOBODY\"
";
    let found = mistakes(wiring, "undo = \"soon\"\ndry_rum = true\n[fuse]\ncase_per_minute = 0\n");
    let wanted = [
        "careline.toml:1: stroe: is not known here; known are: [store]",
        "careline.toml:4: web.listen: must be an address and a port",
        "careline.toml:7: desk.team.bot_token: a secret must not stand here",
        "careline.toml:8: account.acme.channel: is missing",
        "careline.toml:10: account.acme.chanel: is not a setting here; known are:",
        "careline.toml:11: account.acme.server: must be an address such as",
        "careline.toml:12: account.acme.token: the environment has no variable NOBODY",
        "policy.toml:1: top.undo: must be a length of time",
        "policy.toml:2: top.dry_rum: is not a setting here",
        "policy.toml:4: fuse.case_per_minute: must be between",
    ];
    for want in wanted {
        assert!(found.iter().any(|m| m.starts_with(want)), "{want}\n{found:#?}");
    }
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    assert!(!found.iter().any(|m| m.contains("xoxb-written")), "{found:#?}");
}

#[test]
fn postgres_wants_an_address_that_is_named_like_a_secret() {
    let said = |section: &str, what: &str| {
        let found = mistakes(&format!("[store]\n{section}\n{GOOD}"), "");
        let said = found.iter().any(|m| m.contains("store.address: ") && m.contains(what));
        assert!(said, "{section}\n{found:#?}");
        assert!(!found.iter().any(|m| m.contains("geheim")), "{found:#?}");
    };
    said("kind = \"postgres\"", "is missing");
    let written = "address = \"postgres://care:geheim@db/care\"";
    said(&format!("kind = \"postgres\"\n{written}"), "a secret must not stand here");
    said("kind = \"postgres\"\naddress = \"env:T1\"", "must lead to postgres://");
    said("kind = \"sled\"\naddress = \"env:T1\"", "belongs to kind = \"postgres\"");
}

#[test]
fn syntax_errors_carry_their_lines() {
    let found = mistakes("[store]\npath = \n\n[web\n", "");
    assert!(found.iter().any(|m| m.starts_with("careline.toml:2: syntax:")), "{found:#?}");
    assert!(found.iter().any(|m| m.starts_with("careline.toml:4: syntax:")), "{found:#?}");
}

#[test]
fn one_token_for_two_accounts_is_a_mistake() {
    let second = "[account.beta]\nnetwork = \"square\"\nchannel = \"C2\"\n\
        server = \"https://social.example\"\ntoken = \"env:T1_AGAIN\"\n";
    let found = mistakes(&format!("{GOOD}{second}"), "");
    let want = "careline.toml:14: account.beta.token: is the same secret as account.acme.token";
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].starts_with(want), "{found:#?}");
    let other = second.replace("T1_AGAIN", "T2");
    assert_eq!(mistakes(&format!("{GOOD}{other}"), ""), Vec::<String>::new());
}

#[test]
fn a_route_needs_its_desk() {
    let found = mistakes(&GOOD.replace("channel =", "desk = \"nowhere\"\nchannel ="), "");
    assert_eq!(
        found,
        ["careline.toml:7: account.acme.desk: there is no such desk; known are: team"]
    );
    let two = format!("{GOOD}[desk.other]\nkind = \"office\"\nbot_token = \"env:T2\"\n");
    let found = mistakes(&two, "");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("with several desks a route must name one"), "{found:#?}");
}

#[test]
fn unknown_drivers_and_bad_names_are_mistakes() {
    let wiring = GOOD.replace("\"square\"", "\"circle\"").replace("desk.team", "desk.\"Our Team\"");
    let found = mistakes(&wiring, "");
    assert!(found.iter().any(|m| m.contains("not a network careline knows; known are: square")));
    assert!(found.iter().any(|m| m.contains("a name is 1 to 32 characters")), "{found:#?}");
}

#[test]
fn agents_of_a_desk_that_is_not_there_are_a_mistake() {
    let found = mistakes(GOOD, "[agents]\nteem = [\"U1\"]\n");
    assert_eq!(found.len(), 1);
    assert!(found[0].starts_with("policy.toml:2: agents.teem: is not a setting here"), "{found:?}");
}

#[test]
fn ladders_rules_hours_and_phrases_are_read() {
    let policy = "zone = \"Europe/Berlin\"\n[hours]\nmonday = \"9:00-17:00\"\n\
        holidays = [\"2026-12-25\"]\n[alerts]\nagain = 3\nchannel = \"C7\"\n\
        [[alerts.ladder]]\npatience = \"30 min\"\ncalls = \"claimer\"\n\
        [[alerts.ladder]]\npatience = \"1 h\"\ncalls = \"agents\"\nagents = [\"U1\"]\n\
        [[alerts.promise]]\naccount = \"acme\"\npriority = \"high\"\nfirst = \"1 h\"\n";
    let policy = read(GOOD, policy).unwrap().policy;
    assert_eq!(policy.canned["sorry"], "Sorry!");
    assert_eq!(policy.alerts.hours.zone, "Europe/Berlin");
    assert_eq!(policy.alerts.hours.week[0], [(540, 1020)]);
    assert!(policy.alerts.hours.week[1].is_empty());
    assert_eq!(policy.alerts.ladder.len(), 2);
    assert_eq!(policy.alerts.ladder[0].patience, Span::minutes(30));
    assert_eq!(policy.alerts.promises[0].first, Some(Span::hours(1)));
    assert_eq!(policy.alerts.promises[0].next, None);
    assert_eq!(policy.alerts.channel.unwrap().channel, "C7");
}

#[test]
fn mistakes_in_ladders_carry_their_lines() {
    let policy = "zone = \"Mars\"\n[hours]\nmonday = \"9-5\"\n[[alerts.ladder]]\n\
        patience = \"1 h\"\n[[alerts.ladder]]\npatience = \"soon\"\ncalls = \"boss\"\n\
        [[alerts.ladder]]\npatience = \"1 h\"\ncalls = \"lead\"\n";
    let found = mistakes(GOOD, policy);
    for want in [
        "policy.toml:1: top.zone: is not a time zone",
        "policy.toml:3: hours.monday: must be such as",
        "policy.toml:7: alerts.ladder.2.patience: must be a length of time",
        "policy.toml:8: alerts.ladder.2.calls: must be one of channel, claimer, lead",
        "policy.toml:11: alerts.ladder.3.calls: is \"lead\", and nobody in [people] is one",
    ] {
        assert!(found.iter().any(|m| m.starts_with(want)), "{want}\n{found:#?}");
    }
    assert_eq!(found.len(), 5, "{found:#?}");
}

#[test]
fn a_misspelt_file_is_a_mistake() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("careline.toml"), GOOD).unwrap();
    std::fs::write(dir.path().join("polcy.toml"), "").unwrap();
    let Mistakes(found) = load(dir.path(), env, &ground()).unwrap_err();
    assert!(found.iter().any(|m| m.key == "polcy.toml"), "{found:?}");
    let Mistakes(found) = load(&dir.path().join("none"), env, &ground()).unwrap_err();
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(found[0].to_string().contains("careline init"), "{}", found[0]);
}
