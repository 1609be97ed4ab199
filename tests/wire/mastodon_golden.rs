//! What is asked of a Mastodon server, byte by byte, while its face answers; and files on their way
//! to it.

use crate::contract::networks::{ACME, Bench, answer, until};
use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::middleware::{Next, from_fn_with_state};
use bytes::Bytes;
use careline::case::event::{File, Mention};
use careline::case::model::Audience;
use careline::net::Failure;
use careline::network::mastodon::NETWORK;
use careline::network::{Network, Outgoing};
use std::sync::{Arc, Mutex};

/// One request as it came over the wire.
#[derive(Clone, Debug)]
struct Asked {
    line: String,
    headers: HeaderMap,
    body: Vec<u8>,
}

type Tape = Arc<Mutex<Vec<Asked>>>;

async fn record(
    State(tape): State<Tape>,
    request: Request,
    next: Next,
) -> axum::response::Response {
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 20_000_000).await.unwrap();
    let line = format!("{} {}", parts.method, parts.uri);
    tape.lock().unwrap().push(Asked { line, headers: parts.headers.clone(), body: body.to_vec() });
    next.run(Request::from_parts(parts, Body::from(body))).await
}

/// A driver whose server writes down all that it is asked.
struct Scene {
    bench: Bench,
    driver: Arc<dyn Network>,
    tape: Tape,
}

impl Scene {
    async fn new() -> Self {
        let bench = Bench::new(&NETWORK, "").await;
        let tape = Tape::default();
        let face = (NETWORK.face)(bench.world.clone(), ACME);
        let face = face.layer(from_fn_with_state(tape.clone(), record));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, face).await });
        let bench = bench.at(&base);
        let driver = bench.driver(&[("streaming", "off")]);
        Self { bench, driver, tape }
    }

    /// A mention that was heard, and an answer to it.
    async fn asked(&self, text: &str, audience: Audience, warning: Option<&str>) -> Mention {
        let (stop, task) = self.bench.listen(&self.driver).await;
        self.bench.post("901", text, |post| {
            post.audience = audience;
            post.warning = warning.map(str::to_owned);
        });
        let mention = self.bench.heard(text.trim_start_matches("@acme ")).await;
        stop.cancel();
        task.await.unwrap();
        self.tape.lock().unwrap().clear();
        mention
    }

    fn lines(&self) -> Vec<String> {
        self.tape.lock().unwrap().iter().map(|asked| asked.line.clone()).collect()
    }

    fn one(&self, line: &str) -> Asked {
        let all = self.tape.lock().unwrap().clone();
        let mut fitting = all.into_iter().filter(|asked| asked.line == line);
        let one = fitting.next().unwrap_or_else(|| panic!("never asked: {line}"));
        assert!(fitting.next().is_none(), "asked twice: {line}");
        one
    }
}

fn header<'a>(asked: &'a Asked, name: &str) -> &'a str {
    asked.headers.get(name).map_or("", |value| value.to_str().unwrap())
}

fn text(asked: &Asked) -> String {
    String::from_utf8_lossy(&asked.body).into_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_is_exactly_this_form() {
    for (audience, warning, rest) in [
        (Audience::Public, None, "public"),
        (Audience::Unlisted, None, "unlisted"),
        (Audience::Followers, None, "private"),
        (Audience::Direct, Some("tents & rain"), "direct&spoiler_text=tents+%26+rain"),
    ] {
        let scene = Scene::new().await;
        let mention = scene.asked("@acme it leaks", audience, warning).await;
        let out = answer(&mention, "Sorry & thanks: 50% off?", "dep1.7.1");
        scene.driver.deliver(&out).await.unwrap();
        assert_eq!(scene.lines(), ["POST /api/v1/statuses"], "one call and no other");
        let asked = scene.one("POST /api/v1/statuses");
        assert_eq!(header(&asked, "content-type"), "application/x-www-form-urlencoded");
        assert_eq!(header(&asked, "idempotency-key"), "dep1.7.1");
        assert_eq!(header(&asked, "authorization"), "Bearer token-us");
        let post = &mention.post;
        let words = "%40ann%40elsewhere.example+Sorry+%26+thanks%3A+50%25+off%3F";
        let form = format!("status={words}&in_reply_to_id={post}&visibility={rest}");
        assert_eq!(text(&asked), form);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looking_and_sweeping_ask_exactly_this() {
    let scene = Scene::new().await;
    let (stop, task) = scene.bench.listen(&scene.driver).await;
    scene.bench.post("901", "@acme first", |_| ());
    let mention = scene.bench.heard("first").await;
    let sweeps = || {
        let lines = scene.lines();
        let begins = |with: &str| lines.iter().any(|line| line.starts_with(with));
        let list = "/api/v1/notifications?types%5B%5D=mention&include_filtered=true";
        begins(&format!("GET {list}&limit=80"))
            && begins("GET /api/v1/accounts/900/statuses?exclude_reblogs=true&limit=40")
    };
    until("both sweeps", sweeps).await;
    stop.cancel();
    task.await.unwrap();
    scene.tape.lock().unwrap().clear();
    scene.driver.look(&answer(&mention, "x", "k")).await;
    let wanted = [
        format!("GET /api/v1/statuses/{}/context", mention.post),
        "GET /api/v1/accounts/900/statuses?limit=40&exclude_reblogs=true".to_owned(),
    ];
    assert_eq!(scene.lines(), wanted);
    let is_ours = |asked: &Asked| header(asked, "authorization") == "Bearer token-us";
    assert!(scene.tape.lock().unwrap().iter().all(is_ours));
}

fn with_file(mention: &Mention, mime: &str, alt: Option<&str>, bytes: &'static [u8]) -> Outgoing {
    let mut out = answer(mention, "as you see", "k1");
    let file = File {
        id: "F1".into(),
        name: "my private name.png".into(),
        mime: mime.into(),
        size: bytes.len() as u64,
        alt: alt.map(str::to_owned),
        url: "https://desk.example/F1".into(),
    };
    out.reply.files = vec![file.clone()];
    out.files = vec![(file, Bytes::from_static(bytes))];
    out
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_goes_first_with_its_description_and_without_its_name() {
    let scene = Scene::new().await;
    let mention = scene.asked("@acme show me", Audience::Public, None).await;
    let out = with_file(&mention, "image/png", Some("A mended tent"), b"\x89PNG tent");
    scene.driver.deliver(&out).await.unwrap();
    // A sweep that was under way may still have read.
    let written = scene.lines().into_iter().filter(|line| line.starts_with("POST "));
    let written: Vec<_> = written.collect();
    assert_eq!(written, ["POST /api/v2/media", "POST /api/v1/statuses"]);
    let upload = scene.one("POST /api/v2/media");
    let kind = header(&upload, "content-type");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let body = [
        format!("--{boundary}\r\nContent-Disposition: form-data; name=\"description\"\r\n\r\n"),
        format!("A mended tent\r\n--{boundary}\r\n"),
        "Content-Disposition: form-data; name=\"file\"; filename=\"file\"\r\n".to_owned(),
        "Content-Type: image/png\r\n\r\n".to_owned(),
    ];
    let end = format!("\r\n--{boundary}--\r\n");
    let whole = [body.concat().as_bytes(), b"\x89PNG tent", end.as_bytes()].concat();
    assert_eq!(upload.body, whole);
    let sent = scene.bench.sent();
    let (one, media) = (&sent[0], &sent[0].media);
    assert_eq!((sent.len(), media.len(), one.key.as_deref()), (1, 1, Some("k1")));
    assert!(
        text(&scene.one("POST /api/v1/statuses"))
            .ends_with(&format!("media_ids%5B%5D={}", media[0]))
    );
    let mut world = scene.bench.world.look();
    let medium = &world.square(ACME).media[&media[0]];
    assert_eq!((medium.alt.as_str(), medium.mime.as_str()), ("A mended tent", "image/png"));
    assert_eq!(&medium.bytes[..], b"\x89PNG tent");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_film_is_waited_for_and_what_the_server_refuses_is_not_sent_without_it() {
    let scene = Scene::new().await;
    let mention = scene.asked("@acme how does it fold", Audience::Public, None).await;
    let film = with_file(&mention, "video/mp4", None, b"film");
    scene.driver.deliver(&film).await.unwrap();
    let asked = scene.lines().iter().filter(|l| l.starts_with("GET /api/v1/media/")).count();
    assert!(asked >= 3, "asked until it was ready: {asked}");
    assert_eq!(scene.bench.sent().len(), 1);
    let long: String = "x".repeat(1_501);
    for (mime, alt) in [("image/svg+xml", ""), ("application/pdf", ""), ("image/png", &*long)] {
        let mut out = with_file(&mention, mime, Some(alt), b"nothing");
        out.key = format!("k-{mime}");
        let refused = scene.driver.deliver(&out).await;
        assert!(matches!(refused, Err(Failure::Never(_))), "{mime}: {refused:?}");
    }
    assert_eq!(scene.bench.sent().len(), 1, "words whose file was refused stay inside");
}
