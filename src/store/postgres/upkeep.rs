//! What is done to the whole of it: letting go of what is old, checking, tidying up.

use super::ask;
use super::columns::{bind, names, unnested};
use super::link::Trouble;
use super::sheet::{SHEETS, cells, int, number};
use crate::case::record::{Key, Record, Versioned};
use crate::case::time::Timestamp;
use crate::store::check::dangling;
use crate::store::key::{KINDS, encode};
use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, raw_sql};
use std::collections::BTreeSet;

/// Rows at a time: no statement holds up the others for long.
const PAGE: i64 = 4096;

/// Drops old log entries whose case is gone, then old envelopes that no entry names.
pub async fn trim(link: &mut PgConnection, before: Timestamp) -> Result<u64, Trouble> {
    let entries = "DELETE FROM log WHERE seq IN (SELECT seq FROM log l WHERE at < $1 AND NOT EXISTS
        (SELECT FROM cases c WHERE c.no = l.case_no) LIMIT $2)";
    let envelopes = "DELETE FROM envelopes WHERE key IN (SELECT key FROM envelopes e WHERE at < $1
        AND NOT EXISTS (SELECT FROM log l WHERE l.envelope = e.key AND l.at < $1) LIMIT $2)";
    let mut dropped = 0;
    for statement in [entries, envelopes] {
        loop {
            let drops = sqlx::query(statement).bind(before.0).bind(PAGE);
            let rows = drops.execute(&mut *link).await?.rows_affected();
            dropped += rows;
            if rows < PAGE.cast_unsigned() {
                break;
            }
        }
    }
    Ok(dropped)
}

/// Frees the room of what was deleted. The server's own journal and backups go by its own rules.
pub async fn vacuum(link: &mut PgConnection) -> Result<(), Trouble> {
    raw_sql("SET statement_timeout = 0").execute(&mut *link).await?;
    for name in SHEETS.iter().map(|sheet| sheet.name).chain(["log", "envelopes", "alarms"]) {
        raw_sql(AssertSqlSafe(format!("VACUUM {name}"))).execute(&mut *link).await?;
    }
    Ok(())
}

/// All that is wrong, a sentence each.
pub async fn check(link: &mut PgConnection) -> Result<Vec<String>, Trouble> {
    let mut wrong = Vec::new();
    let mut cases = BTreeSet::new();
    let mut due = Alarms::new();
    for kind in KINDS {
        let mut after: Option<Key> = None;
        loop {
            let page = ask::scan(link, kind, after.as_ref(), PAGE as usize).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            for (key, versioned) in &page {
                if let Key::Case(no) = key {
                    cases.insert(*no);
                    due.extend(wanted(versioned));
                }
                wrong.extend(dangling(key, versioned.record.as_ref(), &cases));
            }
            let differ = differing(link, kind, &page).await?;
            if differ > 0 {
                wrong.push(format!("{differ} rows of {kind:?} have columns that differ from it"));
            }
        }
    }
    wrong.extend(alarms(link, &due).await?);
    Ok(wrong)
}

/// Rows whose readable columns are not those of their record.
async fn differing(
    link: &mut PgConnection,
    kind: crate::store::Kind,
    page: &[(Key, Versioned)],
) -> Result<i64, Trouble> {
    let sheet = &SHEETS[number(kind)];
    let statement = format!(
        "SELECT count(*) FROM {} r JOIN unnest($1::bytea[], {}) AS t(key, {}) USING (key)
        WHERE ({}) IS DISTINCT FROM ({})",
        sheet.name,
        unnested(sheet, 2),
        names(sheet, ""),
        names(sheet, "r."),
        names(sheet, "t.")
    );
    let wanted = page.iter().filter_map(|(key, versioned)| {
        Some((encode(key), cells(key, versioned.record.as_ref()?, kind)))
    });
    let (keys, rows): (Vec<_>, Vec<_>) = wanted.unzip();
    let mut asks = sqlx::query(AssertSqlSafe(statement)).bind(keys);
    for (n, (_, of)) in sheet.columns.iter().enumerate() {
        asks = bind(asks, *of, rows.iter().map(|row| &row[n]));
    }
    use sqlx::Row;
    let row = asks.fetch_one(&mut *link).await?;
    Ok(row.try_get(0)?)
}

/// Case, place, alarm as text.
type Alarms = BTreeSet<(i64, i64, String)>;

/// What the table of alarms should hold of a record.
fn wanted(versioned: &Versioned) -> Alarms {
    let Some(Record::Case(case)) = &versioned.record else { return Alarms::new() };
    let text = |alarm| serde_json::to_string(alarm).unwrap_or_default();
    let alarms = (0_i64..).zip(&case.alarms);
    alarms.map(|(n, alarm)| (int(case.no.0), n, text(alarm))).collect()
}

/// The alarms of the cases against the table of alarms.
async fn alarms(link: &mut PgConnection, wanted: &Alarms) -> Result<Option<String>, Trouble> {
    let asks = sqlx::query_as("SELECT case_no, n, alarm::text FROM alarms");
    let there: Alarms = asks.fetch_all(&mut *link).await?.into_iter().collect();
    let wrong = wanted.symmetric_difference(&there).count();
    Ok((wrong > 0).then(|| format!("alarms: {wrong} are missing or too many")))
}
