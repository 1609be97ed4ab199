//! How posts, comments and messages are shown: only what was asked for. Source: docs, "Page post",
//! "Comment", "IG media", "IG comment", "Conversations API".

use super::fields::{Field, only};
use super::names::{self, PICTURE};
use super::{Kind, Result};
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::world::square::{Person, Square, SquarePost};
use serde_json::{Map, Value, json};

const POST: &[&str] = &[
    "id",
    "from",
    "message",
    "created_time",
    "updated_time",
    "permalink_url",
    "is_hidden",
    "comments",
];
const COMMENT: &[&str] = &[
    "id",
    "from",
    "message",
    "created_time",
    "parent",
    "permalink_url",
    "attachment",
    "is_hidden",
    "can_reply_privately",
];
const TAGGED: &[&str] = &["id", "message", "created_time", "permalink_url"];
const MEDIUM: &[&str] = &["id", "caption", "timestamp", "permalink", "comments"];
const IG_COMMENT: &[&str] =
    &["id", "text", "timestamp", "from", "username", "parent_id", "replies", "media"];
const IG_TAGGED: &[&str] = &["id", "caption", "timestamp", "username", "permalink"];

/// Whose things, and how they are called.
pub(super) struct View<'a> {
    pub(super) kind: Kind,
    pub(super) square: &'a Square,
    pub(super) us: &'a Person,
    /// Where people read it: this server, as the caller called it.
    pub(super) base: &'a str,
}

/// Source: docs: whole seconds, and a zone without a colon.
pub(super) fn time(at: Timestamp) -> String {
    let text = at.to_string();
    format!("{}+0000", text.split('.').next().unwrap_or_default())
}

/// What was asked for of all this.
pub(super) fn keep(all: Value, fields: &[Field]) -> Value {
    let Value::Object(all) = all else { return all };
    let wanted = |key: &String| key == "id" || fields.iter().any(|field| field.name == *key);
    all.into_iter().filter(|(k, v)| wanted(k) && !v.is_null()).collect::<Map<_, _>>().into()
}

/// A page of things that are already in order. Source: docs, "Paginated results": `next` only where
/// there is more.
pub(super) fn page(all: &[Value], after: Option<&str>, limit: usize) -> Value {
    let from = after.and_then(|text| hex::decode(text).ok());
    let from =
        from.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok()).unwrap_or(0_usize);
    let shown: Vec<&Value> = all.iter().skip(from).take(limit).collect();
    let mut page = json!({ "data": shown });
    if !shown.is_empty() {
        let end = from + shown.len();
        let after = hex::encode(end.to_string());
        page["paging"] = json!({ "cursors": { "before": hex::encode(from.to_string()),
            "after": after } });
        if end < all.len() {
            page["paging"]["next"] = json!("https://graph.example/next");
        }
    }
    page
}

/// Is this post open to everybody?
pub(super) fn is_open(post: &SquarePost) -> bool {
    !post.deleted && post.audience != Audience::Direct
}

/// Was it written in somebody's own place?
pub(super) fn is_tag(post: &SquarePost) -> bool {
    post.app.as_deref() == Some("tag")
}

impl View<'_> {
    pub(super) fn id(&self, post: &SquarePost) -> String {
        names::id(self.kind, self.us, post)
    }

    /// Source: docs, "Comment": who, unless the token may not know.
    fn from(&self, author: &str) -> Option<Value> {
        let person = self.square.people.get(author)?;
        let id = names::number(&person.id);
        Some(match self.kind {
            Kind::Facebook => json!({ "id": id, "name": person.name }),
            Kind::Instagram => json!({ "id": id, "username": names::username(person) }),
        })
    }

    /// The comments right below our posts, or the visitors' posts that are shown so; newest first.
    fn tops(&self, post: Option<&SquarePost>) -> Vec<&SquarePost> {
        match post {
            Some(post) => {
                self.square.answers_to(post.id).rev().filter(|post| is_open(post)).collect()
            }
            None => self.visitors(),
        }
    }

    /// What others wrote of themselves and that names us, newest first.
    pub(super) fn visitors(&self) -> Vec<&SquarePost> {
        let all = self.square.posts.values().rev();
        all.filter(|post| {
            post.parent.is_none()
                && is_open(post)
                && !is_tag(post)
                && self.square.tells(post, &self.us.id)
        })
        .collect()
    }

    /// All that stands below this, newest first.
    fn below(&self, post: &SquarePost) -> Vec<&SquarePost> {
        let mut all = self.square.descendants(post.id);
        all.retain(|post| is_open(post));
        all.reverse();
        all
    }

    /// The comment of the first level above this one; `None` if it is one itself. Source: docs,
    /// "Comment replies": there are two levels.
    pub(super) fn top(&self, post: &SquarePost) -> Option<&SquarePost> {
        let above = self.square.ancestors(post.id);
        // Below a visitor's post the first level is what answers it; Instagram shows that post
        // itself as a comment.
        let root_is_comment = self.kind == Kind::Instagram
            && above.first().is_some_and(|root| root.author != self.us.id);
        let level = usize::from(!root_is_comment);
        above.get(level).copied()
    }

    /// A post on a Page's wall.
    pub(super) fn post(&self, post: &SquarePost, fields: &[Field]) -> Result<Value> {
        only(fields, "Post", POST)?;
        let mut all = json!({
            "id": self.id(post), "from": self.from(&post.author), "message": post.text,
            "created_time": time(post.written), "permalink_url": self.link(post),
            "updated_time": time(post.edited.unwrap_or(post.written)), "is_hidden": false,
        });
        if let Some(field) = fields.iter().find(|field| field.name == "comments") {
            let stream = field.arg("filter") == Some("stream");
            let comments = self.comments(post, stream, &field.below)?;
            if !comments.is_empty() {
                all["comments"] = page(&comments, None, field.limit());
            }
        }
        Ok(keep(all, fields))
    }

    /// Comments of a Page's post, newest first; `stream` with the second level among them.
    pub(super) fn comments(
        &self,
        post: &SquarePost,
        stream: bool,
        fields: &[Field],
    ) -> Result<Vec<Value>> {
        let below = if stream { self.below(post) } else { self.tops(Some(post)) };
        below.into_iter().map(|post| self.comment(post, fields)).collect()
    }

    /// A comment on Facebook.
    pub(super) fn comment(&self, post: &SquarePost, fields: &[Field]) -> Result<Value> {
        only(fields, "Comment", COMMENT)?;
        let parent = self.top(post).map(|top| json!({ "id": self.id(top) }));
        let all = json!({
            "id": self.id(post), "from": self.from(&post.author), "message": post.text,
            "created_time": time(post.written), "permalink_url": self.link(post),
            "parent": parent, "is_hidden": false, "can_reply_privately": true,
        });
        Ok(keep(all, fields))
    }

    fn link(&self, post: &SquarePost) -> String {
        format!("{}/{}", self.base, self.id(post))
    }

    /// A medium of ours; `None` is the picture that is always there.
    pub(super) fn medium(&self, post: Option<&SquarePost>, fields: &[Field]) -> Result<Value> {
        only(fields, "Media", MEDIUM)?;
        let id = post.map_or_else(|| PICTURE.to_owned(), |post| self.id(post));
        let mut all = json!({
            "id": id, "caption": post.map(|post| post.text.clone()),
            "timestamp": time(post.map_or_else(super::now, |post| post.written)),
            "permalink": format!("{}/p/{id}/", self.base),
        });
        if let Some(field) = fields.iter().find(|field| field.name == "comments") {
            let comments = self.medium_comments(post, &field.below)?;
            if !comments.is_empty() {
                all["comments"] = page(&comments, None, field.limit());
            }
        }
        Ok(keep(all, fields))
    }

    /// Comments of a medium, newest first, without what answers them.
    pub(super) fn medium_comments(
        &self,
        post: Option<&SquarePost>,
        fields: &[Field],
    ) -> Result<Vec<Value>> {
        self.tops(post).into_iter().map(|post| self.ig_comment(post, fields)).collect()
    }

    /// A comment on Instagram.
    pub(super) fn ig_comment(&self, post: &SquarePost, fields: &[Field]) -> Result<Value> {
        only(fields, "IGComment", IG_COMMENT)?;
        let top = self.top(post);
        let username = self.square.people.get(&post.author).map(names::username);
        let mut all = json!({
            "id": self.id(post), "text": post.text, "timestamp": time(post.written),
            "from": self.from(&post.author), "username": username,
            "parent_id": top.map(|top| self.id(top)),
        });
        let field = fields.iter().find(|field| field.name == "replies");
        if let Some(field) = field.filter(|_| top.is_none()) {
            let replies = self.replies(post, &field.below)?;
            if !replies.is_empty() {
                all["replies"] = page(&replies, None, field.limit());
            }
        }
        Ok(keep(all, fields))
    }

    /// What answers a comment of the first level, newest first.
    pub(super) fn replies(&self, post: &SquarePost, fields: &[Field]) -> Result<Vec<Value>> {
        self.below(post).into_iter().map(|post| self.ig_comment(post, fields)).collect()
    }

    /// A post elsewhere that names us.
    pub(super) fn tagged(&self, post: &SquarePost, fields: &[Field]) -> Result<Value> {
        let known = if self.kind == Kind::Facebook { TAGGED } else { IG_TAGGED };
        only(fields, "Tagged", known)?;
        let username = self.square.people.get(&post.author).map(names::username);
        let all = json!({
            "id": self.id(post), "message": post.text, "caption": post.text,
            "created_time": time(post.written), "timestamp": time(post.written),
            "username": username, "permalink_url": self.link(post),
            "permalink": format!("{}/p/{}/", self.base, post.id),
        });
        Ok(keep(all, fields))
    }

    /// A message.
    pub(super) fn letter(&self, post: &SquarePost, fields: &[Field]) -> Result<Value> {
        let known = ["id", "created_time", "from", "to", "message", "attachments"];
        only(fields, "Message", &known)?;
        let to = post.mentions.first().and_then(|id| self.from(id));
        let all = json!({
            "id": format!("m_{}", post.id), "created_time": time(post.written),
            "from": self.from(&post.author), "to": { "data": [to] }, "message": post.text,
        });
        Ok(keep(all, fields))
    }
}
