//! Sending one part of a reply once, and looking for one that may have been sent. Meta knows no key
//! with a comment or a message: what may stand there is looked for by our own id, words and time,
//! in Messenger also by the metadata of its echo.

use super::call::{Asked, Trouble, is_gone};
use super::hear::{LETTER, Us, instant};
use super::say::{self, Surface};
use super::wire::{Conversation, Page, Post, Written};
use super::{Kind, Meta};
use crate::case::effect::{Change, Receipt};
use crate::case::time::{Span, Timestamp};
use crate::network::{Failure, Looked, Outgoing};
use serde_json::{Value, json};

/// How far before the first try a post may be dated: clocks differ, and Meta tells whole seconds.
const SLACK: Span = Span::minutes(2);
/// Pages that a look reads: 100 comments each, 25 conversations each.
const PAGES: usize = 5;
/// What a look asks of a message. Of a conversation only the 20 newest can be read ("Conversations
/// API").
const LETTERS: &str = "messages.limit(20){id,created_time,from,message}";

impl Meta {
    pub(super) async fn send(&self, out: &Outgoing) -> Result<Receipt, Failure> {
        if let Some(change) = &out.reply.change {
            return self.change(change).await;
        }
        let us = self.us().await.map_err(Trouble::before_writing)?;
        say::check(out, &self.limits, &us.id)?;
        let by_person = say::by_person(out, self.human_agent, self.caller.now())?;
        let parent = out.parent.as_str();
        let words = json!({ "message": out.reply.text.as_str() });
        let asked = match (say::surface(out), self.kind) {
            (Surface::Comment, Kind::Facebook) => Asked::post(format!("/{parent}/comments"), words),
            (Surface::Comment, Kind::Instagram) => Asked::post(format!("/{parent}/replies"), words),
            (Surface::Named, _) => Asked::post(format!("/{}/mentions", us.id), say::named(out)),
            (Surface::Letter | Surface::Private, kind) => {
                let body = say::message(kind, &us.id, out, by_person);
                Asked::post(format!("/{}/messages", us.id), body)
            }
        };
        let written: Written = self.caller.call(&asked).await.map_err(Trouble::writing)?;
        let odd = || Failure::Unsure("Meta does not say which comment it made".into());
        match (written.message_id, written.id) {
            (Some(id), _) => Ok(self.letter_receipt(&id.0, self.caller.now())),
            (None, Some(id)) => Ok(self.receipt(&id.0, None, self.caller.now())),
            (None, None) => Err(odd()),
        }
    }

    pub(super) fn letter_receipt(&self, id: &str, at: Timestamp) -> Receipt {
        Receipt { remote: format!("{LETTER}{id}"), url: None, at }
    }

    fn receipt(&self, id: &str, url: Option<String>, at: Timestamp) -> Receipt {
        let by_id = || (self.kind == Kind::Facebook).then(|| format!("{}/{id}", self.app));
        Receipt { remote: id.to_owned(), url: url.or_else(by_id), at }
    }

    /// Deletes a comment of ours. What is gone already is deleted.
    async fn change(&self, change: &Change) -> Result<Receipt, Failure> {
        let Change::Delete { post } = change else {
            return Err(Failure::Never("careline cannot change comments at Meta".into()));
        };
        if !say::is_id(post.as_str()) {
            return Err(Failure::Never("Meta lets no message be deleted by an app".into()));
        }
        let done: Result<Value, Trouble> =
            self.caller.call(&Asked::delete(format!("/{post}"))).await;
        match done {
            Err(trouble) if !is_gone(&trouble) => Err(trouble.writing()),
            _ => Ok(self.receipt(post.as_str(), None, self.caller.now())),
        }
    }

    pub(super) async fn search(&self, out: &Outgoing) -> Looked {
        let found = match &out.reply.change {
            Some(Change::Delete { post } | Change::Edit { post, .. }) => {
                self.is_gone(post.as_str()).await
            }
            None => self.found(out).await,
        };
        match found {
            Ok(Some(receipt)) => Looked::There(receipt),
            Ok(None) => Looked::Absent,
            Err(trouble) => Looked::Unclear(trouble.why()),
        }
    }

    async fn is_gone(&self, id: &str) -> Result<Option<Receipt>, Trouble> {
        let there: Result<Value, Trouble> =
            self.caller.call(&Asked::get(format!("/{id}")).with(&[("fields", "id")])).await;
        match there {
            Ok(_) => Ok(None),
            Err(trouble) if is_gone(&trouble) => {
                Ok(Some(self.receipt(id, None, self.caller.now())))
            }
            Err(trouble) => Err(trouble),
        }
    }

    async fn found(&self, out: &Outgoing) -> Result<Option<Receipt>, Trouble> {
        if let Some(receipt) = self.talks().echoes.get(&out.key) {
            return Ok(Some(receipt.clone()));
        }
        match say::surface(out) {
            Surface::Comment => self.comment(out).await,
            Surface::Letter => {
                let to = out.reply.target.contact.remote.as_str();
                self.letter(out, say::is_id(to).then_some(to)).await
            }
            // Whoever commented has another id in conversations: all of the newest are read.
            Surface::Private => self.letter(out, None).await,
            Surface::Named => Err(Trouble::Broken(
                "Instagram does not show careline the comments below other people's posts".into(),
            )),
        }
    }

    /// Below which comment the answers to this one are listed: there are two levels, and whatever
    /// answers the second stands there too. `None` if it is gone, or no id.
    async fn top(&self, us: &Us, id: &str) -> Result<Option<String>, Trouble> {
        if !say::is_id(id) {
            return Ok(None);
        }
        let field = match self.kind {
            // A post of the Page is no comment.
            Kind::Facebook if id.starts_with(&format!("{}_", us.id)) => {
                return Ok(Some(id.to_owned()));
            }
            Kind::Facebook => "parent{id}",
            Kind::Instagram => "parent_id",
        };
        let asked = Asked::get(format!("/{id}")).with(&[("fields", field)]);
        let post: Post = match self.caller.call(&asked).await {
            Err(trouble) if is_gone(&trouble) => return Ok(None),
            done => done?,
        };
        let above = post.parent.map(|parent| parent.id.0).or(post.parent_id.map(|id| id.0));
        Ok(Some(above.filter(|id| say::is_id(id)).unwrap_or_else(|| id.to_owned())))
    }

    /// Looks through what stands below the comment, newest first. One that is gone has nothing.
    async fn comment(&self, out: &Outgoing) -> Result<Option<Receipt>, Trouble> {
        let us = self.us().await?;
        let Some(parent) = self.top(us, out.parent.as_str()).await? else { return Ok(None) };
        let asked = || match self.kind {
            Kind::Facebook => Asked::get(format!("/{parent}/comments")).with(&[
                ("filter", "stream"),
                ("order", "reverse_chronological"),
                ("limit", "100"),
                ("fields", "id,from,message,created_time,permalink_url"),
            ]),
            Kind::Instagram => Asked::get(format!("/{parent}/replies"))
                .with(&[("limit", "100"), ("fields", "id,from,username,text,timestamp")]),
        };
        let (mut hits, mut after) = (Vec::new(), None::<String>);
        for _ in 0..PAGES {
            let asked = match &after {
                Some(after) => asked().with(&[("after", after)]),
                None => asked(),
            };
            let page: Page<Post> = match self.caller.call(&asked).await {
                Err(trouble) if is_gone(&trouble) => return Ok(None),
                done => done?,
            };
            after = page.paging.after().map(str::to_owned);
            let late = |at: &Option<String>| is_late(at.as_deref(), out);
            let is_it =
                |p: &Post| us.is_ours(p) && late(&p.created_time) && say::is_text(&p.message, out);
            hits.extend(page.data.into_iter().filter(is_it));
            if after.is_none() {
                break;
            }
        }
        if hits.len() > 1 {
            tracing::error!(account = %self.account, delivery = %out.id, posts = hits.len(),
                "double: the same reply stands more than once on the network");
        }
        let oldest = hits.iter().min_by(|a, b| a.created_time.cmp(&b.created_time));
        Ok(oldest.map(|it| {
            let at = it.created_time.as_deref().and_then(instant);
            let at = at.unwrap_or_else(|| self.caller.now());
            self.receipt(&it.id.0, it.permalink_url.clone(), at)
        }))
    }

    /// Looks through the newest messages: of one person, or of whoever was written to last.
    async fn letter(&self, out: &Outgoing, to: Option<&str>) -> Result<Option<Receipt>, Trouble> {
        let us = self.us().await?;
        let asked = Asked::get(format!("/{}/conversations", us.id));
        let asked = asked.with(&[("platform", self.kind.platform()), ("fields", LETTERS)]);
        let asked = match to {
            Some(to) => asked.with(&[("user_id", to)]),
            None => asked,
        };
        let page: Page<Conversation> = self.caller.call(&asked).await?;
        let letters = page.data.into_iter().flat_map(|talk| talk.messages).flat_map(|m| m.data);
        let mut hits: Vec<(Timestamp, String)> = letters
            .filter(|letter| letter.from.as_ref().is_some_and(|from| from.id.0 == us.id))
            .filter(|letter| is_late(letter.created_time.as_deref(), out))
            .filter(|letter| say::is_text(&letter.message, out))
            .filter_map(|letter| {
                Some((letter.created_time.as_deref().and_then(instant)?, letter.id.0))
            })
            .collect();
        hits.sort();
        Ok(hits.first().map(|(at, id)| self.letter_receipt(id, *at)))
    }
}

/// Was it written after the first try began?
fn is_late(at: Option<&str>, out: &Outgoing) -> bool {
    at.and_then(instant).is_some_and(|at| at >= out.first - SLACK)
}
