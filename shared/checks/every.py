"""Every check, in the order in which they are made. A further one is one entry."""

from shared.checks import connections, files, flows, opt_outs, rights, storage, tables, webhooks
from shared.checks.findings import Check

DATAVERSE = (
    "Correct DATAVERSE_URL (organization and region: crm, crm4, crm11 and so on), or look at the"
    " network."
)
CAMPAIGN = "Correct CAMPAIGN_URL (organization and instance), or look at the network."
CHECKS = (
    Check("settings", connections.settings),
    Check(
        "clocks",
        connections.clocks,
        ("settings",),
        "Correct DATAVERSE_URL or CAMPAIGN_URL, or look at the network.",
    ),
    Check("storage", storage.storage, ("settings",)),
    Check("flows", flows.flows, ("storage",)),
    Check(
        "dataverse token",
        connections.dataverse_token,
        ("settings",),
        "Correct DATAVERSE_AUTHORITY_URL, or look at the network.",
    ),
    Check("dataverse", connections.dataverse, ("dataverse token",), DATAVERSE),
    Check(
        "campaign token",
        connections.campaign_token,
        ("settings",),
        "Correct CAMPAIGN_IMS_URL, or look at the network.",
    ),
    Check("campaign", connections.campaign, ("campaign token",), CAMPAIGN),
    Check("mapping documents", tables.documents, ("storage",)),
    Check("privileges", rights.privileges, ("dataverse", "mapping documents"), rights.ADVICE),
    Check("change tracking", tables.change_tracking, ("dataverse", "mapping documents"), DATAVERSE),
    Check("change tokens", tables.change_tokens, ("dataverse", "mapping documents"), DATAVERSE),
    Check("mappings", tables.mappings, ("dataverse", "campaign", "mapping documents"), CAMPAIGN),
    Check("keys", tables.keys, ("campaign", "mapping documents"), CAMPAIGN),
    Check("webhooks", webhooks.webhooks, ("dataverse", "mapping documents"), webhooks.ADVICE),
    Check(
        "activity tables",
        files.activity_tables,
        ("dataverse", "storage"),
        "Run `manage.py setup activities`.",
    ),
    Check(
        "journal",
        files.journal,
        ("campaign token",),
        "Correct CAMPAIGN_JOURNAL_URL and CAMPAIGN_IMS_ORGANIZATION.",
    ),
    Check(
        "sftp",
        files.files,
        ("mapping documents",),
        "Correct SFTP_HOST and SFTP_PORT, or let this machine's address through in Campaign.",
    ),
    Check(
        "opt-out",
        opt_outs.opt_outs,
        ("dataverse", "campaign", "mapping documents"),
        opt_outs.ADVICE,
    ),
)
