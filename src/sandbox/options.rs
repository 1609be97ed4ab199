//! What can be asked of the demo; the command line fills it in.

use super::pair::Pair;
use std::path::PathBuf;

/// How the demo shall run.
#[derive(Clone, Debug, PartialEq)]
pub struct DemoOptions {
    /// Port of the page on loopback; 0 takes a free one.
    pub port: u16,
    /// Open the page in a browser when ready.
    pub browser: bool,
    /// Print one line of JSON when ready: the page's URL first, then each face's base URL, tokens,
    /// channel and account names.
    pub json: bool,
    /// Start the daemon too; `false` starts only the faces.
    pub daemon: bool,
    /// The network that is shown, and the desk where new cases go.
    pub pair: Pair,
    /// A script to play instead of waiting for visitors.
    pub script: Option<PathBuf>,
    /// How many times faster than life scripts are played.
    pub speed: f64,
}
