metadata description = 'The bridge between Dynamics 365 and Adobe Campaign: a function app on Flex Consumption, its state and its watch.'

targetScope = 'resourceGroup'

@description('Required. Short name of the environment, lower-case letters and digits, such as dev or prod; part of every name.')
@minLength(2)
@maxLength(8)
param environmentName string

@description('Optional. Region of all resources; it must offer Flex Consumption.')
param location string = resourceGroup().location

@description('Required. Organization URL of Dataverse, https://<org>.crm.dynamics.com, without a slash at the end.')
param dataverseUrl string

@description('Optional. How the bridge signs in to Dataverse; client_secret and certificate read theirs from the vault.')
@allowed([
  'managed_identity'
  'client_secret'
  'certificate'
])
param dataverseAuth string = 'managed_identity'

@description('Optional. Client id of the Entra application, for client_secret and certificate; empty for the managed identity.')
param dataverseClientId string = ''

@description('Required. Base URL of Campaign, https://mc.adobe.io/<organization>/campaign.')
param campaignUrl string

@description('Required. Client id (API key) of the Adobe Developer project.')
param campaignClientId string

@description('Optional. Application settings that differ from their defaults, by name, such as CONTACTS_SCHEDULE. Never a secret.')
param settings object = {}

@description('Optional. Most instances of the function app at once: its budget, in money and in calls to Campaign.')
@minValue(1)
@maxValue(1000)
param maximumInstanceCount int = 40

@description('Optional. Queue messages that one function takes at once in one instance; half as many more while those are in work.')
@minValue(1)
@maxValue(20)
param queueBatchSize int = 8

@description('Optional. HTTP requests that one instance takes at once before another is added.')
@minValue(1)
@maxValue(1000)
param httpConcurrency int = 16

@description('Optional. Redundancy of the state; zone-redundant where the region has zones.')
@allowed([
  'Standard_LRS'
  'Standard_ZRS'
  'Standard_GZRS'
])
param storageSku string = 'Standard_ZRS'

@description('Optional. Puts storage and vault behind private endpoints of a virtual network, closed to the public.')
param networkIsolation bool = false

@description('Optional. Address range of that virtual network, /24 or larger; free in the networks it is to be peered with.')
param networkPrefix string = '10.90.0.0/24'

@description('Optional. Days that Dataverse keeps change tokens (its setting expirechangetrackingindays); an alert comes at half of it.')
@minValue(1)
@maxValue(365)
param changeTokenDays int = 7

@description('Optional. Days that logs are kept.')
@minValue(30)
@maxValue(730)
param logRetentionDays int = 30

@description('Optional. Where alerts are sent; they are only listed in Azure Monitor while it is empty.')
param alertEmail string = ''

@description('Optional. Tags of every resource.')
param tags object = {}

// One entry for each flow: its queue, its poison queue and the alert on that follow from it.
var flows = [
  { name: 'contacts', queue: 'contacts' }
  { name: 'custom_entities', queue: 'custom-entities' }
  { name: 'email_events', queue: 'email-events' }
  { name: 'opt_out', queue: 'opt-out' }
]

var name = 'bridge-${environmentName}'
var suffix = take(uniqueString(resourceGroup().id, environmentName), 10)
var allTags = union({ 'azd-env-name': environmentName }, tags)

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
    name: 'st${environmentName}${suffix}'
    location: location
    tags: allTags
    sku: storageSku
    flows: flows
    closed: networkIsolation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module keyVault 'modules/key_vault.bicep' = {
  name: 'keyVault'
  params: {
    name: 'kv-${environmentName}-${suffix}'
    location: location
    tags: allTags
    closed: networkIsolation
    workspaceId: monitoring.outputs.workspaceId
  }
}

module network 'modules/network.bicep' = if (networkIsolation) {
  name: 'network'
  params: {
    name: name
    location: location
    tags: allTags
    addressPrefix: networkPrefix
    storageId: storage.outputs.id
    keyVaultId: keyVault.outputs.id
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
    name: 'func-${name}-${suffix}'
    location: location
    tags: allTags
    identityId: identity.outputs.id
    deploymentContainerUrl: storage.outputs.deploymentContainerUrl
    subnetId: networkIsolation ? network.outputs.functionsSubnetId : ''
    maximumInstanceCount: maximumInstanceCount
    httpConcurrency: httpConcurrency
    workspaceId: monitoring.outputs.workspaceId
  }
  dependsOn: [
    roles
  ]
}

module appSettings 'modules/settings.bicep' = {
  name: 'appSettings'
  params: {
    functionAppName: functionApp.outputs.name
    storageName: storage.outputs.name
    identityClientId: identity.outputs.clientId
    insightsName: monitoring.outputs.insightsName
    vaultUri: keyVault.outputs.uri
    queueBatchSize: queueBatchSize
    dataverseUrl: dataverseUrl
    dataverseAuth: dataverseAuth
    dataverseClientId: dataverseClientId
    campaignUrl: campaignUrl
    campaignClientId: campaignClientId
    overrides: settings
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    name: name
    location: location
    tags: allTags
    flows: flows
    workspaceId: monitoring.outputs.workspaceId
    keyVaultName: keyVault.outputs.name
    changeTokenDays: changeTokenDays
    alertEmail: alertEmail
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

@description('Name of the vault that takes the secrets.')
output keyVaultName string = keyVault.outputs.name

@description('Address that calls leave from, for the allow lists of Adobe and SFTP; empty without networkIsolation, where it is not fixed.')
output outboundAddress string = networkIsolation ? network.outputs.outboundAddress : ''
