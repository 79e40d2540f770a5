metadata description = 'What the identity may do: the least that the bridge needs, each role on one resource.'

@description('Required. Object id of the identity.')
param principalId string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Name of the vault.')
param keyVaultName string

@description('Required. Name of the Application Insights component.')
param insightsName string

var roles = [
  {
    name: 'Storage Blob Data Owner'
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
    on: 'storage'
  }
  {
    name: 'Storage Queue Data Contributor'
    id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
    on: 'storage'
  }
  {
    name: 'Storage Table Data Contributor'
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
    on: 'storage'
  }
  {
    name: 'Key Vault Secrets User'
    id: '4633458b-17de-408a-b874-0445c86b69e6'
    on: 'vault'
  }
  {
    name: 'Monitoring Metrics Publisher'
    id: '3913510d-42f4-4e42-8a64-420c390055eb'
    on: 'insights'
  }
]

module assignments 'role.bicep' = [for role in roles: {
  name: 'role-${role.id}'
  params: {
    principalId: principalId
    roleName: role.name
    roleId: role.id
    on: role.on
    storageName: storageName
    keyVaultName: keyVaultName
    insightsName: insightsName
  }
}]
