//! Posts that nobody addressed to us, by table: found by rules, with manners, and followed.

use super::bench::{ACME, Bench, answer, each, person, until};
use careline::case::event::{Event, Mention};
use careline::engine::clock;
use careline::listen::{Rule, Rules, Wanted};
use careline::world::square::Person;
use std::sync::Arc;

fn rules() -> Arc<Rules> {
    let texts = |text: &str| vec![text.to_owned()];
    let brand = Wanted {
        name: "brand".into(),
        phrases: texts("acme & co"),
        without: texts("job"),
        per_hour: 500,
        ..Wanted::default()
    };
    let few = Wanted { name: "few".into(), words: texts("lamp"), per_hour: 2, ..Wanted::default() };
    let rules = [brand, few].iter().map(|wanted| Rule::new(wanted).unwrap()).collect();
    Arc::new(Rules::new(rules, &["bob".into(), "bob.test".into()]))
}

/// Somebody else whom nothing keeps away, and three who do not want it.
fn people(bench: &Bench) {
    bench.world.change(clock::now(), |world| {
        let square = world.square(ACME);
        square.join(person("903", "cleo"));
        square.join(Person { bot: true, ..person("904", "robot") });
        square.join(Person { about: "I bake. #NoBot".into(), ..person("905", "shy") });
        square.join(person("906", "foe"));
        square.block("906", "900");
    });
}

fn overheard(bench: &Bench) -> Vec<Mention> {
    bench.notes.mentions().into_iter().filter(|m| m.overheard.is_some()).collect()
}

/// A stream tells nothing of what was before it: post until it is heard.
async fn open(bench: &Bench) {
    let first = async {
        while overheard(bench).is_empty() {
            bench.post("901", "are you there, Acme & Co", |_| ());
            tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        }
    };
    tokio::time::timeout(super::bench::PATIENCE, first).await.expect("the stream to be open");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_addressed_to_us_is_found_and_followed() {
    each(|bench| async move {
        if !bench.habits().listens {
            return;
        }
        people(&bench);
        let driver = bench.driver(&[]);
        driver.heed(rules()).unwrap();
        let (stop, _task) = bench.listen(&driver).await;
        open(&bench).await;
        for (who, text) in [
            ("904", "acme & co by a robot"),
            ("905", "acme & co by somebody shy"),
            ("906", "acme & co by a foe"),
            ("902", "acme & co by one who said never"),
            ("901", "a job at acme & co"),
            ("901", "@acme this is for you, acme & co"),
        ] {
            bench.post(who, text, |_| ());
        }
        for n in 0..4 {
            bench.post("901", &format!("a lamp, number {n}"), |_| ());
        }
        let id = bench.post("903", "I like ACME\n& co <really>", |_| ());
        let heard = bench.heard("<really>").await;
        assert_eq!(heard.overheard.as_deref(), Some("brand"));
        assert_eq!(bench.heard("this is for you").await.overheard, None);
        until("the cap", || {
            overheard(&bench).iter().filter(|m| m.text.raw().contains("lamp")).count() == 2
        })
        .await;
        for unwanted in ["robot", "shy", "foe", "never", "job"] {
            let is = |m: &Mention| m.text.raw().contains(unwanted);
            assert!(!overheard(&bench).iter().any(is), "{unwanted}");
        }
        // It is answered, changed and deleted as any other post.
        driver.deliver(&answer(&heard, "may we help?", "k1")).await.unwrap();
        assert_eq!(bench.sent().len(), 1);
        bench.world.change(clock::now(), |world| {
            let new = |post: &mut careline::world::square::SquarePost| post.text.push_str(" a lot");
            world.square(ACME).edit(clock::now(), "903", id, new).unwrap();
        });
        let is_changed =
            |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().ends_with("a lot"));
        until("the change", || bench.notes.events().iter().any(is_changed)).await;
        bench.world.change(clock::now(), |world| {
            world.square(ACME).delete(clock::now(), "903", id).unwrap();
        });
        let gone = |e: &Event| matches!(e, Event::Withdrawn { post, .. } if *post == heard.post);
        until("the deletion", || bench.notes.events().iter().any(gone)).await;
        stop.cancel();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rules_are_changed_while_it_listens() {
    each(|bench| async move {
        if !bench.habits().listens {
            return;
        }
        people(&bench);
        let driver = bench.driver(&[]);
        let (stop, _task) = bench.listen(&driver).await;
        bench.post("901", "acme & co, too early", |_| ());
        driver.heed(rules()).unwrap();
        open(&bench).await;
        driver.heed(Arc::default()).unwrap();
        bench.post("903", "acme & co, too late", |_| ());
        bench.post("901", "@acme the last word", |_| ());
        bench.heard("the last word").await;
        assert!(!overheard(&bench).iter().any(|m| m.text.raw().contains("too late")));
        stop.cancel();
    })
    .await;
}

/// A hashtag alone needs no public timeline.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn hashtags_are_heard_where_there_is_a_stream_and_where_there_is_none() {
    let tag = Wanted {
        name: "tag".into(),
        hashtags: vec!["AcmeCo".into()],
        per_hour: 500,
        ..Wanted::default()
    };
    let rules = Arc::new(Rules::new(vec![Rule::new(&tag).unwrap()], &[]));
    each(|bench| {
        let rules = rules.clone();
        async move {
            if !bench.habits().listens {
                return;
            }
            people(&bench);
            let more: &[&[(&str, &str)]] = match bench.row.name {
                "mastodon" => &[&[], &[("streaming", "off")], &[("streaming", "sse")]],
                _ => &[&[]],
            };
            for keys in more {
                let driver = bench.driver(keys);
                driver.heed(rules.clone()).unwrap();
                let (stop, task) = bench.listen(&driver).await;
                let before = overheard(&bench).len();
                let found = async {
                    while overheard(&bench).len() == before {
                        bench.post("903", "look at #acmeco!", |_| ());
                        bench.post("903", "look at acmeco and #acmecorner", |_| ());
                        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
                    }
                };
                tokio::time::timeout(super::bench::PATIENCE, found).await.expect("a hashtag");
                let only = |m: &Mention| m.text.raw().contains("#acmeco!");
                assert!(overheard(&bench).iter().all(only));
                stop.cancel();
                task.await.unwrap();
            }
        }
    })
    .await;
}
