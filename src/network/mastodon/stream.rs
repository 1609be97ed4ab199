//! Streams: a hint that comes within a second. Nothing depends on one; after each new connection
//! the feeds are swept, because no stream repeats what it said while nobody listened.

use super::hear;
use super::listen::pause;
use super::{Mastodon, Streaming};
use crate::case::event::Envelope;
use crate::case::limits::IN_FLIGHT;
use crate::inbox::{Inbox, Shut, Taken};
use futures_util::stream::FuturesUnordered;
use futures_util::{SinkExt, Stream, StreamExt};
use reqwest::Method;
use std::future::Future;
use std::time::Duration;
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use url::Url;

/// How long a stream may say nothing at all, not even that it is alive.
const SILENCE: Duration = Duration::from_secs(90);
/// How often we ask a WebSocket whether it is alive.
const PING: Duration = Duration::from_secs(30);
/// How long a connection may take.
const CONNECT: Duration = Duration::from_secs(10);
/// The longest frame; a post with all its media stays far below.
const FRAME: usize = 1 << 20;

/// One way to listen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// By WebSocket, at this address.
    Socket(Url),
    /// By server-sent events, at this address.
    Events(Url),
}

/// How a stream ended.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It never opened.
    Refused(String),
    /// It was open.
    Broke,
    /// The inbox takes nothing more.
    Shut,
}

/// What a stream is about.
pub(super) enum Topic {
    /// What concerns us.
    User,
    /// All public posts that the server knows.
    Public,
    /// Public posts with this hashtag.
    Tag(String),
}

impl Topic {
    /// Its name in an address: for a WebSocket, and the path and query of its events. Source:
    /// <https://docs.joinmastodon.org/methods/streaming/#streams>.
    fn of(&self, url: &mut Url, socket: bool) {
        let (name, tag) = match self {
            Self::User => ("user", None),
            Self::Public => ("public", None),
            Self::Tag(tag) => ("hashtag", Some(tag.as_str())),
        };
        if !socket {
            let path = format!("{}/{name}", url.path());
            url.set_path(&path);
        }
        let stream = socket.then_some(("stream", name));
        let tag = tag.map(|tag| ("tag", tag));
        if stream.is_some() || tag.is_some() {
            url.query_pairs_mut().clear().extend_pairs(stream.into_iter().chain(tag));
        }
    }
}

/// What becomes of an event and its payload.
pub(super) type Hear<'h> = dyn Fn(&str, &str) -> Vec<Envelope> + Sync + 'h;

/// What a stream brings, one after the other.
type Told = (String, String);

impl Mastodon {
    /// Listens until the inbox is shut. Without any way it waits for ever.
    pub(super) async fn streams(&self, inbox: &Inbox, of: &Topic, hear: &Hear<'_>, nudge: &Notify) {
        let ways = self.ways(of).await;
        let (mut at, mut failures) = (0, 0);
        while let Some(way) = ways.get(at % ways.len().max(1)) {
            match self.listen_by(way, inbox, hear, nudge).await {
                Ended::Shut => return,
                Ended::Broke => failures = 1,
                Ended::Refused(why) => {
                    tracing::debug!(account = %self.account, why, "no stream here");
                    at += 1;
                    failures += u32::from(at % ways.len() == 0);
                }
            }
            tokio::time::sleep(pause(failures, None)).await;
        }
        std::future::pending::<()>().await;
    }

    /// All ways worth trying, the most likely first: the configured address alone, else what the
    /// server says, else the server itself (some advertise an address that does not work,
    /// `realservers.md` 3).
    pub(super) async fn ways(&self, of: &Topic) -> Vec<Way> {
        let (sockets, events) = match self.streaming {
            Streaming::Off => return Vec::new(),
            Streaming::Auto => (true, true),
            Streaming::WebSocket => (true, false),
            Streaming::Events => (false, true),
        };
        let mut places: Vec<Url> = self.streaming_url.iter().cloned().collect();
        if places.is_empty() {
            let urls = self.instance().await.map(|told| (told.configuration.urls, told.urls));
            let told = urls.ok().and_then(|(v2, v1)| v2.streaming.or(v1.streaming_api));
            places.extend(told.and_then(|text| Url::parse(&text).ok()));
            places.push(self.client.base.clone());
        }
        let allowed = |url: &Url| self.client.ground.net.allows(url).is_ok();
        let mut ways: Vec<Way> = Vec::new();
        if sockets {
            let urls = places.iter().filter_map(|url| socket_address(url, of)).filter(allowed);
            ways.extend(urls.map(Way::Socket));
        }
        if events {
            let urls = places.iter().filter_map(|url| events_address(url, of)).filter(allowed);
            ways.extend(urls.map(Way::Events));
        }
        ways.dedup();
        ways
    }

    async fn listen_by(&self, way: &Way, inbox: &Inbox, hear: &Hear<'_>, nudge: &Notify) -> Ended {
        match way {
            Way::Socket(url) => match self.connect(url).await {
                Ok(told) => pump(told, inbox, hear, nudge).await,
                Err(why) => Ended::Refused(why),
            },
            Way::Events(url) => match self.request(url).await {
                Ok(told) => pump(told, inbox, hear, nudge).await,
                Err(why) => Ended::Refused(why),
            },
        }
    }

    /// Is there a stream at this address?
    pub(super) async fn try_way(&self, way: &Way) -> Result<(), String> {
        match way {
            Way::Socket(url) => self.connect(url).await.map(drop),
            Way::Events(url) => self.request(url).await.map(drop),
        }
    }

    async fn connect(&self, url: &Url) -> Result<impl Stream<Item = Told> + use<>, String> {
        let mut request = url.as_str().into_client_request().map_err(|_| "no address")?;
        let token = self.client.authorization().ok_or("the token cannot be sent")?;
        request.headers_mut().insert("authorization", token);
        let config =
            WebSocketConfig::default().max_message_size(Some(FRAME)).max_frame_size(Some(FRAME));
        let opening = tokio_tungstenite::connect_async_with_config(request, Some(config), true);
        let opened = tokio::time::timeout(CONNECT, opening).await.map_err(|_| "no answer")?;
        let (socket, _) = opened.map_err(|why| why.to_string())?;
        let beat = tokio::time::interval(PING);
        Ok(futures_util::stream::unfold((socket, beat), |(mut socket, mut beat)| async {
            loop {
                let heard = tokio::select! {
                    heard = tokio::time::timeout(SILENCE, socket.next()) => heard.ok()??.ok()?,
                    _ = beat.tick() => {
                        socket.send(Message::Ping(Vec::new().into())).await.ok()?;
                        continue;
                    }
                };
                match heard {
                    Message::Text(text) => {
                        let told = hear::frame(&text).unwrap_or_default();
                        return Some((told, (socket, beat)));
                    }
                    Message::Close(_) => return None,
                    _ => {}
                }
            }
        }))
    }

    async fn request(&self, url: &Url) -> Result<impl Stream<Item = Told> + use<>, String> {
        let request = self.client.request(Method::GET, url.clone());
        let request = request.header("accept", "text/event-stream");
        let opened = tokio::time::timeout(CONNECT, request.send()).await;
        let response = opened.map_err(|_| "no answer")?.map_err(|_| "no connection")?;
        let kind = response.headers().get("content-type").and_then(|v| v.to_str().ok());
        if !response.status().is_success() || !kind.is_some_and(|k| k.contains("event-stream")) {
            return Err(format!("status {}", response.status().as_u16()));
        }
        let lines = (response, Lines::default());
        Ok(futures_util::stream::unfold(lines, |(mut response, mut lines)| async {
            loop {
                if let Some(told) = lines.next() {
                    return Some((told, (response, lines)));
                }
                let chunk = tokio::time::timeout(SILENCE, response.chunk()).await.ok()?.ok()??;
                lines.take(&chunk)?;
            }
        }))
    }
}

/// Puts what a stream tells into the inbox, several at once, until one of both ends.
async fn pump(
    told: impl Stream<Item = Told>,
    inbox: &Inbox,
    hear: &Hear<'_>,
    nudge: &Notify,
) -> Ended {
    nudge.notify_one();
    let mut told = std::pin::pin!(told);
    let mut puts = FuturesUnordered::new();
    loop {
        tokio::select! {
            biased;
            Some(put) = puts.next(), if !puts.is_empty() => if is_shut(&put) {
                return Ended::Shut;
            },
            next = told.next(), if puts.len() < IN_FLIGHT => match next {
                Some((event, payload)) => {
                    // Notifications were put together or filtered: the list tells what is what.
                    if event == "notifications_merged" {
                        nudge.notify_one();
                    }
                    let heard = hear(&event, &payload);
                    puts.extend(heard.into_iter().map(|envelope| put(inbox, envelope)));
                }
                None => break,
            },
        }
    }
    while let Some(put) = puts.next().await {
        if is_shut(&put) {
            return Ended::Shut;
        }
    }
    Ended::Broke
}

fn put(inbox: &Inbox, envelope: Envelope) -> impl Future<Output = Result<Taken, Shut>> {
    inbox.put(envelope)
}

const fn is_shut(put: &Result<Taken, Shut>) -> bool {
    put.is_err()
}

/// The place with the path that all servers use, if it has not got it already.
fn with_path(url: &Url) -> Url {
    let mut url = url.clone();
    let path = url.path().trim_end_matches('/').to_owned();
    let path = path.trim_end_matches("/api/v1/streaming");
    url.set_path(&format!("{path}/api/v1/streaming"));
    url
}

/// Source: <https://docs.joinmastodon.org/methods/streaming/#websocket>.
fn socket_address(place: &Url, of: &Topic) -> Option<Url> {
    let mut url = with_path(place);
    let scheme = if matches!(place.scheme(), "http" | "ws") { "ws" } else { "wss" };
    url.set_scheme(scheme).ok()?;
    of.of(&mut url, true);
    Some(url)
}

/// Source: <https://docs.joinmastodon.org/methods/streaming/#user>.
fn events_address(place: &Url, of: &Topic) -> Option<Url> {
    let mut url = with_path(place);
    of.of(&mut url, false);
    let scheme = if matches!(place.scheme(), "http" | "ws") { "http" } else { "https" };
    // `set_scheme` refuses to turn `ws` into `http` in old versions of the standard.
    Url::parse(&format!("{scheme}{}", &url.as_str()[url.scheme().len()..])).ok()
}

/// Server-sent events, as they come in pieces. Source:
/// <https://html.spec.whatwg.org/multipage/server-sent-events.html>.
#[derive(Default)]
struct Lines {
    bytes: Vec<u8>,
    event: String,
    data: Option<String>,
}

impl Lines {
    /// Takes a piece; `None` if it would grow too long.
    fn take(&mut self, piece: &[u8]) -> Option<()> {
        let data = self.data.as_ref().map_or(0, String::len);
        (self.bytes.len() + piece.len() + data <= 2 * FRAME).then(|| self.bytes.extend(piece))
    }

    /// The next event that is whole.
    fn next(&mut self) -> Option<Told> {
        while let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') {
            let line: Vec<u8> = self.bytes.drain(..=end).collect();
            let line = String::from_utf8_lossy(&line);
            let line = line.trim_end_matches(['\r', '\n']);
            if line.is_empty() {
                let event = std::mem::take(&mut self.event);
                if let Some(data) = self.data.take() {
                    return Some((event, data));
                }
                continue;
            }
            let (field, value) = line.split_once(':').unwrap_or((line, ""));
            let value = value.strip_prefix(' ').unwrap_or(value);
            match field {
                "event" => value.clone_into(&mut self.event),
                "data" => match &mut self.data {
                    Some(data) => {
                        data.push('\n');
                        data.push_str(value);
                    }
                    None => self.data = Some(value.to_owned()),
                },
                _ => {}
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_read_in_any_pieces() {
        let text =
            ":)\n\nevent: delete\ndata: 12\n\n:thump\n\nevent: x\r\ndata: {\"a\":\ndata: 1}\n\n";
        let want = [("delete", "12"), ("x", "{\"a\":\n1}")];
        for size in 1..text.len() {
            let mut lines = Lines::default();
            let mut got = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                lines.take(piece).unwrap();
                got.extend(std::iter::from_fn(|| lines.next()));
            }
            let got: Vec<_> = got.iter().map(|(e, d)| (e.as_str(), d.as_str())).collect();
            assert_eq!(got, want, "in pieces of {size}");
        }
        let mut lines = Lines::default();
        assert!((0..5).any(|_| lines.take(&[b'x'; FRAME]).is_none()));
    }

    #[test]
    fn addresses_of_streams() {
        let of = |text: &str| {
            let url = Url::parse(text).unwrap();
            let text = |url: Option<Url>| url.unwrap().to_string();
            (text(socket_address(&url, &Topic::User)), text(events_address(&url, &Topic::User)))
        };
        let (socket, events) = of("https://a.example");
        assert_eq!(socket, "wss://a.example/api/v1/streaming?stream=user");
        assert_eq!(events, "https://a.example/api/v1/streaming/user");
        let tag = Topic::Tag("a&b".into());
        let url = Url::parse("https://a.example").unwrap();
        let socket = socket_address(&url, &tag).unwrap();
        assert_eq!(socket.query(), Some("stream=hashtag&tag=a%26b"));
        let events = events_address(&url, &tag).unwrap();
        assert_eq!(events.as_str(), "https://a.example/api/v1/streaming/hashtag?tag=a%26b");
        let (socket, events) = of("ws://127.0.0.1:4000/api/v1/streaming");
        assert_eq!(socket, "ws://127.0.0.1:4000/api/v1/streaming?stream=user");
        assert_eq!(events, "http://127.0.0.1:4000/api/v1/streaming/user");
    }
}
