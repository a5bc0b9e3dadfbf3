//! The status page as one HTML document that can be read without a script. Every text of its owner is escaped.

use std::fmt::Write;

use analytics::limits;
use analytics::status_page::accent::Accent;
use analytics::status_page::{Overall, StatusPage};
use analytics::uptime::State;

use super::words;
use crate::status_view::{
    DayView, GroupView, IncidentView, MaintenanceView, ServiceView, StatusView, UpdateView,
};
use crate::web::escape;

const MARK: &str = "<svg class=logo viewBox=\"0 0 22 22\" aria-hidden=true><rect width=22 height=22 rx=6 /><path d=\"M5 15V11M9 15V7M13 15V9.5M17 15V5\" /></svg>";

/// The mark of API Analytics as an image of its own.
pub fn mark(accent: Accent) -> String {
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 22 22\"><rect width=\"22\" height=\"22\" rx=\"6\" fill=\"{accent}\"/>\
         <path d=\"M5 15V11M9 15V7M13 15V9.5M17 15V5\" stroke=\"{}\" stroke-width=\"2.1\" stroke-linecap=\"round\"/></svg>",
        accent.text_on()
    )
}

pub fn write(view: &StatusView, base_path: &str) -> String {
    let here = format!("{base_path}/status/{}", view.slug);
    let title = escape(&view.title);
    let accent = view.accent.unwrap_or(Accent::DEFAULT).to_string();
    let logo = view.logo_tag.as_ref().map(|tag| format!("{here}/logo?v={tag}"));
    let mark = format!("{base_path}/status.svg?accent={}", &accent[1..]);
    let icon = logo.as_deref().unwrap_or(&mark).to_owned();
    let logo = logo.map_or_else(
        || MARK.to_owned(),
        |logo| format!("<img class=logo src=\"{logo}\" alt=\"\" width=26 height=26>"),
    );
    let mut out = head(&title, base_path, &accent[1..]);
    let _ = write!(
        out,
        "<meta name=description content=\"{headline}\"><link rel=icon href=\"{icon}\">\
         <link rel=alternate type=\"application/rss+xml\" title=\"{title}\" href=\"{here}/rss\">\
         <script src=\"{base_path}/status.js\" defer></script>\
         <div class=wrap><header>{logo}<h1>{title}</h1>{follow}</header>\
         <main id=main><p class=\"banner {state}\" role=status><i class=dot></i><span>{headline}</span><small>Updated {updated}</small></p>",
        headline = view.overall.as_text(),
        state = class_of(view.overall),
        follow = match view.takes_subscribers {
            true =>
                "<a class=btn href=\"#subscribe\">Subscribe<span class=sr> by e-mail</span></a>"
                    .to_owned(),
            false => format!(
                "<a class=btn href=\"{here}/rss\">Subscribe<span class=sr> to the feed of updates</span></a>"
            ),
        },
        updated = words::time_element(view.made_ms, view.made_ms),
    );
    let (current, announced): (Vec<_>, Vec<_>) =
        view.maintenance.iter().partition(|maintenance| maintenance.is_current);
    if !view.current.is_empty() || !current.is_empty() {
        out.push_str("<section aria-labelledby=now><h2 id=now>Now</h2>");
        view.current.iter().for_each(|incident| put_current(&mut out, incident, view.made_ms));
        current.iter().for_each(|one| put_maintenance(&mut out, one, view.made_ms));
        out.push_str("</section>");
    }
    if !announced.is_empty() {
        out.push_str("<section aria-labelledby=planned><h2 id=planned>Planned</h2>");
        announced.iter().for_each(|one| put_maintenance(&mut out, one, view.made_ms));
        out.push_str("</section>");
    }
    out.push_str("<section aria-labelledby=services><h2 id=services>Services</h2>");
    view.groups.iter().for_each(|group| put_group(&mut out, group));
    if view.groups.is_empty() {
        out.push_str("<p class=\"card none\">No services are listed yet.</p>");
    }
    out.push_str("</section><section aria-labelledby=earlier><h2 id=earlier>Earlier</h2>");
    view.earlier.iter().for_each(|incident| put_earlier(&mut out, incident, view.made_ms));
    if view.earlier.is_empty() {
        out.push_str("<p class=\"card none\">No incident was reported in the last 90 days.</p>");
    }
    out.push_str("</section></main>");
    if view.takes_subscribers {
        put_form(&mut out, &here);
    }
    let _ = write!(
        out,
        "<footer><span>Times are in <span data-zone>UTC</span></span><a href=\"{here}/rss\">RSS</a><a href=\"{here}/json\">JSON</a></footer></div></html>"
    );
    out
}

/// For an address without a page, or with one that is not enabled.
pub fn unknown(base_path: &str) -> String {
    let accent = Accent::DEFAULT.to_string();
    let accent = &accent[1..];
    head("No status page", base_path, accent)
        + &format!("<link rel=icon href=\"{base_path}/status.svg?accent={accent}\">")
        + "<div class=wrap><main id=main><h1>There is no status page at this address</h1>\
           <p>Its owner may have moved or closed it. Ask those who run the service for the right address.</p></main></div></html>"
}

/// A page of a few words in the look of a status page. `text` is HTML.
pub fn message(page: Option<&StatusPage>, base_path: &str, heading: &str, text: &str) -> String {
    let accent = page.and_then(|page| page.accent).unwrap_or(Accent::DEFAULT).to_string();
    let accent = &accent[1..];
    let back = page.filter(|page| page.enabled).map(|page| {
        let title = escape(&page.title);
        format!("<header><p><a href=\"{base_path}/status/{}\">{title}</a></p></header>", page.slug)
    });
    head(heading, base_path, accent)
        + &format!(
            "<meta name=robots content=noindex><link rel=icon href=\"{base_path}/status.svg?accent={accent}\">\
             <div class=wrap>{}<main id=main class=message><h1>{heading}</h1>{text}</main></div></html>",
            back.unwrap_or_default()
        )
}

fn head(title: &str, base_path: &str, accent: &str) -> String {
    format!(
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width, initial-scale=1\">\
         <meta name=color-scheme content=\"light dark\"><title>{title}</title>\
         <link rel=stylesheet href=\"{base_path}/status.css?accent={accent}\">"
    )
}

/// Outside of `main`, which the script replaces: text being typed must stay.
fn put_form(out: &mut String, here: &str) {
    let most = limits::SUBSCRIBER_ADDRESS_CHARACTERS;
    let _ = write!(
        out,
        "<section aria-labelledby=subscribe><h2 id=subscribe>Get updates by e-mail</h2>\
         <form class=\"card subscribe\" method=post action=\"{here}/subscribe\"><label for=email>E-mail address</label>\
         <input id=email type=email name=email autocomplete=email required maxlength={most}><button class=\"btn primary\">Subscribe</button>\
         <small>A link in the first mail asks you to confirm. Each mail has a link to unsubscribe.</small></form></section>"
    );
}

fn put_group(out: &mut String, group: &GroupView) {
    if !group.name.is_empty() {
        let _ = write!(out, "<h3>{}</h3>", escape(&group.name));
    }
    out.push_str("<ul class=card>");
    group.services.iter().for_each(|service| put_service(out, service));
    out.push_str("</ul>");
}

fn put_service(out: &mut String, service: &ServiceView) {
    let requests = service.requests.map(|share| {
        let percent = words::percent(Some(share));
        format!("<span title=\"Requests of the last 90 days that were answered without a server error\">{percent} of requests</span>")
    });
    let uptime = match service.uptime {
        Some(_) => format!("<span>{} over 90 days</span>", words::percent(service.uptime)),
        None => {
            "<span title=\"Less than half of the time is known\">– over 90 days</span>".to_owned()
        }
    };
    let _ = write!(
        out,
        "<li><div class=line><i class=\"dot {state}\"></i><b>{name}</b><span class=\"word {state}\">{word}</span><span class=num>{requests}{uptime}</span></div>\
         <div class=bars role=img aria-label=\"{bars}\">",
        state = service.state.as_str(),
        name = escape(&service.name),
        word = words::of_state(service.state),
        requests = requests.unwrap_or_default(),
        bars = escape(&words::of_bars(service)),
    );
    service.days.iter().for_each(|day| put_bar(out, day));
    out.push_str("</div><div class=scale aria-hidden=true><span>90 days ago</span><span>Today</span></div></li>");
}

/// Most of the page is days without events: they are written as briefly as possible.
fn put_bar(out: &mut String, day: &DayView) {
    let class = match day.state {
        State::Up => "",
        State::Degraded => " class=w",
        State::Down => " class=d",
        State::Maintenance => " class=m",
        State::Unknown => " class=u",
    };
    let millis = &day.millis;
    let says_nothing = match day.state {
        State::Unknown => millis.total() == millis.unknown,
        _ => millis.total() - millis.up < NOTABLE_MS && millis.down == 0,
    };
    if says_nothing {
        let _ = write!(out, "<i{class}></i>");
    } else {
        let _ = write!(out, "<i{class} title=\"{}\"></i>", words::of_day(day));
    }
}

/// As in the text of a day: the time since the newest check is not worth mentioning.
const NOTABLE_MS: i64 = 60_000;

fn put_current(out: &mut String, incident: &IncidentView, now_ms: i64) {
    let _ = write!(
        out,
        "<article class=card id=\"{}\"><h3>{} {}</h3>",
        incident.id,
        escape(&incident.title),
        severity(incident)
    );
    if incident.updates.is_empty() {
        let since = words::time_element(incident.since_ms, now_ms);
        let _ = write!(out, "<p>Since {since}</p>");
    } else {
        put_steps(out, incident.updates.iter().rev(), now_ms);
    }
    out.push_str("</article>");
}

fn put_maintenance(out: &mut String, maintenance: &MaintenanceView, now_ms: i64) {
    let services = match maintenance.services.as_slice() {
        [] => String::new(),
        services => format!("<br>Concerns {}", escape(&services.join(", "))),
    };
    let _ = write!(
        out,
        "<article class=card id=\"{}\"><h3>{} <span class=\"pill maintenance\">maintenance</span></h3><p>{} to {}{services}</p>",
        maintenance.id,
        escape(&maintenance.title),
        words::time_element(maintenance.from_ms, now_ms),
        words::time_element(maintenance.to_ms, now_ms),
    );
    if !maintenance.text.is_empty() {
        let _ = write!(out, "<p>{}</p>", words::paragraph(&maintenance.text));
    }
    out.push_str("</article>");
}

fn put_earlier(out: &mut String, incident: &IncidentView, now_ms: i64) {
    let lasted = incident.until_ms.map(|until_ms| words::length(until_ms - incident.since_ms));
    let _ = write!(
        out,
        "<article class=card id=\"{id}\"><h3>{title} <small><time datetime=\"{at}\" data-day>{day}</time>, {lasted}</small></h3>",
        id = incident.id,
        title = escape(&incident.title),
        at = words::machine_time(incident.since_ms),
        day = words::day(incident.since_ms),
        lasted = lasted.unwrap_or_default(),
    );
    let mut newest_first = incident.updates.iter().rev();
    if let Some(last) = newest_first.next() {
        let stage = last.stage.as_text();
        let text = words::paragraph(&last.text);
        let _ = write!(out, "<p>{stage}. {text}</p>");
    }
    let before = newest_first.len();
    if before > 0 {
        let noun = if before == 1 { "update" } else { "updates" };
        let _ = write!(out, "<details><summary>{before} earlier {noun}</summary>");
        put_steps(out, newest_first, now_ms);
        out.push_str("</details>");
    }
    out.push_str("</article>");
}

fn put_steps<'a>(out: &mut String, updates: impl Iterator<Item = &'a UpdateView>, now_ms: i64) {
    out.push_str("<ol>");
    for update in updates {
        let _ = write!(
            out,
            "<li class={}><b>{}</b> {}",
            update.stage.as_str(),
            update.stage.as_text(),
            words::time_element(update.at_ms, now_ms)
        );
        if !update.text.is_empty() {
            let _ = write!(out, "<p>{}</p>", words::paragraph(&update.text));
        }
        out.push_str("</li>");
    }
    out.push_str("</ol>");
}

fn severity(incident: &IncidentView) -> String {
    let word = incident.severity.as_str();
    format!("<span class=\"pill {word}\">{word}</span>")
}

fn class_of(overall: Overall) -> &'static str {
    match overall {
        Overall::Operational => "up",
        Overall::Maintenance => "maintenance",
        // Amber: something works. Red is for a complete outage.
        Overall::Degraded | Overall::Disrupted => "degraded",
        Overall::Down => "down",
        Overall::Unknown => "unknown",
    }
}
