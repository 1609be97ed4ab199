//! Counting as platforms count, cutting, and splitting a long reply into a numbered chain.

use super::ability::Count;
use super::weigh::weighted;
use unicode_segmentation::UnicodeSegmentation;

/// The length of a text in a network's own units.
#[must_use]
pub fn count(text: &str, how: Count) -> usize {
    match how {
        Count::Chars => text.chars().count(),
        Count::Bytes => text.len(),
        Count::Graphemes { .. } => text.graphemes(true).count(),
        Count::Mastodon { link } => pieces(text).map(|p| mastodon_piece(p, link)).sum(),
        Count::Weighted => weighted(text),
    }
}

/// Does a text fit, by every limit of this way of counting?
#[must_use]
pub fn fits(text: &str, limit: usize, how: Count) -> bool {
    let bytes_fit = match how {
        Count::Graphemes { bytes } => text.len() <= bytes,
        _ => true,
    };
    bytes_fit && count(text, how) <= limit
}

/// Words and the spaces between them, in turn.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    text.split_inclusive(char::is_whitespace).flat_map(|piece| {
        let word = piece.trim_end_matches(char::is_whitespace);
        [word, &piece[word.len()..]]
    })
}

fn is_link(word: &str) -> bool {
    let tail = word.strip_prefix("https://").or_else(|| word.strip_prefix("http://"));
    tail.is_some_and(|tail| !tail.is_empty())
}

/// A link costs what the instance says; a mention only its local part (Mastodon documentation,
/// `Instance` entity: `characters_reserved_per_url`; posting guide: "@user" counts, "@host" not).
fn mastodon_piece(word: &str, link: usize) -> usize {
    if is_link(word) {
        return link;
    }
    match word.strip_prefix('@').and_then(|tail| tail.split_once('@')) {
        Some((user, host)) if !user.is_empty() && host.contains('.') => {
            1 + user.graphemes(true).count()
        }
        _ => word.graphemes(true).count(),
    }
}

/// Cuts a text to at most `bytes` bytes, at a letter's border, with an ellipsis if anything went.
#[must_use]
pub fn cut(text: &str, bytes: usize) -> String {
    if text.len() <= bytes {
        return text.to_owned();
    }
    let mut end = 0;
    for (at, grapheme) in text.grapheme_indices(true) {
        if at + grapheme.len() + '…'.len_utf8() > bytes {
            break;
        }
        end = at + grapheme.len();
    }
    format!("{}…", &text[..end])
}

/// How many bytes a text takes in a row: rows are JSON, which writes some letters longer.
#[must_use]
pub fn weight(text: &str) -> usize {
    text.chars().map(in_row).sum()
}

fn in_row(c: char) -> usize {
    match c {
        '"' | '\\' | '\n' | '\r' | '\t' => 2,
        c if u32::from(c) < 0x20 => 6,
        c => c.len_utf8(),
    }
}

/// As [`cut`], measured as a row keeps it: at most `bytes` of [`weight`].
#[must_use]
pub fn fit(text: &str, bytes: usize) -> String {
    let mut room = bytes;
    for (at, c) in text.char_indices() {
        match room.checked_sub(in_row(c)) {
            Some(left) => room = left,
            None => return cut(text, at),
        }
    }
    text.to_owned()
}

/// What every part of a reply carries around its words.
#[derive(Clone, Copy, Debug)]
pub struct Frame<'a> {
    /// Stands in front of each part: the customer's handle and a space, or nothing.
    pub front: &'a str,
    /// The most one part may measure.
    pub limit: usize,
    /// How it is measured.
    pub how: Count,
}

/// Splits a text into parts that fit, each with the frame's front and, if there are several, its
/// number at the end. Cuts at sentences, else at words, else between letters; never inside a link.
/// `None` if a single letter does not fit, or more than `most` parts would be needed.
#[must_use]
pub fn split(text: &str, frame: Frame<'_>, most: usize) -> Option<Vec<String>> {
    let text = text.trim();
    let whole = format!("{}{text}", frame.front);
    if fits(&whole, frame.limit, frame.how) {
        return Some(vec![whole]);
    }
    let bodies = cut_up(text, frame, most)?;
    let of = bodies.len();
    let number = |(i, body): (usize, &&str)| format!("{}{body} ({}/{of})", frame.front, i + 1);
    Some(bodies.iter().enumerate().map(number).collect())
}

/// The bare parts, each with room for front and the longest number that `most` allows.
fn cut_up<'t>(text: &'t str, frame: Frame<'_>, most: usize) -> Option<Vec<&'t str>> {
    let number = format!(" ({most}/{most})");
    let room = |body: &str| {
        fits(&format!("{}{}{number}", frame.front, body.trim_end()), frame.limit, frame.how)
    };
    let (mut rest, mut bodies) = (text, Vec::new());
    while !rest.is_empty() {
        if bodies.len() == most {
            return None;
        }
        let (body, tail) = rest.split_at(border(rest, &room)?);
        bodies.push(body.trim_end());
        rest = tail.trim_start();
    }
    Some(bodies)
}

/// Where to cut: the longest beginning with room that ends a sentence in its second half, else one
/// that ends a word, else one that ends a letter of a word that is no link.
fn border(rest: &str, room: &impl Fn(&str) -> bool) -> Option<usize> {
    if room(rest) {
        return Some(rest.len());
    }
    let words = rest.split_word_bound_indices().map(|(at, _)| at).filter(|at| *at > 0);
    let ends = words.filter(|at| rest[..*at].ends_with(char::is_whitespace));
    let fitting: Vec<usize> = ends.take_while(|at| room(&rest[..*at])).collect();
    let Some(&longest) = fitting.last() else { return letter_border(rest, room) };
    let ends_sentence = |at: &&usize| {
        let before = rest[..**at].trim_end();
        before.ends_with(['.', '!', '?', '…', '。', '！', '？']) || rest[..**at].ends_with('\n')
    };
    let sentence = fitting.iter().rev().find(ends_sentence).copied();
    Some(sentence.filter(|at| *at * 2 >= longest).unwrap_or(longest))
}

fn letter_border(rest: &str, room: &impl Fn(&str) -> bool) -> Option<usize> {
    let word = rest.split(char::is_whitespace).next().unwrap_or(rest);
    if is_link(word) {
        return None;
    }
    let ends = rest.grapheme_indices(true).map(|(at, g)| at + g.len());
    ends.take_while(|at| room(&rest[..*at])).last()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MASTODON: Count = Count::Mastodon { link: 23 };

    fn frame(front: &str, limit: usize) -> Frame<'_> {
        Frame { front, limit, how: MASTODON }
    }

    #[test]
    fn mastodon_counts_links_and_remote_mentions_short() {
        assert_eq!(count("https://example.org/a/very/long/path/indeed/yes", MASTODON), 23);
        assert_eq!(count("@anna@social.example hi", MASTODON), 8);
        assert_eq!(count("@anna hi 👩‍👩‍👧", MASTODON), 10);
    }

    #[test]
    fn x_counts_weights() {
        assert_eq!(count("hello", Count::Weighted), 5);
        assert_eq!(count("你好", Count::Weighted), 4);
        assert_eq!(count("👩‍👩‍👧", Count::Weighted), 2);
    }

    #[test]
    fn bluesky_has_two_limits() {
        let how = Count::Graphemes { bytes: 10 };
        assert!(fits("abc", 3, how));
        assert!(!fits("👩‍👩‍👧", 3, how), "one letter, too many bytes");
    }

    #[test]
    fn a_short_reply_has_no_number() {
        assert_eq!(split(" hi ", frame("@a ", 20), 3).unwrap(), ["@a hi"]);
    }

    #[test]
    fn a_long_reply_is_cut_at_sentences() {
        let text = "First we looked. Then we found it. Now it is on its way to you.";
        let parts = split(text, frame("@a ", 50), 10).unwrap();
        assert_eq!(parts[0], "@a First we looked. Then we found it. (1/2)");
        assert_eq!(parts[1], "@a Now it is on its way to you. (2/2)");
    }

    #[test]
    fn a_word_longer_than_a_part_is_cut_but_a_link_is_not() {
        assert!(split(&"x".repeat(100), frame("", 40), 10).is_some());
        let link = format!("https://example.org/{}", "x".repeat(100));
        let frame = Frame { front: "", limit: 40, how: Count::Chars };
        assert_eq!(split(&link, frame, 10), None);
    }

    #[test]
    fn too_many_parts_are_refused() {
        assert_eq!(split(&"word ".repeat(1000), frame("", 40), 10), None);
    }

    #[test]
    fn cutting_keeps_letters_whole() {
        assert_eq!(cut("abc", 3), "abc");
        assert_eq!(cut("ae\u{301}io", 5), "a…", "the accent stays with its letter or goes");
    }

    proptest::proptest! {
        #[test]
        fn parts_fit_and_join_back(text in "[a-z .!?é👍]{0,400}", limit in 30usize..90) {
            let frame = frame("@a@b.example ", limit);
            if let Some(parts) = split(&text, frame, 10) {
                let mut joined = String::new();
                for (i, part) in parts.iter().enumerate() {
                    proptest::prop_assert!(fits(part, limit, MASTODON), "{part}");
                    let body = part.strip_prefix("@a@b.example ").unwrap();
                    let number = format!(" ({}/{})", i + 1, parts.len());
                    joined.push_str(body.strip_suffix(&number).unwrap_or(body));
                }
                let bare = |s: &str| s.split_whitespace().collect::<String>();
                proptest::prop_assert_eq!(bare(&joined), bare(&text));
            }
        }
    }
}
