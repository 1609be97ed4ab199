//! What is asked of the database. Every question has an index and a limit.

use super::link::{Trouble, broken};
use super::sheet::{SHEETS, int, number, plain, sheet};
use crate::case::id::{AgentId, CaseNo, ContactId, EnvelopeId};
use crate::case::limits::LISTED;
use crate::case::model::Alarm;
use crate::case::record::{Found, Key, LogEntry, Query, Reach, Record, Summary, Versioned};
use crate::case::time::Timestamp;
use crate::store::{Kind, Pending, index, key, row};
use sqlx::AssertSqlSafe;
use sqlx::postgres::{PgArguments, PgConnection};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

/// Words of a search that are looked at.
const WORDS: usize = 16;

/// A row: key, version, record.
type Row = (Vec<u8>, i64, String);

/// One part of each table, in the order of `SHEETS`, as one statement.
pub fn of_each_sheet(part: impl Fn(&str, usize) -> String) -> String {
    let parts = SHEETS.iter().zip(1..).map(|(sheet, n)| part(sheet.name, n));
    parts.collect::<Vec<_>>().join(" UNION ALL ")
}

/// The keys of each table, in the order of `SHEETS`.
pub fn by_sheet<'k>(keys: impl IntoIterator<Item = &'k Key>) -> Vec<Vec<Vec<u8>>> {
    let mut all = vec![Vec::new(); SHEETS.len()];
    for key in keys {
        all[number(key::kind(key))].push(key::encode(key));
    }
    all
}

static RECORDS: LazyLock<String> = LazyLock::new(|| {
    of_each_sheet(|name, n| {
        format!("SELECT key, version, record::text FROM {name} WHERE key = ANY(${n})")
    })
});

/// Records by name, absent ones with version 0.
pub async fn records(
    link: &mut PgConnection,
    keys: &BTreeSet<Key>,
) -> Result<BTreeMap<Key, Versioned>, Trouble> {
    let mut found: BTreeMap<Key, Versioned> =
        keys.iter().map(|key| (key.clone(), Versioned::default())).collect();
    let mut asks = sqlx::query_as::<_, Row>(AssertSqlSafe(RECORDS.as_str()));
    for keys in by_sheet(keys) {
        asks = asks.bind(keys);
    }
    for row in asks.fetch_all(&mut *link).await? {
        let (key, versioned) = read(row)?;
        found.insert(key, versioned);
    }
    Ok(found)
}

fn read((key, version, record): Row) -> Result<(Key, Versioned), Trouble> {
    let key = key::decode(&key).ok_or_else(|| broken("a key of the store is damaged"))?;
    let record = Some(row::parse(record.as_bytes())?);
    Ok((key, Versioned { version: version.cast_unsigned(), record }))
}

/// What a reach names and asks.
pub async fn found(link: &mut PgConnection, reach: &Reach) -> Result<Found, Trouble> {
    let records = match reach.keys.is_empty() {
        true => BTreeMap::new(),
        false => records(link, &reach.keys).await?,
    };
    let list = match &reach.query {
        Some(query) => answer(link, query).await?,
        None => Vec::new(),
    };
    Ok(Found { records, list })
}

async fn answer(link: &mut PgConnection, query: &Query) -> Result<Vec<Summary>, Trouble> {
    match query {
        Query::NotClosed => cases(link, NOT_CLOSED, PgArguments::default()).await,
        Query::Unclaimed => cases(link, UNCLAIMED, PgArguments::default()).await,
        Query::Of(person) => {
            let mut list = of_person(link, person).await?;
            list.sort_by_key(|s| (s.snoozed, s.place, s.no));
            list.truncate(LISTED);
            Ok(list)
        }
        Query::Queue(person) => {
            let mut list = cases(link, UNCLAIMED, PgArguments::default()).await?;
            list.extend(of_person(link, person).await?);
            Ok(list)
        }
        Query::OfContacts(contacts) => of_contacts(link, contacts).await,
        Query::Find(words) => find(link, words).await,
    }
}

/// Index `cases_open`.
const NOT_CLOSED: &str = "status <> 'closed' ORDER BY snoozed, place, no";
/// Index `cases_unclaimed`.
const UNCLAIMED: &str = "status = 'open' AND claimer IS NULL AND NOT snoozed ORDER BY place, no";
/// Index `cases_of_agent`.
const OF_AGENT: &str = "status <> 'closed' AND claimer_desk = $1 AND claimer = $2 \
    ORDER BY snoozed, place, no";
/// Index `cases_of_contact`.
const OF_CONTACT: &str = "account = $1 AND contact = $2 ORDER BY no DESC";

/// The statement for cases where this holds; at most `LISTED`.
fn of_cases(rest: &str) -> String {
    format!("SELECT record::text FROM cases WHERE {rest} LIMIT {LISTED}")
}

/// All statements over all cases, for the test that reads their plans.
#[must_use]
pub fn statements() -> Vec<String> {
    [NOT_CLOSED, UNCLAIMED, OF_AGENT, OF_CONTACT, &holding(2)].map(of_cases).to_vec()
}

async fn cases(
    link: &mut PgConnection,
    rest: &str,
    with: PgArguments,
) -> Result<Vec<Summary>, Trouble> {
    let asks = sqlx::query_scalar_with::<_, String, _>(AssertSqlSafe(of_cases(rest)), with);
    let mut list = Vec::new();
    for record in asks.fetch_all(&mut *link).await? {
        if let Record::Case(case) = row::parse(record.as_bytes())? {
            list.push(Summary::of(&case));
        }
    }
    Ok(list)
}

/// Values of a statement.
fn with(texts: impl IntoIterator<Item = String>) -> Result<PgArguments, Trouble> {
    use sqlx::Arguments;
    let mut all = PgArguments::default();
    for text in texts {
        all.add(text).map_err(|_| broken("a text cannot be asked for"))?;
    }
    Ok(all)
}

async fn of_person(link: &mut PgConnection, person: &[AgentId]) -> Result<Vec<Summary>, Trouble> {
    let mut list = Vec::new();
    for agent in person {
        let with = with([plain(agent.desk.as_str()), plain(&agent.user)])?;
        list.extend(cases(link, OF_AGENT, with).await?);
    }
    Ok(list)
}

async fn of_contacts(
    link: &mut PgConnection,
    contacts: &[ContactId],
) -> Result<Vec<Summary>, Trouble> {
    let mut list = Vec::new();
    for id in contacts {
        let with = with([plain(id.account.as_str()), plain(&id.remote)])?;
        list.extend(cases(link, OF_CONTACT, with).await?);
    }
    list.sort_by_key(|s| std::cmp::Reverse(s.no));
    list.truncate(LISTED);
    Ok(list)
}

/// Each word must stand somewhere in the case; indexes `cases_words` and `lines_words`.
fn holding(words: usize) -> String {
    let each = (1..=words).map(|n| {
        format!(
            "(SELECT no FROM cases WHERE words LIKE ${n} \
             UNION SELECT case_no FROM lines WHERE words LIKE ${n})"
        )
    });
    let each = each.collect::<Vec<_>>().join(" INTERSECT ");
    format!("no IN ({each}) ORDER BY no DESC")
}

async fn find(link: &mut PgConnection, words: &str) -> Result<Vec<Summary>, Trouble> {
    let words = words.to_lowercase();
    let words: Vec<String> = words.split_whitespace().take(WORDS).map(like).collect();
    if words.is_empty() {
        return cases(link, "true ORDER BY no DESC", PgArguments::default()).await;
    }
    cases(link, &holding(words.len()), with(words)?).await
}

/// A pattern that finds a word anywhere.
fn like(word: &str) -> String {
    let word = word.replace('\\', "\\\\").replace('%', "\\%").replace('_', "\\_");
    format!("%{}%", plain(&word))
}

fn limited(limit: usize) -> i64 {
    int(limit as u64)
}

/// Deliveries that are not finished; index `deliveries_pending`.
pub async fn pending(
    link: &mut PgConnection,
    after: Option<&Pending>,
    limit: usize,
) -> Result<Vec<Pending>, Trouble> {
    let asks = "SELECT record::text FROM deliveries
        WHERE pending AND (order_at, order_n, key) > ($1, $2, $3)
        ORDER BY order_at, order_n, key LIMIT $4";
    let from = after.map_or((i64::MIN, -1, Vec::new()), |after| {
        let key = key::encode(&Key::Delivery(after.id.clone()));
        (after.order.0.0, i64::from(after.order.1), key)
    });
    let asks = sqlx::query_scalar::<_, String>(asks).bind(from.0).bind(from.1).bind(from.2);
    let rows = asks.bind(limited(limit)).fetch_all(&mut *link).await?;
    let read = |record: String| match row::parse(record.as_bytes())? {
        Record::Delivery(delivery) => Ok(index::as_queued(&delivery)),
        _ => Err(broken("a delivery cannot be read").into()),
    };
    rows.into_iter().map(read).collect()
}

/// Alarms up to `until`; index `alarms_due`.
pub async fn alarms(
    link: &mut PgConnection,
    until: Timestamp,
    limit: usize,
) -> Result<Vec<(CaseNo, Alarm)>, Trouble> {
    let asks = "SELECT case_no, alarm::text FROM alarms WHERE at <= $1
        ORDER BY at, n, case_no LIMIT $2";
    let asks = sqlx::query_as::<_, (i64, String)>(asks).bind(until.0).bind(limited(limit));
    let rows = asks.fetch_all(&mut *link).await?;
    let read = |(no, alarm): (i64, String)| {
        Ok((CaseNo(no.cast_unsigned()), index::alarm(alarm.as_bytes())?))
    };
    rows.into_iter().map(read).collect()
}

/// The highest log entry and case there ever were.
pub async fn highest(link: &mut PgConnection) -> Result<(u64, CaseNo), Trouble> {
    let asks = sqlx::query_as::<_, (i64, i64)>("SELECT log, last_case FROM counters");
    let (log, case) = asks.fetch_one(&mut *link).await?;
    Ok((log.cast_unsigned(), CaseNo(case.cast_unsigned())))
}

/// Records of a kind, in key order.
pub async fn scan(
    link: &mut PgConnection,
    kind: Kind,
    after: Option<&Key>,
    limit: usize,
) -> Result<Vec<(Key, Versioned)>, Trouble> {
    let first = vec![key::prefix(kind)];
    let to = key::end_of(&first);
    let from = after.map_or(first, |after| just_after(key::encode(after)));
    let asks = format!(
        "SELECT key, version, record::text FROM {} WHERE key >= $1 AND key < $2
        ORDER BY key LIMIT $3",
        sheet(kind).name
    );
    let asks = sqlx::query_as::<_, Row>(AssertSqlSafe(asks)).bind(from).bind(to);
    let rows = asks.bind(limited(limit)).fetch_all(&mut *link).await?;
    rows.into_iter().map(read).collect()
}

fn just_after(mut key: Vec<u8>) -> Vec<u8> {
    key.push(0);
    key
}

/// The log after an entry.
pub async fn log(
    link: &mut PgConnection,
    after: u64,
    limit: usize,
) -> Result<Vec<LogEntry>, Trouble> {
    let asks = "SELECT seq, entry::text FROM log WHERE seq > $1 ORDER BY seq LIMIT $2";
    let asks = sqlx::query_as::<_, (i64, String)>(asks).bind(int(after)).bind(limited(limit));
    let rows = asks.fetch_all(&mut *link).await?;
    let read = |(_, entry): (i64, String)| {
        serde_json::from_str(&entry)
            .map_err(|e| broken(&format!("a log entry cannot be read: {e}")).into())
    };
    rows.into_iter().map(read).collect()
}

/// Envelopes that were taken, in order of their ids.
pub async fn envelopes(
    link: &mut PgConnection,
    after: Option<&EnvelopeId>,
    limit: usize,
) -> Result<Vec<(EnvelopeId, Timestamp)>, Trouble> {
    let asks = "SELECT key, at FROM envelopes WHERE key > $1 ORDER BY key LIMIT $2";
    let from = after.map_or_else(Vec::new, key::envelope);
    let asks = sqlx::query_as::<_, (Vec<u8>, i64)>(asks).bind(from).bind(limited(limit));
    let rows = asks.fetch_all(&mut *link).await?;
    let read = |(key, at): (Vec<u8>, i64)| {
        let id = key::envelope_of(&key);
        let id = id.ok_or_else(|| broken("an envelope of the store is damaged"))?;
        Ok((id, Timestamp(at)))
    };
    rows.into_iter().map(read).collect()
}
