//! Lists of the rows with most hits. One statement makes all those that rollups have: it reads each rollup once, and hits
//! that no rollup has once for all of them.

use super::busiest::{self, List};
use super::params::Params;
use super::rollups::{self, FROM_HITS, LAST_US, Rollup, Stretch, counts};
use super::sums::{Hits, Rows, bytes, column_of, starts_with};

/// The lists of days, weeks and months from which their spans are read.
#[derive(Clone, Copy, Debug, Default)]
pub struct Derived<'a> {
    pub endpoints: &'a [List],
    pub values: &'a [List],
}

/// Lists of rows that are named by columns of a rollup.
struct Scan {
    rollup: &'static Rollup,
    lists: Vec<Listed>,
    /// The hits of the question.
    stretches: Vec<Stretch>,
}

struct Listed {
    /// The place of the list in the question.
    list: usize,
    /// One, or those of the first and the second name of a row.
    columns: Vec<&'static str>,
}

impl Listed {
    fn of(list: usize, rows: Rows) -> Option<(&'static Rollup, Listed)> {
        let (rollup, columns) = match rows {
            Rows::Endpoints => (Some(&rollups::ENDPOINTS), vec!["method", "route"]),
            Rows::Values(value) => (rollups::of_value(value), vec![column_of(value)]),
            Rows::Statuses | Rows::Consumers => (None, Vec::new()),
        };
        rollup.map(|rollup| (rollup, Listed { list, columns }))
    }

    /// The name of a row: its list, and the first and the second name.
    fn name(&self) -> String {
        match self.columns.as_slice() {
            [first, second] => {
                name(self.list, &format!("toString({first})"), &format!("toString({second})"))
            }
            columns => name(self.list, "''", &format!("toString({})", columns.join(", "))),
        }
    }
}

fn name(list: usize, first: &str, second: &str) -> String {
    format!("(toUInt8({list}), {first}, {second})")
}

impl Scan {
    fn columns(&self) -> String {
        let columns = self.lists.iter().flat_map(|listed| &listed.columns);
        columns.copied().collect::<Vec<_>>().join(", ")
    }

    /// An array of the names of a group.
    fn names(&self) -> String {
        format!("[{}]", self.lists.iter().map(Listed::name).collect::<Vec<_>>().join(", "))
    }

    fn has_endpoints(&self) -> bool {
        *self.rollup == rollups::ENDPOINTS
    }
}

/// list, first, second, and sums: the rows with most hits of each list, which is named by its place in `lists`. `prefix`:
/// only texts that begin with it, in lower case. A list after the last has a row with the number of `derived` lists of
/// values that are there.
pub fn top(
    hits: &Hits,
    derived: Derived<'_>,
    lists: &[(Rows, u64)],
    prefix: &str,
    params: &mut Params,
) -> String {
    let (mut scans, mut statements) = (Vec::<Scan>::new(), Vec::new());
    let mut most_of_scans = 0;
    for (list, (rows, most)) in lists.iter().enumerate() {
        let prefix = rows.searched(prefix);
        let Some((rollup, listed)) = Listed::of(list, *rows).filter(|_| prefix.is_empty()) else {
            let top = top_of(hits, *rows, prefix, *most, params);
            statements.push(format!("SELECT toUInt8({list}) AS list, * FROM ({top})"));
            continue;
        };
        most_of_scans = most_of_scans.max(*most);
        if let Some(scan) = scans.iter_mut().find(|scan| scan.rollup == rollup) {
            scan.lists.push(listed);
            continue;
        }
        let spans = if *rows == Rows::Endpoints { derived.endpoints } else { derived.values };
        let stretches = hits.outside(spans).stretches(Some(rollup), None);
        scans.push(Scan { rollup, lists: vec![listed], stretches });
    }
    if !scans.is_empty() {
        statements.push(top_of_scans(hits, derived, &scans, lists.len(), most_of_scans));
    }
    statements.join(" UNION ALL ")
}

fn top_of_scans(
    hits: &Hits,
    derived: Derived<'_>,
    scans: &[Scan],
    after_last: usize,
    most: u64,
) -> String {
    let mut reads: Vec<(&Stretch, Vec<&Scan>)> = Vec::new();
    for scan in scans {
        for stretch in &scan.stretches {
            match reads.iter_mut().find(|(other, _)| *other == stretch) {
                Some((_, scans)) => scans.push(scan),
                None => reads.push((stretch, vec![scan])),
            }
        }
    }
    let mut reads: Vec<String> =
        reads.iter().map(|(stretch, scans)| read(stretch, scans)).collect();
    let project = hits.project();
    let (endpoints, values): (Vec<&Scan>, Vec<&Scan>) =
        scans.iter().partition(|scan| scan.has_endpoints());
    let listed = |scans: &[&Scan]| -> Vec<(usize, &'static str)> {
        let lists = scans.iter().flat_map(|scan| &scan.lists);
        lists.filter_map(|listed| Some((listed.list, *listed.columns.first()?))).collect()
    };
    if let (Some((list, _)), false) = (listed(&endpoints).first(), derived.endpoints.is_empty()) {
        let name = name(*list, "first", "second");
        reads.push(busiest::endpoints(project, derived.endpoints, &name));
    }
    if !values.is_empty() && !derived.values.is_empty() {
        reads.push(busiest::values(project, derived.values, &listed(&values), after_last));
    }
    format!(
        "SELECT tupleElement(name, 1) AS list, tupleElement(name, 2) AS first, tupleElement(name, 3) AS second, requests,
             client_errors, server_errors, last_us, request_bytes, response_bytes
         FROM (SELECT name, sum(requests) AS requests, sum(client_errors) AS client_errors, sum(server_errors) AS server_errors,
                 max(last_us) AS last_us, sum(request_bytes) AS request_bytes, sum(response_bytes) AS response_bytes
             FROM ({}) GROUP BY name)
         ORDER BY requests DESC, second, first LIMIT {most} BY list",
        reads.join(" UNION ALL ")
    )
}

/// name, and sums: of these scans, which have this stretch in common.
fn read(stretch: &Stretch, scans: &[&Scan]) -> String {
    let columns = scans.iter().map(|scan| scan.columns()).collect::<Vec<_>>();
    // A row is of the first scan whose columns it is grouped by.
    let (mut number, mut names) = (String::new(), String::new());
    for (place, scan) in scans.iter().enumerate().skip(1) {
        let column = scan.lists.first().and_then(|listed| listed.columns.first());
        number =
            format!("{number}grouping({}) = 0, {place}, ", column.copied().unwrap_or_default());
        names = format!("{names}scan = {place}, {}, ", scan.names());
    }
    let first = scans.first().map(|scan| scan.names()).unwrap_or_default();
    let (groups, number, names) = match scans.len() {
        1 => (columns.concat(), "0".to_owned(), first),
        _ => (
            format!("GROUPING SETS (({}))", columns.join("), (")),
            format!("multiIf({number}0)"),
            format!("multiIf({names}{first})"),
        ),
    };
    format!(
        "SELECT arrayJoin({names}) AS name, requests, client_errors, server_errors, last_us, request_bytes, response_bytes
         FROM (SELECT {}, {number} AS scan, {}, {} FROM hits WHERE {} GROUP BY {groups} SETTINGS {})",
        columns.join(", "),
        counts(),
        other_sums(scans.iter().any(|scan| scan.has_endpoints())),
        stretch.condition,
        stretch.setting(),
    )
}

/// last_us, request_bytes, response_bytes: only endpoints are chosen by more than hits.
fn other_sums(of_endpoints: bool) -> String {
    match of_endpoints {
        true => format!("{LAST_US} AS last_us, {}", bytes()),
        false => {
            "toInt64(0) AS last_us, toUInt64(0) AS request_bytes, toUInt64(0) AS response_bytes"
                .to_owned()
        }
    }
}

/// One list from hits, without its place.
fn top_of(hits: &Hits, rows: Rows, prefix: &str, most: u64, params: &mut Params) -> String {
    let key = rows.key();
    let (columns, aliases) = key.aliased();
    let prefix = starts_with(&key, prefix, params);
    format!(
        "SELECT {} AS first, {} AS second, requests, client_errors, server_errors, last_us, request_bytes, response_bytes
         FROM (SELECT {columns}, {}, {}
             FROM hits WHERE {} AND {}{prefix} GROUP BY {aliases} SETTINGS {FROM_HITS})
         ORDER BY requests DESC, second, first LIMIT {most}",
        key.first,
        key.second,
        counts(),
        other_sums(rows == Rows::Endpoints),
        hits.condition(),
        key.has,
    )
}

#[cfg(test)]
mod tests {
    use analytics::filter::Filter;
    use analytics::grid::DAY_US;
    use analytics::hit::{ProjectId, TextKind};
    use analytics::query::ProjectScope;
    use analytics::tally::Dimension;

    use super::*;

    #[test]
    fn each_rollup_is_read_once_and_hits_that_none_has_once() {
        let scope = ProjectScope::granted(ProjectId(1), Filter::default());
        let hits = Hits::of(&scope, (400 * DAY_US + 1, 500 * DAY_US), &Filter::default());
        let values = [Dimension::Country, Dimension::Os, Dimension::Client];
        let mut lists = vec![(Rows::Endpoints, 10)];
        lists.extend(values.map(|value| (Rows::Values(value), 9)));
        let reads = |hits: &Hits, lists: &[(Rows, u64)]| {
            let sql = top(hits, Derived::default(), lists, "", &mut hits.params());
            sql.matches("FROM hits").count()
        };
        assert_eq!(reads(&hits, &lists), 3 + 1);
        assert_eq!(reads(&hits.without_rollups(), &lists), 1);
        lists.push((Rows::Values(Dimension::Text(TextKind::Path)), 9));
        assert_eq!(reads(&hits.without_rollups(), &lists), 2);
    }
}
