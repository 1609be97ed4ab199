//! How people and posts are shown by the network's view. Source: lexicons `app.bsky.actor.defs`,
//! `app.bsky.feed.defs`, `app.bsky.embed.images`.

use super::{Memory, names, record};
use crate::world::square::{Medium, Person, Square, SquarePost};
use serde_json::{Value, json};

/// Who looks, and at what.
pub(super) struct View<'a> {
    pub(super) square: &'a Square,
    pub(super) memory: &'a Memory,
    /// Whose eyes; `None` for a stranger.
    pub(super) me: Option<&'a str>,
    /// Where this server stands.
    pub(super) base: &'a str,
}

impl View<'_> {
    /// A person. There is no `displayName` for one who has given none (measured).
    pub(super) fn author(&self, id: &str) -> Value {
        let Some(person) = self.square.people.get(id) else {
            return json!({ "did": names::did(id), "handle": "handle.invalid" });
        };
        let mut author = json!({
            "did": names::did(id),
            "handle": names::handle(person),
            "associated": {},
            "viewer": self.standing(person),
            "labels": [],
        });
        if !person.name.is_empty() {
            author["displayName"] = json!(person.name);
        }
        if let Some(avatar) = &person.avatar {
            author["avatar"] = json!(avatar);
        }
        author
    }

    /// A person with what he says of himself. Source: lexicon `app.bsky.actor.defs`
    /// (`profileViewDetailed`); a program labels itself `bot` (docs, "Labels and moderation").
    pub(super) fn profile(&self, person: &Person) -> Value {
        let mut profile = self.author(&person.id);
        profile["postsCount"] = json!(self.square.written_by(&person.id).count());
        if !person.about.is_empty() {
            profile["description"] = json!(person.about);
        }
        if person.bot {
            let did = names::did(&person.id);
            let cts = "1970-01-01T00:00:00.000Z";
            profile["labels"] = json!([{ "src": did, "uri": did, "val": "bot", "cts": cts }]);
        }
        profile
    }

    fn standing(&self, person: &Person) -> Value {
        let me = self.me.unwrap_or_default();
        let blocked = |a: &str, b: &str| self.square.blocks.contains(&(a.to_owned(), b.to_owned()));
        let mut standing = json!({ "muted": false, "blockedBy": blocked(&person.id, me) });
        if blocked(me, &person.id) {
            let key = names::tid(0);
            let block = format!("at://{}/app.bsky.graph.block/{key}", names::did(me));
            standing["blocking"] = json!(block);
        }
        standing
    }

    /// A post.
    pub(super) fn post(&self, post: &SquarePost) -> Value {
        let record = record::of(self.square, self.memory, post);
        let mut view = json!({
            "uri": names::uri(post),
            "cid": names::cid(&record),
            "author": self.author(&post.author),
            "replyCount": self.square.answers_to(post.id).count(),
            "repostCount": 0,
            "likeCount": 0,
            "quoteCount": 0,
            "indexedAt": record::time(record::sort(self.memory, post)),
            "viewer": { "replyDisabled": self.is_gated(post) },
            "labels": self.labels(post),
        });
        let media = post.media.iter().filter_map(|id| self.square.media.get(id));
        let images: Vec<Value> = media.map(|medium| self.image(medium)).collect();
        if !images.is_empty() {
            view["embed"] = json!({ "$type": "app.bsky.embed.images#view", "images": images });
        }
        view["record"] = record;
        view
    }

    fn image(&self, medium: &Medium) -> Value {
        let url = match medium.url.starts_with("http") {
            true => medium.url.clone(),
            false => format!("{}{}", self.base, medium.url),
        };
        json!({ "thumb": url, "fullsize": url, "alt": medium.alt })
    }

    fn labels(&self, post: &SquarePost) -> Value {
        let label = |val: &String| {
            let (src, uri) = (names::did(&post.author), names::uri(post));
            json!([{ "src": src, "uri": uri, "val": val, "cts": post.written.to_string() }])
        };
        post.warning.as_ref().map_or_else(|| json!([]), label)
    }

    /// Is the conversation closed to whoever looks? Only its first author may say so. Source:
    /// lexicon `app.bsky.feed.threadgate`.
    fn is_gated(&self, post: &SquarePost) -> bool {
        let root = self.square.posts.get(&post.root);
        let owner = root.map(|root| root.author.as_str());
        self.memory.gated.contains(&post.root) && owner != self.me
    }

    /// May whoever looks see this post?
    pub(super) fn shows(&self, post: &SquarePost) -> bool {
        self.square.may_read(self.me, post)
    }
}
