"""Contact and profile as both vendors document them (Microsoft Learn: Contact table reference;
Adobe: Profile data model).
"""

from shared.mapping import SourceColumn, SourceTable, TargetField, TargetResource

STRINGS = {
    "salutation": 100, "firstname": 50, "middlename": 50, "lastname": 50, "nickname": 100,
    "jobtitle": 100, "emailaddress1": 100, "telephone1": 50, "mobilephone": 50, "fax": 50,
    "address1_line1": 250, "address1_line2": 250, "address1_line3": 250, "address1_county": 50,
    "address1_postalcode": 20, "address1_city": 80, "address1_country": 80,
    "address1_stateorprovince": 50,
}  # fmt: skip
FLAGS = ("donotemail", "donotbulkemail", "donotphone", "donotfax", "donotpostalmail", "donotsendmm")
ALLOW = {0: "Allow", 1: "Do Not Allow"}


def columns() -> dict[str, SourceColumn]:
    found = {name: SourceColumn(name, "String", length) for name, length in STRINGS.items()}
    found |= {name: SourceColumn(name, "Boolean", options=ALLOW) for name in FLAGS}
    others = [
        SourceColumn("contactid", "Uniqueidentifier"),
        SourceColumn("description", "Memo", 2000),
        SourceColumn("birthdate", "DateOnly"),
        SourceColumn("modifiedon", "DateTime", user_local=True),
        SourceColumn("lastusedincampaign", "DateTime", user_local=True, date_only=True),
        SourceColumn("new_opened", "DateTime"),
        SourceColumn("new_big", "BigInt"),
        SourceColumn("gendercode", "Picklist", options={1: "Male", 2: "Female"}),
        SourceColumn(
            "new_colours", "MultiSelectPicklist", options={1: "Red", 2: "Green", 9: "Blue"}
        ),
        SourceColumn("statecode", "State", options={0: "Active", 1: "Inactive"}),
        SourceColumn("annualincome", "Money"),
        SourceColumn("numberofchildren", "Integer"),
        SourceColumn("address1_latitude", "Double"),
        SourceColumn("exchangerate", "Decimal"),
        SourceColumn("parentcustomerid", "Customer", targets=("account", "contact")),
        SourceColumn("gendercodename", "Virtual"),
    ]
    return found | {column.name: column for column in others}


CONTACT = SourceTable("contact", "contacts", "contactid", columns())
GENDER = {"unknown": "Not specified", "male": "Male", "female": "Female"}
LANGUAGES = {
    name: name for name in ("none", "en_us", "en_gb", "fr_fr", "de_de", "es_es", "it_it", "ja_jp")
}
FIELDS = [
    TargetField("externalId", "string", 100), TargetField("salutation", "string", 20),
    TargetField("firstName", "string", 30), TargetField("middleName", "string", 30),
    TargetField("lastName", "string", 50), TargetField("email", "string", 128, policy="email"),
    TargetField("phone", "string", 32), TargetField("mobilePhone", "string", 32),
    TargetField("fax", "string", 32), TargetField("birthDate", "date"),
    TargetField("gender", "enumeration", values=GENDER),
    TargetField("preferredLanguage", "enumeration", values=LANGUAGES),
    TargetField("age", "integer", read_only=True), TargetField("blackList", "boolean"),
    TargetField("cusText", "string"), TargetField("cusShort", "string", 5),
    TargetField("cusNumber", "integer"), TargetField("cusAmount", "double"),
    TargetField("cusRatio", "float"), TargetField("cusDay", "date"),
    TargetField("cusMoment", "datetime"), TargetField("cusFlag", "boolean"),
    *(TargetField(f"blackList{channel}", "boolean") for channel in ("Email", "Phone", "Mobile",
                                                                    "Fax", "PostalMail")),
    *(TargetField(f"location.address{line}", "string", 100) for line in (1, 2, 3, 4)),
    TargetField("location.zipCode", "string", 20), TargetField("location.city", "string", 80),
    TargetField("location.countryCode", "string", 2),
    TargetField("location.stateCode", "string", 2),
]  # fmt: skip
PROFILE = TargetResource("profile", {field.name: field for field in FIELDS})

ID = "6d81597f-0f9f-e711-8122-000d3aa2331c"


def row(**values: object) -> dict[str, object]:
    """A contact with every column that Dataverse sends when all are selected; nulls where nothing
    is given.
    """
    names = [
        f"_{name}_value" if column.type == "Customer" else name
        for name, column in CONTACT.columns.items()
    ]
    return {
        **dict.fromkeys(names),
        **dict.fromkeys(FLAGS, False),
        "contactid": ID,
        "statecode": 0,
        **values,
    }
