//! The accent colour of a status page, and readable shades of it on the page's surfaces.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::StatusPageError;

/// A colour of the sRGB space, written as `#0c7d5b`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Accent([u8; 3]);

impl Accent {
    pub const DEFAULT: Accent = Accent([0x0c, 0x7d, 0x5b]);
    pub const WHITE: Accent = Accent([0xff; 3]);
    pub const BLACK: Accent = Accent([0; 3]);
    /// The page behind the cards, in the light and in the dark theme. Text on a card has more contrast in both.
    pub const LIGHT_PAGE: Accent = Accent([0xf6, 0xf7, 0xf9]);
    pub const DARK_CARD: Accent = Accent([0x13, 0x18, 0x21]);

    /// The nearest shade whose contrast with `surface` is at least `least` (WCAG 2, 1 to 21): darker on a light surface,
    /// lighter on a dark one.
    pub fn readable_on(self, surface: Accent, least: f64) -> Accent {
        let towards = if surface.luminance() > 0.18 { Accent::BLACK } else { Accent::WHITE };
        let shades = (0..=100).map(|percent| self.mixed(towards, percent));
        shades.into_iter().find(|shade| shade.contrast(surface) >= least).unwrap_or(towards)
    }

    /// Black or white, whichever is more readable on this colour.
    pub fn text_on(self) -> Accent {
        let is_white_better = self.contrast(Accent::WHITE) >= self.contrast(Accent::BLACK);
        if is_white_better { Accent::WHITE } else { Accent::BLACK }
    }

    /// The contrast ratio of WCAG 2.
    pub fn contrast(self, other: Accent) -> f64 {
        let (one, other) = (self.luminance(), other.luminance());
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    /// The relative luminance of WCAG 2, 0 to 1.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|value| {
            let value = f64::from(value) / 255.0;
            if value <= 0.040_45 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }

    fn mixed(self, other: Accent, percent: u16) -> Accent {
        let mut mixed = [0; 3];
        for (place, value) in mixed.iter_mut().enumerate() {
            let (own, other) = (u16::from(self.0[place]), u16::from(other.0[place]));
            *value = ((own * (100 - percent) + other * percent) / 100) as u8;
        }
        Accent(mixed)
    }
}

impl FromStr for Accent {
    type Err = StatusPageError;

    fn from_str(text: &str) -> Result<Accent, StatusPageError> {
        let digits = text.strip_prefix('#').unwrap_or(text);
        if digits.len() != 6 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(StatusPageError::Accent);
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| StatusPageError::Accent)?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Accent([red, green, blue]))
    }
}

impl TryFrom<String> for Accent {
    type Error = StatusPageError;

    fn try_from(text: String) -> Result<Accent, StatusPageError> {
        text.parse()
    }
}

impl From<Accent> for String {
    fn from(accent: Accent) -> String {
        accent.to_string()
    }
}

impl fmt::Display for Accent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [red, green, blue] = self.0;
        write!(f, "#{red:02x}{green:02x}{blue:02x}")
    }
}
