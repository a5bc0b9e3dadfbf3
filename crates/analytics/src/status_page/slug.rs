//! Slugs: the last part of a status page's address, and of a service's badge.

use super::{Service, StatusPageError};
use crate::limits;

/// Letters for random slugs, no two of which look alike.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// The slug in lower case.
pub fn check(text: &str) -> Result<String, StatusPageError> {
    let slug = text.trim().to_ascii_lowercase();
    let length = slug.chars().count() as u64;
    if !(limits::STATUS_SLUG_LEAST_CHARACTERS..=limits::STATUS_SLUG_CHARACTERS).contains(&length) {
        return Err(StatusPageError::SlugLength);
    }
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !slug.bytes().all(is_letter) || slug.starts_with('-') || slug.ends_with('-') {
        return Err(StatusPageError::SlugLetters);
    }
    Ok(slug)
}

/// A slug from the project's name and eight letters that cannot be guessed: `shop-k3vq8wfn`. Each byte makes a letter.
pub fn propose(project: &str, random: [u8; 8]) -> String {
    let words = to_words(project, 30);
    let letters: String =
        random.iter().map(|byte| LETTERS[usize::from(byte % 32)] as char).collect();
    if words.is_empty() { format!("status-{letters}") } else { format!("{words}-{letters}") }
}

/// The slug of each service's badge address, in their order: its name, numbered if two are alike.
pub fn of_services<'a>(services: impl Iterator<Item = &'a Service>) -> Vec<String> {
    let mut slugs: Vec<String> = Vec::new();
    for service in services {
        let words = to_words(&service.name, 60);
        let words = if words.is_empty() { "service".to_owned() } else { words };
        let mut slug = words.clone();
        let mut number = 2;
        while slugs.contains(&slug) {
            slug = format!("{words}-{number}");
            number += 1;
        }
        slugs.push(slug);
    }
    slugs
}

/// ASCII letters and digits; anything between them becomes one hyphen.
fn to_words(text: &str, most: usize) -> String {
    let mut words = String::new();
    for character in text.chars() {
        if character.is_ascii_alphanumeric() {
            words.push(character.to_ascii_lowercase());
        } else if !words.is_empty() && !words.ends_with('-') {
            words.push('-');
        }
        if words.len() >= most {
            break;
        }
    }
    words.trim_end_matches('-').to_owned()
}
