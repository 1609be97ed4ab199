//! Slack's JSON, as far as careline reads it. Own shapes on purpose: the client library's message
//! drops all content when one field surprises it (`crates.md` 1.2), and lacks fields we need.
//! Shapes after Slack's event and interaction references and recorded payloads of 2026.

use crate::case::time::Timestamp;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// A frame of Socket Mode.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Frame {
    /// `hello`, `disconnect`, `events_api`, `interactive`, `slash_commands`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) envelope_id: String,
    pub(super) payload: Value,
    pub(super) connection_info: ConnectionInfo,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ConnectionInfo {
    #[serde(deserialize_with = "maybe")]
    pub(super) app_id: String,
}

/// What is around an event.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Callback {
    #[serde(rename = "type")]
    pub(super) kind: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) team_id: String,
    pub(super) event: Value,
    #[serde(deserialize_with = "maybe")]
    pub(super) challenge: String,
}

/// A message, as an event or as history shows it.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Message {
    #[serde(rename = "type", deserialize_with = "maybe")]
    pub(super) kind: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) subtype: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) channel: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) user: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) username: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) bot_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) app_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) text: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) thread_ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) deleted_ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) latest_reply: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) client_msg_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) files: Vec<File>,
    pub(super) edited: Option<Edited>,
    pub(super) blocks: Value,
    pub(super) metadata: Value,
    pub(super) message: Option<Box<Message>>,
    pub(super) previous_message: Option<Box<Message>>,
}

#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Edited {
    #[serde(deserialize_with = "maybe")]
    pub(super) ts: String,
}

/// A file of a message. A deleted one keeps its id only (`mode: tombstone`).
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct File {
    #[serde(deserialize_with = "maybe")]
    pub(super) id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) mode: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) name: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) mimetype: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) size: u64,
    #[serde(deserialize_with = "maybe")]
    pub(super) alt_txt: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) url_private: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) url_private_download: String,
}

/// A button, a form or a shortcut.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Interaction {
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) user: Named,
    #[serde(deserialize_with = "maybe")]
    pub(super) team: Named,
    #[serde(deserialize_with = "maybe")]
    pub(super) channel: Named,
    #[serde(deserialize_with = "maybe")]
    pub(super) container: Container,
    #[serde(deserialize_with = "maybe")]
    pub(super) message: Message,
    #[serde(deserialize_with = "maybe")]
    pub(super) trigger_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) response_url: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) callback_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) message_ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) actions: Vec<Action>,
    #[serde(deserialize_with = "maybe")]
    pub(super) view: View,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Named {
    #[serde(deserialize_with = "maybe")]
    pub(super) id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) team_id: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Container {
    #[serde(deserialize_with = "maybe")]
    pub(super) message_ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) channel_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) thread_ts: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_ephemeral: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Action {
    #[serde(deserialize_with = "maybe")]
    pub(super) action_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) value: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) action_ts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct View {
    #[serde(deserialize_with = "maybe")]
    pub(super) id: String,
    /// `modal` or `home`.
    #[serde(rename = "type", deserialize_with = "maybe")]
    pub(super) kind: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) callback_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) private_metadata: String,
    pub(super) state: Value,
}

/// A reaction that somebody put on something (`reaction_added`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Reaction {
    #[serde(deserialize_with = "maybe")]
    pub(super) user: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) reaction: String,
    pub(super) item: ReactedTo,
    #[serde(deserialize_with = "maybe")]
    pub(super) event_ts: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ReactedTo {
    #[serde(deserialize_with = "maybe")]
    pub(super) channel: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) ts: String,
}

/// Somebody looks at our page (`app_home_opened`).
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HomeOpened {
    #[serde(deserialize_with = "maybe")]
    pub(super) user: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) tab: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) event_ts: String,
}

/// A slash command.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Command {
    #[serde(deserialize_with = "maybe")]
    pub(super) team_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) channel_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) user_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) text: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) response_url: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) trigger_id: String,
}

/// A person, as `users.info` tells.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct User {
    #[serde(deserialize_with = "maybe")]
    pub(super) team_id: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) name: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) real_name: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) deleted: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_bot: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_workflow_bot: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_restricted: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_ultra_restricted: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) is_stranger: bool,
    #[serde(deserialize_with = "maybe")]
    pub(super) profile: Profile,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Profile {
    #[serde(deserialize_with = "maybe")]
    pub(super) display_name: String,
    #[serde(deserialize_with = "maybe")]
    pub(super) real_name: String,
}

/// `null` is read like an absent field.
fn maybe<'de, D, T>(from: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Default + Deserialize<'de>,
{
    Ok(Option::<T>::deserialize(from)?.unwrap_or_default())
}

/// The instant that a Slack timestamp names, exact to the microsecond; nonsense is `None`.
pub(super) fn instant(ts: &str) -> Option<Timestamp> {
    let (seconds, micros) = ts.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    if !digits(seconds) || !digits(micros) || micros.len() != 6 {
        return None;
    }
    let seconds: i64 = seconds.parse().ok()?;
    Some(Timestamp(seconds.checked_mul(1_000_000)?.checked_add(micros.parse().ok()?)?))
}

/// An instant as Slack names messages.
pub(super) fn ts(at: Timestamp) -> String {
    let micros = at.0.max(0);
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_exact_and_nonsense_is_not_one() {
        let text = "1785578760.000200";
        assert_eq!(instant(text).unwrap(), Timestamp(1_785_578_760_000_200));
        assert_eq!(ts(instant(text).unwrap()), text);
        for wrong in
            ["", "1", "1.2", "-1.000000", "x.000000", "1.00000é", "99999999999999999999.000000"]
        {
            assert_eq!(instant(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn nulls_and_unknown_fields_are_no_reason_to_lose_a_message() {
        let text = r#"{"type":"message","text":"hi","ts":"1.000001","subtype":null,"files":null,
            "metadata":{"event_type":"x","event_payload":{"n":{"deep":[1]}}},"new_field":[1]}"#;
        let message: Message = serde_json::from_str(text).unwrap();
        assert_eq!(message.text, "hi");
    }
}
