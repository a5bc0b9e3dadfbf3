//! A service of tower on hyper, without a framework: nothing has routes, and the app itself says who calls.

use std::convert::Infallible;

use api_analytics_client::tower::Analytics;
use bytes::Bytes;
use futures_util::TryStreamExt;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::header::LOCATION;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use hyper_util::service::TowerToHyperService;

type Answer = Response<UnsyncBoxBody<Bytes, std::io::Error>>;

#[tokio::main]
async fn main() {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", apps::port())).await.expect("the port is free");
    let service = tower_layer::Layer::layer(&Analytics::from_env(), tower::service_fn(answer));
    let serve = async {
        loop {
            let (socket, caller) = listener.accept().await.expect("connections");
            let service = service.clone();
            let service = tower::service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(caller);
                tower::Service::call(&mut service.clone(), request)
            });
            tokio::spawn(
                hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), TowerToHyperService::new(service)),
            );
        }
    };
    tokio::select! {
        () = serve => {}
        () = apps::asked_to_stop() => {}
    }
}

async fn answer(request: Request<Incoming>) -> Result<Answer, Infallible> {
    let text = |status, text: String| {
        let mut answer = Response::new(Full::from(text).map_err(|never| match never {}).boxed_unsync());
        *answer.status_mut() = status;
        answer
    };
    let path = request.uri().path().to_owned();
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    Ok(match (request.method(), parts.as_slice()) {
        (&Method::POST, ["items"]) => {
            let body = request.into_body().collect().await.map_or(0, |body| body.to_bytes().len());
            text(StatusCode::CREATED, body.to_string())
        }
        (&Method::DELETE, ["items", _]) => text(StatusCode::NO_CONTENT, String::new()),
        (_, ["items", "404"]) => text(StatusCode::NOT_FOUND, "no such item".into()),
        (_, ["items", id]) => text(StatusCode::OK, format!("item {id}")),
        (_, ["orgs", org, "items", id]) => text(StatusCode::OK, format!("{org} {id}")),
        (_, ["old"]) => {
            let mut answer = text(StatusCode::FOUND, String::new());
            answer.headers_mut().insert(LOCATION, "/items/1".parse().expect("a header"));
            answer
        }
        (_, ["fails" | "fails-later"] | ["orgs", _, "fails"]) => text(StatusCode::INTERNAL_SERVER_ERROR, String::new()),
        (_, ["stream"]) => Response::new(StreamBody::new(apps::parts().map_ok(Frame::data)).boxed_unsync()),
        (_, ["endless"]) => Response::new(StreamBody::new(apps::endless().map_ok(Frame::data)).boxed_unsync()),
        (_, ["slow"]) => {
            apps::sleep(1_000).await;
            text(StatusCode::OK, "slow".into())
        }
        (_, ["socket"]) => text(StatusCode::SWITCHING_PROTOCOLS, String::new()),
        _ => text(StatusCode::NOT_FOUND, String::new()),
    })
}
