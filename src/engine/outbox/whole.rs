//! A message that carries several notices. Whoever changes one of them must write the message anew
//! as a whole: a desk's edit replaces everything that stood there.

use super::Inner;
use crate::case::effect::{Act, Delivery, Face, Notice, State};
use crate::case::id::DeliveryId;
use crate::case::model::Case;
use crate::case::record::Key;
use crate::store::StoreError;
use std::collections::BTreeMap;

impl Inner {
    /// All notices of the message that `of` posted, in its order, as they shall stand when this
    /// change is done. Empty if the message carries only `of`.
    pub(super) async fn whole(
        &self,
        case: &Case,
        of: &DeliveryId,
        remote: &str,
        change: &Delivery,
    ) -> Result<Vec<(DeliveryId, Notice)>, StoreError> {
        let keys = (0..case.sent).map(|n| Key::Delivery(DeliveryId::nth(case.no, n)));
        let found = self.rows(keys.collect()).await?;
        let all = (0..case.sent).filter_map(|n| found.delivery(&DeliveryId::nth(case.no, n)));
        let all: Vec<&Delivery> = all.collect();
        let mut notices = posted(&all, remote);
        if notices.len() < 2 {
            return Ok(Vec::new());
        }
        let mut faces: BTreeMap<&DeliveryId, &Face> = BTreeMap::new();
        for row in all {
            let done = matches!(row.state, State::Done(_));
            if let Act::Desk(Notice::Amend { of, to }) = &row.act
                && (done || row.id == change.id)
            {
                faces.insert(of, to);
            }
        }
        if let Act::Desk(Notice::Amend { to, .. }) = &change.act {
            faces.insert(of, to);
        }
        for (id, notice) in &mut notices {
            if let Some(Face::Note(note)) = faces.get(&*id) {
                *notice = Notice::Post(note.clone());
            }
        }
        Ok(notices)
    }
}

fn posted(all: &[&Delivery], remote: &str) -> Vec<(DeliveryId, Notice)> {
    let here = |row: &&&Delivery| {
        matches!(&row.state, State::Done(receipt) if receipt.remote == remote)
            && matches!(row.act, Act::Desk(Notice::Post(_)))
    };
    let notice = |row: &&Delivery| match &row.act {
        Act::Desk(notice) => Some((row.id.clone(), notice.clone())),
        Act::Network(_) => None,
    };
    all.iter().filter(here).filter_map(notice).collect()
}
