//! `init`: asks, then writes a configuration that works and says what is left to do.
//!
//! What is asked about a driver comes from its own example: each key with a text in quotes is a
//! question, the comment above it the help, its value the answer that Enter gives.

use super::{Failure, ground};
use crate::case::command::VERBS;
use crate::config::{self, Tables, example};
use dialoguer::{Input, Select};
use std::collections::BTreeMap;
use std::path::Path;

/// Somebody who answers questions.
pub(super) trait Ask {
    /// A text; `default` is what Enter gives.
    fn text(&mut self, question: &str, default: &str) -> Result<String, Failure>;
    /// One of these, by place.
    fn pick(&mut self, question: &str, choices: &[&str]) -> Result<usize, Failure>;
    /// Something to read before the next question.
    fn tell(&mut self, words: &str);
}

/// The person at the terminal.
struct Person;

impl Ask for Person {
    fn text(&mut self, question: &str, default: &str) -> Result<String, Failure> {
        Input::new()
            .with_prompt(question)
            .default(default.to_owned())
            .interact_text()
            .map_err(unasked)
    }

    fn pick(&mut self, question: &str, choices: &[&str]) -> Result<usize, Failure> {
        Select::new().with_prompt(question).items(choices).default(0).interact().map_err(unasked)
    }

    fn tell(&mut self, words: &str) {
        println!("{words}");
    }
}

fn unasked(_: dialoguer::Error) -> Failure {
    Failure::Usage(
        "init asks questions and needs a terminal; without one, copy bot-config/ and edit it"
            .into(),
    )
}

/// Asks, writes, and says what is left to do.
pub(super) fn init(dir: &Path, force: bool) -> Result<(), Failure> {
    refuse_overwriting(dir, force)?;
    let files = answers(&mut Person, Tables::all())?;
    for (name, text) in &files {
        write(dir, name, text)?;
    }
    for made in Tables::all().desks.iter().filter_map(|row| row.made.as_ref()) {
        if let Some(text) = files.get(made.file) {
            println!("{}:\n\n{text}\n", made.file);
        }
    }
    println!("{}", next_steps(dir, &files));
    Ok(())
}

fn refuse_overwriting(dir: &Path, force: bool) -> Result<(), Failure> {
    let path = dir.join("careline.toml");
    if !force && path.exists() {
        let path = path.display();
        return Err(Failure::Usage(format!(
            "{path} is there already; use another --config, or --force to replace it"
        )));
    }
    Ok(())
}

fn write(dir: &Path, name: &str, text: &str) -> Result<(), Failure> {
    let path = dir.join(name);
    std::fs::create_dir_all(dir)
        .and_then(|()| std::fs::write(&path, text))
        .map_err(|e| Failure::Failed(format!("cannot write {}: {e}", path.display())))
}

/// All files, from all answers.
fn answers(ask: &mut dyn Ask, tables: Tables) -> Result<BTreeMap<String, String>, Failure> {
    let nothing = || Failure::Failed("this careline was built without drivers".into());
    let desk = choose(ask, "Where does the team work?", tables.desks, |row| row.name)?;
    let desk = desk.ok_or_else(nothing)?;
    let desk_name = name(ask, "A short name for this desk", "team")?;
    let known = [("kind", desk.name)];
    let desk_section = section(ask, desk.example, &format!("desk.{desk_name}"), &known)?;

    let network = choose(ask, "Where do customers write?", tables.networks, |row| row.name)?;
    let network = network.ok_or_else(nothing)?;
    let account_name = name(ask, "A short name for this account", "acme")?;
    let channel = ask.text("The channel its cases go to (id)", "C0123456789")?;
    let known = [("network", network.name), ("desk", &desk_name), ("channel", &channel)];
    let header = format!("account.{account_name}");
    let account_section = section(ask, network.example, &header, &known)?;

    let mut files = BTreeMap::new();
    let wiring = format!("{}\n{desk_section}\n{account_section}", example::HEAD);
    files.insert("careline.toml".to_owned(), wiring);
    files.insert("policy.toml".to_owned(), policy(ask)?);
    files.insert("escalation.toml".to_owned(), example::ESCALATION.to_owned());
    if let Some(made) = &desk.made {
        let verbs: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
        files.insert(made.file.to_owned(), (made.text)(&verbs) + "\n");
    }
    Ok(files)
}

fn choose<T>(
    ask: &mut dyn Ask,
    question: &str,
    rows: &'static [T],
    name: fn(&T) -> &'static str,
) -> Result<Option<&'static T>, Failure> {
    if rows.len() < 2 {
        return Ok(rows.first());
    }
    let names: Vec<&str> = rows.iter().map(name).collect();
    Ok(rows.get(ask.pick(question, &names)?))
}

/// A name that `check` takes; asks again until it is one.
fn name(ask: &mut dyn Ask, question: &str, default: &str) -> Result<String, Failure> {
    loop {
        let name = ask.text(question, default)?;
        if config::is_name(&name) {
            return Ok(name);
        }
        ask.tell("A name is 1 to 32 characters of a-z, 0-9, - and _.");
    }
}

fn policy(ask: &mut dyn Ask) -> Result<String, Failure> {
    let choices = ["what the claimer writes in the thread", "only what was asked for as a reply"];
    let relay =
        ["claimer", "explicit"][ask.pick("What goes out to the customer?", &choices)?.min(1)];
    let undo = loop {
        let undo = ask.text("How long can a reply be taken back?", "10 s")?;
        if crate::case::time::Span::parse(&undo).is_some() {
            break undo;
        }
        ask.tell("A length of time is such as 10 s or 1 min.");
    };
    let lines = example::POLICY.lines().map(|line| match line.split(" = ").next() {
        Some("relay") => format!("relay = {}\n", quoted(relay)),
        Some("undo") => format!("undo = {}\n", quoted(&undo)),
        _ => format!("{line}\n"),
    });
    Ok(lines.collect())
}

/// A driver's section from its example, with what is known filled in and the rest asked for.
fn section(
    ask: &mut dyn Ask,
    example: &str,
    header: &str,
    known: &[(&str, &str)],
) -> Result<String, Failure> {
    let mut out = String::new();
    let mut help = Vec::new();
    for line in example.trim().lines() {
        if line.starts_with('[') {
            put_header(&mut out, header, known);
        } else if let Some((key, default)) = asked_for(line) {
            if !known.iter().any(|(name, _)| *name == key) {
                if !help.is_empty() {
                    ask.tell(&format!("\n{}", help.join("\n")));
                }
                put(&mut out, key, &ask.text(key, default)?);
            }
        } else {
            put_line(&mut out, line);
        }
        match line.strip_prefix('#') {
            Some(words) => help.push(words.trim()),
            None => help.clear(),
        }
    }
    Ok(out)
}

fn put_header(out: &mut String, header: &str, known: &[(&str, &str)]) {
    put_line(out, &format!("[{header}]"));
    for (key, value) in known {
        put(out, key, value);
    }
}

fn put(out: &mut String, key: &str, value: &str) {
    put_line(out, &format!("{key} = {}", quoted(value)));
}

fn put_line(out: &mut String, line: &str) {
    out.push_str(line);
    out.push('\n');
}

fn quoted(text: &str) -> String {
    toml::Value::from(text).to_string()
}

/// The key and the text of a line such as `server = "https://…"`; other lines are not asked for.
fn asked_for(line: &str) -> Option<(&str, &str)> {
    let (key, value) = line.split_once('=')?;
    let (key, value) = (key.trim(), value.trim());
    let bare = key.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    let text = value.strip_prefix('"')?.split('"').next()?;
    bare.then_some((key, text))
}

/// What is left to do, with what is still missing.
fn next_steps(dir: &Path, files: &BTreeMap<String, String>) -> String {
    let written: String =
        files.keys().map(|name| format!("  {}\n", dir.join(name).display())).collect();
    let mut steps = Vec::new();
    for made in Tables::all().desks.iter().filter_map(|row| row.made.as_ref()) {
        if files.contains_key(made.file) {
            steps.push(format!("{} ({})", made.then, made.file));
        }
    }
    if let Err(mistakes) = config::load(dir, config::environment, &ground()) {
        let all: String = mistakes.0.iter().map(|mistake| format!("\n     {mistake}")).collect();
        steps.push(format!("Put right what is still missing:{all}"));
    }
    let dir = dir.display();
    steps.push(format!("careline check --live --config {dir}"));
    steps.push(format!("careline run --config {dir}"));
    let steps: String =
        steps.iter().enumerate().map(|(n, step)| format!("  {}. {step}\n", n + 1)).collect();
    format!("Written:\n{written}What is left to do:\n{steps}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Answers from a list, in order; then what Enter gives.
    struct Listed(Vec<&'static str>, Vec<String>);

    impl Ask for Listed {
        fn text(&mut self, _: &str, default: &str) -> Result<String, Failure> {
            let next = if self.0.is_empty() { "" } else { self.0.remove(0) };
            Ok(if next.is_empty() { default.to_owned() } else { next.to_owned() })
        }
        fn pick(&mut self, _: &str, _: &[&str]) -> Result<usize, Failure> {
            Ok(1)
        }
        fn tell(&mut self, words: &str) {
            self.1.push(words.to_owned());
        }
    }

    const EXAMPLE: &str = "[account.acme]\nnetwork = \"square\"\nchannel = \"C1\"\n\
        # The server's address.\nserver = \"https://social.example\"\n# How often, in seconds.\n\
        poll_s = 20\n# token = \"unused\"\n";

    #[test]
    fn a_section_keeps_its_comments_and_takes_the_answers() {
        let mut ask = Listed(vec!["https://a.example"], Vec::new());
        let known = [("network", "square"), ("channel", "C9")];
        let text = section(&mut ask, EXAMPLE, "account.shop", &known).unwrap();
        let wanted = "[account.shop]\nnetwork = \"square\"\nchannel = \"C9\"\n\
            # The server's address.\nserver = \"https://a.example\"\n# How often, in seconds.\n\
            poll_s = 20\n# token = \"unused\"\n";
        assert_eq!(text, wanted);
        assert_eq!(ask.1, ["\nThe server's address."]);
    }

    #[test]
    fn answers_with_quotes_stay_one_text() {
        let mut ask = Listed(vec!["a\"b"], Vec::new());
        let text = section(&mut ask, "[x]\nkey = \"\"\n", "x", &[]).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["x"]["key"].as_str(), Some("a\"b"));
    }

    #[test]
    fn the_policy_takes_the_answers_and_asks_again_after_nonsense() {
        let mut ask = Listed(vec!["soon", "3 s"], Vec::new());
        let text = policy(&mut ask).unwrap();
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["undo"].as_str(), Some("3 s"));
        assert_eq!(table["relay"].as_str(), Some("explicit"));
        assert_eq!(ask.1.len(), 1);
    }

    #[test]
    fn the_next_steps_are_numbered_and_name_what_is_missing() {
        let dir = tempfile::tempdir().unwrap();
        write(dir.path(), "careline.toml", "[web]\nport = 1\n").unwrap();
        let files = BTreeMap::from([("slack-manifest.json".to_owned(), String::new())]);
        let text = next_steps(dir.path(), &files);
        for want in ["1. Create the Slack app", "2. Put right", "web.port", "3. careline check"] {
            assert!(text.contains(want), "{want}\n{text}");
        }
    }

    #[test]
    fn files_that_are_there_are_kept() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(refuse_overwriting(dir.path(), false), Ok(()));
        write(dir.path(), "careline.toml", "mine").unwrap();
        assert!(matches!(refuse_overwriting(dir.path(), false), Err(Failure::Usage(_))));
        assert_eq!(refuse_overwriting(dir.path(), true), Ok(()));
    }
}
