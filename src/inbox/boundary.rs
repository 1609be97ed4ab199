//! Places where a test lets the process die: the instants between two effects that a power cut may
//! choose. `tests/kill` finds them by their names and has a story for each; a release build holds
//! none of them.

/// The process ends here, by SIGKILL, if `CARELINE_BOUNDARY` is `NAME:N` and this is the N-th time
/// that the place of this name is reached. Other threads go on for the millisecond that it takes.
#[cfg(debug_assertions)]
pub fn here(name: &'static str) {
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU32, Ordering};
    static WANTED: OnceLock<Option<(String, u32)>> = OnceLock::new();
    static REACHED: AtomicU32 = AtomicU32::new(0);
    let wanted = WANTED.get_or_init(|| {
        let text = std::env::var("CARELINE_BOUNDARY").ok()?;
        let (name, times) = text.rsplit_once(':')?;
        Some((name.to_owned(), times.parse().ok()?))
    });
    let Some((_, times)) = wanted.as_ref().filter(|(wanted, _)| wanted == name) else { return };
    if REACHED.fetch_add(1, Ordering::SeqCst) + 1 == *times {
        die();
    }
}

/// Nothing: only builds for tests have boundaries.
#[cfg(not(debug_assertions))]
pub const fn here(_name: &'static str) {}

/// Without `unsafe` no process can kill itself; the system's `kill` can.
#[cfg(debug_assertions)]
fn die() {
    let me = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-9", &me]).status();
    loop {
        std::thread::park();
    }
}
