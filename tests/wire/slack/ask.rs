//! Every way to ask careline for something, and every way it answers.

use super::*;
use careline::case::effect::{Button, Form, Style};
use careline::case::event::Standing;

fn button(text: &str, value: &str) -> Value {
    json!({"type": "button", "action_id": "careline:1", "value": value,
        "text": {"type": "plain_text", "text": text}})
}

fn form() -> Option<Answer> {
    Some(Answer::Form(Form {
        title: "Reply to customer".into(),
        words: "reply #42".into(),
        label: "Your words".into(),
        hint: "They go out after ten seconds".into(),
        text: String::new(),
        max: 500,
    }))
}

/// A card of ours with one button, as its app would post it.
fn card(scene: &Scene, value: &str) -> i64 {
    scene.write(Message {
        channel: CHANNEL.into(),
        author: BOT.into(),
        app: Some(app().id),
        text: "card".into(),
        blocks: json!([{"type": "actions", "block_id": "b", "elements": [button("Go", value)]}]),
        ..Message::default()
    })
}

fn open_form(office: &Office) -> Option<careline::world::office::Form> {
    office.forms.values().find(|form| !form.closed).cloned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slash_command_is_answered_in_its_acknowledgement() {
    let scene = Scene::listening().await;
    scene.answer(|_| say("Two cases wait."));
    let line = "/careline list <@U0GUEST|gus>";
    scene.change(|w| face::slash(w, "office", ANN, CHANNEL, line)).unwrap();
    let request = scene.asked("list @Gus Guest").await;
    assert_eq!(request.by.id.user, ANN);
    assert_eq!(request.standing, Standing::Member);
    assert_eq!((request.thread, request.named.len()), (None, 1));
    let whisper = scene.whisper(ANN).await;
    assert!(shown(&whisper.blocks).contains("Two cases wait."));
    assert_eq!(whisper.thread, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_bot_is_asked_by_name_in_threads_and_outside() {
    let scene = Scene::listening().await;
    scene.answer(|e| (e.event.name() == "asked").then(|| say("Claimed.")).flatten());
    let root = scene.root();
    scene.say(ANN, Some(root), "<@U0BOT> claim");
    let request = scene.asked("claim").await;
    assert_eq!(request.thread, Some(thread(root)));
    let whisper = scene.whisper(ANN).await;
    assert_eq!((whisper.thread, whisper.channel.as_str()), (Some(root), CHANNEL));
    scene.say(ANN, None, "<@U0BOT>: list");
    assert_eq!(scene.asked("list").await.thread, None);
    // The mention comes as two events of Slack's; it is one request.
    let asked = scene.envelopes().iter().filter(|e| e.event.name() == "asked").count();
    assert_eq!(asked, 2);
    scene.say(ANN, Some(root), "ask <@U0BOT> about it");
    let remark = scene.said("ask  about it").await;
    assert!(remark.inside.contains(&careline::case::event::Inside::Bot));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_bots_cannot_ask() {
    let scene = Scene::listening().await;
    let root = scene.root();
    let body =
        json!({"channel": CHANNEL, "text": "<@U0BOT> close", "thread_ts": face::stamp(root)});
    scene.call("xoxb-other", "chat.postMessage", body).await;
    let remark = scene.said("close").await;
    assert!(remark.machine);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_on_a_card_knows_its_thread_and_is_answered_there() {
    let scene = Scene::listening().await;
    scene.answer(|_| say("You look after it now."));
    let root = card(&scene, "claim #42");
    scene.change(|w| face::press(w, "office", ANN, (CHANNEL, root), "claim #42")).unwrap();
    let request = scene.asked("claim #42").await;
    assert_eq!(request.thread, Some(thread(root)));
    assert!(request.asked.is_some());
    let whisper = scene.whisper(ANN).await;
    assert_eq!(whisper.thread, Some(root));
    assert!(shown(&whisper.blocks).contains("look after it"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_opens_keeps_refused_text_and_closes_when_it_was_taken() {
    let scene = Scene::listening().await;
    scene.answer(|e| match &e.event {
        Event::Asked(request) if request.words == "reply #42" => form(),
        Event::Asked(request) if request.words.ends_with("no") => {
            Some(Answer::Refuse("Somebody else answers this one.".into()))
        }
        _ => say("It goes out in ten seconds."),
    });
    let root = card(&scene, "reply #42");
    scene.change(|w| face::press(w, "office", ANN, (CHANNEL, root), "reply #42")).unwrap();
    let shown_form = scene.see("a form", open_form).await;
    assert_eq!(shown_form.member, ANN);
    let id = shown_form.id.as_str();
    scene.change(|w| face::submit(w, "office", ANN, id, "no")).unwrap();
    let refused = |o: &Office| open_form(o).filter(|form| !form.errors.is_empty());
    let refused = scene.see("the refusal", refused).await;
    assert_eq!(refused.errors.values().next().unwrap(), "Somebody else answers this one.");
    scene.change(|w| face::submit(w, "office", ANN, id, "We are on it.")).unwrap();
    let request = scene.asked("reply #42 We are on it.").await;
    assert_eq!(request.thread, Some(thread(root)));
    scene.see("closing", |o| o.forms[id].closed.then_some(())).await;
    let whisper = scene.whisper(ANN).await;
    assert_eq!(whisper.thread, Some(root));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_shortcut_brings_the_messages_words() {
    let scene = Scene::listening().await;
    scene.answer(|e| (e.event.name() == "asked").then(form).flatten());
    let root = scene.root();
    let id = scene.say(ANN, Some(root), "We *will* refund &amp; say sorry");
    scene.change(|w| face::shortcut(w, "office", ANN, (CHANNEL, id), "reply")).unwrap();
    let request = scene.asked("reply").await;
    assert_eq!(request.on.as_deref(), Some("We will refund & say sorry"));
    assert_eq!(request.thread, Some(thread(root)));
    scene.see("a form", open_form).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_to_a_message_is_whispered_to_its_author() {
    let scene = Scene::listening().await;
    scene.answer(|_| say("Nobody has claimed this case."));
    let root = scene.root();
    scene.say("U0GUEST", Some(root), "shall I?");
    let whisper = scene.whisper("U0GUEST").await;
    assert_eq!(whisper.thread, Some(root));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_command_is_acknowledged_and_finished_later() {
    let scene = Scene::listening().await;
    scene.answer(|_| say("Done after all."));
    *scene.book.slow.lock().unwrap() = Duration::from_millis(3_200);
    scene.change(|w| face::slash(w, "office", ANN, CHANNEL, "/careline close")).unwrap();
    let first = scene.whisper(ANN).await;
    assert!(first.text.contains("Working on it"));
    let done = |o: &Office| {
        let found = o.messages.values().any(|m| shown(&m.blocks).contains("Done after all."));
        found.then_some(())
    };
    scene.see("the end", done).await;
    let unanswered = |w: &What| matches!(w, What::Unanswered { .. });
    assert_eq!(happened(scene.world.look().office("office"), unanswered), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_form_keeps_its_text_and_sending_again_is_the_same_request() {
    let scene = Scene::listening().await;
    scene.answer(|e| match &e.event {
        Event::Asked(request) if request.words == "reply #42" => form(),
        _ => None,
    });
    let root = card(&scene, "reply #42");
    scene.change(|w| face::press(w, "office", ANN, (CHANNEL, root), "reply #42")).unwrap();
    let id = scene.see("a form", open_form).await.id;
    *scene.book.slow.lock().unwrap() = Duration::from_millis(3_200);
    scene.change(|w| face::submit(w, "office", ANN, &id, "slowly")).unwrap();
    scene.see("kept", |o| (!o.forms[&id].errors.is_empty()).then_some(())).await;
    scene.asked("reply #42 slowly").await;
    *scene.book.slow.lock().unwrap() = Duration::ZERO;
    scene.change(|w| face::submit(w, "office", ANN, &id, "slowly")).unwrap();
    scene.see("closed", |o| o.forms[&id].closed.then_some(())).await;
    let words = |e: &&Envelope| matches!(&e.event, Event::Asked(r) if r.words.ends_with("slowly"));
    assert_eq!(scene.envelopes().iter().filter(words).count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_can_read_is_kept_and_acknowledged() {
    let scene = Scene::listening().await;
    scene.change(|w| {
        let at = w.now;
        let payload = json!({"type": "message_action", "callback_id": 7, "user": {"id": ANN}});
        let asked = What::Asked {
            member: ANN.into(),
            app: app().id,
            surface: "interactive".into(),
            payload,
        };
        w.office("office").note(at, asked);
    });
    let raw = scene
        .wait("unreadable", |e| match &e.event {
            Event::Unreadable { source, raw, .. } => Some((source.clone(), raw.raw().to_owned())),
            _ => None,
        })
        .await;
    assert_eq!(raw.0, "office");
    assert!(raw.1.contains("message_action"));
    tokio::time::sleep(Duration::from_secs(4)).await;
    let unanswered = |w: &What| matches!(w, What::Unanswered { .. });
    assert_eq!(happened(scene.world.look().office("office"), unanswered), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_app_that_listens_people_are_told() {
    let scene = Scene::new().await;
    scene.change(|w| face::slash(w, "office", ANN, CHANNEL, "/careline list")).unwrap();
    let unanswered = |w: &What| matches!(w, What::Unanswered { .. });
    scene.see("nobody answers", |o| (happened(o, unanswered) == 1).then_some(())).await;
}

fn react(scene: &Scene, who: &str, message: i64, name: &str) {
    scene.change(|w| {
        let at = w.now;
        w.office("office").react(at, who, (CHANNEL, message), name, true).unwrap();
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reaction_of_an_agent_stands_for_words_and_ours_for_none() {
    let scene = Scene::listening().await;
    let root = scene.root();
    react(&scene, BOT, root, "white_check_mark");
    react(&scene, ANN, root, "tada");
    react(&scene, ANN, root, "eyes");
    let request = scene.asked("claim").await;
    assert!(request.gesture);
    assert_eq!((request.thread, request.by.id.user.as_str()), (Some(thread(root)), ANN));
    let asked = scene.envelopes().iter().filter(|e| e.event.name() == "asked").count();
    assert_eq!(asked, 1, "neither our own mark nor a reaction without a meaning");
    react(&scene, ANN, root, "white_check_mark");
    scene.asked("close").await;
}

fn page(scene: &Scene) -> Option<Value> {
    face::page(scene.world.look().office("office"), ANN)
}

#[tokio::test(flavor = "multi_thread")]
async fn our_page_is_made_when_it_is_looked_at_and_says_what_a_press_did() {
    let scene = Scene::listening().await;
    scene.answer(|e| match &e.event {
        Event::Asked(request) if request.words == "home" => Some(Answer::Say {
            words: Rich::of("The queue (1)"),
            buttons: vec![Button {
                label: "Next".into(),
                words: "next".into(),
                style: Style::Primary,
            }],
        }),
        _ => say("#42 is yours."),
    });
    scene.change(|w| face::open_home(w, "office", ANN)).unwrap();
    let shows = |words: &str| page(&scene).filter(|view| shown(&view["blocks"]).contains(words));
    until("our page", || shows("The queue (1)")).await;
    scene.change(|w| face::press_home(w, "office", ANN, "next")).unwrap();
    scene.asked("next").await;
    let view = until("what it did", || shows("#42 is yours.")).await;
    assert!(shown(&view["blocks"]).contains("The queue (1)"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_form_asked_for_by_a_message_is_one_press_away() {
    let scene = Scene::listening().await;
    scene.answer(|_| form());
    let root = scene.root();
    scene.say(ANN, Some(root), "<@U0BOT> reply");
    let whisper = scene.whisper(ANN).await;
    let at = whisper.id;
    scene.change(|w| face::press(w, "office", ANN, (CHANNEL, at), "reply #42")).unwrap();
    scene.see("the form", open_form).await;
}
