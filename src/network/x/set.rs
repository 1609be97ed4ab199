//! The section of an account on X.

use super::auth::{Auth, Grant};
use super::call::{Caller, Line};
use super::money::Books;
use super::sign::Keys;
use super::stream::Stream;
use super::{Held, Hook, X, say};
use crate::case::id::AccountId;
use crate::case::time::Span;
use crate::net::Ground;
use crate::network::Network;
use crate::network::feed::Sent;
use crate::setting::{Mistakes, Section};
use std::sync::Arc;
use url::Url;

pub(super) const EXAMPLE: &str = r#"
# An account on X. X takes money for what is read and written; see the README for how much, and for
# what it does not allow. Tried on our own simulation of X only.
[account.x]
network = "x"
# The channel its cases go to, as the desk names it. With several desks add: desk = "NAME"
channel = "C0123456789"
# How we show who we are: "oauth2" (then run `careline login x` once) or "oauth1".
auth = "oauth2"
# oauth2: the app's client id, its secret if it is a confidential one, the file where careline keeps
# the tokens that change every two hours, and where X sends the browser after the login. The app's
# settings at X must name the same address.
client_id = "APP_CLIENT_ID"
# client_secret = "env:X_CLIENT_SECRET"
tokens = "x-tokens.json"
redirect = "http://127.0.0.1:8719/"
# oauth1: the four keys.
# consumer_key = "env:X_CONSUMER_KEY"
# consumer_secret = "env:X_CONSUMER_SECRET"
# access_token = "env:X_ACCESS_TOKEN"
# access_secret = "env:X_ACCESS_SECRET"
# The most that a day (UTC) may cost, in US dollars: "5.00". "" is no limit. When it is spent,
# careline reads more slowly and says so; it never stops reading, and answers still go out.
budget = "5.00"
# How often mentions are fetched, and direct messages ("0 s": never; X allows one reading a minute).
poll = "60 s"
direct = "2 min"
# How often the newest mentions are read once more, to find what was deleted.
review = "1 h"
# Events as they happen: "off", "activity" or "filtered". A stream needs the app's own token.
stream = "off"
# bearer = "env:X_BEARER"
# filtered: which posts, in X's own words (at most 1,000 rules).
rules = []
# Events by webhook: the path that X calls below this machine's public address, such as "/x". It
# needs the consumer secret. "" = none.
webhook = ""
# Only posts that name the account, or quote one of its posts, may be answered through X's own
# interface; others are prepared to be posted by hand. false = X allows this account more
# (Enterprise).
summoned_only = true
# The longest post; 25000 with Premium.
limit = 280
# X's addresses.
api = "https://api.x.com"
app = "https://x.com"
# How far back to begin at the very first start. "0 s" begins at now.
since = "0 s"
"#;

pub(super) fn open(
    account: &AccountId,
    section: &Section,
    ground: &Ground,
) -> Result<Arc<dyn Network>, Mistakes> {
    let auth = auth(section);
    let api = section.url("api", Some("https://api.x.com"));
    let app = section.url("app", Some("https://x.com"));
    if let Some(Err(refused)) = api.as_ref().map(|url| ground.net.allows(url)) {
        section.wrong("api", refused.to_string());
    }
    let (hook, redirect) = (hook(section), redirect(section));
    let (stream, bearer, rules) = stream(section);
    let budget = budget(section);
    let (poll, direct, review) = (
        at_least(section, "poll", Span::seconds(60), false),
        at_least(section, "direct", Span::minutes(2), true),
        at_least(section, "review", Span::hours(1), false),
    );
    let limit = section.number("limit", say::LIMIT);
    if !(100..=25_000).contains(&limit) {
        section.wrong("limit", "must be from 100 to 25000");
    }
    let summoned_only = section.flag("summoned_only", true);
    let since = section.span("since", Span(0));
    section.done()?;
    let (Some(auth), Some(api), Some(app), Some(redirect)) = (auth, api, app, redirect) else {
        // Each was noted as a mistake, so that `done` has ended this.
        return Err(Mistakes::default());
    };
    let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    Ok(Arc::new(Held(Arc::new(X {
        account: account.clone(),
        caller: Caller { line: Line { ground: ground.clone(), api: bare(&api) }, auth },
        books: Books::new(account.as_str(), budget),
        app: bare(&app),
        bearer,
        redirect,
        hook,
        stream,
        rules,
        poll,
        direct,
        review,
        since,
        limit: usize::try_from(limit).unwrap_or(0),
        summoned_only,
        us: tokio::sync::OnceCell::new(),
        sent: Sent::default(),
    }))))
}

fn auth(section: &Section) -> Option<Auth> {
    if section.one_of("auth", &["oauth2", "oauth1"]) == "oauth1" {
        // A configuration may keep what the other way needs.
        let _ = (section.text("client_id"), section.text("client_secret"), section.text("tokens"));
        return Some(Auth::Keys(Box::new(Keys {
            consumer: section.secret("consumer_key")?.get(),
            consumer_secret: section.secret("consumer_secret")?.get(),
            token: section.secret("access_token")?.get(),
            token_secret: section.secret("access_secret")?.get(),
        })));
    }
    let _ = (section.text("consumer_key"), section.text("access_token"));
    let _ = section.text("access_secret");
    Some(Auth::Grant(Box::new(Grant {
        client: section.required("client_id"),
        secret: section.optional_secret("client_secret").map(|secret| secret.get()),
        file: section.text("tokens").unwrap_or_else(|| "x-tokens.json".into()).into(),
        pair: tokio::sync::Mutex::default(),
    })))
}

fn hook(section: &Section) -> Option<Hook> {
    let secret = section.optional_secret("consumer_secret").map(|secret| secret.get());
    let path = section.text("webhook").filter(|path| !path.is_empty())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
    if !path.starts_with('/') || path.len() < 2 || !path.chars().all(plain) {
        section.wrong("webhook", "must be a path such as \"/x\"");
    }
    let Some(secret) = secret else {
        section
            .wrong("webhook", "needs consumer_secret, or nobody could tell X's calls from others");
        return None;
    };
    Some(Hook { path, secret })
}

/// Only this machine: nobody else shall get the code.
fn redirect(section: &Section) -> Option<Url> {
    let url = section.url("redirect", Some("http://127.0.0.1:8719/"))?;
    let here = matches!(url.host_str(), Some("127.0.0.1" | "localhost"));
    if !here || url.scheme() != "http" {
        section.wrong("redirect", "must be an address of this machine: \"http://127.0.0.1:8719/\"");
    }
    Some(url)
}

fn stream(section: &Section) -> (Option<Stream>, Option<secrecy::SecretString>, Vec<String>) {
    let stream = match section.one_of("stream", &["off", "activity", "filtered"]).as_str() {
        "activity" => Some(Stream::Activity),
        "filtered" => Some(Stream::Filtered),
        _ => None,
    };
    let (bearer, rules) =
        (section.optional_secret("bearer").map(|secret| secret.get()), section.list("rules"));
    if stream.is_some() && !section.entries.contains_key("bearer") {
        section.wrong("stream", "needs the app's own token: bearer = \"env:NAME\"");
    }
    if stream == Some(Stream::Filtered) && rules.is_empty() {
        section.wrong("rules", "must hold at least one rule for a filtered stream");
    }
    if rules.len() > 1_000 || rules.iter().any(|rule| rule.is_empty() || rule.len() > 1_024) {
        section.wrong("rules", "X takes 1,000 rules of 1 to 1,024 characters");
    }
    (stream, bearer, rules)
}

fn at_least(section: &Section, key: &str, default: Span, or_none: bool) -> Span {
    let span = section.span(key, default);
    if span < Span::millis(100) && !(or_none && span == Span(0)) {
        section.wrong(key, "must be at least \"100 ms\"");
    }
    span
}

/// Dollars as a text, in thousandths.
fn budget(section: &Section) -> Option<u64> {
    let text = section.text("budget").unwrap_or_default();
    if text.is_empty() {
        return None;
    }
    let mills = mills(&text);
    if mills.is_none() {
        section.wrong("budget", "must be US dollars such as \"5.00\", or \"\" for no limit");
    }
    mills
}

fn mills(text: &str) -> Option<u64> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let digits = |t: &str| t.bytes().all(|b| b.is_ascii_digit());
    let good = digits(whole) && digits(part) && !whole.is_empty() && part.len() <= 3;
    let part: u64 = if good { format!("{part:0<3}").parse().ok()? } else { return None };
    whole.parse::<u64>().ok()?.checked_mul(1_000)?.checked_add(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_exactly() {
        assert_eq!(mills("5.00"), Some(5_000));
        assert_eq!(mills("0.015"), Some(15));
        assert_eq!(mills("12"), Some(12_000));
        for odd in ["", "-1", "1.2345", "five", ".5", "1,50"] {
            assert_eq!(mills(odd), None, "{odd}");
        }
    }
}
