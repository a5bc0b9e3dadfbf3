//! Sums over a project's hits: GROUP BYs, of which only the groups come back.

use std::collections::BTreeSet;

use analytics::filter::{Field, Filter};
use analytics::grid::{DAY_US, Grid, Step};
use analytics::hit_fields::Word;
use analytics::period::Period;
use analytics::query::ProjectScope;
use analytics::tally::Dimension;

use super::busiest::{self, List, Span};
use super::params::Params;
use super::rollups::{
    self, CONSUMER, FROM_HITS, HAS_CONSUMER, LAST_US, REQUEST_BYTES, REQUESTS, RESPONSE_BYTES,
    Rollup, SKETCH, SKETCHED_EXACTLY, Stretch, WITHOUT_CONSUMER, counts,
};
use super::rows;
use super::schema::{IP, LATENCY, OTHER_ADDRESS, address};

/// The hits of a question. Its parameters are those of every statement made from it.
#[derive(Clone, Debug)]
pub struct Hits {
    condition: String,
    params: Params,
    project: u32,
    range: (i64, i64),
    /// Rollups have the hits of all filters together.
    filtered: bool,
}

impl Hits {
    pub fn of(scope: &ProjectScope, (from_us, to_us): (i64, i64), filter: &Filter) -> Hits {
        let mut params = Params::default();
        let period = Period { from_us: Some(from_us), to_us: Some(to_us) };
        let condition = rows::of(scope, &period, filter, &mut params);
        let filtered = !scope.with_locked(filter).conditions.is_empty();
        let (project, range) = (scope.project().0, (from_us, to_us));
        Hits { condition, params, project, range, filtered }
    }

    pub fn params(&self) -> Params {
        self.params.clone()
    }

    pub fn project(&self) -> u32 {
        self.project
    }

    pub fn condition(&self) -> &str {
        &self.condition
    }

    /// Their range, if they are all hits in it.
    pub fn whole_range(&self) -> Option<(i64, i64)> {
        (!self.filtered).then_some(self.range)
    }

    /// The same, never read from a rollup.
    pub fn without_rollups(&self) -> Hits {
        Hits { filtered: true, ..self.clone() }
    }

    /// Those that are not in the spans of these lists.
    pub fn outside(&self, lists: &[List]) -> Hits {
        if lists.is_empty() {
            return self.clone();
        }
        // Ranges, by which the server finds them among the others.
        let gaps = gaps(self.range, lists.iter().map(|list| list.span).collect());
        let ranges: Vec<String> = gaps
            .iter()
            .map(|(from, to)| format!("time_us >= {from} AND time_us < {to}"))
            .chain(gaps.is_empty().then(|| "0".to_owned()))
            .collect();
        let condition = format!("{} AND ({})", self.condition, ranges.join(" OR "));
        Hits { condition, filtered: true, ..self.clone() }
    }

    /// These hits as stretches, of which a rollup has the first, or as one.
    pub fn stretches(&self, rollup: Option<&'static Rollup>, grid: Option<&Grid>) -> Vec<Stretch> {
        let of = |rollup: &'static Rollup| rollup.stretches(self.project, self.range, grid);
        rollup.filter(|_| !self.filtered).and_then(of).unwrap_or_else(|| {
            let (time, condition) = ("time_us".to_owned(), self.condition.clone());
            vec![Stretch { time, condition, rollup: None }]
        })
    }
}

/// The parts of a range that are in none of these spans.
fn gaps((from_us, to_us): (i64, i64), mut spans: Vec<Span>) -> Vec<(i64, i64)> {
    spans.sort_unstable_by_key(|span| span.first);
    let mut gaps = Vec::new();
    let mut from = from_us;
    for span in spans {
        gaps.push((from, span.first * DAY_US));
        from = span.end * DAY_US;
    }
    gaps.push((from, to_us));
    gaps.retain(|(from, to)| from < to);
    gaps
}

/// A statement for each stretch. A group may have a row in each of their answers.
fn each(stretches: &[Stretch], statement: impl Fn(&Stretch) -> String) -> String {
    let each = |stretch| {
        // Settings at the end of a UNION would be those of all of it.
        format!("SELECT * FROM ({} SETTINGS {})", statement(stretch), stretch.setting())
    };
    stretches.iter().map(each).collect::<Vec<_>>().join(" UNION ALL ")
}

/// A hit's bucket: its index if buckets are equally long, else the time at which it begins. `bucket_of` reads it. Without a
/// grid there is one.
pub fn bucket(grid: Option<&Grid>, time: &str) -> String {
    let Some(grid) = grid else { return "toInt64(0)".to_owned() };
    match grid.step {
        _ if grid.buckets() == 1 => "toInt64(0)".to_owned(),
        Step::Fixed(us) => {
            let last = grid.buckets() - 1;
            let first = grid.edges_us[0];
            format!("toInt64(least(intDiv(greatest({time} - {first}, 0), {us}), {last}))")
        }
        _ => {
            let starts: Vec<String> =
                grid.edges_us[..grid.buckets()].iter().map(i64::to_string).collect();
            format!("roundDown({time}, [{}]::Array(Int64))", starts.join(", "))
        }
    }
}

/// The index of the bucket that a row names.
pub fn bucket_of(grid: &Grid, value: i64) -> usize {
    match grid.step {
        _ if grid.buckets() == 1 => 0,
        Step::Fixed(_) => (value.max(0) as usize).min(grid.buckets() - 1),
        _ => grid.bucket(value),
    }
}

/// request_bytes, response_bytes.
pub fn bytes() -> String {
    format!(
        "toUInt64({REQUEST_BYTES}) AS request_bytes, toUInt64({RESPONSE_BYTES}) AS response_bytes"
    )
}

/// The names of a row as a list shows them, for instance a method and a route.
pub type Name = (String, String);

/// A kind of rows that a table lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rows {
    /// Method and route.
    Endpoints,
    /// "u" and a user, or "a" and an address.
    Consumers,
    /// "" and the status.
    Statuses,
    /// "" and a value.
    Values(Dimension),
}

/// The columns that hits are grouped by: `k0`, `k1`, ... in a statement.
pub struct Key {
    columns: Vec<String>,
    /// The names of a row, made of the columns.
    pub first: &'static str,
    pub second: String,
    /// The condition that a hit has such a row.
    pub has: &'static str,
}

impl Rows {
    /// The prefix that its rows must have: of a question's lists, only texts are searched.
    pub fn searched(self, prefix: &str) -> &str {
        if matches!(self, Rows::Values(Dimension::Text(_))) { prefix } else { "" }
    }

    pub fn key(self) -> Key {
        let one = |column: &str| Key {
            columns: vec![column.to_owned()],
            first: "''",
            second: "toString(k0)".to_owned(),
            has: "1",
        };
        match self {
            Rows::Endpoints => Key {
                columns: vec!["method".to_owned(), "route".to_owned()],
                first: "toString(k0)",
                second: "toString(k1)".to_owned(),
                has: "1",
            },
            Rows::Consumers => Key {
                columns: vec![
                    "user_id".to_owned(),
                    format!("if(user_id = '', {IP}, toIPv6('::'))"),
                    format!("if(user_id = '', {OTHER_ADDRESS}, '')"),
                ],
                first: "if(k0 != '', 'u', 'a')",
                second: format!("if(k0 != '', toString(k0), {})", address("k1", "k2")),
                has: HAS_CONSUMER,
            },
            Rows::Statuses => one("status"),
            Rows::Values(value) => one(column_of(value)),
        }
    }
}

pub fn column_of(value: Dimension) -> &'static str {
    match value {
        Dimension::Country => Field::Country.info().column,
        Dimension::Text(kind) => kind.column(),
        Dimension::Client => Word::Client.column(),
        Dimension::Os => Word::Os.column(),
        Dimension::Device => Word::Device.column(),
        Dimension::Version => Word::Version.column(),
    }
}

impl Key {
    /// The columns with their aliases, and the aliases alone.
    pub fn aliased(&self) -> (String, String) {
        let aliases: Vec<String> = (0..self.columns.len()).map(|n| format!("k{n}")).collect();
        let both = self.columns.iter().zip(&aliases).map(|(column, k)| format!("{column} AS {k}"));
        (both.collect::<Vec<_>>().join(", "), aliases.join(", "))
    }
}

/// consumer, number, seen: the consumers with most hits, and how many consumers there are. Of millions each group costs a
/// hash and a count: grouped by their texts, 3 million took five times as long. The spans of `lists` are read from these:
/// then `number` lacks the consumers that none has, and `seen` is the sum of `most` of the lists that have this one.
pub fn top_consumers(hits: &Hits, lists: &[List], most: u64) -> String {
    let mut counted = format!(
        "SELECT {CONSUMER} AS consumer, toUInt64({REQUESTS}) AS requests, toUInt64(0) AS seen
         FROM hits WHERE {} AND {HAS_CONSUMER} GROUP BY consumer SETTINGS {FROM_HITS}",
        hits.outside(lists).condition
    );
    if !lists.is_empty() {
        counted = format!(
            "SELECT consumer, sum(requests) AS requests, sum(seen) AS seen
             FROM ({counted} UNION ALL {}) GROUP BY consumer",
            busiest::consumers(hits.project, lists)
        );
    }
    format!(
        "SELECT consumer, toUInt64(count() OVER ()) AS number, seen FROM ({counted})
         ORDER BY requests DESC, consumer LIMIT {most}"
    )
}

/// few, about: the number of different rows, exact in `few` up to `exact`, and an estimate.
pub fn distinct(hits: &Hits, rows: Rows, prefix: &str, exact: u64, params: &mut Params) -> String {
    let (key, prefix) = (rows.key(), rows.searched(prefix));
    let hash = match rows {
        Rows::Consumers => CONSUMER.to_owned(),
        _ => format!("cityHash64({})", key.columns.join(", ")),
    };
    let prefix = starts_with(&key, prefix, params);
    format!(
        "SELECT toInt64(0) AS bucket, {} FROM hits WHERE {} AND {}{prefix} SETTINGS {FROM_HITS}",
        counted(&hash, exact),
        hits.condition,
        key.has
    )
}

/// bucket, few, about: the number of different consumers by bucket, or of all.
pub fn consumer_series(hits: &Hits, grid: Option<&Grid>, exact: u64) -> String {
    let stretches = hits.stretches(Some(&rollups::CONSUMERS), grid);
    if let [Stretch { time, condition, rollup: None }] = stretches.as_slice() {
        return format!(
            "SELECT {} AS bucket, {} FROM hits WHERE {condition} AND {HAS_CONSUMER} GROUP BY bucket SETTINGS {FROM_HITS}",
            bucket(grid, time),
            counted(CONSUMER, exact),
        );
    }
    let sketches = each(&stretches, |Stretch { time, condition, .. }| {
        format!(
            "SELECT {} AS bucket, {SKETCH} AS sketch, {WITHOUT_CONSUMER} AS without
             FROM hits WHERE {condition} GROUP BY bucket",
            bucket(grid, time)
        )
    });
    format!(
        "SELECT bucket, if(about <= {}, about, {}) AS few, about
         FROM (SELECT bucket, toUInt64(uniqCombined64Merge(13)(sketch) - (sum(without) > 0)) AS about
             FROM ({sketches}) GROUP BY bucket)",
        exact.min(SKETCHED_EXACTLY),
        exact + 1,
    )
}

/// Whether no sketch helps to count consumers by bucket.
pub fn has_no_sketches(hits: &Hits, grid: &Grid) -> bool {
    let stretches = hits.stretches(Some(&rollups::CONSUMERS), Some(grid));
    stretches.iter().all(|stretch| stretch.rollup.is_none())
}

/// One row. number, busiest, series: how many consumers there are, those with most hits, and how many each bucket has. Both
/// lists are made of the consumers of each bucket, so hits are read once: of 5 million hits with a filter that a twentieth
/// pass, one statement for each took 470 ms of processor time, and this one 250; it takes half more than both where each of
/// the 5 million has a consumer of its own.
pub fn consumers_and_series(hits: &Hits, grid: &Grid, most: u64) -> String {
    format!(
        "SELECT toUInt64(countIf(of_bucket = 0)) AS number,
             arrayMap(entry -> tupleElement(entry, 2),
                 groupArraySortedIf({most})((-toInt64(requests), consumer), of_bucket = 0)) AS busiest,
             groupArrayIf((bucket, consumers), of_bucket = 1) AS series
         FROM (SELECT grouping(consumer) AS of_bucket, consumer, bucket, sum(hits) AS requests, toUInt64(count()) AS consumers
             FROM (SELECT {CONSUMER} AS consumer, {} AS bucket, {REQUESTS} AS hits
                 FROM hits WHERE {} AND {HAS_CONSUMER} GROUP BY consumer, bucket SETTINGS {FROM_HITS})
             GROUP BY GROUPING SETS ((consumer), (bucket)))",
        bucket(Some(grid), "time_us"),
        hits.condition,
    )
}

/// The state of a count is bounded, however many there are: hashes up to the limit, and a sketch (standard error 0.6 %).
/// The hash is most of the cost: 1 million hits took 240 ms with SipHash of all columns, 60 ms with this one.
fn counted(hash: &str, exact: u64) -> String {
    format!(
        "toUInt64(length(groupUniqArray({})({hash}))) AS few, toUInt64(uniqCombined64(15)({hash})) AS about",
        exact + 1
    )
}

/// first, second, bucket of durations, requests: of the endpoints with these names, and of others with one of the methods
/// and one of the routes: both alone are compared by their numbers in a dictionary, pairs by their texts, which took most
/// of the time. There may be several rows of a bucket. The spans of `lists` are read from these; a row without names, and
/// without a duration, says how many lists are there.
pub fn endpoint_durations(
    hits: &Hits,
    lists: &[List],
    names: &[Name],
    params: &mut Params,
) -> String {
    let distinct = |of: fn(&Name) -> &String| {
        names.iter().map(of).cloned().collect::<BTreeSet<String>>().into_iter().collect()
    };
    let (methods, routes) = (distinct(|name| &name.0), distinct(|name| &name.1));
    let (methods, routes) = (params.texts(methods), params.texts(routes));
    let are = format!("method IN {methods} AND route IN {routes}");
    let rollup = Some(&rollups::ENDPOINT_DURATIONS);
    let of_hits = each(
        &hits.outside(lists).stretches(rollup, None),
        |Stretch { condition, .. }| {
            format!(
            "SELECT toString(method) AS first, toString(route) AS second, latency AS bucket, toUInt64({REQUESTS}) AS requests
             FROM hits WHERE {condition} AND {are} AND {} GROUP BY method, route, latency",
            rollups::has_duration()
        )
        },
    );
    if lists.is_empty() {
        return of_hits;
    }
    let of_lists = busiest::endpoint_durations(hits.project, lists, (&methods, &routes));
    format!("{of_lists} UNION ALL {of_hits}")
}

pub fn starts_with(key: &Key, prefix: &str, params: &mut Params) -> String {
    match (prefix, key.columns.last()) {
        ("", _) | (_, None) => String::new(),
        (prefix, Some(column)) => {
            format!(" AND startsWith(lowerUTF8(toString({column})), {})", params.text(prefix))
        }
    }
}

/// first, second, bucket of durations, sums: of these consumers. There may be several rows of a bucket; without `durations`
/// it is 0. The spans of `lists` are read from these; a row says how many lists are there.
pub fn details(hits: &Hits, lists: &[List], consumers: &[u64], durations: bool) -> String {
    // By their numbers, so that other consumers are never grouped.
    let list = consumers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let chosen = format!("{CONSUMER} IN ({list})");
    let of_hits = parts(&hits.outside(lists), Rows::Consumers, &chosen, durations);
    if lists.is_empty() {
        return of_hits;
    }
    format!("{} UNION ALL {of_hits}", busiest::details(hits.project, lists, consumers, durations))
}

/// The same of all rows that have each of these words, which are in lower case.
pub fn list(
    hits: &Hits,
    rows: Rows,
    words: &[String],
    durations: bool,
    params: &mut Params,
) -> String {
    let key = rows.key();
    let texts: Vec<String> = match rows {
        Rows::Consumers => vec!["if(user_id != '', toString(user_id), address)".to_owned()],
        _ => key.columns.iter().map(|column| format!("toString({column})")).collect(),
    };
    let mut chosen = vec!["1".to_owned()];
    for word in words {
        let word = params.text(word);
        let has = |text: &String| format!("position(lowerUTF8({text}), {word}) > 0");
        chosen.push(format!("({})", texts.iter().map(has).collect::<Vec<_>>().join(" OR ")));
    }
    parts(hits, rows, &chosen.join(" AND "), durations)
}

fn parts(hits: &Hits, rows: Rows, chosen: &str, durations: bool) -> String {
    let key = rows.key();
    let (columns, aliases) = key.aliased();
    let latency = if durations { LATENCY } else { "toUInt16(0)" };
    let (newest, country, country_us) = match rows {
        Rows::Consumers => newest_country(hits.range),
        _ => ["toInt64(0)", "''", "toInt64(0)"].map(str::to_owned).into(),
    };
    let Key { first, second, has, .. } = key;
    format!(
        "SELECT {first} AS first, {second} AS second, bucket, requests, client_errors, server_errors, last_us,
             {country} AS country, {country_us} AS country_us
         FROM (SELECT {columns}, {latency} AS bucket, {}, {LAST_US} AS last_us, {newest} AS newest
             FROM hits AS h WHERE {} AND {has} AND {chosen} GROUP BY {aliases}, bucket SETTINGS {FROM_HITS})",
        counts(),
        hits.condition,
    )
}

/// The sum that finds a consumer's newest hit with a country, and from it that country and its time. At the same moment
/// the greater code wins. As one number it costs a fifth of `argMax`, if the period fits into 46 bits (two years).
fn newest_country((from_us, to_us): (i64, i64)) -> (String, String, String) {
    if to_us.saturating_sub(from_us) >= 1 << 46 {
        return (
            "maxIf((time_us, toString(h.country)), h.country != '')".to_owned(),
            "tupleElement(newest, 2)".to_owned(),
            "tupleElement(newest, 1)".to_owned(),
        );
    }
    let base = from_us - 1;
    (
        format!(
            "max(if(h.country = '', toInt64(0), (time_us - {base}) * 65536 + reinterpretAsUInt16(reverse(h.country))))"
        ),
        "if(newest = 0, '', reverse(reinterpretAsString(toUInt16(newest % 65536))))".to_owned(),
        format!("if(newest = 0, 0, {base} + intDiv(newest, 65536))"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_of_a_range_is_what_lies_between_days() {
        let range = (DAY_US + 5, 9 * DAY_US + 7);
        let day = |first| Span { first, end: first + 1 };
        let found = gaps(range, vec![day(7), Span { first: 2, end: 4 }]);
        let days = |from: i64, to: i64| (from * DAY_US, to * DAY_US);
        let wanted = [(range.0, 2 * DAY_US), days(4, 7), (8 * DAY_US, range.1)];
        assert_eq!(found, wanted);
        assert_eq!(gaps(days(2, 4), vec![day(2), day(3)]), []);
    }
}
