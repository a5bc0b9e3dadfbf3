//! The states of a window from a whole history of results: for windows within the raw results, and after a change of
//! settings that restates the past.

use std::collections::BTreeMap;

use super::{CheckResult, Confirm, Span, State, StateSpan, Tracker};

/// Spans that follow one another and cover `window` exactly; neighbours differ in state. `results` in ascending order of
/// time; those before the window are needed as far back as the monitor's last confirmed change.
pub fn timeline(
    results: &[CheckResult],
    confirm: Confirm,
    maintenance: &[Span],
    window: Span,
) -> Vec<StateSpan> {
    let mut tracker = Tracker::default();
    // A restated span is always one that was accounted before, so its start identifies it.
    let mut states = BTreeMap::<i64, StateSpan>::new();
    for result in results {
        for restated in tracker.feed(*result, confirm, maintenance).restated {
            let StateSpan { span, state } = StateSpan { span: restated.span, state: restated.now };
            states.insert(span.from_ms, StateSpan { span, state });
        }
    }
    let mut spans: Vec<StateSpan> = states.into_values().collect();
    spans.extend(tracker.tail(window.to_ms, maintenance));
    cover(&spans, maintenance, window)
}

/// `spans`, ascending and apart, cut to `window`, with unknown and maintenance where they leave gaps.
pub fn cover(spans: &[StateSpan], maintenance: &[Span], window: Span) -> Vec<StateSpan> {
    let mut covered = Vec::<StateSpan>::new();
    let mut push = |piece: StateSpan| match covered.last_mut() {
        Some(last) if last.state == piece.state => last.span.to_ms = piece.span.to_ms,
        _ => covered.push(piece),
    };
    let mut done_ms = window.from_ms;
    for piece in spans {
        let span = piece.span.within(window);
        if span.length_ms() == 0 {
            continue;
        }
        let gap = Span { from_ms: done_ms, to_ms: span.from_ms };
        overlay(gap, State::Unknown, maintenance).into_iter().for_each(&mut push);
        push(StateSpan { span, state: piece.state });
        done_ms = span.to_ms;
    }
    let gap = Span { from_ms: done_ms, to_ms: window.to_ms };
    overlay(gap, State::Unknown, maintenance).into_iter().for_each(&mut push);
    covered
}

/// `span` in `state`, with the windows of maintenance cut out of it. `maintenance` in any order, overlapping or not.
pub(super) fn overlay(span: Span, state: State, maintenance: &[Span]) -> Vec<StateSpan> {
    let mut windows: Vec<Span> = maintenance
        .iter()
        .map(|window| window.within(span))
        .filter(|window| window.length_ms() > 0)
        .collect();
    windows.sort_unstable();
    let mut pieces = Vec::with_capacity(2 * windows.len() + 1);
    let mut done_ms = span.from_ms;
    let mut push = |from_ms: i64, to_ms: i64, state: State| {
        if from_ms < to_ms {
            pieces.push(StateSpan { span: Span { from_ms, to_ms }, state });
        }
    };
    for window in windows {
        push(done_ms, window.from_ms, state);
        push(done_ms.max(window.from_ms), window.to_ms, State::Maintenance);
        done_ms = done_ms.max(window.to_ms);
    }
    push(done_ms, span.to_ms, state);
    pieces
}
