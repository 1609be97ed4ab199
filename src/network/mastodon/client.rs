//! Calls to one server, with its token. Ids from outside go into addresses only as one encoded
//! segment each.

use super::say;
use crate::case::time::Span;
use crate::net::Ground;
use crate::net::call::{ANSWER_BYTES, Answer, Broken};
use crate::network::feed;
use crate::setting::Secret;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, RequestBuilder};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use url::Url;

/// A server and who we are there.
#[derive(Clone)]
pub struct Client {
    /// The server.
    pub base: Url,
    /// Our token.
    pub token: Secret,
    /// What drivers stand on.
    pub ground: Ground,
}

/// Why something could not be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unread {
    /// At the moment; try again, not before this long.
    Down(String, Option<Span>),
    /// The server does not have it.
    Absent,
    /// The token is dead.
    Dead(String),
}

/// Why a sweep ended early.
pub(super) type Ended = feed::Ended<Unread>;

impl From<Unread> for Ended {
    fn from(unread: Unread) -> Self {
        Self::Trouble(unread)
    }
}

impl Client {
    /// The address of these segments on the server. Dots alone would be taken for a way up, so they
    /// are refused.
    pub fn address(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Url, Broken> {
        let odd = || Broken::NotSent("an id that fits into no address".to_owned());
        if path.iter().any(|part| part.is_empty() || matches!(*part, "." | "..")) {
            return Err(odd());
        }
        let mut url = self.base.clone();
        url.path_segments_mut().map_err(|()| odd())?.pop_if_empty().extend(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        Ok(url)
    }

    /// A request with our token, which no log shows.
    pub fn request(&self, method: Method, url: Url) -> RequestBuilder {
        let request = self.ground.net.client().request(method, url);
        match self.authorization() {
            Some(value) => request.header(AUTHORIZATION, value),
            None => request,
        }
    }

    /// The header with our token; `None` if the token cannot stand in a header.
    pub fn authorization(&self) -> Option<HeaderValue> {
        let text = SecretString::from(format!("Bearer {}", self.token.get().expose_secret()));
        let mut value = HeaderValue::from_str(text.expose_secret()).ok()?;
        value.set_sensitive(true);
        Some(value)
    }

    /// Makes a call.
    pub async fn call(&self, request: RequestBuilder) -> Result<Answer, Broken> {
        self.ground.net.call(request, ANSWER_BYTES).await
    }

    /// Reads something, as text.
    pub async fn read(&self, path: &[&str], query: &[(&str, &str)]) -> Result<String, Unread> {
        let down = |broken: Broken| Unread::Down(broken.to_string(), None);
        let url = self.address(path, query).map_err(down)?;
        let answer = self.call(self.request(Method::GET, url)).await.map_err(down)?;
        self.body(&answer)
    }

    /// Reads something and understands it.
    pub async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        query: &[(&str, &str)],
    ) -> Result<T, Unread> {
        let text = self.read(path, query).await?;
        serde_json::from_str(&text)
            .map_err(|_| Unread::Down("the server answers something that is no JSON".into(), None))
    }

    fn body(&self, answer: &Answer) -> Result<String, Unread> {
        let now = (self.ground.now)();
        let said = || format!("the server answers with status {}", answer.status);
        match answer.status {
            200..=299 => Ok(String::from_utf8_lossy(&answer.body).into_owned()),
            401 => Err(Unread::Dead(said())),
            404 | 410 => Err(Unread::Absent),
            429 => Err(Unread::Down(said(), say::pause(answer, now))),
            // The bucket's reset stands in every answer; it is no reason to wait here.
            503 => Err(Unread::Down(said(), answer.retry_after(now))),
            _ => Err(Unread::Down(said(), None)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::time::Timestamp;
    use crate::net::Net;
    use std::sync::Arc;

    #[test]
    fn ids_from_outside_stay_one_segment() {
        let client = Client {
            base: "https://square.example/sub/".parse().unwrap(),
            token: Secret::new(|| Ok(SecretString::from("t"))).unwrap(),
            ground: Ground { net: Net::new(true), now: Arc::new(Timestamp::default) },
        };
        let at = |id: &str| client.address(&["api", "v1", "statuses", id], &[]).map(String::from);
        let base = "https://square.example/sub/api/v1/statuses";
        assert_eq!(at("12"), Ok(format!("{base}/12")));
        assert_eq!(at("../../x"), Ok(format!("{base}/..%2F..%2Fx")));
        assert_eq!(at("a?b#c"), Ok(format!("{base}/a%3Fb%23c")));
        assert_eq!(at("%2e%2e"), Ok(format!("{base}/%252e%252e")));
        assert!(at("..").is_err() && at(".").is_err() && at("").is_err());
    }
}
