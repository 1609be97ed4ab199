//! Hostile words in every field: literal on every surface, and nobody is called.
//!
//! The check is this file's own: it reads what really stands in the office, by Discord's rules for
//! mentions, and knows nothing of how careline escapes.

use super::{Bench, FORUM, TEXT, button, card, note, out, place};
use careline::case::effect::{Notice, Tone};
use careline::case::event::{Media, MediaKind};
use careline::case::rich::{Rich, Theirs};
use careline::world::office::Message;

/// S1, S2, S4, S5 of the security list, in our own words.
fn inputs() -> Vec<String> {
    let mut all: Vec<String> = [
        "<!channel> <!here> <!everyone> <!subteam^S1|x> <@U1> <#C1>",
        "@everyone @here <@400000000000000002> <@!400000000000000002> <@&500000000000000001>",
        "<#200000000000000002> <:parrot:1> </close:2> <t:1:R> <id:customize>",
        "&lt;@everyone&gt; &#64;here ＠everyone",
        "[https://bank.example](https://evil.example) <https://evil.example|https://bank.example>",
        "# big\n## two\n-# careline · d9:9.9\n> quoted\n>>> all\n- list\n* star\n1. one",
        concat!(
            "```\n@everyone\n``` `@here` ||@here|| **@here** \\@everyone ",
            "\\\\@everyone \\<@400000000000000002>",
        ),
        concat!(
            "https://evil.example/@everyone https://user@evil.example ",
            "http://x.example/<@400000000000000002>",
        ),
        "\u{202E}evil\u{2066}x\u{2069} a\u{200B}b \u{FEFF}\u{180E}\u{AD}\u{E0041} nul\0bell\u{7}",
        "@\u{200B}everyone <\u{200B}@400000000000000002> @every\u{2060}one",
    ]
    .map(str::to_owned)
    .to_vec();
    all.push(format!("z{}", "\u{301}".repeat(500)));
    all.push("line\n".repeat(10_000));
    all.push("👩‍👩‍👧".repeat(3_000));
    all.push("@everyone ".repeat(2_000));
    all
}

/// Backslashes in front of a place: an odd number hides the sign.
fn hidden(text: &str, at: usize) -> bool {
    let before = &text[..at];
    (before.len() - before.trim_end_matches('\\').len()) % 2 == 1
}

/// Everything in a text that Discord's clients would show as a call, an emoji, a channel, a time,
/// a labelled link, a heading or code.
fn live(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let signs = [
        "@everyone",
        "@here",
        "<@",
        "<#",
        "<:",
        "<a:",
        "</",
        "<t:",
        "<id:",
        "](",
        "`",
        "||",
        "**",
        "__",
        "~~",
    ];
    for sign in signs {
        for (at, _) in text.match_indices(sign) {
            if !hidden(text, at) {
                found.push(format!("{sign} at {at}"));
            }
        }
    }
    for line in text.lines() {
        let line = line.strip_prefix("> ").unwrap_or(line);
        if ["# ", "## ", "### ", ">>> ", "-# ", "> "].iter().any(|sign| line.starts_with(sign)) {
            found.push(format!("line: {}", line.chars().take(20).collect::<String>()));
        }
    }
    found
}

fn checked(message: &Message, ours: &[&str]) {
    let text = &message.text;
    let (body, footer) = text.rsplit_once('\n').unwrap();
    assert!(footer.starts_with("-# careline · d1:"), "{footer}");
    // Our own marks stand where they must, and are taken away before the look.
    let mut rest = body.to_owned();
    for mark in ours {
        rest = rest.replacen(mark, "", 1);
    }
    assert_eq!(live(&rest), Vec::<String>::new(), "{rest}");
    let bad = |c: char| {
        c.is_control() && c != '\n'
            || matches!(
                u32::from(c),
                0x202A..=0x202E | 0x200B | 0xFEFF
                    | 0xAD | 0x180E | 0xE0000..=0xE0FFF
            )
    };
    assert!(!text.chars().any(bad), "{text:?}");
    assert!(text.encode_utf16().count() <= 2_000);
    let marks = &message.marks;
    assert_eq!(marks["everyone"], false);
    assert_eq!(
        (marks["users"].as_array().map(Vec::len), marks["roles"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
    assert_eq!(marks["flags"].as_u64().unwrap() & 4, 4, "no link unfolds");
}

#[tokio::test]
async fn hostile_words_are_literal_in_a_card_and_call_nobody() {
    let bench = Bench::new("forum").await;
    for (n, input) in inputs().into_iter().enumerate() {
        let mut card = card();
        let theirs = || Theirs::new(input.clone());
        (card.name, card.handle, card.text) = (theirs(), theirs(), theirs());
        card.warning = Some(theirs());
        card.url = Some(input.clone());
        card.author_url = Some(input.clone());
        card.facts = vec![("Wrote".into(), Rich::new().theirs(&theirs()))];
        card.media = vec![Media {
            kind: MediaKind::Picture,
            url: input.clone(),
            preview: None,
            alt: theirs(),
        }];
        card.buttons = vec![button(&input, "claim #1")];
        let open = Notice::Open { channel: place(FORUM), card: Box::new(card) };
        let receipt = bench.desk.deliver(&out(&format!("{n}.0"), open, None)).await.unwrap();
        let first = bench.office(|o| o.channel(&receipt.remote).next().cloned()).unwrap();
        let ours = ["**", "**", "**Behind a content warning:** ", "**", "**", "**", "**"];
        checked(&first, &ours);
        let name = bench.office(|o| o.channels[&receipt.remote].name.clone());
        assert!(
            name.encode_utf16().count() <= 100 && !name.contains(['\n', '\u{202E}']),
            "{name:?}"
        );
    }
}

#[tokio::test]
async fn hostile_words_are_literal_in_notes_and_never_taken_for_our_marks() {
    let bench = Bench::new("text").await;
    for (n, input) in inputs().into_iter().enumerate() {
        let words = Rich::of(&input).theirs(&Theirs::new(&input)).agent(&input);
        let words = words.quote(&Theirs::new(&input)).link(&input, &input);
        let mut told = note(words);
        told.tone = Tone::Customer;
        told.url = Some(input);
        let tell = Notice::Tell { channel: place(TEXT), note: Box::new(told) };
        bench.desk.deliver(&out(&format!("{n}.1"), tell, None)).await.unwrap();
        let last = bench.office(|o| o.channel(TEXT).last().cloned()).unwrap();
        checked(&last, &[]);
    }
}

#[test]
fn the_check_itself_finds_what_is_live() {
    for text in ["@everyone", "a <@1>", "\\\\@here", "[a](b)", "# x", "> # x", "`x`", "**x**"] {
        assert!(!live(text).is_empty(), "{text}");
    }
    for text in ["\\@everyone", "\\<\\@1\\>", "plain", "> plain", "a \\# b"] {
        assert!(live(text).is_empty(), "{text}");
    }
}
