//! Is every desk as good as the others? What must hold for each row of the table.

use careline::case::effect::{Face, Note, Notice, Tone};
use careline::case::id::{ChannelId, DeliveryId, Deployment, DeskId, MessageId, ThreadId};
use careline::case::rich::Rich;
use careline::case::time::Timestamp;
use careline::desk::{DESKS, Desk, Driver, Failure, Looked, Outgoing};
use careline::engine::clock;
use careline::net::{Ground, Net};
use careline::sandbox::ledger::words;
use careline::sandbox::pair::{Office, Pair};
use careline::sandbox::{Demo, Setup};
use careline::setting::Section;
use careline::world::fault::{Fault, Wrong};
use std::collections::BTreeMap;
use std::sync::Arc;

fn ground() -> Ground {
    Ground { net: Net::new(false), now: Arc::new(|| Timestamp::from_seconds(1_800_000_000)) }
}

fn env(name: &str) -> Option<String> {
    match name {
        "SLACK_BOT_TOKEN" => Some("xoxb-secret-words".into()),
        "SLACK_APP_TOKEN" => Some("xapp-secret-words".into()),
        _ => Some("secret-words".into()),
    }
}

/// The section of a row's example, without the keys that the house itself reads.
fn section(
    row: &Driver,
    change: impl FnOnce(&mut BTreeMap<String, (usize, toml::Value)>),
) -> Section {
    let table: toml::Table = row.example.parse().expect("an example is TOML");
    let desks = table["desk"].as_table().expect("an example is a [desk.NAME]");
    let (name, values) = desks.iter().next().expect("one desk");
    assert_eq!(values["kind"].as_str(), Some(row.name), "an example is of its own kind");
    let values = values.as_table().unwrap().iter().filter(|(key, _)| *key != "kind");
    let mut entries: BTreeMap<_, _> =
        values.map(|(key, value)| (key.clone(), (1, value.clone()))).collect();
    change(&mut entries);
    Section::new("careline.toml", &format!("desk.{name}"), 1, entries, env)
}

#[test]
fn an_example_opens_and_an_unknown_key_does_not() {
    for row in DESKS {
        let good = section(row, |_| {});
        assert!((row.open)(&DeskId::new("a"), &good, &ground()).is_ok(), "{}", row.name);
        let bad = section(row, |keys| drop(keys.insert("made_up".into(), (9, true.into()))));
        let Err(mistakes) = (row.open)(&DeskId::new("a"), &bad, &ground()) else {
            panic!("{} takes anything", row.name);
        };
        assert!(mistakes.0.iter().any(|m| m.key.ends_with("made_up")), "{mistakes:?}");
    }
}

#[test]
fn a_missing_secret_is_named_and_no_secret_is_repeated() {
    for row in DESKS {
        let all = section(row, |_| {});
        let secrets = all
            .entries
            .iter()
            .filter(|(_, (_, v))| v.as_str().is_some_and(|text| text.starts_with("env:")));
        for (key, _) in secrets {
            let without = section(row, |keys| drop(keys.remove(key)));
            let Err(mistakes) = (row.open)(&DeskId::new("a"), &without, &ground()) else {
                panic!("{} opens without {key}", row.name);
            };
            assert!(mistakes.0.iter().any(|m| m.key.ends_with(key.as_str())), "{key}");
            assert!(!format!("{mistakes:?}").contains("secret-words"));
        }
    }
}

#[tokio::test]
async fn in_the_sandbox_only_this_machine_is_reached() {
    for row in DESKS {
        let inside = Ground { net: Net::new(true), ..ground() };
        let refused = (row.open)(&DeskId::new("a"), &section(row, |_| {}), &inside);
        assert!(refused.is_err(), "{} would leave the machine", row.name);
    }
}

/// A desk of the demo: its face over TCP, and the driver that is open to it.
struct Scene {
    demo: Arc<Demo>,
    office: Office,
    desk: Arc<dyn Desk>,
}

impl Scene {
    async fn new(office: Office) -> Self {
        let pair = Pair { office, ..Pair::default() };
        let demo = Demo::start(Setup { daemon: false, pair, ..Setup::default() }).await.unwrap();
        let api = match office {
            Office::Slack => format!("{}/api", demo.faces.slack),
            Office::Discord => format!("{}/api/v10", demo.faces.discord),
        };
        let row = DESKS.iter().find(|row| row.name == office.name()).unwrap();
        let home = tempfile::tempdir().unwrap();
        let kept = |name: &str, secret: &str| {
            std::fs::write(home.path().join(name), secret).unwrap();
            toml::Value::String(format!("file:{}/{name}", home.path().display()))
        };
        let cast = &demo.cast;
        let secrets = match office {
            Office::Slack => vec![
                ("bot_token", kept("bot", &cast.bot_token)),
                ("app_token", kept("app", &cast.app_token)),
            ],
            Office::Discord => vec![("token", kept("discord", &cast.discord_token))],
        };
        let known = section(row, |keys| {
            keys.insert("api".into(), (1, api.into()));
            keys.extend(secrets.into_iter().map(|(key, value)| (key.to_owned(), (1, value))));
        });
        let ground = Ground { net: Net::new(true), now: Arc::new(clock::now) };
        let desk = (row.open)(&DeskId::new(office.name()), &known, &ground);
        Self { desk: desk.unwrap_or_else(|m| panic!("{m:?}")), office, demo }
    }

    fn channel(&self) -> ChannelId {
        let channel = self.office.channel().to_owned();
        ChannelId { desk: DeskId::new(self.office.name()), channel }
    }

    fn out(&self, id: &str, notice: Notice, thread: Option<&ThreadId>) -> Outgoing {
        Outgoing {
            id: DeliveryId::new(id),
            deployment: Deployment::new("d1"),
            first: clock::now(),
            attempt: 1,
            notice,
            thread: thread.cloned(),
            message: None,
            merged: Vec::new(),
        }
    }

    fn fault(&self, wrong: Wrong) {
        let (face, call) = (self.office.name().into(), self.office.posting().into());
        let fault = Fault { face, call, skip: 0, times: 1, wrong };
        self.demo.shared.change(clock::now(), |world| world.faults.set(fault));
    }

    /// How many messages of the app say this.
    fn count(&self, wanted: &str) -> usize {
        let world = self.demo.shared.look();
        let all = world.offices[self.office.name()].messages.values();
        all.filter(|m| m.app.is_some() && words(m).contains(wanted)).count()
    }
}

fn said(text: &str) -> Note {
    let (media, buttons) = (Vec::new(), Vec::new());
    Note { tone: Tone::Status, words: Rich::of(text), media, url: None, buttons }
}

async fn there(scene: &Scene, out: &Outgoing) -> String {
    match scene.desk.look(out).await {
        Looked::There(receipt) => receipt.remote,
        other => panic!("{:?}, {}: {other:?}", scene.office, out.id),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_lost_on_its_way_is_found_and_stands_once() {
    for office in Office::ALL {
        let scene = Scene::new(office).await;
        let card = Box::new(crate::wire::discord::card());
        let open = scene.out("1.0", Notice::Open { channel: scene.channel(), card }, None);
        assert!(matches!(scene.desk.look(&open).await, Looked::Absent), "{office:?}");
        let root = scene.desk.deliver(&open).await.unwrap().remote;
        assert_eq!(there(&scene, &open).await, root, "{office:?}");
        let thread = ThreadId { channel: scene.channel(), root };

        let line = Notice::Post(Box::new(said("the first line")));
        let line = scene.out("1.1", line, Some(&thread));
        scene.fault(Wrong::DoneThenCut);
        let lost = scene.desk.deliver(&line).await;
        assert!(matches!(lost, Err(Failure::Unsure(_))), "{office:?}: {lost:?}");
        let message = there(&scene, &line).await;
        assert_eq!(scene.count("the first line"), 1, "{office:?}");

        let to = Box::new(Face::Note(Box::new(said("the line as it is now"))));
        let mut amend = scene.out("1.2", Notice::Amend { of: line.id.clone(), to }, Some(&thread));
        amend.message = Some(MessageId { channel: scene.channel(), message });
        scene.desk.deliver(&amend).await.unwrap();
        assert_eq!((scene.count("as it is now"), scene.count("the first line")), (1, 0));
        // Changing it again changes nothing, so that a desk may say that it does not know.
        let looked = scene.desk.look(&amend).await;
        assert!(matches!(looked, Looked::There(_) | Looked::Absent), "{office:?}: {looked:?}");
        scene.desk.deliver(&amend).await.unwrap();
        assert_eq!(scene.count("as it is now"), 1);
        scene.demo.end().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_done_where_the_desk_refuses() {
    for office in Office::ALL {
        let scene = Scene::new(office).await;
        let told = Notice::Tell { channel: scene.channel(), note: Box::new(said("attention")) };
        let told = scene.out("2.0", told, None);
        let after = Some("1".to_owned());
        scene.fault(Wrong::Status { status: 429, retry_after: after });
        let busy = scene.desk.deliver(&told).await;
        assert!(matches!(busy, Err(Failure::Later { after: Some(_), .. })), "{office:?}: {busy:?}");
        assert_eq!(scene.count("attention"), 0);
        scene.fault(Wrong::DeadToken);
        let wait = std::time::Duration::from_millis(1_100);
        tokio::time::sleep(wait).await;
        let dead = scene.desk.deliver(&told).await;
        assert!(matches!(dead, Err(Failure::Dead(_))), "{office:?}: {dead:?}");
        scene.demo.end().await;
    }
}
