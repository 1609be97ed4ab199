//! Discord: a desk over its gateway and REST API.
//!
//! `wire` is what Discord says, `hear` and `say` are pure, `face` pretends the other side. What
//! waits for something stands here and in `rest`, `gateway`, `listen`, `answer`, `threads`,
//! `sweep` and `probe`. What is said is built by serenity's builders.
//!
//! A thread is a channel of its own: [`ThreadId::root`] is that channel, [`ThreadId::channel`] the
//! forum or text channel it hangs below. The first message of a forum post, and the card above a
//! thread in a text channel, have the thread's own id, so one receipt names both.
//!
//! [`ThreadId::root`]: crate::case::id::ThreadId::root
//! [`ThreadId::channel`]: crate::case::id::ThreadId::channel

mod answer;
pub mod face;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod gateway;
mod hear;
mod limits;
mod listen;
mod probe;
mod rest;
mod say;
mod sweep;
mod threads;
mod wire;

pub use say::commands;

use super::{Desk, Driver, Failure, Finding, Looked, Made, Mark, Outgoing, Stopped};
use crate::case::effect::{Face, Notice, Receipt};
use crate::case::event::File;
use crate::case::id::{DeskId, FeedId, MessageId, ThreadId};
use crate::case::limits::{CALL, FILE_BYTES};
use crate::inbox::{Inbox, Task};
use crate::net::Ground;
use crate::setting::{Mistakes, Secret, Section};
use bytes::Bytes;
use hear::{Me, Place};
use reqwest::Method;
use rest::{Call, Rest, Trouble};
use say::{As, Key, Sealed};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use url::Url;
use wire::{Channel, Member, Message};

/// The row in the table of desks.
pub static DISCORD: Driver = Driver {
    name: "discord",
    example: EXAMPLE,
    open,
    face: face::face,
    made: Some(Made {
        file: "discord-commands.json",
        text: |_| commands(),
        then: "Create the Discord app: discord.com/developers/applications, New Application, Bot; \
               switch on Message Content Intent, invite it with the scopes bot and \
               applications.commands, and give its role access to the channel. careline registers \
               these commands by itself.",
    }),
};

const EXAMPLE: &str = r#"
# A Discord server where agents work.
[desk.discord]
kind = "discord"
# The bot's token, from the developer portal.
token = "env:DISCORD_TOKEN"
# The server, by its id.
server = "100000000000000001"
# What a case is: "forum" is a post in a forum channel, "text" a thread in a text channel.
threads = "forum"
# Ids of roles whose members are agents. Empty: every member of the server who is no bot.
agent_roles = []
# Does the bot have the Message Content Intent? Without it only the command `reply` speaks to
# customers: set relay = "explicit" in policy.toml.
message_content = true
# Channels that `careline check --live` looks at, as ids.
channels = []
# Calls a second. Discord lets a bot make 50, and more only where it agreed to that.
calls_per_second = 45
# Discord's API.
api = "https://discord.com/api/v10"
"#;

/// A place as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Known {
    /// A thread below this channel.
    Thread(String),
    /// A channel, and whether it is a forum.
    Channel { forum: bool },
}

/// One server.
struct Discord {
    desk: DeskId,
    guild: String,
    forum: bool,
    roles: BTreeSet<String>,
    words: bool,
    channels: Vec<String>,
    token: Secret,
    api: Url,
    ground: Ground,
    rest: Rest,
    me: Mutex<Option<Me>>,
    places: Mutex<BTreeMap<String, Known>>,
    members: Mutex<BTreeMap<String, Option<Member>>>,
    labels: threads::Labels,
}

/// A handle for tasks that outlive one call.
type Shared = Arc<Discord>;

struct Handle(Shared);

/// Places and members that are remembered at most; beyond it all are looked up anew.
const REMEMBERED: usize = 50_000;

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn open(desk: &DeskId, section: &Section, ground: &Ground) -> Result<Arc<dyn Desk>, Mistakes> {
    let token = section.secret("token");
    let guild = section.required("server");
    let forum = section.one_of("threads", &["forum", "text"]) == "forum";
    let roles: BTreeSet<String> = section.list("agent_roles").into_iter().collect();
    let words = section.flag("message_content", true);
    let channels = section.list("channels");
    let per_second = section.number("calls_per_second", 45);
    let api = section.url("api", Some("https://discord.com/api/v10"));
    let is_id = |id: &str| id.parse::<u64>().is_ok_and(|id| id > 0);
    if !guild.is_empty() && !is_id(&guild) {
        section.wrong("server", "must be the server's id, a long number (right click, Copy ID)");
    }
    if !roles.iter().all(|role| is_id(role)) {
        section.wrong("agent_roles", "must be ids of roles, long numbers in quotes");
    }
    if !channels.iter().all(|channel| is_id(channel)) {
        section.wrong("channels", "must be ids of channels, long numbers in quotes");
    }
    if !(1..=100_000).contains(&per_second) {
        section.wrong("calls_per_second", "must be a number from 1 to 100000");
    }
    if let Some(Err(refused)) = api.as_ref().map(|api| ground.net.allows(api)) {
        section.wrong("api", refused.to_string());
    }
    section.done()?;
    let (Some(token), Some(api)) = (token, api) else { return Err(Mistakes::default()) };
    let rest = Rest::new(
        ground.clone(),
        api.clone(),
        token.clone(),
        usize::try_from(per_second).unwrap_or(1),
    );
    let (desk, ground) = (desk.clone(), ground.clone());
    let (me, places, members) = (Mutex::default(), Mutex::default(), Mutex::default());
    let labels = threads::Labels::default();
    Ok(Arc::new(Handle(Arc::new(Discord {
        desk,
        guild,
        forum,
        roles,
        words,
        channels,
        token,
        api,
        ground,
        rest,
        me,
        places,
        members,
        labels,
    }))))
}

impl Discord {
    fn feed(&self) -> FeedId {
        FeedId::new(self.desk.as_str())
    }

    fn is_me(&self, user: &str, app: &str) -> Me {
        let me = Me {
            desk: self.desk.as_str().to_owned(),
            guild: self.guild.clone(),
            user: user.to_owned(),
            app: app.to_owned(),
            roles: self.roles.clone(),
        };
        *lock(&self.me) = Some(me.clone());
        me
    }

    /// Who we are here; asked once.
    async fn me(&self) -> Result<Me, Trouble> {
        if let Some(me) = lock(&self.me).clone() {
            return Ok(me);
        }
        let user = self.rest.call(Call::get(&["users", "@me"])).await?;
        let app = self.rest.call(Call::get(&["applications", "@me"])).await?;
        let text = |value: &serde_json::Value| value["id"].as_str().unwrap_or_default().to_owned();
        Ok(self.is_me(&text(&user), &text(&app)))
    }

    fn remember(&self, channel: &str, known: Known) {
        let mut places = lock(&self.places);
        if places.len() >= REMEMBERED {
            places.clear();
        }
        places.insert(channel.to_owned(), known);
    }

    fn learn(&self, channel: &Channel) -> Known {
        let known = match channel.is_thread() {
            true => Known::Thread(channel.parent_id.clone()),
            false => Known::Channel { forum: channel.is_forum() },
        };
        if channel.is_forum() {
            self.labels.learn(channel);
        }
        self.remember(&channel.id, known.clone());
        known
    }

    /// What this channel is; asked once.
    async fn place(&self, channel: &str) -> Result<Known, Trouble> {
        if let Some(known) = lock(&self.places).get(channel) {
            return Ok(known.clone());
        }
        let told = self.rest.call(Call::get(&["channels", channel])).await?;
        let told: Channel = serde_json::from_value(told).unwrap_or_default();
        if told.id != channel {
            return Err(Trouble::Lost("Discord's answer cannot be read".into()));
        }
        Ok(self.learn(&told))
    }

    /// Are threads of this channel posts of a forum? What is configured counts where Discord
    /// cannot be asked.
    async fn is_forum(&self, channel: &str) -> bool {
        match self.place(channel).await {
            Ok(Known::Channel { forum }) => forum,
            _ => self.forum,
        }
    }

    /// A member of the server, `None` if he is none. Asked anew where `fresh`.
    async fn member(&self, user: &str, fresh: bool) -> Result<Option<Member>, Trouble> {
        if let Some(known) = lock(&self.members).get(user).filter(|_| !fresh) {
            return Ok(known.clone());
        }
        let told = self.rest.call(Call::get(&["guilds", &self.guild, "members", user])).await;
        let member = match told {
            Ok(told) => serde_json::from_value(told).ok(),
            // Unknown member, unknown user.
            Err(Trouble::No(404, _, _)) => None,
            Err(trouble) => return Err(trouble),
        };
        self.meet(user, member.clone());
        Ok(member)
    }

    fn meet(&self, user: &str, member: Option<Member>) {
        let mut members = lock(&self.members);
        if members.len() >= REMEMBERED {
            members.clear();
        }
        members.insert(user.to_owned(), member);
    }

    fn link(&self, channel: &str, message: &str) -> String {
        format!("https://discord.com/channels/{}/{channel}/{message}", self.guild)
    }

    async fn deliver(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        match &out.notice {
            Notice::Open { channel, card } => {
                threads::open(self, out, &channel.channel, card).await
            }
            Notice::Post(_) => {
                let thread = out.thread.as_ref().ok_or_else(no_place)?;
                let body = body(out)?;
                threads::opening(self, &thread.root, || self.post(&thread.root, body.clone())).await
            }
            Notice::Tell { channel, .. } => threads::tell(self, out, &channel.channel).await,
            Notice::Amend { of, to } => self.amend(out, of, to).await,
            Notice::Mark { message, mark } => self.mark(message, say::emoji(*mark)).await,
        }
    }

    /// Posts a message; its id is the proof.
    async fn post(&self, channel: &str, body: Sealed) -> Result<Receipt, Trouble> {
        let call = Call::post(&["channels", channel, "messages"], body.into_value());
        let told = self.rest.call(call).await?;
        self.receipt(channel, &told)
    }

    fn receipt(&self, channel: &str, told: &serde_json::Value) -> Result<Receipt, Trouble> {
        let id = told["id"].as_str().unwrap_or_default();
        let at = wire::instant(id);
        let at = at.ok_or_else(|| Trouble::Lost("Discord did not say what it made".into()))?;
        Ok(Receipt { remote: id.to_owned(), url: Some(self.link(channel, id)), at })
    }

    /// The channel in which a message stands. A text channel's card stands above its thread; what
    /// stands outside any thread is in a forum a post of its own, and that is named like its first
    /// message.
    async fn stands_in(&self, thread: Option<&ThreadId>, message: &MessageId) -> String {
        let channel = &message.channel.channel;
        match thread {
            Some(thread) if message.message != thread.root => thread.root.clone(),
            _ if self.is_forum(channel).await => message.message.clone(),
            _ => channel.clone(),
        }
    }

    async fn amend(
        &self,
        out: &Outgoing,
        of: &crate::case::id::DeliveryId,
        to: &Face,
    ) -> Result<Receipt, Failure> {
        let message = out.message.as_ref().ok_or_else(no_place)?;
        let channel = self.stands_in(out.thread.as_ref(), message).await;
        let body = sealed_amend(out, of)?;
        let path = ["channels", &channel, "messages", &message.message];
        let edit = || async {
            let told = self.rest.call(Call::patch(&path, body.clone().into_value())).await?;
            self.receipt(&channel, &told)
        };
        let receipt = threads::opening(self, &channel, edit).await?;
        if let (Face::Card(card), Some(thread)) = (to, &out.thread) {
            threads::keep_in_step(self, thread, card).await?;
        }
        Ok(receipt)
    }

    async fn mark(&self, message: &MessageId, emoji: &str) -> Result<Receipt, Failure> {
        let (channel, id) = (message.channel.channel.as_str(), message.message.as_str());
        let path = ["channels", channel, "messages", id, "reactions", emoji, "@me"];
        match self.rest.call(Call::new(Method::PUT, &path)).await {
            Ok(_) => Ok(self.mark_receipt(message)),
            // In an archived thread nothing can be marked, and nobody looks there.
            Err(Trouble::No(_, 50083, why)) => Err(Failure::Never(why)),
            Err(trouble) => Err(trouble.after_write()),
        }
    }

    fn mark_receipt(&self, message: &MessageId) -> Receipt {
        Receipt { remote: message.message.clone(), url: None, at: (self.ground.now)() }
    }

    async fn message(&self, channel: &str, id: &str) -> Result<Message, Trouble> {
        let told = self.rest.call(Call::get(&["channels", channel, "messages", id])).await?;
        let unreadable = |_| Trouble::Lost("Discord's answer cannot be read".into());
        serde_json::from_value(told).map_err(unreadable)
    }

    /// Addresses of files are signed and end after a day: one that has ended is asked for anew.
    async fn fetch(&self, file: &File) -> Result<Bytes, Failure> {
        if file.size > FILE_BYTES as u64 {
            return Err(Failure::Never("the file is too large".into()));
        }
        match self.download(&file.url).await {
            Err(Failure::Gone(_)) => {
                let url = self.fresh(&file.id).await?;
                self.download(&url).await
            }
            done => done,
        }
    }

    async fn fresh(&self, id: &str) -> Result<String, Failure> {
        let gone = || Failure::Gone("the file was deleted".into());
        let mut parts = id.split('/');
        let (Some(channel), Some(message), Some(id)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(gone());
        };
        let message = self.message(channel, message).await.map_err(Trouble::after_read)?;
        let file = message.attachments.into_iter().find(|file| file.id == id);
        file.map(|file| file.url).ok_or_else(gone)
    }

    async fn download(&self, url: &str) -> Result<Bytes, Failure> {
        let later = |why: String| Failure::Later { after: None, why };
        let url = Url::parse(url).map_err(|_| Failure::Never("the file has no address".into()))?;
        if !self.is_discords(&url) {
            return Err(Failure::Never("the file is not kept by Discord itself".into()));
        }
        let sent = tokio::time::timeout(CALL.to_std(), self.ground.net.client().get(url).send());
        let answer = sent
            .await
            .map_err(|_| later("Discord did not answer in time".into()))?
            .map_err(|_| later("Discord cannot be reached".into()))?;
        match answer.status().as_u16() {
            200 => crate::net::body(answer, FILE_BYTES).await.map_err(|why| {
                if why.contains("longer") { Failure::Never(why) } else { later(why) }
            }),
            403 | 404 | 410 => Err(Failure::Gone("the file's address has ended".into())),
            status => Err(later(format!("Discord answered with status {status}"))),
        }
    }

    /// Discord's own file servers, or where the API is on loopback.
    fn is_discords(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let known = ["cdn.discordapp.com", "media.discordapp.net"].contains(&host);
        let same = url.origin() == self.api.origin();
        (same || known && url.scheme() == "https") && self.ground.net.allows(url).is_ok()
    }
}

fn no_place() -> Failure {
    Failure::Never("its thread or message is not known".into())
}

/// The body of a new message.
fn body(out: &Outgoing) -> Result<Sealed, Failure> {
    let said = say::said(out).ok_or_else(no_place)?;
    Ok(say::sealed(&said, As::New(&Key::of(out))))
}

/// The new look of a message; it stays findable as the delivery that posted it: of several in one
/// message the first.
fn sealed_amend(out: &Outgoing, of: &crate::case::id::DeliveryId) -> Result<Sealed, Failure> {
    let said = say::said(out).ok_or_else(no_place)?;
    let head = out.merged.first().map_or(of, |(head, _)| head);
    let key = Key { deployment: out.deployment.clone(), delivery: head.clone() };
    Ok(say::sealed(&said, As::Edit(&key)))
}

impl Known {
    fn place(&self) -> Place<'_> {
        match self {
            Self::Thread(parent) => Place::Thread(parent),
            Self::Channel { .. } => Place::Channel,
        }
    }
}

impl Desk for Handle {
    fn listen(&self, inbox: Inbox, swept: Arc<Notify>) -> Task<'_, Stopped> {
        Box::pin(listen::listen(self.0.clone(), inbox, swept))
    }

    fn deliver<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Result<Receipt, Failure>> {
        Box::pin(self.0.deliver(out))
    }

    fn look<'a>(&'a self, out: &'a Outgoing) -> Task<'a, Looked> {
        Box::pin(sweep::look(&self.0, out))
    }

    fn sweep(&self, marks: Vec<Mark>, inbox: Inbox) -> Task<'_, Result<(), Failure>> {
        Box::pin(sweep::sweep(&self.0, marks, inbox))
    }

    fn fetch<'a>(&'a self, file: &'a File) -> Task<'a, Result<Bytes, Failure>> {
        Box::pin(self.0.fetch(file))
    }

    fn probe(&self) -> Task<'_, Vec<Finding>> {
        Box::pin(probe::probe(&self.0))
    }
}
