"""A little web on this machine: pages, and an engine that finds them.

loopback.replies(site({"/lamp": PAGE}))
search = WebSearch(backend=engine(loopback, "/lamp", "/sea"), allow_private=True)
"""

from loopback import Reply

PAGE = (
    "<html><head><title>The lamp</title></head><body><nav>Home | Shop | Login</nav><article><h1>The lamp</h1>"
    "<p>The lamp of the lighthouse was lit in 1884 for the first time, and has burned every night since then.</p>"
    "<p>Its keeper trims it at dusk, and writes down the weather in a large book that lies beside the stairs.</p>"
    "</article><script>alert('no')</script></body></html>"
)
LONG = f"<html><body><article><p>{'word ' * 3000}</p></article></body></html>"


def html(text, **options):
    return Reply.status(200, text, content_type="text/html; charset=utf-8", **options)


def site(pages):
    """A reply that serves `pages` by their paths: HTML, or whole replies."""

    def reply(request):
        page = pages.get(request.path)
        if page is None:
            return Reply.status(404, "<html>not here</html>", content_type="text/html")
        return html(page) if isinstance(page, str) else page

    return reply


def engine(server, *paths, calls=None):
    """An engine that always finds these pages."""

    def find(query, most):
        if calls is not None:
            calls.append((query, most))
        return [
            {"title": f"Page {path}", "href": f"{server.root}{path}", "body": f"snippet of {path}"} for path in paths
        ]

    return find
