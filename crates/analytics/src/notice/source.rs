//! Derives from transitions of incidents and alerts what a notice and its row in the outbox need: ids that stay the
//! same however often a transition is handled, stage and topic.

use super::{Item, Notice, Stage, Topic};
use crate::alert::{AlertChange, AlertTransition, LatenessChange, Severity};
use crate::incident::{Cause, Change, Transition};

/// The part of a notice that follows from a transition alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// With the channel's number it is the key of a row in the outbox, and so of one delivery.
    pub id: String,
    pub thread: String,
    pub stage: Stage,
    pub topic: Topic,
    /// In words, if the transition itself has it.
    pub cause: Option<String>,
    pub since_ms: i64,
    pub until_ms: Option<i64>,
}

impl Source {
    /// Shared by all notices of one alert of a rule.
    pub fn alert_thread(rule: &str, alert: u64) -> String {
        format!("rule-{rule}-{alert}")
    }

    /// Shared by all notices of one incident of a monitor.
    pub fn incident_thread(monitor: &str, incident: u64) -> String {
        format!("monitor-{monitor}-{incident}")
    }

    /// None if no notice is due.
    pub fn of_incident(monitor: &str, transition: &Transition) -> Option<Source> {
        if transition.muted.is_some() {
            return None;
        }
        let thread = Source::incident_thread(monitor, transition.incident);
        let (stage, until_ms) = match transition.change {
            Change::Opened | Change::Announced => (Stage::Opening, None),
            Change::Worsened => (Stage::Update, None),
            Change::Closed { until_ms, .. } => (Stage::Resolved, Some(until_ms)),
        };
        let (topic, cause) = match transition.cause {
            Cause::Down => (Topic::Down, None),
            Cause::Certificate => (Topic::Certificate, None),
            Cause::Flapping => (Topic::Flapping, flapping(transition.change)),
            // Handled by `of_alert`.
            Cause::Rule => return None,
        };
        Some(Source {
            id: format!("{thread}-{}", transition.transition),
            thread,
            stage,
            topic,
            cause,
            since_ms: transition.since_ms,
            until_ms,
        })
    }

    /// `key`: the endpoint or consumer; "" for all.
    pub fn of_alert(rule: &str, key: &str, transition: &AlertTransition) -> Source {
        let thread = Source::alert_thread(rule, transition.alert);
        let (stage, ending) = match transition.change {
            AlertChange::Fired => (Stage::Opening, None),
            AlertChange::Resolved => (Stage::Resolved, None),
            AlertChange::NoData => (Stage::Resolved, Some("no more data")),
        };
        let parts: Vec<&str> = [Some(key), ending].into_iter().flatten().collect();
        let cause =
            parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<&str>>().join(": ");
        Source {
            id: format!("{thread}-{}", transition.transition),
            thread,
            stage,
            topic: Topic::Rule,
            cause: (!cause.is_empty()).then_some(cause),
            since_ms: transition.since_ms,
            until_ms: (stage == Stage::Resolved).then_some(transition.at_ms),
        }
    }
}

impl Source {
    /// Rules cannot be judged, or can again.
    pub fn of_lateness(change: LatenessChange) -> Source {
        let (since_ms, until_ms) = match change {
            LatenessChange::CannotJudge { since_ms } => (since_ms, None),
            LatenessChange::CanJudge { since_ms, until_ms } => (since_ms, Some(until_ms)),
        };
        let thread = format!("rules-late-{since_ms}");
        let (transition, stage) = match until_ms {
            None => (1, Stage::Opening),
            Some(_) => (2, Stage::Resolved),
        };
        Source {
            id: format!("{thread}-{transition}"),
            thread,
            stage,
            topic: Topic::RulesUnjudged,
            cause: None,
            since_ms,
            until_ms,
        }
    }
}

impl Notice {
    /// One notice for several of a project, with an item each, as urgent as the most urgent of them. None if there are
    /// none.
    pub fn digest(id: &str, notices: &[Notice], at_ms: i64) -> Option<Notice> {
        let first = notices.first()?;
        let urgency = |severity: Severity| match severity {
            Severity::Critical => 0,
            Severity::Warning => 1,
            Severity::Info => 2,
        };
        let severity =
            notices.iter().map(|notice| notice.severity).min_by_key(|one| urgency(*one))?;
        let items = notices.iter().map(|notice| Item {
            stage: notice.stage,
            topic: notice.topic,
            subject: notice.subject.clone(),
            since_ms: notice.first_failing_ms.unwrap_or(notice.at_ms),
            until_ms: notice.until_ms,
        });
        Some(Notice {
            stage: Stage::Digest,
            topic: first.topic,
            severity,
            items: items.collect(),
            ..Notice::test(id, &first.project, &first.project, at_ms)
        })
    }
}

fn flapping(change: Change) -> Option<String> {
    let Change::Closed { outages, still_down, .. } = change else {
        return Some("it changes too often for each change to be told".to_owned());
    };
    let outages = match outages {
        0 => "no outage meanwhile".to_owned(),
        1 => "1 outage meanwhile".to_owned(),
        more => format!("{more} outages meanwhile"),
    };
    let end = if still_down { "down now" } else { "up now" };
    Some(format!("{outages}, {end}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::incident::Muted;

    const CLOSED: Change = Change::Closed { until_ms: 9, outages: 2, still_down: true };

    fn transition(cause: Cause, change: Change) -> Transition {
        Transition { incident: 3, transition: 2, cause, change, at_ms: 8, since_ms: 5, muted: None }
    }

    #[test]
    fn an_incident_s_transitions_share_a_thread_and_have_ids_of_their_own() {
        let check =
            |cause: Cause, change: Change, stage: Stage, topic: Topic, words: Option<&str>| {
                let source = Source::of_incident("7", &transition(cause, change)).unwrap();
                assert_eq!(
                    (source.id.as_str(), source.thread.as_str()),
                    ("monitor-7-3-2", "monitor-7-3")
                );
                assert_eq!((source.stage, source.topic), (stage, topic));
                assert_eq!(source.cause.as_deref(), words);
                assert_eq!(
                    (source.since_ms, source.until_ms),
                    (5, (stage == Stage::Resolved).then_some(9))
                );
            };
        check(Cause::Down, Change::Opened, Stage::Opening, Topic::Down, None);
        check(Cause::Down, Change::Announced, Stage::Opening, Topic::Down, None);
        check(Cause::Down, CLOSED, Stage::Resolved, Topic::Down, None);
        check(Cause::Certificate, Change::Worsened, Stage::Update, Topic::Certificate, None);
        let words = Some("2 outages meanwhile, down now");
        check(Cause::Flapping, CLOSED, Stage::Resolved, Topic::Flapping, words);
        let often = Some("it changes too often for each change to be told");
        check(Cause::Flapping, Change::Opened, Stage::Opening, Topic::Flapping, often);
        let muted = Transition {
            muted: Some(Muted::Maintenance),
            ..transition(Cause::Down, Change::Opened)
        };
        assert_eq!(Source::of_incident("7", &muted), None);
    }

    #[test]
    fn an_alert_names_its_endpoint_and_why_it_ended() {
        let of = |key: &str, change: AlertChange| {
            let one = AlertTransition { alert: 4, transition: 2, change, at_ms: 9, since_ms: 5 };
            Source::of_alert("spike", key, &one)
        };
        let fired = of("GET /a", AlertChange::Fired);
        assert_eq!((fired.id.as_str(), fired.thread.as_str()), ("rule-spike-4-2", "rule-spike-4"));
        assert_eq!((fired.stage, fired.cause.as_deref()), (Stage::Opening, Some("GET /a")));
        assert_eq!(fired.until_ms, None);
        let over = of("GET /a", AlertChange::NoData);
        assert_eq!(over.cause.as_deref(), Some("GET /a: no more data"));
        assert_eq!((over.stage, over.until_ms), (Stage::Resolved, Some(9)));
        assert_eq!(of("", AlertChange::Resolved).cause, None);
        assert_eq!(of("", AlertChange::NoData).cause.as_deref(), Some("no more data"));
    }

    #[test]
    fn late_requests_are_told_once_and_once_that_they_are_over() {
        let begins = Source::of_lateness(LatenessChange::CannotJudge { since_ms: 5 });
        assert_eq!((begins.id.as_str(), begins.stage), ("rules-late-5-1", Stage::Opening));
        let ends = Source::of_lateness(LatenessChange::CanJudge { since_ms: 5, until_ms: 9 });
        assert_eq!((ends.id.as_str(), ends.stage), ("rules-late-5-2", Stage::Resolved));
        assert_eq!((ends.thread, ends.until_ms), (begins.thread, Some(9)));
    }

    #[test]
    fn a_digest_has_an_item_each_and_the_highest_severity() {
        let notice = |subject: &str, severity| Notice {
            severity,
            stage: Stage::Opening,
            first_failing_ms: Some(5),
            ..Notice::test("n", "shop", subject, 7)
        };
        let two = [notice("a", Severity::Info), notice("b", Severity::Critical)];
        let digest = Notice::digest("d", &two, 9).unwrap();
        assert_eq!(
            (digest.id.as_str(), digest.stage, digest.severity),
            ("d", Stage::Digest, Severity::Critical)
        );
        let subjects: Vec<&str> = digest.items.iter().map(|item| item.subject.as_str()).collect();
        assert_eq!((subjects, digest.items[0].since_ms), (vec!["a", "b"], 5));
        assert_eq!(Notice::digest("d", &[], 9), None);
    }
}
