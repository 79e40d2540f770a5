using '../main.bicep'

// What differs between customers comes from the environment: the workflow or the shell sets it.
param environmentName = 'dev'
param dataverseUrl = readEnvironmentVariable('DATAVERSE_URL')
param campaignUrl = readEnvironmentVariable('CAMPAIGN_URL')
param campaignClientId = readEnvironmentVariable('CAMPAIGN_CLIENT_ID')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', '')

param tags = {
  environment: 'dev'
}
param maximumInstanceCount = 40
param storageRedundancy = 'Standard_LRS'
param contactsSchedule = '0 */5 * * * *'
param customEntitiesSchedule = '0 */5 * * * *'
