//! The configuration as it is shipped: every key with its default, every driver's own section.

use super::Tables;

/// What stands above the drivers' sections.
pub const HEAD: &str = r#"# What is connected with what. Every key is shown with its default.
#
# No secret stands in this file. A secret is named by where it stands: "env:NAME" is a variable of
# the environment, "file:PATH" a file that holds nothing else.

[store]
# "sled" keeps all in the directory below; "memory" forgets everything at the end.
kind = "sled"
# The directory of the store. Only one careline may have it.
path = "data"

[web]
# Health (/healthz), metrics (/metrics) and, where a driver wants them, webhooks.
listen = "127.0.0.1:8080"
"#;

/// What `policy.toml` is made from.
pub const POLICY: &str = include_str!("../../bot-config/policy.toml");

/// `careline.toml` with a section of every driver.
#[must_use]
pub fn wiring(tables: Tables) -> String {
    let desks = tables.desks.iter().map(|row| row.example);
    let networks = tables.networks.iter().map(|row| row.example);
    let sections = desks.chain(networks).map(|text| format!("\n{}\n", text.trim()));
    std::iter::once(HEAD.to_owned()).chain(sections).collect()
}
