"""Files in a bucket: listed, told apart, fetched and refused; in the sandbox's bucket and in another store of S3."""

import gzip
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import boto3
import duckdb
import pytest
import requests
from botocore.config import Config
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from ingestion import gaps, run_pipeline
from ingestion.catalog import FEEDS
from ingestion.errors import RefusedError, message_of
from ingestion.fetch.retries import RetryPolicy
from ingestion.gap_plan import Planned
from ingestion.gap_survey import ask, survey
from ingestion.partitions import Partition, partitions_between
from ingestion.pipeline import Result, Status, ingest
from ingestion.publication import Gap, State
from sandbox.faults import CONNECTION_FAULTS, Fault
from sandbox.server import SamplePublisher
from tests.partitions import partition_of
from warehouse.connection import open_for_reading
from warehouse.ledger import utc_now
from warehouse.paths import LOG_FOLDER_VARIABLE
from warehouse.periods import day

pytestmark = pytest.mark.usefixtures("made_tables")

BARS = FEEDS["minute_aggs"]
FRIDAY, MONDAY, TUESDAY = date(2026, 1, 2), date(2026, 1, 5), date(2026, 1, 6)
ROWS = 200
KEY_ID, SECRET = "sandbox-key-id", "sandbox-secret-key"
AT_ONCE = RetryPolicy(first_wait_seconds=0, jitter_seconds=0)
# What fails does so at once, and is tried twice.
QUICK = replace(
    AT_ONCE, attempts=2, attempts_if_unreachable=2, read_timeout_seconds=1, answer_seconds=2, slow_seconds=1
)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the sandbox keeps its files, for all tests here."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture
def publisher(made: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SamplePublisher]:
    """A bucket with the days from Friday to Tuesday, whose keys this process has."""
    with SamplePublisher(FRIDAY, TUESDAY, rows=ROWS, folder=made) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        yield served


def _days(*days: date) -> list[Partition]:
    return [partition_of(BARS, day) for day in days]


def _load(*days: date, force: bool = False) -> list[Result]:
    return ingest(_days(*days), policy=AT_ONCE, force=force)


def _failure(policy: RetryPolicy = AT_ONCE) -> str:
    (result,) = ingest(_days(MONDAY), policy=policy)
    assert result.status.is_failure, result
    assert result.error is not None
    assert len(result.error) < 600
    return result.error


def _surveyed(*, is_offline: bool = False) -> list[Planned]:
    """Where Friday and Monday stand."""
    return survey("minute_aggs", day(2026, 1, 2), day(2026, 1, 5), now=utc_now(), is_offline=is_offline).plan


def _asked(publisher: SamplePublisher) -> list[str]:
    """The requests so far: LIST, or the last part of the object's key."""
    return ["LIST" if "list-type" in entry.path else entry.path.rpartition("/")[2] for entry in publisher.requests]


def test_days_are_listed_once_fetched_and_counted(publisher: SamplePublisher, database: Path) -> None:
    results = _load(FRIDAY, MONDAY, TUESDAY)
    assert [(result.status, result.rows) for result in results] == [(Status.LOADED, ROWS)] * 3
    assert sorted(_asked(publisher)) == ["2026-01-02.csv.gz", "2026-01-05.csv.gz", "2026-01-06.csv.gz", "LIST"]
    assert "prefix=us_stocks_sip%2Fminute_aggs_v1%2F2026%2F01%2F2026-01-0" in publisher.requests[0].path
    with duckdb.connect(str(database)) as connection:
        query = "select source_date, count(*), max(source_row), count(distinct ticker) > 30 from raw_data.minute_aggs"
        rows = connection.execute(f"{query} group by all order by all").fetchall()
    assert rows == [(each, ROWS, ROWS - 1, True) for each in (FRIDAY, MONDAY, TUESDAY)]


def test_a_known_object_is_not_fetched_again_wherever_the_bucket_is(
    publisher: SamplePublisher, made: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _load(FRIDAY, MONDAY)
    with SamplePublisher(FRIDAY, TUESDAY, rows=ROWS, folder=made) as moved:
        for name, value in moved.environment.items():
            monkeypatch.setenv(name, value)
        assert [result.status for result in _load(FRIDAY, MONDAY)] == [Status.UNCHANGED] * 2
        assert _asked(moved) == ["LIST"]
        moved.replace("minute_aggs", MONDAY)
        results = _load(FRIDAY, MONDAY)
        assert [(result.status, result.rows) for result in results] == [
            (Status.UNCHANGED, ROWS),
            (Status.LOADED, ROWS + 7),
        ]
        assert [result.status for result in _load(FRIDAY, force=True)] == [Status.LOADED]


def test_an_object_that_is_not_listed_is_not_published_and_not_asked_for(publisher: SamplePublisher) -> None:
    publisher.break_("minute_aggs", MONDAY, Fault.LATE)
    results = _load(FRIDAY, MONDAY, date(2026, 1, 7))
    assert [result.status for result in results] == [Status.LOADED, Status.NOT_PUBLISHED, Status.NOT_PUBLISHED]
    assert _asked(publisher) == ["LIST", "2026-01-02.csv.gz"]
    publisher.mend("minute_aggs", MONDAY)
    assert [result.status for result in _load(FRIDAY, MONDAY)] == [Status.UNCHANGED, Status.LOADED]


def test_questions_are_answered_by_the_listing_alone(publisher: SamplePublisher) -> None:
    publisher.break_("minute_aggs", TUESDAY, Fault.LATE)
    answers, unreachable = ask(_days(FRIDAY, MONDAY, TUESDAY, date(2026, 1, 7)))
    assert [answer is not None for answer in answers.values()] == [True, True, False, False]
    assert unreachable == {}
    assert _asked(publisher) == ["LIST"]


def test_2000_keys_are_listed_in_one_visit(made: Path, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    days = partitions_between([BARS], day(2017, 1, 1), day(2025, 12, 31))
    with SamplePublisher(date(2017, 1, 1), date(2025, 12, 31), rows=ROWS, folder=made) as served:
        for name, value in served.environment.items():
            monkeypatch.setenv(name, value)
        answers, _ = ask(days)
        assert _asked(served) == ["LIST"] * 3, "1,000 keys a page"
    assert len(days) == 2262
    assert all(answers.values())
    assert len({answer.etag for answer in answers.values() if answer}) == len(days)


def test_an_object_beyond_the_subscription_is_refused_as_such(publisher: SamplePublisher, database: Path) -> None:
    publisher.break_("minute_aggs", MONDAY, Fault.FORBIDDEN)
    results = _load(FRIDAY, MONDAY)
    assert [result.status for result in results] == [Status.LOADED, Status.REFUSED]
    message = results[1].error or ""
    assert "2026/01/2026-01-05.csv.gz: expected the file, but the publisher does not give it to these keys" in message
    assert "(403 AccessDenied): it is outside their subscription" in message
    assert not results[1].is_transient, "whoever retries would ask for ever"
    assert _asked(publisher).count("2026-01-05.csv.gz") == 1
    for is_offline in (False, True):
        loaded, refused = _surveyed(is_offline=is_offline)
        assert (loaded.state, refused.state, refused.gaps) == (State.LOADED, State.REFUSED, (Gap.REFUSED,))
        assert refused.note.startswith("the publisher does not give it to these keys (403 AccessDenied): it is outside")
        assert refused.is_to_fill, "the keys may be others by now"
    publisher.mend("minute_aggs", MONDAY)
    assert _surveyed()[1].state is State.REFUSED, "nobody knows better before it is loaded"
    assert [result.status for result in _load(MONDAY)] == [Status.LOADED]
    assert [one.state for one in _surveyed()] == [State.LOADED] * 2


def test_a_refused_day_is_told_as_such_by_gaps_and_can_be_accepted(
    publisher: SamplePublisher,
    database: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv(LOG_FOLDER_VARIABLE, str(tmp_path / "logs"))
    publisher.break_("minute_aggs", MONDAY, Fault.FORBIDDEN)
    days = ["--from", f"{FRIDAY}", "--to", f"{TUESDAY}", "--sources", "minute_aggs"]
    assert run_pipeline.main(days) == 1
    assert "minute_aggs 2026-01-05 refused: http" in capsys.readouterr().out
    with duckdb.connect(str(database), read_only=True) as connection:
        state = "select partition_key, status from meta.ingestion_run_assets order by 1"
        assert [status for _, status in connection.execute(state).fetchall()] == ["loaded", "refused", "loaded"]
    assert gaps.main(days) == 3
    said = capsys.readouterr().out
    assert "refused     1  2026-01-05: the publisher does not give it to these keys (403 AccessDenied)" in said
    assert "Refused days cannot be loaded until the keys or their subscription change." in said
    assert "python -m ingestion.gaps --accept minute_aggs:2026-01-05 --reason 'say why'" in said
    assert gaps.main([*days, "--fill"]) == 1
    assert gaps.main(["--accept", "minute_aggs:2026-01-05", "--reason", "not bought"]) == 0
    assert "minute_aggs 2026-01-05: accepted as refused (not bought)" in capsys.readouterr().out
    assert gaps.main(days) == 0


def test_a_refused_replacement_leaves_what_is_loaded_and_says_so(publisher: SamplePublisher, database: Path) -> None:
    _load(FRIDAY, MONDAY)
    publisher.replace("minute_aggs", MONDAY)
    publisher.break_("minute_aggs", MONDAY, Fault.FORBIDDEN)
    assert [result.status for result in _load(FRIDAY, MONDAY)] == [Status.UNCHANGED, Status.REFUSED]
    _, replaced = _surveyed()
    assert (replaced.state, replaced.gaps) == (State.REPLACED, (Gap.REPLACED,))
    assert "(403 AccessDenied)" in replaced.note
    with duckdb.connect(str(database), read_only=True) as connection:
        rows = "select count(*) from raw_data.minute_aggs where source_date = $day"
        assert connection.execute(rows, {"day": MONDAY}).fetchone() == (ROWS,)


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        ("MASSIVE_ACCESS_KEY", "another-key-id", "does not know these keys (InvalidAccessKeyId)"),
        ("MASSIVE_SECRET_KEY", "another-secret", "does not know these keys (SignatureDoesNotMatch)"),
        ("MASSIVE_ACCESS_KEY", "", "MASSIVE_ACCESS_KEY is not set"),
        ("MASSIVE_SECRET_KEY", "two\nlines", "MASSIVE_SECRET_KEY holds blanks or other characters"),
        ("MASSIVE_ACCESS_KEY", "schlüssel", "MASSIVE_ACCESS_KEY holds blanks or other characters"),
    ],
)
def test_wrong_keys_are_said_to_be_wrong_and_never_shown(
    publisher: SamplePublisher,
    database: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    variable: str,
    value: str,
    said: str,
) -> None:
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv(variable, value)
    message = _failure()
    assert said in message
    assert "MASSIVE_ACCESS_KEY and MASSIVE_SECRET_KEY" in message
    _, unreachable = ask(_days(MONDAY))
    assert said in unreachable["flat_files"]
    with open_for_reading() as connection:
        ledger = str(connection.execute("select * from meta.ingestion_run_assets").fetchall())
    for secret in {value, KEY_ID, SECRET} - {""}:
        for text in (message, *unreachable.values(), caplog.text, ledger):
            assert secret not in text


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (
            Fault.TRUNCATED,
            "2026-01-05.csv.gz: expected a whole file of gzip, but it cannot be unpacked (it breaks off)",
        ),
        (Fault.HTML, "expected the columns of feed minute_aggs"),
        (Fault.WRONG_TYPES, "'yesterday at noon' in column window_start is not a whole number"),
        (Fault.MISSING_COLUMN, "window_start is missing"),
        (Fault.NO_ROWS, "expected rows, but the published file has none"),
        (Fault.HANGS, "(tried 2 times)"),
        (Fault.STALLS, "(tried 2 times)"),
        (Fault.BREAKS_OFF, "the connection broke off after"),
        (Fault.UNAVAILABLE, "the publisher answered 503 Service Unavailable (SlowDown) (tried 2 times)"),
        (Fault.LONG_PAUSE, "429 Too Many Requests and asks to be left alone for 31,622,400 seconds (tried 1 time)"),
        (Fault.WRONG_KEYS, "does not know these keys (InvalidAccessKeyId)"),
        (Fault.CLOCK_SKEW, "clock differs from this machine's (RequestTimeTooSkewed). Set the clock, then ask again."),
        (Fault.HOSTILE_ERROR, "(403 AccessDenied): it is outside their subscription"),
    ],
)
def test_a_bad_object_fails_its_own_day_in_words(publisher: SamplePublisher, fault: Fault, said: str) -> None:
    publisher.break_("minute_aggs", MONDAY, fault)
    assert said in _failure(QUICK if fault in CONNECTION_FAULTS else AT_ONCE)


def test_what_passes_is_tried_again(publisher: SamplePublisher) -> None:
    publisher.break_("minute_aggs", MONDAY, Fault.BREAKS_OFF, times=1)
    publisher.break_("minute_aggs", TUESDAY, Fault.TOO_MANY_REQUESTS, times=1)
    assert [result.status for result in _load(MONDAY, TUESDAY)] == [Status.LOADED] * 2
    assert _asked(publisher).count("2026-01-05.csv.gz") == 2


def test_keys_follow_no_redirect_and_nobody_else_is_taken_for_the_publisher(publisher: SamplePublisher) -> None:
    # Who followed it would get the file: it is whole at the other host.
    publisher.break_("minute_aggs", MONDAY, Fault.REDIRECT, times=1)
    message = _failure()
    assert "answered 307 Temporary Redirect. The bucket is elsewhere: set SOURCES__FLAT_FILES__ENDPOINT_URL" in message
    assert _asked(publisher) == ["LIST", "2026-01-05.csv.gz"]
    assert [result.status for result in _load(MONDAY)] == [Status.LOADED]


def test_a_bucket_of_another_region_is_said_to_be_elsewhere() -> None:
    for status, code in ((301, "PermanentRedirect"), (400, "AuthorizationHeaderMalformed")):
        assert "FLAT_FILES__REGION" in BARS.publisher.advice(status, code)  # type: ignore[attr-defined]
    assert "Look at the publisher's page" in BARS.publisher.advice(400, "InvalidRequest")  # type: ignore[attr-defined]


def test_a_listing_that_never_ends_is_given_up_and_days_are_loaded_all_the_same(publisher: SamplePublisher) -> None:
    publisher.break_("minute_aggs", TUESDAY, Fault.ENDLESS_LISTING)
    _, unreachable = ask(_days(FRIDAY, MONDAY, TUESDAY))
    assert "of at most 100 pages, but there are more. Check the bucket's address." in unreachable["flat_files"]
    assert _asked(publisher) == ["LIST"] * 100
    assert [result.status for result in _load(FRIDAY, MONDAY)] == [Status.LOADED] * 2


def test_a_store_that_is_not_there_is_said_to_be_unreachable(
    publisher: SamplePublisher, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOURCES__FLAT_FILES__ENDPOINT_URL", "http://127.0.0.1:9")
    assert "refused the connection" in _failure()
    _, unreachable = ask(_days(MONDAY))
    assert "expected a listing of us_stocks_sip/" in unreachable["flat_files"]


def test_the_sandbox_speaks_s3_to_amazons_own_client(publisher: SamplePublisher) -> None:
    def client(secret: str) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=publisher.url,
            aws_access_key_id=KEY_ID,
            aws_secret_access_key=secret,
            region_name="us-east-1",
            config=Config(retries={"max_attempts": 1}),
        )

    listed = client(SECRET).list_objects_v2(Bucket="flatfiles", Prefix="us_stocks_sip/minute_aggs_v1/2026/01/")
    keys = [each["Key"] for each in listed["Contents"]]
    assert [key[-17:] for key in keys] == ["2026-01-02.csv.gz", "2026-01-05.csv.gz", "2026-01-06.csv.gz"]
    got = client(SECRET).get_object(Bucket="flatfiles", Key=keys[0])
    assert got["ETag"] == listed["Contents"][0]["ETag"]
    assert gzip.decompress(got["Body"].read()).count(b"\n") == ROWS + 1
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        client("another").list_objects_v2(Bucket="flatfiles")
    with pytest.raises(ClientError, match="NoSuchKey"):
        client(SECRET).get_object(Bucket="flatfiles", Key=keys[0].replace("02.csv", "03.csv"))
    assert requests.get(f"{publisher.url}/flatfiles/{keys[0]}", timeout=5).status_code == 403


def test_another_store_of_s3_is_loaded_from(database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        endpoint = f"http://{host}:{port}"
        for name, value in (
            ("SOURCES__REFERENCE_DATA__ENDPOINT_URL", f"{endpoint}/"),
            ("REFERENCE_DATA_ACCESS_KEY", "key"),
            ("REFERENCE_DATA_SECRET_KEY", "secret"),
        ):
            monkeypatch.setenv(name, value)
        store = boto3.client(
            "s3",
            endpoint_url=endpoint,
            aws_access_key_id="key",
            aws_secret_access_key="secret",
            region_name="us-east-1",
        )
        store.create_bucket(Bucket="reference-data")

        def put(text: str) -> None:
            store.put_object(Bucket="reference-data", Key="incoming/symbols_2026-01-05.csv", Body=text.encode())

        put("symbol,company_name,sector,market_cap_bucket,exchange_code\nNA,Nano Labs,Technology,small,XNAS\n")
        days = [partition_of(FEEDS["symbols"], each) for each in (MONDAY, TUESDAY)]

        def statuses() -> list[Status]:
            return [result.status for result in ingest(days, policy=AT_ONCE)]

        assert statuses() == [Status.LOADED, Status.NOT_PUBLISHED]
        assert statuses() == [Status.UNCHANGED, Status.NOT_PUBLISHED]
        put("symbol,company_name\nNA,Nano Labs\nNULL,Null Corp\n")
        assert statuses() == [Status.LOADED, Status.NOT_PUBLISHED]
    finally:
        server.stop()
    with duckdb.connect(str(database)) as connection:
        rows = connection.execute("select symbol, company_name, sector from raw_data.symbols order by 1").fetchall()
    assert rows == [("NA", "Nano Labs", None), ("NULL", "Null Corp", None)]


def test_an_error_of_a_bucket_is_not_repeated_for_it_may_have_keys_in_it() -> None:
    rules = BARS.publisher
    start = (
        "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>key-id</AWSAccessKeyId>"
        "<StringToSign>AWS4-HMAC-SHA256 secret</StringToSign></Error>"
    )
    assert rules.text(start) == "SignatureDoesNotMatch"  # type: ignore[attr-defined]
    assert rules.text("<html>secret</html>") == ""  # type: ignore[attr-defined]
    assert not RefusedError("x").is_transient
    assert message_of(RefusedError("x"), "minute bars") == "x"
