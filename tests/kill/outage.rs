//! The program is away while customers go on writing and an agent goes on answering; then it comes
//! back. 200 posts, or 2,000 with `CARELINE_KILL=all`; the time between them is left out.

use super::house::{Fine, House};
use super::story::{claim, how, thread_of};
use careline::sandbox::cast::{ACCOUNT, DESK};
use careline::sandbox::hands::At;
use careline::sandbox::ledger::{sent, shown};
use careline::sandbox::pair::Pair;
use careline::world::World;
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

/// Those who write while nobody hears them.
const CROWD: [&str; 7] = ["anna", "chioma", "diego", "elsa", "farah", "goran", "hana"];
/// What is answered meanwhile.
const ANSWERS: [&str; 3] = ["First of three.", "Second of three.", "Third of three."];

/// Posts by customer, in order.
type Written = BTreeMap<&'static str, Vec<i64>>;

async fn everybody_writes(house: &House, count: usize) -> Fine<Written> {
    let mut written = Written::new();
    for n in 0..count {
        let who = CROWD[n % CROWD.len()];
        let text = format!("@acme number {n}, is anybody there?");
        let id = house.demo.hands.post(who, &text, &how(false), None).await?;
        written.entry(who).or_default().push(id.parse().map_err(|_| "no id".to_owned())?);
    }
    Ok(written)
}

/// Where a post stands at the desk: its thread, its message, and its place in that.
fn place(world: &World, post: i64) -> Option<(i64, i64, usize)> {
    let (channel, id) = shown(world).get(&post)?.first()?.clone();
    let message = world.offices.get(DESK)?.messages.get(&(channel, id))?;
    let at = message.blocks.to_string().find(&format!("/{post}"))?;
    Some((message.thread.unwrap_or(id), id, at))
}

async fn all_shown(house: &mut House, written: &Written) -> Fine {
    let count: usize = written.values().map(Vec::len).sum();
    // A channel takes a message a second, and ten posts go into one.
    let deadline = Instant::now() + Duration::from_secs(120 + count as u64 / 4);
    loop {
        house.care()?;
        let seen = {
            let shown = shown(&house.demo.shared.look());
            written.values().flatten().filter(|post| shown.contains_key(post)).count()
        };
        match seen == count {
            true => return Ok(()),
            false if Instant::now() > deadline => {
                return Err(format!("{seen} of {count} are shown\n{}", house.told()));
            }
            false => tokio::time::sleep(Duration::from_millis(500)).await,
        }
    }
}

/// Each once, each customer in one thread, each thread in the order in which he wrote.
fn judge(world: &World, written: &Written) -> Vec<String> {
    let mut wrong = Vec::new();
    let shown = shown(world);
    for (who, posts) in written {
        let twice = posts.iter().filter(|post| shown.get(post).map_or(0, BTreeSet::len) != 1);
        wrong.extend(twice.map(|post| format!("{who}: {post} is not shown once")));
        let places: Vec<_> = posts.iter().filter_map(|post| place(world, *post)).collect();
        if !places.is_sorted() {
            wrong.push(format!("{who} is not in order: {places:?}"));
        }
        let threads: BTreeSet<i64> = places.iter().map(|(thread, ..)| *thread).collect();
        if threads.len() != 1 {
            wrong.push(format!("{who} has {} threads", threads.len()));
        }
    }
    let square = world.squares.get(ACCOUNT).expect("the network");
    let sent: Vec<&str> = sent(square).map(|post| post.text.as_str()).collect();
    let right = sent.len() == 3 && sent.iter().zip(ANSWERS).all(|(post, text)| post.contains(text));
    if !right {
        wrong.push(format!("answers: {sent:?}"));
    }
    wrong
}

async fn outage(count: usize) -> Fine {
    let mut house = House::build(Pair::default()).await;
    house.start(None);
    let hands = house.demo.hands.clone();
    let bilal = hands.post("bilal", "@acme where is my tent?", &how(false), None).await?;
    let bilal: i64 = bilal.parse().map_err(|_| "no id".to_owned())?;
    let place = house.until("a post", |world| thread_of(world, bilal)).await?;
    let thread = At { channel: place.0, ts: house.demo.pair().office.stamp(place.1) };
    claim(&mut house, &thread).await?;
    house.kill();
    let written = everybody_writes(&house, count).await?;
    for text in ANSWERS {
        hands.say("maria", &thread, text).await?;
    }
    let began = Instant::now();
    house.start(None);
    all_shown(&mut house, &written).await?;
    house.drained().await?;
    println!("{count} posts and 3 answers caught up with in {:.0?}", began.elapsed());
    house.stop().await?;
    let wrong = judge(&house.demo.shared.look(), &written);
    house.demo.end().await;
    if wrong.is_empty() { house.verify() } else { Err(wrong.join("\n")) }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_happened_while_it_was_away_is_caught_up_with() {
    let all = std::env::var("CARELINE_KILL").is_ok_and(|wanted| wanted == "all");
    let done = outage(if all { 2_000 } else { 200 }).await;
    assert!(done.is_ok(), "{}", done.unwrap_err());
}
