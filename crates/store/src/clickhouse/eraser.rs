//! Erases hits, one erasure at a time. Rewriting parts takes a while, so the writer goes on meanwhile: an erasure names
//! the hits that it concerns by their ids, and later ones are none of them.

use std::sync::Arc;
use std::time::Duration;

use analytics::hit::HitId;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;

use super::engine::Engine;
use super::erase::{erase, running};
use crate::hits_copy;
use crate::inbox::Change;
use crate::ledger;
use crate::shared::Shared;
use crate::types::{Erasure, StoreError};

const WAIT: Duration = Duration::from_secs(1);

/// Erasures in their order. TRICKY: not bounded, as each is in the inbox already, whose size is.
pub struct Erasures {
    queue: UnboundedSender<(u64, Erasure)>,
    closing: watch::Sender<bool>,
}

pub struct Eraser {
    shared: Arc<Shared>,
    engine: Engine,
    queue: UnboundedReceiver<(u64, Erasure)>,
    closing: watch::Receiver<bool>,
}

impl Erasures {
    pub fn new(shared: &Arc<Shared>, engine: &Engine) -> (Arc<Erasures>, Eraser) {
        let (sender, queue) = unbounded_channel();
        let (closing_to, closing) = watch::channel(false);
        let eraser = Eraser {
            shared: shared.clone(),
            engine: engine.with_own_connections(),
            queue,
            closing,
        };
        (Arc::new(Erasures { queue: sender, closing: closing_to }), eraser)
    }

    pub fn push(&self, seq: u64, erasure: Erasure) {
        // If its thread has ended the store closes, and the next start finds the erasure in the inbox.
        let _ = self.queue.send((seq, erasure));
    }

    /// The inbox has what is not erased yet, for the next start.
    pub fn close(&self) {
        self.closing.send_replace(true);
    }
}

impl Eraser {
    pub async fn run(mut self) {
        let mut closing = self.closing.clone();
        tokio::select! {
            _ = closing.wait_for(|closing| *closing) => {}
            () = self.work() => {}
        }
    }

    async fn work(&mut self) {
        while let Some((seq, erasure)) = self.queue.recv().await {
            while let Err(problem) = self.erase(seq, &erasure).await {
                let waits = running(&self.engine).await.unwrap_or_default();
                let waits = match waits.as_str() {
                    "" => String::new(),
                    _ => format!("; ClickHouse is still at the mutations {waits}"),
                };
                let words = format!("erasure {seq} is tried again: {problem}{waits}");
                self.shared.problems.set("builder", words);
                tokio::time::sleep(WAIT).await;
            }
            self.shared.problems.clear("builder");
        }
    }

    async fn erase(&self, seq: u64, erasure: &Erasure) -> Result<(), StoreError> {
        let (shared, node) = (&self.shared, self.shared.options.node);
        ledger::append(&shared.options.data, &shared.key, seq, erasure)?;
        let hits = erase(&self.engine, erasure, node, HitId::new(node, seq, 0).0).await?;
        hits_copy::delete(&shared.options.data)?;
        shared.inbox.change(Change::Erased { seq, erasure: erasure.clone() }).await?;
        shared.rankings.clear();
        let (tail, erasure) = (shared.tail.clone(), erasure.clone());
        // It waits for the thread of the tail.
        let forgetting = move || tail.forget(node, seq, &erasure);
        crate::blocking::run("taking hits back from watchers", forgetting).await?;
        shared.erased.done(seq, hits);
        Ok(())
    }
}
