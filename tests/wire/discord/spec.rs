//! What we send and what the face answers, held against Discord's own description of its API
//! (OpenAPI, `../shared/specs/discord`), where it is at hand.

use super::{ANN, Bench, FORUM, TEXT, button, card, message, note, out, post};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::Response;
use careline::case::effect::{Answer, Choice, Face, Form, Mark, Notice};
use careline::case::id::DeliveryId;
use careline::case::rich::Rich;
use careline::desk::discord::face;
use serde_json::Value;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// One call: method, path, what was sent, status, what was answered.
pub(super) struct Heard {
    method: String,
    path: String,
    sent: Value,
    status: u16,
    answered: Value,
}

pub(super) type Recorder = Arc<Mutex<Vec<Heard>>>;

/// Writes down every call that passes.
pub(super) fn recorded(router: axum::Router, into: Recorder) -> axum::Router {
    router.layer(middleware::from_fn_with_state(into, record))
}

async fn record(State(into): State<Recorder>, request: Request, next: Next) -> Response {
    let Some(path) = request.uri().path().strip_prefix("/api/v10").map(str::to_owned) else {
        return next.run(request).await;
    };
    let (parts, body) = request.into_parts();
    let method = parts.method.as_str().to_lowercase();
    let sent = to_bytes(body, usize::MAX).await.unwrap();
    let response = next.run(Request::from_parts(parts, Body::from(sent.clone()))).await;
    let (parts, body) = response.into_parts();
    // A connection that is cut on purpose ends here, too.
    let Ok(answered) = to_bytes(body, usize::MAX).await else {
        return Response::from_parts(parts, Body::empty());
    };
    let read = |bytes: &[u8]| serde_json::from_slice(bytes).unwrap_or_default();
    into.lock().unwrap().push(Heard {
        method,
        path,
        sent: read(&sent),
        status: parts.status.as_u16(),
        answered: read(&answered),
    });
    Response::from_parts(parts, Body::from(answered))
}

struct Spec(Value);

impl Spec {
    fn read() -> Option<Self> {
        let place = Path::new(env!("CARGO_MANIFEST_DIR"));
        let place = place.join("../shared/specs/discord/openapi.bridge.json");
        let text = std::fs::read(place).ok()?;
        Some(Self(serde_json::from_slice(&text).expect("a description")))
    }

    /// The description of this call, by its path's pattern.
    fn call(&self, method: &str, path: &str) -> Option<&Value> {
        let parts: Vec<&str> = path.split('/').collect();
        let fits = |pattern: &str| {
            let wanted: Vec<&str> = pattern.split('/').collect();
            let same = |(w, p): (&&str, &&str)| w == p || w.starts_with('{');
            wanted.len() == parts.len() && wanted.iter().zip(&parts).all(same)
        };
        let all = self.0["paths"].as_object()?.iter();
        // Of two that fit, the one with more words of its own.
        let found = all.filter(|(pattern, _)| fits(pattern));
        let found = found.min_by_key(|(pattern, _)| pattern.matches('{').count())?;
        found.1.get(method)
    }

    /// What is wrong with a value, if anything.
    fn wrong(&self, value: &Value, schema: &Value, at: &str, strict: bool) -> Vec<String> {
        if let Some(name) = schema["$ref"].as_str() {
            let target = self.0.pointer(name.trim_start_matches('#')).unwrap_or(&Value::Null);
            return self.wrong(value, target, at, strict);
        }
        for key in ["oneOf", "anyOf"] {
            if let Some(all) = schema[key].as_array() {
                let tried = all.iter().map(|one| self.wrong(value, one, at, strict));
                return tried.min_by_key(Vec::len).unwrap_or_default();
            }
        }
        let mut wrong = Vec::new();
        for one in schema["allOf"].as_array().into_iter().flatten() {
            wrong.extend(self.wrong(value, one, at, false));
        }
        wrong.extend(plain(value, schema, at));
        wrong.extend(self.members(value, schema, at, strict));
        wrong
    }

    fn members(&self, value: &Value, schema: &Value, at: &str, strict: bool) -> Vec<String> {
        let mut wrong = Vec::new();
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            if value.is_object() && value.get(key).is_none() {
                wrong.push(format!("{at}: {key} is missing"));
            }
        }
        for (key, value) in value.as_object().into_iter().flatten() {
            match schema["properties"].get(key) {
                Some(schema) => {
                    wrong.extend(self.wrong(value, schema, &format!("{at}/{key}"), strict));
                }
                None if strict && schema["properties"].is_object() => {
                    wrong.push(format!("{at}: {key} is not known"));
                }
                None => {}
            }
        }
        for item in value.as_array().into_iter().flatten() {
            wrong.extend(self.wrong(item, &schema["items"], &format!("{at}[]"), strict));
        }
        wrong
    }
}

/// Type, enumeration, lengths and bounds.
fn plain(value: &Value, schema: &Value, at: &str) -> Vec<String> {
    let mut wrong = Vec::new();
    let kinds: Vec<&str> = match &schema["type"] {
        Value::String(one) => vec![one],
        Value::Array(all) => all.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    };
    let is = |kind: &&str| match *kind {
        "null" => value.is_null(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        _ => true,
    };
    if !kinds.is_empty() && !kinds.iter().any(is) {
        wrong.push(format!("{at}: {value:.40} is not {kinds:?}"));
    }
    let listed = schema["enum"].as_array().is_some_and(|all| !all.contains(value));
    let other = schema.get("const").is_some_and(|only| only != value);
    if (listed || other) && !value.is_null() {
        wrong.push(format!("{at}: {value:.40} is not allowed"));
    }
    let length = match value {
        Value::String(text) => text.chars().count() as u64,
        Value::Array(all) => all.len() as u64,
        _ => return wrong,
    };
    let over = |key: &str| schema[key].as_u64().is_some_and(|most| length > most);
    let under = |key: &str| schema[key].as_u64().is_some_and(|least| length < least);
    let text = value.is_string();
    if over(if text { "maxLength" } else { "maxItems" })
        || under(if text { "minLength" } else { "minItems" })
    {
        wrong.push(format!("{at}: {length} is too long or too short"));
    }
    wrong
}

/// All ways in which we speak to Discord, once.
async fn everything(bench: &Bench) {
    let _task = bench.listen();
    bench.until("commands", |b| b.note("command_writes") == 1).await;
    for channel in [FORUM, TEXT] {
        let thread = bench.thread(channel).await;
        let mut line = post("1.1", "hello", &thread);
        if let Notice::Post(words) = &mut line.notice {
            words.buttons = vec![button("Undo", "undo #1 2")];
        }
        bench.desk.deliver(&line).await.unwrap();
        let said = bench.write(ANN, &thread.root, "hm");
        let on = message(&thread.root, &face::stamp(said));
        let mark = out("1.3", Notice::Mark { message: on, mark: Mark::Sent }, None);
        bench.desk.deliver(&mark).await.unwrap();
        let mut closed = card();
        closed.standing = Rich::new().strong("Closed");
        closed.urgent = true;
        let to = Box::new(Face::Card(Box::new(closed)));
        let mut amend = out("1.2", Notice::Amend { of: DeliveryId::new("1.0"), to }, Some(&thread));
        amend.message = Some(message(channel, &thread.root));
        bench.desk.deliver(&amend).await.unwrap();
        bench.desk.look(&amend).await;
        bench.desk.look(&line).await;
        let words = Box::new(note(Rich::of("Something is wrong.")));
        let tell = Notice::Tell { channel: super::place(channel), note: words };
        bench.desk.deliver(&out("1.4", tell, None)).await.unwrap();
        asked(bench, &thread.root).await;
    }
    assert!(bench.desk.probe().await.iter().all(|f| f.result.is_ok()));
}

async fn asked(bench: &Bench, thread: &str) {
    let form = Form {
        title: "Reply #1".into(),
        words: "reply #1".into(),
        label: "To the customer".into(),
        hint: "It goes out.".into(),
        text: "Dear Anna".into(),
        max: 3_000,
    };
    let choices = vec![Choice { label: "#1 @anna".into(), value: "1".into() }];
    let words = Answer::Say { words: Rich::of("Done."), buttons: vec![button("Undo", "undo #1")] };
    for answer in [Answer::Form(form), words] {
        *bench.door.answer.lock().unwrap() = Some(answer);
        let n = bench.asked().len();
        bench.shared.change(super::now(), |w| {
            face::slash(w, "team", ANN, thread, "reply", &[]).unwrap();
        });
        bench.until("a request", |b| b.asked().len() > n).await;
    }
    *bench.door.answer.lock().unwrap() = Some(Answer::Choices(choices));
    let id = bench.shared.change(super::now(), |w| {
        face::type_option(w, "team", ANN, thread, "reply", ("case", "an")).unwrap()
    });
    let note = format!("interaction:{id}");
    bench.until("choices", |b| b.office(|o| o.notes[&note]["choices"].is_array())).await;
}

#[tokio::test]
async fn all_that_is_said_fits_discords_own_description() {
    let Some(spec) = Spec::read() else {
        println!("../shared is not here: nothing to compare Discord's calls with");
        return;
    };
    let bench = Bench::new("forum").await;
    everything(&bench).await;
    let mut wrong = std::collections::BTreeSet::new();
    let heard = bench.recorder.lock().unwrap();
    for call in heard.iter() {
        let name = format!("{} {}", call.method, call.path);
        let Some(known) = spec.call(&call.method, &call.path) else {
            wrong.insert(format!("{name}: not described"));
            continue;
        };
        let json = "/content/application~1json/schema";
        if let Some(schema) = known["requestBody"].pointer(json).filter(|_| !call.sent.is_null()) {
            let at = format!("{} sends", shape(&name));
            wrong.extend(spec.wrong(&call.sent, schema, &at, true));
        }
        let answers = ["200", "201"].iter().find_map(|code| known["responses"].get(code));
        if let Some(schema) = answers.and_then(|answer| answer.pointer(json))
            && call.status < 300
            && !call.answered.is_null()
        {
            let at = format!("{} is answered", shape(&name));
            wrong.extend(spec.wrong(&call.answered, schema, &at, false));
        }
    }
    let wrong: Vec<String> = wrong.into_iter().collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(heard.len() > 30, "{} calls", heard.len());
}

/// A call without its ids.
fn shape(name: &str) -> String {
    let digits = |part: &&str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let part = |part: &str| if digits(&part) { ":id".to_owned() } else { part.to_owned() };
    name.split('/').map(part).collect::<Vec<_>>().join("/")
}
