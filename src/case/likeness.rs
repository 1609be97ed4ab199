//! Who looks like somebody else: a handle made of look-alike letters, or the name of a program. It
//! is only said on the card; nothing is refused for it.
//!
//! Two texts look alike when their skeletons are the same: every letter replaced by one that stands
//! for all that look like it (the way of Unicode Technical Standard 39; the table here holds the
//! letters of Cyrillic, Greek and full width that pass for Latin ones, and what Latin itself has).

use super::draft::Draft;
use super::event::Mention;
use super::id::{AccountId, CaseNo, ContactId};
use super::limits;
use super::record::{Key, Record};
use serde::{Deserialize, Serialize};

/// What is odd about a handle or a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Likeness {
    /// It looks like our own account.
    Account,
    /// It looks like a program of the desk, or like ours.
    Program,
    /// Another account, whose handle looks like that of this case's customer.
    Customer(CaseNo),
    /// One word of it mixes letters of two alphabets.
    Mixed,
}

impl Likeness {
    /// In words, for the card.
    #[must_use]
    pub fn words(self) -> String {
        match self {
            Self::Account => "the handle or name looks like our own account; it is not".into(),
            Self::Program => "the name looks like a program's; a customer wrote this".into(),
            Self::Customer(no) => {
                format!("the handle looks like that of the customer of {no}; it is another account")
            }
            Self::Mixed => "the handle or name mixes letters of two alphabets".into(),
        }
    }
}

/// Names that a customer may borrow to look like the house.
const PROGRAMS: &[&str] = &["slackbot", "careline", "discord", "clyde"];

const CYRILLIC: (&str, &str) = ("авеёзіїјкмноӧрԛсѕтуүхһԁԝӏъь", "abee3iijkmhoopqcstyyxhdwlbb");
const GREEK: (&str, &str) = ("αβγεηικμνορτυχωϲ", "abyenikmvoptuxwc");
/// Latin letters and digits that pass for each other, to what stands for them.
const LATIN: (&str, &str) = ("0135|il!ıɩɑɡʏ", "ole5llllllagy");

fn stand_in(c: char) -> char {
    let c = match c {
        // Full width, to the plain ones (Unicode, block Halfwidth and Fullwidth Forms).
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        _ => c,
    };
    let c = c.to_lowercase().next().unwrap_or(c);
    let of = |(from, to): (&str, &str), c: char| {
        let at = from.chars().position(|known| known == c)?;
        to.chars().nth(at)
    };
    let latin = of(CYRILLIC, c).or_else(|| of(GREEK, c)).unwrap_or(c);
    of(LATIN, latin).unwrap_or(latin)
}

/// What a text looks like.
#[must_use]
pub fn skeleton(text: &str) -> String {
    let shown = text.chars().filter(|c| !is_hidden(*c));
    let letters: String = shown.map(stand_in).collect();
    letters.replace("rn", "m").replace("vv", "w")
}

/// Marks above and below, and letters of no width: they change little of what is seen.
const fn is_hidden(c: char) -> bool {
    let marks = matches!(c, '\u{300}'..='\u{36f}');
    marks || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

fn is_mixed(text: &str) -> bool {
    let alphabet = |c: char| match c {
        'a'..='z' | 'A'..='Z' | '\u{c0}'..='\u{24f}' => Some(0),
        '\u{370}'..='\u{3ff}' | '\u{1f00}'..='\u{1fff}' => Some(1),
        '\u{400}'..='\u{52f}' => Some(2),
        _ => None,
    };
    let mixed = |word: &str| {
        let mut all = word.chars().filter_map(alphabet);
        all.next().is_some_and(|first| all.any(|other| other != first))
    };
    text.split(|c: char| !c.is_alphanumeric()).any(mixed)
}

fn local(handle: &str) -> &str {
    handle.split('@').next().unwrap_or(handle)
}

/// Where it is noted which cases have customers whose handles look like this one: by a keyed hash,
/// so that it names nobody who was erased.
#[must_use]
pub fn key(salt: &str, account: &AccountId, handle: &str) -> Key {
    let remote = format!("like {}", skeleton(handle));
    let hash = super::forget::tombstone(salt, &ContactId { account: account.clone(), remote });
    Key::Conversation(account.clone(), format!("like:{hash}"))
}

fn own_key(draft: &Draft<'_>, mention: &Mention) -> Option<Key> {
    let Some(Record::Identity(identity)) = draft.get(&Key::Identity) else { return None };
    Some(key(&identity.salt, &mention.contact.account, mention.handle.raw()))
}

/// What is odd about whoever wrote this, if anything is.
#[must_use]
pub fn of(draft: &Draft<'_>, mention: &Mention) -> Option<Likeness> {
    let (handle, name) = (mention.handle.raw(), mention.name.raw());
    let account = &mention.contact.account;
    let ours = draft.abilities(account).handle;
    let ours = [Some(account.as_str()), ours.as_deref().map(local)].into_iter().flatten();
    let ours: Vec<String> = ours.map(skeleton).collect();
    let is_ours = |text: &str| ours.contains(&skeleton(text.trim()));
    // A handle that is a domain shows its first label most of all.
    let front = local(handle);
    if is_ours(front) || is_ours(front.split('.').next().unwrap_or(front)) || is_ours(name) {
        return Some(Likeness::Account);
    }
    let looks = skeleton(name);
    if PROGRAMS.iter().any(|program| looks.starts_with(&skeleton(program))) {
        return Some(Likeness::Program);
    }
    if let Some(no) = another(draft, mention) {
        return Some(Likeness::Customer(no));
    }
    (is_mixed(front) || is_mixed(name)).then_some(Likeness::Mixed)
}

/// An earlier case whose customer is another one with such a handle.
fn another(draft: &Draft<'_>, mention: &Mention) -> Option<CaseNo> {
    let Some(Record::Conversation(cases)) = draft.get(&own_key(draft, mention)?) else {
        return None;
    };
    let other =
        |no: &&CaseNo| draft.found.case(**no).is_some_and(|case| case.contact != mention.contact);
    cases.iter().find(other).copied()
}

/// Notes that this case's customer has such a handle.
pub fn note(draft: &mut Draft<'_>, no: CaseNo, mention: &Mention) {
    let Some(key) = own_key(draft, mention) else { return };
    let mut cases = match draft.get(&key) {
        Some(Record::Conversation(cases)) => cases.clone(),
        _ => Vec::new(),
    };
    let known =
        |no: &CaseNo| draft.found.case(*no).is_some_and(|case| case.contact == mention.contact);
    if cases.len() < limits::LINKED && !cases.iter().any(known) {
        cases.push(no);
        draft.write(key, Record::Conversation(cases));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn look_alikes_have_one_skeleton_and_others_have_not() {
        for (one, other) in [
            ("acme", "асме"),
            ("acme", "аcmе"),
            ("ACME", "acrne"),
            ("billing", "biIIing"),
            ("sol_store", "s0l_store"),
            ("nova", "nονα"),
            ("tent", "ｔｅｎｔ"),
            ("lara", "la\u{200b}ra"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        for (one, other) in [("acme", "acne"), ("anna", "hanna"), ("tom", "toni")] {
            assert_ne!(skeleton(one), skeleton(other), "{one} {other}");
        }
    }

    #[test]
    fn the_tables_are_as_long_as_each_other() {
        for (from, to) in [CYRILLIC, GREEK, LATIN] {
            assert_eq!(from.chars().count(), to.chars().count(), "{from}");
        }
    }

    #[test]
    fn only_a_word_of_two_alphabets_is_mixed() {
        assert!(is_mixed("pаypal") && is_mixed("good νews"));
        assert!(!is_mixed("Ольга Smith") && !is_mixed("müller_42") && !is_mixed("日本 shop"));
    }
}
