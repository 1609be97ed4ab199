//! The score of a mention, said in words. It adds a reason; alone it calls nobody.

use super::model::Case;
use super::rich::{Rich, Theirs};
use super::time::Span;
use serde::{Deserialize, Serialize};

/// What was read in a mention before it was decided. Who wrote and how many follow him is no part
/// of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Score {
    /// How likely it needs a person soon, in hundredths.
    pub percent: u8,
    /// The same before the team taught anything.
    pub untaught: u8,
    /// Acts of the team that it has learned from.
    pub lessons: u32,
    /// Words of the mention that speak most for a person, strongest first.
    pub words: Vec<Theirs>,
}

/// From here on a mention reads angry; below the other one it reads calm.
const ANGRY: u8 = 70;
const CALM: u8 = 30;
/// A change by the team's acts that is worth a word, in hundredths.
const TAUGHT: u8 = 5;
/// So many posts without an answer, within this time, are a reason.
const AGAIN: usize = 3;
const SOON: Span = Span::hours(1);

impl Score {
    /// The number and its reasons: `0.83 · reads angry · mentions refund, lawyer`.
    #[must_use]
    pub fn reasons(&self) -> Rich {
        let reads = match self.percent {
            ANGRY.. => "reads angry",
            CALM.. => "reads neither angry nor calm",
            _ => "reads calm",
        };
        let rich = Rich::of(format!("{} · {reads}", hundredths(self.percent)));
        let rich = match self.words.split_first() {
            Some((first, rest)) if self.percent >= CALM => {
                rest.iter().fold(rich.say(" · mentions ").theirs(first), |rich, word| {
                    rich.say(", ").theirs(word)
                })
            }
            _ => rich,
        };
        if self.percent.abs_diff(self.untaught) < TAUGHT {
            return rich;
        }
        let way = if self.percent < self.untaught { "lowered" } else { "raised" };
        let acts =
            if self.lessons == 1 { "1 act".into() } else { format!("{} acts", self.lessons) };
        rich.say(format!(" · {way} from {} by {acts} of the team", hundredths(self.untaught)))
    }

    /// What an alert that somebody else raised may add.
    #[must_use]
    pub fn reason(&self) -> Option<String> {
        (self.percent >= ANGRY).then(|| "reads angry".to_owned())
    }
}

/// What the card says of a case's newest mention, if anything was read in it.
#[must_use]
pub fn fact(case: &Case) -> Option<Rich> {
    let reasons = case.score.as_ref()?.reasons();
    let since = case.answered.unwrap_or(0);
    let waiting: Vec<_> = case.recent.iter().filter(|h| !h.withdrawn && h.line >= since).collect();
    let (Some(first), Some(last)) = (waiting.first(), waiting.last()) else { return Some(reasons) };
    let took = last.written.since(first.written);
    if waiting.len() < AGAIN || took > SOON {
        return Some(reasons);
    }
    Some(reasons.say(format!(" · message {} in {took}", waiting.len())))
}

fn hundredths(percent: u8) -> String {
    format!("{}.{:02}", percent / 100, percent % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(percent: u8, untaught: u8, lessons: u32) -> String {
        let words = vec![Theirs::new("refund"), Theirs::new("lawyer")];
        Score { percent, untaught, lessons, words }.reasons().plain(true)
    }

    #[test]
    fn a_score_says_why() {
        assert_eq!(said(83, 83, 0), "0.83 · reads angry · mentions refund, lawyer");
        let taught = "0.21 · reads calm · lowered from 0.83 by 1 act of the team";
        assert_eq!(said(21, 83, 1), taught);
        assert!(said(100, 40, 7).ends_with("raised from 0.40 by 7 acts of the team"));
    }

    #[test]
    fn only_an_angry_score_adds_to_an_alert() {
        let of = |percent| Score { percent, ..Score::default() }.reason();
        assert_eq!((of(69), of(70).as_deref()), (None, Some("reads angry")));
    }
}
