//! Why the last order of a certificate failed (`serve/acme.rs`), for `/api/health`.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// The last failure, until an order succeeds.
#[derive(Default)]
pub struct CertificateOrder(Mutex<Option<Failure>>);

struct Failure {
    message: String,
    /// The server still has a certificate that clients accept.
    has_valid: bool,
}

impl CertificateOrder {
    pub fn note_failure(&self, message: String, has_valid: bool) {
        *self.lock() = Some(Failure { message, has_valid });
    }

    pub fn note_success(&self) {
        *self.lock() = None;
    }

    /// The failure, if clients are refused because of it.
    pub fn problem(&self) -> Option<String> {
        self.message(false)
    }

    /// The failure, if there is still time to fix its cause.
    pub fn note(&self) -> Option<String> {
        self.message(true)
    }

    fn message(&self, has_valid: bool) -> Option<String> {
        let failure = self.lock();
        let failure = failure.as_ref().filter(|failure| failure.has_valid == has_valid)?;
        Some(failure.message.clone())
    }

    fn lock(&self) -> MutexGuard<'_, Option<Failure>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_renewal_is_a_note_until_the_certificate_expires() {
        let order = CertificateOrder::default();
        let shown = |order: &CertificateOrder| (order.note(), order.problem());
        assert_eq!(shown(&order), (None, None));
        order.note_failure("refused".into(), true);
        assert_eq!(shown(&order), (Some("refused".into()), None));
        order.note_failure("refused".into(), false);
        assert_eq!(shown(&order), (None, Some("refused".into())));
        order.note_success();
        assert_eq!(shown(&order), (None, None));
    }
}
