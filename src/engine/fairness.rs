//! Loud and quiet customers side by side: who is answered, and after how long, by how many follow
//! them. Groups are told, never people, and nothing here is read by a decision.

use crate::case::command::not;
use crate::case::model::{Body, Case, ReplyState, Status};
use crate::case::record::{Found, Key, Reach, Record};
use crate::case::time::{Span, Timestamp};
use crate::store::{Store, StoreError, walk};

/// Groups of customers, as equal in size as equal numbers of followers allow.
const GROUPS: usize = 10;
/// Lines of a case that are looked at for its first answer.
const LINES: u32 = 50;

/// One case, as far as the comparison needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Served {
    /// Followers of its customer, where the network told.
    reach: Option<u64>,
    answered: bool,
    /// From his first words to the first answer, or until now if he still waits.
    wait: Option<Span>,
}

/// Customers of a like number of followers, and how they were served.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Group {
    /// The fewest and the most followers in it; `None` where the network tells of none.
    pub reach: Option<(u64, u64)>,
    /// Cases.
    pub cases: usize,
    /// How many of them have an answer, in percent.
    pub answered: usize,
    /// Half waited no longer for the first answer; whoever still waits, until now.
    pub median: Option<Span>,
    /// Nine of ten waited no longer.
    pub p90: Option<Span>,
}

/// Groups of the cases that were opened since `from`, the quietest customers first, and last those
/// of whom no number is known. Cases whose customer never wrote to us, and those that were not
/// ours, are left out.
///
/// # Errors
/// The store cannot be read.
pub async fn groups(
    store: &dyn Store,
    from: Timestamp,
    now: Timestamp,
) -> Result<Vec<Group>, StoreError> {
    let mut all = Vec::new();
    for case in walk::cases(store, |case| counts(case, from)).await? {
        all.push(served(&case, &store.read(&needs(&case)).await?, now));
    }
    Ok(grouped(all))
}

fn counts(case: &Case, from: Timestamp) -> bool {
    case.opened >= from && !case.unasked && !case.tags.iter().any(|tag| tag == not::TAG)
}

fn needs(case: &Case) -> Reach {
    let lines = (0..case.lines.min(LINES)).map(|seq| Key::Line(case.no, seq));
    let contact = Key::Contact(case.contact.clone());
    Reach { keys: lines.chain([contact]).collect(), query: None }
}

fn served(case: &Case, found: &Found, now: Timestamp) -> Served {
    let lines = (0..case.lines.min(LINES)).filter_map(|seq| found.line(case.no, seq));
    let first = lines.clone().next().map_or(case.opened, |line| line.at.min(case.opened));
    let answer = lines.filter(|line| is_answer(&line.body)).map(|line| line.at).min();
    let waits = case.waits.filter(|_| case.status == Status::Open).map(|_| now);
    let answered = answer.is_some() || case.answered.is_some();
    // Who answered by hand, on the network itself, may have left no line: when, nobody knows.
    let end = if answered { answer } else { waits };
    let reach = match found.get(&Key::Contact(case.contact.clone())) {
        Some(Record::Contact(contact)) => contact.reach,
        _ => None,
    };
    Served { reach, answered, wait: end.map(|end| end.since(first)) }
}

const fn is_answer(body: &Body) -> bool {
    match body {
        Body::Reply(reply) => matches!(reply.state, ReplyState::Sent | ReplyState::Removed),
        Body::Own { .. } => true,
        Body::Mention { .. } | Body::Remark { .. } => false,
    }
}

/// Who has as many followers as somebody else is in the same group as he.
fn grouped(all: Vec<Served>) -> Vec<Group> {
    let (mut known, unknown): (Vec<_>, Vec<_>) = all.into_iter().partition(|s| s.reach.is_some());
    known.sort_by_key(|served| served.reach);
    let place = |served: &Served| {
        known.partition_point(|other| other.reach < served.reach) * GROUPS / known.len()
    };
    let groups = known.chunk_by(|a, b| place(a) == place(b));
    groups.chain([&unknown[..]]).filter_map(group).collect()
}

fn group(of: &[Served]) -> Option<Group> {
    let (first, last) = (of.first()?, of.last()?);
    let mut waits: Vec<Span> = of.iter().filter_map(|served| served.wait).collect();
    waits.sort_unstable();
    let answered = of.iter().filter(|served| served.answered).count();
    Some(Group {
        reach: first.reach.zip(last.reach),
        cases: of.len(),
        answered: answered * 100 / of.len(),
        median: share(&waits, 50),
        p90: share(&waits, 90),
    })
}

/// The smallest of these that so many percent do not exceed.
fn share(sorted: &[Span], percent: usize) -> Option<Span> {
    let rank = (sorted.len() * percent).div_ceil(100);
    sorted.get(rank.checked_sub(1)?).copied()
}

impl Group {
    /// Its followers in words: `12`, `0 to 12`, `not told`.
    #[must_use]
    pub fn followers(&self) -> String {
        match self.reach {
            None => "not told".into(),
            Some((from, to)) if from == to => from.to_string(),
            Some((from, to)) => format!("{from} to {to}"),
        }
    }
}

/// A time in words; `-` where there is none.
#[must_use]
pub fn said(wait: Option<Span>) -> String {
    wait.map_or_else(|| "-".into(), |wait| wait.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(reach: impl Into<Option<u64>>, minutes: i64) -> Served {
        Served { reach: reach.into(), answered: true, wait: Some(Span::minutes(minutes)) }
    }

    #[test]
    fn loud_and_quiet_stand_side_by_side() {
        let quiet = (0..10).map(|n| case(n, 60 + n.cast_signed()));
        let loud = (0..90).map(|n| case(1_000 + n, 5));
        let never = Served { reach: None, answered: false, wait: None };
        let groups = grouped(loud.chain(quiet).chain([never]).collect());
        assert_eq!(groups.len(), 11);
        assert_eq!(
            groups[0],
            Group {
                reach: Some((0, 9)),
                cases: 10,
                answered: 100,
                median: Some(Span::minutes(64)),
                p90: Some(Span::minutes(68)),
            }
        );
        assert!(groups[1..10].iter().all(|group| group.median == Some(Span::minutes(5))));
        let last = &groups[10];
        assert_eq!(
            (last.followers(), last.answered, said(last.median)),
            ("not told".into(), 0, "-".into())
        );
    }

    #[test]
    fn equal_numbers_are_never_told_apart() {
        let groups = grouped((0..25).map(|n| case(u64::from(n > 20), 1)).collect());
        let sizes: Vec<_> = groups.iter().map(|group| (group.followers(), group.cases)).collect();
        assert_eq!(sizes, [("0".to_owned(), 21), ("1".to_owned(), 4)]);
        assert!(grouped(Vec::new()).is_empty());
    }
}
