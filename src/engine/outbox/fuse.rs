//! The fuse: more posts to customers than a team could write in a minute mean that something runs
//! wild. It stops all sending to customers until a person says otherwise.

use super::Inner;
use crate::case::draft::note;
use crate::case::effect::{Act, Delivery, Notice, Reply, State, Tone};
use crate::case::id::{Bucket, ChannelId, DeliveryId, Lane};
use crate::case::policy::Policy;
use crate::case::record::{Commit, Key, Reach, Record, Switch};
use crate::case::rich::Rich;
use crate::case::time::{Span, Timestamp};
use crate::engine::step::own_entry;
use crate::store::StoreError;
use std::collections::{BTreeMap, VecDeque};

const WINDOW: Span = Span::minutes(1);

/// Posts of the last minute, by account and by lane.
#[derive(Debug, Default)]
pub(super) struct Fuse {
    recent: BTreeMap<String, VecDeque<Timestamp>>,
}

impl Fuse {
    /// One more post under this name. Says whether it is one too many.
    fn blows(&mut self, name: String, now: Timestamp, most: u32) -> bool {
        let seen = self.recent.entry(name).or_default();
        while seen.front().is_some_and(|at| now.since(*at) >= WINDOW && *at <= now) {
            seen.pop_front();
        }
        seen.push_back(now);
        // Longer lists than this only come from clocks that are set back.
        while seen.len() > most as usize + 1 {
            seen.pop_front();
        }
        seen.len() > most as usize && most > 0
    }

    /// Counts a post to a customer; the sentence if it is one too many.
    pub(super) fn count(
        &mut self,
        lane: &Lane,
        reply: &Reply,
        policy: &Policy,
        now: Timestamp,
    ) -> Option<String> {
        self.recent.retain(|_, seen| seen.back().is_some_and(|at| now.since(*at) < WINDOW));
        let account = &reply.target.account;
        let (most, case) = (policy.fuse_account, policy.fuse_case);
        if self.blows(format!("account {account}"), now, most) {
            return Some(format!("{account} wanted to post more than {most} times in a minute"));
        }
        let blown = self.blows(format!("lane {lane}"), now, case);
        blown.then(|| format!("one case wanted to post more than {case} times in a minute"))
    }
}

impl Inner {
    /// Stops all sending to customers and tells the team.
    pub(super) async fn blow(&self, why: String) -> Result<(), StoreError> {
        tracing::error!("nothing is sent to customers any more: {why}");
        let key = Key::Switch;
        loop {
            let now = self.clock.now();
            let reach = Reach { keys: [key.clone()].into(), query: None };
            let found = self.store.read(&reach).await?;
            let is_stopped =
                |record: &Record| matches!(record, Record::Switch(Switch { stopped: Some(_), .. }));
            if found.get(&key).is_some_and(is_stopped) {
                return Ok(());
            }
            let policy = self.policy();
            let switch = Record::Switch(Switch { stopped: Some(why.clone()), since: now });
            let mut writes = BTreeMap::from([(key.clone(), Some(switch))]);
            if let Some(row) = notice(&policy, &why, now) {
                let key = Key::Delivery(row.id.clone());
                writes.insert(key, Some(Record::Delivery(Box::new(row))));
            }
            let log = own_entry(now, format!("fuse:{}", now.0), "stopped", &policy.revision);
            let (reads, log) = (found.versions(), Some(log));
            let commit = Commit { envelope: None, at: now, reads, writes, log };
            if self.write(commit).await? != crate::store::Outcome::Conflict {
                return Ok(());
            }
        }
    }
}

fn notice(policy: &Policy, why: &str, now: Timestamp) -> Option<Delivery> {
    let channel: ChannelId =
        policy.ops.clone().or_else(|| policy.routes.values().next().cloned())?;
    let words = Rich::of(format!(
        "Nothing is sent to customers any more: {why}. If that is as it should be, say `resume`."
    ));
    let bucket = Bucket::new(format!("{}:{}", channel.desk, channel.channel));
    let note = Box::new(note(Tone::Warning, words, Vec::new()));
    Some(Delivery {
        id: DeliveryId::new(format!("f{}", now.0)),
        case: None,
        line: None,
        lane: Lane::new(format!("o{}:{}", channel.desk, channel.channel)),
        bucket,
        urgent: true,
        order: (now, 0),
        ready: now,
        act: Act::Desk(Notice::Tell { channel, note }),
        state: State::Waiting { tried: 0 },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_a_sliding_minute() {
        let mut fuse = Fuse::default();
        let mut post = |second| fuse.blows("x".into(), Timestamp::from_seconds(second), 3);
        assert!(!post(0) && !post(1) && !post(59));
        assert!(!post(60), "the first is a minute old");
        assert!(post(60));
    }
}
