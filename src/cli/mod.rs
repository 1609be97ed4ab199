//! The command line: what can be asked, in which words it answers, with which exit code.
//!
//! 0 is done, 1 is not done, 2 is a mistake in the question or in the configuration. Answers go
//! to standard output, the log and what went wrong to standard error.

mod audit;
mod check;
mod data;
mod init;
mod log;
mod login;
mod migrate;
mod report;
mod run;
mod score;
mod serve;
mod signals;

use crate::case::time::Span;
use crate::config::StoreWiring;
use crate::engine::clock;
use crate::net::{Ground, Net};
use crate::sandbox::DemoOptions;
use crate::sandbox::pair::{self, Office, Pair};
use crate::setting::Mistakes;
use crate::store::{STORES, Store, StoreError};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::fmt;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

/// Brings what customers say in public into a thread at the team's desk, and carries the team's
/// answer back.
#[derive(Debug, Parser)]
#[command(name = "careline", version, about, max_term_width = 100)]
struct Cli {
    /// How the log is written, to standard error.
    #[arg(long, global = true, value_enum, default_value_t, env = "CARELINE_LOG_FORMAT")]
    log: LogFormat,
    /// What is logged: `info`, `careline=debug`, …
    #[arg(long, global = true, default_value = "info", env = "CARELINE_LOG")]
    log_filter: String,
    #[command(subcommand)]
    command: Command,
}

/// How the log is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum LogFormat {
    /// For people.
    #[default]
    Text,
    /// For machines, one object a line.
    Json,
}

/// Where the configuration lies.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
struct Where {
    /// The directory of the configuration.
    #[arg(long, value_name = "DIR", default_value = "bot-config", env = "CARELINE_CONFIG")]
    config: PathBuf,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs until it is told to stop.
    Run(RunArgs),
    /// Shows all of it on this machine alone: a network, a desk, the daemon and a page.
    Demo(DemoArgs),
    /// Reads the configuration and names every mistake.
    Check {
        #[command(flatten)]
        place: Where,
        /// Tries each token and permission too; writes nothing.
        #[arg(long)]
        live: bool,
    },
    /// Lets you log in to a network by your browser, where a token is not enough.
    Login {
        #[command(flatten)]
        place: Where,
        /// The account, by its name in careline.toml.
        account: String,
    },
    /// Asks some questions and writes a configuration that works.
    Init {
        #[command(flatten)]
        place: Where,
        /// Replaces files that are there.
        #[arg(long)]
        force: bool,
    },
    /// Erases a customer from the store; what comes again from him is not imported.
    Forget {
        #[command(flatten)]
        place: Where,
        /// The account he wrote to, by its name in careline.toml.
        account: String,
        /// His id on the network, or his handle.
        #[arg(value_name = "ID|HANDLE")]
        who: String,
    },
    /// Prints cases, messages and log.
    Export {
        #[command(flatten)]
        place: Where,
        /// As lines of JSON; there is no other form, and it is taken for granted.
        #[arg(long)]
        json: bool,
    },
    /// Prints who did what, when and from where; nobody's words.
    Audit {
        #[command(flatten)]
        place: Where,
        /// Only this case.
        #[arg(long, value_name = "NUMBER")]
        case: Option<u64>,
        /// Only what this agent did, by his id at the desk.
        #[arg(long, value_name = "ID")]
        agent: Option<String>,
        /// As lines of JSON.
        #[arg(long)]
        json: bool,
    },
    /// Prints tables about the work.
    Report {
        #[command(flatten)]
        place: Where,
        /// `rules`: how often each rule called somebody, and when last.
        what: Report,
    },
    /// Reads an export into an empty store.
    Import {
        #[command(flatten)]
        place: Where,
        /// The export.
        file: PathBuf,
    },
    /// Takes all of the store over into the empty one of another configuration, and compares both.
    Migrate {
        #[command(flatten)]
        place: Where,
        /// The directory of the configuration that names the new store.
        #[arg(long, value_name = "DIR")]
        to: PathBuf,
    },
    /// Holds the store against itself: records, indexes, queues.
    Verify {
        #[command(flatten)]
        place: Where,
    },
    /// The score that learns: measures it on files, explains, exports or resets it.
    Score(score::ScoreArgs),
    /// Replays a timeline and prints each burst as a line of JSON.
    Bursts {
        /// Lines of JSON with `created_at` and `brand`, and perhaps `topic`, `score`, `text`.
        #[arg(long, value_name = "FILE")]
        events: PathBuf,
    },
}

/// What can be reported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Report {
    /// Rules of `escalation.toml`, and what else calls somebody.
    Rules,
    /// Loud and quiet customers side by side: answers and waiting, by followers.
    Fairness,
}

/// What `run` can be told.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
struct RunArgs {
    #[command(flatten)]
    place: Where,
    /// Sends nothing to customers; all else works.
    #[arg(long)]
    dry_run: bool,
    /// At the first start also brings mentions of this long ago: `2h`.
    #[arg(long, value_name = "TIME", value_parser = span)]
    since: Option<Span>,
}

/// What `demo` can be told.
#[derive(Clone, Debug, PartialEq, Args)]
struct DemoArgs {
    /// Port of the page; 0 takes a free one.
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// Does not open a browser.
    #[arg(long)]
    no_browser: bool,
    /// Prints one line of JSON when ready.
    #[arg(long)]
    json: bool,
    /// Starts only the faces, for another daemon to be pointed at them.
    #[arg(long)]
    no_daemon: bool,
    /// The network that is shown first: mastodon, bluesky, x, facebook or instagram. All are there.
    #[arg(long, default_value = "mastodon")]
    network: pair::Net,
    /// The desk where new cases go: slack or discord. Both are there.
    #[arg(long, default_value = "slack")]
    desk: Office,
    /// Plays this script.
    #[arg(long, value_name = "FILE")]
    script: Option<PathBuf>,
    /// How many times faster than life scripts are played.
    #[arg(long, default_value_t = 1.0, value_parser = speed)]
    speed: f64,
}

impl From<DemoArgs> for DemoOptions {
    fn from(args: DemoArgs) -> Self {
        Self {
            port: args.port,
            browser: !args.no_browser,
            json: args.json,
            daemon: !args.no_daemon,
            pair: Pair { net: args.network, office: args.desk },
            script: args.script,
            speed: args.speed,
        }
    }
}

fn span(text: &str) -> Result<Span, String> {
    Span::parse(text).ok_or_else(|| "a length of time is such as 30min, 2h or 7days".into())
}

fn speed(text: &str) -> Result<f64, String> {
    let speed = text.parse::<f64>().ok().filter(|n| (0.01..=10_000.0).contains(n));
    speed.ok_or_else(|| "a speed is a number from 0.01 to 10000".into())
}

/// Why a command was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Failure {
    /// The question or the configuration is wrong: exit code 2.
    Usage(String),
    /// It did not work: exit code 1.
    Failed(String),
    /// It did not work, and all was said already: exit code 1.
    Told,
}

impl From<Mistakes> for Failure {
    fn from(Mistakes(all): Mistakes) -> Self {
        let lines: Vec<String> = all.iter().map(ToString::to_string).collect();
        let count = match all.len() {
            1 => "1 mistake".into(),
            n => format!("{n} mistakes"),
        };
        Self::Usage(format!("{}\n{count} in the configuration", lines.join("\n")))
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(text) | Self::Failed(text) => f.write_str(text),
            Self::Told => Ok(()),
        }
    }
}

impl Failure {
    fn code(&self) -> ExitCode {
        match self {
            Self::Usage(_) => ExitCode::from(2),
            Self::Failed(_) | Self::Told => ExitCode::from(1),
        }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Failed(error.to_string())
    }
}

/// Opens the store that the configuration names.
fn open_store(wiring: &StoreWiring) -> Result<Arc<dyn Store>, Failure> {
    let row = STORES.iter().find(|row| row.name == wiring.kind);
    let row = row.ok_or_else(|| Failure::Usage(format!("there is no store {}", wiring.kind)))?;
    Ok((row.open)(&wiring.place, clock::now())?)
}

/// What all drivers stand on outside the sandbox.
fn ground() -> Ground {
    Ground { net: Net::new(false), now: clock::system() }
}

/// Does what the command line asks.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Ring is the only provider that is built in; a second install is refused and harmless.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if let Err(failure) = log::start(cli.log, &cli.log_filter).and_then(|()| dispatch(cli.command))
    {
        if failure != Failure::Told {
            eprintln!("careline: {failure}");
        }
        return failure.code();
    }
    ExitCode::SUCCESS
}

fn dispatch(command: Command) -> Result<(), Failure> {
    match command {
        Command::Check { place, live } => check::check(&place.config, live),
        Command::Login { place, account } => login::login(&place.config, &account),
        Command::Init { place, force } => init::init(&place.config, force),
        Command::Forget { place, account, who } => data::forget(&place.config, &account, &who),
        Command::Export { place, json: _ } => data::export(&place.config),
        Command::Audit { place, case, agent, json } => {
            audit::audit(&place.config, &audit::Only { case, agent }, json)
        }
        Command::Report { place, what: Report::Rules } => report::rules(&place.config),
        Command::Report { place, what: Report::Fairness } => report::fairness(&place.config),
        Command::Import { place, file } => data::import(&place.config, &file),
        Command::Migrate { place, to } => migrate::migrate(&place.config, &to),
        Command::Verify { place } => data::verify(&place.config),
        Command::Score(args) => score::score(&args),
        Command::Bursts { events } => score::bursts(&events),
        Command::Run(args) => run::run(&args),
        Command::Demo(args) => demo(args.into()),
    }
}

/// Shows the demo until a signal comes.
fn demo(options: DemoOptions) -> Result<(), Failure> {
    wait(async {
        let stop = tokio_util::sync::CancellationToken::new();
        let mut signals = signals::Signals::listen()?;
        let shown = crate::sandbox::demo(options, stop.clone());
        let shown = signals.around(shown, &stop, || ()).await?;
        shown.map_err(|error| Failure::Failed(error.to_string()))
    })?
}

/// Runs a future to its end on all cores.
fn wait<T>(future: impl Future<Output = T>) -> Result<T, Failure> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|e| Failure::Failed(format!("cannot start threads: {e}")))?;
    let result = runtime.block_on(future);
    // A stuck blocking job must not hold up the end; the store was closed before.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    Ok(result)
}

#[cfg(test)]
mod tests;
