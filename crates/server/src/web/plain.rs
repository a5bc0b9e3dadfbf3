//! The start page of a build without the dashboard: one plain page with the next commands. Each works when it is
//! pasted.
//!
//! No script, nothing from elsewhere, and no text from the client except the checked host name.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, header};

use super::escape;
use super::packages::find_package;
use crate::address::own_address;
use crate::app::{App, SharedApp};
use crate::pieces::to_rfc3339;

pub(super) fn answer(app: &SharedApp, headers: &HeaderMap) -> Response<Body> {
    let mut response = Response::new(Body::from(to_page(app, headers)));
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The page's text. `headers`: of the call, for the address that its sender uses.
pub fn to_page(app: &App, headers: &HeaderMap) -> String {
    let address = own_address(headers, &app.settings);
    let inactive: Vec<String> = app
        .meta
        .projects()
        .into_iter()
        .filter(|project| project.warned_day.is_some())
        .map(|project| project.id.0.to_string())
        .collect();
    let countries = app.enricher.countries();
    let made = to_rfc3339((countries.build_epoch() as i64).saturating_mul(1_000_000));
    let countries = format!("{} of {}", countries.database_type(), made.get(..10).unwrap_or(&made));
    let base_path = app.settings.public_url.as_ref().map_or("", |public| &public.base_path);
    write(&address, base_path, app.registration_is_open, &inactive, &countries)
}

const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

fn write(
    address: &str,
    base_path: &str,
    registration_is_open: bool,
    inactive: &[String],
    countries: &str,
) -> String {
    let create = if registration_is_open {
        format!("export KEY=$(curl -sS {address}/api/generate | tr -d '\"')")
    } else {
        "api-analytics project create --name shop     # on the server, with its --data\nexport KEY=...                               # the key that it printed".to_owned()
    };
    let post = format!(
        "curl -sS {address}/api/requests -H \"X-AUTH-TOKEN: $KEY\" -H 'Content-Type: application/json' \\\n  \
         -d '{{\"requests\": [{{\"path\": \"/hello\", \"method\": \"GET\", \"status\": 200, \"response_time\": 12.5}}]}}'"
    );
    let read = format!("curl -sS {address}/api/v1/hits -H \"X-AUTH-TOKEN: $KEY\"");
    let install = match find_package("python") {
        Some(file) => format!("pip install {address}/sdk/python/{file}"),
        None => "pip install fastapi-analytics".to_owned(),
    };
    let middleware = format!(
        "import os\nfrom api_analytics.fastapi import Analytics, Config\n\napp.add_middleware(Analytics, api_key=os.environ[\"KEY\"], config=Config(server_url=\"{address}\"))"
    );
    let inactive = if inactive.is_empty() {
        String::new()
    } else {
        format!(
            "<p class=warning>Inactive for long, erased within 14 days unless hits or a look come: project {}.</p>",
            inactive.join(", ")
        )
    };
    let mut page = format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\">\
         <title>API Analytics</title><link rel=icon href=\"{base_path}/favicon.ico\" type=\"image/svg+xml\"><link rel=stylesheet href=\"{base_path}/page.css\"><main>\
         <h1>API Analytics</h1><p>The server runs, and this build of it has no dashboard: <code>make build</code> builds it.</p>\
         {inactive}<p>Next:</p>"
    );
    for (title, command) in [
        ("1. Create a project and keep its key", create),
        ("2. Post a hit", post),
        ("3. Read it back", read),
        ("4. Send those of a FastAPI app", install),
    ] {
        page.push_str(&format!("<h2>{title}</h2><pre>{}</pre>", escape(&command)));
    }
    page.push_str(&format!("<pre>{}</pre>", escape(&middleware)));
    page.push_str(
        "<p>Coming from the original API Analytics? Register your key with <code>api-analytics key add</code>, then \
         change the URL in your app; nothing else.</p>",
    );
    page.push_str(&format!(
        "<p><a href=\"{base_path}/docs\">Documentation</a> &middot; <a href=\"{base_path}/api/v1/openapi.json\">openapi.json</a> &middot; <a href=\"{base_path}/api/health\">health</a></p>"
    ));
    page.push_str(&format!("<p>Country database: {}</p></main>", escape(countries)));
    page
}
