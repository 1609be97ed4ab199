//! Slack over HTTP: signed or nothing (`reliability.md` S11, S12), and the same events as by
//! Socket Mode.

use super::*;
use careline::case::event::Event;

async fn http() -> (Scene, String) {
    let mut scene = Scene::new().await;
    let row = DESKS.iter().find(|row| row.name == "slack").unwrap();
    let api = format!("{}/api", scene.base);
    let values = [
        ("mode", "http"),
        ("bot_token", "env:BOT"),
        ("signing_secret", "env:SECRET"),
        ("api", api.as_str()),
    ];
    scene.desk = (row.open)(&DeskId::new("office"), &section(&values), &ground()).unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/slack", listener.local_addr().unwrap());
    let routes = scene.desk.routes(scene.inbox.clone()).expect("routes in this mode");
    tokio::spawn(careline::web::serve(listener, routes, scene.inbox.stop().clone()));
    let url = base.clone();
    scene.change(|w| {
        face::install(w.office("office"), &App { request_url: Some(url), ..app() });
    });
    scene.listen();
    scene.swept().await;
    (scene, base)
}

#[tokio::test(flavor = "multi_thread")]
async fn events_commands_and_forms_come_signed() {
    let (scene, _) = http().await;
    scene.answer(|e| (e.event.name() == "asked").then(|| say("Two cases wait.")).flatten());
    let root = scene.root();
    scene.say(ANN, Some(root), "over http");
    assert_eq!(scene.said("over http").await.thread, thread(root));
    scene.change(|w| face::slash(w, "office", ANN, CHANNEL, "/careline list")).unwrap();
    scene.asked("list").await;
    assert!(shown(&scene.whisper(ANN).await.blocks).contains("Two cases wait."));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_signed_rightly_is_not_read() {
    let (scene, base) = http().await;
    let body = r#"{"type":"url_verification","challenge":"abc"}"#;
    let stamp = (now().0 / 1_000_000).to_string();
    let post = |kind: &str, body: &str| {
        // Each on a connection of its own: one that was refused halfway is closed by the server.
        let client = careline::net::Net::new(true).client().clone();
        client
            .post(format!("{base}/events"))
            .header("content-type", kind.to_owned())
            .body(body.to_owned())
    };
    let plain = post("application/json", body).send().await.unwrap();
    assert_eq!(plain.status(), 401);
    let wrong = post("application/json", body)
        .header("x-slack-request-timestamp", &stamp)
        .header("x-slack-signature", format!("v0={}", "0".repeat(64)));
    assert_eq!(wrong.send().await.unwrap().status(), 401);
    let large = post("application/json", &"x".repeat(1_000_001)).send().await;
    let refused = large.is_err() || large.unwrap().status() == 413;
    assert!(refused, "the limit comes before the signature");
    let signed = |stamp: &str, body: &str| sign(stamp, body);
    let good = post("application/json", body)
        .header("x-slack-request-timestamp", &stamp)
        .header("x-slack-signature", signed(&stamp, body));
    assert_eq!(good.send().await.unwrap().text().await.unwrap(), "abc");
    let old = (now().0 / 1_000_000 - 360).to_string();
    let late = post("application/json", body)
        .header("x-slack-request-timestamp", &old)
        .header("x-slack-signature", signed(&old, body));
    assert_eq!(late.send().await.unwrap().status(), 401);
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let broken = post("application/json", &deep)
        .header("x-slack-request-timestamp", &stamp)
        .header("x-slack-signature", signed(&stamp, &deep));
    assert_eq!(broken.send().await.unwrap().status(), 200);
    let kept = |e: &Envelope| matches!(e.event, Event::Unreadable { .. }).then_some(());
    scene.wait("kept raw", kept).await;
    assert_eq!(scene.envelopes().len(), 1);
}

fn sign(stamp: &str, body: &str) -> String {
    use hmac::{Hmac, KeyInit, Mac};
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(b"demo signing secret").unwrap();
    mac.update(format!("v0:{stamp}:{body}").as_bytes());
    format!("v0={}", hex::encode(mac.finalize().into_bytes()))
}

#[test]
fn without_its_secret_the_desk_does_not_open() {
    let row = DESKS.iter().find(|row| row.name == "slack").unwrap();
    let values = [("mode", "http"), ("bot_token", "env:BOT"), ("api", "http://127.0.0.1:1/api")];
    let Err(mistakes) = (row.open)(&DeskId::new("office"), &section(&values), &ground()) else {
        panic!("it opened");
    };
    assert!(mistakes.0.iter().any(|m| m.key.ends_with("signing_secret")), "{mistakes:?}");
    let values = [("bot_token", "env:APP"), ("app_token", "env:BOT"), ("nonsense", "x")];
    let Err(mistakes) = (row.open)(&DeskId::new("office"), &section(&values), &ground()) else {
        panic!("it opened");
    };
    let keys: Vec<_> = mistakes.0.iter().map(|m| m.key.as_str()).collect();
    for key in ["bot_token", "app_token", "nonsense", "api"] {
        assert!(keys.iter().any(|k| k.ends_with(key)), "{key}: {keys:?}");
    }
}
