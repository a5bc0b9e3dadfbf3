//! Begins to write hits to ClickHouse: the tables, and the right of this folder to write as its node.

use std::sync::Arc;

use super::ClickHouse;
use super::eraser::Erasures;
use super::node::prepare;
use super::writer::Writer;
use crate::disk::io;
use crate::meta::TakenBatches;
use crate::shared::Shared;
use crate::start::{EngineWork, Start};
use crate::types::{ClickHousePlace, StoreError};

/// A server that is away holds up the first start alone: later ones take batches, and the writer waits for it.
pub fn start(
    shared: &Arc<Shared>,
    place: &ClickHousePlace,
    start: &mut Start,
) -> Result<(Arc<ClickHouse>, EngineWork), StoreError> {
    let Start { runtime, sequencer, opened, .. } = start;
    let store = ClickHouse::new(place, &shared.options.limits);
    let last_seq = shared.queue.last_seq();
    let prepared =
        match runtime.block_on(prepare(&store.engine.with_own_connections(), shared, last_seq)) {
            Ok(()) => true,
            Err(problem @ StoreError::EngineAway { .. }) if opened.is_in_clickhouse => {
                shared.problems.set("writer", format!("hits wait in the inbox: {problem}"));
                false
            }
            Err(problem) => return Err(problem),
        };
    runtime.block_on(sequencer.put_in_clickhouse())?;
    store.state.set_prepared(prepared);
    let (erasures, eraser) = Erasures::new(shared, &store.engine);
    for (seq, erasure) in &opened.erasures {
        // The writer does not meet those before its position again.
        if *seq <= opened.trimmed_to {
            shared.erased.begin(*seq);
            erasures.push(*seq, erasure.clone());
        }
    }
    let writer = Writer {
        shared: shared.clone(),
        engine: store.engine.with_own_connections(),
        state: store.state.clone(),
        erasures: erasures.clone(),
        taken: shared
            .options
            .shared_with()
            .map(|(url, _)| TakenBatches::new(url, shared.options.node)),
        position: opened.trimmed_to,
        last_seq,
        open_group: opened.inserting,
        counted: None,
    };
    shared.applied.send_replace(opened.trimmed_to);
    shared.tail.begin_after(opened.trimmed_to);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(io("starting the thread that erases"))?;
    let work = EngineWork {
        writer: Box::new(move || writer.run()),
        builder: Box::new(move || runtime.block_on(eraser.run())),
    };
    Ok((Arc::new(ClickHouse { erasures: Some(erasures), ..store }), work))
}
