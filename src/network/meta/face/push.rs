//! Calls of webhooks. Source: docs, "Webhooks" (getting started; for Pages; for Instagram): a path
//! is tried with a challenge, a Page is subscribed by itself, a call brings up to 1,000 changes and
//! is sealed over its bytes, in which letters beyond ASCII are escaped. What is refused comes
//! again.

use super::names;
use super::view::{View, is_open, is_tag};
use super::{Answer, Call, Kind, Result, Stage};
use crate::case::model::Audience;
use crate::network::face;
use crate::world::fault::Wrong;
use crate::world::square::{Happening, Person, Square, SquarePost, What};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::time::Duration;

/// Changes of one call (docs, "Webhooks": up to 1,000).
const BATCH: usize = 1_000;
/// Before a call that was refused comes again; the docs say at once, then less and less often.
const AGAIN: Duration = Duration::from_millis(100);
const TRIES: u32 = 50;

/// The app says where it wants to be called. Here our own token is enough; at Meta it takes the
/// app's.
pub(super) async fn register(stage: &Stage, call: &Call) -> Result<Answer> {
    call.only(&["object", "callback_url", "verify_token", "fields"])?;
    let url = call.param("callback_url").unwrap_or_default().to_owned();
    let challenge = "1158201444";
    let word = call.param("verify_token").unwrap_or_default();
    let query =
        [("hub.mode", "subscribe"), ("hub.challenge", challenge), ("hub.verify_token", word)];
    let asked = stage.net.client().get(&url).query(&query).send().await;
    let said = match asked {
        Ok(answer) if answer.status() == 200 => answer.text().await.unwrap_or_default(),
        _ => String::new(),
    };
    if call.param("object") != Some(stage.kind.object()) || said != challenge {
        return Err(Answer::no(400, 2200, 0, "Callback verification failed"));
    }
    let first = stage.memory().hook.replace(url).is_none();
    if first {
        let seen = stage.see(|square| square.happened.len() as u64);
        tokio::spawn(carry(stage.clone(), seen));
    }
    Ok(Answer::ok(json!({ "success": true })))
}

/// Source: docs, "Page subscribed apps".
pub(super) fn subscribe(stage: &Stage, call: &Call) -> Result<Answer> {
    call.only(&["subscribed_fields"])?;
    let mut memory = stage.memory();
    match call.method.as_str() {
        "GET" => {
            let app = json!({ "id": "1", "subscribed_fields": memory.subscribed });
            let all = if memory.subscribed.is_empty() { json!([]) } else { json!([app]) };
            return Ok(Answer::ok(json!({ "data": all })));
        }
        "POST" => {
            let body = call.json()?;
            let fields = body["subscribed_fields"].as_str().unwrap_or_default().to_owned();
            memory.subscribed = fields.split(',').map(str::to_owned).collect();
        }
        "DELETE" => memory.subscribed.clear(),
        _ => return Err(Answer::no(400, 2500, 0, "Unknown path components")),
    }
    Ok(Answer::ok(json!({ "success": true })))
}

/// Tells the app of all that happens, as long as the world is there.
async fn carry(stage: Stage, mut seen: u64) {
    let mut bell = stage.world.bell();
    loop {
        let (events, until) = stage.see(|square| {
            let us = square.us().cloned();
            let events = us.map(|us| events(stage.kind, square, &us, square.since(seen)));
            (events.unwrap_or_default(), square.happened.len() as u64)
        });
        seen = until;
        let subscribed = !stage.memory().subscribed.is_empty();
        for batch in events.chunks(BATCH).filter(|_| subscribed) {
            tell(&stage, batch).await;
        }
        if bell.changed().await.is_err() {
            return;
        }
    }
}

async fn tell(stage: &Stage, batch: &[(bool, Value)]) {
    let wrong = stage.wrong("WEBHOOK");
    let repeats = wrong == Some(Wrong::Repeat);
    let batch = face::told(wrong, batch.to_vec());
    let (url, us) = (stage.memory().hook.clone(), stage.see(|square| square.us().cloned()));
    let (Some(url), Some(us)) = (url, us) else { return };
    let of = |is_talk: bool| {
        let all = batch.iter().filter(|(talk, _)| *talk == is_talk);
        all.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    let mut entry = json!({ "id": names::number(&us.id), "time": super::now().0 / 1_000_000 });
    for (key, all) in [("changes", of(false)), ("messaging", of(true))] {
        if !all.is_empty() {
            entry[key] = json!(all);
        }
    }
    let body = json!({ "object": stage.kind.object(), "entry": [entry] });
    let body = escaped(&body.to_string());
    for _ in 0..if repeats { 2 } else { 1 } {
        send(stage, &url, us.token.as_deref().unwrap_or_default(), &body).await;
    }
}

async fn send(stage: &Stage, url: &str, secret: &str, body: &str) {
    let code = crate::web::seal::code(&secret.into(), &[body.as_bytes()]).unwrap_or_default();
    let seal = format!("sha256={}", hex::encode(code));
    for _ in 0..TRIES {
        let request = stage.net.client().post(url).header("x-hub-signature-256", &seal);
        let request = request.header("content-type", "application/json").body(body.to_owned());
        if request.send().await.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(AGAIN).await;
    }
}

/// Source: docs: letters beyond ASCII come as `\u` and four small hex digits, and are sealed so.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for unit in text.encode_utf16() {
        match u8::try_from(unit) {
            Ok(byte) if byte.is_ascii() => out.push(char::from(byte)),
            _ => drop(write!(out, "\\u{unit:04x}")),
        }
    }
    out
}

/// What of these happenings concerns us: changes (`false`) and messages (`true`).
fn events(kind: Kind, square: &Square, us: &Person, happened: &[Happening]) -> Vec<(bool, Value)> {
    let view = View { kind, square, us, base: "" };
    let of = |what: &What| match what {
        What::Posted { post } if post.audience == Audience::Direct => letter(&view, post),
        What::Posted { post } => change(&view, post, "add").map(|value| (false, value)),
        What::Edited { post } if kind == Kind::Facebook => {
            change(&view, post, "edited").map(|value| (false, value))
        }
        What::Deleted { post } if kind == Kind::Facebook => {
            let post = square.posts.get(post)?;
            change(&view, post, "remove").map(|value| (false, value))
        }
        What::Edited { .. } | What::Deleted { .. } => None,
    };
    happened.iter().filter_map(|happening| of(&happening.what)).collect()
}

fn change(view: &View<'_>, post: &SquarePost, verb: &str) -> Option<Value> {
    let visible = is_open(post) || post.deleted && post.audience != Audience::Direct;
    let root = view.square.posts.get(&post.root)?;
    let here = root.author == view.us.id || view.square.tells(root, &view.us.id);
    if !visible || !here {
        return None;
    }
    match view.kind {
        Kind::Facebook => Some(of_page(view, post, root, verb)),
        Kind::Instagram => of_instagram(view, post, root),
    }
}

/// Source: docs, "Webhooks reference: Page"; recorded by others.
fn of_page(view: &View<'_>, post: &SquarePost, root: &SquarePost, verb: &str) -> Value {
    let (id, thread) = (view.id(post), view.id(root));
    let name = view.square.people.get(&post.author).map(|person| person.name.clone());
    let mut value = json!({ "verb": verb, "post_id": thread, "item": "post" });
    if post.parent.is_some() {
        value["item"] = json!("comment");
        value["comment_id"] = json!(id);
        value["parent_id"] = json!(view.top(post).map_or(thread, |top| view.id(top)));
    }
    if verb != "remove" {
        value["message"] = json!(post.text);
        value["created_time"] = json!(post.written.0 / 1_000_000);
    }
    if is_tag(root) {
        return json!({ "field": "mention", "value": value });
    }
    value["from"] = json!({ "id": names::number(&post.author), "name": name });
    json!({ "field": "feed", "value": value })
}

/// Source: docs, "Webhooks reference: Instagram".
fn of_instagram(view: &View<'_>, post: &SquarePost, root: &SquarePost) -> Option<Value> {
    if is_tag(root) {
        let names_us = view.square.tells(post, &view.us.id);
        let mut value = json!({ "media_id": root.id.to_string() });
        if post.id != root.id {
            value["comment_id"] = json!(post.id.to_string());
        }
        return names_us.then(|| json!({ "field": "mentions", "value": value }));
    }
    let is_medium = post.parent.is_none() && post.author == view.us.id;
    let media = if root.author == view.us.id { root.id.to_string() } else { names::PICTURE.into() };
    let username = view.square.people.get(&post.author).map(names::username);
    let mut value = json!({ "id": view.id(post), "text": post.text,
        "from": { "id": names::number(&post.author), "username": username },
        "media": { "id": media, "media_product_type": "FEED" } });
    if let Some(top) = view.top(post) {
        value["parent_id"] = json!(view.id(top));
    }
    (!is_medium).then(|| json!({ "field": "comments", "value": value }))
}

/// Source: docs, "messages" and "message echoes".
fn letter(view: &View<'_>, post: &SquarePost) -> Option<(bool, Value)> {
    let other = super::lists::other(post, &view.us.id)?;
    let (us, other) = (names::number(&view.us.id), names::number(other));
    let ours = post.author == view.us.id;
    let (from, to) = if ours { (us, other) } else { (other, us) };
    let mut message = json!({ "mid": format!("m_{}", post.id), "text": post.text });
    if ours {
        message["is_echo"] = json!(true);
        if let Some(metadata) = &post.key {
            message["metadata"] = json!(metadata);
        }
    }
    Some((
        true,
        json!({ "sender": { "id": from }, "recipient": { "id": to },
        "timestamp": post.written.0 / 1_000, "message": message }),
    ))
}
