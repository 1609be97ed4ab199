//! What the server lets us do: its limits, its kind, and whether it knows a key again.

use super::Mastodon;
use super::client::Unread;
use super::wire::Instance;
use crate::case::ability::{Abilities, Count, Resend};
use crate::case::event::{Envelope, Event};
use crate::case::limits::MEDIA;
use crate::case::time::Span;
use serde::Deserialize;

/// How long a key counts as known. Mastodon keeps it for an hour
/// (<https://docs.joinmastodon.org/methods/statuses/#create>); ten minutes are for slow calls.
const WINDOW: Span = Span::minutes(50);

/// What a server says of its software.
#[derive(Debug, Default, Deserialize)]
struct NodeInfo {
    #[serde(default)]
    software: Software,
}

#[derive(Debug, Default, Deserialize)]
struct Software {
    #[serde(default)]
    name: String,
}

impl Mastodon {
    /// The server's own entity, by the newer or the older call.
    pub(super) async fn instance(&self) -> Result<Instance, Unread> {
        match self.client.get(&["api", "v2", "instance"], &[]).await {
            Err(Unread::Absent) => self.client.get(&["api", "v1", "instance"], &[]).await,
            other => other,
        }
    }

    /// The name of the server's software, small; guessed from its version where it does not tell.
    pub(super) async fn software(&self, version: &str) -> String {
        let told: Result<NodeInfo, _> = self.client.get(&["nodeinfo", "2.0"], &[]).await;
        let name = told.map(|info| info.software.name.to_lowercase()).unwrap_or_default();
        if name.is_empty() { guessed(version) } else { name }
    }

    /// The envelope that tells the middle what this account can do.
    pub(super) async fn state(&self) -> Result<Envelope, Unread> {
        let instance = self.instance().await?;
        let software = self.software(&instance.version).await;
        let mut abilities = abilities(&instance, &software);
        abilities.handle = self.me.get().map(|me| me.acct.clone());
        let at = (self.client.ground.now)();
        let account = self.account.clone();
        let name = format!("{account}:abilities:{}", at.0);
        Ok(Envelope::new(name, Event::AccountState { account, abilities }))
    }
}

/// The software behind a version, as servers write it: `4.5.1`, `0.20.2+git-57cb4fe`,
/// `2.7.2 (compatible; Pleroma 2.6.0)` (`platforms.md` 5.4).
fn guessed(version: &str) -> String {
    if let Some(rest) = version.split("compatible;").nth(1) {
        return rest.split_whitespace().next().unwrap_or_default().to_lowercase();
    }
    let major = version.split('.').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(0);
    if major >= 3 { "mastodon".into() } else { "gotosocial".into() }
}

/// What an account on a server of Mastodon itself can do, as it is set up by default.
pub(super) fn usual() -> Abilities {
    abilities(&Instance::default(), "mastodon")
}

fn abilities(instance: &Instance, software: &str) -> Abilities {
    let limits = &instance.configuration.statuses;
    let limit = limits.max_characters.or(instance.max_toot_chars).unwrap_or(500);
    let link = limits.characters_reserved_per_url.unwrap_or(23);
    let network = match software {
        "gotosocial" => "GoToSocial",
        "pleroma" => "Pleroma",
        "akkoma" => "Akkoma",
        "hollo" => "Hollo",
        _ => "Mastodon",
    };
    // Only Mastodon itself was seen to keep keys safely; for all others what was sent is looked up.
    let keyed = matches!(software, "mastodon" | "hometown");
    Abilities {
        limit: limit.max(100),
        count: Count::Mastodon { link },
        // Others may know the call too; where nobody has seen it work it is not offered.
        rewrites: matches!(software, "mastodon" | "hometown"),
        deletes: true,
        private: true,
        files: limits.max_media_attachments.unwrap_or(4).min(MEDIA),
        resend: if keyed { Resend::Keyed { window: WINDOW } } else { Resend::Look },
        ..Abilities::cautious(network)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_server_decides_what_may_be_repeated() {
        assert_eq!(guessed("4.5.12"), "mastodon");
        assert_eq!(guessed("4.3.0+glitch"), "mastodon");
        assert_eq!(guessed("0.20.2+git-57cb4fe"), "gotosocial");
        assert_eq!(guessed("2.7.2 (compatible; Pleroma 2.6.0)"), "pleroma");
        let of = |software| abilities(&Instance::default(), software).resend;
        assert_eq!(of("mastodon"), Resend::Keyed { window: WINDOW });
        for software in ["gotosocial", "pleroma", "akkoma", "hollo", ""] {
            assert_eq!(of(software), Resend::Look, "{software}");
        }
    }

    #[test]
    fn limits_come_from_the_server() {
        let text = r#"{"configuration":{"statuses":{"max_characters":5000,
            "characters_reserved_per_url":30,"max_media_attachments":null}}}"#;
        let told = abilities(&serde_json::from_str(text).unwrap(), "gotosocial");
        assert_eq!((told.limit, told.files), (5000, 4));
        assert_eq!(told.count, Count::Mastodon { link: 30 });
        assert_eq!(told.network, "GoToSocial");
    }
}
