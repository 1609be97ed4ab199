//! One network's server: people, their posts and who may see them. Pure; knows no platform.
//!
//! A post's id is its instant ([`World::mint`](super::World::mint)); a face writes it in its
//! platform's form. Every change is written into [`Square::happened`], in order and for ever:
//! checkers and pages read that, and a face turns it into its platform's events.

use super::World;
use super::index::Index;
use crate::case::model::Audience;
use crate::case::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

/// Somebody who writes posts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Person {
    /// His stable id.
    pub id: String,
    /// His handle without a leading `@`: `ann`, or `ann@elsewhere.example` from another server.
    pub handle: String,
    /// The name he gave himself.
    pub name: String,
    /// His page.
    pub url: String,
    /// His picture.
    pub avatar: Option<String>,
    /// What he says about himself.
    #[serde(default)]
    pub about: String,
    /// How many follow him.
    #[serde(default)]
    pub followers: u64,
    /// He says that he is a program.
    pub bot: bool,
    /// What he may log in with. Whoever has it speaks as him.
    pub token: Option<String>,
    /// The account that careline runs.
    pub is_us: bool,
}

/// A picture, film or sound that was given to the server.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medium {
    /// Its id.
    pub id: String,
    /// Who gave it.
    pub owner: String,
    /// What it is (`image/png`).
    pub mime: String,
    /// Where it is shown.
    pub url: String,
    /// Its description.
    pub alt: String,
    /// How many times the server is still asked before it is ready.
    pub pending: u32,
    /// Its bytes.
    #[serde(skip)]
    pub bytes: Bytes,
}

/// The app of what came through an API that takes no key with a post.
pub const API: &str = "an app of the API";

/// One post.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SquarePost {
    /// Its instant and name.
    pub id: i64,
    /// Who wrote it.
    pub author: String,
    /// The post it answers.
    pub parent: Option<i64>,
    /// The first post of the conversation; itself if it answers nothing.
    pub root: i64,
    /// Who may read it.
    pub audience: Audience,
    /// Its words, plain.
    pub text: String,
    /// Its content warning.
    pub warning: Option<String>,
    /// Ids of the people it names: they are told.
    pub mentions: Vec<String>,
    /// Ids of its media.
    pub media: Vec<String>,
    /// When it was written.
    pub written: Timestamp,
    /// When it was last changed.
    pub edited: Option<Timestamp>,
    /// It was deleted; what it said stays in the ledger.
    pub deleted: bool,
    /// The key under which its author sent it, if he gave one.
    pub key: Option<String>,
    /// The app it was written with.
    pub app: Option<String>,
    /// Its language.
    pub language: Option<String>,
}

impl SquarePost {
    /// A public post of this author, naming nobody; its id and root come when it is posted.
    #[must_use]
    pub fn by(author: &str, text: &str) -> Self {
        Self {
            id: 0,
            author: author.to_owned(),
            parent: None,
            root: 0,
            audience: Audience::Public,
            text: text.to_owned(),
            warning: None,
            mentions: Vec::new(),
            media: Vec::new(),
            written: Timestamp::default(),
            edited: None,
            deleted: false,
            key: None,
            app: None,
            language: None,
        }
    }
}

/// One change, as it really happened.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Its place, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// What can happen on a square.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "kind")]
pub enum What {
    /// A post appeared.
    Posted {
        /// The post, as it was then.
        post: Box<SquarePost>,
    },
    /// A post was changed.
    Edited {
        /// The post, as it is now.
        post: Box<SquarePost>,
    },
    /// A post was deleted.
    Deleted {
        /// Which.
        post: i64,
    },
}

impl What {
    /// The post it is about.
    #[must_use]
    pub fn post(&self) -> i64 {
        match self {
            Self::Posted { post } | Self::Edited { post } => post.id,
            Self::Deleted { post } => *post,
        }
    }
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum No {
    /// There is no such person.
    NoPerson,
    /// There is no such post, or it is not for this person's eyes.
    NoPost,
    /// The post belongs to somebody else.
    NotYours,
    /// There is no such medium, or it belongs to somebody else.
    NoMedium,
}

/// A network's server.
#[derive(Default)]
pub struct Square {
    /// How its server behaves, in words that its face understands; empty for the usual.
    pub manner: String,
    /// Everybody, by id; kept by [`Square::join`].
    pub people: BTreeMap<String, Person>,
    /// All posts, deleted ones too, by id; kept by [`Square::post`].
    pub posts: BTreeMap<i64, SquarePost>,
    /// All media, by id.
    pub media: BTreeMap<String, Medium>,
    /// Who blocked whom.
    pub blocks: BTreeSet<(String, String)>,
    /// Under which key a person posted what, and when.
    pub keys: BTreeMap<(String, String), (i64, Timestamp)>,
    /// The ledger.
    pub happened: Vec<Happening>,
    index: Index,
}

impl Square {
    /// Lets a person in, or changes him.
    pub fn join(&mut self, person: Person) {
        self.index.join(self.people.get(&person.id), &person);
        self.people.insert(person.id.clone(), person);
    }

    /// The account that careline runs here.
    #[must_use]
    pub fn us(&self) -> Option<&Person> {
        self.people.values().find(|person| person.is_us)
    }

    /// Whose token is it?
    #[must_use]
    pub fn by_token(&self, token: &str) -> Option<&Person> {
        self.people.get(self.index.by_token(token)?)
    }

    /// Who has this handle? Case does not matter.
    #[must_use]
    pub fn by_handle(&self, handle: &str) -> Option<&Person> {
        self.people.get(self.index.by_handle(handle)?)
    }

    /// Ids of the people whose handles stand in this text behind an `@`, each once, in order.
    #[must_use]
    pub fn called(&self, text: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, _) in text.match_indices('@') {
            let before = text[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || matches!(c, '_' | '/' | '@')) {
                continue;
            }
            let handle = handle_at(&text[at + 1..]);
            let person = self.by_handle(handle).map(|person| person.id.clone());
            found.extend(person.filter(|id| !found.contains(id)));
        }
        found
    }

    /// Lets one person block another.
    pub fn block(&mut self, who: &str, whom: &str) {
        self.blocks.insert((who.to_owned(), whom.to_owned()));
    }

    /// Did one of the two block the other?
    #[must_use]
    pub fn blocked(&self, one: &str, other: &str) -> bool {
        let pair = |a: &str, b: &str| self.blocks.contains(&(a.to_owned(), b.to_owned()));
        pair(one, other) || pair(other, one)
    }

    /// May this person (`None`: anybody) read this post?
    #[must_use]
    pub fn may_read(&self, who: Option<&str>, post: &SquarePost) -> bool {
        let open = matches!(post.audience, Audience::Public | Audience::Unlisted);
        let Some(who) = who else { return open && !post.deleted };
        let own = post.author == who || post.mentions.iter().any(|id| id == who);
        !post.deleted && (own || open) && !self.blocked(who, &post.author)
    }

    /// A post that this person may read.
    ///
    /// # Errors
    /// [`No::NoPost`].
    pub fn read(&self, who: Option<&str>, id: i64) -> Result<&SquarePost, No> {
        self.posts.get(&id).filter(|post| self.may_read(who, post)).ok_or(No::NoPost)
    }

    /// Puts up a post under this id; its root is found. Callers mint the id:
    /// [`World::post`](super::World::post) does both.
    ///
    /// # Errors
    /// The author is unknown, or what it answers is not there for him.
    pub fn post(&mut self, at: Timestamp, id: i64, mut post: SquarePost) -> Result<i64, No> {
        if !self.people.contains_key(&post.author) {
            return Err(No::NoPerson);
        }
        post.root = match post.parent {
            Some(parent) => self.read(Some(&post.author), parent)?.root,
            None => id,
        };
        let mine = |id: &String| self.media.get(id).is_some_and(|m| m.owner == post.author);
        if !post.media.iter().all(mine) {
            return Err(No::NoMedium);
        }
        post.id = id;
        post.written = at;
        if let Some(key) = post.key.clone() {
            self.keys.insert((post.author.clone(), key), (id, at));
        }
        self.index.post(&post);
        self.posts.insert(id, post.clone());
        self.note(at, What::Posted { post: Box::new(post) });
        Ok(id)
    }

    /// Changes a post of this author.
    ///
    /// # Errors
    /// There is none, or it is somebody else's.
    pub fn edit(
        &mut self,
        at: Timestamp,
        author: &str,
        id: i64,
        change: impl FnOnce(&mut SquarePost),
    ) -> Result<(), No> {
        let post = self.own(author, id)?;
        change(post);
        post.edited = Some(at);
        let post = Box::new(post.clone());
        self.note(at, What::Edited { post });
        Ok(())
    }

    /// Deletes a post of this author.
    ///
    /// # Errors
    /// There is none, or it is somebody else's.
    pub fn delete(&mut self, at: Timestamp, author: &str, id: i64) -> Result<(), No> {
        self.own(author, id)?.deleted = true;
        self.note(at, What::Deleted { post: id });
        Ok(())
    }

    fn own(&mut self, author: &str, id: i64) -> Result<&mut SquarePost, No> {
        let post = self.posts.get_mut(&id).filter(|post| !post.deleted).ok_or(No::NoPost)?;
        if post.author == author { Ok(post) } else { Err(No::NotYours) }
    }

    /// Does this post tell this person of itself?
    #[must_use]
    pub fn tells(&self, post: &SquarePost, who: &str) -> bool {
        post.author != who
            && post.mentions.iter().any(|id| id == who)
            && !self.blocked(who, &post.author)
    }

    /// The posts that name this person and are still there, oldest first.
    pub fn mentions_of<'a>(&'a self, who: &'a str) -> impl Iterator<Item = &'a SquarePost> + 'a {
        self.posts.values().filter(move |post| !post.deleted && self.tells(post, who))
    }

    /// What this person wrote and is still there, oldest first.
    pub fn written_by<'a>(
        &'a self,
        who: &'a str,
    ) -> impl DoubleEndedIterator<Item = &'a SquarePost> + 'a {
        self.written_within(who, ..)
    }

    /// What this person wrote and is still there, with ids in this range, oldest first.
    pub fn written_within<'a>(
        &'a self,
        who: &'a str,
        ids: impl RangeBounds<i64> + 'a,
    ) -> impl DoubleEndedIterator<Item = &'a SquarePost> + 'a {
        let posts = self.index.written_by(who, ids).filter_map(|id| self.posts.get(id));
        posts.filter(|post| !post.deleted)
    }

    /// What answers this post itself, deleted ones too, oldest first.
    pub fn answers_to(&self, id: i64) -> impl DoubleEndedIterator<Item = &SquarePost> {
        self.index.answers(id).filter_map(|id| self.posts.get(id))
    }

    /// The posts above this one, from the first of the conversation to its parent.
    #[must_use]
    pub fn ancestors(&self, id: i64) -> Vec<&SquarePost> {
        let mut found = Vec::new();
        let mut next = self.posts.get(&id).and_then(|post| post.parent);
        while let Some(post) = next.and_then(|id| self.posts.get(&id)) {
            found.push(post);
            next = post.parent;
        }
        found.reverse();
        found
    }

    /// The posts below this one at any depth, oldest first, deleted ones left out.
    #[must_use]
    pub fn descendants(&self, id: i64) -> Vec<&SquarePost> {
        let (mut found, mut next) = (BTreeMap::new(), vec![id]);
        while let Some(above) = next.pop() {
            for post in self.answers_to(above) {
                next.push(post.id);
                found.insert(post.id, post);
            }
        }
        found.into_values().filter(|post| !post.deleted).collect()
    }

    /// Happenings after `seq`.
    #[must_use]
    pub fn since(&self, seq: u64) -> &[Happening] {
        let from = usize::try_from(seq).unwrap_or(usize::MAX).min(self.happened.len());
        &self.happened[from..]
    }

    fn note(&mut self, at: Timestamp, what: What) {
        let seq = self.happened.len() as u64 + 1;
        self.happened.push(Happening { seq, at, what });
    }
}

/// The handle a text begins with, without a full stop or dash at its end.
fn handle_at(text: &str) -> &str {
    let part = |c: char| c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    let end = text.find(|c: char| !part(c)).unwrap_or(text.len());
    text[..end].trim_end_matches(['.', '-', '@'])
}

impl World {
    /// Mints an id and puts a post up on this square, now.
    ///
    /// # Errors
    /// As [`Square::post`].
    pub fn post(&mut self, square: &str, post: SquarePost) -> Result<i64, No> {
        let (now, id) = (self.now, self.mint());
        self.square(square).post(now, id, post)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(id: &str, handle: &str) -> Person {
        let (id, handle) = (id.to_owned(), handle.to_owned());
        Person { token: Some(format!("token-{id}")), id, handle, ..Person::default() }
    }

    fn world() -> World {
        let mut world = World::default();
        let square = world.square("acme");
        square.join(Person { is_us: true, ..person("1", "acme") });
        square.join(person("2", "ann@elsewhere.example"));
        square.join(person("3", "bob"));
        world
    }

    #[test]
    fn whoever_is_named_is_told_and_nobody_else() {
        let mut world = world();
        let text = "Hi @acme, and @ann@elsewhere.example. Not a@bob or http://x/@bob";
        let mentions = world.square("acme").called(text);
        assert_eq!(mentions, ["1", "2"]);
        let post = SquarePost { mentions, ..SquarePost::by("3", text) };
        let id = world.post("acme", post).unwrap();
        let square = world.square("acme");
        assert_eq!(square.mentions_of("1").map(|p| p.id).collect::<Vec<_>>(), [id]);
        assert_eq!(square.mentions_of("3").count(), 0);
        square.block("1", "3");
        assert_eq!(square.mentions_of("1").count(), 0);
    }

    #[test]
    fn a_private_post_is_read_by_its_people_only() {
        let mut world = world();
        let post = SquarePost {
            audience: Audience::Direct,
            mentions: vec!["1".into()],
            ..SquarePost::by("2", "psst")
        };
        let id = world.post("acme", post).unwrap();
        let square = world.square("acme");
        assert!(square.read(Some("1"), id).is_ok());
        assert_eq!(square.read(Some("3"), id), Err(No::NoPost));
        assert_eq!(square.read(None, id), Err(No::NoPost));
        let answer = SquarePost { parent: Some(id), ..SquarePost::by("3", "?") };
        assert_eq!(world.post("acme", answer), Err(No::NoPost));
    }

    #[test]
    fn conversations_have_a_root_and_deleted_posts_take_no_answers() {
        let mut world = world();
        let a = world.post("acme", SquarePost::by("2", "a")).unwrap();
        let below = |parent| SquarePost { parent: Some(parent), ..SquarePost::by("1", "b") };
        let b = world.post("acme", below(a)).unwrap();
        let c = world.post("acme", below(b)).unwrap();
        let square = world.square("acme");
        assert_eq!(square.posts[&c].root, a);
        let ids = |posts: Vec<&SquarePost>| posts.iter().map(|p| p.id).collect::<Vec<_>>();
        assert_eq!(
            (ids(square.ancestors(c)), ids(square.descendants(a))),
            (vec![a, b], vec![b, c])
        );
        assert_eq!(square.delete(Timestamp(9), "2", b), Err(No::NotYours));
        assert_eq!(square.delete(Timestamp(9), "1", b), Ok(()));
        assert_eq!(square.edit(Timestamp(9), "1", b, |_| ()), Err(No::NoPost));
        assert_eq!(
            square.since(3),
            [Happening { seq: 4, at: Timestamp(9), what: What::Deleted { post: b } }]
        );
        assert_eq!(world.post("acme", below(b)), Err(No::NoPost));
    }
}
