//! One section of the configuration, as a driver reads it, and the mistakes found in it.
//!
//! A reader collects every mistake with file, line and key instead of stopping at the first, and
//! keys that nobody asked for are mistakes too.

use crate::case::time::Span;
use secrecy::{ExposeSecret, SecretString};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

/// One mistake of the operator's.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Mistake {
    /// The file, as the operator named it.
    pub file: String,
    /// The line, from 1; 0 if the mistake is something missing.
    pub line: usize,
    /// The key, with its section: `account.acme.token`.
    pub key: String,
    /// What is wrong and what to do, as a sentence.
    pub what: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}: {}", self.file, self.key, self.what),
            line => write!(f, "{}:{line}: {}: {}", self.file, self.key, self.what),
        }
    }
}

/// All mistakes that were found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

/// A secret, and where it stands. An operator may replace it there while careline runs.
#[derive(Clone)]
pub struct Secret {
    from: Arc<dyn Fn() -> Result<SecretString, String> + Send + Sync>,
    now: Arc<RwLock<SecretString>>,
    /// The file it stands in, if it stands in one.
    place: Option<PathBuf>,
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret([REDACTED])")
    }
}

impl Secret {
    /// The secret that stands where `from` looks.
    ///
    /// # Errors
    /// A sentence of `from`.
    pub fn new(
        from: impl Fn() -> Result<SecretString, String> + Send + Sync + 'static,
    ) -> Result<Self, String> {
        let now = Arc::new(RwLock::new(from()?));
        Ok(Self { from: Arc::new(from), now, place: None })
    }

    /// The file it stands in; `None` where careline cannot put another one.
    #[must_use]
    pub fn place(&self) -> Option<&Path> {
        self.place.as_deref()
    }

    /// Puts another one in its place, and uses it from now on. Blocks for as long as the disk does.
    ///
    /// # Errors
    /// A sentence: it stands in no file, or the file cannot be written.
    pub fn put(&self, new: &SecretString) -> Result<(), String> {
        let place = self.place().ok_or("it stands in no file, so no other can be put there")?;
        put_private(place, new.expose_secret().as_bytes())
            .map_err(|error| format!("cannot write {}: {error}", place.display()))?;
        self.renew();
        Ok(())
    }

    /// The secret as it was last read.
    #[must_use]
    pub fn get(&self) -> SecretString {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads it anew from where it stands; says whether it is another one now. One that cannot be
    /// read there leaves the old one in use. A driver does this whenever it begins to listen, so
    /// that a new token needs no restart.
    pub fn renew(&self) -> bool {
        let Ok(new) = (self.from)() else { return false };
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        let other = new.expose_secret() != now.expose_secret();
        *now = new;
        other
    }
}

/// Writes a file that only its owner can read: beside its place, safe on disk, and then there.
///
/// # Errors
/// What the system says; the old file is whole then.
pub fn put_private(file: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let home = file.parent().filter(|home| !home.as_os_str().is_empty());
    let home = home.unwrap_or_else(|| Path::new("."));
    // A temporary file of this kind is its owner's alone.
    let mut new = tempfile::NamedTempFile::new_in(home)?;
    new.write_all(bytes)?;
    new.as_file().sync_all()?;
    new.persist(file)?;
    std::fs::File::open(home)?.sync_all()
}

/// A section: keys with their values and lines. Reading notes which keys were asked for.
#[derive(Debug)]
pub struct Section {
    /// The file it stands in.
    pub file: String,
    /// Its name: `account.acme`.
    pub name: String,
    /// The line its header stands on.
    pub line: usize,
    /// Its keys.
    pub entries: BTreeMap<String, (usize, toml::Value)>,
    /// How environment variables are looked up; tests bring their own.
    pub env: fn(&str) -> Option<String>,
    asked: RefCell<BTreeSet<String>>,
    mistakes: RefCell<Vec<Mistake>>,
}

impl Section {
    /// A section with these entries.
    #[must_use]
    pub fn new(
        file: &str,
        name: &str,
        line: usize,
        entries: BTreeMap<String, (usize, toml::Value)>,
        env: fn(&str) -> Option<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            name: name.to_owned(),
            line,
            entries,
            env,
            asked: RefCell::default(),
            mistakes: RefCell::default(),
        }
    }

    /// Notes a mistake about a key.
    pub fn wrong(&self, key: &str, what: impl Into<String>) {
        let line = self.entries.get(key).map_or(self.line, |(line, _)| *line);
        self.mistakes.borrow_mut().push(Mistake {
            file: self.file.clone(),
            line,
            key: format!("{}.{key}", self.name),
            what: what.into(),
        });
    }

    fn value(&self, key: &str) -> Option<&toml::Value> {
        self.asked.borrow_mut().insert(key.to_owned());
        self.entries.get(key).map(|(_, value)| value)
    }

    /// A text, if given.
    pub fn text(&self, key: &str) -> Option<String> {
        match self.value(key)? {
            toml::Value::String(text) => Some(text.clone()),
            other => {
                self.wrong(key, format!("must be a text in quotes, not {}", other.type_str()));
                None
            }
        }
    }

    /// A text that must be given. A missing one is noted and read as empty.
    pub fn required(&self, key: &str) -> String {
        if self.value(key).is_none() {
            self.wrong(key, "is missing");
        }
        self.text(key).unwrap_or_default()
    }

    /// One of these texts, or the first of them if nothing is given.
    pub fn one_of(&self, key: &str, choices: &[&str]) -> String {
        let Some(text) = self.text(key) else {
            return choices.first().copied().unwrap_or_default().to_owned();
        };
        if !choices.contains(&text.as_str()) {
            self.wrong(key, format!("must be one of {}", choices.join(", ")));
        }
        text
    }

    /// A whole number, or `default`.
    pub fn number(&self, key: &str, default: i64) -> i64 {
        match self.value(key) {
            None => default,
            Some(toml::Value::Integer(n)) => *n,
            Some(other) => {
                self.wrong(key, format!("must be a whole number, not {}", other.type_str()));
                default
            }
        }
    }

    /// Yes or no, or `default`.
    pub fn flag(&self, key: &str, default: bool) -> bool {
        match self.value(key) {
            None => default,
            Some(toml::Value::Boolean(b)) => *b,
            Some(other) => {
                self.wrong(key, format!("must be true or false, not {}", other.type_str()));
                default
            }
        }
    }

    /// A length of time, or `default`.
    pub fn span(&self, key: &str, default: Span) -> Span {
        let Some(text) = self.text(key) else { return default };
        Span::parse(&text).unwrap_or_else(|| {
            self.wrong(key, "must be a length of time such as \"10 s\", \"30 min\" or \"7 days\"");
            default
        })
    }

    /// A list of texts, empty if nothing is given.
    pub fn list(&self, key: &str) -> Vec<String> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let texts = value.as_array().map(|all| {
            all.iter().map(|v| v.as_str().map(str::to_owned)).collect::<Option<Vec<_>>>()
        });
        texts.flatten().unwrap_or_else(|| {
            self.wrong(key, "must be a list of texts: [\"a\", \"b\"]");
            Vec::new()
        })
    }

    /// An address. A missing one without default is noted. Plain http is only for loopback.
    pub fn url(&self, key: &str, default: Option<&str>) -> Option<url::Url> {
        let text = match (self.text(key), default) {
            (Some(text), _) => text,
            (None, Some(default)) => default.to_owned(),
            (None, None) => {
                if !self.entries.contains_key(key) {
                    self.wrong(key, "is missing");
                }
                return None;
            }
        };
        match url::Url::parse(&text) {
            Ok(url) if url.host_str().is_some() => Some(url),
            _ => {
                self.wrong(key, "must be an address such as https://social.example");
                None
            }
        }
    }

    /// A secret: the setting names where it stands, `env:NAME` or `file:PATH`. A secret written
    /// into the file itself is a mistake, and is not repeated in the message.
    pub fn secret(&self, key: &str) -> Option<Secret> {
        let Some(text) = self.text(key) else {
            if !self.entries.contains_key(key) {
                self.wrong(
                    key,
                    "is missing; say where the secret stands: \"env:NAME\" or \"file:PATH\"",
                );
            }
            return None;
        };
        let env = self.env;
        let place = text.strip_prefix("file:").map(PathBuf::from);
        match Secret::new(move || resolve(&text, env)) {
            Ok(secret) => Some(Secret { place, ..secret }),
            Err(what) => {
                self.wrong(key, what);
                None
            }
        }
    }

    /// A secret that may be absent.
    pub fn optional_secret(&self, key: &str) -> Option<Secret> {
        self.asked.borrow_mut().insert(key.to_owned());
        if self.entries.contains_key(key) { self.secret(key) } else { None }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// All mistakes of this section, unknown keys among them.
    pub fn done(&self) -> Result<(), Mistakes> {
        let asked = self.asked.borrow();
        let known = asked.iter().cloned().collect::<Vec<_>>().join(", ");
        for key in self.entries.keys().filter(|key| !asked.contains(*key)) {
            self.wrong(key, format!("is not a setting here; known are: {known}"));
        }
        let mistakes = self.mistakes.take();
        if mistakes.is_empty() { Ok(()) } else { Err(Mistakes(mistakes)) }
    }
}

/// Brings a secret from where a setting says it stands: `env:NAME` or `file:PATH`.
///
/// # Errors
/// A sentence that never repeats the setting's own text.
pub fn resolve(text: &str, env: fn(&str) -> Option<String>) -> Result<SecretString, String> {
    let found = if let Some(name) = text.strip_prefix("env:") {
        env(name).ok_or_else(|| format!("the environment has no variable {name}"))?
    } else if let Some(path) = text.strip_prefix("file:") {
        std::fs::read_to_string(path).map_err(|e| format!("cannot read {path}: {e}"))?
    } else {
        return Err("a secret must not stand here; write \"env:NAME\" or \"file:PATH\"".into());
    };
    match found.trim() {
        "" => Err("the secret is empty".into()),
        secret => Ok(SecretString::from(secret.to_owned())),
    }
}
