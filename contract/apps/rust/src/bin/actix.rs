//! Actix Web 4.

use actix_web::http::{header, StatusCode};
use actix_web::{error, web, App, HttpResponse, HttpServer};
use api_analytics_client::actix::Analytics;

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| {
        App::new()
            .wrap(Analytics::from_env())
            .route("/items", web::post().to(|body: web::Bytes| async move { HttpResponse::Created().body(body.len().to_string()) }))
            .service(
                web::resource("/items/{id}")
                    .route(web::get().to(item))
                    .route(web::head().to(item))
                    .route(web::delete().to(|| async { HttpResponse::NoContent() })),
            )
            .route("/old", web::get().to(|| async { HttpResponse::Found().insert_header((header::LOCATION, "/items/1")).finish() }))
            .route("/fails", web::get().to(fails))
            .route("/fails-later", web::get().to(fails_later))
            .route("/stream", web::get().to(|| async { HttpResponse::Ok().streaming(Box::pin(apps::parts())) }))
            .route("/endless", web::get().to(|| async { HttpResponse::Ok().streaming(Box::pin(apps::endless())) }))
            .route("/slow", web::get().to(slow))
            .route(
                "/socket",
                web::get().to(|| async { HttpResponse::SwitchingProtocols().insert_header((header::UPGRADE, "test")).finish() }),
            )
            .service(web::scope(r"/orgs/{org:\w{1,40}}").route("/items/{id}", web::get().to(of_org)).route("/fails", web::get().to(fails)))
    })
    .workers(2)
    .bind(("127.0.0.1", apps::port()))?
    .run()
    .await
}

async fn item(id: web::Path<String>) -> HttpResponse {
    match id.as_str() {
        "404" => HttpResponse::NotFound().body("no such item"),
        _ => HttpResponse::Ok().body(format!("item {id}")),
    }
}

async fn of_org(names: web::Path<(String, String)>) -> String {
    format!("{} {}", names.0, names.1)
}

async fn fails() -> Result<&'static str, actix_web::Error> {
    Err(error::ErrorInternalServerError("a handler fails"))
}

async fn fails_later() -> Result<&'static str, actix_web::Error> {
    apps::sleep(5).await;
    Err(error::InternalError::new("a handler fails later", StatusCode::INTERNAL_SERVER_ERROR).into())
}

async fn slow() -> &'static str {
    apps::sleep(1_000).await;
    "slow"
}
