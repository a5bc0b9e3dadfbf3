//! The source of an incident: a monitor or a rule.

/// The monitor or rule of an incident.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum IncidentSource {
    Monitor(i64),
    Rule(i64),
}

impl IncidentSource {
    /// One number for both, as in the tables: negative for rules.
    pub fn to_column(self) -> i64 {
        match self {
            IncidentSource::Monitor(id) => id,
            IncidentSource::Rule(id) => -id,
        }
    }

    pub(super) fn from_column(column: i64) -> IncidentSource {
        match column {
            ..0 => IncidentSource::Rule(-column),
            0.. => IncidentSource::Monitor(column),
        }
    }

    /// None: it is a rule's.
    pub fn monitor(self) -> Option<i64> {
        match self {
            IncidentSource::Monitor(id) => Some(id),
            IncidentSource::Rule(_) => None,
        }
    }

    /// None: it is a monitor's.
    pub fn rule(self) -> Option<i64> {
        match self {
            IncidentSource::Monitor(_) => None,
            IncidentSource::Rule(id) => Some(id),
        }
    }
}
