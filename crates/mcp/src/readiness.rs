//! Whether the program is ready, and if not, why: the documents, which are filled in at a first start beside a server that
//! answers already, and the store, which is asked again and again.

use crate::server_error::ServerError;
use documents::{Corpus, Library, Report};
use sidelight_admin::Health;
use std::{path::PathBuf, time::Duration};

/// The part that is well once the documents were read.
pub(crate) const DOCUMENTS: &str = "documents";
/// The part that is well while the store answers.
const STORE: &str = "store";
/// How often the store is asked.
const PULSE: Duration = Duration::from_secs(5);

/// The operator's folder; else what the store was filled from before; else whatever this machine has, for which the
/// toolchain is asked, on a thread that may block.
pub(crate) async fn corpus(library: &Library, docs: Option<PathBuf>) -> Result<Corpus, ServerError> {
    if docs.is_none()
        && let Some(corpus) = library.remembered().await?
    {
        return Ok(corpus);
    }
    let found = tokio::task::spawn_blocking(move || Corpus::find(docs.as_deref())).await;
    found.map_err(|_| ServerError::Corpus)
}

/// Fills the store if need be, and then keeps an eye on it.
pub(crate) async fn keep(library: Library, corpus: Corpus, health: Health) {
    let filling = fill(&library, &corpus, &health);
    let watching = async {
        loop {
            match library.queries().ping().await {
                Ok(()) => health.is_well(STORE),
                Err(error) => health.is_unwell(STORE, error.to_string()),
            }
            tokio::time::sleep(PULSE).await;
        }
    };
    tokio::join!(filling, watching);
}

/// Tries again until the documents are in: a database may be away for a while.
async fn fill(library: &Library, corpus: &Corpus, health: &Health) {
    loop {
        match fill_once(library, corpus).await {
            Ok(_) => return health.is_well(DOCUMENTS),
            Err(error) => {
                health.is_unwell(DOCUMENTS, error.to_string());
                tokio::time::sleep(PULSE).await;
            }
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
