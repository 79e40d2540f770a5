metadata description = 'The bridge between Dynamics 365 and Adobe Campaign: a function app on Flex Consumption, its state and its watch.'

targetScope = 'resourceGroup'

import {
  campaignUrl as asCampaignUrl
  dataverseUrl as asDataverseUrl
  isHost
  isId
  isJournalUrl
  lettersAndDigits
  schedule
} from 'modules/rules.bicep'
import { ReadyInstances, Settings } from 'modules/settings.bicep'
import { Addresses, Console, Journal, MappingAuthor, Sftp, Tags } from 'modules/types.bicep'

@description('Required. Name of the environment, as azd has it: dev, Prod or contoso-bridge-dev. Names of resources are made from it.')
@minLength(1)
@maxLength(64)
param environmentName string

@description('Optional. Region of all resources; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Optional. Tags of every resource.')
param tags Tags = {}

@description('Required. Organization URL of Dataverse, https://<org>.crm.dynamics.com.')
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
param campaignUrl string

@description('Required. Client id (API key) of the Adobe Developer project.')
param campaignClientId string

@description('Optional. When contacts are polled: NCRONTAB with six fields.')
param contactsSchedule string = '*/15 * * * * *'

@description('Optional. When custom entities are polled: NCRONTAB with six fields.')
param customEntitiesSchedule string = '*/15 * * * * *'

@description('Optional. When e-mail events are read: NCRONTAB with six fields.')
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
param optOutSchedule string = '*/15 * * * * *'

@description('Optional. SFTP server of Campaign; for e-mail events and opt-outs from files.')
param sftp Sftp?

@description('Optional. I/O Events journal and IMS organization; for e-mail events from the journal.')
param journal Journal?

@description('Optional. The console in a browser; without it the console is off.')
param consolePages Console?

@description('Optional. Other settings in place of their defaults, by name, such as POLL_BUDGET_SECONDS: 120.')
param settings Settings = {}

@description('Optional. Most instances at once per function group: every queue and timer function is a group of its own, HTTP functions are one.')
@minValue(40)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. Memory of an instance.')
@allowed([
  512
  2048
  4096
])
param instanceMemoryMB int = 2048

@description('Optional. Instances that are kept ready, such as {name: \'function:opt_out_deliver\', instanceCount: 1}; billed by the second.')
param alwaysReady ReadyInstances[] = []

@description('Optional. Whether instances are spread over zones. Azure then keeps two ready instances of every function group, and bills them.')
param zoneRedundant bool = false

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

@description('Optional. Whether a lock keeps the storage account from being deleted by mistake; whoever deploys must be allowed to make locks.')
param lockStorage bool = false

@description('Optional. People and groups who may put mapping documents into the container config: {principalId, principalType}.')
param mappingAuthors MappingAuthor[] = []

@description('Optional. Whether storage and vault are reached through a virtual network only, and closed to the public.')
param networkIsolation bool = false

@description('Optional. Resource id of a NAT gateway of yours for the app\'s subnet; one is made where nothing is given. For networkIsolation.')
param natGatewayId string = ''

@description('Optional. Addresses of the virtual network and its two subnets (app: /27 or larger, endpoints: /28 or larger); for networkIsolation.')
param addresses Addresses = {
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

var hash = uniqueString(resourceGroup().id, environmentName)
var allTags = union(tags, { 'azd-env-name': environmentName })

var dataverse = asDataverseUrl(dataverseUrl)
var campaign = asCampaignUrl(campaignUrl)
var schedules = {
  contactsSchedule: contactsSchedule
  customEntitiesSchedule: customEntitiesSchedule
  emailEventsSchedule: emailEventsSchedule
  optOutSchedule: optOutSchedule
}
var badSchedules = map(filter(items(schedules), given => empty(schedule(given.value))), given => given.key)
var eventsFromFiles = contains(['files', 'both'], emailEventsSource)
var eventsFromJournal = contains(['journal', 'both'], emailEventsSource)
var optOutsFromFiles = optOutSource == 'file' && contains(['from-campaign', 'both'], optOutMode)

// What types and ranges cannot say. All that is wrong is said at once.
var problems = filter(
  [
    empty(dataverse) ? 'dataverseUrl must be a URL like https://<org>.crm.dynamics.com' : ''
    empty(campaign) ? 'campaignUrl must be a URL like https://mc.adobe.io/<organization>/campaign' : ''
    empty(trim(campaignClientId)) || !isId(campaignClientId)
      ? 'campaignClientId must be the client id of the Adobe Developer project'
      : ''
    dataverseAuth != 'managed_identity' && (empty(trim(dataverseClientId)) || empty(trim(dataverseTenantId)))
      ? 'dataverseAuth ${dataverseAuth} needs dataverseClientId and dataverseTenantId'
      : ''
    isHost(dataverseTenantId) ? '' : 'dataverseTenantId must be a GUID or a domain'
    isHost(sftp.?host ?? '') ? '' : 'The host in sftp must be a name alone, without sftp:// or a user'
    isId(journal.?imsOrganization ?? '') ? '' : 'The imsOrganization in journal must be like 1234@AdobeOrg'
    empty(badSchedules)
      ? ''
      : '${join(badSchedules, ', ')} must be NCRONTAB with six fields, like 0 */5 * * * * for every five minutes'
    eventsFromFiles && sftp == null ? 'emailEventsSource ${emailEventsSource} needs sftp' : ''
    eventsFromJournal && journal == null ? 'emailEventsSource ${emailEventsSource} needs journal' : ''
    journal == null || isJournalUrl(journal.?url ?? '')
      ? ''
      : 'The url in journal must begin with https:// and have a path'
    optOutsFromFiles && sftp == null ? 'optOutSource file needs sftp' : ''
    empty(alertEmail) || contains(alertEmail, '@') ? '' : 'alertEmail must be an e-mail address'
    networkIsolation && parseCidr(addresses.app).cidr > 27 ? 'The range app in addresses must be /27 or larger' : ''
    networkIsolation && parseCidr(addresses.endpoints).cidr > 28
      ? 'The range endpoints in addresses must be /28 or larger'
      : ''
    empty(natGatewayId) || contains(natGatewayId, '/providers/Microsoft.Network/natGateways/')
      ? ''
      : 'natGatewayId must be a resource id that ends in /natGateways/<name>'
    zoneRedundant && !contains(['Standard_ZRS', 'Standard_GZRS'], storageRedundancy)
      ? 'zoneRedundant needs storageRedundancy Standard_ZRS or Standard_GZRS'
      : ''
  ],
  problem => !empty(problem)
)

// A plain name such as dev is part of names as it is. Of any other the first letters are, and a hash tells two apart.
var letters = lettersAndDigits(environmentName, 16)
var short = empty(letters) ? 'x' : letters
var isPlain = short == environmentName && length(environmentName) <= 8
var base = empty(problems) ? 'bridge-${short}' : fail(join(problems, '. '))
var name = isPlain ? base : '${base}-${take(hash, 6)}'
var identityName = 'id-${name}'
var workspaceName = 'log-${name}'
var insightsName = 'appi-${name}'
var storageName = 'st${take(short, 8)}${take(hash, 12)}'
var keyVaultName = 'kv-${take(short, 8)}-${take(hash, 12)}'
var networkName = 'vnet-${name}'
var functionAppName = 'func-${base}-${take(hash, 6)}'

module identity 'modules/identity.bicep' = {
  params: {
    name: identityName
    location: location
    tags: allTags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  params: {
    workspaceName: workspaceName
    insightsName: insightsName
    location: location
    tags: allTags
    retentionDays: logRetentionDays
  }
}

module storage 'modules/storage.bicep' = {
  params: {
    name: storageName
    location: location
    tags: allTags
    flows: flows
    redundancy: storageRedundancy
    closed: networkIsolation
    locked: lockStorage
    workspaceName: workspaceName
  }
  dependsOn: [
    monitoring
  ]
}

module keyVault 'modules/key_vault.bicep' = {
  params: {
    name: keyVaultName
    location: location
    tags: allTags
    closed: networkIsolation
    workspaceName: workspaceName
  }
  dependsOn: [
    monitoring
  ]
}

module roles 'modules/roles.bicep' = {
  params: {
    identityName: identityName
    storageName: storageName
    keyVaultName: keyVaultName
    insightsName: insightsName
    mappingAuthors: mappingAuthors
  }
  dependsOn: [
    identity
    storage
    keyVault
    monitoring
  ]
}

module network 'modules/network.bicep' = if (networkIsolation) {
  params: {
    name: name
    location: location
    tags: allTags
    networkName: networkName
    addresses: addresses
    natGatewayId: natGatewayId
    storageName: storageName
    keyVaultName: keyVaultName
  }
  dependsOn: [
    storage
    keyVault
  ]
}

module functionApp 'modules/function_app.bicep' = {
  params: {
    name: functionAppName
    location: location
    tags: allTags
    identityName: identityName
    storageName: storageName
    keyVaultName: keyVaultName
    insightsName: insightsName
    workspaceName: workspaceName
    subnetId: networkIsolation ? resourceId('Microsoft.Network/virtualNetworks/subnets', networkName, 'app') : ''
    zoneRedundant: zoneRedundant
    maximumInstanceCount: maximumInstanceCount
    instanceMemoryMB: instanceMemoryMB
    alwaysReady: alwaysReady
    httpConcurrency: httpConcurrency
    queueBatchSize: queueBatchSize
    telemetryMode: telemetryMode
    dataverse: {
      url: dataverse
      auth: dataverseAuth
      clientId: trim(dataverseClientId)
      tenantId: trim(dataverseTenantId)
      concurrency: dataverseConcurrency
    }
    campaign: {
      url: campaign
      clientId: trim(campaignClientId)
      concurrency: campaignConcurrency
    }
    schedules: {
      contacts: schedule(contactsSchedule)
      customEntities: schedule(customEntitiesSchedule)
      emailEvents: schedule(emailEventsSchedule)
      optOut: schedule(optOutSchedule)
    }
    emailEventsSource: emailEventsSource
    optOut: {
      mode: optOutMode
      source: optOutSource
    }
    sftp: sftp
    journal: journal
    consolePages: consolePages
    settings: settings
  }
  dependsOn: [
    roles
    network
  ]
}

module alerts 'modules/alerts.bicep' = {
  params: {
    name: name
    location: location
    tags: allTags
    flows: flows
    workspaceName: workspaceName
    alertEmail: trim(alertEmail)
    unwrittenMinutes: unwrittenMinutes
    deadLettersAnHour: deadLettersAnHour
    changeTrackingDays: changeTrackingDays
  }
  dependsOn: [
    monitoring
  ]
}

module workbook 'modules/workbook.bicep' = {
  params: {
    name: name
    location: location
    tags: allTags
    workspaceName: workspaceName
  }
  dependsOn: [
    monitoring
  ]
}

@description('Name of the function app, for the deployment of the code.')
output functionAppName string = functionAppName

@description('Host of the function app, for the registration of the webhook.')
output functionAppHost string = functionApp.outputs.host

@description('Client id of the managed identity: make it an application user in Dataverse.')
output identityClientId string = identity.outputs.clientId

@description('Name of the vault that takes campaign-client-secret, dataverse-webhook-secret and the other secrets.')
output keyVaultName string = keyVaultName

@description('Name of the storage account, for mapping documents.')
output storageAccountName string = storageName

@description('With networkIsolation: the address from which the bridge calls, for allow lists; empty with a NAT gateway of yours.')
output outboundAddress string = networkIsolation ? network!.outputs.outboundAddress : ''
