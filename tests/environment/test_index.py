"""uv asks where pip would ask, or is not asked."""

from pathlib import Path

import pytest

from environment.index import NotUvsError, uv_settings


def test_indexes_and_certificates_of_pip_are_uvs(tmp_path: Path) -> None:
    config = (
        "global.index-url='https://user:word@mirror/simple'\n"
        "global.extra-index-url='\\nhttps://one/simple\\nfile:///two'\n"
        "install.find-links='/wheels https://three'\n"
        "global.trusted-host='mirror one'\n"
        "global.client-cert='/key.pem'\n"
        "global.keyring-provider='subprocess'\n"
        f":env:.cert={str(tmp_path)!r}\n"
    )
    assert uv_settings(config) == {
        "UV_INDEX_URL": "https://user:word@mirror/simple",
        "UV_EXTRA_INDEX_URL": "https://one/simple file:///two",
        "UV_FIND_LINKS": "/wheels,https://three",
        "UV_INSECURE_HOST": "mirror one",
        "SSL_CLIENT_CERT": "/key.pem",
        "UV_KEYRING_PROVIDER": "subprocess",
        "SSL_CERT_DIR": str(tmp_path),
    }


def test_the_environment_comes_before_the_file_and_install_before_global() -> None:
    config = ":env:.index-url='https://c'\nglobal.index-url='https://a'\ninstall.index-url='https://b'\n"
    assert uv_settings(config) == {"UV_INDEX_URL": "https://c"}
    assert uv_settings(config.split("\n", 1)[1]) == {"UV_INDEX_URL": "https://b"}


def test_settings_of_other_commands_mean_nothing() -> None:
    assert (
        uv_settings("download.only-binary=':all:'\nglobal.disable-pip-version-check='1'\nglobal.no-index='no'\n") == {}
    )


@pytest.mark.parametrize(
    "setting", ["global.only-binary=':all:'", ":env:.target='/x'", "global.keyring-provider='import'"]
)
def test_what_uv_would_not_honour_is_named_without_its_value(setting: str) -> None:
    with pytest.raises(NotUvsError) as caught:
        uv_settings(setting)
    assert str(caught.value) == setting.partition("=")[0].rpartition(".")[2]
