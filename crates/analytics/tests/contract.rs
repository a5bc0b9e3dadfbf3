//! Ingest as clients see it: the golden cases of `contract/batches/`, and properties that no single case can show. The
//! crate's only integration binary.

#[path = "contract/batches.rs"]
mod batches;
#[path = "contract/properties.rs"]
mod properties;
