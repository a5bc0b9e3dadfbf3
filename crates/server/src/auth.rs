//! Callers and their rights. A handler's argument is its permission: it cannot be forgotten, and a `ProjectScope`
//! (without which no hit can be queried) is made in this file only.
//!
//! A call about a project is authorised by the first of these that it carries: a key or a share link's token in a
//! header, `project=demo`, the page's cookie.

mod any_key;
pub mod cookie;
mod credentials;
mod heartbeat;
mod known;
mod manager;
mod original;
mod page;
mod sender;

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use analytics::filter::{self, Condition, Field, Filter};
use analytics::hit::ProjectId;
use analytics::query::ProjectScope;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use store::meta::{Can, Key, KeyGrant, SessionAccess, SessionProject, ShareLink, Token};

use crate::address::{Peer, client_address};
use crate::app::{App, SharedApp};
use crate::error::{ApiError, Code};
use crate::parameters::{ProjectRead, bad};
use crate::reads::Reader;
use cookie::Cookie;
use known::{known_key, known_session, learn_key, require_touch};

pub use any_key::AnyKey;
pub use credentials::Credentials;
pub use heartbeat::{HeartbeatJob, unknown_heartbeat};
pub use known::limit_unknown;
pub use manager::Manager;
pub use original::{DashboardHolder, KeyInAddress, known_dashboard};
pub use page::{PageCall, Secret, sign_in};
pub use sender::{Ingest, Sender};

/// The kind of a caller's access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// By a key with full access: sees and changes everything.
    Owner,
    /// By the dashboard id: sees everything and manages monitors.
    Dashboard,
    /// By a share link.
    View,
    /// Anyone, at the demo.
    Demo,
}

impl Role {
    /// Its name in the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Owner => "owner",
            Role::Dashboard => "dashboard",
            Role::View => "view",
            Role::Demo => "demo",
        }
    }
}

/// Parts of a project that may be shown. Everything else is shown to anyone who may see the project.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shows {
    pub addresses: bool,
    pub consumers: bool,
    /// Raw hits.
    pub hits: bool,
}

impl Shows {
    pub const EVERYTHING: Shows = Shows { addresses: true, consumers: true, hits: true };
}

/// A caller who may see a project's numbers.
#[derive(Clone, Debug)]
pub struct Viewer {
    pub project: ProjectId,
    pub scope: ProjectScope,
    pub role: Role,
    pub shows: Shows,
    /// The caller's address.
    pub client: IpAddr,
}

/// A caller who sees everything of a project: by its key or by the dashboard id.
pub struct Holder {
    pub project: ProjectId,
    pub scope: ProjectScope,
    pub role: Role,
    /// The caller's address.
    pub client: IpAddr,
}

/// A caller who may change a project: by a key with full access, or a session that was signed in with one.
pub struct Owner {
    pub project: ProjectId,
    pub scope: ProjectScope,
    /// The caller's address.
    pub client: IpAddr,
}

/// Any caller, with the projects that they may see: one by a key, those of a session, or none.
pub struct Visitor {
    pub projects: Vec<Holder>,
}

/// Any caller, by their address.
pub struct ClientAddress(pub IpAddr);

impl FromRequestParts<SharedApp> for Viewer {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Viewer, ApiError> {
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let wanted = wanted_project(parts)?;
        parts.extensions.insert(ProjectRead);
        require_touch(app)?;
        // The original's data API began with `API-Key`.
        if let Some(text) = header_key(&parts.headers, &["api-key"])? {
            let viewer = match Token::parse(&text) {
                Some(token) => {
                    app.meta.learn_share_link(&token).await;
                    by_share_link(app, &token, client)?
                }
                None => {
                    learn_key(app, &text).await;
                    by_key(app, &text, client)?
                }
            };
            let is_other = |wanted: &str| wanted != viewer.project.0.to_string();
            return match wanted.as_deref().is_some_and(is_other) {
                true => {
                    Err(bad("project", "is not the project of the key that came with the call"))
                }
                false => Ok(viewer),
            };
        }
        if wanted.as_deref() == Some(DEMO) {
            return demo(app, client);
        }
        let projects = match cookie::read(&parts.headers, &app.settings) {
            Cookie::Missing => {
                return Err(ApiError::new(
                    Code::MissingKey,
                    "send the project's key in the header X-AUTH-TOKEN, or as `Authorization: Bearer KEY`, or sign in on the page",
                ));
            }
            Cookie::Broken => None,
            Cookie::Token(token) => known_session(app, &token).await,
        };
        cookie::check_origin(&parts.method, &parts.headers, &app.settings)?;
        by_session(app, &projects.unwrap_or_default(), wanted.as_deref(), client)
    }
}

impl Viewer {
    /// An error if the field, or one that reveals it, is not shown to this caller: they may neither list its values nor
    /// filter by it.
    pub fn require_field(&self, field: Field) -> Result<(), ApiError> {
        let shown = match field {
            Field::Address => self.shows.addresses,
            Field::User => self.shows.consumers,
            // A consumer is an address, if there is no user id.
            Field::Consumer => self.shows_consumer_keys(),
            _ => true,
        };
        if shown {
            return Ok(());
        }
        Err(ApiError::new(
            Code::HiddenField,
            format!("the field `{}` is not shown by this share link", field.info().name),
        ))
    }

    /// The reader that pays for this caller's queries.
    pub fn reader(&self) -> Reader {
        Reader::new(self.project, self.client)
    }

    /// Like `require_field`, for every field of a filter. Together with the locked filter it must not have too many
    /// wildcards.
    pub fn require_filter(&self, filter: &Filter) -> Result<(), ApiError> {
        filter::check_wildcards(filter.wildcards() + self.scope.locked().wildcards())?;
        filter.conditions.iter().try_for_each(|condition| self.require_field(condition.field))
    }

    /// Whether consumers may be named: each is a user id or an address.
    pub fn shows_consumer_keys(&self) -> bool {
        self.shows.consumers && self.shows.addresses
    }

    /// Whether there is a locked filter, which they cannot remove.
    pub fn is_locked(&self) -> bool {
        !self.scope.locked().conditions.is_empty()
    }

    /// The locked conditions whose fields the caller may see, and whether there are others: a condition reveals its
    /// value.
    pub fn shown_lock(&self) -> (Filter, bool) {
        let locked = &self.scope.locked().conditions;
        let is_shown = |condition: &&Condition| self.require_field(condition.field).is_ok();
        let shown: Vec<Condition> = locked.iter().filter(is_shown).cloned().collect();
        let hides = shown.len() < locked.len();
        (Filter { conditions: shown }, hides)
    }

    pub fn require_hits(&self) -> Result<(), ApiError> {
        if self.shows.hits {
            return Ok(());
        }
        Err(ApiError::new(Code::HiddenField, "this share link does not show individual requests"))
    }
}

impl FromRequestParts<SharedApp> for Holder {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Holder, ApiError> {
        let viewer = Viewer::from_request_parts(parts, app).await?;
        match viewer.role {
            Role::Owner | Role::Dashboard => {
                let Viewer { project, scope, role, client, .. } = viewer;
                Ok(Holder { project, scope, role, client })
            }
            role => Err(view_only(role)),
        }
    }
}

impl FromRequestParts<SharedApp> for Owner {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Owner, ApiError> {
        let viewer = Viewer::from_request_parts(parts, app).await?;
        match viewer.role {
            Role::Owner => {
                let Viewer { project, scope, client, .. } = viewer;
                Ok(Owner { project, scope, client })
            }
            role => Err(view_only(role)),
        }
    }
}

impl FromRequestParts<SharedApp> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Visitor, ApiError> {
        if header_key(&parts.headers, &["api-key"])?.is_some() {
            return Ok(Visitor { projects: vec![Holder::from_request_parts(parts, app).await?] });
        }
        require_touch(app)?;
        let projects = match cookie::read(&parts.headers, &app.settings) {
            Cookie::Token(token) => known_session(app, &token).await,
            Cookie::Missing | Cookie::Broken => None,
        };
        let client = client_of(parts.extensions.get(), &parts.headers, app);
        let holders = projects.iter().flatten().map(|held| to_holder(held, client));
        Ok(Visitor { projects: holders.collect() })
    }
}

impl Holder {
    /// The reader that pays for this caller's queries.
    pub fn reader(&self) -> Reader {
        Reader::new(self.project, self.client)
    }
}

impl Owner {
    /// The reader that pays for this caller's queries.
    pub fn reader(&self) -> Reader {
        Reader::new(self.project, self.client)
    }

    pub fn into_viewer(self) -> Viewer {
        Viewer { scope: self.scope, ..unlocked(self.project, Role::Owner, self.client) }
    }
}

/// For the server's own queries: the consumers that an outage affects, in the project whose monitor found it. Only its
/// people and channels get the answer.
pub fn scope_of_server(project: ProjectId) -> ProjectScope {
    ProjectScope::granted(project, Filter::default())
}

/// The demo's name in `project=demo`.
const DEMO: &str = "demo";

fn by_key(app: &App, text: &str, client: IpAddr) -> Result<Viewer, ApiError> {
    let (_, grant) = known_key(app, text, client)?;
    require_everything(&grant)?;
    let now_us = app.clock.now_us();
    grant.touch_used(now_us);
    grant.touch_look(now_us);
    Ok(unlocked(grant.project(), Role::Owner, client))
}

fn by_share_link(app: &App, token: &Token, client: IpAddr) -> Result<Viewer, ApiError> {
    let now_us = app.clock.now_us();
    let Some(link) = app.meta.share_link(token, now_us) else {
        limit_unknown(app, client)?;
        return Err(ApiError::new(
            Code::UnknownKey,
            "the share link is not known here, or was revoked; ask the person who sent it for a new one",
        ));
    };
    if link.has_expired(now_us) {
        return Err(ApiError::new(
            Code::ExpiredLink,
            "the share link has expired; ask the person who sent it for a new one",
        ));
    }
    app.meta.touch_look(link.project, now_us);
    let ShareLink { project, new: link, .. } = link;
    // A filter that this version cannot parse must not become an empty one.
    let locked = filter::parse(&link.q)
        .map_err(|error| ApiError::internal("reading a share link's filter", &error))?;
    Ok(Viewer {
        project,
        scope: ProjectScope::granted(project, locked),
        role: Role::View,
        shows: Shows { addresses: link.addresses, consumers: link.consumers, hits: link.hits },
        client,
    })
}

fn by_session(
    app: &App,
    projects: &[SessionProject],
    wanted: Option<&str>,
    client: IpAddr,
) -> Result<Viewer, ApiError> {
    let chosen = match (wanted, projects) {
        (Some(wanted), _) => projects.iter().find(|one| one.project.0.to_string() == wanted),
        (None, [only]) => Some(only),
        (None, []) => None,
        (None, _) => {
            return Err(ApiError::new(
                Code::ProjectRequired,
                "this session holds several projects; say which with `?project=ID`",
            ));
        }
    };
    let chosen = chosen.ok_or_else(|| {
        ApiError::new(
            Code::NotSignedIn,
            "this session does not hold the project; it may have expired, or its key was revoked. Sign in again",
        )
    })?;
    app.meta.touch_look(chosen.project, app.clock.now_us());
    let Holder { project, role, .. } = to_holder(chosen, client);
    Ok(unlocked(project, role, client))
}

fn to_holder(held: &SessionProject, client: IpAddr) -> Holder {
    let role = match held.access {
        SessionAccess::Owner => Role::Owner,
        SessionAccess::Dashboard => Role::Dashboard,
    };
    let scope = ProjectScope::granted(held.project, Filter::default());
    Holder { project: held.project, scope, role, client }
}

fn demo(app: &App, client: IpAddr) -> Result<Viewer, ApiError> {
    match app.meta.demo_project() {
        Some(project) => Ok(unlocked(project.id, Role::Demo, client)),
        None => Err(ApiError::new(
            Code::NoDemo,
            "this server has no demo; its operator switches it on with the setting `demo`",
        )),
    }
}

fn unlocked(project: ProjectId, role: Role, client: IpAddr) -> Viewer {
    Viewer {
        project,
        scope: ProjectScope::granted(project, Filter::default()),
        role,
        shows: Shows::EVERYTHING,
        client,
    }
}

fn view_only(role: Role) -> ApiError {
    let message = match role {
        Role::Demo => "the demo can be looked at and not changed",
        Role::View => {
            "a share link shows a project's numbers and nothing else; this needs a key with full access"
        }
        Role::Dashboard | Role::Owner => {
            "the dashboard id opens a project's numbers and its monitors; this needs a key with full access"
        }
    };
    ApiError::new(Code::ViewOnly, message)
}

/// The value of `?project=`; "" counts as absent.
fn wanted_project(parts: &Parts) -> Result<Option<String>, ApiError> {
    let pairs = form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
    let mut found: Option<String> = None;
    for (name, value) in pairs {
        let value = value.trim();
        if name != "project" || value.is_empty() {
            continue;
        }
        if found.as_deref().is_some_and(|before| before != value) {
            return Err(bad("project", "is there twice, with different values"));
        }
        found = Some(value.to_owned());
    }
    Ok(found)
}

impl FromRequestParts<SharedApp> for ClientAddress {
    type Rejection = ApiError;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<ClientAddress, ApiError> {
        Ok(ClientAddress(client_of(parts.extensions.get(), &parts.headers, app)))
    }
}

/// The caller's address.
pub fn client_of(peer: Option<&Peer>, headers: &HeaderMap, app: &App) -> IpAddr {
    let unknown = Peer(SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0)));
    client_address(peer.copied().unwrap_or(unknown), headers, &app.settings.trusted_proxies)
}

/// The key in `X-AUTH-TOKEN`, `Authorization: Bearer`, or one of `more`; two of them must agree.
fn header_key(headers: &HeaderMap, more: &[&str]) -> Result<Option<String>, ApiError> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).and_then(
        |value| {
            let (scheme, token) = value.trim().split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
        },
    );
    let named = ["x-auth-token"].iter().chain(more).filter_map(|name| headers.get(*name));
    // Bytes that are not text make an unknown key, not a missing one.
    let named =
        named.map(|value| value.to_str().unwrap_or("?")).filter(|value| !value.trim().is_empty());
    let mut found: Option<&str> = None;
    for text in named.chain(bearer) {
        match found {
            Some(before) if !are_same(before, text) => {
                return Err(keys_disagree());
            }
            _ => found = Some(text),
        }
    }
    Ok(found.map(str::to_owned))
}

/// Whether two texts are the same key, in whatever spelling.
fn are_same(one: &str, other: &str) -> bool {
    let key = Key::parse(one);
    one == other || (key.is_some() && key == Key::parse(other))
}

fn require_everything(grant: &KeyGrant) -> Result<(), ApiError> {
    match grant.can() {
        Can::Everything => Ok(()),
        Can::Ingest => Err(ApiError::new(
            Code::IngestOnlyKey,
            "this key can only post hits; use one with full access",
        )),
    }
}

fn keys_disagree() -> ApiError {
    ApiError::new(
        Code::KeysDisagree,
        "two different keys came with the call; send one, or the same in both places",
    )
}
