//! Text from outside, made harmless to look at: nothing invisible, nothing that turns the line
//! around or eats its neighbours (`reliability.md` S5). What is removed leaves no mark; a letter
//! that cannot be shown becomes `�`, so that nobody is misled about what was there.

use super::limits::{MARKS, NAME_BYTES, TEXT_BYTES};
use super::text::cut;

/// Empty lines in a row that are kept.
const EMPTY_LINES: usize = 1;
/// Lines that are kept; a flood of short ones would push the rest of a thread away.
const LINES: usize = 200;

/// A text of several lines, at most [`TEXT_BYTES`] long.
#[must_use]
pub fn lines(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(TEXT_BYTES));
    let (mut empty, mut kept) = (0, 0);
    // Nothing behind four times the limit can survive; so a megabyte costs no more than this.
    for line in head(text, TEXT_BYTES * 4)
        .replace("\r\n", "\n")
        .split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}'])
    {
        let line = letters(line);
        let line = line.trim_end();
        empty = if line.is_empty() { empty + 1 } else { 0 };
        if empty > EMPTY_LINES {
            continue;
        }
        kept += 1;
        if kept > LINES {
            out.push('…');
            break;
        }
        out.push_str(line);
        out.push('\n');
    }
    cut(out.trim(), TEXT_BYTES)
}

/// A name, a handle or a title: one line, at most [`NAME_BYTES`] long.
#[must_use]
pub fn line(text: &str) -> String {
    let clean = letters(&head(text, NAME_BYTES * 8).replace(char::is_whitespace, " "));
    cut(&clean.split_whitespace().collect::<Vec<_>>().join(" "), NAME_BYTES)
}

/// Words of ours that may hold somebody's: lines and spaces stay as they are.
#[must_use]
pub fn kept(text: &str) -> String {
    text.split('\n').map(letters).collect::<Vec<_>>().join("\n")
}

/// The first `bytes` bytes or a little less, between two letters.
fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// One line without what must not be shown.
fn letters(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let (mut marks, mut before) = (0, ' ');
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        let kept = match c {
            '\t' => Some(' '),
            // Joins the parts of an emoji; anywhere else it only hides.
            '\u{200D}' => joins(before, rest.peek()).then_some(c),
            // Says how the sign before it is drawn; once is enough.
            '\u{FE0E}' | '\u{FE0F}' => (!before.is_alphabetic() && before != c).then_some(c),
            _ if is_hidden(c) => None,
            _ if is_broken(c) => Some('\u{FFFD}'),
            _ => Some(c),
        };
        let Some(c) = kept else { continue };
        marks = if is_mark(c) { marks + 1 } else { 0 };
        if marks <= MARKS {
            out.push(c);
            before = c;
        }
    }
    out
}

/// Does a joiner between these two make one picture?
fn joins(before: char, after: Option<&char>) -> bool {
    let picture = |c: char| {
        matches!(u32::from(c), 0x2190..=0x2BFF | 0xFE0F | 0x1F000..=0x1FAFF)
            || is_brahmic(c)
            || matches!(u32::from(c), 0x0600..=0x06FF)
    };
    picture(before) && after.is_some_and(|c| picture(*c))
}

/// Scripts of India and around, where a joiner changes how letters are written.
const fn is_brahmic(c: char) -> bool {
    matches!(c as u32, 0x0900..=0x0DFF)
}

/// Signs that are not seen, turn the line around, or carry hidden text.
const fn is_hidden(c: char) -> bool {
    matches!(c as u32,
        0x00AD | 0x034F | 0x061C | 0x115F | 0x1160 | 0x17B4 | 0x17B5 | 0x180B..=0x180F
        | 0x200B | 0x200C | 0x200E | 0x200F | 0x202A..=0x202E | 0x2060..=0x206F | 0x3164
        | 0xFE00..=0xFE0D | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFB | 0x1BCA0..=0x1BCA3
        | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Controls, and code points that are no letters at all.
fn is_broken(c: char) -> bool {
    let n = u32::from(c);
    c.is_control() || matches!(n, 0xFDD0..=0xFDEF) || n & 0xFFFE == 0xFFFE
}

/// Marks that stand on the letter before them.
const fn is_mark(c: char) -> bool {
    matches!(c as u32,
        0x0300..=0x036F | 0x0483..=0x0489 | 0x0591..=0x05BD | 0x0610..=0x061A | 0x064B..=0x065F
        | 0x06D6..=0x06DC | 0x0E31 | 0x0E34..=0x0E3A | 0x0E47..=0x0E4E | 0x0F71..=0x0F84
        | 0x135D..=0x135F | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF | 0x2CEF..=0x2CF1
        | 0x2DE0..=0x2DFF | 0x3099 | 0x309A | 0xA66F..=0xA67D | 0xFE20..=0xFE2F
        | 0x1D165..=0x1D169 | 0x1D16D..=0x1D172)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hides_or_turns_is_gone() {
        let bad =
            "a\u{202E}b\u{2066}c\u{2069}d\u{200B}e\u{FEFF}f\u{180E}g\u{AD}h\u{E0041}i\u{FE00}";
        assert_eq!(lines(bad), "abcdefghi");
        assert_eq!(
            lines("x\0y\u{7}z\u{1b}[31m\u{FFFF}"),
            "x\u{FFFD}y\u{FFFD}z\u{FFFD}[31m\u{FFFD}"
        );
        assert_eq!(lines("a\r\nb\u{2028}c\td"), "a\nb\nc d");
    }

    #[test]
    fn ordinary_writing_stays_as_it_is() {
        for text in ["Grüße, ça va? 日本語 עברית العربية", "👩‍👩‍👧 ❤️ 🏳️‍🌈 e\u{301}"]
        {
            assert_eq!(lines(text), text);
        }
        for text in ["ไม่ได้ क्‍ष", "a\n\nb"] {
            assert_eq!(lines(text), text);
        }
    }

    #[test]
    fn floods_are_cut() {
        let zalgo = format!("a{}b", "\u{336}".repeat(500));
        assert_eq!(lines(&zalgo).chars().count(), 2 + MARKS);
        assert_eq!(lines(&format!("a{}b", "\n".repeat(10_000))), "a\n\nb");
        assert!(lines(&"x\n".repeat(10_000)).lines().count() <= LINES + 1);
        assert!(lines(&"\u{1F469}\u{200D}".repeat(200_000)).len() <= TEXT_BYTES);
        assert_eq!(line(" Ann\n\u{202E} of   the\thills "), "Ann of the hills");
        assert!(line(&"n".repeat(5_000)).len() <= NAME_BYTES);
    }
}
