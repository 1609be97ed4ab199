//! A file as sections with lines: what stands where, so that a mistake can be pointed at.

use super::{Env, Text};
use crate::setting::{Mistake, Section};
use std::collections::BTreeMap;
use toml::de::{DeTable, DeValue};

/// Keys of one table, with their lines.
type Entries = BTreeMap<String, (usize, toml::Value)>;

/// One file, cut into tables.
pub(super) struct File<'a> {
    name: &'a str,
    env: Env,
    /// Keys above the first header.
    top: Entries,
    /// Tables by name, each with the line of its header: `store`, `account.acme`.
    tables: BTreeMap<String, (usize, Entries)>,
}

impl<'a> File<'a> {
    /// Cuts a file; syntax errors are noted, all of them, and then nothing else is read.
    pub(super) fn open(text: &'a Text, env: Env, mistakes: &mut Vec<Mistake>) -> Option<Self> {
        let (tree, errors) = DeTable::parse_recoverable(&text.text);
        if !errors.is_empty() {
            mistakes.extend(errors.iter().map(|e| Mistake {
                file: text.name.clone(),
                line: e.span().map_or(0, |span| line_of(&text.text, span.start)),
                key: "syntax".into(),
                what: e.message().replace('\n', "; "),
            }));
            return None;
        }
        let values: toml::Table = toml::from_str(&text.text).unwrap_or_default();
        let mut file =
            Self { name: &text.name, env, top: BTreeMap::new(), tables: BTreeMap::new() };
        file.top = file.cut("", tree.get_ref(), &values, &text.text);
        Some(file)
    }

    /// Own keys of a table; its tables go into `self.tables` under their whole names.
    fn cut(&mut self, path: &str, tree: &DeTable<'_>, values: &toml::Table, text: &str) -> Entries {
        let mut own = Entries::new();
        for (key, node) in tree {
            let name = key.get_ref().as_ref();
            let Some(value) = values.get(name) else { continue };
            let line = line_of(text, key.span().start);
            match (node.get_ref(), value) {
                (DeValue::Table(tree), toml::Value::Table(values)) => {
                    let path = if path.is_empty() { name.into() } else { format!("{path}.{name}") };
                    let entries = self.cut(&path, tree, values, text);
                    self.tables.insert(path, (line, entries));
                }
                (DeValue::Array(nodes), toml::Value::Array(values)) if all_tables(values) => {
                    let path = if path.is_empty() { name.into() } else { format!("{path}.{name}") };
                    for (n, (node, value)) in nodes.iter().zip(values).enumerate() {
                        let (DeValue::Table(tree), Some(values)) =
                            (node.get_ref(), value.as_table())
                        else {
                            continue;
                        };
                        let line = line_of(text, node.span().start);
                        let path = format!("{path}.{}", n + 1);
                        let entries = self.cut(&path, tree, values, text);
                        self.tables.insert(path, (line, entries));
                    }
                }
                _ => {
                    own.insert(name.to_owned(), (line, value.clone()));
                }
            }
        }
        own
    }

    /// The table of this name, or an empty one.
    pub(super) fn section(&mut self, name: &str) -> Section {
        let (line, entries) = self.tables.remove(name).unwrap_or_default();
        Section::new(self.name, name, line, entries, self.env)
    }

    /// The keys above the first header.
    pub(super) fn top(&mut self) -> Section {
        Section::new(self.name, "top", 1, std::mem::take(&mut self.top), self.env)
    }

    /// All tables below `group`, by the rest of their names: `account.acme` gives `acme`. The
    /// group's own header must hold no keys.
    pub(super) fn group(&mut self, group: &str) -> Vec<(String, Section)> {
        let prefix = format!("{group}.");
        let mut names: Vec<String> =
            self.tables.keys().filter(|name| name.starts_with(&prefix)).cloned().collect();
        if self.tables.get(group).is_some_and(|(_, keys)| keys.is_empty()) {
            self.tables.remove(group);
        }
        let number = |name: &str| name[prefix.len()..].parse::<usize>().unwrap_or(0);
        names.sort_by_key(|name| number(name));
        let short = |name: &str| name[prefix.len()..].to_owned();
        names.iter().map(|name| (short(name), self.section(name))).collect()
    }

    /// Notes what nobody asked for.
    pub(super) fn done(&mut self, known: &str, mistakes: &mut Vec<Mistake>) {
        let line = |(line, _): &(usize, toml::Value)| *line;
        let top = self.top.iter().map(|(key, entry)| (key.clone(), line(entry)));
        let tables = self.tables.iter().map(|(name, (line, _))| (name.clone(), *line));
        let left: Vec<_> = top.chain(tables).collect();
        mistakes.extend(left.into_iter().map(|(key, line)| Mistake {
            file: self.name.to_owned(),
            line,
            key,
            what: format!("is not known here; known are: {known}"),
        }));
    }
}

/// Is this `[[several]]` of one name?
fn all_tables(values: &[toml::Value]) -> bool {
    !values.is_empty() && values.iter().all(toml::Value::is_table)
}

/// The line, from 1, of a place in a text.
fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|b| **b == b'\n').count() + 1
}
