"""Addresses: http for this machine alone, no credentials, links only below what is configured."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.addresses import address_fault, canonical, link_fault

BASE = "https://mc.example.org/acme/campaign"


@pytest.mark.parametrize(
    "address",
    [
        "https://contoso.example.org",
        "https://contoso.example.org:8443/a/b",
        "https://127.0.0.1",
        "http://127.0.0.1:8080",
        "http://127.9.9.9",
        "http://localhost:7071",
        "http://[::1]:7071",
    ],
)
def test_https_goes_anywhere_and_http_to_this_machine(address: str) -> None:
    assert address_fault(address) == ""


@pytest.mark.parametrize(
    "address",
    [
        "http://contoso.example.org",
        "http://127.0.0.1.example.org",
        "http://localhost.example.org",
        "http://128.0.0.1",
        "http://0.0.0.0",
        "http://[::2]",
        "http://[::ffff:10.0.0.1]",
        "http://2130706433",
        "http://127.1",
        "http://127.0.0.1@contoso.example.org",
        "http://127.0.0.1\\@contoso.example.org",
        "http://\uff11\uff12\uff17.0.0.1",
        "https://user:pass@contoso.example.org",
        "https://user@contoso.example.org",
        "https://@contoso.example.org",
        "https://",
        "https:///path",
        "https:/contoso.example.org",
        "//contoso.example.org",
        "contoso.example.org",
        "ftp://contoso.example.org",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "https://contoso.example.org:port",
        "https://contoso.example.org:0",
        "https://contoso.example.org:70000",
        "https://[::1",
        "https://contoso.example.org/a b",
        "https://contoso.example.org\r\nX-Header: 1",
        "https://contoso.example.org\u2028",
        "",
    ],
)
def test_anything_else_is_refused(address: str) -> None:
    assert address_fault(address)


@pytest.mark.parametrize(
    ("pasted", "taken"),
    [
        (" HTTPS://Contoso.Example.org// ", "https://contoso.example.org"),
        ("https://Contoso.example.org/A/b/", "https://contoso.example.org/A/b"),
        ("HTTP://LocalHost:7071/", "http://localhost:7071"),
        ("nonsense", "nonsense"),
    ],
)
def test_an_address_has_one_form(pasted: str, taken: str) -> None:
    assert canonical(pasted) == taken
    assert canonical(taken) == taken


@pytest.mark.parametrize(
    "link",
    [
        f"{BASE}/profile?_lineCount=2",
        BASE,
        "https://MC.example.org/acme/campaign/profile",
        "https://mc.example.org:443/Acme/campaign/profile",
    ],
)
def test_a_link_below_the_configured_address_is_followed(link: str) -> None:
    assert link_fault(link, BASE) == ""


@pytest.mark.parametrize(
    "link",
    [
        "https://other.example.org/acme/campaign/profile",
        "https://mc.example.org:444/acme/campaign/profile",
        "http://mc.example.org/acme/campaign/profile",
        "https://mc.example.org.example.com/acme/campaign/profile",
        "https://mc.example.org@other.example.org/acme/campaign",
        "https://user:pass@mc.example.org/acme/campaign/profile",
        "https://mc.example.org/other/campaign/profile",
        "https://mc.example.org/acme/campaignX/profile",
        f"{BASE}/../../other/campaign/profile",
        f"{BASE}/%2e%2e/profile",
        f"{BASE}/%252E%252E/profile",
        f"{BASE}/..%2fprofile",
        f"{BASE}/..%5cprofile",
        f"{BASE}/..;/..;x=1/other/profile",
        f"{BASE}/%2e%2e%3bx/other",
        f"{BASE}/\uff0e\uff0e/other",
        f"{BASE}/%EF%BC%8E%EF%BC%8E/other",
        f"{BASE}/.. /other",
        "/acme/campaign/profile",
        "",
    ],
)
def test_a_link_to_anywhere_else_is_not(link: str) -> None:
    assert link_fault(link, BASE)


@given(st.text(max_size=60))
def test_no_text_is_an_error(text: str) -> None:
    assert isinstance(address_fault(canonical(text)), str)
    assert isinstance(link_fault(text, BASE), str)
    assert link_fault(f"https://other.example.org/{text}", BASE)


@given(st.text(min_size=1, max_size=30))
def test_a_host_that_is_not_this_machine_never_gets_http(host: str) -> None:
    own = host.lower() == "localhost" or host.startswith("127.")
    assert own or address_fault(f"http://{host}.example.org")
