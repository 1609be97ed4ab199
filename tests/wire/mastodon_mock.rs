//! Our driver against a Mastodon server somebody else wrote. `tests/wire/mastodon_mock.sh` starts
//! it; without its address this says so in one line.

use crate::contract::networks::{Bench, answer, until};
use careline::case::event::Event;
use careline::net::Looked;
use careline::network::mastodon::NETWORK;
use serde_json::Value;

/// What a customer does there, through the server's own API.
struct Customer {
    base: String,
    token: String,
}

impl Customer {
    async fn call(&self, method: &str, path: &str, form: &[(&str, &str)]) -> Value {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let url = format!("{}{path}", self.base);
        let request = client.request(method.parse().unwrap(), url).bearer_auth(&self.token);
        let response = request.form(form).send().await.unwrap();
        assert!(response.status().is_success(), "{method} {path}: {}", response.status());
        response.json().await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn mention_reply_look_edit_and_own_post_on_a_foreign_server() {
    let env = |name: &str| std::env::var(name).ok();
    let (Some(base), Some(token)) =
        (env("CARELINE_MASTODON_MOCK"), env("CARELINE_MASTODON_MOCK_CUSTOMER"))
    else {
        println!("no CARELINE_MASTODON_MOCK: the driver was not tried on a foreign server");
        return;
    };
    let ann = Customer { base: base.clone(), token };
    let bench = Bench::new(&NETWORK, "").await.at(&base);
    let driver = bench.driver(&[]);
    let (stop, _task) = bench.listen(&driver).await;
    let text = "@acme help, see https://x.example/a";
    let post = ann.call("POST", "/api/v1/statuses", &[("status", text)]).await;
    let heard = bench.heard("help").await;
    assert_eq!(Some(heard.post.as_str()), post["id"].as_str());
    let out = answer(&heard, "here you are", "key-1");
    assert_eq!(driver.look(&out).await, Looked::Absent);
    let sent = driver.deliver(&out).await.unwrap();
    let Looked::There(found) = driver.look(&out).await else { panic!("not found again") };
    assert_eq!(found.remote, sent.remote);
    assert_eq!(driver.deliver(&out).await.unwrap().remote, sent.remote);
    let context = format!("/api/v1/statuses/{}/context", heard.post);
    let context = ann.call("GET", &context, &[]).await;
    assert_eq!(context["descendants"].as_array().map(Vec::len), Some(1));
    until("our own post", || {
        let is = |e: &Event| matches!(e, Event::OwnPost(own) if own.post.as_str() == sent.remote);
        bench.notes.events().iter().any(is)
    })
    .await;
    let edit = format!("/api/v1/statuses/{}", heard.post);
    ann.call("PUT", &edit, &[("status", "@acme help, it is urgent")]).await;
    until("the edit", || {
        let is = |e: &Event| matches!(e, Event::Changed(m) if m.text.raw().contains("urgent"));
        bench.notes.events().iter().any(is)
    })
    .await;
    stop.cancel();
}
