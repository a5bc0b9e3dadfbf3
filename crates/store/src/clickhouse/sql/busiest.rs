//! Lists of sums that are derived from the hits: of the busiest consumers of a day, week or month with many hits, of all its
//! endpoints, and of all its values (countries, hosts and the like).
//!
//! A row is a consumer, an endpoint or a value; a further row, whose key is 0, says that the list is there. Rows hold a digest of the
//! hits that they were made of and count only while those hits have the same, so hits that come late or go make them
//! worthless, and never wrong. A day without a list is read from its hits. All rows of a list have its number, which no
//! other one gets: a list that replaces another is told from it before the server has merged both.
//!
//! Rows of months are sorted by what they are about, and rows of days by that within their month, so that those to show are
//! read alone. Ten million hits of 2,000 callers, a year: with lists of days of consumers alone, the top list and the sums of
//! 20 consumers took 168 ms of processor time, with months 82; durations of endpoints 100 by week and 37 from lists.

use analytics::grid::{DAY_US, month_of_day};
use analytics::hit::ProjectId;
use analytics::limits;
use analytics::tally::NO_LATENCY;

use super::layout::{BUSIEST, Layout};
use super::params::Params;
use super::rollups::{
    self, CLIENT_ERRORS, CONSUMER, DAYS, DIGEST, HAS_CONSUMER, LAST_US, REQUEST_BYTES, REQUESTS,
    RESPONSE_BYTES, SERVER_ERRORS,
};
use super::schema::{IP, LATENCY, OTHER_ADDRESS, address};
use crate::clickhouse::addresses::to_ip;
use crate::types::Erasure;

/// How long the days are that a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Length {
    Month,
    /// A quarter of a month: from its 1st, 8th, 15th or 22nd day.
    Week,
    Day,
}

/// A month, week or day in UTC: from a day, counted from 1970, up to another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Span {
    pub first: i64,
    pub end: i64,
}

/// The rows of a list. The numbers are in the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    Consumers = 1,
    Endpoints = 2,
    /// Of all columns together that rollups have values of.
    Values = 3,
}

/// In the column `of_month`, the rows of all months, and of all weeks. Those of days have the first day of their month, which
/// is neither.
const MONTHS: i64 = 0;
const WEEKS: i64 = 1;

impl Length {
    pub const ALL: [Length; 3] = [Length::Month, Length::Week, Length::Day];

    /// Of a row.
    pub fn of(of_month: i64) -> Length {
        match of_month {
            MONTHS => Length::Month,
            WEEKS => Length::Week,
            _ => Length::Day,
        }
    }

    /// The span of this length that has a day. None outside of the calendar.
    pub fn span(self, day: i64) -> Option<Span> {
        let (first, end) = month_of_day(day)?;
        Some(match self {
            Length::Month => Span { first, end },
            Length::Week => {
                let week = ((day - first) / 7).min(3);
                let next = first + (week + 1) * 7;
                Span { first: first + week * 7, end: if week == 3 { end } else { next } }
            }
            Length::Day => Span { first: day, end: day + 1 },
        })
    }

    /// The expression of the first day of the span that has the day `of_day`.
    fn first(self) -> String {
        let month = "toInt64(toStartOfMonth(addDays(toDate('1970-01-01'), of_day)))";
        match self {
            Length::Month => month.to_owned(),
            Length::Week => format!("{month} + 7 * least(intDiv(of_day - {month}, 7), 3)"),
            Length::Day => "of_day".to_owned(),
        }
    }
}

impl Span {
    /// The column `of_month` of its rows.
    fn of_month(self) -> i64 {
        let length = Length::ALL.into_iter().find(|length| length.span(self.first) == Some(self));
        match length {
            Some(Length::Month) => MONTHS,
            Some(Length::Week) => WEEKS,
            _ => Length::Month.span(self.first).map_or(0, |month| month.first),
        }
    }
}

impl Kind {
    pub const ALL: [Kind; 3] = [Kind::Consumers, Kind::Endpoints, Kind::Values];

    pub fn number(self) -> u8 {
        self as u8
    }

    /// The expression of a row's key.
    fn key(self) -> &'static str {
        match self {
            Kind::Consumers => CONSUMER,
            Kind::Endpoints => "cityHash64(method, route)",
            Kind::Values => "cityHash64(value)",
        }
    }

    /// The condition that a hit has such a row.
    fn has(self) -> &'static str {
        match self {
            Kind::Consumers => HAS_CONSUMER,
            Kind::Endpoints | Kind::Values => "1",
        }
    }

    /// The hits that the groups of a statement are made of, after FROM.
    fn source(self, hits: &str) -> String {
        if self != Kind::Values {
            return format!("hits WHERE {hits}");
        }
        // Grouped by all columns first, as most projects have few different rows of them.
        let columns = rollups::value_columns().collect::<Vec<_>>().join(", ");
        let value = |column| format!("('{column}', toString({column}))");
        let values = rollups::value_columns().map(value).collect::<Vec<_>>().join(", ");
        format!(
            "(SELECT {columns}, {DIGEST} AS its_part, {REQUESTS} AS its_requests, {CLIENT_ERRORS} AS its_client_errors,
                 {SERVER_ERRORS} AS its_server_errors
             FROM hits WHERE {hits} GROUP BY {columns}) ARRAY JOIN [{values}] AS value"
        )
    }

    fn requests(self) -> &'static str {
        if self == Kind::Values { "sum(its_requests)" } else { REQUESTS }
    }

    /// Sums of a group of hits with one key, of which a row is made: with its names and its part of the digest.
    fn sums(self) -> String {
        let counts = rollups::counts();
        let durations = format!(
            "sumMapIf([{LATENCY}], [toUInt64(1)], {}) AS durations",
            rollups::has_duration()
        );
        match self {
            Kind::Consumers => format!(
                "{DIGEST} AS part, any(toString(user_id)) AS user, any(if(user_id = '', {IP}, toIPv6('::'))) AS ip,
                 any(if(user_id = '', {OTHER_ADDRESS}, '')) AS other, {counts}, {LAST_US} AS last,
                 maxIf((time_us, toString(country)), country != '') AS newest, {durations}"
            ),
            Kind::Endpoints => format!(
                "{DIGEST} AS part, any(toString(method)) AS its_first, any(toString(route)) AS its_second, {counts},
                 {LAST_US} AS last, toUInt64({REQUEST_BYTES}) AS sent, toUInt64({RESPONSE_BYTES}) AS answered, {durations}"
            ),
            // Each hit has a value in each column.
            Kind::Values => format!(
                "sumIf(its_part, tupleElement(value, 1) = '{}') AS part, any(tupleElement(value, 1)) AS its_first,
                 any(tupleElement(value, 2)) AS its_second, toUInt64(sum(its_requests)) AS requests,
                 toUInt64(sum(its_client_errors)) AS client_errors, toUInt64(sum(its_server_errors)) AS server_errors",
                rollups::value_columns().next().unwrap_or_default()
            ),
        }
    }

    /// Columns of the table, made of `sums`.
    fn columns(self) -> Vec<(&'static str, &'static str)> {
        let mut columns = vec![
            ("key", "key"),
            ("requests", "requests"),
            ("client_errors", "client_errors"),
            ("server_errors", "server_errors"),
        ];
        let durations = [
            ("latencies", "tupleElement(durations, 1)"),
            ("latency_requests", "tupleElement(durations, 2)"),
        ];
        let names = [("first", "its_first"), ("second", "its_second")];
        match self {
            Kind::Consumers => {
                columns.extend([("user", "user"), ("ip", "ip"), ("other", "other")]);
                columns.extend([("last_us", "last"), ("country", "tupleElement(newest, 2)")]);
                columns.push(("country_us", "tupleElement(newest, 1)"));
                columns.extend(durations);
            }
            Kind::Endpoints => {
                columns.extend(names);
                columns.extend([("last_us", "last"), ("request_bytes", "sent")]);
                columns.push(("response_bytes", "answered"));
                columns.extend(durations);
            }
            Kind::Values => columns.extend(names),
        }
        columns
    }
}

/// The first and the last but one of the whole days of a range.
pub fn whole_days((from_us, to_us): (i64, i64)) -> (i64, i64) {
    (
        from_us.div_euclid(DAY_US) + i64::from(from_us.rem_euclid(DAY_US) > 0),
        to_us.div_euclid(DAY_US),
    )
}

/// project, day, digest, hits: spans with many hits that are over, the newest first. `day`: the first of a span, whose digest
/// is the sum of those of its days.
pub fn large(length: Length, today: i64, from_hits: u64) -> String {
    let day = DAYS.unit();
    let (first, end) = (length.first(), length.span(today).map_or(0, |span| span.first));
    format!(
        "SELECT project, {first} AS day, sum(digest) AS digest, toUInt64(sum(hits)) AS hits
         FROM (SELECT project, toInt64({day}) AS of_day, {DIGEST} AS digest, toUInt64({REQUESTS}) AS hits
             FROM hits GROUP BY project, {day} HAVING of_day >= 0 AND of_day < {end})
         GROUP BY project, day HAVING sum(hits) >= {from_hits} ORDER BY day DESC, project"
    )
}

/// project, kind, day, of_month, digest, list, most, derived_us: all lists, perhaps of other hits than there are now, and some
/// more than once.
pub const DERIVED: &str = "SELECT project, kind, day, of_month, digest, list, most, derived_us
     FROM busiest_rows WHERE key = 0";

/// The same of some days of a project and their months.
pub fn derived(project: u32, (first, end): (i64, i64)) -> String {
    format!("{DERIVED} AND project = {project} AND day >= {first} AND day < {end}")
}

/// project, day, digest, hits: of the hits of the days of a project in a range.
pub fn digests(project: u32, (first, end): (i64, i64)) -> String {
    let day = DAYS.unit();
    format!(
        "SELECT project, toInt64({day}) AS day, {DIGEST} AS digest, toUInt64({REQUESTS}) AS hits FROM hits
         WHERE project = {project} AND {day} >= {first} AND {day} < {end} GROUP BY project, {day} SETTINGS {}",
        DAYS.setting()
    )
}

/// project, day, hits: the hits of these projects by day.
pub fn hits_by_day(projects: &[ProjectId]) -> String {
    let (day, projects) = (DAYS.unit(), projects.iter().map(|project| project.0));
    format!(
        "SELECT project, toInt64({day}) AS day, toUInt64({REQUESTS}) AS hits FROM hits
         WHERE project IN ({}) GROUP BY project, {day} SETTINGS {}",
        numbers(&projects.collect::<Vec<_>>()),
        DAYS.setting()
    )
}

fn hits_of(project: u32, span: Span) -> String {
    format!(
        "project = {project} AND time_us >= {} AND time_us < {}",
        span.first * DAY_US,
        span.end * DAY_US
    )
}

/// key, hits: what has most hits.
pub fn busiest(kind: Kind, project: u32, span: Span, most: u64) -> String {
    format!(
        "SELECT {} AS key, toUInt64({}) AS hits FROM {} GROUP BY key ORDER BY hits DESC, key LIMIT {most}",
        kind.key(),
        kind.requests(),
        kind.source(&format!("{} AND {}", hits_of(project, span), kind.has())),
    )
}

/// A list to be made.
pub struct NewList<'a> {
    pub kind: Kind,
    pub project: u32,
    pub span: Span,
    pub digest: u64,
    /// Its number.
    pub list: u64,
    pub keys: &'a [u64],
    /// The most hits of what it leaves out.
    pub most: u64,
    pub derived_us: i64,
}

/// Adds the rows of a list if its hits still have the digest: then the keys were chosen among the same hits as the sums are
/// made of. The rows come together, and stay where they are when the statement ends.
pub fn derive(new: &NewList<'_>) -> String {
    let NewList { kind, project, span, digest, list, most, derived_us, .. } = *new;
    let keys = numbers(new.keys);
    let columns = kind.columns();
    let names = columns.iter().map(|(name, _)| *name).collect::<Vec<_>>().join(", ");
    // One more, which has the defaults of the types: the list's own row.
    let array = |(name, sum): &(&str, &str)| {
        format!("arrayResize(groupArrayIf({sum}, listed), countIf(listed) + 1) AS all_{name}")
    };
    let arrays = columns.iter().map(array).collect::<Vec<_>>().join(", ");
    let joined: Vec<String> =
        columns.iter().map(|(name, _)| format!("all_{name} AS {name}")).collect();
    format!(
        "INSERT INTO busiest_rows (project, of_month, kind, day, digest, list, most, derived_us, {names})
         SELECT {project}, {}, {}, {}, digest, {list}, {most}, {derived_us}, {names}
         FROM (SELECT sum(part) AS digest, {arrays}
             FROM (SELECT if({key} IN ({keys}), {key}, toUInt64(0)) AS key, key != 0 AS listed, {} FROM {} GROUP BY key)
             HAVING digest = {digest})
         ARRAY JOIN {}
         SETTINGS distributed_foreground_insert = 1, max_bytes_before_external_group_by = {}, max_execution_time = {}",
        span.of_month(),
        kind.number(),
        span.first,
        kind.sums(),
        kind.source(&hits_of(project, span)),
        joined.join(", "),
        limits::CLICKHOUSE_GROUP_BYTES,
        limits::BUSIEST_SECONDS,
        key = kind.key(),
    )
}

/// number: statements that have been adding rows for at least this long.
pub fn deriving_for(seconds: f64, layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM {}
         WHERE elapsed >= {seconds:.3} AND startsWith(query, 'INSERT INTO busiest_rows') AND current_database = {}",
        layout.system("processes"),
        layout.database(),
    )
}

/// list, day, of_month, digest, named: all lists of a project, and whether an erasure names something in them.
pub fn lists(erasure: &Erasure, layout: &Layout, params: &mut Params) -> String {
    let named = match erasure {
        Erasure::User(_, user) => format!("user = {}", params.text(user)),
        Erasure::Address(_, text) => match to_ip(text) {
            Some(_) => format!("ip = toIPv6({})", params.text(text)),
            None => format!("other = {}", params.text(text)),
        },
        Erasure::Before(_, time_us) => format!("day * {DAY_US} < {time_us}"),
        Erasure::Project(_) | Erasure::Addresses(_) | Erasure::AddressesAndCountries(_) => {
            "1".to_owned()
        }
    };
    format!(
        "SELECT list, day, of_month, digest, max({named}) AS named FROM {}
         WHERE project = {} GROUP BY list, day, of_month, digest",
        layout.everywhere(&layout.parts_of(BUSIEST)),
        erasure.project().0
    )
}

/// Deletes the rows of these lists, on every replica.
pub fn erase(project: u32, lists: &[u64], layout: &Layout) -> String {
    format!(
        "ALTER TABLE {}{} DELETE WHERE project = {project} AND list IN ({}) SETTINGS mutations_sync = 2",
        layout.parts_of(BUSIEST),
        layout.on_cluster(),
        numbers(lists),
    )
}

fn numbers<T: ToString>(numbers: &[T]) -> String {
    numbers.iter().map(T::to_string).collect::<Vec<_>>().join(", ")
}

/// A list, of which rows are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct List {
    pub number: u64,
    pub span: Span,
}

/// The condition that a row is of one of these lists. Their numbers alone say it; the rest is the place in the table.
fn are(kind: Kind, project: u32, lists: &[List]) -> String {
    let mut months: Vec<i64> = lists.iter().map(|list| list.span.of_month()).collect();
    months.sort_unstable();
    months.dedup();
    let found: Vec<u64> = lists.iter().map(|list| list.number).collect();
    format!(
        "project = {project} AND of_month IN ({}) AND kind = {} AND list IN ({})",
        numbers(&months),
        kind.number(),
        numbers(&found)
    )
}

/// consumer, requests, seen: the consumers of these lists. `seen`: `most` of a list that has the consumer.
pub fn consumers(project: u32, lists: &[List]) -> String {
    format!(
        "SELECT key AS consumer, requests, most AS seen FROM busiest_rows WHERE {} AND key != 0",
        are(Kind::Consumers, project, lists)
    )
}

/// The name in `details` of the row whose `requests` are the lists that are there.
pub const LISTS: &str = "lists";

/// Like `sums::details` of consumers, whose hits of these spans are in the lists, and a row of the lists. `durations`: like
/// there.
pub fn details(project: u32, lists: &[List], consumers: &[u64], durations: bool) -> String {
    // Hits without a duration, with the sums of all hits; then those with one by bucket.
    let (buckets, hits, is_first, by_bucket) = match durations {
        true => (
            format!("arrayPushFront(tupleElement(by_bucket, 1), toUInt16({NO_LATENCY}))"),
            "arrayPushFront(tupleElement(by_bucket, 2), toUInt64(hits - arraySum(tupleElement(by_bucket, 2))))",
            format!("bucket = {NO_LATENCY}"),
            "sumMap(latencies, latency_requests)",
        ),
        false => ("[toUInt16(0)]".to_owned(), "[hits]", "1".to_owned(), "0"),
    };
    format!(
        "SELECT kind_of_name AS first, its_name AS second, bucket, hits_of_bucket AS requests, if({is_first}, clients, toUInt64(0)) AS client_errors,
             if({is_first}, servers, toUInt64(0)) AS server_errors, newest_us AS last_us,
             tupleElement(newest, 2) AS country, tupleElement(newest, 1) AS country_us
         FROM (SELECT any(user) AS name, any(ip) AS of_ip, any(other) AS of_other,
                 multiIf(key = 0, '{LISTS}', name != '', 'u', 'a') AS kind_of_name, if(name != '', name, {}) AS its_name,
                 toUInt64(if(key = 0, count(), sum(requests))) AS hits, sum(client_errors) AS clients,
                 sum(server_errors) AS servers, max(last_us) AS newest_us, max((country_us, country)) AS newest,
                 {by_bucket} AS by_bucket
             FROM busiest_rows WHERE {} AND key IN ({}) GROUP BY key)
         ARRAY JOIN {buckets} AS bucket, {hits} AS hits_of_bucket",
        address("of_ip", "of_other"),
        are(Kind::Consumers, project, lists),
        numbers(&[&[0], consumers].concat()),
    )
}

/// Like `sums::endpoint_durations`, of the lists' endpoints with one of these methods and one of these routes, and a row
/// without names of the lists.
pub fn endpoint_durations(project: u32, lists: &[List], (methods, routes): (&str, &str)) -> String {
    format!(
        "SELECT first, second, bucket, sum(hits_of_bucket) AS requests
         FROM (SELECT first, second, if(key = 0, [toUInt16({NO_LATENCY})], latencies) AS buckets,
                 if(key = 0, [toUInt64(1)], latency_requests) AS hits
             FROM busiest_rows WHERE {} AND (key = 0 OR (first IN {methods} AND second IN {routes})))
         ARRAY JOIN buckets AS bucket, hits AS hits_of_bucket GROUP BY first, second, bucket",
        are(Kind::Endpoints, project, lists),
    )
}

/// name, requests, client_errors, server_errors, last_us, request_bytes, response_bytes: the lists' endpoints. `name`: the
/// expression of their names `first` and `second`.
pub fn endpoints(project: u32, lists: &[List], name: &str) -> String {
    format!(
        "SELECT {name} AS name, requests, client_errors, server_errors, last_us, request_bytes, response_bytes
         FROM busiest_rows WHERE {} AND key != 0",
        are(Kind::Endpoints, project, lists)
    )
}

/// The same of the lists' values. Their names are the place of the column, '' and the value, of these columns with their
/// places; a name with the place `number` has the number of lists.
pub fn values(project: u32, lists: &[List], columns: &[(usize, &str)], number: usize) -> String {
    let names: Vec<String> = columns.iter().map(|(_, column)| format!("'{column}'")).collect();
    let places: Vec<usize> = columns.iter().map(|(place, _)| *place).collect();
    format!(
        "SELECT if(key = 0, (toUInt8({number}), '', ''), (transform(first, [{names}], [{}], toUInt8(0)), '', second)) AS name,
             if(key = 0, toUInt64(1), requests) AS requests, client_errors, server_errors, last_us, request_bytes,
             response_bytes
         FROM busiest_rows WHERE {} AND (key = 0 OR first IN ({names}))",
        numbers(&places),
        are(Kind::Values, project, lists),
        names = names.join(", "),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_day_is_in_one_span_of_each_length_and_a_row_says_which() {
        for length in Length::ALL {
            let mut day = 20_454; // The first of January 2026.
            while day < 20_454 + 365 {
                let span = length.span(day).unwrap();
                assert_eq!(span.first, day);
                assert!((span.first..span.end).all(|day| length.span(day) == Some(span)));
                assert_eq!(Length::of(span.of_month()), length);
                day = span.end;
            }
            assert_eq!(day, 20_454 + 365, "no span is in two months");
        }
    }
}
