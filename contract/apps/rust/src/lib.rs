//! Shared by the apps of Rust's frameworks: the port, streams, and an end by SIGTERM.

use std::time::Duration;

use bytes::Bytes;
use futures_util::Stream;

pub fn port() -> u16 {
    std::env::var("PORT").expect("PORT is set").parse().expect("PORT is a number")
}

/// Nobody wants to read the panics that handlers are asked for.
pub fn be_quiet() {
    std::panic::set_hook(Box::new(|_| {}));
}

pub async fn asked_to_stop() {
    let mut signal = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).expect("signals");
    signal.recv().await;
}

pub async fn sleep(milliseconds: u64) {
    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
}

/// Three parts of 3 bytes over 150 ms.
pub fn parts() -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    async_stream::stream! {
        for part in 0..3 {
            if part > 0 {
                sleep(75).await;
            }
            yield Ok(Bytes::from(format!("p{part}\n")));
        }
    }
}

/// A part each 20 ms, for two seconds or until the caller leaves.
pub fn endless() -> impl Stream<Item = Result<Bytes, std::io::Error>> + Send {
    async_stream::stream! {
        for _ in 0..100 {
            yield Ok(Bytes::from_static(b"part\n"));
            sleep(20).await;
        }
    }
}

/// The app of both versions of axum, whose types and patterns differ.
#[macro_export]
macro_rules! axum_app {
    ($axum:ident, $client:ident, $id:literal, $org:literal) => {
        use std::net::SocketAddr;

        use api_analytics_client::$client::Analytics;
        use $axum::body::{Body, Bytes};
        use $axum::extract::Path;
        use $axum::http::{header, StatusCode};
        use $axum::response::{IntoResponse, Response};
        use $axum::routing::{any, get, post};
        use $axum::Router;

        #[tokio::main]
        async fn main() {
            apps::be_quiet();
            let orgs = Router::new()
                .route($id, get(|Path((org, id)): Path<(String, String)>| async move { format!("{org} {id}") }))
                .route("/fails", get(|| async { panic!("a nested handler fails") as () }));
            let app = Router::new()
                .route("/items", post(|body: Bytes| async move { (StatusCode::CREATED, body.len().to_string()) }))
                .route($id, get(item).delete(|| async { StatusCode::NO_CONTENT }))
                .route("/old", get(|| async { (StatusCode::FOUND, [(header::LOCATION, "/items/1")]) }))
                .route("/fails", get(|| async { panic!("a handler fails") as () }))
                .route("/fails-later", get(fails_later))
                .route("/stream", get(|| async { Body::from_stream(apps::parts()).into_response() }))
                .route("/endless", get(|| async { Body::from_stream(apps::endless()).into_response() }))
                .route("/slow", get(slow))
                .route("/socket", any(upgrade))
                .nest($org, orgs)
                .layer(Analytics::from_env())
                // Without it a panic ends the connection; the client sees the panic itself.
                .layer(tower_http::catch_panic::CatchPanicLayer::new());
            let listener = tokio::net::TcpListener::bind(("127.0.0.1", apps::port())).await.expect("the port is free");
            let app = app.into_make_service_with_connect_info::<SocketAddr>();
            $axum::serve(listener, app).with_graceful_shutdown(apps::asked_to_stop()).await.expect("the server runs");
        }

        async fn item(Path(id): Path<String>) -> Response {
            match id.as_str() {
                "404" => (StatusCode::NOT_FOUND, "no such item").into_response(),
                _ => format!("item {id}").into_response(),
            }
        }

        async fn fails_later() -> Result<(), StatusCode> {
            apps::sleep(5).await;
            Err(StatusCode::INTERNAL_SERVER_ERROR)
        }

        async fn slow() -> &'static str {
            apps::sleep(1_000).await;
            "slow"
        }

        async fn upgrade() -> impl IntoResponse {
            (StatusCode::SWITCHING_PROTOCOLS, [(header::UPGRADE, "test"), (header::CONNECTION, "Upgrade")])
        }
    };
}
