//! Do the face and our own requests speak as the network's lexicons say? Every call that the driver
//! makes in a day of its work is held against them, question and answer. The lexicons lie beside
//! the project; without them this says so in one line.

use crate::contract::networks::{ACME, Bench, answer, until};
use axum::body::{Body, Bytes, to_bytes};
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use careline::case::event::File;
use careline::case::time::Timestamp;
use careline::engine::clock;
use careline::listen::{Rule, Rules, Wanted};
use careline::network::bluesky::NETWORK;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use unicode_segmentation::UnicodeSegmentation;

/// Definitions by their whole names: `app.bsky.feed.defs#postView`, `app.bsky.feed.post#main`.
struct Lexicons(BTreeMap<String, Value>);

type Checked = Result<(), String>;

impl Lexicons {
    fn open() -> Option<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/specs/atproto/lexicons");
        let mut all = BTreeMap::new();
        for path in files(&root) {
            let text = std::fs::read_to_string(&path).unwrap();
            let document: Value = serde_json::from_str(&text).unwrap();
            let id = document["id"].as_str().unwrap_or_default().to_owned();
            for (name, definition) in document["defs"].as_object().into_iter().flatten() {
                all.insert(format!("{id}#{name}"), definition.clone());
            }
        }
        (!all.is_empty()).then_some(Self(all))
    }

    fn named(&self, reference: &str, nsid: &str) -> Option<(String, &Value)> {
        let (id, name) = match reference.split_once('#') {
            Some(("", name)) => (nsid, name),
            Some((id, name)) => (id, name),
            None => (reference, "main"),
        };
        let id = id.trim_start_matches("lex:").to_owned();
        self.0.get(&format!("{id}#{name}")).map(|definition| (id, definition))
    }

    /// Is this value what the schema says? `nsid` is the document the schema stands in.
    fn check(&self, schema: &Value, nsid: &str, value: &Value, at: &str) -> Checked {
        let is = |good: bool, what: &str| match good {
            true => Ok(()),
            false => Err(format!("{at}: is no {what}: {value}")),
        };
        match schema["type"].as_str().unwrap_or_default() {
            "object" => self.object(schema, nsid, value, at),
            "record" => self.object(&schema["record"], nsid, value, at),
            "params" => self.object(schema, nsid, value, at),
            "array" => self.array(schema, nsid, value, at),
            "ref" => self.reference(schema["ref"].as_str().unwrap_or_default(), nsid, value, at),
            "union" => self.union(schema, nsid, value, at),
            "string" => string(schema, value, at),
            "integer" => {
                is(value.is_i64(), "integer")?;
                let (least, most) = (schema["minimum"].as_i64(), schema["maximum"].as_i64());
                let n = value.as_i64().unwrap_or_default();
                is(least.is_none_or(|l| n >= l) && most.is_none_or(|m| n <= m), "number in bounds")
            }
            "boolean" => is(value.is_boolean(), "boolean"),
            "blob" => is(value["$type"] == "blob" && value["ref"]["$link"].is_string(), "blob"),
            "cid-link" => is(value["$link"].is_string(), "link"),
            "unknown" => self.unknown(value, at),
            other => Err(format!("{at}: the lexicon has a type {other} that is not read here")),
        }
    }

    fn object(&self, schema: &Value, nsid: &str, value: &Value, at: &str) -> Checked {
        let Some(fields) = value.as_object() else { return Err(format!("{at}: is no object")) };
        let names = |list: &Value| -> BTreeSet<String> {
            let all = list.as_array().into_iter().flatten();
            all.filter_map(|name| name.as_str().map(str::to_owned)).collect()
        };
        let nullable = names(&schema["nullable"]);
        for name in names(&schema["required"]) {
            if !fields.contains_key(&name) {
                return Err(format!("{at}: {name} is missing"));
            }
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            match fields.get(name) {
                None => {}
                Some(Value::Null) if nullable.contains(name) => {}
                Some(value) => self.check(schema, nsid, value, &format!("{at}.{name}"))?,
            }
        }
        Ok(())
    }

    fn array(&self, schema: &Value, nsid: &str, value: &Value, at: &str) -> Checked {
        let Some(items) = value.as_array() else { return Err(format!("{at}: is no array")) };
        if schema["maxLength"].as_u64().is_some_and(|most| items.len() as u64 > most) {
            return Err(format!("{at}: has {} items", items.len()));
        }
        let check = |(n, item)| self.check(&schema["items"], nsid, item, &format!("{at}[{n}]"));
        items.iter().enumerate().try_for_each(check)
    }

    fn reference(&self, to: &str, nsid: &str, value: &Value, at: &str) -> Checked {
        let named = self.named(to, nsid);
        let (id, schema) = named.ok_or_else(|| format!("{at}: no lexicon knows {to}"))?;
        self.check(schema, &id, value, at)
    }

    /// One of several, said by `$type`; an open union takes what it does not know.
    fn union(&self, schema: &Value, nsid: &str, value: &Value, at: &str) -> Checked {
        let Some(kind) = value["$type"].as_str() else { return Err(format!("{at}: no $type")) };
        let whole = |reference: &str| match reference.strip_prefix('#') {
            Some(name) => format!("{nsid}#{name}"),
            None => reference.trim_end_matches("#main").to_owned(),
        };
        let refs = schema["refs"].as_array().into_iter().flatten().filter_map(Value::as_str);
        match refs.map(whole).find(|one| one == kind.trim_end_matches("#main")) {
            Some(one) => self.reference(&one, nsid, value, at),
            None => Err(format!("{at}: {kind} is none of the union")),
        }
    }

    /// A record, if it says that it is one.
    fn unknown(&self, value: &Value, at: &str) -> Checked {
        let kind = value["$type"].as_str().unwrap_or_default();
        match self.named(kind, "") {
            Some((id, schema)) if !kind.is_empty() => self.check(schema, &id, value, at),
            _ => Ok(()),
        }
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for path in std::fs::read_dir(folder).into_iter().flatten().flatten().map(|e| e.path()) {
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.extend(path.extension().is_some_and(|e| e == "json").then_some(path)),
        }
    }
    found
}

fn string(schema: &Value, value: &Value, at: &str) -> Checked {
    let Some(text) = value.as_str() else { return Err(format!("{at}: is no string: {value}")) };
    let over = |key: &str, n: usize| schema[key].as_u64().is_some_and(|most| n as u64 > most);
    if over("maxLength", text.len()) || over("maxGraphemes", text.graphemes(true).count()) {
        return Err(format!("{at}: is too long"));
    }
    let plain = |more: &str| text.chars().all(|c| c.is_ascii_alphanumeric() || more.contains(c));
    let did = |text: &str| text.starts_with("did:") && text.matches(':').count() >= 2;
    let handle = |text: &str| text.contains('.') && plain(".-");
    let good = match schema["format"].as_str().unwrap_or_default() {
        "did" => did(text) && plain(":._-%"),
        "handle" => handle(text),
        "at-identifier" => did(text) || handle(text),
        "at-uri" => text
            .strip_prefix("at://")
            .is_some_and(|rest| did(rest) || handle(rest) || rest.contains('/')),
        "datetime" => Timestamp::parse(text).is_some() && text.contains('T'),
        "cid" => text.starts_with("bafy") && plain(""),
        "uri" => url::Url::parse(text).is_ok(),
        "nsid" => plain(".-") && text.matches('.').count() >= 2,
        "tid" => text.len() == 13 && plain(""),
        "record-key" => !text.is_empty() && plain("._:~-"),
        "language" => plain("-") && text.len() >= 2,
        _ => true,
    };
    if good { Ok(()) } else { Err(format!("{at}: is no {}: {text}", schema["format"])) }
}

/// One call: its name, its question, its body, its answer.
struct Call {
    nsid: String,
    query: Vec<(String, String)>,
    asked: Bytes,
    status: u16,
    said: Bytes,
}

type Calls = Arc<Mutex<Vec<Call>>>;

/// Notes every call on its way to the face and back.
async fn note(calls: Calls, request: Request, next: Next) -> Response {
    let Some(nsid) = request.uri().path().strip_prefix("/xrpc/").map(str::to_owned) else {
        return next.run(request).await;
    };
    let query = request.uri().query().unwrap_or_default().as_bytes().to_vec();
    let query = url::form_urlencoded::parse(&query).into_owned().collect();
    let (head, body) = request.into_parts();
    let asked = to_bytes(body, 8_000_000).await.unwrap();
    let response = next.run(Request::from_parts(head, Body::from(asked.clone()))).await;
    let (head, body) = response.into_parts();
    let said = to_bytes(body, 8_000_000).await.unwrap();
    let status = head.status.as_u16();
    calls.lock().unwrap().push(Call { nsid, query, asked, status, said: said.clone() });
    Response::from_parts(head, Body::from(said))
}

impl Call {
    fn check(&self, lexicons: &Lexicons) -> Checked {
        let nsid = self.nsid.as_str();
        let named = lexicons.named(nsid, "");
        let (_, main) = named.ok_or_else(|| format!("no lexicon knows the call {nsid}"))?;
        let params = &main["parameters"];
        if params.is_object() {
            lexicons.check(params, nsid, &self.params(params)?, &format!("{nsid}?"))?;
        } else if !self.query.is_empty() {
            return Err(format!("{nsid} takes no parameters"));
        }
        let json = |bytes: &Bytes| serde_json::from_slice(bytes).unwrap_or(Value::Null);
        let input = &main["input"]["schema"];
        if input.is_object() {
            let asked: Value = json(&self.asked);
            lexicons.check(input, nsid, &asked, &format!("{nsid} asked"))?;
            // The record stands where the lexicon says `unknown`; its collection says what it is.
            if let Some(collection) = asked["collection"].as_str() {
                let at = format!("{nsid} asked.record");
                lexicons.reference(collection, "", &asked["record"], &at)?;
            }
        }
        let output = &main["output"]["schema"];
        match self.status {
            200 if output.is_object() => {
                lexicons.check(output, nsid, &json(&self.said), &format!("{nsid} said"))
            }
            200 => Ok(()),
            _ if json(&self.said)["error"].is_string() => Ok(()),
            status => Err(format!("{nsid}: status {status} without an error's name")),
        }
    }

    /// The query as a value: the schema tells numbers and lists.
    fn params(&self, schema: &Value) -> Result<Value, String> {
        let mut found = Map::new();
        for (key, text) in &self.query {
            let kind = &schema["properties"][key];
            let one = |kind: &Value| match kind["type"].as_str() {
                Some("integer") => text.parse::<i64>().map_or(Value::Null, Value::from),
                Some("boolean") => Value::from(text == "true"),
                _ => Value::from(text.as_str()),
            };
            match kind["type"].as_str() {
                None => return Err(format!("{} does not know {key}", self.nsid)),
                Some("array") => {
                    let list = found.entry(key.clone()).or_insert_with(|| Value::Array(Vec::new()));
                    list.as_array_mut().unwrap().push(one(&kind["items"]));
                }
                Some(_) => drop(found.insert(key.clone(), one(kind))),
            }
        }
        Ok(Value::Object(found))
    }
}

/// A day of the driver's: it hears, overhears, answers with a link and a picture, looks, and reads
/// what was changed and deleted.
async fn work(bench: &Bench) {
    let driver = bench.driver(&[]);
    let words = vec!["lamp".into()];
    let rule = Wanted { name: "lamp".into(), words, per_hour: 99, ..Wanted::default() };
    driver.heed(Arc::new(Rules::new(vec![Rule::new(&rule).unwrap()], &[]))).unwrap();
    let found = driver.probe().await;
    assert!(found.iter().all(|finding| finding.result.is_ok()), "{found:?}");
    let (stop, task) = bench.listen(&driver).await;
    let id = bench.post("901", "@acme help, see https://x.example/ü", |_| ());
    let heard = bench.heard("help").await;
    until("an overheard post", || {
        bench.post("902", "a lamp", |_| ());
        bench.notes.mentions().iter().any(|m| m.overheard.is_some())
    })
    .await;
    let mut out = answer(&heard, "look at https://x.example/a?b=c.", "k1");
    let (name, mime) = ("a.png".to_owned(), "image/png".to_owned());
    let alt = Some("a red lamp".to_owned());
    let file = File { id: "F1".into(), name, mime, size: 3, alt, url: String::new() };
    out.files = vec![(file, Bytes::from_static(b"png"))];
    driver.deliver(&out).await.unwrap();
    driver.look(&out).await;
    bench.world.change(clock::now(), |world| {
        let square = world.square(ACME);
        square.edit(clock::now(), "901", id, |post| post.text = "@acme help!".into()).unwrap();
        square.delete(clock::now(), "901", id).unwrap();
    });
    let gone = |e: &careline::case::event::Event| e.name() == "withdrawn";
    until("the deletion", || bench.notes.events().iter().any(gone)).await;
    stop.cancel();
    task.await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn questions_and_answers_are_those_of_the_lexicons() {
    let Some(lexicons) = Lexicons::open() else {
        println!("no ../shared/specs/atproto: questions and answers were not held against it");
        return;
    };
    let bench = Bench::new(&NETWORK, "").await;
    let calls = Calls::default();
    let noted = calls.clone();
    let face = (NETWORK.face)(bench.world.clone(), ACME);
    let face = face
        .layer(axum::middleware::from_fn(move |request, next| note(noted.clone(), request, next)));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let stop = tokio_util::sync::CancellationToken::new();
    tokio::spawn(careline::web::serve(listener, face, stop.clone()));
    let bench = bench.at(&base);
    work(&bench).await;
    stop.cancel();
    let calls = calls.lock().unwrap();
    let wrong: BTreeSet<String> =
        calls.iter().filter_map(|call| call.check(&lexicons).err()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let kinds: BTreeSet<&str> = calls.iter().map(|call| call.nsid.as_str()).collect();
    assert!(kinds.len() >= 9, "only these calls were made: {kinds:?}");
}

#[test]
fn a_wrong_shape_is_found() {
    let Some(lexicons) = Lexicons::open() else { return };
    let post = |change: fn(&mut Value)| {
        let mut post = serde_json::json!({ "$type": "app.bsky.feed.post", "text": "x",
            "createdAt": "2026-01-01T00:00:00.000Z" });
        change(&mut post);
        lexicons.reference("app.bsky.feed.post", "", &post, "post")
    };
    assert_eq!(post(|_| ()), Ok(()));
    assert!(post(|p| p["text"] = "x".repeat(301).into()).is_err());
    assert!(post(|p| p["createdAt"] = "yesterday".into()).is_err());
    assert!(post(|p| drop(p.as_object_mut().unwrap().remove("text"))).is_err());
    assert!(post(|p| p["facets"] = serde_json::json!([{ "index": {} }])).is_err());
}
