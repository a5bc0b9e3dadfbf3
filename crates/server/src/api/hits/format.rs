//! A hit as our API shows it, as JSON and as a row of a spreadsheet.

use std::borrow::Cow;

use serde::Serialize;
use store::HitRow;
use utoipa::ToSchema;

use crate::rows::to_rfc3339;

/// A hit. Null where nothing is known.
#[derive(Debug, PartialEq, Serialize, ToSchema)]
pub struct ApiHit {
    /// The server's name for it; a number too large for JavaScript, so it is a string.
    pub hit_id: String,
    /// RFC 3339, UTC.
    pub time: String,
    pub method: String,
    pub host: Option<String>,
    pub path: String,
    pub route: Option<String>,
    /// API version in the path, such as `v1`.
    pub version: Option<String>,
    pub status: u16,
    pub duration_ms: Option<f64>,
    /// Two letters.
    pub country: Option<String>,
    pub address: Option<String>,
    pub user_id: Option<String>,
    pub user_agent: Option<String>,
    pub client: Option<String>,
    pub os: Option<String>,
    pub device: Option<String>,
    pub referrer: Option<String>,
    pub framework: Option<String>,
    /// Bytes.
    pub request_size: Option<u64>,
    /// Bytes.
    pub response_size: Option<u64>,
}

impl ApiHit {
    pub(super) fn new(row: &HitRow) -> ApiHit {
        let text = |text: &str| (!text.is_empty()).then(|| text.to_owned());
        ApiHit {
            hit_id: row.hit_id.to_string(),
            time: to_rfc3339(row.time_us),
            method: row.method.to_string(),
            host: text(&row.host),
            path: row.path.to_string(),
            route: text(&row.route),
            version: text(&row.version),
            status: row.status,
            duration_ms: row.duration_us.map(|us| us as f64 / 1_000.0),
            country: text(row.country.as_str()),
            address: text(&row.address),
            user_id: text(&row.user),
            user_agent: text(&row.agent),
            client: text(&row.client),
            os: text(&row.os),
            device: text(&row.device),
            referrer: text(&row.referrer),
            framework: text(&row.framework),
            request_size: row.request_size,
            response_size: row.response_size,
        }
    }
}

/// Formats of one hit a line.
#[derive(Clone, Copy)]
pub enum Lines {
    Json,
    Csv,
}

impl Lines {
    pub(super) fn write(self, rows: &[HitRow], with_header: bool) -> Vec<u8> {
        match self {
            Lines::Json => write_json(rows),
            Lines::Csv => write_csv(rows, with_header),
        }
    }
}

fn write_json(rows: &[HitRow]) -> Vec<u8> {
    let mut out = Vec::with_capacity(rows.len() * 384);
    for row in rows {
        // Writing to a vector does not fail.
        let _ = serde_json::to_writer(&mut out, &ApiHit::new(row));
        out.push(b'\n');
    }
    out
}

/// The columns, in the order of `ApiHit`'s fields.
const COLUMNS: [&str; 20] = [
    "hit_id",
    "time",
    "method",
    "host",
    "path",
    "route",
    "version",
    "status",
    "duration_ms",
    "country",
    "address",
    "user_id",
    "user_agent",
    "client",
    "os",
    "device",
    "referrer",
    "framework",
    "request_size",
    "response_size",
];

fn write_csv(rows: &[HitRow], with_header: bool) -> Vec<u8> {
    // RFC 4180: lines end with CR LF.
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::with_capacity(rows.len() * 256));
    if with_header {
        let _ = writer.write_record(COLUMNS);
    }
    for row in rows {
        let number =
            |number: Option<u64>| number.map(|number| number.to_string()).unwrap_or_default();
        let duration_ms =
            row.duration_us.map(|us| (us as f64 / 1_000.0).to_string()).unwrap_or_default();
        let (hit_id, time, status) =
            (row.hit_id.to_string(), to_rfc3339(row.time_us), row.status.to_string());
        let (request_size, response_size) = (number(row.request_size), number(row.response_size));
        let fields: [&str; 20] = [
            &hit_id,
            &time,
            &row.method,
            &row.host,
            &row.path,
            &row.route,
            &row.version,
            &status,
            &duration_ms,
            row.country.as_str(),
            &row.address,
            &row.user,
            &row.agent,
            &row.client,
            &row.os,
            &row.device,
            &row.referrer,
            &row.framework,
            &request_size,
            &response_size,
        ];
        let _ = writer
            .write_record(fields.iter().map(|field| harmless(field).into_owned().into_bytes()));
    }
    writer.into_inner().unwrap_or_default()
}

/// A formula in a spreadsheet begins with one of these. Some programs also accept the full-width forms.
const FORMULA_SIGNS: [char; 9] =
    ['=', '+', '-', '@', '\u{2212}', '\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];

/// True for what a spreadsheet may pass over in front of a formula: it takes it off, or does not show it.
fn is_passed_over(char: char) -> bool {
    let is_format = matches!(char,
        '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}'
        | '\u{2060}'..='\u{2064}' | '\u{2066}'..='\u{206f}' | '\u{feff}');
    char.is_whitespace() || char.is_control() || is_format
}

/// A spreadsheet takes what begins so for a formula and runs it; an apostrophe makes it text (OWASP, "CSV Injection").
fn harmless(field: &str) -> Cow<'_, str> {
    let is_formula = field.trim_start_matches(is_passed_over).starts_with(FORMULA_SIGNS);
    // A tab or the end of a line at the beginning may also end the cell.
    if is_formula || field.starts_with(['\t', '\r', '\n']) {
        Cow::Owned(format!("'{field}"))
    } else {
        Cow::Borrowed(field)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use analytics::hit::Country;

    fn row() -> HitRow {
        HitRow {
            hit_id: 1 << 60,
            time_us: 1_764_000_000_887_565,
            duration_us: Some(12_345),
            status: 200,
            country: Country(*b"NP"),
            request_size: None,
            response_size: Some(7),
            method: "GET".into(),
            host: "".into(),
            path: "/a,\"b\"".into(),
            route: "/a".into(),
            agent: "=cmd|' /C calc'!A0".into(),
            address: "".into(),
            user: "+1".into(),
            referrer: "".into(),
            framework: "FastAPI".into(),
            client: "".into(),
            os: "".into(),
            device: "".into(),
            version: "".into(),
        }
    }

    #[test]
    fn a_csv_has_no_formulas() {
        let text = String::from_utf8(write_csv(&[row()], true)).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], COLUMNS.join(","));
        assert_eq!(
            lines[1],
            "1152921504606846976,2025-11-24T16:00:00.887565Z,GET,,\"/a,\"\"b\"\"\",/a,,200,12.345,NP,,'+1,'=cmd|' /C calc'!A0,,,,,FastAPI,,7"
        );
        assert_eq!(lines[2..], [""]);
    }

    #[test]
    fn nothing_in_front_of_a_formula_hides_it() {
        let before = [
            "",
            " ",
            "\u{a0}",
            "\u{feff}",
            "\u{1}",
            "\u{7f}",
            "\u{200b}",
            "\t",
            "\r\n",
            "\u{3000} \u{feff}",
        ];
        for (before, sign) in
            before.iter().flat_map(|before| FORMULA_SIGNS.map(|sign| (before, sign)))
        {
            let field = format!("{before}{sign}HYPERLINK(1)");
            assert_eq!(harmless(&field), format!("'{field}"), "{field:?}");
        }
        for field in ["", " ", "a=1", "/users/-1", "203.0.113.9", "\u{feff}a", "1-2"] {
            assert_eq!(harmless(field), field, "{field:?}");
        }
    }

    #[test]
    fn columns_are_the_fields() {
        let hit = serde_json::to_string(&ApiHit::new(&row())).unwrap();
        let mut place = 0;
        for column in COLUMNS {
            let found = hit[place..].find(&format!("\"{column}\":"));
            place += found.unwrap_or_else(|| panic!("{column} is missing or out of order"));
        }
        assert_eq!(
            serde_json::from_str::<serde_json::Map<_, _>>(&hit).unwrap().len(),
            COLUMNS.len()
        );
    }
}
