//! Something came that nobody can read: kept raw, and shown to the team.

use crate::case::draft::{Draft, note};
use crate::case::effect::{Act, Delivery, Note, Notice, State, Tone};
use crate::case::id::{Bucket, ChannelId, DeliveryId, EnvelopeId, Lane};
use crate::case::limits;
use crate::case::record::{Decision, Key, Record};
use crate::case::rich::{Rich, Theirs};
use crate::case::text::fit;

pub fn decide(
    mut draft: Draft<'_>,
    id: &EnvelopeId,
    source: &str,
    why: &str,
    raw: &Theirs,
) -> Decision {
    let at = draft.at;
    // Whatever it is, it must fit: what cannot even be set aside would stop the engine. Parsers
    // repeat in their complaint what they were given, so `why` may be theirs as well.
    let (source, why) = (fit(source, limits::NAME_BYTES), fit(why, limits::NAME_BYTES));
    let kept = Theirs::new(fit(raw.raw(), limits::RAW_BYTES));
    let record = Record::Quarantine { source: source.clone(), why: why.clone(), raw: kept, at };
    draft.write(Key::Quarantine(id.clone()), record);
    let words = Rich::of(format!("Something from {source} could not be read: {why}. It is kept."))
        .quote(&Theirs::new(fit(raw.raw(), 600)));
    // Several may be decided in one instant.
    let id = DeliveryId::unreadable(at, draft.spare);
    tell_team(&mut draft, id.as_str(), words);
    draft.done("quarantined")
}

/// Something of ours does not work: the team hears of it where it reads, not only in a log.
pub fn trouble(mut draft: Draft<'_>, source: &str, why: &str) -> Decision {
    let (source, why) = (fit(source, limits::NAME_BYTES), fit(why, limits::NAME_BYTES));
    let why = why.trim_end_matches('.');
    let words = Rich::new().strong(source).say(" needs the operator: ").theirs(&Theirs::new(why));
    let words = words.say(". Until then nothing of it is read or sent; what waits is kept.");
    let id = format!("f{}.{}", draft.at.0, draft.spare.0);
    tell_team(&mut draft, &id, words);
    draft.done("trouble")
}

/// It works again, and what was written meanwhile is being read.
pub fn restored(mut draft: Draft<'_>, source: &str) -> Decision {
    let words = Rich::new().strong(fit(source, limits::NAME_BYTES));
    let words = words.say(" is connected again. What came meanwhile is read, what waited is sent.");
    let id = format!("r{}.{}", draft.at.0, draft.spare.0);
    tell_team(&mut draft, &id, words);
    draft.done("restored")
}

/// A notice to the channel for notices about careline itself, if there is one.
pub fn tell_team(draft: &mut Draft<'_>, id: &str, words: Rich) {
    let channel = draft.policy.ops.clone().or_else(|| draft.policy.routes.values().next().cloned());
    if let Some(channel) = channel {
        tell(draft, id, channel, words);
    }
}

/// A notice that belongs to no case.
pub fn tell(draft: &mut Draft<'_>, id: &str, channel: ChannelId, words: Rich) {
    tell_with(draft, id, channel, note(Tone::Warning, words, Vec::new()));
}

/// The same, as a whole note.
pub fn tell_with(draft: &mut Draft<'_>, id: &str, channel: ChannelId, note: Note) {
    let at = draft.at;
    draft.put_delivery(Delivery {
        id: DeliveryId::new(id),
        case: None,
        line: None,
        lane: Lane::new(format!("o{}:{}", channel.desk, channel.channel)),
        bucket: Bucket::new(format!("{}:{}", channel.desk, channel.channel)),
        urgent: false,
        order: (at, 0),
        ready: at,
        act: Act::Desk(Notice::Tell { channel, note: Box::new(note) }),
        state: State::Waiting { tried: 0 },
    });
}
