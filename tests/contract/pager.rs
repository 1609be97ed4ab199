//! Alerts outside chat: what is told there, signed, at least once, under one key.

use super::kit::{agent, case, fresh, get, put, run, with_log};
use axum::body::Bytes;
use axum::http::{HeaderMap, StatusCode};
use careline::case::id::DeliveryId;
use careline::case::model::{Alert, Case, Shown};
use careline::case::record::{Key, Record};
use careline::case::time::Span;
use careline::engine::clock::Stepped;
use careline::engine::pager;
use careline::net::Net;
use careline::net::page::Pager;
use careline::setting::Section;
use careline::store::Store;
use careline::store::kept::Kept;
use careline::store::memory::Memory;
use careline::web::seal;
use serde_json::Value;
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

const SECRET: &str = "of-the-pager";

/// A receiver that is away so many times before it takes anything, and writes down all it saw.
#[derive(Clone, Default)]
struct Duty {
    seen: Arc<Mutex<Vec<Value>>>,
    away: Arc<Mutex<u32>>,
}

impl Duty {
    fn take(&self, headers: &HeaderMap, body: &[u8]) -> StatusCode {
        let header = |name| headers.get(name).unwrap().to_str().unwrap();
        let at = header("x-careline-timestamp").as_bytes();
        let code = seal::code(&SECRET.to_owned().into(), &[at, b".", body]).unwrap();
        assert_eq!(header("x-careline-signature"), format!("v1={}", hex::encode(code)));
        self.seen.lock().unwrap().push(serde_json::from_slice(body).unwrap());
        let mut away = self.away.lock().unwrap();
        if *away > 0 {
            *away -= 1;
            // The receiver's key is wrong, and later the receiver is away.
            let shut = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::FORBIDDEN];
            return shut[*away as usize % 2];
        }
        StatusCode::ACCEPTED
    }

    async fn listen(&self) -> String {
        let duty = self.clone();
        let take = async move |headers: HeaderMap, body: Bytes| duty.take(&headers, &body);
        let routes = axum::Router::new().route("/v2/enqueue", axum::routing::post(take));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        tokio::spawn(async move { axum::serve(listener, routes).await });
        format!("http://{at}/v2/enqueue")
    }

    fn told(&self) -> Vec<(String, String)> {
        let text = |seen: &Value, key: &str| seen[key].as_str().unwrap().to_owned();
        let seen = self.seen.lock().unwrap();
        seen.iter().map(|seen| (text(seen, "event_action"), text(seen, "dedup_key"))).collect()
    }
}

fn open(url: &str) -> Pager {
    let text = |text: &str| (1, toml::Value::String(text.into()));
    let entries = [
        ("url".to_owned(), text(url)),
        ("secret".to_owned(), text("env:SECRET")),
        ("routing_key".to_owned(), text("env:ROUTING")),
    ];
    let env = |name: &str| Some(if name == "SECRET" { SECRET } else { "route" }.to_owned());
    let section = Section::new("careline.toml", "pager", 1, entries.into(), env);
    Pager::open(&section, &Net::new(true)).unwrap()
}

/// Follows the log until so many calls were made.
async fn follow(store: &Arc<dyn Store>, url: &str, duty: &Duty, calls: usize) {
    let (clock, stop) = (Stepped::at(super::kit::NOW), CancellationToken::new());
    let going = pager::run(store.clone(), open(url), Arc::new(clock.clone()), stop.clone());
    let going = tokio::spawn(going);
    for _ in 0..2_000 {
        clock.step(clock.passed() + Span::seconds(5));
        if duty.told().len() >= calls && place(store).await == store.last_log().await.unwrap() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stop.cancel();
    going.await.unwrap().unwrap();
}

/// The entry of the log up to which all was told.
async fn place(store: &Arc<dyn Store>) -> u64 {
    let key = Key::Cursor(careline::case::id::FeedId::new("pager"));
    match get(&**store, key).await.record {
        Some(Record::Cursor(text)) => {
            serde_json::from_str::<Value>(&text).unwrap()["after"].as_u64().unwrap()
        }
        _ => u64::MAX,
    }
}

fn alerted(no: u64, held: bool) -> Case {
    let shown = Shown { by: DeliveryId::new(format!("{no}.1")), amend: None };
    let why = vec!["speaks of a lawyer".to_owned()];
    let alert = Alert { why, held, shown: Some(shown), ..Alert::since(super::kit::NOW) };
    Case { alert: Some(alert), ..case(no) }
}

async fn happens(store: &Arc<dyn Store>, case: Case, fired: &[&str]) {
    let no = case.no;
    let row = (Key::Case(no), Some(Record::Case(Box::new(case))));
    let mut commit = with_log(put([row]), Some(no.0));
    if let Some(log) = &mut commit.log {
        log.fired = fired.iter().map(|&rule| rule.to_owned()).collect();
    }
    fresh(&**store, commit).await;
}

#[test]
fn an_alert_is_told_outside_until_it_is_there_and_ends_there_too() {
    run(async {
        let store: Arc<dyn Store> =
            Arc::new(Kept::open(Memory::default(), super::kit::NOW).unwrap());
        let duty = Duty::default();
        let url = duty.listen().await;
        happens(&store, alerted(9, false), &["old"]).await;
        follow(&store, &url, &duty, 0).await;
        assert_eq!(duty.told(), [], "what was before the first start calls nobody");

        *duty.away.lock().unwrap() = 2;
        happens(&store, alerted(1, false), &["legal"]).await;
        happens(&store, alerted(2, true), &["legal"]).await;
        follow(&store, &url, &duty, 3).await;
        let key = format!("careline:{}:1:legal", store.identity().deployment);
        let call = |action: &str| (action.to_owned(), key.clone());
        assert_eq!(duty.told(), vec![call("trigger"); 3], "held ones call nobody");
        let first = duty.seen.lock().unwrap()[0].clone();
        assert_eq!(first["routing_key"], "route");
        assert_eq!(first["payload"]["summary"], "#1: speaks of a lawyer");
        assert!(first["payload"].get("custom_details").is_none(), "{first}");

        let mut taken = alerted(1, false);
        taken.alert.as_mut().unwrap().taken = Some(agent("maria"));
        happens(&store, taken.clone(), &[]).await;
        follow(&store, &url, &duty, 4).await;
        happens(&store, taken, &[]).await;
        happens(&store, case(1), &[]).await;
        happens(&store, case(1), &[]).await;
        follow(&store, &url, &duty, 5).await;
        let told = duty.told().split_off(3);
        assert_eq!(told, [call("acknowledge"), call("resolve")]);
    });
}

#[test]
fn a_pager_that_careline_would_not_go_to_is_a_mistake_and_no_secret_stands_in_it() {
    let text = |text: &str| (3, toml::Value::String(text.into()));
    let entries = [
        ("url".to_owned(), text("http://pager.example/v2/enqueue")),
        ("secret".to_owned(), text("0123456789")),
    ];
    let section = Section::new("careline.toml", "pager", 2, entries.into(), |_| None);
    assert!(Pager::open(&section, &Net::new(false)).is_none());
    let mistakes = section.done().unwrap_err().0;
    let told: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told[0].starts_with("careline.toml:3: pager.url: careline does not connect"),
        "{told:?}"
    );
    assert!(told[1].starts_with("careline.toml:3: pager.secret: a secret must not stand here"));
    let none = Section::new("careline.toml", "pager", 0, [].into(), |_| None);
    assert!(Pager::open(&none, &Net::new(false)).is_none() && none.done().is_ok());
}
