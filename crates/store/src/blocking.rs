//! Work that blocks, off the async threads.

use crate::types::StoreError;

/// `task` names the work in an error.
pub async fn run<T: Send + 'static>(
    task: &'static str,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.is_panic() {
        true => StoreError::Panicked(task),
        // It never ran: the runtime is stopping.
        false => StoreError::Closing,
    })
}
