"""One spelling of a route's template for all frameworks."""

from typing import Any, Callable, Optional

import pytest

from api_analytics.template import from_angles, from_braces, from_django


@pytest.mark.parametrize(
    ("spell", "given", "template"),
    [
        (from_angles, "/", "/"),
        (from_angles, "/users/<id>", "/users/{id}"),
        (from_angles, "/users/<int:id>/x", "/users/{id}/x"),
        (from_angles, "/files/<path:file_name>", "/files/{file_name}"),
        (from_angles, "/<any(a, 'b>c'):kind>/<int(min=1):id>", "/{kind}/{id}"),
        (from_angles, "/a/<string(length=2):lang>.json", "/a/{lang}.json"),
        (from_braces, "/users/{id}", "/users/{id}"),
        (from_braces, "/users/{id:int(min=1)}/x", "/users/{id}/x"),
        (from_braces, "/users/:all/x", "/users/:all/x"),
        (from_braces, "/times/12:30", "/times/12:30"),
        (from_django, "", "/"),
        (from_django, "users/<int:id>/", "/users/{id}/"),
        (from_django, "v1.0/users/<id>", "/v1.0/users/{id}"),
        (from_django, "^users/(?P<pk>[^/.]+)/$", "/users/{pk}/"),
        (from_django, r"api/^users/(?P<pk>[^/.]+)\.(?P<format>[a-z0-9]+)/?$",
         "/api/users/{pk}.{format}"),
        (from_django, "orgs/<slug:org>/^a/(?P<n>(?:x|[)])+)/$", "/orgs/{org}/a/{n}/"),
        (from_django, r"^a/(?P<n>\d+)\Z", "/a/{n}"),
        # Regular expressions that are more than that.
        (from_django, "^a/([0-9]+)/$", None),
        (from_django, "^a|b$", None),
        (from_django, "^(?:page-(?P<page>[0-9]+)/)?$", None),
        (from_django, "^a/(?P<n>[0-9]+)?$", None),
        (from_django, "^a/.*$", None),
        (from_django, r"^a/\d$", None),
        (from_django, "^a/(?P<n>[0-9", None),
    ],
)  # fmt: skip
def test_template(
    spell: "Callable[[Any], Optional[str]]", given: str, template: Optional[str]
) -> None:
    assert spell(given) == template
