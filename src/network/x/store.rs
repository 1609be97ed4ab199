//! The file with a pair of tokens: readable by its owner alone, never half written.

use super::auth::Pair;
use crate::case::time::Timestamp;
use crate::setting::put_private;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;
use std::sync::Arc;

#[derive(Deserialize)]
struct Kept {
    access: SecretString,
    refresh: SecretString,
    ends: i64,
}

/// Reads the pair; `None` if there is no such file.
///
/// # Errors
/// A sentence that names the file and none of its words.
pub(super) async fn read(file: &Path) -> Result<Option<Pair>, String> {
    let text = match tokio::fs::read(file).await {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("cannot read {}: {error}", file.display())),
    };
    let kept: Kept = serde_json::from_slice(&text)
        .map_err(|_| format!("{} holds no tokens that can be read", file.display()))?;
    let Kept { access, refresh, ends } = kept;
    Ok(Some(Pair { access, refresh, ends: Timestamp(ends) }))
}

/// Writes the pair beside the file, makes sure that it is on disk, then puts it in its place.
///
/// # Errors
/// A sentence.
pub(super) async fn write(file: &Path, pair: Arc<Pair>) -> Result<(), String> {
    let file = file.to_owned();
    let shown = file.display().to_string();
    let done =
        tokio::task::spawn_blocking(move || put_private(&file, text(&pair).as_bytes())).await;
    done.map_err(|_| "the writing was broken off".to_owned())?
        .map_err(|error| format!("cannot write {shown}: {error}"))
}

fn text(pair: &Pair) -> String {
    let (access, refresh) = (pair.access.expose_secret(), pair.refresh.expose_secret());
    json!({ "access": access, "refresh": refresh, "ends": pair.ends.0 }).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pair_comes_back_and_belongs_to_its_owner_alone() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("x-tokens.json");
        assert!(read(&file).await.unwrap().is_none());
        for n in 1..3 {
            let (access, refresh) = (format!("a{n}").into(), format!("r{n}").into());
            let pair = Arc::new(Pair { access, refresh, ends: Timestamp(n) });
            write(&file, pair).await.unwrap();
            let back = read(&file).await.unwrap().unwrap();
            assert_eq!(back.refresh.expose_secret(), format!("r{n}"));
            assert_eq!(back.ends, Timestamp(n));
        }
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0);
        std::fs::write(&file, "secret words").unwrap();
        assert!(!read(&file).await.err().unwrap().contains("secret words"));
    }
}
