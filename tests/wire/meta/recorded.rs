//! What others recorded of the real Meta, sent to the app's webhook under a seal; and seals and
//! challenges that were computed elsewhere.

use super::{BOTH, open, open_as, serve};
use crate::contract::networks::Notes;
use crate::wire::shared;
use crate::wire::whole::Accounts;
use axum::Router;
use axum::extract::Request;
use axum::response::{IntoResponse, Response};
use careline::case::event::Event;
use careline::case::id::{AccountId, PostId};
use careline::inbox::Inbox;
use careline::net::Net;
use careline::web;
use careline::web::seal;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use tokio_util::sync::{CancellationToken, DropGuard};
use toml::Value as Toml;

/// Whoever is asked for is called `us`; every list is empty.
async fn stand(request: Request) -> Response {
    let path = request.uri().path().trim_matches('/').to_owned();
    let query = request.uri().query().unwrap_or_default().to_owned();
    let body = match path.contains('/') {
        true => json!({ "data": [] }),
        false if query.contains("mentioned_comment") => json!({ "mentioned_comment": {
            "id": "5", "text": "we like @us", "username": "ann",
            "timestamp": "2026-08-01T10:00:00+0000" } }),
        false => json!({ "id": path, "name": "us", "username": "us" }),
    };
    axum::Json(body).into_response()
}

struct Place {
    notes: Arc<Notes>,
    at: String,
    _served: [DropGuard; 2],
}

fn secret(name: &str) -> Option<String> {
    Some(if name == "V" { "test_verify" } else { "test_app_secret" }.into())
}

/// A driver for this object and page with a webhook.
async fn place(object: &str, page: &str) -> Place {
    let (base, api) = serve(Router::new().fallback(stand)).await;
    let keys: Vec<(&str, Toml)> = vec![("webhook", "/meta".into()), ("verify", "env:V".into())];
    let row = if object == "instagram" { BOTH[1] } else { BOTH[0] };
    let driver = open(row, &base, page, &keys, secret);
    let notes = Arc::new(Notes::default());
    let inbox = Inbox::new(notes.clone(), CancellationToken::new());
    let (at, hook) = serve(web::hooks::mount(driver.hook(inbox))).await;
    Place { notes, at: format!("{at}/meta"), _served: [api, hook] }
}

pub async fn send(at: &str, body: &str, seal: Option<&str>) -> u16 {
    let right = seal::code(&"test_app_secret".into(), &[body.as_bytes()]).unwrap();
    let right = format!("sha256={}", hex::encode(right));
    let request = Net::new(true).client().post(at).body(body.to_owned());
    let request = request.header("content-type", "application/json");
    let request = request.header("x-hub-signature-256", seal.unwrap_or(&right));
    request.send().await.unwrap().status().as_u16()
}

fn id(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn files(folder: &str) -> Vec<PathBuf> {
    let Some(home) = shared(folder) else { return Vec::new() };
    let all = std::fs::read_dir(home).unwrap().map(|entry| entry.unwrap().path());
    let mut all: Vec<PathBuf> =
        all.filter(|path| path.extension().is_some_and(|ext| ext == "json")).collect();
    all.sort();
    all
}

/// A webhook that others recorded: its file, its object, and whose it is.
struct Body {
    file: PathBuf,
    object: String,
    page: String,
    text: String,
}

/// All of them that are for networks of ours.
fn bodies() -> Vec<Body> {
    let mut all = files("data/payloads/facebook");
    all.extend(files("specs/meta-samples/webhooks"));
    all.extend(files("specs/meta-samples/instagram"));
    all.extend(files("specs/handwritten-samples/meta"));
    let read = |file: PathBuf| {
        let body: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let object = body["object"].as_str().filter(|o| ["page", "instagram"].contains(o))?;
        // One of the samples has words in the place of numbers.
        let page = Some(id(&body["entry"][0]["id"])).filter(|id| id.parse::<u64>().is_ok())?;
        Some(Body { file, object: object.to_owned(), page, text: body.to_string() })
    };
    all.into_iter().filter_map(read).collect()
}

/// Sends one; what was heard of it, by name.
async fn heard(body: &Body) -> Vec<Event> {
    let (place, text) = (place(&body.object, &body.page).await, &body.text);
    assert_eq!(send(&place.at, text, None).await, 200, "{text}");
    let once = place.notes.events();
    assert_eq!(send(&place.at, text, None).await, 200, "{text}");
    assert_eq!(place.notes.events(), once, "a replay tells nothing new: {text}");
    once
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_recorded_webhooks_are_read() {
    let (all, mut names) = (bodies(), BTreeMap::<&str, usize>::new());
    for body in &all {
        for event in heard(body).await {
            assert_ne!(event.name(), "unreadable", "{}: {event:?}", body.file.display());
            *names.entry(event.name()).or_default() += 1;
        }
    }
    if !all.is_empty() {
        assert!(all.len() >= 150, "only {}", all.len());
        let least = [("mentioned", 35), ("changed", 4), ("withdrawn", 4), ("trouble", 1)];
        for (name, least) in least {
            assert!(names.get(name).is_some_and(|n| *n >= least), "{name}: {names:?}");
        }
    }
}

/// All of them, with the accounts that they are for.
pub struct Recorded {
    pub accounts: Accounts,
    pub bodies: Vec<String>,
    /// The words that have to stand in threads: of what nobody changed or took back later.
    pub texts: Vec<String>,
    page: String,
    _api: DropGuard,
}

impl Recorded {
    /// `None` where nothing lies beside the project.
    pub async fn read() -> Option<Self> {
        let all = bodies();
        let page = all.iter().find(|body| body.object == "page")?.page.clone();
        let (base, api) = serve(Router::new().fallback(stand)).await;
        let pages: BTreeSet<_> = all.iter().map(|b| (b.object.clone(), b.page.clone())).collect();
        let keys: Vec<(&str, Toml)> = vec![("webhook", "/meta".into()), ("verify", "env:V".into())];
        let accounts = pages.iter().map(|(object, page)| {
            let account = AccountId::new(format!("{object}-{page}"));
            let row = if object == "instagram" { BOTH[1] } else { BOTH[0] };
            let driver = open_as(&account, row, &base, page, &keys, secret);
            (account, driver)
        });
        let (mut texts, mut changed) = (BTreeMap::new(), BTreeSet::new());
        for body in &all {
            for event in heard(body).await {
                let named = |post: &PostId| (body.object.clone(), body.page.clone(), post.clone());
                match event {
                    Event::Mentioned(mention) => {
                        let text = mention.text.raw().to_owned();
                        texts.entry(named(&mention.post)).or_insert(text);
                    }
                    Event::Changed(mention) => drop(changed.insert(named(&mention.post))),
                    Event::Withdrawn { post, .. } => drop(changed.insert(named(&post))),
                    _ => {}
                }
            }
        }
        let accounts = accounts.collect();
        texts.retain(|name, _| !changed.contains(name));
        let (texts, bodies) = (texts.into_values().collect(), all.into_iter().map(|b| b.text));
        Some(Self { accounts, bodies: bodies.collect(), texts, page, _api: api })
    }

    /// A webhook that tells of a new comment.
    pub fn comment(&self, text: &str) -> String {
        let page = &self.page;
        let value = json!({ "item": "comment", "verb": "add", "comment_id": "99_98",
            "post_id": format!("{page}_99"), "parent_id": format!("{page}_99"), "message": text,
            "from": { "id": "97", "name": "Zed" }, "created_time": 1_700_000_000 });
        let entry = json!({ "id": page, "time": 0,
            "changes": [{ "field": "feed", "value": value }] });
        json!({ "object": "page", "entry": [entry] }).to_string()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_sealed_is_taken() {
    let Some(file) = shared("specs/handwritten-samples/signature-vectors.json") else { return };
    let all: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let vector = &all["meta"];
    let (body, seal) = (vector["body"].as_str().unwrap(), &vector["X-Hub-Signature-256"]);
    let right = seal.as_str().unwrap();
    let place = place("page", "1").await;
    assert_eq!(send(&place.at, body, Some(right)).await, 200);
    assert_eq!(send(&place.at, &body.replace('1', "2"), Some(right)).await, 401);
    for odd in ["", "sha256=", right.trim_start_matches("sha256="), "sha1=0000"] {
        assert_eq!(send(&place.at, body, Some(odd)).await, 401, "{odd}");
    }
    let upper = format!("sha256={}", right.trim_start_matches("sha256=").to_uppercase());
    assert_eq!(send(&place.at, body, Some(&upper)).await, 401);
    let client = Net::new(true).client().clone();
    let twice = client.post(&place.at).header("x-hub-signature-256", right);
    let twice = twice.header("x-hub-signature-256", right).body(body.to_owned());
    assert_eq!(twice.send().await.unwrap().status(), 401);
    let bare = client.post(&place.at).body(body.to_owned()).send().await.unwrap();
    assert_eq!(bare.status(), 401);
    // By a way of its own: the connection is shut in the middle of it.
    let large = "x".repeat(3_000_000);
    let large = Net::new(true).client().post(&place.at).body(large).send().await;
    assert!(large.is_err() || large.is_ok_and(|answer| answer.status() == 413));
    let query = vector["GET_verification"]["query"].as_str().unwrap();
    let good = client.get(format!("{}?{query}", place.at)).send().await.unwrap();
    assert_eq!(good.status(), 200);
    assert_eq!(json!(good.text().await.unwrap()), vector["GET_verification"]["reply_body"]);
    let wrong = query.replace("test_verify", "guessed");
    let wrong = client.get(format!("{}?{wrong}", place.at)).send().await.unwrap();
    assert_eq!(wrong.status(), 403);
    assert!(place.notes.events().is_empty(), "{:?}", place.notes.events());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_bodies_are_shown_or_let_go_and_break_nothing() {
    let place = place("page", "7").await;
    let entry = |value: Value| json!({ "object": "page", "entry": [value] }).to_string();
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let odd = ["no json", deep.as_str(), "{\"object\":1}"];
    for (n, body) in odd.iter().enumerate() {
        assert_eq!(send(&place.at, body, None).await, 200, "{n}");
        let names: Vec<_> = place.notes.events().iter().map(Event::name).collect();
        assert_eq!(names, vec!["unreadable"; n + 1]);
    }
    let elsewhere = json!({ "id": "8", "changes": [{ "field": "feed",
        "value": { "item": "post", "verb": "add", "post_id": "8_1", "message": "not ours" } }] });
    assert_eq!(send(&place.at, &entry(elsewhere), None).await, 200);
    let own = json!({ "id": "7", "messaging": [{ "sender": { "id": "7" },
        "recipient": { "id": "9" }, "message": { "mid": "m", "text": "our echo" } }] });
    assert_eq!(send(&place.at, &entry(own), None).await, 200);
    assert!(place.notes.mentions().is_empty());
}
