//! From what the model says to a number that means what it says: of all texts with 0.8, eight in
//! ten need a person (Platt 1999).

use super::learner::sigmoid;

/// How strongly the slope is held at 1, in examples. Few labels tell little about a slope.
const HOLD: f64 = 100.0;
/// The same for the height, which few labels do tell.
const HOLD_HEIGHT: f64 = 2.0;

/// See the module.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    slope: f32,
    height: f32,
    /// From here on the answer is yes: where precision and recall are in balance.
    pub threshold: f32,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { slope: 1.0, height: 0.0, threshold: 0.5 }
    }
}

impl Calibration {
    /// Learns from what was said of examples that were not seen, and what they were.
    #[must_use]
    pub fn of(said: &[(f32, bool)]) -> Self {
        if said.is_empty() {
            return Self::default();
        }
        let (mut slope, mut height) = (1.0, 0.0);
        for _ in 0..100 {
            let (by_slope, by_height) = newton(said, slope, height);
            // Far from the answer Newton's step overshoots without end; small ones arrive.
            let (by_slope, by_height) = (by_slope.clamp(-0.2, 0.2), by_height.clamp(-0.5, 0.5));
            (slope, height) = (slope - by_slope, height - by_height);
            if by_slope.abs() + by_height.abs() < 1e-7 {
                break;
            }
        }
        if !(slope.is_finite() && height.is_finite()) {
            return Self::default();
        }
        #[allow(clippy::cast_possible_truncation, reason = "single precision is what is stored")]
        let mut found = Self { slope: slope as f32, height: height as f32, threshold: 0.5 };
        found.threshold = balance(said.iter().map(|(said, _)| found.chance(*said)).collect());
        found
    }

    /// The probability.
    #[must_use]
    pub fn chance(&self, said: f32) -> f32 {
        sigmoid(self.slope.mul_add(said, self.height))
    }
}

/// One step of Newton's method.
fn newton(said: &[(f32, bool)], slope: f64, height: f64) -> (f64, f64) {
    let (mut g, mut h) = ([HOLD * (slope - 1.0), HOLD_HEIGHT * height], [HOLD, 0.0, HOLD_HEIGHT]);
    for (said, yes) in said {
        let said = f64::from(*said);
        let chance = 1.0 / (1.0 + (-slope.mul_add(said, height)).exp());
        let (wrong, doubt) = (chance - f64::from(u8::from(*yes)), chance * (1.0 - chance));
        g = [wrong.mul_add(said, g[0]), g[1] + wrong];
        h = [(doubt * said).mul_add(said, h[0]), doubt.mul_add(said, h[1]), h[2] + doubt];
    }
    let area = h[0].mul_add(h[2], -(h[1] * h[1]));
    (g[0].mul_add(h[2], -(g[1] * h[1])) / area, g[1].mul_add(h[0], -(g[0] * h[1])) / area)
}

/// The threshold with the best F1 that these chances let one expect.
#[allow(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn balance(mut chances: Vec<f32>) -> f32 {
    chances.sort_by(|a, b| b.total_cmp(a));
    let all: f64 = chances.iter().map(|chance| f64::from(*chance)).sum();
    let (mut found, mut best, mut threshold) = (0.0, 0.0, 0.5);
    for (at, chance) in chances.iter().enumerate() {
        found += f64::from(*chance);
        let f1 = 2.0 * found / (at as f64 + 1.0 + all);
        if f1 > best {
            (best, threshold) = (f1, *chance);
        }
    }
    threshold
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn overconfidence_is_taken_back() {
        // It says 4 (0.98) and is right in three of four.
        let said: Vec<_> = (0..2000)
            .map(|n| if n % 2 == 0 { (4.0, n % 8 != 0) } else { (-4.0, n % 8 == 1) })
            .collect();
        let found = Calibration::of(&said);
        assert!((found.chance(4.0) - 0.75).abs() < 0.05, "{}", found.chance(4.0));
        assert!((found.chance(-4.0) - 0.25).abs() < 0.05, "{}", found.chance(-4.0));
    }

    #[test]
    fn a_few_labels_of_one_kind_do_not_make_it_certain() {
        let found = Calibration::of(&[(0.5, true); 5]);
        assert!((0.5..0.97).contains(&found.chance(0.5)), "{found:?}");
        assert_eq!(Calibration::of(&[]), Calibration::default());
    }
}
