//! Media. Source: docs, methods/media.

use super::call::Call;
use super::{Answer, Flavour, Result, Stage, json};
use crate::world::square::Medium;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

/// Longest description. Source: docs, methods/media (`description`), entities/Instance.
const ALT: usize = 1500;

/// A medium's bytes, for everybody who has its address. Source: docs, entities/MediaAttachment
/// (`url`).
pub(super) async fn shown(State(stage): State<Stage>, Path(id): Path<String>) -> Response {
    let world = stage.world.look();
    let medium = world.squares.get(&stage.name).and_then(|square| square.media.get(&id));
    match medium {
        Some(medium) => {
            ([(header::CONTENT_TYPE, medium.mime.clone())], medium.bytes.clone()).into_response()
        }
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

pub(super) fn answer(stage: &Stage, call: &Call, v2: bool, rest: &[&str]) -> Result<Answer> {
    match (call.method.as_str(), rest) {
        ("POST", []) => upload(stage, call, v2),
        ("GET", [id]) if !v2 => ready(stage, call, id),
        ("PUT", [id]) if !v2 => describe(stage, call, id),
        _ => Err(Answer::missing()),
    }
}

/// Source: docs, methods/media#v2: 202 while large files are worked on (a film here), 422 for a
/// file of a kind the server does not take. GoToSocial is always ready at once.
fn upload(stage: &Stage, call: &Call, v2: bool) -> Result<Answer> {
    let me = call.me()?.clone();
    call.takes(&["description", "focus", "thumbnail"])?;
    let alt = call.param("description").unwrap_or_default().to_owned();
    let Some((mime, bytes)) = call.file.clone() else {
        return Err(Answer::no(422, "Validation failed: File can't be blank"));
    };
    let known = ["image/", "video/", "audio/"].iter().any(|kind| mime.starts_with(kind));
    if !known || mime == "image/svg+xml" {
        return Err(Answer::no(422, "Validation failed: File type is not supported"));
    }
    if alt.chars().count() > ALT {
        return Err(Answer::no(422, "Validation failed: Description is too long"));
    }
    let slow = v2 && mime.starts_with("video/") && call.flavour != Flavour::GoToSocial;
    let medium = stage.act(|world| {
        let id = world.mint().to_string();
        let url = format!("{}/media/{id}", call.base);
        let pending = if slow { 2 } else { 0 };
        let medium = Medium { id, owner: me.id, mime, url, alt, pending, bytes };
        world.square(&stage.name).media.insert(medium.id.clone(), medium.clone());
        medium
    });
    let status = if slow { 202 } else { 200 };
    Ok(Answer { status, link: None, body: json::medium(&medium) })
}

/// Source: docs, methods/media#get: 206 while it is worked on.
fn ready(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = call.me()?;
    let mut world = stage.world.look();
    let medium = world.square(&stage.name).media.get_mut(id).filter(|m| m.owner == me.id);
    let medium = medium.ok_or_else(Answer::missing)?;
    let status = if medium.pending > 0 { 206 } else { 200 };
    medium.pending = medium.pending.saturating_sub(1);
    Ok(Answer { status, link: None, body: json::medium(medium) })
}

fn describe(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = call.me()?;
    call.takes(&["description", "focus", "thumbnail"])?;
    let mut world = stage.world.look();
    let medium = world.square(&stage.name).media.get_mut(id).filter(|m| m.owner == me.id);
    let medium = medium.ok_or_else(Answer::missing)?;
    medium.alt = call.param("description").unwrap_or_default().to_owned();
    Ok(Answer::ok(json::medium(medium)))
}
