//! Sends one part of a reply once, and searches for what an earlier try may have left.

use super::super::{Failure, Looked, Outgoing};
use super::Mastodon;
use super::client::Unread;
use super::say;
use super::wire::{Attachment, Context, Status};
use crate::case::effect::Receipt;
use crate::case::event::File;
use crate::case::limits::FILE_BYTES;
use crate::case::time::{Span, Timestamp};
use crate::net::call::Answer;
use bytes::Bytes;
use reqwest::Method;
use reqwest::multipart::{Form, Part};
use std::time::Duration;

/// How often a file is asked for that the server still works on, and how long in between.
const PATIENCE: (u32, Duration) = (10, Duration::from_secs(1));
/// How far before the first try a post may be dated: clocks differ (`reliability.md` 2.4).
const SLACK: Span = Span::minutes(2);
/// Pages of our own posts that a look reads: 40 each.
const PAGES: usize = 5;

impl Mastodon {
    pub(super) async fn send(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        if let Some(change) = &out.reply.change {
            return self.change(out, change).await;
        }
        // Once without media, so that words that must not go do not cost an upload.
        say::status(out, &[])?;
        let mut media = Vec::new();
        for (file, bytes) in &out.files {
            media.push(self.upload(file, bytes).await?);
        }
        let form = say::status(out, &media)?;
        let url = self.client.address(&["api", "v1", "statuses"], &[]).map_err(say::broken)?;
        let request = self.client.request(Method::POST, url).form(&form);
        let request = request.header("Idempotency-Key", &out.key);
        let answer = self.client.call(request).await.map_err(say::broken)?;
        self.receipt(&answer)
    }

    /// The proof, if the answer holds one.
    fn receipt(&self, answer: &Answer) -> Result<Receipt, Failure> {
        let now = (self.client.ground.now)();
        if !answer.is_success() {
            return Err(say::refusal(answer, now));
        }
        let status: Status =
            serde_json::from_slice(&answer.body).map_err(|_| say::refusal(answer, now))?;
        Ok(receipt(&status, now))
    }

    /// Brings a file to the server. Nothing of it is public yet: whatever goes wrong here, the
    /// reply was surely not sent.
    async fn upload(&self, file: &File, bytes: &Bytes) -> Result<String, Failure> {
        if bytes.len() > FILE_BYTES {
            return Err(Failure::Never(format!("a file is larger than {FILE_BYTES} bytes")));
        }
        let part = Part::stream(bytes.clone()).file_name("file").mime_str(&file.mime);
        let part = part.map_err(|_| Failure::Never("a file of an unknown kind".into()))?;
        let alt = file.alt.clone().unwrap_or_default();
        let form = Form::new().text("description", alt).part("file", part);
        let url = self.client.address(&["api", "v2", "media"], &[]).map_err(say::broken)?;
        let request = self.client.request(Method::POST, url).multipart(form);
        let answer = self.client.call(request).await.map_err(|e| unsent(say::broken(e)))?;
        let now = (self.client.ground.now)();
        let refused = || unsent(say::refusal(&answer, now));
        if !answer.is_success() {
            return Err(refused());
        }
        let medium: Attachment = serde_json::from_slice(&answer.body).map_err(|_| refused())?;
        let id = medium.id.ok_or_else(refused)?;
        if answer.status == 202 { self.wait_for(id).await } else { Ok(id) }
    }

    /// Waits until the server has worked on a file. Source:
    /// <https://docs.joinmastodon.org/methods/media/#get> (206 while it does).
    async fn wait_for(&self, id: String) -> Result<String, Failure> {
        for _ in 0..PATIENCE.0 {
            let path = ["api", "v1", "media", id.as_str()];
            let url = self.client.address(&path, &[]).map_err(say::broken)?;
            let answer = self.client.call(self.client.request(Method::GET, url)).await;
            match answer.map(|answer| answer.status) {
                Ok(200) => return Ok(id),
                Ok(422) => return Err(Failure::Never("the server cannot use a file".into())),
                _ => tokio::time::sleep(PATIENCE.1).await,
            }
        }
        let why = "the server still works on a file".into();
        Err(Failure::Later { after: Some(Span::seconds(30)), why })
    }

    pub(super) async fn search(&self, out: &Outgoing) -> Looked {
        if let Some(change) = &out.reply.change {
            return self.changed(change).await;
        }
        let mut found = match self.below(out).await {
            Ok(found) => found,
            Err(why) => return Looked::Unclear(why),
        };
        match self.own_since(Timestamp(out.first.0) - SLACK).await {
            Ok(own) => found.extend(own),
            Err(why) => return Looked::Unclear(why),
        }
        found.retain(|status| say::is_same(status, out));
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found.dedup_by(|a, b| a.id == b.id);
        if found.len() > 1 {
            // Not mended in silence: one of them must be deleted, and only a person can choose.
            tracing::error!(account = %self.account, delivery = %out.id, posts = found.len(),
                "double: the same reply stands more than once on the network");
        }
        let oldest = found.iter().min_by_key(|status| Timestamp::parse(&status.created_at));
        oldest.map_or(Looked::Absent, |s| Looked::There(receipt(s, (self.client.ground.now)())))
    }

    /// Our posts below the one we answer. A parent that is gone has none.
    async fn below(&self, out: &Outgoing) -> Result<Vec<Status>, String> {
        let me = self.me().await.map_err(why)?;
        let path = ["api", "v1", "statuses", out.parent.as_str(), "context"];
        match self.client.get::<Context>(&path, &[]).await {
            Ok(context) => {
                let mut all = context.descendants;
                all.retain(|status| status.account.id == me.id);
                Ok(all)
            }
            Err(Unread::Absent) => Ok(Vec::new()),
            Err(unread) => Err(why(unread)),
        }
    }

    /// All our posts since then.
    async fn own_since(&self, since: Timestamp) -> Result<Vec<Status>, String> {
        let me = self.me().await.map_err(why)?;
        let path = ["api", "v1", "accounts", me.id.as_str(), "statuses"];
        let (mut all, mut below) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let mut query = vec![("limit", "40"), ("exclude_reblogs", "true")];
            query.extend(below.as_deref().map(|id| ("max_id", id)));
            let page: Vec<Status> = self.client.get(&path, &query).await.map_err(why)?;
            let Some(last) = page.last() else { return Ok(all) };
            let written = Timestamp::parse(&last.created_at);
            let over = below.as_deref() == Some(&last.id) || written.is_some_and(|at| at < since);
            below = Some(last.id.clone());
            all.extend(page);
            if over {
                return Ok(all);
            }
        }
        Err("there are too many posts of ours since then".into())
    }
}

fn receipt(status: &Status, now: Timestamp) -> Receipt {
    let at = Timestamp::parse(&status.created_at).unwrap_or(now);
    Receipt { remote: status.id.clone(), url: status.url.clone(), at }
}

/// Nothing is public before the post itself: an unknown upload may simply be done again.
fn unsent(failure: Failure) -> Failure {
    match failure {
        Failure::Unsure(why) => Failure::Later { after: None, why },
        Failure::Gone(why) => Failure::Never(why),
        other => other,
    }
}

pub(super) fn why(unread: Unread) -> String {
    match unread {
        Unread::Down(why, _) | Unread::Dead(why) => why,
        Unread::Absent => "the server does not have it".into(),
    }
}
