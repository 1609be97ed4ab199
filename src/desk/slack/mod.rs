//! Slack: a desk over Socket Mode, or over HTTP where an address is configured.
//!
//! `wire` is what Slack says, `hear` and `say` are pure, `face` pretends the other side. What waits
//! for something stands here and in `calls`, `people`, `listen`, `http`, `answer` and `sweep`.

mod answer;
mod calls;
mod caught;
pub mod face;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod hear;
mod home;
mod http;
mod listen;
mod people;
mod probe;
mod say;
mod sweep;
mod wire;

pub use say::manifest;

use super::{Desk, Driver, Failure, Finding, Looked, Made, Mark, Outgoing, Stopped};
use crate::case::effect::{Notice, Receipt};
use crate::case::event::File;
use crate::case::id::{DeskId, FeedId, ThreadId};
use crate::case::limits::FILE_BYTES;
use crate::inbox::{Inbox, Task};
use crate::net::Ground;
use crate::setting::{Mistakes, Secret, Section};
use bytes::Bytes;
use calls::{Calls, Trouble};
use hear::Me;
use secrecy::ExposeSecret;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Notify;
use url::Url;

/// The row in the table of desks.
pub static SLACK: Driver = Driver {
    name: "slack",
    example: EXAMPLE,
    open,
    face: face::face,
    made: Some(Made {
        file: "slack-manifest.json",
        text: |verbs| manifest(verbs, None),
        then: "Create the Slack app: api.slack.com/apps, Create New App, From a manifest; paste \
               it, install the app, and invite the bot to the channel.",
    }),
};

const EXAMPLE: &str = r#"# A Slack workspace, where colleagues answer.
[desk.office]
kind = "slack"
# How Slack reaches us: "socket" needs no public address, "http" does.
mode = "socket"
# The bot token (xoxb-…), shown by Slack after the app was installed.
bot_token = "env:SLACK_BOT_TOKEN"
# The app-level token (xapp-…) with connections:write. Only with mode = "socket".
app_token = "env:SLACK_APP_TOKEN"
# The signing secret. Only with mode = "http", and there it is required.
# signing_secret = "env:SLACK_SIGNING_SECRET"
# Where our paths begin, with mode = "http": /slack/events, /slack/interactivity, /slack/commands.
# path = "/slack"
# Slack's API.
api = "https://slack.com/api"
# Reactions of agents on a case's messages, each with the words it stands for; [] is none.
reactions = ["eyes=claim", "white_check_mark=close"]
# Channels that `careline check --live` looks at, as ids.
channels = []
"#;

/// How Slack reaches us.
enum Mode {
    Socket(Secret),
    Http { secret: Secret, path: String },
}

/// One workspace.
struct Slack {
    desk: DeskId,
    mode: Mode,
    api: Url,
    bot: Secret,
    calls: Calls,
    ground: Ground,
    channels: Vec<String>,
    /// What reactions stand for.
    reactions: BTreeMap<String, String>,
    people: people::Book,
    me: Mutex<Option<Me>>,
    /// Threads we know of, and which of them were read since Slack was last connected.
    caught: caught::Caught,
    forms: answer::Slow,
    twice: Mutex<answer::Twice>,
}

/// A handle for tasks that outlive one call.
type Shared = Arc<Slack>;

struct Handle(Shared);

fn open(desk: &DeskId, section: &Section, ground: &Ground) -> Result<Arc<dyn Desk>, Mistakes> {
    let mode = section.one_of("mode", &["socket", "http"]);
    let bot = section.secret("bot_token");
    let api = section.url("api", Some("https://slack.com/api"));
    let path = section.text("path").unwrap_or_else(|| "/slack".into());
    let http = mode == "http";
    let app_token =
        if http { section.optional_secret("app_token") } else { section.secret("app_token") };
    let secret = if http {
        section.secret("signing_secret")
    } else {
        section.optional_secret("signing_secret")
    };
    let channels = section.list("channels");
    let reactions = home::reactions(section);
    check(section, &bot, &app_token, &path, http);
    if let Some(Err(refused)) = api.as_ref().map(|api| ground.net.allows(api)) {
        section.wrong("api", refused.to_string());
    }
    let client = api.as_ref().map(|api| calls::client(api.as_str()));
    if let Some(Err(why)) = &client {
        section.wrong("api", why.clone());
    }
    section.done()?;
    let mode = match (http, app_token, secret) {
        (true, _, Some(secret)) => Mode::Http { secret, path },
        (false, Some(token), _) => Mode::Socket(token),
        _ => return Err(Mistakes::default()),
    };
    let (Some(bot), Some(api), Some(Ok(client))) = (bot, api, client) else {
        return Err(Mistakes::default());
    };
    let calls = Calls::new(client, &bot);
    let (desk, ground) = (desk.clone(), ground.clone());
    Ok(Arc::new(Handle(Arc::new(Slack {
        desk,
        mode,
        api,
        bot,
        calls,
        ground,
        channels,
        reactions,
        people: people::Book::default(),
        me: Mutex::default(),
        caught: caught::Caught::default(),
        forms: answer::Slow::default(),
        twice: Mutex::default(),
    }))))
}

fn check(section: &Section, bot: &Option<Secret>, app: &Option<Secret>, path: &str, http: bool) {
    let begins = |secret: &Option<Secret>, with: &str| {
        secret.as_ref().is_none_or(|secret| secret.get().expose_secret().starts_with(with))
    };
    if !begins(bot, "xoxb-") {
        section.wrong("bot_token", "is not a bot token: those begin with xoxb-");
    }
    if !http && !begins(app, "xapp-") {
        section.wrong("app_token", "is not an app-level token: those begin with xapp-");
    }
    if !path.starts_with('/') || path.ends_with('/') || path.contains(['{', '}', '*']) {
        section.wrong("path", "must begin with / and must not end with it: \"/slack\"");
    }
}

impl Slack {
    fn now(&self) -> crate::case::time::Timestamp {
        (self.ground.now)()
    }

    /// Reads the secrets anew: an operator may have replaced a dead one. Who we are is asked again,
    /// so that a dead token is not taken for a living one.
    fn renew(&self) {
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = None;
        self.bot.renew();
        match &self.mode {
            Mode::Socket(secret) | Mode::Http { secret, .. } => drop(secret.renew()),
        }
    }

    fn feed(&self) -> FeedId {
        FeedId::new(self.desk.as_str())
    }

    fn known(&self) -> Option<Me> {
        self.me.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Who we are here; asked once.
    async fn me(&self) -> Result<Me, Trouble> {
        if let Some(me) = self.known() {
            return Ok(me);
        }
        let told = self.calls.post("auth.test", &serde_json::json!({})).await?;
        let text = |key: &str| told[key].as_str().unwrap_or_default().to_owned();
        let me = Me {
            desk: self.desk.as_str().to_owned(),
            team: text("team_id"),
            user: text("user_id"),
            bot: text("bot_id"),
            app: text("app_id"),
        };
        *self.me.lock().unwrap_or_else(PoisonError::into_inner) = Some(me.clone());
        Ok(me)
    }

    /// Looks up these people.
    async fn find(&self, me: &Me, ids: Vec<String>) -> Result<hear::People, Trouble> {
        self.people.find(&self.calls, &me.team, ids, self.now()).await
    }

    fn is_app(&self, app: &str) {
        if let Some(me) = self.me.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            app.clone_into(&mut me.app);
        }
    }

    async fn deliver(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        let call = say::notice(out)
            .ok_or_else(|| Failure::Never("its thread or message is not known".into()))?;
        let mut done = self.calls.post(call.method, &call.body).await;
        if let Err(Trouble::No(code)) = &done
            && matches!(
                code.as_str(),
                "invalid_blocks" | "invalid_blocks_format" | "msg_blocks_too_long"
            )
        {
            tracing::warn!(desk = %self.desk, code, "Slack refused our blocks; sent as plain text");
            done = self.calls.post(call.method, &say::bare(&call).body).await;
        }
        match done {
            Ok(answer) => self.receipt(out, &answer).await,
            Err(Trouble::No(code)) if code == "already_reacted" => Ok(self.mark_receipt(out)),
            Err(trouble) => Err(trouble.after_write()),
        }
    }

    fn mark_receipt(&self, out: &Outgoing) -> Receipt {
        let remote = match &out.notice {
            Notice::Mark { message, .. } => message.message.clone(),
            _ => String::new(),
        };
        Receipt { remote, url: None, at: self.now() }
    }

    async fn receipt(
        &self,
        out: &Outgoing,
        answer: &serde_json::Value,
    ) -> Result<Receipt, Failure> {
        if matches!(out.notice, Notice::Mark { .. }) {
            return Ok(self.mark_receipt(out));
        }
        let ts = answer["ts"].as_str().unwrap_or_default();
        let Some(at) = wire::instant(ts) else {
            return Err(Failure::Unsure("Slack did not say which message it made".into()));
        };
        let mut url = None;
        if let Notice::Open { channel, .. } = &out.notice {
            self.caught.open(ThreadId { channel: channel.clone(), root: ts.to_owned() });
            url = self.permalink(&channel.channel, ts).await;
        }
        Ok(Receipt { remote: ts.to_owned(), url, at })
    }

    /// Where a message can be read; nobody waits long for it.
    async fn permalink(&self, channel: &str, ts: &str) -> Option<String> {
        let args = [("channel", channel), ("message_ts", ts)];
        let call = self.calls.get("chat.getPermalink", &args);
        let answer = tokio::time::timeout(std::time::Duration::from_secs(2), call).await.ok()?;
        answer.ok()?["permalink"].as_str().map(str::to_owned)
    }

    async fn fetch(&self, file: &File) -> Result<Bytes, Failure> {
        let url =
            Url::parse(&file.url).map_err(|_| Failure::Never("the file has no address".into()))?;
        if !self.is_slacks(&url) {
            return Err(Failure::Never("the file is not kept by Slack itself".into()));
        }
        if file.size > FILE_BYTES as u64 {
            return Err(Failure::Never("the file is too large".into()));
        }
        let request = self.ground.net.client().get(url).bearer_auth(self.bot.get().expose_secret());
        let sent = tokio::time::timeout(crate::case::limits::CALL.to_std(), request.send()).await;
        let later = |why: &str| Failure::Later { after: None, why: why.to_owned() };
        let answer = sent
            .map_err(|_| later("Slack did not answer in time"))?
            .map_err(|_| later("Slack cannot be reached"))?;
        self.contents(answer).await
    }

    async fn contents(&self, answer: reqwest::Response) -> Result<Bytes, Failure> {
        let later = |why: String| Failure::Later { after: None, why };
        let status = answer.status().as_u16();
        let kind = answer.headers().get("content-type").and_then(|v| v.to_str().ok());
        // Without permission Slack answers with a page to log in, and status 200.
        let page = kind.is_some_and(|kind| kind.starts_with("text/html"));
        match status {
            200 if page => Err(Failure::Never("careline may not read files (files:read)".into())),
            200 => crate::net::body(answer, FILE_BYTES).await.map_err(|why| {
                if why.contains("longer") { Failure::Never(why) } else { later(why) }
            }),
            404 | 410 => Err(Failure::Gone("the file was deleted".into())),
            401 | 403 => Err(Failure::Never("careline may not read this file".into())),
            _ => Err(later(format!("Slack answered with status {status}"))),
        }
    }

    /// Our token goes to Slack alone: to its file servers, or to where the API is on loopback.
    fn is_slacks(&self, url: &Url) -> bool {
        let host = url.host_str().unwrap_or_default();
        let same = url.origin() == self.api.origin();
        let slack =
            url.scheme() == "https" && (host == "slack.com" || host.ends_with(".slack.com"));
        (same || slack && !self.ground.net.loopback_only()) && self.ground.net.allows(url).is_ok()
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

    fn routes(&self, inbox: Inbox) -> Option<axum::Router> {
        http::routes(&self.0, inbox)
    }
}
