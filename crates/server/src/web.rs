//! What is embedded in the binary or made for reading: the page at `/`, the Python package, the metrics.

pub mod metrics;
pub mod page;
pub mod wheels;
