//! One call: its parameters, whose it is, and which rule answers it.

use super::{Answer, Flavour, Result, Stage, lists, media, owner, posts, server};
use crate::network::face;
use crate::world::square::Person;
use axum::body::{Body, Bytes};
use axum::extract::{FromRequest, Multipart};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Request, header};
use serde_json::Value;
use std::collections::BTreeMap;

/// Bytes a call may bring; media are the largest.
const BODY: usize = 20_000_000;

/// One call.
pub(super) struct Call {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: HeaderMap,
    /// Parameters of query and body, lists under `name[]`.
    pub(super) params: BTreeMap<String, Vec<String>>,
    /// The file of a multipart body: what it says it is, and its bytes.
    pub(super) file: Option<(String, Bytes)>,
    /// Where this server stands, as the caller called it.
    pub(super) base: String,
    pub(super) flavour: Flavour,
    me: Option<Person>,
}

impl Call {
    pub(super) async fn read(stage: &Stage, parts: Parts, body: Body) -> Result<Self> {
        let token = token(&parts.headers);
        let (flavour, me) = {
            let mut world = stage.world.look();
            let square = world.square(&stage.name);
            (Flavour::of(square), owner(square, token.as_deref()))
        };
        // A token that is not known is refused even where none is needed, as Doorkeeper does.
        if token.is_some() && me.is_none() {
            return Err(Answer::stranger());
        }
        let mut call = Self {
            method: parts.method.to_string(),
            path: parts.uri.path().trim_end_matches('/').to_owned(),
            headers: parts.headers.clone(),
            params: BTreeMap::new(),
            file: None,
            base: face::base(&parts.headers),
            flavour,
            me,
        };
        call.take_pairs(parts.uri.query().unwrap_or_default().as_bytes());
        call.take_body(parts, body).await?;
        Ok(call)
    }

    fn take_pairs(&mut self, text: &[u8]) {
        for (name, value) in url::form_urlencoded::parse(text) {
            self.params.entry(name.into_owned()).or_default().push(value.into_owned());
        }
    }

    async fn take_body(&mut self, parts: Parts, body: Body) -> Result<()> {
        let kind = self.header("content-type").unwrap_or_default().to_owned();
        if kind.starts_with("multipart/form-data") {
            return self.take_multipart(Request::from_parts(parts, body)).await;
        }
        let bytes = axum::body::to_bytes(body, BODY).await;
        let bytes = bytes.map_err(|_| Answer::no(413, "Payload too large"))?;
        if kind.starts_with("application/x-www-form-urlencoded") {
            self.take_pairs(&bytes);
        } else if kind.starts_with("application/json") {
            let value: Value = serde_json::from_slice(&bytes)
                .map_err(|_| Answer::no(400, "Error parsing the body as JSON"))?;
            self.take_json(&value)?;
        } else if !bytes.is_empty() {
            return Err(Answer::no(415, "Unsupported content type"));
        }
        Ok(())
    }

    fn take_json(&mut self, value: &Value) -> Result<()> {
        let wrong = || Answer::no(422, "A parameter has the wrong type");
        for (name, value) in value.as_object().ok_or_else(wrong)? {
            let (name, values) = match value {
                Value::Array(all) => (format!("{name}[]"), all.clone()),
                Value::Null => continue,
                other => (name.clone(), vec![other.clone()]),
            };
            for value in values {
                let text = match value {
                    Value::String(text) => text,
                    Value::Bool(_) | Value::Number(_) => value.to_string(),
                    _ => return Err(wrong()),
                };
                self.params.entry(name.clone()).or_default().push(text);
            }
        }
        Ok(())
    }

    async fn take_multipart(&mut self, request: Request<Body>) -> Result<()> {
        let wrong = |_| Answer::no(400, "The form cannot be read");
        let mut form = Multipart::from_request(request, &())
            .await
            .map_err(|_| Answer::no(400, "The form cannot be read"))?;
        while let Some(field) = form.next_field().await.map_err(wrong)? {
            let name = field.name().unwrap_or_default().to_owned();
            if name == "file" {
                let mime = field.content_type().unwrap_or("application/octet-stream").to_owned();
                self.file = Some((mime, field.bytes().await.map_err(wrong)?));
            } else {
                let text = field.text().await.map_err(wrong)?;
                self.params.entry(name).or_default().push(text);
            }
        }
        Ok(())
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// A parameter; an empty one counts as not given, as in Rails.
    pub(super) fn param(&self, name: &str) -> Option<&str> {
        let value = self.params.get(name).and_then(|all| all.last());
        value.map(String::as_str).filter(|text| !text.is_empty())
    }

    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let list = self.params.get(&format!("{name}[]")).or_else(|| self.params.get(name));
        list.cloned().unwrap_or_default()
    }

    /// Refuses what is not documented for this call. Stricter than the real server, which ignores
    /// it: a misspelt parameter must not pass here.
    pub(super) fn takes(&self, known: &[&str]) -> Result<()> {
        let bare = |name: &String| name.trim_end_matches("[]").to_owned();
        match self.params.keys().map(bare).find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(Answer::no(422, &format!("Unknown parameter: {name}"))),
            None => Ok(()),
        }
    }

    /// A yes or no. Source: docs, client/intro ("Booleans").
    pub(super) fn flag(&self, name: &str) -> Result<bool> {
        match self.param(name) {
            None | Some("false" | "0" | "f" | "off") => Ok(false),
            Some("true" | "1" | "t" | "on") => Ok(true),
            Some(_) => Err(Answer::no(422, &format!("{name} must be true or false"))),
        }
    }

    /// Whoever calls. Source: docs, methods/accounts: without a token "The access token is
    /// invalid", status 401.
    pub(super) fn me(&self) -> Result<&Person> {
        self.me.as_ref().ok_or_else(Answer::stranger)
    }

    /// Whoever calls, if he says so.
    pub(super) fn viewer(&self) -> Option<&str> {
        self.me.as_ref().map(|me| me.id.as_str())
    }
}

/// The token of a call. Source: docs, client/token ("Authorization: Bearer").
pub(super) fn token(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    text.strip_prefix("Bearer ").map(str::to_owned)
}

/// Which rule answers.
pub(super) fn answer(stage: &Stage, call: &Call) -> Result<Answer> {
    let parts: Vec<String> = call
        .path
        .split('/')
        .skip(1)
        .map(|part| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned())
        .collect();
    let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
    let method = call.method.as_str();
    match (method, &parts[..]) {
        (_, ["api", "v1", "statuses", rest @ ..]) => posts::answer(stage, call, rest),
        (_, ["api", "v1" | "v2", "media", rest @ ..]) => {
            media::answer(stage, call, parts[1] == "v2", rest)
        }
        ("GET", ["api", "v1", "notifications", rest @ ..]) => {
            lists::notifications(stage, call, rest)
        }
        ("GET", ["api", "v1", "timelines", which @ ..]) => lists::timeline(stage, call, which),
        ("GET", ["api", "v1", "accounts", id, "statuses"]) => lists::written_by(stage, call, id),
        ("GET", ["api", "v1", "accounts", rest @ ..]) => server::accounts(stage, call, rest),
        _ => server::answer(stage, call, &parts),
    }
}
