//! Our own API under `/api/v1/`: a file's path equals its address.

pub mod changes;
pub mod channels;
pub mod consumers;
pub mod dashboard;
pub mod deploys;
pub mod fields;
pub mod heartbeat;
pub mod hits;
pub mod incidents;
pub mod ingest_health;
pub mod keys;
pub mod lists;
pub mod maintenance;
pub mod monitors;
pub mod openapi;
pub mod project;
pub mod projects;
pub mod routes;
pub mod rules;
pub mod server;
pub mod session;
pub mod share_links;
pub mod status_page;
pub mod subscribers;
pub mod tail;
pub mod views;
