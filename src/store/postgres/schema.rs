//! Whether a database is ours, new, older or newer; and who the store in it is.

use super::ask;
use super::link::{Trouble, broken};
use crate::case::record::{Identity, Key, Record};
use crate::case::time::Timestamp;
use crate::store::{StoreError, kept, key, row};
use sqlx::postgres::PgConnection;
use sqlx::raw_sql;

/// The steps from nothing to today's schema. A step that was published is never changed.
const STEPS: [&str; 1] = [include_str!("0001.sql")];
/// The schema that this careline works with.
pub const SCHEMA: i32 = STEPS.len() as i32;

/// Brings the database to today's schema and gives the store's identity; daemons that start at once
/// do it one after the other.
///
/// # Errors
/// [`Trouble`]: it is newer than this careline, a copy of another database, or the machine fails.
pub async fn ready(link: &mut PgConnection, now: Timestamp) -> Result<Identity, Trouble> {
    raw_sql("BEGIN").execute(&mut *link).await?;
    raw_sql("SELECT pg_advisory_xact_lock(7244231)").execute(&mut *link).await?;
    let known = "SELECT to_regclass('counters') IS NOT NULL";
    let known: bool = sqlx::query_scalar(known).fetch_one(&mut *link).await?;
    let from = if known { schema(link).await? } else { 0 };
    for step in STEPS.iter().skip(usize::try_from(from).unwrap_or(0)) {
        raw_sql(*step).execute(&mut *link).await?;
    }
    at_home(link).await?;
    let identity = identity(link, now).await?;
    let old = "DELETE FROM writers WHERE at < now() - interval '1 day'";
    raw_sql(old).execute(&mut *link).await?;
    raw_sql("COMMIT").execute(&mut *link).await?;
    Ok(identity)
}

/// The schema that the database has.
async fn schema(link: &mut PgConnection) -> Result<i32, Trouble> {
    let asks = "SELECT schema, oldest FROM counters";
    let (schema, oldest): (i32, i32) = sqlx::query_as(asks).fetch_one(&mut *link).await?;
    fits(oldest)?;
    Ok(schema)
}

/// May this careline work with a database that wants at least this one?
///
/// # Errors
/// [`StoreError::Newer`]: no.
pub fn fits(oldest: i32) -> Result<(), StoreError> {
    if oldest <= SCHEMA {
        return Ok(());
    }
    Err(StoreError::Newer(format!(
        "the database was changed by a newer careline (it wants schema {oldest}; this one knows up \
         to {SCHEMA}); start that one"
    )))
}

/// A dump that was read into another database, say for a test, must not speak to customers.
async fn at_home(link: &mut PgConnection) -> Result<(), Trouble> {
    let asks = "SELECT s.system_identifier || '/' || d.oid || '/' || current_schema()
        FROM pg_control_system() s, pg_database d WHERE d.datname = current_database()";
    let here: String = sqlx::query_scalar(asks).fetch_one(&mut *link).await?;
    let asks = "SELECT home FROM counters";
    let home: Option<String> = sqlx::query_scalar(asks).fetch_one(&mut *link).await?;
    match home {
        Some(home) if home == here => Ok(()),
        Some(_) => Err(broken(
            "this database is a copy of the one that careline worked with; two of them would \
             answer customers twice. If the other one is gone for good, say so once with: UPDATE \
             counters SET home = NULL",
        )
        .into()),
        None => {
            let sets = sqlx::query("UPDATE counters SET home = $1").bind(here);
            sets.execute(&mut *link).await?;
            Ok(())
        }
    }
}

async fn identity(link: &mut PgConnection, now: Timestamp) -> Result<Identity, Trouble> {
    let found = ask::records(link, &[Key::Identity].into()).await?;
    match found.into_values().next().and_then(|versioned| versioned.record) {
        Some(Record::Identity(identity)) => return Ok(identity),
        Some(_) => return Err(broken("the store's identity cannot be read").into()),
        None => {}
    }
    let identity = kept::new_identity(now)?;
    let puts = "INSERT INTO settings (key, version, record, kind)
        VALUES ($1, 1, $2::text::json, 'self')";
    let puts = sqlx::query(puts).bind(key::encode(&Key::Identity));
    let puts = puts.bind(row::text(&Record::Identity(identity.clone()))?);
    puts.execute(&mut *link).await?;
    Ok(identity)
}
