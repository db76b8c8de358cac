"""Output as lines, whatever the pieces in which it comes."""

import asyncio
import os
import random

import pytest

from labsupport.cloud.runner.lines import Lines
from labsupport.cloud.runner.output import Output


@pytest.mark.parametrize(
    ("pieces", "lines"),
    [
        ([b"a\nb\n"], ["a", "b"]),
        ([b"a", b"b\nc"], ["ab", "c"]),
        ([b"a\r\nb\r", b"\nc\rd\n"], ["a", "b", "c\rd"]),
        ([b"\n\n"], ["", ""]),
        ([b""], []),
        ([b"\xc3", b"\xa9\n"], ["é"]),
        ([b"\xff\xfe\n"], ["\ufffd\ufffd"]),
        ([b"caf\xe9"], ["caf\ufffd"]),
        ([b"x" * 25 + b"\n"], ["x" * 10, "x" * 10, "x" * 5]),
        ([b"x" * 25], ["x" * 10, "x" * 10, "x" * 5]),
        (["éé".encode() * 3 + b"\n"], ["ééééé", "é"]),
        ([b"x" + "é".encode() * 6 + b"\n"], ["xéééé", "éé"]),
        ([b"\x80" * 12 + b"\n"], ["\ufffd" * 10, "\ufffd" * 2]),
    ],
)
def test_lines(pieces, lines):
    collector = Lines(longest=10)
    found = [line for piece in pieces for line in collector.feed(piece)]
    assert found + collector.flush() == lines


def test_a_partial_line_keeps_half_a_character_back():
    collector = Lines()
    assert collector.feed("100 €".encode()[:-1]) == []
    assert collector.flush(last=False) == ["100 "]
    assert collector.flush(last=False) == []
    assert collector.feed("€".encode()[-1:] + b"\n") == ["€"]


def test_any_cutting_gives_the_same_text():
    source = random.Random(3)
    text = "".join(source.choice("aé€😀\n") for _ in range(400))
    for _ in range(50):
        collector, data, found = Lines(longest=1000), text.encode(), []
        while data:
            size = source.randint(1, 9)
            found += collector.feed(data[:size])
            data = data[size:]
        assert found + collector.flush() == text.removesuffix("\n").split("\n")


def test_a_prompt_without_an_end_is_shown_after_a_moment():
    async def main():
        reading, writing = os.pipe()
        shown = asyncio.Queue()
        output = Output(reading, shown.put_nowait, partial_after=0.01).open()
        os.write(writing, b"Continue? ")
        assert await asyncio.wait_for(shown.get(), 5) == "Continue? "
        os.write(writing, b"yes\nlast")
        assert await asyncio.wait_for(shown.get(), 5) == "yes"
        os.close(writing)
        assert await asyncio.wait_for(shown.get(), 5) == "last"
        assert output.descriptor == -1

    asyncio.run(main())
