//! What must hold at the end of every day, judged by what really happened in the world: the books
//! of networks and desk, the calls as the platforms saw them, and what people were told. The store
//! is never asked.
//!
//! Names are those of the promises (V1 to V32); [`PROMISES`] says which of them a day can show.

mod desk;
mod mentions;
mod replies;

use super::day::{ACCOUNTS, is_card};
use super::house::{BOT, CHANNEL, DESK};
use super::sky::{Sky, Told};
use careline::world::World;
use careline::world::office::{self, Message};
use careline::world::square::{self, SquarePost};
use std::collections::{BTreeMap, BTreeSet};

/// How a promise is watched.
pub enum Watch {
    /// By this checker, at the end of every day.
    Every(&'static str, fn(&Books) -> Vec<String>),
    /// A day cannot show it; this is where it is shown.
    Elsewhere(&'static str),
}

use Watch::{Elsewhere, Every};

/// Every promise with the one who watches it.
pub const PROMISES: &[(&str, Watch)] = &[
    ("V1", Every("each mention ends in a thread, or was deleted first", mentions::shown)),
    ("V2", Every("each mention stands in one thread, once, in order", mentions::once)),
    ("V3", Every("what was acknowledged survives each death", mentions::shown)),
    ("V4", Every("no cursor passes what is not safe", mentions::shown)),
    ("V5", Every("one customer, one thread; one thread, one customer", mentions::threads)),
    ("V6", Every("our own posts are nobody's mention", mentions::no_loop)),
    ("V7", Every("what nobody can read is shown to the team, once", mentions::unreadable)),
    ("V8", Elsewhere("figures: burst_limit_use; a day's faults delay whom they like")),
    ("V9", Every("no part of a reply is public twice", replies::once)),
    ("V10", Every("nothing is public that no agent wrote", replies::written)),
    ("V11", Every("no inside word and no file of it is public", replies::inside)),
    ("V12", Every("a reply answers its customer's post that stood there", replies::target)),
    ("V13", Every("for no more people than its parent, calling nobody else", replies::audience)),
    ("V14", Every("parts and replies in the order they were written", replies::order)),
    ("V15", Every("what the thread calls sent is public", replies::marked)),
    ("V16", Every("what is not public is not called sent", replies::counted)),
    ("V17", Every("nothing unknown is tried again before two looks", replies::looked)),
    ("V18", Every("no reply stands alone", replies::target)),
    ("V19", Every("what was taken back is not public", replies::counted)),
    ("V20", Elsewhere("wire::slack::mean, wire::discord::hostile: a day has no markup")),
    ("V21", Elsewhere("wire::slack::mean, sandbox::refused: a day has no markup")),
    ("V22", Elsewhere("wire::slack::say, wire::discord::says: a day has no markup")),
    ("V23", Every("only those who may speak cause a post", replies::inside)),
    ("V24", Every("of two claims one wins, and both are told so", desk::claims)),
    ("V25", Every("an alert a rung and wait, at least one if nobody answers", desk::alerts)),
    ("V29", Every("nothing is left on its way when faults are over", desk::settled)),
    ("V30", Elsewhere("figures: burst_limit_use; case::tests::bounds")),
    ("V31", Every("a stop takes less than twenty seconds", desk::stops)),
    ("V32", Elsewhere("sim::an_old_store_sends_nothing: a day of its own")),
];

/// An agent's words as they were first written.
pub struct Said {
    pub id: i64,
    pub thread: i64,
    pub author: String,
    pub text: String,
    pub files: Vec<String>,
}

/// All that really happened.
pub struct Books {
    /// By account: what was posted, as it was posted, with the happening's place.
    pub posts: BTreeMap<&'static str, Vec<SquarePost>>,
    /// Posts that were deleted.
    pub gone: BTreeSet<i64>,
    /// What careline posted at the desk, as it was posted.
    pub shown: Vec<Message>,
    /// Its messages as they stand now.
    pub now: Vec<Message>,
    /// What others wrote there.
    pub said: Vec<Said>,
    /// Everything at the desk.
    pub desk: Vec<office::Happening>,
    pub sky: Sky,
    pub told: Vec<Told>,
    /// How long stops took, in seconds.
    pub stops: Vec<i64>,
}

impl Books {
    pub fn of(sky: &Sky, stops: Vec<i64>) -> Self {
        let mut world = sky.world.look();
        let gone = ACCOUNTS.into_iter().flat_map(|account| deleted(&mut world, account)).collect();
        let posts = ACCOUNTS.map(|account| (account, posted(&mut world, account))).into();
        let office = world.office(DESK);
        let wrote = office.happened.iter().filter_map(|happening| match &happening.what {
            office::What::Posted { message } => Some((**message).clone()),
            _ => None,
        });
        let (shown, said) = wrote.partition::<Vec<_>, _>(|message| message.author == BOT);
        let now = office.channel(CHANNEL).filter(|m| m.author == BOT).cloned().collect();
        let desk = office.happened.clone();
        drop(world);
        let said = said.into_iter().map(said_by).collect();
        Self { posts, gone, shown, now, said, desk, sky: sky.clone(), told: sky.told(), stops }
    }

    /// The messages that show cases: cards, and what stands below them. A reply that stopped quotes
    /// what stopped it, so that who decides about it need not look for it: that shows nothing anew.
    pub fn in_threads(&self) -> impl Iterator<Item = &Message> {
        let quotes = |m: &Message| m.text.starts_with('✋');
        self.shown.iter().filter(move |m| !quotes(m) && (m.thread.is_some() || is_card(m)))
    }

    /// Each post of ours, with all posts of its account.
    pub fn ours(&self) -> impl Iterator<Item = (&SquarePost, &[SquarePost])> {
        let all = self.posts.values().map(Vec::as_slice);
        all.flat_map(|posts| {
            posts.iter().filter(|p| p.author == super::town::US).map(move |p| (p, posts))
        })
    }

    /// The agent's words with this token.
    pub fn words(&self, token: &str) -> Option<&Said> {
        self.said.iter().find(|said| tokens(&said.text, 'r').iter().any(|other| other == token))
    }

    /// The customer whose thread this is.
    pub fn customer(&self, thread: i64) -> Option<&str> {
        let card = self.shown.iter().find(|m| m.id == thread && is_card(m))?;
        card.text.split('@').nth(1)?.split_whitespace().next()
    }
}

fn said_by(message: Message) -> Said {
    let Message { id, thread, author, text, files, .. } = message;
    Said { id, thread: thread.unwrap_or(id), author, text, files }
}

fn deleted(world: &mut World, account: &str) -> Vec<i64> {
    let all = world.square(account).posts.values();
    all.filter(|post| post.deleted).map(|post| post.id).collect()
}

fn posted(world: &mut World, account: &str) -> Vec<SquarePost> {
    let all = world.square(account).happened.iter().filter_map(|happening| match &happening.what {
        square::What::Posted { post } => Some((**post).clone()),
        _ => None,
    });
    all.collect()
}

/// All that does not hold, each with the promise's name.
pub fn check(sky: &Sky, stops: Vec<i64>) -> Vec<String> {
    let books = Books::of(sky, stops);
    let mut wrong: Vec<String> = Vec::new();
    for (name, watch) in PROMISES {
        let Every(_, checker) = watch else { continue };
        for sentence in checker(&books) {
            // One checker may watch several promises.
            if !wrong.iter().any(|known| known.ends_with(&sentence)) {
                wrong.push(format!("{name}: {sentence}"));
            }
        }
    }
    wrong
}

/// The tokens of a text: `m17` of `it is broken, m17.`
pub fn tokens(text: &str, letter: char) -> Vec<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let token = |word: &&str| {
        let mut chars = word.chars();
        chars.next() == Some(letter) && word.len() > 1 && chars.all(|c| c.is_ascii_digit())
    };
    words.filter(token).map(str::to_owned).collect()
}

#[test]
fn every_promise_is_watched_or_says_where() {
    let names: Vec<String> = PROMISES.iter().map(|(name, _)| (*name).to_owned()).collect();
    let wanted: Vec<String> = (1..=25).chain(29..=32).map(|n| format!("V{n}")).collect();
    assert_eq!(names, wanted);
    for (name, watch) in PROMISES {
        let words = match watch {
            Every(words, _) | Elsewhere(words) => words,
        };
        assert!(words.len() > 10, "{name} says too little");
    }
}
