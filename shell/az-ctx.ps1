# az-ctx for PowerShell 7; nothing in it that 5.1 does not take. Put this into
# $PROFILE:
#
#   az-ctx init pwsh | Out-String | Invoke-Expression
#
# `az-ctx` is a function then: the verbs that change this shell print what to
# change, and it is run here. The prompt hook costs no process until something
# that it watches has changed.

$global:__az_ctx_bin = '@PROGRAM@'
foreach ($global:__az_ctx_found in @(Get-Command -Name az-ctx -CommandType Application -ErrorAction Ignore)) {
    $global:__az_ctx_bin = $global:__az_ctx_found.Source
    break
}
$global:__az_ctx_now = ''
$global:__az_ctx_seen = ''
if (-not (Test-Path Variable:global:__az_ctx_begun)) {
    $global:__az_ctx_begun = ''
    $global:__az_ctx_dir = ''
    $global:__az_ctx_run = ''
}

# __az_ctx_run_verb runs the program for a verb that may change this shell, and
# the change: on success alone. What comes back is UTF-8, whatever the console says.
function global:__az_ctx_eval {
    $ErrorActionPreference = 'Continue'
    $PSNativeCommandUseErrorActionPreference = $false
    $piped = $args[0]
    $verb = @($args[1..($args.Count - 1)])
    $who = '--wrapper=pwsh,' + $PID + ',' + $PID + ',' + $(if ([Environment]::UserInteractive) { 'i' } else { '-' }) + ',eval,'
    $was = [Console]::OutputEncoding
    $wasOut = $OutputEncoding
    try {
        [Console]::OutputEncoding = New-Object System.Text.UTF8Encoding $false
        $OutputEncoding = New-Object System.Text.UTF8Encoding $false
        if ($null -ne $piped) { $lines = $piped | & $global:__az_ctx_bin $who @verb }
        else { $lines = & $global:__az_ctx_bin $who @verb }
    } finally {
        [Console]::OutputEncoding = $was
        $OutputEncoding = $wasOut
    }
    if ($global:LASTEXITCODE -eq 0 -and $null -ne $lines) {
        Invoke-Expression ($lines -join "`n")
        __az_ctx_state
        $global:__az_ctx_seen = $global:__az_ctx_now
    }
}

function global:az-ctx {
    if (-not $global:__az_ctx_bin) {
        [Console]::Error.WriteLine('az-ctx: the program is not on PATH')
        $global:LASTEXITCODE = 127
        return
    }
    $piped = $null
    if ($MyInvocation.ExpectingInput) { $piped = @($input) }
    $verbs = 'select', 'set', 'connect', 'login', 'import', 'deselect', 'rename', 'remove', 'rm', 'disconnect', 'logout', 'clear', 'autosave'
    if ($args.Count -gt 0 -and $verbs -contains $args[0]) {
        __az_ctx_eval $piped @args
        return
    }
    $who = '--wrapper=pwsh,' + $PID + ',' + $PID + ',' + $(if ([Environment]::UserInteractive) { 'i' } else { '-' }) + ',direct,'
    if ($null -ne $piped) { $piped | & $global:__az_ctx_bin $who @args }
    else { & $global:__az_ctx_bin $who @args }
}

# __az_ctx_state sums up, without a process, what the prompt watches: the ids
# that tools go by, the agent that serves them, what az wrote into its directory.
function global:__az_ctx_state {
    $parts = @($env:AZ_CTX_SESSION, $env:AZURE_SUBSCRIPTION_ID, $env:AZURE_TENANT_ID, $env:ARM_SUBSCRIPTION_ID, $env:ARM_TENANT_ID,
        $env:AZURE_CLOUD_NAME, $env:ARM_ENVIRONMENT, $env:AZURE_CONFIG_DIR)
    if ($global:__az_ctx_dir) {
        $generation = $global:__az_ctx_run + '/agent.generation'
        if ([IO.File]::Exists($generation)) {
            $line = [IO.File]::ReadAllText($generation).Trim()
            $parts += $line
            $words = $line -split ' '
            if ($words.Count -lt 2 -or $null -eq (Get-Process -Id $words[1] -ErrorAction Ignore)) { $parts += 'no agent' }
        }
        if (-not [IO.Directory]::Exists($global:__az_ctx_dir + '/.azure')) { $parts += 'no directory' }
        foreach ($file in 'azureProfile.json', 'config', 'clouds.config', 'msal_token_cache.json', 'msal_token_cache.bin', 'service_principal_entries.json') {
            $parts += [IO.File]::GetLastWriteTimeUtc($global:__az_ctx_dir + '/.azure/' + $file).Ticks
        }
    }
    $global:__az_ctx_now = $parts -join '|'
}

function global:__az_ctx_hook {
    if ($global:__az_ctx_begun -ne "$PID") {
        $global:__az_ctx_begun = "$PID"
        __az_ctx_eval $null hook first
    } elseif ($global:__az_ctx_dir) {
        __az_ctx_state
        if ($global:__az_ctx_now -ne $global:__az_ctx_seen) {
            $global:__az_ctx_seen = $global:__az_ctx_now
            __az_ctx_eval $null hook check
        }
    }
}

# The user's own prompt stays, and sees $? and $LASTEXITCODE as they were.
if (-not (Test-Path Variable:global:__az_ctx_prompt)) {
    $global:__az_ctx_prompt = $function:prompt
    function global:prompt {
        $ok = $?
        $code = $(if (Test-Path Variable:global:LASTEXITCODE) { $global:LASTEXITCODE } else { $null })
        try { __az_ctx_hook } catch { [Console]::Error.WriteLine('az-ctx: ' + $_) }
        $global:LASTEXITCODE = $code
        if (-not $ok) { Write-Error '' -ErrorAction Ignore }
        & $global:__az_ctx_prompt
    }
}
