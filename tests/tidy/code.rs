//! Rust text with its comments and strings blanked out, so that rules see code only.

/// One Rust file.
pub(super) struct Source {
    /// Its path in the project.
    pub(super) path: String,
    /// What stands in it.
    pub(super) text: String,
    /// The same, line for line, with blanks instead of comments and strings.
    pub(super) code: String,
    /// The same as `code`, with test modules blanked out too.
    pub(super) product: String,
}

impl Source {
    pub(super) fn new(path: &str, text: &str) -> Self {
        let code = strip(text);
        let product = if path.ends_with("tests.rs") || path.contains("/tests/") {
            blank(&code)
        } else {
            without_tests(&code)
        };
        Self { path: path.into(), text: text.into(), code, product }
    }

    /// The parts of the path below `src`, without `mod.rs` and `.rs`: `network`, `mastodon`, `say`.
    pub(super) fn module(&self) -> Vec<&str> {
        let path = self.path.trim_start_matches("src/").trim_end_matches(".rs");
        path.split('/').filter(|part| *part != "mod").collect()
    }

    /// The first folder below `src`.
    pub(super) fn room(&self) -> &str {
        self.module().first().copied().unwrap_or_default()
    }
}

/// The line, from 1, of a place in a text.
pub(super) fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at].iter().filter(|b| **b == b'\n').count() + 1
}

fn blank(code: &str) -> String {
    code.chars().map(|c| if c == '\n' { c } else { ' ' }).collect()
}

/// Blanks comments, strings and character literals; lines and columns stay where they are.
pub(super) fn strip(text: &str) -> String {
    let all = text.as_bytes();
    let mut out = Vec::with_capacity(all.len());
    let mut at = 0;
    while at < all.len() {
        let end = at + length_of_blank(text, at);
        if end == at {
            out.push(all[at]);
            at += 1;
        } else {
            out.extend(all[at..end].iter().map(|b| if *b == b'\n' { b'\n' } else { b' ' }));
            at = end;
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

/// How many bytes from here are comment, string or character; 0 if it is code.
fn length_of_blank(text: &str, at: usize) -> usize {
    let rest = &text.as_bytes()[at..];
    let word_before = at > 0 && is_word(text.as_bytes()[at - 1]);
    match rest {
        [b'/', b'/', ..] => rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len()),
        [b'/', b'*', ..] => block(rest),
        [b'"', ..] => quoted(rest),
        [b'b', b'"', ..] if !word_before => 1 + quoted(&rest[1..]),
        [b'r', b'"' | b'#', ..] if !word_before => raw(&rest[1..]).map_or(0, |n| n + 1),
        [b'b', b'r', b'"' | b'#', ..] if !word_before => raw(&rest[2..]).map_or(0, |n| n + 2),
        [b'\'', ..] => character(rest),
        _ => 0,
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn block(rest: &[u8]) -> usize {
    let (mut at, mut depth) = (0, 0_usize);
    while at < rest.len() {
        match &rest[at..] {
            [b'/', b'*', ..] => (at, depth) = (at + 2, depth + 1),
            [b'*', b'/', ..] if depth == 1 => return at + 2,
            [b'*', b'/', ..] => (at, depth) = (at + 2, depth - 1),
            _ => at += 1,
        }
    }
    at
}

fn quoted(rest: &[u8]) -> usize {
    let mut at = 1;
    while at < rest.len() {
        match rest[at] {
            b'\\' => at += 2,
            b'"' => return at + 1,
            _ => at += 1,
        }
    }
    rest.len()
}

fn raw(rest: &[u8]) -> Option<usize> {
    let hashes = rest.iter().take_while(|b| **b == b'#').count();
    (rest.get(hashes) == Some(&b'"')).then_some(())?;
    let mut end = vec![b'"'];
    end.extend(std::iter::repeat_n(b'#', hashes));
    let body = hashes + 1;
    let found = rest[body..].windows(end.len()).position(|w| w == end)?;
    Some(body + found + end.len())
}

/// A character literal, and not a lifetime.
fn character(rest: &[u8]) -> usize {
    if rest.get(1) == Some(&b'\\') {
        let after =
            3 + rest.get(3..).map_or(0, |r| r.iter().position(|b| *b == b'\'').unwrap_or(0));
        return after + 1;
    }
    let text = std::str::from_utf8(&rest[1..rest.len().min(5)]);
    let text = text
        .unwrap_or_else(|e| std::str::from_utf8(&rest[1..1 + e.valid_up_to()]).unwrap_or_default());
    let width = text.chars().next().map_or(0, char::len_utf8);
    if width > 0 && rest.get(1 + width) == Some(&b'\'') { width + 2 } else { 0 }
}

/// Blanks what is only compiled for tests.
fn without_tests(code: &str) -> String {
    let mut out = code.to_owned();
    while let Some(at) = out.find("#[cfg(test)]") {
        let end = match (out[at..].find('{'), out[at..].find(';')) {
            (Some(open), semi) if semi.is_none_or(|semi| open < semi) => closing(&out, at + open),
            (_, Some(semi)) => at + semi + 1,
            _ => out.len(),
        };
        out.replace_range(at..end, &blank(&out[at..end]));
    }
    out
}

/// The place behind the brace that closes the one at `open`.
pub(super) fn closing(code: &str, open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => return at + 1,
            b'}' => depth -= 1,
            _ => {}
        }
    }
    code.len()
}

#[test]
fn only_code_is_left() {
    let text = "a // crate::x\n/* b /* c */ d */ e \"crate::\\\"y\" r#\"z\"w\"# '\"' 'f' b\"g\" h";
    let left: Vec<_> = strip(text).split_whitespace().map(str::to_owned).collect();
    assert_eq!(left, ["a", "e", "h"]);
    assert_eq!(strip("fn f<'a>(x: &'a str) {}"), "fn f<'a>(x: &'a str) {}");
    assert_eq!(strip("'\\'' x '\\u{1F600}' y '…' z").split_whitespace().count(), 3);
    assert_eq!(strip("a\n\"b\nc\"\nd").lines().count(), 4);
}

#[test]
fn tests_are_not_product() {
    let source =
        Source::new("src/a.rs", "use x;\n#[cfg(test)]\nmod tests {\n fn f() {}\n}\nuse y;");
    assert!(!source.product.contains("fn f") && source.product.contains("use y"));
    assert_eq!(source.product.lines().count(), 6);
    let source = Source::new("src/a.rs", "#[cfg(test)]\nmod tests;\nuse y;");
    assert!(!source.product.contains("tests") && source.product.contains("use y"));
}
