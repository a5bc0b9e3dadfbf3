//! axum 0.8.
//!
//! ```no_run
//! use api_analytics_client::axum::Analytics;
//! use axum::{routing::get, Router};
//! use std::net::SocketAddr;
//!
//! # async fn serve() -> std::io::Result<()> {
//! let app = Router::new()
//!     .route("/items/{id}", get(|| async { "an item" }))
//!     .layer(Analytics::new("YOUR-KEY"));
//!
//! let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
//! // With the callers' addresses.
//! axum::serve(listener, app.into_make_service_with_connect_info::<SocketAddr>()).await
//! # }
//! ```
//!
//! Add it after the routes, the fallback and the other layers, since it sees what is there by then.

/// The middleware: a layer for `Router::layer`.
pub type Analytics = crate::tower::AnalyticsOf<Axum>;

crate::tower::axum_framework!(axum, crate::template::Style::Braces);
