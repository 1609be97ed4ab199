//! Finds people and posts of a square without looking at all of them: thousands of people write
//! in a long test, and every one of their posts is found by several calls.

use super::square::{Person, SquarePost};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeBounds;

/// Names of people: the name, and the person's id.
type Names = BTreeSet<(String, String)>;
/// Posts by what they have in common, oldest first.
type Posts<K> = BTreeMap<K, BTreeSet<i64>>;

/// What the square keeps beside its people and posts; derived from them alone.
#[derive(Default)]
pub(super) struct Index {
    tokens: Names,
    handles: Names,
    authors: Posts<String>,
    answers: Posts<i64>,
}

impl Index {
    /// A person is known by these names, and not by his old ones.
    pub(super) fn join(&mut self, old: Option<&Person>, person: &Person) {
        if let Some(old) = old {
            self.tokens.retain(|(_, id)| *id != old.id);
            self.handles.retain(|(_, id)| *id != old.id);
        }
        let named = |name: String| (name, person.id.clone());
        self.tokens.extend(person.token.clone().map(named));
        self.handles.insert(named(person.handle.to_ascii_lowercase()));
    }

    pub(super) fn post(&mut self, post: &SquarePost) {
        self.authors.entry(post.author.clone()).or_default().insert(post.id);
        if let Some(parent) = post.parent {
            self.answers.entry(parent).or_default().insert(post.id);
        }
    }

    pub(super) fn by_token(&self, token: &str) -> Option<&str> {
        first(&self.tokens, token.to_owned())
    }

    pub(super) fn by_handle(&self, handle: &str) -> Option<&str> {
        first(&self.handles, handle.to_ascii_lowercase())
    }

    /// Ids of what this person wrote.
    pub(super) fn written_by(
        &self,
        who: &str,
        ids: impl RangeBounds<i64>,
    ) -> impl DoubleEndedIterator<Item = &i64> {
        self.authors.get(who).map(|all| all.range(ids)).into_iter().flatten()
    }

    /// Ids of what answers this post itself.
    pub(super) fn answers(&self, post: i64) -> impl DoubleEndedIterator<Item = &i64> {
        self.answers.get(&post).into_iter().flatten()
    }
}

fn first(names: &Names, name: String) -> Option<&str> {
    let from = (name.clone(), String::new());
    names.range(from..).next().filter(|(known, _)| *known == name).map(|(_, id)| id.as_str())
}
