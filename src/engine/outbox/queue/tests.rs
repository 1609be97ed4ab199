//! Lanes, buckets, and who is next.

use super::*;
use crate::case::effect::{Act, Mark, Notice, State};
use crate::case::id::{Bucket, ChannelId, DeskId, Lane, MessageId};

const PROBE: Span = Span::minutes(5);

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn queue() -> Queue {
    let pace = Pace { burst: 2, every: Span::seconds(1) };
    Queue::new(pace, pace)
}

fn row(id: &str, lane: &str, bucket: &str, urgent: bool, n: u32) -> Delivery {
    let channel = ChannelId { desk: DeskId::new("slack"), channel: "C".into() };
    let message = MessageId { channel, message: "1".into() };
    Delivery {
        id: DeliveryId::new(id),
        case: None,
        line: None,
        lane: Lane::new(lane),
        bucket: Bucket::new(bucket),
        urgent,
        order: (at(1), n),
        ready: at(1),
        act: Act::Desk(Notice::Mark { message, mark: Mark::Sent }),
        state: State::Waiting { tried: 0 },
    }
}

fn put(queue: &mut Queue, row: &Delivery) {
    queue.announce(row);
    queue.confirm(row);
}

fn take(queue: &mut Queue, now: i64) -> Option<String> {
    queue.take(at(now), PROBE).map(|next| next.id.0)
}

#[test]
fn what_calls_somebody_goes_before_a_backlog_of_posts() {
    let mut queue = queue();
    put(&mut queue, &row("t1", "t1", "slack:C", true, 1));
    put(&mut queue, &row("x1", "c1", "slack:C", false, 2));
    put(&mut queue, &row("n1", "a9", "slack:C", true, 3));
    assert_eq!(take(&mut queue, 1).as_deref(), Some("n1"));
    assert_eq!(take(&mut queue, 1).as_deref(), Some("t1"));
}

#[test]
fn heads_only_in_order_and_urgent_ones_first() {
    let mut queue = queue();
    put(&mut queue, &row("a1", "a", "slack:C", false, 1));
    put(&mut queue, &row("a2", "a", "slack:C", true, 2));
    put(&mut queue, &row("b1", "b", "slack:C", true, 3));
    assert_eq!(take(&mut queue, 1).as_deref(), Some("b1"));
    assert_eq!(take(&mut queue, 1).as_deref(), Some("a1"));
    assert_eq!(take(&mut queue, 1), None, "one at a time in a lane, and two at once in a bucket");
    queue.remove(&DeliveryId::new("a1"));
    queue.free("a");
    assert_eq!(queue.wake(), Some(at(1)), "a2 has not been looked at");
    assert_eq!(take(&mut queue, 1), None);
    assert_eq!(queue.wake(), Some(at(2)));
    assert_eq!(take(&mut queue, 2).as_deref(), Some("a2"));
}

#[test]
fn what_is_not_on_disk_holds_its_place() {
    let mut queue = queue();
    let (first, second) = (row("a1", "a", "x", false, 1), row("a2", "a", "x", false, 2));
    queue.announce(&first);
    put(&mut queue, &second);
    assert_eq!(take(&mut queue, 1), None);
    queue.announce(&first);
    queue.retract(&first.id);
    assert_eq!(take(&mut queue, 1), None, "another commit may still bring it");
    queue.retract(&first.id);
    assert_eq!(take(&mut queue, 1).as_deref(), Some("a2"));
    assert_eq!(queue.len(), 1);
}

#[test]
fn what_is_over_is_not_remembered() {
    let mut queue = queue();
    for n in 0..100 {
        let (lane, bucket) = (format!("l{n}"), format!("slack:C{n}"));
        let id = format!("a{n}");
        put(&mut queue, &row(&id, &lane, &bucket, false, n));
        let now = i64::from(n) * 10;
        assert_eq!(take(&mut queue, now + 1), Some(id.clone()));
        queue.part(&lane);
        assert!(!queue.merges(&lane));
        queue.remove(&DeliveryId::new(id));
        queue.free(&lane);
        assert!(queue.merges(&lane), "an empty lane begins anew");
    }
    assert!(queue.lanes.is_empty() && queue.places.is_empty());
    assert_eq!(queue.tokens.len(), 1, "full buckets are not kept");
}

#[test]
fn a_lane_that_waits_does_not_hold_others() {
    let mut queue = queue();
    put(&mut queue, &row("a1", "a", "x", false, 1));
    put(&mut queue, &row("b1", "b", "x", false, 2));
    assert_eq!(take(&mut queue, 1).as_deref(), Some("a1"));
    queue.defer(&DeliveryId::new("a1"), at(60));
    queue.free("a");
    assert_eq!(take(&mut queue, 1).as_deref(), Some("b1"));
    queue.remove(&DeliveryId::new("b1"));
    queue.free("b");
    assert_eq!(queue.wake(), Some(at(60)));
    assert_eq!(take(&mut queue, 60).as_deref(), Some("a1"));
    queue.remove(&DeliveryId::new("a1"));
    queue.free("a");
    assert!(queue.lanes.is_empty() && queue.heads.is_empty() && queue.later.is_empty());
}

#[test]
fn stopped_and_dead_ways_are_barred() {
    let mut queue = queue();
    put(&mut queue, &row("c1", "c", "acme", false, 1));
    put(&mut queue, &row("a1", "a", "slack:C", false, 2));
    put(&mut queue, &row("b1", "b", "slack:D", false, 3));
    queue.barred.stopped = true;
    queue.barred.dead.insert("slack".into(), at(10));
    assert_eq!(take(&mut queue, 1), None);
    assert_eq!(queue.wake(), Some(at(10)));
    assert_eq!(take(&mut queue, 10).as_deref(), Some("a1"), "one tries whether it lives again");
    assert_eq!(take(&mut queue, 10), None);
    queue.barred.dead.clear();
    queue.barred.stopped = false;
    assert_eq!(take(&mut queue, 10).as_deref(), Some("c1"));
    assert_eq!(take(&mut queue, 10).as_deref(), Some("b1"));
}
