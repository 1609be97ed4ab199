//! A post of ours is deleted again (X's documentation, "Delete Post"). No app changes words on X.

use super::call::{Asked, Trouble};
use super::send::Found;
use super::wire::{Page, Tweet};
use super::{X, money, say};
use crate::case::effect::{Change, Receipt};
use crate::network::Failure;
use reqwest::Method;
use serde_json::Value;

impl X {
    /// Deletes a post of ours. What is gone already is deleted.
    pub(super) async fn change(&self, change: &Change) -> Result<Receipt, Failure> {
        let Change::Delete { post } = change else {
            return Err(Failure::Never("X lets no app change a post".into()));
        };
        if !say::is_id(post.as_str()) {
            return Err(Failure::Never("careline cannot take a direct message back".into()));
        }
        let asked = Asked { method: Method::DELETE, ..Asked::get(format!("/2/tweets/{post}")) };
        let done = self.caller.call::<Value>(&asked).await.map_err(Trouble::writing);
        match done {
            Ok(_) | Err(Failure::Gone(_)) => Ok(self.receipt(post.as_str(), false, None)),
            Err(failure) => Err(failure),
        }
    }

    /// Was this change done?
    pub(super) async fn changed(&self, change: &Change) -> Result<Found, Trouble> {
        let (Change::Delete { post } | Change::Edit { post, .. }) = change;
        if !say::is_id(post.as_str()) {
            return Ok(Found::Nothing);
        }
        let asked = Asked::get(format!("/2/tweets/{post}"));
        let page: Page<Tweet> = self.caller.call(&asked).await?;
        self.books.read(
            money::OWNED,
            page.data.iter().map(|t| t.id.as_str()),
            self.caller.line.now(),
        );
        Ok(match (page.data, page.errors.is_empty()) {
            (None, false) => Found::It(self.receipt(post.as_str(), false, None)),
            _ => Found::Nothing,
        })
    }
}
