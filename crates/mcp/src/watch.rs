//! `mcp ingest`: brings the store up to date with its documents, once or whenever one of them changes. Serves nobody; a
//! server on the same store notices what was changed.

use crate::{
    Config, ServerError,
    readiness::corpus,
    server::{library, told_to_end},
};
use documents::{Corpus, Library};
use notify::{RecommendedWatcher, RecursiveMode, Watcher as _};
use std::time::Duration;
use tokio::sync::mpsc::{Receiver, channel};

/// Reads the documents; with `watch`, again and again until the process is told to end.
///
/// # Errors
/// A store that cannot be opened or written, or folders that cannot be watched; or if it is told to end before it is done.
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
    eprintln!("reading {} into {}", corpus.says, config.store);
    let done = if watch { again_and_again(&library, &corpus).await } else { once(&library, &corpus).await };
    library.close().await;
    done
}

async fn once(library: &Library, corpus: &Corpus) -> Result<(), ServerError> {
    let report = library.ingest(corpus).await?;
    eprintln!(
        "{} stored, {} unchanged, {} left out, {} failed, {} removed",
        report.stored, report.unchanged, report.left_out, report.failed, report.removed
    );
    Ok(())
}

/// Changes come in bursts: this long after the last one of a burst, the documents are read.
const QUIET: Duration = Duration::from_millis(500);

async fn again_and_again(library: &Library, corpus: &Corpus) -> Result<(), ServerError> {
    let (_watcher, mut changes) = watcher(corpus)?; // before the first reading, so that no change falls between
    loop {
        once(library, corpus).await?;
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
