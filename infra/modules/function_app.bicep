metadata description = 'The function app on Flex Consumption; every setting is here, secrets as Key Vault references.'

@description('Required. Name of the function app.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Resource id of the identity.')
param identityId string

@description('Required. Client id of the identity.')
param identityClientId string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. URL of the container that the code is deployed to.')
param deploymentContainerUrl string

@description('Required. URI of the vault.')
param keyVaultUri string

@description('Required. Name of the Application Insights component.')
param insightsName string

@description('Required. Workspace that takes the logs.')
param workspaceId string

@description('Required. Most instances at once.')
param maximumInstanceCount int

@description('Required. Organization URL of Dataverse.')
param dataverseUrl string

@description('Required. Base URL of Campaign.')
param campaignUrl string

@description('Required. Client id of the Adobe Developer project.')
param campaignClientId string

@description('Required. When contacts are polled.')
param contactsSchedule string

@description('Required. When custom entities are polled.')
param customEntitiesSchedule string

@description('Required. Where e-mail events come from.')
param emailEventsSource string

@description('Required. When e-mail events are read.')
param emailEventsSchedule string

@description('Required. SFTP server of Campaign: host, user, hostKey, folder.')
param sftp object

@description('Required. I/O Events journal: url, imsOrganization.')
param journal object

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: 'plan-${name}'
  location: location
  tags: tags
  kind: 'functionapp'
  sku: {
    tier: 'FlexConsumption'
    name: 'FC1'
  }
  properties: {
    reserved: true
  }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'bridge' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identityId
    siteConfig: {
      minTlsVersion: '1.2'
      ftpsState: 'Disabled'
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: deploymentContainerUrl
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identityId
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: 2048
        maximumInstanceCount: maximumInstanceCount
      }
    }
  }
}

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: {
    AzureWebJobsStorage__accountName: storageName
    AzureWebJobsStorage__credential: 'managedidentity'
    AzureWebJobsStorage__clientId: identityClientId
    APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
    APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
    PYTHON_THREADPOOL_THREAD_COUNT: '32'
    DATAVERSE_URL: dataverseUrl
    DATAVERSE_AUTH: 'managed_identity'
    DATAVERSE_CLIENT_ID: identityClientId
    DATAVERSE_WEBHOOK_SECRET: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/dataverse-webhook-secret)'
    CAMPAIGN_URL: campaignUrl
    CAMPAIGN_CLIENT_ID: campaignClientId
    CAMPAIGN_CLIENT_SECRET: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/campaign-client-secret)'
    CONTACTS_SCHEDULE: contactsSchedule
    CUSTOM_ENTITIES_SCHEDULE: customEntitiesSchedule
    EMAIL_EVENTS_SOURCE: emailEventsSource
    EMAIL_EVENTS_SCHEDULE: emailEventsSchedule
    SFTP_HOST: sftp.host
    SFTP_USER: sftp.user
    SFTP_HOST_KEY: sftp.hostKey
    SFTP_FOLDER: sftp.folder
    SFTP_PRIVATE_KEY: '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/sftp-private-key)'
    CAMPAIGN_JOURNAL_URL: journal.url
    CAMPAIGN_IMS_ORGANIZATION: journal.imsOrganization
  }
}

resource logs 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Host of the function app.')
output host string = app.properties.defaultHostName
