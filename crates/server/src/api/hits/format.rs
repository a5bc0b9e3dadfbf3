//! A hit in our API, as JSON and as a row of a spreadsheet.

use std::borrow::Cow;

use analytics::hit_fields::{FieldInfo, Number, Stored, listed};
use serde::ser::{Serialize, SerializeMap, Serializer};
use store::HitRow;

use crate::pieces::to_rfc3339;
use crate::spreadsheet::{self, harmless};

/// A hit as JSON: its id, then its fields in the order of their table. Null for unknown values.
pub struct Listed<'a>(pub &'a HitRow);

/// The value of a field, as clients get it.
enum Value<'a> {
    Nothing,
    Text(&'a str),
    Time(i64),
    Number(u64),
    /// Microseconds, shown as milliseconds.
    Duration(u64),
}

fn value_of<'a>(row: &'a HitRow, info: &FieldInfo) -> Value<'a> {
    let text = |text: &'a str| if text.is_empty() { Value::Nothing } else { Value::Text(text) };
    match info.stored {
        Stored::Time => Value::Time(row.time_us),
        Stored::Number(Number::Duration) => row.duration_us.map_or(Value::Nothing, Value::Duration),
        Stored::Number(number) => row.number(number).map_or(Value::Nothing, Value::Number),
        Stored::Country => text(row.country.as_str()),
        Stored::Text(kind) => text(row.text(kind)),
        Stored::Word(word) => text(row.word(word)),
        Stored::Nothing => Value::Nothing,
    }
}

fn to_ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

impl Serialize for Listed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut fields = serializer.serialize_map(None)?;
        fields.serialize_entry("hit_id", &self.0.hit_id.to_string())?;
        for info in listed() {
            let key = info.listed;
            match value_of(self.0, info) {
                Value::Nothing => fields.serialize_entry(key, &())?,
                Value::Text(text) => fields.serialize_entry(key, text)?,
                Value::Time(time_us) => fields.serialize_entry(key, &to_rfc3339(time_us))?,
                Value::Number(number) => fields.serialize_entry(key, &number)?,
                Value::Duration(us) => fields.serialize_entry(key, &to_ms(us))?,
            }
        }
        fields.end()
    }
}

/// Formats with one hit per line.
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
        let _ = serde_json::to_writer(&mut out, &Listed(row));
        out.push(b'\n');
    }
    out
}

/// The columns, in the order of the keys of JSON.
fn columns() -> impl Iterator<Item = &'static str> {
    ["hit_id"].into_iter().chain(listed().map(|info| info.listed))
}

fn write_csv(rows: &[HitRow], with_header: bool) -> Vec<u8> {
    let mut writer = spreadsheet::writer(rows.len() * 256);
    // Writing to a vector does not fail.
    if with_header {
        let _ = writer.write_record(columns());
    }
    for row in rows {
        let _ = writer.write_field(row.hit_id.to_string());
        for info in listed() {
            let cell = match value_of(row, info) {
                Value::Nothing => Cow::Borrowed(""),
                Value::Text(text) => harmless(text),
                Value::Time(time_us) => Cow::Owned(to_rfc3339(time_us)),
                Value::Number(number) => Cow::Owned(number.to_string()),
                Value::Duration(us) => Cow::Owned(to_ms(us).to_string()),
            };
            let _ = writer.write_field(cell.as_bytes());
        }
        let _ = writer.write_record(None::<&[u8]>);
    }
    writer.into_inner().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use analytics::hit::{Country, TextKind};

    fn row() -> HitRow {
        let text = |kind: TextKind| match kind {
            TextKind::Method => "GET",
            TextKind::Path => "/a,\"b\"",
            TextKind::Route => "/a",
            TextKind::Agent => "=cmd|' /C calc'!A0",
            TextKind::User => "+1",
            TextKind::Framework => "FastAPI",
            _ => "",
        };
        HitRow {
            hit_id: 1 << 60,
            time_us: 1_764_000_000_887_565,
            duration_us: Some(12_345),
            status: 200,
            country: Country(*b"NP"),
            request_size: None,
            response_size: Some(7),
            texts: TextKind::ALL.map(|kind| text(kind).into()),
            words: std::array::from_fn(|_| "".into()),
        }
    }

    #[test]
    fn a_csv_has_no_formulas() {
        let text = String::from_utf8(write_csv(&[row()], true)).unwrap();
        let lines: Vec<&str> = text.split("\r\n").collect();
        assert_eq!(lines[0], columns().collect::<Vec<_>>().join(","));
        // New columns come after the existing ones.
        let first = "hit_id,time,method,host,path,route,version,status,duration_ms,country,address,user_id,user_agent,client,os,device,referrer,framework,request_size,response_size";
        assert!(lines[0].starts_with(first), "{}", lines[0]);
        assert_eq!(
            lines[1].trim_end_matches(','),
            "1152921504606846976,2025-11-24T16:00:00.887565Z,GET,,\"/a,\"\"b\"\"\",/a,,200,12.345,NP,,'+1,'=cmd|' /C calc'!A0,,,,,FastAPI,,7"
        );
        assert_eq!(lines[2..], [""]);
    }

    #[test]
    fn columns_are_the_fields() {
        let hit = serde_json::to_string(&Listed(&row())).unwrap();
        let mut place = 0;
        for column in columns() {
            let found = hit[place..].find(&format!("\"{column}\":"));
            place += found.unwrap_or_else(|| panic!("{column} is missing or out of order"));
        }
        let fields = serde_json::from_str::<serde_json::Map<_, _>>(&hit).unwrap();
        assert_eq!(fields.len(), columns().count());
    }
}
