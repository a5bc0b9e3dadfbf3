//! Erasures, and the question of whether they are complete.

use analytics::hit::TextKind;
use analytics::hit_fields::{FIELDS, Stored};

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

/// The statement that erases `of`: whole hits, or fields of hits. It waits for the parts to be rewritten on every replica.
pub fn erase(erasure: &Erasure, of: &str) -> String {
    let wait = "SETTINGS mutations_sync = 2";
    let level = match erasure {
        Erasure::Addresses(_) => 0,
        Erasure::AddressesAndCountries(_) => 1,
        _ => return format!("ALTER TABLE hits DELETE WHERE {of} {wait}"),
    };
    let set: Vec<String> =
        personal(level).iter().map(|(column, none)| format!("{column} = {none}")).collect();
    format!("ALTER TABLE hits UPDATE {} WHERE {of} {wait}", set.join(", "))
}

pub fn count(of: &str) -> String {
    format!("SELECT toUInt64(count()) AS number FROM hits WHERE {of}")
}

/// id, reason: mutations that are not complete.
pub const MUTATIONS: &str = "SELECT mutation_id AS id, latest_fail_reason AS reason FROM system.mutations
     WHERE database = currentDatabase() AND table = 'hits' AND NOT is_done ORDER BY create_time LIMIT 10";

/// name: parts that were replaced and are still on disk.
pub const OLD_PARTS: &str = "SELECT name FROM system.parts
     WHERE database = currentDatabase() AND table = 'hits' AND NOT active";

pub fn count_parts(names: Vec<String>, params: &mut Params) -> String {
    format!(
        "SELECT toUInt64(count()) AS number FROM system.parts
         WHERE database = currentDatabase() AND table = 'hits' AND NOT active AND name IN {}",
        params.texts(names)
    )
}

/// TRICKY: dropping a partition, also one that there never was, deletes replaced parts at once. The server's own cleaning
/// takes half a minute.
pub const DELETE_OLD_PARTS: &str = "ALTER TABLE hits DROP PARTITION ID 'none'";
