//! The configuration as it is shipped: every key with its default, every driver's own section.

use super::Tables;

/// What stands above the drivers' sections.
pub const HEAD: &str = r#"# What is connected with what. Every key is shown with its default.
#
# No secret stands in this file. A secret is named by where it stands: "env:NAME" is a variable of
# the environment, "file:PATH" a file that holds nothing else.

[store]
# "sled" keeps all in the directory below; "postgres" in a database, which wants
# address = "env:NAME" that leads to postgres://USER:PASSWORD@HOST:PORT/DATABASE; "memory" forgets
# everything at the end.
kind = "sled"
# The directory of the store. Only one careline may have it.
path = "data"

[web]
# Health (/healthz), metrics (/metrics) and, where a driver wants them, webhooks.
listen = "127.0.0.1:8080"

# Alerts outside chat, in the form of PagerDuty's Events API v2: trigger, acknowledge, resolve.
# [pager]
# Where they go.
# url = "https://events.pagerduty.com/v2/enqueue"
# Signs each call: the header x-careline-signature is "v1=" and the HMAC-SHA256, in hex, of the
# header x-careline-timestamp, a dot and the body.
# secret = "env:PAGER_SECRET"
# The integration's key, where the receiver wants one.
# routing_key = "env:PAGER_ROUTING_KEY"
# May the customer's newest words go there?
# words = false
"#;

/// What `policy.toml` is made from.
pub const POLICY: &str = include_str!("../../bot-config/policy.toml");

/// `escalation.toml` as it is shipped.
pub const ESCALATION: &str = include_str!("../../bot-config/escalation.toml");

/// `careline.toml` with a section of every driver.
#[must_use]
pub fn wiring(tables: Tables) -> String {
    // With one desk no account needs to name it; so only the last is live, the others are shown.
    let live = tables.desks.len().saturating_sub(1);
    let desk = |(n, text): (usize, &str)| if n < live { idle(text) } else { text.to_owned() };
    let desks = tables.desks.iter().map(|row| row.example).enumerate().map(desk);
    let networks = tables.networks.iter().map(|row| row.example.to_owned());
    let sections = desks.chain(networks).map(|text| format!("\n{}\n", text.trim()));
    std::iter::once(HEAD.to_owned()).chain(sections).collect()
}

/// A section whose keys are comments: whoever wants it takes away the signs.
fn idle(text: &str) -> String {
    let line = |line: &str| match line.is_empty() || line.starts_with('#') {
        true => format!("{line}\n"),
        false => format!("#{line}\n"),
    };
    text.lines().map(line).collect()
}
