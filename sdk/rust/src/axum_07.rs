//! axum 0.7, as `axum` is for 0.8.

/// The middleware: a layer for `Router::layer`.
pub type Analytics = crate::tower::AnalyticsOf<Axum>;

crate::tower::axum_framework!(axum_07, crate::template::Style::Colon);
