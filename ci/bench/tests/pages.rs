//! Every library's page holds what the others' hold, which `pages` insists on. In a process of its own, because our book is
//! one for the process.

use bench::{recording::Recorded, scrape::pages};

#[test]
fn every_library_with_a_text_form_shows_all_series() {
    assert_eq!(pages(Recorded::Counter, 1100).len(), 6);
}
