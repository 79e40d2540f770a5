metadata description = 'Every application setting, secrets as Key Vault references. Names and defaults are those of shared/settings.py; a test holds it.'

@description('Required. Name of the function app.')
param functionAppName string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Client id of the managed identity.')
param identityClientId string

@description('Required. Name of the Application Insights component.')
param insightsName string

@description('Required. URI of the vault.')
param vaultUri string

@description('Required. Queue messages that one function takes at once in one instance.')
param queueBatchSize int

@description('Required. Organization URL of Dataverse.')
param dataverseUrl string

@description('Required. How the bridge signs in to Dataverse.')
param dataverseAuth string

@description('Required. Client id of the Entra application; empty for the managed identity.')
param dataverseClientId string

@description('Required. Base URL of Campaign.')
param campaignUrl string

@description('Required. Client id of the Adobe Developer project.')
param campaignClientId string

@description('Required. Settings that differ from the defaults below, by name.')
param overrides object

var inVault = '@Microsoft.KeyVault(SecretUri=${vaultUri}secrets/'

resource app 'Microsoft.Web/sites@2024-04-01' existing = {
  name: functionAppName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// Those of the Functions host; the last three stand above host.json. Alerts read traces, so none may be left out by sampling.
var platform = {
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  APPLICATIONINSIGHTS_CONNECTION_STRING: insights.properties.ConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
  PYTHON_THREADPOOL_THREAD_COUNT: '32'
  AzureFunctionsJobHost__extensions__queues__batchSize: string(queueBatchSize)
  AzureFunctionsJobHost__extensions__queues__newBatchThreshold: string(queueBatchSize / 2)
  AzureFunctionsJobHost__logging__applicationInsights__samplingSettings__excludedTypes: 'Request;Exception;Trace'
}

var bridge = {
  DATAVERSE_URL: dataverseUrl
  DATAVERSE_AUTH: dataverseAuth
  DATAVERSE_CLIENT_ID: empty(dataverseClientId) ? identityClientId : dataverseClientId
  DATAVERSE_TENANT_ID: subscription().tenantId
  DATAVERSE_CLIENT_SECRET: dataverseAuth == 'client_secret' ? '${inVault}dataverse-client-secret)' : ''
  DATAVERSE_CERTIFICATE: dataverseAuth == 'certificate' ? '${inVault}dataverse-certificate)' : ''
  DATAVERSE_AUTHORITY_URL: 'https://login.microsoftonline.com'
  DATAVERSE_WEBHOOK_SECRET: '${inVault}dataverse-webhook-secret)'
  DATAVERSE_PAGE_SIZE: '5000'
  DATAVERSE_TIMEOUT_SECONDS: '60'
  DATAVERSE_MAX_CONCURRENCY: '8'
  CAMPAIGN_URL: campaignUrl
  CAMPAIGN_IMS_URL: 'https://ims-na1.adobelogin.com'
  CAMPAIGN_CLIENT_ID: campaignClientId
  CAMPAIGN_CLIENT_SECRET: '${inVault}campaign-client-secret)'
  CAMPAIGN_SCOPES: 'campaign_sdk,openid,deliverability_service_general,campaign_config_server_general,AdobeID,additional_info.projectedProductContext'
  CAMPAIGN_TIMEOUT_SECONDS: '60'
  CAMPAIGN_MAX_CONCURRENCY: '16'
  CONTACTS_SCHEDULE: '*/15 * * * * *'
  CUSTOM_ENTITIES_SCHEDULE: '*/15 * * * * *'
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

resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  // checkov:skip=CKV_AZURE_13: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_63: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_65: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_66: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_80: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_88: these are the application settings, not the configuration of a web server
  // checkov:skip=CKV_AZURE_222: these are the application settings, not the configuration of a web server
  parent: app
  name: 'appsettings'
  properties: union(bridge, overrides, platform)
}
