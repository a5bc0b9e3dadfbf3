//! How far a watcher has come: the last hit of each server that it was sent. It is the id of an event, and a watcher that
//! returns names it, perhaps to another server.
//!
//! With one server it is the id of the last hit. With several it is `id,id,...@seconds`: a number for each of them, and the
//! time at which that was so.

use std::collections::BTreeMap;

use analytics::hit::HitId;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Position {
    /// By node.
    ids: BTreeMap<u8, i64>,
    /// Seconds since 1970; none: unknown.
    pub at_s: Option<i64>,
}

impl Position {
    pub fn parse(text: &str) -> Option<Position> {
        let (ids, at_s) = match text.split_once('@') {
            Some((ids, at_s)) => (ids, Some(at_s.parse().ok().filter(|at_s| *at_s >= 0)?)),
            None => (text, None),
        };
        let mut position = Position { ids: BTreeMap::new(), at_s };
        for id in ids.split(',') {
            position.note(id.parse().ok().filter(|id| *id >= 0)?);
        }
        Some(position)
    }

    /// The same at a time.
    pub fn at(&self, at_s: Option<i64>) -> Position {
        Position { at_s, ..self.clone() }
    }

    /// The hit was sent.
    pub fn note(&mut self, hit_id: i64) {
        let known = self.ids.entry(HitId(hit_id).node()).or_insert(hit_id);
        *known = hit_id.max(*known);
    }

    /// Goes on to the later of both, server by server.
    pub fn reach(&mut self, other: &Position) {
        other.ids.values().for_each(|id| self.note(*id));
    }

    /// The last hits, each of another server.
    pub fn ids(&self) -> impl Iterator<Item = i64> + '_ {
        self.ids.values().copied()
    }

    pub fn after(&self, node: u8) -> Option<i64> {
        self.ids.get(&node).copied()
    }

    /// `first`: the hit whose event it is stands first.
    pub fn to_text(&self, first: Option<i64>) -> String {
        let node = first.map(|id| HitId(id).node());
        let others = self.ids.iter().filter(|(of, _)| Some(**of) != node).map(|(_, id)| *id);
        let ids: Vec<String> = first.into_iter().chain(others).map(|id| id.to_string()).collect();
        match self.at_s {
            Some(at_s) => format!("{}@{at_s}", ids.join(",")),
            None => ids.join(","),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_as_it_is_written() {
        let (one, two) = (HitId::new(0, 7, 1).0, HitId::new(2, 5, 0).0);
        let mut position = Position::default();
        position.note(one);
        assert_eq!(position.to_text(None), one.to_string());
        position.note(two);
        position.note(HitId::new(2, 4, 9).0);
        position.at_s = Some(1_795_348_800);
        assert_eq!(position.to_text(Some(two)), format!("{two},{one}@1795348800"));
        assert_eq!(Position::parse(&position.to_text(Some(two))), Some(position.clone()));
        assert_eq!((position.after(0), position.after(1)), (Some(one), None));
        for bad in ["", "x", "-1", "1,", "1@", "1@x", "@5", "1@-5", "1,,2", "9223372036854775808"] {
            assert_eq!(Position::parse(bad), None, "{bad}");
        }
    }
}
