//! Decisions that depend on order: the seq of a batch or an erasure, whether it was answered before, and whether there
//! is room for it. Nothing is on disk yet, so only refusals are answered here.

use std::sync::atomic::Ordering;

use analytics::hit::HitId;
use analytics::limits;

use super::Sequencer;
use super::group::Group;
use crate::inbox::command::{EncodedBatch, Reply};
use crate::inbox::put_framed;
use crate::inbox::queue::Item;
use crate::inbox::receipts::put_receipt;
use crate::inbox::repeats;
use crate::record;
use crate::types::{Erasure, Receipt, StoreError};

impl Sequencer {
    pub(super) fn add_batch(
        &mut self,
        group: &mut Group,
        batch: EncodedBatch,
        reply: Reply<Receipt>,
    ) {
        let EncodedBatch {
            project,
            record,
            hits,
            arrival_us,
            batch_hash,
            repeat_hashes,
            mut rejected,
            rejected_total,
        } = batch;
        if self.gone.contains(&project) {
            let _ = reply.send(Err(StoreError::ProjectGone));
            return;
        }
        if let Some(receipt) = batch_hash.and_then(|hash| self.receipts.find(hash)) {
            // Its first copy may be in this very group, with which it is answered.
            group.replies.push((reply, receipt));
            return;
        }
        if !self.has_numbers() {
            let _ = reply.send(Err(StoreError::NumbersUsedUp));
            return;
        }
        let (gauges, options) = (&self.gauges, &self.options);
        if gauges.disk_free_percent.load(Ordering::Relaxed) < options.disk_free_percent
            || gauges.disk_free_bytes.load(Ordering::Relaxed) < options.disk_free_bytes
        {
            let _ = reply.send(Err(StoreError::DiskLow));
            return;
        }
        let size = record.len() as u64;
        if !self.quotas.allows(project, size, self.options.bytes_max) {
            let _ = reply.send(Err(StoreError::Full));
            return;
        }
        rejected.truncate(limits::REJECTED_LISTED as usize);
        let seq = self.next_seq;
        let skips = if repeat_hashes.is_empty() {
            Vec::new()
        } else {
            self.repeats.pass_over(project, arrival_us, &repeat_hashes)
        };
        let receipt = Receipt {
            accepted: hits - skips.len() as u32,
            repeated: skips.len() as u32,
            rejected: rejected.into(),
            rejected_total,
            replayed: false,
        };
        if let Some(hash) = batch_hash {
            self.receipts.begin(arrival_us);
            self.receipts.add(hash, &receipt);
            put_receipt(&mut group.receipts, hash, &receipt);
            group.receipt_count += 1;
            group.hashes.push(hash);
        }
        if !repeat_hashes.is_empty() {
            group.repeats.push((seq, project, arrival_us, repeats::to_bytes(&repeat_hashes)));
        }
        if receipt.accepted > 0 {
            self.next_seq += 1;
            put_framed(&mut group.bytes, &record, &skips);
            group.sizes.push((seq, project, size));
            let batch_hash = batch_hash.filter(|_| self.options.is_shared);
            group.items.push(Item { seq, record, skips, batch_hash });
        } else {
            group.repeats.retain(|&(other, ..)| other != seq);
        }
        group.arrivals.push((project, arrival_us));
        group.replies.push((reply, receipt));
    }

    pub(super) fn add_erasure(&mut self, group: &mut Group, erasure: Erasure, reply: Reply<u64>) {
        if !self.has_numbers() {
            let _ = reply.send(Err(StoreError::NumbersUsedUp));
            return;
        }
        let seq = self.next_seq;
        self.next_seq += 1;
        let record = record::encode_erasure(&erasure);
        put_framed(&mut group.bytes, &record, &[]);
        group.erasures.push((seq, record.clone()));
        let record = record.into();
        group.items.push(Item { seq, record, skips: Vec::new(), batch_hash: None });
        if let Erasure::Project(project) = erasure {
            self.gone.insert(project);
            group.gone.push(project);
        }
        group.erase_replies.push((reply, seq));
    }

    /// Whether the next seq still fits a hit id.
    fn has_numbers(&self) -> bool {
        self.next_seq < 1 << HitId::SEQ_BITS
    }
}
