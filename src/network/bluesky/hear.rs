//! What is heard: a notification or a post becomes a mention. Pure.
//!
//! The DID is who somebody is; the handle is only what is shown, and a handle that does not point
//! back to its DID is shown as not verified (`reliability.md` S23).

use super::wire::{
    AtUri, Author, Facet, Feature, Label, NO_HANDLE, Notice, Post, View, tid_micros,
};
use crate::case::clean;
use crate::case::event::{Media, MediaKind, Mention, OwnPost};
use crate::case::id::{AccountId, ContactId, PostId};
use crate::case::model::Audience;
use crate::case::rich::Theirs;
use crate::case::time::Timestamp;
use serde_json::Value;

/// A post as it was found, with what the network tells of it beside the record.
#[derive(Clone, Debug)]
pub(super) struct Found {
    pub(super) uri: String,
    pub(super) cid: String,
    pub(super) author: Author,
    pub(super) post: Post,
    /// Where it stands in the list of notifications, by the network's clock.
    pub(super) sort: Timestamp,
    /// Its view, if it was asked for: pictures, labels, whether we may answer.
    pub(super) view: Option<Box<View>>,
}

impl Found {
    /// From a notification.
    ///
    /// # Errors
    /// What cannot be read about it, in our words.
    pub(super) fn from_notice(notice: Notice) -> Result<Self, String> {
        Self::new(notice.uri, notice.cid, notice.author, notice.record, &notice.indexed_at)
    }

    /// From the view of a post.
    ///
    /// # Errors
    /// As [`Found::from_notice`].
    pub(super) fn from_view(view: View) -> Result<Self, String> {
        let (uri, cid, author) = (view.uri.clone(), view.cid.clone(), view.author.clone());
        let mut found = Self::new(uri, cid, author, view.record.clone(), &view.indexed_at)?;
        found.view = Some(Box::new(view));
        Ok(found)
    }

    fn new(
        uri: String,
        cid: String,
        author: Author,
        record: Value,
        indexed_at: &str,
    ) -> Result<Self, String> {
        let name = AtUri::parse(&uri).ok_or("the post has a name that is none")?;
        if name.did != author.did {
            return Err("the post does not belong to its author".into());
        }
        let post = serde_json::from_value(record).map_err(|e| crate::net::misread(&e))?;
        let sort = Timestamp::parse(indexed_at).ok_or("the time of the post cannot be read")?;
        Ok(Self { uri, cid, author, post, sort, view: None })
    }

    /// When it was written. `createdAt` is whatever its author's app claims, and may be years off;
    /// the record's key is a TID, which apps and servers make from their clock. The later of both
    /// counts, but nothing is written in the future.
    pub(super) fn written(&self, now: Timestamp) -> Timestamp {
        let claimed = Timestamp::parse(&self.post.created_at).unwrap_or(self.sort).min(self.sort);
        self.keyed().map_or(claimed, |keyed| keyed.max(claimed)).min(now)
    }

    /// The instant its key names.
    pub(super) fn keyed(&self) -> Option<Timestamp> {
        AtUri::parse(&self.uri).and_then(|name| tid_micros(name.rkey)).map(Timestamp)
    }
}

/// Is this notification somebody speaking to us? The network tells us of replies deeper in a thread
/// of ours, too: those between other people are none of our business unless they name us.
pub(super) fn is_for_us(told: &str, found: &Found, us: &str) -> bool {
    let spoken = reason(found, us).is_some();
    found.author.did != us && (matches!(told, "mention" | "quote") || told == "reply" && spoken)
}

/// What a post has to do with this account, judged by its content: it names us, quotes us, answers
/// us, or goes on below its author's own post. The last counts only for posts that the network or
/// a root of ours has brought here.
pub(super) fn reason(found: &Found, us: &str) -> Option<&'static str> {
    reason_of(&found.post, &found.author.did, us)
}

/// Does this post name, quote or answer us? Then its author speaks to us, and the notifications
/// bring it.
pub(super) fn is_addressed(post: &Post, us: &str) -> bool {
    reason_of(post, us, us).is_some()
}

pub(super) fn reason_of(post: &Post, author: &str, us: &str) -> Option<&'static str> {
    let by = |uri: &str, did: &str| AtUri::parse(uri).is_some_and(|name| name.did == did);
    let quoted = post.embed.as_ref().map(|e| [&e["record"]["uri"], &e["record"]["record"]["uri"]]);
    let mut quoted = quoted.into_iter().flatten().filter_map(Value::as_str);
    let parent = post.reply.as_ref().map(|refs| refs.parent.uri.as_str());
    if names(post, us) {
        return Some("mention");
    }
    if quoted.any(|uri| by(uri, us)) {
        return Some("quote");
    }
    parent.filter(|uri| by(uri, us) || by(uri, author)).map(|_| "reply")
}

/// Does this post name this account?
fn names(post: &Post, did: &str) -> bool {
    let is = |feature: &Feature| matches!(feature, Feature::Mention { did: d } if d == did);
    facets(post).iter().flat_map(|facet| &facet.features).any(is)
}

/// The post as a mention.
pub(super) fn mention(account: &AccountId, found: &Found, app: &str, now: Timestamp) -> Mention {
    let (author, post) = (&found.author, &found.post);
    let reply = post.reply.as_ref();
    let root = reply.map_or(&found.uri, |reply| &reply.root.uri);
    Mention {
        contact: ContactId { account: account.clone(), remote: author.did.clone() },
        handle: Theirs::new(handle(author)),
        name: Theirs::new(name(author)),
        author_url: Some(format!("{app}/profile/{}", author.did)),
        avatar: author.avatar.clone().filter(|url| is_web(url)),
        post: PostId::new(&found.uri),
        parent: reply.map(|reply| PostId::new(&reply.parent.uri)),
        conversation: root.clone(),
        audience: Audience::Public,
        text: Theirs::new(text(found, app)),
        warning: warning(found),
        media: media(found.view.as_deref().and_then(|view| view.embed.as_ref())),
        url: page(&found.uri, app),
        written: found.written(now),
        language: post.langs.first().map(|lang| clean::line(lang)),
        no_reply: found.view.as_deref().and_then(no_reply),
        overheard: None,
        reach: None,
    }
}

/// A post of our own.
pub(super) fn own(
    account: &AccountId,
    uri: &str,
    post: &Post,
    app: &str,
    now: Timestamp,
) -> OwnPost {
    let keyed = AtUri::parse(uri).and_then(|name| tid_micros(name.rkey)).map(Timestamp);
    let claimed = Timestamp::parse(&post.created_at).or(keyed).unwrap_or(now);
    OwnPost {
        account: account.clone(),
        post: PostId::new(uri),
        parent: post.reply.as_ref().map(|reply| PostId::new(&reply.parent.uri)),
        text: clean::lines(&plain(&post.text, &facets(post))),
        url: page(uri, app),
        written: claimed.min(now),
    }
}

/// Where people read a post. By DID: such a link outlives a change of the handle.
pub(super) fn page(uri: &str, app: &str) -> Option<String> {
    let name = AtUri::parse(uri)?;
    Some(format!("{app}/profile/{}/post/{}", name.did, name.rkey))
}

fn handle(author: &Author) -> String {
    if author.handle.is_empty() || author.handle == NO_HANDLE {
        return clean::line(&format!("{} (handle not verified)", author.did));
    }
    clean::line(&author.handle)
}

fn name(author: &Author) -> String {
    let given = author.display_name.as_deref().map(clean::line).filter(|name| !name.is_empty());
    given.unwrap_or_else(|| handle(author))
}

/// Why an answer would not be seen. Both are silent at the network: it takes the reply and shows
/// it to nobody (`platforms.md` 6.2).
pub(super) fn no_reply(view: &View) -> Option<String> {
    if view.author.viewer.blocked_by {
        return Some("the customer has blocked this account on Bluesky".into());
    }
    if view.author.viewer.blocking.is_some() {
        return Some("this account has blocked the customer on Bluesky".into());
    }
    let gated = "the customer's thread on Bluesky does not take replies from this account";
    view.viewer.reply_disabled.then(|| gated.into())
}

/// Labels of the post, by its author and by moderators, as a warning.
fn warning(found: &Found) -> Option<Theirs> {
    let own = found.post.labels["values"].as_array().cloned().unwrap_or_default();
    let own = own.into_iter().filter_map(|value| serde_json::from_value::<Label>(value).ok());
    let set = found.view.iter().flat_map(|view| view.labels.clone());
    let mut words: Vec<String> = own
        .chain(set)
        .filter(|label| !label.neg && !label.val.starts_with('!'))
        .map(|label| clean::line(&label.val))
        .collect();
    words.sort();
    words.dedup();
    (!words.is_empty()).then(|| Theirs::new(words.join(", ")))
}

/// The words, with what the post shows besides: a link card, a quoted post.
fn text(found: &Found, app: &str) -> String {
    let mut text = plain(&found.post.text, &facets(&found.post));
    for line in found.post.embed.iter().flat_map(|embed| cards(embed, app)) {
        if !text.contains(&line) {
            text.push_str(if text.is_empty() { "" } else { "\n" });
            text.push_str(&line);
        }
    }
    clean::lines(&text)
}

/// The targets of a link card and of a quotation.
fn cards(embed: &Value, app: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for part in [embed, &embed["media"]] {
        lines.extend(part["external"]["uri"].as_str().filter(|uri| is_web(uri)).map(str::to_owned));
    }
    for part in [&embed["record"]["uri"], &embed["record"]["record"]["uri"]] {
        lines.extend(part.as_str().and_then(|uri| page(uri, app)));
    }
    lines
}

/// The facets that can be read and lie in the text: sorted, without overlap, between letters.
pub(super) fn facets(post: &Post) -> Vec<Facet> {
    let read = |value: &Value| serde_json::from_value::<Facet>(value.clone()).ok();
    let inside = |facet: &Facet| {
        let (from, to) = (facet.index.byte_start, facet.index.byte_end);
        from < to && post.text.get(from..to).is_some()
    };
    let mut all: Vec<Facet> = post.facets.iter().filter_map(read).filter(inside).collect();
    all.sort_by_key(|facet| facet.index.byte_start);
    let mut end = 0;
    all.retain(|facet| {
        let free = facet.index.byte_start >= end;
        end = if free { facet.index.byte_end } else { end };
        free
    });
    all
}

/// The text with the true target of each link: a label that is not its own target is followed by
/// it, and a shortened address is shown whole (`reliability.md` S4).
pub(super) fn plain(text: &str, facets: &[Facet]) -> String {
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for facet in facets {
        let link = facet.features.iter().find_map(|feature| match feature {
            Feature::Link { uri } => Some(uri),
            _ => None,
        });
        let (from, to) = (facet.index.byte_start, facet.index.byte_end);
        let (Some(uri), Some(label)) = (link, text.get(from..to)) else { continue };
        out.push_str(text.get(at..from).unwrap_or_default());
        out.push_str(&shown(label, uri));
        at = to;
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

fn shown(label: &str, uri: &str) -> String {
    let bare = |s: &str| {
        let s = s.trim().trim_start_matches("https://").trim_start_matches("http://");
        s.trim_end_matches('/').to_owned()
    };
    let short = label.trim().trim_end_matches("...").trim_end_matches('…');
    let was_cut = short.len() < label.trim().len();
    let same = bare(label) == bare(uri) || was_cut && bare(uri).starts_with(&bare(short));
    // A label without a host could be cut from any address.
    if same && bare(short).contains('.') {
        return uri.to_owned();
    }
    format!("{label} ({uri})")
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// Pictures and films of a view.
pub(super) fn media(embed: Option<&Value>) -> Vec<Media> {
    let Some(embed) = embed else { return Vec::new() };
    let mut found = Vec::new();
    for part in [embed, &embed["media"]] {
        let lists = [&part["images"], &part["items"]];
        let images = lists.into_iter().filter_map(Value::as_array).flatten();
        found.extend(images.filter_map(picture));
        found.extend(film(part));
    }
    found
}

fn picture(image: &Value) -> Option<Media> {
    let url = image["fullsize"].as_str().filter(|url| is_web(url))?;
    Some(Media {
        kind: MediaKind::Picture,
        url: url.to_owned(),
        preview: image["thumb"].as_str().filter(|url| is_web(url)).map(str::to_owned),
        alt: Theirs::new(clean::lines(image["alt"].as_str().unwrap_or_default())),
    })
}

/// `app.bsky.embed.video#view`.
fn film(part: &Value) -> Option<Media> {
    let url = part["playlist"].as_str().filter(|url| is_web(url))?;
    Some(Media {
        kind: MediaKind::Film,
        url: url.to_owned(),
        preview: part["thumbnail"].as_str().filter(|url| is_web(url)).map(str::to_owned),
        alt: Theirs::new(clean::lines(part["alt"].as_str().unwrap_or_default())),
    })
}

#[cfg(test)]
mod tests {
    use super::super::wire::post_uri;
    use super::*;
    use serde_json::json;

    fn found(change: impl FnOnce(&mut Value)) -> Found {
        let mut notice = json!({
            "uri": "at://did:plc:ann/app.bsky.feed.post/3lbqta5lnck2i", "cid": "bafyreiann",
            "author": { "did": "did:plc:ann", "handle": "ann.example.com", "viewer": {} },
            "reason": "mention", "indexedAt": "2026-08-01T10:00:05.000Z",
            "record": { "$type": "app.bsky.feed.post", "text": "@us.example see it",
                "createdAt": "2026-08-01T10:00:04.000Z", "langs": ["en"], "theirs": { "x": 1 } },
        });
        change(&mut notice);
        Found::from_notice(serde_json::from_value(notice).unwrap()).unwrap()
    }

    fn heard(change: impl FnOnce(&mut Value)) -> Mention {
        let now = Timestamp::parse("2026-08-02T00:00:00Z").unwrap();
        mention(&AccountId::new("acme"), &found(change), "https://bsky.app", now)
    }

    #[test]
    fn the_did_is_who_somebody_is_and_an_unverified_handle_says_so() {
        let plain = heard(|_| ());
        assert_eq!(plain.contact.remote, "did:plc:ann");
        assert_eq!((plain.handle.raw(), plain.name.raw()), ("ann.example.com", "ann.example.com"));
        let bad = heard(|n| n["author"]["handle"] = json!("handle.invalid"));
        assert_eq!(bad.handle.raw(), "did:plc:ann (handle not verified)");
        assert_eq!(bad.contact, plain.contact);
    }

    #[test]
    fn links_show_where_they_lead() {
        let text = |label: &str, uri: &str| {
            let index = json!({ "byteStart": 4, "byteEnd": 4 + label.len() });
            let feature = json!({ "$type": "app.bsky.richtext.facet#link", "uri": uri });
            heard(|n| {
                n["record"]["text"] = json!(format!("ö: {label}!"));
                n["record"]["facets"] = json!([{ "index": index, "features": [feature] }]);
            })
            .text
            .raw()
            .to_owned()
        };
        let evil = text("https://bank.example", "https://evil.example/x");
        assert_eq!(evil, "ö: https://bank.example (https://evil.example/x)!");
        let whole =
            text("www.tube.example/watch?v=V5...", "https://www.tube.example/watch?v=V5abc");
        assert_eq!(whole, "ö: https://www.tube.example/watch?v=V5abc!");
        assert_eq!(text("...", "https://evil.example"), "ö: ... (https://evil.example)!");
    }

    #[test]
    fn facets_out_of_place_are_passed_over() {
        for (from, to) in [(1, 3), (0, 1), (5, 900), (4, 4), (6, 2)] {
            let text = heard(|n| {
                n["record"]["text"] = json!("ö abc");
                let feature =
                    json!({ "$type": "app.bsky.richtext.facet#link", "uri": "https://x.example" });
                let index = json!({ "byteStart": from, "byteEnd": to });
                n["record"]["facets"] = json!([{ "index": index, "features": [feature] }, 7]);
            });
            assert_eq!(text.text.raw(), "ö abc", "{from}..{to}");
        }
    }

    #[test]
    fn a_claimed_time_of_last_year_does_not_make_the_customer_wait_since_then() {
        let old = heard(|n| {
            n["indexedAt"] = json!("2025-01-01T00:00:00.000Z");
            n["record"]["createdAt"] = json!("2025-01-01T00:00:00.000Z");
        });
        let keyed = Timestamp(tid_micros("3lbqta5lnck2i").unwrap());
        let claimed = Timestamp::parse("2025-01-01T00:00:00Z").unwrap();
        assert_eq!(old.written, keyed.max(claimed));
    }

    #[test]
    fn a_reply_between_others_is_not_for_us() {
        let reply = |parent: &str| {
            found(|n| {
                let uri = |did: &str| post_uri(did, "3lbqta5lnck2i");
                let strong = |did: &str| json!({ "uri": uri(did), "cid": "b" });
                n["record"]["reply"] =
                    json!({ "root": strong("did:plc:us"), "parent": strong(parent) });
            })
        };
        assert!(is_for_us("reply", &reply("did:plc:us"), "did:plc:us"));
        assert!(is_for_us("reply", &reply("did:plc:ann"), "did:plc:us"));
        assert!(!is_for_us("reply", &reply("did:plc:bob"), "did:plc:us"));
        assert!(is_for_us("mention", &reply("did:plc:bob"), "did:plc:us"));
    }
}
