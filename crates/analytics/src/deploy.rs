//! Deploys: a version of the watched app and the time since which it runs. Pure: checks a posted deploy, and picks the
//! stretches of time before and after it that are compared.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::fields::FieldError;
use crate::limits;
use crate::period::parse_time;

/// A deploy as it is posted.
#[derive(Clone, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDeploy {
    /// A name for what runs now, such as `v2.4.1` or a commit: at most 100 characters.
    #[serde(default)]
    #[schema(example = "v2.4.1")]
    pub version: String,
    /// Since when, RFC 3339; now by default. At most 5 minutes ahead.
    pub at: Option<String>,
    /// A note about it, at most 1,000 characters. A share link shows it only where it shows individual requests.
    pub text: Option<String>,
}

/// A deploy that was checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deploy {
    pub version: String,
    /// Whole milliseconds.
    pub at_us: i64,
    /// May be empty.
    pub text: String,
    /// Created from the first request with a new release, not posted.
    pub from_requests: bool,
}

impl Deploy {
    /// The deploy of a release. `at_us`: time of its earliest request.
    pub fn of_release(release: &str, at_us: i64) -> Deploy {
        Deploy {
            version: release.to_owned(),
            at_us: to_whole_ms(at_us),
            text: String::new(),
            from_requests: true,
        }
    }
}

impl NewDeploy {
    pub fn check(self, now_us: i64) -> Result<Deploy, FieldError> {
        let version = crate::fields::label("version", &self.version)?;
        if version.is_empty() {
            return Err(FieldError::new("version", "is missing; name what was deployed"));
        }
        let at_us = match self.at.as_deref().map(str::trim).filter(|at| !at.is_empty()) {
            None => now_us,
            Some(at) => parse_time(at).ok_or_else(|| {
                FieldError::new("at", "isn't a time; write RFC 3339, such as 2026-11-22T07:25:00Z")
            })?,
        };
        if at_us > now_us.saturating_add(limits::CLOCK_SKEW_SECONDS as i64 * 1_000_000) {
            return Err(FieldError::new("at", "is in the future; post a deploy when it is done"));
        }
        if at_us < 0 {
            return Err(FieldError::new("at", "is before 1970"));
        }
        Ok(Deploy {
            version,
            at_us: to_whole_ms(at_us),
            text: note(self.text.as_deref().unwrap_or_default())?,
            from_requests: false,
        })
    }
}

/// Rounds down to milliseconds, the precision of the dashboard.
fn to_whole_ms(time_us: i64) -> i64 {
    time_us.div_euclid(1_000) * 1_000
}

/// A note of several lines, without other control characters and surrounding spaces.
fn note(text: &str) -> Result<String, FieldError> {
    let is_kept = |character: &char| !character.is_control() || *character == '\n';
    let text: String = text.chars().filter(is_kept).collect();
    let text = text.trim();
    if text.chars().count() as u64 > limits::DEPLOY_TEXT_CHARACTERS {
        let most = limits::DEPLOY_TEXT_CHARACTERS;
        return Err(FieldError::new("text", format!("is longer than {most} characters")));
    }
    Ok(text.to_owned())
}

/// The two stretches of time that show a deploy's effect, equally long: one up to the deploy, one from it on. The
/// second ends with the next deploy or now, and after a day at the latest. None if no time has passed since the deploy.
pub fn windows(at_us: i64, next_us: Option<i64>, now_us: i64) -> Option<[(i64, i64); 2]> {
    let most_us = limits::DEPLOY_EFFECT_HOURS as i64 * 3_600_000_000;
    let end_us = next_us.map_or(now_us, |next_us| next_us.min(now_us));
    let length_us = end_us.saturating_sub(at_us).min(most_us);
    (length_us > 0).then(|| [(at_us.saturating_sub(length_us), at_us), (at_us, at_us + length_us)])
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000_000;
    const HOUR: i64 = 3_600_000_000;

    fn posted(version: &str, at: Option<&str>, text: Option<&str>) -> Result<Deploy, FieldError> {
        let new = NewDeploy {
            version: version.into(),
            at: at.map(str::to_owned),
            text: text.map(str::to_owned),
        };
        new.check(NOW)
    }

    #[test]
    fn a_deploy_is_now_unless_it_says_when() {
        let deploy = posted(" v1\u{7}.2 ", None, Some(" one\r\ntwo ")).unwrap();
        assert_eq!((deploy.version.as_str(), deploy.at_us), ("v1.2", NOW));
        assert_eq!(deploy.text, "one\ntwo");
        let at = posted("v1", Some("2026-11-22T07:25:00.1234567+01:00"), None).unwrap();
        assert_eq!(at.at_us % 1_000_000, 123_000, "whole milliseconds, as pages count");
    }

    #[test]
    fn a_deploy_that_cannot_be_kept_is_refused_by_field() {
        let field = |deploy: Result<Deploy, FieldError>| deploy.unwrap_err().field;
        assert_eq!(field(posted("  ", None, None)), "version");
        assert_eq!(field(posted(&"x".repeat(101), None, None)), "version");
        assert_eq!(field(posted("v1", Some("yesterday"), None)), "at");
        assert_eq!(field(posted("v1", Some("2036-01-01T00:00:00Z"), None)), "at");
        assert_eq!(field(posted("v1", Some("1969-12-31T23:59:59Z"), None)), "at");
        assert_eq!(field(posted("v1", None, Some(&"x".repeat(1_001)))), "text");
        assert!(posted(&"x".repeat(100), None, Some(&"x".repeat(1_000))).is_ok());
    }

    #[test]
    fn both_windows_are_equally_long_and_end_with_the_next_deploy_or_a_day() {
        let at = NOW - 30 * HOUR;
        let day = 24 * HOUR;
        assert_eq!(windows(at, None, NOW), Some([(at - day, at), (at, at + day)]));
        let two = 2 * HOUR;
        assert_eq!(windows(at, Some(at + two), NOW), Some([(at - two, at), (at, at + two)]));
        let late = NOW - HOUR;
        assert_eq!(
            windows(late, Some(NOW + HOUR), NOW),
            Some([(late - HOUR, late), (late, NOW)]),
            "a deploy ahead of the clock ends nothing"
        );
        assert_eq!(windows(NOW, None, NOW), None);
        assert_eq!(windows(NOW + HOUR, None, NOW), None);
    }
}
