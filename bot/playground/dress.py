"""What makes SimCord's page look like Cadenza's: its name, its icon, mentions by name, its clock, no links to nowhere.

SimCord has no settings for these. The versions are pinned, and a test in a browser looks at each.
"""

from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from aiohttp import web
from simcord.preview import Preview, _markdown
from simcord.preview._server import PreviewServer

ICON: Final = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="8" fill="#3b6ea5"/>'
    '<path d="M12 8v13.2a4 3.2 0 1 0 2 2.8V13l9-2v7.2a4 3.2 0 1 0 2 2.8V5z" fill="#fff"/></svg>'
)
INSTEAD: Final = {
    "/": {
        "<title>SimCord Preview</title>": "<title>Cadenza: the playground</title>\n"
        f'    <link rel="icon" href="data:image/svg+xml,{quote(ICON)}">',
        '<span class="brand-mark" aria-hidden="true">S</span>': '<span class="brand-mark" aria-hidden="true"></span>',
        "<strong>SimCord</strong><small>Preview</small>": "<strong>Cadenza</strong><small>Playground</small>",
        '<link rel="stylesheet" href="/preview.css">': '<link rel="stylesheet" href="/preview.css">\n'
        '    <link rel="stylesheet" href="/playground.css">',
        '<script type="module" src="/app.js"></script>': '<script type="module" src="/app.js"></script>\n'
        '    <script type="module" src="/playground.js"></script>',
        "Viewing as": "You are",
    },
    "/preview.css": {
        ":root": f'.brand-mark {{ background: url("data:image/svg+xml,{quote(ICON)}") center / cover !important; }}\n'
        ":root",
    },
    "/composer.js": {"`Message ${channel.glyph}${channel.name}`": '"Type / for commands, or add a file"'},
}
OURS: Final = {
    "/playground.js": ("application/javascript", Path(__file__).with_name("playground.js")),
    "/playground.css": ("text/css", Path(__file__).with_name("playground.css")),
}


def put_on() -> None:
    """Have every page that SimCord serves from here on look like this."""
    plain = PreviewServer._static

    async def dressed(server: PreviewServer, request: Any) -> Any:
        if request.path in OURS:
            kind, path = OURS[request.path]
            return web.Response(text=path.read_text("utf-8"), content_type=kind, headers=server._SECURITY_HEADERS)
        response = await plain(server, request)
        for old, new in INSTEAD.get(request.path, {}).items():
            response.text = response.text.replace(old, new, 1)
        policy = response.headers["Content-Security-Policy"]
        response.headers["Content-Security-Policy"] = policy.replace("img-src ", "img-src data: ")
        return response

    PreviewServer._static = dressed  # type: ignore[assignment, method-assign]
    PreviewServer._STATIC_FILES = PreviewServer._STATIC_FILES | dict.fromkeys(OURS, "")

    publish = Preview._publish

    def publish_now(preview: Preview, *args: Any, **options: Any) -> None:
        preview._advance_presentation_time()  # from which "a minute ago" counts: SimCord's is the last refresh
        publish(preview, *args, **options)

    Preview._publish = publish_now  # type: ignore[assignment, method-assign]
    for field in ("embed_description", "embed_field_value"):  # where Discord shows mentions by name too
        _markdown._FIELD_POLICIES[field]["mentions"] = True
