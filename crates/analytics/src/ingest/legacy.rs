//! Oddities of the original's published clients, known by the framework that they name. Each was seen by running the
//! client; none of them may cost a hit.

/// Chi's client posts status 0 for a handler that wrote nothing, which net/http answers with 200.
pub(super) fn means_ok_by_zero(framework: &str) -> bool {
    framework == "Chi"
}

/// Node's client posts its whole buffer again for every request served while a post is in flight. Go's clients have
/// times of whole seconds, where equal hits are real: they are not in this list.
pub(crate) fn posts_its_buffer_again(framework: &str, batch_id: Option<&str>) -> bool {
    batch_id.is_none() && matches!(framework, "Express" | "Fastify" | "Koa" | "Hono")
}
