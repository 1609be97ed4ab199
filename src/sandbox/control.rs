//! The control address: one HTTP JSON API for the page, and for checks from outside that need what
//! has no API on the platforms. Described in `tests/README.md`.
//!
//! A call that changes something must come from our own page or from a program on this machine:
//! browsers name the page they act for (`Origin`, `Sec-Fetch-Site`), and JSON cannot be sent across
//! origins without being asked for first (Fetch standard, CORS-safelisted content types).

use super::Demo;
use super::hands::At;
use super::page;
use super::pair::Pair;
use super::script::How;
use crate::engine::clock;
use crate::world::fault::Fault;
use axum::extract::{Path, Query, Request, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::Deserialize;
use serde_json::{Value, json};
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

type Shared = State<Arc<Demo>>;
type Answer = Result<Json<Value>, Refused>;

/// Why a call was not done, in a sentence.
struct Refused(String);

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        (StatusCode::UNPROCESSABLE_ENTITY, Json(json!({"error": self.0}))).into_response()
    }
}

impl From<String> for Refused {
    fn from(why: String) -> Self {
        Self(why)
    }
}

/// The page and its control address.
pub(super) fn routes(demo: Arc<Demo>) -> Router {
    let acts = Router::new()
        .route("/state", get(state))
        .route("/events", get(events))
        .route("/customer/{deed}", post(customer))
        .route("/agent/{deed}", post(agent))
        .route("/desk/hang_up", post(hang_up))
        .route("/pair", post(choose))
        .route("/fault", post(fault))
        .route("/fault/clear", post(clear))
        .route("/restart", post(restart))
        .route("/day", post(day))
        .route("/day/stop", post(stop_day));
    Router::new()
        .merge(page::routes())
        .route("/picture", get(picture))
        .nest("/control", acts)
        .layer(middleware::from_fn_with_state(demo.clone(), guard))
        .with_state(demo)
}

/// Only by our own name, and for changes only from our own page or a program on this machine.
async fn guard(State(demo): Shared, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let text = |name| headers.get(name).and_then(|value: &header::HeaderValue| value.to_str().ok());
    if !text(header::HOST).is_some_and(|host| demo.page.is_called(host)) {
        return (StatusCode::MISDIRECTED_REQUEST, "careline is not called that").into_response();
    }
    if request.method() != Method::GET && !ours(&demo, headers) {
        return (StatusCode::FORBIDDEN, "only the demo's own page may do this").into_response();
    }
    let mut response = next.run(request).await;
    page::protect(response.headers_mut());
    response
}

fn ours(demo: &Demo, headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("?"));
    let json = text("content-type").is_some_and(|kind| kind.starts_with("application/json"));
    let origin = text("origin");
    let same = origin.is_none_or(|origin| demo.page.is_origin(origin));
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let token = origin.is_none() || text("x-careline-token") == Some(demo.token.as_str());
    json && same && site && token
}

async fn state(State(demo): Shared) -> Json<Value> {
    Json(demo.state().await)
}

/// Says that something changed, at most ten times a second, and once a second in any case: what
/// the store knows changes without a sound. An event without data would never reach the page
/// (HTML standard, "dispatch the event").
async fn events(State(demo): Shared) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let bell = demo.shared.bell();
    let stream =
        futures_util::stream::unfold((bell, demo.stop.clone()), |(mut bell, stop)| async {
            tokio::select! {
                () = stop.cancelled() => return None,
                () = async {
                    let _ = tokio::time::timeout(Duration::from_secs(1), bell.changed()).await;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                } => {}
            }
            bell.mark_unchanged();
            Some((Ok(Event::default().event("change").data("now")), (bell, stop)))
        });
    Sse::new(stream).keep_alive(KeepAlive::default())
}

/// What a customer does.
#[derive(Deserialize)]
struct CustomerDeed {
    who: String,
    #[serde(default)]
    text: String,
    post: Option<String>,
    reply_to: Option<String>,
    #[serde(default)]
    direct: bool,
    warning: Option<String>,
    #[serde(default)]
    media: bool,
}

async fn customer(
    State(demo): Shared,
    Path(deed): Path<String>,
    Json(body): Json<CustomerDeed>,
) -> Answer {
    let (hands, who) = (&demo.hands, body.who.as_str());
    let named = || body.post.clone().ok_or(Refused("which post?".into()));
    let how = How {
        direct: body.direct,
        again: false,
        warning: body.warning.clone().filter(|warning| !warning.trim().is_empty()),
        picture: body.media,
    };
    let post = match deed.as_str() {
        "post" => hands.post(who, &body.text, &how, body.reply_to.as_deref()).await?,
        "edit" => {
            let post = named()?;
            hands.edit_post(who, &post, &body.text).await?;
            post
        }
        "delete" => {
            let post = named()?;
            hands.delete_post(who, &post).await?;
            post
        }
        _ => return Err(Refused(format!("customers cannot {deed}"))),
    };
    Ok(Json(json!({"post": post})))
}

/// What a member of staff does.
#[derive(Deserialize)]
struct AgentDeed {
    who: String,
    #[serde(default)]
    text: String,
    thread: Option<String>,
    channel: Option<String>,
    message: Option<String>,
    #[serde(default)]
    value: String,
    callback: Option<String>,
    view: Option<String>,
}

impl AgentDeed {
    /// A message is named by its channel and timestamp, or by both in one word.
    fn at(&self) -> Result<At, Refused> {
        let message = self.message.clone().ok_or(Refused("which message?".into()))?;
        match (&self.channel, At::parse(&message)) {
            (_, Some(at)) => Ok(at),
            (Some(channel), None) => Ok(At { channel: channel.clone(), ts: message }),
            (None, None) => Err(Refused("in which channel?".into())),
        }
    }

    fn view(&self) -> Result<&str, Refused> {
        self.view.as_deref().ok_or(Refused("which form?".into()))
    }
}

async fn agent(
    State(demo): Shared,
    Path(deed): Path<String>,
    Json(body): Json<AgentDeed>,
) -> Answer {
    let (hands, who, text) = (&demo.hands, body.who.as_str(), body.text.as_str());
    match deed.as_str() {
        "say" => {
            let thread = body.thread.as_deref().and_then(At::parse);
            let thread = thread.ok_or(Refused("in which thread?".into()))?;
            let ts = hands.say(who, &thread, text).await?;
            return Ok(Json(json!({"message": format!("{}/{ts}", thread.channel)})));
        }
        "edit" => hands.edit(who, &body.at()?, text).await?,
        "delete" => hands.delete(who, &body.at()?).await?,
        "press" => hands.press(who, &body.at()?, &body.value)?,
        "home" => hands.home(who, &body.value)?,
        "slash" => {
            let channel = body.channel.as_deref().unwrap_or(demo.pair().office.talk());
            hands.slash(who, channel, text)?;
        }
        "type" => {
            let channel = body.channel.as_deref().unwrap_or(demo.pair().office.talk());
            let (command, option) = body.value.split_once(' ').unwrap_or((&body.value, "text"));
            let asked = hands.type_option(who, channel, command, (option, text))?;
            return Ok(Json(json!({"asked": asked})));
        }
        "shortcut" => {
            let callback = body.callback.as_deref().unwrap_or(super::cast::SHORTCUT);
            hands.shortcut(who, &body.at()?, callback)?;
        }
        "submit" => hands.submit(who, body.view()?, text)?,
        "dismiss" => hands.dismiss(who, body.view()?)?,
        _ => return Err(Refused(format!("agents cannot {deed}"))),
    }
    Ok(Json(json!({})))
}

/// How the desk ends its connections: with a goodbye and its reason, or `cut` without one.
#[derive(Deserialize)]
struct Goodbye {
    how: String,
}

async fn hang_up(State(demo): Shared, Json(body): Json<Goodbye>) -> Json<Value> {
    demo.hands.hang_up(&body.how);
    Json(json!({}))
}

/// Which network is looked at, and at which desk new cases begin.
#[derive(Deserialize)]
struct Choice {
    network: String,
    desk: String,
}

async fn choose(State(demo): Shared, Json(body): Json<Choice>) -> Answer {
    let pair = Pair { net: body.network.parse()?, office: body.desk.parse()? };
    demo.choose(pair).await?;
    Ok(Json(json!({})))
}

async fn fault(State(demo): Shared, Json(fault): Json<Fault>) -> Json<Value> {
    demo.shared.change(clock::now(), |world| world.faults.set(fault));
    demo.tell(|story| story.faults += 1);
    Json(json!({}))
}

async fn clear(State(demo): Shared) -> Json<Value> {
    demo.shared.change(clock::now(), |world| world.faults.clear(None));
    demo.tell(|story| story.faults = 0);
    Json(json!({}))
}

async fn restart(State(demo): Shared) -> Answer {
    demo.power_cut().await?;
    Ok(Json(json!({})))
}

async fn day(State(demo): Shared) -> Answer {
    demo.play_day()?;
    Ok(Json(json!({})))
}

async fn stop_day(State(demo): Shared) -> Json<Value> {
    demo.stop_day();
    Json(json!({}))
}

#[derive(Deserialize)]
struct Picture {
    u: String,
}

/// Pictures of the faces, so that the page needs nobody but us.
async fn picture(State(demo): Shared, Query(wanted): Query<Picture>) -> Response {
    let known = demo.faces.all().iter().any(|face| {
        let rest = wanted.u.strip_prefix(&face.to_string());
        rest.is_some_and(|rest| rest.starts_with('/'))
    });
    if !known {
        return StatusCode::NOT_FOUND.into_response();
    }
    let Ok(found) = demo.client.get(&wanted.u).send().await else {
        return StatusCode::BAD_GATEWAY.into_response();
    };
    let kind = found.headers().get(header::CONTENT_TYPE).cloned();
    let Some(kind) = kind.filter(|kind| kind.as_bytes().starts_with(b"image/")) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match crate::net::body(found, 10_000_000).await {
        Ok(bytes) => ([(header::CONTENT_TYPE, kind)], bytes).into_response(),
        Err(_) => StatusCode::BAD_GATEWAY.into_response(),
    }
}
