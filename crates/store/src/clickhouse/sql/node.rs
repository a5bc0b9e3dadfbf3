//! The table of nodes, and the ids of their hits.

use super::layout::Layout;
use super::params::Params;

/// node, folder, claimed_us: the first row of a node counts.
pub fn create(layout: &Layout) -> String {
    format!(
        "CREATE TABLE IF NOT EXISTS nodes{} (node UInt8, folder String, claimed_us Int64)
         ENGINE = {} ORDER BY (node, claimed_us, folder)
         SETTINGS fsync_after_insert = 1, fsync_part_directory = 1",
        layout.on_cluster(),
        layout.engine("nodes"),
    )
}

/// text: the folder.
pub fn holder(node: u8, layout: &Layout) -> String {
    format!(
        "SELECT folder AS text FROM {} WHERE node = {node} ORDER BY claimed_us, folder LIMIT 1{}",
        layout.everywhere("nodes"),
        layout.without_absent(),
    )
}

/// node, text: the folder of each node.
pub fn holders(layout: &Layout) -> String {
    format!(
        "SELECT node, argMin(folder, (claimed_us, folder)) AS text FROM {} GROUP BY node{}",
        layout.everywhere("nodes"),
        layout.without_absent(),
    )
}

pub fn put(node: u8, folder: &str, now_us: i64, params: &mut Params) -> String {
    format!("INSERT INTO nodes SELECT {node}, {}, {now_us}", params.text(folder))
}

/// number: the greatest id of a hit of the node; 0 if it has none. No copy that has more may be overlooked.
pub fn newest(node: u8, layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(max(hit_id)) AS number FROM {} WHERE {NODE_OF_HIT} = {node}",
        layout.everywhere(&layout.hits())
    )
}

pub fn highest_project(layout: &Layout) -> String {
    format!("SELECT toUInt64(max(project)) AS number FROM {}", layout.everywhere(&layout.hits()))
}

/// number: 1 if the node has a hit with this id or a greater one.
pub fn has_newer(node: u8, from: i64) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM
             (SELECT 1 FROM hits WHERE hit_id >= {from} AND {} = {node} LIMIT 1)",
        NODE_OF_HIT
    )
}

/// node: all that have hits.
pub const NODES_OF_HITS: &str =
    "SELECT DISTINCT toUInt8(bitShiftRight(hit_id, 55)) AS node FROM hits ORDER BY node";

/// The number of the node that a hit came through.
pub const NODE_OF_HIT: &str = "bitShiftRight(hit_id, 55)";
