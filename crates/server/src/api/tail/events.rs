//! The bytes of a tail: server-sent events, as in the WHATWG's HTML standard.

use analytics::hit::TextKind;
use analytics::limits;
use axum::body::Bytes;
use store::{HitRow, Position, TailUpdate};

use crate::api::hits::{Listed, hide};
use crate::auth::Shows;

/// Events to be sent at once.
pub struct Events {
    shows: Shows,
    /// Seconds; none: positions are hits of one server.
    at_s: Option<i64>,
    out: Vec<u8>,
}

impl Events {
    /// `at_us`: the time, if hits come from several servers.
    pub fn new(shows: Shows, at_us: Option<i64>) -> Events {
        Events { shows, at_s: at_us.map(|us| us.div_euclid(1_000_000)), out: Vec::new() }
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
    pub fn position(&mut self, position: &Position) {
        self.out.extend(format!("id: {}\n\n", self.text_of(position, None)).bytes());
    }

    /// Moves the position on to the hits.
    pub fn heard(&mut self, heard: &TailUpdate, position: &mut Position) {
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
            position.note(hit.hit_id);
            self.hit(hit, position);
        }
    }

    /// `hit`: the position is that after it.
    fn text_of(&self, position: &Position, hit: Option<i64>) -> String {
        match (self.at_s, hit) {
            (None, Some(hit_id)) => hit_id.to_string(),
            (at_s, hit) => position.at(at_s).to_text(hit),
        }
    }

    fn hit(&mut self, hit: &HitRow, position: &Position) {
        let id = self.text_of(position, Some(hit.hit_id));
        self.out.extend(format!("id: {id}\ndata: ").bytes());
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
