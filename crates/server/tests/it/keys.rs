//! Keys, dashboard ids and who may create them.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::TestApp;

fn is_uuid(value: &Value) -> bool {
    value.as_str().is_some_and(|text| text.len() == 36 && store::meta::Key::parse(text).is_some())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_by_either_address_and_works_at_once() {
    let app = TestApp::start().await;
    for path in ["/api/generate", "/api/generate-api-key"] {
        let made = app.get(path).await;
        assert_eq!(made.status, 200);
        assert_eq!(made.header("cache-control"), "no-store");
        let key = made.json();
        assert!(is_uuid(&key), "{key}");
        assert_eq!(app.get_as(key.as_str().unwrap(), "/api/data").await.json(), json!([]));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_is_created_with_its_secrets() {
    let app = TestApp::start().await;
    for (body, name) in
        [(json!({ "name": " shop\n" }), "shop"), (json!({}), ""), (json!({ "name": null }), "")]
    {
        let made = app.post("/api/v1/projects", &[], &body).await;
        assert_eq!(made.status, 201);
        let made = made.json();
        assert!(is_uuid(&made["key"]) && is_uuid(&made["dashboard_id"]), "{made}");
        let mut project = app.get_as(made["key"].as_str().unwrap(), "/api/v1/project").await.json();
        // Depends on whether the first round of jobs is over.
        project.as_object_mut().unwrap().remove("next_erasure_at");
        assert_eq!(
            project,
            json!({
                "project_id": made["project_id"], "name": name, "access": "owner", "created_at": "2026-11-22T12:00:00Z",
                "tz": "UTC", "privacy_level": 0, "keep_hits_days": null, "default_keep_hits_days": null, "apdex_ms": 500,
                "success_amber": 0.95, "success_red": 0.9, "dashboard_id": made["dashboard_id"], "last_hits_at": null,
                "inactive": false, "erased_after": null, "locked_q": "", "locked_hides": false,
                "shows": { "addresses": true, "consumers": true, "hits": true }
            })
        );
    }
    assert_eq!(app.send(Method::POST, "/api/v1/projects", &[], Vec::new()).await.status, 201);
    for body in [json!([]), json!({ "nam": "x" }), json!({ "name": 7 })] {
        assert_eq!(app.post("/api/v1/projects", &[], &body).await.code(), "invalid_json");
    }
    let long = json!({ "name": "x".repeat(101) });
    assert_eq!(app.post("/api/v1/projects", &[], &long).await.code(), "invalid_name");
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_registration_creates_nothing() {
    for settings in
        [&[("registration", "closed")][..], &[("public_url", "https://stats.example.com")]]
    {
        let app = TestApp::with(settings).await;
        for path in ["/api/generate", "/api/generate-api-key"] {
            let refused = app.get(path).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "registration_closed")
            );
            assert!(refused.text().contains("api-analytics project create"));
        }
        assert_eq!(
            app.post("/api/v1/projects", &[], &json!({})).await.code(),
            "registration_closed"
        );
        assert!(app.shared().meta.projects().is_empty());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_creates_only_so_many_projects() {
    let app = TestApp::with(&[("project_creations_per_hour", "2")]).await;
    for _ in 0..2 {
        assert_eq!(app.get("/api/generate").await.status, 200);
    }
    let refused = app.get("/api/generate").await;
    assert_eq!(
        (refused.code().as_str(), refused.header("retry-after")),
        ("too_many_projects", "3600")
    );
    assert_eq!(app.post("/api/v1/projects", &[], &json!({})).await.code(), "too_many_projects");
    app.set_time(crate::app::NOW + 3_600_000_000);
    assert_eq!(app.get("/api/generate").await.status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_tells_its_dashboard_id_until_that_is_regenerated() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let shown = app.get(&format!("/api/user-id/{}", project.key)).await;
    assert_eq!((shown.status.as_u16(), shown.json()), (200, json!(project.dashboard_id)));
    assert_eq!(shown.header("cache-control"), "no-store");
    assert_eq!(app.get(&format!("/api/requests/{}", project.dashboard_id)).await.status, 200);
    let made = app
        .send(
            Method::POST,
            "/api/regenerate-user-id",
            &[("x-auth-token", &project.key)],
            Vec::new(),
        )
        .await
        .json();
    assert!(is_uuid(&made) && made != json!(project.dashboard_id));
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        let old = app.get(&format!("/api/requests/{}", project.dashboard_id)).await;
        assert_eq!((old.status.as_u16(), old.code().as_str()), (404, "unknown_dashboard"));
        assert_eq!(app.get(&format!("/api/requests/{}", made.as_str().unwrap())).await.status, 200);
        let plain = made.as_str().unwrap().replace('-', "").to_uppercase();
        assert_eq!(app.get(&format!("/api/requests/{plain}")).await.status, 200);
        assert_eq!(app.get(&format!("/api/user-id/{}", project.key)).await.json(), made);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_in_an_address_is_400_as_it_was() {
    let app = TestApp::start().await;
    for key in ["00000000-0000-4000-8000-000000000000", "nonsense", "%00", "a%2Fb"] {
        let refused = app.get(&format!("/api/user-id/{key}")).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (400, "unknown_key_in_address"),
            "{key}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_for_ingest_may_do_nothing_else() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let ingest = app.ingest_key(&project).await;
    for route in server::router::routes() {
        use server::router::Access;
        let path = route.path.replace("{api_key}", &ingest).replace("{id}", "u:x");
        let method: Method = route.method.parse().unwrap();
        let answer = match route.access {
            Access::Owner
            | Access::Manager
            | Access::Holder
            | Access::Viewer
            | Access::KeyInAddress => {
                app.send(method, &path, &[("x-auth-token", &ingest)], Vec::new()).await
            }
            _ => continue,
        };
        let expect = if route.path.starts_with("/api/delete") {
            "get_delete_off"
        } else {
            "ingest_only_key"
        };
        assert_eq!(
            (answer.status.as_u16(), answer.code().as_str()),
            (403, expect),
            "{} {path}",
            route.method
        );
    }
    assert_eq!(
        app.post_hits(&ingest, json!([crate::app::hit("/a", json!({}))])).await.json()["accepted"],
        1
    );
}
