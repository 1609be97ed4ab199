//! Who speaks to the customer. The only place where words become public.
//!
//! A plain message becomes a reply only if every rule lets it; otherwise it stays inside and the
//! first rule that held it back is named. When in doubt it stays inside. The rules only ever look
//! for reasons to keep words in, so adding a mark to a note can never turn it into a reply.

use super::event::{Inside, Remark, Standing};
use super::model::{Agent, Case, Status};
use super::policy::{Policy, Relay};
use regex::Regex;
use serde::{Deserialize, Serialize};
use std::sync::LazyLock;

/// Words that passed the gate. No other module can make one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PublicText(String);

impl PublicText {
    /// The words.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Words for tests of drivers, which must send something.
    #[cfg(any(test, debug_assertions))]
    #[must_use]
    pub fn for_test(text: &str) -> Self {
        Self(text.to_owned())
    }
}

/// An agent's words that may go to the customer; the only way to [`PublicText`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passed(String);

impl Passed {
    /// The agent's words, as they will be kept.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The same words with a signature below.
    #[must_use]
    pub fn signed(mut self, case: &Case, signature: Option<&str>) -> Self {
        if let Some(signature) = signature {
            self.0 = format!("{}\n{}", self.0, defused(signature, case));
        }
        self
    }

    /// Is it longer than a line of a case can keep?
    #[must_use]
    pub fn is_long(&self) -> bool {
        super::text::weight(&self.0) > super::limits::TEXT_BYTES
    }

    /// The parts that go out, each complete: handle in front, number behind. `None` if they do not
    /// fit into so many parts.
    #[must_use]
    pub fn parts(&self, frame: super::text::Frame<'_>, most: usize) -> Option<Vec<PublicText>> {
        let parts = super::text::split(&self.0, frame, most)?;
        Some(parts.into_iter().map(PublicText).collect())
    }
}

/// Which rule kept words inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Rule {
    /// Posted by an app, a workflow or a webhook.
    Machine,
    /// The author is no member of this workspace.
    Stranger,
    /// The author is a guest.
    Guest,
    /// The author may not speak to customers here.
    NotAgent,
    /// Nobody has claimed the case.
    Unclaimed,
    /// The author is not the claimer.
    NotClaimer,
    /// Relay mode is `explicit`.
    Explicit,
    /// It looks like a note.
    Note,
    /// It speaks to a colleague, a channel or the bot.
    Colleague,
    /// It holds a word that is only for inside.
    InsideWord,
    /// It starts like a command.
    Command,
    /// There is nothing to send.
    Empty,
    /// It was written as a note on purpose.
    OnPurpose,
    /// The case is closed.
    Closed,
    /// The network does not let us answer here.
    NoReply,
    /// The network does not let us answer here; the words were prepared for a person to post.
    ByHand,
    /// The time in which the network takes an answer is over.
    Over,
    /// There is no post of the customer to answer.
    NoTarget,
    /// It does not fit into as many parts as a reply may have.
    TooLong,
    /// Too many replies wait already, or it carries too many files.
    TooMany,
    /// The customer did not write to us, and nobody has chosen to answer him.
    Unasked,
    /// He did not write to us, and has had his one answer.
    Once,
}

impl Rule {
    /// Why the words stayed inside, as the author reads it.
    #[must_use]
    pub const fn why(self) -> &'static str {
        match self {
            Self::Machine => "it was posted by an app, not by a person",
            Self::Stranger => "its author is not from this workspace",
            Self::Guest => "guests do not speak to customers",
            Self::NotAgent => "its author may not speak to customers here",
            Self::Unclaimed => "nobody has claimed this case",
            Self::NotClaimer => "somebody else looks after this case",
            Self::Explicit => "here only the command `reply` speaks to the customer",
            Self::Note => "it looks like a note",
            Self::Colleague => "it speaks to a colleague",
            Self::InsideWord => "it holds a word that is only for inside",
            Self::Command => "it looks like a command",
            Self::Empty => "there is nothing to send in it",
            Self::OnPurpose => "it was written as a note",
            Self::Closed => "this case is closed",
            Self::NoReply => "the network does not let us answer this post",
            Self::ByHand => {
                "the network takes this answer only by hand; it is prepared in the thread"
            }
            Self::Over => {
                "the time in which the network takes an answer is over; he has to write again"
            }
            Self::NoTarget => "there is no post left to answer",
            Self::TooLong => "it is too long for one answer",
            Self::Unasked => {
                "this person did not write to us; only the command `reply` answers him"
            }
            Self::Once => {
                "this person did not write to us and has one answer; the next word is his"
            }
            Self::TooMany => "too many replies wait already, or it carries too many files",
        }
    }

    /// May the author let the words go with one press, after he has read why they stayed?
    #[must_use]
    pub const fn can_be_sent(self) -> bool {
        matches!(
            self,
            Self::Unclaimed | Self::Explicit | Self::Colleague | Self::Command | Self::Note
        )
    }
}

/// What becomes of a plain message in a case's thread.
pub fn plain(policy: &Policy, case: &Case, remark: &Remark) -> Result<Passed, Rule> {
    person(policy, remark)?;
    if let Some(rule) = content(policy, &remark.text, &remark.inside) {
        return Err(rule);
    }
    if remark.text.trim().is_empty() && remark.files.is_empty() {
        return Err(Rule::Empty);
    }
    if case.status == Status::Closed {
        return Err(Rule::Closed);
    }
    owner(policy, case, &remark.by)?;
    if case.unasked {
        return Err(Rule::Unasked);
    }
    if policy.relay == Relay::Explicit {
        return Err(Rule::Explicit);
    }
    Ok(Passed(defused(&remark.text, case)))
}

/// What becomes of words that an agent sends on purpose (`reply …`, a form, *Send*).
pub fn on_purpose(case: &Case, text: &str, files: usize) -> Result<Passed, Rule> {
    if case.status == Status::Closed {
        return Err(Rule::Closed);
    }
    if bare(text).is_empty() && files == 0 {
        return Err(Rule::Empty);
    }
    Ok(Passed(defused(text, case)))
}

fn person(policy: &Policy, remark: &Remark) -> Result<(), Rule> {
    match remark.standing {
        _ if remark.machine => Err(Rule::Machine),
        Standing::Stranger => Err(Rule::Stranger),
        Standing::Guest => Err(Rule::Guest),
        Standing::Nobody => Err(Rule::NotAgent),
        Standing::Member if !policy.is_agent(&remark.by.id) => Err(Rule::NotAgent),
        Standing::Member => Ok(()),
    }
}

fn owner(policy: &Policy, case: &Case, by: &Agent) -> Result<(), Rule> {
    match &case.claimer {
        None => Err(Rule::Unclaimed),
        Some(claimer) if !policy.same(&claimer.id, &by.id) => Err(Rule::NotClaimer),
        Some(_) => Ok(()),
    }
}

/// What in the words themselves keeps them inside.
#[must_use]
pub fn content(policy: &Policy, text: &str, inside: &[Inside]) -> Option<Rule> {
    if is_note(policy, text) || inside.contains(&Inside::QuoteOnly) {
        return Some(Rule::Note);
    }
    if !inside.is_empty() {
        return Some(Rule::Colleague);
    }
    if holds_inside_word(policy, text) {
        return Some(Rule::InsideWord);
    }
    is_command(text).then_some(Rule::Command)
}

/// First words that say: this is for us. In several languages, in any spelling that looks alike.
const NOTE_WORDS: &[&str] = &[
    "note",
    "notes",
    "notiz",
    "nota",
    "internal",
    "internally",
    "intern",
    "interne",
    "interno",
    "interna",
    "fyi",
    "psst",
    "nb",
    "private",
    "memo",
    "ooc",
    "staff",
    "teamonly",
    "dontsend",
    "donotsend",
    "wip",
    "draft",
];

/// Does it begin like a note?
fn is_note(policy: &Policy, text: &str) -> bool {
    let start = text.trim_start_matches(|c: char| c.is_whitespace() || is_invisible(c));
    let sign = start.starts_with(['(', '[', '{', '<', '>', ';', '/', '🔒', '🔐', '🤫', '#', '~'])
        || start.starts_with("--")
        || start.starts_with("||")
        || start.starts_with("**")
        || start.starts_with(":lock:");
    let words = bare(&first_words(start));
    let own = policy.note_marks.iter().any(|mark| {
        let mark = mark.trim();
        !mark.is_empty()
            && (start.starts_with(mark) || {
                let bare_mark = bare(mark);
                !bare_mark.is_empty() && words.starts_with(&bare_mark)
            })
    });
    let first =
        start.split(|c: char| !c.is_alphanumeric() && !is_invisible(c)).find(|w| !w.is_empty());
    let known = first.map(bare).is_some_and(|word| NOTE_WORDS.contains(&word.as_str()));
    let phrase = ["donotsend", "dontsend", "notforcustomer", "teamonly", "internalonly"];
    sign || own || known || phrase.iter().any(|phrase| words.starts_with(phrase))
}

fn first_words(text: &str) -> String {
    text.split_whitespace().take(4).collect::<Vec<_>>().join(" ")
}

fn is_invisible(c: char) -> bool {
    matches!(u32::from(c),
        0xAD | 0x34F | 0x61C | 0x180E | 0x200B..=0x200F | 0x202A..=0x202E | 0x2060..=0x206F
        | 0xFE00..=0xFE0F | 0xFEFF | 0xE0000..=0xE0FFF | 0x300..=0x36F)
}

/// Letters and digits only, small, with the commonest look-alikes of other alphabets made Latin:
/// what a word looks like rather than what it is (after UTS 39, only as far as it is needed here).
fn bare(text: &str) -> String {
    let latin = |c: char| match c {
        'а' | 'α' | 'ａ' | '𝐚' => 'a',
        'е' | 'ε' | 'ｅ' => 'e',
        'і' | 'ι' | 'ı' | 'ｉ' | '１' => 'i',
        'о' | 'ο' | 'ｏ' | '0' => 'o',
        'р' | 'ρ' | 'ｐ' => 'p',
        'с' | 'ｃ' => 'c',
        'у' | 'γ' | 'ｙ' => 'y',
        'т' | 'τ' | 'ｔ' => 't',
        'ո' | 'п' | 'ν' | 'ｎ' => 'n',
        'ѕ' | 'ｓ' => 's',
        'ԁ' | 'ｄ' => 'd',
        'ｆ' => 'f',
        'ｒ' => 'r',
        'ｌ' => 'l',
        'ｗ' => 'w',
        'ｍ' | 'м' => 'm',
        other => other,
    };
    text.chars()
        .flat_map(char::to_lowercase)
        .map(latin)
        .filter(|c| c.is_alphanumeric() && !is_invisible(*c))
        .collect()
}

fn holds_inside_word(policy: &Policy, text: &str) -> bool {
    let text = text.to_lowercase();
    policy.inside_words.iter().any(|word| !word.is_empty() && text.contains(&word.to_lowercase()))
}

/// Does it look as if the author meant to tell careline something?
fn is_command(text: &str) -> bool {
    let start = text.trim_start();
    if start.starts_with(['/', '!', '\\']) || bare(start).starts_with("careline") {
        return true;
    }
    let mut words = start.split_whitespace();
    let first = words.next().unwrap_or_default().to_lowercase();
    let second = words.next();
    let verb = super::command::VERBS.iter().any(|verb| verb.name == first);
    let unlike_prose = matches!(first.as_str(), "reply" | "claim" | "undo" | "answered" | "reopen");
    let alone = second.is_none_or(|word| {
        word.strip_prefix('#').is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()))
    });
    verb && (alone || unlike_prose)
}

/// The words with every `@handle` but the customer's own made a plain word, so that nobody else is
/// called in public, and without the customer's handle in front (it is put there anyway).
fn defused(text: &str, case: &Case) -> String {
    let handle = case.handle.raw();
    let own = |word: &str| {
        let name = word.trim_end_matches(|c: char| !c.is_alphanumeric());
        let local = handle.split('@').next().unwrap_or(handle);
        !handle.is_empty()
            && (name.eq_ignore_ascii_case(handle) || name.eq_ignore_ascii_case(local))
    };
    let mut out = String::with_capacity(text.len());
    let mut rest = text.trim();
    if let Some(tail) = rest.strip_prefix('@') {
        let word = tail.split(char::is_whitespace).next().unwrap_or_default();
        if own(word) {
            rest = tail[word.len()..].trim_start();
        }
    }
    while let Some(at) = rest.find(['@', '＠']) {
        let sign = rest[at..].chars().next().map_or(1, char::len_utf8);
        let inside_word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '/' | '=');
        let free = !out.ends_with(inside_word) || at > 0;
        let free = free && !rest[..at].ends_with(inside_word);
        out.push_str(&rest[..at + sign]);
        rest = &rest[at + sign..];
        if free && rest.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            out.push('\u{2060}');
        }
    }
    out + rest
}

static SECRETS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(concat!(
        r"(?i)xox[abeprs]-[0-9a-z-]{8,}|xapp-[0-9a-z-]{8,}",
        r"|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[0-9a-z]{20,}",
        r"|-----BEGIN [A-Z ]*KEY|\bbearer [0-9a-z._-]{16,}|\bsk[-_](live|test)[-_][0-9a-z]{10,}",
        r"|\beyJ[0-9a-z_-]{10,}\.eyJ[0-9a-z_-]{10,}|\bpass(word|wort)\s*[:=]\s*\S+",
    ))
    .expect("the pattern is a constant and a test compiles it")
});
static NUMBERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?:\d[ -]?){12,18}\d").expect("the pattern is a constant and a test compiles it")
});
static IBANS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){3,8}\b")
        .expect("the pattern is a constant and a test compiles it")
});

/// Does it look like it holds a key, a password, a card's or an account's number?
#[must_use]
pub fn holds_secret(text: &str) -> bool {
    SECRETS.is_match(text)
        || NUMBERS.find_iter(text).any(|m| is_card(m.as_str()))
        || IBANS.find_iter(text).any(|m| is_iban(m.as_str()))
}

/// Luhn's check (ISO/IEC 7812).
fn is_card(text: &str) -> bool {
    let digits = text.chars().rev().filter_map(|c| c.to_digit(10));
    let sum: u32 = digits
        .enumerate()
        .map(|(i, d)| if i % 2 == 1 { if d > 4 { d * 2 - 9 } else { d * 2 } } else { d })
        .sum();
    sum.is_multiple_of(10)
}

/// The check digits of ISO 13616: the rearranged number is 1 modulo 97.
fn is_iban(text: &str) -> bool {
    let text: Vec<char> = text.chars().filter(|c| !c.is_whitespace()).collect();
    if text.len() < 15 {
        return false;
    }
    let turned = text[4..].iter().chain(&text[..4]);
    let rest = turned
        .filter_map(|c| c.to_digit(36))
        .fold(0u32, |rest, d| if d > 9 { (rest * 100 + d) % 97 } else { (rest * 10 + d) % 97 });
    rest == 1
}

#[cfg(test)]
#[path = "gate_tests.rs"]
mod tests;
