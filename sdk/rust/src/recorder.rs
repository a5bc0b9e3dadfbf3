//! The settings of one middleware, and the steps to a hit that are the same for every framework.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Instant, SystemTime};

use crate::client::{Client, ClientSettings};
use crate::config::{to_key, to_privacy_level, to_release, to_server_url, Mappers, Settings};
use crate::hit::{to_cache, to_path, to_size, without_query, Field, Hit};
use crate::mapper::Call;
use crate::queue::{micros_since_1970, QUEUE};

/// nginx's status for a request whose caller left before there was an answer.
const CLIENT_GONE: u16 = 499;
const FAILED: u16 = 500;

/// The headers that are read.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Header {
    Host,
    UserAgent,
    Referer,
    RequestId,
    ContentLength,
    XCache,
    Age,
}

/// By `Header as usize`.
pub(crate) const HEADERS: [&str; 7] = ["host", "user-agent", "referer", "x-request-id", "content-length", "x-cache", "age"];

/// `F`: the type of the framework's mappers.
pub(crate) struct Recorder<F: ?Sized> {
    /// None if nothing is recorded.
    pub client: Option<Arc<Client>>,
    pub mappers: Mappers<F>,
    /// False at privacy level 2, and if a mapper gives the address.
    pub reads_address: bool,
}

impl<F: ?Sized> Recorder<F> {
    pub(crate) fn new(framework: &'static str, settings: &Settings<F>) -> Self {
        let privacy_level = to_privacy_level(settings.privacy_level);
        let mut mappers = settings.mappers.clone();
        if privacy_level == 2 {
            mappers.address = None;
        }
        let client = to_key(&settings.key).and_then(|key| {
            let url = to_server_url(&settings.server_url)?;
            let release = to_release(&settings.release);
            Some(QUEUE.client(ClientSettings { url, key, framework, privacy_level, release }))
        });
        let reads_address = privacy_level < 2 && mappers.address.is_none();
        Self { client, mappers, reads_address }
    }

    /// The client, unless nothing is recorded (any more).
    pub(crate) fn active_client(&self) -> Option<&Arc<Client>> {
        self.client.as_ref().filter(|client| !client.is_stopped())
    }
}

/// A request that is being answered. Dropped, it becomes a hit: what happened until then decides on its status.
pub(crate) struct Watch {
    client: Arc<Client>,
    hit: Option<Box<Hit>>,
    began: Instant,
    is_head: bool,
    /// Bytes of the body so far.
    pub sent: u64,
    /// True while the app's own code runs for the request: if the watch is dropped then, the code has panicked.
    pub is_inside: bool,
}

impl Watch {
    pub(crate) fn begin<F: ?Sized>(client: &Arc<Client>, recorder: &Recorder<F>, method: &str, path: &str) -> Self {
        let mut hit = Box::new(Hit::new(micros_since_1970(SystemTime::now())));
        hit.set(Field::Method, method);
        // A mapper may hide something in the path, so the path waits for it.
        if recorder.mappers.path.is_none() {
            hit.set(Field::Path, &to_path(path));
        }
        Self { client: client.clone(), hit: Some(hit), began: Instant::now(), is_head: method == "HEAD", sent: 0, is_inside: false }
    }

    /// Reads the request's headers, by a getter of a header's first value.
    pub(crate) fn read_request<'a, F: ?Sized>(&mut self, recorder: &Recorder<F>, header: impl Fn(Header) -> Option<&'a [u8]>) {
        let Some(hit) = &mut self.hit else { return };
        let mut set = |field, value: Option<&[u8]>| {
            if let Some(value) = value {
                hit.set_bytes(field, value);
            }
        };
        if recorder.mappers.hostname.is_none() {
            set(Field::Hostname, header(Header::Host));
        }
        if recorder.mappers.user_agent.is_none() {
            set(Field::UserAgent, header(Header::UserAgent));
        }
        set(Field::Referrer, header(Header::Referer));
        set(Field::RequestId, header(Header::RequestId));
        hit.request_size = header(Header::ContentLength).and_then(to_size);
    }

    /// Reads the answer's headers.
    pub(crate) fn read_answer<'a>(&mut self, status: u16, header: impl Fn(Header) -> Option<&'a [u8]>) {
        let Some(hit) = &mut self.hit else { return };
        hit.status = status;
        // The app's own id, if it gives one, is the one in its log.
        if let Some(id) = header(Header::RequestId) {
            hit.set_bytes(Field::RequestId, id);
        }
        hit.cache = to_cache(header(Header::XCache), header(Header::Age));
    }

    /// For a framework that tells of a request only with its answer.
    pub(crate) fn began_at(&mut self, began: Instant, started_at: SystemTime) {
        self.began = began;
        if let Some(hit) = &mut self.hit {
            hit.started_at = micros_since_1970(started_at);
        }
    }

    pub(crate) fn set(&mut self, field: Field, value: &str) {
        if let Some(hit) = &mut self.hit {
            hit.set(field, value);
        }
    }

    pub(crate) fn set_address(&mut self, address: IpAddr) {
        if let Some(hit) = &mut self.hit {
            hit.address = Some(address);
        }
    }

    pub(crate) fn set_status(&mut self, status: u16) {
        if let Some(hit) = &mut self.hit {
            hit.status = status;
        }
    }

    /// Runs the user's mappers; `call` hands the framework's request to one. Without it, as for a request that is gone, each has no value.
    pub(crate) fn map<F: ?Sized>(&mut self, mappers: &Mappers<F>, call: Option<Call<'_, F>>) {
        let Some(hit) = &mut self.hit else { return };
        let fields = [
            (Field::Path, &mappers.path),
            (Field::Hostname, &mappers.hostname),
            (Field::Address, &mappers.address),
            (Field::UserAgent, &mappers.user_agent),
            (Field::UserId, &mappers.user_id),
        ];
        for (field, mapper) in fields {
            let Some(mapper) = mapper else { continue };
            let value = call.and_then(|call| mapper.run(call));
            match (field, value) {
                (Field::Path, Some(path)) => hit.set(field, without_query(&path)),
                // It may hide something in the path, so its failure must not reveal it.
                (Field::Path, None) => {
                    let route = hit.get(Field::Route).to_owned();
                    hit.set(field, if route.is_empty() { "/" } else { &route });
                }
                (_, Some(value)) => hit.set(field, &value),
                (_, None) => {}
            }
        }
    }

    /// The request leaves no hit.
    pub(crate) fn forget_hit(&mut self) {
        self.hit = None;
    }

    pub(crate) fn method(&self) -> &str {
        self.hit.as_ref().map_or("", |hit| hit.get(Field::Method))
    }

    /// Ends the time and hands the hit over.
    pub(crate) fn finish(&mut self) {
        let Some(mut hit) = self.hit.take() else { return };
        if hit.status == 0 {
            hit.status = if self.is_inside || std::thread::panicking() { FAILED } else { CLIENT_GONE };
        }
        hit.duration_us = self.began.elapsed().as_micros() as u64;
        hit.response_size = Some(if self.is_head { 0 } else { self.sent });
        QUEUE.add(&self.client, hit);
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.finish();
    }
}
