"""Settings: the file, the environment over it, and words for what is wrong."""

from __future__ import annotations

import inspect
import os
from pathlib import Path

import pytest

from app.cli import build
from app.settings import Settings, SettingsError, as_environment, load_settings


@pytest.fixture(autouse=True)
def nothing_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    for name in os.environ:
        if name.startswith("IOC_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("IOC_DATA_DIR", str(tmp_path))


def test_the_defaults_bind_loopback_and_live_in_real_time():
    settings = load_settings()
    assert (settings.host, settings.port, settings.sim_port) == ("127.0.0.1", 8000, 8900)
    assert settings.clock_file is None
    assert settings.database_url == ""


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch):
    (tmp_path / "ioc.toml").write_text('port = 8001\nprofile = "laocai"\nmail_to = ["a@b.vn"]\n')
    assert load_settings().port == 8001
    assert load_settings().mail_to == ("a@b.vn",)
    monkeypatch.setenv("IOC_PORT", "8002")
    monkeypatch.setenv("IOC_MAIL_TO", "c@d.vn, e@f.vn")
    assert load_settings().port == 8002
    assert load_settings().mail_to == ("c@d.vn", "e@f.vn")


def test_a_child_gets_the_same_settings(tmp_path: Path, monkeypatch):
    given = load_settings(
        clock_file=tmp_path / "clock.json", mail_to=("c@d.vn", "e@f.vn"), scale=0.2,
        database_url="postgresql://ioc:x@127.0.0.1:5/ioc", sim_smtp_port=8925,
    )  # fmt: skip
    for name, value in as_environment(given).items():
        monkeypatch.setenv(name, value)
    assert load_settings() == given


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("IOC_PORT", "eighty", r"The setting port is 'eighty'.*Correct IOC_PORT or port in"),
        ("IOC_PORT", "70000", r"port is '70000'.*65535"),
        ("IOC_SCALE", "0", r"scale is '0'.*greater than 0"),
        ("IOC_DATABASE_URL", "mysql://x", r"expected postgresql://user:password@host"),
        ("IOC_CONFIG", "/no/such/file", r"IOC_CONFIG names /no/such/file"),
    ],
)
def test_a_wrong_setting_is_named_with_the_remedy(monkeypatch, name: str, value: str, says: str):
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=says):
        load_settings()


def test_a_word_the_file_should_not_have_is_named(tmp_path: Path):
    (tmp_path / "ioc.toml").write_text("prot = 8001\n")
    with pytest.raises(SettingsError, match=r"sets prot; the settings are: .*port"):
        load_settings()
    (tmp_path / "ioc.toml").write_text("port: 8001\n")
    with pytest.raises(SettingsError, match="is not TOML"):
        load_settings()


REFERENCE = (Path(__file__).parents[2] / "docs/reference/settings.md").read_text()


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_a_setting_is_documented(name: str):
    assert f"`{name}`" in REFERENCE


@pytest.mark.parametrize("command", build().registered_commands, ids=lambda c: c.name)
def test_a_command_is_documented_with_its_options(command):
    assert f"`ioc {command.name}" in REFERENCE
    for option in inspect.signature(command.callback).parameters:
        assert f"--{option}" in REFERENCE or f" {option.upper()}`" in REFERENCE
