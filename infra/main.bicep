metadata description = 'The bridge between Dynamics 365 and Adobe Campaign: a function app on Flex Consumption, its state and its watch.'

targetScope = 'resourceGroup'

@description('Required. Short name of the environment, such as dev or prod, lower case letters and digits; part of every name.')
@minLength(2)
@maxLength(8)
param environmentName string

@description('Optional. Region of all resources; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Optional. Tags of every resource.')
param tags object = {}

@description('Required. Organization URL of Dataverse, https://<org>.crm.dynamics.com.')
@minLength(12)
param dataverseUrl string

@description('Optional. How the bridge proves to Dataverse who it is; a secret or certificate is for an organization in another tenant.')
@allowed([
  'managed_identity'
  'client_secret'
  'certificate'
])
param dataverseAuth string = 'managed_identity'

@description('Optional. Client id of the Entra application; for client_secret and certificate.')
param dataverseClientId string = ''

@description('Optional. Entra tenant of the organization; for client_secret and certificate.')
param dataverseTenantId string = ''

@description('Required. Base URL of Campaign, https://mc.adobe.io/<organization>/campaign.')
@minLength(18)
param campaignUrl string

@description('Required. Client id (API key) of the Adobe Developer project.')
@minLength(1)
param campaignClientId string

@description('Optional. When contacts are polled: NCRONTAB with six fields.')
@minLength(11)
param contactsSchedule string = '*/15 * * * * *'

@description('Optional. When custom entities are polled: NCRONTAB with six fields.')
@minLength(11)
param customEntitiesSchedule string = '*/15 * * * * *'

@description('Optional. When e-mail events are read: NCRONTAB with six fields.')
@minLength(11)
param emailEventsSchedule string = '0 * * * * *'

@description('Optional. Where e-mail events come from: none, files, journal or both.')
@allowed([
  'none'
  'files'
  'journal'
  'both'
])
param emailEventsSource string = 'none'

@description('Optional. Which way opt-outs go: disabled, to-campaign, from-campaign or both.')
@allowed([
  'disabled'
  'to-campaign'
  'from-campaign'
  'both'
])
param optOutMode string = 'both'

@description('Optional. How opt-outs of Campaign are found: filter, scan or file.')
@allowed([
  'filter'
  'scan'
  'file'
])
param optOutSource string = 'filter'

@description('Optional. When opt-outs are read on both sides: NCRONTAB with six fields.')
@minLength(11)
param optOutSchedule string = '*/15 * * * * *'

@description('Optional. SFTP server of Campaign; for files: host, user, hostKey, folder.')
param sftp object = {
  host: ''
  user: ''
  hostKey: ''
  folder: '/d365_loads/exports'
}

@description('Optional. I/O Events journal and IMS organization; for journal: url, imsOrganization.')
param journal object = {
  url: ''
  imsOrganization: ''
}

@description('Optional. Other settings in place of their defaults, by name, such as POLL_BUDGET_SECONDS.')
param settings object = {}

@description('Optional. Most instances at once: with the concurrency of each, the budget of calls towards Campaign.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. Memory of an instance.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Optional. Instances that are kept ready: a list of {name, instanceCount}, name http or function:<function name>.')
param alwaysReady array = []

@description('Optional. Most requests that one instance answers at once.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Optional. Messages that a queue function of one instance fetches at once, while no more than twice as many are in work.')
@minValue(1)
@maxValue(32)
param queueBatchSize int = 4

@description('Optional. Most calls to Campaign under way at once in one instance.')
@minValue(1)
@maxValue(128)
param campaignConcurrency int = 16

@description('Optional. Most calls to Dataverse under way at once in one instance; Dataverse takes 52 of one user.')
@minValue(1)
@maxValue(52)
param dataverseConcurrency int = 8

@description('Optional. Redundancy of the storage account; zones where the region has them.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GRS'
  'Standard_GZRS'
])
param storageRedundancy string = 'Standard_ZRS'

@description('Optional. Whether storage and vault are reached through a virtual network only, and closed to the public.')
param networkIsolation bool = false

@description('Optional. Addresses of the virtual network and its two subnets (app: /27 or larger, endpoints: /28 or larger); for networkIsolation.')
param addresses object = {
  network: '10.90.0.0/24'
  app: '10.90.0.0/26'
  endpoints: '10.90.0.64/27'
}

@description('Optional. How telemetry travels. OpenTelemetry has no host.json sampling: read docs/deploy.md first.')
@allowed([
  'ApplicationInsights'
  'OpenTelemetry'
])
param telemetryMode string = 'ApplicationInsights'

@description('Optional. Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Optional. Where alerts are sent; none is sent while it is empty.')
param alertEmail string = ''

@description('Optional. Age in minutes of the oldest unwritten change that raises an alert.')
@minValue(5)
@maxValue(1440)
param unwrittenMinutes int = 30

@description('Optional. New dead letters of a flow within an hour that raise an alert.')
@minValue(1)
param deadLettersAnHour int = 10

@description('Optional. Days that Dataverse keeps changes (expirechangetrackingindays of the organization); half of it raises an alert.')
@minValue(1)
@maxValue(365)
param changeTrackingDays int = 7

// One entry for each flow: its queue, its poison queue and its poison alert follow from it.
var flows = [
  'contacts'
  'custom-entities'
  'email-events'
  'opt-out'
]

var name = 'bridge-${environmentName}'
var suffix = uniqueString(resourceGroup().id, environmentName)
var allTags = union(tags, { 'azd-env-name': environmentName })

var dataverseUrlKept = startsWith(dataverseUrl, 'https://') && length(split(dataverseUrl, '/')) == 3
var campaignUrlKept = startsWith(campaignUrl, 'https://') && endsWith(campaignUrl, '/campaign')
var dataverseAuthKept = dataverseAuth == 'managed_identity' || (!empty(dataverseClientId) && !empty(dataverseTenantId))
var fromFiles = emailEventsSource == 'files' || emailEventsSource == 'both'
var fromJournal = emailEventsSource == 'journal' || emailEventsSource == 'both'
var optOutsFromFiles = optOutSource == 'file' && (optOutMode == 'from-campaign' || optOutMode == 'both')
var sftpGiven = !empty(sftp.host) && !empty(sftp.user) && !empty(sftp.hostKey)
var journalGiven = !empty(journal.url) && !empty(journal.imsOrganization)
var emailEventsSourceKept = (!fromFiles || sftpGiven) && (!fromJournal || journalGiven)

var optOutSourceKept = !optOutsFromFiles || sftpGiven

module checks 'modules/checks.bicep' = {
  name: 'checks'
  params: {
    dataverseUrl: any(dataverseUrlKept ? 'https://<org>.crm.dynamics.com, with no slash at its end' : dataverseUrl)
    campaignUrl: any(campaignUrlKept ? 'https://mc.adobe.io/<organization>/campaign' : campaignUrl)
    dataverseAuth: any(dataverseAuthKept ? 'client_secret and certificate need dataverseClientId and dataverseTenantId' : dataverseAuth)
    emailEventsSource: any(emailEventsSourceKept ? 'files needs host, user and hostKey in sftp; journal needs url and imsOrganization in journal; both needs all' : emailEventsSource)
    optOutSource: any(optOutSourceKept ? 'file needs host, user and hostKey in sftp' : optOutSource)
  }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${name}'
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    tags: allTags
    retentionDays: logRetentionDays
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${environmentName}${take(suffix, 12)}'
    location: location
    tags: allTags
    flows: flows
    redundancy: storageRedundancy
    closed: networkIsolation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key_vault.bicep' = {
  name: 'keyVault'
  params: {
    name: 'kv-${environmentName}-${take(suffix, 12)}'
    location: location
    tags: allTags
    closed: networkIsolation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module roles 'modules/roles.bicep' = {
  name: 'roles'
  params: {
    principalId: identity.outputs.principalId
    storageName: storage.outputs.name
    keyVaultName: keyVault.outputs.name
    insightsName: monitoring.outputs.insightsName
  }
}

module network 'modules/network.bicep' = if (networkIsolation) {
  name: 'network'
  params: {
    name: name
    location: location
    tags: allTags
    addresses: addresses
    storageId: storage.outputs.id
    keyVaultId: keyVault.outputs.id
  }
}

module functionApp 'modules/function_app.bicep' = {
  name: 'functionApp'
  params: {
    name: 'func-${name}-${take(suffix, 6)}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    keyVaultUri: keyVault.outputs.uri
    insightsName: monitoring.outputs.insightsName
    workspaceId: monitoring.outputs.workspaceId
    subnetId: networkIsolation ? network.outputs.appSubnetId : ''
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    alwaysReady: alwaysReady
    httpConcurrency: httpConcurrency
    queueBatchSize: queueBatchSize
    telemetryMode: telemetryMode
    dataverse: {
      url: dataverseUrl
      auth: dataverseAuth
      clientId: dataverseClientId
      tenantId: dataverseTenantId
      concurrency: dataverseConcurrency
    }
    campaign: {
      url: campaignUrl
      clientId: campaignClientId
      concurrency: campaignConcurrency
    }
    schedules: {
      contacts: contactsSchedule
      customEntities: customEntitiesSchedule
      emailEvents: emailEventsSchedule
      optOut: optOutSchedule
    }
    emailEventsSource: emailEventsSource
    optOut: {
      mode: optOutMode
      source: optOutSource
    }
    sftp: sftp
    journal: journal
    settings: settings
  }
  dependsOn: [
    checks
    roles
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: allTags
    flows: flows
    workspaceId: monitoring.outputs.workspaceId
    alertEmail: alertEmail
    unwrittenMinutes: unwrittenMinutes
    deadLettersAnHour: deadLettersAnHour
    changeTrackingDays: changeTrackingDays
  }
}

module workbook 'modules/workbook.bicep' = {
  name: 'workbook'
  params: {
    name: name
    location: location
    tags: allTags
    workspaceId: monitoring.outputs.workspaceId
  }
}

@description('Name of the function app, for the deployment of the code.')
output functionAppName string = functionApp.outputs.name

@description('Host of the function app, for the registration of the webhook.')
output functionAppHost string = functionApp.outputs.host

@description('Client id of the managed identity: make it an application user in Dataverse.')
output identityClientId string = identity.outputs.clientId

@description('Name of the vault that takes campaign-client-secret, dataverse-webhook-secret and the other secrets.')
output keyVaultName string = keyVault.outputs.name
