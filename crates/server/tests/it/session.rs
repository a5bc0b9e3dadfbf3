//! Signing in on the page: the rights of a session, its duration, and the origins that it is accepted from.

use axum::http::Method;
use serde_json::{Value, json};

use crate::app::{TestApp, hit};

const DAY: i64 = 86_400_000_000;

async fn projects(app: &TestApp, cookie: &str) -> Vec<(u64, String)> {
    let list = app.page_call(cookie, Method::GET, "/api/v1/projects", Value::Null).await.json();
    let list = list["projects"].as_array().unwrap().iter();
    list.map(|one| {
        (one["project_id"].as_u64().unwrap(), one["access"].as_str().unwrap().to_owned())
    })
    .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_session_holds_several_projects_and_outlives_a_restart() {
    let mut app = TestApp::start().await;
    let (a, b) = (app.project().await, app.project().await);
    app.post_hits(&a.key, json!([hit("/of-a", json!({}))])).await;
    app.post_hits(&b.key, json!([hit("/of-b", json!({}))])).await;
    let cookie = app.sign_in(None, json!({ "key": a.key })).await;
    let hits = app.page_call(&cookie, Method::GET, "/api/v1/hits", Value::Null).await;
    assert!(hits.text().contains("/of-a"), "one project need not be named");
    // A sign-in gives another token: a planted or leaked one gains nothing.
    let planted = cookie;
    let cookie = app.sign_in(Some(&planted), json!({ "dashboard_id": b.dashboard_id })).await;
    assert_ne!(planted, cookie);
    assert_eq!(projects(&app, &planted).await, []);
    let (id_a, id_b) = (u64::from(a.id), u64::from(b.id));
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        assert_eq!(
            projects(&app, &cookie).await,
            [(id_a, "owner".to_owned()), (id_b, "dashboard".to_owned())]
        );
        let hits = app.page_call(&cookie, Method::GET, "/api/v1/hits", Value::Null).await;
        assert_eq!((hits.status.as_u16(), hits.code().as_str()), (400, "project_required"));
        let hits = app
            .page_call(&cookie, Method::GET, &format!("/api/v1/hits?project={id_b}"), Value::Null)
            .await;
        assert!(hits.text().contains("/of-b") && !hits.text().contains("/of-a"));
    }
    // A header wins over the cookie.
    let both = [("cookie", cookie.as_str()), ("x-auth-token", a.key.as_str())];
    let hits = app.send(Method::GET, "/api/v1/hits", &both, Vec::new()).await;
    assert!(hits.text().contains("/of-a"));
    // Signs out of one, then out of all.
    let out = app
        .page_call(&cookie, Method::DELETE, &format!("/api/v1/session?project={id_a}"), Value::Null)
        .await;
    assert_eq!(out.status, 204);
    assert_eq!(projects(&app, &cookie).await, [(id_b, "dashboard".to_owned())]);
    let out = app.page_call(&cookie, Method::DELETE, "/api/v1/session", Value::Null).await;
    assert!(out.status == 204 && out.header("set-cookie").contains("Max-Age=0"));
    assert_eq!(projects(&app, &cookie).await, []);
    let hits = app.page_call(&cookie, Method::GET, "/api/v1/hits", Value::Null).await;
    assert_eq!((hits.status.as_u16(), hits.code().as_str()), (401, "not_signed_in"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dashboard_id_shows_everything_and_changes_only_what_is_watched() {
    let app = TestApp::start().await;
    let project = app.project().await;
    app.post_hits(
        &project.key,
        json!([hit("/a", json!({ "user_id": "alice", "ip_address": "203.0.113.9" }))]),
    )
    .await;
    let cookie = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    let settings = app.page_call(&cookie, Method::GET, "/api/v1/project", Value::Null).await.json();
    assert_eq!(
        (&settings["access"], &settings["dashboard_id"]),
        (&json!("dashboard"), &json!(null))
    );
    let hits = app.page_call(&cookie, Method::GET, "/api/v1/hits", Value::Null).await.text();
    assert!(hits.contains("alice") && hits.contains("203.0.113.9"));
    let consumer =
        app.page_call(&cookie, Method::GET, "/api/v1/consumers/u:alice", Value::Null).await;
    assert!(consumer.text().contains("/a"));
    for route in server::router::routes() {
        use server::router::Access;
        if !matches!(route.access, Access::Owner | Access::Manager) {
            continue;
        }
        let path = route.path.replace("{id}", "u:alice");
        let answer =
            app.page_call(&cookie, route.method.parse().unwrap(), &path, Value::Null).await;
        let is_refused = (answer.status.as_u16(), answer.code().as_str()) == (403, "view_only");
        assert_eq!(is_refused, route.access == Access::Owner, "{} {path}", route.method);
    }
    // Signed in with the key as well, the same session is an owner's; without the key it is what it was.
    let key = json!({ "can": "everything" });
    let made = app.post("/api/v1/keys", &[("x-auth-token", &project.key)], &key).await.json();
    let cookie = app.sign_in(Some(&cookie), json!({ "key": made["key"] })).await;
    let own = app.page_call(&cookie, Method::GET, "/api/v1/keys", Value::Null).await.json();
    assert_eq!(own["keys"].as_array().unwrap().len(), 2);
    let revoke = format!("/api/v1/keys/{}", made["id"]);
    assert_eq!(app.delete_as(&project.key, &revoke).await.status, 204);
    assert_eq!(projects(&app, &cookie).await, [(u64::from(project.id), "dashboard".to_owned())]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_with_the_secret_that_it_came_from() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let key = json!({ "can": "everything" });
    let made = app.post("/api/v1/keys", &[("x-auth-token", &project.key)], &key).await.json();
    let by_key = app.sign_in(None, json!({ "key": made["key"] })).await;
    let by_id = app.sign_in(None, json!({ "dashboard_id": project.dashboard_id })).await;
    assert_eq!((projects(&app, &by_key).await.len(), projects(&app, &by_id).await.len()), (1, 1));
    let id = app
        .page_call(&by_key, Method::POST, "/api/v1/project/dashboard-id", Value::Null)
        .await
        .json();
    assert_ne!(id["dashboard_id"], json!(project.dashboard_id));
    assert_eq!((projects(&app, &by_key).await.len(), projects(&app, &by_id).await.len()), (1, 0));
    let revoke = format!("/api/v1/keys/{}", made["id"]);
    assert_eq!(app.delete_as(&project.key, &revoke).await.status, 204);
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        for cookie in [&by_key, &by_id] {
            assert_eq!(projects(&app, cookie).await, []);
            let refused = app.page_call(cookie, Method::GET, "/api/v1/project", Value::Null).await;
            assert_eq!(refused.code(), "not_signed_in");
        }
    }
    // And with the project.
    let cookie = app.sign_in(None, json!({ "key": project.key })).await;
    assert_eq!(
        app.page_call(&cookie, Method::DELETE, "/api/v1/project", Value::Null).await.status,
        200
    );
    assert_eq!(projects(&app, &cookie).await, []);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_expires_unused_and_at_last_in_any_case() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let unused = app.sign_in(None, json!({ "key": project.key })).await;
    let used = app.sign_in(None, json!({ "key": project.key })).await;
    for _ in 0..12 {
        app.pass_days(29);
        assert_eq!(projects(&app, &used).await.len(), 1);
    }
    assert_eq!(projects(&app, &unused).await, []);
    app.pass_days(29);
    assert_eq!(projects(&app, &used).await, [], "a year is over");
    server::jobs::run_due(app.shared()).await;
    // Turning the clock back does not revive an expired session.
    app.set_time(crate::app::NOW + DAY);
    assert_eq!((projects(&app, &unused).await, projects(&app, &used).await), (vec![], vec![]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_by_cookie_must_come_from_the_page() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let cookie = app.sign_in(None, json!({ "key": project.key })).await;
    let own = app.origin();
    let port = app.address.port();
    let rename = br#"{"name":"renamed"}"#.to_vec();
    for origin in [
        "http://evil.example",
        "null",
        "",
        &format!("http://127.0.0.1:{}", port ^ 1),
        &format!("{own}.evil.example"),
    ] {
        let headers = [("cookie", cookie.as_str()), ("origin", origin)];
        // An empty one counts as none.
        let headers = if origin.is_empty() { &headers[..1] } else { &headers[..] };
        for route in server::router::routes() {
            use server::router::Access;
            let by_session = matches!(
                route.access,
                Access::Owner | Access::Manager | Access::Holder | Access::Viewer
            ) || route.path == "/api/v1/session"
                || route.path == "/api/v1/projects";
            if route.method == "GET" || !by_session {
                continue;
            }
            let method: Method = route.method.parse().unwrap();
            let path = route.path.replace("{id}", "1");
            let refused = app.send(method, &path, headers, rename.clone()).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "wrong_origin"),
                "{} {path} from {origin:?}",
                route.method
            );
        }
    }
    // Reading is no change, and a key needs no origin.
    let look = app.send(Method::GET, "/api/v1/project", &[("cookie", &cookie)], Vec::new()).await;
    assert_eq!((look.status.as_u16(), look.json()["name"].clone()), (200, json!("")));
    let headers = [("x-auth-token", project.key.as_str()), ("origin", "http://evil.example")];
    assert_eq!(
        app.send(Method::PATCH, "/api/v1/project", &headers, rename.clone()).await.status,
        200
    );
    let headers = [("cookie", cookie.as_str()), ("origin", own.as_str())];
    assert_eq!(app.send(Method::PATCH, "/api/v1/project", &headers, rename).await.status, 200);
    // Another site cannot sign anyone in, even without a cookie.
    let refused = app
        .post(
            "/api/v1/session",
            &[("origin", "http://evil.example")],
            &json!({ "key": project.key }),
        )
        .await;
    assert_eq!(refused.code(), "wrong_origin");
}

/// A page of another site can call everything that its visitor's browser reaches: it must not create projects there.
#[tokio::test(flavor = "multi_thread")]
async fn another_site_makes_no_projects() {
    let app = TestApp::start().await;
    let own = app.origin();
    let calls = [
        (Method::GET, "/api/generate", 200),
        (Method::GET, "/api/generate-api-key", 200),
        (Method::POST, "/api/v1/projects", 201),
    ];
    let elsewhere = [
        &[("origin", "http://evil.example")][..],
        &[("origin", "null")],
        // An image or a link.
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
    ];
    let here = [
        &[][..],
        &[("origin", own.as_str()), ("sec-fetch-site", "same-origin")],
        &[("sec-fetch-site", "same-origin")],
        // Typed by hand.
        &[("sec-fetch-site", "none")],
    ];
    for (method, path, made) in calls {
        for headers in elsewhere {
            let refused = app.send(method.clone(), path, headers, Vec::new()).await;
            assert_eq!(
                (refused.status.as_u16(), refused.code().as_str()),
                (403, "wrong_origin"),
                "{path} {headers:?}"
            );
        }
        for headers in here {
            let answer = app.send(method.clone(), path, headers, Vec::new()).await;
            assert_eq!(answer.status.as_u16(), made, "{path} {headers:?}");
        }
    }
    // `HEAD` must change nothing.
    let before = app.shared().meta.projects().len();
    assert_eq!(before, 3 * here.len(), "nothing was made for those who were refused");
    for path in ["/api/generate", "/api/generate-api-key", "/api/delete/nonsense"] {
        let refused = app.send(Method::HEAD, path, &[], Vec::new()).await;
        assert_eq!((refused.status.as_u16(), refused.header("allow")), (405, "GET"), "{path}");
    }
    assert_eq!(app.shared().meta.projects().len(), before);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_cookie_follows_the_public_url() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let signed_in = app.post("/api/v1/session", &[], &json!({ "key": project.key })).await;
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("api_analytics_session="), "{cookie}");
    assert!(cookie.ends_with("; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax"), "{cookie}");
    assert!(!cookie.contains(&project.key));

    let app = TestApp::with(&[("public_url", "https://stats.example.com/base")]).await;
    let project = app.project().await;
    let origin = [("origin", "https://stats.example.com")];
    let signed_in = app.post("/base/api/v1/session", &origin, &json!({ "key": project.key })).await;
    let cookie = signed_in.header("set-cookie");
    assert!(cookie.starts_with("__Secure-api_analytics_session="), "{cookie}");
    assert!(cookie.contains("; Path=/base; ") && cookie.ends_with("; Secure"), "{cookie}");
    for wrong in ["http://stats.example.com", "https://stats.example.com:8443", &app.origin()] {
        let refused = app
            .post("/base/api/v1/session", &[("origin", wrong)], &json!({ "key": project.key }))
            .await;
        assert_eq!(refused.code(), "wrong_origin", "{wrong}");
    }

    // Another host of the domain can set a cookie of any other name for this one as well.
    let app = TestApp::with(&[("public_url", "https://stats.example.com")]).await;
    let project = app.project().await;
    let signed_in = app.post("/api/v1/session", &origin, &json!({ "key": project.key })).await;
    let cookie = signed_in.header("set-cookie");
    let (pair, rest) = cookie.split_once(';').unwrap();
    let token = pair.strip_prefix("__Host-api_analytics_session=").unwrap();
    assert_eq!(rest, " Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax; Secure");
    for (cookie, found) in [
        (pair.to_owned(), 1),
        (format!("api_analytics_session={token}"), 0),
        (format!("api_analytics_session=planted; {pair}"), 1),
    ] {
        assert_eq!(projects(&app, &cookie).await.len(), found, "{cookie}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_known_signs_in() {
    let app = TestApp::with(&[("unknown_keys_per_minute", "4")]).await;
    let project = app.project().await;
    let ingest = app.ingest_key(&project).await;
    let sign_in = async |secret: Value| app.post("/api/v1/session", &[], &secret).await;
    assert_eq!(sign_in(json!({ "key": ingest })).await.code(), "ingest_only_key");
    for wrong in [
        json!({}),
        json!({ "key": project.key, "dashboard_id": project.dashboard_id }),
        json!({ "kee": 1 }),
        json!({ "key": 5 }),
    ] {
        let refused = sign_in(wrong).await;
        assert_eq!(refused.code(), "invalid_json");
        assert!(!refused.text().contains(&project.key));
    }
    // A key is not a dashboard id, nor the other way round.
    for wrong in [
        json!({ "key": project.dashboard_id }),
        json!({ "dashboard_id": project.key }),
        json!({ "key": "nonsense" }),
        json!({ "key": "" }),
    ] {
        let refused = sign_in(wrong).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "unknown_key"));
        assert_eq!(refused.header("set-cookie"), "");
    }
    assert_eq!(sign_in(json!({ "key": "nonsense" })).await.code(), "too_many_unknown_keys");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_project_made_on_the_page_joins_its_session() {
    let app = TestApp::start().await;
    let origin = app.origin();
    let made =
        app.post("/api/v1/projects", &[("origin", &origin)], &json!({ "name": "one" })).await;
    let cookie = made.header("set-cookie").split(';').next().unwrap().to_owned();
    let made =
        app.page_call(&cookie, Method::POST, "/api/v1/projects", json!({ "name": "two" })).await;
    assert_eq!(made.status, 201);
    let cookie = made.header("set-cookie").split(';').next().unwrap().to_owned();
    assert_eq!(projects(&app, &cookie).await.len(), 2);
    let list = app.page_call(&cookie, Method::GET, "/api/v1/projects", Value::Null).await.json();
    assert_eq!(list["projects"][1]["name"], "two");
    // A tool gets no session.
    let made = app.post("/api/v1/projects", &[], &json!({})).await;
    assert_eq!((made.status.as_u16(), made.header("set-cookie")), (201, ""));
    assert_eq!(app.get("/api/v1/projects").await.json(), json!({ "projects": [] }));
    let key = made.json()["key"].as_str().unwrap().to_owned();
    let own = app.get_as(&key, "/api/v1/projects").await.json();
    assert_eq!(
        (own["projects"].as_array().unwrap().len(), &own["projects"][0]["name"]),
        (1, &json!(""))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_leave_no_token_in_the_folder() {
    let mut app = TestApp::start().await;
    let project = app.project().await;
    let cookie = app.sign_in(None, json!({ "key": project.key })).await;
    let token = cookie.split('=').nth(1).unwrap().to_owned();
    app.stop().await;
    let bytes: Vec<u8> = (0..token.len() / 2)
        .map(|place| u8::from_str_radix(&token[2 * place..2 * place + 2], 16).unwrap())
        .collect();
    for entry in std::fs::read_dir(app.data()).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_file() {
            continue;
        }
        let held = std::fs::read(&path).unwrap();
        for needle in [token.as_bytes(), &bytes] {
            assert!(
                !held.windows(needle.len()).any(|window| window == needle),
                "{}",
                path.display()
            );
        }
    }
}
