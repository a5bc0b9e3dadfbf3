//! `/api/v1/tail`: hits as they are stored, as server-sent events; or only a signal that there were some.
//!
//! A hit is sent when it can be read, so nothing is sent that `/api/v1/hits` would not list. The store's tail finds the
//! hits (`store/src/tail.rs`); this module writes them, checks the follower's access now and then, and sends a watcher
//! that returns the hits that it missed, from the files.

mod events;
mod resume;

use std::time::Duration;

use analytics::filter::{self, Filter};
use analytics::limits;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, Response, header};
use futures_util::stream;
use store::{Position, Watcher};
use tokio::time::{Instant, timeout_at};

use crate::app::SharedApp;
use crate::auth::{Credentials, Viewer};
use crate::budget::Charge;
use crate::error::{ApiError, Code};
use crate::hit_schema::ApiHit;
use crate::parameters::{Parameters, bad};
use crate::reads::Reader;
use events::Events;

const PIECE_BYTES: usize = limits::TAIL_PIECE_BYTES as usize;
const HEARTBEAT: Duration = Duration::from_secs(limits::TAIL_HEARTBEAT_SECONDS);
const ACCESS: Duration = Duration::from_secs(limits::TAIL_ACCESS_SECONDS);
const NOTICE: Duration = Duration::from_millis(limits::TAIL_NOTICE_MS);

/// Hits as they are kept, in order of arrival: server-sent events, of which each has a hit as JSON and its `hit_id` as its id.
///
/// If several servers store hits, all of them are sent, and the id has more numbers, for each server one: name it as it is.
///
/// An event `missed` has `{"requests": n}`: so many hits that match were left out, because they came faster than they can be
/// sent or read; null if they were not counted. A client that connects again with `Last-Event-ID` (browsers do it by themselves) is
/// sent what it has missed, each hit once. With `hits=none` there are events `kept` in place of hits, about one a second at most.
#[utoipa::path(
    get, path = "/api/v1/tail", tag = "hits",
    params(
        ("project" = Option<String>, Query, description = "Which of the session's projects; `demo` for the demo"),
        ("q" = Option<String>, Query, description = "The search language, as for `/api/v1/hits`"),
        ("hits" = Option<String>, Query, description = "`all` (default), or `none`: only whether there were some"),
        ("after" = Option<String>, Query, description = "The id of an event, or a `hit_id`: begin with the hit that arrived after it"),
        ("Last-Event-ID" = Option<String>, Header, description = "The same, and takes precedence"),
    ),
    responses(
        (status = 200, description = "Events, for as long as the client reads", content((ApiHit = "text/event-stream"))),
        (status = 400, description = "A parameter cannot be used; the message names it", body = crate::schema::ErrorAnswer),
        (status = 401, description = "The key is missing or unknown", body = crate::schema::ErrorAnswer),
        (status = 403, description = "The key may only post hits, or the share link does not show them", body = crate::schema::ErrorAnswer),
        (status = 404, description = "The server has no demo", body = crate::schema::ErrorAnswer),
        (status = 429, description = "The project, or the server, has as many watchers as it may have", body = crate::schema::ErrorAnswer),
    ),
    security(("key" = []), ("session" = []), ("share_link" = []), ()),
)]
pub async fn follow_hits(
    State(app): State<SharedApp>,
    viewer: Viewer,
    credentials: Credentials,
    headers: HeaderMap,
    mut parameters: Parameters,
) -> Result<Response<Body>, ApiError> {
    let wants_hits = parameters.take_as(&["hits"], "all or none", |text| match text {
        "all" => Some(true),
        "none" => Some(false),
        _ => None,
    })?;
    let wants_hits = wants_hits.unwrap_or(true);
    if wants_hits {
        viewer.require_hits()?;
    }
    let filter = filter::parse(parameters.take(&["q"])?.as_deref().unwrap_or_default())?;
    viewer.require_filter(&filter)?;
    let mut after = parameters.take_as(&["after"], "a hit_id", Position::parse)?;
    if let Some(last) = headers.get("last-event-id") {
        let last = last.to_str().ok().and_then(Position::parse);
        after = Some(last.ok_or_else(|| bad("Last-Event-ID", "is not the id of an event"))?);
    }
    parameters.finish()?;
    let place = app.watchers.try_take(viewer.project, 1).ok_or_else(|| {
        let message = "too many pages and programs follow this project, or this server, already; ask /api/v1/hits now and then instead";
        ApiError::new(Code::TooManyWatchers, message).retry_after(30)
    })?;
    let watcher = app.store.watch(&viewer.scope, &filter, wants_hits);
    let now = Instant::now();
    let follower = Follower {
        stage: Stage::Begins(after.filter(|_| wants_hits)),
        reader: viewer.reader(),
        filter,
        credentials,
        app,
        viewer,
        watcher,
        position: Position::default(),
        access_due: now + ACCESS,
        heard_of: now,
        silent_until: now,
        _place: place,
    };
    let pieces = stream::unfold(follower, |mut follower| async move {
        let piece = follower.next().await?;
        Some((Ok::<_, std::convert::Infallible>(piece), follower))
    });
    let mut response = Response::new(Body::from_stream(pieces));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    // nginx buffers answers until they are some kilobytes long.
    headers.insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

/// A client that follows, until it disconnects or loses access.
struct Follower {
    app: SharedApp,
    viewer: Viewer,
    credentials: Credentials,
    reader: Reader,
    filter: Filter,
    watcher: Watcher,
    stage: Stage,
    /// The last hits that the client was sent.
    position: Position,
    /// When the client's access is next checked.
    access_due: Instant,
    /// The last time that something was sent.
    heard_of: Instant,
    /// Until then no signal is sent to a client that doesn't want hits.
    silent_until: Instant,
    _place: Charge,
}

enum Stage {
    /// Nothing was sent yet. Holds the position to start after, if the client named one.
    Begins(Option<Position>),
    /// The client doesn't know yet where it begins.
    Joins,
    /// Hits that arrived after this position, up to the start of the watcher, are still to be sent.
    MissedSince(Position),
    Follows,
}

impl Follower {
    /// The next events; none at the end. A client whose stream ends connects again.
    async fn next(&mut self) -> Option<Bytes> {
        let shares = self.app.meta.is_shared();
        let mut events = Events::new(self.viewer.shows, shares.then(|| self.app.clock.now_us()));
        match std::mem::replace(&mut self.stage, Stage::Follows) {
            Stage::Begins(after) => {
                // At once, so that the client knows that it is connected.
                events.retry();
                match after {
                    // The client's own id stays valid until the missed hits are sent.
                    Some(position) => self.stage = Stage::MissedSince(position),
                    None if shares => self.stage = Stage::Joins,
                    None => self.say_position(&mut events),
                }
                return Some(self.send(events));
            }
            Stage::Joins => {
                self.watcher.wait_for_others().await;
                self.say_position(&mut events);
                return Some(self.send(events));
            }
            Stage::MissedSince(after) => {
                self.watcher.wait_for_others().await;
                let missed = resume::Missed {
                    scope: &self.viewer.scope,
                    filter: &self.filter,
                    after: &after,
                    shares,
                };
                resume::catch_up(&self.app, self.reader, missed, &self.watcher).await.ok()?;
                self.position.reach(&after);
            }
            Stage::Follows => {}
        }
        if timeout_at(self.silent_until, self.watcher.ended()).await.is_ok() {
            return None;
        }
        loop {
            let heartbeat_due = self.heard_of + HEARTBEAT;
            let due = self.access_due.min(heartbeat_due);
            let heard = timeout_at(due, self.watcher.next(PIECE_BYTES)).await;
            let now = Instant::now();
            if now >= self.access_due {
                self.access_due = now + ACCESS;
                if !self.may_still_look().await {
                    return None;
                }
            }
            if let Ok(heard) = heard {
                let heard = heard?;
                if heard.any {
                    self.silent_until = now + NOTICE;
                }
                events.heard(&heard, &mut self.position);
                return Some(self.send(events));
            }
            if now >= heartbeat_due {
                events.heartbeat();
                self.say_position(&mut events);
                return Some(self.send(events));
            }
        }
    }

    fn say_position(&mut self, events: &mut Events) {
        if let Some(position) = self.watcher.position() {
            self.position.reach(&position);
            events.position(&self.position);
        }
    }

    fn send(&mut self, events: Events) -> Bytes {
        self.heard_of = Instant::now();
        events.into_bytes()
    }

    /// Checks access as for a new call. A client whose rights have changed connects again, and gets what it may see
    /// now.
    async fn may_still_look(&self) -> bool {
        let viewer = self.credentials.viewer(&self.app).await;
        viewer.is_ok_and(|now| now.scope == self.viewer.scope && now.shows == self.viewer.shows)
    }
}
