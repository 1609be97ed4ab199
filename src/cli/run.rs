//! `run`: everything is opened before anything is connected, so that a mistake is said at once.

use super::signals::Signals;
use super::{Failure, RunArgs, ground, open_store, serve, wait};
use crate::case::policy::Policy;
use crate::case::time::Span;
use crate::config::{self, Config};
use crate::engine::{Engine, Parts, Tuning, clock, pager};
use crate::net::page::Pager;
use crate::store::{Store, retain};
use crate::web;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;

/// How often cases that are too old are looked for.
const RETAIN_EVERY: Span = Span::hours(1);
/// How long open connections of the port get, after the engine has stopped in its own time.
const GOODBYE: Span = Span::seconds(1);
/// When the process leaves, whoever still holds it: a clean stop takes less than 20 s.
const LAST: Span = Span::millis(19_500);

/// Runs until it is told to stop.
pub(super) fn run(args: &RunArgs) -> Result<(), Failure> {
    let config = read(args)?;
    wait(work(args, config))?
}

/// The configuration, with what the command line says on top.
fn read(args: &RunArgs) -> Result<Config, Failure> {
    let dir = &args.place.config;
    let mut config = config::load_since(dir, config::environment, &ground(), args.since)?;
    config.policy.dry_run |= args.dry_run;
    Ok(config)
}

async fn work(args: &RunArgs, config: Config) -> Result<(), Failure> {
    let mut signals = Signals::listen()?;
    // A port that is taken is said at once; whoever waits for the store does not listen.
    drop(serve::bind(config.web.listen).await?);
    let store = open_store(&config.store)?;
    if !held(&*store, &mut signals).await? {
        return Ok(store.close().await?);
    }
    let listener = serve::bind(config.web.listen).await?;
    let Config { policy, networks, desks, retention, pager, .. } = config;
    tracing::info!(revision = policy.revision, dry_run = policy.dry_run, "starting");
    let bringers = (networks.clone(), desks.clone());
    let parts = Parts {
        store: store.clone(),
        policy,
        networks,
        desks,
        clock: Arc::new(clock::System),
        tuning: Tuning::default(),
    };
    let engine = Engine::open(parts).await?;
    let mut routes = engine.routes();
    for (_, network) in &bringers.0 {
        routes = network.routes(engine.inbox()).into_iter().fold(routes, axum::Router::merge);
    }
    let hooks = bringers.0.iter().filter_map(|(_, network)| network.hook(engine.inbox()));
    routes = routes.merge(web::hooks::mount(hooks));
    for (_, desk) in &bringers.1 {
        routes = desk.routes(engine.inbox()).into_iter().fold(routes, axum::Router::merge);
    }
    let stop = CancellationToken::new();
    let served = tokio::spawn(web::serve(listener, routes, stop.clone()));
    let paged = tokio::spawn(page(store.clone(), pager, stop.clone()));
    let swept = tokio::spawn(retain(store, retention, stop.clone()));
    let reload = || match read(args) {
        Ok(config) => {
            for (id, network) in &bringers.0 {
                // One that cannot listen has no rules.
                let _ = network.heed(config.listen.get(id).cloned().unwrap_or_default());
            }
            put_policy(&engine, config.policy);
        }
        Err(why) => tracing::error!("the policy stays as it was: {why}"),
    };
    tokio::spawn(leave_at_last(stop.clone()));
    let ran = signals.around(engine.run(stop.clone()), &stop, reload).await?;
    stop.cancel();
    // Letting go of old cases may be broken off anywhere; a port that is still read, too.
    swept.abort();
    paged.abort();
    let _ = tokio::time::timeout(GOODBYE.to_std(), served).await;
    ran.map_err(Failure::Failed)
}

/// Waits until the store is this daemon's; no, if it was told to stop before.
async fn held(store: &dyn Store, signals: &mut Signals) -> Result<bool, Failure> {
    let stop = CancellationToken::new();
    let waits = async {
        tokio::select! {
            held = store.hold() => held.map(|()| true),
            () = stop.cancelled() => Ok(false),
        }
    };
    Ok(signals.around(waits, &stop, || ()).await??)
}

/// A disk that answers nothing any more holds even those who only want to let go of it: whatever
/// happens, the process is gone in time. A restart is as safe as after a kill.
#[expect(clippy::disallowed_methods, reason = "the store was given its time to close")]
async fn leave_at_last(stop: CancellationToken) {
    stop.cancelled().await;
    let left = std::thread::Builder::new().name("last".into()).spawn(|| {
        std::thread::sleep(LAST.to_std());
        eprintln!("careline: something held up the end; left all the same, a restart is safe");
        std::process::exit(1);
    });
    if left.is_err() {
        tracing::warn!("no thread to watch over the end");
    }
}

fn put_policy(engine: &Engine, policy: Policy) {
    tracing::info!(revision = policy.revision, "the policy was read again");
    engine.set_policy(policy);
}

/// Tells alerts outside chat. A store that fails ends the engine, which says so.
async fn page(store: Arc<dyn Store>, to: Option<Pager>, stop: CancellationToken) {
    let Some(to) = to else { return };
    if let Err(why) = pager::run(store, to, Arc::new(clock::System), stop).await {
        tracing::error!("alerts are no longer told outside chat: {why}");
    }
}

/// Lets go of cases that were closed too long ago, now and every hour.
async fn retain(store: Arc<dyn Store>, keep: Option<Span>, stop: CancellationToken) {
    let Some(keep) = keep else { return };
    loop {
        match retain::retain(&*store, keep, clock::now()).await {
            Ok(0) => {}
            Ok(cases) => tracing::info!(cases, "old cases were let go"),
            Err(error) => tracing::warn!("old cases could not be let go: {error}"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(RETAIN_EVERY.to_std()) => {}
        }
    }
}
