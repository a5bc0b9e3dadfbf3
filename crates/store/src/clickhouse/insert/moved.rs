//! Rows of hits that were stored elsewhere before, in full and with their ids.

use analytics::hit::{ProjectId, TextKind};
use analytics::hit_fields::{FIELDS, Number, Stored};
use analytics::latency;
use analytics::tally::NO_LATENCY;

use super::super::addresses::to_ip;
use super::{Rows, put_text};
use crate::types::HitRow;

impl Rows {
    /// In the order of `schema::columns`, as `push` writes them.
    pub fn push_row(&mut self, project: ProjectId, hit: &HitRow) {
        let out = &mut self.bytes;
        out.extend(project.0.to_le_bytes());
        out.extend(hit.hit_id.to_le_bytes());
        out.extend(hit.duration_us.map_or(NO_LATENCY, latency::bucket).to_le_bytes());
        for info in FIELDS {
            match info.stored {
                Stored::Nothing => {}
                Stored::Time => out.extend(hit.time_us.to_le_bytes()),
                Stored::Number(Number::Status) => out.extend(hit.status.to_le_bytes()),
                Stored::Number(Number::Duration) => put_optional(out, hit.duration_us),
                Stored::Number(Number::RequestSize) => put_optional(out, hit.request_size),
                Stored::Number(Number::ResponseSize) => put_optional(out, hit.response_size),
                Stored::Country => put_text(out, hit.country.as_str()),
                Stored::Text(TextKind::Address) => {
                    let text = &hit.texts[TextKind::Address as usize];
                    match to_ip(text) {
                        Some(ip) => {
                            out.extend(ip.octets());
                            put_text(out, "");
                        }
                        None => {
                            out.extend([0; 16]);
                            put_text(out, text);
                        }
                    }
                }
                Stored::Text(kind) => put_text(out, &hit.texts[kind as usize]),
                Stored::Word(word) => put_text(out, &hit.words[word as usize]),
            }
        }
        self.count += 1;
    }
}

fn put_optional(out: &mut Vec<u8>, number: Option<u64>) {
    match number {
        Some(number) => {
            out.push(0);
            out.extend(number.to_le_bytes());
        }
        None => out.push(1),
    }
}
