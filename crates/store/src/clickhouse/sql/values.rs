//! Lists of the values that rollups have: each rollup is read once, and hits that no rollup has once for all of them.

use super::rollups::{Rollup, Stretch, counts};

/// Lists of the values of a rollup's columns.
pub struct ValueScan {
    pub rollup: &'static Rollup,
    /// The most rows of a list.
    pub most: u64,
    /// The place of each list in the question, and its column.
    pub lists: Vec<(usize, &'static str)>,
    /// The hits of the question.
    pub stretches: Vec<Stretch>,
}

impl ValueScan {
    fn columns(&self) -> String {
        self.lists.iter().map(|(_, column)| *column).collect::<Vec<_>>().join(", ")
    }

    /// An array of the values of a row, each with the place of its list.
    fn values(&self) -> String {
        let value =
            |(list, column): &(usize, &str)| format!("(toUInt8({list}), toString({column}))");
        format!("[{}]", self.lists.iter().map(value).collect::<Vec<_>>().join(", "))
    }
}

/// Like `sums::top`. `scans` have the same `most`. `others`: values of other hits, in the same columns as `read` has.
pub fn top(scans: &[ValueScan], others: Option<String>) -> String {
    let mut reads: Vec<(&Stretch, Vec<&ValueScan>)> = Vec::new();
    for scan in scans {
        for stretch in &scan.stretches {
            match reads.iter_mut().find(|(other, _)| *other == stretch) {
                Some((_, scans)) => scans.push(scan),
                None => reads.push((stretch, vec![scan])),
            }
        }
    }
    let reads = reads.iter().map(|(stretch, scans)| read(stretch, scans));
    let reads: Vec<String> = reads.chain(others).collect();
    let most = scans.first().map_or(0, |scan| scan.most);
    format!(
        "SELECT tupleElement(value, 1) AS list, '' AS first, tupleElement(value, 2) AS second, requests, client_errors,
             server_errors, toInt64(0) AS last_us, toUInt64(0) AS request_bytes, toUInt64(0) AS response_bytes
         FROM (SELECT value, sum(requests) AS requests, sum(client_errors) AS client_errors, sum(server_errors) AS server_errors
             FROM ({}) GROUP BY value)
         ORDER BY requests DESC, second LIMIT {most} BY list",
        reads.join(" UNION ALL ")
    )
}

/// value, requests, client_errors, server_errors: of these scans, which have this stretch in common.
fn read(stretch: &Stretch, scans: &[&ValueScan]) -> String {
    let columns = scans.iter().map(|scan| scan.columns()).collect::<Vec<_>>();
    // A row is of the first scan whose columns it is grouped by.
    let (mut number, mut values) = (String::new(), String::new());
    for (place, scan) in scans.iter().enumerate().skip(1) {
        let column = scan.lists.first().map_or("", |(_, column)| *column);
        number = format!("{number}grouping({column}) = 0, {place}, ");
        values = format!("{values}scan = {place}, {}, ", scan.values());
    }
    let first = scans.first().map(|scan| scan.values()).unwrap_or_default();
    let (groups, number, values) = match scans.len() {
        1 => (columns.concat(), "0".to_owned(), first),
        _ => (
            format!("GROUPING SETS (({}))", columns.join("), (")),
            format!("multiIf({number}0)"),
            format!("multiIf({values}{first})"),
        ),
    };
    format!(
        "SELECT arrayJoin({values}) AS value, requests, client_errors, server_errors
         FROM (SELECT {}, {number} AS scan, {} FROM hits WHERE {} GROUP BY {groups} SETTINGS {})",
        columns.join(", "),
        counts(),
        stretch.condition,
        stretch.setting(),
    )
}
