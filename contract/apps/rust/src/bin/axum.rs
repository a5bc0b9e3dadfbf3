//! axum 0.8.

apps::axum_app!(axum, axum, "/items/{id}", "/orgs/{org}");
