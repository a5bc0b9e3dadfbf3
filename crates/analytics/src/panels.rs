//! The dashboard's panels, as a table: the sums that each needs and the shape of its answer.
//!
//! To add a panel on stored fields: a row here, and one in the page's own table.

use crate::hit::TextKind;
use crate::hit_fields::{Field, Number, Stored, Word};
use crate::tally::{Dimension, Needs};

/// Shape of a panel's answer; see `answer`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// `{value, previous, series}`.
    Stat(Stat),
    Latency,
    LatencyOverTime,
    Activity,
    Endpoints,
    /// `{rows: [{key, requests, errors}], total_rows}`.
    Breakdown(Dimension),
    Statuses,
    Hours,
    TopConsumers,
    Traffic,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stat {
    Requests,
    SuccessRate,
    ClientErrors,
    ServerErrors,
    Consumers,
}

/// A row of `PANELS`.
#[derive(Clone, Copy, Debug)]
pub struct Panel {
    pub name: &'static str,
    pub shape: Shape,
    pub needs: Needs,
    /// One line, for documents.
    pub doc: &'static str,
}

impl Panel {
    /// The needs that also apply to the period before, for comparison.
    pub fn needs_of_previous(&self) -> Needs {
        match self.shape {
            Shape::Stat(Stat::Consumers) => Needs::CONSUMERS,
            Shape::Stat(_) => Needs::STATUSES,
            Shape::Latency => Needs::LATENCY,
            _ => Needs::default(),
        }
    }

    pub fn find(name: &str) -> Option<&'static Panel> {
        PANELS.iter().find(|panel| panel.name == name)
    }
}

/// The source of a field's counted values, for menus; none if they are not counted.
pub fn source(field: Field) -> Option<Source> {
    let info = field.info();
    if !info.counted {
        return None;
    }
    Some(match info.stored {
        Stored::Text(kind) => Source::Value(Dimension::Text(kind)),
        Stored::Word(Word::Client) => Source::Value(Dimension::Client),
        Stored::Word(Word::Os) => Source::Value(Dimension::Os),
        Stored::Word(Word::Device) => Source::Value(Dimension::Device),
        Stored::Word(Word::Version) => Source::Value(Dimension::Version),
        Stored::Country => Source::Value(Dimension::Country),
        Stored::Number(Number::Status) => Source::Status,
        Stored::Nothing => Source::Consumer,
        Stored::Time | Stored::Number(_) => return None,
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    Status,
    Consumer,
    Value(Dimension),
}

const fn panel(name: &'static str, shape: Shape, needs: Needs, doc: &'static str) -> Panel {
    Panel { name, shape, needs, doc }
}

const fn breakdown(name: &'static str, value: Dimension, doc: &'static str) -> Panel {
    Panel { name, shape: Shape::Breakdown(value), needs: value.needs(), doc }
}

/// All panels, in the order of the page.
pub const PANELS: &[Panel] = &[
    panel("requests", Shape::Stat(Stat::Requests), Needs::STATUSES, "Hits in the period."),
    panel(
        "success_rate",
        Shape::Stat(Stat::SuccessRate),
        Needs::STATUSES,
        "The share of statuses under 400, from 0 to 1; null where there is no hit.",
    ),
    panel(
        "client_errors",
        Shape::Stat(Stat::ClientErrors),
        Needs::STATUSES,
        "Hits with a status of 400 to 499.",
    ),
    panel(
        "server_errors",
        Shape::Stat(Stat::ServerErrors),
        Needs::STATUSES,
        "Hits with a status from 500 on.",
    ),
    panel(
        "consumers",
        Shape::Stat(Stat::Consumers),
        Needs::CONSUMERS.and(Needs::CONSUMER_SERIES),
        "Distinct user ids, and addresses where there is no user id.",
    ),
    panel(
        "latency",
        Shape::Latency,
        Needs::LATENCY,
        "Quantiles, mean, Apdex and histogram of the durations.",
    ),
    panel(
        "latency_over_time",
        Shape::LatencyOverTime,
        Needs::LATENCY_SERIES,
        "Quantiles per bucket.",
    ),
    panel(
        "activity",
        Shape::Activity,
        Needs::STATUSES.and(Needs::CONSUMER_SERIES),
        "Hits per bucket and status class, with the consumers and the success rate.",
    ),
    panel("endpoints", Shape::Endpoints, Needs::ENDPOINTS, "Method and route."),
    panel("statuses", Shape::Statuses, Needs::STATUSES, "Hits per status."),
    breakdown("versions", Dimension::Version, "The API's versions, read from the path."),
    breakdown("countries", Dimension::Country, "Where callers are."),
    breakdown("clients", Dimension::Client, "The clients, read from the user agent."),
    breakdown(
        "operating_systems",
        Dimension::Os,
        "The operating systems, read from the user agent.",
    ),
    breakdown("devices", Dimension::Device, "Desktop, mobile, tablet, bot or library."),
    panel(
        "hours",
        Shape::Hours,
        Needs::HOURS,
        "Hits by day of the week (Monday first) and hour, in the zone's time.",
    ),
    panel(
        "top_consumers",
        Shape::TopConsumers,
        Needs::CONSUMERS.and(Needs::CONSUMER_LATENCY),
        "Who called.",
    ),
    panel(
        "traffic",
        Shape::Traffic,
        Needs::TRAFFIC.and(Needs::ENDPOINTS),
        "Bytes of requests and answers, where clients send sizes.",
    ),
    breakdown(
        "referrers",
        Dimension::Text(TextKind::Referrer),
        "The pages that callers came from.",
    ),
    breakdown("hosts", Dimension::Text(TextKind::Host), "The hosts that were asked."),
    breakdown(
        "frameworks",
        Dimension::Text(TextKind::Framework),
        "The frameworks that clients named.",
    ),
    breakdown("sdks", Dimension::Text(TextKind::Sdk), "The client libraries and their versions."),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn panels_have_names_of_their_own_and_need_something() {
        for (n, panel) in PANELS.iter().enumerate() {
            assert!(!panel.needs.is_empty(), "{}", panel.name);
            assert!(PANELS[..n].iter().all(|other| other.name != panel.name), "{}", panel.name);
            assert_eq!(Panel::find(panel.name).map(|found| found.name), Some(panel.name));
        }
        assert!(Panel::find("nothing").is_none());
    }
}
