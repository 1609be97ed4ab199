//! The linear model: logistic regression, solved one example at a time.
//!
//! Each example has a dual variable (Yu, Huang and Lin 2011), so that showing it again moves the
//! weights towards the one best answer and never past it. After each lesson a few earlier ones are
//! shown again, by chance: so learning one act at a time loses nothing against learning all at
//! once. The weights are kept several times ("folds"), each without a part of the examples, and the
//! mean is used. What a fold says of an example that it never saw is what calibration learns from.

use super::feature::{COUNTED, Feature, HASHED, PRIOR, WEIGHTS};
use super::shuffle::Chance;

/// How many times the weights are kept.
pub const FOLDS: usize = 6;
/// Examples that are kept; the oldest makes room, and what it taught stays.
pub const KEPT: usize = 8192;
/// Earlier examples that are shown again after each lesson.
const AGAIN: usize = 40;
/// The most that one example can pull. A weak bound, since texts are short and many.
const PULL: f32 = 3.0;

/// See the module.
#[derive(Clone, Debug)]
pub struct Learner {
    folds: Vec<Vec<f32>>,
    mean: Vec<f32>,
    kept: Vec<Example>,
    seen: usize,
    chance: Chance,
}

#[derive(Clone, Debug)]
struct Example {
    features: Vec<Feature>,
    yes: bool,
    /// The square of its length.
    square: f32,
    /// How hard it pulls in each fold.
    pull: [f32; FOLDS],
}

impl Learner {
    /// Knows what the lexicon knows.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut start = vec![0.0; WEIGHTS];
        start[HASHED..HASHED + COUNTED].copy_from_slice(&PRIOR);
        Self {
            folds: vec![start.clone(); FOLDS],
            mean: start,
            kept: Vec::new(),
            seen: 0,
            chance: Chance::new(seed),
        }
    }

    /// Examples so far.
    #[must_use]
    pub const fn seen(&self) -> usize {
        self.seen
    }

    /// What it says of a text: above 0 is yes. Not calibrated.
    #[must_use]
    pub fn says(&self, features: &[Feature]) -> f32 {
        sum(&self.mean, features)
    }

    /// The weight in one place.
    #[must_use]
    pub fn weight(&self, place: u32) -> f32 {
        self.mean.get(place as usize).copied().unwrap_or_default()
    }

    /// Learns one example.
    pub fn learn(&mut self, features: Vec<Feature>, yes: bool) {
        let square = features.iter().map(|(_, share)| share * share).sum();
        let example = Example { features, yes, square, pull: [0.0; FOLDS] };
        let at = self.seen % KEPT;
        self.seen += 1;
        match self.kept.get_mut(at) {
            Some(oldest) => *oldest = example,
            None => self.kept.push(example),
        }
        self.show(at);
        for _ in 0..AGAIN.min(self.kept.len() * 3) {
            let earlier = self.chance.below(self.kept.len());
            self.show(earlier);
        }
    }

    /// What folds say of kept examples that they never saw.
    pub fn unseen(&self) -> impl Iterator<Item = (f32, bool)> {
        let says = |(at, example): (usize, &Example)| {
            (sum(&self.folds[at % FOLDS], &example.features), example.yes)
        };
        self.kept.iter().enumerate().map(says)
    }

    /// Moves the weights of all folds but the example's own to where the example wants them.
    fn show(&mut self, at: usize) {
        let Some(example) = self.kept.get_mut(at) else { return };
        let side = if example.yes { 1.0 } else { -1.0 };
        let others = self.folds.iter_mut().enumerate().filter(|(n, _)| *n != at % FOLDS);
        for (n, weights) in others {
            let margin = side * sum(weights, &example.features);
            let pull = solve(margin, example.pull[n], example.square);
            let change = (pull - example.pull[n]) * side;
            example.pull[n] = pull;
            for (place, share) in &example.features {
                weights[*place as usize] += change * share;
                self.mean[*place as usize] += change * share / FOLDS as f32;
            }
        }
    }
}

fn sum(weights: &[f32], features: &[Feature]) -> f32 {
    features.iter().map(|(place, share)| weights[*place as usize] * share).sum()
}

/// The pull at which an example is content: Newton's method on one variable, which is monotone.
fn solve(margin: f32, old: f32, square: f32) -> f32 {
    let mut pull = old;
    for _ in 0..8 {
        let doubt = sigmoid(-(margin + (pull - old) * square));
        let slope = (PULL * square * doubt).mul_add(1.0 - doubt, 1.0);
        let change = (pull - PULL * doubt) / slope;
        pull -= change;
        if change.abs() < 1e-5 * PULL {
            break;
        }
    }
    pull.clamp(0.0, PULL)
}

/// The logistic function.
#[must_use]
pub fn sigmoid(x: f32) -> f32 {
    1.0 / (1.0 + (-x).exp())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::score::feature::features;

    fn lesson(learner: &mut Learner, text: &str, yes: bool) {
        learner.learn(features(text).compact(), yes);
    }

    #[test]
    fn what_was_said_often_is_known() {
        let mut learner = Learner::new(1);
        for n in 0..20 {
            lesson(&mut learner, &format!("the lift of house {n} hums"), true);
            lesson(&mut learner, &format!("the garden of house {n} grows"), false);
        }
        let says = |text| learner.says(&features(text).all);
        assert!(says("our lift hums") > says("our garden grows") + 1.0);
    }

    #[test]
    fn the_mean_is_the_mean_of_the_folds() {
        let mut learner = Learner::new(7);
        for n in 0..30 {
            lesson(&mut learner, &format!("parcel {n} is {}", ["here", "lost"][n % 2]), n % 2 == 1);
        }
        for place in 0..WEIGHTS {
            let mean = learner.folds.iter().map(|fold| fold[place]).sum::<f32>() / FOLDS as f32;
            assert!((mean - learner.mean[place]).abs() < 1e-3, "{place}");
        }
    }

    #[test]
    fn no_example_pulls_harder_than_it_may() {
        for margin in [-1e9, -3.0, 0.0, 3.0, 1e9] {
            for old in [0.0, 1.5, PULL] {
                let pull = solve(margin, old, 2.5);
                assert!((0.0..=PULL).contains(&pull), "{margin} {old}: {pull}");
            }
        }
    }
}
