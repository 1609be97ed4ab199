//! Texts from outside, made harmless to look at once more where they are shown: what turns a line
//! around, hides, or eats its neighbours does not reach a screen, whoever let it in.

use crate::case::limits::{MARKS, NAME_BYTES, TEXT_BYTES};
use crate::case::text::cut;

/// Lines that are kept of one text.
const LINES: usize = 200;

/// A text of several lines; floods of empty lines become one.
pub(crate) fn lines(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(4 * TEXT_BYTES)];
    let mut out: Vec<String> = Vec::new();
    for line in head.split(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}']) {
        let line = letters(line).trim_end().to_owned();
        let empty = line.is_empty() && out.last().is_none_or(String::is_empty);
        if !empty && out.len() < LINES {
            out.push(line);
        }
    }
    cut(out.join("\n").trim(), TEXT_BYTES)
}

/// A name, a handle or a title: one line.
pub(crate) fn line(text: &str) -> String {
    let head = &text[..text.floor_char_boundary(8 * NAME_BYTES)];
    let clean = letters(&head.replace(char::is_whitespace, " "));
    cut(&clean.split_whitespace().collect::<Vec<_>>().join(" "), NAME_BYTES)
}

/// Words of ours that may hold somebody's: lines and spaces stay as they are.
pub(crate) fn kept(text: &str) -> String {
    text.split('\n').map(letters).collect::<Vec<_>>().join("\n")
}

/// One line without what must not be shown.
fn letters(line: &str) -> String {
    let mut marks = 0;
    line.chars()
        .filter(|c| !is_hidden(*c))
        .map(|c| match c {
            '\t' => ' ',
            _ if c.is_control() || is_no_letter(c) => '\u{FFFD}',
            _ => c,
        })
        .filter(|c| {
            marks = if is_mark(*c) { marks + 1 } else { 0 };
            marks <= MARKS
        })
        .collect()
}

const fn is_hidden(c: char) -> bool {
    matches!(
        c as u32,
        0xAD | 0x34F | 0x61C | 0x180E | 0x200B | 0x200E | 0x200F | 0x202A..=0x202E
            | 0x2060..=0x206F | 0xFEFF | 0xFFF9..=0xFFFB | 0xE0000..=0xE0FFF
    )
}

fn is_no_letter(c: char) -> bool {
    let n = u32::from(c);
    n & 0xFFFE == 0xFFFE || (0xFDD0..=0xFDEF).contains(&n)
}

const fn is_mark(c: char) -> bool {
    matches!(
        c as u32,
        0x300..=0x36F | 0x483..=0x489 | 0x1AB0..=0x1AFF | 0x1DC0..=0x1DFF | 0x20D0..=0x20FF
            | 0xFE00..=0xFE0F | 0xFE20..=0xFE2F
    )
}
