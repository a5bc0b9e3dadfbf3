//! Learning from paths, its bounds, and the owner's decisions.

use proptest::prelude::*;

use super::*;

const SERVED: Answers = Answers { served: 1, turned_away: 0, unclear: 0 };
const NOT_FOUND: Answers = Answers { served: 0, turned_away: 1, unclear: 0 };

fn learned() -> LearnedRoutes {
    LearnedRoutes::new((1, 2))
}

fn served(hits: u32) -> Answers {
    Answers { served: hits, ..Answers::default() }
}

fn route(routes: &mut LearnedRoutes, path: &str, answers: Answers) -> String {
    let mut route = String::new();
    routes.put_route(path, answers, &mut route);
    route
}

fn templates(routes: &LearnedRoutes) -> Vec<String> {
    routes.templates().into_iter().map(|template| template.template).collect()
}

/// More values than a place without a parameter may have.
const MANY: u64 = limits::ROUTE_VALUES + 1;

#[test]
fn a_place_with_too_many_values_is_a_parameter_named_after_them() {
    for (value, name) in [
        (|n| format!("the-story-of-{n}"), "slug"),
        (|n| format!("SKU-{n}"), "code"),
        (|n| format!("x{n}k"), "code"),
        (|n| format!("2026-{:02}-{:02}", n % 12 + 1, n / 12 + 1), "date"),
        (|n| format!("photo-{n}.jpg"), "file"),
        (|n| "a".repeat(n as usize + 1), "name"),
    ] as [(fn(u64) -> String, &str); 6]
    {
        let mut routes = learned();
        for n in 0..MANY - 1 {
            routes.observe(&format!("/v1/things/{}/parts", value(n)), SERVED);
        }
        assert_eq!(templates(&routes), [""; 0], "{name}: not too many yet");
        let path = format!("/v1/things/{}/parts", value(3));
        assert_eq!(route(&mut routes, &path, SERVED), path);
        routes.observe(&format!("/v1/things/{}/parts", value(MANY)), SERVED);
        assert_eq!(templates(&routes), [format!("/v1/things/{{{name}}}")]);
        for path in [path, format!("/v1/things/{}/parts", value(MANY + 7))] {
            assert_eq!(
                route(&mut routes, &path, SERVED),
                format!("/v1/things/{{{name}}}/parts"),
                "{path}"
            );
        }
        assert_eq!(route(&mut routes, "/v1/things", SERVED), "/v1/things");
    }
}

#[test]
fn a_frequent_word_stays_apart() {
    let mut routes = learned();
    for n in 0..MANY {
        routes.observe(&format!("/users/user-{n}"), SERVED);
        routes.observe("/users/me", SERVED);
        if n % 12 == 0 {
            // It does not look like the values, but is hardly called.
            routes.observe("/users/rare", SERVED);
        }
    }
    assert_eq!(route(&mut routes, "/users/me", SERVED), "/users/me");
    assert_eq!(route(&mut routes, "/users/user-7", SERVED), "/users/{slug}");
    assert_eq!(route(&mut routes, "/users/{id}", SERVED), "/users/{slug}");
    assert_eq!(routes.templates()[0].kept_words, 1);
}

#[test]
fn ids_are_no_values_and_keep_their_endpoint() {
    let mut routes = learned();
    routes.observe("/orders/{id}/lines", SERVED);
    for n in 0..MANY {
        routes.observe(&format!("/orders/order-{n}/lines"), SERVED);
    }
    assert_eq!(route(&mut routes, "/orders/{id}/lines", SERVED), "/orders/{id}/lines");
    assert_eq!(route(&mut routes, "/orders/order-x/lines", SERVED), "/orders/{slug}/lines");
}

#[test]
fn what_follows_a_parameter_is_learned_together() {
    let mut routes = learned();
    // Ten files for each of a hundred users: no user has too many.
    for user in 0..MANY {
        for file in 0..10 {
            routes.observe(&format!("/u/user-{user}/files/{user}-{file}.txt"), SERVED);
        }
        routes.observe(&format!("/u/user-{user}/profile"), SERVED);
    }
    assert_eq!(templates(&routes), ["/u/{slug}", "/u/{slug}/files/{file}"]);
    for (path, expected) in [
        ("/u/user-1/files/1-1.txt", "/u/{slug}/files/{file}"),
        ("/u/new-one/files/9-9.txt", "/u/{slug}/files/{file}"),
        ("/u/user-2/profile", "/u/{slug}/profile"),
        ("/u/user-2/", "/u/{slug}/"),
    ] {
        assert_eq!(route(&mut routes, path, SERVED), expected);
    }
}

#[test]
fn templates_below_a_new_parameter_go_through_it() {
    let mut routes = learned();
    for n in 0..MANY {
        routes.observe(&format!("/t/acme-inc/docs/doc-{n}"), SERVED);
    }
    assert_eq!(templates(&routes), ["/t/acme-inc/docs/{slug}"]);
    for n in 0..MANY * 20 {
        routes.observe(&format!("/t/tenant-{n}/docs/doc-{n}"), SERVED);
    }
    let templates = templates(&routes);
    assert!(templates.contains(&"/t/{slug}".to_owned()), "{templates:?}");
    assert_eq!(route(&mut routes, "/t/tenant-5/docs/zz-top", SERVED), "/t/{slug}/docs/{slug}");
    assert_eq!(templates.iter().filter(|one| one.starts_with("/t/{slug}/docs/")).count(), 1);
}

#[test]
fn a_scanner_gets_one_row_and_teaches_nothing() {
    let mut routes = learned();
    for n in 0..20 {
        routes.observe(&format!("/v1/resource{n}"), served(100));
    }
    let mut seen = HashSet::new();
    for n in 0..10_000 {
        let path = format!("/{n}/wp-admin.php");
        routes.observe(&path, NOT_FOUND);
        seen.insert(route(&mut routes, &path, NOT_FOUND));
    }
    assert_eq!(seen.len() as u64, limits::ROUTE_UNMATCHED + 1);
    assert!(seen.contains(UNMATCHED));
    assert_eq!(templates(&routes), [""; 0]);
    // A path that was served keeps its name while it is turned away, and while no server can be reached.
    for (path, answers) in [
        ("/v1/resource3", NOT_FOUND),
        ("/v1/new", SERVED),
        ("/v1/broken", Answers { unclear: 1, ..Answers::default() }),
        ("/v1/mixed", Answers { served: 1, turned_away: 5, unclear: 0 }),
    ] {
        routes.observe(path, answers);
        assert_eq!(route(&mut routes, path, answers), path);
    }
}

#[test]
fn the_owner_adds_renames_refuses_and_keeps_words() {
    let mut routes = learned();
    routes.decide("/files/{path}", false).unwrap();
    assert_eq!(route(&mut routes, "/files/a", SERVED), "/files/{path}");
    routes.decide("/files/health", false).unwrap();
    assert_eq!(route(&mut routes, "/files/health", SERVED), "/files/health");
    assert_eq!(route(&mut routes, "/files/b", SERVED), "/files/{path}");
    routes.decide("/shops/{shop}/items/{sku}", false).unwrap();
    assert_eq!(route(&mut routes, "/shops/x/items/y", SERVED), "/shops/{shop}/items/{sku}");
    routes.decide("/shops/{store}", false).unwrap();
    assert_eq!(route(&mut routes, "/shops/x/items/y", SERVED), "/shops/{store}/items/{sku}");
    assert_eq!(
        templates(&routes),
        ["/files/{path}", "/shops/{store}", "/shops/{store}/items/{sku}"]
    );
    assert!(routes.templates().iter().all(|template| template.by_owner && !template.refused));

    routes.decide("/words/{word}", true).unwrap();
    for n in 0..MANY * 3 {
        routes.observe(&format!("/words/word-{n}"), SERVED);
    }
    assert_eq!(route(&mut routes, "/words/word-1", SERVED), "/words/word-1");
    assert!(routes.templates().iter().any(|one| one.template == "/words/{word}" && one.refused));
    routes.decide("/words/{word}", false).unwrap();
    assert_eq!(route(&mut routes, "/words/word-1", SERVED), "/words/{word}");

    use TemplateError::{BadName, NoSlash, NotAParameter, TooDeep, TooLong};
    for (template, refused, error) in [
        ("files/{x}", false, NoSlash),
        ("/files/{X}", false, BadName),
        ("/files/{}", false, BadName),
        ("/files/a{x}", false, BadName),
        ("/files", true, NotAParameter),
        (&"/a".repeat(17), false, TooDeep),
        (&format!("/{}", "a".repeat(512)), false, TooLong),
    ] {
        assert_eq!(routes.decide(template, refused), Err(error), "{template}");
    }
}

#[test]
fn words_are_bounded_and_paths_beyond_keep_their_route() {
    let mut routes = learned();
    for a in 0..90 {
        for b in 0..90 {
            for c in 0..90 {
                routes.observe(&format!("/{a}-a/{b}-b/{c}-c"), SERVED);
            }
        }
    }
    assert!(routes.words() as u64 <= limits::ROUTE_WORDS, "{}", routes.words());
    assert_eq!(route(&mut routes, "/zz/new", SERVED), "/zz/new");
    routes.limit_words(0);
    let before = routes.words();
    routes.observe("/yet/another", SERVED);
    assert_eq!(routes.words(), before);
}

#[test]
fn long_paths_teach_nothing() {
    let long = "x".repeat(limits::ROUTE_TEMPLATE_CHARACTERS as usize);
    let mut routes = learned();
    for n in 0..MANY * 2 {
        routes.observe(&format!("/{long}/value-{n}"), SERVED);
    }
    assert_eq!((routes.words(), templates(&routes)), (0, Vec::new()));
}

#[test]
fn what_was_learned_comes_back_from_its_text_which_holds_no_value() {
    let mut routes = learned();
    for n in 0..MANY + 20 {
        routes.observe(&format!("/people/secret-{n}/orders"), SERVED);
        routes.observe(&format!("/few/secret-{}", n % 50), SERVED);
        route(&mut routes, &format!("/none/secret-{n}"), NOT_FOUND);
    }
    let deep = "/deep".repeat(40);
    routes.observe(&deep, SERVED);
    let text = serde_json::to_string(&routes).unwrap();
    assert!(text.contains("people") && !text.contains("secret"), "{text}");
    let mut back: LearnedRoutes = serde_json::from_str(&text).unwrap();
    assert_eq!(back.templates(), routes.templates());
    assert_eq!(back.words(), routes.words());
    for path in ["/people/x/orders", "/few/secret-3", &deep] {
        assert_eq!(route(&mut back, path, SERVED), route(&mut routes, path, SERVED));
    }
    assert_eq!(route(&mut back, "/none/new", NOT_FOUND), UNMATCHED);
}

#[test]
fn a_template_s_words_are_forgotten_and_told_again() {
    let mut routes = learned();
    for n in 0..MANY {
        routes.observe(&format!("/of/alice/notes/note-{n}"), SERVED);
        routes.observe(&format!("/shop/{n}-item"), SERVED);
    }
    routes.decide("/mine/{thing}", false).unwrap();
    let expected = ["/mine/{thing}", "/of/alice/notes/{slug}", "/shop/{code}"];
    let text = |routes: &LearnedRoutes| serde_json::to_string(routes).unwrap();
    assert!(text(&routes).contains("alice"));
    assert_eq!(templates(&routes).len(), 3);
    routes.forget_texts();
    assert!(!text(&routes).contains("alice"));
    assert_eq!(templates(&routes), ["/mine/{thing}"]);
    let known = route(&mut routes, "/of/alice/notes/note-new", SERVED);
    assert_eq!(known, "/of/alice/notes/{slug}");
    let version = routes.templates_version();
    routes.observe("/of/alice/notes/note-new", SERVED);
    routes.observe("/shop/9-item", SERVED);
    assert_eq!(templates(&routes), expected.map(|one| one.replace("{code}", "{slug}")));
    assert!(routes.templates_version() > version);
}

#[test]
fn earlier_routes_become_those_of_today_and_a_client_s_own_stay() {
    let mut routes = learned();
    let earlier: Vec<String> = (0..MANY).map(|n| format!("/articles/story-{n}-told")).collect();
    let join = |routes: &LearnedRoutes, route: &str| routes.join(route);
    for path in &earlier {
        assert_eq!(join(&routes, path), None);
        routes.observe(path, SERVED);
    }
    for path in &earlier {
        assert_eq!(join(&routes, path).as_deref(), Some("/articles/{slug}"));
    }
    assert_eq!(join(&routes, "/articles/{slug}").as_deref(), Some("/articles/{slug}"));
    for same in ["/articles", "/other/story-1-told", UNMATCHED, ""] {
        assert_eq!(join(&routes, same), None, "{same}");
    }
    routes.decide("/articles/{article}", false).unwrap();
    assert_eq!(join(&routes, "/articles/{slug}").as_deref(), Some("/articles/{article}"));

    routes.note_sent("/articles/{story}");
    routes.note_sent("/articles/story-1-told");
    let mut back: LearnedRoutes =
        serde_json::from_str(&serde_json::to_string(&routes).unwrap()).unwrap();
    for own in ["/articles/{story}", "/articles/story-1-told"] {
        assert_eq!(join(&back, own), None);
    }
    assert!(join(&back, "/articles/story-2-told").is_some());
    for n in 0..limits::ROUTES_SENT {
        back.note_sent(&format!("/own/{n}"));
    }
    assert_eq!(join(&back, "/articles/story-2-told"), None, "it may be one that did not fit");
}

proptest! {
    /// For any requests: the state is bounded and the same for the same requests, a route has as many segments as its
    /// path, and the route of a route is itself.
    #[test]
    fn any_paths_are_learned(
        paths in prop::collection::vec("(/[a-e0-9{}.é-]{0,3}){0,6}", 0..300),
        statuses in prop::collection::vec(prop::sample::select(vec![200_u16, 404, 502]), 300),
    ) {
        let (mut one, mut two) = (learned(), learned());
        for (path, status) in paths.iter().zip(&statuses) {
            let mut answers = Answers::default();
            answers.add(*status);
            one.observe(path, answers);
            two.observe(path, answers);
            prop_assert_eq!(route(&mut one, path, answers), route(&mut two, path, answers));
        }
        prop_assert_eq!(one.templates(), two.templates());
        prop_assert_eq!(one.words(), one.root.words_below());
        for path in &paths {
            let learned = route(&mut one, path, SERVED);
            prop_assert_eq!(learned.split('/').count(), path.split('/').count());
            if !learned.contains('{') {
                prop_assert_eq!(&learned, path);
            }
            prop_assert_eq!(one.join(path).unwrap_or_else(|| path.clone()), learned.clone());
            prop_assert_eq!(one.join(&learned).unwrap_or_else(|| learned.clone()), learned);
        }
    }
}
