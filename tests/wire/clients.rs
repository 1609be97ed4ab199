//! Official clients, written by others, on the faces and on the whole program: `masto`,
//! `@slack/web-api`, `@slack/bolt`, `@atproto/api`, `discord.js`, and for X `twitter-api-v2`, which
//! is nobody's official one. `tests/wire/clients/install.sh` installs them; without them (or
//! without Node) this says so in one line.

use crate::contract::networks::{ACME, Bench, person};
use careline::case::time::Span;
use careline::engine::clock;
use careline::sandbox::pair::{Net, Office, Pair};
use careline::sandbox::{Demo, Setup};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

fn scripts() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/wire/clients")
}

/// Where the clients are: beside what Cargo builds.
fn home() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent()?;
    let home = target.join("clients");
    home.join(".installed").is_file().then_some(home)
}

/// Runs a script where its modules are found; `false` if there is nothing to run it with.
async fn run(script: &str, steps: usize, daemon: bool) {
    run_on(Pair::default(), script, steps, daemon).await;
}

async fn run_on(pair: Pair, script: &str, steps: usize, daemon: bool) {
    let Some(home) = ready(script) else { return };
    let setup = Setup { daemon, undo: Span::seconds(0), pair, ..Setup::default() };
    let demo = Demo::start(setup).await.expect("a demo");
    play(&home, script, steps, demo.told().to_string()).await;
    demo.end().await;
}

/// Where this script can be run, once its files are there; `None` says that it was not run.
fn ready(script: &str) -> Option<PathBuf> {
    let node = Command::new("node").arg("--version").output();
    let (Some(home), Ok(_)) = (home(), node) else {
        println!("no official clients (tests/wire/clients/install.sh): {script} was not run");
        return None;
    };
    for file in ["kit.mjs", &format!("{script}.mjs")] {
        // Each test its own file: they run side by side.
        let text = std::fs::read_to_string(scripts().join(file)).unwrap();
        let text = text.replace("./kit.mjs", &format!("./{script}-kit.mjs"));
        let name = file.replace("kit.mjs", &format!("{script}-kit.mjs"));
        std::fs::write(home.join(name), text).unwrap();
    }
    Some(home)
}

/// Runs it with these facts, to its last step.
async fn play(home: &Path, script: &str, steps: usize, facts: String) {
    let mut node = Command::new("node");
    node.arg(format!("{script}.mjs")).arg(facts).current_dir(home);
    // The script itself gives up when it takes too long.
    let output = tokio::task::spawn_blocking(move || node.output()).await.unwrap();
    let output = output.expect("node");
    let said = String::from_utf8_lossy(&output.stdout);
    let wrong = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{wrong}");
    assert!(said.contains(&format!("{script}: {steps} steps")), "{said}{wrong}");
}

#[tokio::test(flavor = "multi_thread")]
async fn masto_on_the_mastodon_face() {
    run("masto", 9, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn atproto_api_on_the_bluesky_face() {
    let Some(home) = ready("atproto") else { return };
    let bench = Bench::new(&careline::network::bluesky::NETWORK, "").await;
    let person = |handle: &str, password: &str| json!({ "handle": handle, "password": password });
    let us = person("acme.test", "token-us");
    let ann = person("ann.elsewhere.example", "token-901");
    let facts = json!({ "base": bench.base(), "people": { "us": us, "ann": ann } });
    play(&home, "atproto", 9, facts.to_string()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bolt_and_web_api_on_the_slack_face() {
    run("slack", 16, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn discord_js_on_the_discord_face() {
    let pair = Pair { net: Net::Mastodon, office: Office::Discord };
    run_on(pair, "discord", 13, false).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn masto_and_web_api_with_careline_between_them() {
    run("whole", 4, true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn twitter_api_v2_on_the_x_face() {
    let Some(home) = ready("x") else { return };
    let bench = Bench::new(&careline::network::x::NETWORK, "").await;
    bench.world.change(clock::now(), |world| {
        world.square(ACME).join(person("901", "ann"));
    });
    let facts = json!({ "base": bench.base(), "us": "token-us", "ann": "token-901" });
    play(&home, "x", 7, facts.to_string()).await;
}
