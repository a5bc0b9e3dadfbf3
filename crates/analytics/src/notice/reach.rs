//! What a project's own requests say about a host that a check finds failing: whether they contradict it, and whom it hits.
//! Only a system that sees the traffic can ask this. The question is data here; the store answers it.

use std::cmp::Reverse;

use jiff::tz::TimeZone;

use super::{Count, Hit};
use crate::filter::{Condition, Field, Filter, Test};
use crate::grid::Grid;
use crate::incident::Witness;
use crate::limits;
use crate::query::{ProjectScope, SumsQuery};
use crate::tally::{ConsumerName, Needs, Total};

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Requests that succeeded.
    pub witness: Witness,
    /// Requests that failed with a status from 500 on.
    pub hit: Hit,
}

/// Requests to `host` from one time to before another; none where that is no time.
pub fn question(scope: ProjectScope, host: &str, from_us: i64, to_us: i64) -> Option<SumsQuery> {
    if from_us >= to_us {
        return None;
    }
    let condition = Condition {
        field: Field::Host,
        negated: false,
        tests: vec![Test::Is(host.to_ascii_lowercase())],
    };
    Some(SumsQuery {
        scope,
        grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
        filter: Filter { conditions: vec![condition] },
        needs: Needs::STATUSES.and(Needs::ENDPOINTS).and(Needs::CONSUMERS),
        values: Vec::new(),
    })
}

/// The consumers whose names `reach` needs, the most hit first.
pub fn most_hit(total: &Total) -> Vec<ConsumerName> {
    let hit = total.consumers.iter().filter(|(_, sums)| sums.server_errors > 0);
    let mut hit: Vec<(Reverse<u64>, ConsumerName)> =
        hit.map(|(name, sums)| (Reverse(sums.server_errors), *name)).collect();
    hit.sort_unstable();
    hit.into_iter().take(limits::NOTICE_LISTED as usize).map(|(_, name)| name).collect()
}

/// `named`: those of `most_hit` with their user id and address, one of both "".
pub fn reach(total: &Total, named: &[(ConsumerName, String, String)]) -> Reach {
    let requests_with = |statuses: std::ops::Range<u16>| -> u64 {
        total.statuses.range(statuses).map(|(_, requests)| requests).sum()
    };
    let consumers = total.consumers.values();
    let succeeded =
        consumers.filter(|sums| sums.requests > sums.client_errors + sums.server_errors);
    let endpoints = total.endpoints.iter().filter(|(_, sums)| sums.server_errors > 0);
    let endpoints: Vec<Count> = endpoints
        .map(|((method, route), sums)| Count {
            name: format!("{method} {route}"),
            requests: sums.server_errors,
        })
        .collect();
    let consumers = named.iter().filter_map(|(name, user, address)| {
        let name_text = if user.is_empty() { address } else { user };
        let requests = total.consumers.get(name)?.server_errors;
        Some(Count { name: name_text.clone(), requests })
    });
    let hit_consumers = total.consumers.values().filter(|sums| sums.server_errors > 0).count();
    Reach {
        witness: Witness { requests: requests_with(100..400), consumers: succeeded.count() as u64 },
        hit: Hit {
            requests: requests_with(500..600),
            endpoints_total: endpoints.len() as u64,
            endpoints: listed(endpoints),
            consumers_total: hit_consumers as u64,
            consumers: listed(consumers.collect()),
        },
    }
}

fn listed(mut counts: Vec<Count>) -> Vec<Count> {
    counts.sort_unstable_by(|one, other| {
        (Reverse(one.requests), &one.name).cmp(&(Reverse(other.requests), &other.name))
    });
    counts.truncate(limits::NOTICE_LISTED as usize);
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tally::{Consumer, Endpoint};

    fn consumer(requests: u64, client_errors: u64, server_errors: u64) -> Consumer {
        let mut sums = Consumer::default();
        (sums.requests, sums.client_errors, sums.server_errors) =
            (requests, client_errors, server_errors);
        sums
    }

    fn total() -> Total {
        let mut total = Total::new(Grid::whole(0, 60_000_000, &TimeZone::UTC));
        total.statuses.extend([(200, 6), (301, 1), (404, 2), (503, 7)]);
        for (id, requests, client_errors, server_errors) in
            [(1, 9, 1, 4), (2, 3, 0, 3), (3, 2, 1, 0), (4, 1, 1, 0)]
        {
            let sums = consumer(requests, client_errors, server_errors);
            total.consumers.insert(ConsumerName::User(id), sums);
        }
        for (route, server_errors) in [("/a", 5), ("/b", 0), ("/c", 2)] {
            let sums = Endpoint { requests: 9, server_errors, ..Endpoint::default() };
            total.endpoints.insert(("GET".into(), route.into()), sums);
        }
        total
    }

    #[test]
    fn those_who_succeeded_are_witnesses_and_those_who_failed_are_hit() {
        let total = total();
        assert_eq!(most_hit(&total), [ConsumerName::User(1), ConsumerName::User(2)]);
        let named = [
            (ConsumerName::User(2), String::new(), "192.0.2.7".to_owned()),
            (ConsumerName::User(1), "alice".to_owned(), String::new()),
        ];
        let reach = reach(&total, &named);
        // Of the first one 4 succeeded, of the third one 1.
        assert_eq!(reach.witness, Witness { requests: 7, consumers: 2 });
        assert_eq!((reach.hit.requests, reach.hit.endpoints_total), (7, 2));
        let names = |counts: &[Count]| -> Vec<(String, u64)> {
            counts.iter().map(|count| (count.name.clone(), count.requests)).collect()
        };
        assert_eq!(
            names(&reach.hit.endpoints),
            [("GET /a".to_owned(), 5), ("GET /c".to_owned(), 2)]
        );
        assert_eq!(
            names(&reach.hit.consumers),
            [("alice".to_owned(), 4), ("192.0.2.7".to_owned(), 3)]
        );
        assert_eq!(reach.hit.consumers_total, 2);
    }

    #[test]
    fn a_list_is_cut_where_a_notice_shows_no_more() {
        let mut total = total();
        for id in 10..200 {
            total.consumers.insert(ConsumerName::Address(id), consumer(1, 0, 1));
        }
        assert_eq!(most_hit(&total).len() as u64, limits::NOTICE_LISTED);
        assert_eq!(reach(&total, &[]).hit.consumers_total, 192);
    }

    #[test]
    fn a_question_of_no_time_is_none() {
        let scope = || ProjectScope::granted(crate::hit::ProjectId(1), Filter::default());
        assert!(question(scope(), "a.example", 5, 5).is_none());
        let asked = question(scope(), "A.example", 4, 5).unwrap();
        assert_eq!(asked.filter.conditions[0].tests, [Test::Is("a.example".to_owned())]);
    }
}
