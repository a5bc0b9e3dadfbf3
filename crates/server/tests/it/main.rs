//! The server as its callers see it: the real router on a real data folder, over real HTTP on loopback. Only the clock
//! is ours. The one integration binary of the crate; a module per area.

mod app;
mod channels;
mod contract;
mod control;
mod dashboard;
mod data;
mod deletion;
mod demo;
mod dial;
mod docs;
mod errors;
mod hits;
mod incidents;
mod ingest;
mod ingest_health;
mod isolation;
mod jobs;
mod keys;
mod lifecycle;
mod maintenance;
mod managing;
mod monitor_history;
mod monitors;
mod openapi;
mod operation;
mod page;
mod requests;
mod rules;
mod scenarios;
mod session;
mod settings;
mod sharing;
mod source;
mod status_page;
mod watching;
