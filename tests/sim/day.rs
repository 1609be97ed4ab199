//! A day by lot: customers write, change and delete; agents claim, answer, whisper and press; the
//! clock on the wall is set. Each word carries a token by which checkers know it again.

use super::house::{BOT, CHANNEL, DESK};
use super::sky::Sky;
use super::town::US;
use careline::case::model::Audience;
use careline::case::time::{Span, Timestamp};
use careline::world::World;
use careline::world::office::{self, Kind, Message};
use careline::world::square::{Person, SquarePost};
use serde_json::json;

pub const ACCOUNTS: [&str; 2] = ["acme", "beta"];
pub const LENGTH: Span = Span::minutes(8);
/// Agents who may claim, and one who never does.
const AGENTS: [&str; 2] = ["U1", "U2"];
const COLLEAGUE: &str = "U9";

/// Something that somebody does.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    Write,
    Edit,
    Delete,
    Claim,
    Reply,
    Note,
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
    office.hire(BOT, "careline", Kind::Bot, &[]);
    for agent in AGENTS.into_iter().chain([COLLEAGUE]) {
        office.hire(agent, agent, Kind::Full, &[]);
    }
    office.found(CHANNEL, "support", &[BOT, "U1", "U2", COLLEAGUE]);
}

/// All that will be tried today, in order.
pub fn plan(sky: &Sky, start: Timestamp) -> Vec<(Timestamp, Act)> {
    let writes = 6 + sky.lot(14);
    let all = 2 * writes + 20 + sky.lot(20);
    let act = |n: u64| match n {
        n if n < writes => Act::Write,
        n if n < writes + 3 => Act::Edit,
        n if n < writes + 4 => Act::Delete,
        n if n < writes + 11 => Act::Claim,
        n if n % 7 == 0 => Act::Note,
        n if n % 5 == 0 => Act::Press,
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
        Act::Write => write(sky, n),
        Act::Edit | Act::Delete => change(sky, matches!(act, Act::Delete)),
        Act::Claim => ask(sky, "claim"),
        Act::Reply => say(sky, agent(sky), &format!("We look into it, r{n}.")),
        Act::Note if sky.lot(2) == 0 => say(sky, COLLEAGUE, &format!("What a fool, n{n}.")),
        Act::Note => say(sky, agent(sky), &format!("note: he lies, n{n}.")),
        Act::Press => press(sky),
        Act::Unsay => unsay(sky),
        Act::Jump => sky.clock.jump(Span::seconds(sky.lot(600) as i64 - 300)),
    }
}

fn agent(sky: &Sky) -> &'static str {
    AGENTS[usize::from(sky.lot(5) == 0)]
}

fn pick<T: Clone>(sky: &Sky, all: &[T]) -> Option<T> {
    if all.is_empty() { None } else { all.get(sky.lot(all.len() as u64) as usize).cloned() }
}

fn write(sky: &Sky, n: usize) {
    let account = ACCOUNTS[usize::from(sky.lot(3) == 0)];
    let who = format!("{account}{}", sky.lot(4));
    let audience = [Audience::Public, Audience::Unlisted, Audience::Direct][sky.lot(3) as usize];
    let ours: Vec<i64> = {
        let mut world = sky.world.look();
        let ours = world.square(account).written_by(US).filter(|post| post.mentions.contains(&who));
        ours.map(|post| post.id).collect()
    };
    let parent = if sky.lot(2) == 0 { pick(sky, &ours) } else { None };
    let post = SquarePost {
        parent,
        audience,
        mentions: vec![US.into()],
        ..SquarePost::by(&who, &format!("@us it is broken, m{n}."))
    };
    sky.change(|world| world.post(account, post)).unwrap();
}

fn change(sky: &Sky, delete: bool) {
    let account = ACCOUNTS[usize::from(sky.lot(3) == 0)];
    let posts: Vec<(i64, String)> = {
        let mut world = sky.world.look();
        let posts = world.square(account).mentions_of(US);
        posts.map(|post| (post.id, post.author.clone())).collect()
    };
    let Some((id, author)) = pick(sky, &posts) else { return };
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

/// Threads as an agent sees them: messages of ours that answer nothing.
fn roots(sky: &Sky) -> Vec<i64> {
    let mut world = sky.world.look();
    let all = world.office(DESK).channel(CHANNEL);
    all.filter(|m| m.thread.is_none() && m.author == BOT && m.text.contains('@'))
        .map(|m| m.id)
        .collect()
}

fn say(sky: &Sky, who: &str, text: &str) {
    let Some(root) = pick(sky, &roots(sky)) else { return };
    sky.change(|world| {
        let (now, id) = (world.now, world.mint());
        let said = Message {
            channel: CHANNEL.into(),
            id,
            thread: Some(root),
            author: who.into(),
            text: text.into(),
            ..Message::default()
        };
        world.office(DESK).post(now, said).unwrap();
    });
}

fn asked(sky: &Sky, root: i64, words: &str) {
    let member = agent(sky).to_owned();
    let payload = json!({ "thread": root, "words": words });
    sky.change(|world| {
        let now = world.now;
        let (app, surface) = (BOT.to_owned(), "interactive".to_owned());
        world.office(DESK).note(now, office::What::Asked { member, app, surface, payload });
    });
}

fn ask(sky: &Sky, words: &str) {
    if let Some(root) = pick(sky, &roots(sky)) {
        asked(sky, root, words);
    }
}

/// Presses any button of a thread.
fn press(sky: &Sky) {
    let Some(root) = pick(sky, &roots(sky)) else { return };
    let texts: Vec<String> = {
        let mut world = sky.world.look();
        let office = world.office(DESK);
        let head = office.message(CHANNEL, root).into_iter();
        let all = head.chain(office.thread(CHANNEL, root)).filter(|m| m.author == BOT);
        all.map(|m| m.text.clone()).collect()
    };
    let buttons = texts.iter().flat_map(|text| text.lines());
    let buttons = buttons.filter_map(|l| l.strip_prefix('[')?.strip_suffix(']'));
    let buttons: Vec<&str> = buttons.filter(|words| !words.starts_with("close")).collect();
    if let Some(words) = pick(sky, &buttons) {
        asked(sky, root, words);
    }
}

/// An agent deletes one of his messages.
fn unsay(sky: &Sky) {
    let said: Vec<i64> = {
        let mut world = sky.world.look();
        let all = world.office(DESK).channel(CHANNEL);
        all.filter(|m| AGENTS.contains(&m.author.as_str())).map(|m| m.id).collect()
    };
    let Some(id) = pick(sky, &said) else { return };
    sky.change(|world| {
        let now = world.now;
        world.office(DESK).delete(now, None, CHANNEL, id).unwrap();
    });
}
