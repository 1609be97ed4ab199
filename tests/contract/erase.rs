//! Erasing a customer and letting go of what is old.

use super::kit::*;
use careline::case::event::Mention;
use careline::case::forget::tombstone;
use careline::case::id::{AccountId, CaseNo, DeliveryId, EnvelopeId, PostId};
use careline::case::model::{Audience, Body, Case, Contact, Line, Shown, Status};
use careline::case::record::{Key, Record};
use careline::case::rich::Theirs;
use careline::case::time::{Span, Timestamp};
use careline::store::forget::{contacts, forget, retain};
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
    }
}

/// A case with two lines, its contact, posts and a delivery.
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
    };
    let mut shown = delivery(&format!("{no}.0"), (1, 1));
    shown.case = Some(case.no);
    let key = Key::Contact(case.contact.clone());
    let mut rows = vec![
        case_row(case.clone()),
        (key, Some(Record::Contact(Box::new(contact)))),
        delivery_row(shown),
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
    for row in STORES {
        let dir = tempfile::tempdir().unwrap();
        run(async {
            let store = (row.open)(dir.path(), NOW).unwrap();
            let gone = customer(&*store, 1, NAME, None).await;
            customer(&*store, 2, "Somebody", None).await;
            let raw = Record::Quarantine {
                source: "shop".into(),
                why: "odd".into(),
                raw: Theirs::new(format!("{{\"by\":\"{NAME}\",\"text\":\"{WORDS}\"}}")),
                at: NOW,
            };
            let unreadable = Key::Quarantine(EnvelopeId::new("odd"));
            fresh(&*store, put([(unreadable, Some(raw))])).await;
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
            let other = get(&*store, Key::Line(CaseNo(2), 0)).await;
            let Some(Record::Line(line)) = other.record else { panic!("the other one stays") };
            let Body::Mention { mention, .. } = line.body else { panic!("it was a mention") };
            assert_eq!(mention.text.raw(), WORDS);
            assert_eq!(store.check().await.unwrap(), Vec::<String>::new());
            store.close().await.unwrap();
        });
        assert!(!found_in(dir.path(), NAME), "{}: the name is still in a file", row.name);
        assert!(!found_in(dir.path(), "post-1-0"), "{}: the post is still in a file", row.name);
    }
}

#[test]
fn old_closed_cases_go_with_all_that_belongs_to_them() {
    on_all(async |store| {
        let day = Span::days(1);
        let later = NOW + Span::days(100);
        customer(&*store, 1, "old", Some(NOW)).await;
        customer(&*store, 2, "new", Some(later - day)).await;
        customer(&*store, 3, "open", None).await;
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
        ];
        for key in gone {
            assert_eq!(get(&*store, key.clone()).await.record, None, "{key:?}");
        }
        for no in [2, 3] {
            for key in [Key::Case(CaseNo(no)), Key::Line(CaseNo(no), 1)] {
                assert!(get(&*store, key.clone()).await.record.is_some(), "{key:?}");
            }
        }
        assert_eq!(store.last_case().await.unwrap(), CaseNo(3));
    });
}
