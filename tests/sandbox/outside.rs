//! What checks from outside rely on: the line of JSON, the control address, faces alone; and that
//! nobody else gets in.

use careline::sandbox::{Demo, Setup};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

async fn faces() -> Arc<Demo> {
    Demo::start(Setup { daemon: false, ..Setup::default() }).await.expect("a demo")
}

fn client() -> reqwest::Client {
    careline::net::Net::new(true).client().clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_page_and_programs_of_this_machine_may_act() {
    let demo = faces().await;
    let url = format!("{}/control/customer/post", demo.page);
    let body = json!({"who": "anna", "text": "@acme hello"});
    let plain = client().post(&url).json(&body);
    let origin = |origin: &str| client().post(&url).json(&body).header("origin", origin);
    let own = demo.page.to_string();
    let form = client().post(&url).body(body.to_string());
    let site = client().post(&url).json(&body).header("sec-fetch-site", "cross-site");
    let other = client().get(format!("{}/", demo.page)).header("host", "evil.example");
    let cases = [
        (plain, 200),
        (origin("https://evil.example"), 403),
        (origin("null"), 403),
        (origin(&own), 403),
        (form, 403),
        (site, 403),
        (other, 421),
    ];
    for (n, (request, status)) in cases.into_iter().enumerate() {
        let answer = request.send().await.expect("an answer");
        assert_eq!(answer.status(), status, "case {n}");
    }
    let page = client().get(format!("{}/", demo.page)).send().await.expect("a page");
    let policy = page.headers()["content-security-policy"].to_str().expect("text").to_owned();
    assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
    let text = page.text().await.expect("the page");
    let mark = "name=\"token\" content=\"";
    let token = text.split(mark).nth(1).and_then(|t| t.split('"').next()).expect("a token");
    let with =
        client().post(&url).json(&body).header("origin", own).header("x-careline-token", token);
    assert_eq!(with.send().await.expect("an answer").status(), 200);
    let picture = format!("{}/picture?u=http://127.0.0.1:1/x", demo.page);
    assert_eq!(client().get(picture).send().await.expect("an answer").status(), 404);
    demo.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn faces_alone_take_posts_and_messages_by_their_own_apis() {
    let demo = faces().await;
    let told = demo.told();
    let (network, desk) = (&told["faces"]["mastodon"], &told["faces"]["slack"]);
    let url = format!("{}/api/v1/statuses", network["base"].as_str().expect("a base"));
    let token = network["tokens"]["anna"].as_str().expect("a token");
    let post = client().post(url).bearer_auth(token).json(&json!({"status": "@acme hello"}));
    let made: Value = post.send().await.expect("an answer").json().await.expect("JSON");
    assert!(made["id"].is_string(), "{made}");
    let url = format!("{}/chat.postMessage", desk["base"].as_str().expect("a base"));
    let token = desk["user_tokens"]["maria"].as_str().expect("a token");
    let body = json!({"channel": desk["channels"]["support"], "text": "good morning"});
    let said = client().post(url).bearer_auth(token).json(&body);
    let said: Value = said.send().await.expect("an answer").json().await.expect("JSON");
    assert_eq!(said["ok"], true, "{said}");
    let state = client().get(format!("{}/control/state", demo.page)).send().await.expect("state");
    let state: Value = state.json().await.expect("JSON");
    assert_eq!(state["posts"][0]["text"], "@acme hello");
    assert_eq!(state["channels"][0]["messages"][0]["text"], "good morning");
    demo.end().await;
}

/// The binary: one line, the page's address first, and a clean end on SIGTERM.
#[test]
fn the_program_says_where_it_is_and_ends_when_told() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_careline"))
        .args(["demo", "--json", "--no-browser", "--port", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .expect("the program");
    let mut line = String::new();
    let mut out = BufReader::new(child.stdout.take().expect("its words"));
    out.read_line(&mut line).expect("a line");
    assert!(line.starts_with("{\"url\":\"http://127.0.0.1:"), "{line}");
    let told: Value = serde_json::from_str(&line).expect("JSON");
    for key in [
        "/control",
        "/faces/mastodon/tokens/anna",
        "/faces/bluesky/passwords/anna",
        "/faces/x/tokens/anna",
        "/faces/facebook/account/app_secret",
        "/faces/instagram/account/token",
        "/faces/slack/user_tokens/maria",
        "/faces/discord/user_tokens/maria",
    ] {
        assert!(told.pointer(key).is_some_and(Value::is_string), "{key}");
    }
    let kill = Command::new("kill").arg(child.id().to_string()).status().expect("kill");
    assert!(kill.success());
    let deadline = std::time::Instant::now() + Duration::from_secs(20);
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            assert!(status.success(), "{status}");
            return;
        }
        assert!(std::time::Instant::now() < deadline, "it does not end");
        std::thread::sleep(Duration::from_millis(50));
    }
}
