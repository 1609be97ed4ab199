//! A browser without a screen, driven by the DevTools protocol: just enough of it.

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};

const NAMES: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

/// A browser with one page.
pub struct Browser {
    child: Child,
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    session: String,
    next: u64,
    /// What went wrong on the page, in its own words.
    pub errors: Vec<String>,
    /// Every address that was asked for.
    pub asked: Vec<String>,
    _home: tempfile::TempDir,
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The browser of this machine, if there is one.
fn program() -> Option<String> {
    let wanted = std::env::var("CHROME").ok();
    let names = wanted.into_iter().chain(NAMES.map(str::to_owned));
    let works = |name: &String| {
        let mut tried = Command::new(name);
        let quiet = tried.arg("--version").stdout(Stdio::null()).stderr(Stdio::null());
        quiet.status().is_ok_and(|status| status.success())
    };
    names.into_iter().find(works)
}

impl Browser {
    /// Starts it; `None` if this machine has none.
    pub async fn start() -> Option<Self> {
        let program = program()?;
        let home = tempfile::tempdir().expect("a temporary directory");
        let profile = format!("--user-data-dir={}", home.path().display());
        let mut child = Command::new(program)
            .args(["--headless=new", "--remote-debugging-port=0", "--no-sandbox", "--disable-gpu"])
            .args(["--no-first-run", "--disable-background-networking", "--disable-sync"])
            .args(["--disable-component-update", "--disable-default-apps", "--hide-scrollbars"])
            .args([profile.as_str(), "about:blank"])
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("a browser that has just told its version");
        let lines = BufReader::new(child.stderr.take().expect("its words")).lines();
        let address = tokio::task::spawn_blocking(move || {
            let told =
                |line: String| line.strip_prefix("DevTools listening on ").map(str::to_owned);
            let mut lines = lines.map_while(Result::ok);
            let address = lines.find_map(told);
            // Its later words are read and dropped, so that it never waits for us.
            std::thread::spawn(move || lines.for_each(drop));
            address
        });
        let address = address.await.expect("the reader").expect("an address");
        let (socket, _) = tokio_tungstenite::connect_async(address).await.expect("DevTools");
        let (errors, asked, session) = (Vec::new(), Vec::new(), String::new());
        let mut browser = Self { child, socket, session, next: 0, errors, asked, _home: home };
        browser.attach().await;
        Some(browser)
    }

    async fn attach(&mut self) {
        let made = self.call("Target.createTarget", json!({"url": "about:blank"})).await;
        let params = json!({"targetId": made["targetId"], "flatten": true});
        let attached = self.call("Target.attachToTarget", params).await;
        self.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({})).await;
        }
    }

    /// One call of the protocol; what happens meanwhile is noted.
    pub async fn call(&mut self, method: &str, params: Value) -> Value {
        self.next += 1;
        let mut request = json!({"id": self.next, "method": method, "params": params});
        if !self.session.is_empty() {
            request["sessionId"] = self.session.clone().into();
        }
        self.socket.send(Message::text(request.to_string())).await.expect("a browser that listens");
        let wait = Duration::from_secs(60);
        loop {
            let next = tokio::time::timeout(wait, self.socket.next()).await;
            let Message::Text(text) =
                next.expect("an answer in time").expect("open").expect("sound")
            else {
                continue;
            };
            let told: Value = serde_json::from_str(&text).expect("JSON");
            if told["id"] == self.next {
                assert!(told["error"].is_null(), "{method}: {}", told["error"]);
                return told["result"].clone();
            }
            self.note(&told);
        }
    }

    fn note(&mut self, told: &Value) {
        let params = &told["params"];
        match told["method"].as_str() {
            Some("Network.requestWillBeSent") => {
                self.asked.push(params["request"]["url"].as_str().unwrap_or_default().to_owned());
            }
            Some("Runtime.exceptionThrown") => {
                self.errors.push(params["exceptionDetails"].to_string());
            }
            Some("Log.entryAdded") if params["entry"]["level"] == "error" => {
                self.errors.push(params["entry"].to_string());
            }
            Some("Runtime.consoleAPICalled") if params["type"] == "error" => {
                self.errors.push(params["args"].to_string());
            }
            _ => {}
        }
    }

    /// The value of an expression on the page.
    pub async fn value(&mut self, expression: &str) -> Value {
        let params = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let answer = self.call("Runtime.evaluate", params).await;
        assert!(answer["exceptionDetails"].is_null(), "{expression}: {answer}");
        answer["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    pub async fn until(&mut self, expression: &str) {
        for _ in 0..300 {
            if self.value(&format!("Boolean({expression})")).await == true {
                return;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        let page = self.value("document.body.innerText").await;
        panic!("never true: {expression}\nerrors: {:?}\npage: {page}", self.errors);
    }

    /// Goes to an address.
    pub async fn open(&mut self, url: &str) {
        self.call("Page.navigate", json!({"url": url})).await;
        self.until("document.readyState === 'complete'").await;
    }

    /// Types text where the focus is.
    pub async fn write(&mut self, field: &str, text: &str) {
        self.value(&format!("document.querySelector({field:?}).focus()")).await;
        self.call("Input.insertText", json!({"text": text})).await;
    }

    /// Presses a key.
    pub async fn key(&mut self, key: &str) {
        for kind in ["keyDown", "keyUp"] {
            let text = if kind == "keyDown" && key.chars().count() == 1 { key } else { "" };
            let params = json!({"type": kind, "key": key, "text": text});
            self.call("Input.dispatchKeyEvent", params).await;
        }
    }

    /// Clicks the first element of this kind whose text begins so.
    pub async fn click(&mut self, kind: &str, text: &str) {
        let find = format!(
            "[...document.querySelectorAll({kind:?})].filter(e => \
             e.textContent.trim().startsWith({text:?}) && e.offsetParent).pop()"
        );
        self.until(&find).await;
        self.value(&format!("{find}.click()")).await;
    }

    /// Makes the window so large, light or dark.
    pub async fn look(&mut self, width: u32, height: u32, scheme: &str) {
        let mobile = width < 600;
        let params = json!({"width": width, "height": height, "mobile": mobile,
            "deviceScaleFactor": 1});
        self.call("Emulation.setDeviceMetricsOverride", params).await;
        let features = json!([{"name": "prefers-color-scheme", "value": scheme}]);
        self.call("Emulation.setEmulatedMedia", json!({"features": features})).await;
        tokio::time::sleep(Duration::from_millis(600)).await;
    }

    /// The picture of the page, as PNG in base 64.
    pub async fn picture(&mut self) -> String {
        let shot = self.call("Page.captureScreenshot", json!({"format": "png"})).await;
        shot["data"].as_str().expect("a picture").to_owned()
    }
}
