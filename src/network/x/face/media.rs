//! Files in pieces. Source: openapi, `/2/media/upload/initialize`, `…/append`, `…/finalize`,
//! `/2/media/metadata`.

use super::{Answer, Call, Result, Stage, caller, posts};
use crate::world::square::Medium;
use axum::body::Body;
use axum::extract::{FromRequest, Multipart};
use axum::http::{Request, header};
use bytes::{Bytes, BytesMut};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// A file on its way.
pub(super) struct Upload {
    owner: String,
    mime: String,
    total: usize,
    pieces: BTreeMap<usize, Bytes>,
}

pub(super) type Uploads = BTreeMap<String, Upload>;

const CATEGORIES: &[&str] =
    &["tweet_image", "tweet_gif", "tweet_video", "dm_image", "dm_gif", "dm_video", "amplify_video"];

pub(super) fn initialize(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    let body = call.json()?;
    posts::only(
        &body,
        &["media_type", "total_bytes", "media_category", "additional_owners", "shared"],
    )?;
    let category = body["media_category"].as_str().unwrap_or_default();
    if !CATEGORIES.contains(&category) {
        return Err(Answer::invalid("$.media_category: is not one of the categories"));
    }
    let (mime, total) = (body["media_type"].as_str(), body["total_bytes"].as_u64());
    let (Some(mime), Some(total)) = (mime, total) else {
        return Err(Answer::invalid("$: media_type and total_bytes are required"));
    };
    let id = stage.act(crate::world::World::mint).to_string();
    let (mime, total) = (mime.to_owned(), usize::try_from(total).unwrap_or(usize::MAX));
    let upload = Upload { owner: me.id, mime, total, pieces: BTreeMap::new() };
    stage.memory().uploads.insert(id.clone(), upload);
    Ok(Answer::ok(data(&id)))
}

fn data(id: &str) -> Value {
    json!({ "data": { "id": id, "media_key": format!("3_{id}"), "expires_after_secs": 86_400 } })
}

fn unknown() -> Answer {
    Answer::invalid("$.id: there is no such upload")
}

pub(super) async fn append(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = caller(stage, call)?;
    let (index, bytes) = piece(call).await?;
    let mut memory = stage.memory();
    let upload = memory.uploads.get_mut(id).filter(|upload| upload.owner == me.id);
    upload.ok_or_else(unknown)?.pieces.insert(index, bytes);
    Ok(Answer::ok(json!({ "data": { "expires_at": 0 } })))
}

async fn piece(call: &Call) -> Result<(usize, Bytes)> {
    let odd = || Answer::invalid("The body must be multipart with media and segment_index");
    let kind = call.header(header::CONTENT_TYPE).unwrap_or_default();
    let request = Request::builder().header(header::CONTENT_TYPE, kind);
    let request = request.body(Body::from(call.body.clone())).map_err(|_| odd())?;
    let mut form = Multipart::from_request(request, &()).await.map_err(|_| odd())?;
    let (mut index, mut media) = (None, None);
    while let Ok(Some(field)) = form.next_field().await {
        match field.name() {
            Some("segment_index") => {
                index = field.text().await.ok().and_then(|text| text.parse().ok());
            }
            Some("media") => media = field.bytes().await.ok(),
            _ => return Err(odd()),
        }
    }
    index.filter(|index| *index < 1_000).zip(media).ok_or_else(odd)
}

pub(super) fn finalize(stage: &Stage, call: &Call, id: &str) -> Result<Answer> {
    let me = caller(stage, call)?;
    let mut memory = stage.memory();
    let upload = memory.uploads.get(id).filter(|upload| upload.owner == me.id);
    let upload = upload.ok_or_else(unknown)?;
    let mut bytes = BytesMut::new();
    for (at, piece) in upload.pieces.values().enumerate() {
        if !upload.pieces.contains_key(&at) {
            return Err(Answer::invalid("Segments do not add up to provided total file size."));
        }
        bytes.extend_from_slice(piece);
    }
    if bytes.len() != upload.total {
        return Err(Answer::invalid("Segments do not add up to provided total file size."));
    }
    let (owner, mime) = (upload.owner.clone(), upload.mime.clone());
    memory.uploads.remove(id);
    drop(memory);
    let (url, bytes) = (format!("/media/{id}"), bytes.freeze());
    let medium = Medium { id: id.to_owned(), owner, mime, url, bytes, ..Medium::default() };
    stage.act(|world| world.square(&stage.name).media.insert(id.to_owned(), medium));
    let mut answer = data(id);
    // Pictures are worked on for a moment too, so that whoever does not ask is found out.
    answer["data"]["processing_info"] = json!({ "state": "pending", "check_after_secs": 0 });
    Ok(Answer::ok(answer))
}

pub(super) fn status(stage: &Stage, call: &Call) -> Result<Answer> {
    caller(stage, call)?;
    call.only(&["command", "media_id"])?;
    let id = call.param("media_id").unwrap_or_default();
    if call.param("command") != Some("STATUS") {
        return Err(Answer::invalid("The `command` query parameter must be STATUS"));
    }
    let known = stage.see(|square| square.media.contains_key(id));
    let mut answer = if known { data(id) } else { return Err(unknown()) };
    answer["data"]["processing_info"] = json!({ "state": "succeeded", "progress_percent": 100 });
    Ok(Answer::ok(answer))
}

pub(super) fn metadata(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    let body = call.json()?;
    posts::only(&body, &["id", "metadata"])?;
    let (id, alt) = (&body["id"], body["metadata"]["alt_text"]["text"].as_str());
    let id = id.as_str().ok_or_else(unknown)?.to_owned();
    let alt = alt.filter(|alt| alt.chars().count() <= 1_000);
    let alt =
        alt.ok_or_else(|| Answer::invalid("$.metadata.alt_text.text: is too long"))?.to_owned();
    let done = stage.act(|world| {
        let medium = world.square(&stage.name).media.get_mut(&id);
        medium.filter(|medium| medium.owner == me.id).map(|medium| medium.alt = alt)
    });
    done.ok_or_else(unknown)?;
    Ok(Answer::ok(json!({ "data": { "id": id } })))
}

/// A file's bytes, as the pictures' own server gives them.
pub(super) fn shown(stage: &Stage, id: &str) -> Result<Answer> {
    let medium = stage.see(|square| square.media.get(id).cloned());
    let medium = medium.ok_or_else(|| Answer::no(404, "", "Not Found", "no such file"))?;
    Ok(Answer { bytes: Some((medium.mime, medium.bytes)), ..Answer::ok(Value::Null) })
}
