metadata description = 'Tells a person what needs one. The queries read the lines `watched` and `flow_changed` of shared/telemetry.py.'

import { Tags } from 'types.bicep'

@description('Required. Name of the bridge.')
param name string

@description('Required. Region.')
param location string

@description('Required. Tags.')
param tags Tags

@description('Required. Names of the flows; each has its poison alert.')
param flows string[]

@description('Required. Name of the workspace whose logs are read.')
param workspaceName string

@description('Required. Where alerts are sent; empty for nowhere.')
param alertEmail string

@description('Required. Minutes that a change may wait unwritten.')
param unwrittenMinutes int

@description('Required. New dead letters of a flow within an hour that are too many.')
param deadLettersAnHour int

@description('Required. Days that Dataverse keeps changes.')
param changeTrackingDays int

resource workspace 'Microsoft.OperationalInsights/workspaces@2025-07-01' existing = {
  name: workspaceName
}

var byFlow = [
  {
    name: 'Flow'
    operator: 'Include'
    values: [
      '*'
    ]
  }
]

var rules = [
  {
    name: 'failed'
    title: 'A flow has failed'
    action: 'The flow has paused and loses nothing. GET /api/status says which setting to change; it goes on by itself.'
    severity: 1
    frequency: 'PT5M'
    window: 'PT10M'
    query: loadTextContent('../queries/failed.kql')
    operator: 'GreaterThan'
    threshold: 0
    dimensions: byFlow
  }
  {
    name: 'unwritten'
    title: 'The oldest unwritten change is too old'
    action: 'Look at backlog and reason in GET /api/status: the backlog must shrink, else something holds it.'
    severity: 2
    frequency: 'PT5M'
    window: 'PT10M'
    query: replace(loadTextContent('../queries/unwritten.kql'), '{seconds}', string(unwrittenMinutes * 60))
    operator: 'GreaterThan'
    threshold: 0
    dimensions: byFlow
  }
  {
    name: 'dead-letters'
    title: 'Dead letters are growing'
    action: 'GET /api/dead-letters names reason and field; correct the mapping or the records, then replay.'
    severity: 2
    frequency: 'PT15M'
    window: 'PT1H'
    query: replace(loadTextContent('../queries/dead-letters.kql'), '{letters}', string(deadLettersAnHour))
    operator: 'GreaterThan'
    threshold: 0
    dimensions: byFlow
  }
  {
    name: 'change-token'
    title: 'The change token is older than half its life'
    action: 'The flow has not read for days; start it, or repair what GET /api/status names, before Dataverse forgets the changes.'
    severity: 1
    frequency: 'PT1H'
    window: 'PT2H'
    query: replace(loadTextContent('../queries/change-token.kql'), '{seconds}', string(changeTrackingDays * 43200))
    operator: 'GreaterThan'
    threshold: 0
    dimensions: byFlow
  }
  {
    name: 'silent'
    title: 'The bridge is silent'
    action: 'No flow has been watched for half an hour: look at the function app, its settings and its last deployment.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT30M'
    query: loadTextContent('../queries/silent.kql')
    operator: 'LessThan'
    threshold: 1
    dimensions: []
  }
  {
    name: 'unwatched'
    title: 'A flow is not watched'
    action: 'Its other alerts are blind meanwhile. The log of console_watch says what fails; its lines name the flow.'
    severity: 1
    frequency: 'PT15M'
    window: 'PT6H'
    query: loadTextContent('../queries/unwatched.kql')
    operator: 'GreaterThan'
    threshold: 0
    dimensions: byFlow
  }
  {
    name: 'secret-expiring'
    title: 'A secret in the vault expires within 30 days, or has expired'
    action: 'Renew it where it came from and put the new one into the vault under the same name, with its date of expiry.'
    severity: 2
    frequency: 'PT1H'
    window: 'PT2H'
    query: loadTextContent('../queries/secret-expiring.kql')
    operator: 'GreaterThan'
    threshold: 0
    dimensions: []
  }
]

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

resource alerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for rule in rules: {
    name: 'alert-${name}-${rule.name}'
    location: location
    tags: tags
    properties: {
      displayName: rule.title
      description: rule.action
      severity: rule.severity
      enabled: true
      evaluationFrequency: rule.frequency
      windowSize: rule.window
      skipQueryValidation: true
      scopes: [
        workspace.id
      ]
      criteria: {
        allOf: [
          {
            query: rule.query
            timeAggregation: 'Count'
            operator: rule.operator
            threshold: rule.threshold
            dimensions: rule.dimensions
          }
        ]
      }
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

resource poison 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
  for flow in flows: {
    name: 'alert-${name}-${flow}-poison'
    location: location
    tags: tags
    properties: {
      displayName: 'Poison messages of ${flow}'
      description: 'Records could not be delivered, by a bug or a cut. They are dead letters. POST /api/flows/<flow>/replay sends them again.'
      severity: 2
      enabled: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT10M'
      skipQueryValidation: true
      scopes: [
        workspace.id
      ]
      criteria: {
        allOf: [
          {
            query: replace(loadTextContent('../queries/poison.kql'), '{queue}', flow)
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
  }
]
