//! A post of ours is given other words, or deleted. Both can be repeated without harm.

use super::super::{Failure, Looked, Outgoing};
use super::client::Unread;
use super::say;
use super::wire::Status;
use super::{Mastodon, send};
use crate::case::effect::{Change, Receipt};
use reqwest::Method;

impl Mastodon {
    /// Sources: <https://docs.joinmastodon.org/methods/statuses/#edit>, `#delete` (404: it is not
    /// there, which is what was wanted).
    pub(super) async fn change(&self, out: &Outgoing, change: &Change) -> Result<Receipt, Failure> {
        let now = (self.client.ground.now)();
        let (method, post) = match change {
            Change::Edit { post, .. } => (Method::PUT, post),
            Change::Delete { post } => (Method::DELETE, post),
        };
        let path = ["api", "v1", "statuses", post.as_str()];
        let url = self.client.address(&path, &[]).map_err(say::broken)?;
        let mut request = self.client.request(method, url);
        if matches!(change, Change::Edit { .. }) {
            request = request.form(&say::edited(out)?);
        }
        let answer = self.client.call(request).await.map_err(say::broken)?;
        let gone = matches!(change, Change::Delete { .. }) && answer.status == 404;
        if !answer.is_success() && !gone {
            return Err(match say::refusal(&answer, now) {
                // The customer's post is not what is missing here.
                Failure::Gone(why) => Failure::Never(why),
                other => other,
            });
        }
        Ok(Receipt { remote: post.as_str().to_owned(), url: None, at: now })
    }

    /// Was it done? Of an edit nobody need know: the same words once more change nothing.
    pub(super) async fn changed(&self, change: &Change) -> Looked {
        let Change::Delete { post } = change else { return Looked::Absent };
        let path = ["api", "v1", "statuses", post.as_str()];
        match self.client.get::<Status>(&path, &[]).await {
            Ok(_) => Looked::Absent,
            Err(Unread::Absent) => {
                let at = (self.client.ground.now)();
                Looked::There(Receipt { remote: post.as_str().to_owned(), url: None, at })
            }
            Err(unread) => Looked::Unclear(send::why(unread)),
        }
    }
}
