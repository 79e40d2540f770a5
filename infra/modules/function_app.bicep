metadata description = 'The function app on Flex Consumption; every setting is here, secrets as Key Vault references.'

import { defaults, ReadyInstances, Settings } from 'settings.bicep'
import { Campaign, Console, Dataverse, Journal, OptOut, Schedules, Sftp, Tags } from 'types.bicep'

@description('Required. Name of the function app.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags Tags

@description('Required. Name of the identity.')
param identityName string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Name of the vault.')
param keyVaultName string

@description('Required. Name of the Application Insights component.')
param insightsName string

@description('Required. Name of the workspace that takes the metrics.')
param workspaceName string

@description('Required. Subnet of the app; empty where the network is open.')
param subnetId string

@description('Required. Whether instances are spread over zones.')
param zoneRedundant bool

@description('Required. Most instances of one function group at once.')
param maximumInstanceCount int

@description('Required. Memory of an instance.')
param instanceMemoryMB int

@description('Required. Instances kept ready.')
param alwaysReady ReadyInstances[]

@description('Required. Requests of one instance at once.')
param httpConcurrency int

@description('Required. Messages that a queue function of one instance fetches at once.')
param queueBatchSize int

@description('Required. How telemetry travels.')
param telemetryMode string

@description('Required. How Dataverse is reached.')
param dataverse Dataverse

@description('Required. How Campaign is reached.')
param campaign Campaign

@description('Required. Schedule of each poll.')
param schedules Schedules

@description('Required. Where e-mail events come from.')
param emailEventsSource string

@description('Required. Opt-outs: which way, and how they are found.')
param optOut OptOut

@description('Required. SFTP server of Campaign; null where there is none.')
param sftp Sftp?

@description('Required. I/O Events journal; null where there is none.')
param journal Journal?

@description('Required. The console in a browser; null where it is off.')
param consolePages Console?

@description('Required. Settings in place of their defaults, by name.')
param settings Settings

var secret = '@Microsoft.KeyVault(VaultName=${keyVaultName};SecretName='
var managed = dataverse.auth == 'managed_identity'
var optOutsFromFiles = optOut.source == 'file' && contains(['from-campaign', 'both'], optOut.mode)
var files = contains(['files', 'both'], emailEventsSource) || optOutsFromFiles

// shared/state/storage.py and the host reach storage at core.windows.net.
var authority = environment().name == 'AzureCloud'
  ? 'https://${split(environment().authentication.loginEndpoint, '/')[2]}'
  : fail('The bridge runs in the public cloud of Azure only. Choose a subscription there.')

// What the platform itself reads. Threads: a queue function's messages at once, and the timers and requests beside them.
var platform = {
  AzureWebJobsStorage__credential: 'managedidentity'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identity.properties.clientId}'
  AzureFunctionsJobHost__telemetryMode: telemetryMode
  AzureFunctionsJobHost__extensions__queues__batchSize: string(queueBatchSize)
  AzureFunctionsJobHost__extensions__queues__newBatchThreshold: string(queueBatchSize * 2)
  PYTHON_THREADPOOL_THREAD_COUNT: string(max(32, queueBatchSize * 3 + httpConcurrency))
}

// The settings of shared/settings.py that parameters and resources give; the others are in settings.bicep.
var bridge = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__clientId: identity.properties.clientId
  DATAVERSE_URL: dataverse.url
  DATAVERSE_AUTH: dataverse.auth
  DATAVERSE_CLIENT_ID: managed ? identity.properties.clientId : dataverse.clientId
  DATAVERSE_TENANT_ID: dataverse.tenantId
  DATAVERSE_CLIENT_SECRET: dataverse.auth == 'client_secret' ? '${secret}dataverse-client-secret)' : ''
  DATAVERSE_CERTIFICATE: dataverse.auth == 'certificate' ? '${secret}dataverse-certificate)' : ''
  DATAVERSE_AUTHORITY_URL: authority
  DATAVERSE_WEBHOOK_SECRET: '${secret}dataverse-webhook-secret)'
  DATAVERSE_MAX_CONCURRENCY: string(dataverse.concurrency)
  CAMPAIGN_URL: campaign.url
  CAMPAIGN_CLIENT_ID: campaign.clientId
  CAMPAIGN_CLIENT_SECRET: '${secret}campaign-client-secret)'
  CAMPAIGN_MAX_CONCURRENCY: string(campaign.concurrency)
  CAMPAIGN_JOURNAL_URL: trim(journal.?url ?? '')
  CAMPAIGN_IMS_ORGANIZATION: trim(journal.?imsOrganization ?? '')
  SFTP_HOST: trim(sftp.?host ?? '')
  SFTP_USER: trim(sftp.?user ?? '')
  SFTP_PRIVATE_KEY: files ? '${secret}sftp-private-key)' : ''
  SFTP_HOST_KEY: trim(sftp.?hostKey ?? '')
  SFTP_FOLDER: trim(sftp.?folder ?? '/d365_loads/exports')
  EMAIL_EVENTS_SOURCE: emailEventsSource
  EMAIL_EVENTS_SCHEDULE: schedules.emailEvents
  OPT_OUT_MODE: optOut.mode
  OPT_OUT_SOURCE: optOut.source
  OPT_OUT_SCHEDULE: schedules.optOut
  CONTACTS_SCHEDULE: schedules.contacts
  CUSTOM_ENTITIES_SCHEDULE: schedules.customEntities
  CONSOLE_URL: consolePages.?url ?? ''
  CONSOLE_CLIENT_ID: consolePages.?clientId ?? ''
  CONSOLE_TENANT_ID: consolePages == null ? '' : tenant().tenantId
  CONSOLE_AUTH: consolePages.?auth ?? 'managed_identity'
  CONSOLE_CLIENT_SECRET: consolePages.?auth == 'client_secret' ? '${secret}console-client-secret)' : ''
  CONSOLE_IDENTITY_CLIENT_ID: identity.properties.clientId
  CONSOLE_AUTHORITY_URL: authority
  CONSOLE_SESSION_KEY: consolePages == null ? '' : '${secret}console-session-key)'
  CONSOLE_SESSION_KEY_BEFORE: consolePages.?keyBefore == true ? '${secret}console-session-key-before)' : ''
  CONSOLE_ENVIRONMENT: consolePages.?environment ?? ''
}

var given = toObject(
  filter(items(settings), setting => setting.value != null),
  setting => setting.key,
  setting => string(setting.value)
)

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
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
    zoneRedundant: zoneRedundant
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: name
  location: location
  tags: union(tags, { 'azd-service-name': 'bridge' })
  kind: 'functionapp,linux'
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identity.id}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    keyVaultReferenceIdentity: identity.id
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      http20Enabled: true
    }
    functionAppConfig: {
      deployment: {
        storage: {
          type: 'blobContainer'
          value: 'https://${storageName}.blob.${environment().suffixes.storage}/deployment'
          authentication: {
            type: 'UserAssignedIdentity'
            userAssignedIdentityResourceId: identity.id
          }
        }
      }
      runtime: {
        name: 'python'
        version: '3.13'
      }
      scaleAndConcurrency: {
        instanceMemoryMB: instanceMemoryMB
        maximumInstanceCount: maximumInstanceCount
        alwaysReady: alwaysReady
        triggers: {
          http: {
            perInstanceConcurrency: httpConcurrency
          }
        }
      }
    }
  }
}

// No password opens the app's publishing endpoints: code is deployed by a signed-in identity.
resource ftp 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource scm 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: union(platform, defaults, given, bridge)
}

resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'to-workspace'
  properties: {
    workspaceId: workspace.id
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Host of the function app.')
output host string = app.properties.defaultHostName
