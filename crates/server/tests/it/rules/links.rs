//! The links in notices of rules: to the incident on the page, and to the button that acknowledges it.

use super::*;

const PUBLIC: &str = "https://stats.example.com";

#[tokio::test(flavor = "multi_thread")]
async fn a_notice_of_a_rule_leads_to_its_incident_and_acknowledges_that_one_alone() {
    let app = TestApp::with(&[("public_url", PUBLIC)]).await;
    let project = app.project().await;
    let channel = channel(&app, &project).await;
    let id = make(&app, &project, json!({ "metric": "server_errors", "at_least": 5 })).await;
    let other = make(&app, &project, json!({ "metric": "server_errors", "at_least": 6 })).await;
    post(&app, &project, NOW, 6, json!({ "status": 503 })).await;
    pass_minutes(&app, 3).await;
    let told = notices(&app, &channel).await;
    assert_eq!(told.len(), 2, "{told:?}");
    let incident = format!("r{id}-1");
    let page = format!("{PUBLIC}/alerts?project={}&incident={incident}", project.id);
    let notice = told.iter().find(|notice| notice["links"]["page"] == page).unwrap();
    let link = notice["links"]["acknowledge"].as_str().unwrap();
    let path = link.strip_prefix(PUBLIC).unwrap();
    assert!(path.starts_with(&format!("/acknowledge/{incident}/")), "{path}");

    // Opening the link changes nothing, and the token of one incident opens no other.
    let acknowledged = async |incident: &str| {
        let shown = app.get_as(&project.key, &format!("/api/v1/incidents/{incident}")).await;
        shown.json()["incident"]["acknowledged_at"].is_string()
    };
    let asked = app.get(path).await;
    assert_eq!(asked.status, 200);
    assert!(asked.text().contains("<h1>server errors: at least 5</h1>"), "{}", asked.text());
    assert!(!acknowledged(&incident).await);
    let token = path.rsplit('/').next().unwrap();
    for forged in [format!("r{other}-1"), format!("{id}-1"), format!("r{id}-2")] {
        let refused = app.get(&format!("/acknowledge/{forged}/{token}")).await;
        assert_eq!(refused.status, 404, "{forged}");
    }
    assert_eq!(app.post(path, &[], &json!({})).await.status, 200);
    assert!(acknowledged(&incident).await);
    assert!(!acknowledged(&format!("r{other}-1")).await);

    // Its end has the same links; without the rule they are invalid.
    pass_minutes(&app, 5).await;
    let told = notices(&app, &channel).await;
    let of_it = told.iter().filter(|one| one["thread"] == notice["thread"]);
    let links: Vec<&Value> = of_it.map(|one| &one["links"]).collect();
    assert_eq!(links, [&notice["links"], &notice["links"]]);
    assert_eq!(app.delete_as(&project.key, &format!("/api/v1/rules/{id}")).await.status, 204);
    assert_eq!(app.get(path).await.status, 404);
}
