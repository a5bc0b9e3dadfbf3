//! DuckDB's errors as the store's.

use crate::types::StoreError;

/// An error of DuckDB with its context.
pub fn failed(context: &'static str) -> impl Fn(duckdb::Error) -> StoreError {
    move |source| {
        if is_out_of_memory(&source) {
            return StoreError::OutOfMemory(context);
        }
        StoreError::Engine { context, cause: Box::new(source) }
    }
}

fn is_out_of_memory(error: &duckdb::Error) -> bool {
    let text = error.to_string();
    ["Out of Memory Error", "failed to pin block", "could not allocate block"]
        .iter()
        .any(|words| text.contains(words))
}

/// True for an error after which DuckDB refuses every statement on the instance.
pub fn is_fatal(error: &StoreError) -> bool {
    let StoreError::Engine { cause, .. } = error else { return false };
    cause.to_string().contains("database has been invalidated")
}

/// True if a checkpoint has to wait for a read. A read that began before a commit keeps that commit's transaction
/// active; hence the engine's message about writes.
pub fn is_refused_checkpoint(error: &StoreError) -> bool {
    let StoreError::Engine { cause, .. } = error else { return false };
    cause.to_string().contains("Cannot CHECKPOINT")
}
