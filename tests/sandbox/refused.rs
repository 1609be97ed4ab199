//! What must not work, through the whole program: presses by people without rights, requests that
//! are replayed or changed on their way, buttons of a case that is closed, answers without an end.

use careline::case::time::Span;
use careline::desk::slack::face::{press, stamp, unstamp};
use careline::engine::clock;
use careline::sandbox::cast::{ACCOUNT, CHANNEL, DESK};
use careline::sandbox::hands::At;
use careline::sandbox::ledger::{sent, words};
use careline::sandbox::script::How;
use careline::sandbox::{Demo, Setup};
use careline::world::office::{Kind, Message, What};
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;

const EVE: &str = "U0EVE00001";
const GIL: &str = "U0GIL00001";
const MARIA: &str = "U0MARIA001";
const NILS: &str = "U0NILS0001";

/// A demo with one case in it, and a stranger in the channel.
struct Scene {
    demo: Arc<Demo>,
    card: At,
}

pub(super) async fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    for _ in 0..3_000 {
        if let Some(found) = look() {
            return found;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("this never came: {what}");
}

/// The first start begins at the first answer of the network; what was written before is not read.
pub(super) async fn listens(demo: &Demo) {
    for _ in 0..200 {
        let hello = "@acme is anybody there?";
        demo.hands.post("hana", hello, &How::default(), None).await.expect("a post");
        tokio::time::sleep(Duration::from_millis(300)).await;
        let world = demo.shared.look();
        let mut all = world.offices[DESK].messages.values();
        if all.any(|m| m.app.is_some() && words(m).contains("is anybody there?")) {
            return;
        }
    }
    panic!("careline does not listen");
}

/// The value of a message's button with this label.
fn value(message: &Message, label: &str) -> Option<String> {
    let blocks = message.blocks.as_array()?.iter();
    let mut all = blocks.flat_map(|block| block["elements"].as_array().into_iter().flatten());
    let button = all.find(|e| e["type"] == "button" && e["text"]["text"] == label)?;
    button["value"].as_str().map(str::to_owned)
}

impl Scene {
    async fn start() -> Self {
        let setup = Setup { undo: Span::seconds(0), ..Setup::default() };
        let demo = Demo::start(setup).await.expect("a demo");
        demo.shared.change(clock::now(), |world| {
            let office = world.office(DESK);
            office.hire(EVE, "Eve Elsewhere", Kind::Stranger, &[]);
            office.channels.get_mut(CHANNEL).expect("a channel").members.insert(EVE.into());
        });
        listens(&demo).await;
        let text = "@acme my tent has no poles";
        demo.hands.post("anna", text, &How::default(), None).await.expect("a post");
        let card = until("the card", || {
            let world = demo.shared.look();
            let card = world.offices.get(DESK)?.messages.values().find(|m| {
                m.app.is_some() && m.thread.is_none() && words(m).contains("tent has no poles")
            })?;
            Some(At { channel: card.channel.clone(), ts: stamp(card.id) })
        });
        Self { card: card.await, demo }
    }

    fn of<T>(&self, look: impl Fn(&Message) -> T) -> T {
        let world = self.demo.shared.look();
        let id = unstamp(&self.card.ts).expect("a timestamp");
        look(world.offices[DESK].message(&self.card.channel, id).expect("the card"))
    }

    fn value(&self, label: &str) -> String {
        self.of(|card| value(card, label)).unwrap_or_else(|| panic!("no button {label}"))
    }

    async fn card_says(&self, wanted: &str) {
        until(wanted, || self.of(|card| words(card).contains(wanted)).then_some(())).await;
    }

    async fn thread_says(&self, wanted: &str) {
        let root = unstamp(&self.card.ts);
        until(wanted, || {
            let world = self.demo.shared.look();
            let mut all = world.offices[DESK].messages.values();
            all.any(|m| m.thread == root && words(m).contains(wanted)).then_some(())
        })
        .await;
    }

    fn press(&self, user: &str, value: &str) {
        let id = unstamp(&self.card.ts).expect("a timestamp");
        let place = (self.card.channel.as_str(), id);
        let done = self.demo.shared.change(clock::now(), |w| press(w, DESK, user, place, value));
        done.expect("a press");
    }

    /// What only he was shown.
    fn whispers(&self, user: &str) -> usize {
        let world = self.demo.shared.look();
        let all = world.offices[DESK].messages.values();
        all.filter(|m| m.only_for.as_deref() == Some(user)).count()
    }

    /// Does something, and waits until he is told what became of it.
    async fn told(&self, user: &str, about: &str, what: impl FnOnce()) {
        let before = self.whispers(user);
        what();
        until(&format!("an answer to {user} about {about:.40}"), || {
            (self.whispers(user) > before).then_some(())
        })
        .await;
    }

    fn forms(&self, user: &str) -> Vec<String> {
        let world = self.demo.shared.look();
        let all = world.offices[DESK].forms.values();
        all.filter(|f| f.member == user && !f.closed).map(|f| f.id.clone()).collect()
    }

    /// What stands on the network in our name, in order.
    fn outside(&self) -> Vec<String> {
        let world = self.demo.shared.look();
        sent(&world.squares[ACCOUNT]).map(|post| post.text.clone()).collect()
    }

    async fn sent(&self, wanted: &str) {
        let has = || self.outside().iter().any(|text| text.contains(wanted)).then_some(());
        until(wanted, has).await;
    }

    /// The newest request of this kind, as Slack brought it.
    fn asked(&self, kind: &str) -> What {
        let world = self.demo.shared.look();
        let is =
            |what: &What| matches!(what, What::Asked { payload, .. } if payload["type"] == kind);
        let all = world.offices[DESK].happened.iter().rev();
        all.map(|h| &h.what).find(|what| is(what)).cloned().expect("a request")
    }

    /// Brings a request once more, changed.
    fn bring(&self, mut what: What, change: impl FnOnce(&mut String, &mut Value)) {
        if let What::Asked { member, payload, .. } = &mut what {
            change(member, payload);
        }
        self.demo.shared.change(clock::now(), |world| {
            let at = world.now;
            world.office(DESK).note(at, what);
        });
    }

    /// The same request with another ticket, and a button that says something else.
    fn forged(&self, press: &What, user: &str, n: usize, value: &str) {
        self.bring(press.clone(), |member, payload| {
            user.clone_into(member);
            payload["user"]["id"] = user.into();
            payload["trigger_id"] = format!("forged.{n}").into();
            // That address would answer whoever really pressed.
            payload["response_url"] = "".into();
            payload["actions"][0]["value"] = value.into();
            payload["actions"][0]["action_ts"] = stamp(clock::now().0).into();
        });
    }

    async fn claimed(&self) {
        self.press(MARIA, &self.value("Claim"));
        self.card_says("Maria Okoye looks after it").await;
    }

    async fn say(&self, text: &str) {
        self.demo.hands.say("maria", &self.card, text).await.expect("a message");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_does_nothing_for_people_without_rights() {
    let scene = Scene::start().await;
    for user in [GIL, EVE, NILS] {
        for label in ["Claim", "Close", "Reply", "Note"] {
            let value = scene.value(label);
            let before = scene.whispers(user);
            scene.press(user, &value);
            // Either he is told at once, or his form is refused when he sends it.
            until("an answer", || {
                (scene.whispers(user) > before || !scene.forms(user).is_empty()).then_some(())
            })
            .await;
            assert!(scene.forms(user).is_empty(), "{user} was given a form by {label}");
        }
    }
    scene.card_says("nobody has claimed it").await;
    assert!(scene.outside().is_empty());
    scene.claimed().await;
    scene.demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replayed_request_does_nothing_whatever_its_words_are_now() {
    let scene = Scene::start().await;
    scene.claimed().await;
    scene.press(MARIA, &scene.value("Reply"));
    let form = until("a form", || scene.forms(MARIA).pop()).await;
    scene.demo.hands.submit("maria", &form, "we send you poles").expect("a form");
    scene.sent("we send you poles").await;
    let form = scene.asked("view_submission");
    scene.bring(form.clone(), |_, _| ());
    scene.bring(form.clone(), |_, payload| {
        payload["view"]["state"]["values"]["text"]["text"]["value"] = "never again".into();
    });
    scene.bring(form, |_, _| ());
    scene.say("they come on friday").await;
    scene.sent("they come on friday").await;
    tokio::time::sleep(Duration::from_secs(1)).await;
    let outside = scene.outside();
    assert_eq!(outside.len(), 2, "{outside:?}");
    assert!(outside[0].contains("we send you poles"), "{outside:?}");
    scene.demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_value_gives_nobody_more_than_he_may() {
    let scene = Scene::start().await;
    let claim = scene.value("Claim");
    let no = claim.strip_prefix("claim ").expect("a number").to_owned();
    scene.claimed().await;
    let press = scene.asked("block_actions");
    let reply = format!("reply {no} hello from nobody");
    for (n, user) in [GIL, EVE, NILS].into_iter().enumerate() {
        scene.told(user, &reply, || scene.forged(&press, user, n, &reply)).await;
    }
    let long = "x".repeat(2_000);
    let values = ["close #99999", "reply #99999 hello", "drop everything", "\u{202e}drop", &long];
    for (n, value) in values.into_iter().enumerate() {
        scene.told(MARIA, value, || scene.forged(&press, MARIA, 10 + n, value)).await;
    }
    assert!(scene.outside().is_empty());
    scene.card_says("Maria Okoye looks after it").await;
    scene.say("all is well").await;
    scene.sent("all is well").await;
    assert_eq!(scene.outside().len(), 1);
    scene.demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_button_of_a_closed_case_sends_nothing() {
    let scene = Scene::start().await;
    let claim = scene.value("Claim");
    let no = claim.strip_prefix("claim ").expect("a number").to_owned();
    scene.claimed().await;
    let press = scene.asked("block_actions");
    scene.press(MARIA, &scene.value("Close"));
    scene.card_says("Closed").await;
    let values = ["claim", "close"].map(|verb| format!("{verb} {no}"));
    for (n, value) in values.into_iter().chain([format!("reply {no} too late")]).enumerate() {
        scene.told(MARIA, &value, || scene.forged(&press, MARIA, n, &value)).await;
    }
    let reopen = format!("reopen {no}");
    scene.told(GIL, &reopen, || scene.forged(&press, GIL, 9, &reopen)).await;
    scene.say("are you still there?").await;
    scene.thread_says("this case is closed").await;
    scene.card_says("Closed").await;
    assert!(scene.outside().is_empty());
    scene.demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_of_more_than_ten_parts_stays_inside_whole() {
    let scene = Scene::start().await;
    scene.claimed().await;
    let sentence = "Put the short pole into the blue sleeve and the long one into the red one. ";
    // The desk itself takes 40,000 characters; three hundred parts would be more.
    let endless = scene.demo.hands.say("maria", &scene.card, &sentence.repeat(2_000)).await;
    assert_eq!(endless, Err("msg_too_long".into()));
    scene.say(&sentence.repeat(500)).await;
    scene.thread_says("it is too long for one answer").await;
    assert!(scene.outside().is_empty());
    scene.say(&sentence.repeat(50)).await;
    let last = until("all parts", || {
        let outside = scene.outside();
        let last = outside.last()?;
        let (n, of) = last.rsplit_once('/')?;
        n.ends_with(of.trim_end_matches(')')).then_some(outside.clone())
    })
    .await;
    assert!((2..=10).contains(&last.len()), "{} parts", last.len());
    assert!(last.iter().all(|text| text.chars().count() <= 500));
    scene.demo.end().await;
}
