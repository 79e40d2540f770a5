metadata description = 'Refuses what types and ranges cannot say. Each value must be the rule itself; main.bicep passes the rule when it is kept, else what was given, so that the refusal names both.'

@description('Required. The rule of dataverseUrl.')
@allowed([
  'https://<org>.crm.dynamics.com, with no slash at its end'
])
param dataverseUrl string

@description('Required. The rule of campaignUrl.')
@allowed([
  'https://mc.adobe.io/<organization>/campaign'
])
param campaignUrl string

@description('Required. The rule of dataverseAuth.')
@allowed([
  'client_secret and certificate need dataverseClientId and dataverseTenantId'
])
param dataverseAuth string

@description('Required. The rule of emailEventsSource.')
@allowed([
  'files needs host, user and hostKey in sftp; journal needs url and imsOrganization in journal; both needs all'
])
param emailEventsSource string

@description('Required. The rule of optOutSource.')
@allowed([
  'file needs host, user and hostKey in sftp'
])
param optOutSource string

@description('Whether all rules are kept; a rule that is not ends the deployment before this.')
output kept bool = !empty(dataverseUrl) && !empty(campaignUrl) && !empty(dataverseAuth) && !empty(emailEventsSource) && !empty(optOutSource)
