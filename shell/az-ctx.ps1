# az-ctx for PowerShell 7; nothing in it that 5.1 does not take. Put this into
# $PROFILE, after what else changes the prompt:
#
#   az-ctx init pwsh | Out-String | Invoke-Expression
#
# `az-ctx` is a function then: the verbs that change this shell print what to
# change, and it is run here. The prompt hook costs no process until something
# that it watches has changed. In Constrained Language it does with strings and
# variables alone.
function global:__az_ctx_full { $ExecutionContext.SessionState.LanguageMode -eq 'FullLanguage' }

# The program is called by the path that PATH finds it at, links unresolved, so
# that an upgrade is picked up.
function global:__az_ctx_find {
    $global:__az_ctx_bin = '@PROGRAM@'
    foreach ($found in @(Get-Command -Name az-ctx -CommandType Application -ErrorAction Ignore)) {
        $global:__az_ctx_bin = $found.Source
        break
    }
}
__az_ctx_find
$global:__az_ctx_now = ''
$global:__az_ctx_seen = ''
if (-not (Test-Path Variable:global:__az_ctx_begun)) {
    $global:__az_ctx_begun = ''
    $global:__az_ctx_dir = ''
    $global:__az_ctx_run = ''
}

# __az_ctx_options is i where somebody types here. PowerShell does not tell, so it
# goes by the command line that the shell was started with, until a prompt shows.
function global:__az_ctx_options {
    if (-not (__az_ctx_full)) { return '-' }
    $value = $false
    foreach ($word in [Environment]::GetCommandLineArgs() | Select-Object -Skip 1) {
        if ($value) { $value = $false; continue }
        if ($word -match '^-+noe') { return 'i' }
        if ($word -match '^-+(ep|ex|w|config|cus|settings|o|inp|if)') { $value = $true; continue }
        if ($word -notmatch '^-' -or $word -match '^-+(c|e|f|noni)') { return '-' }
    }
    'i'
}
if (-not (Test-Path Variable:global:__az_ctx_interactive)) { $global:__az_ctx_interactive = __az_ctx_options }

# __az_ctx_who tells the program who calls, what is to become of its output, and
# which variable of a switch can't be set here.
function global:__az_ctx_who($mode) {
    $fixed = ''
    foreach ($variable in @(Get-Variable -Name __az_ctx_dir, __az_ctx_run, __az_ctx_now, __az_ctx_seen -Scope Global -ErrorAction Ignore)) {
        if ("$($variable.Options)" -match 'ReadOnly|Constant') { $fixed = $variable.Name }
    }
    '--wrapper=pwsh,' + $PID + ',' + $PID + ',' + $global:__az_ctx_interactive + ',' + $mode + ',' + $fixed
}

# __az_ctx_native runs the program. What goes in and comes back is UTF-8, whatever
# the console says; a command of exec's has the console as it is.
function global:__az_ctx_native($mode, $piped, $words) {
    $who = __az_ctx_who $mode
    $PSNativeCommandArgumentPassing = 'Standard'
    $version = $PSVersionTable.PSVersion
    if ($version.Major -lt 7 -or ($version.Major -eq 7 -and $version.Minor -lt 3)) {
        # There a double quote in a word would end it, and what follows be another.
        $words = @(foreach ($word in $words) { if ("$word" -eq '') { '""' } else { "$word" -replace '(\\*)"', '$1$1\"' } })
    }
    if (-not (__az_ctx_full)) {
        if ($null -ne $piped) { $piped | & $global:__az_ctx_bin $who @words }
        else { & $global:__az_ctx_bin $who @words }
        return
    }
    $was = [Console]::OutputEncoding
    $change = $was.CodePage -ne 65001 -and -not ($words.Count -gt 0 -and $words[0] -eq 'exec')
    $OutputEncoding = New-Object System.Text.UTF8Encoding $false
    try {
        if ($change) { [Console]::OutputEncoding = $OutputEncoding }
        if ($null -ne $piped) { $piped | & $global:__az_ctx_bin $who @words }
        else { & $global:__az_ctx_bin $who @words }
    } finally {
        if ($change) { [Console]::OutputEncoding = $was }
    }
}

# __az_ctx_eval runs a verb that may change this shell, and the change: on
# success alone, and then whole, whatever the preferences are.
function global:__az_ctx_eval($piped, $words) {
    if (-not (__az_ctx_alone)) {
        [Console]::Error.WriteLine("az-ctx: the environment belongs to the whole process, so a thread of it can't switch alone`n  try: Invoke-AzCtx NAME { ... }")
        $global:LASTEXITCODE = 1
        return
    }
    # With Stop, 5.1 ends at the first line on a program's standard error.
    if ($PSVersionTable.PSVersion.Major -lt 6) { $ErrorActionPreference = 'Continue' }
    $lines = __az_ctx_native eval $piped $words
    if ($global:LASTEXITCODE -eq 0 -and $null -ne $lines) { __az_ctx_change ($lines -join "`n") }
}

function global:__az_ctx_change($text) {
    $ErrorActionPreference = 'Continue'
    Invoke-Expression $text
    __az_ctx_note
}

# __az_ctx_note: what was changed just now is no news at the next prompt.
function global:__az_ctx_note {
    __az_ctx_state
    $global:__az_ctx_seen = $global:__az_ctx_now
}

# __az_ctx_alone: the runspaces of a process share its environment, so one of them
# alone may change it, the first that comes here; the module's cmdlets ask the same.
function global:__az_ctx_alone {
    if (-not (__az_ctx_full)) { return $true }
    $owner = [AppDomain]::CurrentDomain.GetData('az-ctx.runspace')
    if (-not $owner -or $owner.RunspaceStateInfo.State -ne 'Opened') {
        $owner = [runspace]::DefaultRunspace
        [AppDomain]::CurrentDomain.SetData('az-ctx.runspace', $owner)
    }
    $owner.InstanceId -eq [runspace]::DefaultRunspace.InstanceId
}
$null = __az_ctx_alone

function global:az-ctx {
    $piped = $null
    if ($MyInvocation.ExpectingInput) { $piped = @($input) }
    $verbs = 'select', 'set', 'connect', 'login', 'import', 'deselect', 'rename', 'remove', 'rm', 'disconnect', 'logout', 'clear', 'autosave'
    if (-not (Test-Path -LiteralPath $global:__az_ctx_bin)) { __az_ctx_find }
    if (-not (Test-Path -LiteralPath $global:__az_ctx_bin)) {
        if (__az_ctx_full) { [Console]::Error.WriteLine('az-ctx: the program is not on PATH') }
        $global:LASTEXITCODE = 127
    } elseif ($args.Count -gt 0 -and $verbs -contains $args[0]) {
        __az_ctx_eval $piped $args
    } else {
        __az_ctx_native direct $piped $args
    }
    # A function has no way to say that it failed, short of an error or of
    # [CmdletBinding()], which takes -o away; but `az-ctx select x && terraform
    # apply` must not go on. So the engine is told, where it can be.
    if ($global:LASTEXITCODE -ne 0 -and (__az_ctx_full)) {
        try {
            $any = [Reflection.BindingFlags]'Instance,NonPublic,Public'
            $at = $ExecutionContext
            $at = $at.GetType().GetField('_context', $any).GetValue($at)
            foreach ($name in 'CurrentCommandProcessor', 'CommandRuntime', 'PipelineProcessor') {
                $at = $at.GetType().GetProperty($name, $any).GetValue($at, $null)
            }
            $at.GetType().GetProperty('ExecutionFailed', $any).SetValue($at, $true, $null)
        } catch { $global:Error.RemoveAt(0) }
    }
}

# __az_ctx_state sums up, without a process, what the prompt watches: the ids
# that tools go by, the agent that serves them, what az wrote into its directory.
function global:__az_ctx_state {
    if (-not (__az_ctx_full)) { return }
    $parts = @($env:AZ_CTX_SESSION, $env:AZURE_SUBSCRIPTION_ID, $env:AZURE_TENANT_ID, $env:ARM_SUBSCRIPTION_ID, $env:ARM_TENANT_ID,
        $env:AZURE_CLOUD_NAME, $env:ARM_ENVIRONMENT, $env:AZURE_CONFIG_DIR)
    if ($global:__az_ctx_dir) {
        $generation = $global:__az_ctx_run + '/agent.generation'
        if ([IO.File]::Exists($generation)) {
            $line = [IO.File]::ReadAllText($generation).Trim()
            $parts += $line
            $words = @($line -split ' ')
            $alive = $words.Count -gt 1
            if ($alive -and [IO.Directory]::Exists('/proc/self')) {
                # A dead one that nobody has waited for, as in a container without an
                # init, is there still, in state Z.
                $stat = '/proc/' + $words[1] + '/stat'
                $alive = [IO.File]::Exists($stat) -and [IO.File]::ReadAllText($stat) -notmatch '\) Z'
            } elseif ($alive) { $alive = $null -ne (Get-Process -Id $words[1] -ErrorAction Ignore) }
            if (-not $alive) { $parts += 'no agent' }
        }
        if (-not [IO.Directory]::Exists($global:__az_ctx_dir + '/.azure')) { $parts += 'no directory' }
        foreach ($file in 'azureProfile.json', 'config', 'clouds.config', 'msal_token_cache.json', 'msal_token_cache.bin', 'service_principal_entries.json') {
            $parts += [IO.File]::GetLastWriteTimeUtc($global:__az_ctx_dir + '/.azure/' + $file).Ticks
        }
    }
    $global:__az_ctx_now = $parts -join '|'
}

# __az_ctx_prompted runs the program for the prompt. It is no command of
# PowerShell's there: what one says on standard error is lost in a prompt.
function global:__az_ctx_prompted($what) {
    if (-not (__az_ctx_full)) {
        __az_ctx_eval $null @('hook', $what)
        return
    }
    $start = New-Object System.Diagnostics.ProcessStartInfo $global:__az_ctx_bin, ((__az_ctx_who eval) + ' hook ' + $what)
    $start.UseShellExecute = $false
    $start.RedirectStandardOutput = $true
    $start.StandardOutputEncoding = New-Object System.Text.UTF8Encoding $false
    $process = [Diagnostics.Process]::Start($start)
    $text = $process.StandardOutput.ReadToEnd()
    $process.WaitForExit()
    if ($process.ExitCode -eq 0 -and $text) { __az_ctx_change $text }
}

function global:__az_ctx_hook {
    $global:__az_ctx_interactive = 'i'
    if (-not (Test-Path -LiteralPath $global:__az_ctx_bin)) { return } # it was taken away
    if ($global:__az_ctx_begun -ne "$PID") {
        $global:__az_ctx_begun = "$PID"
        __az_ctx_prompted first
    } elseif ($global:__az_ctx_dir) {
        __az_ctx_state
        if ($global:__az_ctx_now -ne $global:__az_ctx_seen) {
            $global:__az_ctx_seen = $global:__az_ctx_now
            __az_ctx_prompted check
        }
    }
}

# The user's own prompt stays, and sees $?, $LASTEXITCODE and $Error as they were.
if (-not (Test-Path Variable:global:__az_ctx_prompt)) {
    $global:__az_ctx_prompt = $function:prompt
    function global:prompt {
        $ok = $?
        $code = Get-Variable -Name LASTEXITCODE -Scope Global -ErrorAction Ignore
        $value = $(if ($code) { $code.Value })
        $errors = $global:Error.Count
        try { __az_ctx_hook } catch { [Console]::Error.WriteLine('az-ctx: ' + $_) }
        while ((__az_ctx_full) -and $global:Error.Count -gt $errors) { $global:Error.RemoveAt(0) }
        if ($code) { $global:LASTEXITCODE = $value }
        else { Remove-Variable -Name LASTEXITCODE -Scope Global -ErrorAction Ignore }
        if (-not $ok) { Write-Error '' -ErrorAction Ignore }
        & $global:__az_ctx_prompt
    }
}

# The module lies among the user's data, in a folder of its version's own, where a
# job finds it too. `init` writes it, but this text may have been kept since.
function global:__az_ctx_module {
    $folder = '@DATA@'
    if ($env:XDG_DATA_HOME -match '^(/|[A-Za-z]:[/\\])') { $folder = $env:XDG_DATA_HOME }
    $folder = $folder + '/az-ctx/pwsh/@FOLDER@'
    $manifest = $folder + '/AzCtx/AzCtx.psd1'
    if (-not (Test-Path -LiteralPath $manifest)) { & $global:__az_ctx_bin init pwsh | Out-Null }
    if (-not (Test-Path -LiteralPath $manifest)) { return }
    if (($env:PSModulePath -split '@SEPARATOR@') -cnotcontains $folder) { $env:PSModulePath = $folder + '@SEPARATOR@' + $env:PSModulePath }
    try { Import-Module -Name $manifest -Global -DisableNameChecking -ErrorAction Stop -Verbose:$false -Debug:$false }
    catch { Write-Warning "az-ctx: its cmdlets can't be loaded: $_" }
}
__az_ctx_module
