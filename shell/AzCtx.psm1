# The module AzCtx: az-ctx for those who come from Get-AzContext. Nothing in it
# that Windows PowerShell 5.1 does not take. An import is part of each shell's start,
# so this is the names alone: what the cmdlets take (AzCtx.parameters.ps1) and what
# they do (AzCtx.core.ps1) is read at the first one, and takes the place of this.
function parameters { . $PSScriptRoot/AzCtx.core.ps1; parameters @args }

function Connect-AzCtxAccount {
    [Alias('Login-AzCtxAccount', 'Add-AzCtxAccount')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'User')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Disconnect-AzCtxAccount {
    [Alias('Logout-AzCtxAccount', 'Remove-AzCtxAccount')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Username')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Get-AzCtx {
    [CmdletBinding(DefaultParameterSetName = 'One')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Set-AzCtx {
    [Alias('Select-AzCtxSubscription')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Subscription')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Select-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Rename-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Remove-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'Name')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Clear-AzCtx {
    [CmdletBinding(SupportsShouldProcess)]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Save-AzCtx {
    [Alias('Save-AzCtxProfile')]
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'All')]
    param()
    dynamicparam { parameters $PSCmdlet }
    begin { $all = @() }
    process { $all += $PSBoundParameters['Profile'] }
    end { run $PSCmdlet $all }
}

function Import-AzCtx {
    [CmdletBinding(SupportsShouldProcess, DefaultParameterSetName = 'File')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Enable-AzCtxAutosave {
    [CmdletBinding(SupportsShouldProcess)]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Disable-AzCtxAutosave {
    [CmdletBinding(SupportsShouldProcess)]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Get-AzCtxAutosaveSetting {
    [CmdletBinding()]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Get-AzCtxSubscription {
    [CmdletBinding(DefaultParameterSetName = 'Id')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Get-AzCtxTenant {
    [Alias('Get-AzCtxDomain')]
    [CmdletBinding()]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Get-AzCtxAccessToken {
    [CmdletBinding(DefaultParameterSetName = 'Type')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}

function Invoke-AzCtx {
    [CmdletBinding(DefaultParameterSetName = 'Command')]
    param()
    dynamicparam { parameters $PSCmdlet }
    process { run $PSCmdlet }
}
