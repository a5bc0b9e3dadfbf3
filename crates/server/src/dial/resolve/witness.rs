//! Whose fault a failed lookup is: if name servers answer for other names, those of this name's zone fail. If they
//! answer for nothing, the fault is on this server's side, and says nothing about the host.

use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use analytics::limits;

const FRESH: Duration = Duration::from_millis(limits::NAME_SERVERS_FRESH_MS);

#[derive(Default)]
pub struct Witnesses {
    newest: Mutex<Newest>,
    /// Held during the lookup, so that checks that failed together ask once.
    known: tokio::sync::Mutex<Option<Known>>,
}

struct Known {
    at: Instant,
    answer: bool,
}

/// The newest resolved names of two domains.
#[derive(Default)]
struct Newest([Option<String>; 2]);

impl Witnesses {
    /// Notes that a name had addresses.
    pub fn note(&self, name: &str) {
        self.newest().note(name);
    }

    /// Whether name servers answer, after they failed for `name`. `is_answered` asks about one name.
    pub async fn others_are_answered<F: Future<Output = bool>>(
        &self,
        name: &str,
        is_answered: impl Fn(String) -> F,
    ) -> bool {
        let mut known = self.known.lock().await;
        if let Some(known) = known.as_ref().filter(|known| known.at.elapsed() < FRESH) {
            return known.answer;
        }
        let witness = self.newest().other_than(name);
        let of_witness = async {
            match witness {
                Some(witness) => is_answered(witness).await,
                None => false,
            }
        };
        // No cache can have a random name; "it does not exist" is an answer too.
        let unheard_of = format!("x{:016x}.", RandomState::new().hash_one(name));
        let (one, other) = tokio::join!(of_witness, is_answered(unheard_of));
        let answer = one || other;
        *known = Some(Known { at: Instant::now(), answer });
        answer
    }

    fn newest(&self) -> std::sync::MutexGuard<'_, Newest> {
        self.newest.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Newest {
    fn note(&mut self, name: &str) {
        if self.0[0].as_deref().is_none_or(|newest| domain(newest) != domain(name)) {
            self.0.swap(0, 1);
        }
        if self.0[0].as_deref() != Some(name) {
            self.0[0] = Some(name.to_owned());
        }
    }

    fn other_than(&self, name: &str) -> Option<String> {
        let mut names = self.0.iter().flatten();
        names.find(|other| domain(other) != domain(name)).cloned()
    }
}

/// The last two labels: names that share them mostly share their name servers.
fn domain(name: &str) -> &str {
    let name = name.trim_end_matches('.');
    let mut dots = name.rmatch_indices('.').map(|(at, _)| at);
    dots.nth(1).map_or(name, |at| &name[at + 1..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_is_of_another_domain() {
        let mut newest = Newest::default();
        assert_eq!(newest.other_than("a.example.com"), None);
        newest.note("a.example.com");
        newest.note("b.example.com");
        assert_eq!(newest.other_than("www.example.com"), None);
        assert_eq!(newest.other_than("example.org").as_deref(), Some("b.example.com"));
        newest.note("api.example.org.");
        newest.note("b.example.com");
        assert_eq!(newest.other_than("example.com").as_deref(), Some("api.example.org."));
        newest.note("api.example.net");
        assert_eq!(newest.other_than("x.example.net").as_deref(), Some("b.example.com"));
        assert_eq!(domain("localhost"), "localhost");
    }

    #[tokio::test]
    async fn name_servers_that_answer_about_any_name_are_well() {
        for (witness, unheard_of, well) in
            [(true, false, true), (false, true, true), (false, false, false), (true, true, true)]
        {
            let witnesses = Witnesses::default();
            witnesses.note("known.example.org");
            let answer = async |name: String| match name.as_str() {
                "known.example.org" => witness,
                _ => unheard_of,
            };
            let found = witnesses.others_are_answered("example.com", answer).await;
            assert_eq!(found, well, "{witness}, {unheard_of}");
            // A fresh finding is reused.
            let again = witnesses.others_are_answered("example.net", async |_| !well).await;
            assert_eq!(again, well);
        }
        let alone = Witnesses::default();
        assert!(!alone.others_are_answered("example.com", async |_| false).await);
    }
}
