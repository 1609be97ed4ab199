//! Loud and quiet customers side by side, as every store tells it.

use super::kit::{NOW, case, fresh, on_all, put};
use careline::case::id::PostId;
use careline::case::model::{Body, Case, Contact, Line, Status};
use careline::case::record::{Key, Record};
use careline::case::time::{Span, Timestamp};
use careline::engine::fairness::groups;
use careline::store::Store;

fn customer(case: &Case, followers: Option<u64>) -> Contact {
    Contact {
        id: case.contact.clone(),
        handle: case.handle.clone(),
        name: case.name.clone(),
        url: None,
        newest: Some(case.no),
        cases: 1,
        wrote: 1,
        first: NOW,
        same: Vec::new(),
        blocked: None,
        noise: 0,
        profile: None,
        reach: followers,
    }
}

/// A case that waits, or was answered after a while.
async fn keep(store: &dyn Store, mut case: Case, followers: Option<u64>, after: Option<Span>) {
    let contact = customer(&case, followers);
    let mut rows = vec![(Key::Contact(contact.id.clone()), Record::Contact(Box::new(contact)))];
    if let Some(after) = after {
        (case.lines, case.answered, case.status) = (1, Some(0), Status::Answered);
        let body = Body::Own { post: PostId::new("p"), text: "Sorry!".into(), url: None };
        let line = Line { case: case.no, seq: 0, at: case.opened + after, body };
        rows.push((Key::Line(case.no, 0), Record::Line(Box::new(line))));
    }
    rows.push((Key::Case(case.no), Record::Case(Box::new(case))));
    let rows = rows.into_iter().map(|(key, record)| (key, Some(record)));
    fresh(store, put(rows)).await;
}

#[test]
fn whoever_still_waits_counts_and_whoever_was_no_customer_does_not() {
    on_all(async |store| {
        let minutes = |n| Some(Span::minutes(n));
        keep(&*store, case(1), Some(7), minutes(20)).await;
        keep(&*store, case(2), Some(90_000), minutes(2)).await;
        keep(&*store, case(3), Some(7), None).await;
        keep(&*store, case(4), None, minutes(5)).await;
        let noise = Case { tags: vec!["not-ours".into()], ..case(5) };
        keep(&*store, noise, Some(7), None).await;
        keep(&*store, Case { unasked: true, ..case(6) }, Some(7), None).await;
        let old = Case { opened: NOW - Span::days(40), ..case(7) };
        keep(&*store, old, Some(7), None).await;

        let now = NOW + Span::hours(3);
        let told = groups(&*store, NOW - Span::days(30), now).await.unwrap();
        let told: Vec<_> =
            told.iter().map(|g| (g.followers(), g.cases, g.answered, g.p90)).collect();
        let want = [
            ("7".to_owned(), 2, 50, Some(Span::hours(3))),
            ("90000".to_owned(), 1, 100, minutes(2)),
            ("not told".to_owned(), 1, 100, minutes(5)),
        ];
        assert_eq!(told, want);
        assert_eq!(groups(&*store, Timestamp(0), now).await.unwrap()[0].cases, 3);
    });
}
