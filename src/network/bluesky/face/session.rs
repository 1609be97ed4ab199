//! Sessions. Source: lexicons `com.atproto.server.*`; errors and limits measured
//! (`realservers.md` 2, "Sessions", "Rate limits").

use super::{Answer, Call, Result, Stage, caller, names, now, unknown};
use crate::case::time::{Span, Timestamp};
use crate::world::square::Person;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How long an access token is good. Source: `platforms.md` 6.3 (about two hours).
const GOOD: Span = Span::hours(2);
/// Sessions that may be opened in [`WINDOW`]. Source: measured.
const OPENED: usize = 30;
const WINDOW: Span = Span::seconds(300);

/// Tokens that were given out.
#[derive(Default)]
pub(super) struct Tokens {
    access: BTreeMap<String, (String, Timestamp)>,
    refresh: BTreeMap<String, Option<String>>,
    opened: BTreeMap<String, Vec<Timestamp>>,
    count: u64,
}

impl Tokens {
    /// Whose access token it is.
    pub(super) fn access(&self, token: &str, now: Timestamp) -> Result<String> {
        match self.access.get(token) {
            Some((id, until)) if *until > now => Ok(id.clone()),
            Some(_) => Err(Answer::expired("Token has expired")),
            None => Err(Answer::bad_token()),
        }
    }

    /// A new pair. The old refresh token goes on working. Source: measured ("used twice works
    /// twice").
    fn give(&mut self, id: &str, now: Timestamp) -> (String, String) {
        self.count += 1;
        let token = |kind: &str| {
            let hash = names::blob_cid(format!("{kind} {id} {} {now}", self.count).as_bytes());
            format!("{kind}.{}.{}", &hash[7..33], &hash[33..])
        };
        let (access, refresh) = (token("access"), token("refresh"));
        self.access.insert(access.clone(), (id.to_owned(), now + GOOD));
        self.refresh.insert(refresh.clone(), Some(id.to_owned()));
        (access, refresh)
    }

    fn may_open(&mut self, identifier: &str, now: Timestamp) -> Result<()> {
        let opened = self.opened.entry(identifier.to_owned()).or_default();
        opened.retain(|at| now.since(*at) < WINDOW);
        if let Some(first) = opened.first().filter(|_| opened.len() >= OPENED) {
            let reset = Some(*first + WINDOW);
            let no = Answer::no(429, "RateLimitExceeded", "Rate Limit Exceeded");
            return Err(Answer { reset, ..no });
        }
        opened.push(now);
        Ok(())
    }
}

pub(super) fn answer(stage: &Stage, call: &Call, name: &str) -> Result<Answer> {
    match (call.method, name) {
        ("POST", "createSession") => create(stage, call),
        ("POST", "refreshSession") => refresh(stage, call),
        ("POST", "deleteSession") => delete(stage, call),
        ("GET", "getSession") => {
            let me = caller(stage, call)?;
            Ok(Answer::ok(about(&me)))
        }
        ("GET", "describeServer") => Ok(Answer::ok(json!({
            "did": "did:web:localhost", "availableUserDomains": [".test"],
        }))),
        _ => Err(unknown()),
    }
}

fn about(me: &Person) -> Value {
    json!({ "did": names::did(&me.id), "handle": names::handle(me), "active": true })
}

fn with_tokens(me: &Person, (access, refresh): (String, String)) -> Answer {
    let mut body = about(me);
    body["accessJwt"] = json!(access);
    body["refreshJwt"] = json!(refresh);
    Answer::ok(body)
}

fn create(stage: &Stage, call: &Call) -> Result<Answer> {
    let body = call.json()?;
    let text = |name: &str| {
        let missing = format!("Input must have the property \"{name}\"");
        body[name].as_str().ok_or_else(|| Answer::invalid(&missing))
    };
    let (identifier, password) = (text("identifier")?, text("password")?);
    let mut memory = stage.memory();
    memory.tokens.may_open(identifier, now())?;
    let wrong = || Answer::no(401, "AuthenticationRequired", "Invalid identifier or password");
    let me = stage.see(|square| names::person(square, identifier).cloned()).ok_or_else(wrong)?;
    if me.token.as_deref() != Some(password) {
        return Err(wrong());
    }
    let pair = memory.tokens.give(&me.id, now());
    Ok(with_tokens(&me, pair))
}

fn refresh(stage: &Stage, call: &Call) -> Result<Answer> {
    let token = call.token().unwrap_or_default();
    let mut memory = stage.memory();
    let id = match memory.tokens.refresh.get(token) {
        Some(Some(id)) => id.clone(),
        Some(None) => return Err(Answer::expired("Token has been revoked")),
        None => return Err(Answer::bad_token()),
    };
    let me = stage.see(|square| square.people.get(&id).cloned()).ok_or_else(Answer::bad_token)?;
    let pair = memory.tokens.give(&id, now());
    Ok(with_tokens(&me, pair))
}

/// The access token goes on working. Source: measured.
fn delete(stage: &Stage, call: &Call) -> Result<Answer> {
    let mut memory = stage.memory();
    let tokens = &mut memory.tokens.refresh;
    let known = tokens.get(call.token().unwrap_or_default()).cloned().flatten();
    let id = known.ok_or_else(Answer::bad_token)?;
    tokens.values_mut().filter(|owner| **owner == Some(id.clone())).for_each(|o| *o = None);
    Ok(Answer::ok(json!({})))
}

/// The fault "the token is dead", as each call shows it. Source: measured.
pub(super) fn dead(name: &str) -> Answer {
    if name.ends_with("createSession") {
        let message = "Invalid identifier or password";
        return Answer::no(401, "AuthenticationRequired", message);
    }
    Answer::expired("Token has been revoked")
}
