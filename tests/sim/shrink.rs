//! The smallest story that still fails: acts and deaths are left out as long as something stays
//! wrong.

use super::life::{Day, START};
use std::fmt::Write;

/// Days played at most while a story is made smaller.
const TRIES: usize = 160;

/// A failing day made small, as lines for people.
pub fn shrunk(seed: u64) -> String {
    let (acts, mut lives) = Day::new(seed).size();
    let mut keep: Vec<usize> = (0..acts).collect();
    let mut tries = 0;
    let mut fails = |keep: &[usize], lives: u64| {
        tries += 1;
        tries <= TRIES && !Day::smaller(seed, keep, lives).run().is_empty()
    };
    if fails(&keep, 0) {
        lives = 0;
    }
    let mut piece = keep.len().div_ceil(2).max(1);
    loop {
        let mut from = 0;
        while from < keep.len() {
            let to = (from + piece).min(keep.len());
            let rest: Vec<usize> = [&keep[..from], &keep[to..]].concat();
            if fails(&rest, lives) {
                keep = rest;
            } else {
                from = to;
            }
        }
        if piece == 1 {
            break;
        }
        piece = piece.div_ceil(2);
    }
    tell(seed, &keep, lives, acts)
}

fn tell(seed: u64, keep: &[usize], lives: u64, acts: usize) -> String {
    let mut day = Day::smaller(seed, keep, lives);
    let wrong = day.run();
    let mut text = format!("day {seed}, {} of {acts} acts:\n", keep.len());
    for (at, line) in day.sky.story() {
        let ms = at.since(START).0 / 1000;
        let _ = writeln!(text, "  {:3}.{:03} s  {line}", ms / 1000, ms % 1000);
    }
    wrong.iter().fold(text, |text, sentence| text + "  -> " + sentence + "\n")
}
