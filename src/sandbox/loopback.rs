//! An address on this machine, and nothing else: the demo cannot be reached from elsewhere, and its
//! drivers cannot reach anybody.

use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use tokio::net::TcpListener;

/// A port on 127.0.0.1. There is no way to put another address into one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loopback(u16);

impl Loopback {
    /// Opens a listener on this port, or on a free one for 0.
    ///
    /// # Errors
    /// The port is taken.
    pub async fn open(port: u16) -> io::Result<(Self, TcpListener)> {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port))).await?;
        let port = listener.local_addr()?.port();
        Ok((Self(port), listener))
    }

    /// Is this what a browser or client on this machine calls us by? Other names that lead here
    /// are how a page from elsewhere would try to speak to us (DNS rebinding).
    #[must_use]
    pub fn is_called(self, host: &str) -> bool {
        let Some((name, port)) = host.rsplit_once(':') else { return false };
        matches!(name, "127.0.0.1" | "localhost") && port.parse() == Ok(self.0)
    }

    /// Is this the origin of our own page?
    #[must_use]
    pub fn is_origin(self, origin: &str) -> bool {
        origin.strip_prefix("http://").is_some_and(|host| self.is_called(host))
    }
}

impl fmt::Display for Loopback {
    /// As an address of the web, without a slash at the end.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://127.0.0.1:{}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_ours() {
        let us = Loopback(4040);
        assert!(us.is_called("127.0.0.1:4040") && us.is_called("localhost:4040"));
        for other in ["127.0.0.1", "127.0.0.1:4041", "evil.example:4040", "", "[::1]:4040"] {
            assert!(!us.is_called(other), "{other}");
        }
        assert!(us.is_origin("http://127.0.0.1:4040"));
        assert!(!us.is_origin("https://127.0.0.1:4040") && !us.is_origin("null"));
    }
}
