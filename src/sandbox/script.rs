//! Dialogues as text: what people do, and what must be seen then. Played by [`play`](super::play)
//! into the demo, and by the tests at other heights.
//!
//! One step a line. Empty lines and lines that begin with `#` are for readers.
//!
//! | Line | Meaning |
//! |---|---|
//! | `anna: @acme my tent leaks` | a customer writes, publicly |
//! | `anna (direct): @acme …` | … only to the account |
//! | `anna (again): …` | … below what was last said between them |
//! | `anna (warning Spoilers): …` | … with a content warning; `(picture)` adds a picture |
//! | `anna edits: …`, `anna deletes` | her newest post |
//! | `maria> On its way!` | an agent writes in the thread of the customer who was named last |
//! | `maria to anna> …` | … in the thread of that customer |
//! | `maria edits> …`, `maria deletes` | her newest message |
//! | `maria@ claim` | she calls the bot in the thread |
//! | `maria/ list` | a slash command in the channel |
//! | `maria! Claim` | she presses the newest button of that label in the thread |
//! | `maria fills> …` | she sends the form that is open before her |
//! | `acme: …` | a colleague answers in the network's own app |
//! | `say: …` | the narrator |
//! | `wait 2 s` | nothing happens |
//! | `power cut` | the daemon dies hard and starts again on the same store |
//! | `fault acme POST /api/v1/statuses status 503 x2` | calls go wrong; `faults over` ends them |
//! | `fault acme POST /api/v1/statuses status 429 x1 after 1` | … but one goes well before |
//! | `expect thread: …` | a message in the thread holds these words |
//! | `expect no thread: …` | … none does, at this moment |
//! | `expect card: …` | the card on top of the thread holds these words |
//! | `expect network: …` | the customer was answered with these words, exactly once |
//! | `expect only maria: …` | only she is shown these words |
//! | `expect form: …` | a form with these words is open |
//! | `expect nothing outside` | nothing was posted beyond what was expected so far |

use super::pair::Pair;
use crate::case::time::Span;
use crate::world::fault::{Fault, Wrong};
use std::fmt;

/// A dialogue: its name and its steps with their line numbers.
#[derive(Clone, Debug, PartialEq)]
pub struct Script {
    /// Its name, for messages.
    pub name: String,
    /// Its steps.
    pub steps: Vec<(usize, Step)>,
}

/// One step.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Somebody does something.
    Act(Act),
    /// Something must be seen, soon.
    Expect(Expect),
    /// Nothing happens for so long.
    Wait(Span),
    /// The narrator speaks.
    Say(String),
}

/// How a post is written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct How {
    /// Only for the account.
    pub direct: bool,
    /// Below what was last said between the two.
    pub again: bool,
    /// With this content warning.
    pub warning: Option<String>,
    /// With a picture.
    pub picture: bool,
}

/// What somebody does.
#[derive(Clone, Debug, PartialEq)]
pub enum Act {
    /// A customer (or a colleague in the account's own app) writes.
    Post {
        /// Who.
        who: String,
        /// How.
        how: How,
        /// What.
        text: String,
    },
    /// Somebody changes his newest post.
    EditPost {
        /// Who.
        who: String,
        /// What it says now.
        text: String,
    },
    /// Somebody deletes his newest post.
    DeletePost {
        /// Who.
        who: String,
    },
    /// A member of staff does something in a customer's thread.
    Desk {
        /// Who.
        who: String,
        /// In whose thread; `None` is the customer who was named last.
        to: Option<String>,
        /// What.
        what: DeskAct,
    },
    /// Calls go wrong.
    Fault(Fault),
    /// All faults are over.
    FaultsOver,
    /// The daemon dies and starts again.
    PowerCut,
}

/// What a member of staff does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeskAct {
    /// Writes a plain message.
    Say(String),
    /// Changes his newest message.
    Edit(String),
    /// Deletes his newest message.
    Delete,
    /// Calls the bot with these words.
    Call(String),
    /// A slash command in the channel.
    Slash(String),
    /// Presses the newest button of this label.
    Press(String),
    /// Sends the open form with this text.
    Fill(String),
}

/// What must be seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// A message in the thread holds these words.
    Thread(String),
    /// No message in the thread holds these words.
    NoThread(String),
    /// The card holds these words.
    Card(String),
    /// The customer was answered with these words, exactly once.
    Network(String),
    /// Only this member of staff is shown these words.
    Only(String, String),
    /// A form with these words is open.
    Form(String),
    /// Nothing was posted by the account beyond what was expected so far.
    NothingOutside,
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {what}")]
pub struct Misread {
    /// The script.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What is wrong.
    pub what: String,
}

impl Script {
    /// Reads a script.
    ///
    /// # Errors
    /// The first line that cannot be read.
    pub fn parse(name: &str, text: &str) -> Result<Self, Misread> {
        let mut steps = Vec::new();
        for (at, line) in text.lines().enumerate() {
            let line = line.trim();
            if line.is_empty() || line.starts_with('#') {
                continue;
            }
            let misread = |what| Misread { name: name.to_owned(), line: at + 1, what };
            steps.push((at + 1, step(line).map_err(misread)?));
        }
        Ok(Self { name: name.to_owned(), steps })
    }
}

/// A script for this pair: lines that begin with `on NAMES:` are for these networks or desks alone;
/// `{network}`, `{post}` and `{desk}` in faults stand for the account, its call that posts, and the
/// desk.
#[must_use]
pub fn on(text: &str, pair: Pair) -> String {
    let here = [pair.net.name(), pair.office.name()];
    let line = |line: &str| match line.strip_prefix("on ").and_then(|rest| rest.split_once(':')) {
        Some((names, rest)) if names.split(' ').any(|name| here.contains(&name)) => {
            rest.trim().to_owned()
        }
        Some(_) => String::new(),
        None => line.to_owned(),
    };
    let text = text.lines().map(|text| line(text) + "\n").collect::<String>();
    text.replace("{network}", pair.net.account())
        .replace("{post}", pair.net.posting())
        .replace("{desk}", pair.office.name())
}

fn step(line: &str) -> Result<Step, String> {
    if let Some(rest) = line.strip_prefix("say:") {
        return Ok(Step::Say(rest.trim().to_owned()));
    }
    if let Some(rest) = line.strip_prefix("wait ") {
        return Span::parse(rest).map(Step::Wait).ok_or_else(|| format!("no length: {rest}"));
    }
    if let Some(rest) = line.strip_prefix("expect ") {
        return expect(rest).map(Step::Expect);
    }
    if let Some(rest) = line.strip_prefix("fault ") {
        return fault(rest).map(Step::Act);
    }
    match line {
        "power cut" => return Ok(Step::Act(Act::PowerCut)),
        "faults over" => return Ok(Step::Act(Act::FaultsOver)),
        _ => {}
    }
    act(line).map(Step::Act)
}

fn expect(rest: &str) -> Result<Expect, String> {
    if rest == "nothing outside" {
        return Ok(Expect::NothingOutside);
    }
    let (place, words) = rest.split_once(':').ok_or("expect needs a place and a colon")?;
    let words = words.trim().to_owned();
    if words.is_empty() {
        return Err("nothing is expected: words are missing".into());
    }
    Ok(match place.trim() {
        "thread" => Expect::Thread(words),
        "no thread" => Expect::NoThread(words),
        "card" => Expect::Card(words),
        "network" => Expect::Network(words),
        "form" => Expect::Form(words),
        place => match place.strip_prefix("only ") {
            Some(who) => Expect::Only(who.trim().to_owned(), words),
            None => return Err(format!("nobody can look at {place}")),
        },
    })
}

fn fault(rest: &str) -> Result<Act, String> {
    let (rest, skip) = match rest.rsplit_once(" after ") {
        Some((rest, n)) => (rest, n.trim().parse().map_err(|_| "after how many calls?")?),
        None => (rest, 0),
    };
    let mut words: Vec<&str> = rest.split_whitespace().collect();
    let times = words.last().and_then(|w| w.strip_prefix('x')).and_then(|n| n.parse().ok());
    if times.is_some() {
        words.pop();
    }
    let (method, words): (&str, Vec<&str>) = match words.get(1) {
        Some(method @ (&"GET" | &"POST" | &"PUT" | &"DELETE")) => (
            method,
            words.iter().copied().enumerate().filter(|(n, _)| *n != 1).map(|p| p.1).collect(),
        ),
        _ => ("", words),
    };
    let [face, call, kind, arg @ ..] = words.as_slice() else {
        return Err(
            "a fault is: fault FACE [METHOD] CALL KIND [NUMBER] [xTIMES] [after CALLS]".into()
        );
    };
    let wrong = wrong(kind, arg.first().copied())?;
    let (face, call) = ((*face).to_owned(), format!("{method} {call}").trim().to_owned());
    Ok(Act::Fault(Fault { face, call, skip, times: times.unwrap_or(0), wrong }))
}

/// A fault from its name and number, as scripts and the page's menu write it.
///
/// # Errors
/// The kind is unknown or its number is missing.
pub fn wrong(kind: &str, arg: Option<&str>) -> Result<Wrong, String> {
    let number = || arg.and_then(|a| a.parse().ok()).ok_or(format!("{kind} needs a number"));
    let status = || u16::try_from(number()?).map_err(|_| "no such status".to_owned());
    Ok(match kind {
        "status" => Wrong::Status { status: status()?, retry_after: None },
        "done_then_status" => Wrong::DoneThenStatus { status: status()? },
        "done_then_silence" => Wrong::DoneThenSilence { millis: number()? },
        "done_then_cut" => Wrong::DoneThenCut,
        "cut" => Wrong::Cut,
        "done_then_html" => Wrong::DoneThenHtml,
        "late" => Wrong::Late { millis: number()? },
        "repeat" => Wrong::Repeat,
        "reorder" => Wrong::Reorder,
        "silence" => Wrong::Silence,
        "dead_token" => Wrong::DeadToken,
        "words" => {
            let words = arg.ok_or("words needs a word")?.to_owned();
            Wrong::Words { words, code: "invalid_blocks".into() }
        }
        other => return Err(format!("there is no fault {other}")),
    })
}

/// A line in which somebody does something: his name, then a sign, then words.
fn act(line: &str) -> Result<Act, String> {
    let end = line.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(line.len());
    let (who, rest) = (line[..end].to_owned(), line[end..].trim_start());
    if who.is_empty() {
        return Err("a line begins with somebody's name".into());
    }
    if let Some(text) = rest.strip_prefix("edits:") {
        return Ok(Act::EditPost { who, text: words(text)? });
    }
    match rest {
        "deletes" => return Ok(Act::DeletePost { who }),
        "deletes>" => return Ok(Act::Desk { who, to: None, what: DeskAct::Delete }),
        _ => {}
    }
    if rest.starts_with(':') || rest.starts_with('(') {
        return post(who, rest);
    }
    let (to, rest) = match rest.strip_prefix("to ") {
        None => (None, rest),
        Some(rest) => {
            let end = rest.find(|c: char| !c.is_alphanumeric()).ok_or("what to whom?")?;
            (Some(rest[..end].to_owned()), rest[end..].trim_start())
        }
    };
    Ok(Act::Desk { who, to, what: desk(rest)? })
}

fn desk(rest: &str) -> Result<DeskAct, String> {
    type Make = fn(String) -> DeskAct;
    let signs: [(&str, Make); 6] = [
        ("edits>", DeskAct::Edit),
        ("fills>", DeskAct::Fill),
        (">", DeskAct::Say),
        ("@", DeskAct::Call),
        ("/", DeskAct::Slash),
        ("!", DeskAct::Press),
    ];
    if rest == "deletes>" {
        return Ok(DeskAct::Delete);
    }
    for (sign, make) in signs {
        if let Some(text) = rest.strip_prefix(sign) {
            return words(text).map(make);
        }
    }
    Err("nobody knows what this does; the signs are : > @ / ! edits deletes fills".into())
}

/// Words of a line; `\n` in them is a new line.
fn words(text: &str) -> Result<String, String> {
    match text.trim() {
        "" => Err("words are missing".into()),
        text => Ok(text.replace("\\n", "\n")),
    }
}

fn post(who: String, rest: &str) -> Result<Act, String> {
    let mut how = How::default();
    let mut rest = rest;
    while let Some(open) = rest.strip_prefix('(') {
        let (word, after) = open.split_once(')').ok_or("a bracket is not closed")?;
        match word.trim() {
            "direct" => how.direct = true,
            "again" => how.again = true,
            "picture" => how.picture = true,
            word => match word.strip_prefix("warning ") {
                Some(warning) => how.warning = Some(warning.trim().to_owned()),
                None => return Err(format!("a post cannot be written \"{word}\"")),
            },
        }
        rest = after.trim_start();
    }
    let text = rest.strip_prefix(':').ok_or("a colon is missing before the words")?;
    Ok(Act::Post { who, how, text: words(text)? })
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Thread(words) => write!(f, "the thread says \"{words}\""),
            Self::NoThread(words) => write!(f, "the thread does not say \"{words}\""),
            Self::Card(words) => write!(f, "the card says \"{words}\""),
            Self::Network(words) => write!(f, "the customer was answered \"{words}\", once"),
            Self::Only(who, words) => write!(f, "only {who} is shown \"{words}\""),
            Self::Form(words) => write!(f, "a form with \"{words}\" is open"),
            Self::NothingOutside => write!(f, "nothing more was posted on the network"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(line: &str) -> Step {
        Script::parse("t", line).expect(line).steps.remove(0).1
    }

    fn desk_act(who: &str, to: Option<&str>, what: DeskAct) -> Step {
        Step::Act(Act::Desk { who: who.into(), to: to.map(Into::into), what })
    }

    #[test]
    fn people_do_what_the_line_says() {
        let how = How { direct: true, warning: Some("War and peace".into()), ..How::default() };
        let text = "@acme hello: you".to_owned();
        let post = Act::Post { who: "anna".into(), how, text };
        assert_eq!(one("anna (direct) (warning War and peace): @acme hello: you"), Step::Act(post));
        assert_eq!(one("maria> Hi!"), desk_act("maria", None, DeskAct::Say("Hi!".into())));
        let to = desk_act("maria", Some("anna"), DeskAct::Press("Claim".into()));
        assert_eq!(one("maria to anna! Claim"), to);
        assert_eq!(
            one("maria edits> a\\nb"),
            desk_act("maria", None, DeskAct::Edit("a\nb".into()))
        );
        assert_eq!(one("maria deletes>"), desk_act("maria", None, DeskAct::Delete));
        assert_eq!(one("maria/ list"), desk_act("maria", None, DeskAct::Slash("list".into())));
        assert_eq!(one("anna deletes"), Step::Act(Act::DeletePost { who: "anna".into() }));
    }

    #[test]
    fn a_line_may_be_for_one_platform_alone() {
        let text = "on bluesky x: say: sky\non slack: say: desk\nfault {network} {post} cut x1";
        let script = on(text, Pair::default());
        assert_eq!(script, "\nsay: desk\nfault acme POST /api/v1/statuses cut x1\n");
    }

    #[test]
    fn faults_and_expectations_are_read() {
        let wrong = Wrong::DoneThenSilence { millis: 2000 };
        let (face, call) = ("acme".to_owned(), "POST /api/v1/statuses".to_owned());
        let fault = Act::Fault(Fault { face, call, skip: 0, times: 1, wrong });
        assert_eq!(
            one("fault acme POST /api/v1/statuses done_then_silence 2000 x1"),
            Step::Act(fault)
        );
        let only = Expect::Only("maria".into(), "Claim first".into());
        assert_eq!(one("expect only maria: Claim first"), Step::Expect(only));
        assert_eq!(one("expect nothing outside"), Step::Expect(Expect::NothingOutside));
        assert_eq!(one("wait 2 s"), Step::Wait(Span::seconds(2)));
    }

    #[test]
    fn a_line_that_means_nothing_is_named() {
        for line in ["anna", "anna?", "anna:", "(direct): x", "expect x", "expect thread:", "wait"]
        {
            let text = format!("# a comment\n\n{line}");
            assert_eq!(Script::parse("t", &text).map_err(|e| e.line), Err(3), "{line}");
        }
    }
}
