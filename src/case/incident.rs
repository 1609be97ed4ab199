//! Many cases with one cause: they are grouped under an incident, and what would call somebody for
//! one of them is counted instead. What is urgent still calls, and so does a person.
//!
//! A case belongs to the incident if its words hold one of the incident's: a customer with another
//! trouble must not vanish behind it.

use super::card::button;
use super::draft::{Draft, note};
use super::effect::{Act, Delivery, Face, Note, Notice, State, Style, Tone};
use super::id::{Bucket, ChannelId, DeliveryId, Lane};
use super::model::{Agent, Case, Status};
use super::record::{Key, Record};
use super::rich::{Rich, Theirs};
use super::time::Timestamp;
use serde::{Deserialize, Serialize};

/// The incident that goes on, or the last one. One record for the whole team.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number, from 1.
    pub no: u32,
    /// What is wrong, in the words of who opened it.
    pub words: Theirs,
    /// By whom.
    pub by: Agent,
    /// Since when.
    pub since: Timestamp,
    /// When it ended.
    pub over: Option<(Agent, Timestamp)>,
    /// What a person has written for all customers; until then no stock reply goes out.
    pub statement: Option<String>,
    /// Cases under it, as far as they were counted.
    pub cases: u32,
    /// Calls that were counted instead of sent.
    pub calls: u32,
    /// The channel of its message.
    pub channel: ChannelId,
    /// Its deliveries so far; part of the next one's id.
    pub sent: u32,
}

/// Words shorter than this, and these, are in anybody's post.
const SHORT: usize = 4;
const COMMON: [&str; 14] = [
    "down", "issue", "issues", "problem", "problems", "error", "errors", "broken", "with", "from",
    "does", "work", "since", "again",
];

impl Incident {
    /// Does it go on?
    #[must_use]
    pub const fn goes_on(&self) -> bool {
        self.over.is_none()
    }

    /// Words of which a case must hold one, small. If all are common ones, any of them.
    #[must_use]
    pub fn marks(&self) -> Vec<String> {
        let all = words(self.words.raw());
        let telling = |word: &&String| word.chars().count() >= SHORT && !COMMON.contains(&&***word);
        let marks: Vec<String> = all.iter().filter(telling).cloned().collect();
        if marks.is_empty() { all } else { marks }
    }

    /// Is it about this?
    #[must_use]
    pub fn is_in(&self, text: &str) -> bool {
        let marks = self.marks();
        words(text).iter().any(|word| marks.iter().any(|mark| word.starts_with(mark.as_str())))
    }

    /// What `find` finds its cases by.
    #[must_use]
    pub fn tag(&self) -> String {
        format!("incident-{}", self.no)
    }
}

fn words(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// The one that goes on, if it was read.
#[must_use]
pub fn open(draft: &Draft<'_>) -> Option<Incident> {
    last(draft).filter(Incident::goes_on)
}

/// The last one, whether it goes on or not.
#[must_use]
pub fn last(draft: &Draft<'_>) -> Option<Incident> {
    match draft.get(&Key::Incident) {
        Some(Record::Incident(incident)) => Some((**incident).clone()),
        _ => None,
    }
}

/// Puts a case under the incident that goes on, if these words of its customer are about it.
pub fn join(draft: &Draft<'_>, case: &mut Case, text: &str) {
    let Some(incident) = open(draft).filter(|incident| incident.is_in(text)) else { return };
    if case.incident != Some(incident.no) {
        case.incident = Some(incident.no);
        case.muted = 0;
        case.tags.push(incident.tag());
        case.tags.sort();
        case.tags.dedup();
    }
}

/// The incident that goes on and that this case stands under.
#[must_use]
pub fn of(draft: &Draft<'_>, case: &Case) -> Option<Incident> {
    open(draft).filter(|incident| case.incident == Some(incident.no))
}

/// Why no stock reply may go out now.
#[must_use]
pub fn refuses(draft: &Draft<'_>, case: &Case) -> Option<String> {
    of(draft, case).filter(|incident| incident.statement.is_none()).map(|_| {
        "This case belongs to an incident, and nobody has written a statement yet. Say \
         `incident says …` first; then `canned statement` puts it into the form."
            .to_owned()
    })
}

/// Posts its message, or changes it, and keeps it.
pub fn show(draft: &mut Draft<'_>, mut incident: Incident) {
    let id = |n| DeliveryId::new(format!("i{}.{n}", incident.no));
    let (n, face) = (incident.sent, message(&incident));
    let (channel, face) = (incident.channel.clone(), Box::new(face));
    let notice = match n {
        0 => Notice::Tell { channel: channel.clone(), note: face },
        _ => Notice::Amend { of: id(0), to: Box::new(Face::Note(face)) },
    };
    draft.put_delivery(Delivery {
        id: id(n),
        case: None,
        line: None,
        lane: Lane::of_incident(incident.no),
        bucket: Bucket::new(format!("{}:{}", channel.desk, channel.channel)),
        urgent: true,
        order: (draft.at, n),
        ready: draft.at,
        act: Act::Desk(notice),
        state: State::Waiting { tried: 0 },
    });
    incident.sent += 1;
    draft.write(Key::Incident, Record::Incident(Box::new(incident)));
}

fn message(incident: &Incident) -> Note {
    let words = Rich::of("🚧 ").strong(format!("Incident {}", incident.no)).say(": ");
    let words = words.theirs(&incident.words).say(". Since ").when(incident.since);
    let words = words.say(", says ").agent(&incident.by.name).say(format!(
        ". {} cases under it, {} calls counted instead of sent; find them with `find {}`.",
        incident.cases,
        incident.calls,
        incident.tag()
    ));
    let words = match &incident.statement {
        Some(text) => words.quote(&Theirs::new(text)),
        None => words.say(" No stock reply goes out until somebody says `incident says …`."),
    };
    match &incident.over {
        Some((by, at)) => {
            let words = words.line().say("✓ Over at ").when(*at).say(", says ").agent(&by.name);
            note(Tone::Status, words.say("."), Vec::new())
        }
        None => {
            let over = button("It is over", "incident over".into(), Style::Plain);
            note(Tone::Warning, words, vec![over])
        }
    }
}

/// Does a case count among those of the incident that goes on?
#[must_use]
pub fn counts(case: &Case, no: u32) -> bool {
    case.incident == Some(no) && case.status != Status::Closed
}
