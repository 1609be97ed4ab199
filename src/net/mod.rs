//! The only way out: one HTTP client with limits, and the words for what may come of a call.

pub mod call;
pub mod page;

use crate::case::time::{Span, Timestamp};
use bytes::{Bytes, BytesMut};
use std::sync::Arc;

/// Why a listener ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stopped {
    /// It was told to.
    Asked,
    /// It cannot go on until the operator acts; the sentence is for him.
    Dead(String),
}

/// What is known of a write that did not simply succeed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Failure {
    /// Surely not done; try again, not before this long. The platform was busy or away.
    Later {
        /// How long it asked us to wait.
        after: Option<Span>,
        /// Why, in our words.
        why: String,
    },
    /// Surely not done, and never will be.
    Never(String),
    /// Surely not done: the post, thread or channel is gone.
    Gone(String),
    /// Surely not done: the token is dead; the whole account stops.
    Dead(String),
    /// Nobody knows whether it was done: look before anything else.
    Unsure(String),
}

impl Failure {
    /// Its kind in one word, for logs and numbers. The sentences are for the thread alone: what a
    /// platform says may repeat anybody's words.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Later { .. } => "later",
            Self::Never(_) => "never",
            Self::Gone(_) => "gone",
            Self::Dead(_) => "dead",
            Self::Unsure(_) => "unsure",
        }
    }
}

/// What is wrong with JSON of a platform, in our words: a parser's own repeat what it was given.
#[must_use]
pub fn misread(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "it has another shape than expected",
        _ => "it is no JSON",
    };
    match (error.line(), error.column()) {
        (0, _) => what.to_owned(),
        (line, column) => format!("{what} (line {line}, column {column})"),
    }
}

/// What a look found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Looked {
    /// It is there.
    There(crate::case::effect::Receipt),
    /// It is not there, as far as the platform shows now.
    Absent,
    /// It could not be found out.
    Unclear(String),
}

/// One thing that `check --live` tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What was tried.
    pub what: String,
    /// `Ok` with what was seen, `Err` with what is missing and what to do.
    pub result: Result<String, String>,
}

/// What every driver stands on.
#[derive(Clone)]
pub struct Ground {
    /// The way out.
    pub net: Net,
    /// What time it is.
    pub now: Arc<dyn Fn() -> Timestamp + Send + Sync>,
}

/// The HTTP client. No redirects, no proxy from the environment, timeouts on all, and in the
/// sandbox nothing but loopback.
#[derive(Clone)]
pub struct Net {
    client: reqwest::Client,
    loopback_only: bool,
}

/// An address this client does not go to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("careline does not connect to {0}: {1}")]
pub struct Refused(pub String, pub &'static str);

impl Net {
    /// A client; `loopback_only` for sandbox and tests.
    ///
    /// # Panics
    /// Never with the features this package is built with: the TLS backend is built in.
    #[must_use]
    pub fn new(loopback_only: bool) -> Self {
        let client = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .connect_timeout(std::time::Duration::from_secs(5))
            .read_timeout(std::time::Duration::from_secs(90))
            .pool_idle_timeout(std::time::Duration::from_secs(20))
            .tcp_keepalive(std::time::Duration::from_secs(30))
            .user_agent(concat!("careline/", env!("CARGO_PKG_VERSION")))
            .build()
            .expect("the TLS backend is built in");
        Self { client, loopback_only }
    }

    /// May this client go there? Plain http only to loopback; never with a name and a password in
    /// the address, which only serve to make one host look like another.
    ///
    /// # Errors
    /// [`Refused`] with the reason.
    pub fn allows(&self, url: &url::Url) -> Result<(), Refused> {
        let host = url.host_str().unwrap_or_default();
        if !url.username().is_empty() || url.password().is_some() {
            return Err(Refused(host.to_owned(), "the address holds a name or a password"));
        }
        let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
        let loopback = host == "localhost" || ip.is_ok_and(|ip| ip.is_loopback());
        match (url.scheme(), loopback) {
            ("http" | "https" | "ws" | "wss", true) => Ok(()),
            _ if self.loopback_only => {
                Err(Refused(host.to_owned(), "in the sandbox only this machine is reached"))
            }
            ("https" | "wss", false) => Ok(()),
            _ => Err(Refused(host.to_owned(), "only https leaves this machine")),
        }
    }

    /// Is only loopback allowed?
    #[must_use]
    pub const fn loopback_only(&self) -> bool {
        self.loopback_only
    }

    /// The client itself. Check the address with [`Net::allows`] first.
    #[must_use]
    pub const fn client(&self) -> &reqwest::Client {
        &self.client
    }
}

/// Reads a body up to a limit, after decompression.
///
/// # Errors
/// A sentence: the body was cut off, or longer than the limit.
pub async fn body(mut response: reqwest::Response, limit: usize) -> Result<Bytes, String> {
    let mut all = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if all.len() + chunk.len() > limit => {
                return Err(format!("the answer is longer than {limit} bytes"));
            }
            Ok(Some(chunk)) => all.extend_from_slice(&chunk),
            Ok(None) => return Ok(all.freeze()),
            Err(_) => return Err("the answer was cut off".into()),
        }
    }
}
