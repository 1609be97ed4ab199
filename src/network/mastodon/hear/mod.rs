//! Pure: what the server tells, as events.
//!
//! Who somebody is, only `account.id` of our own server says; handles and names are for show
//! (`reliability.md` S22). Nothing is ever dropped without a word: what cannot be read becomes
//! [`Event::Unreadable`].

pub mod html;

use super::wire::{Attachment, Frame, Notification, Status, Stub};
use crate::case::clean;
use crate::case::event::{Envelope, Event, Media, MediaKind, Mention, OwnPost};
use crate::case::id::{AccountId, ContactId, PostId};
use crate::case::limits::{LINK_BYTES, MEDIA, RAW_BYTES};
use crate::case::model::Audience;
use crate::case::rich::Theirs;
use crate::case::text::cut;
use crate::case::time::Timestamp;
use crate::net::misread;
use sha2::{Digest, Sha256};

/// Who we are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Me {
    /// The account's name in the configuration.
    pub account: AccountId,
    /// Our id on the server.
    pub id: String,
}

/// What one item of a list told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Item {
    /// Its id, if it has a readable one: the list's cursor.
    pub id: Option<String>,
    /// When it came, if it tells.
    pub at: Option<Timestamp>,
    /// What follows from it.
    pub envelopes: Vec<Envelope>,
}

/// A notification, as it stands in a list or comes through a stream.
pub fn notification(me: &Me, raw: &str) -> Item {
    let told: Notification = match serde_json::from_str(raw) {
        Ok(told) => told,
        Err(error) => return unreadable(me, raw, &misread(&error)),
    };
    let at = Timestamp::parse(&told.created_at);
    let id = Some(told.id);
    match told.status.filter(|_| told.kind == "mention") {
        Some(status) => match mentioned(me, &status) {
            Ok(envelopes) => Item { id, at, envelopes },
            Err(why) => Item { id, at, ..unreadable(me, raw, why) },
        },
        // A mention whose post was deleted since: some servers keep it, without the post.
        None => Item { id, at, envelopes: Vec::new() },
    }
}

/// A post that names us: the mention, and its change if it was edited since.
fn mentioned(me: &Me, status: &Status) -> Result<Vec<Envelope>, &'static str> {
    if status.account.id == me.id {
        return own(me, status).map(|envelope| envelope.into_iter().collect());
    }
    let mention = mention(me, status)?;
    let name = format!("{}:{}", me.account, status.id);
    let mut all = vec![Envelope::new(name, Event::Mentioned(Box::new(mention.clone())))];
    all.extend(changed(me, status, mention));
    Ok(all)
}

fn changed(me: &Me, status: &Status, mention: Mention) -> Option<Envelope> {
    let edited = status.edited_at.as_deref()?;
    // Servers write one instant in several ways; the same change must get the same name.
    let edited = Timestamp::parse(edited).map_or(cut(edited, 40), |at| at.to_string());
    let name = format!("{}:{}:{edited}", me.account, status.id);
    Some(Envelope::new(name, Event::Changed(Box::new(mention))))
}

/// A post of our own list.
pub fn own_post(me: &Me, raw: &str) -> Item {
    let status: Status = match serde_json::from_str(raw) {
        Ok(status) => status,
        Err(error) => return unreadable(me, raw, &misread(&error)),
    };
    let at = Timestamp::parse(&status.created_at);
    match own(me, &status) {
        Ok(envelope) => Item { id: Some(status.id), at, envelopes: envelope.into_iter().collect() },
        Err(why) => Item { id: Some(status.id), at, ..unreadable(me, raw, why) },
    }
}

/// A post of ours that answers something; others are no answers and concern no case.
fn own(me: &Me, status: &Status) -> Result<Option<Envelope>, &'static str> {
    let Some(parent) = status.in_reply_to_id.as_deref().filter(|_| status.account.id == me.id)
    else {
        return Ok(None);
    };
    let post = OwnPost {
        account: me.account.clone(),
        post: post_id(&status.id)?,
        parent: Some(post_id(parent)?),
        text: clean::lines(&html::plain(&status.content, &status.mentions)),
        url: link(status.url.as_deref()),
        written: Timestamp::parse(&status.created_at).unwrap_or_default(),
    };
    let name = format!("{}:{}", me.account, status.id);
    Ok(Some(Envelope::new(name, Event::OwnPost(Box::new(post)))))
}

/// One event of a stream. `None`: nothing for us.
pub fn streamed(me: &Me, event: &str, payload: &str) -> Vec<Envelope> {
    match event {
        "notification" => notification(me, payload).envelopes,
        "update" => match serde_json::from_str::<Stranger>(payload) {
            Ok(of) if of.is(me) => own_post(me, payload).envelopes,
            // The home list shows everybody we follow: not ours, and no matter if unreadable.
            _ => Vec::new(),
        },
        // One server writes it with an underscore (`realservers.md` 3).
        "status.update" | "status_update" => edited(me, payload),
        "delete" => withdrawn(me, payload.trim().trim_matches('"')),
        _ => Vec::new(),
    }
}

/// A post that nobody addressed to us, brought by this rule; without one, changed since then.
pub fn overheard(me: &Me, status: &Status, rule: Option<String>) -> Option<Envelope> {
    let mut mention = mention(me, status).ok()?;
    let new = rule.is_some();
    mention.overheard = Some(rule.unwrap_or_default());
    if !new {
        return changed(me, status, mention);
    }
    let name = format!("{}:{}:overheard", me.account, status.id);
    Some(Envelope::new(name, Event::Mentioned(Box::new(mention))))
}

/// What a post says, as its readers see it.
pub fn words(status: &Status) -> String {
    text(status)
}

/// As little of a post as is needed to see that it is somebody else's.
#[derive(serde::Deserialize)]
struct Stranger {
    account: Stub,
}

impl Stranger {
    fn is(&self, me: &Me) -> bool {
        self.account.id.as_deref() == Some(&me.id)
    }
}

fn edited(me: &Me, payload: &str) -> Vec<Envelope> {
    let Ok(status) = serde_json::from_str::<Status>(payload) else {
        return unreadable(me, payload, "an edit that cannot be read").envelopes;
    };
    let for_us = status.mentions.iter().any(|named| named.id == me.id);
    if status.account.id == me.id || !for_us {
        return Vec::new();
    }
    match mention(me, &status) {
        Ok(mention) => changed(me, &status, mention).into_iter().collect(),
        Err(why) => unreadable(me, payload, why).envelopes,
    }
}

/// A post that is gone. Whether we know it, only the case can tell.
pub fn withdrawn(me: &Me, post: &str) -> Vec<Envelope> {
    let Ok(post) = post_id(post) else { return Vec::new() };
    let name = format!("{}:{post}:gone", me.account);
    vec![Envelope::new(name, Event::Withdrawn { account: me.account.clone(), post })]
}

/// A frame of a WebSocket: its event and its payload. Most servers wrap the payload in text.
///
/// # Errors
/// It is no frame.
pub fn frame(text: &str) -> Result<(String, String), String> {
    let frame: Frame = serde_json::from_str(text).map_err(|why| why.to_string())?;
    let payload = match frame.payload {
        Some(serde_json::Value::String(text)) => text,
        Some(other) => other.to_string(),
        None => String::new(),
    };
    Ok((frame.event, payload))
}

/// Something that nobody can read, kept as it came.
pub fn unreadable(me: &Me, raw: &str, why: &str) -> Item {
    let stub: Stub = serde_json::from_str(raw).unwrap_or_default();
    let name = format!("{}:unreadable:{}", me.account, hex::encode(&Sha256::digest(raw)[..12]));
    let event = Event::Unreadable {
        source: me.account.to_string(),
        why: why.to_owned(),
        raw: Theirs::new(cut(raw, RAW_BYTES)),
    };
    Item {
        id: stub.id,
        at: stub.created_at.as_deref().and_then(Timestamp::parse),
        envelopes: vec![Envelope::new(name, event)],
    }
}

fn mention(me: &Me, status: &Status) -> Result<Mention, &'static str> {
    let author = &status.account;
    let parent = status.in_reply_to_id.as_deref().map(post_id).transpose()?;
    let post = post_id(&status.id)?;
    let warning = clean::line(&status.spoiler_text);
    Ok(Mention {
        contact: ContactId { account: me.account.clone(), remote: post_id(&author.id)?.0 },
        handle: Theirs::new(clean::line(&author.acct)),
        name: Theirs::new(named(author)),
        author_url: link(author.url.as_deref()),
        avatar: link(author.avatar_static.as_deref()),
        conversation: parent.as_ref().unwrap_or(&post).to_string(),
        parent,
        post,
        audience: audience(&status.visibility),
        text: Theirs::new(text(status)),
        warning: (!warning.is_empty()).then(|| Theirs::new(warning)),
        media: status.media_attachments.iter().filter_map(medium).take(MEDIA).collect(),
        url: link(status.url.as_deref()),
        written: Timestamp::parse(&status.created_at).unwrap_or_default(),
        language: status.language.as_deref().map(clean::line),
        no_reply: None,
        overheard: None,
        reach: author.followers_count,
    })
}

fn named(author: &super::wire::Account) -> String {
    let name = clean::line(&author.display_name);
    let local = author.acct.split('@').next().unwrap_or_default();
    if name.is_empty() { clean::line(local) } else { name }
}

/// The words, and the choices of a poll below them.
fn text(status: &Status) -> String {
    let mut text = html::plain(&status.content, &status.mentions);
    for choice in status.poll.iter().flat_map(|poll| poll.options.iter().take(20)) {
        text.push_str("\n○ ");
        text.push_str(&clean::line(&choice.title));
    }
    clean::lines(&text)
}

/// Who can read it. What is not known counts as narrow: an answer must never be wider.
fn audience(visibility: &str) -> Audience {
    match visibility {
        "public" => Audience::Public,
        "unlisted" => Audience::Unlisted,
        "private" => Audience::Followers,
        _ => Audience::Direct,
    }
}

fn medium(attachment: &Attachment) -> Option<Media> {
    let kind = match attachment.kind.as_str() {
        "image" => MediaKind::Picture,
        "video" | "gifv" => MediaKind::Film,
        "audio" => MediaKind::Sound,
        _ => MediaKind::Other,
    };
    Some(Media {
        kind,
        url: link(attachment.url.as_deref())?,
        preview: link(attachment.preview_url.as_deref()),
        alt: Theirs::new(clean::lines(&attachment.description)),
    })
}

/// An address that may be shown: of the web, without credentials, and not too long.
fn link(text: Option<&str>) -> Option<String> {
    let url = url::Url::parse(text.filter(|text| text.len() <= LINK_BYTES)?).ok()?;
    let fine = matches!(url.scheme(), "http" | "https") && url.username().is_empty();
    fine.then(|| url.to_string())
}

/// An id from outside. It goes into addresses as one encoded segment, so it must be one.
fn post_id(text: &str) -> Result<PostId, &'static str> {
    let odd = |c: char| c.is_control() || c.is_whitespace();
    if text.is_empty() || text.len() > 200 || text.contains(odd) || matches!(text, "." | "..") {
        return Err("an id that is none");
    }
    Ok(PostId::new(text))
}
