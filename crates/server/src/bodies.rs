//! Request bodies: read within a time and not too slowly, and all of them together within a memory bound.
//!
//! Known keys come first: bodies with one have a large budget, bodies of unknown senders a small one. One payer (a
//! project, or an address while there is no key) may hold at most half of a budget. The first 64 KiB of a body come
//! from a reserve, so small batches get in however many large ones are in progress. A body that finds its budget full
//! waits a little: slow bodies are aborted meanwhile, which makes room.
//!
//! Bytes are charged before they are held, and returned when the `Charged` is dropped.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;

use crate::budget::{Budget, Charge};
use crate::error::{ApiError, Code};
use crate::metrics::Metrics;

/// Who pays for a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// By one of its keys.
    Project(ProjectId),
    /// The sender has not shown a key yet.
    Address(IpAddr),
}

/// The memory of bodies.
pub struct Bodies {
    known: Budgets,
    unknown: Budgets,
    /// The time limit of a body.
    time: Duration,
    metrics: Arc<Metrics>,
}

struct Budgets {
    small: Budget<Payer>,
    large: Budget<Payer>,
}

impl Bodies {
    /// `bytes`: budget of large bodies with a known key. The others have a part of it.
    pub fn new(bytes: usize, time: Duration, metrics: Arc<Metrics>) -> Arc<Bodies> {
        let reserve = || Budget::new(limits::SMALL_BODIES_BYTES as usize);
        Arc::new(Bodies {
            known: Budgets { small: reserve(), large: Budget::new(bytes) },
            unknown: Budgets { small: reserve(), large: Budget::new(bytes.div_ceil(4)) },
            time,
            metrics,
        })
    }

    fn of(&self, payer: Payer) -> &Budgets {
        match payer {
            Payer::Project(_) => &self.known,
            Payer::Address(_) => &self.unknown,
        }
    }
}

/// Memory of a body, counted while this lives.
pub struct Charged {
    bodies: Arc<Bodies>,
    payer: Payer,
    bytes: usize,
    small: Option<Charge>,
    large: Option<Charge>,
    /// Bytes of `large`, which counts at most the budget of one payer: a single body may always be read.
    large_bytes: usize,
}

impl Charged {
    pub fn new(bodies: &Arc<Bodies>, payer: Payer) -> Charged {
        let bodies = bodies.clone();
        Charged { bodies, payer, bytes: 0, small: None, large: None, large_bytes: 0 }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Makes this project pay, also for bytes charged before.
    pub fn known_to_be(&mut self, project: ProjectId) -> Result<(), ApiError> {
        if self.payer == Payer::Project(project) {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.bodies.metrics.bytes_in_flight.fetch_sub(bytes as u64, Ordering::Relaxed);
        (self.small, self.large, self.large_bytes) = (None, None, 0);
        self.payer = Payer::Project(project);
        self.add(bytes)
    }

    /// Charges more; waits a little if there is no room.
    async fn add_or_wait(&mut self, bytes: usize) -> Result<(), ApiError> {
        let Err(refused) = self.add(bytes) else { return Ok(()) };
        let bodies = self.bodies.clone();
        let budgets = bodies.of(self.payer);
        let all = self.bytes + bytes;
        let (budget, missing) = if all as u64 <= limits::SMALL_BODY_BYTES {
            (&budgets.small, bytes)
        } else {
            (&budgets.large, all.min(budgets.large.of_one()) - self.large_bytes)
        };
        let wait = Duration::from_secs(limits::BODY_WAIT_SECONDS);
        match tokio::time::timeout(wait, budget.take(self.payer, missing)).await {
            Ok(Some(charge)) => {
                self.put(bytes, charge);
                Ok(())
            }
            _ => Err(refused),
        }
    }

    /// The fewest bytes that must arrive between two checks. A body must be faster while others wait for its memory or
    /// connection.
    fn least(&self) -> u64 {
        let of_payer = &self.bodies.of(self.payer).large;
        if self.large.is_some() && of_payer.is_short_for(self.payer) {
            limits::SLOW_BODY_BYTES_WHEN_SHORT
        } else if self.bodies.metrics.connections_waiting() > 0 {
            limits::SLOW_BODY_BYTES
        } else {
            0
        }
    }

    /// Charges more, or refuses the body if there is no room.
    pub fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        let all = self.bytes + bytes;
        let bodies = self.bodies.clone();
        let budgets = bodies.of(self.payer);
        let charge = if all as u64 <= limits::SMALL_BODY_BYTES {
            budgets.small.try_take(self.payer, bytes)
        } else {
            let large = all.min(budgets.large.of_one());
            budgets.large.try_take(self.payer, large - self.large_bytes)
        };
        let charge = charge.ok_or_else(|| {
            ApiError::new(
                Code::Overloaded,
                "too many bodies are being read at once; send this batch again after the time in Retry-After",
            )
            .retry_after(1)
        })?;
        self.put(bytes, charge);
        Ok(())
    }

    /// Notes that these bytes are paid.
    fn put(&mut self, bytes: usize, charge: Charge) {
        self.bytes += bytes;
        self.bodies.metrics.bytes_in_flight.fetch_add(bytes as u64, Ordering::Relaxed);
        let is_small = self.bytes as u64 <= limits::SMALL_BODY_BYTES;
        let paid = if is_small { &mut self.small } else { &mut self.large };
        match paid {
            Some(paid) => paid.merge(charge),
            None => *paid = Some(charge),
        }
        if !is_small {
            // The reserve has paid for the start until now.
            self.small = None;
            let most = self.bodies.of(self.payer).large.of_one();
            self.large_bytes = self.bytes.min(most);
        }
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.bodies.metrics.bytes_in_flight.fetch_sub(self.bytes as u64, Ordering::Relaxed);
    }
}

/// Reads a whole body of at most `most` bytes. `begins` gets its first bytes, and may name the project that pays.
pub async fn read(
    body: Body,
    most: usize,
    charged: &mut Charged,
    begins: impl FnOnce(&[u8]) -> Option<ProjectId>,
) -> Result<Bytes, ApiError> {
    let time = charged.bodies.time;
    let reading = read_all(body, most, charged, begins);
    tokio::time::timeout(time, reading).await.map_err(|_| {
        let seconds = time.as_secs();
        ApiError::new(
            Code::RequestTimeout,
            format!("the body did not arrive within {seconds} s; send smaller batches"),
        )
    })?
}

async fn read_all(
    mut body: Body,
    most: usize,
    charged: &mut Charged,
    begins: impl FnOnce(&[u8]) -> Option<ProjectId>,
) -> Result<Bytes, ApiError> {
    let announced = body.size_hint().exact();
    if announced.is_some_and(|bytes| bytes > most as u64) {
        return Err(too_large(most));
    }
    let look_every = Duration::from_secs(limits::BODY_LOOK_SECONDS);
    let look_again = || tokio::time::sleep(look_every);
    let mut look = pin!(look_again());
    let mut pace = Pace::default();
    let mut begins = Some(begins);
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut look => {
                if pace.is_too_slow(charged.least()) {
                    return Err(too_slow());
                }
                look.set(look_again());
                continue;
            }
        };
        let Some(frame) = frame else { break };
        let frame = frame.map_err(|error| {
            tracing::debug!(%error, "a body broke off");
            ApiError::new(Code::UnreadableBody, "the body broke off; send it again")
        })?;
        let Ok(data) = frame.into_data() else { continue };
        if charged.bytes() + data.len() > most {
            return Err(too_large(most));
        }
        pace.note(data.len());
        if let Some(project) = begins.take().and_then(|begins| begins(&data)) {
            charged.known_to_be(project)?;
        }
        charged.add_or_wait(data.len()).await?;
        match first.take() {
            // Most bodies come in one piece, which is used as it is.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(before) => {
                // Not the announced size: memory would be held before it is sent.
                all.reserve(2 * before.len() + data.len());
                all.extend_from_slice(&before);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(all)))
}

/// The bytes of a body that arrived recently.
#[derive(Default)]
struct Pace {
    since_look: u64,
    in_window: u64,
    looks: u64,
}

impl Pace {
    fn note(&mut self, bytes: usize) {
        self.since_look += bytes as u64;
    }

    /// Checks the bytes since the last check, and those of the longer window once that is over.
    fn is_too_slow(&mut self, least: u64) -> bool {
        let since_look = std::mem::take(&mut self.since_look);
        if since_look < least {
            return true;
        }
        self.in_window += since_look;
        self.looks += 1;
        if self.looks * limits::BODY_LOOK_SECONDS < limits::SLOW_BODY_SECONDS {
            return false;
        }
        self.looks = 0;
        std::mem::take(&mut self.in_window) < limits::SLOW_BODY_BYTES
    }
}

fn too_slow() -> ApiError {
    ApiError::new(
        Code::RequestTimeout,
        "the body came too slowly, or others waited for the memory that it takes; send it again, or send smaller batches",
    )
}

pub fn too_large(most: usize) -> ApiError {
    ApiError::new(
        Code::BodyTooLarge,
        format!("the body is larger than {most} bytes (inflated); split the batch"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_given_up_when_it_hardly_comes_and_sooner_where_others_wait() {
        let enough = limits::SLOW_BODY_BYTES as usize;
        let windows = |bytes: usize, least: u64| {
            let mut pace = Pace::default();
            // A burst at the beginning does not make up for a slow rest.
            pace.note(60 << 20);
            assert!(!pace.is_too_slow(least));
            (1..=10).find(|_| {
                pace.note(bytes);
                pace.is_too_slow(least)
            })
        };
        assert_eq!(windows(enough, 0), None);
        assert_eq!(windows(enough / 20, 0), Some(9), "the first window brought enough");
        assert_eq!(windows(enough, limits::SLOW_BODY_BYTES + 1), Some(1));
        assert_eq!(windows(enough, limits::SLOW_BODY_BYTES), None);
    }
}
