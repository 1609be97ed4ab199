//! An agent's mrkdwn as plain words, and what in them only colleagues understand.
//!
//! After Slack's "Formatting text for app surfaces": `&`, `<`, `>` come escaped; what stands in
//! angle brackets is a link or a call; `*`, `_`, `~` and back quotes are marks at word borders.

use crate::case::event::Inside;

/// What became of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) text: String,
    pub(crate) inside: Vec<Inside>,
}

/// How names of people are found.
pub(crate) type Names<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Turns a text into plain words. `me` is our own bot's user.
pub(crate) fn plain(text: &str, me: &str, names: Names<'_>) -> Plain {
    let mut out = Plain::default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if !lines.is_empty() && lines.iter().all(|line| line.trim_start().starts_with("&gt;")) {
        out.inside.push(Inside::QuoteOnly);
    }
    let mut reader = Reader { rest: text, before: None, depth: 0, me, names, out };
    reader.all();
    reader.out.text = reader.out.text.trim().to_owned();
    reader.out.inside.sort_unstable_by_key(|inside| format!("{inside:?}"));
    reader.out.inside.dedup();
    reader.out
}

/// Users named in a text, so that their names can be looked up before.
pub(crate) fn called(text: &str) -> impl Iterator<Item = &str> {
    text.split("<@").skip(1).filter_map(|rest| {
        let id = rest.split(['>', '|']).next()?;
        (!id.is_empty()).then_some(id)
    })
}

/// Marks within marks that are read; Slack has four kinds, and a stack has an end.
const DEPTH: usize = 8;
/// How far the second mark of a pair is looked for, in bytes.
const SPAN: usize = 2_000;

struct Reader<'a> {
    rest: &'a str,
    before: Option<char>,
    depth: usize,
    me: &'a str,
    names: Names<'a>,
    out: Plain,
}

impl<'a> Reader<'a> {
    fn all(&mut self) {
        while let Some(c) = self.rest.chars().next() {
            let taken = match c {
                '<' => self.brackets(),
                '`' => self.code(),
                ':' => self.emoji(),
                '*' | '_' | '~' => self.mark(c),
                _ => false,
            };
            if !taken {
                self.one(c);
            }
        }
    }

    /// One character as it is, escapes undone.
    fn one(&mut self, c: char) {
        for (escaped, plain) in [("&amp;", '&'), ("&lt;", '<'), ("&gt;", '>')] {
            if c == '&' && self.rest.starts_with(escaped) {
                self.rest = &self.rest[escaped.len()..];
                self.before = Some(plain);
                return self.out.text.push(plain);
            }
        }
        self.rest = &self.rest[c.len_utf8()..];
        self.before = Some(c);
        self.out.text.push(c);
    }

    fn say(&mut self, text: &str) {
        self.out.text.push_str(text);
        self.before = text.chars().last().or(self.before);
    }

    /// `<…>`: a call or a link. Without its end it is just a character.
    fn brackets(&mut self) -> bool {
        let Some(end) = self.rest.find('>') else { return false };
        let body = &self.rest[1..end];
        self.rest = &self.rest[end + 1..];
        let (target, label) = body.split_once('|').map_or((body, None), |(t, l)| (t, Some(l)));
        let label = label.map(unescape).filter(|label| !label.is_empty());
        if let Some(user) = target.strip_prefix('@') {
            self.person(user, label);
        } else if target.starts_with('#') {
            self.out.inside.push(Inside::Channel);
            self.say(&format!("#{}", label.unwrap_or_else(|| "channel".into())));
        } else if let Some(special) = target.strip_prefix('!') {
            self.special(special, label);
        } else {
            self.link(&unescape(target), label);
        }
        true
    }

    fn person(&mut self, user: &str, label: Option<String>) {
        if user == self.me {
            self.out.inside.push(Inside::Bot);
            return;
        }
        self.out.inside.push(Inside::Person);
        let name = (self.names)(user).or(label).unwrap_or_else(|| "somebody".into());
        self.say(&format!("@{}", name.trim_start_matches('@')));
    }

    /// `<!here>`, `<!subteam^S1|@team>` call people; `<!date^…|text>` is only a date.
    fn special(&mut self, special: &str, label: Option<String>) {
        if special.starts_with("date^") {
            return self.say(&label.unwrap_or_default());
        }
        self.out.inside.push(Inside::Person);
        let name = special.split('^').next().unwrap_or_default().to_owned();
        self.say(&format!("@{}", label.unwrap_or(name).trim_start_matches('@')));
    }

    fn link(&mut self, target: &str, label: Option<String>) {
        let bare = |text: &str| {
            let text = text.trim_start_matches("mailto:").trim_start_matches("tel:");
            text.trim_start_matches("https://").trim_start_matches("http://").to_owned()
        };
        let shown = target.trim_start_matches("mailto:").trim_start_matches("tel:");
        match label {
            Some(label)
                if bare(&label).trim_end_matches('/') != bare(target).trim_end_matches('/') =>
            {
                self.say(&format!("{label} ({shown})"));
            }
            _ => self.say(shown),
        }
    }

    /// Back quotes: what stands between them is kept to the letter.
    fn code(&mut self) -> bool {
        let fence = if self.rest.starts_with("```") { "```" } else { "`" };
        let body = &self.rest[fence.len()..];
        let Some(end) = body.find(fence).filter(|end| *end > 0) else { return false };
        let (body, rest) = (&body[..end], &body[end + fence.len()..]);
        if fence == "`" && body.contains('\n') {
            return false;
        }
        let text = unescape(body);
        self.say(text.trim_matches('\n'));
        self.rest = rest;
        true
    }

    /// `:name:`, with a skin tone behind it perhaps.
    fn emoji(&mut self) -> bool {
        let Some(end) = self.rest[1..].find(':').map(|end| end + 1) else { return false };
        let name = &self.rest[1..end];
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_+-'".contains(c);
        if name.is_empty() || !name.chars().all(|c| plain(c) || !c.is_ascii() && c.is_alphabetic())
        {
            return false;
        }
        if let Some(found) = by_name(name) {
            self.rest = &self.rest[end + 1..];
            let toned = self.tone().and_then(|tone| found.with_skin_tone(tone)).unwrap_or(found);
            self.say(toned.as_str());
            return true;
        }
        if !name.chars().any(char::is_alphabetic) {
            return false;
        }
        self.out.inside.push(Inside::Emoji);
        let word = self.rest[..=end].to_owned();
        self.rest = &self.rest[end + 1..];
        self.say(&word);
        true
    }

    fn tone(&mut self) -> Option<emojis::SkinTone> {
        let rest = self.rest.strip_prefix(":skin-tone-")?;
        let (digit, rest) = (rest.chars().next()?, rest.get(1..)?.strip_prefix(':')?);
        self.rest = rest;
        match digit {
            '2' => Some(emojis::SkinTone::Light),
            '3' => Some(emojis::SkinTone::MediumLight),
            '4' => Some(emojis::SkinTone::Medium),
            '5' => Some(emojis::SkinTone::MediumDark),
            '6' => Some(emojis::SkinTone::Dark),
            _ => None,
        }
    }

    /// A pair of marks around words of one line: the marks go, the words stay.
    fn mark(&mut self, mark: char) -> bool {
        let border = |c: Option<char>| c.is_none_or(|c| !c.is_alphanumeric());
        let body = &self.rest[1..];
        let opens = self.depth < DEPTH
            && border(self.before)
            && body.chars().next().is_some_and(|c| !c.is_whitespace() && c != mark);
        if !opens {
            return false;
        }
        let line = &body[..body.find('\n').unwrap_or(body.len())];
        let line = &line[..line.floor_char_boundary(SPAN)];
        let closes = line.char_indices().find(|(at, c)| {
            let after = line[at + c.len_utf8()..].chars().next();
            let inner = line[..*at].chars().last();
            *c == mark
                && border(after)
                && after != Some(mark)
                && inner.is_some_and(|c| !c.is_whitespace())
        });
        let Some((end, _)) = closes else { return false };
        let (inner, rest) = (&body[..end], &body[end + 1..]);
        self.within(inner);
        self.rest = rest;
        self.before = Some(mark);
        true
    }

    fn within(&mut self, inner: &'a str) {
        self.rest = inner;
        self.before = None;
        self.depth += 1;
        self.all();
        self.depth -= 1;
    }
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

/// Names that Slack gives and the table of GitHub's names lacks.
const ALSO: &[(&str, &str)] = &[
    ("simple_smile", "🙂"),
    ("thumbsup_all", "👍"),
    ("hankey", "💩"),
    ("face_with_rolling_eyes", "🙄"),
    ("hugging_face", "🤗"),
    ("thinking_face", "🤔"),
    ("face_with_cowboy_hat", "🤠"),
    ("partying_face", "🥳"),
    ("white_frowning_face", "☹️"),
    ("heavy_plus_sign", "➕"),
];

fn by_name(name: &str) -> Option<&'static emojis::Emoji> {
    let also = || ALSO.iter().find(|(n, _)| *n == name).and_then(|(_, e)| emojis::get(e));
    let worded = || {
        let words = name.replace(['_', '-'], " ");
        emojis::iter().find(|emoji| emoji.name() == words)
    };
    emojis::get_by_shortcode(name).or_else(also).or_else(worded)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Inside::{Bot, Channel, Emoji, Person, QuoteOnly};

    fn read(text: &str) -> (String, Vec<Inside>) {
        let names = |id: &str| (id == "U1").then(|| "Ann Lee".to_owned());
        let plain = plain(text, "UBOT", &names);
        (plain.text, plain.inside)
    }

    #[test]
    fn words_come_out_as_the_customer_would_write_them() {
        let cases = [
            ("Fish &amp; chips &lt;3", "Fish & chips <3"),
            ("&amp;lt;", "&lt;"),
            ("*now* and _then_, ~never~ `a_b*c`", "now and then, never a_b*c"),
            ("```\nlet x = &amp;y;\n```", "let x = &y;"),
            ("2*3*4 snake_case_name a ~ b", "2*3*4 snake_case_name a ~ b"),
            ("see <https://x.example/a?b=1&amp;c=2>", "see https://x.example/a?b=1&c=2"),
            ("see <https://x.example|our page>", "see our page (https://x.example)"),
            ("see <http://x.example|x.example>", "see http://x.example"),
            ("<mailto:a@x.example|a@x.example>", "a@x.example"),
            ("until <!date^1392734382^{date}|18 February>", "until 18 February"),
            ("great :+1: :smile:", "great 👍 😄"),
            ("hi :wave::skin-tone-4:", "hi 👋🏽"),
            ("at 10:30:45 today", "at 10:30:45 today"),
            ("a < b", "a < b"),
            ("*_both_*", "both"),
        ];
        for (from, to) in cases {
            assert_eq!(read(from), (to.to_owned(), vec![]), "{from}");
        }
    }

    #[test]
    fn what_is_only_for_colleagues_is_told() {
        let cases: [(&str, &str, &[Inside]); 9] = [
            ("<@U1> what now?", "@Ann Lee what now?", &[Person]),
            ("<@U9|bob> hm", "@bob hm", &[Person]),
            ("<@UBOT> close", "close", &[Bot]),
            ("see <#C1|ops>", "see #ops", &[Channel]),
            ("<!here> help", "@here help", &[Person]),
            ("<!subteam^S1|@crew> help", "@crew help", &[Person]),
            ("nice :our_parrot:", "nice :our_parrot:", &[Emoji]),
            ("&gt; quoted\n&gt; all", "> quoted\n> all", &[QuoteOnly]),
            ("`<@U1>`", "<@U1>", &[]),
        ];
        for (from, to, inside) in cases {
            assert_eq!(read(from), (to.to_owned(), inside.to_vec()), "{from}");
        }
    }

    #[test]
    fn never_panics_and_never_grows_wild() {
        for text in
            ["<", "<@", "<|>", "`", "```", "*", "**", ":", "::", "&", "<!>", "<#>", "*é*", ":é:"]
        {
            let _ = read(text);
        }
        let deep = "*".repeat(5_000);
        assert!(read(&deep).0.len() <= 5_000);
    }
}
