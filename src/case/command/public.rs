//! `public [LINE]`: a reply that was made private is for all again who can read the post.

use super::{Action, Field, Kind, Verb, private};

/// See the module.
pub static VERB: Verb = Verb {
    name: "public",
    usage: "public [LINE]",
    summary: "Takes back `private`: whoever can read the post can read the reply.",
    example: "public #42 7",
    fields: &[Field::free("line", "Which line of the case; empty: the newest", Kind::Number)],
    action: Action::Release,
    ..Verb::plain(|turn| private::run(turn, false))
};
