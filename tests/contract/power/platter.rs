//! A disk after the power went: what was synced, and of the rest what chance leaves.
//!
//! Changes of directories are kept in their order, as journals of file systems keep them; those
//! that no sync of their directory covers may be missing, the last ones first. Bytes of a file that
//! no sync of it covers may be there, missing or torn by sectors, in any order.

use super::calls::Call;
use fastrand::Rng;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What a disk writes as a whole.
const SECTOR: usize = 512;

/// See the module.
pub struct Platter {
    /// Bytes by file; `None` is a directory.
    names: BTreeMap<String, Option<u64>>,
    files: BTreeMap<u64, Vec<u8>>,
    /// Writes that did not come whole.
    pub torn: usize,
}

/// A write: its number, its place, its bytes.
struct Bytes<'a> {
    number: u64,
    at: Option<u64>,
    bytes: &'a [u8],
}

/// All that happened, sorted out.
#[derive(Default)]
struct Past<'a> {
    /// Changes of directories, in order.
    changes: Vec<&'a Call>,
    /// How many of them are surely on disk.
    sure: usize,
    /// Writes by file, in order.
    writes: BTreeMap<u64, Vec<Bytes<'a>>>,
    /// Those that are surely on disk.
    synced: BTreeSet<u64>,
    /// Files by the name they have now.
    now: BTreeMap<String, Option<u64>>,
    /// Files by the change that made them.
    made: BTreeMap<usize, u64>,
    returned: BTreeSet<u64>,
    /// What a sync that is under way will have brought to disk.
    syncs: BTreeMap<u64, (usize, BTreeSet<u64>)>,
}

fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Carries out one change of directories.
fn change(names: &mut BTreeMap<String, Option<u64>>, call: &Call, file: Option<u64>) {
    match call {
        Call::File(path) => drop(names.entry(path.clone()).or_insert(file)),
        Call::Folder(path) => drop(names.entry(path.clone()).or_insert(None)),
        Call::Gone(path) => drop(names.remove(path)),
        Call::Rename(from, to) => {
            let below = format!("{from}/");
            let moved = names.keys().filter(|name| *name == from || name.starts_with(&below));
            for name in moved.cloned().collect::<Vec<_>>() {
                let value = names.remove(&name).flatten();
                names.insert(format!("{to}{}", &name[from.len()..]), value);
            }
        }
        _ => {}
    }
}

impl<'a> Past<'a> {
    fn of(calls: &'a [Call]) -> Self {
        let mut past = Self::default();
        calls.iter().for_each(|call| past.take(call));
        past
    }

    fn take(&mut self, call: &'a Call) {
        match call {
            Call::Write(number, file, at, bytes) => {
                let Some(file) = self.now.get(file).copied().flatten() else { return };
                let write = Bytes { number: *number, at: *at, bytes };
                self.writes.entry(file).or_default().push(write);
            }
            Call::Written(number) => drop(self.returned.insert(*number)),
            Call::Sync(number, path) => {
                let covered = self.covered(path);
                self.syncs.insert(*number, covered);
            }
            Call::Synced(number) => {
                let (sure, writes) = self.syncs.remove(number).unwrap_or_default();
                self.sure = self.sure.max(sure);
                self.synced.extend(writes);
            }
            Call::Answer(_) => {}
            _ => {
                let new = matches!(call, Call::File(path) if !self.now.contains_key(path));
                let file = new.then_some(self.changes.len() as u64);
                self.made.extend(file.map(|file| (self.changes.len(), file)));
                change(&mut self.now, call, file);
                self.changes.push(call);
            }
        }
    }

    /// What a sync of this file or directory that begins now brings to disk.
    fn covered(&self, path: &str) -> (usize, BTreeSet<u64>) {
        let Some(file) = self.now.get(path).copied().flatten() else {
            let inside = |call: &&Call| match call {
                Call::File(name) | Call::Folder(name) | Call::Gone(name) => parent(name) == path,
                Call::Rename(from, to) => parent(from) == path || parent(to) == path,
                _ => false,
            };
            let last = self.changes.iter().rposition(inside).map_or(0, |n| n + 1);
            return (last, BTreeSet::new());
        };
        let mine = self.writes.get(&file).into_iter().flatten().map(|write| write.number);
        (0, mine.filter(|number| self.returned.contains(number)).collect())
    }
}

impl Platter {
    /// The disk when the power goes after these calls.
    pub fn at(calls: &[Call], chance: &mut Rng) -> Self {
        let past = Past::of(calls);
        let mut platter = Self { names: BTreeMap::new(), files: BTreeMap::new(), torn: 0 };
        let kept = chance.usize(past.sure..=past.changes.len());
        for (n, call) in past.changes[..kept].iter().enumerate() {
            change(&mut platter.names, call, past.made.get(&n).copied());
        }
        // How much of the unsynced is there differs from one disk to the next.
        let luck = chance.f64();
        for (file, writes) in &past.writes {
            let mut bytes = Vec::new();
            let mut end = 0;
            for write in writes {
                let at = write.at.map_or(end, |at| usize::try_from(at).unwrap());
                end = at + write.bytes.len();
                if past.synced.contains(&write.number) {
                    put(&mut bytes, at, write.bytes, |_| true);
                } else {
                    platter.torn += usize::from(!tear(&mut bytes, at, write.bytes, luck, chance));
                }
            }
            platter.files.insert(*file, bytes);
        }
        platter
    }

    /// Writes it down as a directory.
    pub fn write(&self, root: &Path) {
        for (name, file) in &self.names {
            let path = root.join(name);
            match file {
                None => std::fs::create_dir_all(path).unwrap(),
                Some(file) => {
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    let bytes = self.files.get(file).cloned().unwrap_or_default();
                    std::fs::write(path, bytes).unwrap();
                }
            }
        }
    }
}

/// Brings those sectors of a write into a file that `keep` names. What lies between is zero.
fn put(file: &mut Vec<u8>, at: usize, bytes: &[u8], mut keep: impl FnMut(usize) -> bool) {
    let mut from = at;
    while from < at + bytes.len() {
        let to = ((from / SECTOR + 1) * SECTOR).min(at + bytes.len());
        if keep(from / SECTOR) {
            file.resize(file.len().max(to), 0);
            file[from..to].copy_from_slice(&bytes[from - at..to - at]);
        }
        from = to;
    }
}

/// Brings of an unsynced write what chance leaves; says whether that was all.
fn tear(file: &mut Vec<u8>, at: usize, bytes: &[u8], luck: f64, chance: &mut Rng) -> bool {
    if chance.f64() < luck {
        put(file, at, bytes, |_| true);
        return true;
    }
    if chance.bool() {
        put(file, at, bytes, |_| chance.bool());
    }
    false
}

#[test]
fn what_was_synced_stays_and_the_rest_may_go() {
    let write = |n: u64, at: u64, byte: u8| Call::Write(n, "f".into(), Some(at), vec![byte; 4]);
    let calls = [
        Call::File("f".into()),
        Call::Sync(1, String::new()),
        Call::Synced(1),
        write(2, 0, b'a'),
        Call::Written(2),
        Call::Sync(3, "f".into()),
        write(4, 4, b'b'),
        Call::Written(4),
        Call::Synced(3),
    ];
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let platter = Platter::at(&calls, &mut Rng::with_seed(seed));
        seen.insert(platter.files.values().next().cloned().unwrap());
    }
    let seen: Vec<_> = seen.into_iter().collect();
    assert_eq!(seen, [b"aaaa".to_vec(), b"aaaabbbb".to_vec()]);
    let before = Platter::at(&calls[..1], &mut Rng::with_seed(1));
    assert!(before.names.len() <= 1);
}
