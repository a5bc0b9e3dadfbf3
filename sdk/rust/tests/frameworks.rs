//! Where a framework has traps of its own. `contract/conformance` has an app of each for the rest.

mod common;

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::task::Poll;

use common::Sink;

mod actix {
    use super::*;
    use actix_web::dev::{Service, ServiceRequest};
    use actix_web::middleware::{from_fn, Next, NormalizePath};
    use actix_web::{error, test, web, App, HttpMessage, HttpResponse};
    use api_analytics_client::actix::Analytics;

    #[actix_web::test]
    async fn mappers_see_what_the_request_became_and_other_middleware_may_change_it() {
        let sink = Sink::start();
        let analytics = Analytics::new("k")
            .with_server_url(&sink.url)
            .with_user_id_mapper(|request: &ServiceRequest| request.extensions().get::<String>().cloned());
        let login = |request: ServiceRequest, next: Next<_>| {
            request.extensions_mut().insert("alice".to_owned());
            next.call(request)
        };
        let app = App::new()
            .wrap(from_fn(login))
            .wrap(NormalizePath::trim())
            .wrap(analytics)
            .route(r"/items/{id:\d+}", web::get().to(|id: web::Path<u32>| async move { id.to_string() }));
        let app = test::init_service(app).await;
        let answer = test::call_and_read_body(&app, test::TestRequest::get().uri("/items/42/").to_request()).await;
        assert_eq!(answer, "42");
        let hit = &sink.flushed(1)[0];
        assert_eq!([&hit["path"], &hit["route"], &hit["user_id"]], ["/items/42/", "/items/{id}", "alice"]);
    }

    #[actix_web::test]
    async fn a_middleware_that_refuses_a_request_gives_its_status_and_a_path_mapper_hides_the_path_then() {
        let sink = Sink::start();
        let analytics = Analytics::new("k").with_server_url(&sink.url).with_path_mapper(|_| "/masked".to_owned());
        let refuse = |_: ServiceRequest, _: Next<actix_web::body::BoxBody>| async {
            Err::<actix_web::dev::ServiceResponse, _>(error::ErrorUnauthorized("who are you?"))
        };
        let app = test::init_service(App::new().wrap(from_fn(refuse)).wrap(analytics)).await;
        let error = app.call(test::TestRequest::get().uri("/secret").to_request()).await.unwrap_err();
        assert_eq!(error.as_response_error().status_code(), 401);
        let hit = &sink.flushed(1)[0];
        assert_eq!((hit["status"].as_u64(), hit["path"].as_str()), (Some(401), Some("/")));
    }

    #[actix_web::test]
    async fn a_panic_counts_500_and_goes_on_and_a_request_that_is_watched_twice_counts_once() {
        let sink = Sink::start();
        let analytics = Analytics::new("k").with_server_url(&sink.url);
        async fn handler() -> HttpResponse {
            panic!("the handler's own")
        }
        let app = App::new().wrap(analytics.clone()).wrap(analytics).route("/", web::get().to(handler));
        let app = test::init_service(app).await;
        let mut call = Box::pin(app.call(test::TestRequest::get().uri("/").to_request()));
        let panicked = std::future::poll_fn(|context| {
            let polled = std::panic::catch_unwind(AssertUnwindSafe(|| call.as_mut().poll(context).map(drop)));
            Poll::Ready(polled.is_err())
        });
        assert!(panicked.await);
        drop(call);
        assert_eq!(sink.flushed(1)[0]["status"], 500);
    }
}

mod axum {
    use super::*;
    use ::axum::body::Body;
    use ::axum::http::Request;
    use ::axum::routing::get;
    use ::axum::Router;
    use api_analytics_client::axum::Analytics;
    use tower_service::Service;

    async fn ask(app: &mut Router, path: &str) -> u16 {
        let answer = app.call(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        ::axum::body::to_bytes(answer.into_body(), 1000).await.unwrap();
        status
    }

    #[tokio::test]
    async fn paths_and_routes_are_whole_wherever_the_layer_is() {
        let sink = Sink::start();
        let layer = || Analytics::new("k").with_server_url(&sink.url);
        let inner = Router::new().route("/{id}", get(|| async { "x" })).route("/files/{*rest}", get(|| async { "x" })).layer(layer());
        let service = Router::new().route("/own/{x}", get(|| async { "x" }));
        let mut app =
            Router::new().nest("/orgs/{org}", inner).nest_service("/service", service.layer(layer())).fallback(|| async { "none" });
        for path in ["/orgs/acme/7", "/orgs/acme/files/a/b", "/service/own/1"] {
            assert_eq!(ask(&mut app, path).await, 200);
        }
        let mut whole = Router::new().route("/x/{id}", get(|| async { "x" })).fallback(|| async { "none" }).layer(layer());
        for path in ["/x/1", "/nothing"] {
            assert_eq!(ask(&mut whole, path).await, 200);
        }
        let found: Vec<_> = sink
            .flushed(5)
            .iter()
            .map(|hit| (hit["path"].as_str().unwrap().to_owned(), hit["route"].as_str().map(str::to_owned)))
            .collect();
        let expected = [
            ("/orgs/acme/7", Some("/orgs/{org}/{id}")),
            ("/orgs/acme/files/a/b", Some("/orgs/{org}/files/{rest}")),
            ("/service/own/1", Some("/service/own/{x}")),
            ("/x/1", Some("/x/{id}")),
            ("/nothing", None),
        ];
        assert_eq!(found, expected.map(|(path, route)| (path.to_owned(), route.map(str::to_owned))));
    }

    /// Its mappers take what those of `axum-analytics` take.
    #[tokio::test]
    async fn the_names_of_the_original_work() {
        let sink = Sink::start();
        fn user(request: &Request<Body>) -> String {
            request.headers()["x-account"].to_str().unwrap().to_string()
        }
        let analytics = Analytics::new("k".to_string())
            .with_server_url(format!("{}/", sink.url))
            .with_privacy_level(0)
            .with_path_mapper(|request: &Request<Body>| request.uri().path().to_uppercase())
            .with_hostname_mapper(|_| "named".to_string())
            .with_ip_address_mapper(|_| "203.0.113.9".to_string())
            .with_user_agent_mapper(|_| "agent".to_string())
            .with_user_id_mapper(user);
        let mut app = Router::new().route("/a", get(|| async { "x" })).layer(analytics);
        let request = Request::get("/a").header("x-account", "alice").body(Body::empty()).unwrap();
        drop(app.call(request).await.unwrap());
        let hit = &sink.flushed(1)[0];
        let fields = ["path", "hostname", "ip_address", "user_agent", "user_id"].map(|name| hit[name].as_str().unwrap());
        assert_eq!(fields, ["/A", "named", "203.0.113.9", "agent", "alice"]);
    }
}

mod rocket {
    use super::*;
    use ::rocket::local::blocking::Client;
    use ::rocket::{get, routes, Request};
    use api_analytics_client::rocket::Analytics;

    #[get("/items/<_id>?<q>")]
    fn item(_id: &str, q: Option<&str>) -> String {
        q.unwrap_or("none").to_owned()
    }

    fn client(analytics: Analytics) -> Client {
        let config = ::rocket::Config { log_level: ::rocket::config::LogLevel::Off, ..::rocket::Config::debug_default() };
        Client::untracked(::rocket::custom(config).mount("/v1", routes![item]).attach(analytics)).unwrap()
    }

    #[test]
    fn a_caller_who_left_before_the_head_counts_as_499_and_a_head_does_not() {
        let sink = Sink::start();
        let analytics =
            Analytics::new("k").with_server_url(&sink.url).with_user_id_mapper(|request: &Request<'_>| request.uri().path().to_string());
        let client = client(analytics);
        assert_eq!(client.get("/v1/items/1?q=abc").dispatch().into_string().unwrap(), "abc");
        drop(client.get("/v1/items/2").dispatch());
        drop(client.head("/v1/items/3").dispatch());
        drop(client.get("/nothing").dispatch().into_string());
        let found: Vec<_> = sink
            .flushed(4)
            .iter()
            .map(|hit| (hit["method"].clone(), hit["status"].clone(), hit["user_id"].clone(), hit["route"].clone()))
            .collect();
        let expected = [
            ("GET", 200, "/v1/items/1", Some("/v1/items/{_id}")),
            ("GET", 499, "/v1/items/2", Some("/v1/items/{_id}")),
            ("HEAD", 200, "/v1/items/3", Some("/v1/items/{_id}")),
            ("GET", 404, "/nothing", None),
        ];
        assert_eq!(found, expected.map(|(method, status, user, route)| (method.into(), status.into(), user.into(), route.into())));
    }

    #[test]
    fn attached_twice_a_request_counts_once() {
        let sink = Sink::start();
        let one = || Analytics::new("k").with_server_url(&sink.url);
        let config = ::rocket::Config { log_level: ::rocket::config::LogLevel::Off, ..::rocket::Config::debug_default() };
        let app = ::rocket::custom(config).mount("/v1", routes![item]).attach(one()).attach(one());
        Client::untracked(app).unwrap().get("/v1/items/1").dispatch().into_string().unwrap();
        sink.flushed(1);
    }
}
