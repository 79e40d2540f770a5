metadata description = 'The bridge between Dynamics 365 and Adobe Campaign: a function app on Flex Consumption, its state and its watch.'

targetScope = 'resourceGroup'

@description('Required. Short name of the environment, such as dev or prod; part of every name.')
@minLength(2)
@maxLength(8)
param environmentName string

@description('Optional. Region of all resources; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Required. Organization URL of Dataverse, https://<org>.crm.dynamics.com.')
param dataverseUrl string

@description('Required. Base URL of Campaign, https://mc.adobe.io/<organization>/campaign.')
param campaignUrl string

@description('Required. Client id (API key) of the Adobe Developer project.')
param campaignClientId string

@description('Optional. When contacts are polled: NCRONTAB with six fields.')
param contactsSchedule string = '*/15 * * * * *'

@description('Optional. When custom entities are polled: NCRONTAB with six fields.')
param customEntitiesSchedule string = '*/15 * * * * *'

@description('Optional. Where e-mail events come from: none, files, journal or both.')
@allowed([
  'none'
  'files'
  'journal'
  'both'
])
param emailEventsSource string = 'none'

@description('Optional. When e-mail events are read: NCRONTAB with six fields.')
param emailEventsSchedule string = '0 * * * * *'

@description('Optional. SFTP server of Campaign, its user, public host key and folder of exports; for files.')
param sftp object = {
  host: ''
  user: ''
  hostKey: ''
  folder: '/d365_loads/exports'
}

@description('Optional. URL of the I/O Events journal and the IMS organization; for journal.')
param journal object = {
  url: ''
  imsOrganization: ''
}

@description('Optional. Most instances of the function app at once: the budget of concurrency towards Campaign.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. Where alerts are sent; none is sent while it is empty.')
param alertEmail string = ''

@description('Optional. Tags of every resource.')
param tags object = {}

var name = 'bridge-${environmentName}'
var suffix = uniqueString(resourceGroup().id, environmentName)

// One entry for each flow: its queue, poison queue and alerts follow from it.
var flows = [
  'contacts'
  'custom-entities'
  'email-events'
]

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    name: 'id-${name}'
    location: location
    tags: tags
  }
}

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    name: name
    location: location
    tags: tags
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    name: 'st${environmentName}${take(suffix, 12)}'
    location: location
    tags: tags
    flows: flows
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key_vault.bicep' = {
  name: 'keyVault'
  params: {
    name: 'kv-${environmentName}-${take(suffix, 12)}'
    location: location
    tags: tags
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

module functionApp 'modules/function_app.bicep' = {
  name: 'functionApp'
  params: {
    name: 'func-${name}-${take(suffix, 6)}'
    location: location
    tags: tags
    identityId: identity.outputs.id
    identityClientId: identity.outputs.clientId
    storageName: storage.outputs.name
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    keyVaultUri: keyVault.outputs.uri
    insightsName: monitoring.outputs.insightsName
    workspaceId: monitoring.outputs.workspaceId
    maximumInstanceCount: maximumInstanceCount
    dataverseUrl: dataverseUrl
    campaignUrl: campaignUrl
    campaignClientId: campaignClientId
    contactsSchedule: contactsSchedule
    customEntitiesSchedule: customEntitiesSchedule
    emailEventsSource: emailEventsSource
    emailEventsSchedule: emailEventsSchedule
    sftp: sftp
    journal: journal
  }
  dependsOn: [
    roles
  ]
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: tags
    flows: flows
    workspaceId: monitoring.outputs.workspaceId
    alertEmail: alertEmail
  }
}

@description('Name of the function app, for the deployment of the code.')
output functionAppName string = functionApp.outputs.name

@description('Host of the function app, for the registration of the webhook.')
output functionAppHost string = functionApp.outputs.host

@description('Client id of the managed identity: make it an application user in Dataverse.')
output identityClientId string = identity.outputs.clientId

@description('Name of the vault that holds campaign-client-secret and dataverse-webhook-secret.')
output keyVaultName string = keyVault.outputs.name
