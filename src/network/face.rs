//! What the faces of all networks do alike: where they stand, how a call is read, and how a call
//! or a stream goes wrong.

use crate::world::clock::now;
use crate::world::fault::Wrong;
use crate::world::square::Square;
use crate::world::{Shared, World};
use axum::http::{HeaderMap, HeaderValue, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// What a face stands on: its square in the world, and a memory of what the world does not keep.
pub(super) struct Stage<M> {
    pub(super) world: Shared,
    pub(super) name: String,
    memory: Arc<Mutex<M>>,
}

impl<M> Clone for Stage<M> {
    fn clone(&self) -> Self {
        let Self { world, name, memory } = self;
        Self { world: world.clone(), name: name.clone(), memory: memory.clone() }
    }
}

impl<M: Default> Stage<M> {
    /// The face of this square, with an empty memory.
    pub(super) fn new(world: Shared, name: &str) -> Self {
        Self { world, name: name.to_owned(), memory: Arc::default() }
    }
}

impl<M> Stage<M> {
    pub(super) fn memory(&self) -> MutexGuard<'_, M> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the world, now.
    pub(super) fn act<T>(&self, what: impl FnOnce(&mut World) -> T) -> T {
        self.world.change(now(), what)
    }

    /// Looks at the square. Whoever also needs the memory locks it first.
    pub(super) fn see<T>(&self, what: impl FnOnce(&Square) -> T) -> T {
        what(self.world.look().square(&self.name))
    }

    /// What goes wrong with this call, counted.
    pub(super) fn wrong(&self, call: &str) -> Option<Wrong> {
        self.world.look().faults.of(&self.name, call)
    }

    /// Shall this stream break off now?
    pub(super) fn breaks_off(&self, stream: &str) -> bool {
        matches!(self.wrong(stream), Some(Wrong::Cut | Wrong::DeadToken))
    }
}

/// How a platform refuses where only a fault is the reason.
pub(super) trait Refuses {
    /// A failure of the server's own, with this status.
    fn broken(&self, status: u16) -> Response;

    /// The token that this call carries is dead.
    fn dead(&self, call: &str) -> Response;
}

impl<M> Stage<M>
where
    Self: Refuses,
{
    /// Answers a call, with what shall go wrong with it. What was begun is done even if the caller
    /// has gone away by then.
    pub(super) async fn serve(
        &self,
        call: &str,
        work: impl Future<Output = Response> + Send + 'static,
    ) -> Response {
        let wrong = self.wrong(call);
        if let Some(response) = self.before(call, wrong.as_ref()) {
            return response;
        }
        let late = match wrong {
            Some(Wrong::Late { millis }) => Some(Duration::from_millis(millis)),
            _ => None,
        };
        let done = tokio::spawn(async move {
            if let Some(late) = late {
                tokio::time::sleep(late).await;
            }
            work.await
        });
        match done.await {
            Ok(response) => self.after(wrong.as_ref(), response).await,
            Err(_) => cut(),
        }
    }

    /// The answer to a stream that is not even opened.
    pub(super) fn refused(&self, call: &str) -> Option<Response> {
        self.before(call, self.wrong(call).as_ref())
    }

    /// What goes wrong before anything is done.
    fn before(&self, call: &str, wrong: Option<&Wrong>) -> Option<Response> {
        match wrong? {
            Wrong::Status { status, retry_after } => {
                let mut response = self.broken(*status);
                let wait = retry_after.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
                wait.map(|wait| response.headers_mut().insert(header::RETRY_AFTER, wait));
                Some(response)
            }
            Wrong::Cut => Some(cut()),
            Wrong::DeadToken => Some(self.dead(call)),
            _ => None,
        }
    }

    /// What goes wrong after all is done.
    async fn after(&self, wrong: Option<&Wrong>, done: Response) -> Response {
        match wrong {
            Some(Wrong::DoneThenStatus { status }) => self.broken(*status),
            Some(Wrong::DoneThenSilence { millis }) => {
                tokio::time::sleep(Duration::from_millis(*millis)).await;
                cut()
            }
            Some(Wrong::DoneThenCut) => cut(),
            Some(Wrong::DoneThenHtml) => {
                Html("<html><body>We are back soon.</body></html>").into_response()
            }
            _ => done,
        }
    }
}

/// Ends the task that serves this connection without a word, as a broken line does. Unwinding
/// without a panic's message is the one way to do that from inside a handler.
fn cut() -> Response {
    std::panic::resume_unwind(Box::new("the connection is cut on purpose"))
}

/// What a stream tells of its news, with what shall go wrong with them.
pub(super) fn told<T: Clone>(wrong: Option<Wrong>, news: Vec<T>) -> Vec<T> {
    match wrong {
        Some(Wrong::Silence) => Vec::new(),
        Some(Wrong::Reorder) => news.into_iter().rev().collect(),
        Some(Wrong::Repeat) => news.into_iter().flat_map(|one| [one.clone(), one]).collect(),
        _ => news,
    }
}

/// The parameters behind a call's path.
pub(super) fn query(uri: &Uri) -> Vec<(String, String)> {
    url::form_urlencoded::parse(uri.query().unwrap_or_default().as_bytes()).into_owned().collect()
}

/// Where this server stands, as the caller called it.
pub(super) fn base(headers: &HeaderMap) -> String {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("localhost"))
}

/// Does the caller say that he sends JSON?
pub(super) fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    kind.is_some_and(|kind| kind.starts_with("application/json"))
}
