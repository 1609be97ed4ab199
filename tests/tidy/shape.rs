//! How long things are, how wide, and whether each file says what it is for.

use super::code::{Source, closing, line_of};
use super::{finds, none, sources};

/// Most code lines of a file: neither blank nor comment.
const FILE: usize = 400;
/// Most code lines of a function.
const FUNCTION: usize = 60;
/// Most characters of a line.
const WIDTH: usize = 100;

fn code_lines(text: &str) -> usize {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with("//")).count()
}

fn undocumented(source: &Source) -> Option<String> {
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let good = first.starts_with("//! ") && first.len() > 12;
    (!good).then(|| format!("{}:1: begin with `//!` and what the file is for", source.path))
}

fn too_long(source: &Source) -> Option<String> {
    let n = code_lines(&source.text);
    (n > FILE).then(|| format!("{}: {n} code lines; at most {FILE}: split it", source.path))
}

fn too_wide(source: &Source) -> Vec<String> {
    let wide = source.text.lines().enumerate().filter(|(_, l)| l.chars().count() > WIDTH);
    wide.map(|(n, _)| format!("{}:{}: wider than {WIDTH} columns", source.path, n + 1)).collect()
}

fn long_functions(source: &Source) -> Vec<String> {
    let code = &source.code;
    let mut found = Vec::new();
    for (at, _) in code.match_indices("fn ") {
        let word_before = code[..at].ends_with(|c: char| c.is_alphanumeric() || c == '_');
        let named = code[at + 3..].starts_with(|c: char| c.is_alphabetic() || c == '_');
        let Some(open) = body(code, at).filter(|_| named && !word_before) else { continue };
        let end = closing(code, open);
        let (from, to) = (line_of(code, at), line_of(code, end - 1));
        let text: Vec<&str> = source.text.lines().skip(from - 1).take(to - from + 1).collect();
        let n = code_lines(&text.join("\n"));
        if n > FUNCTION {
            let say = format!("{}:{from}: a function of {n} code lines", source.path);
            found.push(format!("{say}; at most {FUNCTION}"));
        }
    }
    found
}

/// Where the body of the function at `at` opens; `None` if it has none.
fn body(code: &str, at: usize) -> Option<usize> {
    let mut depth = 0_usize;
    for (i, c) in code.bytes().enumerate().skip(at) {
        match c {
            b'(' | b'[' => depth += 1,
            b')' | b']' => depth = depth.saturating_sub(1),
            b'{' if depth == 0 => return Some(i),
            b';' if depth == 0 => return None,
            _ => {}
        }
    }
    None
}

fn house() -> Vec<Source> {
    let mut all = sources("src");
    all.extend(sources("tests"));
    all
}

#[test]
fn each_file_says_what_it_is_for() {
    none(&house().iter().filter_map(undocumented).collect::<Vec<_>>());
}

#[test]
fn files_and_functions_are_short_and_narrow() {
    let all = house();
    let mut found: Vec<String> = all.iter().filter_map(too_long).collect();
    found.extend(all.iter().flat_map(too_wide));
    found.extend(all.iter().flat_map(long_functions));
    none(&found);
}

#[test]
fn the_median_function_is_small() {
    let mut sizes: Vec<usize> = Vec::new();
    for source in sources("src") {
        let code = &source.product;
        for (at, _) in code.match_indices("fn ") {
            if let Some(open) = body(code, at) {
                sizes.push(code_lines(&code[open..closing(code, open)]));
            }
        }
    }
    sizes.sort_unstable();
    let median = sizes[sizes.len() / 2];
    assert!(median < 12, "the median function has {median} code lines; under 12 is wanted");
}

#[test]
fn long_wide_and_silent_files_are_found() {
    let source = |text: String| Source::new("src/a.rs", &text);
    finds(
        &undocumented(&source("use x;\n".into())).into_iter().collect::<Vec<_>>(),
        "a.rs:1: begin",
    );
    let long = source("x();\n".repeat(FILE + 1));
    finds(&too_long(&long).into_iter().collect::<Vec<_>>(), "401 code lines");
    assert!(too_long(&source("// x\n\n".repeat(FILE) + &"x();\n".repeat(FILE))).is_none());
    finds(&too_wide(&source("\n".to_owned() + &"x".repeat(WIDTH + 1))), "a.rs:2: wider");
    let text = "fn f(x: [u8; 3])\n{\n".to_owned() + &"x();\n".repeat(FUNCTION) + "}\nfn g();\n";
    finds(&long_functions(&source(text.clone())), "a.rs:1: a function of 63 code lines");
    none(&long_functions(&source(text.replace("x();\n", "// x\n"))));
}
