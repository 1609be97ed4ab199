//! Records of a repository: made, overwritten, read, deleted. Source: lexicons
//! `com.atproto.repo.*`; what an existing key answers is measured (`realservers.md` 2, "Sending
//! once").

use super::{Answer, Call, Memory, Result, Stage, caller, names, now, record};
use crate::case::model::Audience;
use crate::world::World;
use crate::world::square::{Happening, Medium, No, Person, SquarePost, What};
use serde_json::{Value, json};

const POSTS: &str = "app.bsky.feed.post";

/// What a write names.
struct Write {
    me: Person,
    collection: String,
    rkey: Option<String>,
    body: Value,
}

fn write(stage: &Stage, call: &Call) -> Result<Write> {
    let me = caller(stage, call)?;
    let body = call.json()?;
    let text = |name: &str| body[name].as_str().map(str::to_owned);
    let missing = |name| Answer::invalid(&format!("Input must have the property \"{name}\""));
    let repo = text("repo").ok_or_else(|| missing("repo"))?;
    let collection = text("collection").ok_or_else(|| missing("collection"))?;
    // Source: atproto, pds/src/api/com/atproto/repo: another's repository is 401.
    if stage.see(|square| names::person(square, &repo).map(|p| p.id.clone())) != Some(me.id.clone())
    {
        return Err(Answer::no(401, "AuthenticationRequired", "Authentication Required"));
    }
    let rkey = text("rkey");
    if let Some(rkey) = rkey.as_ref().filter(|rkey| collection == POSTS && !names::is_tid(rkey)) {
        let _ = rkey;
        let what = format!("Invalid record key for {POSTS}: Invalid TID string");
        return Err(Answer::invalid(&what));
    }
    Ok(Write { me, collection, rkey, body })
}

/// Source: measured, the table of `putRecord`.
pub(super) fn put(stage: &Stage, call: &Call) -> Result<Answer> {
    let write = write(stage, call)?;
    let Some(rkey) = write.rkey.clone() else {
        return Err(Answer::invalid("Input must have the property \"rkey\""));
    };
    let new = &write.body["record"];
    if write.collection != POSTS {
        return other(stage, &write, &rkey);
    }
    record::check(new)?;
    let mut memory = stage.memory();
    let old = stage.see(|square| {
        let post = names::post_at(square, &write.me.id, &rkey)?;
        Some((post.id, names::uri(post), record::cid(square, &memory, post)))
    });
    let swap = write.body.get("swapRecord");
    match old {
        None => made(stage, &mut memory, &write, &rkey),
        Some((_, uri, cid)) if cid == names::cid(new) => {
            Ok(Answer::ok(json!({ "uri": uri, "cid": cid, "validationStatus": "valid" })))
        }
        Some((_, _, cid)) if swap.is_some_and(|swap| *swap != cid.as_str()) => {
            Err(Answer::no(400, "InvalidSwap", &format!("Record was at {cid}")))
        }
        Some((id, uri, _)) => changed(stage, &mut memory, &write, id, &uri),
    }
}

fn changed(
    stage: &Stage,
    memory: &mut Memory,
    write: &Write,
    id: i64,
    uri: &str,
) -> Result<Answer> {
    let new = write.body["record"].clone();
    let text = new["text"].as_str().unwrap_or_default().to_owned();
    let cid = names::cid(&new);
    memory.records.insert(id, new.clone());
    let (name, at) = (&stage.name, now());
    let edited = stage.act(|world| {
        let square = world.square(name);
        let mentions = record::mentions(square, &new);
        square.edit(at, &write.me.id, id, |post| {
            post.text = text;
            post.mentions = mentions;
        })
    });
    edited.map_err(no)?;
    Ok(Answer::ok(written(uri, &cid)))
}

/// A key that is taken is a failure of the server. Source: measured (`createRecord` answers 500).
pub(super) fn create(stage: &Stage, call: &Call) -> Result<Answer> {
    let write = write(stage, call)?;
    let given = write.rkey.clone();
    let rkey = given.unwrap_or_else(|| names::tid(stage.act(World::mint)));
    if write.collection != POSTS {
        return other(stage, &write, &rkey);
    }
    record::check(&write.body["record"])?;
    let mut memory = stage.memory();
    let taken = stage.see(|square| names::post_at(square, &write.me.id, &rkey).is_some());
    if taken {
        return Err(Answer::no(500, "InternalServerError", "Internal Server Error"));
    }
    made(stage, &mut memory, &write, &rkey)
}

fn made(stage: &Stage, memory: &mut Memory, write: &Write, rkey: &str) -> Result<Answer> {
    let record = write.body["record"].clone();
    let (uri, cid) =
        (format!("at://{}/{POSTS}/{rkey}", names::did(&write.me.id)), names::cid(&record));
    let name = stage.name.clone();
    let id = stage.act(|world| posted(world, &name, &write.me, rkey, &record))?;
    memory.records.insert(id, record);
    Ok(Answer::ok(written(&uri, &cid)))
}

fn written(uri: &str, cid: &str) -> Value {
    let commit = json!({ "cid": names::cid(&json!([uri, cid])), "rev": names::tid(now().0) });
    json!({ "uri": uri, "cid": cid, "commit": commit, "validationStatus": "valid" })
}

/// Puts a record up as a post of the world.
fn posted(world: &mut World, name: &str, me: &Person, rkey: &str, record: &Value) -> Result<i64> {
    let square = world.square(name);
    let blobs = record::blobs(record);
    let mine = |id: &String| square.media.get(id).is_some_and(|m| m.owner == me.id);
    if let Some(missing) = blobs.iter().find(|id| !mine(id)) {
        // Source: atproto, pds/src/actor-store/blob/transactor.ts.
        return Err(Answer::no(400, "BlobNotFound", &format!("Could not find blob: {missing}")));
    }
    for (n, id) in blobs.iter().enumerate() {
        if let Some(medium) = square.media.get_mut(id) {
            let alt = record["embed"]["images"][n]["alt"].as_str();
            medium.alt = alt.unwrap_or_default().to_owned();
        }
    }
    let parent = record["reply"]["parent"]["uri"].as_str();
    let answered = parent.and_then(|uri| names::post(square, uri)).map(|post| post.id);
    let text = record["text"].as_str().unwrap_or_default();
    let post = SquarePost {
        parent: answered.filter(|id| square.read(Some(&me.id), *id).is_ok()),
        mentions: record::mentions(square, record),
        media: blobs,
        audience: Audience::Public,
        key: Some(rkey.to_owned()),
        language: record["langs"][0].as_str().map(str::to_owned),
        ..SquarePost::by(&me.id, text)
    };
    let unseen = answered.filter(|_| post.parent.is_none());
    let id = world.post(name, post).map_err(no)?;
    if let Some(parent) = unseen {
        hang(world, name, id, parent);
    }
    Ok(id)
}

/// An answer to somebody who blocked its author is taken all the same (`platforms.md` 6.2).
fn hang(world: &mut World, name: &str, id: i64, parent: i64) {
    let square = world.square(name);
    let root = square.posts.get(&parent).map_or(id, |post| post.root);
    if let Some(post) = square.posts.get_mut(&id) {
        (post.parent, post.root) = (Some(parent), root);
    }
    if let Some(Happening { what: What::Posted { post }, .. }) = square.happened.last_mut() {
        (post.parent, post.root) = (Some(parent), root);
    }
}

fn no(why: No) -> Answer {
    match why {
        No::NotYours => Answer::no(401, "AuthenticationRequired", "Authentication Required"),
        No::NoMedium => Answer::no(400, "BlobNotFound", "Could not find blob"),
        No::NoPerson | No::NoPost => Answer::invalid("Could not write the record"),
    }
}

/// Records of other kinds: gates of threads and blocks. Source: lexicons
/// `app.bsky.feed.threadgate`, `app.bsky.graph.block`. Other kinds are not pretended.
fn other(stage: &Stage, write: &Write, rkey: &str) -> Result<Answer> {
    let record = &write.body["record"];
    let uri = format!("at://{}/{}/{rkey}", names::did(&write.me.id), write.collection);
    let mut memory = stage.memory();
    match write.collection.as_str() {
        "app.bsky.feed.threadgate" => {
            let post = record["post"].as_str().unwrap_or_default();
            let id = stage.see(|square| names::post(square, post).map(|post| post.id));
            memory.gated.extend(id);
        }
        "app.bsky.graph.block" => {
            let whom = record["subject"].as_str().unwrap_or_default();
            let whom = stage.see(|square| names::person(square, whom).map(|p| p.id.clone()));
            let whom = whom.ok_or_else(|| Answer::invalid("Record/subject must be a did"))?;
            stage.act(|world| world.square(&stage.name).block(&write.me.id, &whom));
        }
        kind => return Err(Answer::invalid(&format!("{kind} is not pretended here"))),
    }
    Ok(Answer::ok(written(&uri, &names::cid(record))))
}

/// What is not there is deleted all the same, without a `commit`. Source: measured.
pub(super) fn delete(stage: &Stage, call: &Call) -> Result<Answer> {
    let write = write(stage, call)?;
    let rkey = write.rkey.as_deref().unwrap_or_default();
    let id = stage.see(|square| names::post_at(square, &write.me.id, rkey).map(|post| post.id));
    let Some(id) = id else { return Ok(Answer::ok(json!({}))) };
    let at = now();
    stage.act(|world| world.square(&stage.name).delete(at, &write.me.id, id)).map_err(no)?;
    let commit = json!({ "cid": names::cid(&json!([id])), "rev": names::tid(at.0) });
    Ok(Answer::ok(json!({ "commit": commit })))
}

/// Needs no session. Source: lexicon `com.atproto.repo.getRecord`; the error is measured.
pub(super) fn get(stage: &Stage, call: &Call) -> Result<Answer> {
    let (repo, rkey) = (call.must("repo")?, call.must("rkey")?);
    let collection = call.must("collection")?;
    let memory = stage.memory();
    let found = stage.see(|square| {
        let post = names::post_at(square, repo, rkey).filter(|_| collection == POSTS)?;
        let record = record::of(square, &memory, post);
        Some(json!({ "uri": names::uri(post), "cid": names::cid(&record), "value": record }))
    });
    let uri = format!("at://{repo}/{collection}/{rkey}");
    let missing = || Answer::no(400, "RecordNotFound", &format!("Could not locate record: {uri}"));
    found.map(Answer::ok).ok_or_else(missing)
}

/// Newest first, by key. Source: lexicon `com.atproto.repo.listRecords`, atproto
/// pds/src/actor-store/record/reader.ts.
pub(super) fn list(stage: &Stage, call: &Call) -> Result<Answer> {
    let (repo, collection, limit) = (call.must("repo")?, call.must("collection")?, call.limit(50)?);
    let cursor = call.param("cursor");
    let reverse = call.param("reverse") == Some("true");
    let memory = stage.memory();
    let all = stage.see(|square| {
        let person = names::person(square, repo)?;
        let posts = square.written_by(&person.id).filter(|_| collection == POSTS);
        let mut posts: Vec<(String, &SquarePost)> = posts.map(|p| (names::rkey(p), p)).collect();
        posts.sort_by(|a, b| if reverse { a.0.cmp(&b.0) } else { b.0.cmp(&a.0) });
        let past = |key: &str| cursor.is_none_or(|c| if reverse { key > c } else { key < c });
        let page = posts.into_iter().filter(|(key, _)| past(key)).take(limit);
        let kept = page.map(|(key, post)| {
            let record = record::of(square, &memory, post);
            let cid = names::cid(&record);
            (key, json!({ "uri": names::uri(post), "cid": cid, "value": record }))
        });
        Some(kept.collect::<Vec<_>>())
    });
    let all = all.ok_or_else(|| Answer::invalid(&format!("Could not find repo: {repo}")))?;
    let mut body = json!({});
    body["cursor"] = all.last().map_or(Value::Null, |(key, _)| json!(key));
    if body["cursor"].is_null() {
        body = json!({});
    }
    body["records"] = all.into_iter().map(|(_, record)| record).collect();
    Ok(Answer::ok(body))
}

/// Source: lexicon `com.atproto.repo.uploadBlob`.
pub(super) fn upload(stage: &Stage, call: &Call) -> Result<Answer> {
    let me = caller(stage, call)?;
    let mime = call.headers.get("content-type").and_then(|mime| mime.to_str().ok());
    let Some(mime) = mime else {
        return Err(Answer::invalid("Request encoding (Content-Type) required but not provided"));
    };
    let id = names::blob_cid(&call.body);
    let did = names::did(&me.id);
    let medium = Medium {
        id: id.clone(),
        owner: me.id,
        mime: mime.to_owned(),
        url: format!("{}/xrpc/com.atproto.sync.getBlob?did={did}&cid={id}", call.base),
        bytes: call.body.clone(),
        ..Medium::default()
    };
    let blob = record::blob(&id, &medium);
    stage.act(|world| world.square(&stage.name).media.insert(id, medium));
    Ok(Answer::ok(json!({ "blob": blob })))
}

/// Source: lexicon `com.atproto.sync.getBlob`.
pub(super) fn blob(stage: &Stage, call: &Call) -> Result<Answer> {
    let cid = call.must("cid")?;
    let medium = stage.see(|square| square.media.get(cid).cloned());
    let medium = medium.ok_or_else(|| Answer::no(400, "BlobNotFound", "Blob not found"))?;
    Ok(Answer { bytes: Some((medium.mime, medium.bytes)), ..Answer::ok(Value::Null) })
}
