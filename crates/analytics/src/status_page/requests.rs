//! The success of real users: the share of a host's requests answered without a server error.

use std::collections::HashMap;

use jiff::tz::TimeZone;

use crate::filter::{Condition, Field, Filter, Test};
use crate::grid::Grid;
use crate::hit::TextKind;
use crate::limits;
use crate::query::{ProjectScope, SumsQuery};
use crate::tally::{Dimension, Needs, Sort, Top, Total};
use crate::uptime::Share;

/// Two queries that give it for every host at once: all requests, and those with a status from 500 on.
#[derive(Clone, Debug)]
pub struct Questions {
    pub all: SumsQuery,
    pub failed: SumsQuery,
}

/// From one time to before a later one.
pub fn questions(scope: ProjectScope, from_us: i64, to_us: i64) -> Questions {
    let question = |filter: Filter| SumsQuery {
        scope: scope.clone(),
        grid: Grid::whole(from_us, to_us, &TimeZone::UTC),
        filter,
        needs: Needs::default(),
        values: vec![Dimension::Text(TextKind::Host)],
        prefix: String::new(),
        top: Top { consumers: false, rows: limits::PANEL_ROWS as usize, sort: Sort::Requests },
    };
    let is_failure = Condition {
        field: Field::Status,
        negated: false,
        tests: vec![Test::Range { min: Some(500), max: Some(599) }],
    };
    Questions {
        all: question(Filter::default()),
        failed: question(Filter { conditions: vec![is_failure] }),
    }
}

/// The share by host, in lower case. A host without requests is missing.
pub fn shares(all: &Total, failed: &Total) -> HashMap<String, Share> {
    let by_host = |total: &Total| {
        let mut requests = HashMap::<String, i64>::new();
        let listed = total.values.get(&Dimension::Text(TextKind::Host));
        for (host, count) in listed.iter().flat_map(|listing| &listing.rows) {
            *requests.entry(host.to_ascii_lowercase()).or_default() += count.requests as i64;
        }
        requests
    };
    let failed = by_host(failed);
    let shares =
        by_host(all).into_iter().filter(|(host, requests)| !host.is_empty() && *requests > 0);
    let shares = shares.map(|(host, requests)| {
        let failed = failed.get(&host).copied().unwrap_or(0).min(requests);
        (host, Share { part: requests - failed, of: requests })
    });
    shares.collect()
}
