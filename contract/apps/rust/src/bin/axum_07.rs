//! axum 0.7.

apps::axum_app!(axum_07, axum_07, "/items/:id", "/orgs/:org");
