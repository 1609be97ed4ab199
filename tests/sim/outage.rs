//! Twelve hours away: customers go on writing and agents go on answering, and then the process
//! comes back. Time is pretended.
//!
//! `SIM_OUTAGE=20000 cargo test --release --test main outage -- --nocapture` for that many posts,
//! and an answer for every forty of them; without it 400.

use super::check::{Books, tokens};
use super::day::{self, ACCOUNTS, AGENTS, is_card};
use super::house::{BOT, CHANNEL, DESK};
use super::life::{Day, START};
use super::town::US;
use careline::case::time::Span;
use careline::world::office::{Message, What};
use careline::world::square::SquarePost;
use std::collections::BTreeMap;

const AWAY: Span = Span::hours(12);
/// Customers an account has on these days.
const PEOPLE: u64 = 4;

fn post(day: &Day, n: usize) {
    let account = ACCOUNTS[n % 2];
    let who = format!("{account}{}", day.sky.lot(PEOPLE));
    let text = format!("@us is anybody there, m{n}.");
    let mentions = vec![US.into()];
    let post = SquarePost { mentions, ..SquarePost::by(&who, &text) };
    day.sky.change(|world| world.post(account, post)).unwrap();
}

fn cards(day: &Day) -> Vec<i64> {
    let mut world = day.sky.world.look();
    world.office(DESK).channel(CHANNEL).filter(|m| is_card(m)).map(|m| m.id).collect()
}

fn answer(day: &Day, thread: i64, n: usize) {
    day.sky.change(|world| {
        let (now, id) = (world.now, world.mint());
        let said = Message {
            channel: CHANNEL.into(),
            id,
            thread: Some(thread),
            author: AGENTS[0].into(),
            text: format!("We look into it, r{n}."),
            ..Message::default()
        };
        world.office(DESK).post(now, said).unwrap();
    });
}

/// Before: everybody has a case, and one agent has them all.
fn begin(day: &mut Day) {
    (0..16).for_each(|n| post(day, n));
    day.live(None, Some(START + Span::minutes(2)));
    // A socket hears what is asked while it is there.
    let at = day.sky.now() + Span::minutes(1);
    for card in cards(day) {
        let sky = day.sky.clone();
        day.then(at, move || day::asked(&sky, AGENTS[0], card, "claim"));
    }
    day.live(None, Some(at + Span::minutes(1)));
}

/// Where each post stands: how often it is shown, and in what order.
fn judge(books: &Books, posts: usize) -> Vec<String> {
    let mut places: BTreeMap<String, Vec<(i64, i64, usize)>> = BTreeMap::new();
    for message in books.in_threads() {
        for (at, token) in tokens(&message.text, 'm').into_iter().enumerate() {
            let place = (message.thread.unwrap_or(message.id), message.id, at);
            places.entry(token).or_default().push(place);
        }
    }
    let mut wrong = Vec::new();
    let mut last = BTreeMap::new();
    for post in books.posts.values().flatten().filter(|post| post.author != US) {
        let Some(token) = tokens(&post.text, 'm').pop() else { continue };
        match places.get(&token).map(Vec::as_slice) {
            Some([place]) if last.insert(post.author.clone(), *place) > Some(*place) => {
                wrong.push(format!("{token} stands before an older one"));
            }
            Some([_]) => {}
            Some(several) => wrong.push(format!("{token} is shown {} times", several.len())),
            None => wrong.push(format!("{token} is lost")),
        }
    }
    if places.len() < posts {
        wrong.push(format!("{} of {posts} posts are shown", places.len()));
    }
    wrong.extend(answers(books));
    wrong
}

/// Each answer is public once, or the thread says what became of it.
fn answers(books: &Books) -> Vec<String> {
    let mut public: BTreeMap<String, usize> = BTreeMap::new();
    for (post, _) in books.ours() {
        tokens(&post.text, 'r').into_iter().for_each(|t| *public.entry(t).or_default() += 1);
    }
    let marked = |id: i64| {
        books.desk.iter().any(|happening| match &happening.what {
            What::Reacted { message, name, .. } => *message == id && name == "Inside",
            _ => false,
        })
    };
    let lines = books.now.iter().flat_map(|m| m.text.lines());
    let asked = lines.filter(|line| line.starts_with("✋ Not sent")).count();
    let said = books.said.iter().filter(|said| said.author == AGENTS[0]);
    let silent = said.filter(|said| {
        let token = tokens(&said.text, 'r').pop().unwrap_or_default();
        !public.contains_key(&token) && !marked(said.id)
    });
    let (silent, twice) = (silent.count(), public.values().filter(|n| **n > 1).count());
    let mut wrong = Vec::new();
    if silent != asked {
        wrong.push(format!("{silent} answers are neither public nor kept inside; asked: {asked}"));
    }
    if twice > 0 {
        wrong.push(format!("{twice} answers are public twice"));
    }
    wrong
}

#[test]
fn twelve_hours_away_are_caught_up_with() {
    let asked = std::env::var("SIM_OUTAGE").ok().and_then(|text| text.parse().ok());
    let posts: usize = asked.unwrap_or(400);
    let mut day = Day::without_faults();
    begin(&mut day);
    let threads = cards(&day);
    assert!(!threads.is_empty(), "nobody has a case");
    let each = Span(AWAY.0 / i64::try_from(posts).unwrap());
    for n in 16..16 + posts {
        post(&day, n);
        if n % 40 == 0 {
            answer(&day, threads[n / 40 % threads.len()], n);
        }
        day.sleep(each);
    }
    let (back, began) = (day.sky.now(), std::time::Instant::now());
    let before = day.sky.calls().len();
    let hours = Span::seconds(600 + posts as i64);
    day.live(None, Some(back + hours));
    let books = Books::of(&day.sky, Vec::new());
    let shown = books.in_threads().filter(|m| m.author == BOT && m.id > back.0).map(|m| m.id);
    let took = shown.max().map_or(0, |id| (id - back.0) / 1_000_000);
    let calls = day.sky.calls().len() - before;
    let wrong = judge(&books, posts);
    println!(
        "{posts} posts and {} answers after {AWAY}: shown within {took} s of pretended time by \
         {calls} calls, in {:.1?}",
        posts / 40,
        began.elapsed()
    );
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // One message a second is what the desk takes.
    let bound = calls as i64 * 12 / 10 + 60;
    assert!(took <= bound, "{took} s, where {bound} s would do");
}
