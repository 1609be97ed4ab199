//! What nobody addressed to us: posts of the stream that a rule means. The network's view is asked
//! for each, because only it tells whether its author wants to be found: a bot, a block, a wish in
//! his profile or a label keeps him out.
//!
//! The stream's cursor waits for what is under way here, so that a restart loses nothing.

use super::call::Trouble;
use super::gate::{self, Told};
use super::hear::{self, Found};
use super::sweep::{Ended, views};
use super::wire::{Label, Profile, Profiles};
use super::{Bluesky, FOLLOW};
use crate::case::event::{Envelope, Event};
use crate::case::id::FeedId;
use crate::inbox::{Inbox, Shut};
use crate::network::feed::{LONGEST, pause};
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc::Receiver;
use tokio::time::sleep;

/// Posts asked about in one call (lexicons: 25 at most).
const MANY: usize = 25;
/// Labels of an account that keep it out. Source: atproto, docs on labels (`bot` is one that an
/// account gives itself, `!no-unauthenticated` asks not to be shown around).
const SPARED: [&str; 4] = ["bot", "!no-unauthenticated", "!hide", "!takedown"];

/// Events whose posts are not safe yet, by their time and name.
#[derive(Default)]
pub(super) struct Pending(Mutex<BTreeSet<(i64, String)>>);

impl Pending {
    fn change<T>(&self, what: impl FnOnce(&mut BTreeSet<(i64, String)>) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn add(&self, told: &Told) {
        self.change(|all| all.insert((told.at, told.uri.clone())));
    }

    fn remove(&self, told: &Told) {
        self.change(|all| all.remove(&(told.at, told.uri.clone())));
    }

    /// The time of the oldest of them.
    pub(super) fn oldest(&self) -> Option<i64> {
        self.change(|all| all.first().map(|(at, _)| *at))
    }
}

impl Bluesky {
    /// Is this event of the stream a post that we listen for? What is addressed to us comes by
    /// another way.
    pub(super) fn overhears(&self, event: &str, us: &str) -> Option<Told> {
        let rules = self.ears.rules();
        if rules.is_empty() {
            return None;
        }
        let followed = |told: &Told| told.changed && self.ears.has(&told.uri);
        let new = |told: &Told| {
            !self.ears.has(&told.uri)
                && told.did != us
                && !hear::is_addressed(&told.post, us)
                && !rules.meaning(&told.text, &told.languages).is_empty()
        };
        let changed = || event.contains(r#""operation":"update""#).then(|| gate::read(event));
        let told = gate::told(event, &rules).filter(new);
        told.or_else(|| changed().flatten().filter(followed))
    }
}

/// Brings what was overheard, one account's.
pub(super) struct Bringer<'a> {
    pub(super) driver: &'a Bluesky,
    pub(super) inbox: &'a Inbox,
    pub(super) pending: &'a Pending,
}

/// A post on its way, and how often it was asked for.
struct Waiting {
    told: Told,
    tries: usize,
}

impl Bringer<'_> {
    fn feed(&self) -> FeedId {
        self.driver.feed("overheard")
    }

    /// Brings all that is told, until careline stops.
    pub(super) async fn run(&self, mut told: Receiver<Told>) -> Shut {
        match self.inbox.cursor(&self.feed()).await {
            Ok(kept) => self.driver.ears.restore(&kept.unwrap_or_default()),
            Err(shut) => return shut,
        }
        let (mut waiting, mut failures) = (Vec::new(), 0);
        let mut rest = Duration::ZERO;
        loop {
            if waiting.is_empty() {
                let Some(told) = told.recv().await else { return Shut };
                waiting.push(Waiting { told, tries: 0 });
                rest = FOLLOW[0];
            }
            sleep(rest).await;
            while waiting.len() < MANY {
                let Ok(told) = told.try_recv() else { break };
                waiting.push(Waiting { told, tries: 0 });
            }
            rest = match self.round(&mut waiting).await {
                Ok(()) => {
                    failures = 0;
                    let tries = waiting.iter().map(|one| one.tries).min().unwrap_or(0);
                    FOLLOW[tries.min(FOLLOW.len() - 1)]
                }
                Err(Ended::Shut) => return Shut,
                Err(Ended::Trouble(trouble)) => {
                    failures += 1;
                    tracing::debug!(why = trouble.why(), "overheard posts wait");
                    pause(failures, LONGEST)
                }
            };
        }
    }

    /// Asks for all that wait; what is not shown is asked for again, some times.
    async fn round(&self, waiting: &mut Vec<Waiting>) -> Result<(), Ended> {
        let uris: Vec<String> = waiting.iter().map(|one| one.told.uri.clone()).collect();
        let posts = views(self.driver, &uris).await?.posts;
        let profiles = self.profiles(waiting).await?;
        for view in posts {
            let Some(at) = waiting.iter().position(|one| one.told.uri == view.uri) else {
                continue;
            };
            let told = &waiting[at].told;
            let profile = profiles.iter().find(|profile| profile.did == told.did);
            if let (Ok(found), Some(profile)) = (Found::from_view(view), profile) {
                self.bring(told, &found, profile).await?;
            }
            self.pending.remove(told);
            waiting.remove(at);
        }
        for one in waiting.iter_mut() {
            one.tries += 1;
        }
        waiting.retain(|one| {
            let given_up = one.tries > FOLLOW.len();
            if given_up {
                self.pending.remove(&one.told);
            }
            !given_up
        });
        Ok(())
    }

    async fn profiles(&self, waiting: &[Waiting]) -> Result<Vec<Profile>, Trouble> {
        let dids: BTreeSet<&str> = waiting.iter().map(|one| one.told.did.as_str()).collect();
        let query: Vec<(&str, &str)> = dids.into_iter().map(|did| ("actors", did)).collect();
        let got: Profiles = self.driver.client.get("app.bsky.actor.getProfiles", &query).await?;
        Ok(got.profiles)
    }

    async fn bring(&self, told: &Told, found: &Found, profile: &Profile) -> Result<(), Shut> {
        let (driver, ears) = (self.driver, &self.driver.ears);
        let now = driver.now();
        let known = ears.has(&told.uri);
        let rule = match known {
            true => Some(String::new()),
            false if is_spared(&ears.rules(), found, profile) => None,
            false => ears.admit(&found.post.text, &found.post.langs, now),
        };
        let Some(rule) = rule else { return Ok(()) };
        let mut mention = hear::mention(&driver.account, found, &driver.app, now);
        mention.overheard = Some(rule);
        let name = format!("{}/{}", driver.account, told.uri);
        if known {
            let event = Event::Changed(Box::new(mention));
            let id = format!("{name}/{}", found.cid);
            return self.inbox.put(Envelope::new(id, event)).await.map(drop);
        }
        let event = Event::Mentioned(Box::new(mention));
        self.inbox.put(Envelope::new(format!("{name}/overheard"), event)).await?;
        ears.note(&told.uri);
        driver.save(self.inbox, &self.feed(), ears.kept()).await
    }
}

/// Is this somebody who does not want to be found, or whom we do not want to see?
fn is_spared(rules: &crate::listen::Rules, found: &Found, profile: &Profile) -> bool {
    let standing = &found.author.viewer;
    let shut = standing.muted || standing.blocked_by || standing.blocking.is_some();
    let of_post = found.view.iter().flat_map(|view| &view.labels);
    let asks = |label: &Label| !label.neg && SPARED.contains(&label.val.as_str());
    let names = [profile.did.as_str(), found.author.handle.as_str()];
    let about = profile.description.as_deref().unwrap_or_default();
    shut || of_post.chain(&profile.labels).any(asks) || rules.spares(&names, about)
}
