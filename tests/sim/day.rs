//! A day by lot: customers write, change and delete; agents claim, answer, whisper, change their
//! words and press; the clock on the wall is set. Each word carries a token by which checkers know
//! it again: `m` a customer's, `r` and `q` the beginning and end of an answer, `n` what is only for
//! inside, `f` a file, `u` what nobody can read.

use super::house::{BOT, CHANNEL, DESK, GUEST, OTHER_BOT};
use super::sky::Sky;
use super::town::{GARBAGE, US};
use careline::case::model::Audience;
use careline::case::time::{Span, Timestamp};
use careline::world::World;
use careline::world::office::{self, Kind, Message};
use careline::world::square::{Person, SquarePost};
use serde_json::json;

pub const ACCOUNTS: [&str; 2] = ["acme", "beta"];
pub const LENGTH: Span = Span::minutes(8);
/// Agents who may claim and speak to customers.
pub const AGENTS: [&str; 2] = ["U1", "U2"];
/// A member who may not.
const COLLEAGUE: &str = "U9";

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Write,
    Garble,
    Edit,
    Delete,
    Claim,
    Race,
    Reply,
    Note,
    Reword,
    Press,
    Unsay,
    Jump,
}

/// People and places before the day begins.
pub fn found(world: &mut World) {
    for account in ACCOUNTS {
        let square = world.square(account);
        let us = Person { id: US.into(), handle: US.into(), is_us: true, ..Person::default() };
        square.join(us);
        for n in 0..4 {
            let id = format!("{account}{n}");
            square.join(Person { handle: id.clone(), id, ..Person::default() });
        }
    }
    let office = world.office(DESK);
    for bot in [BOT, OTHER_BOT] {
        office.hire(bot, bot, Kind::Bot, &[]);
    }
    office.hire(GUEST, "guest", Kind::Guest, &[]);
    for agent in AGENTS.into_iter().chain([COLLEAGUE]) {
        office.hire(agent, agent, Kind::Full, &[]);
    }
    office.found(CHANNEL, "support", &[BOT, OTHER_BOT, GUEST, "U1", "U2", COLLEAGUE]);
}

/// All that will be tried today, in order.
pub fn plan(sky: &Sky, start: Timestamp) -> Vec<(Timestamp, Act)> {
    let writes = 6 + sky.lot(14);
    let all = 2 * writes + 30 + sky.lot(30);
    let act = |n: u64| match n {
        n if n < writes => Act::Write,
        n if n < writes + 3 => Act::Edit,
        n if n < writes + 4 => Act::Delete,
        n if n < writes + 10 => Act::Claim,
        n if n < writes + 11 => Act::Garble,
        n if n % 7 == 0 => Act::Note,
        n if n % 5 == 0 => Act::Press,
        n if n % 11 == 0 => Act::Race,
        n if n % 13 == 0 => Act::Reword,
        n if n % 19 == 0 => Act::Unsay,
        n if n % 23 == 0 => Act::Jump,
        _ => Act::Reply,
    };
    let at = |n| {
        // Words come in bursts as often as alone.
        let at = sky.lot(LENGTH.0.unsigned_abs()) as i64;
        let burst = if n % 3 == 0 { at / 60_000_000 * 60_000_000 } else { at };
        start + Span(burst)
    };
    let mut plan: Vec<_> = (0..all).map(|n| (at(n), act(n))).collect();
    // Somebody is there early, or nobody would be answered.
    plan.extend((1..6).map(|n| (start + Span::seconds(40 * n), Act::Claim)));
    plan.sort_by_key(|(at, _)| *at);
    plan
}

/// Does it, as far as the world lets it. `n` is the token's number.
pub fn act(sky: &Sky, act: Act, n: usize) {
    match act {
        Act::Write => write(sky, &format!("@us it is broken, m{n}.")),
        Act::Garble => write(sky, &format!("{GARBAGE} u{n}.")),
        Act::Edit | Act::Delete => change(sky, matches!(act, Act::Delete)),
        Act::Claim => ask(sky, "claim"),
        Act::Race => race(sky),
        Act::Reply => reply(sky, n),
        Act::Note => note(sky, n),
        Act::Reword => reword(sky, n),
        Act::Press => press(sky),
        Act::Unsay => unsay(sky),
        Act::Jump => jump(sky),
    }
}

fn jump(sky: &Sky) {
    let by = Span::seconds(sky.lot(600) as i64 - 300);
    sky.note(format!("the clock is set by {} s", by.0 / 1_000_000));
    sky.clock.jump(by);
}

fn agent(sky: &Sky) -> &'static str {
    AGENTS[usize::from(sky.lot(5) == 0)]
}

/// Mostly whoever looks after the case, by its card.
fn speaker(sky: &Sky, root: i64) -> &'static str {
    let card = {
        let world = &mut *sky.world.look();
        world.office(DESK).message(CHANNEL, root).map(|m| m.text.clone()).unwrap_or_default()
    };
    let holds = |agent: &&&str| card.contains(&format!("{agent} looks after it"));
    let holder = AGENTS.iter().find(holds).copied().filter(|_| sky.lot(6) > 0);
    holder.unwrap_or_else(|| agent(sky))
}

fn pick<T: Clone>(sky: &Sky, all: &[T]) -> Option<T> {
    if all.is_empty() { None } else { all.get(sky.lot(all.len() as u64) as usize).cloned() }
}

fn write(sky: &Sky, text: &str) {
    let account = ACCOUNTS[usize::from(sky.lot(3) == 0)];
    let who = format!("{account}{}", sky.lot(4));
    let audience = [Audience::Public, Audience::Unlisted, Audience::Direct][sky.lot(3) as usize];
    let ours: Vec<i64> = {
        let mut world = sky.world.look();
        let ours = world.square(account).written_by(US).filter(|post| post.mentions.contains(&who));
        ours.map(|post| post.id).collect()
    };
    let parent = if sky.lot(2) == 0 { pick(sky, &ours) } else { None };
    sky.note(format!("{who} writes: {text}"));
    let post =
        SquarePost { parent, audience, mentions: vec![US.into()], ..SquarePost::by(&who, text) };
    sky.change(|world| world.post(account, post)).unwrap();
}

fn change(sky: &Sky, delete: bool) {
    let account = ACCOUNTS[usize::from(sky.lot(3) == 0)];
    let posts: Vec<(i64, String, String)> = {
        let mut world = sky.world.look();
        let posts = world.square(account).mentions_of(US);
        let words = posts.filter(|post| !post.text.starts_with(GARBAGE));
        words.map(|post| (post.id, post.author.clone(), post.text.clone())).collect()
    };
    let Some((id, author, text)) = pick(sky, &posts) else { return };
    sky.note(format!("{author} {} {text}", if delete { "deletes" } else { "changes" }));
    sky.change(|world| {
        let now = world.now;
        let square = world.square(account);
        if delete {
            square.delete(now, &author, id).unwrap();
        } else {
            square.edit(now, &author, id, |post| post.text += " (changed)").unwrap();
        }
    });
}

/// Is this the card on top of a case's thread?
pub fn is_card(message: &Message) -> bool {
    message.thread.is_none() && message.author == BOT && message.text.starts_with('#')
}

/// Threads as an agent sees them: the cards.
fn roots(sky: &Sky) -> Vec<i64> {
    let mut world = sky.world.look();
    world.office(DESK).channel(CHANNEL).filter(|m| is_card(m)).map(|m| m.id).collect()
}

fn reply(sky: &Sky, n: usize) {
    let text = match sky.lot(6) {
        // Two posts, where 500 letters are the most.
        0 => {
            let middle = "We have looked at all of it and found what it was. ".repeat(11);
            format!("We look into it, r{n}. {middle}Yours, q{n}.")
        }
        1 => format!("We look into it with @acme3 and @beta3, r{n}."),
        _ => format!("We look into it, r{n}."),
    };
    let files = if sky.lot(8) == 0 { vec![format!("f{n}.png")] } else { Vec::new() };
    if let Some(root) = pick(sky, &roots(sky)) {
        let who = speaker(sky, root);
        say(sky, who, root, &text, files);
        // While it waits it may still become one for the customer alone.
        if sky.lot(2) == 0 {
            asked(sky, who, root, "private");
        }
    }
}

/// Words that are for nobody outside, from everybody who may write in a thread.
fn note(sky: &Sky, n: usize) {
    let Some(root) = pick(sky, &roots(sky)) else { return };
    let inside = format!("What a fool, n{n}.");
    let (who, text) = match sky.lot(5) {
        0 => (COLLEAGUE, inside),
        1 => (GUEST, inside),
        2 => (OTHER_BOT, inside),
        _ => (speaker(sky, root), format!("note: he lies, n{n}.")),
    };
    let files = if sky.lot(3) == 0 { vec![format!("f{n}.png")] } else { Vec::new() };
    say(sky, who, root, &text, files);
}

fn say(sky: &Sky, who: &str, root: i64, text: &str, files: Vec<String>) {
    sky.note(format!("{who} says below {root}: {text} {files:?}"));
    sky.change(|world| {
        let (now, id) = (world.now, world.mint());
        let said = Message {
            channel: CHANNEL.into(),
            id,
            thread: Some(root),
            author: who.into(),
            text: text.into(),
            files,
            ..Message::default()
        };
        world.office(DESK).post(now, said).unwrap();
    });
}

pub fn asked(sky: &Sky, member: &str, root: i64, words: &str) {
    sky.note(format!("{member} asks below {root}: {words}"));
    let payload = json!({ "thread": root, "words": words });
    sky.change(|world| {
        let now = world.now;
        let (member, app) = (member.to_owned(), BOT.to_owned());
        let surface = "interactive".to_owned();
        world.office(DESK).note(now, office::What::Asked { member, app, surface, payload });
    });
}

fn ask(sky: &Sky, words: &str) {
    if let Some(root) = pick(sky, &roots(sky)) {
        asked(sky, agent(sky), root, words);
    }
}

/// Two claim the same case in the same instant.
fn race(sky: &Sky) {
    if let Some(root) = pick(sky, &roots(sky)) {
        AGENTS.into_iter().for_each(|member| asked(sky, member, root, "claim"));
    }
}

/// Presses any button of a thread, or whoever looks after the case answers what was asked last.
fn press(sky: &Sky) {
    let Some(root) = pick(sky, &roots(sky)) else { return };
    let texts: Vec<String> = {
        let mut world = sky.world.look();
        let office = world.office(DESK);
        let head = office.message(CHANNEL, root).into_iter();
        let all = head.chain(office.thread(CHANNEL, root)).filter(|m| m.author == BOT);
        all.map(|m| m.text.clone()).collect()
    };
    let last = sky.lot(2) == 0;
    let texts = &texts[if last { texts.len().saturating_sub(1) } else { 0 }..];
    let buttons = texts.iter().flat_map(|text| text.lines());
    let buttons = buttons.filter_map(|l| l.strip_prefix('[')?.strip_suffix(']'));
    let buttons: Vec<&str> = buttons.filter(|words| !words.starts_with("close")).collect();
    if let Some(words) = pick(sky, &buttons) {
        let who = if last { speaker(sky, root) } else { agent(sky) };
        asked(sky, who, root, words);
    }
}

/// Messages of agents that are still there.
fn said(sky: &Sky) -> Vec<(i64, String, String)> {
    let mut world = sky.world.look();
    let all = world.office(DESK).channel(CHANNEL).filter(|m| AGENTS.contains(&m.author.as_str()));
    all.map(|m| (m.id, m.author.clone(), m.text.clone())).collect()
}

/// An agent changes his newest words, into better ones or into a note.
fn reword(sky: &Sky, n: usize) {
    let Some((id, author, old)) = said(sky).pop() else { return };
    let text = match sky.lot(2) {
        0 => format!("{old} Really."),
        _ => format!("note: he lies, n{n}."),
    };
    sky.note(format!("{author} changes {old} into {text}"));
    sky.change(|world| {
        let now = world.now;
        let office = world.office(DESK);
        office.edit(now, (&author, None), (CHANNEL, id), |m| m.text = text).unwrap();
    });
}

/// An agent deletes one of his messages.
fn unsay(sky: &Sky) {
    let Some((id, author, text)) = pick(sky, &said(sky)) else { return };
    sky.note(format!("{author} deletes {text}"));
    sky.change(|world| {
        let now = world.now;
        world.office(DESK).delete(now, None, CHANNEL, id).unwrap();
    });
}
