//! X's streams: one long answer with a line for each event, and an empty line at least every 20 s.
//! A line that is cut off with the connection is dropped: the sweeps bring what it held.

use super::X;
use super::auth;
use super::call::{Asked, Trouble, refusal};
use super::hear::Us;
use super::money::Level;
use super::sweep::Ended;
use super::wire::{FIELDS, Page};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut};
use crate::net::call::Answer;
use reqwest::header::AUTHORIZATION;
use secrecy::SecretString;
use serde_json::{Value, json};
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// Silence after which a stream is dead: it says something every 20 s.
const SILENCE: Duration = Duration::from_secs(30);
/// Bytes of one line; a post with all that it refers to stays far below.
const LINE: usize = 1_000_000;
/// Time for a stream to begin.
const BEGIN: Duration = Duration::from_secs(20);
/// X's own rules for coming back: after a cut from 250 ms up to 16 s, after a refusal from 5 s up
/// to 320 s, after "too many" from a minute.
const CUT: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(16));
const REFUSED: (Duration, Duration) = (Duration::from_secs(5), Duration::from_secs(320));
const BUSY: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(960));
/// What the activity API shall tell (openapi, `CreateActivitySubscriptionRequest`).
const EVENTS: [&str; 5] = [
    "chat.received",
    "dm.received",
    "post.mention.create",
    "post.quote.create",
    "post.reply.create",
];
/// How often to look whether there is a budget again.
const POOR: Duration = Duration::from_secs(60);

/// Which stream is followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stream {
    /// What happens to our account.
    Activity,
    /// Posts that match our rules.
    Filtered,
}

impl Stream {
    const fn path(self) -> &'static str {
        match self {
            Self::Activity => "/2/activity/stream",
            Self::Filtered => "/2/tweets/search/stream",
        }
    }
}

/// Lines out of pieces that end anywhere. What stands behind the last line's end waits.
#[derive(Default)]
pub(super) struct Lines(Vec<u8>);

impl Lines {
    /// The lines that this piece completes, without empty ones. `Err` if one becomes too long.
    pub(super) fn take(&mut self, piece: &[u8]) -> Result<Vec<Vec<u8>>, &'static str> {
        self.0.extend_from_slice(piece);
        let mut whole = Vec::new();
        while let Some(end) = self.0.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = self.0.drain(..=end).collect();
            let line = line.trim_ascii().to_vec();
            whole.extend((!line.is_empty()).then_some(line));
        }
        if self.0.len() > LINE { Err("a line of the stream is too long") } else { Ok(whole) }
    }
}

impl X {
    /// Follows a stream until careline stops.
    pub(super) async fn follow(&self, inbox: &Inbox, us: &Us, stream: Stream) -> Shut {
        let feed = self.feed("stream");
        let mut failures: u32 = 0;
        loop {
            if self.books.level(self.now()) == Level::Spent {
                inbox.pulse(&feed, Pulse::Down("today's budget is spent".into()));
                sleep(POOR).await;
                continue;
            }
            let began = self.now();
            let (why, (from, to)) = match self.listen_to(inbox, us, stream).await {
                Ok(why) => (why, CUT),
                Err(Ended::Shut) => return Shut,
                Err(Ended::Trouble(trouble)) => (trouble.why(), pace(&trouble)),
            };
            // One that held a while begins anew with short waits.
            failures = if self.now().since(began) > Span::minutes(1) { 0 } else { failures + 1 };
            inbox.pulse(&feed, Pulse::Down(why));
            sleep((from * 2_u32.pow(failures.clamp(1, 10) - 1)).min(to)).await;
        }
    }

    async fn listen_to(&self, inbox: &Inbox, us: &Us, stream: Stream) -> Result<String, Ended> {
        match stream {
            Stream::Filtered => self.keep_rules().await?,
            Stream::Activity => self.keep_subscriptions(us).await?,
        }
        let mut response = self.begin(stream).await?;
        inbox.pulse(&self.feed("stream"), Pulse::Read);
        let mut lines = Lines::default();
        loop {
            let piece = match timeout(SILENCE, response.chunk()).await {
                Err(_) => return Ok("X's stream fell silent".into()),
                Ok(Err(_)) => return Ok("X's stream broke off".into()),
                Ok(Ok(None)) => return Ok("X ended the stream".into()),
                Ok(Ok(Some(piece))) => piece,
            };
            inbox.pulse(&self.feed("stream"), Pulse::Read);
            for line in lines.take(&piece).map_err(|why| Trouble::Broken(why.into()))? {
                self.heard(inbox, us, &line).await?;
            }
            if self.books.level(self.now()) == Level::Spent {
                return Ok("today's budget is spent".into());
            }
        }
    }

    async fn begin(&self, stream: Stream) -> Result<reqwest::Response, Trouble> {
        let mut url = url::Url::parse(&self.caller.line.address(stream.path()))
            .map_err(|_| Trouble::Dead("X's address is none".into()))?;
        if stream == Stream::Filtered {
            url.query_pairs_mut().extend_pairs(FIELDS);
        }
        let net = &self.caller.line.ground.net;
        net.allows(&url).map_err(|no| Trouble::Dead(no.to_string()))?;
        let request = net.client().get(url).header(AUTHORIZATION, auth::bearer(self.app_token()?)?);
        let broken = |_| Trouble::Broken("X's stream cannot be reached".into());
        let sent = timeout(BEGIN, request.send()).await;
        let late = |_| Trouble::Broken("X's stream does not begin".into());
        let response = sent.map_err(late)?.map_err(broken)?;
        if response.status().is_success() {
            return Ok(response);
        }
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = crate::net::body(response, LINE).await.unwrap_or_default();
        Err(refusal(&Answer { status, headers, body }, self.now()))
    }

    fn app_token(&self) -> Result<&SecretString, Trouble> {
        let none = || Trouble::Dead("a stream needs the app's own token: set `bearer`".into());
        self.bearer.as_ref().ok_or_else(none)
    }

    /// Makes X tell of what concerns us.
    async fn keep_subscriptions(&self, us: &Us) -> Result<(), Trouble> {
        let path = "/2/activity/subscriptions";
        let page: Page<Vec<Value>> = self.caller.call(&Asked::get(path)).await?;
        let there = page.data.unwrap_or_default();
        let has = |kind: &str| {
            let is =
                |s: &Value| s["event_type"] == kind && s["filter"]["user_id"] == us.id.as_str();
            there.iter().any(is)
        };
        for kind in EVENTS.iter().filter(|kind| !has(kind)) {
            let body = json!({ "event_type": kind, "filter": { "user_id": us.id },
                "tag": self.account.to_string() });
            self.caller.call::<Value>(&Asked::post(path, body)).await?;
        }
        Ok(())
    }

    /// Makes X's rules those of the configuration.
    async fn keep_rules(&self) -> Result<(), Trouble> {
        let header = auth::bearer(self.app_token()?)?;
        let path = "/2/tweets/search/stream/rules";
        let line = &self.caller.line;
        let page: Page<Vec<Value>> = line.as_app(&Asked::get(path), header.clone()).await?;
        let there = page.data.unwrap_or_default();
        let ours = |rule: &Value| self.rules.iter().any(|r| rule["value"] == r.as_str());
        let old: Vec<&Value> = there.iter().filter(|r| !ours(r)).map(|r| &r["id"]).collect();
        let is_there = |rule: &&String| there.iter().any(|r| r["value"] == rule.as_str());
        let new: Vec<Value> = self
            .rules
            .iter()
            .filter(|rule| !is_there(rule))
            .map(|rule| json!({ "value": rule, "tag": self.account.to_string() }))
            .collect();
        if !old.is_empty() {
            let asked = Asked::post(path, json!({ "delete": { "ids": old } }));
            line.as_app::<Value>(&asked, header.clone()).await?;
        }
        if !new.is_empty() {
            line.as_app::<Value>(&Asked::post(path, json!({ "add": new })), header).await?;
        }
        Ok(())
    }

    /// Does the stream answer? Its first words are not waited for.
    pub(super) async fn try_stream(&self, stream: Stream) -> Result<String, Trouble> {
        self.begin(stream).await.map(|_| "answers".into())
    }
}

const fn pace(trouble: &Trouble) -> (Duration, Duration) {
    match trouble {
        Trouble::Later { after: Some(Span(1..)), .. } => BUSY,
        Trouble::Broken(_) => CUT,
        _ => REFUSED,
    }
}

/// A time in whole seconds, as X takes it.
pub(super) fn seconds(at: Timestamp) -> String {
    Timestamp::from_seconds(at.0.div_euclid(1_000_000)).to_string().replace(".000Z", "Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_whole_however_they_are_cut() {
        let mut lines = Lines::default();
        assert_eq!(lines.take(b"\r\n{\"a\"").unwrap(), Vec::<Vec<u8>>::new());
        assert_eq!(lines.take(b":1}\r\n\r\n{\"b\":").unwrap(), [b"{\"a\":1}".to_vec()]);
        assert_eq!(
            lines.take("\"ö\"}\n".as_bytes()).unwrap(),
            ["{\"b\":\"ö\"}".as_bytes().to_vec()]
        );
        assert!(lines.take(&vec![b'x'; LINE + 1]).is_err());
    }

    #[test]
    fn times_are_whole_seconds() {
        let at = Timestamp::parse("2026-08-01T10:00:05.999Z").unwrap();
        assert_eq!(seconds(at), "2026-08-01T10:00:05Z");
    }
}
