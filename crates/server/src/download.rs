//! Names of files that a browser saves: content, project and time.

use axum::http::{HeaderMap, HeaderValue, header};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::ApiError;
use crate::pieces::to_rfc3339;

/// Characters of a project's name in the name of a file.
const NAME_CHARACTERS: usize = 60;

/// RFC 8187's unescaped characters, as far as names contain them.
const IN_HEADER: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// `shop-endpoints-2026-11-15-to-2026-11-22`: the days of the first and the last moment, in UTC.
pub fn file_name(project: &str, what: &str, (from_us, to_us): (i64, i64)) -> String {
    let mut name = String::new();
    for character in project.trim().chars().take(NAME_CHARACTERS) {
        if character.is_alphanumeric() {
            name.push(character);
        } else if !name.ends_with('-') && !name.is_empty() {
            name.push('-');
        }
    }
    let name = match name.trim_matches('-') {
        "" => "api-analytics",
        name => name,
    };
    let day = |us: i64| to_rfc3339(us).chars().take(10).collect::<String>();
    format!("{name}-{what}-{}-to-{}", day(from_us), day(to_us - 1))
}

/// Makes a browser save the answer under this name.
pub fn name_file(headers: &mut HeaderMap, name: &str) -> Result<(), ApiError> {
    let plain: String = name.chars().map(|c| if c.is_ascii() { c } else { '_' }).collect();
    let text = match plain == name {
        true => format!("attachment; filename=\"{name}\""),
        false => {
            let encoded = utf8_percent_encode(name, IN_HEADER);
            format!("attachment; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
        }
    };
    let value = HeaderValue::from_str(&text);
    let value = value.map_err(|error| ApiError::internal("naming a file", &error))?;
    headers.insert(header::CONTENT_DISPOSITION, value);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY_US: i64 = 86_400_000_000;

    #[test]
    fn a_file_is_named_after_project_and_period() {
        let week = (20_000 * DAY_US, 20_007 * DAY_US);
        assert_eq!(
            file_name("My \"shop\" / EU", "endpoints", week),
            "My-shop-EU-endpoints-2024-10-04-to-2024-10-10"
        );
        assert_eq!(
            file_name("\r\n..", "hosts", week),
            "api-analytics-hosts-2024-10-04-to-2024-10-10"
        );
    }

    #[test]
    fn a_name_in_other_letters_is_encoded() {
        let mut headers = HeaderMap::new();
        name_file(&mut headers, "café-hosts.csv").unwrap_or_else(|_| panic!("a name"));
        assert_eq!(
            headers[header::CONTENT_DISPOSITION],
            "attachment; filename=\"caf_-hosts.csv\"; filename*=UTF-8''caf%C3%A9-hosts.csv"
        );
    }
}
