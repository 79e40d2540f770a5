metadata description = 'Made from shared/settings.py by `python -m dev.settings_bicep`: do not edit.'

@export()
@description('Settings in place of their defaults. Those that a parameter of its own gives are not among them.')
@sealed()
type Settings = {
  @description('How long a record waits for its parent before it is a dead letter.')
  @minValue(1)
  @maxValue(365)
  PARENT_WAIT_DAYS: int?

  @description('Longest run of one poll; the next tick goes on.')
  @minValue(1)
  @maxValue(540)
  POLL_BUDGET_SECONDS: int?

  @description('No page is read while a queue holds more messages.')
  @minValue(1)
  QUEUE_LIMIT_MESSAGES: int?

  @description('How long a dead instance\'s claim holds others off.')
  @minValue(5)
  @maxValue(600)
  CLAIM_LEASE_SECONDS: int?

  @description('How long a record that keeps failing is tried before it is a dead letter; an opt-out is tried for ever.')
  @minValue(1)
  @maxValue(720)
  RETRY_HOURS: int?

  @description('First delay before a failed record is sent again.')
  @minValue(0)
  @maxValue(3600)
  RETRY_DELAY_SECONDS: int?

  @description('Longest delay before a failed record is sent again.')
  @minValue(0)
  @maxValue(86400)
  RETRY_DELAY_MAX_SECONDS: int?

  @description('How long messages of a stopped or failed flow sleep, and how often its cause is tried.')
  @minValue(1)
  @maxValue(3600)
  PAUSED_DELAY_SECONDS: int?

  @description('Share of the records; a flow asks before it deletes, clears or opts in again more than both brakes.')
  @minValue(0)
  @maxValue(100)
  DELETE_BRAKE_PERCENT: int?

  @description('Number of records; a flow asks before it deletes, clears or opts in again more than both brakes.')
  @minValue(0)
  DELETE_BRAKE_RECORDS: int?

  @description('How long an instance goes on with a known mapping.')
  @minValue(0)
  @maxValue(300)
  MAPPING_CACHE_SECONDS: int?

  @description('Rows a page of change tracking asks for.')
  @minValue(1)
  @maxValue(5000)
  DATAVERSE_PAGE_SIZE: int?

  @description('Longest wait for an answer of Dataverse.')
  @minValue(1)
  @maxValue(120)
  DATAVERSE_TIMEOUT_SECONDS: int?

  @description('Adobe\'s identity service.')
  @minLength(1)
  CAMPAIGN_IMS_URL: string?

  @description('Scopes, as the Adobe Developer Console shows them.')
  @minLength(1)
  CAMPAIGN_SCOPES: string?

  @description('Longest wait for an answer of Campaign.')
  @minValue(1)
  @maxValue(120)
  CAMPAIGN_TIMEOUT_SECONDS: int?

  @description('How long a system may still carry out a write that had no answer; then it is repeated.')
  @minValue(10)
  @maxValue(86400)
  CAMPAIGN_DOUBT_SECONDS: int?

  @description('Port of the SFTP server.')
  @minValue(1)
  @maxValue(65535)
  SFTP_PORT: int?
}

@export()
@description('Their defaults, as application settings have them.')
var defaults = {
  PARENT_WAIT_DAYS: '7'
  POLL_BUDGET_SECONDS: '240'
  QUEUE_LIMIT_MESSAGES: '300'
  CLAIM_LEASE_SECONDS: '120'
  RETRY_HOURS: '48'
  RETRY_DELAY_SECONDS: '5'
  RETRY_DELAY_MAX_SECONDS: '600'
  PAUSED_DELAY_SECONDS: '60'
  DELETE_BRAKE_PERCENT: '5'
  DELETE_BRAKE_RECORDS: '100'
  MAPPING_CACHE_SECONDS: '10'
  DATAVERSE_PAGE_SIZE: '5000'
  DATAVERSE_TIMEOUT_SECONDS: '60'
  CAMPAIGN_IMS_URL: 'https://ims-na1.adobelogin.com'
  CAMPAIGN_SCOPES: 'campaign_sdk,openid,deliverability_service_general,campaign_config_server_general,AdobeID,additional_info.projectedProductContext'
  CAMPAIGN_TIMEOUT_SECONDS: '60'
  CAMPAIGN_DOUBT_SECONDS: '600'
  SFTP_PORT: '22'
}

@export()
@description('Function groups of which instances may be kept ready.')
type ReadyGroup =
  | 'http'
  | 'function:console_carry_on'
  | 'function:console_watch'
  | 'function:contacts_deliver'
  | 'function:contacts_poll'
  | 'function:custom_entities_deliver'
  | 'function:custom_entities_poll'
  | 'function:email_events_deliver'
  | 'function:email_events_poll'
  | 'function:email_events_poll_journal'
  | 'function:opt_out_deliver'
  | 'function:opt_out_poll'
  | 'function:opt_out_poll_campaign'
  | 'function:poison_collect'

@export()
@description('Instances of a function group that are kept ready.')
@sealed()
type ReadyInstances = {
  name: ReadyGroup

  @minValue(1)
  @maxValue(1000)
  instanceCount: int
}
