//! Is every network as good as the others? One suite over the table, each driver against its own
//! face over TCP.

mod bench;
mod overheard;

pub use bench::*;

use careline::case::event::Event;
use careline::case::id::{AccountId, ContactId, PostId};
use careline::case::model::Audience;
use careline::case::rich::Theirs;
use careline::case::time::Timestamp;
use careline::engine::clock;
use careline::net::{Failure, Looked, Stopped};
use careline::world::fault::Wrong;
use careline::world::square::SquarePost;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mention_is_heard_once_with_all_that_a_card_shows() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        let habits = bench.habits();
        let audience = if habits.private { Audience::Direct } else { Audience::Public };
        let id = bench.post("901", "@acme it is broken", |post| {
            post.audience = audience;
            post.warning = Some("a rant".into());
        });
        let mention = bench.heard("it is broken").await;
        let us = AccountId::new(ACME);
        let remote = mention.contact.remote.clone();
        assert_eq!(mention.contact, ContactId { account: us, remote });
        assert!(mention.contact.remote.starts_with(habits.ann.0));
        assert_eq!(mention.handle.raw(), habits.ann.1);
        assert_eq!(mention.audience, audience);
        assert_eq!(mention.warning.as_ref().map_or("", Theirs::raw), habits.warning);
        assert!(mention.url.is_some() && mention.parent.is_none());
        assert!(mention.written > Timestamp(0) && id > 0);
        // Several more sweeps bring nothing twice.
        bench.post("902", "@acme another", |_| ());
        bench.heard("another").await;
        assert_eq!(bench.notes.mentions().len(), 2);
        stop.cancel();
        assert_eq!(task.await.unwrap(), Stopped::Asked);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_start_begins_at_now_and_a_later_one_where_it_ended() {
    each(|bench| async move {
        bench.post("901", "@acme long ago", |_| ());
        // Servers tell times in thousandths of a second.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        bench.post("901", "@acme first", |_| ());
        bench.heard("first").await;
        stop.cancel();
        task.await.unwrap();
        for n in 0..200 {
            bench.post("901", &format!("@acme while away {n:03}"), |_| ());
        }
        let before = bench.notes.before_cursors("/mentions").len();
        let (stop, task) = bench.listen(&bench.driver(&[])).await;
        until("all of them", || bench.notes.mentions().len() >= 201).await;
        let heard: Vec<String> =
            bench.notes.mentions().iter().skip(1).map(|m| m.text.raw().to_owned()).collect();
        let want: Vec<String> = (0..200).map(|n| format!("@acme while away {n:03}")).collect();
        assert_eq!(heard, want);
        stop.cancel();
        task.await.unwrap();
        // Pages of 80, of which the cursor leaves the newest 40 behind: no move before the first
        // page is safe.
        let moves = bench.notes.before_cursors("/mentions");
        assert!(
            moves.iter().skip(before.max(1)).all(|mentions| *mentions >= 80),
            "too early: {moves:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn edits_deletions_and_answers_of_colleagues_are_heard() {
    each(|bench| async move {
        let (stop, _task) = bench.listen(&bench.driver(&[])).await;
        let id = bench.post("901", "@acme help", |_| ());
        let mention = bench.heard("help").await;
        bench.post("900", "@ann@elsewhere.example by hand", |post| post.parent = Some(id));
        bench.world.change(clock::now(), |world| {
            let new = |post: &mut SquarePost| post.text = "@acme help at once".into();
            world.square(ACME).edit(clock::now(), "901", id, new).unwrap();
        });
        until("the edit", || {
            let is = |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().contains("at once"));
            bench.notes.events().iter().any(is)
        })
        .await;
        until("the colleague's answer", || {
            let is = |e: &Event| {
                matches!(e, Event::OwnPost(o) if o.text.contains("by hand")
                    && o.parent.as_ref() == Some(&mention.post))
            };
            bench.notes.events().iter().any(is)
        })
        .await;
        bench.world.change(clock::now(), |world| {
            world.square(ACME).delete(clock::now(), "901", id).unwrap();
        });
        until("the deletion", || {
            let is =
                |e: &Event| matches!(e, Event::Withdrawn { post, .. } if *post == mention.post);
            bench.notes.events().iter().any(is)
        })
        .await;
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_reaches_its_customer_and_is_found_again() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        let id = bench.post("901", "@acme help", |post| {
            post.audience = Audience::Unlisted;
            post.warning = Some("w".into());
        });
        let out =
            answer(&bench.heard("help").await, "Try again:\n\nhttps://x.example/a/b?c=1", "k1");
        assert_eq!(driver.look(&out).await, Looked::Absent);
        let receipt = driver.deliver(&out).await.unwrap();
        let sent = bench.sent();
        assert_eq!(sent.len(), 1);
        assert_eq!((sent[0].parent, &sent[0].mentions[..]), (Some(id), &["901".into()][..]));
        if bench.habits().private {
            assert_eq!(sent[0].audience, Audience::Unlisted);
            assert_eq!(sent[0].warning.as_deref(), Some("w"));
        }
        let Looked::There(found) = driver.look(&out).await else { panic!("not found again") };
        assert_eq!(found.remote, receipt.remote);
        let mut next = answer(&bench.heard("help").await, "the second part", "k2");
        next.parent = PostId::new(receipt.remote);
        driver.deliver(&next).await.unwrap();
        assert_eq!(bench.sent()[1].parent, Some(sent[0].id));
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_result_is_said_to_be_unknown_and_found_by_looking() {
    for wrong in [
        Wrong::DoneThenCut,
        Wrong::DoneThenHtml,
        Wrong::DoneThenStatus { status: 502 },
        Wrong::DoneThenSilence { millis: 100 },
    ] {
        each(|bench| {
            let wrong = wrong.clone();
            async move {
                let driver = bench.driver(&[]);
                let (stop, _task) = bench.listen(&driver).await;
                bench.post("901", "@acme help", |_| ());
                let out = answer(&bench.heard("help").await, "here", "k1");
                bench.fault(bench.habits().post, 1, wrong.clone());
                let failed = driver.deliver(&out).await;
                assert!(matches!(failed, Err(Failure::Unsure(_))), "{wrong:?}: {failed:?}");
                let found = driver.look(&out).await;
                assert!(matches!(found, Looked::There(_)), "{wrong:?}: {found:?}");
                assert_eq!(bench.sent().len(), 1);
                stop.cancel();
            }
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_are_told_apart() {
    let busy = |status, after: Option<&str>| Wrong::Status {
        status,
        retry_after: after.map(str::to_owned),
    };
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, task) = bench.listen(&driver).await;
        let id = bench.post("901", "@acme help", |_| ());
        let mention = bench.heard("help").await;
        let out = answer(&mention, "here", "k1");
        bench.fault(bench.habits().post, 1, busy(429, Some("7")));
        let Err(Failure::Later { after, .. }) = driver.deliver(&out).await else { panic!() };
        assert_eq!(after.map(|a| a.0), Some(7_000_000));
        bench.fault(bench.habits().post, 1, busy(500, None));
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Unsure(_))));
        assert_eq!(driver.look(&out).await, Looked::Absent);
        let long = answer(&mention, &"x".repeat(9_000), "k2");
        assert!(matches!(driver.deliver(&long).await, Err(Failure::Never(_))));
        if bench.habits().private {
            // Where a handle in the text is a call, a third person's is refused.
            let third = answer(&mention, "ask @bob", "k3");
            assert!(matches!(driver.deliver(&third).await, Err(Failure::Never(_))));
        }
        bench.world.change(clock::now(), |world| {
            world.square(ACME).delete(clock::now(), "901", id).unwrap();
        });
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Gone(_))));
        assert!(bench.sent().is_empty());
        bench.fault("", 0, Wrong::DeadToken);
        assert!(matches!(driver.deliver(&out).await, Err(Failure::Dead(_))));
        assert!(matches!(task.await.unwrap(), Stopped::Dead(_)));
        assert!(bench.notes.is_dead());
        drop(stop);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_is_away_costs_nothing_but_time() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.fault("GET ", 3, Wrong::Status { status: 503, retry_after: None });
        bench.fault("GET ", 2, Wrong::Cut);
        bench.post("901", "@acme in the storm", |_| ());
        bench.heard("in the storm").await;
        stop.cancel();
        let nobody = Bench::new(bench.row, "").await.at("http://127.0.0.1:9");
        let out = answer(&bench.heard("in the storm").await, "here", "k1");
        let failed = nobody.driver(&[]).deliver(&out).await;
        assert!(matches!(failed, Err(Failure::Later { .. })), "{failed:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_secret_that_was_replaced_needs_no_restart() {
    each(|bench| async move {
        let place = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(place.path(), "an old token").unwrap();
        let from = format!("file:{}", place.path().display());
        // X's tokens change by themselves, and are kept in a file of their own.
        if bench.row.name == "x" {
            return;
        }
        let key = if bench.row.name == "bluesky" { "password" } else { "token" };
        let driver = bench.driver(&[(key, &from)]);
        let (_stop, task) = bench.listen(&driver).await;
        assert!(matches!(task.await.unwrap(), Stopped::Dead(_)));
        std::fs::write(place.path(), secret("").unwrap()).unwrap();
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "@acme are you there", |_| ());
        let out = answer(&bench.heard("are you there").await, "yes", "k1");
        driver.deliver(&out).await.unwrap();
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_write_that_takes_effect_after_its_caller_went_away_is_found() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "@acme help", |_| ());
        let out = answer(&bench.heard("help").await, "here", "k1");
        bench.fault(bench.habits().post, 1, Wrong::Late { millis: 700 });
        let given_up = tokio::time::timeout(Duration::from_millis(250), driver.deliver(&out)).await;
        assert!(given_up.is_err(), "nobody has answered yet");
        assert_eq!(driver.look(&out).await, Looked::Absent);
        until("the late effect", || bench.sent().len() == 1).await;
        let mut found = driver.look(&out).await;
        for _ in 0..100 {
            if found != Looked::Absent {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            found = driver.look(&out).await;
        }
        assert!(matches!(found, Looked::There(_)), "{found:?}");
        assert_eq!(bench.sent().len(), 1, "looking sends nothing");
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_probe_says_what_works_and_what_does_not() {
    each(|bench| async move {
        let driver = bench.driver(&[]);
        let found = driver.probe().await;
        assert!(found.len() >= 4 && found.iter().all(|f| f.result.is_ok()), "{found:?}");
        bench.fault("", 0, Wrong::DeadToken);
        let found = bench.driver(&[]).probe().await;
        assert!(found.iter().any(|f| f.result.is_err()), "{found:?}");
        assert!(bench.sent().is_empty());
    })
    .await;
}
