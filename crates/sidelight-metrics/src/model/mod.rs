//! What a series is called and how it is measured: names made valid, kinds, the bounds of histograms. Takes words and numbers,
//! gives what the other rooms write or count by; keeps nothing, and knows no thread and no scraper.

mod exemplar;
mod kind;
mod layout;
mod name;
mod scale;
pub(crate) mod wire;

pub use exemplar::Exemplar;
pub use kind::Kind;
pub(crate) use layout::{Layout, SCHEMA, Table, Words};
pub use name::Name;
pub(crate) use name::unescaped;
pub use scale::{DURATION_BOUNDS, SIZE_BOUNDS, Scale};
