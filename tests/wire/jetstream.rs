//! Jetstream dies, and another server of it goes on: nothing is lost between the two, neither what
//! was addressed to us nor what was overheard.

use crate::contract::networks::{ACME, Bench, until};
use careline::listen::{Rule, Rules, Wanted};
use careline::network::bluesky::NETWORK;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// A way to a server that can be cut, with all that goes through it.
struct Way {
    base: String,
    opened: Arc<AtomicUsize>,
    carrying: JoinHandle<()>,
}

impl Way {
    async fn to(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("ws://{}", listener.local_addr().unwrap());
        let server = server.trim_start_matches("http://").to_owned();
        let opened = Arc::new(AtomicUsize::new(0));
        let count = opened.clone();
        let carrying = tokio::spawn(async move {
            // Dropped with this task, and every connection with it.
            let mut all = JoinSet::new();
            while let Ok((mut near, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::SeqCst);
                let server = server.clone();
                all.spawn(async move {
                    let mut far = TcpStream::connect(server).await?;
                    tokio::io::copy_bidirectional(&mut near, &mut far).await
                });
            }
        });
        Self { base, opened, carrying }
    }

    fn opened(&self) -> usize {
        self.opened.load(Ordering::SeqCst)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_server_goes_on_where_the_first_one_died() {
    let bench = Bench::new(&NETWORK, "").await;
    let (first, second) = (Way::to(bench.base()).await, Way::to(bench.base()).await);
    let both = format!("[{},{}]", first.base, second.base);
    // Only the stream can tell of anything: nothing is swept for an hour.
    let driver = bench.driver(&[("jetstream", &both), ("poll", "1 h"), ("deep", "1 h")]);
    let words = vec!["lamp".into()];
    let rule = Wanted { name: "lamp".into(), words, per_hour: 99, ..Wanted::default() };
    driver.heed(Arc::new(Rules::new(vec![Rule::new(&rule).unwrap()], &[]))).unwrap();
    let (stop, _task) = bench.listen(&driver).await;
    until("the first server", || first.opened() > 0).await;
    bench.post("901", "@acme before", |_| ());
    bench.post("902", "a lamp before", |_| ());
    bench.heard("@acme before").await;
    bench.heard("a lamp before").await;
    assert_eq!(second.opened(), 0);

    first.carrying.abort();
    until("the first server to die", || first.carrying.is_finished()).await;
    bench.post("901", "@acme in between", |_| ());
    bench.post("902", "a lamp in between", |_| ());
    bench.heard("@acme in between").await;
    bench.heard("a lamp in between").await;
    assert!(second.opened() > 0);
    bench.post("901", "@acme after", |_| ());
    bench.heard("@acme after").await;
    assert_eq!(bench.notes.mentions().len(), 5, "each once, at {ACME}");
    stop.cancel();
}
