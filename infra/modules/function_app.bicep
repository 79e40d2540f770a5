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

@description('Required. Workspace that takes the metrics.')
param workspaceId string

@description('Required. Subnet of the app; empty where the network is open.')
param subnetId string

@description('Required. Most instances at once.')
param maximumInstanceCount int

@description('Required. Memory of an instance.')
param instanceMemoryMB int

@description('Required. Instances kept ready.')
param alwaysReady array

@description('Required. Requests of one instance at once.')
param httpConcurrency int

@description('Required. Messages that a queue function of one instance fetches at once.')
param queueBatchSize int

@description('Required. How telemetry travels.')
param telemetryMode string

@description('Required. Dataverse: url, auth, clientId, tenantId, concurrency.')
param dataverse object

@description('Required. Campaign: url, clientId, concurrency.')
param campaign object

@description('Required. Schedule of each poll: contacts, customEntities, emailEvents, optOut.')
param schedules object

@description('Required. Where e-mail events come from.')
param emailEventsSource string

@description('Required. Opt-outs: mode, source.')
param optOut object

@description('Required. SFTP server of Campaign: host, user, hostKey, folder.')
param sftp object

@description('Required. I/O Events journal: url, imsOrganization.')
param journal object

@description('Required. Settings in place of the defaults below, by name.')
param settings object

var secret = '@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/'
var managed = dataverse.auth == 'managed_identity'
var files = emailEventsSource == 'files' || emailEventsSource == 'both' || optOut.source == 'file'

// What the platform itself reads. Threads: a queue function's messages at once, and the timers and requests beside them.
var platform = {
  AzureWebJobsStorage__credential: 'managedidentity'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  AzureFunctionsJobHost__telemetryMode: telemetryMode
  AzureFunctionsJobHost__extensions__queues__batchSize: string(queueBatchSize)
  AzureFunctionsJobHost__extensions__queues__newBatchThreshold: string(queueBatchSize * 2)
  PYTHON_THREADPOOL_THREAD_COUNT: string(max(32, queueBatchSize * 3 + httpConcurrency))
}

// Every setting of shared/settings.py, where nothing else is said with its default; a test compares them.
var bridge = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__clientId: identityClientId
  DATAVERSE_URL: dataverse.url
  DATAVERSE_AUTH: dataverse.auth
  DATAVERSE_CLIENT_ID: managed ? identityClientId : dataverse.clientId
  DATAVERSE_TENANT_ID: dataverse.tenantId
  DATAVERSE_CLIENT_SECRET: dataverse.auth == 'client_secret' ? '${secret}dataverse-client-secret)' : ''
  DATAVERSE_CERTIFICATE: dataverse.auth == 'certificate' ? '${secret}dataverse-certificate)' : ''
  DATAVERSE_AUTHORITY_URL: 'https://login.microsoftonline.com'
  DATAVERSE_WEBHOOK_SECRET: '${secret}dataverse-webhook-secret)'
  DATAVERSE_PAGE_SIZE: '5000'
  DATAVERSE_TIMEOUT_SECONDS: '60'
  DATAVERSE_MAX_CONCURRENCY: string(dataverse.concurrency)
  CAMPAIGN_URL: campaign.url
  CAMPAIGN_IMS_URL: 'https://ims-na1.adobelogin.com'
  CAMPAIGN_CLIENT_ID: campaign.clientId
  CAMPAIGN_CLIENT_SECRET: '${secret}campaign-client-secret)'
  CAMPAIGN_SCOPES: 'campaign_sdk,openid,deliverability_service_general,campaign_config_server_general,AdobeID,additional_info.projectedProductContext'
  CAMPAIGN_TIMEOUT_SECONDS: '60'
  CAMPAIGN_MAX_CONCURRENCY: string(campaign.concurrency)
  CAMPAIGN_JOURNAL_URL: journal.url
  CAMPAIGN_IMS_ORGANIZATION: journal.imsOrganization
  SFTP_HOST: sftp.host
  SFTP_PORT: '22'
  SFTP_USER: sftp.user
  SFTP_PRIVATE_KEY: files ? '${secret}sftp-private-key)' : ''
  SFTP_HOST_KEY: sftp.hostKey
  SFTP_FOLDER: sftp.folder
  EMAIL_EVENTS_SOURCE: emailEventsSource
  EMAIL_EVENTS_SCHEDULE: schedules.emailEvents
  OPT_OUT_MODE: optOut.mode
  OPT_OUT_SOURCE: optOut.source
  OPT_OUT_SCHEDULE: schedules.optOut
  CONTACTS_SCHEDULE: schedules.contacts
  CUSTOM_ENTITIES_SCHEDULE: schedules.customEntities
  PARENT_WAIT_DAYS: '7'
  POLL_BUDGET_SECONDS: '240'
  QUEUE_LIMIT_MESSAGES: '300'
  CLAIM_LEASE_SECONDS: '120'
  RETRY_ATTEMPTS: '50'
  RETRY_DELAY_SECONDS: '5'
  RETRY_DELAY_MAX_SECONDS: '600'
  PAUSED_DELAY_SECONDS: '60'
  DELETE_BRAKE_PERCENT: '5'
  DELETE_BRAKE_RECORDS: '100'
  MAPPING_CACHE_SECONDS: '10'
}

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
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    siteConfig: {
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
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

resource appSettings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(platform, bridge, settings)
}

resource metrics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'to-workspace'
  properties: {
    workspaceId: workspaceId
    metrics: [
      {
        category: 'AllMetrics'
        enabled: true
      }
    ]
  }
}

@description('Name of the function app.')
output name string = app.name

@description('Host of the function app.')
output host string = app.properties.defaultHostName
