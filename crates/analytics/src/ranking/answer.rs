//! Rows of a list as answers, in the format of panels.

use serde::Serialize;
use utoipa::ToSchema;

use super::row::Row;
use super::rows::Ranking;
use super::sums::duration_us;
use super::{Ranked, RowName};
use crate::answer::{BreakdownRow, ConsumerAnswer, EndpointAnswer, round, to_rfc3339};
use crate::hit::Country;

#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
#[serde(untagged)]
pub enum RankedRow {
    Endpoint(EndpointAnswer),
    Consumer(ConsumerAnswer),
    Value(BreakdownRow),
}

impl Ranking {
    /// A row by its index in `order`.
    pub fn row(&self, at: u32) -> RankedRow {
        let (RowName { first, second }, row) = self.row_at(at);
        match self.of() {
            Ranked::Endpoints => RankedRow::Endpoint(EndpointAnswer {
                method: first.to_owned(),
                route: second.to_owned(),
                requests: row.requests,
                client_errors: row.client_errors,
                server_errors: row.server_errors,
                p50_ms: to_ms(row.p50),
                p95_ms: to_ms(row.p95),
                p99_ms: to_ms(row.p99),
                last_seen: to_rfc3339(row.last_us),
            }),
            Ranked::Consumers => RankedRow::Consumer(to_consumer(first, second, row)),
            Ranked::Statuses | Ranked::Value(_) => RankedRow::Value(BreakdownRow {
                key: second.to_owned(),
                requests: row.requests,
                errors: row.client_errors + row.server_errors,
            }),
        }
    }
}

fn to_consumer(kind: &str, name: &str, row: &Row) -> ConsumerAnswer {
    let (user, address) = if kind == "u" { (name, "") } else { ("", name) };
    ConsumerAnswer {
        key: format!("{kind}:{name}"),
        user: user.to_owned(),
        address: address.to_owned(),
        country: Country::from_number(row.country).as_str().to_owned(),
        requests: row.requests,
        client_errors: row.client_errors,
        server_errors: row.server_errors,
        p95_ms: to_ms(row.p95),
        last_seen: to_rfc3339(row.last_us),
    }
}

fn to_ms(bucket: u16) -> Option<f64> {
    duration_us(bucket).map(|us| round(us / 1_000.0))
}

impl RankedRow {
    /// The columns of a table of these rows.
    pub fn columns(of: Ranked) -> &'static [&'static str] {
        match of {
            Ranked::Endpoints => &[
                "method",
                "route",
                "requests",
                "client_errors",
                "server_errors",
                "p50_ms",
                "p95_ms",
                "p99_ms",
                "last_seen",
            ],
            Ranked::Consumers => &[
                "key",
                "user",
                "address",
                "country",
                "requests",
                "client_errors",
                "server_errors",
                "p95_ms",
                "last_seen",
            ],
            Ranked::Statuses | Ranked::Value(_) => &["key", "requests", "errors"],
        }
    }

    /// The cells of the row, in the order of `columns`.
    pub fn cells(&self) -> Vec<String> {
        let ms = |ms: Option<f64>| ms.map_or_else(String::new, |ms| ms.to_string());
        match self {
            RankedRow::Endpoint(row) => vec![
                row.method.clone(),
                row.route.clone(),
                row.requests.to_string(),
                row.client_errors.to_string(),
                row.server_errors.to_string(),
                ms(row.p50_ms),
                ms(row.p95_ms),
                ms(row.p99_ms),
                row.last_seen.clone(),
            ],
            RankedRow::Consumer(row) => vec![
                row.key.clone(),
                row.user.clone(),
                row.address.clone(),
                row.country.clone(),
                row.requests.to_string(),
                row.client_errors.to_string(),
                row.server_errors.to_string(),
                ms(row.p95_ms),
                row.last_seen.clone(),
            ],
            RankedRow::Value(row) => {
                vec![row.key.clone(), row.requests.to_string(), row.errors.to_string()]
            }
        }
    }
}
