//! Meta: Facebook Pages with Messenger, and professional Instagram accounts, by the Graph API.
//!
//! One driver with two rows: both networks share webhooks, messages, tokens and errors, and differ
//! in the names of their lists. *In.* Two feeds are swept from their cursors: what is written below
//! our posts, and conversations (`sweep`). The app's webhook (`push`) makes it faster. *Out.* Meta
//! knows no key with a comment or message, so what was sent is looked for before anything is sent
//! again (`say`, `send`). A message may be answered for 24 hours, by a person for seven days if
//! Meta has granted that; all that careline sends was typed by a person.
//!
//! All of this was tried on our own simulation of Meta only (`face`).

mod call;
pub mod face;
mod hear;
mod probe;
mod push;
mod renew;
mod say;
mod send;
mod set;
mod sweep;
mod wire;

use super::feed::{Sent, swept, troubled, until_stop};
use super::{Driver, Failure, Finding, Hook, Looked, Network, Outgoing, Stopped};
use crate::case::ability::{Abilities, Count, Limit, Resend, Window};
use crate::case::effect::Receipt;
use crate::case::event::{Envelope, Event};
use crate::case::id::{AccountId, FeedId};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut, Task};
use call::{Asked, Caller, Refused, Trouble};
use hear::{NAMED, Placed, Us};
use secrecy::SecretString;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use sweep::{Ended, Feed, What};
use tokio::sync::OnceCell;
use tokio::time::sleep;
use wire::{Mentioned, Person};

/// The row of Facebook Pages.
pub static FACEBOOK: Driver = Driver {
    name: "facebook",
    example: set::FACEBOOK,
    open: set::facebook,
    face: face::facebook,
    abilities: || abilities(Kind::Facebook, Limits::FACEBOOK, false),
};

/// The row of Instagram accounts.
pub static INSTAGRAM: Driver = Driver {
    name: "instagram",
    example: set::INSTAGRAM,
    open: set::instagram,
    face: face::instagram,
    abilities: || abilities(Kind::Instagram, Limits::INSTAGRAM, false),
};

/// Before the first look for something whose sending nobody knows of, and between two.
const LOOK_AFTER: Span = Span::seconds(10);
/// Echoes that are remembered since the start.
const ECHOES: usize = 10_000;
/// How much slower feeds are read when three quarters of what Meta allows are used up, and when
/// nearly all is.
const SLOWER: u32 = 4;
const SLOWEST: u32 = 10;

/// Which of Meta's networks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A Page.
    Facebook,
    /// A professional account.
    Instagram,
}

impl Kind {
    const fn object(self) -> &'static str {
        match self {
            Self::Facebook => "page",
            Self::Instagram => "instagram",
        }
    }

    /// What conversations are called in lists.
    const fn platform(self) -> &'static str {
        match self {
            Self::Facebook => "messenger",
            Self::Instagram => "instagram",
        }
    }

    const fn title(self) -> &'static str {
        match self {
            Self::Facebook => "Facebook",
            Self::Instagram => "Instagram",
        }
    }

    const fn api(self) -> &'static str {
        match self {
            Self::Facebook => "https://graph.facebook.com/v25.0",
            Self::Instagram => "https://graph.instagram.com/v25.0",
        }
    }

    const fn app(self) -> &'static str {
        match self {
            Self::Facebook => "https://www.facebook.com",
            Self::Instagram => "https://www.instagram.com",
        }
    }

    /// What a Page or account calls itself.
    const fn self_fields(self) -> &'static str {
        match self {
            Self::Facebook => "id,name",
            Self::Instagram => "id,username",
        }
    }

    /// Fields of webhooks that are needed ("Webhooks for Pages", "Webhooks for Instagram").
    const fn hook_fields(self) -> &'static [&'static str] {
        match self {
            Self::Facebook => &["feed", "mention", "messages", "message_echoes", "message_edits"],
            Self::Instagram => &["comments", "live_comments", "mentions", "messages"],
        }
    }
}

/// How long a comment and a message may be.
#[derive(Clone, Copy, Debug)]
struct Limits {
    comment: Limit,
    letter: Limit,
}

impl Limits {
    const FACEBOOK: Self = Self {
        comment: Limit { limit: 8_000, count: Count::Chars },
        letter: Limit { limit: 2_000, count: Count::Chars },
    };
    const INSTAGRAM: Self = Self {
        comment: Limit { limit: 2_200, count: Count::Chars },
        letter: Limit { limit: 1_000, count: Count::Bytes },
    };
}

/// Where Meta calls us, and the word it has to know.
struct HookPath {
    path: String,
    word: SecretString,
}

/// What is remembered of conversations since the start.
#[derive(Default)]
struct Talks {
    /// Who people are, by the id they have in conversations.
    names: BTreeMap<String, Person>,
    /// The last message of each.
    last: BTreeMap<String, String>,
    /// Our own messages, by the key in their metadata.
    echoes: BTreeMap<String, Receipt>,
}

/// One account at Meta.
struct Meta {
    account: AccountId,
    kind: Kind,
    /// The Page's or account's id.
    page: String,
    caller: Caller,
    /// Where people read posts, without a slash at its end.
    app: String,
    hook: Option<HookPath>,
    /// The app's number, where a token is exchanged at Facebook.
    app_id: Option<String>,
    /// Shall a token that ends be renewed?
    renew: bool,
    limits: Limits,
    human_agent: bool,
    poll: Span,
    watch: Span,
    watchdog: Span,
    since: Span,
    us: OnceCell<Us>,
    talks: Mutex<Talks>,
    sent: Sent,
}

fn abilities(kind: Kind, limits: Limits, human_agent: bool) -> Abilities {
    Abilities {
        network: kind.title().into(),
        replies: true,
        limit: limits.comment.limit,
        count: limits.comment.count,
        direct: Some(limits.letter),
        private: true,
        window: Some(Window {
            direct: if human_agent { say::PERSON } else { say::WINDOW },
            private: Some(say::PRIVATE),
        }),
        names_customer: false,
        files: 0,
        edits: true,
        rewrites: false,
        deletes: true,
        handle: None,
        resend: Resend::Look,
        look_after: LOOK_AFTER,
        price: None,
        compose: None,
    }
}

impl Meta {
    fn feed(&self, name: &str) -> FeedId {
        FeedId::new(format!("{}/{name}", self.account))
    }

    fn talks(&self) -> MutexGuard<'_, Talks> {
        self.talks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who we are at Meta; asked once.
    async fn us(&self) -> Result<&Us, Trouble> {
        let ask = || async {
            let asked = Asked::get(format!("/{}", self.page));
            let asked = asked.with(&[("fields", self.kind.self_fields())]);
            let person: Person = self.caller.call(&asked).await?;
            if person.id.0 != self.page {
                return Err(Trouble::Broken("Meta does not say who we are".into()));
            }
            let name = match self.kind {
                Kind::Facebook => person.name,
                Kind::Instagram => person.username,
            };
            let (account, id, app) = (self.account.clone(), person.id.0, self.app.clone());
            Ok(Us { account, kind: self.kind, id, name, app })
        };
        self.us.get_or_try_init(ask).await
    }

    /// Who somebody is that wrote a message.
    async fn person(&self, id: &str) -> Result<Person, Trouble> {
        if !say::is_id(id) {
            return Err(Trouble::Refused(Refused::Never("that is nobody's id".into())));
        }
        let fields = match self.kind {
            Kind::Facebook => "id,name",
            Kind::Instagram => "id,name,username",
        };
        self.caller.call(&Asked::get(format!("/{id}")).with(&[("fields", fields)])).await
    }

    /// What somebody said who named us below another person's medium. Meta's webhook does not tell.
    async fn ask_mention(
        &self,
        us: &Us,
        media: &str,
        comment: Option<&str>,
    ) -> Result<Option<Envelope>, Trouble> {
        let id = comment.unwrap_or(media);
        if !say::is_id(media) || !say::is_id(id) {
            return Ok(None);
        }
        let fields = match comment {
            Some(id) => format!(
                "mentioned_comment.comment_id({id}){{id,text,timestamp,username,\
                 media{{id,permalink}}}}"
            ),
            None => {
                format!("mentioned_media.media_id({id}){{id,caption,timestamp,username,permalink}}")
            }
        };
        let asked = Asked::get(format!("/{}", us.id)).with(&[("fields", &fields)]);
        let told: Mentioned = match self.caller.call(&asked).await {
            // Deleted meanwhile, or of a private account.
            Err(Trouble::Refused(_)) => return Ok(None),
            done => done?,
        };
        let Some(mut post) = told.mentioned_comment.filter(|post| !us.is_ours(post)) else {
            return Ok(None);
        };
        post.id.0 = match comment {
            Some(comment) => format!("{NAMED}{media}/{comment}"),
            None => format!("{NAMED}{media}"),
        };
        let conversation = format!("{NAMED}{media}");
        let placed = Placed { post: &post, parent: None, conversation };
        Ok(Some(us.mentioned(&placed, self.caller.now())))
    }

    /// A message of our own account came back: ours is remembered by its key, and a colleague's is
    /// told. Without the customer's message before it the sweep tells it.
    fn echoed(
        &self,
        us: &Us,
        to: &str,
        id: &str,
        text: &str,
        key: Option<String>,
        at: Timestamp,
    ) -> Option<Envelope> {
        let receipt = self.letter_receipt(id, at);
        let known = self.sent.has(&receipt.remote);
        let mut talks = self.talks();
        let before = talks.last.get(to).cloned();
        if let Some(key) = key {
            talks.echoes.insert(key, receipt);
            if talks.echoes.len() > ECHOES {
                talks.echoes.pop_first();
            }
        }
        before.filter(|_| !known).map(|before| us.own_letter(id, &before, text, at))
    }

    async fn run(&self, inbox: &Inbox) -> Stopped {
        let account = self.account.clone();
        let id = format!("{account}/state/{}", self.caller.now().0);
        let abilities = abilities(self.kind, self.limits, self.human_agent);
        let event = Event::AccountState { account, abilities };
        if inbox.put(Envelope::new(id, event)).await.is_err() {
            return Stopped::Asked;
        }
        let (us, mentions, direct) = match self.open_all(inbox).await {
            Ok(opened) => opened,
            Err(stopped) => return stopped,
        };
        tokio::select! {
            stopped = self.keep(inbox, us, mentions) => stopped,
            stopped = self.keep(inbox, us, direct) => stopped,
            Shut = self.watch_hook(inbox, us) => Stopped::Asked,
            Shut = self.keep_token(inbox) => Stopped::Asked,
        }
    }

    /// Waits until all feeds are open; only a dead account ends it.
    async fn open_all(&self, inbox: &Inbox) -> Result<(&Us, Feed, Feed), Stopped> {
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

    async fn try_open(&self, inbox: &Inbox) -> Result<(&Us, Feed, Feed), Ended> {
        let us = self.us().await?;
        let mentions = Feed::open(self, inbox, What::Mentions, us).await?;
        let direct = Feed::open(self, inbox, What::Direct, us).await?;
        Ok((us, mentions, direct))
    }

    /// Sweeps one feed again and again.
    async fn keep(&self, inbox: &Inbox, us: &Us, mut feed: Feed) -> Stopped {
        let mut failures = 0;
        loop {
            let done = feed.sweep(self, inbox, us).await;
            let wait = match swept(inbox, &feed.id, done, &mut failures) {
                Ok(None) => {
                    inbox.pulse(&feed.id, Pulse::Read);
                    self.poll.to_std() * self.slower()
                }
                Ok(Some(wait)) => wait,
                Err(stopped) => return stopped,
            };
            sleep(wait).await;
        }
    }

    fn slower(&self) -> u32 {
        match self.caller.used() {
            0..75 => 1,
            75..95 => SLOWER,
            _ => SLOWEST,
        }
    }
}

/// The account, as several tasks hold it.
struct Held(Arc<Meta>);

impl Network for Held {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move {
            self.0.caller.token.renew();
            until_stop(&inbox, self.0.run(&inbox)).await
        })
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

    fn login<'a>(
        &'a self,
        _say: &'a (dyn Fn(&str) + Send + Sync),
    ) -> Option<Task<'a, Result<String, String>>> {
        Some(Box::pin(self.0.exchange()))
    }

    fn hook(&self, inbox: Inbox) -> Option<Hook> {
        push::hook(self.0.clone(), inbox)
    }
}
