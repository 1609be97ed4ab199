//! What visitors and scripts do, done as real clients would: customers' posts and agents' messages
//! over HTTP with their own tokens; what has no API there (a press, a slash command, a form, what
//! customers of X and Meta write) by the face's own ways in.

mod app;
mod sky;

use super::Faces;
use super::cast::{ACCOUNT, Cast, DESK, Player};
use super::pair::{Chosen, DISCORD, Net, Office, Pair};
use super::script::How;
use crate::desk::discord::face as discord;
use crate::desk::slack::face as slack;
use crate::engine::clock;
use crate::world::Shared;
use reqwest::Method;
use serde_json::{Value, json};

/// A message in a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct At {
    /// The channel's id.
    pub channel: String,
    /// The message's timestamp, as Slack writes it, or its id, as Discord does.
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

/// See the module. Acts on the pair that is chosen at the moment.
#[derive(Clone)]
pub struct Hands {
    client: reqwest::Client,
    shared: Shared,
    cast: std::sync::Arc<Cast>,
    faces: Faces,
    chosen: Chosen,
    sessions: sky::Sessions,
}

impl Hands {
    /// Hands of this cast, for these faces.
    #[must_use]
    pub fn new(shared: Shared, cast: std::sync::Arc<Cast>, faces: Faces, chosen: Chosen) -> Self {
        let client = crate::net::Net::new(true).client().clone();
        Self { client, shared, cast, faces, chosen, sessions: sky::Sessions::default() }
    }

    fn pair(&self) -> Pair {
        self.chosen.get()
    }

    /// Who is who.
    #[must_use]
    pub fn cast(&self) -> &Cast {
        &self.cast
    }

    /// The token of a customer, or of our account for a colleague who uses the network's own app.
    fn token(&self, who: &str) -> Result<&str, String> {
        if who == ACCOUNT {
            return Ok(self.cast.ours(self.pair().net));
        }
        let player = self.cast.customer(who).ok_or_else(|| format!("{who} is no customer here"))?;
        Ok(&player.token)
    }

    fn staff(&self, who: &str) -> Result<&Player, String> {
        let known = self.cast.member_of(self.pair().office, who);
        known.ok_or_else(|| format!("{who} does not work here"))
    }

    /// The world's id of a message.
    fn instant(&self, ts: &str) -> Result<i64, String> {
        self.pair().office.unstamp(ts).ok_or_else(|| format!("{ts} is no message's name"))
    }

    async fn ask(&self, request: reqwest::RequestBuilder) -> Result<Value, String> {
        let answer = request.send().await.map_err(|e| format!("no answer: {e}"))?;
        let status = answer.status();
        let body = answer.text().await.map_err(|e| format!("the answer was cut off: {e}"))?;
        let value: Value = serde_json::from_str(&body).unwrap_or_default();
        match status.is_success() {
            true => Ok(value),
            false => {
                let why = value["message"].as_str().or(value["error"].as_str());
                Err(format!("{status}: {}", why.unwrap_or_default()))
            }
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
        match self.pair().net {
            Net::Mastodon => self.toot(who, text, how, parent).await,
            Net::Bluesky => self.sky(who).post(text, how, parent).await,
            net => self.app(net).post(who, text, how, parent),
        }
    }

    async fn toot(
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
        let url = format!("{}/api/v1/statuses", self.faces.mastodon);
        let made = self.ask(self.client.post(url).bearer_auth(token).json(&body)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    async fn picture(&self, token: &str) -> Result<String, String> {
        let part = reqwest::multipart::Part::bytes(PICTURE).file_name("tent.png");
        let part = part.mime_str("image/png").map_err(|e| e.to_string())?;
        let form = reqwest::multipart::Form::new().part("file", part).text("description", ALT);
        let url = format!("{}/api/v2/media", self.faces.mastodon);
        let made = self.ask(self.client.post(url).bearer_auth(token).multipart(form)).await?;
        Ok(made["id"].as_str().unwrap_or_default().to_owned())
    }

    /// Changes a post.
    ///
    /// # Errors
    /// The network's own words.
    pub async fn edit_post(&self, who: &str, post: &str, text: &str) -> Result<(), String> {
        match self.pair().net {
            Net::Mastodon => {}
            Net::Bluesky => return self.sky(who).edit(post, text).await,
            net => return self.app(net).edit(who, post, text),
        }
        let url = format!("{}/api/v1/statuses/{post}", self.faces.mastodon);
        let request = self.client.put(url).bearer_auth(self.token(who)?);
        self.ask(request.json(&json!({"status": text}))).await.map(|_| ())
    }

    /// Deletes a post.
    ///
    /// # Errors
    /// The network's own words.
    pub async fn delete_post(&self, who: &str, post: &str) -> Result<(), String> {
        match self.pair().net {
            Net::Mastodon => {}
            Net::Bluesky => return self.sky(who).delete(post).await,
            net => return self.app(net).delete(who, post),
        }
        let url = format!("{}/api/v1/statuses/{post}", self.faces.mastodon);
        self.ask(self.client.delete(url).bearer_auth(self.token(who)?)).await.map(|_| ())
    }

    async fn slack(&self, who: &str, method: &str, body: Value) -> Result<Value, String> {
        let token = &self.staff(who)?.token;
        let url = format!("{}/api/{method}", self.faces.slack);
        let answer = self.ask(self.client.post(url).bearer_auth(token).json(&body)).await?;
        match answer["ok"].as_bool() {
            Some(true) => Ok(answer),
            _ => Err(answer["error"].as_str().unwrap_or("no answer").to_owned()),
        }
    }

    /// A call of Discord's API about a channel's messages, as a person's own client makes it.
    async fn discord(
        &self,
        who: &str,
        method: Method,
        path: &str,
        body: Option<Value>,
    ) -> Result<Value, String> {
        let url = format!("{}/api/v10/channels/{path}", self.faces.discord);
        let request = self.client.request(method, url);
        let request = request.header("authorization", &self.staff(who)?.token);
        match body {
            Some(body) => self.ask(request.json(&body)).await,
            None => self.ask(request).await,
        }
    }

    /// Writes a message in a thread; returns its name. `@careline` and `@names` call.
    ///
    /// # Errors
    /// The desk's own words.
    pub async fn say(&self, who: &str, thread: &At, text: &str) -> Result<String, String> {
        let text = self.calls(text);
        let (said, key) = match self.pair().office {
            Office::Slack => {
                let body = json!({"channel": thread.channel, "thread_ts": thread.ts, "text": text});
                (self.slack(who, "chat.postMessage", body).await?, "ts")
            }
            Office::Discord => {
                let (path, body) =
                    (format!("{}/messages", thread.channel), json!({"content": text}));
                (self.discord(who, Method::POST, &path, Some(body)).await?, "id")
            }
        };
        Ok(said[key].as_str().unwrap_or_default().to_owned())
    }

    /// What a desk's own client makes of names that are picked from its list.
    fn calls(&self, text: &str) -> String {
        let office = self.pair().office;
        let text = match office {
            Office::Slack => text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;"),
            Office::Discord => text.to_owned(),
        };
        let staff = self.cast.staff_of(office).iter();
        let known = staff.map(|player| (player.key.as_str(), player.id.as_str()));
        known
            .chain([("careline", office.bot())])
            .fold(text, |text, (name, id)| text.replace(&format!("@{name}"), &format!("<@{id}>")))
    }

    /// Changes a message.
    ///
    /// # Errors
    /// The desk's own words.
    pub async fn edit(&self, who: &str, at: &At, text: &str) -> Result<(), String> {
        let text = self.calls(text);
        let done = match self.pair().office {
            Office::Slack => {
                let body = json!({"channel": at.channel, "ts": at.ts, "text": text});
                self.slack(who, "chat.update", body).await
            }
            Office::Discord => {
                let path = format!("{}/messages/{}", at.channel, at.ts);
                self.discord(who, Method::PATCH, &path, Some(json!({"content": text}))).await
            }
        };
        done.map(|_| ())
    }

    /// Deletes a message.
    ///
    /// # Errors
    /// The desk's own words.
    pub async fn delete(&self, who: &str, at: &At) -> Result<(), String> {
        let done = match self.pair().office {
            Office::Slack => {
                let body = json!({"channel": at.channel, "ts": at.ts});
                self.slack(who, "chat.delete", body).await
            }
            Office::Discord => {
                let path = format!("{}/messages/{}", at.channel, at.ts);
                self.discord(who, Method::DELETE, &path, None).await
            }
        };
        done.map(|_| ())
    }

    /// Presses the button of a message that has this value, label or action id.
    ///
    /// # Errors
    /// A sentence.
    pub fn press(&self, who: &str, at: &At, value: &str) -> Result<(), String> {
        let (user, id) = (self.staff(who)?.id.clone(), self.instant(&at.ts)?);
        let (office, place) = (self.pair().office, (at.channel.as_str(), id));
        self.shared.change(clock::now(), |w| match office {
            Office::Slack => slack::press(w, DESK, &user, place, value),
            Office::Discord => discord::press(w, DISCORD, &user, place, value),
        })
    }

    /// Looks at the app's page at the desk, or presses a button of it.
    ///
    /// # Errors
    /// A sentence.
    pub fn home(&self, who: &str, value: &str) -> Result<(), String> {
        if self.pair().office != Office::Slack {
            return Err("only Slack has such a page".into());
        }
        let user = self.staff(who)?.id.clone();
        self.shared.change(clock::now(), |w| match value {
            "" => slack::open_home(w, DESK, &user),
            value => slack::press_home(w, DESK, &user, value),
        })
    }

    /// Types a slash command in a channel; at Discord in a thread, too.
    ///
    /// # Errors
    /// A sentence.
    pub fn slash(&self, who: &str, channel: &str, text: &str) -> Result<(), String> {
        let user = self.staff(who)?.id.clone();
        let (office, line) = (self.pair().office, format!("{} {text}", super::cast::COMMAND));
        self.shared.change(clock::now(), |w| match office {
            Office::Slack => slack::slash(w, DESK, &user, channel, line.trim()),
            Office::Discord => {
                let options = [("text", json!(text))];
                discord::slash(w, DISCORD, &user, channel, "careline", &options)
            }
        })
    }

    /// Begins to type an option of Discord's slash command; gives the interaction's id, under
    /// which the app's choices are noted.
    ///
    /// # Errors
    /// A sentence.
    pub fn type_option(
        &self,
        who: &str,
        channel: &str,
        command: &str,
        begun: (&str, &str),
    ) -> Result<String, String> {
        let user = self.staff(who)?.id.clone();
        self.shared.change(clock::now(), |w| {
            discord::type_option(w, DISCORD, &user, channel, command, begun)
        })
    }

    /// Uses the app's shortcut on a message.
    ///
    /// # Errors
    /// A sentence.
    pub fn shortcut(&self, who: &str, at: &At, callback: &str) -> Result<(), String> {
        let (user, id) = (self.staff(who)?.id.clone(), self.instant(&at.ts)?);
        let (office, place) = (self.pair().office, (at.channel.as_str(), id));
        self.shared.change(clock::now(), |w| match office {
            Office::Slack => slack::shortcut(w, DESK, &user, place, callback),
            Office::Discord => discord::menu(w, DISCORD, &user, place, "Reply to customer"),
        })
    }

    /// Sends the form that this member sees.
    ///
    /// # Errors
    /// A sentence.
    pub fn submit(&self, who: &str, form: &str, text: &str) -> Result<(), String> {
        let (user, office) = (self.staff(who)?.id.clone(), self.pair().office);
        self.shared.change(clock::now(), |w| match office {
            Office::Slack => slack::submit(w, DESK, &user, form, text),
            Office::Discord => discord::submit(w, DISCORD, &user, form, text),
        })
    }

    /// Ends all connections of the desk: `refresh_requested` or `warning` with a goodbye, `cut`
    /// without.
    pub fn hang_up(&self, how: &str) {
        let office = self.pair().office;
        self.shared.change(clock::now(), |world| match (office, how) {
            (Office::Slack, _) => slack::hang_up(world, DESK, how),
            (Office::Discord, "refresh_requested" | "warning") => {
                discord::hang_up(world, DISCORD, "op7");
            }
            (Office::Discord, _) => discord::hang_up(world, DISCORD, how),
        });
    }

    /// Puts a form away.
    ///
    /// # Errors
    /// He sees no such form.
    pub fn dismiss(&self, who: &str, form: &str) -> Result<(), String> {
        let (user, office) = (self.staff(who)?.id.clone(), self.pair().office);
        self.shared.change(clock::now(), |world| {
            let forms = &mut world.office(office.name()).forms;
            let open = forms.get_mut(form).filter(|f| f.member == user);
            open.ok_or("he sees no such form")?.closed = true;
            Ok(())
        })
    }
}
