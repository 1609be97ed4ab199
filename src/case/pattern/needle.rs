//! Bytes that must stand in every text that a term means, as JSON may spell them.
//!
//! A needle is searched in raw JSON without regard to the case of ASCII letters. So it holds no
//! sign that JSON spells in several ways (`"`, `\`, `/`, controls), and no letter beyond ASCII that
//! has cases. `&`, `<` and `>` are left out too, unless nothing else would be left; then both
//! spellings are searched, `&` and `\u0026`. All other escapes are the sieve's business.

use regex_syntax::hir::{Class, ClassUnicode, Hir, HirKind};

/// What a match must hold, letter by letter; `None` where it may hold anything.
pub type Stretch = Vec<Option<char>>;

/// Bytes a needle has at most: longer ones make the automaton larger and hardly more exact.
const LONG: usize = 8;
/// Bytes it has at least: one letter stands everywhere.
const SHORT: usize = 2;
/// From this length on it needs no sign beside it.
const ENOUGH: usize = 4;
/// Alternatives of one expression that are followed.
const MANY: usize = 64;

/// The letter that stands for these cases of one, if bytes can tell: an ASCII letter in its lower
/// case, or a letter that has no other.
#[must_use]
pub fn letter(cases: &[char]) -> Option<char> {
    let ascii = cases.iter().find(|c| c.is_ascii()).map(char::to_ascii_lowercase);
    match (ascii, cases) {
        (Some(letter), _) if cases.iter().all(|c| folds_to(*c, letter)) => Some(letter),
        (None, [one]) => Some(*one),
        _ => None,
    }
}

/// Is this a case of that ASCII letter? Two letters beyond ASCII are: the Kelvin sign and the long
/// s; the sieve lets every text pass that holds one.
fn folds_to(c: char, letter: char) -> bool {
    c.to_ascii_lowercase() == letter || matches!((c, letter), ('\u{212A}', 'k') | ('\u{17F}', 's'))
}

fn is_sign(c: char) -> bool {
    matches!(c, '&' | '<' | '>')
}

/// Does JSON spell it in one way only, escapes with four digits apart?
fn is_plain(c: char) -> bool {
    let odd = c.is_control() || matches!(c, '"' | '\\' | '/' | '\u{2028}' | '\u{2029}');
    !odd && (c.is_ascii() || c.to_lowercase().eq([c]) && c.to_uppercase().eq([c]))
}

/// Needles of which one stands wherever this stretch does; `None` if it is too short for one.
#[must_use]
pub fn spellings(stretch: &Stretch) -> Option<Vec<String>> {
    let runs = stretch.split(|c| !c.is_some_and(is_plain));
    let runs: Vec<String> = runs.map(|run| run.iter().flatten().collect()).collect();
    let longest =
        |pieces: Vec<String>| pieces.into_iter().max_by_key(String::len).unwrap_or_default();
    let plain =
        longest(runs.iter().flat_map(|run| run.split(is_sign)).map(str::to_owned).collect());
    if plain.len() >= ENOUGH {
        return Some(vec![short(&plain)]);
    }
    let signed = longest(runs.iter().flat_map(|run| around_signs(run)).collect());
    if signed.len() > plain.len() {
        let sign = signed.chars().find(|c| is_sign(*c))?;
        let escaped = format!("\\u{:04x}", u32::from(sign));
        return Some(vec![short(&signed), short(&signed.replace(sign, &escaped))]);
    }
    (plain.len() >= SHORT).then(|| vec![short(&plain)])
}

/// Pieces with exactly one sign each.
fn around_signs(run: &str) -> Vec<String> {
    let signs = run.char_indices().filter(|(_, c)| is_sign(*c));
    let piece = |(at, _): (usize, char)| {
        let from = run[..at].rfind(is_sign).map_or(0, |sign| sign + 1);
        let to = run[at + 1..].find(is_sign).map_or(run.len(), |sign| at + 1 + sign);
        run[from..to].to_owned()
    };
    signs.map(piece).filter(|piece| piece.len() >= SHORT).collect()
}

fn short(text: &str) -> String {
    let mut end = text.len().min(LONG);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text[..end].to_owned()
}

/// What an expression asks for.
enum Asks {
    /// Exactly this.
    Exactly(Stretch),
    /// One of these, among other things.
    OneOf(Vec<Stretch>),
    /// Nothing that could be named.
    Nothing,
}

/// Stretches of which every match holds one; `None` if there are none. The expression is one that
/// was parsed without regard to case.
#[must_use]
pub fn required(hir: &Hir) -> Option<Vec<Stretch>> {
    match asks(hir) {
        Asks::Exactly(stretch) => Some(vec![stretch]),
        Asks::OneOf(stretches) => Some(stretches),
        Asks::Nothing => None,
    }
}

fn asks(hir: &Hir) -> Asks {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => Asks::Exactly(Vec::new()),
        HirKind::Literal(literal) => match std::str::from_utf8(&literal.0) {
            Ok(text) => Asks::Exactly(text.chars().map(|c| letter(&[c])).collect()),
            Err(_) => Asks::Nothing,
        },
        HirKind::Class(Class::Unicode(class)) => {
            one(class).map_or(Asks::Nothing, |letter| Asks::Exactly(vec![Some(letter)]))
        }
        HirKind::Class(Class::Bytes(_)) => Asks::Nothing,
        HirKind::Capture(capture) => asks(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => {
            required(&repetition.sub).map_or(Asks::Nothing, Asks::OneOf)
        }
        HirKind::Repetition(_) => Asks::Nothing,
        HirKind::Concat(parts) => all_of(parts),
        HirKind::Alternation(parts) => one_of(parts),
    }
}

/// A class that is one letter in its cases.
fn one(class: &ClassUnicode) -> Option<char> {
    let ranges = class.ranges();
    let letters = ranges.iter().flat_map(|range| range.start()..=range.end());
    let letters: Vec<char> = letters.take(5).collect();
    (letters.len() < 5).then(|| letter(&letters)).flatten()
}

/// Of all that must be there, what makes the best needles.
fn all_of(parts: &[Hir]) -> Asks {
    let (mut run, mut whole, mut best) = (Stretch::new(), true, Vec::new());
    for part in parts {
        match asks(part) {
            Asks::Exactly(more) => run.extend(more),
            other => {
                whole = false;
                best.push(vec![std::mem::take(&mut run)]);
                if let Asks::OneOf(stretches) = other {
                    best.push(stretches);
                }
            }
        }
    }
    if whole {
        return Asks::Exactly(run);
    }
    best.push(vec![run]);
    let worth = |stretches: &Vec<Stretch>| {
        let shortest = |stretch: &Stretch| {
            spellings(stretch).and_then(|all| all.iter().map(String::len).min()).unwrap_or(0)
        };
        stretches.iter().map(shortest).min().unwrap_or(0)
    };
    match best.into_iter().max_by_key(worth) {
        Some(stretches) if worth(&stretches) > 0 => Asks::OneOf(stretches),
        _ => Asks::Nothing,
    }
}

fn one_of(parts: &[Hir]) -> Asks {
    let all: Option<Vec<Vec<Stretch>>> = parts.iter().map(required).collect();
    match all.map(|all| all.concat()) {
        Some(stretches) if stretches.len() <= MANY => Asks::OneOf(stretches),
        _ => Asks::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use regex_syntax::ParserBuilder;

    fn of(text: &str) -> Option<Vec<String>> {
        spellings(&text.chars().map(Some).collect())
    }

    fn of_regex(text: &str) -> Option<Vec<String>> {
        let hir = ParserBuilder::new().case_insensitive(true).build().parse(text).unwrap();
        let all = required(&hir)?.iter().map(spellings).collect::<Option<Vec<_>>>()?;
        Some(all.concat())
    }

    #[test]
    fn needles_hold_nothing_that_is_spelt_in_several_ways() {
        assert_eq!(of("acme"), Some(vec!["acme".into()]));
        assert_eq!(of("at&t"), Some(vec!["at&t".into(), "at\\u0026".into()]));
        assert_eq!(of("h&m"), Some(vec!["h&m".into(), "h\\u0026m".into()]));
        assert_eq!(of("barnes&noble"), Some(vec!["barnes".into()]));
        assert_eq!(of("a/b\"c"), None);
        assert_eq!(of("cafés"), Some(vec!["caf".into()]));
        assert_eq!(of("東京都"), Some(vec!["東京".into()]));
        assert_eq!(of("x"), None);
    }

    #[test]
    fn expressions_tell_what_they_need() {
        assert_eq!(of_regex(r"\bacmes\s+tents?\b"), Some(vec!["acmes".into()]));
        assert_eq!(
            of_regex("(?:lawyer|solicitor)"),
            Some(vec!["lawyer".into(), "solicito".into()])
        );
        let order = of_regex("order (?:no|number) [0-9]{4}").unwrap();
        assert!(order.len() == 1 && order[0].starts_with("order "), "{order:?}");
        assert_eq!(of_regex("[0-9]{4}"), None);
        assert_eq!(of_regex("acme|.*"), None);
        assert_eq!(of_regex("(?-i)Task"), Some(vec!["task".into()]));
    }
}
