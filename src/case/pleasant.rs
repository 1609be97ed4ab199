//! Words that ask for nothing: "thanks!", a heart. They are shown, and open no case. Whatever is
//! not surely such a thing is a mention like any other.

use super::event::Mention;

/// Words that thank or praise.
const THANKS: &[&str] = &[
    "thanks",
    "thank",
    "thx",
    "ty",
    "tysm",
    "cheers",
    "danke",
    "dankeschön",
    "merci",
    "gracias",
    "grazie",
    "obrigado",
    "obrigada",
    "bedankt",
    "tack",
    "dzięki",
    "takk",
];
/// Words that may stand beside them.
const BESIDE: &[&str] = &[
    "you", "so", "much", "very", "a", "lot", "many", "again", "for", "the", "your", "that", "it",
    "quick", "fast", "help", "reply", "answer", "great", "perfect", "super", "awesome", "nice",
    "ok", "okay", "all", "good", "works", "now", "vielen", "dank", "sehr", "für", "die",
    "schnelle", "hilfe", "antwort", "beaucoup", "muchas", "mille", "dear", "team", "everyone",
    "and", "to",
];
/// Signs that mean well. Others, such as an angry face, are mentions.
const KIND: &[char] = &[
    '👍', '❤', '♥', '🧡', '💛', '💚', '💙', '💜', '🖤', '🤍', '🙏', '😊', '🙂', '😀', '😃', '😄',
    '😁', '🥰', '😍', '🎉', '👏', '💯', '🥳', '✨', '🙌', '💪', '👌', '☺', '🤗', '⭐', '🌟',
];
/// More words than this say more than thanks.
const WORDS: usize = 9;

/// Does the customer only say thanks, or send a kind sign?
#[must_use]
pub fn is_pleasantry(mention: &Mention) -> bool {
    let warned = mention.warning.as_ref().is_some_and(|warning| !warning.is_empty());
    mention.media.is_empty() && !warned && is_kind(mention.text.raw())
}

/// Do these words only say thanks, or show a kind sign?
#[must_use]
pub fn is_kind(text: &str) -> bool {
    if text.contains(['?', '/', '"']) || text.chars().any(|c| c.is_ascii_digit()) {
        return false;
    }
    let words = text.split_whitespace().filter(|word| !word.starts_with(['@', '＠']));
    let mut plain = Vec::new();
    let mut signs = 0;
    for c in words.flat_map(|word| word.chars().chain([' '])) {
        match c {
            c if KIND.contains(&c) => signs += 1,
            c if c.is_alphabetic() || c.is_whitespace() => plain.push(c),
            '!' | '.' | ',' | '\'' | '’' | '-' | ')' | ':' | ';' => plain.push(' '),
            // What makes a sign coloured, joined or toned.
            '\u{FE0F}' | '\u{200D}' | '\u{1F3FB}'..='\u{1F3FF}' => {}
            _ => return false,
        }
    }
    let plain: String = plain.into_iter().flat_map(char::to_lowercase).collect();
    let words: Vec<&str> = plain.split_whitespace().collect();
    let known = |word: &&str| THANKS.contains(word) || BESIDE.contains(word);
    let thanks = words.iter().any(|word| THANKS.contains(word)) || plain.contains("vielen dank");
    match words.len() {
        0 => signs > 0,
        n => n <= WORDS && thanks && words.iter().all(known),
    }
}

#[cfg(test)]
mod tests {
    use super::is_kind;

    #[test]
    fn thanks_and_kind_signs_ask_for_nothing() {
        for text in [
            "Thanks!",
            "@acme thank you so much 🙏",
            "❤️",
            "👍🏽",
            "Vielen Dank für die Hilfe!",
            "Merci beaucoup",
            "ok, thanks a lot",
            "@acme@social.example 🎉🎉",
            "thx :)",
        ] {
            assert!(is_kind(text), "{text}");
        }
    }

    #[test]
    fn anything_more_is_a_mention() {
        for text in [
            "",
            "@acme",
            "thanks for nothing",
            "Thanks, but it still leaks",
            "😡",
            "👎",
            "great",
            "thanks? really?",
            "Thank you, order 4711",
            "ok",
            "thanks, when does it arrive",
            "danke, und wann kommt es",
            "thanks https://example.org/refund",
            "🙏 please help",
            "thanks \"team\"",
        ] {
            assert!(!is_kind(text), "{text}");
        }
    }
}
