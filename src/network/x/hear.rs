//! What is heard: a post or a direct message becomes a mention. Pure.
//!
//! A post is called by the first id of its history, so that all its versions are one thing. The
//! author's number is who he is; his handle is only shown.

use super::wire::{
    Direct, Entities, Includes, Letter, Letters, Link, Media as Medium, Tweet, User,
};
use crate::case::clean;
use crate::case::event::{Envelope, Event, Media, MediaKind, Mention, OwnPost};
use crate::case::id::{AccountId, ContactId, PostId};
use crate::case::model::Audience;
use crate::case::rich::Theirs;
use crate::case::time::Timestamp;

/// In front of the ids of direct messages: they and posts share their numbers.
pub(super) const DIRECT: &str = "dm/";
/// Does an answer to one of our posts count as naming us, so that we may answer it? X's own pages
/// do not say (`platforms.md` 16.1). It is tried; a refusal is told apart.
const ANSWER_NAMES_US: bool = true;

/// Who we are.
#[derive(Clone, Debug)]
pub(super) struct Us {
    pub(super) account: AccountId,
    pub(super) id: String,
    pub(super) handle: String,
    /// Where people read posts, without a slash at its end.
    pub(super) app: String,
    /// May we answer only posts that name us or quote one of ours?
    pub(super) summoned_only: bool,
}

/// Orders ids, which are numbers of any length, by what they mean.
pub(super) fn order(id: &str) -> (usize, &str) {
    (id.len(), id)
}

impl Us {
    /// Is this post somebody's words, and not only ours or a repost?
    pub(super) fn is_theirs(&self, tweet: &Tweet) -> bool {
        tweet.author_id != self.id
            && !tweet.author_id.is_empty()
            && tweet.refers("retweeted").is_none()
    }

    /// A customer's post.
    pub(super) fn mention(&self, tweet: &Tweet, with: &Includes, now: Timestamp) -> Mention {
        let author = with.users.iter().find(|user| user.id == tweet.author_id);
        let id = tweet.first();
        let parent = tweet.refers("replied_to").map(|parent| first_of(parent, with));
        let conversation = tweet.conversation_id.clone();
        Mention {
            contact: self.contact(&tweet.author_id),
            handle: Theirs::new(handle(author, &tweet.author_id)),
            name: Theirs::new(name(author, &tweet.author_id)),
            author_url: author.map(|user| format!("{}/{}", self.app, clean::line(&user.username))),
            avatar: author
                .and_then(|user| user.profile_image_url.clone())
                .filter(|url| is_web(url)),
            post: PostId::new(id),
            conversation: conversation.unwrap_or_else(|| parent.unwrap_or(id).to_owned()),
            parent: parent.map(PostId::new),
            audience: Audience::Public,
            text: Theirs::new(self.text(tweet)),
            warning: tweet.possibly_sensitive.then(|| Theirs::new("marked as sensitive")),
            media: media(&tweet.attachments.media_keys, with),
            url: Some(self.page(&tweet.id)),
            written: at(tweet.created_at.as_deref(), now),
            language: tweet.lang.as_deref().filter(|lang| *lang != "und").map(clean::line),
            no_reply: self.no_reply(tweet, with),
            overheard: None,
            reach: author.and_then(User::followers),
        }
    }

    /// The envelope of a post that is new to us.
    pub(super) fn mentioned(&self, tweet: &Tweet, with: &Includes, now: Timestamp) -> Envelope {
        let id = format!("{}/{}", self.account, tweet.first());
        Envelope::new(id, Event::Mentioned(Box::new(self.mention(tweet, with, now))))
    }

    /// The envelope of a newer version of a post.
    pub(super) fn changed(&self, tweet: &Tweet, with: &Includes, now: Timestamp) -> Envelope {
        let id = format!("{}/{}/{}", self.account, tweet.first(), tweet.id);
        Envelope::new(id, Event::Changed(Box::new(self.mention(tweet, with, now))))
    }

    /// The envelope of a post that is gone.
    pub(super) fn withdrawn(&self, first: &str) -> Envelope {
        let (account, post) = (self.account.clone(), PostId::new(first));
        let id = format!("{account}/{first}/gone");
        Envelope::new(id, Event::Withdrawn { account, post })
    }

    /// The envelope of a post of our own that answers somebody.
    pub(super) fn own(&self, tweet: &Tweet, with: &Includes, now: Timestamp) -> Option<Envelope> {
        let parent = tweet.refers("replied_to").map(|parent| first_of(parent, with))?;
        let own = OwnPost {
            account: self.account.clone(),
            post: PostId::new(tweet.first()),
            parent: Some(PostId::new(parent)),
            text: self.text(tweet),
            url: Some(self.page(&tweet.id)),
            written: at(tweet.created_at.as_deref(), now),
        };
        let id = format!("{}/own/{}", self.account, tweet.first());
        Some(Envelope::new(id, Event::OwnPost(Box::new(own))))
    }

    fn contact(&self, id: &str) -> ContactId {
        ContactId { account: self.account.clone(), remote: clean::line(id) }
    }

    /// Where people read a post. The author's name does not matter there.
    pub(super) fn page(&self, id: &str) -> String {
        format!("{}/i/status/{}", self.app, clean::line(id))
    }

    /// What a post says, whole, with the true targets of its links.
    pub(super) fn text(&self, tweet: &Tweet) -> String {
        match &tweet.note_tweet {
            Some(note) if !note.text.is_empty() => plain(&note.text, &note.entities),
            _ => plain(&tweet.text, &tweet.entities),
        }
    }

    /// Why X takes no answer to this post from an app: since February 2026 its author has to name
    /// us or quote one of our posts (X's documentation, "Create Post").
    fn no_reply(&self, tweet: &Tweet, with: &Includes) -> Option<String> {
        if !self.summoned_only || self.is_summoned(tweet, with) {
            return None;
        }
        let why = "X lets only a person answer this post, because it does not name this account: \
                   write the answer here, and it is prepared to be posted by hand";
        Some(why.into())
    }

    fn is_summoned(&self, tweet: &Tweet, with: &Includes) -> bool {
        let named = |m: &super::wire::Named| {
            m.id.as_deref() == Some(&self.id) || m.username.eq_ignore_ascii_case(&self.handle)
        };
        let quoted = tweet.refers("quoted").and_then(|id| with.tweets.iter().find(|t| t.id == id));
        let answers = tweet.in_reply_to_user_id.as_deref() == Some(&self.id);
        tweet.entities.mentions.iter().any(named)
            || quoted.is_some_and(|quoted| quoted.author_id == self.id)
            || answers && ANSWER_NAMES_US
    }

    /// A direct message, and whether it is ours; `before` is the customer's message before it.
    pub(super) fn direct(
        &self,
        direct: &Direct,
        with: &Includes,
        before: Option<&str>,
        now: Timestamp,
    ) -> Option<Envelope> {
        if direct.event_type != "MessageCreate" || direct.sender_id.is_empty() {
            return None;
        }
        let text = plain(&direct.text, &direct.entities);
        let written = at(direct.created_at.as_deref(), now);
        if direct.sender_id == self.id {
            return before.map(|before| self.own_direct(&direct.id, before, text, written));
        }
        let author = with.users.iter().find(|user| user.id == direct.sender_id);
        let mut mention = self.letter(&direct.id, &direct.sender_id, author, text, written);
        mention.media = media(&direct.attachments.media_keys, with);
        Some(self.put_direct(&direct.id, mention))
    }

    fn put_direct(&self, id: &str, mention: Mention) -> Envelope {
        let id = format!("{}/{DIRECT}{id}", self.account);
        Envelope::new(id, Event::Mentioned(Box::new(mention)))
    }

    fn own_direct(&self, id: &str, before: &str, text: String, written: Timestamp) -> Envelope {
        let own = OwnPost {
            account: self.account.clone(),
            post: PostId::new(format!("{DIRECT}{id}")),
            parent: Some(PostId::new(format!("{DIRECT}{before}"))),
            text,
            url: None,
            written,
        };
        let id = format!("{}/own/{DIRECT}{id}", self.account);
        Envelope::new(id, Event::OwnPost(Box::new(own)))
    }

    fn letter(
        &self,
        id: &str,
        sender: &str,
        author: Option<&User>,
        text: String,
        written: Timestamp,
    ) -> Mention {
        Mention {
            contact: self.contact(sender),
            handle: Theirs::new(handle(author, sender)),
            name: Theirs::new(name(author, sender)),
            author_url: author.map(|user| format!("{}/{}", self.app, clean::line(&user.username))),
            avatar: author
                .and_then(|user| user.profile_image_url.clone())
                .filter(|url| is_web(url)),
            post: PostId::new(format!("{DIRECT}{id}")),
            parent: None,
            conversation: format!("{DIRECT}{}", clean::line(sender)),
            audience: Audience::Direct,
            text: Theirs::new(text),
            warning: None,
            media: Vec::new(),
            url: None,
            written,
            language: None,
            no_reply: None,
            overheard: None,
            reach: author.and_then(User::followers),
        }
    }

    /// The direct messages of an activity that are not ours.
    pub(super) fn letters(&self, letters: &Letters, now: Timestamp) -> Vec<Envelope> {
        let theirs = |letter: &&Letter| letter.message_create.sender_id != self.id;
        let mention = |letter: &Letter| {
            let (body, sender) = (&letter.message_create, &letter.message_create.sender_id);
            let text = plain(&body.message_data.text, &body.message_data.entities);
            let millis = letter.created_timestamp.parse::<i64>().ok();
            let written = millis.map_or(now, |millis| Timestamp(millis.saturating_mul(1_000)));
            let author = letters.users.get(sender).map(|known| &known.data);
            let mention = self.letter(&letter.id, sender, author, text, written.min(now));
            self.put_direct(&letter.id, mention)
        };
        letters.direct_message_events.iter().filter(theirs).map(mention).collect()
    }
}

/// The first id of the post that is called by this one, as far as the page tells.
fn first_of<'a>(id: &'a str, with: &'a Includes) -> &'a str {
    let known =
        |tweet: &&Tweet| tweet.id == id || tweet.edit_history_tweet_ids.iter().any(|i| i == id);
    with.tweets.iter().find(known).map_or(id, Tweet::first)
}

fn at(text: Option<&str>, now: Timestamp) -> Timestamp {
    text.and_then(Timestamp::parse).unwrap_or(now).min(now)
}

fn handle(author: Option<&User>, id: &str) -> String {
    let known = author.map(|user| clean::line(&user.username)).filter(|name| !name.is_empty());
    known.unwrap_or_else(|| clean::line(id))
}

fn name(author: Option<&User>, id: &str) -> String {
    let given = author.map(|user| clean::line(&user.name)).filter(|name| !name.is_empty());
    given.unwrap_or_else(|| handle(author, id))
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

/// The words as a person reads them: signs of HTML as themselves, shortened links as their targets.
/// Links to the post's own pictures are left out; the pictures are shown.
pub(super) fn plain(text: &str, entities: &Entities) -> String {
    let mut text = text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&");
    for link in entities.urls.iter().filter(|link| !link.url.is_empty()) {
        text = text.replace(&link.url, &target(link));
    }
    clean::lines(text.trim())
}

fn target(link: &Link) -> String {
    let Some(long) = link.expanded_url.as_deref().filter(|url| is_web(url)) else {
        return link.url.clone();
    };
    let own = link.media_key.is_some()
        || ["/photo/", "/video/"]
            .iter()
            .any(|part| long.contains("/status/") && long.contains(part));
    if own { String::new() } else { long.to_owned() }
}

fn media(keys: &[String], with: &Includes) -> Vec<Media> {
    let known = |key: &String| with.media.iter().find(|medium| medium.media_key == *key);
    keys.iter().filter_map(known).filter_map(medium).collect()
}

/// A film has no address of its own here; its first picture is shown.
fn medium(medium: &Medium) -> Option<Media> {
    let web = |url: &Option<String>| url.clone().filter(|url| is_web(url));
    let preview = web(&medium.preview_image_url);
    let kind = match medium.kind.as_str() {
        "photo" | "animated_gif" => MediaKind::Picture,
        "video" => MediaKind::Film,
        _ => MediaKind::Other,
    };
    let url = web(&medium.url).or_else(|| preview.clone())?;
    let alt = Theirs::new(clean::lines(medium.alt_text.as_deref().unwrap_or_default()));
    Some(Media { kind, url, preview, alt })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use serde_json::{Value, json};

    pub fn us() -> Us {
        Us {
            account: AccountId::new("acme"),
            id: "900".into(),
            handle: "acme".into(),
            app: "https://x.com".into(),
            summoned_only: true,
        }
    }

    fn heard(change: impl FnOnce(&mut Value)) -> Mention {
        let mut page = json!({
            "id": "1002", "edit_history_tweet_ids": ["1001", "1002"], "author_id": "901",
            "text": "@acme 3 &lt; 4 &amp;amp; https://t.co/abc https://t.co/pic", "lang": "und",
            "created_at": "2026-08-01T10:00:05.000Z",
            "entities": {
                "mentions": [{ "start": 0, "end": 5, "username": "ACME" }],
                "urls": [{ "url": "https://t.co/abc", "expanded_url": "https://evil.example/x" },
                    { "url": "https://t.co/pic",
                        "expanded_url": "https://x.com/a/status/1002/photo/1" }],
            },
        });
        change(&mut page);
        let with = json!({ "users": [{ "id": "901", "username": "ann", "name": "Ann" }, 7],
            "tweets": [{ "id": "50", "author_id": "900",
                "edit_history_tweet_ids": ["49", "50"] }] });
        let (tweet, with) =
            (serde_json::from_value(page).unwrap(), serde_json::from_value(with).unwrap());
        us().mention(&tweet, &with, Timestamp::parse("2026-08-02T00:00:00Z").unwrap())
    }

    #[test]
    fn versions_are_one_post_and_links_show_where_they_lead() {
        let mention = heard(|_| ());
        assert_eq!(mention.post.as_str(), "1001");
        assert_eq!(mention.text.raw(), "@acme 3 < 4 &amp; https://evil.example/x");
        assert_eq!((mention.handle.raw(), mention.name.raw()), ("ann", "Ann"));
        assert_eq!((mention.language, mention.no_reply), (None, None));
    }

    #[test]
    fn whoever_did_not_call_us_is_answered_by_hand() {
        let bare = |page: &mut Value| page["entities"] = json!({});
        assert!(heard(bare).no_reply.is_some_and(|why| why.contains("by hand")));
        let quotes = heard(|page| {
            bare(page);
            page["referenced_tweets"] = json!([{ "type": "quoted", "id": "50" }]);
        });
        assert_eq!(quotes.no_reply, None);
        let answers = heard(|page| {
            bare(page);
            page["in_reply_to_user_id"] = json!("900");
            page["referenced_tweets"] = json!([{ "type": "replied_to", "id": "50" }]);
        });
        assert_eq!(answers.no_reply.is_none(), ANSWER_NAMES_US);
        assert_eq!(answers.parent, Some(PostId::new("49")), "called by its first id");
    }

    #[test]
    fn reposts_and_our_own_words_are_nobodys() {
        let tweet = |value: Value| serde_json::from_value::<Tweet>(value).unwrap();
        assert!(us().is_theirs(&tweet(json!({ "id": "1", "author_id": "901" }))));
        assert!(!us().is_theirs(&tweet(json!({ "id": "1", "author_id": "900" }))));
        let repost = json!({ "id": "1", "author_id": "901",
            "referenced_tweets": [{ "type": "retweeted", "id": "50" }] });
        assert!(!us().is_theirs(&tweet(repost)));
    }
}
