//! Any bytes through decode and enrich: no panic, every posted hit accounted for, nothing above the privacy level.
//!
//! `python3 fuzz/seeds.py; cargo +nightly fuzz run decode_enrich fuzz/found/decode_enrich fuzz/seeds/decode_enrich`. The
//! first byte chooses the project's privacy level.
#![no_main]

use std::sync::LazyLock;

use analytics::enrich::{Countries, Enricher, Settings};
use analytics::hit::TextKind;
use analytics::ingest::decode;
use libfuzzer_sys::fuzz_target;

const ARRIVAL_US: i64 = 1_795_332_372_000_000;

static ENRICHER: LazyLock<Enricher> = LazyLock::new(|| Enricher::new(Countries::embedded()));

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else { return };
    let Ok(posted) = decode(body) else { return };
    let sent = posted.hits_sent();
    let privacy_level = posted.privacy_level.max(first % 3);
    let enriched = ENRICHER.enrich(posted, &Settings { privacy_level: first % 3, ..Settings::default() }, ARRIVAL_US);
    let batch = &enriched.batch;
    assert_eq!(batch.hits.len() + enriched.rejected.len(), sent);
    assert!(privacy_level == 0 || batch.dictionary.texts[TextKind::Address as usize].len() == 1);
    assert!(privacy_level < 2 || batch.hits.iter().all(|hit| hit.country.as_str().is_empty()));
    for hit in &batch.hits {
        assert!((100..600).contains(&hit.status));
        for kind in TextKind::ALL {
            let _ = batch.text(hit, kind);
        }
    }
});
