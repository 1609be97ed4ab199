//! X (API v2): the driver.
//!
//! *In.* Three feeds are swept from their cursors: mentions, our own posts (a colleague may answer
//! in X's own app, or by hand where X takes no answer from us), direct messages (`sweep`). Webhooks
//! (`push`) and streams (`stream`) only make it faster. *Out.* X knows no key with a post, so what
//! was sent is looked for in our own timeline before anything is sent again (`say`, `send`).
//! *Money*: every billed thing is counted against a daily budget (`money`).
//!
//! A post is called by the first id of its history; a direct message by its id behind `dm/`. All of
//! this was tried on our own simulation of X only (`face`).

mod auth;
mod call;
mod change;
pub mod face;
mod hear;
mod login;
mod money;
mod push;
mod say;
mod send;
mod set;
mod sign;
mod store;
mod stream;
mod sweep;
mod wire;

use super::feed::{self, Sent, finding, swept, troubled, until_stop};
use super::{Driver, Failure, Finding, Looked, Network, Outgoing, Paid, Stopped};
use crate::case::ability::{Abilities, Count, Limit, Price, Resend, dollars};
use crate::case::effect::Receipt;
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, FeedId};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut, Task};
use call::{Asked, Caller, Trouble};
use hear::Us;
use money::{Books, Level};
use secrecy::SecretString;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use stream::Stream;
use sweep::{Ended, Feed, What};
use tokio::sync::OnceCell;
use tokio::time::sleep;
use url::Url;
use wire::{Page, User};

/// The row of this network.
pub static NETWORK: Driver = Driver {
    name: "x",
    example: set::EXAMPLE,
    open: set::open,
    abilities: || abilities(usize::try_from(say::LIMIT).unwrap_or(0), "https://x.com"),
    face: face::routes,
};

/// Before the first look for a post whose sending nobody knows of, and between two: X's own lists
/// come to know a post a little later (`platforms.md` 13).
const LOOK_AFTER: Span = Span::seconds(10);
/// How much slower feeds are read when the budget is scarce, and when it is spent.
const SCARCE: u32 = 4;
const SPENT: u32 = 20;

/// Where X sends events by itself.
struct Hook {
    path: String,
    secret: SecretString,
}

/// One account on X.
struct X {
    account: AccountId,
    caller: Caller,
    books: Books,
    /// Where people read posts, without a slash at its end.
    app: String,
    /// The app's own token, for streams.
    bearer: Option<SecretString>,
    redirect: Url,
    hook: Option<Hook>,
    stream: Option<Stream>,
    rules: Vec<String>,
    poll: Span,
    /// 0 if direct messages are not read.
    direct: Span,
    review: Span,
    since: Span,
    limit: usize,
    summoned_only: bool,
    us: OnceCell<Us>,
    sent: Sent,
}

fn abilities(limit: usize, app: &str) -> Abilities {
    let mills = |kind: money::Kind| u32::try_from(kind.mills).unwrap_or(u32::MAX);
    Abilities {
        network: "X".into(),
        replies: true,
        limit,
        count: Count::Weighted,
        direct: Some(Limit { limit: say::DIRECT_LIMIT, count: Count::Chars }),
        // X lets only those be written to who wrote first.
        private: false,
        window: None,
        names_customer: false,
        files: say::FILES,
        edits: false,
        rewrites: false,
        deletes: true,
        handle: None,
        resend: Resend::Look,
        look_after: LOOK_AFTER,
        price: Some(Price { post: mills(money::POST), link: mills(money::LINK) }),
        compose: Some(format!("{app}/intent/post?in_reply_to={{post}}&text={{text}}")),
    }
}

impl X {
    fn now(&self) -> Timestamp {
        self.caller.line.now()
    }

    fn feed(&self, name: &str) -> FeedId {
        FeedId::new(format!("{}/{name}", self.account))
    }

    async fn save(&self, inbox: &Inbox, feed: &FeedId, cursor: String) -> Result<(), Shut> {
        feed::save(inbox, feed, self.now(), cursor).await
    }

    /// Who we are on X; asked once.
    async fn us(&self) -> Result<&Us, Trouble> {
        let ask = || async {
            let page: Page<User> = self.caller.call(&Asked::get("/2/users/me")).await?;
            let user = page.data.filter(|user| say::is_id(&user.id));
            let user = user.ok_or_else(|| Trouble::Broken("X does not say who we are".into()))?;
            Ok(Us {
                account: self.account.clone(),
                id: user.id,
                handle: user.username,
                app: self.app.clone(),
                summoned_only: self.summoned_only,
            })
        };
        self.us.get_or_try_init(ask).await
    }

    async fn run(&self, inbox: &Inbox) -> Stopped {
        let account = self.account.clone();
        let id = format!("{account}/state/{}", self.now().0);
        let abilities = abilities(self.limit, &self.app);
        let event = Event::AccountState { account, abilities };
        if inbox.put(Envelope::new(id, event)).await.is_err() {
            return Stopped::Asked;
        }
        let opened = match self.open_all(inbox).await {
            Ok(opened) => opened,
            Err(stopped) => return stopped,
        };
        let (us, mentions, own, direct) = opened;
        let direct = async {
            match direct {
                Some(direct) => self.keep(inbox, us, direct).await,
                None => std::future::pending().await,
            }
        };
        let stream = async {
            match self.stream {
                Some(stream) => self.follow(inbox, us, stream).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            stopped = self.keep(inbox, us, mentions) => stopped,
            stopped = self.keep(inbox, us, own) => stopped,
            stopped = direct => stopped,
            Shut = stream => Stopped::Asked,
        }
    }

    /// Waits until all feeds are open; only a dead account ends it.
    async fn open_all(&self, inbox: &Inbox) -> Result<(&Us, Feed, Feed, Option<Feed>), Stopped> {
        let mut failures = 0;
        loop {
            match self.try_open(inbox).await {
                Ok(opened) => return Ok(opened),
                Err(Ended::Shut) => return Err(Stopped::Asked),
                Err(Ended::Trouble(trouble)) => {
                    failures += 1;
                    let feed = self.feed(What::Mentions.name());
                    sleep(troubled(inbox, &feed, &trouble, failures)?).await;
                }
            }
        }
    }

    async fn try_open(&self, inbox: &Inbox) -> Result<(&Us, Feed, Feed, Option<Feed>), Ended> {
        let kept = inbox.cursor(&self.feed("paid")).await?;
        self.books.open(kept.as_deref(), self.now());
        let us = self.us().await?;
        let mentions = Feed::open(self, inbox, What::Mentions, us).await?;
        let own = Feed::open(self, inbox, What::Own, us).await?;
        let direct = match self.direct {
            Span(0) => None,
            _ => Some(Feed::open(self, inbox, What::Direct, us).await?),
        };
        Ok((us, mentions, own, direct))
    }

    /// Sweeps one feed again and again.
    async fn keep(&self, inbox: &Inbox, us: &Us, mut feed: Feed) -> Stopped {
        let mut failures = 0;
        loop {
            let done = feed.sweep(self, inbox, us).await;
            let wait = match swept(inbox, &feed.id, done, &mut failures) {
                Ok(None) => {
                    inbox.pulse(&feed.id, Pulse::Read);
                    self.wait(feed.what)
                }
                Ok(Some(wait)) => wait,
                Err(stopped) => return stopped,
            };
            if self.balance(inbox).await.is_err() {
                return Stopped::Asked;
            }
            sleep(wait).await;
        }
    }

    /// How long until the next sweep: longer as the budget gets scarce, never for ever.
    fn wait(&self, what: What) -> Duration {
        let every = match what {
            What::Mentions => self.poll,
            What::Own => Span(self.poll.0.saturating_mul(2)),
            What::Direct => self.direct,
        };
        every.to_std() * self.slower()
    }

    fn slower(&self) -> u32 {
        match self.books.level(self.now()) {
            Level::Enough => 1,
            Level::Scarce => SCARCE,
            Level::Spent => SPENT,
        }
    }

    /// Keeps what was paid, and says when the budget makes us slower.
    async fn balance(&self, inbox: &Inbox) -> Result<(), Shut> {
        let now = self.now();
        if let Some(day) = self.books.keep(now) {
            self.save(inbox, &self.feed("paid"), day).await?;
        }
        let Some((_, name)) = self.books.news(now) else { return Ok(()) };
        let (spent, budget) = self.books.spent(now);
        let every = Span(self.poll.0.saturating_mul(i64::from(self.slower())));
        let why = format!(
            "{} of today's {} for X are spent. Until midnight (UTC) mentions are read only every \
             {every}; answers go out as before. Raise `budget` to read faster.",
            dollars(spent),
            dollars(budget.unwrap_or_default())
        );
        let event = Event::Trouble { source: self.account.to_string(), why };
        let id = format!("{}/budget/{name}", self.account);
        inbox.put(Envelope::new(id, event)).await.map(drop)
    }

    async fn findings(&self) -> Vec<Finding> {
        let us = self.us().await;
        let named = us.as_ref().map(|us| format!("@{}", us.handle)).map_err(Clone::clone);
        let mut all = vec![finding("log in", named)];
        if let Ok(us) = us {
            let mut lists = vec![
                ("read mentions", format!("/2/users/{}/mentions", us.id), "5"),
                ("read own posts", format!("/2/users/{}/tweets", us.id), "5"),
            ];
            if self.direct > Span(0) {
                lists.push(("read direct messages", "/2/dm_events".into(), "1"));
            }
            for (what, path, count) in lists {
                let asked = Asked::get(path).with(&[("max_results", count)]);
                let read: Result<Value, Trouble> = self.caller.call(&asked).await;
                all.push(finding(what, read.map(|_| "works".into())));
            }
        }
        if let Some(stream) = self.stream {
            all.push(finding("stream", self.try_stream(stream).await));
        }
        let (spent, budget) = self.books.spent(self.now());
        let of = budget.map_or_else(|| "no budget".to_owned(), |b| format!("of {}", dollars(b)));
        all.push(finding(
            "money today",
            Ok::<_, Trouble>(format!("{} counted here, {of}", dollars(spent))),
        ));
        all
    }
}

/// The account, as several tasks hold it.
struct Held(Arc<X>);

impl Network for Held {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move { until_stop(&inbox, self.0.run(&inbox)).await })
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(self.0.sent.keep(self.0.send(out)))
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(self.0.search(out))
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(self.0.findings())
    }

    fn paid(&self) -> Option<Paid> {
        Some(self.0.books.paid(self.0.now()))
    }

    fn routes(&self, inbox: Inbox) -> Option<axum::Router> {
        push::routes(self.0.clone(), inbox)
    }

    fn login<'a>(
        &'a self,
        say: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Option<Task<'a, Result<String, String>>> {
        Some(Box::pin(self.0.log_in_by_hand(say)))
    }
}
