//! The rows: one for each field of a hit. `hit_fields` documents the columns of the table.

use super::{
    FieldInfo, FieldRejection, Kind, Number, Part, Posted, Reading, STRICTEST_LEVEL, Stored, Word,
};
use crate::limits;

/// A field of a hit. The discriminant is its place in `FIELDS`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Field {
    Time,
    Method,
    Host,
    Path,
    Route,
    Version,
    Status,
    Duration,
    Country,
    Address,
    User,
    Agent,
    Client,
    Os,
    Device,
    Referrer,
    Framework,
    RequestSize,
    ResponseSize,
    /// `u:ID`, `a:ADDRESS`, or either if no prefix is given.
    Consumer,
    Sdk,
    RequestId,
    Cache,
}

/// The texts that a hit refers to by number. The discriminant is stored: never renumber.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum TextKind {
    Method = 0,
    Host = 1,
    Path = 2,
    Route = 3,
    Agent = 4,
    Address = 5,
    User = 6,
    Referrer = 7,
    Framework = 8,
    Sdk = 9,
    RequestId = 10,
    Cache = 11,
}

/// Defaults: a text that hits keep at every privacy level.
const TEXT: FieldInfo = FieldInfo {
    field: Field::Time,
    name: "",
    aliases: &[],
    filterable: true,
    kind: Kind::Text,
    posted: None,
    stored: Stored::Nothing,
    column: "",
    since: 1,
    kept_up_to: STRICTEST_LEVEL,
    listed: "",
    counted: true,
    label: "",
    is_code: false,
    doc: "",
    examples: "",
};

const NUMBER: FieldInfo = FieldInfo { kind: Kind::Number, counted: false, ..TEXT };

/// `name`: unless the row says otherwise, the name of its column and of its key in lists too.
const fn text(field: Field, text: TextKind, name: &'static str) -> FieldInfo {
    FieldInfo { field, name, stored: Stored::Text(text), column: name, listed: name, ..TEXT }
}

const fn word(field: Field, word: Word, name: &'static str) -> FieldInfo {
    FieldInfo { field, name, stored: Stored::Word(word), column: name, listed: name, ..TEXT }
}

const fn number(field: Field, number: Number, name: &'static str) -> FieldInfo {
    FieldInfo { field, name, stored: Stored::Number(number), column: name, listed: name, ..NUMBER }
}

const fn posted(key: &'static str, limit: u64) -> Posted {
    Posted { key, part: Part::Hit, reading: Reading::Own, limit, rejection: None, example: "" }
}

const fn rejected(number: u8, code: &'static str) -> Option<FieldRejection> {
    Some(FieldRejection { number, code })
}

/// In the order of the columns of CSV files: new rows go to the end.
pub const FIELDS: &[FieldInfo] = &[
    FieldInfo {
        field: Field::Time,
        name: "time",
        filterable: false,
        posted: Some(Posted {
            rejection: rejected(6, "invalid_created_at"),
            ..posted("created_at", 0)
        }),
        stored: Stored::Time,
        column: "time_us",
        listed: "time",
        label: "Time",
        doc: "When the request came, RFC 3339. A client may post naive local time, or none for when its batch arrives.",
        ..NUMBER
    },
    FieldInfo {
        posted: Some(Posted {
            rejection: rejected(4, "invalid_method"),
            example: "GET",
            ..posted("method", limits::METHOD_CHARACTERS)
        }),
        label: "Method",
        is_code: true,
        doc: "The request's method, in any case.",
        ..text(Field::Method, TextKind::Method, "method")
    },
    FieldInfo {
        aliases: &["hostname"],
        posted: Some(Posted {
            reading: Reading::Host,
            rejection: rejected(8, "invalid_hostname"),
            ..posted("hostname", limits::HOST_CHARACTERS)
        }),
        label: "Host",
        is_code: true,
        doc: "The host that was asked, without a port.",
        ..text(Field::Host, TextKind::Host, "host")
    },
    FieldInfo {
        posted: Some(Posted {
            rejection: rejected(3, "invalid_path"),
            example: "/users/42",
            ..posted("path", limits::PATH_CHARACTERS)
        }),
        label: "Path",
        is_code: true,
        doc: "The path that was asked for, without its query string.",
        examples: "`/users/42`",
        ..text(Field::Path, TextKind::Path, "path")
    },
    FieldInfo {
        aliases: &["endpoint"],
        posted: Some(Posted {
            reading: Reading::Text,
            rejection: rejected(11, "invalid_route"),
            example: "/users/{id}",
            ..posted("route", limits::ROUTE_CHARACTERS)
        }),
        label: "Route",
        is_code: true,
        doc: "The path's template, derived from the path if a client sends none.",
        examples: "`/users/{id}`",
        ..text(Field::Route, TextKind::Route, "route")
    },
    FieldInfo {
        aliases: &["api_version"],
        label: "Version",
        doc: "The API's version, read from the path.",
        examples: "`v1`",
        ..word(Field::Version, Word::Version, "version")
    },
    FieldInfo {
        aliases: &["status_code"],
        kind: Kind::Status,
        posted: Some(Posted {
            rejection: rejected(5, "invalid_status"),
            example: "200",
            ..posted("status", 0)
        }),
        counted: true,
        label: "Status",
        doc: "The answer's status, 100 to 599.",
        examples: "`404`, `5xx`, `>=400`",
        ..number(Field::Status, Number::Status, "status")
    },
    FieldInfo {
        aliases: &["response_time", "latency"],
        kind: Kind::Duration,
        posted: Some(Posted {
            rejection: rejected(7, "invalid_response_time"),
            ..posted("response_time", 0)
        }),
        column: "duration_us",
        listed: "duration_ms",
        label: "Duration",
        doc: "How long the answer took, in milliseconds.",
        examples: "`>1s`, `100ms..1s`",
        ..number(Field::Duration, Number::Duration, "duration")
    },
    FieldInfo {
        field: Field::Country,
        name: "country",
        aliases: &["location"],
        kind: Kind::Country,
        stored: Stored::Country,
        column: "country",
        kept_up_to: 1,
        listed: "country",
        label: "Country",
        doc: "The caller's country, two letters, looked up by the address.",
        examples: "`US`",
        ..TEXT
    },
    FieldInfo {
        aliases: &["ip_address", "ip"],
        posted: Some(posted("ip_address", limits::ADDRESS_CHARACTERS)),
        kept_up_to: 0,
        label: "Address",
        is_code: true,
        doc: "The caller's address, where the project keeps it.",
        ..text(Field::Address, TextKind::Address, "address")
    },
    FieldInfo {
        aliases: &["user_id"],
        posted: Some(Posted {
            reading: Reading::UserId,
            rejection: rejected(10, "invalid_user_id"),
            ..posted("user_id", limits::USER_CHARACTERS)
        }),
        column: "user_id",
        listed: "user_id",
        label: "User",
        doc: "The user id that the API gave.",
        ..text(Field::User, TextKind::User, "user")
    },
    FieldInfo {
        aliases: &["user_agent"],
        posted: Some(Posted {
            reading: Reading::Text,
            rejection: rejected(9, "invalid_user_agent"),
            ..posted("user_agent", limits::AGENT_CHARACTERS)
        }),
        listed: "user_agent",
        label: "User agent",
        is_code: true,
        doc: "The whole user agent.",
        ..text(Field::Agent, TextKind::Agent, "agent")
    },
    FieldInfo {
        aliases: &["browser"],
        label: "Client",
        doc: "The client's name, read from the user agent.",
        examples: "`Chrome`, `curl`",
        ..word(Field::Client, Word::Client, "client")
    },
    FieldInfo {
        aliases: &["operating_system"],
        label: "OS",
        doc: "The operating system, read from the user agent.",
        ..word(Field::Os, Word::Os, "os")
    },
    FieldInfo {
        label: "Device",
        doc: "The kind of device, read from the user agent.",
        examples: "`desktop`, `mobile`, `tablet`, `bot`, `library` or none",
        ..word(Field::Device, Word::Device, "device")
    },
    FieldInfo {
        aliases: &["referer"],
        posted: Some(Posted {
            reading: Reading::Text,
            rejection: rejected(12, "invalid_referrer"),
            ..posted("referrer", limits::REFERRER_CHARACTERS)
        }),
        label: "Referrer",
        is_code: true,
        doc: "The page that the caller came from.",
        ..text(Field::Referrer, TextKind::Referrer, "referrer")
    },
    FieldInfo {
        posted: Some(Posted {
            part: Part::Batch,
            ..posted("framework", limits::FRAMEWORK_CHARACTERS)
        }),
        label: "Framework",
        doc: "The framework that the client named.",
        examples: "`FastAPI`",
        ..text(Field::Framework, TextKind::Framework, "framework")
    },
    FieldInfo {
        kind: Kind::Size,
        posted: Some(posted("request_size", 0)),
        label: "Request size",
        doc: "The size of the request's body in bytes.",
        examples: "`>1mb`",
        ..number(Field::RequestSize, Number::RequestSize, "request_size")
    },
    FieldInfo {
        aliases: &["size"],
        kind: Kind::Size,
        posted: Some(posted("response_size", 0)),
        label: "Response size",
        doc: "The size of the answer's body in bytes.",
        ..number(Field::ResponseSize, Number::ResponseSize, "response_size")
    },
    FieldInfo {
        field: Field::Consumer,
        name: "consumer",
        label: "Consumer",
        doc: "Who called.",
        examples: "`u:ID`, `a:ADDRESS` where there is no user id, or either",
        ..TEXT
    },
    FieldInfo {
        posted: Some(Posted { part: Part::Batch, ..posted("sdk", limits::SDK_CHARACTERS) }),
        listed: "",
        label: "Client library",
        doc: "The client library and its version.",
        ..text(Field::Sdk, TextKind::Sdk, "sdk")
    },
    // Not personal by itself, so every level keeps it: it leads to a person only through the API's own log. Each hit
    // has another, so its values are not counted.
    FieldInfo {
        posted: Some(Posted {
            reading: Reading::Text,
            rejection: rejected(15, "invalid_request_id"),
            ..posted("request_id", limits::REQUEST_ID_CHARACTERS)
        }),
        since: 4,
        counted: false,
        label: "Request id",
        is_code: true,
        doc: "The id under which the API's own log has the request; that log alone can tell whose it was.",
        ..text(Field::RequestId, TextKind::RequestId, "request_id")
    },
    FieldInfo {
        posted: Some(Posted {
            reading: Reading::OneOf(&["hit", "miss"]),
            rejection: rejected(16, "invalid_cache"),
            ..posted("cache", 0)
        }),
        since: 4,
        label: "Cache",
        doc: "Whether a cache had the answer.",
        examples: "`hit`, `miss` or none",
        ..text(Field::Cache, TextKind::Cache, "cache")
    },
];
