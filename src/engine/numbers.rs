//! Case numbers nobody has. One that was not used goes back and is the next to be given.

use crate::case::id::CaseNo;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Gives out case numbers.
pub(super) struct Numbers(Mutex<(u64, BTreeSet<u64>)>);

impl Numbers {
    /// Gives out numbers above this one.
    pub(super) fn above(last: CaseNo) -> Self {
        Self(Mutex::new((last.0, BTreeSet::new())))
    }

    /// A number nobody has.
    pub(super) fn take(&self) -> CaseNo {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let back = all.1.pop_first();
        CaseNo(back.unwrap_or_else(|| {
            all.0 += 1;
            all.0
        }))
    }

    /// This one was not used.
    pub(super) fn give_back(&self, no: CaseNo) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).1.insert(no.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unused_numbers_come_again() {
        let numbers = Numbers::above(CaseNo(41));
        let (a, b) = (numbers.take(), numbers.take());
        assert_eq!((a, b), (CaseNo(42), CaseNo(43)));
        numbers.give_back(a);
        assert_eq!(numbers.take(), CaseNo(42));
        assert_eq!(numbers.take(), CaseNo(44));
    }
}
