//! Every way in which a call can fail, in one table: a stable code, its status, and its meaning. Handlers report the
//! error; only this file chooses the status.
//!
//! Every error body is `{"status","code","message"}`; the message says what, where, and what to do about it. A message
//! never holds a key, an address or anything else from a hit.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse;
use serde::Serialize;

use crate::call_id::{self, CallId};

/// The error as a client sees it. `extra` goes into the body beside the rest.
#[derive(Debug)]
pub struct ApiError {
    pub code: Code,
    pub message: String,
    pub retry_after_s: Option<u32>,
    pub extra: Option<serde_json::Map<String, serde_json::Value>>,
}

/// Makes the enum and its table from one list.
macro_rules! codes {
    ($($variant:ident $name:literal $status:literal $meaning:literal;)*) => {
        /// A stable code.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Code { $(#[doc = $meaning] $variant),* }

        impl Code {
            /// All of them, in the order of the enum.
            pub const ALL: &[Code] = &[$(Code::$variant),*];

            fn row(self) -> (&'static str, u16, &'static str) {
                match self { $(Code::$variant => ($name, $status, $meaning)),* }
            }
        }
    };
}

codes! {
    InvalidJson "invalid_json" 400 "The body is not the JSON object that is expected here";
    InvalidRequests "invalid_requests" 400 "`requests` is missing or not an array";
    InvalidBatchId "invalid_batch_id" 400 "`batch_id` cannot be used";
    InvalidEncoding "invalid_encoding" 400 "The body is not what its Content-Encoding says";
    EveryHitRejected "every_hit_rejected" 400 "Hits were sent and none could be kept";
    UnreadableBody "unreadable_body" 400 "The body broke off";
    InvalidHost "invalid_host" 400 "The header `Host` is missing, there twice, or no host";
    InvalidParameter "invalid_parameter" 400 "A parameter of the address cannot be used";
    InvalidLimit "invalid_limit" 400 "`limit` is not a number that is allowed";
    InvalidQuery "invalid_query" 400 "`q` cannot be read";
    InvalidCursor "invalid_cursor" 400 "`after` is not a cursor that this server gave";
    InvalidConsumer "invalid_consumer" 400 "The consumer is neither u:ID nor a:ADDRESS";
    InvalidName "invalid_name" 400 "The name cannot be used";
    InvalidMonitor "invalid_monitor" 400 "A field of a monitor cannot be used";
    InvalidChannel "invalid_channel" 400 "A field of a channel cannot be used";
    InvalidRule "invalid_rule" 400 "A field of a rule cannot be used";
    InvalidMaintenance "invalid_maintenance" 400 "A field of a maintenance window cannot be used";
    InvalidDeploy "invalid_deploy" 400 "A field of a deploy cannot be used";
    InvalidView "invalid_view" 400 "A field of a saved view cannot be used";
    InvalidIncident "invalid_incident" 400 "A field of an incident cannot be used";
    InvalidStatusPage "invalid_status_page" 400 "A field of a status page cannot be used";
    InvalidSubscription "invalid_subscription" 400 "The address that is to be subscribed is not an e-mail address";
    InvalidSchedule "invalid_schedule" 400 "A cron expression or a time zone cannot be used";
    InvalidSetting "invalid_setting" 400 "A setting of a project or share link cannot be used";
    ProjectRequired "project_required" 400 "The session holds several projects and the call does not say which";
    UnknownKeyInAddress "unknown_key_in_address" 400 "The key in the address is not known";
    MissingKey "missing_key" 401 "No key came with the call";
    UnknownKey "unknown_key" 401 "The key is not known, or was revoked";
    KeysDisagree "keys_disagree" 401 "Two different keys came with the call";
    NotSignedIn "not_signed_in" 401 "The session does not hold this project";
    ExpiredLink "expired_link" 401 "The share link has expired";
    IngestOnlyKey "ingest_only_key" 403 "The key may post hits and nothing else";
    ViewOnly "view_only" 403 "The caller may look at the project and not change it";
    HiddenField "hidden_field" 403 "The share link does not show this";
    WrongOrigin "wrong_origin" 403 "Another site made a browser call";
    RegistrationClosed "registration_closed" 403 "Projects are created by the operator";
    GetDeleteOff "get_delete_off" 403 "Deleting by GET is off";
    MetricsPrivate "metrics_private" 403 "The metrics are for others";
    UnknownConsumer "unknown_consumer" 404 "No request of this consumer is kept";
    UnknownHit "unknown_hit" 404 "The project has no hit with this id, or the share link does not show it";
    UnknownDashboard "unknown_dashboard" 404 "No project has this dashboard id";
    NoDemo "no_demo" 404 "The server has no demo";
    UnknownKeyId "unknown_key_id" 404 "The project has no such key";
    UnknownShareLink "unknown_share_link" 404 "The project has no such share link";
    UnknownHeartbeat "unknown_heartbeat" 404 "No monitor waits for this heartbeat";
    UnknownMaintenance "unknown_maintenance" 404 "The project has no such maintenance window";
    UnknownChannel "unknown_channel" 404 "The project has no such channel";
    UnknownRule "unknown_rule" 404 "The project has no such rule";
    UnknownDeploy "unknown_deploy" 404 "The project has no such deploy";
    UnknownView "unknown_view" 404 "The project has no such saved view";
    UnknownIncident "unknown_incident" 404 "The project has no such incident";
    UnknownStatusPage "unknown_status_page" 404 "There is no status page at this address";
    UnknownSubscription "unknown_subscription" 404 "There is no such subscription to a status page";
    UnknownMonitor "unknown_monitor" 404 "The project has no such monitor";
    NotFound "not_found" 404 "There is nothing at this address";
    MethodNotAllowed "method_not_allowed" 405 "The address does not know this method";
    RequestTimeout "request_timeout" 408 "The body came too slowly";
    KeyTaken "key_taken" 409 "The key or user id is registered already";
    LastKey "last_key" 409 "The last key with full access cannot be revoked";
    TooManyKeys "too_many_keys" 409 "The project has as many keys as it may have";
    TooManyShareLinks "too_many_share_links" 409 "The project has as many share links as it may have";
    SlugTaken "slug_taken" 409 "Another status page has this address";
    MonitorTaken "monitor_taken" 409 "The project has a monitor of this address";
    ManagedByFile "managed_by_file" 409 "The monitor is kept in the operator's file of monitors, and changed there alone";
    TooManyMaintenanceWindows "too_many_maintenance_windows" 409 "The project has as many maintenance windows as it may have";
    TooManyChannels "too_many_channels" 409 "The project has as many channels as it may have";
    TooManyRules "too_many_rules" 409 "The project has as many rules as it may have";
    ViewTaken "view_taken" 409 "The project has a saved view of this name";
    TooManyViews "too_many_views" 409 "The project has as many saved views as it may have";
    TooManySubscribers "too_many_subscribers" 409 "The status page has as many subscribers as it may have";
    TooManyMonitors "too_many_monitors" 409 "The project has as many monitors as it may have";
    BodyTooLarge "body_too_large" 413 "The body is too large";
    TooManyHits "too_many_hits" 413 "The batch has too many hits";
    UnsupportedEncoding "unsupported_encoding" 415 "The Content-Encoding is not known here";
    UnknownHost "unknown_host" 421 "The server is not known by this name";
    TooManyUnknownKeys "too_many_unknown_keys" 429 "Too many calls with unknown keys from one address";
    TooManyQueries "too_many_queries" 429 "Too many queries wait for their turn";
    TooManyWatchers "too_many_watchers" 429 "As many pages and programs follow hits as may";
    TooManyChecks "too_many_checks" 429 "Too many checks were asked for from one address";
    TooManyDeploys "too_many_deploys" 429 "Too many deploys were posted from one address";
    TooManyTests "too_many_tests" 429 "Too many test notices were asked for from one address";
    TooManySubscriptions "too_many_subscriptions" 429 "Too many subscriptions were asked for, from one address or of one status page";
    TooManyProjects "too_many_projects" 429 "Too many projects created from one address";
    Internal "internal" 500 "The server failed; its log says how";
    DataDamaged "data_damaged" 500 "A data file of the server is damaged";
    Overloaded "overloaded" 503 "The server cannot take this now";
    DiskLow "disk_low" 503 "The server's disk is nearly full";
    WriteFailed "write_failed" 503 "The server's disk did not take it";
    ErasureWaits "erasure_waits" 503 "The erasure is noted, and waits for the server's disk";
    ErasureBlocked "erasure_blocked" 503 "The erasure is noted, and waits for a damaged file that the operator has to restore or delete";
    DatabaseAway "database_away" 503 "The database of projects and settings does not answer";
    Closing "closing" 503 "The server is stopping";
    Reopening "reopening" 503 "The server opens its data files again after a failure";
    QueryTimeout "query_timeout" 503 "The query took too long";
    QueryTooLarge "query_too_large" 503 "The query needs more memory than readers have";
}

impl Code {
    pub fn name(self) -> &'static str {
        self.row().0
    }

    pub fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().1).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Whether authentication refused the call's key, or found none.
    pub fn is_about_a_key(self) -> bool {
        matches!(
            self,
            Code::MissingKey | Code::UnknownKey | Code::KeysDisagree | Code::TooManyUnknownKeys
        )
    }

    /// One line for documents.
    pub fn meaning(self) -> &'static str {
        self.row().2
    }
}

impl ApiError {
    pub fn new(code: Code, message: impl Into<String>) -> ApiError {
        ApiError { code, message: message.into(), retry_after_s: None, extra: None }
    }

    pub fn retry_after(mut self, seconds: u32) -> ApiError {
        self.retry_after_s = Some(seconds);
        self
    }

    /// For problems that only the operator can fix: the log gets the cause, the client does not.
    pub fn internal(doing: &'static str, cause: &dyn std::fmt::Display) -> ApiError {
        let id = call_id::current();
        tracing::error!(%cause, request_id = id.as_ref().map(CallId::as_str), "{doing} failed");
        ApiError::new(Code::Internal, format!("{doing} failed; the server's log says why"))
    }
}

#[derive(Serialize)]
struct ErrorBody<'a> {
    status: u16,
    code: &'static str,
    message: &'a str,
    #[serde(flatten)]
    extra: &'a Option<serde_json::Map<String, serde_json::Value>>,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response<Body> {
        let status = self.code.status();
        let body = ErrorBody {
            status: status.as_u16(),
            code: self.code.name(),
            message: &self.message,
            extra: &self.extra,
        };
        let body = serde_json::to_vec(&body).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if let Some(seconds) = self.retry_after_s {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response.extensions_mut().insert(self.code);
        response
    }
}

impl From<store::StoreError> for ApiError {
    fn from(error: store::StoreError) -> ApiError {
        use store::StoreError;
        match error {
            StoreError::Full => ApiError::new(
                Code::Overloaded,
                "hits arrive faster than they can be stored; send this batch again after the time in Retry-After",
            )
            .retry_after(5),
            StoreError::DiskLow => ApiError::new(
                Code::DiskLow,
                "the server's disk is nearly full; send this again when its operator has made room",
            )
            .retry_after(60),
            StoreError::CommitFailed => ApiError::new(
                Code::WriteFailed,
                "the server's disk did not take it; send it again after the time in Retry-After. A batch with a batch_id counts once, \
                 however often it is sent",
            )
            .retry_after(5),
            StoreError::ErasureWaits => ApiError::new(
                Code::ErasureWaits,
                "the erasure is noted and will be done, but the server's data files cannot be written now, most often for want of \
                 disk space; its operator finds the cause in /api/health. Ask again later to know; asking again does no harm",
            )
            .retry_after(60),
            StoreError::ErasureBlocked { .. } => ApiError::new(
                Code::ErasureBlocked,
                "the erasure is noted, and is done once the server's operator has restored or deleted a damaged data file, which \
                 /api/health names. Ask again later to know; asking again does no harm",
            )
            .retry_after(3_600),
            StoreError::ProjectGone => {
                ApiError::new(Code::UnknownKey, "the project of this key was deleted; create another one")
            }
            StoreError::Timeout(seconds) => ApiError::new(
                Code::QueryTimeout,
                format!("the query ran longer than {seconds} s and was stopped; ask for a shorter period"),
            )
            .retry_after(5),
            StoreError::OutOfMemory(_) => ApiError::new(
                Code::QueryTooLarge,
                "the query needs more memory than readers have now; ask for a shorter period, or again in a moment",
            )
            .retry_after(10),
            StoreError::Closing => {
                ApiError::new(Code::Closing, "the server is stopping; send this again in a moment").retry_after(2)
            }
            StoreError::Reopening => ApiError::new(
                Code::Reopening,
                "the server opens its data files again after a failure; nothing is lost. Send this again in a moment",
            )
            .retry_after(5),
            StoreError::EngineAway { .. } => {
                ApiError::new(Code::Reopening, "the database that holds the hits is away; send this again in a moment").retry_after(5)
            }
            StoreError::Damaged(_) => {
                let id = call_id::current();
                tracing::error!(%error, request_id = id.as_ref().map(CallId::as_str), "data is damaged");
                ApiError::new(
                    Code::DataDamaged,
                    "a data file of the server is damaged, so trying again does not help; its operator finds the file in the server's \
                     log, and can restore it from a backup",
                )
            }
            // For the operator alone. There is no `_` here, so that a new error must choose its answer.
            StoreError::NumbersUsedUp
            | StoreError::Cancelled
            | StoreError::Locked(_)
            | StoreError::EngineInUse { .. }
            | StoreError::ReadingFailed
            | StoreError::Panicked(_)
            | StoreError::BackupFailed(_)
            | StoreError::UnusablePath(_)
            | StoreError::LogInUse
            | StoreError::Newer(_)
            | StoreError::NodeTaken { .. }
            | StoreError::NotWhole(_)
            | StoreError::Engine { .. }
            | StoreError::Sqlite { .. }
            | StoreError::System { .. }
            | StoreError::ProjectFiles { .. } => ApiError::internal("the store", &error),
        }
    }
}

impl From<crate::reads::Refused> for ApiError {
    fn from(refused: crate::reads::Refused) -> ApiError {
        let seconds = refused.retry_after_s;
        let message = format!("too many queries wait for their turn; ask again in {seconds} s");
        ApiError::new(Code::TooManyQueries, message).retry_after(seconds)
    }
}

impl From<crate::ask::AskError> for ApiError {
    fn from(error: crate::ask::AskError) -> ApiError {
        match error {
            crate::ask::AskError::Busy(refused) => refused.into(),
            crate::ask::AskError::Store(error) => error.into(),
        }
    }
}

impl From<store::meta::MetaError> for ApiError {
    fn from(error: store::meta::MetaError) -> ApiError {
        use store::meta::MetaError;
        let code = match error {
            MetaError::KeyTaken | MetaError::UserIdTaken => Code::KeyTaken,
            MetaError::TooManyKeys => Code::TooManyKeys,
            MetaError::TooManyShareLinks => Code::TooManyShareLinks,
            MetaError::TooManyChannels => Code::TooManyChannels,
            MetaError::TooManyRules => Code::TooManyRules,
            MetaError::TooManyMaintenanceWindows => Code::TooManyMaintenanceWindows,
            MetaError::TooManyMonitors => Code::TooManyMonitors,
            MetaError::TooManySubscribers => Code::TooManySubscribers,
            MetaError::TooManyViews => Code::TooManyViews,
            MetaError::ViewTaken => Code::ViewTaken,
            MetaError::SlugTaken => Code::SlugTaken,
            MetaError::TooManySubscriptions => {
                let refused = ApiError::new(Code::TooManySubscriptions, error.to_string());
                return refused.retry_after(3_600);
            }
            MetaError::ChangedElsewhere => Code::DatabaseAway,
            MetaError::Inbox(error) => return (*error).into(),
            other if other.is_away() => return database_away(&other),
            other => return ApiError::internal("the table of projects", &other),
        };
        ApiError::new(code, error.to_string())
    }
}

impl From<store::checks::ChecksError> for ApiError {
    fn from(error: store::checks::ChecksError) -> ApiError {
        match error.is_away() {
            true => database_away(&error),
            false => ApiError::internal("the results of checks", &error),
        }
    }
}

fn database_away(problem: &dyn std::fmt::Display) -> ApiError {
    tracing::warn!(%problem, "a call needs the database of projects and settings");
    let message = "the database of projects and settings does not answer; nothing was changed. Send this again in a moment";
    ApiError::new(Code::DatabaseAway, message).retry_after(5)
}

impl From<analytics::fields::FieldError> for ApiError {
    fn from(error: analytics::fields::FieldError) -> ApiError {
        let code = match error.field.as_str() {
            "cron" | "time_zone" => Code::InvalidSchedule,
            _ => Code::InvalidMonitor,
        };
        ApiError::new(code, error.to_string())
    }
}

/// Errors that say all in their text: each with its code.
macro_rules! plain_errors {
    ($($error:ty => $code:ident,)*) => {
        $(impl From<$error> for ApiError {
            fn from(error: $error) -> ApiError {
                ApiError::new(Code::$code, error.to_string())
            }
        })*
    };
}

plain_errors! {
    analytics::alert::RuleFieldError => InvalidRule,
    analytics::notice::ChannelError => InvalidChannel,
    analytics::status_page::StatusPageError => InvalidStatusPage,
    analytics::period::PeriodError => InvalidParameter,
}

impl From<analytics::ingest::DecodeError> for ApiError {
    fn from(error: analytics::ingest::DecodeError) -> ApiError {
        let code = Code::ALL.iter().find(|code| code.name() == error.code());
        ApiError::new(*code.unwrap_or(&Code::InvalidJson), error.to_string())
    }
}

impl From<analytics::filter::FilterError> for ApiError {
    fn from(error: analytics::filter::FilterError) -> ApiError {
        let place = [("offset".to_owned(), error.offset.into())].into_iter().collect();
        let said = ApiError::new(Code::InvalidQuery, format!("`q`: {error}"));
        ApiError { extra: Some(place), ..said }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_unlike_each_other_and_have_a_status() {
        for (index, code) in Code::ALL.iter().enumerate() {
            assert!(
                code.status().is_client_error() || code.status().is_server_error(),
                "{}",
                code.name()
            );
            assert_eq!(*code as usize, index);
            assert!(
                Code::ALL.iter().filter(|other| other.name() == code.name()).count() == 1,
                "{}",
                code.name()
            );
        }
    }

    #[test]
    fn each_error_of_the_store_says_whether_to_try_again() {
        use store::StoreError;
        let text = || "sealed-00000001.duckdb".to_owned();
        let engine = StoreError::Engine { context: "reading hits", cause: "Input/output".into() };
        let cause = std::io::Error::from(std::io::ErrorKind::StorageFull);
        let system = StoreError::System { context: "writing", cause };
        let projects = StoreError::ProjectFiles { context: "opening", cause: "broken".into() };
        let internal = (Code::Internal, None);
        for (error, expect) in [
            (StoreError::Full, (Code::Overloaded, Some(5))),
            (StoreError::CommitFailed, (Code::WriteFailed, Some(5))),
            (StoreError::DiskLow, (Code::DiskLow, Some(60))),
            (StoreError::ErasureWaits, (Code::ErasureWaits, Some(60))),
            (StoreError::ErasureBlocked { file: text() }, (Code::ErasureBlocked, Some(3_600))),
            (StoreError::ProjectGone, (Code::UnknownKey, None)),
            (StoreError::Timeout(30), (Code::QueryTimeout, Some(5))),
            (StoreError::OutOfMemory("reading hits"), (Code::QueryTooLarge, Some(10))),
            (StoreError::Closing, (Code::Closing, Some(2))),
            (StoreError::Reopening, (Code::Reopening, Some(5))),
            (StoreError::EngineAway { cause: text() }, (Code::Reopening, Some(5))),
            (StoreError::Damaged(text()), (Code::DataDamaged, None)),
            (StoreError::NumbersUsedUp, internal),
            (StoreError::Cancelled, internal),
            (StoreError::Locked("data".into()), internal),
            (StoreError::EngineInUse { seconds: 40 }, internal),
            (StoreError::ReadingFailed, internal),
            (StoreError::Panicked("a read"), internal),
            (StoreError::BackupFailed(text()), internal),
            (StoreError::UnusablePath(text()), internal),
            (StoreError::LogInUse, internal),
            (StoreError::Newer(text()), internal),
            (StoreError::NotWhole(text()), internal),
            (engine, internal),
            (system, internal),
            (projects, internal),
        ] {
            let cause = error.to_string();
            let answer = ApiError::from(error);
            assert_eq!((answer.code, answer.retry_after_s), expect, "{cause}");
            // A retry helps exactly if the answer says when.
            let may_retry = answer.code.status() == StatusCode::SERVICE_UNAVAILABLE;
            assert_eq!(may_retry, answer.retry_after_s.is_some(), "{cause}");
            assert!(!answer.message.contains(&text()), "a caller has no use for {cause}");
        }
    }

    #[test]
    fn what_a_batch_is_refused_for_is_in_the_table() {
        use analytics::ingest::DecodeError;
        for error in [
            DecodeError::NotJson { message: String::new(), line: 1, column: 1 },
            DecodeError::NotAnObject,
            DecodeError::NoRequests,
            DecodeError::RequestsNotAnArray,
            DecodeError::LongBatchId(1),
            DecodeError::TooManyHits(1),
        ] {
            let too_large = error.is_too_large();
            let name = error.code();
            let code = ApiError::from(error).code;
            assert_eq!(code.name(), name);
            assert_eq!(code.status().as_u16(), if too_large { 413 } else { 400 });
        }
    }

    #[test]
    fn limits_name_codes_that_exist() {
        let reasons = analytics::ingest::Reason::ALL.map(|reason| reason.as_str());
        for limit in analytics::limits::LIMITS.iter().filter(|limit| !limit.code.is_empty()) {
            let known = Code::ALL.iter().any(|code| code.name() == limit.code)
                || reasons.contains(&limit.code);
            assert!(known, "{}: {}", limit.name, limit.code);
        }
    }
}
