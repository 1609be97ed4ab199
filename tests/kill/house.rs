//! A town whose faces stand in this process and listen on TCP, and the real program as a process
//! of its own beside it, on a store that outlives it.

use crate::contract::server::Schema;
use careline::sandbox::cast::{Role, US};
use careline::sandbox::pair::{AGENTS, GUILD, Net, Office, Pair};
use careline::sandbox::{Demo, Setup};
use careline::world::World;
use std::net::TcpListener;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What a test returns when something is not as it should be: a sentence.
pub type Fine<T = ()> = Result<T, String>;

/// How long anything may take to be seen. Proving that a post is absent takes 25 s by itself.
const PATIENCE: Duration = Duration::from_secs(150);
const SIGKILL: i32 = 9;

/// See the module.
pub struct House {
    /// The faces, and the ledgers of what really happened.
    pub demo: Arc<Demo>,
    /// How often the program was killed.
    pub deaths: u32,
    home: tempfile::TempDir,
    daemons: Vec<Daemon>,
    ports: Vec<u16>,
    /// Where the store is, if it is in PostgreSQL.
    schema: Option<Schema>,
}

/// A process of the program, and its configuration.
struct Daemon {
    place: PathBuf,
    child: Child,
}

impl Drop for House {
    fn drop(&mut self) {
        for Daemon { child, .. } in &mut self.daemons {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// The section of the store.
fn store(home: &Path, kind: &str) -> String {
    let place = home.display();
    match kind {
        "postgres" => {
            format!("[store]\nkind = \"postgres\"\naddress = \"file:{place}/address\"\n\n")
        }
        kind => format!("[store]\nkind = \"{kind}\"\npath = \"{place}/data\"\n\n"),
    }
}

fn wiring(home: &Path, demo: &Demo, port: u16, poll: &str) -> String {
    let pair = demo.pair();
    let (account, channel) = (pair.net.account(), pair.office.channel());
    format!(
        "[web]\n\
         listen = \"127.0.0.1:{port}\"\n\n[desk.{}]\n{}\n[account.{account}]\n{}\
         channel = \"{channel}\"\npoll = \"{poll}\"\nsince = \"1 h\"\n",
        pair.office.name(),
        desk(home, demo),
        account_keys(home, demo),
    )
}

fn desk(home: &Path, demo: &Demo) -> String {
    let (home, faces) = (home.display(), demo.faces);
    match demo.pair().office {
        Office::Slack => format!(
            "kind = \"slack\"\nmode = \"socket\"\nbot_token = \"file:{home}/bot\"\n\
             app_token = \"file:{home}/app\"\napi = \"{}/api\"\n",
            faces.slack
        ),
        Office::Discord => format!(
            "kind = \"discord\"\ntoken = \"file:{home}/discord\"\nserver = \"{GUILD}\"\n\
             agent_roles = [\"{AGENTS}\"]\ncalls_per_second = 1000\napi = \"{}/api/v10\"\n",
            faces.discord
        ),
    }
}

fn account_keys(home: &Path, demo: &Demo) -> String {
    let (home, faces) = (home.display(), demo.faces);
    match demo.pair().net {
        Net::Mastodon => format!(
            "network = \"mastodon\"\nserver = \"{}\"\ntoken = \"file:{home}/us\"\n",
            faces.mastodon
        ),
        Net::Bluesky => {
            let (base, stream) =
                (faces.bluesky, faces.bluesky.to_string().replacen("http", "ws", 1));
            format!(
                "network = \"bluesky\"\nservice = \"{base}\"\nhandle = \"acme.test\"\n\
                 password = \"file:{home}/sky\"\njetstream = [\"{stream}/subscribe\"]\n\
                 app = \"{base}\"\n"
            )
        }
        Net::X => {
            let (base, token) = (faces.x, format!("\"file:{home}/x\""));
            format!(
                "network = \"x\"\napi = \"{base}\"\napp = \"{base}\"\nauth = \"oauth1\"\n\
                 consumer_key = {token}\nconsumer_secret = {token}\naccess_token = {token}\n\
                 access_secret = {token}\ndirect = \"1 s\"\nbudget = \"\"\n"
            )
        }
        net @ (Net::Facebook | Net::Instagram) => {
            let (base, token) = (faces.of(net), format!("\"file:{home}/{}\"", net.name()));
            format!(
                "network = \"{}\"\napi = \"{base}\"\npage = \"{US}\"\ntoken = {token}\n\
                 app_secret = \"file:{home}/secret\"\n",
                net.name()
            )
        }
    }
}

fn policy(demo: &Demo) -> String {
    let office = demo.pair().office;
    let staff = demo.cast.staff_of(office).iter();
    let agents = staff.filter(|player| player.role == Some(Role::Agent));
    let agents: Vec<String> = agents.map(|player| format!("\"{}\"", player.id)).collect();
    format!(
        "undo = \"300 ms\"\n\n[fuse]\naccount_per_minute = 600\ncase_per_minute = 600\n\n\
         [agents]\n{} = [{}]\n",
        office.name(),
        agents.join(", ")
    )
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("its address").port()
}

impl House {
    /// The faces and a configuration; the program does not run yet.
    pub async fn build(pair: Pair) -> Self {
        Self::build_on(pair, None).await
    }

    /// As [`House::build`], with its store in this schema.
    pub async fn build_on(pair: Pair, schema: Option<Schema>) -> Self {
        let setup = Setup { daemon: false, pair, ..Setup::default() };
        let demo = Demo::start(setup).await.expect("a demo");
        let home = tempfile::tempdir().expect("a directory");
        let port = free_port();
        let cast = demo.cast.clone();
        let kind = if schema.is_some() { "postgres" } else { "sled" };
        for (name, text) in [
            ("bot", cast.bot_token.clone()),
            ("app", cast.app_token.clone()),
            ("us", cast.us.clone()),
            ("discord", cast.discord_token.clone()),
            ("sky", cast.sky.clone()),
            ("x", cast.x.clone()),
            ("facebook", cast.facebook.clone()),
            ("instagram", cast.instagram.clone()),
            // A token is renewed in its file, and the app's secret stays.
            ("secret", cast.ours(pair.net).to_owned()),
            ("careline.toml", store(home.path(), kind) + &wiring(home.path(), &demo, port, "1 s")),
            ("address", schema.as_ref().map_or_else(String::new, |it| it.address.clone())),
            ("policy.toml", policy(&demo)),
        ] {
            std::fs::write(home.path().join(name), text).expect("a file");
        }
        Self { demo, deaths: 0, home, daemons: Vec::new(), ports: vec![port], schema }
    }

    /// Where the store lies.
    pub fn store(&self) -> PathBuf {
        self.home.path().join("data")
    }

    fn log(&self) -> PathBuf {
        self.home.path().join("log")
    }

    /// The end of what the program said.
    pub fn told(&self) -> String {
        let text = std::fs::read_to_string(self.log()).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(25)..].join("\n")
    }

    fn command(place: &Path, words: &[&str], boundary: Option<&str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_careline"));
        let path = std::env::var_os("PATH").unwrap_or_default();
        command.env_clear().env("PATH", path).args(words).arg("--config").arg(place);
        if let Some(boundary) = boundary {
            command.env("CARELINE_BOUNDARY", boundary);
        }
        command
    }

    fn spawn(&self, place: &Path, boundary: Option<&str>) -> Child {
        let mut options = std::fs::OpenOptions::new();
        let log = options.create(true).append(true).open(self.log()).expect("a log");
        let mut command = Self::command(place, &["run"], boundary);
        command.stdout(Stdio::null()).stderr(log).spawn().expect("the program")
    }

    /// Starts the program; it is to die at this boundary (`NAME:N`), if one is named.
    pub fn start(&mut self, boundary: Option<&str>) {
        let place = self.home.path().to_owned();
        let child = self.spawn(&place, boundary);
        self.daemons.push(Daemon { place, child });
    }

    /// How many daemons have held the store so far; 0 before it is made, and for sled.
    fn holders(&self) -> u32 {
        let Some(schema) = &self.schema else { return 0 };
        let made = "SELECT 'yes' WHERE to_regclass('counters') IS NOT NULL";
        if schema.ask(made).is_empty() {
            return 0;
        }
        let epoch = schema.ask("SELECT epoch::text FROM counters");
        epoch.first().and_then(|n| n.parse().ok()).unwrap_or(0)
    }

    /// Waits until the store has had so many holders.
    pub async fn holder(&mut self, count: u32) -> Fine {
        let deadline = Instant::now() + PATIENCE;
        while self.holders() < count {
            if Instant::now() > deadline {
                return Err(format!("nobody holds the store\n{}", self.told()));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(())
    }

    /// Starts another daemon on the same store, with a port of its own.
    pub fn start_another(&mut self, boundary: Option<&str>) {
        let (home, port) = (self.home.path(), free_port());
        let place = home.join(format!("daemon-{port}"));
        std::fs::create_dir(&place).expect("a directory");
        let wiring = std::fs::read_to_string(home.join("careline.toml")).expect("a file");
        let wiring = wiring.replace(&format!(":{}\"", self.ports[0]), &format!(":{port}\""));
        std::fs::write(place.join("careline.toml"), wiring).expect("a file");
        std::fs::copy(home.join("policy.toml"), place.join("policy.toml")).expect("a file");
        let child = self.spawn(&place, boundary);
        self.daemons.push(Daemon { place, child });
        self.ports.push(port);
    }

    /// Starts the program again where it was killed; of several daemons, a new one, as soon as one
    /// that waited has taken over. Any other end is a fault.
    pub fn care(&mut self) -> Fine {
        if self.ports.len() > 1 && self.daemons.len() < 2 && self.holders() > self.deaths {
            self.start_another(None);
        }
        for n in 0..self.daemons.len() {
            let status = self.daemons[n].child.try_wait().map_err(|e| e.to_string())?;
            let Some(status) = status else { continue };
            if status.signal() != Some(SIGKILL) {
                return Err(format!("the program ended by itself ({status}):\n{}", self.told()));
            }
            self.deaths += 1;
            if self.ports.len() > 1 {
                self.daemons.remove(n);
                // The first time its lease ends by the server's clock, then by our hand.
                if self.deaths > 1
                    && let Some(schema) = &self.schema
                {
                    schema.run("UPDATE counters SET until = '-infinity'");
                }
                return Ok(());
            }
            self.daemons[n].child = self.spawn(&self.daemons[n].place.clone(), None);
        }
        Ok(())
    }

    /// Kills the program where it stands; nobody starts it again.
    pub fn kill(&mut self) {
        for Daemon { mut child, .. } in std::mem::take(&mut self.daemons) {
            child.kill().expect("a process to kill");
            child.wait().expect("its end");
        }
    }

    /// Waits until something is to be seen in the world, and cares for the program meanwhile.
    pub async fn until<T>(&mut self, what: &str, find: impl Fn(&World) -> Option<T>) -> Fine<T> {
        let deadline = Instant::now() + PATIENCE;
        loop {
            self.care()?;
            if let Some(found) = find(&self.demo.shared.look()) {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(format!("never seen: {what}\n{}", self.told()));
            }
            tokio::time::sleep(Duration::from_millis(30)).await;
        }
    }

    /// Waits until the program is well and has nothing left to send, seen twice.
    pub async fn drained(&mut self) -> Fine {
        let deadline = Instant::now() + PATIENCE;
        let mut seen = 0;
        while seen < 2 {
            self.care()?;
            seen = if self.is_drained().await { seen + 1 } else { 0 };
            if Instant::now() > deadline {
                return Err(format!("never drained\n{}", self.told()));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok(())
    }

    /// Is there a daemon that works, with nothing to send? Those who wait do not listen.
    async fn is_drained(&self) -> bool {
        for port in &self.ports {
            if is_drained(*port).await {
                return true;
            }
        }
        false
    }

    /// Ends the program as an operator would.
    pub async fn stop(&mut self) -> Fine {
        for daemon in std::mem::take(&mut self.daemons) {
            self.stop_one(daemon.child).await?;
        }
        Ok(())
    }

    async fn stop_one(&self, mut child: Child) -> Fine {
        let told = Command::new("kill").arg(child.id().to_string()).status();
        told.map_err(|e| e.to_string())?;
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match child.try_wait().map_err(|e| e.to_string())? {
                Some(status) if status.success() => return Ok(()),
                Some(status) => return Err(format!("it ended badly: {status}\n{}", self.told())),
                None if Instant::now() > deadline => {
                    let _ = child.kill();
                    return Err(format!("it does not end when told to\n{}", self.told()));
                }
                None => tokio::time::sleep(Duration::from_millis(30)).await,
            }
        }
    }

    /// Asks the program something about its store.
    pub fn ask(&self, words: &[&str], boundary: Option<&str>) -> Output {
        Self::command(self.home.path(), words, boundary).output().expect("the program")
    }

    /// The store, after the program has ended: in order, and never copied aside.
    pub fn verify(&self) -> Fine {
        let answer = self.ask(&["verify"], None);
        let said = String::from_utf8_lossy(&answer.stdout).into_owned();
        if !answer.status.success() || said.trim() != "the store is in order" {
            return Err(format!("verify: {said}{}", String::from_utf8_lossy(&answer.stderr)));
        }
        if self.schema.is_some() {
            return Ok(());
        }
        let entries = std::fs::read_dir(self.store()).map_err(|e| e.to_string())?;
        let names = entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned());
        match names.into_iter().find(|name| name.contains("damaged")) {
            Some(name) => Err(format!("the store had to be repaired: {name}")),
            None => Ok(()),
        }
    }
}

async fn is_drained(port: u16) -> bool {
    let client = careline::net::Net::new(true).client().clone();
    let base = format!("http://127.0.0.1:{port}");
    let well = client.get(format!("{base}/healthz")).send().await;
    if !well.is_ok_and(|answer| answer.status().is_success()) {
        return false;
    }
    let Ok(metrics) = client.get(format!("{base}/metrics")).send().await else { return false };
    let text = metrics.text().await.unwrap_or_default();
    text.lines().any(|line| line == "careline_outbox_length 0")
}
