//! What happens at both faces while the program dies and rises: two customers write, an agent
//! claims, remarks something for inside, and answers. All of it over the faces' own APIs.

use super::house::{Fine, House};
use careline::sandbox::hands::At;
use careline::sandbox::ledger::{sent, shown, words};
use careline::sandbox::pair::Net;
use careline::sandbox::script::How;
use careline::world::World;
use careline::world::fault::{Fault, Wrong};
use std::time::{Duration, Instant};

/// Anna's posts.
pub const ANNA: [&str; 2] =
    ["@acme my parcel is not here yet", "@acme and it was a birthday present"];
/// What Bilal writes privately.
pub const BILAL: &str = "@acme my address is 12 Harbour Road";
/// The answers, in order: to whom, what.
pub const ANSWERS: [(&str, &str); 3] = [
    ("anna", "We are looking for it, Anna."),
    ("anna", "It is with your neighbour at number 21."),
    ("bilal", "Thank you Bilal, your address is noted."),
];
/// A remark that stays inside.
pub const NOTE: &str = "note the depot mixed up both parcels again";
/// What a colleague says who never speaks to customers.
pub const ASIDE: &str = "our own driver took it home, do not tell her";

/// As it is written: for us alone, or for all.
pub fn how(direct: bool) -> How {
    How { direct, again: false, warning: None, picture: false }
}

/// The thread in which a post was shown first: its channel and first message.
pub fn thread_of(world: &World, post: i64) -> Option<(String, i64)> {
    let (channel, id) = shown(world).get(&post)?.first()?.clone();
    let key = (channel.clone(), id);
    let message = world.offices.values().find_map(|office| office.messages.get(&key))?;
    Some((channel, message.thread.unwrap_or(id)))
}

/// What the story leaves to judge: the posts, in order.
pub struct Told {
    /// Anna's two posts.
    pub anna: Vec<i64>,
    /// Bilal's.
    pub bilal: i64,
}

impl Told {
    /// All posts.
    pub fn posts(&self) -> Vec<i64> {
        self.anna.iter().copied().chain([self.bilal]).collect()
    }
}

/// A face answers so often with an error and does nothing, which we cannot know: it is looked up.
/// Had it done it, its stream would tell before anybody looks.
fn confuse(house: &House, face: &str, call: &str, times: u32) {
    let wrong = Wrong::Status { status: 500, retry_after: None };
    let fault = Fault { face: face.into(), call: call.into(), skip: 0, times, wrong };
    house.demo.shared.change(careline::engine::clock::now(), |w| w.faults.set(fault));
}

/// Customers write; returns when each post is to be seen at the desk.
async fn customers_write(house: &mut House) -> Fine<Told> {
    let hands = house.demo.hands.clone();
    let may_direct = house.demo.pair().net.is_private();
    let mut posts = Vec::new();
    for (who, text, direct) in
        [("anna", ANNA[0], false), ("bilal", BILAL, true), ("anna", ANNA[1], false)]
    {
        let id = hands.post(who, text, &how(direct && may_direct), None).await?;
        posts.push(id.parse::<i64>().map_err(|e| e.to_string())?);
        house.care()?;
    }
    let told = Told { anna: vec![posts[0], posts[2]], bilal: posts[1] };
    for post in told.posts() {
        house.until("a customer's post", |world| thread_of(world, post)).await?;
    }
    Ok(told)
}

/// Maria claims; if it is not to be seen she tries again, as people do.
pub async fn claim(house: &mut House, thread: &At) -> Fine {
    let desk = house.demo.pair().office;
    let claimed = |world: &World| {
        let office = world.offices.get(desk.name())?;
        let root = desk.unstamp(&thread.ts);
        let mut all = office.messages.values().filter(|m| {
            m.app.is_some() && m.channel == thread.channel && Some(m.thread.unwrap_or(m.id)) == root
        });
        all.any(|m| words(m).contains("Maria Okoye looks after")).then_some(())
    };
    for _ in 0..12 {
        house.demo.hands.say("maria", thread, "@careline claim").await?;
        let again = Instant::now() + Duration::from_secs(12);
        while Instant::now() < again {
            house.care()?;
            if claimed(&house.demo.shared.look()).is_some() {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }
    Err(format!("it cannot be claimed\n{}", house.told()))
}

/// An answer of ours with these words, anywhere.
pub fn is_sent(world: &World, words: &str) -> bool {
    world.squares.values().flat_map(sent).any(|post| post.text.contains(words))
}

/// The whole story; returns when nothing is left to be done.
pub async fn play(house: &mut House, confused: bool) -> Fine<Told> {
    let pair = house.demo.pair();
    if confused {
        confuse(house, pair.office.name(), pair.office.posting(), 2);
    }
    let told = customers_write(house).await?;
    if confused {
        // Reading a post is called so too: the first look goes wrong as well. Not at X, where a
        // second post that nobody knows of would be for a person to look at.
        let call = pair.net.posting().trim_start_matches("POST ");
        confuse(house, pair.net.account(), call, if pair.net == Net::X { 1 } else { 2 });
    }
    let hands = house.demo.hands.clone();
    let place = |post: i64| {
        let found = thread_of(&house.demo.shared.look(), post);
        let (channel, root) = found.expect("it was seen before");
        At { channel, ts: pair.office.stamp(root) }
    };
    let (anna, bilal) = (place(told.anna[0]), place(told.bilal));
    claim(house, &anna).await?;
    claim(house, &bilal).await?;
    hands.say("nils", &anna, ASIDE).await?;
    hands.say("maria", &anna, NOTE).await?;
    for (who, text) in ANSWERS {
        hands.say("maria", if who == "anna" { &anna } else { &bilal }, text).await?;
        house.until("an answer", |world| is_sent(world, text).then_some(())).await?;
    }
    house.drained().await?;
    Ok(told)
}
