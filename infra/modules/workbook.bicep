metadata description = 'The workbook that shows the flows: freshness, backlog, outcomes, dead letters, what failed.'

@description('Required. Name of the bridge.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Workspace whose logs are shown.')
param workspaceId string

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'flows')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Flows of ${name}'
    category: 'workbook'
    sourceId: workspaceId
    serializedData: loadTextContent('../workbook.json')
  }
}
