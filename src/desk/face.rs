//! What the faces of all desks do alike: how a call goes wrong, and what people may do there.

use crate::world::World;
use crate::world::fault::Wrong;
use crate::world::office::{Channel, Message, Office};
use axum::body::{Body, Bytes};
use axum::response::{Html, IntoResponse, Response};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;

/// How a platform refuses without a reason: by a status and, with 429, a wait; and by saying that
/// the token is dead.
pub(super) struct Refusals {
    pub(super) status: fn(u16, Option<&str>) -> Response,
    pub(super) dead: fn() -> Response,
}

/// Lets a call go wrong as the fault plane wants.
pub(super) async fn faulty<F: Send + Sync + 'static>(
    wrong: Option<Wrong>,
    face: Arc<F>,
    refusals: &Refusals,
    work: impl FnOnce(&F) -> Response + Send + 'static,
) -> Response {
    match wrong {
        Some(Wrong::Status { status, retry_after }) => {
            (refusals.status)(status, retry_after.as_deref())
        }
        Some(Wrong::DoneThenStatus { status }) => {
            work(&face);
            (refusals.status)(status, None)
        }
        Some(Wrong::DoneThenSilence { millis }) => {
            let done = work(&face);
            tokio::time::sleep(Duration::from_millis(millis)).await;
            done
        }
        Some(Wrong::DoneThenCut) => {
            work(&face);
            cut()
        }
        Some(Wrong::Cut) => cut(),
        Some(Wrong::DoneThenHtml) => {
            work(&face);
            Html("<html><body>Something went wrong</body></html>").into_response()
        }
        Some(Wrong::Late { millis }) => late(millis, face, work).await,
        Some(Wrong::DeadToken) => (refusals.dead)(),
        Some(Wrong::Repeat | Wrong::Reorder | Wrong::Silence | Wrong::Words { .. }) | None => {
            work(&face)
        }
    }
}

/// Nothing for so long, and then it is done, even if the caller has gone away by then.
async fn late<F: Send + Sync + 'static>(
    millis: u64,
    face: Arc<F>,
    work: impl FnOnce(&F) -> Response + Send + 'static,
) -> Response {
    let done = tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(millis)).await;
        work(&face)
    });
    done.await.unwrap_or_else(|_| cut())
}

/// An answer that breaks off: the connection is closed before the promised bytes came.
fn cut() -> Response {
    let broken = futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::from(std::io::ErrorKind::ConnectionReset))
    });
    let headers = [("content-length", "1000"), ("content-type", "application/json")];
    (headers, Body::from_stream(broken)).into_response()
}

/// The message, if this member sees it.
pub(super) fn seen(office: &Office, user: &str, place: (&str, i64)) -> Result<Message, String> {
    let message = office.message(place.0, place.1).ok_or("there is no such message")?;
    let inside = office.channels.get(place.0).is_some_and(|c| c.members.contains(user));
    let his = message.only_for.as_deref().is_none_or(|only| only == user);
    if inside && his { Ok(message.clone()) } else { Err("this member does not see it".into()) }
}

/// The channel, if this member is in it.
pub(super) fn inside<'o>(
    office: &'o Office,
    user: &str,
    channel: &str,
) -> Result<&'o Channel, String> {
    let place = office.channels.get(channel).ok_or("there is no such channel")?;
    if place.members.contains(user) { Ok(place) } else { Err("he is not in that channel".into()) }
}

/// The form that this member sees, as the app gave it.
pub(super) fn open_form(office: &Office, user: &str, form: &str) -> Result<Value, String> {
    let open = office.forms.get(form).filter(|form| form.member == user && !form.closed);
    Ok(open.ok_or("he sees no such form")?.view.clone())
}

/// Ends all connections by which a desk tells its apps what happens. Each face says how it can.
pub fn hang_up(world: &mut World, desk: &str, how: &str) {
    let n = world.mint();
    world.office(desk).notes.insert("hang_up".into(), json!({"n": n, "how": how}));
}
