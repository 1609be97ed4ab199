//! What `strace` tells of a process, as far as it concerns the store's files and its answers.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// The calls that are asked for.
pub const TRACED: &str = "trace=openat,mkdir,write,pwrite64,fsync,fdatasync,rename,unlink,\
                          unlinkat,rmdir,ftruncate";

/// One thing that happened, at the line where it began or ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A file is there from now on, if it was not.
    File(String),
    /// A directory is there from now on.
    Folder(String),
    /// Bytes are given to a file; they may be on disk from now on. `None`: at its end.
    Write(u64, String, Option<u64>, Vec<u8>),
    /// That write has returned: a sync that begins from now on holds it.
    Written(u64),
    /// A sync begins.
    Sync(u64, String),
    /// It has returned.
    Synced(u64),
    /// Another name.
    Rename(String, String),
    /// A name is gone.
    Gone(String),
    /// This was answered.
    Answer(String),
}

/// Names of all that was answered.
pub fn answered(calls: &[Call]) -> BTreeSet<String> {
    let answers = calls.iter().filter_map(|call| match call {
        Call::Answer(id) => Some(id.clone()),
        _ => None,
    });
    answers.collect()
}

/// Reads a trace; of files only those below `root`, by their names from there.
pub fn read(trace: &str, root: &Path) -> Vec<Call> {
    let mut reader = Reader {
        root: root.display().to_string(),
        calls: Vec::new(),
        open: BTreeMap::new(),
        count: 0,
    };
    trace.lines().for_each(|line| reader.line(line));
    reader.calls
}

struct Reader {
    root: String,
    calls: Vec<Call>,
    /// Calls that have not returned, by thread.
    open: BTreeMap<String, (String, Option<u64>)>,
    count: u64,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let Some((thread, rest)) = line.split_once(' ') else { return };
        let rest = rest.trim_start();
        if let Some(resumed) = rest.strip_prefix("<... ") {
            let Some((text, number)) = self.open.remove(thread) else { return };
            let tail = resumed.split_once(" resumed>").map_or("", |(_, tail)| tail);
            self.end(&format!("{text}{tail}"), number);
        } else if let Some(text) = rest.strip_suffix(" <unfinished ...>") {
            let number = self.begin(text);
            self.open.insert(thread.to_owned(), (text.to_owned(), number));
        } else {
            let number = self.begin(rest);
            self.end(rest, number);
        }
    }

    /// A path as the store names it.
    fn below(&self, path: &str) -> Option<String> {
        path.strip_prefix(self.root.as_str()).map(|rest| rest.trim_start_matches('/').to_owned())
    }

    /// The file of a descriptor: `12</path>`.
    fn of(&self, text: &str) -> Option<String> {
        let path = text.split_once('<')?.1.split_once('>')?.0;
        self.below(path)
    }

    /// What is known when a call begins: what it may have done from now on.
    fn begin(&mut self, text: &str) -> Option<u64> {
        let (name, args) = text.split_once('(')?;
        self.count += 1;
        let number = self.count;
        match name {
            "write" if args.starts_with("1<") => {
                let said = bytes(args)?;
                let said = String::from_utf8_lossy(&said).into_owned();
                let id = said.split("ACK ").nth(1)?.split_once(';')?.0.to_owned();
                self.calls.push(Call::Answer(id));
                None
            }
            "write" | "pwrite64" => {
                let file = self.of(args.split_once(", ")?.0)?;
                let at = match name {
                    "write" => None,
                    _ => Some(args.rsplit_once(", ")?.1.split(')').next()?.parse().ok()?),
                };
                self.calls.push(Call::Write(number, file, at, bytes(args)?));
                Some(number)
            }
            "fsync" | "fdatasync" => {
                let file = self.of(args)?;
                self.calls.push(Call::Sync(number, file));
                Some(number)
            }
            _ => None,
        }
    }

    fn end(&mut self, text: &str, number: Option<u64>) {
        let Some((_, result)) = text.rsplit_once(" = ") else { return };
        if result.starts_with('-') {
            return;
        }
        let (name, args) = text.split_once('(').unwrap_or_default();
        let paths: Vec<&str> = args.split('"').skip(1).step_by(2).collect();
        let own = |n: usize| paths.get(n).and_then(|path| self.below(path));
        let call = match name {
            "write" | "pwrite64" => number.map(Call::Written),
            "fsync" | "fdatasync" => number.map(Call::Synced),
            "openat" if args.contains("O_CREAT") => own(0).map(Call::File),
            "mkdir" => own(0).map(Call::Folder),
            "rename" => own(0).zip(own(1)).map(|(from, to)| Call::Rename(from, to)),
            "unlink" | "rmdir" => own(0).map(Call::Gone),
            "unlinkat" => self.unlinked(args, &paths).map(Call::Gone),
            "ftruncate" => self.of(args).map(|file| panic!("{file} is cut: not foreseen")),
            _ => None,
        };
        self.calls.extend(call);
    }

    fn unlinked(&self, args: &str, paths: &[&str]) -> Option<String> {
        let name = paths.first()?;
        match self.of(args.split_once(", ")?.0) {
            Some(folder) if !name.starts_with('/') => {
                Some(format!("{folder}/{name}").trim_start_matches('/').to_owned())
            }
            _ => self.below(name),
        }
    }
}

/// The bytes of the first string: strace writes them as C does.
fn bytes(args: &str) -> Option<Vec<u8>> {
    let mut rest = args.as_bytes()[args.find('"')? + 1..].iter().copied().peekable();
    let mut out = Vec::new();
    loop {
        match rest.next()? {
            b'"' => return Some(out),
            b'\\' => out.push(match rest.next()? {
                b'n' => b'\n',
                b't' => b'\t',
                b'r' => b'\r',
                b'v' => 11,
                b'f' => 12,
                digit @ b'0'..=b'7' => {
                    let mut value = u32::from(digit - b'0');
                    for _ in 0..2 {
                        let Some(next) = rest.next_if(|c| (b'0'..=b'7').contains(c)) else { break };
                        value = value * 8 + u32::from(next - b'0');
                    }
                    u8::try_from(value).ok()?
                }
                other => other,
            }),
            other => out.push(other),
        }
    }
}

#[test]
fn a_trace_is_read_as_it_happened() {
    let trace = concat!(
        "7 openat(AT_FDCWD</x>, \"/s/db\", O_RDWR|O_CREAT, 0666) = 3</s/db>\n",
        "7 pwrite64(3</s/db>, \"a\\0\\3779\\\"\\n\", 6, 40 <unfinished ...>\n",
        "8 fdatasync(4</s/db>)             = 0\n",
        "7 <... pwrite64 resumed>)         = 6\n",
        "9 write(1<pipe:[5]>, \"ACK 1.2;\\n\", 9) = 9\n",
        "9 write(5</elsewhere>, \"x\", 1) = 1\n",
        "9 unlinkat(6</s/sled.old>, \"conf\", 0) = 0\n",
        "9 rename(\"/s/a\", \"/s/b\") = -1 ENOENT (No such file or directory)\n",
    );
    let write = Call::Write(2, "db".into(), Some(40), b"a\x00\xff9\"\n".to_vec());
    let expected = [
        Call::File("db".into()),
        write,
        Call::Sync(3, "db".into()),
        Call::Synced(3),
        Call::Written(2),
        Call::Answer("1.2".into()),
        Call::Gone("sled.old/conf".into()),
    ];
    assert_eq!(read(trace, Path::new("/s")), expected);
}
