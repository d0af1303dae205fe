"""What the tests of the playground's servers share."""

from collections.abc import AsyncIterator

import openai
import pytest
from openai import AsyncOpenAI

from playground.openai import OpenAIServer


@pytest.fixture
def record() -> None:
    """What these tests send is wrong on purpose now and then, and none of it is the bot's: it is not recorded."""


@pytest.fixture
async def client(ai: OpenAIServer) -> AsyncIterator[AsyncOpenAI]:
    """The real SDK, talking to the local OpenAI."""
    plain = openai.DefaultAsyncHttpxClient(verify=False)  # no TLS here: loading certificates is what takes time
    async with AsyncOpenAI(
        api_key=ai.api_key, base_url=ai.base_url, max_retries=0, timeout=20, http_client=plain
    ) as made:
        yield made
