//! The port of `run`: health and metrics, and whatever routes drivers bring.

use super::Failure;
use std::net::SocketAddr;
use tokio::net::TcpListener;

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
}
