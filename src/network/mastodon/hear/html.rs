//! A post's HTML as plain text, with the true targets of its links.
//!
//! What servers write: paragraphs, line breaks, links whose scheme and tail are hidden, mentions
//! and hashtags as links, and (from other software) quotes, lists and code. Source:
//! <https://docs.joinmastodon.org/spec/activitypub/#sanitization>.

use super::super::wire::Named;
use html5gum::{StartTag, Token, Tokenizer};

/// Quotes inside quotes that are shown as such.
const DEPTH: usize = 5;

/// The text. Links show where they really go; mentions show the handles of `mentions`.
pub fn plain(html: &str, mentions: &[Named]) -> String {
    let mut page = Page { mentions, ..Page::default() };
    for Ok(token) in Tokenizer::new(html) {
        match token {
            Token::StartTag(tag) => page.start(&tag),
            Token::EndTag(tag) => page.end(&String::from_utf8_lossy(&tag.name)),
            Token::String(text) => page.text(&String::from_utf8_lossy(&text)),
            _ => {}
        }
    }
    page.close_link();
    page.out.trim().to_owned()
}

/// A link that is being read.
#[derive(Default)]
struct Link {
    href: String,
    class: String,
    /// All its words, hidden ones too.
    whole: String,
}

/// The text so far.
#[derive(Default)]
struct Page<'a> {
    mentions: &'a [Named],
    out: String,
    /// Line ends that come before the next letter.
    breaks: usize,
    /// A space that comes before the next letter.
    space: bool,
    quotes: usize,
    pre: usize,
    /// Inside something that is not shown at all.
    unseen: usize,
    /// The lists we are in: the number of the last item, or `None` without numbers.
    lists: Vec<Option<usize>>,
    link: Option<Link>,
}

impl Page<'_> {
    fn start(&mut self, tag: &StartTag<()>) {
        let name = String::from_utf8_lossy(&tag.name).into_owned();
        match name.as_str() {
            "br" => self.line(),
            "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" | "hr" => self.paragraph(),
            "blockquote" => {
                self.paragraph();
                self.quotes += 1;
            }
            "ul" => self.list(None),
            "ol" => self.list(Some(0)),
            "li" => self.item(),
            "pre" => {
                self.paragraph();
                self.pre += 1;
            }
            "code" if self.pre == 0 => self.word("`"),
            "script" | "style" | "title" | "template" if !tag.self_closing => self.unseen += 1,
            "a" => {
                self.close_link();
                let (href, class) = (attribute(tag, b"href"), attribute(tag, b"class"));
                self.link = Some(Link { href, class, whole: String::new() });
            }
            "img" => self.text(&attribute(tag, b"alt")),
            _ => {}
        }
    }

    fn end(&mut self, name: &str) {
        match name {
            "p" | "div" | "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => self.paragraph(),
            "blockquote" => {
                self.paragraph();
                self.quotes = self.quotes.saturating_sub(1);
            }
            "ul" | "ol" => {
                self.lists.pop();
                self.breaks = self.breaks.max(if self.lists.is_empty() { 2 } else { 1 });
            }
            "li" => self.breaks = self.breaks.max(1),
            "pre" => {
                self.pre = self.pre.saturating_sub(1);
                self.paragraph();
            }
            "code" if self.pre == 0 => self.word("`"),
            "script" | "style" | "title" | "template" => {
                self.unseen = self.unseen.saturating_sub(1)
            }
            "a" => self.close_link(),
            _ => {}
        }
    }

    fn text(&mut self, text: &str) {
        if self.unseen > 0 {
            return;
        }
        if let Some(link) = &mut self.link {
            link.whole.push_str(text);
            return;
        }
        if self.pre > 0 {
            for (n, line) in text.split('\n').enumerate() {
                self.breaks += usize::from(n > 0);
                self.word(line);
            }
            return;
        }
        for piece in text.split_inclusive(is_space) {
            let word = piece.trim_end_matches(is_space);
            self.word(word);
            self.space |= word.len() < piece.len();
        }
    }

    /// Letters that stand as they are, after the breaks and the space that wait.
    fn word(&mut self, word: &str) {
        if word.is_empty() {
            return;
        }
        if let Some(link) = &mut self.link {
            link.whole.push_str(word);
            return;
        }
        let fresh = self.out.is_empty();
        if self.breaks > 0 || fresh {
            let quote = "> ".repeat(self.quotes.min(DEPTH));
            for _ in 0..if fresh { 0 } else { self.breaks } {
                let end = self.out.trim_end_matches([' ', '\t']).len();
                self.out.truncate(end);
                self.out.push('\n');
                self.out.push_str(&quote);
            }
            if fresh {
                self.out.push_str(&quote);
            }
        } else if self.space {
            self.out.push(' ');
        }
        (self.breaks, self.space) = (0, false);
        self.out.push_str(word);
    }

    fn line(&mut self) {
        match &mut self.link {
            Some(link) => link.whole.push(' '),
            None => self.breaks = (self.breaks + 1).min(2),
        }
    }

    fn paragraph(&mut self) {
        self.close_link();
        self.breaks = self.breaks.max(2);
    }

    fn list(&mut self, number: Option<usize>) {
        self.breaks = self.breaks.max(if self.lists.is_empty() { 2 } else { 1 });
        self.lists.push(number);
    }

    fn item(&mut self) {
        self.breaks = self.breaks.max(1);
        let sign = match self.lists.last_mut() {
            Some(Some(number)) => {
                *number += 1;
                format!("{number}.")
            }
            _ => "-".to_owned(),
        };
        self.word(&sign);
        self.space = true;
    }

    fn close_link(&mut self) {
        let Some(link) = self.link.take() else { return };
        let leading = link.whole.starts_with(is_space);
        let trailing = link.whole.ends_with(is_space);
        self.space |= leading;
        let shown = self.shown(&link);
        self.word(&shown);
        self.space |= trailing;
    }

    /// A link as text.
    fn shown(&self, link: &Link) -> String {
        let label = link.whole.split_whitespace().collect::<Vec<_>>().join(" ");
        let classes: Vec<&str> = link.class.split_whitespace().collect();
        if classes.contains(&"mention") || classes.contains(&"hashtag") {
            if let Some(named) = self.named(&link.href, &label) {
                return format!("@{}", named.acct);
            }
            if label.starts_with('#') && !label.contains(char::is_whitespace) {
                return label;
            }
        }
        labelled(&label, &link.href)
    }

    /// Whom a link names: by his page, else by the name it shows, if only one has it.
    fn named(&self, href: &str, label: &str) -> Option<&Named> {
        let by_page = self.mentions.iter().find(|named| !named.url.is_empty() && named.url == href);
        by_page.or_else(|| {
            let local = label.strip_prefix('@')?;
            let like = |named: &&Named| {
                named.acct.eq_ignore_ascii_case(local)
                    || named.acct.split('@').next().is_some_and(|n| n.eq_ignore_ascii_case(local))
            };
            let mut all = self.mentions.iter().filter(like);
            all.next().filter(|_| all.next().is_none())
        })
    }
}

/// A link with a label: just where it goes if the label says no more; never a label that looks like
/// another address.
fn labelled(label: &str, href: &str) -> String {
    let href = href.trim();
    let web = ["http://", "https://"].iter().any(|s| href.to_lowercase().starts_with(s));
    if !web || href.contains(char::is_whitespace) {
        return label.to_owned();
    }
    let bare = |text: &str| {
        let text = text.trim_start_matches("https://").trim_start_matches("http://");
        text.trim_end_matches('/').to_lowercase()
    };
    if label.is_empty() || bare(label) == bare(href) {
        return href.to_owned();
    }
    let address = label.contains("://") || (label.contains('.') && !label.contains(' '));
    if address {
        return format!("{href} (shown as “{}”)", bare(label));
    }
    format!("{label} ({href})")
}

fn attribute(tag: &StartTag<()>, name: &[u8]) -> String {
    let value = tag.attributes.get(name);
    value.map(|value| String::from_utf8_lossy(value).into_owned()).unwrap_or_default()
}

const fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\u{C}')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(acct: &str, url: &str) -> Named {
        Named { id: "1".into(), url: url.into(), acct: acct.into() }
    }

    #[test]
    fn paragraphs_breaks_and_entities() {
        let html = "<p>It&#39;s <b>broken</b><br>since &lt;9&gt;</p><p>Really\n  so &amp; more</p>";
        assert_eq!(plain(html, &[]), "It's broken\nsince <9>\n\nReally so & more");
        assert_eq!(plain("no markup", &[]), "no markup");
        assert_eq!(plain("<p>a<script>alert(1)</script>b<style>x</style></p>", &[]), "ab");
        assert_eq!(plain("<p>a<br><br><br><br>b", &[]), "a\n\nb");
    }

    #[test]
    fn links_show_where_they_go() {
        let link = |href: &str, label: &str| plain(&format!("<a href=\"{href}\">{label}</a>"), &[]);
        let hidden = "<span class=\"invisible\">https://</span><span class=\"ellipsis\">x.example/a\
                      </span><span class=\"invisible\">bc?d=1</span>";
        assert_eq!(link("https://x.example/abc?d=1", hidden), "https://x.example/abc?d=1");
        let evil = link("https://evil.example/", "https://bank.example");
        assert_eq!(evil, "https://evil.example/ (shown as “bank.example”)");
        assert_eq!(link("https://x.example", "our page"), "our page (https://x.example)");
        assert_eq!(link("javascript:alert(1)", "press"), "press");
        assert_eq!(
            plain("see<a href=\"https://x.example\"> here </a>now", &[]),
            "see here (https://x.example) now"
        );
    }

    #[test]
    fn mentions_show_whole_handles() {
        let html = "<p><span class=\"h-card\"><a href=\"https://a.example/@ann\" class=\"u-url \
                    mention\">@<span>ann</span></a></span> and <a class=\"mention hashtag\" \
                    href=\"https://a.example/tags/Help\">#<span>Help</span></a></p>";
        let people = [named("ann@a.example", "https://a.example/@ann")];
        assert_eq!(plain(html, &people), "@ann@a.example and #Help");
        let twins = [named("ann@a.example", ""), named("ann@b.example", "")];
        assert_eq!(plain(html, &twins), "@ann (https://a.example/@ann) and #Help");
    }

    #[test]
    fn quotes_lists_and_code() {
        let html = "<blockquote><p>one</p><p>two</p></blockquote><ul><li>a</li><li>b</li></ul>\
                    <ol><li>c<li>d</ol><pre><code>x  =\n  1</code></pre><p>use <code>y</code>.";
        let want = "> one\n>\n> two\n\n- a\n- b\n\n1. c\n2. d\n\nx  =\n  1\n\nuse `y`.";
        assert_eq!(plain(html, &[]), want);
    }

    #[test]
    fn hostile_markup_ends() {
        assert_eq!(plain(&"<blockquote>".repeat(10_000), &[]), "");
        let deep = plain(&format!("{}x", "<blockquote>".repeat(10_000)), &[]);
        assert_eq!(deep, format!("{}x", "> ".repeat(DEPTH)));
        assert_eq!(plain("<a href=\"x", &[]), "");
        assert_eq!(plain("<p>a</p></p></blockquote></ul></a>b", &[]), "a\n\nb");
    }
}
