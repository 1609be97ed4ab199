//! Rows column by column, as `unnest` takes them: one statement for all rows of a table.

use super::link::Trouble;
use super::sheet::{Cell, Sheet, Type};
use sqlx::postgres::{PgArguments, PgConnection};
use sqlx::query::Query;
use sqlx::{AssertSqlSafe, Postgres};

/// Rows of one table, column by column, as `unnest` takes them.
#[derive(Default)]
pub struct Rows<'a> {
    keys: Vec<Vec<u8>>,
    versions: Vec<i64>,
    rows: Vec<&'a Row>,
}

/// A record as its table takes it.
pub struct Row {
    /// Itself, as JSON.
    pub text: String,
    /// What is readable of it.
    pub cells: Vec<Cell>,
    /// When its case wants to be woken, and for what.
    pub alarms: Vec<(i64, String)>,
}

impl<'a> Rows<'a> {
    /// One more.
    pub fn push(&mut self, key: Vec<u8>, version: u64, row: &'a Row) {
        self.keys.push(key);
        self.versions.push(super::sheet::int(version));
        self.rows.push(row);
    }

    /// Writes them, over older ones.
    pub async fn upsert(self, sheet: &Sheet, link: &mut PgConnection) -> Result<(), Trouble> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let statement = upsert(sheet);
        let records: Vec<String> = self.rows.iter().map(|row| row.text.clone()).collect();
        let query = sqlx::query(AssertSqlSafe(statement));
        let mut query = query.bind(self.keys).bind(self.versions).bind(records);
        for (n, (_, of)) in sheet.columns.iter().enumerate() {
            query = bind(query, *of, self.rows.iter().map(|row| &row.cells[n]));
        }
        query.execute(&mut *link).await?;
        Ok(())
    }
}

type Asked<'q> = Query<'q, Postgres, PgArguments>;

/// Binds a column.
pub fn bind<'q, 'c>(
    query: Asked<'q>,
    of: Type,
    cells: impl Iterator<Item = &'c Cell>,
) -> Asked<'q> {
    match of {
        Type::Int => query.bind(
            cells
                .map(|cell| if let Cell::Int(n) = cell { *n } else { None })
                .collect::<Vec<Option<i64>>>(),
        ),
        Type::Text => query.bind(
            cells
                .map(|cell| if let Cell::Text(text) = cell { text.clone() } else { None })
                .collect::<Vec<Option<String>>>(),
        ),
        Type::Flag => {
            query.bind(cells.map(|cell| matches!(cell, Cell::Flag(true))).collect::<Vec<bool>>())
        }
    }
}

/// `unnest` of all readable columns of a table, the first of them bound as number `first`.
pub fn unnested(sheet: &Sheet, first: usize) -> String {
    let column = |(n, (_, of)): (usize, &(&str, Type))| {
        let of = match of {
            Type::Int => "bigint",
            Type::Text => "text",
            Type::Flag => "boolean",
        };
        format!("${n}::{of}[]")
    };
    (first..).zip(sheet.columns).map(column).collect::<Vec<_>>().join(", ")
}

/// The names of a table's readable columns.
pub fn names(sheet: &Sheet, before: &str) -> String {
    let names = sheet.columns.iter().map(|(name, _)| format!("{before}{name}"));
    names.collect::<Vec<_>>().join(", ")
}

fn upsert(sheet: &Sheet) -> String {
    let (names, values) = (names(sheet, ""), names(sheet, "t."));
    let new = sheet.columns.iter().map(|(name, _)| format!("{name} = excluded.{name}"));
    let new = new.collect::<Vec<_>>().join(", ");
    format!(
        "INSERT INTO {} (key, version, record, {names})
        SELECT t.key, t.version, t.record::json, {values}
        FROM unnest($1::bytea[], $2::bigint[], $3::text[], {})
            AS t(key, version, record, {names})
        ON CONFLICT (key) DO UPDATE
            SET version = excluded.version, record = excluded.record, {new}",
        sheet.name,
        unnested(sheet, 4)
    )
}
