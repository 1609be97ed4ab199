//! Records of posts: which are taken, what the world makes of them, and how a post of the world's
//! own looks as one. Source: lexicons `app.bsky.feed.post`, `app.bsky.richtext.facet`,
//! `app.bsky.embed.images`; wording of the length errors measured.

use super::{Answer, Memory, Result, names};
use crate::case::time::Timestamp;
use crate::world::square::{Square, SquarePost};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use unicode_segmentation::UnicodeSegmentation;

/// Refuses a record that the lexicon does not allow.
pub(super) fn check(record: &Value) -> Result<()> {
    let no =
        |what: String| Err(Answer::invalid(&format!("Invalid app.bsky.feed.post record: {what}")));
    if record["$type"] != "app.bsky.feed.post" {
        return no("Record/$type must be app.bsky.feed.post".into());
    }
    let Some(text) = record["text"].as_str() else {
        return no("Record must have the property \"text\"".into());
    };
    let graphemes = text.graphemes(true).count();
    if text.len() > 3_000 {
        return no(format!("string too big (maximum 3000, got {}) at $.text", text.len()));
    }
    if graphemes > 300 {
        return no(format!("grapheme too big (maximum 300, got {graphemes}) at $.text"));
    }
    if record["createdAt"].as_str().and_then(Timestamp::parse).is_none() {
        return no("Record/createdAt must be an valid atproto datetime".into());
    }
    check_facets(text, &record["facets"]).or_else(no)?;
    check_reply(&record["reply"]).or_else(no)?;
    check_list(&record["langs"], 3).or_else(no)?;
    check_list(&record["tags"], 8).or_else(no)?;
    check_images(&record["embed"]).or_else(no)
}

type Checked = std::result::Result<(), String>;

fn check_list(list: &Value, most: usize) -> Checked {
    match list {
        Value::Null => Ok(()),
        Value::Array(all) if all.len() <= most && all.iter().all(Value::is_string) => Ok(()),
        _ => Err(format!("a list of {most} texts at most is wanted")),
    }
}

/// Stricter than the real server, which takes any two numbers: offsets must lie in the text,
/// between letters, or every reader's app draws the link somewhere else.
fn check_facets(text: &str, facets: &Value) -> Checked {
    let all = match facets {
        Value::Null => return Ok(()),
        Value::Array(all) => all,
        _ => return Err("Record/facets must be an array".into()),
    };
    for facet in all {
        let number = |name: &str| {
            let number = facet["index"][name].as_u64().and_then(|n| usize::try_from(n).ok());
            number.ok_or_else(|| format!("Record/facets/index/{name} must be an integer"))
        };
        let (from, to) = (number("byteStart")?, number("byteEnd")?);
        if from >= to || text.get(from..to).is_none() {
            return Err("Record/facets/index does not lie in the text".into());
        }
        for feature in facet["features"].as_array().into_iter().flatten() {
            check_feature(feature)?;
        }
    }
    Ok(())
}

fn check_feature(feature: &Value) -> Checked {
    let text = |name: &str| feature[name].as_str().unwrap_or_default();
    match text("$type") {
        "app.bsky.richtext.facet#mention" if text("did").starts_with("did:") => Ok(()),
        "app.bsky.richtext.facet#link" if url::Url::parse(text("uri")).is_ok() => Ok(()),
        "app.bsky.richtext.facet#tag" if !text("tag").is_empty() => Ok(()),
        kind => Err(format!("Record/facets/features of type \"{kind}\" is not valid")),
    }
}

/// That a post is there is not asked for: an answer to a deleted one is taken (measured).
fn check_reply(reply: &Value) -> Checked {
    if reply.is_null() {
        return Ok(());
    }
    for part in ["root", "parent"] {
        let uri = reply[part]["uri"].as_str().unwrap_or_default();
        let cid = reply[part]["cid"].as_str().unwrap_or_default();
        if !uri.starts_with("at://") || !cid.starts_with("baf") {
            return Err(format!("Record/reply/{part} must be a strong reference"));
        }
    }
    Ok(())
}

fn check_images(embed: &Value) -> Checked {
    if embed["$type"] != "app.bsky.embed.images" {
        return Ok(());
    }
    let images = embed["images"].as_array().map(Vec::as_slice).unwrap_or_default();
    if images.len() > 4 {
        return Err(format!("array too big (maximum 4, got {}) at $.embed.images", images.len()));
    }
    for image in images {
        if !image["alt"].is_string() {
            return Err("Record/embed/images/alt must be a string".into());
        }
        if image["image"]["size"].as_u64().is_none_or(|size| size > 2_000_000) {
            return Err("blob too big (maximum 2000000) at $.embed.images".into());
        }
        let mime = image["image"]["mimeType"].as_str().unwrap_or_default();
        if !mime.starts_with("image/") {
            return Err(format!("wrong mimetype of blob: {mime}"));
        }
    }
    Ok(())
}

/// The blobs a record names.
pub(super) fn blobs(record: &Value) -> Vec<String> {
    let images = record["embed"]["images"].as_array().cloned().unwrap_or_default();
    let name = |image: &Value| image["image"]["ref"]["$link"].as_str().map(str::to_owned);
    images.iter().filter_map(name).collect()
}

/// Ids of the people a record names: those of its facets, and nobody else (measured: a handle
/// without a facet tells nobody).
pub(super) fn mentions(square: &Square, record: &Value) -> Vec<String> {
    let facets = record["facets"].as_array().into_iter().flatten();
    let features = facets.filter_map(|facet| facet["features"].as_array()).flatten();
    let dids = features.filter_map(|feature| feature["did"].as_str());
    dids.filter_map(|did| names::person(square, did)).map(|person| person.id.clone()).collect()
}

/// A post's record: as its author's app wrote it, or made from what the world knows.
pub(super) fn of(square: &Square, memory: &Memory, post: &SquarePost) -> Value {
    match memory.records.get(&post.id) {
        Some(record) if record["text"] == post.text.as_str() => record.clone(),
        // The world itself has changed the text since.
        Some(record) => {
            let mut record = record.clone();
            record["text"] = json!(post.text);
            record["facets"] = json!(facets(square, post));
            record
        }
        None => made(square, memory, post),
    }
}

fn made(square: &Square, memory: &Memory, post: &SquarePost) -> Value {
    let mut record = Map::new();
    record.insert("$type".into(), json!("app.bsky.feed.post"));
    record.insert("text".into(), json!(post.text));
    record.insert("createdAt".into(), json!(post.written.to_string()));
    let facets = facets(square, post);
    if !facets.is_empty() {
        record.insert("facets".into(), json!(facets));
    }
    if let Some(language) = &post.language {
        record.insert("langs".into(), json!([language]));
    }
    if let Some(parent) = post.parent.and_then(|id| square.posts.get(&id)) {
        let root = square.posts.get(&post.root).unwrap_or(parent);
        let strong = |post| json!({ "uri": names::uri(post), "cid": cid(square, memory, post) });
        record.insert("reply".into(), json!({ "root": strong(root), "parent": strong(parent) }));
    }
    let media = post.media.iter().filter_map(|id| square.media.get(id));
    let images: Vec<Value> =
        media.map(|m| json!({ "image": blob(&m.id, m), "alt": m.alt })).collect();
    if !images.is_empty() {
        record
            .insert("embed".into(), json!({ "$type": "app.bsky.embed.images", "images": images }));
    }
    if let Some(warning) = &post.warning {
        let values = json!([{ "val": warning }]);
        let labels = json!({ "$type": "com.atproto.label.defs#selfLabels", "values": values });
        record.insert("labels".into(), labels);
    }
    Value::Object(record)
}

/// A blob as records name it. Source: <https://atproto.com/specs/data-model> ("Blob Type").
pub(super) fn blob(cid: &str, medium: &crate::world::square::Medium) -> Value {
    json!({
        "$type": "blob", "ref": { "$link": cid }, "mimeType": medium.mime,
        "size": medium.bytes.len(),
    })
}

/// Facets for the people a post of the world names, where their handles stand in its text.
fn facets(square: &Square, post: &SquarePost) -> Vec<Value> {
    let mut found: BTreeMap<usize, Value> = BTreeMap::new();
    for person in post.mentions.iter().filter_map(|id| square.people.get(id)) {
        for handle in [&person.handle, &names::handle(person)] {
            let called = format!("@{handle}");
            if let Some(at) = post.text.find(&called) {
                let index = json!({ "byteStart": at, "byteEnd": at + called.len() });
                let did = names::did(&person.id);
                let kind = "app.bsky.richtext.facet#mention";
                let features = json!([{ "$type": kind, "did": did }]);
                found.insert(at, json!({ "index": index, "features": features }));
            }
        }
    }
    found.into_values().collect()
}

/// The name of a post's content.
pub(super) fn cid(square: &Square, memory: &Memory, post: &SquarePost) -> String {
    names::cid(&of(square, memory, post))
}

/// Where a post stands in lists: at the time it claims, but never in the future. Source: measured
/// (a backdated mention is listed by its claimed time, and `indexedAt` says that time). Posts of
/// the world itself are microseconds apart; the real server, whose times are milliseconds, would
/// leave out those of one instant that do not fit on one page.
pub(super) fn sort(memory: &Memory, post: &SquarePost) -> Timestamp {
    let claimed = memory.records.get(&post.id).and_then(|r| r["createdAt"].as_str());
    let claimed = claimed.and_then(Timestamp::parse).unwrap_or(Timestamp(post.id));
    claimed.min(Timestamp(post.id))
}

/// A time as lists show it, to the microsecond if it has them.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    match at.0.rem_euclid(1_000) {
        0 => text,
        micros => format!("{}{micros:03}Z", text.trim_end_matches('Z')),
    }
}
