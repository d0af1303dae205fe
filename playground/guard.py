"""Only the playground's own page may use the playground: other sites in the same browser reach 127.0.0.1 too, and the tokens are no secret."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Handler

_HERE = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?")
_OWN_SITE = ("same-origin", "none")  # "none": typed in, not linked
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


@web.middleware
async def own_pages_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """403 for another Host (a name that somebody points at this machine) and for requests that another site's page makes.

    Browsers send Origin with posts and WebSockets, and Sec-Fetch-Site with everything; programs such as the bot send neither.
    Following a link to the page itself is fine.
    """
    origin, site = request.headers.get("Origin"), request.headers.get("Sec-Fetch-Site", "none")
    is_page = request.method == "GET" and (request.path == "/" or request.path.startswith("/page/"))
    if (
        not _HERE.fullmatch(request.host)
        or (origin is not None and origin != f"http://{request.host}")
        or (site not in _OWN_SITE and not is_page)
    ):
        raise web.HTTPForbidden(text="Only the playground's own page may do this.")
    response = await handler(request)
    if is_page:
        response.headers.update(HEADERS)
    return response
