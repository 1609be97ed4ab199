//! A message of our own was seen at a desk. It may be the lost answer to an attempt; or the sign
//! that this store is older than what the desk shows, or that another installation writes there.

use super::unreadable::tell_team;
use crate::case::draft::Draft;
use crate::case::effect::{Receipt, State};
use crate::case::id::{DeliveryId, Deployment, MessageId};
use crate::case::record::{Decision, Key, Record, Switch};
use crate::case::rich::Rich;
use crate::case::time::Timestamp;

pub fn decide(
    draft: Draft<'_>,
    message: &MessageId,
    deployment: &Deployment,
    id: &DeliveryId,
    at: Timestamp,
) -> Decision {
    let Some(Record::Identity(identity)) = draft.get(&Key::Identity) else {
        return draft.done("no_identity");
    };
    if identity.deployment != *deployment {
        let why = format!("another installation of careline ({deployment}) writes to this desk");
        return stop(draft, at, why);
    }
    match draft.delivery(id).map(|delivery| delivery.state.clone()) {
        None | Some(State::Waiting { tried: 0 }) => {
            let why = "the desk shows messages of ours that this store does not know: it is older \
                       than the desk, such as a restored backup";
            stop(draft, at, why.to_owned())
        }
        Some(State::Attempted { .. }) => {
            let receipt = Receipt { remote: message.message.clone(), url: None, at };
            super::delivered::decide(draft, id, &receipt)
        }
        Some(_) => draft.done("ours"),
    }
}

/// What was written before somebody said `resume` was seen by him: it stops nothing again.
fn accepted(draft: &Draft<'_>, at: Timestamp) -> bool {
    match draft.get(&Key::Switch) {
        Some(Record::Switch(Switch { stopped: None, since })) => at <= *since,
        _ => false,
    }
}

fn stop(mut draft: Draft<'_>, seen: Timestamp, why: String) -> Decision {
    if accepted(&draft, seen) {
        return draft.done("accepted");
    }
    if let Some(Record::Switch(Switch { stopped: Some(_), .. })) = draft.get(&Key::Switch) {
        return draft.done("stopped_already");
    }
    let at = draft.at;
    let words = Rich::of(format!(
        "Nothing is sent to customers any more: {why}. If that is as it should be, say `resume`."
    ));
    tell_team(&mut draft, &format!("s{}", at.0), words);
    draft.write(Key::Switch, Record::Switch(Switch { stopped: Some(why), since: at }));
    draft.done("stopped")
}
