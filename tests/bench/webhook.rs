//! Signed requests a second of processor, beside Node's `http` with the same check: the signature
//! over the raw body, the body read as JSON, an answer. Nothing is stored: it is Slack's question
//! whether the address is ours.

use crate::Figure;
use crate::burst::cpu_seconds;
use careline::case::event::Envelope;
use careline::case::id::{DeskId, FeedId};
use careline::desk::DESKS;
use careline::engine::clock;
use careline::inbox::{Door, Inbox, Pulse, Shut, Taken, Task};
use careline::net::{Ground, Net};
use careline::setting::Section;
use hmac::{Hmac, KeyInit, Mac};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

/// With this argument the program serves instead of measuring.
pub const SERVE: &str = "--serve-webhook";
const SECRET: &str = "bench-signing-secret-000000000000";
const CONNECTIONS: usize = 16;
const LONG: Duration = Duration::from_secs(4);
const PAIRS: usize = 3;

const NODE: &str = r#"
const http = require('http'), crypto = require('crypto');
const secret = process.argv[1];
http.createServer((request, response) => {
  const parts = [];
  request.on('data', part => parts.push(part));
  request.on('end', () => {
    const body = Buffer.concat(parts), stamp = request.headers['x-slack-request-timestamp'];
    const right = Buffer.from('v0=' + crypto.createHmac('sha256', secret)
      .update(`v0:${stamp}:`).update(body).digest('hex'));
    const given = Buffer.from(request.headers['x-slack-signature'] || '');
    const fresh = Math.abs(Date.now() / 1000 - Number(stamp)) <= 300;
    if (!fresh || given.length !== right.length || !crypto.timingSafeEqual(given, right)) {
      response.statusCode = 401;
      return response.end();
    }
    response.end(JSON.parse(body).challenge);
  });
}).listen(0, '127.0.0.1', function () { console.log(this.address().port); });
"#;

struct Server(Child, u16);

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts a server that prints its port.
fn start(command: &mut Command) -> Option<Server> {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().ok()?;
    let mut line = String::new();
    BufReader::new(child.stdout.take()?).read_line(&mut line).ok()?;
    let port = line.trim().parse().ok()?;
    Some(Server(child, port))
}

struct Nobody;

impl Door for Nobody {
    fn put(&self, _: Envelope) -> Task<'_, Result<Taken, Shut>> {
        Box::pin(async { Ok(Taken { repeated: false, answer: None }) })
    }

    fn cursor<'a>(&'a self, _: &'a FeedId) -> Task<'a, Result<Option<String>, Shut>> {
        Box::pin(async { Ok(None) })
    }

    fn pulse(&self, _: &FeedId, _: Pulse) {}
}

/// Our own listener with the Slack driver's paths; prints its port and never ends.
pub fn serve() {
    let text = |text: &str| (1, toml::Value::String(text.into()));
    let entries = BTreeMap::from([
        ("mode".to_owned(), text("http")),
        ("bot_token".to_owned(), text("env:BOT")),
        ("signing_secret".to_owned(), text("env:SECRET")),
        ("api".to_owned(), text("http://127.0.0.1:9/api")),
    ]);
    let env = |name: &str| Some(if name == "BOT" { "xoxb-bench-token" } else { SECRET }.to_owned());
    let section = Section::new("careline.toml", "desk.slack", 1, entries, env);
    let ground = Ground { net: Net::new(true), now: clock::system() };
    let row = DESKS.iter().find(|row| row.name == "slack").expect("Slack");
    let desk = (row.open)(&DeskId::new("slack"), &section, &ground).expect("a desk");
    let mut runtime = tokio::runtime::Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let stop = CancellationToken::new();
        let inbox = Inbox::new(Arc::new(Nobody), stop.clone());
        let routes = desk.routes(inbox).expect("paths");
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("{}", listener.local_addr().expect("an address").port());
        careline::web::serve(listener, routes, stop).await;
    });
}

/// A body of 4 kB and its headers.
fn signed() -> (String, [(&'static str, String); 2]) {
    let padding = "x".repeat(4_000);
    let body = format!(r#"{{"type":"url_verification","token":"{padding}","challenge":"c0ffee"}}"#);
    let stamp = (clock::now().0 / 1_000_000).to_string();
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(SECRET.as_bytes()).expect("a key");
    mac.update(format!("v0:{stamp}:{body}").as_bytes());
    let signature = format!("v0={}", hex::encode(mac.finalize().into_bytes()));
    (body, [("x-slack-request-timestamp", stamp), ("x-slack-signature", signature)])
}

/// Requests for a second of the server's processor.
async fn rate(server: &Server) -> f64 {
    let url = format!("http://127.0.0.1:{}/slack/events", server.1);
    let client = Net::new(true).client().clone();
    let (done, end) = (AtomicU64::new(0), Instant::now() + LONG);
    let before = cpu_seconds(&server.0.id().to_string());
    let one = || async {
        let (body, headers) = signed();
        while Instant::now() < end {
            let request = client.post(&url).header("content-type", "application/json");
            let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, value));
            let answer = request.body(body.clone()).send().await.expect("an answer");
            assert!(answer.status().is_success(), "refused: {}", answer.status());
            assert_eq!(answer.text().await.expect("a body"), "c0ffee");
            done.fetch_add(1, Ordering::Relaxed);
        }
    };
    futures_util::future::join_all((0..CONNECTIONS).map(|_| one())).await;
    let cpu = cpu_seconds(&server.0.id().to_string()) - before;
    done.load(Ordering::Relaxed) as f64 / cpu.max(0.01)
}

/// Ours and Node's, one after the other, several times.
pub fn beside_node() -> Vec<Figure> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let me = std::env::current_exe().expect("this program");
    let (mut ours, mut ratios) = (Vec::new(), Vec::new());
    for _ in 0..PAIRS {
        let server = start(Command::new(&me).arg(SERVE)).expect("our own server");
        let own = runtime.block_on(rate(&server));
        drop(server);
        ours.push(own);
        let node = start(Command::new("node").args(["-e", NODE, SECRET]));
        ratios.extend(node.map(|node| own / runtime.block_on(rate(&node))));
    }
    let value = crate::median(ours);
    let against = match ratios.is_empty() {
        true => None,
        false => Some(("Node's http with the same check", crate::median(ratios))),
    };
    vec![Figure { name: "webhook_per_cpu_s", value, unit: "requests", against, runs: PAIRS }]
}
