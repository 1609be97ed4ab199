//! The length of a post as X counts it: twitter-text, configuration v3. After normalisation (NFC)
//! light signs cost 1, all others 2, an emoji 2 however many signs it is made of, and a link 23
//! however long it is. Source: <https://github.com/twitter/twitter-text> (config/v3.json).

use unicode_normalization::UnicodeNormalization;
use unicode_segmentation::UnicodeSegmentation;

/// What a link costs (`transformedURLLength`).
const LINK: usize = 23;
/// Longest label of a host's name, and longest name (RFC 1035, 2.3.4).
const LABEL: usize = 63;
const NAME: usize = 253;

/// The weighted length of a text.
#[must_use]
pub fn weighted(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let (mut sum, mut at) = (0, 0);
    for (from, to) in links(&text) {
        sum += bare(&text[at..from]) + LINK;
        at = to;
    }
    sum + bare(&text[at..])
}

/// Does X make a link of anything in this text?
#[must_use]
pub fn has_link(text: &str) -> bool {
    !links(text).is_empty()
}

fn bare(text: &str) -> usize {
    text.graphemes(true).map(letter).sum()
}

fn letter(grapheme: &str) -> usize {
    let (mut sum, mut rest) = (0, grapheme);
    while let Some(first) = rest.chars().next() {
        let whole = emoji(rest);
        sum += if whole > 0 { 2 } else { sign(first) };
        rest = &rest[whole.max(first.len_utf8())..];
    }
    sum
}

/// Bytes of the longest emoji that this begins with, if it is more than one light sign.
fn emoji(text: &str) -> usize {
    let ends = text.char_indices().map(|(at, c)| at + c.len_utf8());
    let known = ends.rev().find(|end| emojis::get(&text[..*end]).is_some());
    known.filter(|end| text[..*end].chars().nth(1).is_some()).unwrap_or(0)
}

/// `ranges`, and `defaultWeight` for the rest.
fn sign(c: char) -> usize {
    match u32::from(c) {
        0..=4351 | 8192..=8205 | 8208..=8223 | 8242..=8247 => 1,
        _ => 2,
    }
}

/// Where the links of a text are: with a scheme, or without one where the end of the host's name
/// is known.
fn links(text: &str) -> Vec<(usize, usize)> {
    let (mut found, mut skip) = (Vec::new(), 0);
    let mut before = None;
    for (at, c) in text.char_indices() {
        if at >= skip
            && may_stand_before(before)
            && let Some(end) = link_at(text, at, before)
        {
            found.push((at, end));
            skip = end;
        }
        before = Some(c);
    }
    found
}

/// `validUrlPrecedingChars`.
fn may_stand_before(before: Option<char>) -> bool {
    before.is_none_or(|c| {
        !c.is_ascii_alphanumeric() && !matches!(c, '@' | '＠' | '$' | '#' | '＃' | '\u{FEFF}')
    })
}

/// Where the link that begins here ends.
fn link_at(text: &str, at: usize, before: Option<char>) -> Option<usize> {
    let rest = &text[at..];
    let scheme = ["https://", "http://"]
        .into_iter()
        .find(|s| rest.get(..s.len()).is_some_and(|head| head.eq_ignore_ascii_case(s)));
    if scheme.is_none() && matches!(before, Some('-' | '_' | '.' | '/')) {
        return None;
    }
    let from = at + scheme.map_or(0, str::len);
    let host = host(&text[from..], scheme.is_none())?;
    let mut end = from + host;
    end += port(&text[end..]);
    end += path(&text[end..]);
    Some(end + query(&text[end..]))
}

/// Bytes of the host's name: the longest beginning that ends in a known top-level domain.
fn host(text: &str, plain: bool) -> Option<usize> {
    let part =
        |c: char| if plain { is_plain(c) } else { is_domain(c) } || matches!(c, '.' | '_' | '-');
    let run = text.find(|c| !part(c)).unwrap_or(text.len());
    let dots = text[..run].match_indices('.').map(|(dot, _)| dot).collect::<Vec<_>>();
    dots.into_iter().rev().find_map(|dot| {
        let end = dot + 1 + top(&text[dot + 1..])?;
        is_host(&text[..dot], &text[..end]).then_some(end)
    })
}

/// Bytes of the top-level domain that this begins with.
fn top(text: &str) -> Option<usize> {
    let ascii = |c: char| c.is_ascii_alphanumeric();
    let coded = text.starts_with("xn--");
    let inside = |c: char| ascii(c) || coded && c == '-';
    let end = match text.chars().next() {
        Some(c) if ascii(c) => text.find(|c| !inside(c)).unwrap_or(text.len()),
        _ => text.find(|c: char| !is_domain(c) || c.is_ascii()).unwrap_or(text.len()),
    };
    let next = text[end..].chars().next();
    let over = next.is_none_or(|c| !ascii(c) && !matches!(c, '@' | '+' | '-'));
    let name = text[..end].to_ascii_lowercase();
    (over && !name.is_empty() && is_top(&name)).then_some(end)
}

fn is_top(name: &str) -> bool {
    psl::suffix(name.as_bytes())
        .is_some_and(|suffix| suffix.is_known() && suffix == name.as_bytes())
}

/// Are these names above a top-level domain, and is the whole a host's name?
fn is_host(above: &str, whole: &str) -> bool {
    let mut labels = above.split('.').rev();
    let own = labels.next().is_some_and(|own| is_label(own) && !own.contains('_'));
    let shorter = |host: url::Host| {
        let host = host.to_string();
        host.len() <= NAME && host.split('.').all(|label| label.len() <= LABEL)
    };
    own && labels.all(is_label) && url::Host::parse(whole).is_ok_and(shorter)
}

/// Begins and ends with a letter or a digit.
fn is_label(label: &str) -> bool {
    let edge = |c: Option<char>| c.is_some_and(|c| !matches!(c, '-' | '_'));
    edge(label.chars().next()) && edge(label.chars().next_back())
}

/// `validDomainChars`: no punctuation of ASCII, no space, nothing invisible.
fn is_domain(c: char) -> bool {
    let odd = matches!(c, '\u{FFFE}' | '\u{FEFF}' | '\u{FFFF}' | '\u{202A}'..='\u{202E}');
    !c.is_ascii_punctuation() && !c.is_whitespace() && !c.is_control() && !odd
}

/// Letters of a host's name without a scheme: ASCII, and Latin ones with accents.
fn is_plain(c: char) -> bool {
    c.is_ascii_alphanumeric() || is_accented(c)
}

fn is_accented(c: char) -> bool {
    let latin = matches!(c, '\u{C0}'..='\u{24F}') && !matches!(c, '\u{D7}' | '\u{F7}');
    latin || matches!(c, '\u{1E00}'..='\u{1EFF}')
}

fn port(text: &str) -> usize {
    let Some(digits) = text.strip_prefix(':') else { return 0 };
    let len = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    if len == 0 { 0 } else { len + 1 }
}

/// `validGeneralUrlPathChars`.
fn is_path(c: char) -> bool {
    let cyrillic = matches!(c, '\u{400}'..='\u{4FF}');
    is_plain(c) || cyrillic || "!*';:=+,.$/%#[]-–_~@|&".contains(c)
}

/// `validUrlPathEndingChars`.
fn ends_path(c: char) -> bool {
    is_plain(c) || matches!(c, '\u{400}'..='\u{4FF}') || "=_#/+-".contains(c)
}

fn path(text: &str) -> usize {
    if !text.starts_with('/') {
        return 0;
    }
    let (mut at, mut end) = (0, 1);
    while let Some(c) = text[at..].chars().next() {
        if c == '(' {
            let inside = brackets(&text[at..]);
            if inside == 0 {
                break;
            }
            at += inside;
            end = at;
        } else if is_path(c) {
            at += c.len_utf8();
            end = if ends_path(c) { at } else { end };
        } else {
            break;
        }
    }
    end
}

/// Bytes of a bracket that closes, with at most one more inside.
fn brackets(text: &str) -> usize {
    let (mut depth, mut filled) = (0_u8, false);
    for (at, c) in text.char_indices() {
        match c {
            '(' if depth < 2 => depth += 1,
            ')' if depth == 1 => return if filled { at + 1 } else { 0 },
            ')' => depth -= 1,
            _ if is_path(c) => filled = true,
            _ => return 0,
        }
    }
    0
}

fn query(text: &str) -> usize {
    let Some(rest) = text.strip_prefix('?') else { return 0 };
    let inside = |c: char| c.is_ascii_alphanumeric() || "!?*'@();:&=+$/%#[]-_.,~|".contains(c);
    let ends = |c: char| c.is_ascii_alphanumeric() || "-_&=#/".contains(c);
    let run = rest.find(|c| !inside(c)).unwrap_or(rest.len());
    rest[..run].rfind(ends).map_or(0, |last| last + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn linked(text: &str) -> Vec<&str> {
        links(text).into_iter().map(|(from, to)| &text[from..to]).collect()
    }

    #[test]
    fn a_link_costs_23_with_a_scheme_or_without() {
        assert_eq!(weighted("see https://shop.example.com/a/very/long/path/indeed?q=1 now"), 31);
        assert_eq!(weighted("see shop.example.com."), 4 + LINK + 1);
        assert_eq!(weighted("a file.nosuchend"), 16);
        assert_eq!(
            linked("(http://example.org/a_(b)), x@example.org, v1.2"),
            ["http://example.org/a_(b)"]
        );
        assert_eq!(linked("見てexample.comです"), ["example.com"]);
    }

    #[test]
    fn emojis_cost_two_whatever_they_are_made_of() {
        assert_eq!(weighted("👩‍👩‍👧🙋🏽🇩🇪1️⃣"), 8);
        assert_eq!(weighted("©1a"), 3);
        assert_eq!(weighted("e\u{301}"), 1, "one sign after normalisation");
        assert_eq!(weighted("កុំ"), 6, "letters of one cluster count each");
    }
}
