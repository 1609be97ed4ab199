//! What a store holds: shown, taken in, erased, checked. The daemon must not run meanwhile: a store
//! has one owner, and says so.

use super::{Failure, ground, open_store, wait};
use crate::config;
use crate::engine::clock;
use crate::store::export::ExportError;
use crate::store::{Store, export as lines, forget as erase};
use std::io::{BufReader, BufWriter};
use std::path::Path;
use std::sync::Arc;

impl From<ExportError> for Failure {
    fn from(error: ExportError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Opens the store of a configuration, does something, and closes it whatever happened. One that is
/// not there yet is only made if `makes`.
pub(super) fn with<T>(
    dir: &Path,
    makes: bool,
    what: impl AsyncFnOnce(&dyn Store) -> Result<T, Failure>,
) -> Result<T, Failure> {
    let wiring = config::store(dir, config::environment, &ground())?;
    if wiring.kind == "memory" {
        return Err(Failure::Usage("the store `memory` keeps nothing between two runs".into()));
    }
    if wiring.kind == "sled" && !wiring.place.dir.exists() && !makes {
        let path = wiring.place.dir.display();
        return Err(Failure::Failed(format!("there is no store in {path}; run careline first")));
    }
    wait(async {
        let store: Arc<dyn Store> = open_store(&wiring)?;
        let done = what(&*store).await;
        let closed = store.close().await;
        let done = done?;
        closed?;
        Ok(done)
    })?
}

/// Prints all of the store as lines of JSON.
pub(super) fn export(dir: &Path) -> Result<(), Failure> {
    with(dir, false, async |store| {
        let mut out = BufWriter::new(std::io::stdout());
        let count = lines::export(store, clock::now(), &mut out).await?;
        tracing::info!(lines = count, "exported");
        Ok(())
    })
}

/// Reads an export into an empty store.
pub(super) fn import(dir: &Path, file: &Path) -> Result<(), Failure> {
    let open = std::fs::File::open(file)
        .map_err(|e| Failure::Usage(format!("cannot read {}: {e}", file.display())))?;
    let count = with(dir, true, async |store| {
        Ok(lines::import(store, clock::now(), &mut BufReader::new(open)).await?)
    })?;
    println!("{count} lines were imported");
    Ok(())
}

/// Erases a customer, by id or by handle.
pub(super) fn forget(dir: &Path, account: &str, who: &str) -> Result<(), Failure> {
    let (id, cases) = with(dir, false, async |store| {
        let found = erase::contacts(store, account, who).await?;
        let [contact] = found.as_slice() else { return Err(not_one(account, who, &found)) };
        Ok((contact.remote.clone(), erase::forget(store, contact, clock::now()).await?))
    })?;
    println!(
        "{account}: {id} is erased, and {cases} of his cases are emptied; what stands of him at \
         the desk goes at the next run, and what he wrote on the network stays there"
    );
    Ok(())
}

fn not_one(account: &str, who: &str, found: &[crate::case::id::ContactId]) -> Failure {
    if found.is_empty() {
        return Failure::Failed(format!("{account} knows nobody with the id or handle {who}"));
    }
    let ids: Vec<&str> = found.iter().map(|contact| contact.remote.as_str()).collect();
    Failure::Usage(format!("{who} is several people; say the id: {}", ids.join(", ")))
}

/// Holds the store against itself.
pub(super) fn verify(dir: &Path) -> Result<(), Failure> {
    let wrong = with(dir, false, async |store| Ok(store.check().await?))?;
    for line in &wrong {
        println!("{line}");
    }
    match wrong.len() {
        0 => println!("the store is in order"),
        1 => return Err(Failure::Failed("1 thing is wrong with the store".into())),
        n => return Err(Failure::Failed(format!("{n} things are wrong with the store"))),
    }
    Ok(())
}
