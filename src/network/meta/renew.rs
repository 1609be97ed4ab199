//! Tokens that end. A short one is exchanged for a long one when a person asks for it
//! (`careline login`); a token of Instagram's own login, good for 60 days, is renewed by itself.
//! Both need a file to put the new one into. How: Meta's pages "Long-lived access tokens" and
//! "Refresh a long-lived token", from memory (`platforms.md` 2.4, 3); seen on our simulation only.

use super::call::{Asked, Trouble};
use super::sweep::Ended;
use super::{Kind, Meta};
use crate::case::event::{Envelope, Event};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Shut};
use crate::network::feed::save;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use tokio::time::sleep;

/// How often a token is renewed.
const EVERY: Span = Span::days(7);
/// Before another try. Meta renews no token that is younger than a day.
const AGAIN: Span = Span::days(1);

/// A token as Meta gives it, and for how many seconds it is good.
#[derive(Deserialize)]
struct Granted {
    access_token: SecretString,
    #[serde(default)]
    expires_in: Option<i64>,
}

impl Meta {
    /// Renews the token again and again, where that can be done.
    pub(super) async fn keep_token(&self, inbox: &Inbox) -> Shut {
        if !self.renew || self.caller.token.place().is_none() {
            std::future::pending::<()>().await;
        }
        loop {
            let wait = match self.renew_if_due(inbox).await {
                Ok(wait) => wait,
                Err(Ended::Shut) => return Shut,
                Err(Ended::Trouble(trouble)) => {
                    let kind = trouble.writing().kind();
                    tracing::warn!(account = %self.account, kind, "the token was not renewed yet");
                    AGAIN
                }
            };
            sleep(wait.to_std()).await;
        }
    }

    /// How long until it is due again.
    async fn renew_if_due(&self, inbox: &Inbox) -> Result<Span, Ended> {
        let (feed, now) = (self.feed("renewed"), self.caller.now());
        let last = inbox.cursor(&feed).await?.and_then(|text| Timestamp::parse(&text));
        if let Some(age) = last.map(|last| now.since(last)).filter(|age| *age < EVERY) {
            return Ok(Span(EVERY.0 - age.0));
        }
        let asked = Asked::get("/refresh_access_token");
        let granted = self.granted(asked, "ig_refresh_token", "access_token").await?;
        if let Err(why) = self.put_token(granted.access_token).await {
            self.say_unkept(inbox, &why).await?;
            return Ok(AGAIN);
        }
        save(inbox, &feed, now, now.to_string()).await?;
        Ok(EVERY)
    }

    async fn say_unkept(&self, inbox: &Inbox, why: &str) -> Result<(), Shut> {
        let source = self.account.to_string();
        let why = format!(
            "Meta renewed the token, and careline could not keep the new one: {why}. The old one \
             is good until its 60 days are over"
        );
        let id = format!("{}/unkept/{}", self.account, self.caller.now().0);
        inbox.put(Envelope::new(id, Event::Trouble { source, why })).await.map(drop)
    }

    /// Asks for another token in exchange for the one we have, which goes by this name.
    async fn granted(&self, asked: Asked, how: &str, name: &str) -> Result<Granted, Trouble> {
        let token = self.caller.token.get();
        let asked = asked.with(&[("grant_type", how), (name, token.expose_secret())]);
        self.caller.call(&asked).await
    }

    async fn put_token(&self, new: SecretString) -> Result<(), String> {
        let token = self.caller.token.clone();
        let done = tokio::task::spawn_blocking(move || token.put(&new)).await;
        done.map_err(|_| "the writing was broken off".to_owned())?
    }

    /// Exchanges the token that stands in the configuration for one that lasts; what became of it.
    pub(super) async fn exchange(&self) -> Result<String, String> {
        let place = self.caller.token.place().map(|place| place.display().to_string());
        let place = place.ok_or(
            "the token has to stand in a file, so that a longer one can be put there: \
             token = \"file:PATH\"",
        )?;
        let said = |trouble: Trouble| trouble.why();
        let long = self.long().await?;
        let granted = match (self.kind, &self.app_id) {
            (Kind::Facebook, _) => self.of_page(&long.access_token).await.map_err(said)?,
            (Kind::Instagram, _) => long,
        };
        self.put_token(granted.access_token).await?;
        let us = self.us().await.map_err(said)?;
        let good = match granted.expires_in.filter(|seconds| *seconds > 0) {
            Some(seconds) => format!("is good for {}", Span::seconds(seconds)),
            None => "has no end that Meta tells".to_owned(),
        };
        Ok(format!("the token of {} stands in {place} and {good}", us.name))
    }

    async fn long(&self) -> Result<Granted, String> {
        let secret = self.caller.app_secret.expose_secret();
        let asked = match (&self.app_id, self.kind) {
            (Some(app), _) => {
                let asked = Asked::get("/oauth/access_token");
                let asked = asked.with(&[("client_id", app), ("client_secret", secret)]);
                self.granted(asked, "fb_exchange_token", "fb_exchange_token").await
            }
            (None, Kind::Instagram) => {
                let asked = Asked::get("/access_token").with(&[("client_secret", secret)]);
                self.granted(asked, "ig_exchange_token", "access_token").await
            }
            (None, Kind::Facebook) => return Err("app_id is missing, the app's number".into()),
        };
        asked.map_err(|trouble| trouble.why())
    }

    /// The Page's own token, which a person who looks after it may see; it ends only with his
    /// rights.
    async fn of_page(&self, person: &SecretString) -> Result<Granted, Trouble> {
        let asked = Asked::get(format!("/{}", self.page)).with(&[("fields", "access_token")]);
        self.caller.call_as(person, &asked).await
    }
}
