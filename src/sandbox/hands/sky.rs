//! A customer of Bluesky with a client of his own: sessions, facets, records.

use super::{ALT, Hands, PICTURE};
use crate::sandbox::pair::SKY;
use crate::sandbox::script::How;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

const POSTS: &str = "app.bsky.feed.post";

/// Sessions that were opened, by handle: their token and DID.
#[derive(Clone, Default)]
pub(super) struct Sessions(Arc<Mutex<BTreeMap<String, (String, String)>>>);

/// Somebody at work.
pub(super) struct Sky<'h> {
    hands: &'h Hands,
    who: String,
}

/// A post of the world as a record: its author's name there, its key, and the first post of its
/// conversation.
struct Place {
    author: String,
    key: String,
    root: i64,
}

impl Hands {
    pub(super) fn sky(&self, who: &str) -> Sky<'_> {
        let known = self.cast.customer(who).map_or(who, |player| player.key.as_str());
        Sky { hands: self, who: known.to_owned() }
    }
}

impl Sky<'_> {
    async fn session(&self) -> Result<(String, String), String> {
        let known = |all: &Sessions| {
            let all = all.0.lock().unwrap_or_else(PoisonError::into_inner);
            all.get(&self.who).cloned()
        };
        if let Some(session) = known(&self.hands.sessions) {
            return Ok(session);
        }
        let password = self.hands.token(&self.who)?;
        let body = json!({"identifier": format!("{}.test", self.who), "password": password});
        let made = self.send("com.atproto.server.createSession", None, &body).await?;
        let text = |key: &str| made[key].as_str().unwrap_or_default().to_owned();
        let session = (text("accessJwt"), text("did"));
        let mut all = self.hands.sessions.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(self.who.clone(), session.clone());
        Ok(session)
    }

    async fn send(&self, nsid: &str, token: Option<&str>, body: &Value) -> Result<Value, String> {
        let url = format!("{}/xrpc/{nsid}", self.hands.faces.bluesky);
        let mut request = self.hands.client.post(url).json(body);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        self.hands.ask(request).await
    }

    fn place(&self, post: &str) -> Result<Place, String> {
        let unknown = || format!("there is no post {post}");
        let id: i64 = post.parse().map_err(|_| unknown())?;
        let world = self.hands.shared.look();
        let square = world.squares.get(SKY).ok_or_else(unknown)?;
        let found = square.posts.get(&id).ok_or_else(unknown)?;
        let key = found.key.clone().ok_or_else(unknown)?;
        let author = square.people.get(&found.author).ok_or_else(unknown)?;
        Ok(Place { author: format!("{}.test", author.handle), key, root: found.root })
    }

    /// The strong reference to a post: its address and its content's name.
    async fn reference(&self, place: &Place) -> Result<Value, String> {
        let url = format!("{}/xrpc/com.atproto.repo.getRecord", self.hands.faces.bluesky);
        let query = [("repo", &*place.author), ("collection", POSTS), ("rkey", &*place.key)];
        let found = self.hands.ask(self.hands.client.get(url).query(&query)).await?;
        Ok(json!({"uri": found["uri"], "cid": found["cid"]}))
    }

    /// Writes a post; returns the world's id of it.
    pub(super) async fn post(
        &self,
        text: &str,
        how: &How,
        parent: Option<&str>,
    ) -> Result<String, String> {
        if how.direct {
            return Err("posts of Bluesky are public".to_owned());
        }
        let (token, did) = self.session().await?;
        let mut record = record(text);
        if let Some(parent) = parent {
            let parent = self.place(parent)?;
            let root = self.place(&parent.root.to_string())?;
            let (parent, root) = (self.reference(&parent).await?, self.reference(&root).await?);
            record["reply"] = json!({"parent": parent, "root": root});
        }
        if how.picture {
            let image = json!({"image": self.picture(&token).await?, "alt": ALT});
            record["embed"] = json!({"$type": "app.bsky.embed.images", "images": [image]});
        }
        let body = json!({"repo": did, "collection": POSTS, "record": record});
        let made = self.send("com.atproto.repo.createRecord", Some(&token), &body).await?;
        let key = made["uri"].as_str().and_then(|uri| uri.rsplit('/').next()).unwrap_or_default();
        let world = self.hands.shared.look();
        let mut posts = world.squares.get(SKY).into_iter().flat_map(|s| s.posts.values().rev());
        let post = posts.find(|post| post.key.as_deref() == Some(key));
        post.map(|post| post.id.to_string()).ok_or_else(|| "the post is not there".to_owned())
    }

    async fn picture(&self, token: &str) -> Result<Value, String> {
        let url = format!("{}/xrpc/com.atproto.repo.uploadBlob", self.hands.faces.bluesky);
        let request = self.hands.client.post(url).bearer_auth(token).body(PICTURE);
        let made = self.hands.ask(request.header("content-type", "image/png")).await?;
        Ok(made["blob"].clone())
    }

    /// Changes a post.
    pub(super) async fn edit(&self, post: &str, text: &str) -> Result<(), String> {
        let (token, did) = self.session().await?;
        let key = self.place(post)?.key;
        let body = json!({"repo": did, "collection": POSTS, "rkey": key, "record": record(text)});
        self.send("com.atproto.repo.putRecord", Some(&token), &body).await.map(|_| ())
    }

    /// Deletes a post.
    pub(super) async fn delete(&self, post: &str) -> Result<(), String> {
        let (token, did) = self.session().await?;
        let body = json!({"repo": did, "collection": POSTS, "rkey": self.place(post)?.key});
        self.send("com.atproto.repo.deleteRecord", Some(&token), &body).await.map(|_| ())
    }
}

/// A post as Bluesky's own client writes it: `@acme` becomes a call of our account.
fn record(text: &str) -> Value {
    let text = text.replace("@acme", "@acme.test");
    let us =
        json!({"$type": "app.bsky.richtext.facet#mention", "did": crate::sandbox::cast::did()});
    let facets: Vec<Value> = text
        .match_indices("@acme.test")
        .map(|(at, call)| {
            let index = json!({"byteStart": at, "byteEnd": at + call.len()});
            json!({"index": index, "features": [us]})
        })
        .collect();
    json!({
        "$type": POSTS, "text": text, "facets": facets, "langs": ["en"],
        "createdAt": crate::engine::clock::now().to_string(),
    })
}
