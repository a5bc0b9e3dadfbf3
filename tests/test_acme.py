"""Certificates that the server orders and renews by itself, against Pebble, the test server of Let's Encrypt's makers."""

import contextlib
import http.client
import json
import os
import socket
import ssl
import stat
import subprocess
import time
import urllib.request
from pathlib import Path

import pytest
import trustme
from cryptography import x509

from names import NameServer
from server import free_port

PEBBLE = "v2.10.3"
NAMES = ("stats.test", "www.stats.test")
# Of a certificate, in seconds: it is renewed when two thirds are over.
LIFETIME = 60


@pytest.fixture(scope="session")
def pebble_program() -> Path:
    """Pebble, compiled once by Go from its module."""
    cache = Path(os.environ.get("API_ANALYTICS_CACHE", Path.home() / ".cache/api-analytics"))
    folder = cache / f"pebble-{PEBBLE}"
    if not (folder / "pebble").exists():
        command = ["go", "install", f"github.com/letsencrypt/pebble/v2/cmd/pebble@{PEBBLE}"]
        done = subprocess.run(command, env=os.environ | {"GOBIN": str(folder)}, capture_output=True, text=True, timeout=900)
        if done.returncode != 0:
            pytest.skip(f"Pebble cannot be fetched from the Go module proxy: {done.stderr[-500:]}")
    return folder / "pebble"


class Pebble:
    """An authority that looks at proofs on `port` of whatever address its name server says."""

    def __init__(self, program: Path, folder: Path, port: int, names: NameServer):
        self.api, self.management = free_port(), free_port()
        self.trusted = folder / "pebble-ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.trusted)
        own = authority.issue_cert("127.0.0.1")
        own.private_key_pem.write_to_path(folder / "pebble-key.pem")
        own.cert_chain_pems[0].write_to_path(folder / "pebble-cert.pem")
        self.client = ssl.create_default_context(cafile=str(self.trusted))
        settings = {
            "listenAddress": f"127.0.0.1:{self.api}",
            "managementListenAddress": f"127.0.0.1:{self.management}",
            "certificate": str(folder / "pebble-cert.pem"),
            "privateKey": str(folder / "pebble-key.pem"),
            "httpPort": free_port(),
            "tlsPort": port,
            "retryAfter": {"authz": 1, "order": 1},
            "keyAlgorithm": "ecdsa",
            "profiles": {"default": {"description": "short", "validityPeriod": LIFETIME}},
        }
        config = folder / "pebble.json"
        config.write_text(json.dumps({"pebble": settings}))
        # A nonce is refused now and then, as by a real authority; rarely enough that the library's three tries suffice: of some
        # fifty calls none fails three times in 20,000 runs.
        environment = os.environ | {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "1"}
        log = (folder / "pebble.log").open("wb")
        command = [program, "-config", config, "-dnsserver", names.address]
        self.process = subprocess.Popen(command, stdout=log, stderr=log, env=environment)
        self.root = self.read_root()

    def read_root(self) -> str:
        until = time.monotonic() + 90
        while True:
            try:
                url = f"https://127.0.0.1:{self.management}/roots/0"
                return urllib.request.urlopen(url, context=self.client, timeout=5).read().decode()
            except OSError:
                assert time.monotonic() < until and self.process.poll() is None, "Pebble did not start"
                time.sleep(0.05)

    def settings(self) -> dict[str, str]:
        return {
            "acme": ",".join(NAMES),
            "acme_directory": f"https://127.0.0.1:{self.api}/dir",
            "allow_networks": "127.0.0.0/8",
            "trusted_certificates": str(self.trusted),
        }

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(60)


@pytest.fixture
def authority(pebble_program, tmp_path):
    """Makes an authority for a port: `authority(port, "127.0.0.1")`, by whose name server every name has that address."""
    with contextlib.ExitStack() as stack:

        def make(port: int, address: str) -> Pebble:
            names = NameServer(address)
            stack.callback(names.stop)
            pebble = Pebble(pebble_program, tmp_path, port, names)
            stack.callback(pebble.stop)
            return pebble

        yield make


def presented(port: int, name: str, root: str | None = None) -> x509.Certificate | None:
    """The certificate that the server shows under this name; with `root`, none where that did not sign it."""
    context = ssl.create_default_context(cadata=root) if root else ssl._create_unverified_context()
    try:
        with socket.create_connection(("127.0.0.1", port), 15) as plain, context.wrap_socket(plain, server_hostname=name) as tls:
            return x509.load_der_x509_certificate(tls.getpeercert(binary_form=True))
    except OSError:
        return None


def health_of(port: int) -> tuple[int, dict]:
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=ssl._create_unverified_context(), timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", "/api/health")
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())


def wait_for(what: str, seconds: float, look):
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := look():
            return found
        time.sleep(0.1)
    raise AssertionError(f"{what} did not come within {seconds} s")


def test_a_certificate_is_ordered_kept_and_renewed(servers, authority, tmp_path):
    port = free_port()
    pebble = authority(port, "127.0.0.1")
    server = servers(**pebble.settings())
    server.port = port
    server.start(wait=False)
    first = wait_for("a certificate", 120, lambda: presented(port, NAMES[0], pebble.root))
    names = first.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert set(names.get_values_for_type(x509.DNSName)) == set(NAMES)
    assert presented(port, NAMES[1], pebble.root), "one certificate for all names"

    folder = server.data / "acme"
    kept = {path.name: path for path in folder.iterdir()}
    assert kept.keys() == {"account.json", "certificate.pem"}
    assert all(stat.S_IMODE(path.stat().st_mode) == 0o600 for path in kept.values())
    account = kept["account.json"].read_bytes()

    # A proof is shown to those alone who ask for one, and only while it is wanted.
    context = ssl._create_unverified_context()
    context.set_alpn_protocols(["acme-tls/1"])
    with socket.create_connection(("127.0.0.1", port), 15) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname=NAMES[0])

    # The next start goes on with it, without the authority.
    ordered = server.log().count("ordering a certificate")
    server.stop()
    kept_now = x509.load_pem_x509_certificate(kept["certificate.pem"].read_bytes())
    server.start(wait=False)
    again = wait_for("the kept certificate", 60, lambda: presented(port, NAMES[0], pebble.root))
    assert again.serial_number in (kept_now.serial_number, first.serial_number) and server.log().count("ordering") >= ordered

    # Another name costs the first one nothing while it is proven.
    server.stop()
    server.settings["acme"] = ",".join((*NAMES, "more.test"))
    server.start(wait=False)
    wait_for("the first name", 60, lambda: presented(port, NAMES[0], pebble.root))
    wait_for("the added name", 90, lambda: presented(port, "more.test", pebble.root))

    # Renewed before it ends, by the same account, and what is presented never stops being valid.
    until, serials = time.monotonic() + 2 * LIFETIME, set()
    while len(serials) < 2:
        assert time.monotonic() < until, server.log()
        shown = presented(port, NAMES[0], pebble.root)
        assert shown, server.log()
        serials.add(shown.serial_number)
        time.sleep(0.2)
    assert kept["account.json"].read_bytes() == account
    assert health_of(port) == (200, {"status": "healthy"}), server.log()
    assert "PRIVATE KEY" in kept["certificate.pem"].read_text() and "PRIVATE KEY" not in server.log()
    server.stop()


def test_an_authority_that_cannot_see_the_name_is_quoted_in_the_log_and_the_port_goes_on(servers, authority):
    port = free_port()
    # Nobody listens there.
    pebble = authority(port, "127.0.0.77")
    server = servers(**pebble.settings())
    server.port = port
    server.start(wait=False)
    wait_for("the reason", 120, lambda: "no certificate could be obtained" in server.log())
    line = next(line for line in server.log().splitlines() if "no certificate could be obtained" in line)
    assert "could not see that the names lead here" in line and "127.0.0.77" in line and NAMES[0] in line
    assert "next_try_in_seconds=300" in line
    # Visitors are refused, so the operator's health check fails.
    status, health = wait_for("the failed health check", 30, lambda: (found := health_of(port))[0] == 500 and found)
    assert status == 500 and any("127.0.0.77" in problem and NAMES[0] in problem for problem in health["problems"]), health
    placeholder = presented(port, NAMES[0])
    assert placeholder and placeholder.issuer == placeholder.subject
    assert presented(port, NAMES[0], pebble.root) is None
    server.stop()
