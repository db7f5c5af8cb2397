//! One page. A scraper's wishes come in, bytes go out, in the form that it takes: text of Prometheus, OpenMetrics, or protobuf.
//! Gets families with their numbers from `record`, and never looks at what they are kept in.

mod accept;
mod page;
mod protobuf;
mod text;

pub use accept::{Form, takes_gzip};
pub use page::{Wanted, render};
pub use text::say_created;
