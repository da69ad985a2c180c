"""What LlamaIndex's instrumentation is told, as lists."""

import pytest
from llama_index.core.instrumentation import get_dispatcher
from llama_index.core.instrumentation.event_handlers import BaseEventHandler
from llama_index.core.instrumentation.span_handlers import SimpleSpanHandler


@pytest.fixture
def heard():
    """All events, as they are dispatched."""
    events = []

    class Listener(BaseEventHandler):
        def handle(self, event, **kwargs):
            events.append(event)

    dispatcher, handler = get_dispatcher(), Listener()
    dispatcher.add_event_handler(handler)
    yield events
    dispatcher.event_handlers.remove(handler)


@pytest.fixture
def spans():
    """Name, arguments and owner of each span, as it is opened."""
    seen = []

    class Watcher(SimpleSpanHandler):
        def new_span(self, id_, bound_args, instance=None, *args, **kwargs):
            seen.append((id_, repr(bound_args), instance))
            return super().new_span(id_, bound_args, instance, *args, **kwargs)

    dispatcher, handler = get_dispatcher(), Watcher()
    dispatcher.add_span_handler(handler)
    yield seen
    dispatcher.span_handlers.remove(handler)
