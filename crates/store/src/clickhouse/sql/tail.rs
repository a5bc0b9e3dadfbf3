//! New hits of other servers, for watchers.

use analytics::filter::Filter;
use analytics::limits;

use super::filter::compile;
use super::params::Params;
use super::rows::in_full;
use crate::tail::stored::StoredHits;

/// Hits in full, the newest first: those of some records of other servers, which are told with their nodes. `filters`: those that
/// pass one of them. It fails if that would be dear.
pub fn told<'a>(
    project: u32,
    told: impl Iterator<Item = (u8, &'a StoredHits)> + Clone,
    filters: &[&Filter],
    params: &mut Params,
) -> String {
    let spans = told.clone().flat_map(|(_, stored)| stored.spans.iter());
    let spans = any(spans.map(|(from, to)| format!("time_us >= {from} AND time_us <= {to}")));
    let ids = any(told.map(|(node, stored)| {
        let ids = stored.ids(node);
        format!("hit_id >= {} AND hit_id <= {}", ids.start(), ids.end())
    }));
    let wanted = match filters.is_empty() {
        true => "1".to_owned(),
        false => any(filters.iter().map(|filter| compile(filter, params))),
    };
    format!(
        "SELECT {} FROM hits WHERE project = {project} AND ({spans}) AND ({ids}) AND ({wanted})
         ORDER BY hit_id DESC LIMIT {} SETTINGS max_rows_to_read = {}",
        in_full(),
        limits::TAIL_READ_HITS,
        limits::TAIL_READ_ROWS,
    )
}

fn any(conditions: impl Iterator<Item = String>) -> String {
    conditions.map(|condition| format!("({condition})")).collect::<Vec<_>>().join(" OR ")
}
