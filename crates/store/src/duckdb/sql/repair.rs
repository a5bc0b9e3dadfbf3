//! Statements of `repair` about a data file.

use analytics::hit::HitId;

/// (last seq, first seq) of a data file; old files have no first seq.
pub fn stretch(alias: &str) -> [String; 2] {
    [
        format!("SELECT seq, first_seq FROM {alias}.progress"),
        format!("SELECT seq, CAST(NULL AS BIGINT) FROM {alias}.progress"),
    ]
}

/// Reads every value of the hits and of the texts, which reveals damage. (number, an unused hash)
pub fn read_all(alias: &str) -> [String; 2] {
    ["hits", "strings"]
        .map(|table| format!("SELECT count(*), bit_xor(hash(t)) FROM {alias}.{table} t"))
}

pub fn projects_with_hits(alias: &str) -> String {
    format!("SELECT DISTINCT project FROM {alias}.hits ORDER BY project")
}

/// Whether two files hold hits of the same record.
pub fn share_a_record(one: &str, other: &str) -> String {
    let places = 1u64 << HitId::INDEX_BITS;
    format!(
        "SELECT EXISTS (SELECT 1 FROM (SELECT DISTINCT hit_id // {places} AS record FROM {one}.hits)
             SEMI JOIN (SELECT DISTINCT hit_id // {places} AS record FROM {other}.hits) USING (record))"
    )
}
