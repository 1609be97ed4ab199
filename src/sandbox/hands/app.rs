//! Customers of X, Facebook and Instagram, and a colleague of ours there, write in the networks'
//! own apps, which no program can use: what they do, the world does for them.

use super::{ALT, Hands, PICTURE};
use crate::case::model::Audience;
use crate::engine::clock;
use crate::sandbox::cast::{ACCOUNT, US};
use crate::sandbox::pair::Net;
use crate::sandbox::script::How;
use crate::world::World;
use crate::world::square::{Medium, No, Square, SquarePost};

/// A network's own app in somebody's hands.
pub(super) struct App<'h> {
    hands: &'h Hands,
    net: Net,
}

impl Hands {
    pub(super) fn app(&self, net: Net) -> App<'_> {
        App { hands: self, net }
    }
}

fn said(no: No) -> String {
    let why = match no {
        No::NoPerson => "there is no such person",
        No::NoPost => "there is no such post",
        No::NotYours => "that is somebody else's post",
        No::NoMedium => "there is no such picture",
    };
    why.to_owned()
}

/// A post that still stands.
fn find<'s>(square: &'s Square, post: &str) -> Result<&'s SquarePost, String> {
    let found = post.parse().ok().and_then(|id: i64| square.posts.get(&id));
    found.filter(|post| !post.deleted).ok_or_else(|| said(No::NoPost))
}

/// The words of a post and whom they tell: those it names, and whoever it answers.
fn told(square: &Square, author: &str, text: &str, above: Option<&SquarePost>) -> Vec<String> {
    let mut told = square.called(text);
    let answered = above.map(|post| post.author.clone());
    told.extend(answered.filter(|id| !told.contains(id)).into_iter().collect::<Vec<_>>());
    told.retain(|id| id != author);
    told
}

impl App<'_> {
    fn author(&self, who: &str) -> Result<String, String> {
        if who == ACCOUNT {
            return Ok(US.to_owned());
        }
        let player = self.hands.cast.customer(who);
        player.map(|player| player.id.clone()).ok_or_else(|| format!("{who} is no customer here"))
    }

    fn change<T>(&self, what: impl FnOnce(&mut World) -> Result<T, String>) -> Result<T, String> {
        self.hands.shared.change(clock::now(), what)
    }

    /// Writes a post or a message; returns the world's id of it.
    pub(super) fn post(
        &self,
        who: &str,
        text: &str,
        how: &How,
        parent: Option<&str>,
    ) -> Result<String, String> {
        let (author, account) = (self.author(who)?, self.net.account());
        self.change(|world| {
            let square = world.square(account);
            let above = parent.map(|id| find(square, id).cloned()).transpose()?;
            let talk = above.as_ref().filter(|post| post.audience == Audience::Direct);
            let mut post = match how.direct || talk.is_some() {
                true => letter(&author, text, talk)?,
                false => SquarePost {
                    parent: above.as_ref().map(|above| above.id),
                    mentions: told(square, &author, text, above.as_ref()),
                    ..SquarePost::by(&author, text)
                },
            };
            if how.picture {
                post.media = vec![self.picture(world, &author)?];
            }
            world.post(account, post).map(|id| id.to_string()).map_err(said)
        })
    }

    fn picture(&self, world: &mut World, owner: &str) -> Result<String, String> {
        if !self.net.has_pictures() {
            return Err(format!("the demo shows no pictures on {}", self.net.title()));
        }
        let (id, bytes) = (world.mint().to_string(), bytes::Bytes::from_static(PICTURE));
        let medium = Medium {
            id: id.clone(),
            owner: owner.to_owned(),
            mime: "image/png".to_owned(),
            url: format!("{}/media/{id}", self.hands.faces.of(self.net)),
            alt: ALT.to_owned(),
            bytes,
            ..Medium::default()
        };
        world.square(self.net.account()).media.insert(id.clone(), medium);
        Ok(id)
    }

    /// Changes a post.
    pub(super) fn edit(&self, who: &str, post: &str, text: &str) -> Result<(), String> {
        let author = self.author(who)?;
        self.change(|world| {
            let (now, square) = (world.now, world.square(self.net.account()));
            let found = find(square, post)?;
            if !self.net.edits() || found.audience == Audience::Direct {
                return Err(format!("on {} nobody can change that", self.net.title()));
            }
            let id = found.id;
            let new = |post: &mut SquarePost| text.clone_into(&mut post.text);
            square.edit(now, &author, id, new).map_err(said)
        })
    }

    /// Deletes a post.
    pub(super) fn delete(&self, who: &str, post: &str) -> Result<(), String> {
        let author = self.author(who)?;
        self.change(|world| {
            let (now, square) = (world.now, world.square(self.net.account()));
            let found = find(square, post)?;
            if found.audience == Audience::Direct {
                return Err("in the demo no private message is taken back".to_owned());
            }
            let id = found.id;
            square.delete(now, &author, id).map_err(said)
        })
    }
}

/// A message: to us, or of ours to whoever wrote the one it answers.
fn letter(author: &str, text: &str, above: Option<&SquarePost>) -> Result<SquarePost, String> {
    let other = above.filter(|post| post.author != author).map(|post| post.author.as_str());
    let to = if author == US { other.ok_or("to whom?")? } else { US };
    let (audience, mentions) = (Audience::Direct, vec![to.to_owned()]);
    Ok(SquarePost { audience, mentions, ..SquarePost::by(author, text) })
}
