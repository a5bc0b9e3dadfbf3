//! The original's addresses, one file each: its users change a URL and keep everything.

pub mod data;
pub mod health;
pub mod keys;
pub mod monitor;
pub mod requests;
mod values;
