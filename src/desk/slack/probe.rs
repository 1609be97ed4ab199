//! What `check --live` wants to know: token, permissions, channels, socket. Writes nothing.

use super::calls::{Calls, Trouble, words};
use super::{Mode, Slack, say};
use crate::net::Finding;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// Tries all of it.
pub(super) async fn probe(slack: &Slack) -> Vec<Finding> {
    let mut found = Vec::new();
    let who = who(slack).await;
    let scopes = who.as_ref().ok().map(|(_, scopes)| scopes.clone());
    found.push(Finding { what: "Slack: bot token".into(), result: who.map(|(who, _)| who) });
    if let Some(scopes) = scopes {
        found.push(Finding { what: "Slack: permissions".into(), result: permissions(&scopes) });
        for channel in &slack.channels {
            let what = format!("Slack: channel {channel}");
            found.push(Finding { what, result: place(slack, channel).await });
        }
    }
    if let Mode::Socket(token) = &slack.mode {
        let app = Calls::new(slack.calls.client.clone(), token);
        let opened = app.post("apps.connections.open", &json!({})).await;
        let result = opened.map(|_| "Socket Mode opens".to_owned()).map_err(|t| t.why());
        found.push(Finding { what: "Slack: app-level token".into(), result });
    }
    found
}

/// Who the token is, and what it may do. Read raw: permissions stand in a header that the client
/// library does not show.
async fn who(slack: &Slack) -> Result<(String, Vec<String>), String> {
    let mut url = slack.api.clone();
    url.set_path(&format!("{}/auth.test", slack.api.path().trim_end_matches('/')));
    let call =
        slack.ground.net.client().post(url).bearer_auth(slack.bot.get().expose_secret()).send();
    let answer = tokio::time::timeout(crate::case::limits::CALL.to_std(), call).await;
    let answer = answer.map_err(|_| "Slack did not answer in time".to_owned())?;
    let answer = answer.map_err(|_| "Slack cannot be reached".to_owned())?;
    let scopes = answer.headers().get("x-oauth-scopes").and_then(|v| v.to_str().ok());
    let scopes: Vec<String> =
        scopes.unwrap_or_default().split(',').map(|s| s.trim().to_owned()).collect();
    let body = crate::net::body(answer, 100_000).await?;
    let told: Value = serde_json::from_slice(&body).map_err(|_| "Slack's answer makes no sense")?;
    if told["ok"] != true {
        return Err(words(told["error"].as_str().unwrap_or("no reason")));
    }
    let text = |key: &str| told[key].as_str().unwrap_or("?");
    if told["bot_id"].is_null() {
        return Err("this is a person's token; careline wants the bot's (xoxb-…)".into());
    }
    Ok((format!("{} in {} ({})", text("user"), text("team"), text("team_id")), scopes))
}

fn permissions(has: &[String]) -> Result<String, String> {
    let missing: Vec<&str> =
        say::SCOPES.iter().filter(|scope| !has.iter().any(|h| h == **scope)).copied().collect();
    if missing.is_empty() {
        return Ok("all that is needed".into());
    }
    let missing = missing.join(", ");
    Err(format!("missing: {missing}. Update the app's manifest and install it again"))
}

async fn place(slack: &Slack, channel: &str) -> Result<String, String> {
    let told = slack.calls.get("conversations.info", &[("channel", channel)]).await;
    let told = told.map_err(|trouble: Trouble| trouble.why())?;
    let place = &told["channel"];
    let name = place["name"].as_str().unwrap_or(channel);
    match (place["is_archived"] == true, place["is_member"] == true) {
        (true, _) => Err(format!("#{name} is archived")),
        (_, false) => Err(format!("careline is not in #{name}: type /invite @careline there")),
        _ => Ok(format!("#{name}")),
    }
}
