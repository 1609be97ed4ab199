//! Mastodon, and servers that speak its API: GoToSocial, Pleroma, Akkoma, Hollo and forks.
//!
//! Two feeds are swept by REST from their cursors: mentions, and our own posts (a colleague may
//! answer in the native app). They are the guarantee. A stream, by WebSocket or server-sent events,
//! only makes it faster; where there is none, sweeps suffice. What is listened for besides comes by
//! timelines of its own (`overhear`).

mod abilities;
mod change;
mod client;
pub mod face;
pub mod hear;
mod listen;
mod overhear;
mod probe;
pub mod say;
mod send;
mod stream;
pub mod wire;

use super::{Driver, Failure, Finding, Looked, Network, Outgoing, Stopped};
use crate::case::effect::Receipt;
use crate::case::id::AccountId;
use crate::case::time::Span;
use crate::inbox::{Inbox, Task};
use crate::listen::{Ears, Rules};
use crate::net::Ground;
use crate::setting::{Mistakes, Section};
use client::{Client, Unread};
use hear::Me;
use std::sync::Arc;
use tokio::sync::OnceCell;
use url::Url;

/// The row of the table.
pub static NETWORK: Driver = Driver {
    name: "mastodon",
    example: EXAMPLE,
    open,
    abilities: abilities::usual,
    face: face::routes,
};

const EXAMPLE: &str = r#"
# A Mastodon account that customers write to. GoToSocial, Pleroma, Akkoma and others work likewise.
[account.mastodon]
network = "mastodon"
# The channel its cases go to, as the desk names it. With several desks add: desk = "NAME"
channel = "C0123456789"
# The server's address.
server = "https://social.example"
# The account's access token. It needs the scopes read and write.
token = "env:MASTODON_TOKEN"
# How often mentions and our own posts are fetched. A stream makes mentions come sooner; this is
# what makes sure that they come.
poll = "60 s"
# How to listen in between: "auto", "websocket", "sse" or "off".
streaming = "auto"
# Where the streams are, if the server tells a wrong address: "wss://streaming.social.example".
# streaming_url = ""
# How far back to begin at the very first start. "0 s" begins at now.
since = "0 s"
"#;

/// How an account listens between two sweeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Streaming {
    Auto,
    WebSocket,
    Events,
    Off,
}

/// One account on one server.
struct Mastodon {
    account: AccountId,
    client: Client,
    poll: Span,
    since: Span,
    streaming: Streaming,
    streaming_url: Option<Url>,
    me: OnceCell<wire::Account>,
    /// What is listened for besides.
    ears: Ears,
}

fn open(id: &AccountId, section: &Section, ground: &Ground) -> Result<Arc<dyn Network>, Mistakes> {
    let server = section.url("server", None);
    let token = section.secret("token");
    let poll = section.span("poll", Span::seconds(60));
    if poll < Span::millis(100) || poll > Span::hours(1) {
        section.wrong("poll", "must be between \"100 ms\" and \"1 h\"");
    }
    let streaming = match section.one_of("streaming", &["auto", "websocket", "sse", "off"]).as_str()
    {
        "websocket" => Streaming::WebSocket,
        "sse" => Streaming::Events,
        "off" => Streaming::Off,
        _ => Streaming::Auto,
    };
    let given = section.entries.contains_key("streaming_url");
    let streaming_url = section.url("streaming_url", Some("wss://none.invalid")).filter(|_| given);
    let since = section.span("since", Span(0));
    for (key, url) in [("server", &server), ("streaming_url", &streaming_url)] {
        if let Some(Err(refused)) = url.as_ref().map(|url| ground.net.allows(url)) {
            section.wrong(key, refused.to_string());
        }
    }
    section.done()?;
    let (base, token) = match (server, token) {
        (Some(base), Some(token)) => (base, token),
        // Both were noted as mistakes, so that `done` has ended this.
        _ => return Err(Mistakes::default()),
    };
    let client = Client { base, token, ground: ground.clone() };
    let (account, me, ears) = (id.clone(), OnceCell::new(), Ears::default());
    Ok(Arc::new(Mastodon { account, client, poll, since, streaming, streaming_url, me, ears }))
}

impl Mastodon {
    /// Who we are on the server; asked once.
    async fn me(&self) -> Result<Me, Unread> {
        let path = ["api", "v1", "accounts", "verify_credentials"];
        let account =
            self.me.get_or_try_init(|| self.client.get::<wire::Account>(&path, &[])).await?;
        Ok(Me { account: self.account.clone(), id: account.id.clone() })
    }
}

impl Network for Mastodon {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move { self.hear(&inbox).await })
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(self.send(out))
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(self.search(out))
    }

    fn heed(&self, rules: Arc<Rules>) -> Result<(), String> {
        self.ears.heed(rules);
        Ok(())
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(self.findings())
    }
}
