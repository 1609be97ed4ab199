//! Every upper bound of the program, with its reason.

use super::time::Span;

/// Bytes of customer's or agent's text we keep per line: a stored row stays under 16 KiB, beyond
/// which sled 0.34 moves values into blob files that its own sync does not cover.
pub const TEXT_BYTES: usize = 10_000;
/// Bytes of one stored row; checked by the store's contract.
pub const ROW_BYTES: usize = 16 * 1024;
/// What one mention weighs with all its fields: the card or notice that shows it holds it once
/// more, with our own words around it, and must stay under [`ROW_BYTES`] too.
pub const MENTION_BYTES: usize = 12_500;
/// Characters of a note about a customer: it stands on cards.
pub const ABOUT_CHARS: usize = 200;
/// Bytes of a name, handle or title: longer ones are an attack on the card.
pub const NAME_BYTES: usize = 200;
/// Bytes of an id or a link from outside.
pub const LINK_BYTES: usize = 2_000;
/// Parts of one reply: a chain of more is a letter, not an answer (S25 asks for a refusal).
pub const PARTS: usize = 10;
/// Pictures and files we keep per message; the platforms allow 4 to 10.
pub const MEDIA: usize = 10;
/// Mentions a case remembers in its own row, newest kept; the rest are in their lines.
pub const RECENT: usize = 24;
/// Cases named as linked on one card.
pub const LINKED: usize = 5;
/// Replies of one case that wait at once, and alarms it has: more would not fit into its row.
pub const HELD: usize = 20;
/// Rows of one answer to `list`.
pub const LISTED: usize = 20;
/// Marks (accents) on one letter: more is Zalgo and eats the lines above it.
pub const MARKS: usize = 4;
/// Rounds of reading before one decision.
pub const ROUNDS: usize = 4;
/// Times one delivery is tried before it is dead and said so.
pub const ATTEMPTS: u32 = 12;
/// How long one call to a platform may take before its result counts as unknown.
pub const CALL: Span = Span::seconds(20);
/// Puts of one feed under way at once.
pub const IN_FLIGHT: usize = 64;
/// Bytes of one piece of a raw, unreadable event; the rest is cut and said to be cut.
pub const RAW_BYTES: usize = 8_000;
/// A webhook's body (Slack sends some 10 kB at most; ten times that is room enough).
pub const BODY_BYTES: usize = 1_000_000;
/// A file carried from a desk to a network (Mastodon's default for pictures is 16 MB).
pub const FILE_BYTES: usize = 16 * 1024 * 1024;
