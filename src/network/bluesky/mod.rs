//! Bluesky: the driver. A personal data server (PDS) holds our account; what others wrote is asked
//! of the same server, which passes it on to the network's view (AppView).
//!
//! *In.* The list of notifications is the guarantee (`known`, `sweep`), Jetstream the fast hint
//! (`stream`). *Out.* A record under a key of our own, made only if nothing stands there (`say`,
//! `send`). A post's id is its `at://` address without the content's name (cid), because deletions
//! and answers name it so; the cid of what is answered is asked for at sending. Direct messages
//! (`chat.bsky`) are not read: that service takes no key with a message, and its log is a feed of
//! its own. *Listening.* Posts that nobody addressed to us are found on the stream by their raw
//! bytes (`gate`) and brought after a look at their authors (`overhear`).

mod call;
pub mod face;
pub mod gate;
mod hear;
mod hint;
mod known;
mod overhear;
mod say;
mod send;
mod session;
mod stream;
mod sweep;
mod wire;

use super::feed::{self, Sent, finding, swept, troubled, until_stop};
use super::{Driver, Failure, Finding, Looked, Network, Outgoing, Stopped};
use crate::case::ability::{Abilities, Count, Resend};
use crate::case::effect::Receipt;
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, FeedId};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Shut, Task};
use crate::listen::{Ears, Rules};
use crate::net::Ground;
use crate::setting::{Mistakes, Section};
use call::{Client, Trouble, Xrpc};
use hint::Hint;
use known::Known;
use overhear::{Bringer, Pending};
use session::Sessions;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;
use sweep::{Ear, Shared};
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{sleep, timeout};

/// The row of this network.
pub static NETWORK: Driver = Driver {
    name: "bluesky",
    example: EXAMPLE,
    open,
    abilities: || Bluesky::abilities(None),
    face: face::routes,
};

const EXAMPLE: &str = r#"
# An account on Bluesky, or on another server of the AT Protocol.
[account.bluesky]
network = "bluesky"
# The channel its cases go to, as the desk names it. With several desks add: desk = "NAME"
channel = "C0123456789"
# Where the account lives.
service = "https://bsky.social"
# Its handle.
handle = "brand.example.com"
# An app password (Settings, Privacy and security, App passwords); never the account's own.
password = "env:BLUESKY_APP_PASSWORD"
# Servers that tell of posts as they happen, tried in turn. [] = only ask every `poll`.
jetstream = ["wss://jetstream2.us-east.bsky.network", "wss://jetstream1.us-west.bsky.network"]
# How often the newest notifications are fetched, and how often all of them are gone through: some
# stand far down, because a post is listed under the time that it claims.
poll = "15 s"
deep = "10 min"
# Where people read posts: links in threads lead there.
app = "https://bsky.app"
# How far back to begin at the very first start. "0 s" begins at now.
since = "0 s"
"#;

/// Servers of the stream that Bluesky runs (`platforms.md` 6.1).
const JETSTREAM: [&str; 2] =
    ["wss://jetstream2.us-east.bsky.network", "wss://jetstream1.us-west.bsky.network"];
/// Waits between sweeps while a hint is followed: a post is listed some 0.1 to 1 s after the
/// stream told of it (`realservers.md` 2).
const FOLLOW: [Duration; 3] =
    [Duration::from_millis(150), Duration::from_millis(600), Duration::from_secs(3)];
/// Hints under way from the stream to the sweeps.
const HINTS: usize = 256;
/// One account on Bluesky.
struct Bluesky {
    account: AccountId,
    client: Client,
    /// Its handle, without `@`.
    handle: String,
    /// Where people read posts, without a slash at its end.
    app: String,
    jetstream: Vec<url::Url>,
    poll: Span,
    deep: Span,
    since: Span,
    sent: Sent,
    /// What is listened for besides.
    ears: Ears,
}

fn open(
    account: &AccountId,
    section: &Section,
    ground: &Ground,
) -> Result<Arc<dyn Network>, Mistakes> {
    let service = section.url("service", Some("https://bsky.social"));
    let handle = section.required("handle");
    let password = section.secret("password");
    let jetstream = servers(section);
    let poll = at_least(section, "poll", Span::seconds(15));
    let deep = at_least(section, "deep", Span::minutes(10));
    let app = section.url("app", Some("https://bsky.app"));
    let since = section.span("since", Span(0));
    let allowed = |url: &url::Url| ground.net.allows(url).map_err(|refused| refused.to_string());
    if let Some(Err(refused)) = service.as_ref().map(allowed) {
        section.wrong("service", refused);
    }
    if let Some(refused) = jetstream.iter().find_map(|url| allowed(url).err()) {
        section.wrong("jetstream", refused);
    }
    section.done()?;
    let (Some(service), Some(password), Some(app)) = (service, password, app) else {
        // Each was noted as a mistake, so that `done` has ended this.
        return Err(Mistakes::default());
    };
    let handle = handle.trim_start_matches('@').to_owned();
    let xrpc = Xrpc::new(ground.clone(), service);
    Ok(Arc::new(Bluesky {
        account: account.clone(),
        client: Client::new(xrpc, Sessions::new(handle.clone(), password)),
        handle,
        app: app.as_str().trim_end_matches('/').to_owned(),
        jetstream,
        poll,
        deep,
        since,
        sent: Sent::default(),
        ears: Ears::default(),
    }))
}

fn servers(section: &Section) -> Vec<url::Url> {
    let given = section.list("jetstream");
    let default = JETSTREAM.map(str::to_owned).to_vec();
    let texts = if section.entries.contains_key("jetstream") { given } else { default };
    let mut urls = Vec::new();
    for text in texts {
        match url::Url::parse(&text) {
            Ok(url) if matches!(url.scheme(), "ws" | "wss") && url.host_str().is_some() => {
                urls.push(url);
            }
            _ => section.wrong("jetstream", "must list addresses such as wss://jetstream.example"),
        }
    }
    urls
}

fn at_least(section: &Section, key: &str, default: Span) -> Span {
    let span = section.span(key, default);
    if span < Span::millis(100) {
        section.wrong(key, "must be at least \"100 ms\"");
    }
    span
}

impl Bluesky {
    fn now(&self) -> Timestamp {
        self.client.xrpc.now()
    }

    fn feed(&self, name: &str) -> FeedId {
        FeedId::new(format!("{}/{name}", self.account))
    }

    async fn save(&self, inbox: &Inbox, feed: &FeedId, cursor: String) -> Result<(), Shut> {
        feed::save(inbox, feed, self.now(), cursor).await
    }

    /// What an account of Bluesky can do. A record key is kept for ever, so a repeat is always
    /// recognised; a reply tells the customer by itself, without naming him.
    fn abilities(handle: Option<&str>) -> Abilities {
        Abilities {
            network: "Bluesky".into(),
            replies: true,
            limit: say::GRAPHEMES,
            count: Count::Graphemes { bytes: say::BYTES },
            direct: None,
            private: false,
            window: None,
            names_customer: false,
            files: say::PICTURES,
            edits: false,
            rewrites: false,
            deletes: true,
            resend: Resend::Keyed { window: Span::days(3_650) },
            look_after: Span::seconds(2),
            handle: handle.map(str::to_owned),
            price: None,
            compose: None,
        }
    }

    /// The very first start. Written down before the server is asked for anything, so that what is
    /// mentioned before it answers counts.
    async fn begin(&self, inbox: &Inbox) -> Result<(), Shut> {
        let (notifications, own) = (self.feed("notifications"), self.feed("own"));
        if inbox.cursor(&notifications).await?.is_none()
            && let Some(start) = Known::from_cursor(None, self.now() - self.since).cursor()
        {
            self.save(inbox, &notifications, start).await?;
        }
        if inbox.cursor(&own).await?.is_none() {
            self.save(inbox, &own, wire::tid(self.now().0, 0)).await?;
        }
        Ok(())
    }

    async fn run(&self, inbox: &Inbox) -> Stopped {
        self.client.begin().await;
        if self.begin(inbox).await.is_err() {
            return Stopped::Asked;
        }
        let account = self.account.clone();
        let id = format!("{account}/state/{}", self.now().0);
        let event = Event::AccountState { account, abilities: Self::abilities(Some(&self.handle)) };
        if inbox.put(Envelope::new(id, event)).await.is_err() {
            return Stopped::Asked;
        }
        let us = match self.log_in(inbox).await {
            Ok(us) => us,
            Err(stopped) => return stopped,
        };
        let shared = Shared::default();
        let (hints, heard) = channel(HINTS);
        let (knock, knocked) = channel(1);
        let (overheard, told) = channel(HINTS);
        let pending = Pending::default();
        let tail = stream::Tail {
            driver: self,
            inbox,
            shared: &shared,
            hints,
            us: us.clone(),
            overheard,
            pending: &pending,
        };
        let bringer = Bringer { driver: self, inbox, pending: &pending };
        tokio::select! {
            stopped = self.notifications(inbox, &shared, us.clone(), heard, knock) => stopped,
            stopped = self.own_posts(inbox, &us, knocked) => stopped,
            _ = tail.follow(), if !self.jetstream.is_empty() => Stopped::Asked,
            _ = bringer.run(told), if !self.jetstream.is_empty() => Stopped::Asked,
        }
    }

    /// Waits until there is a session; only a dead account ends it.
    async fn log_in(&self, inbox: &Inbox) -> Result<String, Stopped> {
        let feed = self.feed("notifications");
        let mut failures = 0;
        loop {
            match self.client.me().await {
                Ok(me) => return Ok(me.did.clone()),
                Err(trouble) => {
                    failures += 1;
                    sleep(troubled(inbox, &feed, &trouble, failures)?).await;
                }
            }
        }
    }

    async fn notifications(
        &self,
        inbox: &Inbox,
        shared: &Shared,
        us: String,
        mut heard: Receiver<Hint>,
        knock: tokio::sync::mpsc::Sender<()>,
    ) -> Stopped {
        let Ok(mut ear) = Ear::open(self, inbox, shared, us).await else { return Stopped::Asked };
        let (mut failures, mut follow) = (0, 0);
        let (mut all_at, feed) = (self.now(), self.feed("notifications"));
        loop {
            let deep = ear.is_first() || self.now().since(all_at) >= self.deep;
            let wait = match swept(inbox, &feed, ear.round(deep).await, &mut failures) {
                Ok(None) => {
                    if deep {
                        all_at = self.now();
                    }
                    let next = FOLLOW.get(follow).filter(|_| ear.is_waiting());
                    follow = if ear.is_waiting() { follow + 1 } else { 0 };
                    next.copied().unwrap_or(self.poll.to_std())
                }
                Ok(Some(wait)) => wait,
                Err(stopped) => return stopped,
            };
            let Ok(hint) = timeout(wait, heard.recv()).await else { continue };
            // Without a stream nobody hints.
            let Some(hint) = hint else {
                sleep(wait).await;
                continue;
            };
            follow = 0;
            let mut next = Some(hint);
            while let Some(hint) = next {
                if hint == Hint::Own {
                    let _ = knock.try_send(());
                }
                if ear.hint(hint).await.is_err() {
                    return Stopped::Asked;
                }
                next = heard.try_recv().ok();
            }
        }
    }

    /// Our own posts: those of colleagues in the network's own app, and ours whose answer was lost.
    async fn own_posts(&self, inbox: &Inbox, us: &str, mut knocked: Receiver<()>) -> Stopped {
        let (mut told, mut failures) = (BTreeSet::new(), 0);
        loop {
            let done = sweep::own(self, inbox, us, &mut told).await;
            let wait = match swept(inbox, &self.feed("own"), done, &mut failures) {
                Ok(wait) => wait.unwrap_or(self.poll.to_std() * 2),
                Err(stopped) => return stopped,
            };
            if let Ok(None) = timeout(wait, knocked.recv()).await {
                sleep(wait).await;
            }
        }
    }

    async fn findings(&self) -> Vec<Finding> {
        let server = self.client.xrpc.get("com.atproto.server.describeServer");
        let server: Result<serde_json::Value, Trouble> = self.client.xrpc.send(server).await;
        let me = self.client.me().await;
        let mut all = vec![
            finding("server", server.map(|_| "answers".into())),
            finding("log in with the app password", me.as_ref().map(named).map_err(Clone::clone)),
        ];
        if let Ok(me) = me {
            let query = [("limit", "1")];
            let list = "app.bsky.notification.listNotifications";
            all.push(finding("read notifications", self.readable(list, &query).await));
            let query = [("repo", me.did.as_str()), ("collection", wire::POSTS), ("limit", "1")];
            let list = "com.atproto.repo.listRecords";
            all.push(finding("read own posts", self.readable(list, &query).await));
        }
        for server in &self.jetstream {
            let result = stream::try_server(self, server).await.map(|()| "answers".into());
            all.push(Finding { what: format!("stream {server}"), result });
        }
        all
    }

    async fn readable(&self, list: &str, query: &[(&str, &str)]) -> Result<String, Trouble> {
        let read: serde_json::Value = self.client.get(list, query).await?;
        Ok(if read.is_object() { "works".into() } else { "answers something odd".into() })
    }
}

fn named(me: &Arc<session::Pair>) -> String {
    format!("@{}", me.handle)
}

impl Network for Bluesky {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move { until_stop(&inbox, self.run(&inbox)).await })
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(self.sent.keep(send::deliver(self, out)))
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(send::look(self, out))
    }

    fn heed(&self, rules: Arc<Rules>) -> Result<(), String> {
        if self.jetstream.is_empty() {
            return Err("has no stream to listen to; name one under jetstream".into());
        }
        self.ears.heed(rules);
        Ok(())
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(self.findings())
    }
}
