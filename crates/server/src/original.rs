//! The original's addresses, one file each: whoever uses that program changes a URL and keeps everything.

pub mod data;
pub mod health;
pub mod keys;
pub mod monitor;
pub mod requests;
mod values;
