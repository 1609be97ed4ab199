//! Arguments of a call: query, form or JSON, as `[web-api]` allows them.
//!
//! Source: [web-api] (named in `face/mod.rs`).

use axum::http::HeaderMap;
use serde_json::{Map, Value};

/// Arguments whose form value is itself JSON (`[web-api]`, "POST bodies").
const NESTED: &[&str] = &["blocks", "attachments", "metadata", "view", "files"];

/// Reads all arguments. JSON is only taken with its content type; a JSON body without one is
/// `invalid_form_data`, one that does not parse `invalid_json`.
pub(super) fn read(
    query: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Map<String, Value>, &'static str> {
    let mut args = pairs(query.unwrap_or_default().as_bytes());
    let kind = headers.get("content-type").and_then(|v| v.to_str().ok()).unwrap_or_default();
    if body.is_empty() {
        return Ok(args);
    }
    if kind.starts_with("application/json") {
        match serde_json::from_slice(body) {
            Ok(Value::Object(more)) => args.extend(more),
            Ok(_) => return Err("json_not_object"),
            Err(_) => return Err("invalid_json"),
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") || kind.is_empty() {
        args.extend(pairs(body));
    } else if kind.starts_with("multipart/form-data") {
        args.extend(multipart(kind, body).ok_or("invalid_form_data")?);
    } else {
        return Err("invalid_post_type");
    }
    nested(&mut args)?;
    args.retain(|_, value| !value.is_null());
    Ok(args)
}

fn pairs(text: &[u8]) -> Map<String, Value> {
    let pairs = url::form_urlencoded::parse(text);
    pairs.map(|(key, value)| (key.into_owned(), Value::String(value.into_owned()))).collect()
}

fn nested(args: &mut Map<String, Value>) -> Result<(), &'static str> {
    for key in NESTED {
        if let Some(Value::String(text)) = args.get(*key) {
            let value = serde_json::from_str(text).map_err(|_| match *key {
                "blocks" => "invalid_blocks_format",
                "metadata" => "invalid_metadata_format",
                _ => "invalid_arguments",
            })?;
            args.insert((*key).to_owned(), value);
        }
    }
    Ok(())
}

/// Plain fields of a multipart form; official clients use it when a field is a file.
fn multipart(kind: &str, body: &[u8]) -> Option<Map<String, Value>> {
    let boundary = format!("--{}", kind.split("boundary=").nth(1)?.trim_matches('"'));
    let text = std::str::from_utf8(body).ok()?;
    let fields = text.split(&boundary).filter_map(|part| {
        let (head, value) = part.split_once("\r\n\r\n")?;
        let name = head.split("name=\"").nth(1)?.split('"').next()?;
        Some((name.to_owned(), Value::String(value.trim_end_matches("\r\n").to_owned())))
    });
    Some(fields.collect())
}

/// The token: `Authorization: Bearer`, or the argument `token`.
pub(super) fn token(headers: &HeaderMap, args: &Map<String, Value>) -> Option<String> {
    let header = headers.get("authorization").and_then(|v| v.to_str().ok());
    let bearer = header.and_then(|text| text.strip_prefix("Bearer ")).map(str::trim);
    bearer.or_else(|| args.get("token")?.as_str()).map(str::to_owned)
}
