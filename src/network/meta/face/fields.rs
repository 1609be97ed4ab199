//! Which fields of a thing are wanted: `id,from{name},comments.limit(5){id}`. Source: docs, "Field
//! expansion". A field that is not known is refused.

use super::{Answer, Result};

/// One field, with its arguments and the fields below it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) args: Vec<(String, String)>,
    pub(super) below: Vec<Field>,
}

impl Field {
    /// The number behind `limit`.
    pub(super) fn limit(&self) -> usize {
        let text = self.args.iter().find(|(key, _)| key == "limit").map(|(_, value)| value);
        text.and_then(|text| text.parse().ok()).unwrap_or(25)
    }

    pub(super) fn arg(&self, name: &str) -> Option<&str> {
        self.args.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

fn odd() -> Answer {
    Answer::no(400, 2500, 0, "Syntax error in the field list")
}

/// Reads a list of fields; `id` is always among them.
pub(super) fn read(text: Option<&str>) -> Result<Vec<Field>> {
    let text: String = text.unwrap_or("id").split_whitespace().collect();
    let mut rest = text.as_str();
    let all = list(&mut rest, 0)?;
    if rest.is_empty() { Ok(all) } else { Err(odd()) }
}

fn list(rest: &mut &str, depth: u8) -> Result<Vec<Field>> {
    let mut all = Vec::new();
    loop {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        if end == 0 || depth > 4 {
            return Err(odd());
        }
        let mut field = Field { name: rest[..end].to_owned(), ..Field::default() };
        *rest = &rest[end..];
        while let Some(tail) = rest.strip_prefix('.') {
            let (key, tail) = tail.split_once('(').ok_or_else(odd)?;
            let (value, tail) = tail.split_once(')').ok_or_else(odd)?;
            field.args.push((key.to_owned(), value.to_owned()));
            *rest = tail;
        }
        if let Some(tail) = rest.strip_prefix('{') {
            *rest = tail;
            field.below = list(rest, depth + 1)?;
            *rest = rest.strip_prefix('}').ok_or_else(odd)?;
        }
        all.push(field);
        match rest.strip_prefix(',') {
            Some(tail) => *rest = tail,
            None => return Ok(all),
        }
    }
}

/// Refuses what a kind of thing does not have.
pub(super) fn only(fields: &[Field], kind: &str, known: &[&str]) -> Result<()> {
    match fields.iter().find(|field| !known.contains(&field.name.as_str())) {
        Some(field) => {
            let name = &field.name;
            let why = format!("Tried accessing nonexisting field ({name}) on node type ({kind})");
            Err(Answer::invalid(&why))
        }
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_of_fields_is_read_to_its_end() {
        let all = read(Some("id,a.filter(stream).limit(5){b{c},d},e")).unwrap();
        assert_eq!(all.len(), 3);
        assert_eq!((all[1].limit(), all[1].arg("filter")), (5, Some("stream")));
        assert_eq!(all[1].below[0].below[0].name, "c");
        for odd in ["", "a,,b", "a{b", "a}b", "a.limit(5", "a b.c"] {
            assert!(read(Some(odd)).is_err(), "{odd}");
        }
        assert!(only(&all, "Post", &["id", "a"]).is_err());
    }
}
