//! Signatures: OAuth 1.0a for calls (RFC 5849, 3.4: HMAC-SHA1), and X's own for webhooks
//! (HMAC-SHA256 over the raw bytes, base64). Pure.

use crate::web::seal;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

/// RFC 5849, 3.6: letters, digits, `-`, `.`, `_` and `~` stay.
const KEPT: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The four keys of an OAuth 1.0a user.
pub(super) struct Keys {
    pub(super) consumer: SecretString,
    pub(super) consumer_secret: SecretString,
    pub(super) token: SecretString,
    pub(super) token_secret: SecretString,
}

/// One request to be signed. `query` are its parameters; bodies of JSON and files are not signed.
pub(super) struct Signed<'a> {
    pub(super) method: &'a str,
    /// Without its query.
    pub(super) url: &'a str,
    pub(super) query: &'a [(String, String)],
    /// Seconds since 1970.
    pub(super) stamp: i64,
    pub(super) nonce: &'a str,
}

fn coded(text: &str) -> String {
    utf8_percent_encode(text, &KEPT).to_string()
}

/// The value of the `Authorization` header; `None` never happens with keys that are texts.
pub(super) fn authorization(keys: &Keys, request: &Signed<'_>) -> Option<SecretString> {
    let stamp = request.stamp.to_string();
    let mut own = vec![
        ("oauth_consumer_key", keys.consumer.expose_secret()),
        ("oauth_nonce", request.nonce),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", stamp.as_str()),
        ("oauth_token", keys.token.expose_secret()),
        ("oauth_version", "1.0"),
    ];
    let signature = signature(keys, request, &own)?;
    own.push(("oauth_signature", &signature));
    let shown: Vec<String> =
        own.iter().map(|(key, value)| format!("{key}=\"{}\"", coded(value))).collect();
    Some(SecretString::from(format!("OAuth {}", shown.join(", "))))
}

fn signature(keys: &Keys, request: &Signed<'_>, own: &[(&str, &str)]) -> Option<String> {
    let own = own.iter().map(|(key, value)| (coded(key), coded(value)));
    let query = request.query.iter().map(|(key, value)| (coded(key), coded(value)));
    let mut all: Vec<(String, String)> = own.chain(query).collect();
    all.sort();
    let all: Vec<String> = all.into_iter().map(|(key, value)| format!("{key}={value}")).collect();
    let base = format!("{}&{}&{}", request.method, coded(request.url), coded(&all.join("&")));
    let (consumer, token) = (keys.consumer_secret.expose_secret(), &keys.token_secret);
    let key = SecretString::from(format!("{}&{}", coded(consumer), coded(token.expose_secret())));
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(key.expose_secret().as_bytes()).ok()?;
    mac.update(base.as_bytes());
    Some(STANDARD.encode(mac.finalize().into_bytes()))
}

/// `sha256=` and the code of these bytes: the answer to a challenge, and a webhook's signature.
/// Source: X's documentation, "Securing webhooks".
pub(super) fn seal(secret: &SecretString, bytes: &[u8]) -> Option<String> {
    Some(format!("sha256={}", STANDARD.encode(seal::code(secret, &[bytes])?)))
}

/// Is this the seal of exactly these bytes?
pub(super) fn is_sealed(secret: &SecretString, bytes: &[u8], seal_shown: &str) -> bool {
    seal(secret, bytes).is_some_and(|right| seal::same(&right, seal_shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_depends_on_all_that_is_signed() {
        let keys = |secret: &str| Keys {
            consumer: "key".into(),
            consumer_secret: secret.into(),
            token: "tok".into(),
            token_secret: "sec".into(),
        };
        let of = |secret: &str, query: &[(&str, &str)]| {
            let query: Vec<_> =
                query.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            let url = "https://api.x.com/2/users/me";
            let request = Signed { method: "GET", url, query: &query, stamp: 1, nonce: "n" };
            authorization(&keys(secret), &request).unwrap().expose_secret().to_owned()
        };
        assert_eq!(of("a", &[("b", "1"), ("a", "2")]), of("a", &[("a", "2"), ("b", "1")]));
        assert_ne!(of("a", &[("a", "1")]), of("a", &[("a", "2")]));
        assert_ne!(of("a", &[]), of("b", &[]));
    }

    #[test]
    fn only_the_seal_of_these_bytes_is_taken() {
        let secret = SecretString::from("secret");
        let right = seal(&secret, b"{}").unwrap();
        assert!(is_sealed(&secret, b"{}", &right));
        assert!(!is_sealed(&secret, b"{} ", &right));
        assert!(!is_sealed(&secret, b"{}", right.trim_start_matches("sha256=")));
        assert!(!is_sealed(&SecretString::from("other"), b"{}", &right));
    }
}
