//! One request over its own connection, and those of its redirects.

use std::error::Error;
use std::io;
use std::time::Duration;

use analytics::check::{Failure, Phase};
use analytics::{limits, target};
use axum::http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, header};
use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};
use url::{Position, Url};

use super::connect::connect;
use super::{Dialer, Family, Trace};

/// An HTTP request to send. `target::parse_url` has parsed the address.
#[derive(Clone, Debug)]
pub struct FetchRequest {
    pub url: Url,
    pub method: Method,
    /// Besides the headers of every request. Sent only to this origin.
    pub headers: HeaderMap,
    pub body: Bytes,
    pub family: Family,
    pub follow_redirects: bool,
    /// Whether an untrusted certificate is a failure.
    pub verify: bool,
    /// For the whole call.
    pub timeout: Duration,
}

impl FetchRequest {
    pub fn get(url: Url, timeout: Duration) -> FetchRequest {
        FetchRequest {
            url,
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            family: Family::Any,
            follow_redirects: true,
            verify: true,
            timeout,
        }
    }
}

/// The complete response of the last host.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub async fn follow(
    dialer: &Dialer,
    request: &FetchRequest,
    trace: &mut Trace,
) -> Result<Answer, Failure> {
    let mut next = request.clone();
    loop {
        let response = send(dialer, &next, trace).await?;
        if !request.follow_redirects || !is_redirect(response.status()) {
            return read_body(response, trace).await;
        }
        if u64::from(trace.redirects) >= limits::REDIRECTS {
            return Err(Failure::TooManyRedirects);
        }
        trace.redirects += 1;
        let status = response.status();
        let location = response.headers().get(header::LOCATION).and_then(|text| text.to_str().ok());
        let url = location.and_then(|text| target::parse_redirect(&next.url, text).ok());
        redirect(&mut next, status, url.ok_or(Failure::BadRedirect)?)?;
        trace.enter(Phase::Dns);
    }
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Turns the request into the one for the redirect's target. Another origin gets neither the headers for the first one
/// nor a body: both may hold secrets.
fn redirect(request: &mut FetchRequest, status: StatusCode, url: Url) -> Result<(), Failure> {
    let becomes_get = match status.as_u16() {
        303 => request.method != Method::HEAD,
        301 | 302 => request.method == Method::POST,
        _ => false,
    };
    if becomes_get {
        request.method = Method::GET;
        request.body = Bytes::new();
        request.headers.remove(header::CONTENT_TYPE);
    }
    if url.origin() != request.url.origin() {
        if !request.body.is_empty() {
            return Err(Failure::BadRedirect);
        }
        request.headers.clear();
    }
    request.url = url;
    Ok(())
}

/// Until the head of the response.
async fn send(
    dialer: &Dialer,
    request: &FetchRequest,
    trace: &mut Trace,
) -> Result<Response<Incoming>, Failure> {
    let host = request.url.host().map(|host| host.to_owned()).ok_or(Failure::BadRedirect)?;
    let port = request.url.port_or_known_default().ok_or(Failure::BadRedirect)?;
    let stream = connect(dialer, &host, port, request.family, trace).await?;
    if request.url.scheme() != "https" {
        return exchange(TokioIo::new(stream), request, trace).await;
    }
    let stream = dialer.tls().connect(stream, &host, request.verify, trace).await?;
    exchange(TokioIo::new(stream), request, trace).await
}

async fn exchange<S>(
    stream: TokioIo<S>,
    request: &FetchRequest,
    trace: &mut Trace,
) -> Result<Response<Incoming>, Failure>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    trace.enter(Phase::FirstByte);
    let (mut sender, connection) = http1::Builder::new()
        .max_buf_size(limits::FETCHED_HEAD_BYTES as usize)
        .max_headers(limits::FETCHED_HEADERS as usize)
        .handshake(stream)
        .await
        .map_err(|problem| classify(&problem))?;
    // Ends when the response is dropped: that is the last handle of the connection.
    tokio::spawn(connection);
    let sent = to_hyper(request).ok_or(Failure::Protocol)?;
    sender.send_request(sent).await.map_err(|problem| classify(&problem))
}

fn to_hyper(request: &FetchRequest) -> Option<Request<Full<Bytes>>> {
    let mut headers = HeaderMap::new();
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    for (name, value) in &request.headers {
        headers.insert(name, value.clone());
    }
    // After the caller's headers: a compressed body could be a bomb, and connections are not reused.
    headers.insert(header::ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    let host = &request.url[Position::BeforeHost..Position::AfterPort];
    headers.insert(header::HOST, HeaderValue::from_str(host).ok()?);
    let path = &request.url[Position::BeforePath..Position::AfterQuery];
    let mut sent = Request::builder()
        .method(request.method.clone())
        .uri(path)
        .body(Full::new(request.body.clone()))
        .ok()?;
    *sent.headers_mut() = headers;
    Some(sent)
}

const USER_AGENT: &str = concat!("api-analytics/", env!("CARGO_PKG_VERSION"));

async fn read_body(response: Response<Incoming>, trace: &mut Trace) -> Result<Answer, Failure> {
    trace.enter(Phase::Body);
    let (head, mut incoming) = response.into_parts();
    // Before reading it, if its length is announced.
    if incoming.size_hint().lower() > limits::FETCHED_BODY_BYTES {
        return Err(Failure::BodyTooLarge);
    }
    let mut body = BytesMut::new();
    while let Some(frame) = incoming.frame().await {
        let frame = frame.map_err(|problem| classify(&problem))?;
        let Ok(data) = frame.into_data() else { continue };
        if (body.len() + data.len()) as u64 > limits::FETCHED_BODY_BYTES {
            return Err(Failure::BodyTooLarge);
        }
        body.extend_from_slice(&data);
    }
    Ok(Answer { status: head.status, headers: head.headers, body: body.freeze() })
}

fn classify(problem: &hyper::Error) -> Failure {
    if problem.is_parse_too_large() {
        return Failure::HeadTooLarge;
    }
    let io = problem.source().and_then(|source| source.downcast_ref::<io::Error>());
    let is_broken = io.is_some_and(|io| {
        matches!(io.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData)
    });
    match problem.is_parse() || problem.is_user() || is_broken {
        true => Failure::Protocol,
        false => Failure::ClosedEarly,
    }
}
