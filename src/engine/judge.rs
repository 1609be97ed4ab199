//! The score beside the engine: reads a mention before it is decided, and learns from what the
//! team did. What it knows is not kept: the log says what was done and the cases what was written,
//! so it is learned again at each start, and what was erased or trimmed is forgotten there too.

use super::step::own_entry;
use crate::case::event::{Envelope, Event, Many, Mention};
use crate::case::id::AccountId;
use crate::case::model::{Body, Case, ReplyState};
use crate::case::record::{Commit, Key, LogEntry, Reach};
use crate::case::rich::Theirs;
use crate::case::text::fit;
use crate::case::time::{Span, Timestamp};
use crate::case::tone::Score;
use crate::score::Scorer;
use crate::score::burst::{Burst, Bursts, Happening};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Mutex, PoisonError};

/// The order of what is learned is the log's; chance is only in what is shown again.
pub const SEED: u64 = 1;
/// Entries of the log that are read at once.
const PAGE: usize = 512;
/// Words of a mention that are named.
const WORDS: usize = 3;
/// What is usual is learned from this long ago.
const LATELY: Span = Span::days(35);
/// Bytes of a mention that are kept as a voice.
const VOICE: usize = 600;
/// How the log calls it when the team wants all of it forgotten.
const RESET: &str = "score_reset";

/// See the module.
pub struct Judge {
    scorer: Mutex<Scorer>,
    bursts: Mutex<Bursts>,
    noticed: Mutex<Vec<Many>>,
}

/// A text and whether it needed a person.
pub type Lesson = (String, bool);

impl Judge {
    /// Knows nothing but the lists.
    fn new() -> Self {
        Self {
            scorer: Mutex::new(Scorer::new(SEED)),
            bursts: Mutex::default(),
            noticed: Mutex::default(),
        }
    }

    /// Learns all that the log still tells.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn load(store: &dyn Store) -> Result<Self, StoreError> {
        let judge = Self::new();
        for (text, yes) in lessons(store).await? {
            judge.with(|scorer| scorer.learn(&text, yes));
        }
        for (at, account) in came(store).await? {
            let _ = judge.add(&happening(at, &account, None));
        }
        Ok(judge)
    }

    /// Learns from one entry of the log.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn learn(&self, store: &dyn Store, entry: &LogEntry) -> Result<(), StoreError> {
        if entry.did == RESET {
            self.with(Scorer::reset);
        } else if let Some((text, yes)) = lesson(store, entry).await? {
            self.with(|scorer| scorer.learn(&text, yes));
        }
        Ok(())
    }

    /// Reads an event; only a mention has something to read.
    #[must_use]
    pub fn read(&self, event: &Event) -> Option<Score> {
        let (Event::Mentioned(mention) | Event::Changed(mention)) = event else { return None };
        self.with(|scorer| score(scorer, mention))
    }

    /// Takes note of a mention that came for the first time.
    pub fn watch(&self, envelope: &Envelope) {
        let Event::Mentioned(mention) = &envelope.event else { return };
        let account = &mention.contact.account;
        let at = mention.written.min(envelope.at);
        let happening = happening(at, account, Some(mention.text.raw()));
        if let Some(burst) = self.add(&happening) {
            let mut noticed = self.noticed.lock().unwrap_or_else(PoisonError::into_inner);
            noticed.push(many(account, burst));
        }
    }

    /// Bursts that nobody was told of, once.
    #[must_use]
    pub fn noticed(&self) -> Vec<Many> {
        std::mem::take(&mut *self.noticed.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn add(&self, happening: &Happening) -> Option<Burst> {
        self.bursts.lock().unwrap_or_else(PoisonError::into_inner).add(happening)
    }

    fn with<T>(&self, what: impl FnOnce(&mut Scorer) -> T) -> T {
        what(&mut self.scorer.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// An account is a brand on a network.
fn happening(at: Timestamp, account: &AccountId, text: Option<&str>) -> Happening {
    let text = text.map(|text| fit(text, VOICE));
    Happening { at, brand: account.as_str().to_owned(), text, ..Happening::default() }
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small count")]
fn many(account: &AccountId, burst: Burst) -> Many {
    let theirs = |all: Vec<String>| all.into_iter().map(Theirs::new).collect();
    Many {
        account: account.clone(),
        since: burst.since,
        count: burst.count,
        usual: burst.usual.ceil() as u32,
        common: theirs(burst.common),
        voices: theirs(burst.voices),
    }
}

fn score(scorer: &Scorer, mention: &Mention) -> Option<Score> {
    let text = mention.text.raw();
    let read = scorer.read(text);
    // Nothing is better than a guess in a language that nobody taught.
    read.known.then(|| Score {
        percent: percent(read.score),
        untaught: percent(read.untaught),
        lessons: u32::try_from(scorer.lessons()).unwrap_or(u32::MAX),
        words: words(scorer, text),
    })
}

fn words(scorer: &Scorer, text: &str) -> Vec<Theirs> {
    let all = scorer.explain(text, usize::MAX).into_iter().filter(|found| found.weight > 0.05);
    let words = all.map(|found| found.word);
    let words = words.filter(|word| word.chars().filter(|c| c.is_alphabetic()).count() > 2);
    words.take(WORDS).map(|word| Theirs::new(fit(&word, 40))).collect()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
fn percent(score: f32) -> u8 {
    (score * 100.0).round().clamp(0.0, 100.0) as u8
}

/// All lessons since the last reset, in the order of the log.
///
/// # Errors
/// The store cannot be read.
pub async fn lessons(store: &dyn Store) -> Result<Vec<Lesson>, StoreError> {
    let (mut after, mut all) = (0, Vec::new());
    loop {
        let page = store.log(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.seq;
        for entry in &page {
            if entry.did == RESET {
                all.clear();
            }
            all.extend(lesson(store, entry).await?);
        }
    }
}

/// When mentions came lately, and to whom: what is usual is known again after a restart.
async fn came(store: &dyn Store) -> Result<Vec<(Timestamp, AccountId)>, StoreError> {
    let (mut after, mut all, mut accounts) = (0, Vec::new(), BTreeMap::new());
    loop {
        let page = store.log(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(all) };
        after = last.seq;
        let now = last.at;
        all.retain(|(at, _)| now.since(*at) < LATELY);
        for entry in page.iter().filter(|entry| entry.event == "mentioned") {
            let Some(no) = entry.case.filter(|_| now.since(entry.at) < LATELY) else { continue };
            let account = match accounts.entry(no) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(unknown) => {
                    let reach = Reach { keys: [Key::Case(no)].into(), query: None };
                    let found = store.read(&reach).await?;
                    unknown.insert(found.case(no).map(|case| case.account.clone()))
                }
            };
            all.extend(account.clone().map(|account| (entry.at, account)));
        }
    }
}

/// Writes into the log that all before it is forgotten.
///
/// # Errors
/// The store cannot be written.
pub async fn reset(store: &dyn Store, at: Timestamp) -> Result<(), StoreError> {
    let entry = own_entry(at, format!("score:{}", at.0), RESET, "");
    let commit = Commit {
        envelope: None,
        at,
        reads: BTreeMap::new(),
        writes: BTreeMap::new(),
        log: Some(entry),
    };
    store.commit(commit).await.map(drop)
}

/// What the team said with this act, if it said something.
async fn lesson(store: &dyn Store, entry: &LogEntry) -> Result<Option<Lesson>, StoreError> {
    let acts = ["escalated", "calmed", "closed"];
    let Some(no) = entry.case.filter(|_| acts.contains(&entry.did.as_str())) else {
        return Ok(None);
    };
    let found = store.read(&Reach { keys: [Key::Case(no)].into(), query: None }).await?;
    let Some(case) = found.case(no) else { return Ok(None) };
    let yes = match entry.did.as_str() {
        "escalated" => Some(true),
        "calmed" => Some(false),
        _ => closed(store, case).await?,
    };
    let Some(yes) = yes else { return Ok(None) };
    let text = text(store, case).await?;
    Ok(text.filter(|text| !text.trim().is_empty()).map(|text| (text, yes)))
}

/// What a closed case says: by its cause, its tags, or an answer that says sorry.
async fn closed(store: &dyn Store, case: &Case) -> Result<Option<bool>, StoreError> {
    let tagged = |words: &[&str]| case.tags.iter().any(|tag| words.contains(&tag.as_str()));
    let cause = case.cause.as_deref().unwrap_or_default().to_lowercase();
    if cause.contains("not ours") || cause.contains("spam") || tagged(&["not-ours", "spam"]) {
        return Ok(Some(false));
    }
    let yes = tagged(&["urgent", "priority"]) || apologised(store, case).await?;
    Ok(yes.then_some(true))
}

/// The newest answer has arrived and says sorry.
async fn apologised(store: &dyn Store, case: &Case) -> Result<bool, StoreError> {
    let Some(line) = case.answered else { return Ok(false) };
    let key = Key::Line(case.no, line);
    let found = store.read(&Reach { keys: [key].into(), query: None }).await?;
    let Some(Body::Reply(reply)) = found.line(case.no, line).map(|line| &line.body) else {
        return Ok(false);
    };
    let words = reply.text.to_lowercase();
    let sorry = ["sorry", "apolog", "entschuldig", "désolé", "perdón", "desculp", "scus"];
    Ok(reply.state == ReplyState::Sent && sorry.iter().any(|word| words.contains(word)))
}

/// What the customer wrote last.
async fn text(store: &dyn Store, case: &Case) -> Result<Option<String>, StoreError> {
    let heard = case.recent.iter().rev().find(|heard| !heard.withdrawn);
    let Some(heard) = heard else { return Ok(None) };
    let key = Key::Line(case.no, heard.line);
    let found = store.read(&Reach { keys: [key].into(), query: None }).await?;
    Ok(match found.line(case.no, heard.line).map(|line| &line.body) {
        Some(Body::Mention { mention, .. }) => Some(mention.text.raw().to_owned()),
        _ => None,
    })
}
