//! Reports each request that an HTTP API answers to its own API Analytics server: who called which endpoint, when, how long it took and with
//! what result. It waits for nothing while a request is answered, and cannot break the API it watches.
//!
//! Each framework is a feature with a module of the same name and an `Analytics` in it:
//!
//! | feature | module | use |
//! |---|---|---|
//! | `axum` | `axum` | `Router::layer(Analytics::new("KEY"))` (axum 0.8) |
//! | `axum-07` | `axum_07` | the same for axum 0.7 |
//! | `actix` | `actix` | `App::wrap(Analytics::new("KEY"))` |
//! | `rocket` | `rocket` | `rocket::build().attach(Analytics::new("KEY"))` |
//! | `tower` | `tower` | `ServiceBuilder::layer(Analytics::new("KEY"))`, for any service of `http` requests |
//!
//! Without a key, given or in `API_ANALYTICS_KEY`, nothing is recorded.

// Frameworks use different parts.
#![cfg_attr(
    not(all(feature = "actix", feature = "axum", feature = "rocket", feature = "tower")),
    allow(dead_code, unused_imports, unused_macros)
)]

mod client;
mod config;
mod exit;
mod hit;
mod log;
mod mapper;
mod post;
mod queue;
mod recorder;
mod template;

#[cfg(feature = "actix")]
pub mod actix;
#[cfg(feature = "axum")]
pub mod axum;
#[cfg(feature = "axum-07")]
pub mod axum_07;
#[cfg(feature = "rocket")]
pub mod rocket;
#[cfg(feature = "tower")]
pub mod tower;

use std::time::Duration;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Posts what waits in this process, now; true once a server has answered for all of it. Blocks for at most `timeout`, so call it from a thread
/// that may (`spawn_blocking`), or after the server has ended.
pub fn flush(timeout: Duration) -> bool {
    queue::QUEUE.flush(timeout)
}

/// Posts what waits before the process ends: at most two seconds, with more than one try if the server has been there before. It happens by
/// itself when `main` returns and in [`std::process::exit`].
pub fn shutdown() -> bool {
    queue::QUEUE.flush_at_exit()
}

/// The methods of every framework's `Analytics`. `$subject` is what the mappers get.
macro_rules! builder_methods {
    ($subject:ty) => {
        /// Watches an app with a project's key. Without one, `API_ANALYTICS_KEY` of the environment; without that, nothing is recorded.
        pub fn new(key: impl Into<String>) -> Self {
            Self::from_settings(crate::config::Settings::new(key.into()))
        }

        /// The key, the server's address and the release come from the environment: `API_ANALYTICS_KEY`, `API_ANALYTICS_SERVER_URL`,
        /// `API_ANALYTICS_RELEASE`.
        pub fn from_env() -> Self {
            Self::new("")
        }

        /// The server's address; a base path is kept. Else `API_ANALYTICS_SERVER_URL`, else `http://127.0.0.1:8080`.
        pub fn with_server_url(self, server_url: impl Into<String>) -> Self {
            self.change(|settings| settings.server_url = server_url.into())
        }

        /// 0 sends the caller's address, kept by the server; 1 sends it for the country only; 2 never reads it. Anything else counts as 2.
        pub fn with_privacy_level(self, privacy_level: i32) -> Self {
            self.change(|settings| settings.privacy_level = privacy_level)
        }

        /// The app's version, such as `v2.4.1` or a commit. Else `API_ANALYTICS_RELEASE`, else none.
        pub fn with_release(self, release: impl Into<String>) -> Self {
            self.change(|settings| settings.release = release.into())
        }

        builder_methods!(@mapper with_path_mapper, path, $subject,
            "The path to store instead of the requested one. If it panics or has none, the route is stored, never the path.");
        builder_methods!(@mapper with_hostname_mapper, hostname, $subject, "The host name instead of the header `Host`.");
        builder_methods!(@mapper with_ip_address_mapper, address, $subject,
            "The caller's address instead of the connection's. Not called at privacy level 2.");
        builder_methods!(@mapper with_user_agent_mapper, user_agent, $subject, "The user agent instead of the header `User-Agent`.");
        builder_methods!(@mapper with_user_id_mapper, user_id, $subject,
            "Who calls: an account, the name of an API key (never the secret itself).");
    };
    (@mapper $name:ident, $field:ident, $subject:ty, $doc:literal) => {
        #[doc = $doc]
        ///
        /// Runs after the request has been handled; returns a `String` or an `Option<String>`.
        pub fn $name<F, T>(self, mapper: F) -> Self
        where
            F: Fn(&$subject) -> T + Send + Sync + 'static,
            T: Into<Option<String>>,
        {
            let function = std::sync::Arc::new(move |request: &$subject| mapper(request).into());
            self.change(|settings| settings.mappers.$field = Some(crate::mapper::Mapper::new(stringify!($field), function)))
        }
    };
}
pub(crate) use builder_methods;
