//! What is embedded in the binary or made for reading: the page, the documentation, status pages, the Python package, the
//! metrics.

pub mod acknowledge;
pub mod docs;
pub mod metrics;
pub mod missing;
pub mod page;
pub mod plain;
pub mod redirect;
pub mod root;
pub mod status;
pub mod style;
pub mod subscription;
pub mod wheels;

/// A text as it stands in HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
