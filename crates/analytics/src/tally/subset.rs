//! Restricts a second scan of the same hits to some consumers and endpoints.

use std::collections::HashSet;

use super::Columns;
use super::consumers::{text as kind_of, who};
use super::endpoints::Pair;
use crate::hit::TextKind;
use crate::slots::Ids;

/// Consumers and endpoints of one file, by id.
#[derive(Clone, Debug, Default)]
pub struct Subset {
    users: Ids,
    addresses: Ids,
    endpoints: HashSet<Pair>,
}

impl Subset {
    /// `kind`: user or address.
    pub fn put_consumer(&mut self, kind: TextKind, id: u32) {
        let ids = if kind == TextKind::User { &mut self.users } else { &mut self.addresses };
        ids.put(id);
    }

    pub fn put_endpoint(&mut self, pair: Pair) {
        self.endpoints.insert(pair);
    }

    #[inline]
    pub fn has_consumer(&self, kind: TextKind, id: u32) -> bool {
        let ids = if kind == TextKind::User { &self.users } else { &self.addresses };
        ids.has(id)
    }

    /// Whether it has a hit's consumer or endpoint. A column that is not there holds none of them.
    #[inline]
    pub fn has_hit(&self, hits: &Columns<'_>, place: usize) -> bool {
        let text = |kind: TextKind| hits.texts[kind as usize].get(place).copied();
        let of_consumer = || {
            let (user, address) = (text(TextKind::User)?, text(TextKind::Address)?);
            let (kind, id) = who(user, address)?;
            Some(self.has_consumer(kind_of(kind), id))
        };
        let of_endpoint = || {
            let pair = (text(TextKind::Method)?, text(TextKind::Route)?);
            Some(self.has_endpoint(pair))
        };
        of_consumer().unwrap_or_default()
            || (!self.endpoints.is_empty() && of_endpoint().unwrap_or_default())
    }

    #[inline]
    pub fn has_endpoint(&self, pair: Pair) -> bool {
        self.endpoints.contains(&pair)
    }
}
