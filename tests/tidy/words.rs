//! Words that must not stand anywhere: leftovers, secrets, places of one machine.

use super::{files_below, finds, none, root, short};
use regex::Regex;

/// Files that people write, as text; what is made by a tool is not looked at.
fn texts() -> Vec<(String, String)> {
    let kinds =
        ["rs", "toml", "md", "sh", "js", "mjs", "html", "css", "json", "yml", "service", "txt"];
    let plain = ["run", "Dockerfile", "LICENSE", "LICENSE-MIT", "LICENSE-APACHE", ".gitignore"];
    let wanted = |path: &std::path::Path| {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let kind = path.extension().is_some_and(|e| kinds.iter().any(|k| e == *k));
        kind || plain.contains(&name.as_str())
    };
    let all = files_below(&root()).into_iter().filter(|path| wanted(path));
    let read = |path: std::path::PathBuf| {
        std::fs::read_to_string(&path).ok().map(|text| (short(&path), text))
    };
    all.filter_map(read).collect()
}

/// Each with what to do; written in two halves so that this file does not hold them.
fn forbidden() -> Vec<(Regex, &'static str)> {
    let all = [
        (concat!(r"\bTO", r"DO\b|FIX", r"ME|\bX", r"XX\b"), "do it now or say it in an issue"),
        (concat!("todo", r"!\(|unimpl", r"emented!\(|db", r"g!\("), "finish it"),
        (concat!(r"#\[ign", "ore"), "a test that does not run is no test"),
        (
            concat!("xo", r"x[abp]-\d{9,}-\d{9,}-\w{20,}|xa", r"pp-1-A\w{8,}-\d+-\w{32,}"),
            "looks like a real token",
        ),
        (concat!("-BEGIN [A-Z ]*PRIV", "ATE KEY-----$"), "a private key does not belong here"),
        (concat!(r"[^\w./]/(wo", r"rk|ro", r"ot|ho", r"me)/\w"), "a path of one machine"),
        (concat!(r"static\.cra", r"tes\.io|index\.cra", r"tes\.io"), "the host of a registry"),
        (
            concat!(r"registry\.npm", r"js|py", r"pi\.org|pythonho", "sted"),
            "the host of a registry",
        ),
        (concat!(r"proxy\.gol", r"ang|deb\.deb", r"ian\.org"), "the host of a registry"),
    ];
    all.map(|(shape, what)| (Regex::new(shape).unwrap(), what)).to_vec()
}

fn judge(path: &str, text: &str, rules: &[(Regex, &str)]) -> Vec<String> {
    let mut found = Vec::new();
    for (n, line) in text.lines().enumerate() {
        for (shape, what) in rules {
            if let Some(hit) = shape.find(line) {
                found.push(format!("{path}:{}: `{}`: {what}", n + 1, hit.as_str().trim()));
            }
        }
    }
    found
}

#[test]
fn nothing_is_left_over_and_nothing_secret_stands_here() {
    let all = texts();
    assert!(all.len() > 30, "only {} files were read", all.len());
    let rules = forbidden();
    none(&all.iter().flat_map(|(path, text)| judge(path, text, &rules)).collect::<Vec<_>>());
}

#[test]
fn each_forbidden_word_is_found() {
    let planted = [
        concat!("// TO", "DO: later"),
        concat!("// FIX", "ME"),
        concat!("todo", "!()"),
        concat!("#[ign", "ore]"),
        concat!("t = \"xo", "xb-123456789012-123456789012-abcdefghijklmnopqrstuvwx\""),
        concat!("-----BEGIN RSA PRIV", "ATE KEY-----"),
        concat!("see /ho", "me/me/file"),
        concat!("https://static.cra", "tes.io/x"),
        concat!("https://py", "pi.org/x"),
        concat!("http://deb.deb", "ian.org"),
    ];
    let rules = forbidden();
    for text in planted {
        finds(&judge("a.md", &format!("fine\n{text}"), &rules), "a.md:2:");
    }
    none(&judge("a.md", "a token xoxb-… and the method todo_list(x)", &rules));
}
