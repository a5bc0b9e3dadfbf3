//! Erasures, and the question of whether they are complete.

use analytics::hit_fields::{FIELDS, Stored};

use super::params::Params;
use super::schema::{IP, OTHER_ADDRESS};
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

/// The fields that a privacy level above `level` does not keep, as pairs of a column and the value for none.
fn personal(level: u8) -> Vec<(&'static str, &'static str)> {
    let mut columns = Vec::new();
    for info in FIELDS.iter().filter(|info| info.kept_up_to <= level) {
        match info.stored {
            Stored::Text(analytics::hit::TextKind::Address) => {
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
