//! X's peculiarities, against our own face: streams, money, tokens that are good for one use,
//! direct messages, files, answers that X does not take.

pub mod recorded;

use crate::contract::networks::{ACME, Bench, answer, until};
use crate::wire::shared;
use careline::case::ability::Count;
use careline::case::event::{Event, File};
use careline::case::id::AccountId;
use careline::case::model::Audience;
use careline::case::text::count;
use careline::engine::clock;
use careline::net::{Failure, Ground, Looked, Net};
use careline::network::Network;
use careline::network::x::NETWORK;
use careline::setting::Section;
use careline::world::fault::Wrong;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// An account at this address, with these keys.
fn open(base: &str, more: &[(&str, &str)], env: fn(&str) -> Option<String>) -> Arc<dyn Network> {
    open_as(&AccountId::new(ACME), base, more, env)
}

fn open_as(
    account: &AccountId,
    base: &str,
    more: &[(&str, &str)],
    env: fn(&str) -> Option<String>,
) -> Arc<dyn Network> {
    let mut all = vec![("api", base), ("app", base)];
    all.extend(more);
    let value = |text: &str| match text.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
        Some(one) => toml::Value::Array(vec![one.into()]),
        None => text.into(),
    };
    let entries = all.iter().map(|(key, text)| ((*key).to_owned(), (1, value(text)))).collect();
    let section = Section::new("test.toml", "account.acme", 1, entries, env);
    let ground = Ground { net: Net::new(true), now: clock::system() };
    (NETWORK.open)(account, &section, &ground).unwrap()
}

#[test]
fn the_weighted_length_is_that_of_twitter_text() {
    let Some(file) = shared("specs/twitter-text/conformance/validate.yml") else { return };
    let text = std::fs::read_to_string(file).unwrap();
    let (_, ours) = text.split_once("WeightedTweetsWithDiscountedEmojiCounterTest:").unwrap();
    let ours = ours.split("\n  Unicode").next().unwrap();
    let (mut tried, mut wrong, mut last) = (0, Vec::new(), String::new());
    for line in ours.lines().map(str::trim) {
        if let Some(quoted) = line.strip_prefix("text: ") {
            last =
                serde_json::from_str(quoted).unwrap_or_else(|_| quoted.trim_matches('\'').into());
        } else if let Some(length) = line.strip_prefix("weightedLength: ") {
            tried += 1;
            let (want, have) = (length.parse::<usize>().unwrap(), count(&last, Count::Weighted));
            if want != have {
                wrong.push(format!("{want} and not {have}: {}", &last[..last.len().min(80)]));
            }
        }
    }
    assert!(tried >= 15 && wrong.is_empty(), "{tried} tried: {wrong:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_brings_mentions_and_direct_messages_long_before_the_sweep() {
    let bench = Bench::new(&NETWORK, "").await;
    let slow = [("poll", "1 h"), ("direct", "1 h"), ("stream", "activity"), ("bearer", "env:T")];
    let driver = bench.driver(&slow);
    let (stop, _task) = bench.listen(&driver).await;
    bench.fault("STREAM", 1, Wrong::Repeat);
    // The stream may not be open yet: what is posted then is for the sweep.
    for n in 0.. {
        bench.post("901", &format!("@acme streamed {n}"), |_| ());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if !bench.notes.mentions().is_empty() || n > 400 {
            break;
        }
    }
    bench.heard("streamed").await;
    bench.post("901", "psst", |post| {
        post.audience = Audience::Direct;
        post.mentions = vec!["900".into()];
    });
    assert_eq!(bench.heard("psst").await.audience, Audience::Direct);
    // A line that is cut off in the middle is dropped, and the stream comes back.
    bench.fault("STREAM", 1, Wrong::Cut);
    bench.post("902", "@acme cut off", |_| ());
    for n in 0..400 {
        bench.post("902", &format!("@acme after the cut {n}"), |_| ());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if bench.notes.mentions().iter().any(|m| m.text.raw().contains("after the cut")) {
            break;
        }
    }
    bench.heard("after the cut").await;
    let unreadable = |e: &Event| matches!(e, Event::Unreadable { .. });
    assert!(!bench.notes.events().iter().any(unreadable));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_post_that_did_not_call_us_is_not_answered_by_a_program() {
    let bench = Bench::new(&NETWORK, "").await;
    let more = [("stream", "filtered"), ("bearer", "env:T"), ("rules", "[broken shop]")];
    let driver = bench.driver(&more);
    let (stop, _task) = bench.listen(&driver).await;
    for _ in 0..400 {
        bench.post("901", "this shop is broken", |_| ());
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        if !bench.notes.mentions().is_empty() {
            break;
        }
    }
    let mention = bench.heard("shop is broken").await;
    assert!(mention.no_reply.as_deref().is_some_and(|why| why.contains("by hand")));
    let form = bench.notes.abilities().unwrap().form(mention.post.as_str(), "a b").unwrap();
    let post = &mention.post;
    assert!(form.ends_with(&format!("/intent/post?in_reply_to={post}&text=a%20b")), "{form}");
    let failed = driver.deliver(&answer(&mention, "no", "7.1")).await;
    assert!(matches!(failed, Err(Failure::Never(why)) if why.contains("by hand")));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_words_twice_are_found_and_never_sent_twice() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("901", "@acme one", |_| ());
    bench.post("902", "@acme two", |_| ());
    let (one, two) = (bench.heard("one").await, bench.heard("two").await);
    let out = answer(&one, "see https://x.example/a?b=1&c=<2>", "7.1");
    let first = driver.deliver(&out).await.unwrap();
    let again = driver.deliver(&out).await.unwrap();
    assert_eq!((first.remote, bench.sent().len()), (again.remote, 1));
    let mut other = out.clone();
    other.reply.target.post = two.post.clone();
    other.parent = two.post;
    let failed = driver.deliver(&other).await;
    assert!(matches!(failed, Err(Failure::Never(why)) if why.contains("only once")));
    assert_eq!(driver.look(&other).await, Looked::Absent);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn direct_messages_go_both_ways_and_are_found_again() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    let direct = |post: &mut careline::world::square::SquarePost| {
        post.audience = Audience::Direct;
        post.mentions = vec!["900".into()];
    };
    bench.post("901", "are you there?", direct);
    let mention = bench.heard("are you there").await;
    assert_eq!((mention.audience, mention.no_reply.as_ref()), (Audience::Direct, None));
    let out = answer(&mention, "yes, here", "7.1");
    bench.fault("messages", 1, Wrong::DoneThenCut);
    assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
    let Looked::There(found) = driver.look(&out).await else { panic!("not found") };
    assert!(found.remote.starts_with("dm/"));
    assert_eq!((bench.sent().len(), bench.sent()[0].audience), (1, Audience::Direct));
    let mut stranger = answer(&mention, "hello", "7.2");
    stranger.reply.target.contact.remote = "902".into();
    assert!(matches!(driver.deliver(&stranger).await, Err(Failure::Never(_))));
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn files_go_in_pieces_and_keep_their_description() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("901", "@acme help", |_| ());
    let mut out = answer(&bench.heard("help").await, "here", "7.1");
    let file = File {
        id: "F1".into(),
        name: "map.png".into(),
        mime: "image/png".into(),
        size: 2_500_000,
        alt: Some("a map".into()),
        url: String::new(),
    };
    let bytes: Vec<u8> = (0..2_500_000_u32).map(|n| n.to_le_bytes()[1]).collect();
    out.files = vec![(file, bytes.clone().into())];
    driver.deliver(&out).await.unwrap();
    let sent = bench.sent();
    let medium = bench.world.look().square(ACME).media[&sent[0].media[0]].clone();
    assert_eq!((medium.alt.as_str(), medium.mime.as_str()), ("a map", "image/png"));
    assert!(medium.bytes == bytes);
    stop.cancel();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_budget_makes_it_slower_and_is_said() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[("budget", "0.003")]);
    let (stop, _task) = bench.listen(&driver).await;
    for n in 0..4 {
        bench.post("901", &format!("@acme costly {n}"), |_| ());
    }
    bench.heard("costly 3").await;
    let said = |e: &Event| matches!(e, Event::Trouble { why, .. } if why.contains("are spent"));
    until("the trouble", || bench.notes.events().iter().any(said)).await;
    // It goes on all the same, only later.
    bench.post("901", "@acme and one more", |_| ());
    bench.heard("and one more").await;
    stop.cancel();
    let found = driver.probe().await;
    let money = found.iter().find(|f| f.what == "money today").unwrap();
    assert!(money.result.as_ref().unwrap().contains("of $0.003"), "{money:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn used_up_credits_are_a_wait_and_not_an_end() {
    let bench = Bench::new(&NETWORK, "").await;
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    bench.post("901", "@acme help", |_| ());
    let out = answer(&bench.heard("help").await, "here", "7.1");
    bench.fault("POST /2/tweets", 1, Wrong::Status { status: 402, retry_after: None });
    let failed = driver.deliver(&out).await;
    assert!(
        matches!(failed, Err(Failure::Later { after: Some(_), why }) if why.contains("credits"))
    );
    stop.cancel();
}

/// Keeps tokens at this file, beginning with the pair of the account `900`.
fn granted<'a>(file: &'a str, access: &str) -> Vec<(&'static str, &'a str)> {
    let pair = json!({ "access": access, "refresh": "refresh-token-us", "ends": i64::MAX / 2 });
    std::fs::write(file, pair.to_string()).unwrap();
    vec![("client_id", "app"), ("tokens", file), ("poll", "100 ms"), ("direct", "0 s")]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_of_one_use_are_renewed_once_and_are_on_disk() {
    let bench = Bench::new(&NETWORK, "").await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tokens.json").display().to_string();
    let keys = granted(&file, "an old one");
    let driver = open(bench.base(), &keys, |_| None);
    // Many calls find the token refused at once; a second use of the refresh token ends the grant.
    let all = futures_util::future::join_all((0..8).map(|_| driver.probe())).await;
    assert!(all.iter().flatten().all(|f| f.result.is_ok()), "{all:?}");
    let kept: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    assert_eq!(kept["refresh"], "next-1-900");
    let later = open(bench.base(), &keys, |_| None);
    assert!(later.probe().await.iter().all(|f| f.result.is_ok()), "the file is enough");
    granted(&file, "an old one");
    let dead = open(bench.base(), &keys, |_| None).probe().await;
    let why = dead[0].result.as_ref().unwrap_err();
    assert!(why.contains("careline login"), "{why}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_login_ends_with_tokens_in_the_file() {
    let bench = Bench::new(&NETWORK, "").await;
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("tokens.json").display().to_string();
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let redirect = format!("http://{free}/");
    let keys = [("client_id", "app"), ("tokens", &file), ("redirect", redirect.as_str())];
    let driver = open(bench.base(), &keys, |_| None);
    let page = Mutex::new(None::<String>);
    let say = |text: &str| *page.lock().unwrap() = text.lines().last().map(str::to_owned);
    let browser = async {
        let client = Net::new(true).client().clone();
        let url = loop {
            if let Some(url) = page.lock().unwrap().clone() {
                break url;
            }
            tokio::task::yield_now().await;
        };
        // Somebody else's page calls with a state that is not ours.
        client.get(format!("{redirect}?state=wrong&code=evil")).send().await.unwrap();
        let sent = client.get(url).send().await.unwrap();
        let back = sent.headers()["location"].to_str().unwrap().to_owned();
        client.get(back).send().await.unwrap()
    };
    let (done, shown) = tokio::join!(driver.login(&say).unwrap(), browser);
    assert!(shown.status().is_success());
    assert!(done.as_ref().is_ok_and(|text| text.contains("@acme")), "{done:?}");
    assert!(driver.probe().await.iter().all(|f| f.result.is_ok()));
}
