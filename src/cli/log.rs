//! The log: to standard error, colours only on a terminal, and never a token in it.

use super::{Failure, LogFormat};
use regex::Regex;
use std::io::{self, IsTerminal, Write};
use std::sync::LazyLock;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::{self, MakeWriter};
use tracing_subscriber::layer::{Layer, SubscriberExt};
use tracing_subscriber::registry::Registry;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{EnvFilter, registry};

/// Starts the log.
pub(super) fn start(format: LogFormat, filter: &str) -> Result<(), Failure> {
    let colours = io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    let layer = layer(format, filter, colours, io::stderr)?;
    // A second start in one process keeps the first log.
    let _ = registry().with(layer).try_init();
    Ok(())
}

/// The log as a layer: what is asked for, without what is never logged, redacted.
fn layer<W>(
    format: LogFormat,
    filter: &str,
    colours: bool,
    to: W,
) -> Result<Box<dyn Layer<Registry> + Send + Sync>, Failure>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let wanted = EnvFilter::try_new(filter).map_err(|e| {
        Failure::Usage(format!("the log filter is not understood ({e}); try `info`"))
    })?;
    let lines = fmt::layer().with_writer(Redacting(to)).with_ansi(colours);
    let lines = match format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
    };
    // slack-morphism logs socket addresses with their tickets when a connection fails, and whole
    // messages at trace; what matters of it our own driver says.
    let quiet = filter_fn(|meta| !meta.target().starts_with("slack_morphism"));
    Ok(lines.with_filter(quiet).with_filter(wanted).boxed())
}

/// Whatever looks like a credential, in any text.
static TOKENS: LazyLock<Regex> = LazyLock::new(|| {
    let shapes = [
        r#"(?i:xox[a-z]|xapp)-[^\s"'\\&,)]+"#,
        r#"(?i:bearer|bot|basic)[ :]+[A-Za-z0-9._~+/=-]{16,}"#,
        r#"(?i:ticket|access_token|client_secret|token)=[^\s"'\\&,)]+"#,
    ];
    Regex::new(&shapes.join("|")).expect("written here and tested below")
});

/// The text without credentials.
fn redact(text: &str) -> std::borrow::Cow<'_, str> {
    TOKENS.replace_all(text, "[redacted]")
}

/// A writer that sees whole events and lets no credential through.
struct Redacting<W>(W);

/// One event on its way.
struct Line<W: Write> {
    to: W,
    text: Vec<u8>,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for Redacting<W> {
    type Writer = Line<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        Line { to: self.0.make_writer(), text: Vec::new() }
    }
}

impl<W: Write> Write for Line<W> {
    fn write(&mut self, part: &[u8]) -> io::Result<usize> {
        self.text.extend_from_slice(part);
        Ok(part.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        let text = String::from_utf8_lossy(&self.text).into_owned();
        self.text.clear();
        self.to.write_all(redact(&text).as_bytes())
    }
}

impl<W: Write> Drop for Line<W> {
    fn drop(&mut self) {
        // The log has nobody to tell that it cannot be written.
        let _ = self.flush();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl Write for Kept {
        fn write(&mut self, part: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(part);
            Ok(part.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(format: LogFormat, say: impl FnOnce()) -> String {
        let kept = Kept::default();
        let to = kept.clone();
        let layer = layer(format, "trace", false, move || to.clone()).unwrap();
        tracing::subscriber::with_default(registry().with(layer), say);
        String::from_utf8(kept.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn no_token_is_ever_logged() {
        let tokens = [
            "xoxb-2345-abcDEF",
            "xoxp-99-zz",
            "xapp-1-A0-secret",
            "Bearer abcdefghijklmnop.qrs",
            "ticket=11-22-hush",
        ];
        for format in [LogFormat::Text, LogFormat::Json] {
            for token in tokens {
                let text = logged(format, || tracing::info!(url = token, "went to {token} now"));
                let secret = token.rsplit(['-', ' ', '=']).next().unwrap();
                assert!(!text.contains(secret), "{token}: {text}");
                assert!(text.contains("[redacted]") && text.contains("now"), "{token}: {text}");
            }
        }
    }

    #[test]
    fn plain_words_stay_as_they_are() {
        for text in ["the bearer waits", "a token is dead", "bot: claim #4", "opened case #12"] {
            assert_eq!(redact(text), text);
        }
    }

    #[test]
    fn the_slack_library_says_nothing() {
        let text = logged(LogFormat::Text, || {
            tracing::error!(target: "slack_morphism::socket_mode", "wss://x/?ticket=1");
            tracing::info!("ours");
        });
        assert!(!text.contains("wss") && text.contains("ours"), "{text}");
    }

    #[test]
    fn json_is_one_object_a_line() {
        let text = logged(LogFormat::Json, || tracing::info!(case = 4, "opened"));
        let line: serde_json::Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(line["message"], "opened");
        assert_eq!(line["case"], 4);
    }

    #[test]
    fn a_filter_that_is_not_understood_is_a_usage_mistake() {
        let wrong = layer(LogFormat::Text, "careline=loud=very", false, io::sink).err();
        assert!(matches!(wrong, Some(Failure::Usage(_))), "{wrong:?}");
    }
}
