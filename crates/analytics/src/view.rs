//! Saved views: a name, a page of a project and the page's state. Pure: validates a posted view.
//!
//! A view is stored as a page and its query, never as a URL, so opening one cannot lead anywhere else. The query may only
//! have parameters that the page itself writes. Names of tabs are not checked: the page ignores unknown ones.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::{self, FieldError};
use crate::filter;
use crate::limits;
use crate::panels::Panel;
use crate::period::{self, PeriodText, parse_zone};

/// The pages that a view can be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ViewPage {
    Dashboard,
    Requests,
    Endpoint,
    Consumer,
}

impl ViewPage {
    pub const ALL: [ViewPage; 4] =
        [ViewPage::Dashboard, ViewPage::Requests, ViewPage::Endpoint, ViewPage::Consumer];

    pub fn as_str(self) -> &'static str {
        match self {
            ViewPage::Dashboard => "dashboard",
            ViewPage::Requests => "requests",
            ViewPage::Endpoint => "endpoint",
            ViewPage::Consumer => "consumer",
        }
    }

    pub fn parse(name: &str) -> Option<ViewPage> {
        ViewPage::ALL.into_iter().find(|page| page.as_str() == name)
    }
}

/// A view as it is posted. In a change, missing fields are kept.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// At most 100 characters. Unique within a project.
    #[schema(example = "Failing payments")]
    pub name: Option<String>,
    #[schema(value_type = Option<ViewPage>, example = "dashboard")]
    pub page: Option<String>,
    /// The page's address behind the `?`, without `project`: `period` or `from` and `to`, `tz`, `q`, `compare`, `sort`, `open`,
    /// `tab.*`, and `method`, `route` or `consumer` where the page is about one. At most 4 KB.
    #[schema(example = "period=24h&q=status:5xx")]
    pub query: Option<String>,
}

/// A validated view.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct View {
    pub name: String,
    pub page: ViewPage,
    /// Normalized. May be empty.
    pub query: String,
}

impl NewView {
    /// `before`: the view to change; None for a new one.
    pub fn check(self, before: Option<View>) -> Result<View, FieldError> {
        let missing = |field: &str| FieldError::new(field, "is missing");
        let name = match (self.name, &before) {
            (Some(name), _) => checked_name(&name)?,
            (None, Some(before)) => before.name.clone(),
            (None, None) => return Err(missing("name")),
        };
        let page = match (self.page, &before) {
            (Some(page), _) => ViewPage::parse(&page).ok_or_else(|| {
                let names = ViewPage::ALL.map(ViewPage::as_str).join(", ");
                FieldError::new("page", format!("is none of {names}"))
            })?,
            (None, Some(before)) => before.page,
            (None, None) => return Err(missing("page")),
        };
        let query = self.query.or_else(|| before.map(|before| before.query)).unwrap_or_default();
        Ok(View { name, page, query: checked_query(page, &query)? })
    }
}

fn checked_name(name: &str) -> Result<String, FieldError> {
    let name = fields::label("name", name)?;
    if name.is_empty() {
        return Err(FieldError::new("name", "is missing; it is how people find the view"));
    }
    Ok(name)
}

/// Normalizes the query. An error for an unknown or repeated parameter, or a value that the page's own calls would refuse.
fn checked_query(page: ViewPage, query: &str) -> Result<String, FieldError> {
    let wrong = |message: String| FieldError::new("query", message);
    if query.len() as u64 > limits::VIEW_QUERY_BYTES {
        return Err(wrong(format!("is longer than {} bytes", limits::VIEW_QUERY_BYTES)));
    }
    let mut found: Vec<(String, String)> = Vec::new();
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !is_known(page, &name) {
            let name: String = name.chars().filter(|c| !c.is_control()).take(40).collect();
            return Err(wrong(format!("has the parameter `{name}`, which is not one of a view")));
        }
        if found.iter().any(|(other, _)| *other == name) {
            return Err(wrong(format!("has the parameter `{name}` twice")));
        }
        if value.chars().any(char::is_control) {
            return Err(wrong(format!("has a control character in `{name}`")));
        }
        if !value.is_empty() {
            found.push((name.into_owned(), value.into_owned()));
        }
    }
    let get = |name: &str| found.iter().find(|(other, _)| other == name).map(|(_, value)| &**value);
    let zone =
        parse_zone(get("tz").unwrap_or_default()).map_err(|error| wrong(error.to_string()))?;
    let text = PeriodText { period: get("period"), from: get("from"), to: get("to") };
    // Checks only the name and the order of the range, so any `now` will do.
    period::parse(text, 0, &zone).map_err(|error| wrong(error.to_string()))?;
    filter::parse(get("q").unwrap_or_default()).map_err(|error| wrong(format!("`q`: {error}")))?;
    if get("compare").is_some_and(|compare| compare != "off") {
        return Err(wrong("has a `compare` that is not `off`".into()));
    }
    if let Some(panel) = get("open")
        .into_iter()
        .flat_map(|open| open.split(','))
        .find(|panel| Panel::find(panel).is_none())
    {
        let panel: String = panel.chars().take(40).collect();
        return Err(wrong(format!("opens `{panel}`, which is not a panel")));
    }
    let names_subject = match page {
        ViewPage::Dashboard | ViewPage::Requests => true,
        ViewPage::Endpoint => get("method").or(get("route")).is_some(),
        ViewPage::Consumer => get("consumer").is_some_and(|key| {
            key.strip_prefix("u:")
                .or_else(|| key.strip_prefix("a:"))
                .is_some_and(|id| !id.is_empty())
        }),
    };
    if !names_subject {
        return Err(wrong(format!("does not say which {} it is about", page.as_str())));
    }
    Ok(form_urlencoded::Serializer::new(String::new()).extend_pairs(found).finish())
}

fn is_known(page: ViewPage, name: &str) -> bool {
    match (page, name) {
        (_, "period" | "from" | "to" | "tz" | "q" | "compare" | "sort" | "open") => true,
        (ViewPage::Endpoint, "method" | "route") | (ViewPage::Consumer, "consumer") => true,
        (_, name) => name.strip_prefix("tab.").is_some_and(is_tab),
    }
}

/// Tabs that are not part of a view: dialogs over the page, and which view is open.
const PASSING: [&str; 3] = ["hit", "deploy", "view"];

fn is_tab(name: &str) -> bool {
    let is_word = !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    is_word && !PASSING.contains(&name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(page: &str, query: &str) -> Result<String, FieldError> {
        let new =
            NewView { name: Some("n".into()), page: Some(page.into()), query: Some(query.into()) };
        new.check(None).map(|view| view.query)
    }

    #[test]
    fn a_view_keeps_the_parameters_that_pages_write() {
        let full = "period=24h&tz=Europe%2FBerlin&q=status%3A5xx+-country%3AUS&compare=off&sort=p95.asc&open=endpoints%2Ctop_consumers&tab.endpoints=5xx&tab.endpoints_find=%2Fpay&tab.live=on";
        assert_eq!(query("dashboard", full).unwrap(), full);
        assert_eq!(
            query("requests", "from=2026-01-01T00:00:00Z&q=&sort=").unwrap(),
            "from=2026-01-01T00%3A00%3A00Z",
            "written anew, without what is empty"
        );
        assert_eq!(query("dashboard", "").unwrap(), "");
        assert_eq!(query("endpoint", "route=/a b").unwrap(), "route=%2Fa+b");
        assert_eq!(query("consumer", "consumer=u:ann").unwrap(), "consumer=u%3Aann");
    }

    #[test]
    fn a_view_refuses_everything_else() {
        for (page, text, says) in [
            ("dashboard", "project=2", "`project`"),
            ("dashboard", "token=x", "`token`"),
            ("dashboard", "https://evil.example/?q=", "`https://evil.example/?q`"),
            ("dashboard", "javascript:alert(1)", "`javascript:alert(1)`"),
            ("dashboard", "view=requests", "`view`"),
            ("dashboard", "tab.hit=1-2-3", "`tab.hit`"),
            ("dashboard", "tab.deploy=all", "`tab.deploy`"),
            ("dashboard", "tab.view=1", "`tab.view`"),
            ("dashboard", "tab.=1", "`tab.`"),
            ("dashboard", "tab.<b>=1", "`tab.<b>`"),
            ("dashboard", "consumer=u:ann", "`consumer`"),
            ("consumer", "route=/a&consumer=u:a", "`route`"),
            ("dashboard", "q=a:b&q=c", "twice"),
            ("dashboard", "q=path:%0D%0AX", "control character"),
            ("dashboard", "q=colour:red", "`q`"),
            ("dashboard", "period=fortnight", "`period`"),
            ("dashboard", "period=7d&from=2026-01-01T00:00:00Z", "not both"),
            ("dashboard", "from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", "after `from`"),
            ("dashboard", "tz=Mars/Olympus", "`tz`"),
            ("dashboard", "compare=on", "`compare`"),
            ("dashboard", "open=everything", "`everything`"),
            ("endpoint", "q=", "which endpoint"),
            ("consumer", "consumer=ann", "which consumer"),
            ("consumer", "consumer=u:", "which consumer"),
        ] {
            let error = query(page, text).unwrap_err();
            assert_eq!(error.field, "query", "{text}");
            assert!(error.message.contains(says), "{text}: {}", error.message);
        }
        let long = format!("tab.x={}", "y".repeat(4_091));
        assert_eq!(query("dashboard", &long[..4_096]).unwrap(), long[..4_096]);
        assert!(query("dashboard", &long).is_err());
    }

    #[test]
    fn a_change_keeps_missing_fields() {
        let view =
            View { name: "a".into(), page: ViewPage::Requests, query: "q=path%3A%2Fa".into() };
        let renamed = NewView { name: Some(" b\u{7} ".into()), ..NewView::default() };
        let renamed = renamed.check(Some(view.clone())).unwrap();
        assert_eq!(renamed, View { name: "b".into(), ..view.clone() });
        let field = |new: NewView, before| new.check(before).unwrap_err().field;
        let named = |name: &str| NewView { name: Some(name.into()), ..NewView::default() };
        assert_eq!(field(named(" "), Some(view.clone())), "name");
        assert_eq!(field(named(&"x".repeat(101)), Some(view.clone())), "name");
        assert_eq!(field(named("a"), None), "page");
        assert_eq!(field(NewView::default(), None), "name");
        let page = NewView { page: Some("settings".into()), ..NewView::default() };
        assert_eq!(field(page, Some(view.clone())), "page");
        // The kept query must be valid for the new page.
        let of_consumer = NewView { page: Some("consumer".into()), ..NewView::default() };
        assert_eq!(field(of_consumer, Some(view)), "query");
    }
}
