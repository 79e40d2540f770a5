metadata description = 'Tells a person when a flow has failed, has gone quiet, or has met a bug. They read the bridge\'s own log lines.'

@description('Required. Name of the bridge.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags object

@description('Required. Names of the flows; each has its alerts.')
param flows array

@description('Required. Workspace whose logs are read.')
param workspaceId string

@description('Required. Where alerts are sent; empty for nowhere.')
param alertEmail string

var receivers = [
  {
    name: 'operator'
    emailAddress: alertEmail
    useCommonAlertSchema: true
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-${name}'
  location: 'global'
  tags: tags
  properties: {
    groupShortName: 'bridge'
    enabled: !empty(alertEmail)
    emailReceivers: empty(alertEmail) ? [] : receivers
  }
}

resource failed 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for flow in flows: {
  name: 'alert-${name}-${flow}-failed'
  location: location
  tags: tags
  properties: {
    displayName: 'Flow ${flow} has failed'
    description: 'The flow has paused; its log line, and GET /api/status, say what to change.'
    severity: 1
    enabled: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    scopes: [
      workspaceId
    ]
    criteria: {
      allOf: [
        {
          query: 'AppTraces | where Message has "flow_changed" and Message has "\\"status\\": \\"failed\\"" and Message has "\\"flow\\": \\"${flow}\\""'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]

resource quiet 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for flow in flows: {
  name: 'alert-${name}-${flow}-quiet'
  location: location
  tags: tags
  properties: {
    displayName: 'Flow ${flow} has not polled for half an hour'
    description: 'A stalled flow is silent: no poll has written its log line. Look at the function app and at GET /api/status.'
    severity: 1
    enabled: true
    evaluationFrequency: 'PT15M'
    windowSize: 'PT30M'
    scopes: [
      workspaceId
    ]
    criteria: {
      allOf: [
        {
          query: 'AppTraces | where Message has "polled" and Message has "\\"flow\\": \\"${flow}\\""'
          timeAggregation: 'Count'
          operator: 'LessThan'
          threshold: 1
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]

resource poison 'Microsoft.Insights/scheduledQueryRules@2023-03-15-preview' = [for flow in flows: {
  name: 'alert-${name}-${flow}-poison'
  location: location
  tags: tags
  properties: {
    displayName: 'A message of ${flow} went to ${flow}-poison'
    description: 'A record met a bug of the bridge. Replay the dead letters when it is mended: POST /api/flows/${flow}/replay.'
    severity: 2
    enabled: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT5M'
    scopes: [
      workspaceId
    ]
    criteria: {
      allOf: [
        {
          query: 'AppTraces | where Message has "${flow}-poison"'
          timeAggregation: 'Count'
          operator: 'GreaterThan'
          threshold: 0
        }
      ]
    }
    actions: {
      actionGroups: [
        people.id
      ]
    }
  }
}]
