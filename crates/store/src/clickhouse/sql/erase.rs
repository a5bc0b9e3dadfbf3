//! Erasures, and the question of whether they are complete.

use analytics::hit::TextKind;
use analytics::hit_fields::{FIELDS, Stored};

use super::layout::{BUSIEST, Layout};
use super::node::NODE_OF_HIT;
use super::params::Params;
use super::schema::{IP, OTHER_ADDRESS, address};
use crate::clickhouse::addresses::to_ip;
use crate::types::Erasure;

/// The condition on the hits that an erasure concerns.
pub fn of(erasure: &Erasure, params: &mut Params) -> String {
    let project = format!("project = {}", erasure.project().0);
    match erasure {
        Erasure::Project(_) => project,
        Erasure::User(_, user) => format!("{project} AND user_id = {}", params.text(user)),
        Erasure::Address(_, text) => match to_ip(text) {
            Some(_) => format!("{project} AND {IP} = toIPv6({})", params.text(text)),
            None => format!(
                "{project} AND {IP} = toIPv6('::') AND {OTHER_ADDRESS} = {}",
                params.text(text)
            ),
        },
        Erasure::Addresses(_) => format!("{project} AND ({})", has_some(0)),
        Erasure::AddressesAndCountries(_) => format!("{project} AND ({})", has_some(1)),
        Erasure::Before(_, time_us) => format!("{project} AND time_us < {time_us}"),
    }
}

/// The text of the person whom an erasure concerns, if it names one, and the text of a hit that equals it.
pub fn person(erasure: &Erasure) -> Option<(&str, String)> {
    match erasure {
        Erasure::User(_, user) => Some((user, "toString(user_id)".to_owned())),
        Erasure::Address(_, text) => Some((text, address(IP, OTHER_ADDRESS))),
        _ => None,
    }
}

/// text: the hash of a text with a key.
pub fn hash(text: &str, key: [u64; 2], params: &mut Params) -> String {
    format!("SELECT {} AS text", hash_of(&params.text(text), key))
}

/// Like `of`. TRICKY: the server keeps the text of the statement that erases, parameters included. So a person stands in
/// it as a hash, whose key is used once.
pub fn of_person(erasure: &Erasure, text: &str, key: [u64; 2], hash: &str) -> String {
    format!("project = {} AND {} = '{hash}'", erasure.project().0, hash_of(text, key))
}

fn hash_of(text: &str, [first, second]: [u64; 2]) -> String {
    format!("hex(sipHash128Keyed((toUInt64({first}), toUInt64({second})), {text}))")
}

/// The fields that a privacy level above `level` does not keep, as pairs of a column and the value for none.
fn personal(level: u8) -> Vec<(&'static str, &'static str)> {
    let mut columns = Vec::new();
    for info in FIELDS.iter().filter(|info| info.kept_up_to <= level) {
        match info.stored {
            Stored::Text(TextKind::Address) => {
                columns.push((IP, "toIPv6('::')"));
                columns.push((OTHER_ADDRESS, "''"));
            }
            Stored::Text(_) | Stored::Word(_) | Stored::Country => {
                columns.push((info.column, "''"))
            }
            Stored::Time | Stored::Number(_) | Stored::Nothing => {}
        }
    }
    columns
}

fn has_some(level: u8) -> String {
    let all: Vec<String> =
        personal(level).iter().map(|(column, none)| format!("{column} != {none}")).collect();
    all.join(" OR ")
}

/// The statement that erases `of`: whole hits, or fields of hits. It waits for the parts to be rewritten on every replica,
/// or for nothing, if some are `absent` and would not do it.
pub fn erase(erasure: &Erasure, of: &str, layout: &Layout, absent: bool) -> String {
    let wait = match absent {
        false => "SETTINGS mutations_sync = 2",
        true => "SETTINGS mutations_sync = 0, distributed_ddl_task_timeout = 0",
    };
    let table = format!("{}{}", layout.hits(), layout.on_cluster());
    let level = match erasure {
        Erasure::Addresses(_) => 0,
        Erasure::AddressesAndCountries(_) => 1,
        _ => return format!("ALTER TABLE {table} DELETE WHERE {of} {wait}"),
    };
    let set: Vec<String> =
        personal(level).iter().map(|(column, none)| format!("{column} = {none}")).collect();
    format!("ALTER TABLE {table} UPDATE {} WHERE {of} {wait}", set.join(", "))
}

/// Of the hits that match, those of other nodes, and those below `bound` of the erasing node.
pub fn before(of: &str, node: u8, bound: i64) -> String {
    format!("{of} AND ({NODE_OF_HIT} != {node} OR hit_id < {bound})")
}

/// node, last, hits: the nodes of the hits that match, with the greatest id and the number of their hits on all hosts, or
/// on those that are not `absent`.
pub fn found(of: &str, layout: &Layout, absent: bool) -> String {
    format!(
        "SELECT toUInt64({NODE_OF_HIT}) AS node, max(hit_id) AS last, toUInt64(count()) AS hits
         FROM {} WHERE {of} GROUP BY 1{}",
        layout.everywhere(&layout.hits()),
        if absent { layout.without_absent() } else { "" },
    )
}

/// Hits up to these ids, by node: later ones are no concern of an erasure.
pub fn up_to(found: &[(u64, i64)]) -> String {
    let of_node =
        |(node, last): &(u64, i64)| format!("{NODE_OF_HIT} = {node} AND hit_id <= {last}");
    let all: Vec<String> = found.iter().map(of_node).collect();
    format!("({})", all.join(" OR "))
}

/// Each once.
pub fn count(of: &str) -> String {
    format!("SELECT toUInt64(count()) AS number FROM hits WHERE {of}")
}

/// On all hosts.
pub fn count_copies(of: &str, layout: &Layout) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM {} WHERE {of}",
        layout.everywhere(&layout.hits())
    )
}

/// id, reason: mutations that are not complete on the hosts that answer.
pub fn mutations(layout: &Layout) -> String {
    format!(
        "SELECT mutation_id AS id, latest_fail_reason AS reason FROM {}
         WHERE {} AND table IN ('{}', '{}') AND NOT is_done ORDER BY create_time LIMIT 10{}",
        layout.system("mutations"),
        layout.ours(),
        layout.hits(),
        layout.parts_of(BUSIEST),
        layout.without_absent(),
    )
}

/// name: parts that were replaced and are still on a disk.
pub fn old_parts(layout: &Layout) -> String {
    format!(
        "SELECT name FROM {} WHERE {} AND table IN ('{}', '{}') AND NOT active",
        layout.system("parts"),
        layout.ours(),
        layout.hits(),
        layout.parts_of(BUSIEST),
    )
}

pub fn count_parts(names: Vec<String>, layout: &Layout, params: &mut Params) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM {}
         WHERE {} AND table IN ('{}', '{}') AND NOT active AND name IN {}",
        layout.system("parts"),
        layout.ours(),
        layout.hits(),
        layout.parts_of(BUSIEST),
        params.texts(names)
    )
}

/// TRICKY: dropping a partition, also one that there never was, deletes replaced parts at once. The server's own cleaning
/// takes half a minute. Tables of a cluster clean more often.
pub const DELETE_OLD_PARTS: [&str; 2] = [
    "ALTER TABLE hits DROP PARTITION ID 'none'",
    "ALTER TABLE busiest_rows DROP PARTITION ID 'none'",
];
