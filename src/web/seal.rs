//! Seals of webhooks: HMAC-SHA256 over the raw bytes, compared without telling by time how much of
//! it was right. Each platform writes the code in its own way (hex, base64) and header.

use axum::http::HeaderMap;
use hmac::{Hmac, KeyInit, Mac};
use secrecy::{ExposeSecret, SecretString};
use subtle::ConstantTimeEq;

/// The code of these bytes, one piece behind the other; `None` never happens with a key of text.
#[must_use]
pub fn code(secret: &SecretString, pieces: &[&[u8]]) -> Option<Vec<u8>> {
    let key = secret.expose_secret().as_bytes();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(key).ok()?;
    pieces.iter().for_each(|piece| mac.update(piece));
    Some(mac.finalize().into_bytes().to_vec())
}

/// Are two seals the same? Takes as long for any two of one length.
#[must_use]
pub fn same(right: &str, shown: &str) -> bool {
    bool::from(right.as_bytes().ct_eq(shown.as_bytes()))
}

/// The one header of this name; `None` if there are several, of which nobody knows which is meant.
#[must_use]
pub fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}
