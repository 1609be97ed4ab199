//! Paths that several accounts share: a platform that knows one address for a whole app calls it
//! for each of them. Every account looks for itself whether a call is sealed with its secret and
//! what of it is its own.

use crate::case::limits::BODY_BYTES;
use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::any;
use hyper::service::Service;
use hyper_util::service::TowerToHyperService;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A path, and what answers there; its routes are the router's fallback.
pub type Hook = (String, Router);

/// One router for all of these. A call to a path of several is given to each of them; the answer is
/// the worst of those that concern it: "again" (503) before "taken" (200) before a refusal, so that
/// nothing that one of them could not keep counts as taken.
pub fn mount(hooks: impl IntoIterator<Item = Hook>) -> Router {
    let mut by_path = BTreeMap::<String, Vec<Router>>::new();
    for (path, router) in hooks {
        by_path.entry(path).or_default().push(router);
    }
    by_path.into_iter().fold(Router::new(), |all, (path, routers)| {
        all.route(&path, any(each).with_state(Arc::new(routers)))
    })
}

async fn each(State(routers): State<Arc<Vec<Router>>>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, BODY_BYTES).await else {
        return StatusCode::PAYLOAD_TOO_LARGE.into_response();
    };
    let mut worst: Option<Response> = None;
    for router in routers.iter() {
        let request = Request::from_parts(head.clone(), Body::from(Bytes::clone(&body)));
        let done = TowerToHyperService::new(router.clone()).call(request).await;
        let answer = done.unwrap_or_else(|never| match never {});
        if worst.as_ref().is_none_or(|old| weight(&answer) > weight(old)) {
            worst = Some(answer);
        }
    }
    worst.unwrap_or_else(|| StatusCode::NOT_FOUND.into_response())
}

fn weight(answer: &Response) -> u8 {
    match answer.status() {
        status if status.is_server_error() => 2,
        status if status.is_success() => 1,
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(status: StatusCode) -> Router {
        Router::new().fallback(move |body: Bytes| async move { (status, body) })
    }

    async fn ask(statuses: &[StatusCode]) -> StatusCode {
        let hooks = statuses.iter().map(|status| ("/in".to_owned(), says(*status)));
        let service = TowerToHyperService::new(mount(hooks));
        let request = Request::post("/in").body(Body::from("words")).unwrap();
        let answer: Response = service.call(request).await.unwrap();
        answer.status()
    }

    #[tokio::test]
    async fn what_one_could_not_keep_is_not_taken() {
        let (ok, no, again) =
            (StatusCode::OK, StatusCode::UNAUTHORIZED, StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(ask(&[ok]).await, ok);
        assert_eq!(ask(&[no, ok]).await, ok);
        assert_eq!(ask(&[ok, again, ok]).await, again);
        assert_eq!(ask(&[no, no]).await, no);
    }
}
