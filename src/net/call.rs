//! One call to the outside, with a limit on its time and its size, and what is known when it
//! breaks.

use super::{Net, body};
use crate::case::limits::CALL;
use crate::case::time::{Span, Timestamp};
use crate::inbox::boundary;
use bytes::Bytes;
use reqwest::header::{HeaderMap, HeaderName};

/// Bytes of an answer that are read; a page of 80 posts with media stays far below.
pub const ANSWER_BYTES: usize = 4_000_000;

/// An answer that arrived whole.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, after decompression.
    pub body: Bytes,
}

impl Answer {
    /// Is the status one of success?
    #[must_use]
    pub const fn is_success(&self) -> bool {
        self.status >= 200 && self.status < 300
    }

    /// A header as text.
    #[must_use]
    pub fn header(&self, name: impl Into<Name>) -> Option<&str> {
        self.headers.get(name.into().0)?.to_str().ok()
    }

    /// How long the server asks us to wait: `Retry-After` in seconds or as a date (RFC 9110,
    /// 10.2.3). Never more than an hour, whatever it says; nonsense counts as nothing.
    #[must_use]
    pub fn retry_after(&self, now: Timestamp) -> Option<Span> {
        let text = self.header("retry-after")?.trim();
        let wait = match text.parse::<f64>() {
            Ok(seconds) if seconds.is_finite() => whole(seconds),
            Ok(_) => return None,
            Err(_) => {
                let date = jiff::fmt::rfc2822::parse(text).ok()?.timestamp();
                Timestamp(date.as_microsecond()).since(now)
            }
        };
        Some(wait.clamp(Span(0), Span::hours(1)))
    }
}

/// Seconds as a span, rounded up to whole milliseconds.
#[allow(clippy::cast_possible_truncation, reason = "clamped to a day before")]
fn whole(seconds: f64) -> Span {
    Span::millis((seconds.clamp(0.0, 86_400.0) * 1000.0).ceil() as i64)
}

/// A header's name.
pub struct Name(HeaderName);

impl From<&'static str> for Name {
    fn from(text: &'static str) -> Self {
        Self(HeaderName::from_static(text))
    }
}

/// A call without a whole answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    /// The request never left: refused here, or nobody answers there.
    #[error("{0}")]
    NotSent(String),
    /// The request may have been carried out.
    #[error("{0}")]
    Unsure(String),
}

impl Net {
    /// Makes one call: checks the address, waits no longer than [`CALL`], reads no more than
    /// `limit` bytes.
    ///
    /// # Errors
    /// [`Broken`] says whether the request may have been carried out.
    pub async fn call(
        &self,
        request: reqwest::RequestBuilder,
        limit: usize,
    ) -> Result<Answer, Broken> {
        let request = request.build().map_err(|_| Broken::NotSent("it cannot be asked".into()))?;
        self.allows(request.url()).map_err(|refused| Broken::NotSent(refused.to_string()))?;
        let reads = request.method().is_safe();
        boundary::here(if reads { "net.read.call" } else { "net.write.call" });
        let whole = async {
            let response = self.client().execute(request).await.map_err(|e| broken(&e))?;
            let (status, headers) = (response.status(), response.headers().clone());
            let body = match body(response, limit).await {
                Ok(body) => body,
                // A refusal stays one, even if its reason is lost.
                Err(_) if status.is_client_error() => Bytes::new(),
                Err(why) => return Err(Broken::Unsure(why)),
            };
            Ok(Answer { status: status.as_u16(), headers, body })
        };
        let late = || Broken::Unsure(format!("no answer within {CALL}"));
        let done = tokio::time::timeout(CALL.to_std(), whole).await;
        boundary::here(if reads { "net.read.answer" } else { "net.write.answer" });
        done.unwrap_or_else(|_| Err(late()))
    }
}

/// What is known of a call that the client gave up.
fn broken(error: &reqwest::Error) -> Broken {
    if error.is_connect() {
        Broken::NotSent("the server cannot be reached".into())
    } else if error.is_builder() {
        Broken::NotSent("it cannot be asked".into())
    } else if error.is_timeout() {
        Broken::Unsure("the server did not answer in time".into())
    } else {
        Broken::Unsure("the connection broke before the answer came".into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(text: &str) -> Option<Span> {
        let mut headers = HeaderMap::new();
        headers.insert("retry-after", text.parse().unwrap());
        let answer = Answer { status: 429, headers, body: Bytes::new() };
        answer.retry_after(Timestamp::from_seconds(784_111_777))
    }

    #[test]
    fn waiting_times_are_read_as_servers_write_them() {
        assert_eq!(waits("0"), Some(Span(0)));
        assert_eq!(waits("30"), Some(Span::seconds(30)));
        assert_eq!(waits("1.5"), Some(Span::millis(1500)));
        assert_eq!(waits("86400"), Some(Span::hours(1)));
        assert_eq!(waits("-5"), Some(Span(0)));
        assert_eq!(waits("Sun, 06 Nov 1994 08:50:07 GMT"), Some(Span::seconds(30)));
        assert_eq!(waits("Sun, 06 Nov 1994 08:49:07 GMT"), Some(Span(0)));
        assert_eq!(waits("soon"), None);
        assert_eq!(waits("NaN"), None);
    }

    #[tokio::test]
    async fn an_address_that_is_not_allowed_is_not_called() {
        let net = Net::new(true);
        let request = net.client().get("https://square.example/");
        assert!(matches!(net.call(request, 10).await, Err(Broken::NotSent(_))));
        let request = net.client().get("http://127.0.0.1:1/");
        assert!(matches!(net.call(request, 10).await, Err(Broken::NotSent(_))));
    }
}
