//! Posts in flight: a change of a project's settings waits for posts that were read under the earlier ones.
//!
//! A post holds an `InFlightPost` from before it reads the settings until its hits are stored. After changing a
//! setting, the caller waits until all that are held at that moment are dropped; later posts are not delayed.

use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;

pub struct InFlightPosts {
    now: ArcSwap<()>,
}

/// Held while a post is in progress.
pub struct InFlightPost {
    _held: Arc<()>,
}

impl Default for InFlightPosts {
    fn default() -> InFlightPosts {
        InFlightPosts { now: ArcSwap::from_pointee(()) }
    }
}

impl InFlightPosts {
    pub fn take(&self) -> InFlightPost {
        InFlightPost { _held: self.now.load_full() }
    }

    /// Returns once every earlier post has ended; false if that takes longer than `patience`.
    pub async fn wait_for_earlier(&self, patience: Duration) -> bool {
        const STEP: Duration = Duration::from_millis(5);
        let earlier = self.now.swap(Arc::new(()));
        let mut waited = Duration::ZERO;
        while Arc::strong_count(&earlier) > 1 {
            if waited >= patience {
                return false;
            }
            tokio::time::sleep(STEP).await;
            waited += STEP;
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn only_earlier_turns_are_waited_for() {
        let posts = InFlightPosts::default();
        let earlier = posts.take();
        assert!(!posts.wait_for_earlier(Duration::from_millis(10)).await);
        let later = posts.take();
        drop(earlier);
        // The wait above that ran out of patience has left its own turn behind, which `later` holds.
        assert!(!posts.wait_for_earlier(Duration::from_millis(10)).await);
        drop(later);
        assert!(posts.wait_for_earlier(Duration::ZERO).await);
    }
}
