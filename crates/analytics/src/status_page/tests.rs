//! Tests of status pages.

use std::collections::HashMap;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::accent::Accent;
use super::logo::Logo;
use super::publication::{Severity, Stage};
use super::*;
use crate::grid::Grid;
use crate::hit::TextKind;
use crate::incident::Cause;
use crate::tally::{Count, Dimension, Listing, Total};
use crate::uptime::Share;

fn page(services: &[(i64, &str)]) -> StatusPage {
    let services = services
        .iter()
        .map(|(monitor, name)| Service { monitor: *monitor, name: (*name).to_owned() });
    StatusPage {
        slug: "shop-status".to_owned(),
        groups: vec![ServiceGroup { name: "API".to_owned(), services: services.collect() }],
        ..StatusPage::default()
    }
}

#[test]
fn a_page_is_kept_trimmed_and_in_small_letters() {
    let mut given = page(&[(1, " Orders\u{7} "), (2, "Search")]);
    given.slug = " Shop-Status ".to_owned();
    given.title = "  Shop\nstatus ".to_owned();
    let kept = given.checked(|_| true).unwrap();
    assert_eq!((kept.slug.as_str(), kept.title.as_str()), ("shop-status", "Shopstatus"));
    assert_eq!(kept.groups[0].services[0].name, "Orders");
}

#[test]
fn each_mistake_is_named() {
    use StatusPageError as Error;
    let check = |page: StatusPage| page.checked(|monitor| monitor < 1_000);
    let with = |change: &dyn Fn(&mut StatusPage)| {
        let mut page = page(&[(1, "Orders")]);
        change(&mut page);
        check(page)
    };
    assert!(check(page(&[(1, "Orders")])).is_ok());
    for (slug, error) in [
        ("ab", Error::SlugLength),
        (&"x".repeat(61), Error::SlugLength),
        ("a b", Error::SlugLetters),
        ("-abc", Error::SlugLetters),
        ("abc-", Error::SlugLetters),
        ("a/../b", Error::SlugLetters),
        ("ünïcode", Error::SlugLetters),
    ] {
        assert_eq!(with(&|page| page.slug = slug.to_owned()), Err(error), "{slug}");
    }
    assert_eq!(with(&|page| page.title = " ".to_owned()), Err(Error::NoTitle));
    let too_long = Error::TooLong { field: "title", most: limits::STATUS_TITLE_CHARACTERS };
    assert_eq!(with(&|page| page.title = "x".repeat(101)), Err(too_long));
    assert_eq!(check(page(&[(1, " ")])), Err(Error::UnnamedService));
    assert_eq!(check(page(&[(1_000, "x")])), Err(Error::UnknownMonitor(1_000)));
    assert_eq!(check(page(&[(1, "x"), (1, "y")])), Err(Error::MonitorTwice(1)));
    let many: Vec<(i64, &str)> = (0..=limits::STATUS_SERVICES as i64).map(|n| (n, "x")).collect();
    assert_eq!(check(page(&many)), Err(Error::TooManyServices));
    let group = |_| ServiceGroup { name: String::new(), services: Vec::new() };
    let groups: Vec<ServiceGroup> = (0..=limits::STATUS_GROUPS).map(group).collect();
    assert_eq!(with(&|page| page.groups = groups.clone()), Err(Error::TooManyGroups));
}

#[test]
fn a_service_leaves_the_page_with_its_monitor() {
    let kept = page(&[(1, "Orders"), (2, "Search")]).with_monitors(|monitor| monitor == 2);
    assert_eq!(kept.services().map(|service| service.monitor).collect::<Vec<_>>(), [2]);
    assert!(kept.with_monitors(|_| false).groups.is_empty());
}

#[test]
fn slugs_are_made_of_names() {
    let random = [0, 1, 2, 3, 31, 32, 254, 255];
    assert_eq!(slug::propose("My Shop (EU)", random), "my-shop-eu-abcd9a89");
    assert_eq!(slug::propose("", random), "status-abcd9a89");
    assert!(slug::check(&slug::propose(&"ü".repeat(90), random)).is_ok());
    assert!(slug::check(&slug::propose(&"a b ".repeat(90), random)).is_ok());
    let page = page(&[(1, "Orders API"), (2, "orders/api"), (3, "注文"), (4, "Search")]);
    assert_eq!(
        slug::of_services(page.services()),
        ["orders-api", "orders-api-2", "service", "search"]
    );
}

#[test]
fn an_accent_is_readable_on_both_themes() {
    assert_eq!("#0C7d5b".parse::<Accent>().unwrap().to_string(), "#0c7d5b");
    for wrong in ["", "#fff", "#12345", "#1234567", "#12345g", "red", "#+12345", "#0c7d5b;}"] {
        assert_eq!(wrong.parse::<Accent>(), Err(StatusPageError::Accent), "{wrong}");
    }
    for text in ["#0c7d5b", "#ffff00", "#000000", "#ffffff", "#777777", "#0000ff", "#ff0000"] {
        let accent: Accent = text.parse().unwrap();
        for surface in [Accent::LIGHT_PAGE, Accent::WHITE, Accent::DARK_CARD] {
            for least in [3.0, 4.5] {
                let shade = accent.readable_on(surface, least);
                assert!(shade.contrast(surface) >= least, "{text} on {surface}: {shade}");
            }
        }
        assert!(accent.text_on().contrast(accent) >= 4.5, "{text}");
    }
    // A readable shade stays as it is.
    assert_eq!(Accent::DEFAULT.readable_on(Accent::LIGHT_PAGE, 4.5), Accent::DEFAULT);
    assert!((Accent::WHITE.contrast(Accent::BLACK) - 21.0).abs() < 1e-9);
}

#[test]
fn a_logo_is_told_by_its_first_bytes() {
    let png = b"\x89PNG\r\n\x1a\n rest".to_vec();
    assert_eq!(Logo::from_bytes(png).unwrap().content_type(), "image/png");
    let jpeg = Logo::from_base64("data:image/png;base64,/9j/4AAQ").unwrap();
    assert_eq!((jpeg.content_type(), jpeg.bytes().len()), ("image/jpeg", 6));
    assert_eq!(
        Logo::from_bytes(b"RIFF1234WEBPVP8 ".to_vec()).unwrap().content_type(),
        "image/webp"
    );
    for (wrong, error) in [
        ("PHN2Zz48L3N2Zz4=", StatusPageError::LogoKind),
        ("", StatusPageError::LogoKind),
        ("?", StatusPageError::LogoEncoding),
        ("data:image/png,x", StatusPageError::LogoEncoding),
        (&"A".repeat(limits::STATUS_LOGO_BYTES as usize * 2), StatusPageError::LogoSize),
    ] {
        assert_eq!(Logo::from_base64(wrong), Err(error));
    }
    let mut large = b"\xff\xd8\xff".to_vec();
    large.resize(limits::STATUS_LOGO_BYTES as usize, 0);
    assert!(Logo::from_bytes(large.clone()).is_ok());
    large.push(0);
    assert_eq!(Logo::from_bytes(large), Err(StatusPageError::LogoSize));
}

#[test]
fn the_worst_of_what_is_known_is_the_headline() {
    use State::{Degraded, Down, Maintenance, Unknown, Up};
    for (services, incidents, expected) in [
        (vec![Up, Up], vec![], Overall::Operational),
        (vec![Up, Down], vec![], Overall::Disrupted),
        (vec![Down, Down], vec![Severity::Minor], Overall::Down),
        (vec![Up, Degraded], vec![], Overall::Degraded),
        (vec![Degraded, Down, Up], vec![], Overall::Disrupted),
        (vec![Up, Maintenance], vec![], Overall::Maintenance),
        (vec![Up, Unknown], vec![], Overall::Unknown),
        (vec![Unknown, Maintenance], vec![], Overall::Maintenance),
        (vec![], vec![], Overall::Unknown),
        // Published by its owner, whatever the checks say.
        (vec![Up], vec![Severity::Major], Overall::Disrupted),
        (vec![Up], vec![Severity::Minor], Overall::Degraded),
        (vec![Up], vec![Severity::Minor, Severity::Major], Overall::Disrupted),
    ] {
        assert_eq!(Overall::of(&services, &incidents), expected, "{services:?} {incidents:?}");
    }
}

#[test]
fn words_of_incidents_are_read_back() {
    for stage in Stage::ALL {
        assert_eq!(Stage::parse(stage.as_str()), Some(stage));
    }
    assert_eq!(Stage::parse("done"), None);
    for severity in [Severity::Minor, Severity::Major] {
        assert_eq!(Severity::parse(severity.as_str()), Some(severity));
    }
    assert_eq!(Severity::of(Cause::Down), Severity::Major);
    assert_eq!(Severity::of(Cause::Certificate), Severity::Minor);
}

#[test]
fn the_share_of_each_host_is_told_apart() {
    let total = |hosts: &[(&str, u64)]| {
        let mut total = Total::new(Grid::whole(0, 60_000_000, &TimeZone::UTC));
        let rows = hosts
            .iter()
            .map(|(host, requests)| (Arc::from(*host), Count { requests: *requests, errors: 0 }));
        let listing = Listing { rows: rows.collect(), ..Listing::default() };
        total.values.insert(Dimension::Text(TextKind::Host), listing);
        total
    };
    let all = total(&[("a.example", 70), ("A.example", 30), ("b.example", 3), ("", 9)]);
    let failed = total(&[("a.example", 1), ("c.example", 5)]);
    let expected = HashMap::from([
        ("a.example".to_owned(), Share { part: 99, of: 100 }),
        ("b.example".to_owned(), Share { part: 3, of: 3 }),
    ]);
    assert_eq!(requests::shares(&all, &failed), expected);
}

#[test]
fn a_bar_is_drawn_by_the_share_of_its_day() {
    const HOUR: i64 = 3_600_000;
    let day = |up, degraded, down, unknown, maintenance| {
        let hours = Millis { up, degraded, down, unknown, maintenance };
        state_of_day(&hours)
    };
    for (state, expected) in [
        (day(24 * HOUR, 0, 0, 0, 0), State::Up),
        (day(23 * HOUR, 0, HOUR, 0, 0), State::Down),
        (day(24 * HOUR - 20_000, 0, 20_000, 0, 0), State::Degraded),
        (day(23 * HOUR, HOUR, 0, 0, 0), State::Degraded),
        (day(24 * HOUR - 20_000, 20_000, 0, 0, 0), State::Up),
        (day(11 * HOUR, 0, 0, 13 * HOUR, 0), State::Unknown),
        (day(0, 0, 0, 24 * HOUR, 0), State::Unknown),
        (day(0, 0, 0, 0, 0), State::Unknown),
        // An outage shows however little else is known.
        (day(0, 0, HOUR, 23 * HOUR, 0), State::Down),
        (day(0, 0, 0, HOUR, 23 * HOUR), State::Maintenance),
        (day(2 * HOUR, 0, 0, 0, 22 * HOUR), State::Up),
    ] {
        assert_eq!(state, expected);
    }
}
