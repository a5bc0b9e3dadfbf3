//! Any bytes as a record of the inbox: no panic, and no column that leads out of the record. The inbox is a file on disk:
//! what stands in it may be torn.
#![no_main]
#![allow(dead_code)]

use analytics::hit::TextKind;
use libfuzzer_sys::fuzz_target;

#[path = "../../crates/store/src/record.rs"]
mod record;
#[path = "../../crates/store/src/types.rs"]
mod types;

use record::Record;

fuzz_target!(|data: &[u8]| {
    match record::decode(data) {
        Err(_) => {}
        Ok(Record::Erasure(erasure)) => {
            let again = record::encode_erasure(&erasure);
            assert!(matches!(record::decode(&again), Ok(Record::Erasure(same)) if same == erasure));
        }
        Ok(Record::Batch(batch)) => {
            let mut values = Vec::new();
            for column in &batch.columns {
                assert_eq!(column.read(batch.hits, &[], &mut values).len(), batch.hits);
            }
            for kind in TextKind::ALL {
                let texts = &batch.texts[kind as usize];
                let ids = batch.columns[record::FIRST_TEXT + kind as usize].read(batch.hits, &[], &mut values);
                assert!(ids.iter().all(|id| (*id as usize) < texts.len()), "a text that is not there");
            }
            assert_eq!(batch.traits.len(), batch.texts[TextKind::Agent as usize].len());
            assert_eq!(batch.versions.len(), batch.texts[TextKind::Path as usize].len());
        }
    }
});
