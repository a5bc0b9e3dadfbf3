//! Share links: what their viewers see, and above all what they don't.

use axum::http::Method;
use serde_json::{Value, json};
use server::router::Access;

use crate::app::{TestApp, TestProject, hit};

async fn with_hits() -> (TestApp, TestProject) {
    let app = TestApp::start().await;
    let project = app.project().await;
    let hits = json!([
        hit("/v1/a", json!({ "user_id": "alice", "ip_address": "203.0.113.9" })),
        hit("/v1/b", json!({ "ip_address": "198.51.100.7" })),
        hit("/v2/a", json!({ "user_id": "bob", "ip_address": "203.0.113.9" })),
    ]);
    app.post_hits(&project.key, hits).await;
    (app, project)
}

async fn share(app: &TestApp, project: &TestProject, body: Value) -> String {
    let made = app.post("/api/v1/share-links", &[("x-auth-token", &project.key)], &body).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = made.json();
    assert_eq!(
        made["url"],
        json!(format!("{}/share/{}", app.origin(), made["token"].as_str().unwrap()))
    );
    made["token"].as_str().unwrap().to_owned()
}

async fn paths(app: &TestApp, token: &str, q: &str) -> Vec<String> {
    let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
    let hits = app.get_as(token, &format!("/api/v1/hits?q={q}")).await;
    assert_eq!(hits.status, 200, "{}", hits.text());
    let hits = hits.json();
    let mut paths: Vec<String> = hits["hits"]
        .as_array()
        .unwrap()
        .iter()
        .map(|hit| hit["path"].as_str().unwrap().to_owned())
        .collect();
    paths.sort();
    paths
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_s_filter_cannot_be_taken_off() {
    let (app, project) = with_hits().await;
    let everything =
        json!({ "q": "path:/v1/*", "hits": true, "addresses": true, "consumers": true });
    let token = share(&app, &project, everything).await;
    for (q, expect) in [
        ("", &["/v1/a", "/v1/b"][..]),
        ("path:/*", &["/v1/a", "/v1/b"]),
        ("-path:/v1/*", &[]),
        ("path:/v2/*", &[]),
        ("user:bob", &[]),
        ("user:alice", &["/v1/a"]),
    ] {
        assert_eq!(paths(&app, &token, q).await, expect, "{q}");
    }
    // The same through every other parameter of the call.
    for more in [
        "period=all",
        "from=2020-01-01T00:00:00Z",
        "limit=10000",
        "format=csv",
        "format=ndjson",
        "tz=Asia/Tokyo",
        "project=",
    ] {
        let text = app.get_as(&token, &format!("/api/v1/hits?{more}")).await.text();
        assert!(text.contains("/v1/a") && !text.contains("/v2/a"), "{more}: {text}");
    }
    let settings = app.get_as(&token, "/api/v1/project").await.json();
    assert_eq!(
        (&settings["access"], &settings["locked_q"]),
        (&json!("view"), &json!("path:/v1/*"))
    );
    assert_eq!(settings["shows"], json!({ "addresses": true, "consumers": true, "hits": true }));
    assert_eq!(settings["dashboard_id"], json!(null));
    assert_eq!(paths(&app, &project.key, "").await.len(), 3, "its owner sees all of them");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_s_filter_does_not_name_what_is_hidden_nor_tell_of_what_it_leaves_out() {
    let app = TestApp::start().await;
    let project = app.project().await;
    let at = |time: &str, who: &str| json!({ "created_at": time, "user_id": who, "ip_address": "203.0.113.9" });
    let hits = json!([
        hit("/v1/a", at("2026-03-05T10:00:00Z", "bob")),
        hit("/v1/a", at("2026-08-10T10:00:00Z", "alice")),
        hit("/v1/b", at("2026-09-20T10:00:00Z", "alice")),
        hit("/v1/a", at("2026-11-20T10:00:00Z", "bob")),
    ]);
    app.post_hits(&project.key, hits).await;
    let q = "path:/v1/* user:alice -address:198.51.100.7";
    for (addresses, consumers, shown, hides) in [
        (false, false, "path:/v1/*", true),
        (false, true, "path:/v1/* user:alice", true),
        (true, false, "path:/v1/* -address:198.51.100.7", true),
        (true, true, q, false),
    ] {
        let body = json!({ "q": q, "hits": true, "addresses": addresses, "consumers": consumers });
        let token = share(&app, &project, body).await;
        let settings = app.get_as(&token, "/api/v1/project").await;
        assert_eq!(settings.text().contains("alice"), consumers, "{}", settings.text());
        let settings = settings.json();
        assert_eq!(
            (&settings["locked_q"], &settings["locked_hides"]),
            (&json!(shown), &json!(hides))
        );
        // Its newest request is not Bob's, and its period does not begin with his.
        assert_eq!(settings["last_hits_at"], "2026-09-20T10:00:00Z");
        let period = |answer: Value| answer["period"]["from"].as_str().unwrap().to_owned();
        let all = app.get_as(&token, "/api/v1/dashboard?period=all&panels=requests").await.json();
        assert_eq!(all["panels"]["requests"]["value"], 2.0, "{all}");
        let from = period(all);
        assert!(from.as_str() > "2026-07-01" && from.as_str() < "2026-08-11", "{from}");
        let until = "/api/v1/dashboard?to=2026-10-01T00:00:00Z&panels=requests";
        let from = period(app.get_as(&token, until).await.json());
        assert!(from.as_str() > "2026-07-01" && from.as_str() < "2026-08-11", "{from}");
    }
    // The same if it shows nothing at all; its owner sees everything.
    let token = share(&app, &project, json!({ "q": "path:/v3/*" })).await;
    let settings = app.get_as(&token, "/api/v1/project").await.json();
    assert_eq!(settings["last_hits_at"], json!(null));
    let all = app.get_as(&token, "/api/v1/dashboard?period=all&panels=requests").await.json();
    assert!(all["period"]["from"].as_str().unwrap() > "2026-11-01", "{all}");
    let own = app.get_as(&project.key, "/api/v1/dashboard?period=all&panels=requests").await.json();
    assert!(own["period"]["from"].as_str().unwrap() < "2026-03-06", "{own}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_link_does_not_show_is_not_seen_and_not_asked_for() {
    let (app, project) = with_hits().await;
    for (addresses, consumers, hits) in
        [(false, false, false), (false, false, true), (true, false, true), (false, true, true)]
    {
        let token = share(
            &app,
            &project,
            json!({ "addresses": addresses, "consumers": consumers, "hits": hits }),
        )
        .await;
        let shown = app.get_as(&token, "/api/v1/hits").await;
        if hits {
            for format in ["json", "ndjson", "csv"] {
                let text =
                    app.get_as(&token, &format!("/api/v1/hits?format={format}")).await.text();
                assert_eq!(text.contains("203.0.113.9"), addresses, "{text}");
                assert_eq!(text.contains("alice"), consumers, "{text}");
                assert!(text.contains("/v1/a"), "{text}");
            }
        } else {
            assert_eq!((shown.status.as_u16(), shown.code().as_str()), (403, "hidden_field"));
        }
        for (q, allowed) in [
            ("address:203.0.113.9", addresses),
            ("-ip:203.0.113.*", addresses),
            ("user:alice", consumers),
            ("consumer:u:alice", addresses && consumers),
            ("status:200 user_id:a*", consumers),
            ("status:200", true),
        ] {
            let q: String = form_urlencoded::byte_serialize(q.as_bytes()).collect();
            let answer = app.get_as(&token, &format!("/api/v1/hits?q={q}")).await;
            if allowed && hits {
                assert_eq!(answer.status, 200, "{q}");
            } else {
                assert_eq!(
                    (answer.status.as_u16(), answer.code().as_str()),
                    (403, "hidden_field"),
                    "{q}"
                );
            }
        }
        assert_eq!(app.get_as(&token, "/api/v1/consumers/u:alice").await.code(), "view_only");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_changes_nothing_and_opens_nothing_else() {
    let (app, project) = with_hits().await;
    let token =
        share(&app, &project, json!({ "addresses": true, "consumers": true, "hits": true })).await;
    for route in server::router::routes() {
        if !matches!(route.access, Access::Owner | Access::Manager | Access::Holder) {
            continue;
        }
        let method: Method = route.method.parse().unwrap();
        let path = route.path.replace("{id}", "u:alice");
        let refused = app.send(method, &path, &[("x-auth-token", &token)], b"{}".to_vec()).await;
        assert_eq!(
            (refused.status.as_u16(), refused.code().as_str()),
            (403, "view_only"),
            "{} {path}",
            route.method
        );
    }
    assert_eq!(app.get_as(&token, "/api/v1/projects").await.code(), "view_only");
    assert_eq!(
        app.post("/api/v1/session", &[], &json!({ "key": token })).await.code(),
        "unknown_key"
    );
    assert_eq!(app.post_hits(&token, json!([hit("/", json!({}))])).await.code(), "unknown_key");
    // Two links at once are as wrong as two keys.
    let second = share(&app, &project, json!({ "hits": true })).await;
    let bearer = format!("Bearer {second}");
    let both = [("x-auth-token", token.as_str()), ("authorization", bearer.as_str())];
    assert_eq!(
        app.send(Method::GET, "/api/v1/hits", &both, Vec::new()).await.code(),
        "keys_disagree"
    );
    let other = app.project().await;
    let elsewhere = app.get_as(&token, &format!("/api/v1/hits?project={}", other.id)).await;
    assert_eq!(elsewhere.code(), "invalid_parameter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_works_until_it_is_revoked_or_expires() {
    let (mut app, project) = with_hits().await;
    let lasting = share(&app, &project, json!({ "name": "for Bob", "hits": true })).await;
    let short =
        share(&app, &project, json!({ "hits": true, "expires_at": "2026-11-24T12:00:00Z" })).await;
    let list = app.get_as(&project.key, "/api/v1/share-links").await;
    assert!(!list.text().contains(&lasting) && !list.text().contains(&short));
    let list = list.json();
    assert_eq!(
        list["share_links"][0],
        json!({
            "id": list["share_links"][0]["id"], "name": "for Bob", "q": "", "addresses": false, "consumers": false,
            "hits": true, "created_at": "2026-11-22T12:00:00Z", "expires_at": null, "last_used_at": null
        })
    );
    assert_eq!(app.get_as(&short, "/api/v1/hits").await.status, 200);
    app.pass_days(1);
    assert_eq!(app.get_as(&lasting, "/api/v1/hits").await.status, 200);
    app.pass_days(1);
    app.restart().await;
    let list = app.get_as(&project.key, "/api/v1/share-links").await.json();
    let used: Vec<&Value> =
        list["share_links"].as_array().unwrap().iter().map(|link| &link["last_used_at"]).collect();
    assert_eq!(used, ["2026-11-23T12:00:00Z", "2026-11-22T12:00:00Z"]);
    for restarted in [false, true] {
        if restarted {
            app.restart().await;
        }
        let refused = app.get_as(&short, "/api/v1/hits").await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (401, "expired_link"));
        assert_eq!(app.get_as(&lasting, "/api/v1/project").await.status, 200);
        app.set_time(crate::app::NOW + 86_400_000_000);
        assert_eq!(app.get_as(&lasting, "/api/v1/project").await.status, 200);
        app.set_time(crate::app::NOW + 2 * 86_400_000_000);
    }
    let other = app.project().await;
    let path = format!("/api/v1/share-links/{}", list["share_links"][0]["id"]);
    assert_eq!(app.delete_as(&other.key, &path).await.code(), "unknown_share_link");
    assert_eq!(app.delete_as(&project.key, &path).await.status, 204);
    assert_eq!(app.delete_as(&project.key, &path).await.code(), "unknown_share_link");
    assert_eq!(app.get_as(&lasting, "/api/v1/hits").await.code(), "unknown_key");
    app.restart().await;
    assert_eq!(app.get_as(&lasting, "/api/v1/hits").await.code(), "unknown_key");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_link_that_could_not_work_is_not_made_and_there_are_only_so_many() {
    let (app, project) = with_hits().await;
    let make = async |body: Value| {
        app.post("/api/v1/share-links", &[("x-auth-token", &project.key)], &body).await
    };
    for (body, code) in [
        (json!({ "q": "nonsense:1" }), "invalid_query"),
        (json!({ "expires_at": "2026-11-22T11:59:59Z" }), "invalid_setting"),
        (json!({ "expires_at": "tomorrow" }), "invalid_setting"),
        (json!({ "name": "x".repeat(101) }), "invalid_name"),
        (json!({ "hit": true }), "invalid_json"),
        (json!({ "hits": "yes" }), "invalid_json"),
    ] {
        let refused = make(body).await;
        assert_eq!((refused.status.as_u16(), refused.code().as_str()), (400, code));
    }
    for _ in 0..analytics::limits::SHARE_LINKS_PER_PROJECT {
        assert_eq!(make(json!({})).await.status, 201);
    }
    assert_eq!(make(json!({})).await.code(), "too_many_share_links");
}
