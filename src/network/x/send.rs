//! Sending one part of a reply once, and looking for one that may have been sent.

use super::X;
use super::call::{Asked, Body, Refused, Trouble};
use super::hear::DIRECT;
use super::money;
use super::say;
use super::sweep::DIRECT_FIELDS;
use super::wire::{Direct, FIELDS, Page, Tweet, Upload, UploadData, Written};
use crate::case::effect::Receipt;
use crate::case::event::File;
use crate::case::time::{Span, Timestamp};
use crate::network::{Failure, Looked, Outgoing};
use bytes::Bytes;
use serde_json::{Value, json};
use std::time::Duration;

/// Bytes of one piece of a file, of which X takes 1,000 (openapi, `AppendMediaUploadRequest`).
const PIECE: usize = 512 * 1024;
/// How often a file is asked for that X still works on, and the longest pause in between.
const PATIENCE: (u32, Duration) = (10, Duration::from_secs(5));
/// How far before the first try a post may be dated: clocks differ, and X tells whole seconds.
const SLACK: Span = Span::minutes(2);
/// Pages of our own posts that a look reads: 100 each.
const PAGES: usize = 5;

impl X {
    pub(super) async fn send(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        if let Some(change) = &out.reply.change {
            return self.change(change).await;
        }
        say::check(out, self.limit)?;
        let mut media = Vec::new();
        for (file, bytes) in &out.files {
            media.push(self.upload(file, bytes, say::is_direct(out)).await?);
        }
        let asked = match say::is_direct(out) {
            true => {
                let to = out.reply.target.contact.remote.as_str();
                if !say::is_id(to) {
                    return Err(Failure::Never("there is no such person".into()));
                }
                let path = format!("/2/dm_conversations/with/{to}/messages");
                Asked::post(path, say::direct(out, &media))
            }
            false => Asked::post("/2/tweets", say::post(out, &media)),
        };
        match self.caller.call::<Written>(&asked).await {
            Ok(written) => {
                self.books.wrote(say::kind(out), &out.id, self.now());
                Ok(self.receipt(&written.data.id, say::is_direct(out), None))
            }
            Err(trouble) if trouble.is_duplicate() => self.duplicate(out).await,
            Err(trouble) => Err(trouble.writing()),
        }
    }

    pub(super) fn receipt(&self, id: &str, direct: bool, at: Option<&str>) -> Receipt {
        let at = at.and_then(Timestamp::parse).unwrap_or_else(|| self.now());
        match direct {
            true => Receipt { remote: format!("{DIRECT}{id}"), url: None, at },
            false => {
                let url = Some(format!("{}/i/status/{id}", self.app));
                Receipt { remote: id.to_owned(), url, at }
            }
        }
    }

    /// X says that the same words stand there already, and not where: our own posts tell whether an
    /// earlier try left them, or another answer.
    async fn duplicate(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        match self.found(out).await {
            Ok(Found::It(receipt)) => Ok(receipt),
            Ok(Found::SameWords) => Err(Failure::Never(
                "X takes the same words only once, and they stand in another answer already; \
                 change them a little"
                    .into(),
            )),
            Ok(Found::Nothing) => Err(Failure::Unsure(
                "X says that these words were posted already, but does not show them yet".into(),
            )),
            Err(trouble) => Err(Failure::Unsure(trouble.why())),
        }
    }

    pub(super) async fn search(&self, out: &Outgoing) -> Looked {
        let found = match &out.reply.change {
            Some(change) => self.changed(change).await,
            None if say::is_direct(out) => self.letter(out).await,
            None => self.found(out).await,
        };
        match found {
            Ok(Found::It(receipt)) => Looked::There(receipt),
            Ok(Found::SameWords | Found::Nothing) => Looked::Absent,
            Err(trouble) => Looked::Unclear(trouble.why()),
        }
    }

    /// Looks through our own posts since the first try.
    async fn found(&self, out: &Outgoing) -> Result<Found, Trouble> {
        let us = self.us().await?;
        let since = super::stream::seconds(out.first - SLACK);
        let (mut next, mut same, mut hits) = (None::<String>, false, Vec::new());
        for _ in 0..PAGES {
            let mut asked = Asked::get(format!("/2/users/{}/tweets", us.id)).with(FIELDS);
            asked = asked.with(&[("max_results", "100"), ("start_time", since.as_str())]);
            if let Some(token) = &next {
                asked = asked.with(&[("pagination_token", token)]);
            }
            let page: Page<Vec<Tweet>> = self.caller.call(&asked).await?;
            let tweets = page.data.unwrap_or_default();
            self.books.read(money::OWNED, tweets.iter().map(|t| t.id.as_str()), self.now());
            same |= tweets.iter().any(|tweet| say::has_words(us, tweet, out));
            let ours = tweets.into_iter().filter(|t| say::is_it(us, t, &page.includes, out));
            hits.extend(ours);
            next = page.meta.next_token;
            if next.is_none() {
                break;
            }
        }
        if hits.len() > 1 {
            tracing::error!(account = %self.account, delivery = %out.id, posts = hits.len(),
                "double: the same reply stands more than once on the network");
        }
        // The lists are newest first: the oldest is the last.
        Ok(match hits.last() {
            Some(it) => Found::It(self.receipt(it.first(), false, it.created_at.as_deref())),
            None if same => Found::SameWords,
            None => Found::Nothing,
        })
    }

    async fn letter(&self, out: &Outgoing) -> Result<Found, Trouble> {
        let us = self.us().await?;
        let to = out.reply.target.contact.remote.as_str();
        if !say::is_id(to) {
            return Ok(Found::Nothing);
        }
        let asked = Asked::get(format!("/2/dm_conversations/with/{to}/dm_events"));
        let asked = asked.with(DIRECT_FIELDS).with(&[("max_results", "100")]);
        let page: Page<Vec<Direct>> = self.caller.call(&asked).await?;
        let letters = page.data.unwrap_or_default();
        self.books.read(money::DIRECT_READ, letters.iter().map(|d| d.id.as_str()), self.now());
        let since = out.first - SLACK;
        let late = |d: &&Direct| d.created_at.as_deref().and_then(Timestamp::parse) >= Some(since);
        let hit = letters.iter().rev().find(|d| late(d) && say::is_letter(us, d, out));
        Ok(hit.map_or(Found::Nothing, |it| {
            Found::It(self.receipt(&it.id, true, it.created_at.as_deref()))
        }))
    }

    /// Brings a file to X in pieces. Nothing of it is public yet: whatever goes wrong here, the
    /// reply was surely not sent.
    async fn upload(&self, file: &File, bytes: &Bytes, direct: bool) -> Result<String, Failure> {
        let done = self.pieces(file, bytes, direct).await;
        done.map_err(|trouble| match trouble.before_writing() {
            Failure::Gone(why) => Failure::Never(why),
            other => other,
        })
    }

    async fn pieces(&self, file: &File, bytes: &Bytes, direct: bool) -> Result<String, Trouble> {
        let category = category(&file.mime, direct);
        let begin = json!({ "media_type": file.mime, "total_bytes": bytes.len(),
            "media_category": category });
        let begun = Asked::post("/2/media/upload/initialize", begin);
        let UploadData { id, .. } = self.caller.call::<Upload>(&begun).await?.data;
        if !say::is_id(&id) {
            return Err(Trouble::Broken("X names a file in an odd way".into()));
        }
        for (index, at) in (0..bytes.len()).step_by(PIECE).enumerate() {
            let piece = bytes.slice(at..bytes.len().min(at + PIECE));
            let mut asked = Asked::post(format!("/2/media/upload/{id}/append"), Value::Null);
            asked.body = Body::Piece { index, bytes: piece };
            self.caller.call::<Value>(&asked).await?;
        }
        let mut end = Asked::post(format!("/2/media/upload/{id}/finalize"), Value::Null);
        end.body = Body::None;
        let ended = self.caller.call::<Upload>(&end).await?.data;
        self.ready(&id, ended).await?;
        self.describe(&id, file).await?;
        Ok(id)
    }

    /// Waits until X has worked on a file.
    async fn ready(&self, id: &str, mut file: UploadData) -> Result<(), Trouble> {
        for _ in 0..PATIENCE.0 {
            let Some(work) = file.processing_info else { return Ok(()) };
            match work.state.as_str() {
                "succeeded" => return Ok(()),
                "failed" => return Err(refused("X cannot use a file")),
                _ => {
                    let pause = Duration::from_secs(work.check_after_secs.unwrap_or(1));
                    tokio::time::sleep(pause.min(PATIENCE.1)).await;
                }
            }
            let asked = Asked::get("/2/media/upload");
            let asked = asked.with(&[("command", "STATUS"), ("media_id", id)]);
            file = self.caller.call::<Upload>(&asked).await?.data;
        }
        Err(Trouble::Later {
            after: Some(Span::seconds(30)),
            why: "X still works on a file".into(),
        })
    }

    /// Gives a file its description.
    async fn describe(&self, id: &str, file: &File) -> Result<(), Trouble> {
        let Some(alt) = file.alt.as_deref().filter(|alt| !alt.is_empty()) else { return Ok(()) };
        let alt: String = alt.chars().take(say::ALT).collect();
        let body = json!({ "id": id, "metadata": { "alt_text": { "text": alt } } });
        self.caller.call::<Value>(&Asked::post("/2/media/metadata", body)).await.map(drop)
    }
}

/// What looking through our own posts brought.
pub(super) enum Found {
    /// The post itself.
    It(Receipt),
    /// A post with the same words that answers somebody else.
    SameWords,
    /// Neither.
    Nothing,
}

fn refused(why: &str) -> Trouble {
    Trouble::Refused(Refused { status: 400, kind: String::new(), detail: why.into() })
}

fn category(mime: &str, direct: bool) -> &'static str {
    match (mime, direct) {
        ("image/gif", false) => "tweet_gif",
        ("image/gif", true) => "dm_gif",
        (film, false) if film.starts_with("video/") => "tweet_video",
        (film, true) if film.starts_with("video/") => "dm_video",
        (_, false) => "tweet_image",
        (_, true) => "dm_image",
    }
}
