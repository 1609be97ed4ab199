//! What the command line understands, and with which code it ends.

use super::*;
use crate::setting::Mistake;
use clap::CommandFactory;

#[test]
fn the_command_line_is_consistent() {
    Cli::command().debug_assert();
}

#[test]
fn run_takes_since_and_dry_run() {
    let cli = Cli::try_parse_from(["careline", "run", "--since", "2h", "--dry-run"]).unwrap();
    let Command::Run(args) = cli.command else { panic!("not run") };
    assert_eq!(args.since, Some(Span::hours(2)));
    assert!(args.dry_run);
    assert!(Cli::try_parse_from(["careline", "run", "--since", "soon"]).is_err());
}

#[test]
fn demo_options_arrive_as_they_were_meant() {
    let line = ["careline", "demo", "--port", "4000", "--no-browser", "--json", "--no-daemon"];
    let Command::Demo(args) = Cli::try_parse_from(line).unwrap().command else {
        panic!("not demo")
    };
    let options = DemoOptions::from(args);
    assert_eq!(
        (options.port, options.browser, options.json, options.daemon),
        (4000, false, true, false)
    );
    assert_eq!(options.pair, Pair::default());
    let other = ["careline", "demo", "--network", "bluesky", "--desk", "discord"];
    let Command::Demo(args) = Cli::try_parse_from(other).unwrap().command else {
        panic!("not demo")
    };
    let pair = Pair { net: pair::Net::Bluesky, office: Office::Discord };
    assert_eq!(DemoOptions::from(args).pair, pair);
    assert!(Cli::try_parse_from(["careline", "demo", "--desk", "teams"]).is_err());
    assert!(Cli::try_parse_from(["careline", "demo", "--speed", "0"]).is_err());
}

#[test]
fn mistakes_are_all_said_and_end_with_their_number() {
    let mistake = |line| Mistake { file: "a".into(), line, key: "k".into(), what: "bad".into() };
    let failure = Failure::from(Mistakes(vec![mistake(1), mistake(2)]));
    assert_eq!(failure.to_string(), "a:1: k: bad\na:2: k: bad\n2 mistakes in the configuration");
    assert!(matches!(failure, Failure::Usage(_)));
}
