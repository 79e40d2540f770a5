metadata description = 'The workbook that shows the flows: freshness, backlog, outcomes, dead letters, what failed.'

import { Tags } from 'types.bicep'

@description('Required. Name of the bridge.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags Tags

@description('Required. Name of the workspace whose logs are shown.')
param workspaceName string

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

resource workbook 'Microsoft.Insights/workbooks@2023-06-01' = {
  name: guid(resourceGroup().id, name, 'flows')
  location: location
  tags: tags
  kind: 'shared'
  properties: {
    displayName: 'Flows of ${name}'
    category: 'workbook'
    sourceId: workspace.id
    serializedData: loadTextContent('../workbook.json')
  }
}
