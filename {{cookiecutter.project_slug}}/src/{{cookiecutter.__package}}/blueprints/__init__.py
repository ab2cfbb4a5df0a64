"""The registry: every blueprint of the application, one line each."""

from flask import Flask

{% for name in cookiecutter.blueprints | names | sort_naturally %}
from .{{ name }} import bp as {{ name }}_bp
{% endfor %}

BLUEPRINTS = [
{% for name in cookiecutter.blueprints | names %}
    {{ name }}_bp,
{% endfor %}
]


def init_app(app: Flask) -> None:
    """Register the blueprints on an application, each under its own `url_prefix`."""
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
