//! For the fuzz targets: what Discord may send, and what of a stranger's words may stand in what we
//! send.

use super::hear::{self, Me, Place, asked};
use super::say::{self, As, Key};
use super::wire::{Interaction, Message};
use crate::desk::Outgoing;

/// Hears a frame in every way in which it could be meant.
pub fn heard(text: &str) {
    let (desk, guild) = ("discord".to_owned(), "1".to_owned());
    let me = Me { desk, guild, user: "5".into(), app: "6".into(), ..Me::default() };
    if let Ok(message) = serde_json::from_str::<Message>(text) {
        for place in [Place::Channel, Place::Thread("2")] {
            let _ = hear::written(&me, &message, place, None);
            let _ = hear::reworded(&me, &message, place, None);
        }
        let _ = hear::marks(&message);
    }
    if let Ok(interaction) = serde_json::from_str::<Interaction>(text) {
        let _ = asked::interaction(&me, &interaction);
    }
    let _ = hear::plain::plain(text, "5", &|_| None);
}

/// Looks at a notice as it leaves.
///
/// # Panics
/// A stranger's words would call somebody, or it is longer than Discord takes.
pub fn shown(out: &Outgoing, _theirs: &str) {
    let said = say::said(out).expect("something to say");
    let body = say::sealed(&said, As::New(&Key::of(out)));
    let content = body.content().to_owned();
    assert!(content.encode_utf16().count() <= 2_000, "too long: {}", content.len());
    let body = body.into_value();
    let calls = &body["allowed_mentions"];
    let parse = calls["parse"].as_array().is_some_and(Vec::is_empty);
    let users = calls["users"].as_array().is_none_or(Vec::is_empty);
    assert!(parse && users, "somebody may be called: {calls}");
}
