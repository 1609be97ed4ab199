//! careline
fn main() {}
