//! The progress bar of an ingestion, on standard error where that is a terminal; elsewhere it is silent.

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for one source.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    pub(crate) fn new(source: &str, files: usize) -> Self {
        let bar = ProgressBar::new(files as u64).with_prefix(source.to_owned());
        let style = ProgressStyle::with_template("{prefix:16} {bar:40} {pos}/{len} files, {eta} left");
        Self(bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar())))
    }

    pub(crate) fn advance(&self, files: usize) {
        self.0.inc(files as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
