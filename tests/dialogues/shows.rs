//! What can be seen at a height without HTTP, and how a story's expectations are judged by it.

use careline::case::effect::{Answer, Button, Form};
use careline::sandbox::script::Expect;

/// Words with the buttons below them.
pub type Shown = (String, Vec<Button>);

/// What the people of a story see.
pub trait Shows {
    /// The thread of the customer who was named last: its card, then each message as it looks now.
    fn thread(&self) -> Result<Vec<Shown>, String>;

    /// What only one member of staff was told, oldest first.
    fn told(&self) -> Vec<(String, Answer)>;

    /// What careline sent to customers: to whom, and which words.
    fn sent(&self) -> Vec<(String, String)>;
}

/// What only this member was shown in words, or any if nobody is named.
fn only(stage: &impl Shows, who: Option<&str>) -> Vec<Shown> {
    let told = stage.told().into_iter().filter(|(whose, _)| who.is_none_or(|who| whose == who));
    let words = |(_, answer)| match answer {
        Answer::Say { words, buttons } => Some((words.plain(true), buttons)),
        Answer::Refuse(why) => Some((why, Vec::new())),
        Answer::Form(_) | Answer::Choices(_) => None,
    };
    told.filter_map(words).collect()
}

/// The form that is open, if any.
pub fn form(stage: &impl Shows) -> Option<Form> {
    stage.told().into_iter().rev().find_map(|(_, answer)| match answer {
        Answer::Form(form) => Some(form),
        _ => None,
    })
}

/// The words of the newest button of this label that he can press; his own come first.
pub fn button(stage: &impl Shows, who: &str, label: &str) -> Result<String, String> {
    let thread = stage.thread()?.into_iter();
    let mut all = thread.chain(only(stage, Some(who))).flat_map(|(_, buttons)| buttons);
    let found = all.rfind(|button| button.label == label);
    found.map(|button| button.words).ok_or(format!("there is no button {label}"))
}

/// Is it to be seen? The customer who was named last is `focus`; `expected` counts what was seen
/// outside so far. If not: what is there instead.
pub fn see(
    stage: &impl Shows,
    what: &Expect,
    focus: &str,
    expected: &mut usize,
) -> Result<(), String> {
    let (thread, sent) = (stage.thread()?, stage.sent());
    let holds = |all: &[Shown], words: &str| all.iter().any(|(text, _)| text.contains(words));
    let seen = match what {
        Expect::Thread(words) => holds(&thread, words),
        Expect::NoThread(words) => !holds(&thread, words),
        Expect::Card(words) => holds(&thread[..thread.len().min(1)], words),
        Expect::Network(words) => {
            match sent.iter().filter(|(to, text)| to == focus && text.contains(words)).count() {
                0 => false,
                1 => {
                    *expected += 1;
                    true
                }
                n => return Err(format!("it was sent {n} times")),
            }
        }
        Expect::Only(who, words) => holds(&only(stage, Some(who)), words),
        Expect::Form(words) => form(stage).is_some_and(|form| form.title.contains(words)),
        Expect::NothingOutside => sent.len() == *expected,
    };
    let words = |all: Vec<Shown>| all.into_iter().map(|(text, _)| text).collect::<Vec<_>>();
    let there = || {
        let (thread, only) = (words(thread), words(only(stage, None)));
        format!("shown: {thread:?}, to one: {only:?}, sent: {sent:?}")
    };
    if seen { Ok(()) } else { Err(there()) }
}
