"""The blueprint that all of the plugin's pages and commands belong to."""

from __future__ import annotations

from flask import Blueprint

pages = Blueprint(
    "posts", __name__, cli_group="posts", static_folder="static", static_url_path="/x/posts/static"
)
