//! `report`: what the store can tell about the work, as tables for people.

use super::Failure;
use super::data::with;
use crate::case::alert::BUILT_IN;
use crate::case::time::Timestamp;
use crate::config;
use crate::engine::clock;
use crate::engine::fairness::{Group, groups, said};
use crate::store::{Store, StoreError};
use std::collections::BTreeMap;
use std::path::Path;

/// Entries of the log read at a time.
const PAGE: usize = 1_000;

/// How often something called somebody, and when last.
type Count = (u64, Option<Timestamp>);

/// Prints each rule with how often it called somebody; those that never did, too.
pub(super) fn rules(dir: &Path) -> Result<(), Failure> {
    let mut counts: BTreeMap<String, Count> = BTreeMap::new();
    let rules = config::rules(dir, config::environment);
    let names = rules.iter().map(|rule| rule.name.clone());
    counts.extend(names.chain(BUILT_IN.map(str::to_owned)).map(|name| (name, (0, None))));
    let counts = with(dir, false, async |store| Ok(count(store, counts).await?))?;
    print!("{}", table(&counts));
    Ok(())
}

/// Prints how customers were served, by how many follow them.
pub(super) fn fairness(dir: &Path) -> Result<(), Failure> {
    let now = clock::now();
    let groups =
        with(dir, false, async |store| Ok(groups(store, Timestamp::from_seconds(0), now).await?))?;
    print!("{}", side_by_side(&groups));
    Ok(())
}

fn side_by_side(groups: &[Group]) -> String {
    let width = groups.iter().map(|group| group.followers().len()).max().unwrap_or(0).max(9);
    let line = |group: &Group| {
        let (median, p90) = (said(group.median), said(group.p90));
        let (who, cases, answered) = (group.followers(), group.cases, group.answered);
        format!("{who:width$}  {cases:>6}  {answered:>6} %  {median:>10}  {p90:>10}\n")
    };
    let head = format!(
        "{:width$}  {:>6}  {:>8}  {:>10}  {:>10}\n",
        "followers", "cases", "answered", "median", "p90"
    );
    std::iter::once(head).chain(groups.iter().map(line)).collect()
}

async fn count(
    store: &dyn Store,
    mut counts: BTreeMap<String, Count>,
) -> Result<BTreeMap<String, Count>, StoreError> {
    let mut after = 0;
    loop {
        let page = store.log(after, PAGE).await?;
        let Some(last) = page.last() else { return Ok(counts) };
        after = last.seq;
        for entry in &page {
            for name in &entry.fired {
                let count = counts.entry(name.clone()).or_default();
                *count = (count.0 + 1, Some(entry.at));
            }
        }
    }
}

/// The most frequent first.
fn table(counts: &BTreeMap<String, Count>) -> String {
    let mut rows: Vec<_> = counts.iter().collect();
    rows.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    let width = rows.iter().map(|(name, _)| name.len()).max().unwrap_or(0).max(4);
    let line = |(name, (count, last)): &(&String, &Count)| {
        let last = last.map_or("never".to_owned(), |at| at.to_string());
        format!("{name:width$}  {count:>6}  {last}\n")
    };
    let head = format!("{:width$}  {:>6}  {}\n", "rule", "called", "last");
    std::iter::once(head).chain(rows.iter().map(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::case::time::Span;

    #[test]
    fn loud_and_quiet_customers_stand_in_one_table() {
        let group = Group {
            reach: Some((0, 12)),
            cases: 10,
            answered: 90,
            median: Some(Span::minutes(20)),
            p90: None,
        };
        let want = "followers   cases  answered      median         p90\n\
                    0 to 12        10      90 %      20 min           -\n\
                    not told       10      90 %      20 min           -\n";
        assert_eq!(side_by_side(&[group.clone(), Group { reach: None, ..group }]), want);
    }

    #[test]
    fn a_table_begins_with_what_calls_most() {
        let at = Timestamp::from_seconds(0);
        let counts =
            BTreeMap::from([("danger".into(), (0, None)), ("leaving".into(), (12, Some(at)))]);
        let want = "rule     called  last\nleaving      12  1970-01-01T00:00:00.000Z\n\
                    danger        0  never\n";
        assert_eq!(table(&counts), want);
    }
}
