//! Compares a failing check with the project's own requests to the same host: do they contradict it, and which
//! endpoints and consumers does the outage affect? Only a system that sees the traffic can know. The queries are data;
//! the store runs them.

use std::cmp::Reverse;

use jiff::tz::TimeZone;

use super::{Count, Hit};
use crate::filter::{Condition, Field, Filter, Test};
use crate::grid::Grid;
use crate::incident::Witness;
use crate::limits;
use crate::query::{ProjectScope, SumsQuery};
use crate::tally::{Needs, Sort, Top, Total};

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach {
    /// Requests that succeeded.
    pub witness: Witness,
    /// Requests that failed with a status from 500 on.
    pub hit: Hit,
}

/// Two queries about the requests to one host: how many succeeded and from how many consumers, and which endpoints and
/// consumers the failed ones affect.
#[derive(Clone, Debug)]
pub struct Questions {
    pub succeeded: SumsQuery,
    pub failed: SumsQuery,
}

/// About requests to `host` from one time to before another; none if that is an empty time.
pub fn questions(scope: ProjectScope, host: &str, from_us: i64, to_us: i64) -> Option<Questions> {
    if from_us >= to_us {
        return None;
    }
    let question = |statuses: (u64, u64), needs: Needs, top: Top| {
        let tests = vec![Test::Is(host.to_ascii_lowercase())];
        let of_host = Condition { field: Field::Host, negated: false, tests };
        let conditions = vec![of_host, of_status(statuses.0, statuses.1)];
        SumsQuery {
            scope: scope.clone(),
            grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
            filter: Filter { conditions },
            needs,
            values: Vec::new(),
            prefix: String::new(),
            top,
        }
    };
    let counted = Needs::STATUSES.and(Needs::CONSUMERS);
    let listed = listed_rows();
    Some(Questions {
        succeeded: question((100, 399), counted, Top::default()),
        failed: question((500, 599), counted.and(Needs::ENDPOINTS), listed),
    })
}

/// About all requests that pass a filter: their endpoints and consumers. For `hit`.
pub fn hit_question(scope: ProjectScope, filter: Filter, from_us: i64, to_us: i64) -> SumsQuery {
    SumsQuery {
        scope,
        grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
        filter,
        needs: Needs::STATUSES.and(Needs::CONSUMERS).and(Needs::ENDPOINTS),
        values: Vec::new(),
        prefix: String::new(),
        top: listed_rows(),
    }
}

/// Passes only requests with a status from one to another.
pub fn of_status(min: u64, max: u64) -> Condition {
    let tests = vec![Test::Range { min: Some(min), max: Some(max) }];
    Condition { field: Field::Status, negated: false, tests }
}

fn listed_rows() -> Top {
    Top { consumers: true, rows: limits::NOTICE_LISTED as usize, sort: Sort::Requests }
}

/// Combines the answers to both queries.
pub fn reach(succeeded: &Total, failed: &Total) -> Reach {
    Reach {
        witness: Witness {
            requests: succeeded.requests(),
            consumers: succeeded.consumers.count.count,
        },
        hit: hit(failed),
    }
}

/// The endpoints and consumers of an answer.
pub fn hit(failed: &Total) -> Hit {
    let endpoints = failed.endpoints.rows.iter().map(|sums| Count {
        name: format!("{} {}", sums.method, sums.route),
        requests: sums.requests,
    });
    let consumers = failed.consumers.rows.iter().map(|sums| Count {
        name: if sums.user.is_empty() { &sums.address } else { &sums.user }.clone(),
        requests: sums.requests,
    });
    Hit {
        requests: failed.requests(),
        endpoints_total: failed.endpoints.count.count,
        endpoints: listed(endpoints.collect()),
        consumers_total: failed.consumers.count.count,
        consumers: listed(consumers.collect()),
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
    use crate::tally::{Consumer, DistinctCount, Endpoint};

    fn total(statuses: &[(u16, u64)], consumers: u64) -> Total {
        let mut total = Total::new(Grid::whole(0, 60_000_000, &TimeZone::UTC));
        total.statuses.extend(statuses.iter().copied());
        total.consumers.count = DistinctCount { count: consumers, about: false };
        total
    }

    #[test]
    fn those_who_succeeded_are_witnesses_and_those_who_failed_are_hit() {
        let succeeded = total(&[(200, 6), (301, 1)], 2);
        let mut failed = total(&[(500, 2), (503, 5)], 12);
        let consumer = |user: &str, address: &str, requests| Consumer {
            user: user.into(),
            address: address.into(),
            requests,
            ..Consumer::default()
        };
        failed.consumers.rows = vec![consumer("", "192.0.2.7", 3), consumer("alice", "", 4)];
        for (route, requests) in [("/c", 2), ("/a", 5)] {
            let names = ("GET".into(), route.into());
            let endpoint =
                Endpoint { method: names.0, route: names.1, requests, ..Endpoint::default() };
            failed.endpoints.rows.push(endpoint);
        }
        failed.endpoints.count = DistinctCount { count: 2, about: false };
        let reach = reach(&succeeded, &failed);
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
        assert_eq!(reach.hit.consumers_total, 12);
    }

    #[test]
    fn a_list_is_cut_where_a_notice_shows_no_more() {
        let scope = ProjectScope::granted(crate::hit::ProjectId(1), Filter::default());
        let asked = questions(scope, "A.example", 4, 5).unwrap();
        assert_eq!(asked.failed.top.rows as u64, limits::NOTICE_LISTED);
        assert_eq!(asked.failed.filter.conditions[0].tests, [Test::Is("a.example".to_owned())]);
        let many = (0..200).map(|n| Count { name: n.to_string(), requests: n }).collect();
        assert_eq!(listed(many).len() as u64, limits::NOTICE_LISTED);
    }

    #[test]
    fn a_question_of_no_time_is_none() {
        let scope = ProjectScope::granted(crate::hit::ProjectId(1), Filter::default());
        assert!(questions(scope, "a.example", 5, 5).is_none());
    }
}
