//! `views.*` and the addresses to which an app may answer later.
//!
//! Source: [views], [interactivity] (named in `face/mod.rs`).

use super::{Answer, Call, Face, Method, No, chat, faulty, now};
use crate::world::office::{Form, Message};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) const METHODS: &[Method] = &[
    Method {
        name: "views.open",
        scope: "",
        need: &["view"],
        may: &["trigger_id", "interactivity_pointer"],
        run: open,
    },
    Method {
        name: "views.push",
        scope: "",
        need: &["view", "trigger_id"],
        may: &["interactivity_pointer"],
        run: open,
    },
    Method {
        name: "views.update",
        scope: "",
        need: &["view"],
        may: &["view_id", "external_id", "hash"],
        run: update,
    },
    Method {
        name: "views.publish",
        scope: "",
        need: &["view", "user_id"],
        may: &["hash"],
        run: publish,
    },
];

/// Where the page of an app for one person is noted.
pub(super) fn page(app: &str, user: &str) -> String {
    format!("page:{app}:{user}")
}

/// `[views.publish]`: a page of type `home`, up to 100 blocks, without title and buttons below.
fn publish(call: &mut Call<'_>) -> Answer {
    let app = call.who.app.clone().ok_or(No::Code("not_allowed_token_type"))?;
    let mut view = call.args["view"].clone();
    let user = call.text("user_id").unwrap_or_default().to_owned();
    if !call.office().members.contains_key(&user) {
        return Err(No::Code("user_not_found"));
    }
    let extra = ["title", "submit", "close"].iter().any(|key| !view[*key].is_null());
    if view["type"] != "home" || extra {
        let wrong = "a home has a type and blocks, no title, submit or close";
        let wrong = json!({"response_metadata": {"messages": [wrong]}});
        return Err(No::With("invalid_arguments", wrong));
    }
    chat::check_blocks(&view["blocks"], 100)?;
    let id = format!("V{}", call.world.mint());
    let office = call.office();
    view["id"] = id.into();
    view["team_id"] = office.team.clone().into();
    view["app_id"] = app.id.clone().into();
    view["bot_id"] = app.bot.into();
    office.notes.insert(page(&app.id, &user), view.clone());
    Ok(json!({"view": view}))
}

/// `[views]`: a modal's title, labels and lengths.
fn checked(view: &Value) -> Result<(), No> {
    let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
    let label = |key: &str| view[key].is_null() || (1..=24).contains(&length(&view[key]["text"]));
    let input = view["blocks"].as_array().into_iter().flatten().any(|b| b["type"] == "input");
    let wrong = if view["type"] != "modal" {
        "type must be modal"
    } else if view["title"].is_null() || !label("title") || !label("submit") || !label("close") {
        "title, submit and close are 1 to 24 characters"
    } else if length(&view["private_metadata"]) > 3000 || length(&view["callback_id"]) > 255 {
        "private_metadata 3000, callback_id 255"
    } else if input && view["submit"].is_null() {
        "submit is needed with an input"
    } else {
        return chat::check_blocks(&view["blocks"], 100);
    };
    Err(No::With("invalid_arguments", json!({"response_metadata": {"messages": [wrong]}})))
}

/// `[views.open]`: a trigger works once and for three seconds.
fn open(call: &mut Call<'_>) -> Answer {
    let app = call.who.app.clone().ok_or(No::Code("not_allowed_token_type"))?;
    let mut view = call.args["view"].clone();
    checked(&view)?;
    let ticket = call.text("trigger_id").ok_or(No::Code("invalid_trigger_id"))?.to_owned();
    let (at, id) = (call.world.now, format!("V{}", call.world.mint()));
    let office = call.office();
    let note = office.notes.get_mut(&format!("trigger:{ticket}"));
    let note = note.ok_or(No::Code("invalid_trigger_id"))?;
    if note["used"] == true {
        return Err(No::Code("exchanged_trigger_id"));
    }
    if at.0 - note["at"].as_i64().unwrap_or(0) > 3_000_000 {
        return Err(No::Code("expired_trigger_id"));
    }
    note["used"] = true.into();
    let member = note["user"].as_str().unwrap_or_default().to_owned();
    view["id"] = id.clone().into();
    view["team_id"] = office.team.clone().into();
    view["app_id"] = app.id.into();
    view["bot_id"] = app.bot.into();
    view["hash"] = format!("{}.hash", at.0).into();
    view["root_view_id"] = id.clone().into();
    let form = Form { id, member, view: view.clone(), errors: BTreeMap::default(), closed: false };
    office.open_form(at, form);
    Ok(json!({"view": view}))
}

fn update(call: &mut Call<'_>) -> Answer {
    let view = call.args["view"].clone();
    checked(&view)?;
    let id = call.text("view_id").ok_or(No::Code("not_found"))?.to_owned();
    let form = call.office().forms.get_mut(&id).ok_or(No::Code("not_found"))?;
    for key in ["title", "blocks", "submit", "close", "private_metadata", "callback_id"] {
        form.view[key] = view[key].clone();
    }
    Ok(json!({"view": form.view}))
}

/// `[interactivity]`, "response_url": five answers within half an hour, to one person unless
/// `in_channel`; may replace or delete what only he sees.
pub(super) async fn response(
    State(face): State<Arc<Face>>,
    Path(id): Path<String>,
    body: Bytes,
) -> Response {
    let wrong = face.wrong("response_url");
    let work = move |face: &Face| {
        let Ok(message) = serde_json::from_slice::<Value>(&body) else {
            return (StatusCode::BAD_REQUEST, "invalid_payload").into_response();
        };
        face.shared.change(now(), |world| respond(world, &face.name, &id, &message))
    };
    faulty(wrong, face, &super::REFUSALS, work).await
}

fn respond(world: &mut crate::world::World, desk: &str, id: &str, what: &Value) -> Response {
    let (at, new) = (world.now, world.mint());
    let office = world.office(desk);
    let Some(note) = office.notes.get_mut(&format!("response:{id}")) else {
        return (StatusCode::NOT_FOUND, "used_url").into_response();
    };
    let left = note["uses"].as_i64().unwrap_or(0);
    if left <= 0 || note["until"].as_i64().unwrap_or(0) < at.0 {
        return (StatusCode::NOT_FOUND, "used_url").into_response();
    }
    note["uses"] = (left - 1).into();
    let to = note.clone();
    let shown = chat::check_blocks(&what["blocks"], 50);
    if let Err(No::With(code, more)) = shown {
        return super::no(code, more);
    }
    let channel = to["channel"].as_str().unwrap_or_default().to_owned();
    if what["delete_original"] == true || what["replace_original"] == true {
        let key = (channel.clone(), to["message"].as_i64().unwrap_or(0));
        if let Some(m) = office.messages.get_mut(&key).filter(|m| m.only_for.is_some()) {
            m.deleted = true;
        }
        if what["delete_original"] == true {
            return "ok".into_response();
        }
    }
    said(office, at, new, &to, what);
    "ok".into_response()
}

/// Puts an answer of an app's where its asker sees it.
pub(super) fn said(
    office: &mut crate::world::office::Office,
    at: crate::case::time::Timestamp,
    id: i64,
    to: &Value,
    what: &Value,
) {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let app = text(&to["app"]).unwrap_or_default();
    let Some(app) = super::act::app(office, &app) else { return };
    let asked_thread = text(&what["thread_ts"]).and_then(|ts| super::unstamp(&ts));
    let open = what["response_type"] == "in_channel";
    let message = Message {
        channel: text(&to["channel"]).unwrap_or_default(),
        id,
        thread: asked_thread,
        author: app.user,
        app: Some(app.id),
        text: text(&what["text"]).unwrap_or_default(),
        blocks: what["blocks"].clone(),
        only_for: text(&to["user"]).filter(|_| !open),
        ..Message::default()
    };
    if message.text.is_empty() && message.blocks.is_null() {
        return;
    }
    // An answer goes there even if the bot itself is not in the channel.
    let author = message.author.clone();
    let channel = office.channels.get_mut(&message.channel);
    let joined = channel.is_some_and(|c| c.members.insert(author.clone()));
    let place = message.channel.clone();
    let _ = office.post(at, message);
    if joined && let Some(channel) = office.channels.get_mut(&place) {
        channel.members.remove(&author);
    }
}
