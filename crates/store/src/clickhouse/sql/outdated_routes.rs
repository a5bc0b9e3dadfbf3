//! Routes of stored hits that a rule of today joins or renames.

use super::layout::Layout;
use super::params::Params;
use super::rollups::REQUESTS;

/// A route by its hash, and its change: its segments, of which those that stay are empty.
pub type Change = (u64, String);

/// A key for the hashes of one statement. TRICKY: the server keeps the text of a statement that changes hits, and a path
/// may name a person.
pub type Key = [u64; 2];

/// number: the projects that have hits.
pub const PROJECTS: &str = "SELECT toUInt64(project) AS number FROM hits GROUP BY project";

/// route, hash: those of a project, the most frequent first.
pub fn routes(project: u32, key: Key) -> String {
    format!(
        "SELECT route, {} AS hash FROM
             (SELECT toString(route) AS route, {REQUESTS} AS requests FROM hits WHERE project = {project} GROUP BY route)
         ORDER BY requests DESC, route",
        hash(key)
    )
}

/// Changes the routes, in the background.
///
/// TRICKY: the expression is total, since the server may compute it also for hits that the condition leaves out, and a
/// statement that fails would hold up every later one.
pub fn change(
    project: u32,
    key: Key,
    changes: &[Change],
    layout: &Layout,
    params: &mut Params,
) -> String {
    let hashes: Vec<String> = changes.iter().map(|(hash, _)| hash.to_string()).collect();
    let hashes = hashes.join(", ");
    let to = params.texts(changes.iter().map(|(_, change)| change.clone()).collect());
    let hash = hash(key);
    format!(
        "ALTER TABLE {}{} UPDATE route = arrayStringConcat(arrayMap((old, new) -> if(new = '', old, new),
             splitByChar('/', toString(route)),
             arrayResize(splitByChar('/', transform({hash}, [{hashes}], {to}, '')),
                         length(splitByChar('/', toString(route))), '')), '/')
         WHERE project = {project} AND {hash} IN ({hashes})
         SETTINGS mutations_sync = 0{}",
        layout.hits(),
        layout.on_cluster(),
        if layout.is_cluster() { ", distributed_ddl_task_timeout = 0" } else { "" },
    )
}

fn hash([first, second]: Key) -> String {
    format!("sipHash64Keyed((toUInt64({first}), toUInt64({second})), toString(route))")
}
