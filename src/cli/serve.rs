//! The listener of `run`: health and metrics, and whatever routes drivers bring.

use super::Failure;
use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;

/// Says how things are: `Ok` while all is well, else what is not, a line each.
pub(super) type Health = Arc<dyn Fn() -> Result<String, String> + Send + Sync>;

/// Takes the port, or says in a sentence why not.
pub(super) async fn bind(at: SocketAddr) -> Result<TcpListener, Failure> {
    TcpListener::bind(at).await.map_err(|e| {
        let advice = "choose another one with [web] listen in careline.toml";
        Failure::Failed(match e.kind() {
            std::io::ErrorKind::AddrInUse => {
                format!("port {} is taken by another program; {advice}", at.port())
            }
            std::io::ErrorKind::PermissionDenied => {
                format!("port {} needs rights that careline does not have; {advice}", at.port())
            }
            _ => format!("cannot listen on {at}: {e}; {advice}"),
        })
    })
}

/// Starts counting; the handle shows the counts.
pub(super) fn counting() -> Result<PrometheusHandle, Failure> {
    let recorder = PrometheusBuilder::new().build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder)
        .map_err(|e| Failure::Failed(format!("cannot start the metrics: {e}")))?;
    Ok(handle)
}

/// `/healthz` and `/metrics`.
pub(super) fn routes(health: Health, counts: PrometheusHandle) -> Router {
    let healthz = move || {
        let health = health.clone();
        async move {
            match health() {
                Ok(well) => (StatusCode::OK, well),
                Err(ill) => (StatusCode::SERVICE_UNAVAILABLE, ill),
            }
        }
    };
    let shown = move || {
        let counts = counts.clone();
        async move {
            // Without this, samples of histograms wait in memory for the next reading.
            counts.run_upkeep();
            ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], counts.render())
        }
    };
    Router::new().route("/healthz", get(healthz)).route("/metrics", get(shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_taken_port_is_said_in_a_sentence() {
        let first = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = first.local_addr().unwrap();
        let wrong = bind(at).await.unwrap_err().to_string();
        assert!(wrong.starts_with(&format!("port {} is taken", at.port())), "{wrong}");
        assert!(wrong.contains("[web] listen"), "{wrong}");
    }

    async fn status(health: Result<String, String>) -> (u16, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let at = listener.local_addr().unwrap();
        let counts = PrometheusBuilder::new().build_recorder().handle();
        let routes = routes(Arc::new(move || health.clone()), counts);
        let stop = tokio_util::sync::CancellationToken::new();
        tokio::spawn(crate::web::serve(listener, routes, stop));
        let net = crate::net::Net::new(true);
        let answer = net.client().get(format!("http://{at}/healthz")).send().await.unwrap();
        (answer.status().as_u16(), answer.text().await.unwrap())
    }

    #[tokio::test]
    async fn health_means_it() {
        assert_eq!(status(Ok("all feeds are read".into())).await.0, 200);
        let ill = status(Err("acme: nothing read for 3 min".into())).await;
        assert_eq!(ill, (503, "acme: nothing read for 3 min".to_owned()));
    }
}
