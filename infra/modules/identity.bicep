metadata description = 'The one identity of the bridge: for storage, vault, monitoring and Dataverse.'

@description('Required. Name of the identity.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags object

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = {
  name: name
  location: location
  tags: tags
}

@description('Resource id.')
output id string = identity.id

@description('Client id, as settings and Dataverse name it.')
output clientId string = identity.properties.clientId

@description('Object id, as role assignments name it.')
output principalId string = identity.properties.principalId
