//! Erasing a customer and letting go of what is old.

use super::kit::*;
use careline::case::effect::{Act, Delivery, Notice, Receipt, State};
use careline::case::event::Mention;
use careline::case::forget::tombstone;
use careline::case::id::{AccountId, CaseNo, DeliveryId, EnvelopeId, PostId};
use careline::case::model::{Audience, Body, Case, Contact, Line, Shown, Status};
use careline::case::record::{Key, Record};
use careline::case::rich::{Rich, Theirs};
use careline::case::time::{Span, Timestamp};
use careline::store::forget::{contacts, forget};
use careline::store::retain::retain;
use careline::store::{STORES, Store};
use std::path::Path;

const NAME: &str = "Canary-Kanarienvogel";
const WORDS: &str = "my-parcel-sings-in-yellow";

fn mention(case: &Case, post: &str) -> Mention {
    Mention {
        contact: case.contact.clone(),
        handle: case.handle.clone(),
        name: case.name.clone(),
        author_url: Some(format!("https://example.org/{}", case.handle.raw())),
        avatar: None,
        post: PostId::new(post),
        parent: None,
        conversation: "conv".into(),
        audience: Audience::Public,
        text: Theirs::new(WORDS),
        warning: None,
        media: Vec::new(),
        url: None,
        written: NOW,
        language: None,
        no_reply: None,
        overheard: None,
        reach: None,
    }
}

const WAITING: State = State::Waiting { tried: 0 };

/// A notice that quotes him.
fn quoting(id: DeliveryId, state: State) -> Delivery {
    let mut notice = delivery(id.as_str(), (NOW.0, 0));
    if let Act::Desk(Notice::Tell { note, .. }) = &mut notice.act {
        note.words = Rich::of("It reads").quote(&Theirs::new(NAME));
    }
    Delivery { state, ..notice }
}

/// A case with two lines, its contact, posts, conversation and a delivery.
async fn customer(store: &dyn Store, no: u64, name: &str, closed: Option<Timestamp>) -> Case {
    let mut case = case(no);
    (case.name, case.handle) = (Theirs::new(name), Theirs::new(name));
    (case.lines, case.sent) = (2, 1);
    (case.closed, case.status) = (closed, closed.map_or(Status::Open, |_| Status::Closed));
    let contact = Contact {
        id: case.contact.clone(),
        handle: case.handle.clone(),
        name: case.name.clone(),
        url: None,
        newest: Some(case.no),
        cases: 1,
        wrote: 2,
        first: NOW,
        same: Vec::new(),
        blocked: None,
        noise: 0,
        profile: None,
        reach: None,
    };
    let mut shown = delivery(&format!("{no}.0"), (1, 1));
    shown.case = Some(case.no);
    let key = Key::Contact(case.contact.clone());
    let talk = Key::Conversation(AccountId::new("shop"), "conv".into());
    let mut talks = match get(store, talk.clone()).await.record {
        Some(Record::Conversation(all)) => all,
        _ => Vec::new(),
    };
    talks.push(case.no);
    let mut rows = vec![
        case_row(case.clone()),
        (key, Some(Record::Contact(Box::new(contact)))),
        delivery_row(shown),
        (talk, Some(Record::Conversation(talks))),
    ];
    for seq in 0..2 {
        let post = format!("post-{no}-{seq}");
        let body = Body::Mention {
            mention: Box::new(mention(&case, &post)),
            shown: Shown { by: DeliveryId::new(format!("{no}.0")), amend: None },
            edits: 0,
        };
        let line = Line { case: case.no, seq, at: NOW, body };
        rows.push((Key::Line(case.no, seq), Some(Record::Line(Box::new(line)))));
        let post = Key::Post(AccountId::new("shop"), PostId::new(post));
        rows.push((post, Some(Record::Post(case.no, seq))));
    }
    fresh(store, with_log(with_envelope(put(rows), &format!("e{no}")), Some(no))).await;
    case
}

/// Does any file below hold these bytes?
fn found_in(dir: &Path, bytes: &str) -> bool {
    std::fs::read_dir(dir).unwrap().any(|entry| {
        let path = entry.unwrap().path();
        if path.is_dir() {
            return found_in(&path, bytes);
        }
        let content = std::fs::read(path).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes.as_bytes())
    })
}

#[test]
fn nothing_of_an_erased_customer_is_left_but_a_keyed_mark() {
    for room in STORES.iter().filter_map(|row| room(row)) {
        run(async {
            let store = room.open();
            let gone = customer(&*store, 1, NAME, None).await;
            customer(&*store, 2, "Somebody", None).await;
            let raw = Record::Quarantine {
                source: "shop".into(),
                why: "odd".into(),
                raw: Theirs::new(format!("{{\"by\":\"{NAME}\",\"text\":\"{WORDS}\"}}")),
                at: NOW,
            };
            let unreadable = Key::Quarantine(EnvelopeId::new("odd"));
            let done = State::Done(Receipt { remote: "7.7".into(), url: None, at: NOW });
            let shown = quoting(DeliveryId::unreadable(NOW, CaseNo(9)), done);
            let waits = quoting(DeliveryId::unreadable(NOW, CaseNo(10)), WAITING);
            let quoted = [(unreadable.clone(), Some(raw)), delivery_row(shown.clone())];
            fresh(&*store, put(quoted.into_iter().chain([delivery_row(waits.clone())]))).await;
            let who = contacts(&*store, "shop", NAME).await.unwrap();
            assert_eq!(who, std::slice::from_ref(&gone.contact));
            assert_eq!(forget(&*store, &who[0], NOW).await.unwrap(), 1);
            assert_eq!(forget(&*store, &who[0], NOW).await.unwrap(), 0, "again is harmless");
            let grave = Key::Tombstone(tombstone(&store.identity().salt, &gone.contact));
            assert!(get(&*store, grave).await.record.is_some());
            for seq in 0..2 {
                let post = PostId::new(format!("post-1-{seq}"));
                let post = get(&*store, Key::Post(AccountId::new("shop"), post)).await;
                assert_eq!(post.record, None);
            }
            assert_eq!(get(&*store, unreadable).await.record, None);
            let row = |id: DeliveryId| get(&*store, Key::Delivery(id));
            let Some(Record::Delivery(waits)) = row(waits.id).await.record else { panic!() };
            assert_eq!(waits.state, State::Dropped);
            let taken = DeliveryId::new(format!("{}.erased", shown.id));
            let Some(Record::Delivery(taken)) = row(taken).await.record else { panic!() };
            assert!(taken.state.is_pending(), "the desk is told to take the words off");
            assert!(matches!(&taken.act, Act::Desk(Notice::Amend { of, .. }) if *of == shown.id));
            let talk = get(&*store, Key::Conversation(AccountId::new("shop"), "conv".into())).await;
            assert_eq!(talk.record, Some(Record::Conversation(vec![CaseNo(2)])));
            let other = get(&*store, Key::Line(CaseNo(2), 0)).await;
            let Some(Record::Line(line)) = other.record else { panic!("the other one stays") };
            let Body::Mention { mention, .. } = line.body else { panic!("it was a mention") };
            assert_eq!(mention.text.raw(), WORDS);
            assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
            store.close().await.unwrap();
        });
        for words in [NAME, "post-1-0"] {
            let kept = found_in(room.dir.path(), words) || room.tables_hold(words);
            assert!(!kept, "{}: {words} is still there", room.row.name);
        }
    }
}

fn odd(name: &str) -> Key {
    Key::Quarantine(EnvelopeId::new(name))
}

/// What belongs to no case: old, and from `kept`.
fn apart(kept: Timestamp) -> Vec<(Key, Option<Record>)> {
    let raw = |at| Record::Quarantine {
        source: "shop".into(),
        why: "odd".into(),
        raw: Theirs::new("?"),
        at,
    };
    let notice = |id: &str, at: Timestamp, state| {
        delivery_row(Delivery { state, ..delivery(id, (at.0, 0)) })
    };
    vec![
        (odd("old"), Some(raw(NOW))),
        (odd("new"), Some(raw(kept))),
        notice("q1.1", NOW, State::Dropped),
        notice("f1.1", NOW, State::Dead("no".into())),
        notice("f2.1", NOW, WAITING),
        notice("q3.1", kept, State::Dropped),
    ]
}

#[test]
fn old_closed_cases_go_with_all_that_belongs_to_them() {
    on_all(async |store| {
        let day = Span::days(1);
        let later = NOW + Span::days(100);
        customer(&*store, 1, "old", Some(NOW)).await;
        customer(&*store, 2, "new", Some(later - day)).await;
        customer(&*store, 3, "open", None).await;
        fresh(&*store, put(apart(later - day))).await;
        for expected in [1, 0] {
            assert_eq!(retain(&*store, Span::days(90), later).await.unwrap(), expected);
        }
        let gone = [
            Key::Case(CaseNo(1)),
            Key::Line(CaseNo(1), 0),
            Key::Line(CaseNo(1), 1),
            Key::Contact(contact("r1")),
            Key::Delivery(DeliveryId::new("1.0")),
            Key::Post(AccountId::new("shop"), PostId::new("post-1-1")),
            odd("old"),
            Key::Delivery(DeliveryId::new("q1.1")),
            Key::Delivery(DeliveryId::new("f1.1")),
        ];
        for key in gone {
            assert_eq!(get(&*store, key.clone()).await.record, None, "{key:?}");
        }
        let waits = Key::Delivery(DeliveryId::new("f2.1"));
        for key in [odd("new"), waits, Key::Delivery(DeliveryId::new("q3.1"))] {
            assert!(get(&*store, key.clone()).await.record.is_some(), "{key:?}");
        }
        let talk = get(&*store, Key::Conversation(AccountId::new("shop"), "conv".into())).await;
        assert_eq!(talk.record, Some(Record::Conversation(vec![CaseNo(2), CaseNo(3)])));
        let envelopes = store.envelopes(None, 9).await.unwrap();
        let envelopes: Vec<&str> = envelopes.iter().map(|(id, _)| id.as_str()).collect();
        assert_eq!(envelopes, ["e2", "e3"], "what came in for a case stays as long as the case");
        let log = store.log(0, 9).await.unwrap();
        let of: Vec<_> = log.iter().map(|entry| entry.case).collect();
        assert_eq!(of, [Some(CaseNo(2)), Some(CaseNo(3))]);
        for no in [2, 3] {
            for key in [Key::Case(CaseNo(no)), Key::Line(CaseNo(no), 1)] {
                assert!(get(&*store, key.clone()).await.record.is_some(), "{key:?}");
            }
        }
        assert_eq!(store.last_case().await.unwrap(), CaseNo(3));
    });
}
