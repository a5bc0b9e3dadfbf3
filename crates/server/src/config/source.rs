//! Sources of a setting's value, and the messages that name them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::table::VARIABLES;
use super::values::parse_limit;
use super::{ConfigError, SetLimits, settings};

/// The source of a value. Ordered: a later one wins.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    Default,
    File(String),
    Environment(String),
    Flag(String),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Origin::Default => f.write_str("the default"),
            Origin::File(file) => write!(f, "in {file}"),
            Origin::Environment(name) => write!(f, "from {name}"),
            Origin::Flag(flag) => write!(f, "from {flag}"),
        }
    }
}

/// A setting's text and its source.
#[derive(Clone, Debug)]
pub struct Found {
    pub key: &'static str,
    pub text: String,
    pub origin: Origin,
}

impl Found {
    pub(super) fn read<T>(
        &self,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Result<T, ConfigError> {
        parse(self.text.trim()).map_err(|message| ConfigError::Bad {
            key: self.key.to_owned(),
            origin: self.origin.clone(),
            message,
        })
    }
}

/// The text of every setting.
#[derive(Clone, Debug)]
pub struct Values {
    found: BTreeMap<&'static str, Found>,
}

impl Default for Values {
    fn default() -> Self {
        let found = settings().into_iter().map(|setting| {
            (
                setting.key,
                Found { key: setting.key, text: setting.default, origin: Origin::Default },
            )
        });
        Values { found: found.collect() }
    }
}

impl Values {
    /// Sets the value, unless there is one from a higher source.
    pub fn set(&mut self, key: &str, text: String, origin: Origin) -> Result<(), ConfigError> {
        let Some(found) = self.found.get_mut(key) else {
            let meant = nearest(key);
            return Err(ConfigError::Unknown { key: key.to_owned(), origin, meant });
        };
        if origin >= found.origin {
            found.text = text;
            found.origin = origin;
        }
        Ok(())
    }

    /// Every setting with its value, in the order of their keys.
    pub fn all(&self) -> impl Iterator<Item = &Found> {
        self.found.values()
    }

    pub(super) fn get(&self, key: &'static str) -> &Found {
        &self.found[key]
    }

    pub(super) fn read_limits(&self) -> Result<SetLimits, ConfigError> {
        let mut limits = SetLimits::default();
        for limit in settings().iter().filter_map(|setting| setting.limit) {
            let found = self.get(limit.name);
            let value = found.read(|text| parse_limit(text, limit))?;
            limits.set.insert(limit.name, value);
        }
        Ok(limits)
    }
}

/// Reads a TOML file of `key = value` lines into `values`.
pub fn read_file(values: &mut Values, path: &Path) -> Result<(), ConfigError> {
    let file = path.display().to_string();
    let in_file = |message: String| ConfigError::File { file: file.clone(), message };
    let text = std::fs::read_to_string(path).map_err(|error| in_file(error.to_string()))?;
    let read = config::Config::builder()
        .add_source(config::File::from_str(&text, config::FileFormat::Toml))
        .build()
        .map_err(|error| in_file(error.to_string()))?;
    let table = read.cache.into_table().map_err(|error| in_file(error.to_string()))?;
    for (key, value) in table {
        let origin = Origin::File(file.clone());
        let text = file_value(value).map_err(|message| ConfigError::Bad {
            key: key.clone(),
            origin: origin.clone(),
            message,
        })?;
        values.set(&key, text, origin)?;
    }
    Ok(())
}

/// Numbers, switches and lists as text.
fn file_value(value: config::Value) -> Result<String, String> {
    match value.kind {
        config::ValueKind::Table(_) => {
            Err("is a table; settings are `key = value` lines without tables".to_owned())
        }
        config::ValueKind::Boolean(switch) => Ok(if switch { "on" } else { "off" }.to_owned()),
        config::ValueKind::Array(items) => {
            let items: Result<Vec<String>, String> = items.into_iter().map(file_value).collect();
            Ok(items?.join(","))
        }
        _ => value.into_string().map_err(|error| error.to_string()),
    }
}

/// An environment variable with our prefix that is not a setting.
#[derive(Debug, PartialEq, Eq)]
pub struct UnknownVariable {
    pub name: String,
    /// The variable that was probably meant.
    pub meant: Option<String>,
}

impl fmt::Display for UnknownVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the variable {} is not a setting and is ignored", self.name)?;
        match &self.meant {
            Some(meant) => write!(f, "; did you mean {meant}?"),
            None => Ok(()),
        }
    }
}

/// Variables read elsewhere: by clients in the same environment, by the build, and for the settings file.
const READ_ELSEWHERE: [&str; 5] = ["KEY", "SERVER_URL", "CACHE", "BIN", "CONFIG"];

/// The environment's names that look like a setting but are none.
pub fn unknown_variables(names: impl Iterator<Item = String>) -> Vec<UnknownVariable> {
    let settings = settings();
    let unknown = names.filter_map(|name| {
        let rest = name.strip_prefix(VARIABLES)?;
        let is_known = READ_ELSEWHERE.contains(&rest)
            || settings.iter().any(|setting| setting.environment() == name);
        if is_known {
            return None;
        }
        let meant = nearest(&rest.to_ascii_lowercase());
        let meant = meant.map(|key| format!("{VARIABLES}{}", key.to_ascii_uppercase()));
        Some(UnknownVariable { name, meant })
    });
    unknown.collect()
}

/// The setting that a mistyped key probably means.
fn nearest(key: &str) -> Option<&'static str> {
    let same = |setting: &&'static str| {
        setting.replace('_', "") == key.replace(['_', '-'], "").to_ascii_lowercase()
    };
    let near = |setting: &&'static str| {
        let shared =
            setting.bytes().zip(key.bytes()).take_while(|(one, other)| one == other).count();
        shared >= 4
            || (shared > 0 && setting.len().abs_diff(key.len()) <= 1 && shared + 2 >= setting.len())
    };
    let keys: Vec<&'static str> = settings().iter().map(|setting| setting.key).collect();
    keys.iter().find(|key| same(key)).or_else(|| keys.iter().find(|key| near(key))).copied()
}
