//! The only way in: one listener with limits; drivers and the engine bring routes.
//!
//! The limits stand before anything reads a byte of a request (`reliability.md` S11, S16): so many
//! connections, so much time for the headers, so large a body, so much time for an answer.

pub mod hooks;
pub mod seal;

use crate::case::limits::BODY_BYTES;
use crate::case::text;
use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::Response;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower_http::limit::RequestBodyLimitLayer;
use tower_http::timeout::TimeoutLayer;

/// How much a listener takes.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// Time for a request's headers to arrive; also the longest a connection may idle.
    pub headers: Duration,
    /// Time for the whole answer.
    pub answer: Duration,
    /// Bytes of one body.
    pub body: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 512,
            headers: Duration::from_secs(10),
            answer: Duration::from_secs(30),
            body: BODY_BYTES,
        }
    }
}

/// How long connections may go on after the stop, to finish what they are answering.
const GRACE: Duration = Duration::from_secs(5);
/// How long nothing is said again of bodies that are too large.
const QUIET: Duration = Duration::from_secs(60);
/// How long to wait after `accept` failed, which happens when the machine is out of handles.
const BREATH: Duration = Duration::from_millis(100);

/// Serves these routes until `stop` fires, then lets running answers finish for a few seconds.
pub async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    serve_with(listener, router, stop, Limits::default()).await;
}

/// [`serve`] with limits of one's own.
pub async fn serve_with(
    listener: TcpListener,
    router: Router,
    stop: CancellationToken,
    limits: Limits,
) {
    let router = router
        .layer(axum::extract::DefaultBodyLimit::disable())
        .layer(RequestBodyLimitLayer::new(limits.body))
        .layer(axum::middleware::from_fn(too_large))
        .layer(TimeoutLayer::with_status_code(StatusCode::SERVICE_UNAVAILABLE, limits.answer));
    let room = Arc::new(Semaphore::new(limits.connections));
    let tasks = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            () = stop.cancelled() => break,
            accepted = accept(&listener, &room) => accepted,
        };
        if let Some((stream, permit)) = accepted {
            let (router, stop) = (router.clone(), stop.clone());
            tasks.spawn(async move {
                connection(stream, router, stop, limits).await;
                drop(permit);
            });
        }
    }
    tasks.close();
    let _ = tokio::time::timeout(GRACE, tasks.wait()).await;
}

/// Says aloud that a body was too large: whoever sent a webhook sends it again for hours, and then
/// lets it go. In the log at most once a minute, since anybody can send large bodies.
async fn too_large(request: Request, next: Next) -> Response {
    static SAID: AtomicBool = AtomicBool::new(false);
    let path = request.uri().path().to_owned();
    let answer = next.run(request).await;
    if answer.status() == StatusCode::PAYLOAD_TOO_LARGE {
        metrics::counter!("careline_web_too_large").increment(1);
        if !SAID.swap(true, Ordering::Relaxed) {
            tokio::spawn(async {
                tokio::time::sleep(QUIET).await;
                SAID.store(false, Ordering::Relaxed);
            });
            tracing::error!(
                path = text::cut(&path, 60),
                "a call was refused because its body is larger than careline takes; if it was a \
                 webhook, what it told is found by the sweeps, or not at all"
            );
        }
    }
    answer
}

type Permit = tokio::sync::OwnedSemaphorePermit;

async fn accept(listener: &TcpListener, room: &Arc<Semaphore>) -> Option<(TcpStream, Permit)> {
    let permit = room.clone().acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, _)) => Some((stream, permit)),
        Err(_) => {
            tokio::time::sleep(BREATH).await;
            None
        }
    }
}

async fn connection(stream: TcpStream, router: Router, stop: CancellationToken, limits: Limits) {
    let _ = stream.set_nodelay(true);
    let service = TowerToHyperService::new(router);
    let served = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.headers)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    tokio::pin!(served);
    tokio::select! {
        _ = served.as_mut() => return,
        () = stop.cancelled() => served.as_mut().graceful_shutdown(),
    }
    let _ = served.await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::{get, post};
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    async fn start(limits: Limits) -> (std::net::SocketAddr, CancellationToken) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let router = Router::new()
            .route("/", get(|| async { "well" }))
            .route("/in", post(|body: axum::body::Bytes| async move { body.len().to_string() }));
        tokio::spawn(serve_with(listener, router, stop.clone(), limits));
        (at, stop)
    }

    async fn ask(at: std::net::SocketAddr, text: &str) -> String {
        let mut stream = TcpStream::connect(at).await.unwrap();
        stream.write_all(text.as_bytes()).await.unwrap();
        let mut all = String::new();
        let read = stream.read_to_string(&mut all);
        let _ = tokio::time::timeout(Duration::from_secs(10), read).await.unwrap();
        all
    }

    #[tokio::test]
    async fn answers_and_refuses_large_bodies() {
        let limits = Limits { body: 10, ..Limits::default() };
        let (at, _stop) = start(limits).await;
        let ok = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(ask(at, ok).await.ends_with("well"));
        let large =
            "POST /in HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 11\r\n\r\n";
        assert!(ask(at, large).await.starts_with("HTTP/1.1 413"));
    }

    #[tokio::test]
    async fn slow_headers_are_cut_and_do_not_hold_up_others() {
        let headers = Duration::from_millis(200);
        let (at, _stop) = start(Limits { headers, connections: 2, ..Limits::default() }).await;
        let mut slow = TcpStream::connect(at).await.unwrap();
        slow.write_all(b"GET / HT").await.unwrap();
        let ok = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
        assert!(ask(at, ok).await.ends_with("well"));
        let mut rest = Vec::new();
        let cut = tokio::time::timeout(Duration::from_secs(10), slow.read_to_end(&mut rest)).await;
        assert!(cut.is_ok(), "a connection that never sends its headers must be closed");
    }

    #[tokio::test]
    async fn stops_when_told() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stop = CancellationToken::new();
        let served = tokio::spawn(serve(listener, Router::new(), stop.clone()));
        stop.cancel();
        tokio::time::timeout(Duration::from_secs(10), served).await.unwrap().unwrap();
    }
}
