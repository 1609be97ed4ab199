//! What `check --live` tries: token, intents, server, roles, channels and permissions. Reads only.

use super::Discord;
use super::rest::{Call, Trouble};
use super::wire::{Channel, Member};
use crate::desk::{Failure, Finding};
use serde_json::Value;
use serenity::all::Permissions;

/// What careline needs in a channel, with its name as Discord's own settings call it.
const NEEDED: [(Permissions, &str); 7] = [
    (Permissions::VIEW_CHANNEL, "View Channel"),
    (Permissions::SEND_MESSAGES, "Send Messages"),
    (Permissions::SEND_MESSAGES_IN_THREADS, "Send Messages in Threads"),
    (Permissions::READ_MESSAGE_HISTORY, "Read Message History"),
    (Permissions::ADD_REACTIONS, "Add Reactions"),
    (Permissions::MANAGE_THREADS, "Manage Threads"),
    // Only below the cards of a text channel; a forum's posts need no such right.
    (Permissions::CREATE_PUBLIC_THREADS, "Create Public Threads"),
];
/// The app's flags for the Message Content Intent: granted, or granted to a small app.
/// Source: <https://docs.discord.com/developers/resources/application>.
const CONTENT: u64 = 1 << 18 | 1 << 19;

fn finding(what: impl Into<String>, result: Result<String, String>) -> Finding {
    Finding { what: what.into(), result }
}

fn words(trouble: Trouble) -> String {
    match trouble.after_read() {
        Failure::Later { why, .. }
        | Failure::Never(why)
        | Failure::Gone(why)
        | Failure::Dead(why)
        | Failure::Unsure(why) => why,
    }
}

/// See [`crate::desk::Desk::probe`].
pub(super) async fn probe(desk: &Discord) -> Vec<Finding> {
    let me = match desk.rest.call(Call::get(&["users", "@me"])).await {
        Ok(me) => me,
        Err(trouble) => return vec![finding("token", Err(words(trouble)))],
    };
    let name = me["username"].as_str().unwrap_or("a bot").to_owned();
    let mut all = vec![finding("token", Ok(format!("the bot {name}")))];
    all.push(finding("message content", content(desk).await));
    let server = match desk.rest.call(Call::get(&["guilds", &desk.guild])).await {
        Ok(server) => server,
        Err(trouble) => {
            all.push(finding("server", Err(format!("{}; is the bot invited?", words(trouble)))));
            return all;
        }
    };
    let title = server["name"].as_str().unwrap_or_default().to_owned();
    all.push(finding("server", Ok(title)));
    for role in &desk.roles {
        let named = roles(&server).find(|r| r["id"] == role.as_str());
        let result = named.map(|r| r["name"].as_str().unwrap_or_default().to_owned());
        let missing = || "there is no such role on the server".to_owned();
        all.push(finding(format!("role {role}"), result.ok_or_else(missing)));
    }
    let user = me["id"].as_str().unwrap_or_default();
    let member = desk.member(user, true).await.ok().flatten().unwrap_or_default();
    for channel in &desk.channels {
        let result = seen(desk, &server, user, &member, channel).await;
        all.push(finding(format!("channel {channel}"), result));
    }
    all
}

fn roles(server: &Value) -> impl Iterator<Item = &Value> {
    server["roles"].as_array().into_iter().flatten()
}

async fn content(desk: &Discord) -> Result<String, String> {
    let app = desk.rest.call(Call::get(&["applications", "@me"])).await.map_err(words)?;
    let granted = app["flags"].as_u64().unwrap_or(0) & CONTENT != 0;
    match (desk.words, granted) {
        (true, true) => Ok("granted".into()),
        (true, false) => Err("the bot lacks the Message Content Intent: switch it on in the \
             developer portal, or set message_content = false and relay = \"explicit\""
            .into()),
        (false, _) => Ok("not used: only the command `reply` speaks to customers".into()),
    }
}

async fn seen(
    desk: &Discord,
    server: &Value,
    user: &str,
    member: &Member,
    channel: &str,
) -> Result<String, String> {
    let told = desk.rest.call(Call::get(&["channels", channel])).await.map_err(words)?;
    let read: Channel = serde_json::from_value(told.clone()).unwrap_or_default();
    if read.is_forum() != desk.forum {
        let (is, set) = if read.is_forum() { ("a forum", "text") } else { ("no forum", "forum") };
        return Err(format!("it is {is}, but threads = \"{set}\""));
    }
    let has = permissions(server, user, &member.roles, &told);
    let here = |need: Permissions| !(desk.forum && need == Permissions::CREATE_PUBLIC_THREADS);
    let missing = NEEDED.iter().filter(|(need, _)| here(*need) && !has.contains(*need));
    let missing = missing.map(|(_, name)| *name);
    let missing: Vec<&str> = missing.collect();
    if missing.is_empty() {
        return Ok(read.name);
    }
    Err(format!("careline's role lacks here: {}", missing.join(", ")))
}

/// What a member may do in a channel.
/// Source: <https://docs.discord.com/developers/topics/permissions>, "Permission Overwrites".
fn permissions(server: &Value, user: &str, mine: &[String], channel: &Value) -> Permissions {
    let guild = server["id"].as_str().unwrap_or_default();
    let bits = |value: &Value| {
        let number = value.as_str().and_then(|text| text.parse().ok()).unwrap_or(0);
        Permissions::from_bits_truncate(number)
    };
    let is_mine = |id: &str| id == guild || mine.iter().any(|role| role == id);
    let of_roles = roles(server).filter(|r| r["id"].as_str().is_some_and(is_mine));
    let mut all = of_roles.fold(Permissions::empty(), |all, r| all | bits(&r["permissions"]));
    if all.contains(Permissions::ADMINISTRATOR) || server["owner_id"] == user {
        return Permissions::all();
    }
    let special = channel["permission_overwrites"].as_array().map(Vec::as_slice);
    let special = special.unwrap_or_default();
    let steps: [&dyn Fn(&str) -> bool; 3] =
        [&|id| id == guild, &|id| id != guild && is_mine(id), &|id| id == user];
    for step in steps {
        let here = special.iter().filter(|o| o["id"].as_str().is_some_and(step));
        let (allow, deny) = here.fold((Permissions::empty(), Permissions::empty()), |(a, d), o| {
            (a | bits(&o["allow"]), d | bits(&o["deny"]))
        });
        all = (all - deny) | allow;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_readme_invites_with_all_that_is_needed() {
        let all = NEEDED.iter().fold(Permissions::MANAGE_CHANNELS, |all, (need, _)| all | *need);
        let readme = include_str!("../../../README.md");
        assert!(readme.contains(&format!("permissions={}`", all.bits())), "{}", all.bits());
    }

    #[test]
    fn overwrites_are_applied_from_all_to_one() {
        let server = json!({"id": "1", "owner_id": "9", "roles": [
            {"id": "1", "permissions": "1024"}, {"id": "2", "permissions": "2048"},
            {"id": "3", "permissions": "8"}]});
        let channel = json!({"permission_overwrites": [
            {"id": "1", "deny": "1024", "allow": "0"}, {"id": "2", "allow": "1024", "deny": "2048"},
            {"id": "5", "allow": "64", "deny": "0"}]});
        let roles = |all: &[&str]| all.iter().map(|r| (*r).to_owned()).collect::<Vec<_>>();
        let of = |user, mine: &[&str]| permissions(&server, user, &roles(mine), &channel).bits();
        assert_eq!(of("4", &[]), 0);
        assert_eq!(of("4", &["2"]), 1024);
        assert_eq!(of("5", &["2"]), 1024 + 64);
        assert_eq!(of("4", &["3"]), Permissions::all().bits());
        assert_eq!(of("9", &[]), Permissions::all().bits());
    }
}
