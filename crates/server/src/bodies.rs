//! Bodies on their way in: read within a time and not too slowly, and all of them together within a bound.
//!
//! Whoever sends a known key comes first. Bodies whose sender is not known yet have a small budget of their own, and of each
//! budget one payer (a project, or else an address) has half at most. The first 64 KiB of a body are paid out of a reserve, so
//! that small batches get in however many large ones are under way.
//!
//! Bytes are charged before they are held, and given back when the `Charged` goes.

use std::net::IpAddr;
use std::pin::pin;
use std::sync::atomic::Ordering;
use std::time::Duration;

use analytics::hit::ProjectId;
use analytics::limits;
use axum::body::{Body, Bytes, HttpBody};
use http_body_util::BodyExt;

use crate::app::Shared;
use crate::budget::{Budget, Charge};
use crate::error::{ApiError, Code};

/// Who pays for a body.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Payer {
    /// The holder of one of its keys.
    Project(ProjectId),
    /// Whoever has sent no key yet.
    Address(IpAddr),
}

/// The memory of bodies.
pub struct Bodies {
    known: Budgets,
    unknown: Budgets,
}

struct Budgets {
    small: Budget<Payer>,
    large: Budget<Payer>,
}

impl Bodies {
    /// `bytes`: of large bodies with a known key. The others have a part of it.
    pub fn new(bytes: usize) -> Bodies {
        let reserve = || Budget::new(limits::SMALL_BODIES_BYTES as usize);
        Bodies {
            known: Budgets { small: reserve(), large: Budget::new(bytes) },
            unknown: Budgets { small: reserve(), large: Budget::new(bytes.div_ceil(4)) },
        }
    }

    fn of(&self, payer: Payer) -> &Budgets {
        match payer {
            Payer::Project(_) => &self.known,
            Payer::Address(_) => &self.unknown,
        }
    }
}

/// Memory of a body, counted for as long as this lives.
pub struct Charged {
    app: Shared,
    payer: Payer,
    bytes: usize,
    small: Option<Charge>,
    large: Option<Charge>,
    /// Of `large`, which counts at most what one payer may have: one body alone may always be read.
    large_bytes: usize,
}

impl Charged {
    pub fn new(app: &Shared, payer: Payer) -> Charged {
        let app = app.clone();
        Charged { app, payer, bytes: 0, small: None, large: None, large_bytes: 0 }
    }

    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// From here on, and for what was charged before, this project pays.
    pub fn known_to_be(&mut self, project: ProjectId) -> Result<(), ApiError> {
        if self.payer == Payer::Project(project) {
            return Ok(());
        }
        let bytes = std::mem::take(&mut self.bytes);
        self.app.metrics.bytes_in_flight.fetch_sub(bytes as u64, Ordering::Relaxed);
        (self.small, self.large, self.large_bytes) = (None, None, 0);
        self.payer = Payer::Project(project);
        self.add(bytes)
    }

    pub fn add(&mut self, bytes: usize) -> Result<(), ApiError> {
        let all = self.bytes + bytes;
        let app = self.app.clone();
        let budgets = app.bodies.of(self.payer);
        if all as u64 <= limits::SMALL_BODY_BYTES {
            pay(&budgets.small, self.payer, bytes, &mut self.small)?;
        } else {
            let large_bytes = all.min(budgets.large.of_one());
            pay(&budgets.large, self.payer, large_bytes - self.large_bytes, &mut self.large)?;
            self.large_bytes = large_bytes;
            self.small = None;
        }
        self.bytes = all;
        self.app.metrics.bytes_in_flight.fetch_add(bytes as u64, Ordering::Relaxed);
        Ok(())
    }
}

impl Drop for Charged {
    fn drop(&mut self) {
        self.app.metrics.bytes_in_flight.fetch_sub(self.bytes as u64, Ordering::Relaxed);
    }
}

fn pay(
    budget: &Budget<Payer>,
    payer: Payer,
    bytes: usize,
    charge: &mut Option<Charge>,
) -> Result<(), ApiError> {
    let more = budget.try_take(payer, bytes).ok_or_else(|| {
        ApiError::new(
            Code::Overloaded,
            "too many bodies are being read at once; send this batch again after the time in Retry-After",
        )
        .retry_after(1)
    })?;
    match charge {
        Some(charge) => charge.merge(more),
        None => *charge = Some(more),
    }
    Ok(())
}

/// Reads a whole body of at most `most` bytes. `begins` is shown its first bytes, and may name the project that pays.
pub async fn read(
    body: Body,
    most: usize,
    charged: &mut Charged,
    begins: impl FnOnce(&[u8]) -> Option<ProjectId>,
) -> Result<Bytes, ApiError> {
    let time = charged.app.ingest.body_read;
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
    let look_again = || tokio::time::sleep(Duration::from_secs(limits::SLOW_BODY_SECONDS));
    let mut window = pin!(look_again());
    let mut in_window = 0;
    let mut begins = Some(begins);
    let mut first: Option<Bytes> = None;
    let mut all: Vec<u8> = Vec::new();
    loop {
        let frame = tokio::select! {
            biased;
            frame = body.frame() => frame,
            () = &mut window => {
                if in_window < limits::SLOW_BODY_BYTES {
                    return Err(too_slow());
                }
                in_window = 0;
                window.set(look_again());
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
        in_window += data.len() as u64;
        if let Some(project) = begins.take().and_then(|begins| begins(&data)) {
            charged.known_to_be(project)?;
        }
        charged.add(data.len())?;
        match first.take() {
            // Most bodies come in one piece, which is then used as it is.
            None if all.is_empty() => first = Some(data),
            None => all.extend_from_slice(&data),
            Some(before) => {
                // Not as much as was announced: that would be held before it is sent.
                all.reserve(2 * before.len() + data.len());
                all.extend_from_slice(&before);
                all.extend_from_slice(&data);
            }
        }
    }
    Ok(first.unwrap_or_else(|| Bytes::from(all)))
}

fn too_slow() -> ApiError {
    ApiError::new(
        Code::RequestTimeout,
        format!(
            "the body came too slowly: less than {} bytes in {} s",
            limits::SLOW_BODY_BYTES,
            limits::SLOW_BODY_SECONDS
        ),
    )
}

pub fn too_large(most: usize) -> ApiError {
    ApiError::new(
        Code::BodyTooLarge,
        format!("the body is larger than {most} bytes (inflated); split the batch"),
    )
}
