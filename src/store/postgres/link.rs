//! Connections: to whom, for how long, and what a failure means.
//!
//! A connection on which anything failed is thrown away, never used again: the server then rolls
//! back what was open on it, and no answer that comes late is taken for another one. That is also
//! why no pool of the library is used (`sqlx` 0.9 leaves a transaction open in it when a `begin` is
//! dropped, launchbadge/sqlx #4385).

use crate::store::StoreError;
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::{ConnectOptions, Connection};
use std::future::Future;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::time::{sleep, timeout};

/// No single piece of work on a connection takes longer, as we see it: a commit on a synchronous
/// standby that is gone hangs without an error.
const STEP: Duration = Duration::from_secs(10);
/// Connecting takes no longer.
const CONNECT: Duration = Duration::from_secs(5);
/// For so long a failing database is tried again: a failover takes 10 to 20 s.
const PATIENCE: Duration = Duration::from_secs(60);
/// Readers at a time.
const SEATS: usize = 4;

/// What each connection is told. The times are the server's; ours are above.
const SESSION: [(&str, &str); 4] = [
    ("statement_timeout", "8s"),
    ("lock_timeout", "4s"),
    ("idle_in_transaction_session_timeout", "5s"),
    // What was answered is on disk, whatever the server's default is.
    ("synchronous_commit", "on"),
];

/// Why a piece of work was not done.
#[derive(Debug)]
pub enum Trouble {
    /// It may work in a moment, on another connection.
    Passing(String),
    /// It will not.
    Lasting(StoreError),
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Lasting(error)
    }
}

impl From<sqlx::Error> for Trouble {
    /// The server's details are left out: they may hold a customer's words.
    fn from(error: sqlx::Error) -> Self {
        let code = match &error {
            sqlx::Error::Database(said) => said.code().map(|code| code.into_owned()),
            sqlx::Error::Io(_) | sqlx::Error::Protocol(_) => None,
            sqlx::Error::Tls(_) | sqlx::Error::Configuration(_) => {
                return Self::Lasting(broken(&format!("PostgreSQL: {error}")));
            }
            _ => return Self::Lasting(broken("PostgreSQL gave an answer that cannot be read")),
        };
        let Some(code) = code else {
            return Self::Passing("the connection to PostgreSQL was lost".into());
        };
        match code.as_str() {
            "53100" => Self::Lasting(StoreError::Full("PostgreSQL has no room left".into())),
            "28000" | "28P01" | "3D000" | "42501" => {
                Self::Lasting(broken(&format!("PostgreSQL refuses us: {}", message(&error))))
            }
            code if passes(code) => Self::Passing(format!("PostgreSQL says: {}", message(&error))),
            code => Self::Lasting(broken(&format!("PostgreSQL refused a statement ({code})"))),
        }
    }
}

/// Faults that go away: connections, failover, read-only sessions, deadlocks, timeouts, no seats.
fn passes(code: &str) -> bool {
    let class = ["08", "40", "53", "57"].iter().any(|class| code.starts_with(class));
    class || ["25006", "25P03", "55P03"].contains(&code)
}

fn message(error: &sqlx::Error) -> String {
    error.as_database_error().map(|said| said.message().to_owned()).unwrap_or_default()
}

pub fn broken(text: &str) -> StoreError {
    StoreError::Broken(text.into())
}

/// A piece of work on a connection.
pub type Work<'c, R> = Pin<Box<dyn Future<Output = Result<R, Trouble>> + Send + 'c>>;

/// Where the database is, and the connections that are free.
pub struct Links {
    hosts: Vec<PgConnectOptions>,
    spare: Mutex<Vec<PgConnection>>,
    seats: Semaphore,
}

impl Links {
    /// Links to the database of this address: `postgres://user:password@host:port/name`; several
    /// hosts with commas, of which the one that can be written is taken.
    ///
    /// # Errors
    /// [`StoreError::Broken`]: it is no such address. The address is not repeated: it may hold a
    /// password.
    pub fn new(address: &str) -> Result<Self, StoreError> {
        let each = hosts(address).into_iter().map(|one| {
            let wrong = |_| broken("the address of PostgreSQL cannot be read");
            let options = PgConnectOptions::from_str(&one).map_err(wrong)?;
            let options = match options.get_application_name() {
                Some(_) => options,
                None => options.application_name("careline"),
            };
            Ok(options.options(SESSION).disable_statement_logging())
        });
        let hosts = each.collect::<Result<Vec<_>, StoreError>>()?;
        Ok(Self { hosts, spare: Mutex::default(), seats: Semaphore::new(SEATS) })
    }

    /// A new connection to a server that can be written.
    ///
    /// # Errors
    /// [`Trouble`] of the last host.
    pub async fn fresh(&self) -> Result<PgConnection, Trouble> {
        let mut trouble = Trouble::Passing("there is no host".into());
        for host in &self.hosts {
            match timeout(CONNECT, connect(host)).await {
                Ok(Ok(link)) => return Ok(link),
                Ok(Err(why)) => trouble = why,
                Err(_) => trouble = Trouble::Passing("PostgreSQL does not answer".into()),
            }
        }
        Err(trouble)
    }

    /// Does some reading; what fails for a moment is tried again.
    ///
    /// # Errors
    /// [`StoreError`] when it does not go away.
    pub async fn read<R>(
        &self,
        work: impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, R>,
    ) -> Result<R, StoreError> {
        let _seat = self.seats.acquire().await;
        patiently(async {
            let mut pause = Pause::default();
            loop {
                match self.read_once(&work).await {
                    Ok(done) => return Ok(done),
                    Err(trouble) => pause.after(trouble).await?,
                }
            }
        })
        .await
    }

    async fn read_once<R>(
        &self,
        work: &impl for<'c> Fn(&'c mut PgConnection) -> Work<'c, R>,
    ) -> Result<R, Trouble> {
        let spare = self.spare().pop();
        let mut link = match spare {
            Some(link) => link,
            None => self.fresh().await?,
        };
        let done = step(work(&mut link)).await?;
        self.spare().push(link);
        Ok(done)
    }

    fn spare(&self) -> std::sync::MutexGuard<'_, Vec<PgConnection>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Closes the connections that are free.
    pub async fn close(&self) {
        let spare = std::mem::take(&mut *self.spare());
        for link in spare {
            let _ = timeout(Duration::from_secs(1), link.close()).await;
        }
    }
}

/// Work that must end within [`STEP`].
///
/// # Errors
/// [`Trouble`] of the work, or that it took too long.
pub async fn step<R>(work: impl Future<Output = Result<R, Trouble>>) -> Result<R, Trouble> {
    let late = |_| Trouble::Passing("PostgreSQL does not answer in time".into());
    timeout(STEP, work).await.map_err(late)?
}

/// Something that tries again and again, for at most [`PATIENCE`].
///
/// # Errors
/// What does not go away.
pub async fn patiently<R>(
    tries: impl Future<Output = Result<R, StoreError>>,
) -> Result<R, StoreError> {
    let late = |_| broken(&format!("PostgreSQL did not work for {} s", PATIENCE.as_secs()));
    timeout(PATIENCE, tries).await.map_err(late)?
}

/// Between two tries.
pub struct Pause {
    wait: u64,
    why: String,
}

impl Default for Pause {
    fn default() -> Self {
        Self { wait: 20, why: String::new() }
    }
}

impl Pause {
    /// Waits a little longer than before.
    ///
    /// # Errors
    /// It will not go away.
    pub async fn after(&mut self, trouble: Trouble) -> Result<(), StoreError> {
        let why = match trouble {
            Trouble::Lasting(error) => return Err(error),
            Trouble::Passing(why) => why,
        };
        if self.why != why {
            tracing::warn!("{why}; trying again");
            self.why = why;
        }
        sleep(Duration::from_millis(self.wait + fastrand::u64(0..self.wait))).await;
        self.wait = (self.wait * 2).min(500);
        Ok(())
    }
}

/// Only a server that takes writes will do: during a failover the old one may still answer.
async fn connect(options: &PgConnectOptions) -> Result<PgConnection, Trouble> {
    let mut link = PgConnection::connect_with(options).await?;
    let asks = "SELECT pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean";
    if sqlx::query_scalar::<_, bool>(asks).fetch_one(&mut link).await? {
        return Err(Trouble::Passing("this PostgreSQL takes no writes".into()));
    }
    Ok(link)
}

/// The addresses of each host of an address.
fn hosts(address: &str) -> Vec<String> {
    let Some((scheme, rest)) = address.split_once("://") else { return vec![address.into()] };
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, hosts) = match authority.rsplit_once('@') {
        Some((user, hosts)) => (format!("{user}@"), hosts),
        None => (String::new(), authority),
    };
    hosts.split(',').map(|host| format!("{scheme}://{user}{host}{path}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn several_hosts_are_several_addresses() {
        let all = hosts("postgres://u:p@a:1,b:2/care?sslmode=disable");
        let expected =
            ["postgres://u:p@a:1/care?sslmode=disable", "postgres://u:p@b:2/care?sslmode=disable"];
        assert_eq!(all, expected);
        assert_eq!(hosts("postgres:///care?host=/run/pg"), ["postgres:///care?host=/run/pg"]);
    }

    #[test]
    fn a_wrong_address_is_refused_without_repeating_it() {
        let refused = Links::new("postgres://u:geheim@a:port/x").err().unwrap();
        assert!(!refused.to_string().contains("geheim"), "{refused}");
    }

    #[test]
    fn a_failover_passes_and_a_wrong_statement_does_not() {
        for code in ["08006", "57P01", "25006", "40001", "55P03", "57014"] {
            assert!(passes(code), "{code}");
        }
        for code in ["42601", "23505", "22P02"] {
            assert!(!passes(code), "{code}");
        }
    }
}
