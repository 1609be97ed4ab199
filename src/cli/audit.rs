//! Who did what, when, from where: the store's log, read page by page. It holds nobody's words.

use super::Failure;
use super::data::with;
use crate::case::record::LogEntry;
use std::io::{BufWriter, Write};
use std::path::Path;

/// Entries read at a time.
const PAGE: usize = 1_000;

/// Which entries are wanted.
pub(super) struct Only {
    pub(super) case: Option<u64>,
    pub(super) agent: Option<String>,
}

impl Only {
    fn wants(&self, entry: &LogEntry) -> bool {
        let case = self.case.is_none_or(|no| entry.case.is_some_and(|case| case.0 == no));
        let user = |by: &str| by.split_once(':').map_or(by, |(_, user)| user).to_owned();
        let agent = self.agent.as_ref();
        case && agent.is_none_or(|id| entry.by.as_deref().is_some_and(|by| user(by) == *id))
    }
}

/// Prints the wanted entries, oldest first.
pub(super) fn audit(dir: &Path, only: &Only, json: bool) -> Result<(), Failure> {
    with(dir, false, async |store| {
        let mut out = BufWriter::new(std::io::stdout());
        let mut after = 0;
        loop {
            let page = store.log(after, PAGE).await?;
            let Some(last) = page.last() else { break };
            after = last.seq;
            for entry in page.iter().filter(|entry| only.wants(entry)) {
                let line = if json {
                    serde_json::to_string(entry).unwrap_or_default()
                } else {
                    line(entry)
                };
                writeln!(out, "{line}").map_err(|e| Failure::Failed(e.to_string()))?;
            }
        }
        out.flush().map_err(|e| Failure::Failed(e.to_string()))
    })
}

/// `2026-11-25T14:00:00Z  #42  office:U012AB3CD  asked  claimed`
fn line(entry: &LogEntry) -> String {
    let case = entry.case.map_or("-".to_owned(), |case| case.to_string());
    let by = entry.by.as_deref().unwrap_or("-");
    format!("{}  {case}  {by}  {}  {}", entry.at, entry.event, entry.did)
}
