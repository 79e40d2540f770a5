metadata description = 'What the identity may do: the least that the bridge needs, each role on one resource; and who may put mapping documents.'

import { MappingAuthor } from 'types.bicep'

@description('Required. Name of the identity.')
param identityName string

@description('Required. Name of the storage account.')
param storageName string

@description('Required. Name of the vault.')
param keyVaultName string

@description('Required. Name of the Application Insights component.')
param insightsName string

@description('Required. Who may put mapping documents.')
param mappingAuthors MappingAuthor[]

var onStorage = [
  {
    name: 'Storage Blob Data Owner'
    id: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  }
  {
    name: 'Storage Queue Data Contributor'
    id: '974c5e8b-45b9-4653-ba55-5f855dd0fb88'
  }
  {
    name: 'Storage Table Data Contributor'
    id: '0a9a7e1f-b9d0-4cc4-a60d-0319b160aaa3'
  }
]

var onVault = {
  name: 'Key Vault Secrets User'
  id: '4633458b-17de-408a-b874-0445c86b69e6'
}

var onInsights = {
  name: 'Monitoring Metrics Publisher'
  id: '3913510d-42f4-4e42-8a64-420c390055eb'
}

var onDocuments = {
  name: 'Storage Blob Data Contributor'
  id: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
}

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' existing = {
  name: identityName
}

resource account 'Microsoft.Storage/storageAccounts@2025-06-01' existing = {
  name: storageName

  resource blobs 'blobServices' existing = {
    name: 'default'

    resource documents 'containers' existing = {
      name: 'config'
    }
  }
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: keyVaultName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

resource storageRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in onStorage: {
    scope: account
    name: guid(account.id, identity.id, role.id)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role.id)
      description: role.name
    }
  }
]

resource vaultRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: vault
  name: guid(vault.id, identity.id, onVault.id)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', onVault.id)
    description: onVault.name
  }
}

resource insightsRole 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: insights
  name: guid(insights.id, identity.id, onInsights.id)
  properties: {
    principalId: identity.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', onInsights.id)
    description: onInsights.name
  }
}

resource documentRoles 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for author in mappingAuthors: {
    scope: account::blobs::documents
    name: guid(account::blobs::documents.id, author.principalId, onDocuments.id)
    properties: {
      principalId: author.principalId
      principalType: author.principalType
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', onDocuments.id)
      description: onDocuments.name
    }
  }
]
