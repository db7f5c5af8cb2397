//! `mcp ingest`: brings the store up to date with its documents, once or whenever one of them changes. Serves nobody; a
//! server on the same store notices what was changed.

use crate::{Config, ServerError, readiness::corpus, server::library, signals::told_to_end, terminal};
use documents::{Corpus, Library, Report};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

/// Reads the documents; with `watch`, again and again until the process is told to end.
///
/// # Errors
/// A store that cannot be opened, folders that cannot be watched, or a reading that fails (with `watch` it is tried again); or
/// if it is told to end before it is done.
pub async fn ingest(config: &Config, watch: bool) -> Result<(), ServerError> {
    let told = told_to_end(); // heard from here on, also by the first process of a container
    tokio::select! {
        done = read(config, watch) => done,
        signal = told => if watch { Ok(()) } else { Err(ServerError::BrokenOff(signal)) },
    }
}

async fn read(config: &Config, watch: bool) -> Result<(), ServerError> {
    let library = library(config).await?;
    let corpus = corpus(&library, config.docs.clone()).await?;
    terminal::say(format_args!("reading {} into {}", corpus.says, config.store));
    if let Some(other) = library.other_model().await? {
        let model = library.model();
        terminal::say(format_args!(
            "all documents are read with the model {model} from now on, and were with {other}: a server on this store that asks \
             {other} finds by words alone, until it is started with {model}"
        ));
    }
    let done = if watch { again_and_again(&library, &corpus).await } else { once(&library, &corpus).await };
    library.close().await;
    done
}

async fn once(library: &Library, corpus: &Corpus) -> Result<(), ServerError> {
    let report = library.ingest(corpus).await?;
    let Report { stored, unchanged, left_out, failed, removed } = report;
    terminal::say(format_args!(
        "{stored} stored, {unchanged} unchanged, {left_out} left out, {failed} failed, {removed} removed"
    ));
    Ok(())
}

/// Changes come in bursts: this long after the last one of a burst, the documents are read.
const QUIET: Duration = Duration::from_millis(500);

/// After a reading that failed; doubled each time, up to the longest.
const PAUSE: Duration = Duration::from_secs(1);
const PAUSE_MAX: Duration = Duration::from_mins(1);

async fn again_and_again(library: &Library, corpus: &Corpus) -> Result<(), ServerError> {
    let mut pause = PAUSE;
    loop {
        // before each reading, so that no change falls between; and anew, as a folder that was replaced is another one
        let watched = watcher(corpus);
        let read = once(library, corpus).await;
        let ready = watched.and_then(|watched| read.map(|()| watched));
        let (_watcher, mut changes) = match ready {
            Ok(watched) => watched,
            Err(error) => {
                // a disk that is full, a model that is away: what is not read now is read when that has passed
                terminal::say(format_args!("mcp: {error}; trying again in {} s", pause.as_secs()));
                tokio::time::sleep(pause).await;
                pause = (pause * 2).min(PAUSE_MAX);
                continue;
            }
        };
        pause = PAUSE;
        if changes.recv().await.is_none() {
            return Ok(());
        }
        while let Ok(Some(())) = tokio::time::timeout(QUIET, changes.recv()).await {}
    }
}

fn watcher(corpus: &Corpus) -> Result<(RecommendedWatcher, Receiver<()>), ServerError> {
    let (tell, changes) = channel(1); // one that waits says as much as a hundred
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            let _ = tell.try_send(());
        }
    })?;
    for folder in corpus.folders() {
        watcher.watch(folder, RecursiveMode::Recursive)?;
    }
    Ok((watcher, changes))
}
