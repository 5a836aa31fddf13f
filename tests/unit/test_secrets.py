"""Whatever a secret stands in, it does not come out of a Redactor; what is no secret does, untouched."""

from __future__ import annotations

import json
import time
from pathlib import Path
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pytest_aosfarm.recording.secrets import Redactor
from pytest_aosfarm.urls import passwords_in, redacted

ROOT = Path(__file__).parents[2]
REDACTOR = Redactor({})

SHOWN = {
    # URLs
    "see http://me:word@aod.test:80/x now": "see http://***@aod.test:80/x now",
    "http://a:b@h, http://c:d@e/x?y=1": "http://***@h, http://***@e/x?y=1",
    "http://a:b@h,http://c:d@e": "http://***@h,http://***@e",
    "http://h/go?to=http://u:p@g/": "http://h/go?to=http://***@g/",
    "postgresql+psycopg://u:a/b?c#d@e@h/db": "postgresql+psycopg://***@h/db",
    "postgresql://u:12/3@h/db": "postgresql://***@h/db",
    "'postgresql://u:my \"own\" word@h/db'": "'postgresql://***@h/db'",
    "db = 'postgresql://u:hunt...'": "db = 'postgresql://***'",
    "db = 'postgresql://u:hunt": "db = 'postgresql://***",
    "redis://:word@h:1": "redis://***@h:1",
    "https://sometoken@github.test/x": "https://***@github.test/x",
    "GET /x?token=abc&y=2": "GET /x?token=***&y=2",
    # names and values
    "password=hunter, x=1": "password=***, x=1",
    "f(password='hun\\'ter', x=1)": "f(password='***', x=1)",
    "{'token': 'abc', 'x': 1}": "{'token': '***', 'x': 1}",
    '{"accessToken": "a\\"b", "x": 1}': '{"accessToken": "***", "x": 1}',
    r'"{\"token\": \"abc\", \"x\": 1}"': r'"{\"token\": \"***\", \"x\": 1}"',
    "{b'password': b'abc'}": "{b'password': b'***'}",
    "[('authorization', 'Bearer abc')]": "[('authorization', '***')]",
    "--token abc --verbose": "--token *** --verbose",
    "--db-password=abc": "--db-password=***",
    "['--api-key', 'abc', '-v']": "['--api-key', '***', '-v']",
    "password=%sabc token=$ABCd secret=(a)b) credentials={'a': '}x'}": "password=*** token=*** secret=***) credentials=***}",
    "PGPASSWORD=abc pytest": "PGPASSWORD=*** pytest",
    "Authorization: Basic dTpw\nHost: h": "Authorization: ***\nHost: h",
    'Authorization: Digest username="u", response="abc"\n': "Authorization: ***\n",
    "curl -H 'X-Api-Key: abc' http://h": "curl -H 'X-Api-Key: ***' http://h",
    "Cookie: a=b; c=d\nHost: h": "Cookie: ***\nHost: h",
    "sent Bearer abcdef0123": "sent Bearer ***",
    "assert 'abc' == token": "assert 'abc' == token",
    "assert token == 'abc'": "assert token == '***'",
    # tokens of known shape
    f"xghp_{'a1B2' * 9}": "x***",
    f"github_pat_{'a1B2' * 9} glpat-{'a1-_' * 5}": "*** ***",
    "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY": "***",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln": "***",
    f"sk_{'live'}_{'a1B2' * 6} xoxb-12345-{'a1B2' * 4}": "*** ***",
    f"AIza{'a1B2' * 9} npm_{'a1B2' * 9} pypi-{'a1B2' * 20}": "*** *** ***",
    "x\n-----BEGIN RSA PRIVATE KEY-----\nMIIE\nabcd\n-----END RSA PRIVATE KEY-----\ny": "x\n***\ny",
}

UNTOUCHED = [
    "tests/unit/test_x.py::TestToken::test_password_is_asked_for[8080-a]",
    "tests/x.py::TestToken::test_it[a b]",
    "https://host:8080/@scope/package and git+https://github.com/a/b@v1",
    "http://localhost:8080 is down, write to a@b.test",
    "http://example.com: not found; http://HOST[:PORT]",
    "def login(user: str, password: str | None = None, token: Token = TOKEN) -> None:",
    "    token = make_token(user)",
    "password: None, token=${TOKEN}, secret = <redacted>, credentials: 5 of them",
    'METHODS = ("password", "sso", "mfa")',
    "max_tokens=100000 secretary=Bob tokenizer=fast primary_key=id passed=12 monkey: banana",
    "bearer of good news; bearer authentication",
    "password=*** token: '***' http://***@h http://***~12ab@h",
    "",
]


@pytest.mark.parametrize("text", SHOWN)
def test_what_is_shown(text) -> None:
    assert REDACTOR.redacted(text) == SHOWN[text]
    assert REDACTOR.redacted(SHOWN[text]) is SHOWN[text]


@pytest.mark.parametrize("text", UNTOUCHED)
def test_what_is_no_secret_comes_back_as_it_is(text) -> None:
    assert REDACTOR.redacted(text) is text


def test_prose_stays_prose() -> None:
    pages = [ROOT / name for name in ("README.md", "ARCHITECTURE.md", "CHANGELOG.md")]
    lines = [line for page in pages for line in page.read_text(encoding="utf-8").splitlines()]
    changed = [line for line in lines if REDACTOR.redacted(line) is not line]
    assert [line for line in changed if "@" not in line] == []


NAMES = [
    "password", "DB_PASSWORD", "pgpassword", "client_secret", "api_key", "apiKey", "X-Api-Key", "accessToken", "token",
]  # fmt: skip
ODD = "abcXYZ019-_.~!$*+,/:;?@#%^(){}[]|\\'\"`<> =&é€"
secrets = st.text(ODD, min_size=6, max_size=30).filter(lambda s: s == s.strip() and any(map(str.isalnum, s)))
words = st.text("abcXYZ019-_.~!$*+/^|%é€", max_size=30)
pieces = st.sampled_from([*"ab 1.:=/@,;&?\n\t'\"(){}[]", "token", "password", "http://", "--", "Bearer "])
around = (st.lists(pieces, max_size=20).map("".join) | st.text(max_size=20)).filter(lambda text: "Q" not in text)


class TestPlanted:
    """A secret that reads like nothing else (`QZ…ZQ`), in a place that gives it away, between any two texts."""

    @given(around, st.sampled_from(["http", "postgresql", "postgresql+psycopg", "redis"]), st.text(ODD, max_size=20), around)
    def test_in_a_url(self, before, scheme, odd, after) -> None:
        # A password that begins like a port and goes on after a / makes no URL that any client would read so.
        secret = f"QZ{odd}ZQ".replace("://", "").translate(dict.fromkeys(map(ord, " '\"<>")))
        assert "ZQ@" not in REDACTOR.redacted(f"{before} {scheme}://user:{secret}@host:1/db {after}")
        assert secret not in redacted(f"{scheme}://user:{secret}@host:1/db")

    @given(around, st.sampled_from(NAMES), st.text(ODD, max_size=20), around)
    def test_in_quotes(self, before, name, odd, after) -> None:
        assume(not set(before) & set("'\""))  # after a quote that nobody closed, others open where they should close
        secret = f"QZ{odd}ZQ"
        for text in (
            json.dumps({name: secret, "b": 1}),
            repr({name: secret}),
            f"f({name}={secret!r})",
            json.dumps([f"--{name}", secret]),
            repr([(name, secret)]),
            f"{name} = {json.dumps(secret)}",
            json.dumps(json.dumps({name: secret})),
            repr(json.dumps({name: secret})),
        ):
            shown = REDACTOR.redacted(f"{before} {text} {after}")
            assert "QZ" not in shown
            assert "ZQ" not in shown

    @given(around, st.sampled_from(NAMES), words, around)
    def test_bare(self, before, name, word, after) -> None:
        secret = f"QZ{word}ZQ"
        texts = [f"{name}={secret}", f"{name}: {secret}"]
        texts += [f"--{name} {secret}", f"/x?{name}={secret}&b=2", f"('{name}={secret}')"]
        for text in texts:
            assert "ZQ" not in REDACTOR.redacted(f"{before} {text} {after}")

    @given(around, st.sampled_from(["Authorization: Bearer ", "authorization: Basic ", "Cookie: a=b; c="]), words)
    def test_in_a_header(self, before, header, word) -> None:
        assert "ZQ" not in REDACTOR.redacted(f"{before}\n{header}QZ{word}ZQ\r\nHost: h")


class TestKnownValues:
    """A variable whose name says secret."""

    @given(around, st.sampled_from(["DB_PASSWORD", "GITHUB_TOKEN", "api_key", "AWS_SECRET_ACCESS_KEY"]), secrets, around)
    def test_is_hidden_in_every_form(self, before, name, secret, after) -> None:
        assume("***" not in secret and not secret.isdecimal())
        redactor = Redactor({name: secret})
        for form in (
            secret,
            quote(secret),
            quote(secret, safe=""),
            quote_plus(secret),
            repr(secret)[1:-1],
            json.dumps(secret)[1:-1],
            json.dumps(secret, ensure_ascii=False)[1:-1],
        ):
            assert form not in redactor.redacted(f"{before} x{form}x {after}")

    def test_in_a_url_is_known_elsewhere_too(self) -> None:
        redactor = Redactor({"ANYTHING": "postgresql://me:pa%40ssword@h/db"}, ["--farm-db=mysql://me:hunter22@h/db"])
        assert redactor.redacted("pa@ssword, pa%40ssword and hunter22") == "***, *** and ***"
        urls = "http://me:word@h http://reader@h http://0123456789abcdef@h"
        assert list(passwords_in(urls)) == ["word", "0123456789abcdef"]

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("PWD", "/home/me/work"),
            ("TOKEN", "true"),
            ("DB_PASSWORD", "postgres"),
            ("API_KEY", "short"),
            ("USER", "production7"),
            ("GOOGLE_APPLICATION_CREDENTIALS", "/etc/keys/me.json"),
            ("SSL_KEY_FILE", "/etc/keys/me"),
            ("KEYBOARD", "qwertz-de"),
            ("SONAR_PROJECT_KEY", "my-project"),
            ("TENANT_KEY", "acme-inc"),
            ("AOSFARM_DB", "postgresql://reader@host/farm"),
        ],
    )
    def test_an_ordinary_value_is_none(self, name, value) -> None:
        text = f"a/{value}/b" if "@" not in value else "tests/reader/test_x.py::test_reader"
        assert Redactor({name: value}).redacted(text) is text

    def test_figures_are_not_torn_out_of_others(self) -> None:
        assert Redactor({"PIN_TOKEN": "123456"}).redacted("0123456 123456") == "0123456 ***"

    def test_one_that_begins_like_another(self) -> None:
        assert Redactor({"A_TOKEN": "abcdef", "B_TOKEN": "abcdefghi"}).redacted("abcdefghi") == "***"

    def test_lines_of_a_key(self) -> None:
        redactor = Redactor({"SIGNING_SECRET": "first-line-of-a-secret\nsecond-line-of-a-secret"})
        assert redactor.redacted("E   second-line-of-a-secret") == "E   ***"

    def test_are_not_shown_by_the_redactor(self) -> None:
        assert "hunter22" not in repr(Redactor({"DB_PASSWORD": "hunter22"}))


PIECES = [
    "password=", "token", '"', "'", ": ", "=", "://", "u:p@h", "@", " ", "\n", "\\", '\\"', "{", "}", "[", "]", "(", ")",
    ",", "&", "***", "~12ab", "--api-key ", "Authorization: ", "Bearer ", "abc", "12", "eyJabcdefgh", ".", "postgresql",
    "hunter22", "AKIA", "-----BEGIN PRIVATE KEY",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=12).map("".join))
def test_twice_is_once(text) -> None:
    redactor = Redactor({"DB_PASSWORD": "hunter22"})
    once = redactor.redacted(text)
    assert redactor.redacted(once) == once
    name = redactor.name(text)
    assert "***" in text or redactor.name(name) == name


@given(st.text("abcdefghiklmqrsuvxyz ./_-é()\n"))
def test_texts_without_a_trigger_are_the_same_object(text) -> None:
    assert REDACTOR.redacted(text) is text


HOSTILE = [
    "a", "password", "password=", "password='", 'password="a\\', 'token=\\"', "token=(", "token=,a", "token: token: ",
    "--token ", "--a-", "://", "://a:b", "x://a:b@", "x://a://b@", "://a:1/@", "postgres://u:p ", "&,", ")", " ", "\\",
    "('a", "('token', ", "authorization: ", "eyJaaaaaa", "eyJaaaaaa.", "-----BEGIN PRIVATE KEY", "Bearer a", "ghp_a",
    "AKIA", "pypi-",
]  # fmt: skip


@pytest.mark.parametrize("piece", HOSTILE)
def test_time_grows_with_the_text_and_no_faster(piece) -> None:
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        times = []
        for _ in range(3):
            start = time.process_time()
            REDACTOR.redacted(text)
            times.append(time.process_time() - start)
        return min(times)

    # Eight times the text; quadratic would be 64 times the time. A floor keeps the clock's grain out of it.
    assert seconds(1 << 14) < 24 * max(seconds(1 << 11), 2e-4)


class TestNames:
    def test_that_differ_in_the_secret_stay_two(self) -> None:
        one, other = (REDACTOR.name(f"t.py::test[postgres://u:{word}@h/db]") for word in ("first", "second"))
        assert one != other
        assert one == "t.py::test[postgres://***~4d27@h/db]"
        assert REDACTOR.name(one) is one

    def test_without_a_secret_are_the_same_object(self) -> None:
        assert REDACTOR.name(UNTOUCHED[0]) is UNTOUCHED[0]


def test_arguments() -> None:
    typed = ["--farm-db=postgresql://u:p@h/db", "--token", "abc", "-o", "api_key=abc", "--password", "--x=1", "a/token", "b"]
    shown = ["--farm-db=postgresql://***@h/db", "--token", "***", "-o", "api_key=***", "--password", "--x=1", "a/token", "b"]
    assert REDACTOR.arguments(typed) == shown


def test_what_arguments_tell_is_known_elsewhere_too() -> None:
    redactor = Redactor({}, ["--token", "hunter22", "-o", "api_key=hunter33", "--db=x://u:hunter44@h", "-v", "ordinary"])
    assert redactor.redacted("hunter22-hunter33-hunter44-ordinary") == "***-***-***-ordinary"


def test_json_values() -> None:
    value = {"token": "abc", "pin_token": 123456, "a": ["token=abc", ("b", None)], "h": {"Cookie": ["x=y"]}, "secret": True}
    shown = {"token": "***", "pin_token": "***", "a": ["token=***", ["b", None]], "h": {"Cookie": ["***"]}, "secret": True}
    assert REDACTOR.value(value) == shown
    assert REDACTOR.value("abc", "api_token") == "***"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("http://aod.test/x", "http://aod.test/x"),
        ("http://me:secret@aod.test:80/x", "http://***@aod.test:80/x"),
        ("http://me:se@cr/et@aod.test", "http://***@aod.test"),
        ("me:secret@aod.test", "***@aod.test"),
    ],
)
def test_a_url_as_a_whole(url, shown) -> None:
    assert redacted(url) == shown
