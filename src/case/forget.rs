//! The mark that stays of somebody who was erased: enough to know him again, not enough to name
//! him.

use super::id::ContactId;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// A keyed hash of a contact. Only who has the store's salt can tell whom it means.
///
/// # Panics
/// Never: HMAC takes keys of any length.
#[must_use]
pub fn tombstone(salt: &str, contact: &ContactId) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(salt.as_bytes()).expect("any length is taken");
    for part in [contact.account.as_str(), &contact.remote] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part.as_bytes());
    }
    hex::encode(mac.finalize().into_bytes())
}
