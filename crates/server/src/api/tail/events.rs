//! The bytes of a tail: server-sent events, as in the WHATWG's HTML standard.

use analytics::hit::TextKind;
use analytics::limits;
use axum::body::Bytes;
use store::{HitRow, TailUpdate};

use crate::api::hits::{Listed, hide};
use crate::auth::Shows;

/// Events to be sent at once.
pub struct Events {
    shows: Shows,
    out: Vec<u8>,
}

impl Events {
    pub fn new(shows: Shows) -> Events {
        Events { shows, out: Vec::new() }
    }

    /// How long a client waits before it connects again.
    pub fn retry(&mut self) {
        self.out.extend(format!("retry: {}\n\n", limits::TAIL_RETRY_MS).bytes());
    }

    /// A comment.
    pub fn heartbeat(&mut self) {
        self.out.extend(b":\n\n");
    }

    /// An id without data: not an event, but the position that the client names when it returns.
    pub fn position(&mut self, id: Option<i64>) {
        if let Some(id) = id {
            self.out.extend(format!("id: {id}\n\n").bytes());
        }
    }

    pub fn heard(&mut self, heard: &TailUpdate) {
        if heard.missed > 0 || heard.missed_more {
            let count = match heard.missed_more {
                true => "null".to_owned(),
                false => heard.missed.to_string(),
            };
            self.out.extend(format!("event: missed\ndata: {{\"requests\":{count}}}\n\n").bytes());
        }
        if heard.any {
            self.out.extend(b"event: kept\ndata: {}\n\n");
        }
        for hit in &heard.hits {
            self.hit(hit);
        }
    }

    fn hit(&mut self, hit: &HitRow) {
        self.out.extend(format!("id: {}\ndata: ", hit.hit_id).bytes());
        // All line breaks in JSON are escaped. Writing to a vector does not fail.
        let hides = (!self.shows.addresses && !hit.text(TextKind::Address).is_empty())
            || (!self.shows.consumers && !hit.text(TextKind::User).is_empty());
        let _ = match hides {
            false => serde_json::to_writer(&mut self.out, &Listed(hit)),
            true => {
                let mut hit = hit.clone();
                hide(std::slice::from_mut(&mut hit), self.shows);
                serde_json::to_writer(&mut self.out, &Listed(&hit))
            }
        };
        self.out.extend(b"\n\n");
    }

    pub fn into_bytes(self) -> Bytes {
        self.out.into()
    }
}
