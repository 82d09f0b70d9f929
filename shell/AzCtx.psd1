@{
    RootModule        = 'AzCtx.psm1'
    ModuleVersion     = '@VERSION@'
    GUID              = '6b1f0a54-6f0e-4c8e-9d0b-3d1f0f6c2a57'
    Author            = 'az-ctx'
    Description       = 'a context of its own for each terminal: az-ctx by the names of Az.Accounts'
    PowerShellVersion = '5.1'
    CmdletsToExport   = @()
    VariablesToExport = @()
    FunctionsToExport = @(
        'Connect-AzCtxAccount', 'Disconnect-AzCtxAccount', 'Get-AzCtx', 'Set-AzCtx', 'Select-AzCtx', 'Rename-AzCtx', 'Remove-AzCtx', 'Clear-AzCtx',
        'Save-AzCtx', 'Import-AzCtx', 'Enable-AzCtxAutosave', 'Disable-AzCtxAutosave', 'Get-AzCtxAutosaveSetting',
        'Get-AzCtxSubscription', 'Get-AzCtxTenant', 'Get-AzCtxAccessToken', 'Invoke-AzCtx'
    )
    AliasesToExport   = @(
        'Login-AzCtxAccount', 'Add-AzCtxAccount', 'Logout-AzCtxAccount', 'Remove-AzCtxAccount', 'Select-AzCtxSubscription', 'Save-AzCtxProfile', 'Get-AzCtxDomain'
    )
}
