//! How posts and people are shown. Source: openapi, `Post`, `User`, `Media`. Without wishes a post
//! shows only `id`, `text` and `edit_history_tweet_ids`; the rest has to be asked for.

use super::names;
use super::{Answer, Call, Result};
use crate::world::square::{Medium, Square, SquarePost};
use serde_json::{Map, Value, json};

/// Fields that may be wished for (openapi, `PostFieldsParameter`), as far as they are pretended.
const TWEET: &[&str] = &[
    "attachments",
    "author_id",
    "conversation_id",
    "created_at",
    "edit_controls",
    "edit_history_tweet_ids",
    "entities",
    "id",
    "in_reply_to_user_id",
    "lang",
    "note_tweet",
    "possibly_sensitive",
    "public_metrics",
    "referenced_tweets",
    "reply_settings",
    "text",
];
const USER: &[&str] =
    &["id", "name", "profile_image_url", "protected", "public_metrics", "username", "verified"];
const MEDIA: &[&str] = &["alt_text", "media_key", "preview_image_url", "type", "url"];
const EXPANSIONS: &[&str] = &[
    "attachments.media_keys",
    "author_id",
    "in_reply_to_user_id",
    "referenced_tweets.id",
    "referenced_tweets.id.author_id",
    "sender_id",
    "participant_ids",
];
/// Parameters of every list.
pub(super) const WISHES: &[&str] =
    &["tweet.fields", "user.fields", "media.fields", "expansions", "dm_event.fields"];

/// What a caller wishes to see.
pub(super) struct Wishes {
    tweet: Vec<String>,
    user: Vec<String>,
    media: Vec<String>,
    expansions: Vec<String>,
}

fn list(call: &Call, name: &str, known: &[&str]) -> Result<Vec<String>> {
    let text = call.param(name).unwrap_or_default();
    let all: Vec<String> = text.split(',').filter(|f| !f.is_empty()).map(str::to_owned).collect();
    match all.iter().find(|field| !known.contains(&field.as_str())) {
        Some(odd) => Err(Answer::invalid(&format!(
            "The `{name}` query parameter value [{odd}] is not one of [{}]",
            known.join(",")
        ))),
        None => Ok(all),
    }
}

impl Wishes {
    pub(super) fn of(call: &Call) -> Result<Self> {
        Ok(Self {
            tweet: list(call, "tweet.fields", TWEET)?,
            user: list(call, "user.fields", USER)?,
            media: list(call, "media.fields", MEDIA)?,
            expansions: list(call, "expansions", EXPANSIONS)?,
        })
    }

    /// Everything there is, as pushed events show it.
    pub(super) fn all() -> Self {
        let all = |known: &[&str]| known.iter().map(|k| (*k).to_owned()).collect();
        Self { tweet: all(TWEET), user: all(USER), media: all(MEDIA), expansions: all(EXPANSIONS) }
    }

    fn expands(&self, what: &str) -> bool {
        self.expansions.iter().any(|e| e == what)
    }
}

/// Whose square it is, who looks, and where this server stands.
pub(super) struct View<'a> {
    pub(super) square: &'a Square,
    pub(super) base: &'a str,
    pub(super) wishes: Wishes,
}

fn keep(all: Value, wished: &[String], always: &[&str]) -> Value {
    let Value::Object(all) = all else { return all };
    let is = |key: &String| wished.contains(key) || always.contains(&key.as_str());
    all.into_iter().filter(|(key, value)| is(key) && !value.is_null()).collect::<Map<_, _>>().into()
}

impl View<'_> {
    /// A post.
    pub(super) fn post(&self, post: &SquarePost) -> Value {
        let parent = post.parent.and_then(|id| self.square.posts.get(&id));
        let (text, entities) = self.words(post);
        let history = names::history(self.square, post);
        let keys: Vec<String> = post.media.iter().map(|id| format!("3_{id}")).collect();
        let shown = json!({
            "id": history.last(),
            "text": text,
            "edit_history_tweet_ids": history,
            "author_id": names::id(&post.author),
            "conversation_id": post.root.to_string(),
            "created_at": post.edited.unwrap_or(post.written).to_string(),
            "in_reply_to_user_id": parent.map(|parent| names::id(&parent.author)),
            "referenced_tweets": parent.map(|parent| {
                json!([{ "type": "replied_to", "id": names::newest(self.square, parent) }])
            }),
            "attachments": (!keys.is_empty()).then(|| json!({ "media_keys": keys })),
            "entities": entities,
            "lang": post.language.as_deref().unwrap_or("und"),
            "possibly_sensitive": post.warning.is_some(),
            "reply_settings": "everyone",
        });
        keep(shown, &self.wishes.tweet, &["id", "text", "edit_history_tweet_ids"])
    }

    /// The words as X shows them: signs of HTML escaped, links shortened, and in front of an answer
    /// the one it answers. Source: docs, "Data dictionary"; escaping is a guess from the older API.
    fn words(&self, post: &SquarePost) -> (String, Value) {
        let mut urls = Vec::new();
        let mut text = String::new();
        for word in post.text.split_inclusive(char::is_whitespace) {
            let bare = word.trim_end();
            if bare.starts_with("https://") || bare.starts_with("http://") {
                let short =
                    format!("https://t.co/{:010}", names::id(bare).get(..10).unwrap_or("0"));
                urls.push(json!({ "url": short, "expanded_url": bare, "display_url": bare }));
                text.push_str(&short);
                text.push_str(&word[bare.len()..]);
            } else {
                text.push_str(
                    &word.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
                );
            }
        }
        let parent = post.parent.and_then(|id| self.square.posts.get(&id));
        let answered = parent.and_then(|parent| self.square.people.get(&parent.author));
        if let Some(person) = answered.filter(|person| person.id != post.author) {
            let front = format!("@{}", names::handle(person));
            if !text.starts_with(&front) {
                text = format!("{front} {text}");
            }
        }
        let mut entities = json!({ "mentions": self.named(post) });
        if !urls.is_empty() {
            entities["urls"] = json!(urls);
        }
        (text, entities)
    }

    /// The people that the words themselves name.
    fn named(&self, post: &SquarePost) -> Value {
        let called = self.square.called(&post.text);
        let people = called.iter().filter_map(|id| self.square.people.get(id));
        let named = people.map(|p| {
            json!({ "start": 0, "end": 1, "username": names::handle(p),
            "id": names::id(&p.id) })
        });
        named.collect()
    }

    /// A person.
    pub(super) fn user(&self, id: &str) -> Option<Value> {
        let person = self.square.people.get(id)?;
        let shown = json!({
            "id": names::id(&person.id),
            "username": names::handle(person),
            "name": person.name,
            "profile_image_url": person.avatar,
            "protected": false,
            "public_metrics": { "followers_count": person.followers, "following_count": 1,
                "tweet_count": 1, "listed_count": 0 },
            "verified": false,
        });
        Some(keep(shown, &self.wishes.user, &["id", "username", "name"]))
    }

    fn medium(&self, medium: &Medium) -> Value {
        let url = match medium.url.starts_with("http") {
            true => medium.url.clone(),
            false => format!("{}{}", self.base, medium.url),
        };
        let shown = json!({ "media_key": format!("3_{}", medium.id), "type": "photo", "url": url,
            "alt_text": medium.alt });
        keep(shown, &self.wishes.media, &["media_key", "type"])
    }

    /// What these posts refer to, as far as it was wished for.
    pub(super) fn includes(&self, posts: &[&SquarePost]) -> Value {
        let mut all = Map::new();
        if self.wishes.expands("author_id") || self.wishes.expands("sender_id") {
            let mut ids: Vec<&str> = posts.iter().map(|post| post.author.as_str()).collect();
            ids.sort_unstable();
            ids.dedup();
            all.insert("users".into(), ids.iter().filter_map(|id| self.user(id)).collect());
        }
        if self.wishes.expands("referenced_tweets.id") {
            let parents = posts.iter().filter_map(|post| self.square.posts.get(&post.parent?));
            let there = parents.filter(|parent| !parent.deleted);
            all.insert("tweets".into(), there.map(|parent| self.post(parent)).collect());
        }
        if self.wishes.expands("attachments.media_keys") {
            let media = posts.iter().flat_map(|post| &post.media);
            let media = media.filter_map(|id| self.square.media.get(id));
            all.insert("media".into(), media.map(|medium| self.medium(medium)).collect());
        }
        let empty = |value: &Value| value.as_array().is_none_or(Vec::is_empty);
        all.into_iter().filter(|(_, value)| !empty(value)).collect::<Map<_, _>>().into()
    }
}
