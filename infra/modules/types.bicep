metadata description = 'Forms of parameters: a wrong name or type ends when the file is compiled, before anything is deployed.'

@export()
@description('Tags of every resource, by name.')
type Tags = {
  *: string
}

@export()
@description('SFTP server of Campaign; port 22 where `settings` has no SFTP_PORT.')
@sealed()
type Sftp = {
  @description('Name of the server: <instance>.campaign.adobe.com.')
  @minLength(1)
  host: string

  @description('The user, as Campaign\'s Control Panel shows it.')
  @minLength(1)
  user: string

  @description('Public key of the server, as ssh-keyscan prints it: ssh-ed25519 AAAA...')
  @minLength(1)
  hostKey: string

  @description('The folder that Campaign\'s workflows export to; /d365_loads/exports where nothing is given.')
  @minLength(1)
  folder: string?
}

@export()
@description('I/O Events journal, as the Adobe Developer Console shows it.')
@sealed()
type Journal = {
  @description('URL of the journal.')
  @minLength(1)
  url: string

  @description('IMS organization id: ...@AdobeOrg.')
  @minLength(1)
  imsOrganization: string
}

@export()
@description('Ranges of the virtual network and its two subnets.')
@sealed()
type Addresses = {
  @description('The network, such as 10.90.0.0/24.')
  @minLength(9)
  network: string

  @description('Subnet of the app, /27 or larger.')
  @minLength(9)
  app: string

  @description('Subnet of the private endpoints, /28 or larger.')
  @minLength(9)
  endpoints: string
}

@export()
@description('Somebody who may put mapping documents into the container config.')
@sealed()
type MappingAuthor = {
  @description('Object id in Entra.')
  @minLength(36)
  @maxLength(36)
  principalId: string

  @description('What the object is.')
  principalType: 'User' | 'Group' | 'ServicePrincipal'
}

@export()
@description('How the bridge reaches Dataverse.')
@sealed()
type Dataverse = {
  url: string
  auth: string
  clientId: string
  tenantId: string
  concurrency: int
}

@export()
@description('How the bridge reaches Campaign.')
@sealed()
type Campaign = {
  url: string
  clientId: string
  concurrency: int
}

@export()
@description('The console in a browser: docs/console.md.')
@sealed()
type Console = {
  @description('Address of the function app as people open it, such as https://func-bridge.azurewebsites.net.')
  @minLength(9)
  url: string

  @description('Client id of the app registration that people sign in with.')
  @minLength(36)
  @maxLength(36)
  clientId: string

  @description('How the console proves to Entra who it is. The secret is console-client-secret in the vault.')
  auth: 'managed_identity' | 'client_secret'?

  @description('Badge of every page, such as PROD.')
  @maxLength(12)
  environment: string?

  @description('Whether console-session-key-before is still read, while the session key is replaced.')
  keyBefore: bool?
}

@export()
@description('Schedule of each poll: NCRONTAB with six fields.')
@sealed()
type Schedules = {
  contacts: string
  customEntities: string
  emailEvents: string
  optOut: string
}

@export()
@description('Which way opt-outs go, and how they are found.')
@sealed()
type OptOut = {
  mode: string
  source: string
}
