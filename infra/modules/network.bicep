metadata description = 'The virtual network of the bridge: one subnet for the app, one for the private endpoints of storage and vault, their DNS zones.'

@description('Required. Name of the bridge.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Addresses: network, app, endpoints.')
param addresses object

@description('Required. Resource id of the storage account.')
param storageId string

@description('Required. Resource id of the vault.')
param keyVaultId string

// One entry for each service that is reached privately.
var services = [
  {
    group: 'blob'
    target: storageId
    zone: 'privatelink.blob.${environment().suffixes.storage}'
  }
  {
    group: 'queue'
    target: storageId
    zone: 'privatelink.queue.${environment().suffixes.storage}'
  }
  {
    group: 'table'
    target: storageId
    zone: 'privatelink.table.${environment().suffixes.storage}'
  }
  {
    group: 'vault'
    target: keyVaultId
    zone: 'privatelink.vaultcore.azure.net'
  }
]

resource guard 'Microsoft.Network/networkSecurityGroups@2024-01-01' = {
  name: 'nsg-${name}'
  location: location
  tags: tags
  properties: {}
}

resource network 'Microsoft.Network/virtualNetworks@2024-01-01' = {
  name: 'vnet-${name}'
  location: location
  tags: tags
  properties: {
    addressSpace: {
      addressPrefixes: [
        addresses.network
      ]
    }
    subnets: [
      {
        name: 'app'
        properties: {
          addressPrefix: addresses.app
          networkSecurityGroup: {
            id: guard.id
          }
          delegations: [
            {
              name: 'flex-consumption'
              properties: {
                serviceName: 'Microsoft.App/environments'
              }
            }
          ]
        }
      }
      {
        name: 'endpoints'
        properties: {
          addressPrefix: addresses.endpoints
          networkSecurityGroup: {
            id: guard.id
          }
          privateEndpointNetworkPolicies: 'Enabled'
        }
      }
    ]
  }
}

resource zones 'Microsoft.Network/privateDnsZones@2020-06-01' = [for service in services: {
  name: service.zone
  location: 'global'
  tags: tags
}]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2020-06-01' = [for (service, index) in services: {
  parent: zones[index]
  name: 'link-${service.group}'
  location: 'global'
  tags: tags
  properties: {
    registrationEnabled: false
    virtualNetwork: {
      id: network.id
    }
  }
}]

resource endpoints 'Microsoft.Network/privateEndpoints@2024-01-01' = [for service in services: {
  name: 'pe-${name}-${service.group}'
  location: location
  tags: tags
  properties: {
    subnet: {
      id: '${network.id}/subnets/endpoints'
    }
    privateLinkServiceConnections: [
      {
        name: service.group
        properties: {
          privateLinkServiceId: service.target
          groupIds: [
            service.group
          ]
        }
      }
    ]
  }
}]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-01-01' = [for (service, index) in services: {
  parent: endpoints[index]
  name: 'default'
  properties: {
    privateDnsZoneConfigs: [
      {
        name: service.group
        properties: {
          privateDnsZoneId: zones[index].id
        }
      }
    ]
  }
}]

@description('Subnet that the function app is put into, once everything in it can be reached.')
output appSubnetId string = '${network.id}/subnets/app'
