//! Sending one part of a reply, and looking for one that may have been sent.

use super::Bluesky;
use super::call::Trouble;
use super::hear;
use super::say;
use super::wire::{AtUri, Kept, POSTS, Post, Put, Ref, Uploaded, View, Views, Written, post_uri};
use crate::case::effect::{Change, Receipt};
use crate::network::{Failure, Looked, Outgoing};
use serde_json::{Value, json};

/// Sends one part once.
pub(super) async fn deliver(driver: &Bluesky, out: &Outgoing) -> Result<Receipt, Failure> {
    if let Some(change) = &out.reply.change {
        return change_post(driver, change).await;
    }
    let (parent, post) = parent(driver, out).await?;
    let refs = say::refs(parent, &post);
    let pictures = pictures(driver, out).await?;
    let record = say::record(out, &refs, &pictures);
    let me = driver.client.me().await.map_err(Trouble::before_writing)?;
    let rkey = say::rkey(&out.key, out.first);
    let put = Put {
        repo: &me.did,
        collection: POSTS,
        rkey: &rkey,
        validate: true,
        swap_record: None,
        record: &record,
    };
    match driver.client.post::<Written>("com.atproto.repo.putRecord", &put).await {
        Ok(written) if written.uri == post_uri(&me.did, &rkey) => Ok(receipt(driver, written.uri)),
        Ok(_) => Err(Failure::Unsure("Bluesky names another post than ours".into())),
        Err(trouble) if trouble.is("InvalidSwap") => confirm(driver, out).await,
        Err(trouble) => Err(trouble.writing()),
    }
}

/// A post of ours is deleted; one that is gone already counts as that. Source: lexicon
/// `com.atproto.repo.deleteRecord`.
async fn change_post(driver: &Bluesky, change: &Change) -> Result<Receipt, Failure> {
    let Change::Delete { post } = change else {
        return Err(Failure::Never("Bluesky shows no edits".into()));
    };
    let gone = || Failure::Never("there is no such post".into());
    let name = AtUri::parse(post.as_str()).ok_or_else(gone)?;
    let body = json!({"repo": name.did, "collection": name.collection, "rkey": name.rkey});
    let done = driver.client.post::<Value>("com.atproto.repo.deleteRecord", &body).await;
    done.map_err(Trouble::writing)?;
    Ok(receipt(driver, post.as_str().to_owned()))
}

/// Is the post that was to be deleted gone?
async fn looked_after(driver: &Bluesky, change: &Change) -> Looked {
    let (Change::Edit { post, .. } | Change::Delete { post }) = change;
    match get_record(driver, post.as_str()).await {
        Ok(None) => Looked::There(receipt(driver, post.as_str().to_owned())),
        Ok(Some(_)) => Looked::Absent,
        Err(trouble) => Looked::Unclear(trouble.why()),
    }
}

fn receipt(driver: &Bluesky, uri: String) -> Receipt {
    let url = hear::page(&uri, &driver.app);
    Receipt { remote: uri, url, at: driver.client.xrpc.now() }
}

/// Something stands under our key already: an earlier attempt, or a stranger to this delivery.
async fn confirm(driver: &Bluesky, out: &Outgoing) -> Result<Receipt, Failure> {
    match kept(driver, out).await {
        Ok(Some(kept)) if say::is_ours(out, &kept) => Ok(receipt(driver, kept.uri)),
        Ok(Some(_)) => Err(Failure::Never("another post stands where this one belongs".into())),
        Ok(None) => Err(Failure::Unsure("Bluesky says that it is there and that it is not".into())),
        Err(trouble) => Err(Failure::Unsure(trouble.why())),
    }
}

/// What stands under the key of this delivery.
async fn kept(driver: &Bluesky, out: &Outgoing) -> Result<Option<Kept>, Trouble> {
    let me = driver.client.me().await?;
    let uri = post_uri(&me.did, &say::rkey(&out.key, out.first));
    get_record(driver, &uri).await
}

/// A record; `None` if it is not there.
pub(super) async fn get_record(driver: &Bluesky, uri: &str) -> Result<Option<Kept>, Trouble> {
    let Some(name) = AtUri::parse(uri) else { return Ok(None) };
    let query = [("repo", name.did), ("collection", name.collection), ("rkey", name.rkey)];
    match driver.client.get("com.atproto.repo.getRecord", &query).await {
        Ok(kept) => Ok(Some(kept)),
        Err(trouble) if trouble.is_missing() => Ok(None),
        Err(trouble) => Err(trouble),
    }
}

/// Searches for what an earlier attempt may have left. Our own server answers, not a view that
/// may lag, so an absence is one.
pub(super) async fn look(driver: &Bluesky, out: &Outgoing) -> Looked {
    if let Some(change) = &out.reply.change {
        return looked_after(driver, change).await;
    }
    match kept(driver, out).await {
        Ok(Some(kept)) if say::is_ours(out, &kept) => Looked::There(receipt(driver, kept.uri)),
        Ok(Some(_)) => Looked::Unclear("another post stands where this one belongs".into()),
        Ok(None) => Looked::Absent,
        Err(trouble) => Looked::Unclear(trouble.why()),
    }
}

/// The post to answer, as it stands now. A later part answers one of our own, which only our own
/// server is sure to know already; a customer's post is read with what the network says of it.
async fn parent(driver: &Bluesky, out: &Outgoing) -> Result<(Ref, Post), Failure> {
    let me = driver.client.me().await.map_err(Trouble::before_writing)?;
    let uri = out.parent.as_str();
    let name = AtUri::parse(uri).ok_or_else(|| Failure::Never("there is no such post".into()))?;
    if name.did != me.did
        && let Some(view) = view(driver, uri).await.map_err(Trouble::before_writing)?
    {
        if let Some(why) = hear::no_reply(&view) {
            return Err(Failure::Never(why));
        }
        return readable(Ref { uri: view.uri, cid: view.cid }, view.record);
    }
    match get_record(driver, uri).await.map_err(Trouble::before_writing)? {
        None => Err(Failure::Gone("the post is no longer there".into())),
        Some(kept) if name.did == me.did => {
            readable(Ref { uri: kept.uri, cid: kept.cid }, kept.value)
        }
        Some(_) => Err(Failure::Never("Bluesky no longer shows us this post (a block)".into())),
    }
}

fn readable(parent: Ref, record: Value) -> Result<(Ref, Post), Failure> {
    let post = serde_json::from_value(record);
    post.map(|post| (parent, post)).map_err(|_| Failure::Never("the post cannot be read".into()))
}

async fn view(driver: &Bluesky, uri: &str) -> Result<Option<View>, Trouble> {
    let views: Views = driver.client.get("app.bsky.feed.getPosts", &[("uris", uri)]).await?;
    Ok(views.posts.into_iter().find(|view| view.uri == uri))
}

/// Gives the pictures to the server. A blob is named by its content, so giving one again changes
/// nothing, and one that no record names is swept away by the server.
async fn pictures(driver: &Bluesky, out: &Outgoing) -> Result<Vec<Value>, Failure> {
    if out.files.len() > say::PICTURES {
        return Err(Failure::Never(format!("Bluesky takes {} pictures at most", say::PICTURES)));
    }
    let mut blobs = Vec::new();
    for (file, bytes) in &out.files {
        if !file.mime.starts_with("image/") {
            return Err(Failure::Never("Bluesky takes only pictures here".into()));
        }
        if bytes.len() > say::PICTURE_BYTES {
            return Err(Failure::Never("Bluesky takes pictures of 2 MB at most".into()));
        }
        let given = driver.client.upload::<Uploaded>(&file.mime, bytes).await;
        blobs.push(given.map_err(Trouble::before_writing)?.blob);
    }
    Ok(blobs)
}
