"""Stands in for `az functionapp`: its commands on function keys, carried out at the key management
API of the local host.

As Azure CLI 2.91 does, `set` does not print the value, and `list` prints an object of names and
values, seen through --query.
"""

import argparse
import json
import os
import re
import sys
from typing import Any

import requests

NAME = re.compile(r'"([^"]+)"|([A-Za-z_]\w*)')
OBJECT = re.compile(r"\{(\w+): (.+)\}")


def main(words: list[str]) -> int:
    if words[:2] == ["functionapp", "restart"]:
        return 0
    assert words[:3] == ["functionapp", "function", "keys"], words
    parser = argparse.ArgumentParser()
    for option in (
        "resource-group",
        "name",
        "function-name",
        "key-name",
        "key-value",
        "query",
        "output",
    ):
        parser.add_argument(f"--{option}")
    given = parser.parse_args(words[4:])
    url = f"{os.environ['FUNCTIONS']}/admin/functions/{given.function_name}/keys"
    call({"set": "PUT", "list": "GET", "delete": "DELETE"}[words[3]], url, given)
    return 0


def call(method: str, url: str, given: argparse.Namespace) -> None:
    body = {"name": given.key_name, "value": given.key_value} if method == "PUT" else None
    path = url if method == "GET" else f"{url}/{given.key_name}"
    answer = requests.request(
        method, path, headers={"x-functions-key": os.environ["MASTER_KEY"]}, json=body, timeout=30
    )
    answer.raise_for_status()
    if method == "GET":
        named = {key["name"]: key["value"] for key in answer.json()["keys"]}
        found = queried(named, given.query)
        sys.stdout.write(f"{json.dumps(found) if given.output == 'json' else found}\n")
    elif method == "PUT":
        sys.stderr.write(
            "Keys have been redacted. Use `az functionapp function keys list` to view.\n"
        )


def queried(named: dict[str, str], query: str) -> Any:
    """As much of JMESPath as the pages use: a name, a quoted name, an object of one."""
    if found := OBJECT.fullmatch(query):
        return {found[1]: queried(named, found[2])}
    name = NAME.fullmatch(query)
    assert name, query
    return named.get(name[1] or name[2])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
