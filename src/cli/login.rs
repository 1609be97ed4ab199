//! `login`: a person lets careline in by his browser, where a network wants that.

use super::{Failure, ground, wait};
use crate::case::id::AccountId;
use crate::config;
use std::path::Path;

/// Logs an account in.
pub(super) fn login(dir: &Path, account: &str) -> Result<(), Failure> {
    let config = config::load(dir, config::environment, &ground())?;
    let id = AccountId::new(account);
    let found = config.networks.iter().find(|(name, _)| *name == id);
    let (_, network) = found.ok_or_else(|| {
        Failure::Usage(format!("{} has no account {account}", dir.join("careline.toml").display()))
    })?;
    let say = |text: &str| println!("{text}");
    let Some(login) = network.login(&say) else {
        return Err(Failure::Usage(format!("account {account} needs no login")));
    };
    let done = wait(login)?.map_err(Failure::Failed)?;
    println!("{done}");
    Ok(())
}
