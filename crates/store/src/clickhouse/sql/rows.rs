//! Lists of hits.

use analytics::filter::Filter;
use analytics::hit::{ProjectId, TextKind};
use analytics::hit_fields::{FIELDS, Stored};
use analytics::period::Period;
use analytics::query::{ArrivalQuery, HitsQuery, ProjectScope, SlowestQuery};

use super::filter::compile;
use super::params::Params;
use super::rollups::FROM_HITS;

/// The condition that a hit is the project's, in the period, and passes the filters.
pub fn of(scope: &ProjectScope, period: &Period, filter: &Filter, params: &mut Params) -> String {
    let mut all = vec![format!("project = {}", scope.project().0)];
    all.extend(period.from_us.map(|from| format!("time_us >= {from}")));
    all.extend(period.to_us.map(|to| format!("time_us < {to}")));
    all.push(compile(&scope.with_locked(filter), params));
    all.join(" AND ")
}

/// time_us, hit_id: the newest hits first.
pub fn newest(query: &HitsQuery, params: &mut Params) -> String {
    let of = of(&query.scope, &query.period, &query.filter, params);
    let after = query.after.map_or(String::new(), |(time, id)| {
        format!(" AND time_us <= {time} AND (time_us, hit_id) < ({time}, {id})")
    });
    format!(
        "SELECT time_us, hit_id FROM hits WHERE {of}{after} ORDER BY time_us DESC, hit_id DESC LIMIT {}",
        query.limit
    )
}

/// The same in order of arrival.
pub fn arrivals(query: &ArrivalQuery, params: &mut Params) -> String {
    let of = of(&query.scope, &query.period, &query.filter, params);
    let after = query.after.map_or(String::new(), |id| format!(" AND hit_id > {id}"));
    let up_to = query.up_to.map_or(String::new(), |id| format!(" AND hit_id <= {id}"));
    format!(
        "SELECT time_us, hit_id FROM hits WHERE {of}{after}{up_to} ORDER BY hit_id LIMIT {} OFFSET {}",
        query.limit, query.offset
    )
}

/// The same, slowest first; those without a duration come last.
pub fn slowest(query: &SlowestQuery, params: &mut Params) -> String {
    let of = of(&query.scope, &query.period, &query.filter, params);
    let duration = "ifNull(toInt64(duration_us), -1)";
    let after = query.after.map_or(String::new(), |(us, time, id)| {
        let us = us.map_or(-1, |us| us as i64);
        format!(" AND ({duration}, time_us, hit_id) < ({us}, {time}, {id})")
    });
    format!(
        "SELECT time_us, hit_id FROM hits WHERE {of}{after}
         ORDER BY {duration} DESC, time_us DESC, hit_id DESC LIMIT {}",
        query.limit
    )
}

/// Hits in full, by their ids, which lie between two times (both included).
pub fn fetch(
    project: u32,
    (from_us, to_us): (i64, i64),
    ids: Vec<i64>,
    params: &mut Params,
) -> String {
    format!(
        "SELECT {} FROM hits
         WHERE project = {project} AND time_us >= {from_us} AND time_us <= {to_us} AND hit_id IN {}",
        in_full(),
        params.numbers(ids),
    )
}

/// The columns of hits in full.
pub fn in_full() -> String {
    let mut words = [""; analytics::hit_fields::Word::COUNT];
    for info in FIELDS {
        if let Stored::Word(word) = info.stored {
            words[word as usize] = info.column;
        }
    }
    let texts: Vec<String> =
        TextKind::ALL.map(|kind| format!("toString({})", kind.column())).to_vec();
    let words: Vec<String> = words.map(|word| format!("toString({word})")).to_vec();
    format!(
        "hit_id, time_us, duration_us, status, toString(country) AS country, request_size, response_size,
             [{}] AS texts, [{}] AS words",
        texts.join(", "),
        words.join(", "),
    )
}

/// least, greatest, number: the times of a project's oldest and newest hit, and 0 if it has none. Read from both ends of
/// the table's order, whatever the number of its hits.
pub fn extent(project: u32) -> String {
    let end = |order: &str| {
        format!(
            "(SELECT time_us FROM hits WHERE project = {project}
                 ORDER BY project {order}, time_us {order} LIMIT 1)"
        )
    };
    format!(
        "SELECT min(time_us) AS least, max(time_us) AS greatest, toUInt64(count()) AS number FROM ({} UNION ALL {})",
        end("ASC"),
        end("DESC"),
    )
}

/// The same of the hits that are not between two times: up to the first of them, and from the second on.
pub fn extent_beyond(project: u32, (oldest, newest): (i64, i64)) -> String {
    format!(
        "SELECT min(time_us) AS least, max(time_us) AS greatest, toUInt64(count()) AS number FROM hits
         WHERE project = {project} AND (time_us <= {oldest} OR time_us >= {newest}) SETTINGS {FROM_HITS}"
    )
}

pub fn count_between(projects: &[ProjectId], from_us: i64, to_us: i64) -> String {
    let projects: Vec<String> = projects.iter().map(|project| project.0.to_string()).collect();
    format!(
        "SELECT toUInt64(count()) AS number FROM hits
         WHERE project IN ({}) AND time_us >= {from_us} AND time_us < {to_us}",
        projects.join(", ")
    )
}

/// text: each text of a kind that a project has.
pub fn texts_of(project: u32, kind: TextKind) -> String {
    format!(
        "SELECT DISTINCT toString({}) AS text FROM hits WHERE project = {project}",
        kind.column()
    )
}

pub const COUNT_ALL: &str = "SELECT toUInt64(count()) AS number FROM hits";

/// Ends a question of ours.
pub fn kill(query_id: &str, params: &mut Params) -> String {
    format!("KILL QUERY WHERE query_id = {} ASYNC", params.text(query_id))
}
