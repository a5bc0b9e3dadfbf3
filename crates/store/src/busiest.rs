//! A list of the rows with most hits, if all of them are too many: from the sums that panels show.

use analytics::latency::Histogram;
use analytics::query::RankingQuery;
use analytics::ranking::{
    Ranked, RankedRows, Ranking, RankingBuilder, RankingLimits, RowName, RowSum,
};
use analytics::tally::{Listing, Total};

/// `total`: the answer to `query.busiest()`.
pub fn ranking(query: &RankingQuery, total: &Total, limits: RankingLimits) -> Ranking {
    let mut builder = RankingBuilder::new(query.of, limits);
    let mut add = |first: &str, second: &str, sum: RowSum, durations: &Histogram| {
        // There are fewer rows than a list may have; one whose name is too long is left out and counts as missing.
        let _ = builder.add(RowName { first, second }, &sum, durations);
    };
    let all = match query.of {
        Ranked::Endpoints => {
            for row in &total.endpoints.rows {
                add(&row.method, &row.route, RowSum::of_endpoint(row), &row.latency);
            }
            counts(&total.endpoints, |row| row.requests)
        }
        Ranked::Consumers => {
            for row in &total.consumers.rows {
                match row.user.as_str() {
                    "" if query.addresses => {
                        add("a", &row.address, RowSum::of_consumer(row), &row.latency);
                    }
                    "" => {}
                    user => add("u", user, RowSum::of_consumer(row), &row.latency),
                }
            }
            counts(&total.consumers, |row| row.requests)
        }
        Ranked::Statuses => RankedRows::default(),
        Ranked::Value(value) => {
            let listing = total.values.get(&value).cloned().unwrap_or_default();
            for (name, count) in &listing.rows {
                add("", name, RowSum::of_count(*count), &Histogram::default());
            }
            counts(&listing, |(_, count)| count.requests)
        }
    };
    builder.finish_as(all)
}

fn counts<T>(listing: &Listing<T>, requests: impl Fn(&T) -> u64) -> RankedRows {
    let Listing { rows, count, missing_up_to, low_by_up_to } = listing;
    // A row that was left out has at most as many hits as the last one kept.
    let least = rows.iter().map(requests).min().unwrap_or_default() + low_by_up_to;
    RankedRows {
        count: *count,
        missing_up_to: least.max(*missing_up_to),
        low_by_up_to: *low_by_up_to,
    }
}
