//! Pure: a reply as the server's form, and what a refusal means.

use super::super::{Failure, Outgoing};
use super::hear::html;
use super::wire::{Problem, Status};
use crate::case::clean;
use crate::case::effect::Reply;
use crate::case::model::Audience;
use crate::case::time::{Span, Timestamp};
use crate::net::call::{Answer, Broken};

/// A form's fields.
pub type Form = Vec<(&'static str, String)>;

/// The form of `POST /api/v1/statuses`. The audience is the target's own, never wider, and always
/// said: a server's default may be another one.
///
/// # Errors
/// [`Failure::Never`] if the words would call anybody but the customer, or do not name him.
pub fn status(out: &Outgoing, media: &[String]) -> Result<Form, Failure> {
    let reply = &out.reply;
    let text = reply.text.as_str();
    only_the_customer(reply)?;
    let mut form: Form = vec![
        ("status", text.to_owned()),
        ("in_reply_to_id", out.parent.to_string()),
        ("visibility", visibility(reply.target.audience).to_owned()),
    ];
    let warning = reply.target.warning.as_ref().filter(|warning| !warning.is_empty());
    form.extend(warning.map(|warning| ("spoiler_text", warning.raw().to_owned())));
    form.extend(media.iter().map(|id| ("media_ids[]", id.clone())));
    Ok(form)
}

/// The form of `PUT /api/v1/statuses/:id`: neither audience nor target can be changed.
///
/// # Errors
/// As [`status`].
pub fn edited(out: &Outgoing) -> Result<Form, Failure> {
    let mut form = status(out, &[])?;
    form.retain(|(key, _)| matches!(*key, "status" | "spoiler_text"));
    Ok(form)
}

/// Source: <https://docs.joinmastodon.org/entities/Status/#visibility>.
const fn visibility(audience: Audience) -> &'static str {
    match audience {
        Audience::Direct => "direct",
        Audience::Followers => "private",
        Audience::Unlisted => "unlisted",
        Audience::Public => "public",
    }
}

/// The gate has made other handles harmless; this is the second lock before the door.
fn only_the_customer(reply: &Reply) -> Result<(), Failure> {
    let customer = reply.target.handle.raw();
    let called = called(reply.text.as_str());
    if let Some(other) = called.iter().find(|name| !name.eq_ignore_ascii_case(customer)) {
        let other = clean::line(other);
        return Err(Failure::Never(format!("the words would call @{other}, not the customer")));
    }
    if called.is_empty() {
        return Err(Failure::Never("the words do not name the customer: he would not see".into()));
    }
    Ok(())
}

/// The handles a server would take for mentions. Source: mastodon/mastodon,
/// app/models/account.rb (`MENTION_RE`): an `@` that follows neither a letter nor `/` nor `=`.
fn called(text: &str) -> Vec<&str> {
    let word = |c: char| c.is_alphanumeric() || c == '_';
    let mut found = Vec::new();
    for (at, _) in text.match_indices(['@', '＠']) {
        let before = text[..at].chars().next_back();
        if before.is_some_and(|c| word(c) || matches!(c, '/' | '=' | '@')) {
            continue;
        }
        let rest = text[at..].trim_start_matches(['@', '＠']);
        let end = rest.find(|c: char| !(word(c) || matches!(c, '.' | '-' | '@')));
        let name = rest[..end.unwrap_or(rest.len())].trim_end_matches(['.', '-', '@']);
        if !name.is_empty() {
            found.push(name);
        }
    }
    found
}

/// What is known after a call broke.
pub fn broken(broken: Broken) -> Failure {
    match broken {
        Broken::NotSent(why) => Failure::Later { after: None, why },
        Broken::Unsure(why) => Failure::Unsure(why),
    }
}

/// What an answer that is no success means for a write (`platforms.md` 5.3).
pub fn refusal(answer: &Answer, now: Timestamp) -> Failure {
    let said = error(answer);
    let why = format!("the server said {}{}", answer.status, with(&said));
    let small = said.to_lowercase();
    match answer.status {
        429 => Failure::Later { after: pause(answer, now), why },
        // An overloaded server says how long (GoToSocial, docs/api/throttling); without that it may
        // be a proxy that gave up on a server which had not.
        503 if answer.retry_after(now).is_some() => {
            Failure::Later { after: answer.retry_after(now), why }
        }
        // For the log too: without the server's own words.
        401 => Failure::Dead("the server refuses the token (status 401)".into()),
        403 if is_account_trouble(&small) => {
            let why = "the server lets this account or token do nothing (status 403)";
            Failure::Dead(why.into())
        }
        404 | 410 => Failure::Gone(why),
        422 if small.contains("finished processing") => {
            Failure::Later { after: Some(Span::seconds(5)), why }
        }
        400 | 422 if is_about_target(&small) => Failure::Gone(why),
        // 408 and 409 tell of another try that may still be under way (Pleroma locks a key).
        408 | 409 | 500.. => Failure::Unsure(why),
        300..=399 => Failure::Later { after: Some(Span::minutes(5)), why },
        200..=299 => Failure::Unsure(format!("the answer ({}) holds no post", answer.status)),
        _ => Failure::Never(why),
    }
}

fn is_account_trouble(said: &str) -> bool {
    ["scope", "suspended", "disabled", "login", "confirm", "moved", "limited", "pending"]
        .iter()
        .any(|word| said.contains(word))
}

fn is_about_target(said: &str) -> bool {
    ["target", "reply to does not", "in reply to", "does not appear to exist", "replying to"]
        .iter()
        .any(|words| said.contains(words))
}

fn with(said: &str) -> String {
    if said.is_empty() { String::new() } else { format!(": {said}") }
}

/// The server's own words about an error; nothing if it did not answer in its own form.
pub fn error(answer: &Answer) -> String {
    let problem: Problem = serde_json::from_slice(&answer.body).unwrap_or_default();
    clean::line(&problem.error)
}

/// How long a full bucket lasts: `Retry-After`, or `X-RateLimit-Reset`, which is a time in ISO 8601
/// or, on older GoToSocial, in seconds since 1970. Never more than an hour, never nothing.
pub fn pause(answer: &Answer, now: Timestamp) -> Option<Span> {
    let reset = answer.header("x-ratelimit-reset").and_then(|text| {
        let seconds = text.trim().parse().ok().map(Timestamp::from_seconds);
        seconds.or_else(|| Timestamp::parse(text)).map(|at| at.since(now))
    });
    let wait = answer.retry_after(now).or(reset);
    wait.map(|wait| wait.clamp(Span::seconds(1), Span::hours(1)))
}

/// Does this post of ours say what we sent?
pub fn is_same(status: &Status, out: &Outgoing) -> bool {
    let there = clean::lines(&html::plain(&status.content, &status.mentions));
    status.in_reply_to_id.as_deref() == Some(out.parent.as_str())
        && folded(&there) == folded(out.reply.text.as_str())
}

/// Words as a server may give them back: blanks are one blank, a handle may have lost its server,
/// a link its last slash.
fn folded(text: &str) -> String {
    let text = clean::lines(text);
    let word = |word: &str| match word.strip_prefix('@') {
        Some(handle) => format!("@{}", handle.split('@').next().unwrap_or_default().to_lowercase()),
        None if word.contains("://") => word.trim_end_matches('/').to_owned(),
        None => word.to_owned(),
    };
    text.split_whitespace().map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use reqwest::header::HeaderMap;

    fn answer(status: u16, headers: &[(&'static str, &str)], body: &str) -> Answer {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        Answer { status, headers: map, body: Bytes::from(body.to_owned()) }
    }

    fn kind(status: u16, body: &str) -> &'static str {
        match refusal(&answer(status, &[], body), Timestamp::from_seconds(1)) {
            Failure::Later { .. } => "later",
            Failure::Never(_) => "never",
            Failure::Gone(_) => "gone",
            Failure::Dead(_) => "dead",
            Failure::Unsure(_) => "unsure",
        }
    }

    #[test]
    fn refusals_are_told_apart() {
        let error = |text: &str| format!(r#"{{"error":"{text}"}}"#);
        assert_eq!(kind(401, &error("The access token is invalid")), "dead");
        assert_eq!(kind(403, &error("This action is outside the authorized scopes")), "dead");
        assert_eq!(kind(403, &error("Your login is currently disabled")), "dead");
        assert_eq!(kind(403, &error("This action is not allowed")), "never");
        assert_eq!(kind(404, &error("Record not found")), "gone");
        assert_eq!(kind(410, ""), "gone");
        assert_eq!(kind(422, &error("Validation failed: Text character limit exceeded")), "never");
        assert_eq!(
            kind(422, &error("The post you are trying to reply to does not appear")),
            "gone"
        );
        assert_eq!(
            kind(422, &error("Cannot attach files that have not finished processing")),
            "later"
        );
        assert_eq!(kind(429, ""), "later");
        for status in [408, 409, 500, 502, 503, 504] {
            assert_eq!(kind(status, "<html>"), "unsure", "{status}");
        }
        assert_eq!(kind(200, "<html>"), "unsure");
        assert_eq!(kind(301, ""), "later");
    }

    #[test]
    fn pauses_are_read_from_either_header() {
        let now = Timestamp::parse("2026-08-01T10:00:00Z").unwrap();
        let after = |headers: &[(&'static str, &str)]| pause(&answer(429, headers, ""), now);
        assert_eq!(after(&[("retry-after", "7")]), Some(Span::seconds(7)));
        assert_eq!(
            after(&[("x-ratelimit-reset", "2026-08-01T10:05:00.123456Z")]),
            Some(Span(300_123_456))
        );
        let unix = now.0 / 1_000_000 + 20;
        assert_eq!(after(&[("x-ratelimit-reset", &unix.to_string())]), Some(Span::seconds(20)));
        let past = after(&[("x-ratelimit-reset", "2026-08-01T09:00:00Z")]);
        assert_eq!(past, Some(Span::seconds(1)));
        assert_eq!(after(&[]), None);
    }

    #[test]
    fn mentions_are_seen_as_the_server_sees_them() {
        assert_eq!(called("@ann@a.example hi"), ["ann@a.example"]);
        assert_eq!(called("(@bob), a@b.example x/@y =@z"), ["bob"]);
        assert_eq!(called("＠bob and @\u{2060}cleo"), ["bob"]);
        assert_eq!(called("me @ home. @_x."), ["_x"]);
    }

    #[test]
    fn text_is_found_again_as_servers_give_it_back() {
        let sent = "@ann@a.example Dear Ann,\n\nsee https://x.example/ ok?";
        assert_eq!(folded(sent), folded("@ann Dear Ann, see https://x.example ok?"));
        assert_ne!(folded(sent), folded("@ann Dear Ann, see https://x.example ok"));
    }
}
