"""The description is true: every route, every type, each example; and it is OpenAPI 3.1."""

from __future__ import annotations

import re

import jsonschema_rs
import msgspec
import pytest

from core.people import roles, tokens
from core.web.api import OPERATIONS
from core.web.api.description import document
from core.web.api.examples import EXAMPLES
from tests.core.web.api.machines import BASE

DOCUMENT = document("A site")
DIALECT = "https://json-schema.org/draft/2020-12/schema"


def described():
    return [
        (path, method, one) for path, methods in DOCUMENT["paths"].items()
        for method, one in methods.items()
    ]  # fmt: skip


def walked(value):
    yield value
    for inner in value.values() if isinstance(value, dict) else value:
        if isinstance(inner, dict | list):
            yield from walked(inner)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_route_is_described_and_nothing_else(make_site):
    """And the site sends the description that is tested here."""
    app = make_site()
    routes = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule.removeprefix(BASE)), method.lower())
        for rule in app.url_map.iter_rules() if rule.rule.startswith(BASE)
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }  # fmt: skip
    answer = app.test_client().get(f"{BASE}/openapi.json")

    assert routes == {(path, method) for path, method, _ in described()}
    assert answer.json | {"info": 0} == DOCUMENT | {"info": 0}
    assert answer.json["openapi"] == "3.1.0"


def test_it_keeps_the_rules_of_openapi():
    """Ids once, a response each, a parameter for each name in a path, references that lead on."""
    ids = [one["operationId"] for _, _, one in described()]
    assert len(ids) == len(set(ids)) == len(OPERATIONS)
    for path, method, one in described():
        named = {(each["name"], each["in"]) for each in one["parameters"]}
        assert len(named) == len(one["parameters"])
        in_path = {each["name"] for each in one["parameters"] if each["in"] == "path"}
        assert in_path == set(re.findall(r"{(\w+)}", path))
        assert all(each["required"] for each in one["parameters"] if each["in"] == "path")
        assert one["summary"].endswith(".")
        assert any(status[0] == "2" for status in one["responses"])
        assert all(answer["description"] for answer in one["responses"].values())
        assert ("requestBody" in one) <= (method in ("post", "put", "patch"))
    for part in walked(DOCUMENT):
        if isinstance(part, dict) and "$ref" in part:
            name = part["$ref"].removeprefix("#/components/schemas/")
            assert name in DOCUMENT["components"]["schemas"]


def test_every_schema_is_one():
    """Each is a valid JSON Schema of the dialect that OpenAPI 3.1 takes."""
    for schema in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
    with pytest.raises(jsonschema_rs.ValidationError):
        jsonschema_rs.meta.validate({"$schema": DIALECT, "type": "nonsense"})


def test_what_is_sent_refuses_fields_that_are_not_known():
    """What is answered may gain some."""
    schemas = DOCUMENT["components"]["schemas"]
    taken = {found.takes.__name__ for found in OPERATIONS.values() if found.takes}

    assert all(schemas[name]["additionalProperties"] is False for name in taken)
    assert "additionalProperties" not in schemas["WholeOrder"]


@pytest.mark.parametrize("shape", EXAMPLES, ids=str)
def test_an_example_is_of_its_type(shape):
    """It is read as what it is an example of, and written the same again."""
    read = msgspec.convert(EXAMPLES[shape], shape)

    written = msgspec.json.decode(msgspec.json.encode(read))
    assert EXAMPLES[shape].items() <= written.items()
    assert any(shape in (one.takes, one.answer) for one in OPERATIONS.values())


def test_what_needs_a_token_says_its_scope():
    """Each operation names one that there is; what needs none says so."""
    for found in OPERATIONS.values():
        _, _, one = next(each for each in described() if each[2]["operationId"] == found.name)
        if found.who == "anyone":
            assert {} in one["security"]
            continue
        scope = tokens.OWN if found.who == "user" else found.who
        assert f"`{scope}`" in one["description"]
        assert scope in (tokens.OWN, *roles.PERMISSIONS)
        assert {"401", "403", "429"} <= set(one["responses"])
    assert DOCUMENT["security"] == [{"token": []}]


def test_it_names_no_site_and_no_person():
    """It is for anyone: nothing of the site but its name."""
    assert DOCUMENT["info"]["title"] == "A site"
    assert "@" not in str(DOCUMENT)
