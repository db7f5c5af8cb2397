//! Starts what the build has, in the order in which one part needs another.

use crate::{
    catalog::with_own,
    definition::Catalog,
    metrics, operation, profiling,
    settings::{Settings, StartError},
    tracing,
};

/// Sidelight, running. Dropping it flushes log lines and spans, for at most three seconds.
#[derive(Debug)]
#[must_use = "dropping it ends logs and traces"]
pub struct Running {
    _flush: tracing::Flush,
}

/// Starts whatever this build has. Call it once, before the first request.
///
/// # Errors
/// When a setting cannot be honoured by a feature that is built in.
pub fn start(settings: &Settings, catalogs: &[Catalog]) -> Result<Running, StartError> {
    operation::start();
    metrics::start(settings, &with_own(catalogs));
    let flush = tracing::start(settings)?;
    profiling::start(settings)?;
    Ok(Running { _flush: flush })
}
