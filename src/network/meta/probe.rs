//! What is looked at besides: whether Meta still calls our webhook, and for `check --live` what the
//! token is worth and which review steps are missing.

use super::call::{Asked, Trouble};
use super::hear::Us;
use super::wire::{Page, Subscribed, Token};
use super::{Kind, Meta};
use crate::case::event::{Envelope, Event};
use crate::case::time::{Span, Timestamp};
use crate::inbox::{Inbox, Pulse, Shut};
use crate::network::Finding;
use crate::network::feed::finding;
use secrecy::ExposeSecret;
use serde_json::{Value, json};

/// A token that ends sooner is spoken of.
const SOON: Span = Span::hours(24 * 10);

/// What each permission is for ("Permissions reference").
const FACEBOOK: &[(&str, &str)] = &[
    ("pages_read_engagement", "read the Page's posts and comments"),
    ("pages_read_user_content", "read what visitors write"),
    ("pages_manage_engagement", "answer comments"),
    ("pages_messaging", "read and answer messages"),
    ("pages_manage_metadata", "be called by webhook"),
];
const INSTAGRAM: &[(&str, &str)] = &[
    ("instagram_business_basic", "read the account's posts"),
    ("instagram_business_manage_comments", "read and answer comments"),
    ("instagram_business_manage_messages", "read and answer messages"),
];

impl Meta {
    /// Looks again and again whether Meta still calls our webhook, and subscribes again if not: it
    /// ends a subscription whose calls fail for an hour, and tells nobody.
    pub(super) async fn watch_hook(&self, inbox: &Inbox, us: &Us) -> Shut {
        if self.hook.is_none() {
            std::future::pending::<()>().await;
        }
        let mut was_subscribed = false;
        loop {
            match self.subscribe(us).await {
                Ok(true) => was_subscribed = true,
                Ok(false) => {
                    if was_subscribed && self.say_missed(inbox).await.is_err() {
                        return Shut;
                    }
                    was_subscribed = true;
                }
                Err(trouble) => {
                    inbox.pulse(&self.feed("webhook"), Pulse::Down(trouble.why()));
                }
            }
            tokio::time::sleep(self.watchdog.to_std()).await;
        }
    }

    /// Subscribes where we are not. Says whether we were.
    async fn subscribe(&self, us: &Us) -> Result<bool, Trouble> {
        let wanted = self.kind.hook_fields();
        if self.missing(us).await?.is_empty() {
            return Ok(true);
        }
        let path = format!("/{}/subscribed_apps", us.id);
        let asked = Asked::post(path, json!({ "subscribed_fields": wanted.join(",") }));
        self.caller.call::<Value>(&asked).await?;
        Ok(false)
    }

    /// The fields that Meta does not tell us of.
    async fn missing(&self, us: &Us) -> Result<Vec<&'static str>, Trouble> {
        let asked = Asked::get(format!("/{}/subscribed_apps", us.id));
        let page: Page<Subscribed> = self.caller.call(&asked).await?;
        let has = |field: &&str| {
            page.data.iter().any(|app| app.subscribed_fields.iter().any(|f| f == field))
        };
        Ok(self.kind.hook_fields().iter().copied().filter(|field| !has(field)).collect())
    }

    /// The sweeps have read on all the while: nothing has to be fetched for it.
    async fn say_missed(&self, inbox: &Inbox) -> Result<(), Shut> {
        let why = "Meta had stopped calling our webhook; careline has subscribed again. What came \
                   in between was read by the sweeps, somewhat later"
            .into();
        let event = Event::Trouble { source: self.account.to_string(), why };
        let id = format!("{}/resubscribed/{}", self.account, self.caller.now().0);
        inbox.put(Envelope::new(id, event)).await.map(drop)
    }

    /// What `check --live` tells.
    pub(super) async fn findings(&self) -> Vec<Finding> {
        let us = self.us().await;
        let named = us.as_ref().map(|us| us.name.clone()).map_err(Clone::clone);
        let mut all = vec![finding("log in", named), self.token_finding().await];
        let Ok(us) = us else { return all };
        let wall = match self.kind {
            Kind::Facebook => "feed",
            Kind::Instagram => "media",
        };
        let lists =
            [("read comments", wall, ""), ("read messages", "conversations", self.kind.platform())];
        for (what, list, platform) in lists {
            let asked = Asked::get(format!("/{}/{list}", us.id)).with(&[("limit", "1")]);
            let asked = match platform {
                "" => asked,
                platform => asked.with(&[("platform", platform)]),
            };
            let read: Result<Value, Trouble> = self.caller.call(&asked).await;
            all.push(finding(what, read.map(|_| "works".into())));
        }
        if self.hook.is_some() {
            all.push(self.hook_finding(us).await);
        }
        all
    }

    async fn hook_finding(&self, us: &Us) -> Finding {
        let result = match self.missing(us).await {
            Ok(missing) if missing.is_empty() => Ok("Meta calls it".to_owned()),
            Ok(missing) => Err(format!(
                "Meta does not tell us of {}; careline subscribes when it runs",
                missing.join(", ")
            )),
            Err(trouble) => Err(trouble.why()),
        };
        Finding { what: "webhook".into(), result }
    }

    /// Instagram's own tokens cannot be looked at: what they allow shows when lists are read.
    async fn token_finding(&self) -> Finding {
        let token = self.caller.token.get();
        let asked = Asked::get("/debug_token").with(&[("input_token", token.expose_secret())]);
        let told: Result<Told, Trouble> = self.caller.call(&asked).await;
        let result = match told {
            Ok(told) => judge(self.kind, &told.data, self.caller.now()),
            Err(Trouble::Dead(why)) => Err(why),
            Err(_) if self.kind == Kind::Instagram => Ok("Meta does not tell of this token".into()),
            Err(trouble) => Err(trouble.why()),
        };
        Finding { what: "token".into(), result }
    }
}

#[derive(serde::Deserialize)]
struct Told {
    data: Token,
}

/// What a token is worth, in words for the operator.
fn judge(kind: Kind, token: &Token, now: Timestamp) -> Result<String, String> {
    if !token.is_valid {
        return Err("Meta says that the token is not valid; make a new one".into());
    }
    let wanted = match kind {
        Kind::Facebook => FACEBOOK,
        Kind::Instagram => INSTAGRAM,
    };
    // A login by Facebook names the same rights without `business`.
    let has = |name: &str| {
        let older = name.replace("_business", "");
        token.scopes.iter().any(|scope| *scope == name || *scope == older)
    };
    let missing = wanted.iter().filter(|(name, _)| !has(name));
    let missing: Vec<String> =
        missing.map(|(name, what)| format!("`{name}` (to {what})")).collect();
    if !missing.is_empty() {
        return Err(format!(
            "the token lacks {}: ask for it in the app's review at Meta, then make a new token",
            missing.join(", ")
        ));
    }
    let ends = [token.expires_at, token.data_access_expires_at];
    let ends = ends.into_iter().filter(|at| *at > 0).min().map(Timestamp::from_seconds);
    match ends {
        Some(at) if at <= now => Err(format!("the token ended at {at}; make a new one")),
        Some(at) if at.since(now) < SOON => Err(format!("the token ends at {at}; renew it")),
        Some(at) => Ok(format!("good until {at}")),
        None => Ok("good, without an end".into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_judged_in_plain_words() {
        let now = Timestamp::from_seconds(1_000_000);
        let all: Vec<String> = FACEBOOK.iter().map(|(name, _)| (*name).to_owned()).collect();
        let token = |scopes: &[String], expires_at| {
            let scopes = scopes.to_vec();
            Token { is_valid: true, expires_at, data_access_expires_at: 0, scopes }
        };
        let of = |token: &Token| judge(Kind::Facebook, token, now);
        assert!(of(&token(&all, 0)).is_ok_and(|text| text.contains("without an end")));
        let lacks = of(&token(&all[1..], 0)).unwrap_err();
        assert!(lacks.contains("pages_read_engagement") && lacks.contains("review"), "{lacks}");
        assert!(of(&token(&all, 1_000_000 + 3_600)).unwrap_err().contains("renew"));
        assert!(of(&token(&all, 5)).unwrap_err().contains("ended"));
        assert!(of(&Token::default()).is_err());
        let older = ["instagram_basic", "instagram_manage_comments", "instagram_manage_messages"];
        let older = older.map(str::to_owned);
        assert!(judge(Kind::Instagram, &token(&older, 0), now).is_ok());
    }
}
