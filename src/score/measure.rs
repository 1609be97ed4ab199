//! How good a score is: on texts it did not learn from, with what they really were.

/// What was measured; all between 0 and 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// The area under the curve: how often a yes has a higher score than a no.
    pub auc: f64,
    /// The harmonic mean of precision and recall.
    pub f1: f64,
    /// How many of those it named were right.
    pub precision: f64,
    /// How many of the right ones it named.
    pub recall: f64,
    /// Expected calibration error: how far ten classes of scores are from what happened in them.
    pub ece: f64,
}

/// Measures scores from 0 to 1; a yes is what reaches the threshold.
#[must_use]
pub fn measure(scores: &[(f32, bool)], threshold: f32) -> Measured {
    let named = |(score, _): &&(f32, bool)| *score >= threshold;
    let right = |(_, yes): &&(f32, bool)| *yes;
    let hits = scores.iter().filter(named).filter(right).count();
    let precision = share(hits, scores.iter().filter(named).count());
    let recall = share(hits, scores.iter().filter(right).count());
    let both = precision + recall;
    let f1 = if both > 0.0 { 2.0 * precision * recall / both } else { 0.0 };
    Measured { auc: auc(scores), f1, precision, recall, ece: ece(scores) }
}

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(part: usize, of: usize) -> f64 {
    if of == 0 { 0.0 } else { part as f64 / of as f64 }
}

/// By ranks (Mann and Whitney); equal scores share their rank. One half if one side is empty.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn auc(scores: &[(f32, bool)]) -> f64 {
    let mut sorted = scores.to_vec();
    sorted.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut ranks, mut before) = (0.0, 0_usize);
    for same in sorted.chunk_by(|a, b| a.0 == b.0) {
        let rank = before as f64 + (same.len() as f64 + 1.0) / 2.0;
        ranks += rank * same.iter().filter(|(_, yes)| *yes).count() as f64;
        before += same.len();
    }
    let yes = sorted.iter().filter(|(_, yes)| *yes).count() as f64;
    let no = sorted.len() as f64 - yes;
    if yes == 0.0 || no == 0.0 { 0.5 } else { (ranks - yes * (yes + 1.0) / 2.0) / (yes * no) }
}

/// Classes of scores, of equal width.
const CLASSES: usize = 10;

#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn ece(scores: &[(f32, bool)]) -> f64 {
    let mut apart = [0.0; CLASSES];
    for (score, yes) in scores {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10")]
        let class = ((score * CLASSES as f32) as usize).min(CLASSES - 1);
        apart[class] += f64::from(*score) - f64::from(u8::from(*yes));
    }
    apart.iter().map(|apart: &f64| apart.abs()).sum::<f64>() / scores.len().max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_examples_by_hand() {
        let scores = [(0.9, true), (0.8, false), (0.7, true), (0.2, false)];
        let found = measure(&scores, 0.75);
        assert_eq!((found.auc, found.precision, found.recall, found.f1), (0.75, 0.5, 0.5, 0.5));
        // |0.9 - 1| and |0.8 - 0|, |0.7 - 1|, |0.2 - 0|, over four.
        assert!((found.ece - (0.1 + 0.8 + 0.3 + 0.2) / 4.0).abs() < 1e-6, "{}", found.ece);
    }

    #[test]
    fn equal_scores_decide_nothing() {
        assert_eq!(measure(&[(0.4, true), (0.4, false), (0.4, true)], 0.5).auc, 0.5);
        assert_eq!(measure(&[], 0.5).auc, 0.5);
        assert_eq!(measure(&[(0.4, true)], 0.5).f1, 0.0);
    }
}
