//! A PostgreSQL for the tests: one server for the whole binary, from this machine's programs, or
//! the one that `DATABASE_URL` names. Each test has a schema of its own.
//!
//! Where there is neither, one line says so; with `CI=true` that is a failure.

use sqlx::{AssertSqlSafe, Connection, PgConnection, Row};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Kept for as long as the binary lives: with it the pipe closes, and the shell ends the server.
static SERVER: OnceLock<Option<(String, Option<Child>)>> = OnceLock::new();

/// Runs a server until its input ends, then stops it and clears up.
const KEEP: &str = r#"dir=$1; shift
cd "$dir"; "$@" </dev/null >"$dir/log" 2>&1 & pid=$!
cat >/dev/null
kill -QUIT $pid; wait $pid; cd /; rm -rf "$dir""#;

/// The address of the server.
pub fn address() -> Option<&'static str> {
    let server = SERVER.get_or_init(|| {
        if let Ok(address) = std::env::var("DATABASE_URL") {
            return Some((address, None));
        }
        let Some(programs) = programs() else {
            let ci = std::env::var("CI").is_ok_and(|ci| ci == "true");
            assert!(!ci, "PostgreSQL's programs are not installed, and CI=true wants them");
            println!("PostgreSQL is not installed and DATABASE_URL not set: it was not tried");
            return None;
        };
        Some(start(&programs))
    });
    server.as_ref().map(|(address, _)| address.as_str())
}

/// The newest PostgreSQL that Debian or another packager installed.
fn programs() -> Option<PathBuf> {
    let versions = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
    let mut found: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
    found.sort();
    found
        .into_iter()
        .rev()
        .chain(["/usr/bin".into(), "/usr/local/bin".into()])
        .find(|dir: &PathBuf| dir.join("initdb").exists() && dir.join("postgres").exists())
}

/// PostgreSQL refuses to run as root.
fn as_its_user(program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    let root = Command::new("id").arg("-u").output().is_ok_and(|out| out.stdout == b"0\n");
    let other = "setpriv --reuid postgres --regid postgres --clear-groups";
    let before = if root { other.split(' ').map(str::to_owned).collect() } else { Vec::new() };
    before.into_iter().chain([program]).collect()
}

fn start(programs: &Path) -> (String, Option<Child>) {
    let dir = tempfile::Builder::new().prefix("careline-pg-").tempdir_in("/var/tmp").unwrap();
    let dir = dir.keep();
    let owned = Command::new("chown").args(["postgres:postgres"]).arg(&dir).output();
    drop(owned);
    let data = dir.join("data");
    let init = as_its_user(&programs.join("initdb"));
    let init = Command::new(&init[0])
        .args(&init[1..])
        .arg("-D")
        .arg(&data)
        .args("-A trust -U care -E UTF8 --locale=C.UTF-8 --no-sync".split(' '))
        .current_dir(&dir)
        .output()
        .unwrap();
    assert!(init.status.success(), "initdb: {}", String::from_utf8_lossy(&init.stderr));
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let settings = format!(
        "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off \
         -c max_connections=200"
    );
    let server = Command::new("sh")
        .args(["-c", KEEP, "sh"])
        .arg(&dir)
        .args(as_its_user(&programs.join("postgres")))
        .arg("-D")
        .arg(&data)
        .args(settings.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let address = format!("postgres://care@127.0.0.1:{port}/postgres?sslmode=disable");
    wait(&address, &dir);
    (address, Some(server))
}

/// Waits until it answers.
fn wait(address: &str, dir: &Path) {
    let until = Instant::now() + Duration::from_secs(60);
    while Instant::now() < until {
        if blocking(async { PgConnection::connect(address).await.is_ok() }) {
            return;
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    let log = std::fs::read_to_string(dir.join("log")).or_else(|e| match e.kind() {
        ErrorKind::NotFound => Ok(String::new()),
        _ => Err(e),
    });
    panic!("PostgreSQL does not answer: {}", log.unwrap());
}

/// Runs something on a thread and runtime of its own: it may be asked for inside another one.
pub fn blocking<R: Send>(work: impl Future<Output = R> + Send) -> R {
    std::thread::scope(|scope| {
        let work = scope.spawn(|| {
            let mut builder = tokio::runtime::Builder::new_current_thread();
            let runtime = builder.enable_all().build().unwrap();
            let limit = Duration::from_secs(60);
            runtime.block_on(async { tokio::time::timeout(limit, work).await.expect("a minute") })
        });
        work.join().unwrap()
    })
}

/// A schema of a test's own; dropped with all that is in it.
pub struct Schema {
    /// Its name, by which its connections are known too.
    pub name: String,
    /// With which a store is opened in it.
    pub address: String,
}

impl Schema {
    /// A new one; none where there is no PostgreSQL.
    pub fn fresh() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let server = address()?;
        let n = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("t{}_{n}", std::process::id());
        // The extension belongs to the whole database: two tests must not make it at once.
        let make = format!(
            "BEGIN; SELECT pg_advisory_xact_lock(1); \
             CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public; CREATE SCHEMA {name}; COMMIT"
        );
        run(server, &make);
        let joint = if server.contains('?') { '&' } else { '?' };
        let options = format!("-c%20search_path%3D{name}%2Cpublic");
        let address = format!("{server}{joint}options={options}&application_name={name}");
        Some(Self { name, address })
    }

    /// Runs statements in it.
    pub fn run(&self, statements: &str) {
        run(&self.address, statements);
    }

    /// The first column of the rows of a question, as text.
    pub fn ask(&self, question: &str) -> Vec<String> {
        let question = AssertSqlSafe(question.to_owned());
        blocking(async {
            let mut link = PgConnection::connect(&self.address).await.unwrap();
            let rows = sqlx::query_scalar::<_, String>(question).fetch_all(&mut link).await;
            let _ = link.close().await;
            rows.unwrap()
        })
    }

    /// As [`Schema::ask`], on a connection on which these statements ran before.
    pub fn ask_after(&self, before: &str, question: &str) -> Vec<String> {
        let before = AssertSqlSafe(before.to_owned());
        let question = AssertSqlSafe(question.to_owned());
        blocking(async {
            let mut link = PgConnection::connect(&self.address).await.unwrap();
            sqlx::raw_sql(before).execute(&mut link).await.unwrap();
            let rows = sqlx::raw_sql(question).fetch_all(&mut link).await.unwrap();
            let _ = link.close().await;
            rows.iter().map(|row| row.get::<String, _>(0)).collect()
        })
    }

    /// Does any column of any table hold these words?
    pub fn holds(&self, words: &str) -> bool {
        let tables =
            format!("SELECT tablename::text FROM pg_tables WHERE schemaname = '{}'", self.name);
        self.ask(&tables).iter().any(|table| {
            let asks = format!("SELECT t::text FROM {table} t WHERE t::text LIKE '%{words}%'");
            !self.ask(&asks).is_empty()
        })
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        run(address().unwrap(), &format!("DROP SCHEMA {} CASCADE", self.name));
    }
}

fn run(address: &str, statements: &str) {
    let statements = AssertSqlSafe(statements.to_owned());
    blocking(async {
        let mut link = PgConnection::connect(address).await.unwrap();
        let done = sqlx::raw_sql(statements).execute(&mut link).await;
        let _ = link.close().await;
        done.unwrap();
    });
}
