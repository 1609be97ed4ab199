//! What others recorded of the real X, and what the documentation says, served to the driver by a
//! small stand-in; and webhooks with vectors that were computed elsewhere.

use super::*;
use crate::contract::networks::Notes;
use crate::wire::whole::Accounts;
use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use careline::inbox::Inbox;
use tokio_util::sync::{CancellationToken, DropGuard};

/// Answers `/2/users/me` with account 1, mentions with this page once, streams with these lines.
#[derive(Clone, Default)]
struct StandIn {
    page: Arc<Mutex<Option<String>>>,
    lines: Arc<Vec<u8>>,
}

async fn stand(State(here): State<StandIn>, request: Request) -> Response {
    let json = |text: String| ([("content-type", "application/json")], text).into_response();
    let path = request.uri().path();
    let first = request.uri().query().is_some_and(|query| query.contains("max_results=5"));
    match path {
        "/2/users/me" => json(json!({ "data": { "id": "1", "username": "us" } }).to_string()),
        "/2/tweets/search/stream" => (*here.lines).clone().into_response(),
        "/2/users/1/mentions" if !first => {
            let page = here.page.lock().unwrap().take();
            json(page.unwrap_or_else(|| "{\"meta\":{\"result_count\":0}}".into()))
        }
        _ => json("{\"meta\":{\"result_count\":0}}".into()),
    }
}

/// What the driver hears of this stand-in until the event count stands still at `want` or more.
async fn heard(stand_in: StandIn, more: &[(&str, &str)], want: usize) -> Vec<Event> {
    let router = Router::new().fallback(stand).with_state(stand_in);
    let (base, _served) = super::super::meta::serve(router).await;
    let stop = CancellationToken::new();
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("t").display().to_string();
    let mut keys = granted(&file, "token");
    keys.extend([("since", "9000 days"), ("review", "1 h"), ("bearer", "env:T")]);
    keys.extend(more);
    let driver = open(&base, &keys, |_| Some("t".into()));
    let notes = Arc::new(Notes::default());
    let inbox = Inbox::new(notes.clone(), stop.clone());
    let task = tokio::spawn(async move { driver.listen(inbox).await });
    until("all of a recorded page", || notes.events().len() >= want).await;
    stop.cancel();
    task.await.unwrap();
    notes.events()
}

fn posts(page: &Value) -> usize {
    let repost = |tweet: &&Value| {
        let refs = tweet["referenced_tweets"].as_array();
        refs.is_some_and(|refs| refs.iter().any(|r| r["type"] == "retweeted"))
    };
    let all = page["data"].as_array().into_iter().flatten();
    all.filter(|tweet| tweet["text"].is_string() && tweet["author_id"].is_string())
        .filter(|tweet| !repost(tweet))
        .count()
}

/// The recorded pages, and how many posts of each are somebody's words.
fn pages() -> Vec<(String, String, usize)> {
    let Some(home) = shared("data/payloads/x_api_v2") else { return Vec::new() };
    let mut files: Vec<PathBuf> =
        std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.extend(shared("specs/handwritten-samples/x/mentions_page.json"));
    let read = |file: PathBuf| {
        let text = std::fs::read_to_string(&file).unwrap();
        let want = posts(&serde_json::from_str(&text).ok()?);
        (want > 0).then(|| (file.display().to_string(), text, want))
    };
    files.into_iter().filter_map(read).collect()
}

/// An account for each page, the words of its posts, and what serves them.
pub async fn accounts() -> (Accounts, Vec<String>, Vec<DropGuard>) {
    let (mut accounts, mut texts, mut served) = (Accounts::new(), Vec::new(), Vec::new());
    let file = tempfile::tempdir().unwrap().keep().join("t").display().to_string();
    for (n, (_, text, want)) in pages().into_iter().enumerate() {
        let stand_in =
            || StandIn { page: Arc::new(Mutex::new(Some(text.clone()))), ..StandIn::default() };
        for event in heard(stand_in(), &[], want).await {
            if let Event::Mentioned(mention) = event {
                texts.push(mention.text.raw().to_owned());
            }
        }
        let router = Router::new().fallback(stand).with_state(stand_in());
        let (base, stop) = super::super::meta::serve(router).await;
        let mut keys = granted(&file, "token");
        keys.extend([("since", "9000 days"), ("review", "1 h")]);
        let account = AccountId::new(format!("x-{n}"));
        accounts.push((account.clone(), open_as(&account, &base, &keys, |_| Some("t".into()))));
        served.push(stop);
    }
    (accounts, texts, served)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_that_the_real_x_gave_are_read_whole() {
    let (all, mut tried) = (pages(), 0);
    if all.is_empty() {
        return;
    }
    for (name, text, want) in all {
        tried += want;
        let stand_in = StandIn { page: Arc::new(Mutex::new(Some(text))), ..StandIn::default() };
        let events = heard(stand_in, &[], want).await;
        let mut mentions = 0;
        for event in events {
            match event {
                Event::Mentioned(mention) => {
                    mentions += 1;
                    assert!(!mention.text.raw().is_empty() || !mention.media.is_empty(), "{name}");
                    assert!(!mention.text.raw().contains("&amp;"), "{name}: {mention:?}");
                }
                Event::Changed(_) => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        assert_eq!(mentions, want, "{name}");
    }
    assert!(tried > 50, "only {tried} posts");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_recorded_stream_is_read_up_to_the_line_that_was_cut_off() {
    let Some(file) = shared("data/payloads/x_api_v2/streaming_output_with_error.jsonl") else {
        return;
    };
    let mut lines = b"\r\n".to_vec();
    lines.extend(std::fs::read(file).unwrap());
    // The recording's last line has no end.
    let lines = lines.trim_ascii_end().to_vec();
    let whole = lines.split(|b| *b == b'\n').filter(|l| serde_json::from_slice::<Value>(l).is_ok());
    let want = whole.count();
    let stand_in = StandIn { lines: Arc::new(lines), ..StandIn::default() };
    let more = [("stream", "filtered"), ("rules", "[x]")];
    let events = heard(stand_in, &more, want).await;
    let mentions = events.iter().filter(|e| matches!(e, Event::Mentioned(_))).count();
    assert_eq!(mentions, want);
    assert!(events.iter().all(|e| matches!(e, Event::Mentioned(_))));
}

/// The driver's webhook on a port of its own, with this secret.
async fn hooked() -> (Bench, String, CancellationToken) {
    let bench = Bench::new(&NETWORK, "").await;
    let env = |_: &str| Some("test_consumer_secret".to_owned());
    let home = tempfile::tempdir().unwrap().keep();
    let file = home.join("t").display().to_string();
    let mut keys = granted(&file, "token-us");
    keys.extend([("consumer_secret", "env:S"), ("webhook", "/x")]);
    let driver = open(bench.base(), &keys, env);
    let stop = CancellationToken::new();
    let inbox = Inbox::new(bench.notes.clone(), stop.clone());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/x", listener.local_addr().unwrap());
    let routes = driver.routes(inbox).expect("routes");
    tokio::spawn(careline::web::serve(listener, routes, stop.clone()));
    (bench, url, stop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_webhook_is_sealed_or_not_read() {
    let (bench, url, stop) = hooked().await;
    let client = Net::new(true).client().clone();
    let post = |body: String, seal: &str| {
        client.post(&url).header("x-twitter-webhooks-signature", seal).body(body).send()
    };
    let no = post("{}".into(), "sha256=AAAA").await.unwrap();
    assert_eq!(no.status(), 401);
    // Whoever asks gets no seal for what could be an event.
    let oracle = client.get(&url).query(&[("crc_token", "{\"data\":{}}")]);
    assert_eq!(oracle.send().await.unwrap().status(), 400);
    // On a connection of its own: it is cut while the body is still on its way.
    let large = Net::new(true).client().post(&url).body("x".repeat(2_000_000)).send().await;
    assert!(large.is_err() || large.unwrap().status() == 413);
    assert!(bench.notes.events().is_empty());
    let Some(file) = shared("specs/handwritten-samples/signature-vectors.json") else { return };
    let vectors: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let crc = &vectors["x_crc"];
    let asked = client.get(&url).query(&[("crc_token", crc["crc_token"].as_str().unwrap())]);
    let told: Value = asked.send().await.unwrap().json().await.unwrap();
    assert_eq!(told, crc["response"]);
    let (body, seal) =
        (&vectors["x_webhook"]["body"], &vectors["x_webhook"]["x-twitter-webhooks-signature"]);
    let (body, seal) = (body.as_str().unwrap(), seal.as_str().unwrap());
    assert_eq!(post(body.to_owned(), seal).await.unwrap().status(), 200);
    assert_eq!(post(format!("{body} "), seal).await.unwrap().status(), 401);
    stop.cancel();
}

/// A seal of our own, as X makes it.
fn seal(body: &str) -> String {
    use base64::Engine;
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"test_consumer_secret").unwrap();
    mac.update(body.as_bytes());
    let code = base64::engine::general_purpose::STANDARD.encode(mac.finalize().into_bytes());
    format!("sha256={code}")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_by_webhook_are_safe_before_the_answer_and_one_with_the_sweeps() {
    let Some(home) = shared("specs/handwritten-samples/x") else { return };
    let (bench, url, stop) = hooked().await;
    let client = Net::new(true).client().clone();
    for name in ["activity_post_mention.json", "activity_dm_received.json"] {
        let body = std::fs::read_to_string(home.join(name)).unwrap();
        for _ in 0..3 {
            let request = client.post(&url).header("x-twitter-webhooks-signature", seal(&body));
            assert_eq!(request.body(body.clone()).send().await.unwrap().status(), 200);
        }
    }
    let heard = bench.notes.mentions();
    assert_eq!(heard.len(), 2, "{heard:?}");
    assert_eq!(heard[0].handle.raw(), "OtherUser");
    assert_eq!((heard[1].text.raw(), heard[1].audience), ("hello!", Audience::Direct));
    stop.cancel();
}
