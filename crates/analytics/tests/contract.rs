//! Ingest as its clients see it: the golden cases of `contract/batches/`, and properties that no single case can show.
//! The one integration binary of the crate.

#[path = "contract/batches.rs"]
mod batches;
#[path = "contract/properties.rs"]
mod properties;
