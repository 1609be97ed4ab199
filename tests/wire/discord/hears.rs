//! Every surface by which people speak: messages, commands, buttons, forms, menus.

use super::{ANN, APP, BEN, BOT, Bench, FORUM, TEXT, TOOL, button, out, place};
use careline::case::effect::{Answer, Choice, Form, Notice};
use careline::case::event::{Event, Inside, Open, Standing};
use careline::case::id::ThreadId;
use careline::case::rich::Rich;
use careline::desk::Stopped;
use careline::desk::discord::face;
use careline::world::World;
use careline::world::office::{Message, What};
use serde_json::{Value, json};
use std::time::Duration;

fn answers(bench: &Bench, answer: Answer) {
    *bench.door.answer.lock().unwrap() = Some(answer);
}

fn say(words: &str) -> Answer {
    Answer::Say { words: Rich::of(words), buttons: vec![button("Send anyway", "send #1 3")] }
}

fn unanswered(bench: &Bench) -> usize {
    let late = |what: &What| matches!(what, What::Unanswered { .. });
    bench.office(|o| o.happened.iter().filter(|h| late(&h.what)).count())
}

fn act(bench: &Bench, what: impl FnOnce(&mut World) -> Result<(), String>) {
    bench.shared.change(super::now(), what).unwrap();
}

async fn slash(bench: &Bench, who: &str, channel: &str, words: (&str, &[(&str, Value)])) {
    let n = bench.asked().len();
    act(bench, |w| face::slash(w, "team", who, channel, words.0, words.1));
    bench.until("a request", |b| b.asked().len() > n).await;
}

#[tokio::test]
async fn messages_are_heard_with_who_wrote_them_and_what_is_inside() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    bench.write(ANN, &thread.root, "**On** its way, <https://x.example/a>");
    bench.write(BEN, &thread.root, "I am no agent");
    bench.write(TOOL, &thread.root, "a tool speaks");
    bench.write(ANN, &thread.root, "<@400000000000000003> what now?");
    bench.write(ANN, TEXT, "not in a thread");
    bench.until("four remarks", |b| b.said().len() >= 4).await;
    let said = bench.said();
    assert_eq!(said.len(), 4, "what stands outside threads is no remark");
    assert_eq!(said[0].text, "On its way, https://x.example/a");
    assert_eq!((said[0].standing, said[0].machine), (Standing::Member, false));
    assert_eq!((said[0].by.name.as_str(), &said[0].thread), ("Ann Lee", &thread));
    assert_eq!(said[1].standing, Standing::Guest);
    assert_eq!((said[2].standing, said[2].machine), (Standing::Nobody, true));
    assert_eq!((said[3].text.as_str(), &said[3].inside), ("@Ben what now?", &vec![Inside::Person]));
    let echoes = bench.events().iter().filter(|e| matches!(e, Event::Echo { .. })).count();
    assert_eq!(echoes, 1, "our own card came back");
}

#[tokio::test]
async fn edits_and_deletes_are_heard_and_unfolded_links_are_not() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    let id = bench.write(ANN, &thread.root, "hello");
    let root = thread.root.as_str();
    let at = super::now();
    bench.office(|o| o.edit(at, (ANN, None), (root, id), |_| {})).unwrap();
    let change = |m: &mut Message| {
        m.text = "hello you".into();
        m.edited = Some(super::now().0);
    };
    bench.office(|o| o.edit(at, (ANN, None), (root, id), change)).unwrap();
    // A read before the deletion would show the edited message; wait until the edit was told.
    bench.until("an edit", |b| b.events().iter().any(|e| e.name() == "reworded")).await;
    bench.office(|o| o.delete(at, Some(ANN), root, id)).unwrap();
    let gone = |e: &Event| matches!(e, Event::Unsaid { thread: Some(t), .. } if *t == thread);
    bench.until("unsaid", |b| b.events().iter().any(gone)).await;
    let all = bench.events().into_iter();
    let edits = all.filter_map(|e| if let Event::Reworded(r) = e { Some(r.text) } else { None });
    assert_eq!(edits.collect::<Vec<_>>(), ["hello you"]);
}

#[tokio::test]
async fn lost_threads_are_told_however_they_are_lost() {
    let (bench, _task) = Bench::listening("text").await;
    let lost = |b: &Bench| {
        let gone = |e: &&Event| matches!(e, Event::ThreadGone { .. });
        b.events().iter().filter(gone).count()
    };
    let one = bench.thread(TEXT).await;
    let open = Notice::Open { channel: place(FORUM), card: Box::new(super::card()) };
    let receipt = bench.desk.deliver(&out("2.0", open, None)).await.unwrap();
    let two = ThreadId { channel: place(FORUM), root: receipt.remote };
    let at = super::now();
    let card = face::unstamp(&one.root).unwrap();
    bench.office(|o| o.delete(at, None, TEXT, card)).unwrap();
    bench.until("a lost card", |b| lost(b) == 1).await;
    bench.office(|o| o.remove_channel(at, &two.root));
    bench.until("a lost post", |b| lost(b) == 2).await;
    bench.office(|o| o.remove_channel(at, TEXT));
    bench.until("a lost channel", |b| lost(b) == 3).await;
}

#[tokio::test]
async fn calling_the_bot_is_a_request() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    answers(&bench, say("#1 is yours."));
    bench.write(ANN, &thread.root, &format!("<@{BOT}> assign <@{BEN}>"));
    bench.write(ANN, TEXT, &format!("<@!{BOT}>: claim #1"));
    bench.until("two requests", |b| b.asked().len() == 2).await;
    let asked = bench.asked();
    assert_eq!((asked[0].words.as_str(), &asked[0].thread), ("assign @Ben", &Some(thread.clone())));
    assert_eq!(asked[0].named[0].id.user, BEN);
    assert_eq!((asked[1].words.as_str(), &asked[1].thread), ("claim #1", &None));
    let below = |b: &Bench| b.words(&thread.root).iter().any(|w| w.starts_with("\\#1 is yours."));
    bench.until("an answer below", below).await;
}

#[tokio::test]
async fn options_become_the_words_that_a_message_would_say() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    slash(&bench, ANN, &thread.root, ("assign", &[("colleague", BEN.into())])).await;
    slash(&bench, ANN, &thread.root, ("snooze", &[("until", "tomorrow 9:00".into())])).await;
    let two = &[("when", "2h".into()), ("text", "Good **morning**!".into()), ("case", 7.into())];
    slash(&bench, ANN, TEXT, ("schedule", two)).await;
    slash(&bench, ANN, &thread.root, ("undo", &[("line", 3.into())])).await;
    let asked = bench.asked();
    let words: Vec<&str> = asked.iter().map(|a| a.words.as_str()).collect();
    let wanted = ["assign @Ben", "snooze tomorrow 9:00", "schedule #7 2h Good morning!", "undo 3"];
    assert_eq!(words, wanted);
    assert_eq!((asked[0].named[0].id.user.as_str(), asked[0].named[0].name.as_str()), (BEN, "Ben"));
    let missing = bench
        .shared
        .change(super::now(), |w| face::slash(w, "team", ANN, &thread.root, "assign", &[]));
    assert!(missing.is_err(), "the client itself asks for a colleague");
}

#[tokio::test]
async fn what_is_typed_is_completed_and_decides_nothing() {
    let (bench, _task) = Bench::listening("forum").await;
    let choice = |label: &str, value: &str| Choice { label: label.into(), value: value.into() };
    answers(&bench, Answer::Choices(vec![choice("#42 @anna · open", "42"), choice("", "1")]));
    let typed = |who: &str, command: &str, option: &str, begun: &str| {
        bench.shared.change(super::now(), |w| {
            face::type_option(w, "team", who, TEXT, command, (option, begun)).unwrap()
        })
    };
    let case = typed(ANN, "close", "case", "ann");
    let canned = typed(BEN, "canned", "name", "so");
    typed(ANN, "snooze", "until", "");
    let choices = |b: &Bench, id: &str| {
        b.office(|o| o.notes[&format!("interaction:{id}")]["choices"].clone())
    };
    let all = |b: &Bench| choices(b, &case).is_array() && choices(b, &canned).is_array();
    bench.until("choices", all).await;
    assert_eq!(choices(&bench, &case), json!([{"name": "#42 @anna · open", "value": 42}]));
    assert_eq!(choices(&bench, &canned)[0]["value"], "42");
    bench
        .until("three beginnings", |b| b.events().iter().filter(|e| is_typed(e)).count() == 3)
        .await;
    let mut all: Vec<_> = bench
        .events()
        .into_iter()
        .filter_map(
            |e| if let Event::Typed(t) = e { Some((t.of, t.begun, t.standing)) } else { None },
        )
        .collect();
    all.sort_by_key(|(_, begun, _)| std::cmp::Reverse(begun.clone()));
    assert_eq!(all[0], (Open::Canned, "so".into(), Standing::Guest));
    assert_eq!(all[1], (Open::Case, "ann".into(), Standing::Member));
    assert_eq!(all[2].0, Open::When);
    assert_eq!(unanswered(&bench), 0);
}

fn is_typed(event: &Event) -> bool {
    matches!(event, Event::Typed(_))
}

#[tokio::test]
async fn a_thread_that_is_locked_by_hand_is_opened_again_and_that_is_said() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    let locked =
        |b: &Bench| b.office(|o| o.notes[&format!("place:{}", thread.root)]["locked"] == true);
    bench.shared.change(super::now(), |w| face::lock(w, "team", &thread.root));
    bench.until("it is open", |b| !locked(b)).await;
    let said = |b: &Bench| b.words(&thread.root).iter().any(|w| w.contains("locked by hand"));
    bench.until("it is said", said).await;
    bench.office(|o| super::change_app(o, |app| app.lacks.push("MANAGE_THREADS".into())));
    bench.shared.change(super::now(), |w| face::lock(w, "team", &thread.root));
    let gone = |e: &Event| matches!(e, Event::ThreadGone { thread: t, .. } if *t == thread);
    bench.until("the case goes on elsewhere", |b| b.events().iter().any(gone)).await;
}

#[tokio::test]
async fn commands_need_no_number_in_a_thread_and_one_elsewhere() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    answers(&bench, say("Done so."));
    slash(&bench, ANN, &thread.root, ("close", &[("cause", "money back".into())])).await;
    slash(&bench, ANN, TEXT, ("claim", &[("case", 1.into())])).await;
    slash(&bench, BEN, TEXT, ("careline", &[("text", "show #1".into())])).await;
    let asked = bench.asked();
    let words: Vec<&str> = asked.iter().map(|a| a.words.as_str()).collect();
    assert_eq!(words, ["close money back", "claim #1", "show #1"]);
    assert_eq!(asked[0].thread.as_ref(), Some(&thread));
    assert_eq!((&asked[1].thread, asked[2].standing), (&None, Standing::Guest));
    let told = |b: &Bench| b.private(ANN).len() == 2 && b.private(BEN).len() == 1;
    bench.until("private answers", told).await;
    assert!(bench.private(ANN)[0].text.starts_with("Done so."));
    assert!(bench.words(TEXT).is_empty(), "nobody else saw it");
}

#[tokio::test]
async fn buttons_open_forms_and_forms_come_back_as_words() {
    let (bench, _task) = Bench::listening("text").await;
    let thread = bench.thread(TEXT).await;
    let form = Form {
        title: "Note #1".into(),
        words: "note #1".into(),
        label: "For colleagues".into(),
        hint: "Never leaves".into(),
        text: "so far".into(),
        max: 3000,
    };
    answers(&bench, Answer::Form(form));
    let card = face::unstamp(&thread.root).unwrap();
    act(&bench, |w| face::press(w, "team", ANN, (TEXT, card), "Claim"));
    let open = |b: &Bench| b.office(|o| o.forms.values().find(|f| !f.closed).map(|f| f.id.clone()));
    bench.until("a form", |b| open(b).is_some()).await;
    let first = bench.asked().remove(0);
    assert_eq!((first.words.as_str(), first.thread), ("claim #1", Some(thread)));

    answers(&bench, Answer::Refuse("The case is closed.".into()));
    let form = open(&bench).unwrap();
    act(&bench, |w| face::submit(w, "team", ANN, &form, "She *called*."));
    bench.until("a refusal", |b| b.private(ANN).len() == 1).await;
    assert_eq!(bench.asked()[1].words, "note #1 She *called*.");
    let shown = &bench.private(ANN)[0].text;
    assert!(
        shown.contains("The case is closed.") && shown.contains("> She \\*called\\*."),
        "{shown}"
    );
    assert!(open(&bench).is_none() && unanswered(&bench) == 0);
}

#[tokio::test]
async fn the_menu_of_a_message_asks_for_a_reply_with_its_words() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    let id = bench.write(ANN, &thread.root, "It is **there**.");
    let root = thread.root.as_str();
    act(&bench, |w| face::menu(w, "team", ANN, (root, id), "Reply to customer"));
    bench.until("a request", |b| b.asked().len() == 1).await;
    let asked = bench.asked().remove(0);
    assert_eq!((asked.words.as_str(), asked.on.as_deref()), ("reply", Some("It is there.")));
    bench.until("an answer", |b| b.private(ANN).len() == 1).await;
}

#[tokio::test]
async fn a_slow_commit_is_waited_for_in_sight_and_answered_then() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    bench.until("our card heard", |b| b.events().len() == 1).await;
    *bench.door.slow.lock().unwrap() = Duration::from_millis(3_500);
    answers(&bench, say("At last."));
    slash(&bench, ANN, &thread.root, ("claim", &[])).await;
    bench.until("a late answer", |b| b.private(ANN).len() == 1).await;
    assert!(bench.private(ANN)[0].text.starts_with("At last."));
    assert_eq!(unanswered(&bench), 0);
}

#[tokio::test]
async fn what_stayed_inside_is_explained_below_with_its_button() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    answers(&bench, say("This stayed inside."));
    bench.write(ANN, &thread.root, "psst");
    let answer = |b: &Bench| {
        b.office(|o| o.channel(&thread.root).find(|m| m.text.starts_with("This stayed")).cloned())
    };
    bench.until("an explanation", |b| answer(b).is_some()).await;
    let id = answer(&bench).unwrap().id;
    let root = thread.root.as_str();
    act(&bench, |w| face::press(w, "team", ANN, (root, id), "Send anyway"));
    bench.until("a request", |b| b.asked().len() == 1).await;
    let asked = bench.asked().remove(0);
    assert_eq!((asked.words.as_str(), asked.thread), ("send #1 3", Some(thread)));
}

#[tokio::test]
async fn files_are_told_and_fetched_even_after_their_address_has_ended() {
    let (bench, _task) = Bench::listening("forum").await;
    let thread = bench.thread(FORUM).await;
    bench.shared.change(super::now(), |w| {
        let file = ("map.png", "image/png", bytes::Bytes::from_static(b"png"));
        face::attach(w, "team", ANN, (&thread.root, "see"), file).unwrap()
    });
    bench.until("a remark", |b| b.said().len() == 1).await;
    let mut file = bench.said()[0].files[0].clone();
    assert_eq!((file.name.as_str(), file.mime.as_str(), file.size), ("map.png", "image/png", 3));
    assert_eq!(&bench.desk.fetch(&file).await.unwrap()[..], b"png");
    file.url = file.url.split('?').next().unwrap().to_owned();
    assert_eq!(&bench.desk.fetch(&file).await.unwrap()[..], b"png");
    file.url = "https://evil.example/x".into();
    assert!(bench.desk.fetch(&file).await.is_err());
}

#[tokio::test]
async fn commands_are_registered_again_only_when_they_differ() {
    let (mut bench, task) = Bench::listening("forum").await;
    for (sessions, writes) in [(2, 1), (3, 2)] {
        if writes == 2 {
            bench.office(|o| o.notes.insert(format!("commands:{APP}"), serde_json::json!([])));
        }
        bench.stop.cancel();
        bench.stop = tokio_util::sync::CancellationToken::new();
        bench.listen();
        bench.until("a session", |b| b.note("identifies") == sessions).await;
        bench.until("registration", |b| b.note("command_reads") >= sessions).await;
        bench.until("registration", |b| b.note("command_writes") == writes).await;
    }
    assert_eq!(task.await.unwrap(), Stopped::Asked);
}

#[tokio::test]
async fn without_the_intent_the_operator_is_told_in_plain_words() {
    let bench = Bench::new("forum").await;
    bench.office(|o| super::change_app(o, |app| app.content = false));
    let stopped = bench.listen().await.unwrap();
    let Stopped::Dead(why) = stopped else { panic!("{stopped:?}") };
    assert!(why.contains("Message Content Intent"), "{why}");
    bench.office(|o| super::change_app(o, |app| app.token = "another".into()));
    bench.office(|o| o.hire(BOT, "careline", careline::world::office::Kind::Bot, &["another"]));
    let stopped = bench.listen().await.unwrap();
    let Stopped::Dead(why) = stopped else { panic!("{stopped:?}") };
    assert!(why.contains("token"), "{why}");
}
