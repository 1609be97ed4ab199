//! Meta's peculiarities, against our own face: the app's webhook, windows that close, private
//! answers, what counts in bytes; and what others recorded of the real Meta.

pub mod recorded;

use crate::contract::networks::{ACME, Bench, answer, until};
use careline::case::effect::Change;
use careline::case::event::{Event, Mention};
use careline::case::id::{AccountId, PostId};
use careline::case::model::Audience;
use careline::case::time::Span;
use careline::engine::clock;
use careline::inbox::Inbox;
use careline::net::{Failure, Ground, Looked, Net};
use careline::network::meta::{FACEBOOK, INSTAGRAM};
use careline::network::{Driver, Network};
use careline::setting::Section;
use careline::web;
use careline::world::fault::Wrong;
use careline::world::square::SquarePost;
use std::sync::Arc;
use std::time::Duration;
use tokio_util::sync::{CancellationToken, DropGuard};
use toml::Value as Toml;

const BOTH: [&Driver; 2] = [&FACEBOOK, &INSTAGRAM];

/// An account at this address, with these keys beside those it needs.
fn open(
    row: &Driver,
    base: &str,
    page: &str,
    more: &[(&str, Toml)],
    env: fn(&str) -> Option<String>,
) -> Arc<dyn Network> {
    open_as(&AccountId::new(ACME), row, base, page, more, env)
}

fn open_as(
    account: &AccountId,
    row: &Driver,
    base: &str,
    page: &str,
    more: &[(&str, Toml)],
    env: fn(&str) -> Option<String>,
) -> Arc<dyn Network> {
    let mut all: Vec<(&str, Toml)> = vec![("api", base.into()), ("page", page.into())];
    all.extend([("token", "env:T".into()), ("app_secret", "env:T".into())]);
    all.extend(more.iter().cloned());
    let entries = all.into_iter().map(|(key, value)| (key.to_owned(), (1, value))).collect();
    let section = Section::new("test.toml", "account.acme", 1, entries, env);
    let ground = Ground { net: Net::new(true), now: clock::system() };
    (row.open)(account, &section, &ground).unwrap()
}

fn us(_: &str) -> Option<String> {
    Some("token-us".into())
}

fn fast() -> (&'static str, Toml) {
    ("poll", "150 ms".into())
}

fn direct(post: &mut SquarePost) {
    post.audience = Audience::Direct;
    post.mentions = vec!["900".into()];
}

/// Makes all that stands there so much older.
fn age(bench: &Bench, span: Span) {
    bench.world.change(clock::now(), |world| {
        for post in world.square(ACME).posts.values_mut() {
            post.written = post.written - span;
        }
    });
}

fn older(mention: &Mention, span: Span) -> Mention {
    Mention { written: mention.written - span, ..mention.clone() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_go_both_ways_and_are_found_again() {
    for row in BOTH {
        let bench = Bench::new(row, "").await;
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "are you there?", direct);
        let mention = bench.heard("are you there").await;
        assert_eq!((mention.audience, mention.no_reply.as_ref()), (Audience::Direct, None));
        let out = answer(&mention, "yes, here", "7.1");
        bench.fault("/messages", 1, Wrong::DoneThenCut);
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
        let Looked::There(found) = driver.look(&out).await else { panic!("not found") };
        assert!(found.remote.starts_with("m/"));
        assert_eq!((bench.sent().len(), bench.sent()[0].audience), (1, Audience::Direct));
        let mut stranger = answer(&mention, "hello", "7.2");
        stranger.reply.target.contact.remote = "902".into();
        assert!(matches!(driver.deliver(&stranger).await, Err(Failure::Gone(_))));
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_is_answered_in_its_window_and_by_a_person_longer_where_granted() {
    for row in BOTH {
        let bench = Bench::new(row, "human_agent").await;
        let plain = bench.driver(&[]);
        let granted = [fast(), ("human_agent", true.into())];
        let granted = open(row, bench.base(), "900", &granted, us);
        let (stop, _task) = bench.listen(&plain).await;
        bench.post("901", "help", direct);
        let fresh = bench.heard("help").await;
        age(&bench, Span::hours(25));
        let out = answer(&older(&fresh, Span::hours(25)), "sorry", "7.1");
        let late = plain.deliver(&out).await;
        assert!(matches!(&late, Err(Failure::Never(why)) if why.contains("24 hours")), "{late:?}");
        // Meta's own refusal, should our clock think otherwise.
        let late = plain.deliver(&answer(&fresh, "sorry", "7.2")).await;
        assert!(matches!(&late, Err(Failure::Never(why)) if why.contains("is over")), "{late:?}");
        granted.deliver(&out).await.unwrap();
        assert_eq!(bench.sent().len(), 1);
        age(&bench, Span::days(7));
        let out = answer(&older(&fresh, Span::hours(25 + 7 * 24)), "sorry", "7.3");
        let late = granted.deliver(&out).await;
        assert!(matches!(&late, Err(Failure::Never(why)) if why.contains("seven")), "{late:?}");
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_comment_is_answered_in_private_once() {
    for row in BOTH {
        let bench = Bench::new(row, "").await;
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "@acme where is my parcel", |_| ());
        let mention = bench.heard("parcel").await;
        let mut out = answer(&mention, "your number, please?", "7.1");
        out.reply.target.audience = Audience::Direct;
        bench.fault("/messages", 1, Wrong::DoneThenStatus { status: 502 });
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
        let Looked::There(found) = driver.look(&out).await else { panic!("not found") };
        // A second one is refused by Meta, and is the first when looked for.
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
        let Looked::There(again) = driver.look(&out).await else { panic!("not found") };
        assert_eq!(found.remote, again.remote);
        assert_eq!((bench.sent().len(), bench.sent()[0].audience), (1, Audience::Direct));
        let mut long = out.clone();
        long.reply.part = (1, 2);
        assert!(matches!(driver.deliver(&long).await, Err(Failure::Never(_))));
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_message_on_instagram_counts_in_bytes_and_a_comment_in_letters() {
    let bench = Bench::new(&INSTAGRAM, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("901", "a letter", direct);
    bench.post("902", "@acme a comment", |_| ());
    let (letter, comment) = (bench.heard("a letter").await, bench.heard("a comment").await);
    let long = "ä".repeat(501);
    let failed = driver.deliver(&answer(&letter, &long, "7.1")).await;
    assert!(matches!(failed, Err(Failure::Never(_))), "{failed:?}");
    driver.deliver(&answer(&comment, &long, "7.2")).await.unwrap();
    driver.deliver(&answer(&letter, &"ä".repeat(450), "7.3")).await.unwrap();
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_to_an_answer_is_found_on_the_level_where_meta_lists_it() {
    for row in BOTH {
        let bench = Bench::new(row, "").await;
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "@acme one", |_| ());
        let out = answer(&bench.heard("one").await, "two", "7.1");
        let first = driver.deliver(&out).await.unwrap();
        let mut second = answer(&bench.heard("one").await, "three", "7.2");
        second.parent = PostId::new(&first.remote);
        let mut third = answer(&bench.heard("one").await, "four", "7.3");
        third.parent = PostId::new(driver.deliver(&second).await.unwrap().remote);
        bench.fault("POST /", 1, Wrong::DoneThenCut);
        assert!(matches!(driver.deliver(&third).await, Err(Failure::Unsure(_))));
        assert!(matches!(driver.look(&third).await, Looked::There(_)));
        // Its deletion is done once, and is seen.
        let mut gone = second.clone();
        gone.reply.change = Some(Change::Delete { post: PostId::new(first.remote) });
        assert_eq!(driver.look(&gone).await, Looked::Absent);
        driver.deliver(&gone).await.unwrap();
        driver.deliver(&gone).await.unwrap();
        assert!(matches!(driver.look(&gone).await, Looked::There(_)));
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_who_names_us_elsewhere_is_heard_and_answered() {
    for row in BOTH {
        let bench = Bench::new(row, "").await;
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "I bought this from @acme", |post| post.app = Some("tag".into()));
        let mention = bench.heard("I bought this").await;
        driver.deliver(&answer(&mention, "thank you", "7.1")).await.unwrap();
        assert_eq!(bench.sent().len(), 1);
        stop.cancel();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_permission_is_told_by_its_name() {
    let bench = Bench::new(&FACEBOOK, "without pages_messaging").await;
    let found = bench.driver(&[]).probe().await;
    let token = found.iter().find(|finding| finding.what == "token").unwrap();
    let why = token.result.as_ref().unwrap_err();
    assert!(why.contains("`pages_messaging`") && why.contains("review"), "{why}");
}

/// A file with a token, and how the configuration names it.
fn kept() -> (tempfile::NamedTempFile, Toml) {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), "token-us\n").unwrap();
    let place = format!("file:{}", file.path().display());
    (file, place.into())
}

fn stands(file: &tempfile::NamedTempFile) -> String {
    std::fs::read_to_string(file.path()).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_token_is_exchanged_for_one_that_lasts() {
    for (row, app, long) in
        [(&FACEBOOK, Some("77"), "page-token-us"), (&INSTAGRAM, None, "long-token-us")]
    {
        let bench = Bench::new(row, "").await;
        let say = |_: &str| ();
        let log_in = async |keys: &[(&str, Toml)]| {
            let driver = open(row, bench.base(), "900", keys, us);
            let done = driver.login(&say).expect("Meta's accounts can be logged in").await;
            done.map(|words| (words, driver))
        };
        let none = log_in(&[]).await.map(|(words, _)| words);
        assert!(none.as_ref().is_err_and(|why| why.contains("has to stand in a file")), "{none:?}");
        let (file, place) = kept();
        let mut keys = vec![fast(), ("token", place)];
        keys.extend(app.map(|app| ("app_id", app.into())));
        let (words, driver) = log_in(&keys).await.unwrap();
        assert_eq!(stands(&file), long);
        assert!(words.contains("acme") && !words.contains(long), "{words}");
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "@acme hello", |_| ());
        driver.deliver(&answer(&bench.heard("hello").await, "hi", "7.1")).await.unwrap();
        stop.cancel();
    }
    let (file, place) = kept();
    let bench = Bench::new(&FACEBOOK, "").await;
    let driver = open(&FACEBOOK, bench.base(), "900", &[("token", place)], us);
    let none = driver.login(&|_| ()).unwrap().await;
    assert!(none.as_ref().is_err_and(|why| why.contains("app_id is missing")), "{none:?}");
    assert_eq!(stands(&file).trim(), "token-us");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_of_instagram_is_renewed_where_it_stands_and_not_at_each_start() {
    let bench = Bench::new(&INSTAGRAM, "").await;
    let (file, place) = kept();
    let keys = [fast(), ("token", place)];
    for _ in 0..2 {
        let driver = open(&INSTAGRAM, bench.base(), "900", &keys, us);
        let (stop, task) = bench.listen(&driver).await;
        until("the new token", || stands(&file) == "renewed-token-us").await;
        bench.post("901", "@acme hello", |_| ());
        driver.deliver(&answer(&bench.heard("hello").await, "hi", "7.1")).await.unwrap();
        stop.cancel();
        task.await.unwrap();
        // A second renewal would be called otherwise.
        assert_eq!(stands(&file), "renewed-token-us");
    }
    let (file, place) = kept();
    let off = [fast(), ("token", place), ("renew", false.into())];
    let driver = open(&INSTAGRAM, bench.base(), "900", &off, us);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("902", "@acme are you there", |_| ());
    bench.heard("are you there").await;
    assert_eq!(stands(&file).trim(), "token-us");
    stop.cancel();
}

/// A driver whose feeds are read only once an hour, called by Meta.
struct Called {
    driver: Arc<dyn Network>,
    _served: DropGuard,
}

fn hooked(more: &[(&'static str, Toml)]) -> Vec<(&'static str, Toml)> {
    let mut all = vec![("webhook", "/meta".into()), ("verify", "env:T".into())];
    all.extend(more.iter().cloned());
    all
}

pub async fn serve(router: axum::Router) -> (String, DropGuard) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let at = format!("http://{}", listener.local_addr().unwrap());
    let stop = CancellationToken::new();
    tokio::spawn(web::serve(listener, router, stop.clone()));
    (at, stop.drop_guard())
}

async fn called(bench: &Bench, row: &Driver, more: &[(&'static str, Toml)]) -> Called {
    let driver = open(row, bench.base(), "900", &hooked(more), us);
    let inbox = Inbox::new(bench.notes.clone(), CancellationToken::new());
    let (at, served) = serve(web::hooks::mount(driver.hook(inbox))).await;
    let proof = careline::web::seal::code(&"token-us".into(), &[b"token-us"]).unwrap();
    let object = if row.name == "facebook" { "page" } else { "instagram" };
    let query = [("object", object), ("callback_url", &format!("{at}/meta"))];
    let client = Net::new(true).client().clone();
    let request = client.post(format!("{}/1/subscriptions", bench.base())).bearer_auth("token-us");
    let request = request.query(&query).query(&[("verify_token", "token-us")]);
    let answer = request.query(&[("appsecret_proof", hex::encode(proof))]).send().await.unwrap();
    assert!(answer.status().is_success(), "{}", answer.text().await.unwrap());
    Called { driver, _served: served }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_brings_all_long_before_the_sweep_and_nothing_twice() {
    for row in BOTH {
        let bench = Bench::new(row, "").await;
        let slow = [("poll", "1 h".into()), ("watchdog", "100 ms".into())];
        let called = called(&bench, row, &slow).await;
        let (stop, _task) = bench.listen(&called.driver).await;
        subscribed(&bench).await;
        bench.fault("WEBHOOK", 1, Wrong::Repeat);
        let id = bench.post("901", "@acme ünïcode 😀", |_| ());
        let mention = bench.heard("ünïcode 😀").await;
        bench.post("901", "psst", direct);
        let letter = bench.heard("psst").await;
        assert_eq!(letter.name.raw(), "ann@elsewhere.example", "names are asked for");
        // A colleague answers by hand in Meta's own app; we answer by careline.
        bench.post("900", "by a colleague", |post| {
            post.audience = Audience::Direct;
            post.mentions = vec!["901".into()];
        });
        let own = |text: &str| {
            let is = |e: &Event| matches!(e, Event::OwnPost(o) if o.text.contains(text));
            bench.notes.events().iter().filter(|e| is(e)).count()
        };
        until("the colleague's message", || own("by a colleague") == 1).await;
        bench.post("900", "below by hand", |post| post.parent = Some(id));
        until("the colleague's comment", || own("below by hand") == 1).await;
        let out = answer(&mention, "by careline", "7.1");
        called.driver.deliver(&out).await.unwrap();
        if row.name == "instagram" {
            let below = |post: &mut SquarePost| {
                post.app = Some("tag".into());
                post.mentions = vec!["900".into()];
            };
            bench.post("902", "my own picture with @acme", below);
            bench.heard("my own picture").await;
        }
        bench.post("902", "@acme the last", |_| ());
        bench.heard("the last").await;
        let twice = bench.notes.mentions().iter().filter(|m| m.post == mention.post).count();
        assert_eq!(twice, 1);
        stop.cancel();
    }
}

/// Waits until the watchdog has subscribed.
async fn subscribed(bench: &Bench) {
    for n in 0..600 {
        bench.post("902", &format!("@acme are you called {n}"), |_| ());
        tokio::time::sleep(Duration::from_millis(50)).await;
        if !bench.notes.mentions().is_empty() {
            return;
        }
    }
    panic!("Meta never called");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_storm_of_a_thousand_changes_is_taken_whole() {
    let bench = Bench::new(&FACEBOOK, "").await;
    let slow = [("poll", "1 h".into()), ("watchdog", "100 ms".into())];
    let called = called(&bench, &FACEBOOK, &slow).await;
    let (stop, _task) = bench.listen(&called.driver).await;
    subscribed(&bench).await;
    bench.fault("WEBHOOK", 1, Wrong::Reorder);
    bench.world.change(clock::now(), |world| {
        for n in 0..1_000 {
            let mentions = vec!["900".into()];
            let post = SquarePost { mentions, ..SquarePost::by("901", &format!("storm {n}")) };
            world.post(ACME, post).unwrap();
        }
    });
    let storm = || {
        let all = bench.notes.mentions();
        all.iter().filter(|m| m.text.raw().starts_with("storm")).count()
    };
    until("all of the storm", || storm() == 1_000).await;
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ended_subscription_is_noticed_and_renewed() {
    let bench = Bench::new(&FACEBOOK, "").await;
    let called = called(&bench, &FACEBOOK, &[fast(), ("watchdog", "100 ms".into())]).await;
    let (stop, _task) = bench.listen(&called.driver).await;
    subscribed(&bench).await;
    let proof = careline::web::seal::code(&"token-us".into(), &[b"token-us"]).unwrap();
    let client = Net::new(true).client().clone();
    let request = client.delete(format!("{}/900/subscribed_apps", bench.base()));
    let request = request.bearer_auth("token-us").query(&[("appsecret_proof", hex::encode(proof))]);
    assert!(request.send().await.unwrap().status().is_success());
    let said =
        |e: &Event| matches!(e, Event::Trouble { why, .. } if why.contains("subscribed again"));
    until("the trouble", || bench.notes.events().iter().any(said)).await;
    // What nobody told us meanwhile, the sweep brings.
    bench.post("901", "@acme in between", |_| ());
    bench.heard("in between").await;
    stop.cancel();
}
