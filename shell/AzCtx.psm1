# The module AzCtx: az-ctx for those who come from Get-AzContext. Nothing in it
# that Windows PowerShell 5.1 does not take. The cmdlets are parameters alone,
# named and placed as in Az.Accounts; AzCtx.core.ps1 runs them, and is read at the
# first one, for an import is part of each shell's start.

function load {
    if (-not (Test-Path Function:Invoke-Cmdlet)) { . (Join-Path $PSScriptRoot AzCtx.core.ps1) }
}

function run($cmdlet, $objects) {
    if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
        throw 'az-ctx: the cmdlets need the full language of PowerShell; the function az-ctx does without it'
    }
    load
    Invoke-Cmdlet $cmdlet $objects
}

function complete($command, $parameter, $word) {
    load
    Complete-Word $parameter $word
}

function Connect-AzCtxAccount {
    [Alias('Login-AzCtxAccount', 'Add-AzCtxAccount')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'User')]
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
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)] [string]$ApplicationId,
        [Parameter(ParameterSetName = 'File', Mandatory)] [string]$CertificatePath,
        [Parameter(ParameterSetName = 'File')] [securestring]$CertificatePassword,
        [Parameter(ParameterSetName = 'Thumbprint', Mandatory)] [string]$CertificateThumbprint,
        [Parameter(ParameterSetName = 'Federated', Mandatory)] [Alias('ClientAssertion')] [object]$FederatedToken,
        [Parameter(ParameterSetName = 'Identity', Mandatory)] [Alias('MSI', 'ManagedService')] [switch]$Identity,
        [Parameter(ParameterSetName = 'Token', Mandatory)] [object]$AccessToken,
        [Parameter(ParameterSetName = 'Token', Mandatory)]
        [Parameter(ParameterSetName = 'Identity')] [string]$AccountId,
        [Alias('TenantId', 'Domain')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Tenant,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Subscription,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$ContextName,
        [Alias('EnvironmentName')] [string]$Environment,
        [int]$MaxContextPopulation,
        [switch]$SkipContextPopulation,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Disconnect-AzCtxAccount {
    [Alias('Logout-AzCtxAccount', 'Remove-AzCtxAccount')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Username')]
    param(
        [Parameter(ParameterSetName = 'Username', Position = 0)] [Alias('Id', 'UserId')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Username,
        [Parameter(ParameterSetName = 'ContextName', Mandatory)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$ContextName,
        [Parameter(ParameterSetName = 'Context', Position = 0, Mandatory, ValueFromPipeline)] [Alias('InputObject')] [psobject]$AzureContext,
        [Parameter(ParameterSetName = 'Application', Mandatory)] [Alias('SPN')] [string]$ApplicationId,
        [Parameter(ParameterSetName = 'Application')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$TenantId,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Get-AzCtx {
    [CmdletBinding(DefaultParameterSetName = 'One')]
    param(
        [Parameter(ParameterSetName = 'One', Position = 0)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Name,
        [Parameter(ParameterSetName = 'All', Mandatory)] [switch]$ListAvailable,
        [Parameter(ParameterSetName = 'All')] [switch]$RefreshContextFromTokenCache
    )
    process { run $PSCmdlet }
}

function Set-AzCtx {
    [Alias('Select-AzCtxSubscription')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Subscription')]
    param(
        [Parameter(ParameterSetName = 'Subscription', Position = 0)] [Alias('SubscriptionId', 'SubscriptionName')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Subscription,
        [Parameter(ParameterSetName = 'Subscription')] [Alias('Domain', 'TenantId')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Tenant,
        # A context, a tenant or a subscription: its shape tells, for what went through
        # a job has no other type.
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [Alias('TenantObject', 'SubscriptionObject')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [psobject]$Context,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Name,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Select-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Name,
        [Parameter(ParameterSetName = 'Object', Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Rename-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$SourceName,
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [Parameter(Position = 1, Mandatory)] [string]$TargetName,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Remove-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param(
        [Parameter(ParameterSetName = 'Name', Position = 0, Mandatory)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string[]]$Name,
        [Parameter(ParameterSetName = 'Object', Mandatory, ValueFromPipeline)] [psobject]$InputObject,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Clear-AzCtx {
    [CmdletBinding(SupportsShouldProcess)]
    param(
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$PassThru,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Save-AzCtx {
    [Alias('Save-AzCtxProfile')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'All')]
    param(
        [Parameter(ParameterSetName = 'Profile', Position = 0, Mandatory, ValueFromPipeline)] [psobject]$Profile,
        [Parameter(ParameterSetName = 'All', Position = 0, Mandatory)]
        [Parameter(ParameterSetName = 'Profile', Position = 1, Mandatory)] [string]$Path,
        [switch]$Force
    )
    begin { $all = @() }
    process { if ($null -ne $Profile) { $all += $Profile } }
    end { run $PSCmdlet $all }
}

function Import-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'File')]
    param(
        [Parameter(ParameterSetName = 'File', Position = 0, Mandatory)] [string]$Path,
        [Parameter(ParameterSetName = 'Object', Position = 0, Mandatory, ValueFromPipeline)] [Alias('Profile')] [psobject]$AzureContext,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope,
        [switch]$Force
    )
    process { run $PSCmdlet }
}

function Enable-AzCtxAutosave {
    [CmdletBinding(SupportsShouldProcess)]
    param([ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope, [switch]$Force)
    process { run $PSCmdlet }
}

function Disable-AzCtxAutosave {
    [CmdletBinding(SupportsShouldProcess)]
    param([ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope, [switch]$Force)
    process { run $PSCmdlet }
}

function Get-AzCtxAutosaveSetting {
    [CmdletBinding()]
    param([ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$Scope)
    process { run $PSCmdlet }
}

function Get-AzCtxSubscription {
    [CmdletBinding(DefaultParameterSetName = 'Id')]
    param(
        [Parameter(ParameterSetName = 'Id', Position = 0, ValueFromPipelineByPropertyName)] [Alias('Id')] [string]$SubscriptionId,
        [Parameter(ParameterSetName = 'Name', Mandatory)] [Alias('Name')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$SubscriptionName,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$TenantId,
        [Alias('AzContext')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [psobject]$DefaultProfile
    )
    process { run $PSCmdlet }
}

function Get-AzCtxTenant {
    [Alias('Get-AzCtxDomain')]
    [CmdletBinding()]
    param(
        [Parameter(Position = 0, ValueFromPipelineByPropertyName)] [Alias('Domain', 'Tenant')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$TenantId,
        [Alias('AzContext')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [psobject]$DefaultProfile
    )
    process { run $PSCmdlet }
}

function Get-AzCtxAccessToken {
    [CmdletBinding(DefaultParameterSetName = 'Type')]
    param(
        [Parameter(ParameterSetName = 'Url', Mandatory)] [Alias('Resource', 'ResourceUri')] [string]$ResourceUrl,
        [Parameter(ParameterSetName = 'Type')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$ResourceTypeName,
        [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [string]$TenantId,
        [switch]$AsSecureString,
        [Alias('AzContext')] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [psobject]$DefaultProfile
    )
    process { run $PSCmdlet }
}

function Invoke-AzCtx {
    [CmdletBinding(DefaultParameterSetName = 'Command')]
    param(
        [Parameter(Position = 0, Mandatory)] [ArgumentCompleter({ & (Get-Module AzCtx) complete @args })] [psobject]$Context,
        [Parameter(ParameterSetName = 'Block', Mandatory)] [scriptblock]$ScriptBlock,
        [Parameter(ParameterSetName = 'Command', Mandatory, ValueFromRemainingArguments)] [object[]]$Command
    )
    process { run $PSCmdlet }
}
