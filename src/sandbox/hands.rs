//! What visitors and scripts do, done as real clients would: customers' posts and agents' messages
//! over HTTP with their own tokens; what has no API there (a press, a slash command, a form) by
//! the face's own ways in.

use super::cast::{ACCOUNT, Cast, DESK, Player};
use super::loopback::Loopback;
use super::script::How;
use crate::desk::slack::face as slack;
use crate::engine::clock;
use crate::world::Shared;
use serde_json::{Value, json};

/// A message in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The channel's id.
    pub channel: String,
    /// The message's timestamp, as Slack writes it.
    pub ts: String,
}

impl At {
    /// From `C123/1700000000.000100`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (channel, ts) = text.split_once('/')?;
        Some(Self { channel: channel.to_owned(), ts: ts.to_owned() })
    }
}

/// The picture that customers of the demo show: a tent that has seen better days.
pub const PICTURE: &[u8] = include_bytes!("page/tent.png");
const ALT: &str = "A green tent in the rain, a long tear along its zip.";

/// See the module.
#[derive(Clone)]
pub struct Hands {
    client: reqwest::Client,
    shared: Shared,
    cast: std::sync::Arc<Cast>,
    network: Loopback,
    desk: Loopback,
}

impl Hands {
    /// Hands of this cast, for these two faces.
    #[must_use]
    pub fn new(
        shared: Shared,
        cast: std::sync::Arc<Cast>,
        network: Loopback,
        desk: Loopback,
    ) -> Self {
        let net = crate::net::Net::new(true);
        Self { client: net.client().clone(), shared, cast, network, desk }
    }

    /// Who is who.
    #[must_use]
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The token of a customer, or of our account for a colleague who uses the network's own app.
    fn token(&self, who: &str) -> Result<&str, String> {
        if who == ACCOUNT {
            return Ok(&self.cast.us);
        }
        let player = self.cast.customer(who).ok_or_else(|| format!("{who} is no customer here"))?;
        Ok(&player.token)
    }

    fn staff(&self, who: &str) -> Result<&Player, String> {
        self.cast.member(who).ok_or_else(|| format!("{who} does not work here"))
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let answer = request.send().await.map_err(|e| format!("no answer: {e}"))?;
        let status = answer.status();
        let body = answer.text().await.map_err(|e| format!("the answer was cut off: {e}"))?;
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        match status.is_success() {
            true => Ok(value),
            false => Err(format!("{status}: {}", value["error"].as_str().unwrap_or_default())),
        }
    }

    /// Writes a post; returns its id.
    ///
    /// # Errors
    /// The network's own words.
    pub async fn post(
        &self,
        who: &str,
        text: &str,
        how: &How,
        parent: Option<&str>,
    ) -> Result<String, String> {
        let token = self.token(who)?;
        let mut body = json!({
            "status": text, "visibility": if how.direct { "direct" } else { "public" },
        });
        if let Some(parent) = parent {
            body["in_reply_to_id"] = parent.into();
        }
        if let Some(warning) = &how.warning {
            body["spoiler_text"] = warning.as_str().into();
        }
        if how.picture {
            body["media_ids"] = json!([self.picture(token).await?]);
        }
        let url = format!("{}/api/v1/statuses", self.network);
        let made = self.ask(self.client.post(url).bearer_auth(token).json(&body)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn picture(&self, token: &str) -> Result<String, String> {
        let part = reqwest::multipart::Part::bytes(PICTURE).file_name("tent.png");
        let part = part.mime_str("image/png").map_err(|e| e.to_string())?;
        let form = reqwest::multipart::Form::new().part("file", part).text("description", ALT);
        let url = format!("{}/api/v2/media", self.network);
        let made = self.ask(self.client.post(url).bearer_auth(token).multipart(form)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Changes a post.
    ///
    /// # Errors
    /// The network's own words.
    pub async fn edit_post(&self, who: &str, post: &str, text: &str) -> Result<(), String> {
        let url = format!("{}/api/v1/statuses/{post}", self.network);
        let request = self.client.put(url).bearer_auth(self.token(who)?);
        self.ask(request.json(&json!({"status": text}))).await.map(|_| ())
    }

    /// Deletes a post.
    ///
    /// # Errors
    /// The network's own words.
    pub async fn delete_post(&self, who: &str, post: &str) -> Result<(), String> {
        let url = format!("{}/api/v1/statuses/{post}", self.network);
        self.ask(self.client.delete(url).bearer_auth(self.token(who)?)).await.map(|_| ())
    }

    async fn slack(&self, who: &str, method: &str, body: Value) -> Result<Value, String> {
        let token = &self.staff(who)?.token;
        let url = format!("{}/api/{method}", self.desk);
        let answer = self.ask(self.client.post(url).bearer_auth(token).json(&body)).await?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(answer["error"].as_str().unwrap_or("no answer").to_owned()),
        }
    }

    /// Writes a message in a thread; returns its timestamp. `@careline` and `@names` call.
    ///
    /// # Errors
    /// Slack's own code.
    pub async fn say(&self, who: &str, thread: &At, text: &str) -> Result<String, String> {
        let text = self.calls(text);
        let body = json!({"channel": thread.channel, "thread_ts": thread.ts, "text": text});
        let said = self.slack(who, "chat.postMessage", body).await?;
        Ok(said["ts"].as_str().unwrap_or_default().to_owned())
    }

    /// What Slack's own client makes of names that are picked from its list.
    fn calls(&self, text: &str) -> String {
        let escaped = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
        let known = self.cast.staff.iter().map(|player| (player.key.as_str(), player.id.as_str()));
        known.chain([("careline", self.cast.bot())]).fold(escaped, |text, (name, id)| {
            text.replace(&format!("@{name}"), &format!("<@{id}>"))
        })
    }

    /// Changes a message.
    ///
    /// # Errors
    /// Slack's own code.
    pub async fn edit(&self, who: &str, at: &At, text: &str) -> Result<(), String> {
        let body = json!({"channel": at.channel, "ts": at.ts, "text": self.calls(text)});
        self.slack(who, "chat.update", body).await.map(|_| ())
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// Slack's own code.
    pub async fn delete(&self, who: &str, at: &At) -> Result<(), String> {
        let body = json!({"channel": at.channel, "ts": at.ts});
        self.slack(who, "chat.delete", body).await.map(|_| ())
    }

    /// Presses the button of a message that has this value or action id.
    ///
    /// # Errors
    /// A sentence.
    pub fn press(&self, who: &str, at: &At, value: &str) -> Result<(), String> {
        let (user, id) = (self.staff(who)?.id.clone(), instant(&at.ts)?);
        let place = (at.channel.as_str(), id);
        self.shared.change(clock::now(), |w| slack::press(w, DESK, &user, place, value))
    }

    /// Looks at the app's page at the desk, or presses a button of it.
    ///
    /// # Errors
    /// A sentence.
    pub fn home(&self, who: &str, value: &str) -> Result<(), String> {
        let user = self.staff(who)?.id.clone();
        self.shared.change(clock::now(), |w| match value {
            "" => slack::open_home(w, DESK, &user),
            value => slack::press_home(w, DESK, &user, value),
        })
    }

    /// Types a slash command in a channel.
    ///
    /// # Errors
    /// A sentence.
    pub fn slash(&self, who: &str, channel: &str, text: &str) -> Result<(), String> {
        let user = self.staff(who)?.id.clone();
        let line = format!("{} {text}", super::cast::COMMAND);
        self.shared.change(clock::now(), |w| slack::slash(w, DESK, &user, channel, line.trim()))
    }

    /// Uses the app's shortcut on a message.
    ///
    /// # Errors
    /// A sentence.
    pub fn shortcut(&self, who: &str, at: &At, callback: &str) -> Result<(), String> {
        let (user, id) = (self.staff(who)?.id.clone(), instant(&at.ts)?);
        let place = (at.channel.as_str(), id);
        self.shared.change(clock::now(), |w| slack::shortcut(w, DESK, &user, place, callback))
    }

    /// Sends the form that this member sees.
    ///
    /// # Errors
    /// A sentence.
    pub fn submit(&self, who: &str, form: &str, text: &str) -> Result<(), String> {
        let user = self.staff(who)?.id.clone();
        self.shared.change(clock::now(), |w| slack::submit(w, DESK, &user, form, text))
    }

    /// Ends all connections of the desk: `refresh_requested` or `warning` with a goodbye, `cut`
    /// without.
    pub fn hang_up(&self, how: &str) {
        self.shared.change(clock::now(), |world| slack::hang_up(world, DESK, how));
    }

    /// Puts a form away.
    ///
    /// # Errors
    /// He sees no such form.
    pub fn dismiss(&self, who: &str, form: &str) -> Result<(), String> {
        let user = self.staff(who)?.id.clone();
        self.shared.change(clock::now(), |world| {
            let open = world.office(DESK).forms.get_mut(form).filter(|f| f.member == user);
            open.ok_or("he sees no such form")?.closed = true;
            Ok(())
        })
    }
}

fn instant(ts: &str) -> Result<i64, String> {
    slack::unstamp(ts).ok_or_else(|| format!("{ts} is no timestamp"))
}
