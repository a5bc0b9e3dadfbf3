//! A project's own rules with a filter, about consumers or about response times: their queries, and their findings in
//! the answers.

use analytics::alert::Finding;
use analytics::alert::timeline::MINUTE_US;
use analytics::alert::{Counts, Group, Key, Metric, Rule, Verdict};
use analytics::filter;
use analytics::grid::Grid;
use analytics::hit::ProjectId;
use analytics::latency::Histogram;
use analytics::limits;
use analytics::query::SumsQuery;
use analytics::tally::{Needs, Sort, Top, Total};
use jiff::tz::TimeZone;

use super::{Findings, RuleAsker};
use crate::ask::{AskError, own_reader};

/// The answer to a query that several rules share: the same filter, window and group.
pub async fn ask_own(
    ask: &RuleAsker<'_>,
    project: ProjectId,
    rules: &[&Rule],
    end_us: i64,
) -> Result<Total, AskError> {
    let scope = (ask.scope)(project);
    let one = rules.first();
    let from_us = end_us - one.map_or(0, |rule| i64::from(rule.window_minutes)) * MINUTE_US;
    let grid = Grid::whole(from_us, end_us, &TimeZone::UTC);
    if !ask.asker.may_have_hits(&scope, from_us, end_us).await? {
        // Most projects of a server are quiet.
        return Ok(Total::new(grid));
    }
    let needs = rules.iter().fold(Needs::STATUSES, |needs, rule| needs.and(needs_of(rule)));
    let query = SumsQuery {
        scope,
        grid,
        filter: one.and_then(|rule| filter::parse(&rule.q).ok()).unwrap_or_default(),
        needs,
        values: Vec::new(),
        prefix: String::new(),
        top: rows(one.is_some_and(|rule| rule.group_by == Group::Consumer)),
    };
    ask.asker.sums(own_reader(project), query).await
}

fn needs_of(rule: &Rule) -> Needs {
    let is_quantile = matches!(rule.metric, Metric::P50Ms | Metric::P95Ms | Metric::P99Ms);
    match rule.group_by {
        Group::All if rule.metric == Metric::Consumers => Needs::CONSUMERS,
        Group::All if is_quantile => Needs::LATENCY,
        Group::All => Needs::STATUSES,
        Group::Endpoint => Needs::ENDPOINTS,
        Group::Consumer if is_quantile => Needs::CONSUMERS | Needs::CONSUMER_LATENCY,
        Group::Consumer => Needs::CONSUMERS,
    }
}

/// Findings of one rule in the answer.
pub fn find_own(rule: &Rule, total: &Total) -> Findings {
    let missing = rule.judge_missing();
    let finding = |(key, counts): (Key, Counts)| Finding::of_rule(rule, &key, counts);
    let (named, listed, all): (Vec<Finding>, usize, u64) = match rule.group_by {
        Group::All => (vec![finding((String::new(), of_all(total)))], 1, 1),
        Group::Endpoint => {
            let listing = &total.endpoints;
            let named = of_endpoints(total).map(finding).collect();
            (named, listing.rows.len(), listing.count.count)
        }
        Group::Consumer => {
            let listing = &total.consumers;
            let named = of_consumers(total).map(finding).collect();
            (named, listing.rows.len(), listing.count.count)
        }
    };
    // A series that a long list leaves out isn't absent.
    let missing = if all > listed as u64 { Verdict::Unknown } else { missing };
    Findings { named, missing }
}

/// As many as one answer can have.
pub fn rows(consumers: bool) -> Top {
    Top { consumers, rows: limits::PANEL_ROWS as usize, sort: Sort::Requests }
}

fn of_all(total: &Total) -> Counts {
    let between = |from: u16, to: u16| total.statuses.range(from..to).map(|(_, count)| count).sum();
    let denied = [401, 403, 429].iter().filter_map(|status| total.statuses.get(status)).sum();
    Counts {
        requests: total.requests(),
        server_errors: between(500, u16::MAX),
        client_errors: between(400, 500),
        denied,
        consumers: total.consumers.count.count,
        ..quantiles(&total.latency)
    }
}

pub fn of_endpoints(total: &Total) -> impl Iterator<Item = (Key, Counts)> {
    total.endpoints.rows.iter().map(|row| {
        let counts = Counts {
            requests: row.requests,
            server_errors: row.server_errors,
            client_errors: row.client_errors,
            ..quantiles(&row.latency)
        };
        (format!("{} {}", row.method, row.route), counts)
    })
}

pub fn of_consumers(total: &Total) -> impl Iterator<Item = (Key, Counts)> {
    total.consumers.rows.iter().map(|row| {
        let counts = Counts {
            requests: row.requests,
            server_errors: row.server_errors,
            client_errors: row.client_errors,
            ..quantiles(&row.latency)
        };
        (if row.user.is_empty() { &row.address } else { &row.user }.clone(), counts)
    })
}

fn quantiles(latency: &Histogram) -> Counts {
    let quantile = |share| latency.quantile_us(share).map(|us| us as u64);
    Counts {
        p50_us: quantile(0.5),
        p95_us: quantile(0.95),
        p99_us: quantile(0.99),
        ..Counts::default()
    }
}
