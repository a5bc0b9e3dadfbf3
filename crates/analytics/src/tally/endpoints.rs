//! Sums per endpoint (method and route) in one file. Above `endpoints_summed` endpoints only hits are counted, as with
//! `consumers`.

use std::collections::HashMap;
use std::sync::Arc;

use super::counts::Durations;
use super::{Columns, NO_LATENCY, Needs, Subset, TallyLimits, Traffic, sizes};
use crate::hit::TextKind;
use crate::slots::Slots;

/// A method's id and a route's.
pub type Pair = (u32, u32);

#[derive(Clone, Debug, Default)]
pub struct EndpointSum {
    pair: Pair,
    pub requests: u64,
    pub client_errors: u64,
    pub server_errors: u64,
    pub last_us: i64,
    pub(super) latency: Durations,
    pub(super) traffic: Traffic,
}

pub(super) struct Endpoints {
    subset: Option<Arc<Subset>>,
    limits: TallyLimits,
    /// By `number`: an index in `sums` plus one; without `sums`, hits.
    slots: Slots<u32>,
    /// The same for methods without such a number.
    others: HashMap<Pair, u32>,
    sums: Option<Vec<EndpointSum>>,
}

impl Endpoints {
    pub fn new(subset: Option<Arc<Subset>>, limits: TallyLimits) -> Endpoints {
        Endpoints {
            subset,
            limits,
            slots: Slots::default(),
            others: HashMap::new(),
            sums: Some(Vec::new()),
        }
    }

    pub fn add_hits(&mut self, hits: &Columns<'_>, needs: Needs) {
        let methods = hits.texts[TextKind::Method as usize];
        let routes = hits.texts[TextKind::Route as usize];
        for n in 0..hits.time_us.len() {
            let Some(sum) = self.sum_of((methods[n], routes[n]), 1) else { continue };
            sum.requests += 1;
            match hits.status[n] {
                400..=499 => sum.client_errors += 1,
                500.. => sum.server_errors += 1,
                _ => {}
            }
            sum.last_us = sum.last_us.max(hits.time_us[n]);
            if hits.latency[n] != NO_LATENCY {
                sum.latency.add(hits.latency[n], 1);
            }
            if needs.has(Needs::TRAFFIC) {
                sum.traffic.add(sizes(hits.request_size[n], hits.response_size[n]));
            }
        }
        self.count_if_many();
    }

    /// The sums of an endpoint. If endpoints are only counted, adds `hits` to its count and returns None.
    #[inline]
    pub fn sum_of(&mut self, pair: Pair, hits: u64) -> Option<&mut EndpointSum> {
        if let Some(subset) = &self.subset
            && !subset.has_endpoint(pair)
        {
            return None;
        }
        let slot = match number(pair) {
            Some(number) => self.slots.slot(number),
            None => self.others.entry(pair).or_default(),
        };
        let Some(sums) = &mut self.sums else {
            *slot += hits as u32;
            return None;
        };
        if *slot == 0 {
            sums.push(EndpointSum { pair, ..EndpointSum::default() });
            *slot = sums.len() as u32;
        }
        sums.get_mut(*slot as usize - 1)
    }

    /// Adds another thread's sums of the same file.
    pub fn merge(&mut self, other: Endpoints) {
        if other.sums.is_none() {
            self.count_only();
        }
        match &other.sums {
            Some(sums) => {
                for more in sums {
                    if let Some(sum) = self.sum_of(more.pair, more.requests) {
                        sum.add(more);
                    }
                }
            }
            None => {
                for (pair, requests) in other.counts() {
                    self.sum_of(pair, requests);
                }
            }
        }
        self.count_if_many();
    }

    /// Endpoint and hits of all with hits.
    pub fn counts(&self) -> impl Iterator<Item = (Pair, u64)> + Clone + '_ {
        // A short period visits the endpoints that it has, not all routes of the file.
        let summed = self.sums.iter().flatten().map(|sum| (sum.pair, sum.requests));
        let counted = if self.sums.is_some() { None } else { Some(self.pairs()) };
        let counted = counted.into_iter().flatten();
        let counted = counted.map(|(pair, hits)| (pair, u64::from(hits)));
        summed.chain(counted).filter(|(_, requests)| *requests > 0)
    }

    /// None if endpoints are only counted, or if this one has no hit.
    pub fn sum(&self, pair: Pair) -> Option<&EndpointSum> {
        let slot = match number(pair) {
            Some(number) => *self.slots.get(number)?,
            None => *self.others.get(&pair)?,
        };
        self.sums.as_ref()?.get((slot as usize).checked_sub(1)?)
    }

    pub fn count_if_many(&mut self) {
        if self.sums.as_ref().is_some_and(|sums| sums.len() as u64 > self.limits.endpoints_summed) {
            self.count_only();
        }
    }

    #[cold]
    fn count_only(&mut self) {
        let Some(sums) = self.sums.take() else { return };
        for slot in self.slots.values_mut().chain(self.others.values_mut()) {
            if let Some(place) = (*slot as usize).checked_sub(1) {
                *slot = sums[place].requests as u32;
            }
        }
    }

    fn pairs(&self) -> impl Iterator<Item = (Pair, u32)> + Clone + '_ {
        let numbered = self.slots.iter().map(|(number, slot)| (pair(number), *slot));
        let others = self.others.iter().map(|(pair, slot)| (*pair, *slot));
        numbered.chain(others).filter(|(_, slot)| *slot > 0)
    }
}

impl EndpointSum {
    fn add(&mut self, other: &EndpointSum) {
        self.requests += other.requests;
        self.client_errors += other.client_errors;
        self.server_errors += other.server_errors;
        self.last_us = self.last_us.max(other.last_us);
        self.latency.merge(&other.latency);
        self.traffic.add(other.traffic);
    }
}

/// Methods that are packed into one number with a route: there are rarely more.
const METHODS: u32 = 8;

#[inline]
fn number((method, route): Pair) -> Option<u32> {
    (method < METHODS).then_some(())?;
    route.checked_mul(METHODS)?.checked_add(method)
}

fn pair(number: u32) -> Pair {
    (number % METHODS, number / METHODS)
}
