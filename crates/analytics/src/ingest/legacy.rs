//! Quirks of the original's published clients, recognised by their framework. Each was found by running the client;
//! none of them may cost a hit.

/// Chi's client posts status 0 for a handler that wrote nothing, which net/http answers with 200.
pub(super) fn means_ok_by_zero(framework: &str) -> bool {
    framework == "Chi"
}

/// Node's client posts its whole buffer again for every request that it serves while a post is in flight. Go's clients
/// have times in whole seconds, so equal hits can be real: they are not in this list.
pub(crate) fn posts_its_buffer_again(framework: &str, batch_id: Option<&str>) -> bool {
    batch_id.is_none() && matches!(framework, "Express" | "Fastify" | "Koa" | "Hono")
}
