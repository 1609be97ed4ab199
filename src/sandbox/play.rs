//! Plays a [`Script`] on a [`Stage`]. The same script can be played at several heights: with
//! `decide` alone, with an engine over simple drivers, and in the demo over HTTP.

use super::script::{Act, Expect, Script, Step};
use crate::case::time::Span;
use crate::inbox::Task;

/// Where a script is played.
pub trait Stage: Send {
    /// Somebody does something.
    ///
    /// # Errors
    /// A sentence: it cannot be done.
    fn act<'a>(&'a mut self, act: &'a Act) -> Task<'a, Result<(), String>>;

    /// Waits until this is seen, for as long as is fair at this height.
    ///
    /// # Errors
    /// A sentence: what is there instead.
    fn expect<'a>(&'a mut self, what: &'a Expect) -> Task<'a, Result<(), String>>;

    /// Lets time pass.
    fn wait(&mut self, span: Span) -> Task<'_, ()>;

    /// The narrator speaks.
    fn say(&mut self, _words: &str) {}

    /// So many steps are done, of so many.
    fn progress(&mut self, _done: usize, _of: usize) {}
}

/// A step that failed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}:{line}: {what}")]
pub struct Broken {
    /// The script.
    pub name: String,
    /// The line, from 1.
    pub line: usize,
    /// What was wrong.
    pub what: String,
}

/// Plays all steps; ends at the first that fails.
///
/// # Errors
/// The step that failed, with its line.
pub async fn play(script: &Script, stage: &mut dyn Stage) -> Result<(), Broken> {
    for (done, (line, step)) in script.steps.iter().enumerate() {
        stage.progress(done, script.steps.len());
        let result = match step {
            Step::Act(act) => stage.act(act).await,
            Step::Expect(what) => {
                stage.expect(what).await.map_err(|seen| format!("expected that {what}; {seen}"))
            }
            Step::Wait(span) => {
                stage.wait(*span).await;
                Ok(())
            }
            Step::Say(words) => {
                stage.say(words);
                Ok(())
            }
        };
        result.map_err(|what| Broken { name: script.name.clone(), line: *line, what })?;
    }
    stage.progress(script.steps.len(), script.steps.len());
    Ok(())
}
