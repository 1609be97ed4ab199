//! What `check --live` tries: reads only.

use super::client::Unread;
use super::{Finding, Mastodon, Streaming};
use crate::network::mastodon::stream::Topic;
use crate::network::mastodon::wire::App;

/// The oldest versions that are safe to believe about who wrote what: CVE-2024-23832 and
/// CVE-2026-46349 let one person speak as another (`reliability.md` 4.2).
const SAFE: [[u32; 3]; 3] = [[4, 3, 23], [4, 4, 17], [4, 5, 10]];

impl Mastodon {
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let me = match self.me().await {
            Ok(me) => me,
            Err(unread) => return vec![finding("token", Err(missing(unread)))],
        };
        let acct = self.me.get().map(|account| account.acct.clone()).unwrap_or_default();
        let mut all = vec![finding("token", Ok(format!("we are @{acct}")))];
        let own = ["api", "v1", "accounts", me.id.as_str(), "statuses"];
        let reads: [(&str, &[&str]); 2] =
            [("read mentions", &["api", "v1", "notifications"]), ("read our posts", &own)];
        for (what, path) in reads {
            let read = self.client.read(path, &[("limit", "1")]).await;
            all.push(finding(what, read.map(|_| "allowed".to_owned()).map_err(missing)));
        }
        all.push(finding("write", self.scopes().await));
        all.push(finding("server", self.server().await));
        all.push(finding("stream", self.stream().await));
        all
    }

    /// Servers before 4.3 do not tell what a token may do; then nothing is written to find out.
    async fn scopes(&self) -> Result<String, String> {
        let path = ["api", "v1", "apps", "verify_credentials"];
        let app: Option<App> = self.client.get(&path, &[]).await.ok();
        let scopes = app.map(|app| app.scopes).unwrap_or_default();
        if scopes.is_empty() {
            return Ok("the server does not tell what the token may do; not tried".into());
        }
        let has = |scope: &str| scopes.iter().any(|s| s == "write" || s == scope);
        let lacks: Vec<_> =
            ["write:statuses", "write:media"].into_iter().filter(|s| !has(s)).collect();
        if lacks.is_empty() {
            return Ok(format!("allowed: {}", scopes.join(" ")));
        }
        Err(format!("the token lacks {}; make a new one with these scopes", lacks.join(" and ")))
    }

    async fn server(&self) -> Result<String, String> {
        let told = self.instance().await.map_err(missing)?;
        let software = self.software(&told.version).await;
        let limit = told.configuration.statuses.max_characters.or(told.max_toot_chars);
        let seen = format!("{software} {}, {} characters", told.version, limit.unwrap_or(500));
        if software == "mastodon" && !is_safe(&told.version) {
            let why = "on this version somebody may pretend to be another; update the server";
            return Err(format!("{seen}: {why}"));
        }
        Ok(seen)
    }

    async fn stream(&self) -> Result<String, String> {
        if self.streaming == Streaming::Off {
            return Ok(format!("off; mentions are fetched every {}", self.poll));
        }
        let mut last = String::from("no address");
        for way in self.ways(&Topic::User).await {
            match self.try_way(&way).await {
                Ok(()) => return Ok(format!("{way}")),
                Err(why) => last = format!("{way}: {why}"),
            }
        }
        // No mistake: sweeps bring everything, only later.
        Ok(format!("none ({last}); mentions are fetched every {}", self.poll))
    }
}

impl std::fmt::Display for super::stream::Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Socket(url) => write!(f, "WebSocket at {}", url.host_str().unwrap_or_default()),
            Self::Events(url) => write!(f, "events at {}", url.host_str().unwrap_or_default()),
        }
    }
}

fn finding(what: &str, result: Result<String, String>) -> Finding {
    Finding { what: what.to_owned(), result }
}

fn missing(unread: Unread) -> String {
    match unread {
        Unread::Down(why, _) => why,
        Unread::Absent => "the server does not know this call".into(),
        Unread::Dead(why) => format!("{why}; make a new token and put it where the old one was"),
    }
}

/// Is a version of Mastodon at least the mended one of its line? A version that cannot be read is
/// taken for safe: it is somebody's own.
fn is_safe(version: &str) -> bool {
    let end = version.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(version.len());
    let parts: Vec<u32> = version[..end].split('.').filter_map(|n| n.parse().ok()).collect();
    let [major, minor, patch] = parts[..] else { return true };
    let line = SAFE.iter().find(|safe| safe[..2] == [major, minor]);
    line.map_or([major, minor] > [4, 5], |safe| patch >= safe[2])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn old_servers_are_told_from_mended_ones() {
        for safe in ["4.5.10", "4.4.17", "4.3.23+glitch", "4.6.0", "5.0.0-rc1", "nightly"] {
            assert!(is_safe(safe), "{safe}");
        }
        for old in ["4.2.4", "4.2.29", "4.3.22", "4.4.16", "4.5.9", "3.5.0"] {
            assert!(!is_safe(old), "{old}");
        }
    }
}
