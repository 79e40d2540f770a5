"""Whatever is asked for, the emulator answers in its own words: no request makes it stumble."""

from typing import Any
from urllib.parse import quote

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

WORDS = """
lastname statecode createdon _ownerid_value parentcustomerid_account/name donotemail annualincome
eq ne gt and or not ( ) , = 'x' '[a' '' 1 -1.5 1e400 99999999999999999999 true null 2020-01-01
2020-13-45T00:00:00Z 00000000-0000-0000-0000-000000000000 @a
contains(lastname,'a') Microsoft.Dynamics.CRM.In(PropertyName='lastname',PropertyValues=['a'])
Microsoft.Dynamics.CRM.LastXDays(PropertyName='createdon',PropertyValue=9999999999)
"""
COLUMNS = """
lastname gendercode birthdate statecode statuscode donotemail annualincome address1_latitude
numberofchildren contactid ownerid ownerid@odata.bind parentcustomerid_account versionnumber
overriddencreatedon @odata.type nosuchcolumn
"""
TEXTS = st.lists(st.sampled_from(WORDS.split()), max_size=6).map(" ".join) | st.text(max_size=20)
OPTIONS = st.sampled_from(
    [
        "$filter",
        "$filter",
        "$orderby",
        "$select",
        "$expand",
        "$top",
        "$count",
        "$skiptoken",
        "$deltatoken",
    ]
)
PATHS = st.sampled_from(
    ["contacts", "contacts/$count", "organizations", "EntityDefinitions(LogicalName='contact')"]
)
NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | NUMBERS | st.text(max_size=5) | st.lists(st.none(), max_size=1)
ENOUGH = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@ENOUGH
@given(path=PATHS, option=OPTIONS, text=TEXTS)
def test_no_query_makes_it_stumble(org: Any, path: str, option: str, text: str) -> None:
    response = org.request("GET", f"{path}?{option}={quote(text)}")
    assert response.status_code in {200, 400, 404, 501}
    assert response.status_code == 200 or response.json()["error"]["message"]


@ENOUGH
@given(body=st.dictionaries(st.sampled_from(COLUMNS.split()), VALUES, max_size=4))
def test_no_body_makes_it_stumble(org: Any, body: dict[str, Any]) -> None:
    response = org.request("PATCH", "contacts(00000000-0000-0000-0000-00000000dead)", body)
    assert response.status_code in {204, 400, 404, 501}
    assert response.status_code == 204 or response.json()["error"]["message"]
