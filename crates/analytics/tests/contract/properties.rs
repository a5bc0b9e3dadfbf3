//! Any bytes are survived, and a bad hit never costs the others.

use std::sync::LazyLock;

use analytics::enrich::{Countries, Enricher, Settings};
use analytics::hit::TextKind;
use analytics::hit_fields::Field;
use analytics::ingest::{DecodeError, Reason, decode};
use proptest::prelude::*;

use crate::batches::consistent;

const ARRIVAL_US: i64 = 1_795_332_372_000_000;

static ENRICHER: LazyLock<Enricher> = LazyLock::new(|| Enricher::new(Countries::embedded()));

/// Decodes and enriches at every level; the output must be consistent, and every input hit accounted for.
fn survive(body: &[u8]) {
    for privacy_level in 0..3 {
        let Ok(posted) = decode(body) else { return };
        let sent = posted.hits_sent();
        let enriched = ENRICHER.enrich(
            posted,
            &Settings { privacy_level, ..Settings::default() },
            None,
            ARRIVAL_US,
        );
        consistent(&enriched.batch).unwrap();
        assert_eq!(enriched.batch.hits.len() + enriched.rejected.len(), sent);
        assert!(enriched.rejected.is_sorted_by(|a, b| a.index < b.index));
        let addresses = enriched.batch.dictionary.texts[TextKind::Address as usize].len();
        assert!(privacy_level == 0 || addresses == 1, "an address above its level");
        assert!(
            privacy_level < 2
                || enriched.batch.hits.iter().all(|hit| hit.country.as_str().is_empty())
        );
    }
}

/// A valid hit as JSON text, and the path that it must end up with.
fn a_good_hit() -> impl Strategy<Value = (String, String)> {
    ("/[a-z0-9/äß'; -]{0,12}", 100u16..600, "[A-Za-z]{1,8}", any::<Option<u32>>(), "(\\PC){0,10}").prop_map(
        |(path, status, method, duration, agent)| {
            let hit = serde_json::json!({
                "path": path, "status": status, "method": method, "response_time": duration, "user_agent": agent,
                "ip_address": "198.51.100.7, 10.0.0.1", "created_at": "2026-11-22T07:26:10Z",
            });
            (hit.to_string(), path)
        },
    )
}

/// A hit that must be rejected, as JSON text.
fn a_bad_hit() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("7"),
        Just("[[[]]]"),
        Just("{\"a\":[]}"),
        Just("true"),
        Just("1e999"),
        Just("\"\\ud800\"")
    ];
    let field = prop_oneof![
        Just("path"),
        Just("method"),
        Just("status"),
        Just("created_at"),
        Just("hostname"),
        Just("user_agent")
    ];
    prop_oneof![
        value.clone().prop_map(str::to_owned),
        (field, value).prop_map(|(field, value)| {
            let good =
                r#""path":"/","method":"GET","status":200,"created_at":"2026-11-22T07:26:10Z""#;
            format!("{{{good},\"{field}\":{value}}}")
        }),
        Just("{}".to_owned()),
        Just(r#"{"path":"/","method":"GET"}"#.to_owned()),
    ]
}

fn mutated(mut body: Vec<u8>, changes: &[(prop::sample::Index, u8, u8)]) -> Vec<u8> {
    for (place, kind, byte) in changes {
        if body.is_empty() {
            break;
        }
        let place = place.index(body.len());
        match kind % 3 {
            0 => body[place] = *byte,
            1 => drop(body.remove(place)),
            _ => body.insert(place, *byte),
        }
    }
    body
}

proptest! {
    #[test]
    fn any_bytes_are_survived(body in prop::collection::vec(any::<u8>(), 0..200)) {
        survive(&body);
    }

    #[test]
    fn any_mutation_of_a_good_batch_is_survived(
        hits in prop::collection::vec(a_good_hit(), 1..4),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>(), any::<u8>()), 0..6),
    ) {
        let hits: Vec<String> = hits.into_iter().map(|(text, _)| text).collect();
        let body = format!(r#"{{"api_key":"k","framework":"Express","requests":[{}],"privacy_level":0}}"#, hits.join(","));
        survive(&mutated(body.into_bytes(), &changes));
    }

    #[test]
    fn one_bad_hit_never_costs_the_others(
        good in prop::collection::vec(a_good_hit(), 1..6), bad in prop::collection::vec(a_bad_hit(), 0..4), seed in any::<u64>(),
    ) {
        // Bad hits anywhere among the good ones, whose order is kept.
        let mut hits: Vec<(String, Option<String>)> = good.into_iter().map(|(text, path)| (text, Some(path))).collect();
        for (n, text) in bad.into_iter().enumerate() {
            hits.insert((seed >> (8 * n)) as usize % (hits.len() + 1), (text, None));
        }
        let texts: Vec<&str> = hits.iter().map(|(text, _)| text.as_str()).collect();
        let body = format!(r#"{{"api_key":"k","requests":[{}]}}"#, texts.join(","));
        let posted = decode(body.as_bytes()).unwrap();
        let enriched = ENRICHER.enrich(posted, &Settings::default(), None, ARRIVAL_US);
        let batch = &enriched.batch;
        consistent(batch).unwrap();
        let kept: Vec<&str> = batch.hits.iter().map(|hit| batch.text(hit, TextKind::Path)).collect();
        let expected: Vec<&str> = hits.iter().filter_map(|(_, path)| path.as_deref()).collect();
        prop_assert_eq!(kept, expected);
        let rejected: Vec<u32> = enriched.rejected.iter().map(|rejection| rejection.index).collect();
        let expected: Vec<u32> = (0..).zip(&hits).filter(|(_, (_, path))| path.is_none()).map(|(n, _)| n).collect();
        prop_assert_eq!(rejected, expected);
    }
}

#[test]
fn a_megabyte_of_nesting_is_survived() {
    let deep =
        |open: &str, close: &str| format!("{}{}", open.repeat(1 << 20), close.repeat(1 << 20));
    assert!(decode(deep("[", "]").as_bytes()).is_err());
    assert!(decode("[".repeat(1 << 20).as_bytes()).is_err());
    assert!(decode("{\"requests\":[".repeat(1 << 17).as_bytes()).is_err());
    let good = r#"{"path":"/","method":"GET","status":200}"#;
    for bomb in [deep("[", "]"), deep("{\"a\":", "}").replace(":}", ":1}")] {
        let body = format!(
            r#"{{"meta":{bomb},"requests":[{good},{bomb},{{"path":{bomb},"method":"GET","status":200}},{good}]}}"#
        );
        let posted = decode(body.as_bytes()).unwrap();
        assert_eq!(posted.hits.len(), 2);
        assert_eq!(
            posted.rejected.iter().map(|rejection| rejection.reason).collect::<Vec<_>>(),
            [
                if bomb.starts_with('[') {
                    Reason::NotAnObject
                } else {
                    Reason::Invalid(Field::Path)
                },
                Reason::Invalid(Field::Path)
            ]
        );
    }
}

#[test]
fn exactly_as_many_hits_as_the_limit_are_read() {
    let body = |hits: usize| {
        let hit = r#"{"path":"/","method":"GET","status":200}"#;
        format!(r#"{{"requests":[{}]}}"#, vec![hit; hits].join(","))
    };
    assert_eq!(decode(body(100_000).as_bytes()).unwrap().hits.len(), 100_000);
    assert_eq!(decode(body(100_001).as_bytes()).unwrap_err(), DecodeError::TooManyHits(100_000));
}

#[test]
fn what_only_rejected_hits_said_is_not_kept() {
    let body = r#"{"framework":"Gin","requests":[
        {"path":"/secret","method":"GET","status":0,"user_id":"mallory"},
        {"path":"/old","method":"GET","status":200,"created_at":"2001-01-01T00:00:00Z","user_agent":"old/1","ip_address":"203.0.113.9"},
        {"path":"/kept","method":"GET","status":200}]}"#;
    let enriched =
        ENRICHER.enrich(decode(body.as_bytes()).unwrap(), &Settings::default(), None, ARRIVAL_US);
    assert_eq!(enriched.rejected.len(), 2);
    let kept = format!("{:?}", enriched.batch);
    assert!(kept.contains("/kept"));
    for gone in ["/secret", "mallory", "/old", "old/1", "203.0.113.9"] {
        assert!(!kept.contains(gone), "{gone} is still there");
    }
}
