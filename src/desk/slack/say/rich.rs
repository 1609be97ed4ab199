//! Words as Slack's rich text: every run is data, nothing in it is read as markup.
//!
//! A `text` run of a `rich_text` block is shown to the letter (`[block-kit]`, rich text): no
//! `<!channel>`, no `<url|label>`, no `*bold*`. Only `user` and `link` runs do anything, and those
//! are made from our own pieces alone.

use crate::case::limits::MARKS;
use crate::case::rich::{Piece, Rich, Theirs};
use crate::case::time::Timestamp;
use serde_json::{Value, json};

/// The longest run; Slack's texts in blocks end at 3,000 characters.
const RUN: usize = 2_900;
/// Empty lines in a row that are kept of somebody's text.
const EMPTY_LINES: usize = 1;

/// Parts of a rich text block being built: sections of ours, quotes of theirs.
#[derive(Default)]
pub(crate) struct Parts {
    done: Vec<Value>,
    open: Vec<Value>,
}

impl Parts {
    /// Adds all pieces.
    pub(crate) fn rich(mut self, rich: &Rich) -> Self {
        for piece in &rich.0 {
            self.piece(piece);
        }
        self
    }

    fn piece(&mut self, piece: &Piece) {
        match piece {
            Piece::Say(text) | Piece::Agent(text) => self.text(text, false),
            Piece::Strong(text) => self.text(text, true),
            Piece::Theirs(theirs) => self.text(&line(theirs), false),
            Piece::Quote(theirs) => self.quote(theirs),
            Piece::Call(agent) => self.open.push(json!({"type": "user", "user_id": agent.user})),
            Piece::Link { url, label } => self.link(url, label),
            Piece::When(at) => self.open.push(when(*at)),
            Piece::Break => self.text("\n", false),
        }
    }

    /// Adds words, to the letter.
    pub(crate) fn text(&mut self, text: &str, strong: bool) {
        for run in runs(text) {
            let mut value = json!({"type": "text", "text": run});
            if strong {
                value["style"] = json!({"bold": true});
            }
            self.open.push(value);
        }
    }

    /// Adds a link with a label of ours; an address that is none of the web is shown as text.
    pub(crate) fn link(&mut self, url: &str, label: &str) {
        let web = url.starts_with("https://") || url.starts_with("http://");
        if web && url.chars().count() <= RUN && !url.chars().any(char::is_control) {
            self.open.push(json!({"type": "link", "url": url, "text": label}));
        } else {
            self.text(&clean(&format!("{label} ({url})")), false);
        }
    }

    /// Adds their words, in a quote that nobody takes for ours.
    pub(crate) fn quote(&mut self, theirs: &Theirs) {
        self.close();
        let text = clean(theirs.raw());
        let text = if text.is_empty() { "(no words)".to_owned() } else { text };
        let runs: Vec<Value> = runs(&text).map(|t| json!({"type": "text", "text": t})).collect();
        self.done.push(json!({"type": "rich_text_quote", "elements": runs}));
    }

    /// Ends the section of ours that is open.
    pub(crate) fn close(&mut self) {
        let open = std::mem::take(&mut self.open);
        let bare = open.iter().all(|run| run["text"] == "\n");
        if !bare {
            self.done.push(json!({"type": "rich_text_section", "elements": open}));
        }
    }

    /// The parts, for a `rich_text` block.
    pub(crate) fn done(mut self) -> Vec<Value> {
        self.close();
        self.done
    }
}

/// An instant in each reader's own time zone; devices that cannot show it say it in UTC.
fn when(at: Timestamp) -> Value {
    json!({
        "type": "date", "timestamp": at.0.div_euclid(1_000_000),
        "format": "{date_short_pretty}, {time}", "fallback": at.to_string(),
    })
}

/// Pieces that each fit a run, never cut inside a character.
fn runs(text: &str) -> impl Iterator<Item = String> {
    let chars: Vec<char> = text.chars().collect();
    let pieces: Vec<String> = chars.chunks(RUN).map(|piece| piece.iter().collect()).collect();
    pieces.into_iter().filter(|piece| !piece.is_empty())
}

/// Their words on one line, in a direction of their own: text that runs right to left cannot
/// turn our words around.
pub(crate) fn line(theirs: &Theirs) -> String {
    let text: String = clean(theirs.raw()).split_whitespace().collect::<Vec<_>>().join(" ");
    if text.is_ascii() || text.is_empty() { text } else { format!("\u{2068}{text}\u{2069}") }
}

/// Does this character only exist to be misread? Controls, direction marks, invisible ones, tags,
/// noncharacters. Joiners and variation selectors stay: emoji and scripts need them.
fn is_hidden(c: char) -> bool {
    let n = u32::from(c);
    (c.is_control() && c != '\n' && c != '\t')
        || matches!(
            n,
            0x00AD | 0x061C | 0x180E | 0x200B | 0x200E..=0x200F | 0x2028..=0x202E
                | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF
        )
        || n & 0xFFFE == 0xFFFE
        || (0xFDD0..=0xFDEF).contains(&n)
}

/// Marks that sit on the letter before; rough, by the blocks that Zalgo uses.
fn is_mark(c: char) -> bool {
    matches!(u32::from(c), 0x0300..=0x036F | 0x0483..=0x0489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF
        | 0x20D0..=0x20FF | 0xFE20..=0xFE2F)
}

/// Text from outside as it may be shown: hidden characters out, marks and empty lines bounded.
pub(crate) fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let (mut marks, mut newlines) = (0, 0);
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    for c in text.chars().filter(|c| !is_hidden(*c)) {
        marks = if is_mark(c) { marks + 1 } else { 0 };
        let blank = c == ' ' || c == '\t';
        newlines = match c {
            '\n' => newlines + 1,
            _ if blank && newlines > 0 => newlines,
            _ => 0,
        };
        if marks <= MARKS && (c != '\n' || newlines <= EMPTY_LINES + 1) {
            out.push(c);
        }
    }
    out.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hidden_characters_go_and_floods_are_bounded() {
        assert_eq!(clean("a\u{202E}b\u{0}c\u{200B}\u{E0041}d\u{FFFF}"), "abcd");
        assert_eq!(clean(&"\n".repeat(10_000)), "");
        assert_eq!(clean(&format!("a{}b", "\n \n".repeat(5_000))).matches('\n').count(), 2);
        let zalgo = format!("e{}x", "\u{0301}".repeat(500));
        assert_eq!(clean(&zalgo).chars().count(), 2 + MARKS);
        assert_eq!(clean("👩‍👩‍👧 ❤️"), "👩‍👩‍👧 ❤️");
        assert_eq!(line(&Theirs::new("a\nb")), "a b");
        assert_eq!(line(&Theirs::new("שלום")), "\u{2068}שלום\u{2069}");
    }

    #[test]
    fn long_words_become_several_runs_of_the_same_quote() {
        let text = "ä".repeat(10_000);
        let parts = Parts::default().rich(&Rich::new().quote(&Theirs::new(text.clone()))).done();
        assert_eq!(parts.len(), 1);
        let runs = parts[0]["elements"].as_array().unwrap();
        let all: String = runs.iter().map(|run| run["text"].as_str().unwrap()).collect();
        assert_eq!(all, text);
        assert!(runs.iter().all(|run| run["text"].as_str().unwrap().chars().count() <= 3_000));
    }
}
