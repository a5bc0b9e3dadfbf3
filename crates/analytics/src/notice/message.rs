//! A notice in words: a title and facts, the same on every channel. Nothing here is escaped.

use jiff::Timestamp;

use super::{Count, Notice, Stage, Topic};
use crate::limits;

/// `title` and the values contain texts of strangers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub title: String,
    pub facts: Vec<Fact>,
    /// A label and an address of this server.
    pub links: Vec<(&'static str, String)>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    pub label: &'static str,
    pub value: String,
}

impl Message {
    pub fn of(notice: &Notice) -> Message {
        let notice = &notice.cleaned();
        let mut message = Message { title: title(notice), facts: facts(notice), links: Vec::new() };
        let is_open = matches!(notice.stage, Stage::Opening | Stage::Update);
        message.links.extend(notice.links.page.clone().map(|page| ("Open", page)));
        if is_open {
            let acknowledge = notice.links.acknowledge.clone();
            message.links.extend(acknowledge.map(|link| ("Acknowledge", link)));
        }
        message
    }

    /// One fact per line.
    pub fn lines(&self) -> String {
        let lines: Vec<String> =
            self.facts.iter().map(|fact| format!("{}: {}", fact.label, fact.value)).collect();
        lines.join("\n")
    }

    /// One link per line.
    pub fn link_lines(&self) -> String {
        let lines: Vec<String> =
            self.links.iter().map(|(label, link)| format!("{label}: {link}")).collect();
        lines.join("\n")
    }
}

/// `13 min`, `2 h 5 min`, `3 d 1 h`.
pub fn duration(ms: i64) -> String {
    let seconds = ms.max(0) / 1_000;
    let two = |whole: i64, unit: &str, rest: i64, rest_unit: &str| match rest {
        0 => format!("{whole} {unit}"),
        _ => format!("{whole} {unit} {rest} {rest_unit}"),
    };
    match seconds {
        0..60 => format!("{seconds} s"),
        60..3_600 => two(seconds / 60, "min", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "min"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

/// `2026-11-26 19:05 UTC`; "" if it is outside the calendar.
pub fn minute(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms)
        .map(|at| at.strftime("%F %H:%M UTC").to_string())
        .unwrap_or_default()
}

/// RFC 3339.
pub(super) fn instant(at_ms: i64) -> String {
    Timestamp::from_millisecond(at_ms).map(|at| at.to_string()).unwrap_or_default()
}

fn title(notice: &Notice) -> String {
    match notice.stage {
        Stage::Test => format!("Test notice for {}", notice.subject),
        Stage::Digest => {
            let count = notice.items.len();
            let open = notice.items.iter().filter(|item| item.stage == Stage::Opening).count();
            format!("{count} notices, {open} of them new: {}", notice.project)
        }
        _ => {
            let heading = heading(notice.stage, notice.topic, &notice.subject, notice.unconfirmed);
            let lasted_ms =
                notice.until_ms.zip(notice.first_failing_ms).map(|(to, from)| to - from);
            match lasted_ms.filter(|_| notice.combined) {
                Some(lasted_ms) => format!("{heading} (lasted {})", duration(lasted_ms)),
                None => heading,
            }
        }
    }
}

fn heading(stage: Stage, topic: Topic, subject: &str, unconfirmed: bool) -> String {
    let is_over = stage == Stage::Resolved;
    let word = match (topic, is_over) {
        (Topic::Down, false) if unconfirmed => "Check fails, requests succeed",
        (Topic::Down, false) => "Down",
        (Topic::Down, true) => "Up again",
        (Topic::Flapping, false) => "Flapping",
        (Topic::Flapping, true) => "No longer flapping",
        (Topic::Certificate, false) => "Certificate ends soon",
        (Topic::Certificate, true) => "Certificate renewed",
        (Topic::Rule, false) => "Alert",
        (Topic::Rule, true) => "Resolved",
        (Topic::RulesUnjudged, false) => "Rules cannot be judged",
        (Topic::RulesUnjudged, true) => "Rules are judged again",
        (Topic::ChannelFailing, false) => "Notices are not delivered",
        (Topic::ChannelFailing, true) => "Notices are delivered again",
    };
    match stage {
        Stage::Update => format!("Update: {word}: {subject}"),
        _ => format!("{word}: {subject}"),
    }
}

fn facts(notice: &Notice) -> Vec<Fact> {
    let mut facts = Vec::new();
    let mut push = |label: &'static str, value: Option<String>| {
        facts.extend(value.filter(|value| !value.is_empty()).map(|value| Fact { label, value }));
    };
    push("Project", Some(notice.project.clone()));
    if notice.stage == Stage::Test {
        push("Sent", Some(minute(notice.at_ms)));
        return facts;
    }
    push("Cause", notice.cause.clone());
    let lasted_ms = notice.until_ms.zip(notice.first_failing_ms).map(|(to, from)| to - from);
    push("Lasted", lasted_ms.map(duration));
    push("First failing", notice.first_failing_ms.map(minute));
    push("Last good", notice.last_good_ms.map(minute));
    push("Over since", notice.until_ms.map(minute));
    let phases: Vec<String> = notice
        .phases
        .iter()
        .map(|phase| format!("{} {} ms", phase.name, phase.duration_ms))
        .collect();
    push("Phases", Some(phases.join(", ")));
    if let Some(hit) = &notice.hit {
        push("Failed requests", Some(hit.requests.to_string()));
        push("Endpoints", Some(list(&hit.endpoints, hit.endpoints_total)));
        push("Consumers", Some(list(&hit.consumers, hit.consumers_total)));
    }
    push("Notices", Some(items(notice)));
    facts
}

/// The most affected by name, and the number of others.
fn list(counts: &[Count], total: u64) -> String {
    let mut named: Vec<String> =
        counts.iter().map(|count| format!("{} ({})", count.name, count.requests)).collect();
    let more = total.saturating_sub(counts.len() as u64);
    if more > 0 {
        named.push(format!("{more} more"));
    }
    named.join(", ")
}

fn items(notice: &Notice) -> String {
    let listed = limits::NOTICE_LISTED as usize;
    let lines = notice.items.iter().take(listed).map(|item| {
        let heading = heading(item.stage, item.topic, &item.subject, false);
        match item.until_ms {
            Some(until_ms) => format!("{heading} (lasted {})", duration(until_ms - item.since_ms)),
            None => format!("{heading} (since {})", minute(item.since_ms)),
        }
    });
    let mut lines: Vec<String> = lines.collect();
    if notice.items.len() > listed {
        lines.push(format!("{} more", notice.items.len() - listed));
    }
    lines.join("; ")
}
