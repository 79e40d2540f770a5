metadata description = 'The one identity of the bridge: for storage, vault, monitoring and Dataverse.'

import { Tags } from 'types.bicep'

@description('Required. Name of the identity.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags Tags

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2024-11-30' = {
  name: name
  location: location
  tags: tags
}

@description('Client id, as settings and Dataverse name it.')
output clientId string = identity.properties.clientId
