metadata description = 'One role assignment, on the one resource that it is for: not on the resource group.'

@description('Required. Object id of the identity.')
param principalId string

@description('Required. English name of the role.')
param roleName string

@description('Required. Id of the role definition.')
param roleId string

@description('Required. What the role is for.')
@allowed([
  'storage'
  'vault'
  'insights'
])
param on string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Name of the vault.')
param keyVaultName string

@description('Required. Name of the Application Insights component.')
param insightsName string

resource account 'Microsoft.Storage/storageAccounts@2023-05-01' existing = {
  name: storageName
}

resource vault 'Microsoft.KeyVault/vaults@2023-07-01' existing = {
  name: keyVaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

var properties = {
  principalId: principalId
  principalType: 'ServicePrincipal'
  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  description: roleName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'storage') {
  scope: account
  name: guid(account.id, principalId, roleId)
  properties: properties
}

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'vault') {
  scope: vault
  name: guid(vault.id, principalId, roleId)
  properties: properties
}

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'insights') {
  scope: insights
  name: guid(insights.id, principalId, roleId)
  properties: properties
}
