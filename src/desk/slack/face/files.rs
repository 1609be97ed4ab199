//! Files: the upload in three steps, and the download that needs a token.
//!
//! Source: [files] and the pages of the two upload methods (named in `face/mod.rs`).

use super::{Answer, Call, Face, Method, No, args, faulty, now, show, stamp};
use crate::world::office::{File, Message};
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;

pub(super) const METHODS: &[Method] = &[
    Method {
        name: "files.getUploadURLExternal",
        scope: "files:write",
        need: &["filename", "length"],
        may: &["alt_txt", "snippet_type"],
        run: begin,
    },
    Method {
        name: "files.completeUploadExternal",
        scope: "files:write",
        need: &["files"],
        may: &["channel_id", "channels", "thread_ts", "initial_comment", "blocks"],
        run: complete,
    },
];

fn mime(name: &str) -> &'static str {
    match name.rsplit('.').next().unwrap_or_default().to_lowercase().as_str() {
        "png" => "image/png",
        "jpg" | "jpeg" => "image/jpeg",
        "gif" => "image/gif",
        "mp4" => "video/mp4",
        "pdf" => "application/pdf",
        "txt" => "text/plain",
        _ => "application/octet-stream",
    }
}

fn begin(call: &mut Call<'_>) -> Answer {
    let name = call.text("filename").unwrap_or_default().to_owned();
    let alt = call.text("alt_txt").map(str::to_owned);
    if call.number("length").is_none_or(|n| n == 0) {
        return Err(No::Code("invalid_arguments"));
    }
    let id = format!("F{}", call.world.mint());
    let owner = call.who.member.id.clone();
    let file =
        File { id: id.clone(), mime: mime(&name).into(), name, alt, owner, bytes: Bytes::new() };
    let url = format!("{}/upload/{id}", call.base);
    call.office().files.insert(id.clone(), file);
    Ok(json!({"upload_url": url, "file_id": id}))
}

/// Step two: the bytes, raw or as a multipart field; the address itself is the permission.
pub(super) async fn upload(
    State(face): State<Arc<Face>>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let wrong = face.wrong("upload");
    let work = move |face: &Face| {
        let bytes = contents(&headers, body);
        face.shared.change(now(), |world| match world.office(&face.name).files.get_mut(&id) {
            Some(file) => {
                let answer = format!("OK - {}", bytes.len());
                file.bytes = bytes;
                answer.into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        })
    };
    faulty(wrong, face, &super::REFUSALS, work).await
}

fn contents(headers: &HeaderMap, body: Bytes) -> Bytes {
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    let Some(boundary) = kind.split("boundary=").nth(1).filter(|_| kind.starts_with("multipart"))
    else {
        return body;
    };
    let end = format!("\r\n--{}", boundary.trim_matches('"'));
    let find = |needle: &[u8]| body.windows(needle.len()).position(|w| w == needle);
    let Some(from) = find(b"\r\n\r\n").map(|at| at + 4) else { return body };
    let rest = body.slice(from..);
    let to = rest.windows(end.len()).position(|w| w == end.as_bytes()).unwrap_or(rest.len());
    rest.slice(..to)
}

/// Step three: shares them. The message comes as an event with the subtype `file_share`; its
/// timestamp is not told here.
fn complete(call: &mut Call<'_>) -> Answer {
    let listed = call.args["files"].as_array().cloned().unwrap_or_default();
    let ids: Vec<_> = listed.iter().filter_map(|f| f["id"].as_str().map(str::to_owned)).collect();
    let base = call.base.to_owned();
    let office = call.office();
    if ids.is_empty()
        || ids.iter().any(|id| office.files.get(id).is_none_or(|f| f.bytes.is_empty()))
    {
        return Err(No::Code("file_not_found"));
    }
    let shown: Vec<Value> = ids.iter().map(|id| show::file(&office.files[id], &base)).collect();
    if call.args.contains_key("channel_id") {
        let channel = call.channel("channel_id")?;
        let thread = call.stamp("thread_ts");
        let text = call.text("initial_comment").unwrap_or_default().to_owned();
        share(call, &channel, thread, text, ids)?;
    }
    Ok(json!({"files": shown}))
}

fn share(
    call: &mut Call<'_>,
    channel: &str,
    thread: Option<i64>,
    text: String,
    files: Vec<String>,
) -> Result<String, No> {
    let (id, at) = (call.world.mint(), call.world.now);
    let message = Message {
        channel: channel.to_owned(),
        id,
        thread,
        author: call.who.member.id.clone(),
        app: call.who.app.as_ref().map(|app| app.id.clone()),
        text,
        files,
        subtype: Some("file_share".into()),
        ..Message::default()
    };
    call.office().post(at, message).map_err(super::chat::refused)?;
    Ok(stamp(id))
}

/// `[files]`: `url_private` wants a token in the header; without one comes a page to log in.
pub(super) async fn download(
    State(face): State<Arc<Face>>,
    Path((id, _)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let wrong = face.wrong("files.download");
    let work = move |face: &Face| {
        let mut world = face.shared.look();
        let office = world.office(&face.name);
        let token = args::token(&headers, &serde_json::Map::new());
        if token.is_none_or(|token| office.by_token(&token).is_none()) {
            return axum::response::Html("<html>Sign in to your workspace</html>").into_response();
        }
        match office.files.get(&id) {
            Some(file) => {
                ([("content-type", file.mime.clone())], file.bytes.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        }
    };
    faulty(wrong, face, &super::REFUSALS, work).await
}
