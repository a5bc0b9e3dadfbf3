//! Rocket 0.5.

use api_analytics_client::rocket::Analytics;
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use rocket::data::{IoHandler, IoStream};
use rocket::http::Status;
use rocket::response::stream::ByteStream;
use rocket::tokio::io::AsyncWriteExt;
use rocket::{delete, get, post, routes, Request, Response};
use std::pin::Pin;

#[rocket::main]
async fn main() -> Result<(), rocket::Error> {
    apps::be_quiet();
    let config = rocket::Config { port: apps::port(), log_level: rocket::config::LogLevel::Off, ..rocket::Config::debug_default() };
    rocket::custom(config)
        .mount("/", routes![create, item, remove, old, fails, fails_later, stream, endless, slow, socket])
        .mount("/orgs", routes![of_org, nested_fails])
        .attach(Analytics::from_env())
        .launch()
        .await
        .map(|_| ())
}

#[post("/items", data = "<body>")]
fn create(body: Vec<u8>) -> (Status, String) {
    (Status::Created, body.len().to_string())
}

#[get("/items/<id>")]
fn item(id: &str) -> (Status, String) {
    match id {
        "404" => (Status::NotFound, "no such item".to_owned()),
        _ => (Status::Ok, format!("item {id}")),
    }
}

#[delete("/items/<id>")]
fn remove(id: &str) -> Status {
    let _ = id;
    Status::NoContent
}

#[get("/old")]
fn old() -> rocket::response::Redirect {
    rocket::response::Redirect::found("/items/1")
}

#[get("/fails")]
fn fails() -> &'static str {
    panic!("a handler fails")
}

#[get("/fails-later")]
async fn fails_later() -> Status {
    apps::sleep(5).await;
    Status::InternalServerError
}

fn to_bytes(stream: impl Stream<Item = Result<Bytes, std::io::Error>>) -> impl Stream<Item = Bytes> {
    stream.filter_map(|part| async { part.ok() })
}

#[get("/stream")]
fn stream() -> ByteStream<impl Stream<Item = Bytes>> {
    ByteStream(to_bytes(apps::parts()))
}

#[get("/endless")]
fn endless() -> ByteStream<impl Stream<Item = Bytes>> {
    ByteStream(to_bytes(apps::endless()))
}

#[get("/slow")]
async fn slow() -> &'static str {
    apps::sleep(1_000).await;
    "slow"
}

#[get("/<org>/items/<id>")]
fn of_org(org: &str, id: &str) -> String {
    format!("{org} {id}")
}

#[get("/<org>/fails")]
fn nested_fails(org: &str) -> &'static str {
    panic!("a mounted handler of {org} fails")
}

/// Takes the connection over and ends it.
struct Ends;

#[rocket::async_trait]
impl IoHandler for Ends {
    async fn io(self: Pin<Box<Self>>, mut io: IoStream) -> std::io::Result<()> {
        io.shutdown().await
    }
}

struct Upgrade;

impl<'r> rocket::response::Responder<'r, 'static> for Upgrade {
    fn respond_to(self, _request: &'r Request<'_>) -> rocket::response::Result<'static> {
        Response::build().upgrade("websocket", Ends).ok()
    }
}

#[get("/socket")]
fn socket() -> Upgrade {
    Upgrade
}
