//! Sums over a project's hits: GROUP BYs, of which only the groups come back.

use analytics::filter::{Field, Filter, Test};
use analytics::grid::{DAY_US, Grid, Step};
use analytics::hit_fields::Word;
use analytics::period::Period;
use analytics::query::ProjectScope;
use analytics::tally::Dimension;

use super::params::Params;
use super::schema::{IP, LATENCY, OTHER_ADDRESS, address};
use super::{filter, rows};

/// The hits of a question. Its parameters are those of every statement made from it.
#[derive(Clone, Debug)]
pub struct Hits {
    condition: String,
    params: Params,
}

impl Hits {
    pub fn of(scope: &ProjectScope, (from_us, to_us): (i64, i64), filter: &Filter) -> Hits {
        let mut params = Params::default();
        let period = Period { from_us: Some(from_us), to_us: Some(to_us) };
        let condition = rows::of(scope, &period, filter, &mut params);
        Hits { condition, params }
    }

    pub fn params(&self) -> Params {
        self.params.clone()
    }
}

/// A hit's bucket: its index if buckets are equally long, else the time at which it begins. `bucket_of` reads it.
fn bucket(grid: &Grid) -> String {
    match grid.step {
        _ if grid.buckets() == 1 => "toInt64(0)".to_owned(),
        Step::Fixed(us) => {
            let last = grid.buckets() - 1;
            let first = grid.edges_us[0];
            format!("toInt64(least(intDiv(greatest(time_us - {first}, 0), {us}), {last}))")
        }
        _ => {
            let starts: Vec<String> =
                grid.edges_us[..grid.buckets()].iter().map(i64::to_string).collect();
            format!("roundDown(time_us, [{}]::Array(Int64))", starts.join(", "))
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

const COUNTS: &str =
    "toUInt64(count()) AS requests, toUInt64(countIf(status BETWEEN 400 AND 499)) AS client_errors,
     toUInt64(countIf(status >= 500)) AS server_errors";
const BYTES: &str = "toUInt64(sum(ifNull(request_size, 0))) AS request_bytes,
     toUInt64(sum(ifNull(response_size, 0))) AS response_bytes,
     toUInt64(countIf(request_size IS NOT NULL OR response_size IS NOT NULL)) AS sized";

/// bucket, status, requests, bytes.
pub fn statuses(hits: &Hits, grid: &Grid) -> String {
    format!(
        "SELECT {} AS bucket, status, toUInt64(count()) AS requests, {BYTES} FROM hits WHERE {} GROUP BY bucket, status",
        bucket(grid),
        hits.condition
    )
}

/// hour, requests: by hour of the local week, from Monday.
pub fn hours(hits: &Hits, grid: &Grid) -> String {
    let offsets = grid.offsets();
    let mut local = format!("{}", offsets[0].1);
    for (from, offset) in &offsets[1..] {
        local = format!("if(time_us < {from}, {local}, {offset})");
    }
    let hour_us = DAY_US / 24;
    // The first of January 1970 was a Thursday.
    format!(
        "WITH time_us + {local} AS local, positiveModulo(local, {DAY_US}) AS in_day
         SELECT toUInt16(positiveModulo(intDiv(local - in_day, {DAY_US}) + 3, 7) * 24 + intDiv(in_day, {hour_us})) AS hour,
             toUInt64(count()) AS requests
         FROM hits WHERE {} GROUP BY hour",
        hits.condition
    )
}

/// bucket, latency, requests, duration_us.
pub fn latency(hits: &Hits, grid: Option<&Grid>) -> String {
    let bucket = grid.map_or("toInt64(0)".to_owned(), bucket);
    format!(
        "SELECT {bucket} AS bucket, latency, toUInt64(count()) AS requests, toUInt64(sum(assumeNotNull(duration_us))) AS duration_us
         FROM hits WHERE duration_us IS NOT NULL AND {} GROUP BY bucket, latency",
        hits.condition
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
struct Key {
    columns: Vec<String>,
    /// The names of a row, made of the columns.
    first: &'static str,
    second: String,
    /// The condition that a hit has such a row.
    has: &'static str,
}

impl Rows {
    fn key(self) -> Key {
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
                has: "(user_id != '' OR address_ip != toIPv6('::') OR address_other != '')",
            },
            Rows::Statuses => one("status"),
            Rows::Values(value) => one(column_of(value)),
        }
    }

    /// The condition that a hit's row is one of these. By columns, so that other rows are never grouped.
    fn are(self, names: &[Name], params: &mut Params) -> String {
        let (firsts, seconds): (Vec<String>, Vec<String>) = names.iter().cloned().unzip();
        match self {
            Rows::Endpoints => format!(
                "(method, route) IN arrayZip({}, {})",
                params.texts(firsts),
                params.texts(seconds)
            ),
            Rows::Consumers => {
                let is = |which: &str| {
                    let found = names.iter().filter(|(first, _)| first == which);
                    found.map(|(_, text)| Test::Is(text.clone())).collect::<Vec<Test>>()
                };
                format!(
                    "if(user_id != '', {}, {})",
                    filter::text("user_id", &is("u"), params),
                    filter::address(&is("a"), params)
                )
            }
            Rows::Statuses | Rows::Values(_) => {
                format!(
                    "{} IN {}",
                    self.key().second.replace("k0", &self.key().columns[0]),
                    params.texts(seconds)
                )
            }
        }
    }
}

fn column_of(value: Dimension) -> &'static str {
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
    fn aliased(&self) -> (String, String) {
        let aliases: Vec<String> = (0..self.columns.len()).map(|n| format!("k{n}")).collect();
        let both = self.columns.iter().zip(&aliases).map(|(column, k)| format!("{column} AS {k}"));
        (both.collect::<Vec<_>>().join(", "), aliases.join(", "))
    }
}

/// first, second, and sums: the rows with most hits. `prefix`: only rows whose name begins with it, in lower case.
pub fn top(hits: &Hits, rows: Rows, prefix: &str, most: u64, params: &mut Params) -> String {
    let key = rows.key();
    let (columns, aliases) = key.aliased();
    let prefix = starts_with(&key, prefix, params);
    // Only endpoints are chosen by more than hits. Of millions of consumers each group costs a count and no more.
    let others = match rows {
        Rows::Endpoints => format!("max(time_us) AS last_us, {BYTES}"),
        _ => "toInt64(0) AS last_us, toUInt64(0) AS request_bytes, toUInt64(0) AS response_bytes"
            .to_owned(),
    };
    let Key { first, second, has, .. } = key;
    format!(
        "SELECT {first} AS first, {second} AS second, requests, client_errors, server_errors, last_us, request_bytes,
             response_bytes
         FROM (SELECT {columns}, {COUNTS}, {others}
             FROM hits WHERE {} AND {has}{prefix} GROUP BY {aliases})
         ORDER BY requests DESC, second, first LIMIT {most}",
        hits.condition,
    )
}

/// few, about: the number of different rows, exact in `few` up to `exact`, and an estimate.
pub fn distinct(hits: &Hits, rows: Rows, prefix: &str, exact: u64, params: &mut Params) -> String {
    let key = rows.key();
    let prefix = starts_with(&key, prefix, params);
    format!(
        "SELECT toInt64(0) AS bucket, {} FROM hits WHERE {} AND {}{prefix}",
        counted(&key, exact),
        hits.condition,
        key.has
    )
}

/// bucket, few, about: the number of different consumers by bucket.
pub fn consumer_series(hits: &Hits, grid: &Grid, exact: u64) -> String {
    let key = Rows::Consumers.key();
    format!(
        "SELECT {} AS bucket, {} FROM hits WHERE {} AND {} GROUP BY bucket",
        bucket(grid),
        counted(&key, exact),
        hits.condition,
        key.has
    )
}

/// The state of a count is bounded, however many there are: hashes up to the limit, and a sketch (standard error 0.6 %).
fn counted(key: &Key, exact: u64) -> String {
    let hash = format!("sipHash64({})", key.columns.join(", "));
    format!(
        "toUInt64(length(groupUniqArray({})({hash}))) AS few, toUInt64(uniqCombined64(15)({hash})) AS about",
        exact + 1
    )
}

fn starts_with(key: &Key, prefix: &str, params: &mut Params) -> String {
    match (prefix, key.columns.last()) {
        ("", _) | (_, None) => String::new(),
        (prefix, Some(column)) => {
            format!(" AND startsWith(lowerUTF8(toString({column})), {})", params.text(prefix))
        }
    }
}

/// first, second, bucket of durations, sums: of the rows with these names. Without `durations` the bucket is 0.
pub fn details(
    hits: &Hits,
    rows: Rows,
    names: &[Name],
    durations: bool,
    params: &mut Params,
) -> String {
    let chosen = rows.are(names, params);
    parts(hits, rows, &chosen, durations)
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
    let country = match rows {
        // At the same moment the greater code wins.
        Rows::Consumers => {
            "toString(argMaxIf(h.country, (time_us, h.country), h.country != '')) AS newest_country,
             maxIf(time_us, h.country != '') AS country_us"
        }
        _ => "'' AS newest_country, toInt64(0) AS country_us",
    };
    let Key { first, second, has, .. } = key;
    format!(
        "SELECT {first} AS first, {second} AS second, bucket, requests, client_errors, server_errors, last_us,
             newest_country AS country, country_us
         FROM (SELECT {columns}, {latency} AS bucket, {COUNTS}, max(time_us) AS last_us, {country}
             FROM hits AS h WHERE {} AND {has} AND {chosen} GROUP BY {aliases}, bucket)",
        hits.condition,
    )
}
