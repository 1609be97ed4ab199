//! The way to whoever is called outside chat: one signed call for each thing that is told of an
//! alert, in the form of PagerDuty's Events API v2.
//! Source: <https://developer.pagerduty.com/docs/send-alert-event>.

use super::Net;
use crate::case::time::{Span, Timestamp};
use crate::setting::{Secret, Section};
use crate::web::seal;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Bytes of an answer that are read; nothing of it matters but the status.
const ANSWER_BYTES: usize = 64_000;
/// The longest wait between two tries.
const LONGEST: Span = Span::minutes(5);

/// What is told of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// It calls.
    Trigger,
    /// Somebody sees to it.
    Acknowledge,
    /// It is over.
    Resolve,
}

/// One thing that is told. The same key means the same alert, however often it is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// What of it.
    pub told: Told,
    /// Which alert: the same for one case and rule.
    pub key: String,
    /// In words, for people. At most 1,024 characters are taken there.
    pub summary: String,
    /// Where the case came from.
    pub account: String,
    /// Does it go before others?
    pub urgent: bool,
    /// What the customer wrote, if the operator wants it to leave the house.
    pub words: Option<String>,
}

/// What became of a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It is there.
    Taken,
    /// It may not be there; try again after so long, for this reason.
    Later(Span, String),
    /// It will never be taken: the status.
    Refused(u16),
}

/// Where pages go.
#[derive(Clone)]
pub struct Pager {
    net: Net,
    url: url::Url,
    secret: Secret,
    routing: Option<Secret>,
    /// May customers' words go there?
    pub words: bool,
}

impl Pager {
    /// The pager of this section, if it has any key; mistakes are noted there.
    #[must_use]
    pub fn open(section: &Section, net: &Net) -> Option<Self> {
        if section.entries.is_empty() {
            return None;
        }
        let url = section.url("url", None);
        if let Some(Err(refused)) = url.as_ref().map(|url| net.allows(url)) {
            section.wrong("url", refused.to_string());
        }
        let (secret, routing) = (section.secret("secret"), section.optional_secret("routing_key"));
        let words = section.flag("words", false);
        Some(Self { net: net.clone(), url: url?, secret: secret?, routing, words })
    }

    /// Tells it, once. `tried` tells how often that failed before.
    pub async fn send(&self, page: &Page, now: Timestamp, tried: u32) -> Sent {
        let body = self.body(page, now).to_string();
        let at = now.0.div_euclid(1_000_000).to_string();
        let code = seal::code(&self.secret.get(), &[at.as_bytes(), b".", body.as_bytes()]);
        let request = self.net.client().post(self.url.clone());
        let request = request
            .header("content-type", "application/json")
            .header("x-careline-timestamp", at)
            .header("x-careline-signature", format!("v1={}", hex::encode(code.unwrap_or_default())))
            .body(body);
        let wait = Span(Span::seconds(1).0 << tried.min(10)).min(LONGEST);
        match self.net.call(request, ANSWER_BYTES).await {
            Ok(answer) if answer.is_success() => Sent::Taken,
            // The page itself is not understood. All else can be mended there or in the settings.
            Ok(answer) if matches!(answer.status, 400 | 413 | 422) => Sent::Refused(answer.status),
            Ok(answer) => {
                let asked = answer.retry_after(now).unwrap_or(wait);
                Sent::Later(asked.max(wait), format!("it answers {}", answer.status))
            }
            Err(broken) => Sent::Later(wait, broken.to_string()),
        }
    }

    fn body(&self, page: &Page, now: Timestamp) -> Value {
        let action = match page.told {
            Told::Trigger => "trigger",
            Told::Acknowledge => "acknowledge",
            Told::Resolve => "resolve",
        };
        let mut body = json!({ "event_action": action, "dedup_key": page.key });
        if let Some(routing) = &self.routing {
            body["routing_key"] = routing.get().expose_secret().into();
        }
        if page.told == Told::Trigger {
            body["client"] = "careline".into();
            body["payload"] = json!({
                "summary": page.summary.chars().take(1_024).collect::<String>(),
                "source": "careline",
                "severity": if page.urgent { "critical" } else { "warning" },
                "timestamp": now.to_string(),
                "component": page.account,
            });
            if let Some(words) = page.words.as_ref().filter(|_| self.words) {
                body["payload"]["custom_details"] = json!({ "words": words });
            }
        }
        body
    }
}
