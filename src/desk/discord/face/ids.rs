//! Discord's snowflakes from the world's instants, and back.
//! Source: <https://docs.discord.com/developers/reference#snowflakes>.

use crate::case::time::Timestamp;

/// The first second of 2015, in milliseconds.
const EPOCH: i64 = 1_420_070_400_000;

/// The world's id as a snowflake: milliseconds in the upper bits, the rest below.
#[must_use]
pub fn stamp(id: i64) -> String {
    let millis = (id.div_euclid(1000) - EPOCH).max(0);
    ((millis << 22) | (id.rem_euclid(1000) << 12)).to_string()
}

/// The world's id of a snowflake.
#[must_use]
pub fn unstamp(id: &str) -> Option<i64> {
    let id: i64 = id.parse().ok()?;
    let rest = ((id >> 12) & 0x3ff).min(999);
    ((id >> 22) + EPOCH).checked_mul(1000)?.checked_add(rest)
}

/// An instant as Discord writes it: ISO 8601 with an offset.
pub(super) fn written(at: i64) -> String {
    Timestamp(at).to_string().trim_end_matches('Z').to_owned() + "+00:00"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_go_there_and_back_in_order() {
        let ids = [1_790_000_000_000_001, 1_790_000_000_000_999, 1_790_000_000_001_000];
        let stamps: Vec<u64> = ids.iter().map(|id| stamp(*id).parse().unwrap()).collect();
        assert!(stamps.is_sorted());
        for (id, stamp) in ids.iter().zip(&stamps) {
            assert_eq!(unstamp(&stamp.to_string()), Some(*id));
        }
        assert_eq!(unstamp("x"), None);
    }
}
