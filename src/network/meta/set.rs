//! The section of an account at Meta: a Facebook Page, or a professional Instagram account.

use super::call::Caller;
use super::{Held, HookPath, Kind, Limits, Meta};
use crate::case::ability::{Count, Limit};
use crate::case::id::AccountId;
use crate::case::time::Span;
use crate::net::Ground;
use crate::network::Network;
use crate::setting::{Mistakes, Section};
use std::sync::Arc;
use url::Url;

pub(super) const FACEBOOK: &str = r#"
# A Facebook Page, with its Messenger. Tried on our own simulation of Meta only; see the README for
# what has to be asked of Meta before.
[account.facebook]
network = "facebook"
# The channel its cases go to, as the desk names it. With several desks add: desk = "NAME"
channel = "C0123456789"
# The Page's id, a token of the Page, and the app's secret.
page = "1234567890"
token = "env:FACEBOOK_TOKEN"
app_secret = "env:META_APP_SECRET"
# The app's number. With it, and with the token in a file ("file:PATH"), `careline login facebook`
# exchanges a person's short token, as the Graph API Explorer gives it, for the Page's own.
# app_id = "1234567890"
# Where Meta calls us: a path below this machine's public address, such as "/meta", and the word
# that it says when it tries the path. Accounts of one app share both. "" = no webhook.
webhook = ""
# verify = "env:META_VERIFY"
# How often comments and messages are fetched; a webhook makes them come sooner.
poll = "2 min"
# How old a post may be whose comments are still read.
watch = "30 d"
# Has Meta granted the app "Human Agent"? Then messages may be answered for seven days and not only
# for 24 hours.
human_agent = false
# How often to look whether Meta still calls our webhook.
watchdog = "5 min"
# Meta's addresses.
api = "https://graph.facebook.com/v25.0"
app = "https://www.facebook.com"
# How far back to begin at the very first start. "0 s" begins at now.
since = "0 s"
"#;

pub(super) const INSTAGRAM: &str = r#"
# A professional Instagram account with its messages. Tried on our own simulation of Meta only; see
# the README for what has to be asked of Meta before.
[account.instagram]
network = "instagram"
# The channel its cases go to, as the desk names it. With several desks add: desk = "NAME"
channel = "C0123456789"
# The account's id, its token, and the app's secret.
page = "17841400000000000"
token = "env:INSTAGRAM_TOKEN"
app_secret = "env:META_APP_SECRET"
# A token of Instagram's own login ends after 60 days. Where it stands in a file ("file:PATH"),
# careline renews it there every week.
renew = true
# The app's number, with a login by Facebook only: then `careline login instagram` asks there.
# app_id = "1234567890"
# Where Meta calls us, as for a Page. Somebody who names this account below another person's post is
# only told by webhook.
webhook = ""
# verify = "env:META_VERIFY"
# How often comments and messages are fetched; a webhook makes them come sooner.
poll = "2 min"
# How old a post may be whose comments are still read.
watch = "30 d"
# The longest comment, in characters. Meta does not tell it today.
limit = 2200
# Has Meta granted the app "Human Agent"? Then messages may be answered for seven days and not only
# for 24 hours.
human_agent = false
# How often to look whether Meta still calls our webhook.
watchdog = "5 min"
# Instagram's addresses; with a login by Facebook "https://graph.facebook.com/v25.0".
api = "https://graph.instagram.com/v25.0"
app = "https://www.instagram.com"
# How far back to begin at the very first start. "0 s" begins at now.
since = "0 s"
"#;

pub(super) fn facebook(
    account: &AccountId,
    section: &Section,
    ground: &Ground,
) -> Result<Arc<dyn Network>, Mistakes> {
    open(Kind::Facebook, account, section, ground)
}

pub(super) fn instagram(
    account: &AccountId,
    section: &Section,
    ground: &Ground,
) -> Result<Arc<dyn Network>, Mistakes> {
    open(Kind::Instagram, account, section, ground)
}

fn open(
    kind: Kind,
    account: &AccountId,
    section: &Section,
    ground: &Ground,
) -> Result<Arc<dyn Network>, Mistakes> {
    let page = section.required("page");
    if !page.is_empty() && !page.bytes().all(|b| b.is_ascii_digit()) {
        section.wrong("page", "must be the id, which is a number");
    }
    let (token, secret) = (section.secret("token"), section.secret("app_secret"));
    let api = section.url("api", Some(kind.api()));
    let app = section.url("app", Some(kind.app()));
    if let Some(Err(refused)) = api.as_ref().map(|url| ground.net.allows(url)) {
        section.wrong("api", refused.to_string());
    }
    let hook = hook(section);
    let app_id = section.text("app_id").filter(|id| !id.is_empty());
    if app_id.as_ref().is_some_and(|id| !id.bytes().all(|b| b.is_ascii_digit())) {
        section.wrong("app_id", "must be the app's number");
    }
    // Only Instagram's own tokens can be renewed without a person.
    let renew = kind == Kind::Instagram && section.flag("renew", true) && app_id.is_none();
    let poll = at_least(section, "poll", Span::minutes(2));
    let watchdog = at_least(section, "watchdog", Span::minutes(5));
    let watch = at_least(section, "watch", Span::hours(24 * 30));
    let limits = limits(kind, section);
    let human_agent = section.flag("human_agent", false);
    let since = section.span("since", Span(0));
    section.done()?;
    let (Some(token), Some(secret), Some(api), Some(app)) = (token, secret, api, app) else {
        // Each was noted as a mistake, so that `done` has ended this.
        return Err(Mistakes::default());
    };
    let bare = |url: &Url| url.as_str().trim_end_matches('/').to_owned();
    Ok(Arc::new(Held(Arc::new(Meta {
        account: account.clone(),
        kind,
        page,
        caller: Caller::new(ground, bare(&api), token, secret.get()),
        app: bare(&app),
        hook,
        app_id,
        renew,
        limits,
        human_agent,
        poll,
        watch,
        watchdog,
        since,
        us: tokio::sync::OnceCell::new(),
        talks: std::sync::Mutex::default(),
        sent: super::Sent::default(),
    }))))
}

fn hook(section: &Section) -> Option<HookPath> {
    let word = section.optional_secret("verify").map(|secret| secret.get());
    let path = section.text("webhook").filter(|path| !path.is_empty())?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_');
    if !path.starts_with('/') || path.len() < 2 || !path.chars().all(plain) {
        section.wrong("webhook", "must be a path such as \"/meta\"");
    }
    let Some(word) = word else {
        section.wrong("webhook", "needs verify, the word that Meta says when it tries the path");
        return None;
    };
    Some(HookPath { path, word })
}

/// Comments and messages are not counted alike. Facebook's two and Instagram's comment were not
/// seen in Meta's pages (`platforms.md` 2.3, 3); a message on Instagram takes 1,000 bytes ("Send
/// a message", Instagram Platform).
fn limits(kind: Kind, section: &Section) -> Limits {
    match kind {
        Kind::Facebook => Limits::FACEBOOK,
        Kind::Instagram => {
            let limit = section.number("limit", 2_200);
            if !(100..=10_000).contains(&limit) {
                section.wrong("limit", "must be from 100 to 10000");
            }
            let limit = usize::try_from(limit).unwrap_or(0);
            Limits { comment: Limit { limit, count: Count::Chars }, ..Limits::INSTAGRAM }
        }
    }
}

fn at_least(section: &Section, key: &str, default: Span) -> Span {
    let span = section.span(key, default);
    if span < Span::millis(100) {
        section.wrong(key, "must be at least \"100 ms\"");
    }
    span
}
