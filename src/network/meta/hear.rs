//! What is heard: comments, posts and messages become mentions. Pure.
//!
//! A comment or post is called by its own id, a message by its id behind `m/`, a medium of somebody
//! else that names us (or a comment there) behind `n/`. Webhooks and sweeps make the same envelope
//! ids of the same things, so that both are one.

use super::Kind;
use super::wire::{
    Attachment, Change, CommentValue, Entry, FeedValue, Letter, MentionValue, Message, Person,
    Post, Talk,
};
use crate::case::clean;
use crate::case::event::{Envelope, Event, Media, MediaKind, Mention, OwnPost};
use crate::case::id::{AccountId, ContactId, PostId};
use crate::case::model::Audience;
use crate::case::rich::Theirs;
use crate::case::time::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// In front of the ids of messages.
pub(super) const LETTER: &str = "m/";
/// In front of other people's media that name us.
pub(super) const NAMED: &str = "n/";
/// In front of what stands for an author whom Meta does not tell.
const UNKNOWN: &str = "unknown/";

/// Who we are.
#[derive(Clone, Debug)]
pub(super) struct Us {
    pub(super) account: AccountId,
    pub(super) kind: Kind,
    /// The Page's or the Instagram account's id.
    pub(super) id: String,
    pub(super) name: String,
    /// Where people read posts, without a slash at its end.
    pub(super) app: String,
}

/// What a part of a webhook tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Something to be put.
    Put(Box<Envelope>),
    /// A message of our own account: by us, by a colleague, or by another app.
    Echo { to: String, id: String, text: String, key: Option<String>, at: Timestamp },
    /// Somebody named us; who and how has to be asked.
    Ask { media: String, comment: Option<String> },
    /// It has a known name and cannot be read.
    Odd(String),
}

/// A comment or post with its place.
pub(super) struct Placed<'a> {
    pub(super) post: &'a Post,
    pub(super) parent: Option<String>,
    pub(super) conversation: String,
}

fn put(envelope: Envelope) -> Heard {
    Heard::Put(Box::new(envelope))
}

fn read<T: DeserializeOwned>(value: &Value) -> Result<T, Heard> {
    serde_json::from_value(value.clone()).map_err(|_| Heard::Odd(value.to_string()))
}

impl Us {
    /// All that an entry of a webhook tells us, in its order.
    pub(super) fn entry(&self, entry: &Entry, now: Timestamp) -> Vec<Heard> {
        let changes = entry.changes.iter().flat_map(|value| self.change(value, now));
        let said = entry.messaging.iter().flat_map(|value| self.said(value, true, now));
        let aside = entry.standby.iter().flat_map(|value| self.said(value, false, now));
        changes.chain(said).chain(aside).collect()
    }

    fn change(&self, value: &Value, now: Timestamp) -> Vec<Heard> {
        let Ok(change) = serde_json::from_value::<Change>(value.clone()) else {
            return vec![Heard::Odd(value.to_string())];
        };
        let heard = match (self.kind, change.field.as_str()) {
            (Kind::Facebook, "feed") => {
                read(&change.value).map(|value| self.feed(&value, true, now))
            }
            (Kind::Facebook, "mention") => {
                read(&change.value).map(|value| self.feed(&value, false, now))
            }
            (Kind::Instagram, "comments" | "live_comments") => {
                read(&change.value).map(|value| self.comment(value, now).into_iter().collect())
            }
            (Kind::Instagram, "mentions") => read(&change.value).map(|value| vec![asks(value)]),
            _ => Ok(Vec::new()),
        };
        heard.unwrap_or_else(|odd| vec![odd])
    }

    /// A comment, a visitor's post, or (`known_author` false) a post elsewhere that names the Page,
    /// of which Meta does not tell the author. Hiding is seen by the sweep.
    fn feed(&self, value: &FeedValue, known_author: bool, now: Timestamp) -> Vec<Heard> {
        let is_comment = value.item == "comment";
        let id = if is_comment { &value.comment_id } else { &value.post_id };
        let is_words = matches!(
            value.item.as_str(),
            "comment" | "post" | "status" | "photo" | "video" | "share"
        );
        let Some(id) = id.as_ref().filter(|_| is_words) else { return Vec::new() };
        if value.verb == "remove" {
            return vec![put(self.withdrawn(&id.0))];
        }
        let post = of_feed(value, id.0.clone(), known_author);
        let above =
            value.parent_id.as_ref().filter(|parent| value.post_id.as_ref() != Some(parent));
        let parent = above.filter(|_| is_comment).map(|parent| parent.0.clone());
        let thread = value.post_id.as_ref().map_or_else(|| id.0.clone(), |post| post.0.clone());
        let own_parent = value.parent_id.as_ref().filter(|_| is_comment).map(|id| id.0.clone());
        let is_own = self.is_ours(&post);
        let parent = if is_own { own_parent } else { parent };
        let placed = Placed { post: &post, parent, conversation: thread };
        match value.verb.as_str() {
            "add" if is_own => self.own(&placed, now).map(put).into_iter().collect(),
            "add" => vec![put(self.mentioned(&placed, now))],
            "edit" | "edited" | "update" if !is_own => {
                vec![put(self.mentioned(&placed, now)), put(self.changed(&placed, now))]
            }
            _ => Vec::new(),
        }
    }

    fn comment(&self, value: CommentValue, now: Timestamp) -> Option<Heard> {
        let media = value.media.map(|media| media.id.0);
        let parent = value.parent_id.map(|parent| parent.0);
        let post = Post { id: value.id, message: value.text, from: value.from, ..Post::default() };
        let own = self.is_ours(&post);
        let parent = parent.filter(|parent| own || Some(parent) != media.as_ref());
        let conversation = media.or_else(|| parent.clone()).unwrap_or_else(|| post.id.0.clone());
        let placed = Placed { post: &post, parent, conversation };
        match own {
            true => self.own(&placed, now).map(put),
            false => Some(put(self.mentioned(&placed, now))),
        }
    }

    /// Something in a conversation; `may_answer` is false where another app has it.
    fn said(&self, value: &Value, may_answer: bool, now: Timestamp) -> Vec<Heard> {
        let talk: Talk = match read(value) {
            Ok(talk) => talk,
            Err(odd) => return vec![odd],
        };
        let at = talk.timestamp.map_or(now, |ms| Timestamp(ms.saturating_mul(1_000))).min(now);
        let from = talk.sender.id.0.as_str();
        if let Some(message) = &talk.message {
            return self.message(&talk, message, may_answer, at).into_iter().collect();
        }
        if let Some(edit) = &talk.message_edit {
            let message =
                Message { mid: edit.mid.clone(), text: edit.text.clone(), ..Message::default() };
            let mention = self.letter(&message, from, may_answer, at);
            return vec![put(self.changed_to(mention))];
        }
        if let Some(pressed) = talk.postback.as_ref().filter(|p| !p.title.is_empty()) {
            let message = Message {
                mid: pressed.mid.clone(),
                text: pressed.title.clone(),
                ..Message::default()
            };
            let known = !message.mid.is_empty() && !from.is_empty();
            let letter = || put(self.put_letter(self.letter(&message, from, may_answer, at)));
            return known.then(letter).into_iter().collect();
        }
        talk.policy.iter().filter_map(|policy| self.policy(&policy.action, at)).collect()
    }

    fn message(
        &self,
        talk: &Talk,
        message: &Message,
        may_answer: bool,
        at: Timestamp,
    ) -> Option<Heard> {
        let from = talk.sender.id.0.as_str();
        if message.mid.is_empty() {
            return None;
        }
        if message.is_deleted {
            return Some(put(self.withdrawn(&format!("{LETTER}{}", message.mid))));
        }
        if message.is_echo || from == self.id {
            let to = &talk.recipient.id.0;
            let (id, text, key) = (&message.mid, &message.text, &message.metadata);
            let (to, id, text, key) = (to.clone(), id.clone(), text.clone(), key.clone());
            return Some(Heard::Echo { to, id, text, key, at });
        }
        let known = !from.is_empty();
        known.then(|| put(self.put_letter(self.letter(message, from, may_answer, at))))
    }

    /// Meta stops or frees the account.
    fn policy(&self, action: &str, at: Timestamp) -> Option<Heard> {
        let source = self.account.to_string();
        let event = match action {
            "block" => Event::Trouble {
                source,
                why: "Meta has blocked this account's messages for a breach of its policies; look \
                      into the Page's support inbox"
                    .into(),
            },
            "unblock" => Event::Restored { source },
            _ => return None,
        };
        let id = format!("{}/policy/{}/{}", self.account, clean::line(action), at.0);
        Some(put(Envelope::new(id, event)))
    }

    /// Did our own account write it?
    pub(super) fn is_ours(&self, post: &Post) -> bool {
        let by_id = post.from.as_ref().is_some_and(|from| from.id.0 == self.id);
        let by_name = self.kind == Kind::Instagram && username(post) == Some(self.name.as_str());
        by_id || by_name
    }

    /// The envelope of a comment or post that is new to us.
    pub(super) fn mentioned(&self, placed: &Placed<'_>, now: Timestamp) -> Envelope {
        let id = format!("{}/{}", self.account, placed.post.id.0);
        Envelope::new(id, Event::Mentioned(Box::new(self.mention(placed, now))))
    }

    /// The envelope of one that has other words now.
    pub(super) fn changed(&self, placed: &Placed<'_>, now: Timestamp) -> Envelope {
        self.changed_to(self.mention(placed, now))
    }

    fn changed_to(&self, mention: Mention) -> Envelope {
        let warning = mention.warning.as_ref().map_or("", Theirs::raw);
        let stamp = print(mention.text.raw(), warning);
        let id = format!("{}/{}/{stamp}", self.account, mention.post);
        Envelope::new(id, Event::Changed(Box::new(mention)))
    }

    /// The envelope of something that is gone.
    pub(super) fn withdrawn(&self, id: &str) -> Envelope {
        let (account, post) = (self.account.clone(), PostId::new(id));
        Envelope::new(format!("{account}/{id}/gone"), Event::Withdrawn { account, post })
    }

    /// The envelope of a comment of our own that answers somebody.
    pub(super) fn own(&self, placed: &Placed<'_>, now: Timestamp) -> Option<Envelope> {
        let own = OwnPost {
            account: self.account.clone(),
            post: PostId::new(placed.post.id.0.as_str()),
            parent: Some(PostId::new(placed.parent.clone()?)),
            text: clean::lines(placed.post.message.trim()),
            url: self.page(placed.post),
            written: at(placed.post.created_time.as_deref(), now),
        };
        let id = format!("{}/own/{}", self.account, own.post);
        Some(Envelope::new(id, Event::OwnPost(Box::new(own))))
    }

    /// The envelope of a message of our own behind the customer's message `before`.
    pub(super) fn own_letter(&self, id: &str, before: &str, text: &str, at: Timestamp) -> Envelope {
        let own = OwnPost {
            account: self.account.clone(),
            post: PostId::new(format!("{LETTER}{id}")),
            parent: Some(PostId::new(format!("{LETTER}{before}"))),
            text: clean::lines(text.trim()),
            url: None,
            written: at,
        };
        let id = format!("{}/own/{}", self.account, own.post);
        Envelope::new(id, Event::OwnPost(Box::new(own)))
    }

    fn mention(&self, placed: &Placed<'_>, now: Timestamp) -> Mention {
        let post = placed.post;
        let (remote, handle, name) = author(post);
        let warning = post.is_hidden.then(|| Theirs::new("hidden by us"));
        Mention {
            contact: self.contact(&remote),
            handle: Theirs::new(handle),
            name: Theirs::new(name),
            author_url: username(post).map(|name| format!("{}/{}", self.app, clean::line(name))),
            avatar: None,
            post: PostId::new(post.id.0.as_str()),
            parent: placed.parent.as_deref().map(PostId::new),
            conversation: clean::line(&placed.conversation),
            audience: Audience::Public,
            text: Theirs::new(clean::lines(post.message.trim())),
            warning,
            media: shown(post.attachment.as_ref()),
            url: self.page(post),
            written: at(post.created_time.as_deref(), now),
            language: None,
            no_reply: None,
            overheard: None,
            reach: None,
        }
    }

    /// A message of a conversation's list, from somebody else.
    pub(super) fn listed(&self, letter: &Letter, now: Timestamp) -> Option<Envelope> {
        let from = letter.from.as_ref().filter(|from| !from.id.0.is_empty())?;
        let message = Message {
            mid: letter.id.0.clone(),
            text: letter.message.clone(),
            ..Message::default()
        };
        let at = at(letter.created_time.as_deref(), now);
        let mut mention = self.letter(&message, &from.id.0, true, at);
        self.name(&mut mention, from);
        let files = letter.attachments.iter().flat_map(|page| &page.data);
        mention.media = files.filter_map(listed_medium).collect();
        Some(self.put_letter(mention))
    }

    /// Writes into a message who its sender is.
    pub(super) fn name(&self, mention: &mut Mention, person: &Person) {
        let (username, name) = (clean::line(&person.username), clean::line(&person.name));
        let known = |text: &String| !text.is_empty();
        let shown = Some(name).filter(known).or_else(|| Some(username.clone()).filter(known));
        if let Some(shown) = shown {
            mention.handle = Theirs::new(shown.clone());
            mention.name = Theirs::new(shown);
        }
        if known(&username) {
            mention.author_url = Some(format!("{}/{username}", self.app));
            mention.handle = Theirs::new(username);
        }
    }

    fn letter(&self, message: &Message, from: &str, may_answer: bool, at: Timestamp) -> Mention {
        let elsewhere = "another app has this conversation at Meta and answers it";
        let unseen = "something that Meta shows only in its own app";
        Mention {
            contact: self.contact(from),
            handle: Theirs::new(clean::line(from)),
            name: Theirs::new(clean::line(from)),
            author_url: None,
            avatar: None,
            post: PostId::new(format!("{LETTER}{}", message.mid)),
            parent: None,
            conversation: format!("{LETTER}{}", clean::line(from)),
            audience: Audience::Direct,
            text: Theirs::new(clean::lines(message.text.trim())),
            warning: message.is_unsupported.then(|| Theirs::new(unseen)),
            media: message.attachments.iter().filter_map(medium).collect(),
            url: None,
            written: at,
            language: None,
            no_reply: (!may_answer).then(|| elsewhere.into()),
            overheard: None,
            reach: None,
        }
    }

    fn put_letter(&self, mention: Mention) -> Envelope {
        let id = format!("{}/{}", self.account, mention.post);
        Envelope::new(id, Event::Mentioned(Box::new(mention)))
    }

    fn contact(&self, remote: &str) -> ContactId {
        ContactId { account: self.account.clone(), remote: clean::line(remote) }
    }

    /// Where people read it: Meta's own link, else on Facebook its id.
    fn page(&self, post: &Post) -> Option<String> {
        let told = post.permalink_url.clone().filter(|url| is_web(url));
        let above = || post.media.as_ref()?.permalink.clone().filter(|url| is_web(url));
        let by_id = || format!("{}/{}", self.app, clean::line(&post.id.0));
        told.or_else(above).or_else(|| (self.kind == Kind::Facebook).then(by_id))
    }
}

/// What of a text and its warning tells one version from another.
pub(super) fn print(text: &str, warning: &str) -> String {
    let mut hash = Sha256::new();
    hash.update(text.as_bytes());
    hash.update([0]);
    hash.update(warning.as_bytes());
    hex::encode(&hash.finalize()[..8])
}

fn asks(value: MentionValue) -> Heard {
    Heard::Ask { media: value.media_id.0, comment: value.comment_id.map(|id| id.0) }
}

fn of_feed(value: &FeedValue, id: String, known_author: bool) -> Post {
    let older = || {
        let id = value.sender_id.clone()?;
        Some(Person { id, name: value.sender_name.clone(), ..Person::default() })
    };
    let shown = value.photo.as_ref().map(|url| ("photo", url));
    let shown = shown.or_else(|| value.video.as_ref().map(|url| ("video", url)));
    let attachment = shown.map(|(kind, url)| serde_json::json!({ "type": kind, "url": url }));
    let created = value.created_time.map(|at| Timestamp::from_seconds(at).to_string());
    Post {
        id: super::wire::Id(id),
        message: value.message.clone(),
        from: value.from.clone().or_else(older).filter(|_| known_author),
        created_time: created,
        attachment,
        ..Post::default()
    }
}

fn username(post: &Post) -> Option<&str> {
    let of_person = post.from.as_ref().map(|from| from.username.as_str());
    of_person.filter(|name| !name.is_empty()).or(post.username.as_deref())
}

/// Id, handle and name. Facebook tells no handles: there people are called by their names, since a
/// number says nothing to anybody. Whoever is not told stands alone for this one post.
fn author(post: &Post) -> (String, String, String) {
    let username = username(post).map(clean::line);
    let from = post.from.as_ref().filter(|from| !from.id.0.is_empty());
    let id = from.map(|from| clean::line(&from.id.0));
    let remote = id.clone().or_else(|| username.clone());
    let name = from.map(|from| clean::line(&from.name)).filter(|name| !name.is_empty());
    let unknown = || "somebody".to_owned();
    let handle = username.or_else(|| name.clone()).or(id).unwrap_or_else(unknown);
    let name = name.unwrap_or_else(|| handle.clone());
    (remote.unwrap_or_else(|| format!("{UNKNOWN}{}", post.id.0)), handle, name)
}

/// Meta writes `2026-08-01T10:00:00+0000`.
pub(super) fn instant(text: &str) -> Option<Timestamp> {
    match text.strip_suffix("+0000") {
        Some(front) => Timestamp::parse(&format!("{front}Z")),
        None => Timestamp::parse(text),
    }
}

fn at(text: Option<&str>, now: Timestamp) -> Timestamp {
    text.and_then(instant).unwrap_or(now).min(now)
}

fn is_web(url: &str) -> bool {
    url.starts_with("https://") || url.starts_with("http://")
}

fn kind(name: &str) -> MediaKind {
    match name {
        "image" | "photo" | "sticker" | "animated_image_share" => MediaKind::Picture,
        "video" | "video_inline" | "ig_reel" | "reel" => MediaKind::Film,
        "audio" => MediaKind::Sound,
        _ => MediaKind::Other,
    }
}

fn made(name: &str, url: Option<&str>) -> Option<Media> {
    let url = url.filter(|url| is_web(url))?.to_owned();
    Some(Media { kind: kind(name), url, preview: None, alt: Theirs::new("") })
}

/// What came with a message. A share is a link, not a picture.
fn medium(attachment: &Attachment) -> Option<Media> {
    let of_payload = attachment.payload.as_ref().and_then(|payload| payload["url"].as_str());
    made(&attachment.kind, of_payload.or(attachment.url.as_deref()))
}

fn listed_medium(value: &Value) -> Option<Media> {
    let all = [("image_data", "image"), ("video_data", "video")];
    let of = |(key, kind): (&str, &str)| made(kind, value[key]["url"].as_str());
    all.into_iter().find_map(of).or_else(|| made("file", value["file_url"].as_str()))
}

fn shown(attachment: Option<&Value>) -> Vec<Media> {
    let Some(attachment) = attachment else { return Vec::new() };
    let image = attachment["media"]["image"]["src"].as_str();
    let kind = attachment["type"].as_str().unwrap_or_default();
    made(kind, image.or_else(|| attachment["url"].as_str())).into_iter().collect()
}
