//! The entities, written by hand. Source: docs, entities/*.

use super::Flavour;
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use crate::world::square::{Medium, Person, Square, SquarePost};
use serde_json::{Value, json};

const ULID: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// An id as this server writes it. Mastodon's are decimal numbers in text; GoToSocial's are ULIDs,
/// 26 characters that sort as text. Source: docs, entities/Status#id; github.com/oklog/ulid.
pub(super) fn id(flavour: Flavour, number: i64) -> String {
    if flavour != Flavour::GoToSocial {
        return number.to_string();
    }
    let number = u128::from(number.unsigned_abs());
    let mut value = ((number / 1000) << 80) | ((number % 1000) << 60) | 0xCA4E;
    let mut out = [b'0'; 26];
    for letter in out.iter_mut().rev() {
        *letter = ULID[usize::try_from(value & 31).unwrap_or(0)];
        value >>= 5;
    }
    out.iter().map(|letter| char::from(*letter)).collect()
}

/// The number behind an id, or `None` if this server never wrote such an id.
pub(super) fn number(flavour: Flavour, text: &str) -> Option<i64> {
    if flavour != Flavour::GoToSocial {
        return text.parse().ok().filter(|n: &i64| n.to_string() == text);
    }
    let mut value: u128 = 0;
    for letter in text.bytes().filter(|_| text.len() == 26) {
        let at = ULID.iter().position(|known| *known == letter)?;
        value = (value << 5) | at as u128;
    }
    let number = (value >> 80) * 1000 + ((value >> 60) & 0xF_FFFF);
    i64::try_from(number).ok().filter(|n| id(flavour, *n) == text)
}

/// Source: docs, entities/Account.
pub(super) fn account(base: &str, person: &Person) -> Value {
    let username = person.handle.split('@').next().unwrap_or_default();
    let page = page(base, person);
    let avatar = person.avatar.clone().unwrap_or(format!("{base}/avatars/original/missing.png"));
    json!({
        "id": person.id, "username": username, "acct": person.handle,
        "display_name": person.name, "locked": false, "bot": person.bot, "discoverable": true,
        "indexable": false, "group": false, "created_at": "2024-01-01T00:00:00.000Z",
        "note": format!("<p>{}</p>", escape(&person.about)),
        "url": page, "uri": page, "avatar": avatar, "avatar_static": avatar,
        "header": format!("{base}/headers/original/missing.png"),
        "header_static": format!("{base}/headers/original/missing.png"),
        "followers_count": person.followers, "following_count": 1, "statuses_count": 1,
        "last_status_at": "2026-08-01", "hide_collections": null, "noindex": false,
        "emojis": [], "roles": [], "fields": [],
    })
}

pub(super) fn page(base: &str, person: &Person) -> String {
    if person.url.is_empty() { format!("{base}/@{}", person.handle) } else { person.url.clone() }
}

/// Source: docs, entities/Status#visibility.
pub(super) const fn visibility(audience: Audience) -> &'static str {
    match audience {
        Audience::Direct => "direct",
        Audience::Followers => "private",
        Audience::Unlisted => "unlisted",
        Audience::Public => "public",
    }
}

/// Source: docs, entities/Status.
pub(super) fn status(view: &View<'_>, post: &SquarePost) -> Value {
    let View { square, base, flavour } = *view;
    let nobody = Person { id: post.author.clone(), ..Person::default() };
    let author = square.people.get(&post.author).unwrap_or(&nobody);
    let parent = post.parent.and_then(|parent| square.posts.get(&parent));
    let name = id(flavour, post.id);
    let link = format!("{}/{name}", page(base, author));
    let media = post.media.iter().filter_map(|id| square.media.get(id));
    let answers = square.answers_to(post.id).filter(|answer| !answer.deleted);
    json!({
        "id": name,
        "created_at": post.written.to_string(),
        "in_reply_to_id": post.parent.map(|parent| id(flavour, parent)),
        "in_reply_to_account_id": parent.map(|parent| &parent.author),
        "sensitive": post.warning.is_some(),
        "spoiler_text": post.warning.clone().unwrap_or_default(),
        "visibility": visibility(post.audience),
        "language": post.language, "uri": link, "url": link,
        "replies_count": answers.count(), "reblogs_count": 0, "favourites_count": 0,
        "quotes_count": 0, "edited_at": post.edited.map(|at| at.to_string()),
        "favourited": false, "reblogged": false, "muted": false, "bookmarked": false,
        "pinned": false, "content": content(view, post), "filtered": [], "reblog": null,
        "application": post.app.as_ref().map(|app| json!({ "name": app, "website": null })),
        "account": account(base, author),
        "media_attachments": media.map(medium).collect::<Vec<_>>(),
        "mentions": mentions(view, post), "tags": tags(post),
        "emojis": [], "card": null, "poll": null,
    })
}

/// What entities are made from.
#[derive(Clone, Copy)]
pub(super) struct View<'a> {
    pub(super) square: &'a Square,
    pub(super) base: &'a str,
    pub(super) flavour: Flavour,
}

/// The hashtags of a post, small. Source: docs, entities/Status#Tag.
pub(super) fn hashtags(post: &SquarePost) -> Vec<String> {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    let tag = |(at, _): (usize, &str)| {
        let rest = &post.text[at + 1..];
        let end = rest.find(|c| !part(c)).unwrap_or(rest.len());
        let free = !post.text[..at].ends_with(|c: char| part(c) || c == '/');
        (end > 0 && free).then(|| rest[..end].to_lowercase())
    };
    post.text.match_indices('#').filter_map(tag).collect()
}

fn tags(post: &SquarePost) -> Vec<Value> {
    let tag =
        |name: &String| json!({ "name": name, "url": format!("https://tags.invalid/{name}") });
    hashtags(post).iter().map(tag).collect()
}

/// Source: docs, entities/Status#Mention.
fn mentions(view: &View<'_>, post: &SquarePost) -> Vec<Value> {
    let people = post.mentions.iter().filter_map(|id| view.square.people.get(id));
    let one = |person: &Person| {
        let username = person.handle.split('@').next().unwrap_or_default();
        let url = page(view.base, person);
        json!({ "id": person.id, "username": username, "url": url, "acct": person.handle })
    };
    people.map(one).collect()
}

/// Source: docs, entities/MediaAttachment.
pub(super) fn medium(medium: &Medium) -> Value {
    let kind = match medium.mime.split('/').next() {
        Some("image") => "image",
        Some("video") => "video",
        Some("audio") => "audio",
        _ => "unknown",
    };
    let url = (medium.pending == 0).then_some(&medium.url);
    json!({
        "id": medium.id, "type": kind, "url": url, "preview_url": url, "remote_url": null,
        "preview_remote_url": null, "text_url": null, "meta": {}, "blurhash": null,
        "description": (!medium.alt.is_empty()).then_some(&medium.alt),
    })
}

/// Source: docs, entities/Notification.
pub(super) fn notification(view: &View<'_>, of: (&str, Timestamp), post: &SquarePost) -> Value {
    let status = status(view, post);
    json!({
        "id": of.0, "type": "mention", "created_at": of.1.to_string(),
        "group_key": format!("ungrouped-{}", of.0),
        "account": status["account"].clone(), "status": status,
    })
}

/// The words as HTML: paragraphs, line breaks, mentions and links as Mastodon's formatter marks
/// them. Source: docs, spec/activitypub ("HTML sanitization"), mastodon/mastodon
/// app/lib/text_formatter.rb (the scheme is hidden, a long link is shortened by CSS).
fn content(view: &View<'_>, post: &SquarePost) -> String {
    let paragraph = |text: &str| {
        let lines: Vec<_> = text.split('\n').map(|line| html_line(view, post, line)).collect();
        format!("<p>{}</p>", lines.join("<br />"))
    };
    if post.text.is_empty() {
        return String::new();
    }
    post.text.split("\n\n").map(paragraph).collect()
}

fn html_line(view: &View<'_>, post: &SquarePost, line: &str) -> String {
    let words = line.split_inclusive(' ').map(|piece| {
        let word = piece.trim_end_matches(' ');
        let space = &piece[word.len()..];
        let known = word.starts_with('@').then(|| view.square.called(word));
        let person = known.and_then(|ids| ids.into_iter().next());
        let person = person.filter(|id| post.mentions.contains(id));
        let html = match person.and_then(|id| view.square.people.get(&id)) {
            Some(person) => mention_html(view.base, person, word),
            None if word.starts_with("https://") || word.starts_with("http://") => link_html(word),
            None => escape(word),
        };
        html + space
    });
    words.collect()
}

fn mention_html(base: &str, person: &Person, word: &str) -> String {
    let username = person.handle.split('@').next().unwrap_or_default();
    let whole = word[1..].to_lowercase().starts_with(&person.handle.to_lowercase());
    let length = if whole { person.handle.len() } else { username.len() };
    let tail = word.get(1 + length..).unwrap_or_default();
    format!(
        concat!(
            r#"<span class="h-card" translate="no"><a href="{}" class="u-url mention">"#,
            r#"@<span>{}</span></a></span>{}"#
        ),
        escape(&page(base, person)),
        escape(username),
        escape(tail)
    )
}

fn link_html(word: &str) -> String {
    let (scheme, rest) = word.split_at(word.find("://").map_or(0, |at| at + 3));
    let at = rest.char_indices().nth(30).map_or(rest.len(), |(at, _)| at);
    let (seen, hidden) = rest.split_at(at);
    let class = if hidden.is_empty() { "" } else { "ellipsis" };
    format!(
        concat!(
            r#"<a href="{}" target="_blank" rel="nofollow noopener" translate="no">"#,
            r#"<span class="invisible">{}</span><span class="{}">{}</span>"#,
            r#"<span class="invisible">{}</span></a>"#
        ),
        escape(word),
        scheme,
        class,
        escape(seen),
        escape(hidden)
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&#39;")
}
