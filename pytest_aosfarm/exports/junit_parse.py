"""Takes JUnit XML of any runner apart, test by test, holding no more than one test; no DTD, so no entities of its own."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, BinaryIO
from xml.parsers.expat import ExpatError, ParserCreate

from pytest_aosfarm.errors import RecordingError
from pytest_aosfarm.exports.junit import INSTRUCTION

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

__all__ = ("Problem", "Suite", "TestCase", "parse")

CHUNK = 1 << 16

TEXT_LIMIT = 1 << 18
"""Characters of one text that are held; the store keeps fewer."""

AGAIN = ("rerunFailure", "rerunError", "flakyFailure", "flakyError")
PROBLEMS = ("failure", "error", "skipped", *AGAIN)
PRINTED = ("system-out", "system-err", "stackTrace")
WITH_TEXT = {*PROBLEMS, *PRINTED}


class _Text:
    """A text of which only the head and the tail are held, when it is long."""

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._size = 0

    def add(self, piece: str) -> None:
        self._pieces.append(piece)
        self._size += len(piece)
        if self._size > 2 * TEXT_LIMIT:
            whole = "".join(self._pieces)
            self._pieces = [whole[: TEXT_LIMIT // 2], "\n…\n", whole[-TEXT_LIMIT // 2 :]]
            self._size = TEXT_LIMIT

    def __str__(self) -> str:
        return "".join(self._pieces)


@dataclass(slots=True)
class Suite:
    """A test suite, and those that it stands in."""

    names: tuple[str, ...]
    attributes: dict[str, str]
    properties: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Problem:
    """Why a test, or an attempt at it, did not pass; `tag` is its element."""

    tag: str
    attributes: dict[str, str]
    printed: dict[str, str] = field(default_factory=dict)
    text: str = ""


@dataclass(slots=True)
class TestCase:
    """An element `testcase`; `told` holds what our own export says beside it."""

    __test__ = False  # for pytest, whose names begin so

    suite: Suite
    attributes: dict[str, str]
    properties: dict[str, str] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    printed: dict[str, str] = field(default_factory=dict)
    told: list[str] = field(default_factory=list)


def parse(file: BinaryIO, name: str, seen: Callable[[bytes], object] | None = None) -> Iterator[Suite | TestCase]:
    """Every suite and test, in the order in which they end; `seen` is given the bytes as they are read.

    Raises RecordingError, in one line that begins with `name`, for what is no JUnit XML.
    """
    reader = _Reader()
    size = 0
    try:
        while chunk := file.read(CHUNK):
            size += len(chunk)
            if seen is not None:
                seen(chunk)
            reader.feed(chunk)
            yield from reader.take()
        reader.end()
    except ExpatError as error:
        problem = f"no well-formed XML: {error}" if size else "empty, not even an XML element is in it"
        raise RecordingError(f"{name}: {problem}") from None
    except _NotJUnitError as error:
        raise RecordingError(f"{name}: {error}") from None
    yield from reader.take()


class _NotJUnitError(Exception):
    pass


class _Reader:
    """The state of one parse."""

    def __init__(self) -> None:
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.ProcessingInstructionHandler = self._instruction
        parser.StartDoctypeDeclHandler = self._doctype
        self._parser = parser
        self._found: list[Suite | TestCase] = []
        self._texts: list[_Text | None] = []
        self._suites: list[Suite] = []
        self._test: TestCase | None = None
        self._problem: Problem | None = None

    def feed(self, chunk: bytes) -> None:
        try:
            self._parser.Parse(chunk, False)
        except (LookupError, ValueError) as error:  # what looks its codec up is pyexpat
            raise _NotJUnitError(f"its encoding cannot be read: {error}; write it in UTF-8") from None

    def end(self) -> None:
        self._parser.Parse(b"", True)

    def take(self) -> list[Suite | TestCase]:
        found, self._found = self._found, []
        return found

    def _doctype(self, *_: Any) -> None:
        raise _NotJUnitError("it declares a document type; that is not needed for JUnit XML, and not read for safety")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        tag = name.rpartition(":")[2]
        if not self._texts and tag not in {"testsuites", "testsuite"}:
            raise _NotJUnitError(f"no JUnit XML: it begins with <{tag[:40]}>, not with <testsuites> or <testsuite>")
        self._texts.append(_Text() if tag in WITH_TEXT else None)
        if tag == "testsuite":
            around = self._suites[-1].names if self._suites else ()
            self._suites.append(Suite((*around, attributes.get("name", "")), attributes))
        elif tag == "testcase":
            self._test = TestCase(self._suites[-1] if self._suites else Suite((), {}), attributes)
        elif tag in PROBLEMS:
            self._problem = Problem(tag, attributes)
        elif tag == "property" and (holder := self._holder()) is not None:
            holder.properties[attributes.get("name", "")] = attributes.get("value", "")

    def _end(self, name: str) -> None:
        tag = name.rpartition(":")[2]
        text = str(self._texts.pop() or "")
        if tag == "testsuite":
            self._found.append(self._suites.pop())
        elif tag in PROBLEMS and self._problem is not None:
            self._problem.text = text.strip()
            self._take_problem(self._problem)
            self._problem = None
        elif self._test is None:
            return
        elif tag == "testcase":
            self._found.append(self._test)
            self._test = self._problem = None
        elif tag in PRINTED:
            printed = (self._problem or self._test).printed
            printed[tag] = printed.get(tag, "") + text

    def _take_problem(self, problem: Problem) -> None:
        if self._test is not None:
            self._test.problems.append(problem)
        elif self._suites and problem.tag in {"failure", "error"}:
            # NUnit and others say so that what a suite sets up first went wrong: a test of the suite's own name.
            suite = self._suites[-1]
            self._found.append(TestCase(suite, {"name": suite.names[-1], "classname": ""}, problems=[problem]))

    def _holder(self) -> Suite | TestCase | None:
        return self._test or (self._suites[-1] if self._suites else None)

    def _characters(self, text: str) -> None:
        if self._texts and (holder := self._texts[-1]) is not None:
            holder.add(text)

    def _instruction(self, target: str, text: str) -> None:
        if target == INSTRUCTION and (holder := self._holder()) is not None:
            holder.told.append(text)
