//! Do we speak the platforms' language? Payloads in, requests out, and drivers against their faces.

pub mod bluesky;
mod bluesky_real;
mod clients;
pub mod discord;
mod jetstream;
mod lexicons;
mod listen;
mod mastodon;
mod mastodon_golden;
mod mastodon_mock;
mod meta;
mod slack;
mod slack_emulate;
mod x;
