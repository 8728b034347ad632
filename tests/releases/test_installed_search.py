"""The installed Hermes is found by its files, whatever way it was installed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import pytest

from hermes_repair.home.installs import (
    Installed,
    Surroundings,
    constant_in,
    find_installed,
    read_install,
    serving,
)
from hermes_repair.home.launcher import code_of_command, interpreter_of, target_of_shell
from tests.homes.database import RELEASE_OF
from tests.releases import release


def write(path: Path, text: str, mode: int = 0o644) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(mode)
    return path


def code(folder: Path, number: int, release: str = "0.18.2") -> Path:
    write(folder / "hermes_state.py", f'"""Store."""\nSCHEMA_VERSION = {number}\n')
    write(folder / "hermes_cli" / "__init__.py", f'__version__ = "{release}"\n')
    return folder


def environment(prefix: Path) -> Path:
    """Make the bones of a virtual environment, its python a link out of it as usual."""
    python = prefix / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.symlink_to("/usr/bin/python3")
    site = prefix / "lib" / "python3.11" / "site-packages"
    site.mkdir(parents=True)
    return site


def around(user: Path, *path: Path, platform: str = "linux", **environ: str) -> Surroundings:
    environ["PATH"] = os.pathsep.join(str(folder) for folder in path)
    return Surroundings(environ, user, platform, user / "no-system-code")


def only(found: tuple[Installed, ...]) -> Installed:
    assert len(found) == 1, found
    return found[0]


@pytest.fixture
def user(tmp_path: Path) -> Path:
    (tmp_path / "user" / ".hermes").mkdir(parents=True)
    return tmp_path / "user"


def test_checkout_below_the_home_serves_it_and_its_profiles(user: Path) -> None:
    code(user / ".hermes" / "hermes-agent", 19)
    for root in (user / ".hermes", user / ".hermes" / "profiles" / "work"):
        found = only(find_installed(root, around(user)))
        assert (found.number, found.release) == (19, "0.18.2")
        assert found.found == user / ".hermes" / "hermes-agent" / "hermes_state.py"
        assert found.changed_at is not None


def test_launcher_of_the_installer_leads_to_the_checkout_once(user: Path) -> None:
    checkout = code(user / ".hermes" / "hermes-agent", 22, "0.19.0")
    environment(checkout / "venv")
    python = checkout / "venv" / "bin" / "python"
    script = write(checkout / "venv" / "bin" / "hermes", f"#!{python}\nimport sys\n", 0o755)
    write(
        user / ".local" / "bin" / "hermes",
        f'#!/usr/bin/env bash\nunset PYTHONPATH\nexec "{script}" "$@"\n',
        0o755,
    )
    found = only(find_installed(user / ".hermes", around(user, user / ".local" / "bin")))
    assert (found.number, found.code) == (22, checkout)
    assert found.how.startswith("the hermes command")


def test_uv_tool_with_a_link_on_path(user: Path) -> None:
    prefix = user / ".local" / "share" / "uv" / "tools" / "hermes-agent"
    site = environment(prefix)
    code(site, 14, "0.16.0")
    long = f"#!/bin/sh\n'''exec' '{prefix}/bin/python' \"$0\" \"$@\"\n' '''\nimport sys\n"
    script = write(prefix / "bin" / "hermes", long, 0o755)
    link = user / ".local" / "bin" / "hermes"
    link.parent.mkdir(parents=True)
    link.symlink_to(script)
    found = only(find_installed(user / ".hermes", around(user, link.parent)))
    assert (found.number, found.release, found.code) == (14, "0.16.0", site)


def test_tool_environments_are_found_without_a_command(user: Path) -> None:
    site = environment(user / "pipx-home" / "venvs" / "hermes-agent")
    code(site, 17, "0.18.0")
    surroundings = around(user, PIPX_HOME=str(user / "pipx-home"))
    assert only(find_installed(user / ".hermes", surroundings)).number == 17
    assert find_installed(user / ".hermes", around(user)) == ()


def test_editable_install_points_to_its_project(user: Path, tmp_path: Path) -> None:
    project = code(tmp_path / "my project", 16, "0.17.0")
    prefix = tmp_path / "venv"
    site = environment(prefix)
    write(
        site / "hermes_agent-0.17.0.dist-info" / "direct_url.json",
        f'{{"url": "file://{str(project).replace(" ", "%20")}", "dir_info": {{"editable": true}}}}',
    )
    write(prefix / "bin" / "hermes", f"#!{prefix}/bin/python\n", 0o755)
    found = only(find_installed(user / ".hermes", around(user, prefix / "bin")))
    assert (found.number, found.code) == (16, project)


def test_user_packages_of_pip(user: Path) -> None:
    site = user / ".local" / "lib" / "python3.12" / "site-packages"
    code(site, 13, "0.15.2")
    write(user / ".local" / "bin" / "hermes", "#!/usr/bin/python3\nimport sys\n", 0o755)
    found = only(find_installed(user / ".hermes", around(user, user / ".local" / "bin")))
    assert (found.number, found.how) == (13, "the packages of the user")


def test_what_serves_another_home_does_not_count(user: Path, tmp_path: Path) -> None:
    code(environment(user / ".local" / "share" / "uv" / "tools" / "hermes-agent"), 22)
    other = tmp_path / "copy-of-a-server"
    other.mkdir()
    assert find_installed(other, around(user)) == ()
    named = around(user, HERMES_HOME=str(other))
    assert only(find_installed(other, named)).number == 22
    assert find_installed(user / ".hermes", named)[0].how.startswith("the environment")


def test_running_interpreters_come_first(user: Path, tmp_path: Path) -> None:
    code(user / ".hermes" / "hermes-agent", 22)
    code(environment(tmp_path / "service"), 14)
    python = tmp_path / "service" / "bin" / "python"
    found = find_installed(user / ".hermes", around(user), [python])
    assert [install.number for install in found] == [14, 22]
    assert str(python) in found[0].how


def test_pythons_are_kept_with_the_code_that_they_run(user: Path, tmp_path: Path) -> None:
    code(environment(tmp_path / "venv"), 14)
    names = [tmp_path / "venv" / "bin" / name for name in ("python", "python3")]
    found = find_installed(user / ".hermes", around(user), [*names, tmp_path / "no" / "python"])
    assert only(found).pythons == tuple(names)
    assert serving(found) == found[0]
    assert serving([replace(found[0], number=None)]) is None


SYSTEMD = """
[Service]
Type=simple
ExecStart={python} -m hermes_cli.main --profile work gateway run --replace
Environment="PATH=/usr/bin"
Environment="HERMES_HOME={home}"
"""
LAUNCHD = """<?xml version="1.0" encoding="UTF-8"?>
<plist version="1.0"><dict>
<key>ProgramArguments</key><array><string>{python}</string><string>-m</string></array>
<key>EnvironmentVariables</key><dict><key>HERMES_HOME</key><string>{home}</string></dict>
</dict></plist>
"""


@pytest.mark.parametrize(
    ("folder", "name", "text"),
    [
        (".config/systemd/user", "hermes-gateway-work.service", SYSTEMD),
        ("Library/LaunchAgents", "ai.hermes.gateway-work.plist", LAUNCHD),
    ],
)
def test_services_that_name_the_home(
    folder: str, name: str, text: str, user: Path, tmp_path: Path
) -> None:
    code(user / ".hermes" / "hermes-agent", 22)
    code(environment(tmp_path / "venv"), 14)
    python = tmp_path / "venv" / "bin" / "python"
    work = user / ".hermes" / "profiles" / "work"
    work.mkdir(parents=True)
    write(user / folder / name, text.format(python=python, home=work))
    first = find_installed(work, around(user))[0]
    assert (first.number, first.how, first.pythons) == (14, f"the service {name}", (python,))
    assert only(find_installed(user / ".hermes", around(user))).number == 22


def test_services_of_the_system_and_what_is_none(user: Path, tmp_path: Path) -> None:
    code(environment(tmp_path / "venv"), 14)
    python = tmp_path / "venv" / "bin" / "python"
    units = tmp_path / "units"
    home = user / ".hermes"
    write(units / "hermes-gateway.service", SYSTEMD.format(python=python, home=home))
    write(units / "hermes-gateway-a.service", "ExecStart='torn\nEnvironment=HERMES_HOME=relative\n")
    write(units / "hermes-gateway-b.service", "\0" * 2000)
    write(user / "Library" / "LaunchAgents" / "ai.hermes.gateway.plist", "<plist><array>")
    surroundings = replace(around(user), system_units=units)
    assert only(find_installed(home, surroundings)).pythons == (python,)


def test_when_the_code_changed_is_told_by_its_record_too(user: Path) -> None:
    checkout = code(user / ".hermes" / "hermes-agent", 22)
    for path in checkout.rglob("*"):
        os.utime(path, (5.0, 5.0))
    assert only(find_installed(user / ".hermes", around(user))).changed_at == 5.0
    record = checkout / "hermes_agent-0.19.0.dist-info"
    record.mkdir()
    os.utime(record, (9.0, 9.0))
    assert only(find_installed(user / ".hermes", around(user))).changed_at == 9.0


def test_windows_layout_by_its_paths(tmp_path: Path) -> None:
    user = tmp_path / "Users" / "me"
    home = user / "AppData" / "Local" / "hermes"
    checkout = code(home / "hermes-agent", 19)
    launcher = write(checkout / "venv" / "Scripts" / "hermes.exe", "MZ")
    surroundings = Surroundings(
        {"LOCALAPPDATA": str(home.parent), "PATH": str(launcher.parent)}, user, "win32"
    )
    found = only(find_installed(home, surroundings))
    assert (found.number, found.how) == (19, f"the hermes command {launcher}")
    assert code_of_command(launcher) == checkout


def test_newer_layouts_keep_the_constant_beside(tmp_path: Path) -> None:
    write(tmp_path / "hermes_state.py", "from hermes_state_common import SCHEMA_VERSION\n")
    write(tmp_path / "hermes_state_common.py", "SCHEMA_VERSION: int = 30\n")
    write(tmp_path / "hermes_state_schema.py", "from hermes_state_common import SCHEMA_VERSION\n")
    found = read_install(tmp_path, "here")
    assert (found.number, found.found) == (30, tmp_path / "hermes_state_common.py")


@pytest.mark.parametrize(
    ("source", "number"),
    [
        ("SCHEMA_VERSION = 22", 22),
        ('"""\nSCHEMA_VERSION = 9\n"""\nSCHEMA_VERSION = 14', 14),
        ("def f():\n    SCHEMA_VERSION = 3", None),
        ("SCHEMA_VERSION = int('4')", None),
        ("SCHEMA_VERSION = True", None),
        ("SCHEMA_VERSION = (", None),
        ("x = '\x00'", None),
        ("", None),
    ],
)
def test_constant_is_read_not_run(source: str, number: int | None) -> None:
    assert constant_in(source) == number


def test_unreadable_number_is_said(user: Path) -> None:
    write(user / ".hermes" / "hermes-agent" / "hermes_state.py", "VERSION = 1\n")
    found = only(find_installed(user / ".hermes", around(user)))
    assert found.number is None
    assert "SCHEMA_VERSION" in found.problem


def test_a_circle_of_links_is_no_crash(user: Path) -> None:
    bin_folder = user / ".local" / "bin"
    bin_folder.mkdir(parents=True)
    (bin_folder / "hermes").symlink_to(bin_folder / "hermes2")
    (bin_folder / "hermes2").symlink_to(bin_folder / "hermes")
    code(user / ".hermes" / "hermes-agent", 14)
    numbers = [i.number for i in find_installed(user / ".hermes", around(user, bin_folder))]
    assert 14 in numbers


def test_scripts_that_call_each_other_end(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    write(first, f'#!/bin/sh\nexec {second} "$@"\n')
    write(second, f'#!/bin/sh\nexec {first} "$@"\n')
    assert code_of_command(first) is None


def test_lines_of_launchers() -> None:
    assert interpreter_of(["#!/a/venv/bin/python3.11"]) == Path("/a/venv/bin/python3.11")
    assert interpreter_of(["#!/usr/bin/env bash", "exec x"]) is None
    assert interpreter_of([]) is None
    assert target_of_shell(
        ["#!/bin/sh", "exec -a x '/nix/store/h/bin/.hermes-wrapped' \"$@\""]
    ) == (Path("/nix/store/h/bin/.hermes-wrapped"))
    assert target_of_shell(["exec 'torn"]) is None


@pytest.mark.parametrize(("number", "version"), RELEASE_OF.items())
def test_real_releases(number: int, version: str) -> None:
    found = read_install(release(version), "wheel")
    assert (found.number, found.release) == (number, version)
