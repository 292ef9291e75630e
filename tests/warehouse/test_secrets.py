"""No password or key of an address is left in what is kept or shown."""

import pytest

from warehouse.secrets import scrubbed, without_secrets

PLAIN = "https://archive.example.org:8443/v1/archive?latitude=40.7&hourly=rain,snowfall&timezone=GMT"


@pytest.mark.parametrize(
    "address",
    [
        PLAIN,
        "http://127.0.0.1:8000/trip-data/green_tripdata_2025-05.parquet",
        "http://[::1]:8000/a@b",
        "https://example.org/JC-201708%20citibike-tripdata.csv.zip",
        "https://example.org/files?of=me@example.org&keyword=taxi",
        "file.parquet",
        "",
    ],
)
def test_an_address_without_secrets_stays_as_it_is(address: str) -> None:
    assert without_secrets(address) == scrubbed(address) == address


@pytest.mark.parametrize(
    ("address", "left"),
    [
        ("http://loader:s3cret@example.org/f.zip", "http://example.org/f.zip"),
        ("http://loader@example.org/f.zip", "http://example.org/f.zip"),
        ("http://:s3cret@example.org", "http://example.org"),
        ("http://me:s3%40cret@example.org:81/a?b=c", "http://example.org:81/a?b=c"),
        ("http://me:s3@cret@example.org/f", "http://example.org/f"),
        ("http://me:s3/cret@example.org/f", "http://example.org/f"),
        ("http://me:s3#c?ret@example.org/f", "http://example.org/f"),
        ("socks5h://me:s3cret@[::1]:1080", "socks5h://[::1]:1080"),
        ("https://example.org/f?token=s3cret", "https://example.org/f"),
        ("https://example.org/f?token=s3cret#part", "https://example.org/f#part"),
        ("https://example.org/f?a=1&api_key=s3cret&b=2", "https://example.org/f?a=1&b=2"),
        ("https://example.org/f?apikey=s3cret&b=2", "https://example.org/f?b=2"),
        ("https://example.org/f?sv=1&sig=s3%2Fcret%3D", "https://example.org/f?sv=1"),
        (
            "https://b.s3.example.org/f?X-Amz-Credential=s3cret/2025&X-Amz-Date=1&X-Amz-Signature=s3cret",
            "https://b.s3.example.org/f?X-Amz-Date=1",
        ),
        ("HTTPS://Me:S3cret@Example.org/f", "HTTPS://Example.org/f"),
    ],
)
def test_secrets_are_taken_out_of_an_address(address: str, left: str) -> None:
    assert without_secrets(address) == left
    text = scrubbed(f"could not reach '{address}' (twice), nor {address}: again")
    assert "s3cret" not in text.lower()
    assert f"'{left}'" in text


@pytest.mark.parametrize(
    "text",
    [
        "Failed to parse: http://me:s3cret@h:x/y",
        "ProxyError('Cannot connect to proxy me:s3cret@127.0.0.1:9')",
        "proxy=me:s3cret@127.0.0.1:9",
        "Max retries exceeded with url: /data?token=s3cret&month=5 (Caused by …)",
        "Invalid URL 'http://me:s3/cret@': No host supplied",
    ],
)
def test_secrets_are_taken_out_of_a_librarys_error(text: str) -> None:
    assert "cret" not in scrubbed(text)


@pytest.mark.parametrize(
    "text",
    [
        "green 2025-05: expected the columns of feed green, but rain is missing",
        "at 12:30:45, mail me@example.org: all is well (see a:b)",
    ],
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert scrubbed(text) == text
