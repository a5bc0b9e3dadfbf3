//! Pages and embedded files: the dashboard, the documentation, status pages, the client packages, the metrics.

pub mod acknowledge;
pub mod docs;
pub mod metrics;
pub mod missing;
pub mod packages;
pub mod page;
pub mod plain;
pub mod redirect;
pub mod root;
pub mod status;
pub mod style;
pub mod subscription;

/// A text escaped for HTML.
fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
