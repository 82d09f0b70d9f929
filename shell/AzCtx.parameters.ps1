# What the cmdlets of the module AzCtx take, named and placed as in Az.Accounts. It
# is read at a cmdlet's first use or completion; what each does is in AzCtx.core.ps1.

function Connect-AzCtxAccount {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'User')] [Alias('DeviceCode', 'DeviceAuth', 'Device')] [switch]$UseDeviceAuthentication,
        [Parameter(ParameterSetName = 'Secret', Mandatory)]
        [Parameter(ParameterSetName = 'File')]
        [Parameter(ParameterSetName = 'Federated')]
        [Parameter(ParameterSetName = 'Thumbprint')] [switch]$ServicePrincipal,
        [Parameter(ParameterSetName = 'Secret', Mandatory)]
        [Parameter(ParameterSetName = 'User')] [pscredential]$Credential,
        [Parameter(ParameterSetName = 'File', Mandatory)]
        [Parameter(ParameterSetName = 'Federated', Mandatory)]
        [Parameter(ParameterSetName = 'Thumbprint')] [string]$ApplicationId,
        [Parameter(ParameterSetName = 'File', Mandatory)] [string]$CertificatePath,
        [Parameter(ParameterSetName = 'File')] [securestring]$CertificatePassword,
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)] [string]$CertificateThumbprint,
        [Parameter(ParameterSetName = 'Federated', Mandatory)] [Alias('ClientAssertion')] [object]$FederatedToken,
        [Parameter(ParameterSetName = 'Identity', Mandatory)] [Alias('MSI', 'ManagedService')] [switch]$Identity,
        [Parameter(ParameterSetName = 'Token', Mandatory)] [object]$AccessToken,
        [Parameter(ParameterSetName = 'Token', Mandatory)]
        [Parameter(ParameterSetName = 'Identity')] [string]$AccountId,
        [Alias('TenantId', 'Domain')] [string]$Tenant,
        [Alias('SubscriptionId', 'SubscriptionName')] [string]$Subscription,
        [string]$ContextName,
        [Alias('EnvironmentName')] [string]$Environment,
        [ValidateRange(-1, 2147483647)] [int]$MaxContextPopulation,
        [switch]$SkipContextPopulation,
        [Parameter(ParameterSetName = 'User')] [string]$ClaimsChallenge,
        [Parameter(ParameterSetName = 'User')] [Alias('AuthScopeTypeName')] [string]$AuthScope,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$Force
    )
}

function Disconnect-AzCtxAccount {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Username', Position = 0)] [Alias('Id', 'UserId')] [string]$Username,
        [Parameter(ParameterSetName = 'ContextName', Mandatory)] [string]$ContextName,
        [Parameter(ParameterSetName = 'Context', Position = 0, Mandatory, ValueFromPipeline)] [Alias('InputObject')] [psobject]$AzureContext,
        [Parameter(ParameterSetName = 'Application', Mandatory)] [Alias('SPN')] [string]$ApplicationId,
        [Parameter(ParameterSetName = 'Application')] [string]$TenantId,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$Force
    )
}

function Get-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'One', Position = 0)] [string]$Name,
        [Parameter(ParameterSetName = 'All', Mandatory)] [switch]$ListAvailable,
        [Parameter(ParameterSetName = 'All')] [switch]$RefreshContextFromTokenCache
    )
}

function Set-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Subscription', Position = 0)] [Alias('SubscriptionId', 'SubscriptionName')] [string]$Subscription,
        [Parameter(ParameterSetName = 'Subscription')] [Alias('Domain', 'TenantId')] [string]$Tenant,
        # A context, a tenant or a subscription: its shape tells, for what went through
        # a job has no other type.
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [Alias('TenantObject', 'SubscriptionObject')] [psobject]$Context,
        [string]$Name,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$Force
    )
}

function Select-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [string]$Name,
        [Parameter(ParameterSetName = 'Object', Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$Force
    )
}

function Rename-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [string]$SourceName,
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [Parameter(Position = 1, Mandatory)] [string]$TargetName,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
}

function Remove-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [string[]]$Name,
        [Parameter(ParameterSetName = 'Object', Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
}

function Clear-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
}

function Save-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Profile', Position = 0, Mandatory, ValueFromPipeline)] [psobject]$Profile,
        [Parameter(ParameterSetName = 'All', Position = 0, Mandatory)]
        [Parameter(ParameterSetName = 'Profile', Position = 1, Mandatory)] [string]$Path,
        [switch]$Force
    )
}

function Import-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'File', Position = 0, Mandatory)] [string]$Path,
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [Alias('Profile')] [psobject]$AzureContext,
        [ValidateSet('CurrentUser', 'Process')] [string]$Scope,
        [switch]$Force
    )
}

function Enable-AzCtxAutosave {
    [CmdletBinding(PositionalBinding = $false)]
    param( [ValidateSet('CurrentUser', 'Process')] [string]$Scope, [switch]$Force)
}

function Disable-AzCtxAutosave {
    [CmdletBinding(PositionalBinding = $false)]
    param( [ValidateSet('CurrentUser', 'Process')] [string]$Scope, [switch]$Force)
}

function Get-AzCtxAutosaveSetting {
    [CmdletBinding(PositionalBinding = $false)]
    param( [ValidateSet('CurrentUser', 'Process')] [string]$Scope)
}

function Get-AzCtxSubscription {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Id', Position = 0, ValueFromPipelineByPropertyName)] [Alias('Id')] [string]$SubscriptionId,
        [Parameter(ParameterSetName = 'Name', Mandatory)] [Alias('Name')] [string]$SubscriptionName,
        [Parameter(ValueFromPipelineByPropertyName)] [string]$TenantId,
        [Alias('AzContext')] [psobject]$DefaultProfile
    )
}

function Get-AzCtxTenant {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('Domain', 'Tenant')] [string]$TenantId,
        [Alias('AzContext')] [psobject]$DefaultProfile
    )
}

function Get-AzCtxAccessToken {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(ParameterSetName = 'Url', Mandatory)] [Alias('Resource', 'ResourceUri')] [string]$ResourceUrl,
        [Parameter(ParameterSetName = 'Type')]
        [ValidateSet('AadGraph', 'AnalysisServices', 'AppConfiguration', 'Arm', 'Attestation', 'Batch', 'CommunicationEmail', 'DataLake', 'KeyVault', 'MSGraph', 'ManagedHsm', 'OperationalInsights', 'ResourceManager', 'Storage', 'Synapse')] [string]$ResourceTypeName,
        [string]$TenantId,
        [switch]$AsSecureString,
        [Alias('AzContext')] [psobject]$DefaultProfile
    )
}

function Invoke-AzCtx {
    [CmdletBinding(PositionalBinding = $false)]
    param(
        [Parameter(Position = 0, Mandatory)] [psobject]$Context,
        [Parameter(ParameterSetName = 'Block', Mandatory)] [scriptblock]$ScriptBlock,
        [Parameter(ParameterSetName = 'Command', Mandatory, ValueFromRemainingArguments)] [object[]]$Command
    )
}
