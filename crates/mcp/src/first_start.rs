//! Fills the store when it does not hold the corpus yet, beside a server that answers already. Readiness says when it is
//! done, or why it is not.

use crate::server::ServerError;
use documents::{Corpus, Library, Report};
use sidelight_admin::Health;
use std::path::PathBuf;

/// The part of the program whose health this is.
pub(crate) const PART: &str = "documents";

/// The corpus of these settings. Asks the toolchain, so it runs on a thread that may block.
pub(crate) async fn corpus(docs: Option<PathBuf>) -> Result<Corpus, ServerError> {
    let found = tokio::task::spawn_blocking(move || Corpus::find(docs.as_deref())).await;
    found.map_err(|_| ServerError::Corpus)
}

/// Fills the store if need be.
pub(crate) async fn fill(library: Library, corpus: Corpus, health: Health) {
    match fill_once(&library, &corpus).await {
        Ok(_) => health.is_well(PART),
        Err(error) => {
            sidelight::error!("the documents could not be read to their end", error = error.to_string());
            health.is_unwell(PART, error.to_string());
        }
    }
}

async fn fill_once(library: &Library, corpus: &Corpus) -> Result<Option<Report>, documents::IngestError> {
    if library.holds(corpus).await? {
        return Ok(None);
    }
    sidelight::info!("reading documents", corpus = corpus.says);
    let report = library.ingest(corpus).await?;
    sidelight::info!(
        "the documents are read",
        stored = report.stored,
        unchanged = report.unchanged,
        left_out = report.left_out,
        failed = report.failed,
        removed = report.removed,
    );
    Ok(Some(report))
}
