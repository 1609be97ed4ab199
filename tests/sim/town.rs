//! A network that is the world itself: no HTTP, but all that may go wrong on the way.

use super::sky::{Asked, Ending, Sky};
use careline::case::ability::Abilities;
use careline::case::effect::{Change, Receipt};
use careline::case::event::{Envelope, Event, Mention, OwnPost};
use careline::case::id::{AccountId, ContactId, FeedId, PostId};
use careline::case::rich::Theirs;
use careline::case::time::{Span, Timestamp};
use careline::inbox::{Inbox, Pulse, Task};
use careline::net::{Failure, Finding, Looked, Stopped};
use careline::network::{Network, Outgoing};
use careline::world::World;
use careline::world::fault::Wrong;
use careline::world::square::{Happening, No, Square, SquarePost, What};
use futures_util::future::join_all;

/// Our own person on each square.
pub const US: &str = "us";

/// How garbage begins that stands in a feed among the posts.
pub const GARBAGE: &str = "<<<";

/// One account. Its posts are numbered from 1, like those of every other.
pub struct Town {
    pub sky: Sky,
    pub account: AccountId,
    pub abilities: Abilities,
    /// The same key twice is one post.
    pub keyed: bool,
    /// The latest that a lost write may still take effect.
    pub latest: Span,
    /// Posts with these words are overheard, though they do not call us.
    pub listens: Option<&'static str>,
}

/// A post as the engine hears of it.
pub fn mention(account: &AccountId, square: &Square, post: &SquarePost) -> Mention {
    Mention {
        contact: ContactId { account: account.clone(), remote: post.author.clone() },
        handle: Theirs::new(&*post.author),
        name: Theirs::new(post.author.to_uppercase()),
        author_url: None,
        avatar: None,
        post: local(square, post.id),
        parent: post.parent.map(|id| local(square, id)),
        conversation: post.root.to_string(),
        audience: post.audience,
        text: Theirs::new(&*post.text),
        warning: post.warning.clone().map(Theirs::new),
        media: Vec::new(),
        url: None,
        written: post.written,
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

impl Town {
    fn name(&self) -> &str {
        self.account.as_str()
    }

    fn event(&self, happening: &Happening) -> Option<Event> {
        let mut world = self.sky.world.look();
        let square = world.square(self.name());
        let post = square.posts.get(&happening.what.post())?.clone();
        if post.author == US {
            return matches!(happening.what, What::Posted { .. }).then(|| self.own(square, &post));
        }
        let heard = self.listens.is_some_and(|words| post.text.contains(words));
        let called = post.mentions.iter().any(|id| id == US);
        if !called && !heard {
            return None;
        }
        if post.text.starts_with(GARBAGE) {
            return matches!(happening.what, What::Posted { .. }).then(|| self.garbage(&post));
        }
        let overheard = (!called).then(|| "brand".to_owned());
        let written = |post| Mention { overheard, ..mention(&self.account, square, post) };
        match &happening.what {
            What::Posted { post } => Some(Event::Mentioned(Box::new(written(post)))),
            What::Edited { post } => Some(Event::Changed(Box::new(written(post)))),
            What::Deleted { post } => {
                Some(Event::Withdrawn { account: self.account.clone(), post: local(square, *post) })
            }
        }
    }

    fn garbage(&self, post: &SquarePost) -> Event {
        Event::Unreadable {
            source: self.account.0.clone(),
            why: "a brace is missing".into(),
            raw: Theirs::new(&*post.text),
        }
    }

    fn own(&self, square: &Square, post: &SquarePost) -> Event {
        Event::OwnPost(Box::new(OwnPost {
            account: self.account.clone(),
            post: local(square, post.id),
            parent: post.parent.map(|id| local(square, id)),
            text: post.text.clone(),
            url: None,
            written: post.written,
        }))
    }

    /// Reads one page and puts it; the cursor comes when all of it is safe.
    async fn page(&self, from: u64, inbox: &Inbox) -> Option<u64> {
        let most = 1 + self.sky.lot(5) as usize;
        let page: Vec<Happening> = {
            let mut world = self.sky.world.look();
            world.square(self.name()).since(from).iter().take(most).cloned().collect()
        };
        let last = page.last()?.seq;
        let again = if self.sky.fault(5) { 2 } else { 1 };
        for _ in 0..again {
            let envelopes: Vec<Envelope> = page
                .iter()
                .filter_map(|happening| {
                    let id = format!("{}:{}", self.name(), happening.seq);
                    Some(Envelope::new(id, self.event(happening)?))
                })
                .collect();
            let put = join_all(envelopes.into_iter().map(|envelope| inbox.put(envelope))).await;
            if put.iter().any(Result::is_err) {
                return None;
            }
        }
        let feed = FeedId::new(format!("{}:posts", self.name()));
        let state = Event::FeedState { feed, cursor: last.to_string() };
        let id = format!("{}:cursor:{last}", self.name());
        inbox.put(Envelope::new(id, state)).await.ok()?;
        Some(last)
    }

    async fn hear(&self, inbox: &Inbox) -> Option<()> {
        let (account, abilities) = (self.account.clone(), self.abilities.clone());
        let id = format!("{}:abilities:{}", self.name(), self.sky.now().0);
        let event = Event::AccountState { account, abilities };
        inbox.put(Envelope::new(id, event)).await.ok()?;
        let feed = FeedId::new(format!("{}:posts", self.name()));
        let cursor = inbox.cursor(&feed).await.ok()?;
        let mut cursor: u64 = cursor.and_then(|text| text.parse().ok()).unwrap_or(0);
        loop {
            match self.page(cursor, inbox).await {
                Some(last) => cursor = last,
                None => inbox.pulse(&feed, Pulse::Read),
            }
            let silent = match self.sky.is_calm() {
                true => 8,
                false if self.sky.fault(30) => 60,
                false => 1,
            };
            self.sky.sleep(Span::millis(200 + silent * self.sky.lot(1500) as i64)).await;
        }
    }
}

impl Town {
    /// How a write ends that somebody wants to end badly, by the fault plane and not by lot.
    fn asked_for(&self) -> Option<Ending> {
        let wrong = self.sky.world.look().faults.of(self.name(), "POST /api/v1/statuses")?;
        let why = || "the network refused it".to_owned();
        Some(match wrong {
            Wrong::Status { status: 429 | 503, .. } | Wrong::Cut => {
                Ending::Not(Failure::Later { after: None, why: why() })
            }
            Wrong::Status { status: 400..=428, .. } => Ending::Not(Failure::Never(why())),
            Wrong::DeadToken => Ending::Not(Failure::Dead(why())),
            Wrong::Status { .. } => Ending::Unsure,
            _ => Ending::DoneBut(Span(0), Failure::Unsure("there was no answer".into())),
        })
    }
}

/// A post's number on its own square.
fn local(square: &Square, id: i64) -> PostId {
    PostId::new((square.posts.range(..id).count() + 1).to_string())
}

fn global(square: &Square, local: &PostId) -> Option<i64> {
    let number: usize = local.as_str().parse().ok()?;
    square.posts.keys().nth(number.checked_sub(1)?).copied()
}

/// Changes a post of ours, or takes it away. What is gone already is gone.
fn change(world: &mut World, name: &str, out: &Outgoing) -> Result<Receipt, Failure> {
    let now = world.now;
    let square = world.square(name);
    let post = match &out.reply.change {
        Some(Change::Edit { post, .. } | Change::Delete { post }) => global(square, post),
        None => None,
    };
    let post = post.ok_or(Failure::Gone("there is no such post".into()))?;
    let words = out.reply.text.as_str().to_owned();
    let done = match &out.reply.change {
        // Twice is once.
        Some(Change::Delete { .. }) => square.delete(now, US, post).or(Ok(())),
        _ => square.edit(now, US, post, |post| post.text = words),
    };
    let gone = |_: No| Failure::Gone("there is no such post".into());
    done.map_err(gone).map(|()| receipt(square, post))
}

/// Puts up a reply; a key that was seen gives the post it gave before.
fn put_up(world: &mut World, name: &str, out: &Outgoing, keyed: bool) -> Result<Receipt, Failure> {
    if out.reply.change.is_some() {
        return change(world, name, out);
    }
    let square = world.square(name);
    let known = square.keys.get(&(US.to_owned(), out.key.clone())).copied();
    if let Some((id, _)) = known.filter(|_| keyed) {
        return Ok(receipt(square, id));
    }
    let parent = global(square, &out.parent).ok_or(Failure::Never("no such post".into()))?;
    let post = SquarePost {
        parent: Some(parent),
        audience: out.reply.target.audience,
        mentions: vec![out.reply.target.contact.remote.clone()],
        key: Some(out.key.clone()),
        media: out.files.iter().map(|(file, _)| file.name.clone()).collect(),
        ..SquarePost::by(US, out.reply.text.as_str())
    };
    let gone = |_| Failure::Gone("the post was deleted".into());
    let id = world.post(name, post).map_err(gone)?;
    Ok(receipt(world.square(name), id))
}

fn receipt(square: &Square, id: i64) -> Receipt {
    Receipt { remote: local(square, id).0, url: None, at: Timestamp(id) }
}

impl Network for Town {
    fn listen(&self, inbox: Inbox) -> Task<'_, Stopped> {
        Box::pin(async move {
            tokio::select! {
                biased;
                () = inbox.stop().cancelled() => {}
                _ = self.hear(&inbox) => {}
            }
            Stopped::Asked
        })
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(async move {
            let (name, sent, keyed) = (self.account.0.clone(), out.clone(), self.keyed);
            let done = move |world: &mut World| put_up(world, &name, &sent, keyed);
            let ending = self.asked_for().unwrap_or_else(|| self.sky.ending(self.latest));
            self.sky.write(out.id.as_str(), ending, done).await
        })
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(async move {
            self.sky.sleep(Span::millis(50 + self.sky.lot(400) as i64)).await;
            if self.sky.fault(8) {
                return Looked::Unclear("busy".into());
            }
            let now = self.sky.now();
            let lag = if self.sky.fault(3) { Span::seconds(2) } else { Span(0) };
            let mut world = self.sky.world.look();
            let square = world.square(self.name());
            let mut own = square.written_by(US);
            let found = own.find(|post| post.key.as_deref() == Some(&out.key));
            let found = found.filter(|post| post.written + lag <= now);
            self.sky.called(out.id.as_str(), Asked::Look { absent: found.is_none() });
            match found {
                Some(post) => Looked::There(receipt(square, post.id)),
                None => Looked::Absent,
            }
        })
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(async { Vec::new() })
    }
}
