//! One account's ears: its rules while it listens, their caps, and what was overheard lately.

use super::Rules;
use crate::case::time::{Span, Timestamp};
use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::watch;

/// Posts remembered as overheard, so that their changes and deletions are followed.
const KEPT: usize = 2_000;
/// Bytes of what is stored of them: a row stays far below 16 KiB.
const KEPT_BYTES: usize = 8_000;

/// See the module. Rules may be changed at any time.
pub struct Ears {
    rules: watch::Sender<Arc<Rules>>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// When each rule brought a post, within the last hour.
    brought: BTreeMap<String, VecDeque<Timestamp>>,
    /// Rules whose cap was reached and said so.
    full: BTreeMap<String, Timestamp>,
    /// Names of overheard posts, oldest first.
    recent: VecDeque<String>,
}

impl Default for Ears {
    fn default() -> Self {
        Self { rules: watch::Sender::new(Arc::default()), state: Mutex::default() }
    }
}

impl Ears {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on these rules.
    pub fn heed(&self, rules: Arc<Rules>) {
        self.rules.send_replace(rules);
    }

    /// The rules of this moment.
    pub fn rules(&self) -> Arc<Rules> {
        self.rules.borrow().clone()
    }

    /// Tells when the rules change.
    pub fn watch(&self) -> watch::Receiver<Arc<Rules>> {
        self.rules.subscribe()
    }

    /// The rule that may bring a post with this text now; its cap counts it. `None`: no rule means
    /// it, or all that do have brought their fill of this hour.
    pub fn admit(&self, text: &str, languages: &[String], now: Timestamp) -> Option<String> {
        let rules = self.rules();
        let meaning = rules.meaning(text, languages);
        let mut state = self.state();
        let rule = meaning.into_iter().find(|rule| state.takes(&rule.name, rule.per_hour, now))?;
        Some(rule.name.clone())
    }

    /// Was this post overheard?
    pub fn has(&self, post: &str) -> bool {
        self.state().recent.iter().any(|one| one == post)
    }

    /// Notes an overheard post.
    pub fn note(&self, post: &str) {
        let mut state = self.state();
        state.recent.retain(|one| one != post);
        state.recent.push_back(post.to_owned());
        if state.recent.len() > KEPT {
            state.recent.pop_front();
        }
    }

    /// The newest overheard posts, to be stored.
    pub fn kept(&self) -> String {
        let mut room = KEPT_BYTES;
        let state = self.state();
        let fits = |post: &&String| {
            let cost = post.len() + 4;
            let fits = cost <= room;
            room = room.saturating_sub(cost);
            fits
        };
        let newest: Vec<&String> = state.recent.iter().rev().take_while(fits).collect();
        serde_json::to_string(&newest).unwrap_or_default()
    }

    /// Remembers what was stored.
    pub fn restore(&self, kept: &str) {
        let newest: Vec<String> = serde_json::from_str(kept).unwrap_or_default();
        self.state().recent = newest.into_iter().rev().collect();
    }
}

impl State {
    fn takes(&mut self, rule: &str, per_hour: u32, now: Timestamp) -> bool {
        let hour = now - Span::hours(1);
        let brought = self.brought.entry(rule.to_owned()).or_default();
        brought.retain(|at| *at > hour);
        if brought.len() < per_hour as usize {
            brought.push_back(now);
            return true;
        }
        let told = self.full.get(rule).is_some_and(|at| *at > hour);
        if !told {
            self.full.insert(rule.to_owned(), now);
            tracing::warn!(
                rule,
                per_hour,
                "brought its fill of this hour; the rest is passed over"
            );
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Rule, Wanted};
    use super::*;

    fn ears(rules: &[(&str, u32)]) -> Ears {
        let rule = |(name, per_hour): &(&str, u32)| {
            let words = vec!["acme".to_owned()];
            let (name, per_hour) = ((*name).to_owned(), *per_hour);
            Rule::new(&Wanted { name, words, per_hour, ..Wanted::default() }).unwrap()
        };
        let ears = Ears::default();
        ears.heed(Arc::new(Rules::new(rules.iter().map(rule).collect(), &[])));
        ears
    }

    #[test]
    fn a_cap_is_of_an_hour_and_of_each_rule() {
        let ears = ears(&[("a", 2), ("b", 1)]);
        let at = Timestamp::from_seconds;
        let rule = |seconds| ears.admit("acme", &[], at(seconds));
        assert_eq!([rule(0), rule(1), rule(2)].map(Option::unwrap), ["a", "a", "b"]);
        assert_eq!(rule(3), None);
        assert_eq!(ears.admit("other", &[], at(3)), None);
        assert_eq!(rule(3_600).as_deref(), Some("a"));
    }

    #[test]
    fn what_was_overheard_is_known_after_a_restart() {
        let ears = ears(&[("a", 2)]);
        (0..3_000).for_each(|n| ears.note(&format!("at://did:plc:x/post/{n}")));
        assert!(ears.has("at://did:plc:x/post/2999") && !ears.has("at://did:plc:x/post/0"));
        let kept = ears.kept();
        assert!(kept.len() < 10_000, "{}", kept.len());
        let again = Ears::default();
        again.restore(&kept);
        assert!(again.has("at://did:plc:x/post/2999") && !again.has("at://did:plc:x/post/1001"));
        assert_eq!(again.kept(), kept);
    }
}
