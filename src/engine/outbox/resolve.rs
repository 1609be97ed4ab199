//! Puts together all that a driver needs for one act, from the rows as they stand.

use super::Inner;
use crate::case::effect::{Act, Delivery, Notice, Receipt, Reply, State};
use crate::case::event::File;
use crate::case::id::{AccountId, CaseNo, DeliveryId, DeskId, MessageId, PostId, ThreadId};
use crate::case::model::Case;
use crate::case::picture;
use crate::case::record::{Found, Key, Reach};
use crate::case::time::Timestamp;
use crate::engine::settle::Goal;
use crate::net::Failure;
use crate::store::StoreError;
use crate::{desk, network};
use bytes::Bytes;
use std::collections::BTreeSet;

/// A call that is ready to be made.
pub(super) enum Call {
    Desk(DeskId, Box<desk::Outgoing>),
    Network(AccountId, Box<network::Outgoing>),
}

/// Why a call cannot be made.
pub(super) enum Hindrance {
    /// It never will be: for people.
    Never(String),
    /// What it hangs on is on its way.
    Soon,
    /// A file could not be brought.
    File(Failure),
    Store(StoreError),
}

impl From<StoreError> for Hindrance {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// The attempt that a call belongs to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Attempt {
    pub(super) number: u32,
    pub(super) first: Timestamp,
}

fn never<T>(why: &str) -> Result<T, Hindrance> {
    Err(Hindrance::Never(why.to_owned()))
}

impl Call {
    /// Where a post goes, if it is one.
    pub(super) fn goal(&self) -> Option<Goal> {
        let Self::Desk(_, out) = self else { return None };
        match &out.notice {
            Notice::Open { channel, .. } => Some(Goal::Channel(channel.clone())),
            Notice::Post(_) => out.thread.clone().map(Goal::Thread),
            Notice::Tell { .. } | Notice::Amend { .. } | Notice::Mark { .. } => None,
        }
    }

    /// The same call as part of this attempt.
    pub(super) fn at(mut self, attempt: Attempt) -> Self {
        match &mut self {
            Self::Desk(_, out) => (out.attempt, out.first) = (attempt.number, attempt.first),
            Self::Network(_, out) => (out.attempt, out.first) = (attempt.number, attempt.first),
        }
        self
    }
}

impl Inner {
    pub(super) async fn rows(&self, keys: BTreeSet<Key>) -> Result<Found, StoreError> {
        self.store.read(&Reach { keys, query: None }).await
    }

    pub(super) async fn row(&self, id: &DeliveryId) -> Result<(Option<Delivery>, u64), StoreError> {
        let key = Key::Delivery(id.clone());
        let found = self.rows([key.clone()].into()).await?;
        let version = found.records.get(&key).map_or(0, |versioned| versioned.version);
        Ok((found.delivery(id).cloned(), version))
    }

    async fn case(&self, no: Option<CaseNo>) -> Result<Option<Case>, StoreError> {
        let Some(no) = no else { return Ok(None) };
        Ok(self.rows([Key::Case(no)].into()).await?.case(no).cloned())
    }

    /// The receipt of something that went before.
    async fn receipt(&self, id: &DeliveryId, what: &str) -> Result<Receipt, Hindrance> {
        match self.row(id).await?.0.map(|row| row.state) {
            Some(State::Done(receipt)) => Ok(receipt),
            Some(State::Waiting { .. } | State::Attempted { .. }) => Err(Hindrance::Soon),
            Some(State::Dead(_) | State::Parked(_) | State::Dropped) | None => {
                never(&format!("{what} was not posted"))
            }
        }
    }

    /// The call for this row; `merged` go out in the same message. `files` are brought only when
    /// it is to be sent, not when it is only looked for.
    pub(super) async fn resolve(
        &self,
        row: &Delivery,
        merged: Vec<(DeliveryId, Notice)>,
        files: bool,
    ) -> Result<Call, Hindrance> {
        let case = self.case(row.case).await?;
        match &row.act {
            Act::Desk(notice) => self.notice(row, notice, case, merged).await,
            Act::Network(reply) => self.reply(row, reply, case, files).await,
        }
    }

    async fn notice(
        &self,
        row: &Delivery,
        notice: &Notice,
        case: Option<Case>,
        merged: Vec<(DeliveryId, Notice)>,
    ) -> Result<Call, Hindrance> {
        let thread = case.as_ref().and_then(|case| case.thread.clone());
        let mut merged = merged;
        let mut message = None;
        let mut is_outside = matches!(notice, Notice::Open { .. } | Notice::Tell { .. });
        let channel = match notice {
            Notice::Open { channel, .. } | Notice::Tell { channel, .. } => channel.clone(),
            Notice::Mark { message, .. } => message.channel.clone(),
            Notice::Post(_) => match &thread {
                Some(thread) => thread.channel.clone(),
                None => return never("the case has no thread"),
            },
            Notice::Amend { of, .. } => {
                let (place, outside) = self.posted(of, thread.as_ref()).await?;
                is_outside = outside;
                if let Some(case) = &case {
                    merged = self.whole(case, of, &place.message, row).await?;
                }
                message.insert(place).channel.clone()
            }
        };
        if !self.desks.contains_key(&channel.desk) {
            return never(&format!("there is no desk {} in the configuration", channel.desk));
        }
        let out = desk::Outgoing {
            id: row.id.clone(),
            deployment: self.deployment.clone(),
            first: self.clock.now(),
            attempt: 1,
            notice: notice.clone(),
            thread: thread.filter(|_| !is_outside),
            message,
            merged,
        };
        Ok(Call::Desk(channel.desk, Box::new(out)))
    }

    /// Where the message stands that a delivery posted, and whether that is outside any thread.
    async fn posted(
        &self,
        of: &DeliveryId,
        thread: Option<&ThreadId>,
    ) -> Result<(MessageId, bool), Hindrance> {
        let receipt = self.receipt(of, "the message that this changes").await?;
        let (channel, outside) = match self.row(of).await?.0.map(|row| row.act) {
            Some(Act::Desk(Notice::Tell { channel, .. })) => (channel, true),
            Some(Act::Desk(Notice::Open { channel, .. })) => (channel, false),
            _ => match thread {
                Some(thread) => (thread.channel.clone(), false),
                None => return never("the case has no thread"),
            },
        };
        Ok((MessageId { channel, message: receipt.remote }, outside))
    }

    async fn reply(
        &self,
        row: &Delivery,
        reply: &Reply,
        case: Option<Case>,
        with_files: bool,
    ) -> Result<Call, Hindrance> {
        let account = reply.target.account.clone();
        if !self.networks.contains_key(&account) {
            return never(&format!("there is no account {account} in the configuration"));
        }
        let parent = match &reply.after {
            Some(part) => PostId::new(self.receipt(part, "the part before").await?.remote),
            None => reply.target.post.clone(),
        };
        let files = if with_files { self.bring(reply, case.as_ref()).await? } else { Vec::new() };
        let out = network::Outgoing {
            id: row.id.clone(),
            key: format!("{}-{}", self.deployment, row.id),
            first: self.clock.now(),
            attempt: 1,
            reply: reply.clone(),
            parent,
            files,
        };
        Ok(Call::Network(account, Box::new(out)))
    }

    async fn bring(
        &self,
        reply: &Reply,
        case: Option<&Case>,
    ) -> Result<Vec<(File, Bytes)>, Hindrance> {
        let mut all = Vec::new();
        for file in &reply.files {
            let place = case.map(|case| case.thread.as_ref().map_or(&case.channel, |t| &t.channel));
            let Some(desk) = place.and_then(|place| self.desks.get(&place.desk)) else {
                return never("the desk that has its files is not in the configuration");
            };
            let limit = crate::case::limits::CALL;
            let brought = super::super::clock::within(&*self.clock, limit, desk.fetch(file)).await;
            let away = || Failure::Later { after: None, why: "a file did not arrive".into() };
            let bytes = brought.unwrap_or_else(|| Err(away())).map_err(Hindrance::File)?;
            let bare = picture::bare(&bytes)
                .map_err(|_| Hindrance::File(Failure::Never("a picture is damaged".into())))?;
            all.push((file.clone(), bare.into()));
        }
        Ok(all)
    }
}
