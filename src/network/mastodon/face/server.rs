//! The server itself, its people and its tokens.

use super::call::Call;
use super::json::{self};
use super::{Answer, Flavour, Result, Stage, posts};
use crate::world::square::Person;
use serde_json::{Value, json};

/// Source: docs, methods/accounts (#verify_credentials, #get, #lookup, #relationships).
pub(super) fn accounts(stage: &Stage, call: &Call, rest: &[&str]) -> Result<Answer> {
    let mut world = stage.world.look();
    let square = &*world.square(&stage.name);
    match rest {
        ["verify_credentials"] => Ok(Answer::ok(own(call, call.me()?))),
        ["lookup"] => {
            call.takes(&["acct"])?;
            let handle = call.param("acct").unwrap_or_default().trim_start_matches('@');
            let person = square.by_handle(handle).ok_or_else(Answer::missing)?;
            Ok(Answer::ok(json::account(&call.base, person)))
        }
        ["relationships"] => {
            let me = &call.me()?.id;
            let between = |id: &String| {
                let blocks = |a: &str, b: &str| square.blocks.contains(&(a.into(), b.into()));
                json!({
                    "id": id, "following": false, "showing_reblogs": false, "notifying": false,
                    "languages": null, "followed_by": false, "blocking": blocks(me, id),
                    "blocked_by": blocks(id, me), "muting": false, "muting_notifications": false,
                    "requested": false, "requested_by": false, "domain_blocking": false,
                    "endorsed": false, "note": "",
                })
            };
            Ok(Answer::ok(call.all("id").iter().map(between).collect()))
        }
        [id] => {
            let person = square.people.get(*id).ok_or_else(Answer::missing)?;
            Ok(Answer::ok(json::account(&call.base, person)))
        }
        _ => Err(Answer::missing()),
    }
}

/// Source: docs, entities/Account#CredentialAccount.
fn own(call: &Call, me: &Person) -> Value {
    let mut account = json::account(&call.base, me);
    account["source"] = json!({
        "privacy": "public", "sensitive": false, "language": null, "note": "", "fields": [],
        "follow_requests_count": 0, "hide_collections": null, "discoverable": true,
        "indexable": false,
    });
    account
}

pub(super) fn answer(stage: &Stage, call: &Call, parts: &[&str]) -> Result<Answer> {
    match (call.method.as_str(), parts) {
        ("GET", ["api", "v2", "instance"]) => Ok(Answer::ok(instance(call))),
        ("GET", ["api", "v1", "instance"]) => Ok(Answer::ok(instance_v1(call))),
        ("GET", [".well-known", "nodeinfo"]) => Ok(Answer::ok(json!({ "links": [{
            "rel": "http://nodeinfo.diaspora.software/ns/schema/2.0",
            "href": format!("{}/nodeinfo/2.0", call.base),
        }] }))),
        ("GET", ["nodeinfo", "2.0"]) => Ok(Answer::ok(nodeinfo(call))),
        ("POST", ["api", "v1", "apps"]) => app(call),
        ("GET", ["api", "v1", "apps", "verify_credentials"]) => {
            call.me()?;
            let scopes = ["read", "write"];
            Ok(Answer::ok(json!({ "name": "an app", "website": null, "scopes": scopes })))
        }
        ("POST", ["oauth", "token"]) => token(stage, call),
        _ => Err(Answer::missing()),
    }
}

/// Source: docs, entities/Instance#version; GoToSocial writes its own number, Hollo says what it is
/// compatible with.
fn version(flavour: Flavour) -> &'static str {
    match flavour {
        Flavour::Mastodon => "4.5.12",
        Flavour::GoToSocial => "0.20.2+git-57cb4fe",
        Flavour::Hollo => "4.3.0 (compatible; Hollo 0.6.1)",
    }
}

/// GoToSocial advertises `wss` even where it speaks plain HTTP (measured, `realservers.md` 3).
fn streaming(call: &Call) -> String {
    let host = call.base.trim_start_matches("http://");
    let scheme = if call.flavour == Flavour::GoToSocial { "wss" } else { "ws" };
    format!("{scheme}://{host}")
}

/// Source: docs, entities/Instance (`configuration`).
fn configuration(call: &Call) -> Value {
    let most = posts::limit(call.flavour);
    json!({
        "accounts": { "max_featured_tags": 10, "max_pinned_statuses": 5 },
        "statuses": {
            "max_characters": most, "max_media_attachments": 4, "characters_reserved_per_url": 23,
        },
        "media_attachments": {
            "description_limit": 1500, "image_matrix_limit": 33_177_600,
            "image_size_limit": 16_777_216, "supported_mime_types":
                ["image/jpeg", "image/png", "image/gif", "image/webp", "video/mp4", "audio/ogg"],
            "video_frame_rate_limit": 120, "video_matrix_limit": 8_294_400,
            "video_size_limit": 103_809_024,
        },
        "polls": {
            "max_characters_per_option": 50, "max_expiration": 2_629_746, "max_options": 4,
            "min_expiration": 300,
        },
        "translation": { "enabled": false },
    })
}

/// Source: docs, entities/Instance; methods/streaming (`configuration.urls.streaming`).
fn instance(call: &Call) -> Value {
    let mut configuration = configuration(call);
    let streams = call.flavour != Flavour::Hollo;
    configuration["urls"] =
        if streams { json!({ "streaming": streaming(call) }) } else { json!({}) };
    configuration["vapid"] = json!({ "public_key": "" });
    let host = call.base.trim_start_matches("http://");
    json!({
        "domain": host, "title": "A square", "version": version(call.flavour),
        "source_url": "https://source.example", "description": "A pretended server",
        "usage": { "users": { "active_month": 2 } },
        "thumbnail": { "url": format!("{}/thumbnail.png", call.base) }, "icon": [],
        "languages": ["en"], "configuration": configuration,
        "registrations": { "enabled": false, "approval_required": false, "message": null },
        "api_versions": { "mastodon": 6 },
        "contact": { "email": "team@square.example", "account": null }, "rules": [],
    })
}

/// Source: docs, entities/V1_Instance (`urls.streaming_api`).
fn instance_v1(call: &Call) -> Value {
    let host = call.base.trim_start_matches("http://");
    json!({
        "uri": host, "title": "A square", "short_description": "A pretended server",
        "description": "", "email": "team@square.example", "version": version(call.flavour),
        "urls": { "streaming_api": streaming(call) },
        "stats": { "user_count": 2, "status_count": 2, "domain_count": 1 },
        "thumbnail": null, "languages": ["en"], "registrations": false,
        "approval_required": false, "invites_enabled": false,
        "configuration": configuration(call), "contact_account": null, "rules": [],
    })
}

/// Source: <https://nodeinfo.diaspora.software/docson/index.html#/ns/schema/2.0>.
fn nodeinfo(call: &Call) -> Value {
    let software = match call.flavour {
        Flavour::Mastodon => "mastodon",
        Flavour::GoToSocial => "gotosocial",
        Flavour::Hollo => "hollo",
    };
    json!({
        "version": "2.0", "software": { "name": software, "version": version(call.flavour) },
        "protocols": ["activitypub"], "services": { "outbound": [], "inbound": [] },
        "usage": { "users": {} }, "openRegistrations": false, "metadata": {},
    })
}

/// Source: docs, methods/apps#create.
fn app(call: &Call) -> Result<Answer> {
    call.takes(&["client_name", "redirect_uris", "scopes", "website"])?;
    let (Some(name), Some(uri)) = (call.param("client_name"), call.param("redirect_uris")) else {
        return Err(Answer::no(422, "Validation failed: Application name can't be blank"));
    };
    Ok(Answer::ok(json!({
        "id": "1", "name": name, "website": call.param("website"), "redirect_uri": uri,
        "redirect_uris": [uri], "client_id": "client", "client_secret": "client-secret",
    })))
}

/// Source: docs, methods/oauth#token. The code here is the person's token: nobody is asked.
fn token(stage: &Stage, call: &Call) -> Result<Answer> {
    let mut world = stage.world.look();
    let person = call.param("code").and_then(|code| world.square(&stage.name).by_token(code));
    let Some(token) = person.and_then(|person| person.token.clone()) else {
        return Err(Answer::no(400, "invalid_grant"));
    };
    let scope = call.param("scope").unwrap_or("read write").to_owned();
    let body = json!({
        "access_token": token, "token_type": "Bearer", "scope": scope, "created_at": 1_760_000_000,
    });
    Ok(Answer::ok(body))
}
