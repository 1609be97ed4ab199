//! `migrate`: takes all of one store over into another, empty one, and compares both at the end.

use super::{Failure, ground, open_store, wait};
use crate::config::{self, StoreWiring};
use crate::engine::clock;
use crate::store::Store;
use crate::store::export::{export, import};
use std::fs::File;
use std::io::{self, BufReader, BufWriter, Read, Seek, Write};
use std::path::Path;

/// Lines between two words on how far it is.
const WORD: u64 = 20_000;

/// Moves the store of one configuration to that of another.
pub(super) fn migrate(from: &Path, to: &Path) -> Result<(), Failure> {
    let (from, to) = (store(from)?, store(to)?);
    wait(async {
        let (source, target) = (open_store(&from)?, open_store(&to)?);
        let done = moved(&*source, &*target).await;
        let closed = (source.close().await, target.close().await);
        let lines = done?;
        closed.0?;
        closed.1?;
        println!("{lines} lines are in the new store, each as it was; the old one is unchanged");
        Ok(())
    })?
}

fn store(dir: &Path) -> Result<StoreWiring, Failure> {
    let wiring = config::store(dir, config::environment, &ground())?;
    match wiring.kind.as_str() {
        "memory" => Err(Failure::Usage("the store `memory` keeps nothing".into())),
        _ => Ok(wiring),
    }
}

/// By way of a file without a name: nothing of it is left, however this ends.
async fn moved(source: &dyn Store, target: &dyn Store) -> Result<u64, Failure> {
    source.hold().await?;
    target.hold().await?;
    let now = clock::now();
    let mut file = tempfile::tempfile().map_err(failed)?;
    let mut out = Counted { inner: BufWriter::new(&file), lines: 0, doing: "read" };
    let lines = export(source, now, &mut out).await?;
    drop(out);
    file.rewind().map_err(failed)?;
    let mut back = BufReader::new(Counted { inner: &file, lines: 0, doing: "written" });
    import(target, now, &mut back).await?;
    file.rewind().map_err(failed)?;
    let mut same = Same { wanted: BufReader::new(&file), differs: false };
    let again = export(target, now, &mut same).await?;
    if same.differs || again != lines {
        return Err(Failure::Failed("the new store does not hold what the old one holds".into()));
    }
    match target.check().await?.first() {
        Some(wrong) => Err(Failure::Failed(format!("the new store is not in order: {wrong}"))),
        None => Ok(lines),
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::Failed(format!("a file for the way could not be used: {error}"))
}

/// Says now and then how far it is.
struct Counted<T> {
    inner: T,
    lines: u64,
    doing: &'static str,
}

impl<T> Counted<T> {
    fn count(&mut self, bytes: &[u8]) {
        for _ in bytes.iter().filter(|byte| **byte == b'\n') {
            self.lines += 1;
            if self.lines.is_multiple_of(WORD) {
                tracing::info!(lines = self.lines, "{}", self.doing);
            }
        }
    }
}

impl<T: Write> Write for Counted<T> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.count(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl<T: Read> Read for Counted<T> {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(bytes)?;
        self.count(&bytes[..read]);
        Ok(read)
    }
}

/// Takes what is written and holds it against what is wanted.
struct Same<'f> {
    wanted: BufReader<&'f File>,
    differs: bool,
}

impl Write for Same<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut wanted = vec![0; bytes.len()];
        let read = self.wanted.read_exact(&mut wanted);
        self.differs |= read.is_err() || wanted != bytes;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
