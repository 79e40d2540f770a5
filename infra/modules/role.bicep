metadata description = 'One role of one identity on one resource. Bicep wants a scope to be a symbol, so each kind of resource has its block.'

@description('Required. Object id of the identity.')
param principalId string

@description('Required. English name of the role.')
param roleName string

@description('Required. Id of the role definition.')
param roleId string

@description('Required. Kind of the resource.')
@allowed([
  'storage'
  'vault'
  'insights'
])
param on string

@description('Required. Name of the resource.')
param resourceName string

var assignment = {
  principalId: principalId
  principalType: 'ServicePrincipal'
  roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleId)
  description: roleName
}

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' existing = {
  name: resourceName
}

resource vault 'Microsoft.KeyVault/vaults@2024-11-01' existing = {
  name: resourceName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: resourceName
}

resource onStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'storage') {
  scope: account
  name: guid(account.id, principalId, roleId)
  properties: assignment
}

resource onVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'vault') {
  scope: vault
  name: guid(vault.id, principalId, roleId)
  properties: assignment
}

resource onInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (on == 'insights') {
  scope: insights
  name: guid(insights.id, principalId, roleId)
  properties: assignment
}
