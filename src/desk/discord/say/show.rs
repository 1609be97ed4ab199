//! Words as Discord's markdown, with everything of a customer's escaped, and cut to fit.
//!
//! A backslash before any sign of punctuation shows the sign itself (text formatting guide of
//! Discord's support pages), so a customer's `<@123>`, `[a](b)` or `@everyone` is only text. What
//! is cut says so.

use crate::case::clean;
use crate::case::rich::{Piece, Rich, Theirs};

/// Characters of one message, counted as UTF-16 does: never fewer than Discord counts.
/// Source: <https://docs.discord.com/developers/resources/message#create-message>.
const LIMIT: usize = 2_000;
/// Stands where words were cut.
const CUT: &str = " … (cut)";

/// A text being built: what must stand, and quotes, which may be cut.
#[derive(Default)]
pub(crate) struct Text {
    parts: Vec<Part>,
    /// Members of staff that are called.
    pub(crate) called: Vec<String>,
}

enum Part {
    Fixed(String),
    Quote(String),
}

/// The length that counts.
pub(crate) fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// Signs that mean something in Discord's markdown, or at the beginning of something that does.
const fn is_sign(c: char) -> bool {
    matches!(
        c,
        '\\' | '*'
            | '_'
            | '~'
            | '|'
            | '>'
            | '#'
            | '-'
            | '+'
            | '['
            | ']'
            | '('
            | ')'
            | '`'
            | '<'
            | ':'
            | '@'
    )
}

/// Text from anywhere, shown to the letter.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + text.len() / 8);
    for c in text.chars() {
        if is_sign(c) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Their words on one line, escaped. Words that are not plain Latin keep their direction to
/// themselves.
pub(crate) fn line(theirs: &Theirs) -> String {
    let text = clean::line(theirs.raw());
    let text = escape(&text);
    if text.is_ascii() { text } else { format!("\u{2068}{text}\u{2069}") }
}

/// A web address that can stand in angle brackets as it is, and leads where it says.
fn is_plain_link(word: &str) -> bool {
    let tail = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    let sound = |c: char| c.is_ascii_alphanumeric() || "-._~:/?#!$&'*+,;=%".contains(c);
    tail.is_some_and(|tail| !tail.is_empty() && tail.chars().all(sound)) && word.len() < 1_000
}

/// One line of a quote: links stay links, with their true target in sight.
fn quoted(line: &str) -> String {
    let words = line
        .split(' ')
        .map(|word| if is_plain_link(word) { format!("<{word}>") } else { escape(word) });
    format!("> {}\n", words.collect::<Vec<_>>().join(" "))
}

fn quote(text: &str) -> String {
    let text = if text.is_empty() { "(no words)" } else { text };
    text.lines().map(quoted).collect()
}

/// The longest beginning of a quote that fits, with its mark if anything is missing.
fn cut_quote(text: &str, room: usize) -> String {
    let whole = quote(text);
    if length(&whole) <= room {
        return whole;
    }
    let borders: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
    let shown = |at: usize| quote(&format!("{}{CUT}", text[..at].trim_end()));
    let fits = borders.partition_point(|at| length(&shown(*at)) <= room);
    shown(fits.checked_sub(1).map_or(0, |n| borders[n]))
}

impl Text {
    pub(crate) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// Adds what is already markdown of ours.
    pub(crate) fn raw(&mut self, text: &str) {
        match self.parts.last_mut() {
            Some(Part::Fixed(fixed)) => fixed.push_str(text),
            _ => self.parts.push(Part::Fixed(text.to_owned())),
        }
    }

    /// Adds words of ours, which may hold anything.
    pub(crate) fn say(&mut self, text: &str) {
        self.raw(&escape(&clean::kept(text)));
    }

    /// Adds a link with a label of ours; an address that is none of the web is shown as text.
    pub(crate) fn link(&mut self, url: &str, label: &str) {
        if is_plain_link(url) {
            self.raw(&format!("[{}](<{url}>)", escape(label)));
        } else {
            self.say(&format!("{label} ({})", clean::line(url)));
        }
    }

    /// Adds their words, in a quote that nobody takes for ours.
    pub(crate) fn quote(&mut self, theirs: &Theirs) {
        self.fresh_line();
        self.parts.push(Part::Quote(clean::lines(theirs.raw())));
    }

    /// Begins a new line, unless one has begun.
    pub(crate) fn fresh_line(&mut self) {
        if let Some(Part::Fixed(fixed)) = self.parts.last_mut()
            && !fixed.is_empty()
            && !fixed.ends_with('\n')
        {
            fixed.push('\n');
        }
    }

    /// Begins a new line behind a quote; elsewhere leaves a little room.
    pub(crate) fn fresh_or_space(&mut self) {
        if let Some(Part::Fixed(fixed)) = self.parts.last_mut()
            && !fixed.ends_with('\n')
        {
            fixed.push_str("  ");
        }
    }

    /// Adds all pieces.
    pub(crate) fn rich(&mut self, rich: &Rich) {
        rich.0.iter().for_each(|piece| self.piece(piece));
    }

    fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Say(text) | Piece::Agent(text) => self.say(text),
            Piece::Strong(text) => self.raw(&format!("**{}**", escape(&clean::line(text)))),
            Piece::Theirs(theirs) => self.raw(&line(theirs)),
            Piece::Quote(theirs) => self.quote(theirs),
            Piece::Call(agent) if agent.user.bytes().all(|b| b.is_ascii_digit()) => {
                self.called.push(agent.user.clone());
                self.raw(&format!("<@{}>", agent.user));
            }
            Piece::Call(agent) => self.say(&agent.user),
            Piece::Link { url, label } => self.link(url, label),
            Piece::When(at) => self.raw(&format!("<t:{}:f>", at.0.div_euclid(1_000_000))),
            Piece::Break => self.raw("\n"),
        }
    }

    /// Adds all of another text, on a line of its own.
    pub(crate) fn append(&mut self, other: Self) {
        self.fresh_line();
        for part in other.parts {
            match part {
                Part::Fixed(fixed) => self.raw(&fixed),
                Part::Quote(_) => self.parts.push(part),
            }
        }
        self.called.extend(other.called);
    }

    /// The message's content, with this last line. Quotes share what room there is: short ones
    /// stay whole, long ones are cut.
    pub(crate) fn fit(&self, footer: &str) -> String {
        let fixed: usize = self.parts.iter().map(Part::fixed).sum();
        let mut room = LIMIT.saturating_sub(length(footer) + 1 + fixed);
        let mut quotes: Vec<usize> = self.parts.iter().filter_map(Part::quoted).collect();
        quotes.sort_unstable();
        let mut share = room;
        for (n, length) in quotes.iter().enumerate() {
            share = room / (quotes.len() - n);
            room -= (*length).min(share);
        }
        let mut out = String::new();
        for part in &self.parts {
            match part {
                Part::Fixed(text) => out.push_str(text),
                Part::Quote(text) => out.push_str(&cut_quote(text, share)),
            }
        }
        shorten(out.trim_end(), LIMIT - length(footer) - 1) + "\n" + footer
    }
}

impl Part {
    fn fixed(&self) -> usize {
        match self {
            Self::Fixed(text) => length(text),
            Self::Quote(_) => 0,
        }
    }

    fn quoted(&self) -> Option<usize> {
        match self {
            Self::Fixed(_) => None,
            Self::Quote(text) => Some(length(&quote(text))),
        }
    }
}

/// The last resort, for words of ours that are too long: cut at a letter, never behind a lone
/// backslash.
fn shorten(text: &str, limit: usize) -> String {
    if length(text) <= limit {
        return text.to_owned();
    }
    let room = limit.saturating_sub(length(CUT));
    let mut used = 0;
    let kept: String = text
        .chars()
        .take_while(|c| {
            used += c.len_utf16();
            used <= room
        })
        .collect();
    let slashes = kept.len() - kept.trim_end_matches('\\').len();
    let kept = &kept[..kept.len() - slashes % 2];
    format!("{kept}{CUT}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quote_of(text: &str) -> Text {
        let mut out = Text::default();
        out.quote(&Theirs::new(text));
        out
    }

    #[test]
    fn their_signs_are_only_signs() {
        let text = quote_of("@everyone <@123> [bank](https://evil.example) **x**").fit("-# f");
        assert_eq!(
            text,
            "> \\@everyone \\<\\@123\\> \\[bank\\]\\(https\\://evil.example\\) \\*\\*x\\*\\*\n-# f"
        );
        let text = quote_of("see https://a.example/b_c now\n# big").fit("-# f");
        assert_eq!(text, "> see <https://a.example/b_c> now\n> \\# big\n-# f");
    }

    #[test]
    fn long_quotes_are_cut_and_say_so_and_short_ones_stay_whole() {
        let mut text = quote_of(&"*".repeat(3_000));
        text.append(quote_of("short"));
        text.append(quote_of(&"👍".repeat(900)));
        let text = text.fit("-# f");
        assert!(length(&text) <= LIMIT, "{}", length(&text));
        assert!(text.contains("> short\n") && text.ends_with("\n-# f"));
        assert_eq!(text.matches("\\(cut\\)").count(), 2);
    }

    #[test]
    fn our_own_words_are_cut_at_last() {
        let mut text = Text::default();
        text.say(&"-".repeat(3_000));
        let text = text.fit("-# f");
        assert!(length(&text) <= LIMIT && text.ends_with(" … (cut)\n-# f"));
        assert!(!text.contains("\\ "), "no lone backslash before the mark");
    }

    #[test]
    fn a_call_is_told_and_a_false_id_is_text() {
        use crate::case::id::{AgentId, DeskId};
        let call = |user: &str| Piece::Call(AgentId { desk: DeskId::new("d"), user: user.into() });
        let mut text = Text::default();
        text.rich(&Rich::new().and(call("123")).and(call("@here")));
        assert_eq!(text.called, ["123"]);
        assert_eq!(text.fit("-# f"), "<@123>\\@here\n-# f");
    }
}
