//! Does every surface mean the same? One table of verbs feeds them all.

use careline::case::command::{About, VERBS, parse};
use careline::config::Tables;
use std::collections::BTreeSet;

/// The words of an example as each surface hands them over: a person types loosely, a button holds
/// them as they are, a form puts its text behind the words it was opened with.
fn as_said(example: &str) -> [String; 4] {
    let (verb, rest) = example.split_once(' ').unwrap_or((example, ""));
    [
        example.to_owned(),
        format!("  {}   {rest} ", verb.to_uppercase()),
        format!("\n{example}\n"),
        format!("{verb} {}", rest.trim()),
    ]
}

#[test]
fn every_surface_hands_over_the_same_words() {
    for verb in VERBS {
        let wanted = parse(verb.example).unwrap_or_else(|misuse| panic!("{}", misuse.0));
        for said in as_said(verb.example) {
            let got = parse(&said).unwrap_or_else(|misuse| panic!("{said:?}: {}", misuse.0));
            assert_eq!(got.verb.name, wanted.verb.name, "{said:?}");
            assert_eq!((got.case, got.rest), (wanted.case, wanted.rest), "{said:?}");
        }
    }
}

#[test]
fn every_example_fits_the_smallest_button() {
    // Discord's `custom_id` takes 100 characters (documentation, Message Components).
    let long: Vec<_> = VERBS.iter().filter(|verb| verb.example.chars().count() > 100).collect();
    assert!(long.is_empty());
}

#[test]
fn no_verb_is_the_beginning_of_anothers_name_and_a_case_is_named_where_one_is_needed() {
    let names: BTreeSet<&str> = VERBS.iter().map(|verb| verb.name).collect();
    assert_eq!(names.len(), VERBS.len(), "each name once");
    for verb in VERBS {
        assert!(verb.name.chars().all(|c| c.is_ascii_lowercase()), "{}", verb.name);
        assert_eq!(verb.example.contains("#42"), verb.about == About::Case, "{}", verb.name);
    }
}

#[test]
fn what_each_desk_is_told_of_the_verbs_names_them_all() {
    let names: Vec<&str> = VERBS.iter().map(|verb| verb.name).collect();
    let made: Vec<_> = Tables::all().desks.iter().filter_map(|row| row.made.as_ref()).collect();
    assert!(!made.is_empty(), "no desk makes anything from the verbs");
    for file in made {
        let text = (file.text)(&names);
        let missing: Vec<_> = names.iter().filter(|name| !text.contains(**name)).collect();
        assert!(missing.is_empty(), "{} leaves out {missing:?}", file.file);
    }
}
