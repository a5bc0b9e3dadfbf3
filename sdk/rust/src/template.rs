//! A framework's route pattern as a template: `/users/<id>` is `/users/{id}`, in every framework the same.

use std::borrow::Cow;

/// How a framework writes its parameters.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Style {
    /// `{id}`, `{*rest}`, `{id:regex}`: axum 0.8 and actix.
    Braces,
    /// `:id`, `*rest`: axum 0.7.
    Colon,
    /// `<id>`, `<rest..>`: Rocket.
    Angles,
}

/// None if the pattern is only a rest, such as axum's nested services have it: the server then derives a route.
pub(crate) fn to_template(pattern: &str, style: Style) -> Option<Cow<'_, str>> {
    // axum's own name for the rest below a nested service.
    if pattern.contains("__private__") {
        return None;
    }
    if style == Style::Braces && pattern.starts_with('/') && !pattern.contains([':', '*', '\\']) {
        return Some(Cow::Borrowed(pattern));
    }
    let mut template = String::with_capacity(pattern.len() + 8);
    if !pattern.starts_with('/') {
        template.push('/');
    }
    match style {
        Style::Braces => push_braces(&mut template, pattern),
        Style::Colon => push_segments(&mut template, pattern, |segment| segment.strip_prefix([':', '*'])),
        Style::Angles => {
            push_segments(&mut template, pattern, |segment| Some(segment.strip_prefix('<')?.strip_suffix('>')?.trim_end_matches("..")))
        }
    }
    Some(Cow::Owned(template))
}

/// `name`: the parameter that a segment is.
fn push_segments(template: &mut String, pattern: &str, name: impl Fn(&str) -> Option<&str>) {
    for (at, segment) in pattern.split('/').enumerate() {
        if at > 0 {
            template.push('/');
        }
        match name(segment) {
            Some(name) => template.extend(["{", name, "}"]),
            None => template.push_str(segment),
        }
    }
}

/// Parameters may stand within a segment, and their regular expressions may hold braces and slashes.
fn push_braces(template: &mut String, pattern: &str) {
    let mut depth = 0;
    let mut in_expression = false;
    let mut before = ' ';
    for character in pattern.chars() {
        match character {
            '{' if before != '\\' => depth += 1,
            '}' if before != '\\' && depth > 0 => depth -= 1,
            _ => {}
        }
        match character {
            // `{*rest}` and actix's `{tail}*`.
            '*' if !in_expression && matches!(before, '{' | '}') => {}
            ':' if depth == 1 => in_expression = true,
            '}' if depth == 0 => {
                in_expression = false;
                template.push('}');
            }
            _ if !in_expression => template.push(character),
            _ => {}
        }
        before = character;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_become_templates() {
        for (style, pattern, template) in [
            (Style::Braces, "/orgs/{org}/items/{id}", "/orgs/{org}/items/{id}"),
            (Style::Braces, "/files/{*rest}", "/files/{rest}"),
            (Style::Braces, r"/items/{id:\d{1,3}}/x", "/items/{id}/x"),
            (Style::Braces, "/a/{b}-{c}.json", "/a/{b}-{c}.json"),
            (Style::Braces, "/{tail:.*/.*}", "/{tail}"),
            (Style::Braces, "/files/{tail}*", "/files/{tail}"),
            (Style::Braces, "items", "/items"),
            (Style::Colon, "/orgs/:org/items/:id", "/orgs/{org}/items/{id}"),
            (Style::Colon, "/files/*rest", "/files/{rest}"),
            (Style::Angles, "/orgs/<org>/items/<id>", "/orgs/{org}/items/{id}"),
            (Style::Angles, "/files/<rest..>", "/files/{rest}"),
            (Style::Angles, "/", "/"),
        ] {
            assert_eq!(to_template(pattern, style).as_deref(), Some(template), "{pattern}");
        }
        assert_eq!(to_template("/a/{*__private__axum_nest_tail_param}", Style::Braces), None);
    }
}
