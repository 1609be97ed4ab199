//! An agent's markdown as plain words, and what in them only colleagues understand.
//!
//! After Discord's "Message Formatting" (<https://docs.discord.com/developers/reference>) and its
//! text formatting guide. Where Discord and a plain reading differ (`2*3*4`), the signs stay: a
//! customer must not read other numbers than the agent wrote.

use crate::case::event::Inside;
use crate::case::time::Timestamp;

/// What became of a text.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plain {
    pub(crate) text: String,
    pub(crate) inside: Vec<Inside>,
    /// Users that were called, in order, our own bot not among them.
    pub(crate) called: Vec<String>,
}

/// How names of people are found.
pub(crate) type Names<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Marks within marks that are read.
const DEPTH: usize = 8;
/// How far the second mark of a pair is looked for, in bytes.
const SPAN: usize = 4_000;
/// Signs in a row that can be marks: bold and slanted. A longer row is an ornament.
const LONGEST: usize = 3;
/// Marks that come in pairs; longer ones first.
const PAIRS: [&str; 6] = ["**", "__", "~~", "||", "*", "_"];

/// Turns a text into plain words. `me` is our own bot's user.
pub(crate) fn plain(text: &str, me: &str, names: Names<'_>) -> Plain {
    let mut out = Plain::default();
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    if !lines.is_empty() && lines.iter().all(|line| line.trim_start().starts_with('>')) {
        out.inside.push(Inside::QuoteOnly);
    }
    let mut reader = Reader { rest: text, before: None, depth: 0, me, names, out };
    reader.all();
    reader.out.text = reader.out.text.trim().to_owned();
    reader.out.inside.sort_unstable_by_key(|inside| format!("{inside:?}"));
    reader.out.inside.dedup();
    reader.out
}

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
            if matches!(self.before, None | Some('\n')) && self.depth == 0 {
                self.line_start();
            }
            let taken = match c {
                _ if !self.rest.starts_with(c) => true,
                '\\' => self.escaped(),
                '<' => self.brackets(),
                '`' => self.code(),
                '[' => self.labelled(),
                '@' => self.everyone(),
                '*' | '_' | '~' | '|' => self.mark(),
                _ => false,
            };
            if !taken {
                self.one(c);
            }
        }
    }

    /// Headings and small print are only looks.
    fn line_start(&mut self) {
        for sign in ["### ", "## ", "# ", "-# "] {
            if let Some(rest) = self.rest.strip_prefix(sign) {
                self.rest = rest;
                return;
            }
        }
    }

    fn one(&mut self, c: char) {
        self.rest = &self.rest[c.len_utf8()..];
        self.before = Some(c);
        self.out.text.push(c);
    }

    fn say(&mut self, text: &str) {
        self.out.text.push_str(text);
        self.before = text.chars().last().or(self.before);
    }

    fn escaped(&mut self) -> bool {
        let Some(c) = self.rest[1..].chars().next().filter(char::is_ascii_punctuation) else {
            return false;
        };
        self.rest = &self.rest[1..];
        self.one(c);
        true
    }

    /// `<…>`: a call, a channel, an emoji, an instant or a bare link.
    fn brackets(&mut self) -> bool {
        let Some(end) = self.rest.find('>') else { return false };
        let body = &self.rest[1..end];
        let after = &self.rest[end + 1..];
        if !self.bracket(body) {
            return false;
        }
        self.rest = after;
        true
    }

    fn bracket(&mut self, body: &str) -> bool {
        let id = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        if let Some(role) = body.strip_prefix("@&").filter(|role| id(role)) {
            let _ = role;
            self.out.inside.push(Inside::Person);
            self.say("@role");
        } else if let Some(user) = body.strip_prefix('@') {
            let user = user.strip_prefix('!').unwrap_or(user);
            if !id(user) {
                return false;
            }
            self.person(user);
        } else if body.strip_prefix('#').is_some_and(id) || body.starts_with("id:") {
            self.out.inside.push(Inside::Channel);
            self.say("#channel");
        } else if let Some(command) = body.strip_prefix('/') {
            let Some((name, _)) = command.rsplit_once(':').filter(|(_, n)| id(n)) else {
                return false;
            };
            self.out.inside.push(Inside::Bot);
            self.say(&format!("/{name}"));
        } else if body.starts_with("https://") || body.starts_with("http://") {
            if body.contains(char::is_whitespace) {
                return false;
            }
            self.say(body);
        } else {
            return self.emoji(body) || self.when(body);
        }
        true
    }

    fn person(&mut self, user: &str) {
        if user == self.me {
            return self.out.inside.push(Inside::Bot);
        }
        self.out.inside.push(Inside::Person);
        self.out.called.push(user.to_owned());
        let name = (self.names)(user).unwrap_or_else(|| "somebody".into());
        self.say(&format!("@{}", name.trim_start_matches('@')));
    }

    /// `<:name:id>`, `<a:name:id>`: an emoji of this server.
    fn emoji(&mut self, body: &str) -> bool {
        let Some(body) = body.strip_prefix("a:").or_else(|| body.strip_prefix(':')) else {
            return false;
        };
        let Some((name, id)) = body.split_once(':') else { return false };
        let sound = |c: char| c.is_alphanumeric() || c == '_';
        if !name.chars().all(sound) || !id.bytes().all(|b| b.is_ascii_digit()) {
            return false;
        }
        self.out.inside.push(Inside::Emoji);
        self.say(&format!(":{name}:"));
        true
    }

    /// `<t:1618953630:R>`: an instant, which each reader sees in his own time zone.
    fn when(&mut self, body: &str) -> bool {
        let Some(body) = body.strip_prefix("t:") else { return false };
        let number = body.split(':').next().unwrap_or_default();
        let Ok(seconds) = number.parse::<i64>() else { return false };
        if !(0..=4_102_444_800).contains(&seconds) {
            return false;
        }
        self.say(&Timestamp::from_seconds(seconds).to_string());
        true
    }

    fn everyone(&mut self) -> bool {
        let called = ["@everyone", "@here"].iter().find(|call| self.rest.starts_with(**call));
        let Some(call) = called else { return false };
        self.out.inside.push(Inside::Person);
        let call = &self.rest[..call.len()];
        self.rest = &self.rest[call.len()..];
        self.say(call);
        true
    }

    /// `[label](address)`: shown as the label with its true target.
    fn labelled(&mut self) -> bool {
        let Some((label, rest)) = self.rest[1..].split_once("](") else { return false };
        let Some((target, after)) = rest.split_once(')') else { return false };
        let target = target.split_whitespace().next().unwrap_or_default();
        let target = target.trim_start_matches('<').trim_end_matches('>');
        let web = target.starts_with("https://") || target.starts_with("http://");
        if !web || label.contains(['\n', '[', ']']) {
            return false;
        }
        let bare = |text: &str| {
            let text = text.trim_start_matches("https://").trim_start_matches("http://");
            text.trim_end_matches('/').to_owned()
        };
        if bare(label) == bare(target) {
            self.say(target);
        } else {
            self.within(label);
            self.say(&format!(" ({target})"));
        }
        self.rest = after;
        true
    }

    /// Back quotes: what stands between them is kept to the letter.
    fn code(&mut self) -> bool {
        let ticks = self.rest.len() - self.rest.trim_start_matches('`').len();
        let fence = "```".get(..ticks.min(3)).unwrap_or("`");
        let body = &self.rest[fence.len()..];
        let Some(end) = body.find(fence).filter(|end| *end > 0) else { return false };
        let (mut inner, rest) = (&body[..end], &body[end + fence.len()..]);
        if fence == "```"
            && let Some((language, code)) = inner.split_once('\n')
            && language.chars().all(|c| c.is_ascii_alphanumeric() || "+-_.#".contains(c))
        {
            inner = code;
        }
        let inner = if fence == "```" { inner.trim_matches('\n') } else { inner.trim() };
        self.say(inner);
        self.rest = rest;
        true
    }

    /// A pair of marks: the marks go, the words stay.
    fn mark(&mut self) -> bool {
        let rest = self.rest;
        if self.depth >= DEPTH {
            return false;
        }
        let sign = rest.chars().next().unwrap_or(' ');
        let run = rest.len() - rest.trim_start_matches(sign).len();
        let found = PAIRS.iter().filter(|mark| run <= LONGEST && rest.starts_with(**mark));
        let pair = found.filter_map(|mark| Some((*mark, self.closing(mark)?))).next();
        let Some((mark, end)) = pair else {
            // A run of one sign that closes nothing is text, all of it.
            self.rest = &rest[run..];
            self.say(&rest[..run]);
            return true;
        };
        let inner = &rest[mark.len()..mark.len() + end];
        self.within(inner);
        self.rest = &rest[2 * mark.len() + end..];
        self.before = mark.chars().last();
        true
    }

    /// Where the second mark stands, counted from behind the first.
    fn closing(&self, mark: &str) -> Option<usize> {
        let body = &self.rest[mark.len()..];
        let body = &body[..body.floor_char_boundary(SPAN)];
        let sign = mark.chars().next()?;
        let word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let single = mark.len() == 1;
        let opens = body.chars().next().is_some_and(|c| !c.is_whitespace());
        if !opens || (single && (word(self.before) || body.starts_with(sign))) {
            return None;
        }
        let mut from = 0;
        while let Some(at) = body[from..].find(mark).map(|at| at + from) {
            let (inner, after) = (&body[..at], body[at + mark.len()..].chars().next());
            let last = inner.chars().last();
            let sound = !inner.is_empty() && after != Some(sign) && last != Some('\\');
            let tight =
                !single || (!word(after) && last.is_some_and(|c| !c.is_whitespace() && c != sign));
            if sound && tight {
                return Some(at);
            }
            from = at + 1;
        }
        None
    }

    fn within(&mut self, inner: &'a str) {
        let rest = std::mem::replace(&mut self.rest, inner);
        self.before = None;
        self.depth += 1;
        self.all();
        self.depth -= 1;
        self.rest = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Inside::{Bot, Channel, Emoji, Person, QuoteOnly};

    fn read(text: &str) -> (String, Vec<Inside>) {
        let names = |id: &str| (id == "111").then(|| "Ann Lee".to_owned());
        let plain = plain(text, "999", &names);
        (plain.text, plain.inside)
    }

    #[test]
    fn a_row_of_signs_is_an_ornament() {
        for text in ["***** what a coincidence *****", "name: ____ date: ____", "~~~~ a ~~~~"] {
            assert_eq!(read(text).0, text);
        }
        assert_eq!(read("***both*** of them").0, "both of them");
    }

    #[test]
    fn words_come_out_as_the_customer_would_write_them() {
        let cases = [
            ("Fish & chips <3", "Fish & chips <3"),
            ("**now** and *then*, ~~never~~ `a_b*c`", "now and then, never a_b*c"),
            ("***both*** and __under__ and _it_", "both and under and it"),
            ("||secret|| but a || b", "secret but a || b"),
            ("```rust\nlet x = &y;\n```", "let x = &y;"),
            ("``a ` b``", "a ` b"),
            ("2*3*4 snake_case_name a ~ b", "2*3*4 snake_case_name a ~ b"),
            (r"\*stars\* and \\ and \<3", r"*stars* and \ and <3"),
            ("see <https://x.example/a?b=1>", "see https://x.example/a?b=1"),
            ("see [our page](https://x.example)", "see our page (https://x.example)"),
            ("see [x.example](<https://x.example/>)", "see https://x.example/"),
            ("[not](a link)", "[not](a link)"),
            ("# Big\n-# small\n## Less", "Big\nsmall\nLess"),
            ("great 👍", "great 👍"),
            ("a < b > c", "a < b > c"),
            ("until <t:1618953630:R>", "until 2021-04-20T21:20:30.000Z"),
            ("****", "****"),
            ("¯\\\\\\_(ツ)\\_/¯", "¯\\_(ツ)_/¯"),
        ];
        for (from, to) in cases {
            assert_eq!(read(from), (to.to_owned(), vec![]), "{from}");
        }
    }

    #[test]
    fn what_is_only_for_colleagues_is_told() {
        let cases: [(&str, &str, &[Inside]); 11] = [
            ("<@111> what now?", "@Ann Lee what now?", &[Person]),
            ("<@!222> hm", "@somebody hm", &[Person]),
            ("<@&333> hm", "@role hm", &[Person]),
            ("<@999> close", "close", &[Bot]),
            ("see <#444>", "see #channel", &[Channel]),
            ("@here help", "@here help", &[Person]),
            ("**@everyone** help", "@everyone help", &[Person]),
            ("nice <:parrot:555>", "nice :parrot:", &[Emoji]),
            ("</careline list:666>", "/careline list", &[Bot]),
            ("> quoted\n> all", "> quoted\n> all", &[QuoteOnly]),
            ("`<@111>`", "<@111>", &[]),
        ];
        for (from, to, inside) in cases {
            assert_eq!(read(from), (to.to_owned(), inside.to_vec()), "{from}");
        }
    }

    #[test]
    fn never_panics_and_never_grows_wild() {
        let odd = [
            "<", "<@", "`", "```", "``", "*", "**", "[](", "[a](", "\\", "<>", "*é*", "<t:>", "\\é",
        ];
        for text in odd {
            let _ = read(text);
        }
        let deep = "*_".repeat(3_000);
        assert!(read(&deep).0.len() <= 6_000);
        let deep = "[a](".repeat(2_000);
        assert!(read(&deep).0.len() <= 8_000);
    }
}
