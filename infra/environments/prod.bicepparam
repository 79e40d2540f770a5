using '../main.bicep'

// What differs between customers comes from the environment: the workflow or the shell sets it.
param environmentName = 'prod'
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param campaignUrl = readEnvironmentVariable('CAMPAIGN_URL')
param campaignClientId = readEnvironmentVariable('CAMPAIGN_CLIENT_ID')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', '')

param tags = {
  environment: 'prod'
}
param maximumInstanceCount = 40
param storageRedundancy = 'Standard_ZRS'
param lockStorage = true
param networkIsolation = true
param logRetentionDays = 90
