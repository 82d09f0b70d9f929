# What the module's cmdlets do: each has the program do it, and carries into this
# session what the program says, one JSON object a line (pkg/cli/objects.go).

if ($ExecutionContext.SessionState.LanguageMode -ne 'FullLanguage') {
    throw 'az-ctx: the cmdlets need the full language of PowerShell; the function az-ctx does without it'
}

foreach ($type in 'AzCtx.', 'Deserialized.AzCtx.') {
    foreach ($part in 'Account', 'Tenant', 'Subscription') {
        Update-TypeData -Force -TypeName "$type$part" -MemberType ScriptMethod -MemberName ToString -Value { "$($this.Id)" }
    }
    foreach ($part in 'Context', 'Environment') {
        Update-TypeData -Force -TypeName "$type$part" -MemberType ScriptMethod -MemberName ToString -Value { "$($this.Name)" }
    }
}
Update-TypeData -Force -TypeName AzCtx.Tenant -MemberType AliasProperty -MemberName TenantId -Value Id
Update-TypeData -Force -TypeName AzCtx.Subscription -MemberType AliasProperty -MemberName SubscriptionId -Value Id
Update-FormatData -AppendPath $PSScriptRoot/AzCtx.format.ps1xml

$script:taken = @{} # the parameters of the cmdlets that were used
$script:completed = 'ContextName', 'Context', 'DefaultProfile', 'Environment', 'Name', 'SourceName', 'Subscription', 'SubscriptionId', 'SubscriptionName', 'Tenant', 'TenantId', 'Username'
$script:failed = $false # whether the cmdlet that runs has nothing more to give
$script:known = $null # the names that completion goes by, and what they were read from

# run is what every cmdlet comes to. A module's function does not see its
# caller's preferences, so they are taken from there where none was said: what is
# called from here sees them in this scope.
function script:run($cmdlet, $objects) {
    $p = $cmdlet.MyInvocation.BoundParameters
    foreach ($preference in 'ErrorAction', 'WarningAction', 'InformationAction', 'ProgressAction', 'Verbose', 'WhatIf', 'Confirm') {
        if (-not $p.ContainsKey($preference)) {
            $variable = ($preference -replace 'Action$', '' -replace '^Error$', 'ErrorAction') + 'Preference'
            Set-Variable -Name $variable -Value $cmdlet.SessionState.PSVariable.GetValue($variable) -WhatIf:$false -Confirm:$false
        }
    }
    switch ($cmdlet.MyInvocation.MyCommand.Name) {
        'Connect-AzCtxAccount' { Connect-Account $cmdlet $p }
        'Disconnect-AzCtxAccount' {
            $words = @('disconnect')
            $words += Get-Flags $p @{ Username = 'account'; ContextName = 'context'; ApplicationId = 'client-id'; TenantId = 'tenant' }
            if ($p['AzureContext']) { $words += '--account=' + (Get-AccountId $p['AzureContext']) }
            Invoke-Change $cmdlet $words 'account'
        }
        'Get-AzCtx' {
            if ($p['RefreshContextFromTokenCache']) { $cmdlet.WriteWarning('-RefreshContextFromTokenCache does nothing: contexts are not made from a token cache') }
            if ($p['ListAvailable']) { Invoke-Read $cmdlet list, '-o', 'json' }
            else { Invoke-Read $cmdlet (@('get', '-o', 'json') + (Get-Flags $p @{ Name = 'name' })) }
        }
        'Set-AzCtx' {
            if (-not ($p['Subscription'] -or $p['Tenant'] -or $p.ContainsKey('Context'))) { Stop-Cmdlet $cmdlet Usage 'Set-AzCtx needs -Subscription, -Tenant or a -Context'; return }
            $words, $text = Get-SetWords $p
            if (-not $words) { Stop-Cmdlet $cmdlet Usage 'the object is no context, tenant or subscription'; return }
            Invoke-Change $cmdlet (@('set', '-o', 'json') + $words) 'this shell' $text
        }
        'Select-AzCtx' {
            if ($p['Name'] -eq '-') { Invoke-Change $cmdlet @('select', '-o', 'json') 'the context before' -Names '-' }
            else { Invoke-Change $cmdlet @('select', '-o', 'json', "--name=$(Get-Name $p 'Name')") (Get-Name $p 'Name') }
        }
        'Rename-AzCtx' {
            $script:failed = $false
            Invoke-Change $cmdlet @('rename') (Get-Name $p 'SourceName') -Names (Get-Name $p 'SourceName'), $p['TargetName']
            if ($p['PassThru'] -and -not $script:failed) { Invoke-Read $cmdlet @('get', '-o', 'json', "--name=$($p['TargetName'])") }
        }
        'Remove-AzCtx' {
            $script:failed = $false
            $names = @(Get-Name $p 'Name')
            $gone = @(if ($p['PassThru']) { foreach ($n in $names) { Invoke-Read $cmdlet @('get', '-o', 'json', "--name=$n") } })
            if (-not $script:failed) { Invoke-Change $cmdlet @('remove') ($names -join ', ') -Names $names }
            if (-not $script:failed) { $gone }
        }
        'Clear-AzCtx' {
            $script:failed = $false
            Invoke-Change $cmdlet @('clear') 'every context'
            if ($p['PassThru']) { -not $script:failed }
        }
        'Save-AzCtx' {
            $path = $cmdlet.GetUnresolvedProviderPathFromPSPath($p['Path'])
            $words = @('save') + @($objects | ForEach-Object { if ($_) { "--context=$(Get-Property $_ 'Name')" } })
            Invoke-Change $cmdlet $words $path -Names $path
        }
        'Import-AzCtx' {
            if ($p['AzureContext']) {
                $words, $text = Get-SetWords @{ Context = $p['AzureContext'] }
                if (-not $words) { Stop-Cmdlet $cmdlet Usage 'the object is no context'; return }
                Invoke-Change $cmdlet (@('set', '-o', 'json') + $words) 'this shell' $text -WithContext
            } else {
                $path = $cmdlet.GetUnresolvedProviderPathFromPSPath($p['Path'])
                Invoke-Change $cmdlet @('import', '-o', 'json') $path -Names $path -WithContext
            }
        }
        'Enable-AzCtxAutosave' { Invoke-Change $cmdlet @('autosave', 'enable') 'autosave' }
        'Disable-AzCtxAutosave' { Invoke-Change $cmdlet @('autosave', 'disable') 'autosave' }
        'Get-AzCtxAutosaveSetting' {
            foreach ($setting in Invoke-Read $cmdlet autosave, status, '-o', 'json') {
                if ($p['Scope'] -eq 'CurrentUser') { $setting.Mode = $(if ($setting.CurrentUser) { 'CurrentUser' } else { 'Process' }) }
                $setting
            }
        }
        'Get-AzCtxSubscription' {
            # A tenant that comes down the pipeline has its id by both names.
            if ($p['SubscriptionId'] -and $p['SubscriptionId'] -eq $p['TenantId']) { [void]$p.Remove('SubscriptionId') }
            $words = @('subscriptions', '-o', 'json') + (Get-Flags $p @{ SubscriptionId = 'id'; SubscriptionName = 'name'; TenantId = 'tenant' }) + (Get-Profile $p)
            $script:failed = $false
            $found = @(Invoke-Read $cmdlet $words)
            $wanted = "$($p['SubscriptionId'])$($p['SubscriptionName'])"
            if (-not $found -and -not $script:failed) {
                if ($wanted) { Stop-Cmdlet $cmdlet NotFound "no subscription `"$(Get-Visible $wanted)`" is to be seen" }
                elseif ($p['TenantId']) { $null = Get-Tenant $cmdlet $p }
            }
            $found
        }
        'Get-AzCtxTenant' { Get-Tenant $cmdlet $p }
        'Get-AzCtxAccessToken' { Invoke-Read $cmdlet (@('token', '-o', 'json') + (Get-Flags $p @{ ResourceUrl = 'resource'; ResourceTypeName = 'resource-type'; TenantId = 'tenant' }) + (Get-Profile $p)) }
        'Invoke-AzCtx' { Invoke-Child $cmdlet $p }
    }
}

# ---- what was said to a cmdlet

function script:Get-Flags($p, $flags) {
    foreach ($name in $flags.Keys) { if ($p.ContainsKey($name)) { "--$($flags[$name])=$($p[$name])" } }
}

# Get-Property: inputs are taken by shape. One that is not there is $null.
function script:Get-Property($object, $name) {
    if ($object -is [Collections.IDictionary]) { return $object[$name] }
    $property = $object.PSObject.Properties[$name]
    if ($property) { $property.Value }
}

# Get-Id: what went through a job may have only the text of an account, a tenant
# or a subscription left, and that is its id.
function script:Get-Id($object) {
    if ($null -eq $object) { return }
    $id = Get-Property $object 'Id'
    if ($null -ne $id) { "$id" } elseif ($object -is [string] -and $object) { $object }
}

function script:Get-AccountId($object) {
    $account = Get-Property $object 'Account'
    if ($null -ne $account) { Get-Id $account } else { Get-Id $object }
}

function script:Get-Name($p, $parameter) {
    if ($p.ContainsKey('InputObject')) { "$(Get-Property $p['InputObject'] 'Name')" } else { $p[$parameter] }
}

function script:Get-Profile($p) {
    $of = $p['DefaultProfile']
    if ($of -is [string]) { "--context=$of" } elseif ($null -ne $of) { "--context=$(Get-Property $of 'Name')" }
}

# Get-SetWords gives the flags, and what goes to standard input.
function script:Get-SetWords($p) {
    $words = @(Get-Flags $p @{ Subscription = 'subscription'; Tenant = 'tenant'; Name = 'name' })
    $text = $null
    if ($p.ContainsKey('Context')) {
        $object = $p['Context']
        $id = Get-Id $object
        if ($null -ne (Get-Property $object 'Account')) {
            $words += '--input-object=-'
            $text = ConvertTo-Json -Compress @{
                name = Get-Property $object 'Name'; account = @{ id = Get-AccountId $object }; tenant = @{ id = Get-Id (Get-Property $object 'Tenant') }
                subscription = @{ id = "$(Get-Id (Get-Property $object 'Subscription'))" }
            }
        } elseif ($object -is [string] -or -not $id) { return }
        elseif ($null -ne (Get-Property $object 'State') -or $null -ne (Get-Property $object 'SubscriptionId')) {
            $words += "--subscription=$id"
            $tenant = Get-Property $object 'TenantId'
            if ($tenant) { $words += "--tenant=$tenant" }
        } else { $words += "--tenant=$id" }
    }
    $words, $text
}

function script:Get-Plain($secret) {
    if ($secret -is [securestring]) { (New-Object Net.NetworkCredential '', $secret).Password } else { "$secret" }
}

# ---- the program

function script:Find-Program {
    $path = Get-Variable -Name __az_ctx_bin -Scope Global -ValueOnly -ErrorAction Ignore
    if ($path -and [IO.File]::Exists($path)) { return $path }
    foreach ($found in @(Get-Command -Name az-ctx -CommandType Application -ErrorAction Ignore)) { return $found.Source }
}

# Get-Caller tells the program who calls, and what of a switch can't be done here.
function script:Get-Caller($mode) {
    $interactive = Get-Variable -Name __az_ctx_interactive -Scope Global -ValueOnly -ErrorAction Ignore
    $fixed = ''
    foreach ($variable in @(Get-Variable -Name __az_ctx_dir, __az_ctx_run, __az_ctx_now, __az_ctx_seen -Scope Global -ErrorAction Ignore)) {
        if ("$($variable.Options)" -match 'ReadOnly|Constant') { $fixed = $variable.Name }
    }
    if ($mode -eq 'json1' -and -not (Test-Owner)) { $mode = 'json1-thread' }
    "--wrapper=pwsh,$PID,$PID,$interactive,$mode,$fixed"
}

# Test-Owner: the runspaces of a process share its environment, so one of them alone
# may change it, the first that comes here; the function az-ctx asks the same.
function script:Test-Owner {
    $owner = [AppDomain]::CurrentDomain.GetData('az-ctx.runspace')
    if (-not $owner -or $owner.RunspaceStateInfo.State -ne 'Opened') {
        $owner = [runspace]::DefaultRunspace
        [AppDomain]::CurrentDomain.SetData('az-ctx.runspace', $owner)
    }
    $owner.InstanceId -eq [runspace]::DefaultRunspace.InstanceId
}

# Start-Program runs the program, passes on what it says at once, and returns the
# rest. It is no command of PowerShell's, whose ways with quotes, encodings and
# $LASTEXITCODE differ from version to version.
function script:Start-Program($cmdlet, [string[]]$words, $text) {
    $result = @{ Status = 127; Error = $null; Declined = $false; Would = @(); Change = $null; Local = $null; AzPS = $null; Watch = @(); Objects = New-Object Collections.ArrayList }
    $path = Find-Program
    if (-not $path) {
        $result.Error = @{ ID = 'Failed'; Message = 'the program az-ctx is not on PATH'; Try = $null }
        return $result
    }
    $start = New-Object Diagnostics.ProcessStartInfo $path
    $start.Arguments = @(foreach ($word in @(Get-Caller json1) + $words) { '"' + ($word -replace '(\\*)"', '$1$1\"' -replace '(\\+)$', '$1$1') + '"' }) -join ' '
    $start.UseShellExecute = $false
    $start.RedirectStandardInput = $true # in a job it is the job's own
    $start.RedirectStandardOutput = $true
    $process = [Diagnostics.Process]::Start($start)
    $ended = $false
    $contexts = New-Object Collections.ArrayList
    try {
        # The input ends with a NUL, for answers to questions may follow it.
        if ($null -ne $text) { Send-Text $process "$text`0" }
        if (-not (Test-Asking $cmdlet)) { Send-Text $process $null }
        while ($true) {
            $reading = $process.StandardOutput.ReadLineAsync()
            while (-not $reading.Wait(200)) { } # here Stop-Job and Ctrl-C come through
            $line = $reading.Result
            # Of contexts there may be thousands, so they are read many at once; 5.1 can't
            # read all of them at once.
            if ($null -ne $line -and $line.StartsWith('{"context"')) { [void]$contexts.Add($line) }
            elseif ($null -ne $line) { Read-Line $cmdlet $line $result $process }
            if ($contexts.Count -eq 500 -or ($null -eq $line -and $contexts.Count)) {
                $said = ConvertFrom-Json -InputObject ('[' + ($contexts -join ',') + ']')
                $found = @(foreach ($one in $said) { $one.context })
                Complete-Context $found
                $result.Objects.AddRange($found)
                $contexts.Clear()
            }
            if ($null -eq $line) { break }
        }
        $process.WaitForExit()
        $ended = $true
        $result.Status = $process.ExitCode
    } finally {
        # Ctrl-C is the program's too, which leaves things as they were and ends.
        if (-not $ended -and -not $process.WaitForExit(3000)) { $process.Kill() }
        $process.Dispose()
    }
    if ($result.Status -ne 0 -and -not $result.Error) { $result.Error = @{ ID = 'Failed'; Message = "az-ctx ended with status $($result.Status)"; Try = $null } }
    $result
}

# Send-Text writes a text to the program, or its end where that is $null. One that
# has ended before it read says why on its output.
function script:Send-Text($process, $text) {
    $in = $process.StandardInput.BaseStream
    try {
        if ($null -eq $text) { $in.Close(); return }
        $bytes = (New-Object Text.UTF8Encoding $false).GetBytes($text)
        $in.Write($bytes, 0, $bytes.Length)
        $in.Flush()
    } catch [IO.IOException] { $global:Error.RemoveAt(0) }
}

function script:Read-Line($cmdlet, $line, $result, $process) {
    $said = ConvertFrom-Json -InputObject $line
    Remove-Mark $said
    foreach ($property in $said.PSObject.Properties) { $kind = $property.Name; $v = $property.Value }
    switch ($kind) {
        { $_ -in 'subscription', 'tenant', 'autosave', 'token' } {
            $v.PSObject.TypeNames.Insert(0, @{ subscription = 'AzCtx.Subscription'; tenant = 'AzCtx.Tenant'; autosave = 'AzCtx.AutosaveSetting'; token = 'AzCtx.AccessToken' }[$kind])
            [void]$result.Objects.Add($v)
        }
        'token' {
            $v.Token = (New-Object Net.NetworkCredential '', $v.Token).SecurePassword
            $v.ExpiresOn = [DateTimeOffset]::Parse($v.ExpiresOn, [Globalization.CultureInfo]::InvariantCulture)
        }
        'name' { [void]$result.Objects.Add($v) }
        'warning' { $cmdlet.WriteWarning($v) }
        'verbose' { $cmdlet.WriteVerbose($v) }
        'say' { Write-Host $v }
        'progress' { Show-Progress $cmdlet $v }
        'would' { $result.Would += $v }
        'question' {
            $yes = Request-Answer $cmdlet $v
            if ($null -eq $yes) { Send-Text $process $null }
            else { $result.Declined = -not $yes; Send-Text $process $(if ($yes) { "y`n" } else { "n`n" }) }
        }
        'error' { $result.Error = $v }
        'env' { $result.Change = $v }
        'local' { $result.Local = $v }
        'azps' { $result.AzPS = $v }
        'watch' { $result.Watch = $v }
    }
}

# Show-Progress shows what is waited for, and takes it away where that is $null.
function script:Show-Progress($cmdlet, $at) {
    $record = New-Object Management.Automation.ProgressRecord 0, 'az-ctx', $(if ($at) { $at.Text } else { 'done' })
    if (-not $at) { $record.RecordType = 'Completed' } elseif ($at.Percent) { $record.PercentComplete = $at.Percent }
    $cmdlet.WriteProgress($record)
}

# Invoke-Read gives what the program prints.
function script:Invoke-Read($cmdlet, $words) {
    $result = Start-Program $cmdlet $words
    if ($result.Error) { Stop-Program $cmdlet $result.Error } else { $result.Objects }
}

# Invoke-Change has the program change something, by the manners of a cmdlet, and
# then changes this session.
function script:Invoke-Change($cmdlet, $words, $target, $text, $names, [switch]$WithContext) {
    $words += Get-Flags $cmdlet.MyInvocation.BoundParameters @{ Scope = 'scope' }
    $names = @($names | ForEach-Object { if ($null -ne $_) { $_ } })
    if ($names) { $names = @('--') + $names }
    if ($WhatIfPreference) {
        $result = Start-Program $cmdlet ($words + '--what-if' + $names) $text
        foreach ($line in $result.Would) { [void]$cmdlet.ShouldProcess($line, $line, 'az-ctx') }
        $script:failed = $true
        if ($result.Error) { Stop-Program $cmdlet $result.Error }
        return
    }
    if (-not $cmdlet.ShouldProcess((Get-Visible $target), $words[0])) { $script:failed = $true; return }
    $force = @(if ($cmdlet.MyInvocation.BoundParameters['Force']) { '--force' })
    $result = Start-Program $cmdlet ($words + $force + $names) $text
    if ($result.Declined) { $script:failed = $true; return }
    if ($result.Error) { Stop-Program $cmdlet $result.Error; return }
    Set-Session $result
    if ($result.AzPS) { Connect-AzAccounts $cmdlet $result.AzPS }
    foreach ($object in $result.Objects) {
        if ($WithContext) {
            $object.PSObject.TypeNames.Insert(0, 'AzCtx.Profile')
            $object.PSObject.Properties.Add((New-Object Management.Automation.PSNoteProperty 'Context', $object))
        }
        $object
    }
}

# Test-Asking: at the end of its input a console takes the first choice, which is
# yes, so nobody is asked there.
function script:Test-Asking($cmdlet) { $cmdlet -and -not ($cmdlet.Host.Name -eq 'ConsoleHost' -and [Console]::IsInputRedirected) }

# Request-Answer is $null where nobody can answer.
function script:Request-Answer($cmdlet, $question) {
    if (-not (Test-Asking $cmdlet)) { return }
    try { $cmdlet.ShouldContinue($question, 'az-ctx') }
    catch [Management.Automation.PipelineStoppedException] { throw }
    catch { $global:Error.RemoveAt(0) }
}

# Set-Session changes this session, whole: nothing here can fail.
function script:Set-Session($result) {
    foreach ($change in @($result.Change)) {
        $value = [NullString]::Value
        if ($null -ne $change.Value) { $value = $change.Value }
        elseif ($null -ne $change.From) { $value = [Environment]::GetEnvironmentVariable($change.From) }
        [Environment]::SetEnvironmentVariable($change.Name, $value)
    }
    if ($result.Local) {
        foreach ($property in $result.Local.PSObject.Properties) {
            Set-Variable -Scope Global -Name $property.Name -Value $property.Value -WhatIf:$false -Confirm:$false
        }
    }
    if (Test-Path Function:__az_ctx_note) { __az_ctx_note }
}

function script:Stop-Program($cmdlet, $failure) { Stop-Cmdlet $cmdlet $failure.ID $failure.Message $failure.Try }

# Stop-Cmdlet ends the cmdlet with an error, and the script with it where that is
# the caller's preference. It returns where errors are not to be seen.
function script:Stop-Cmdlet($cmdlet, $id, $message, $try) {
    $script:failed = $true
    $categories = @{ Usage = 'InvalidArgument'; NotFound = 'ObjectNotFound'; SignInNeeded = 'AuthenticationError'; Keychain = 'ResourceUnavailable' }
    $category = $(if ($categories[$id]) { $categories[$id] } else { 'InvalidOperation' })
    $record = New-Object Management.Automation.ErrorRecord (New-Object InvalidOperationException $message), "AzCtx.$id", $category, $null
    $record.ErrorDetails = New-Object Management.Automation.ErrorDetails $message
    if ($try) { $record.ErrorDetails.RecommendedAction = $try }
    if ($ErrorActionPreference -eq 'Continue') { $cmdlet.ThrowTerminatingError($record) }
    $cmdlet.WriteError($record)
}

# ---- objects

# Remove-Mark takes the mark off every text: with it no text was taken for a date.
function script:Remove-Mark($objects) {
    $left = New-Object Collections.Stack (, @($objects))
    while ($left.Count) {
        foreach ($property in $left.Pop().PSObject.Properties) {
            $value = $property.Value
            if ($value -is [string]) { $property.Value = $value.Substring(1) }
            elseif ($value -is [Management.Automation.PSCustomObject]) { $left.Push($value) }
            elseif ($value -is [array]) {
                $property.Value = @(foreach ($one in $value) { if ($one -is [string]) { $one.Substring(1) } else { $left.Push($one); $one } })
            }
        }
    }
}

# Complete-Context takes the marks off contexts and types them, by the names of the
# properties: there may be thousands, and this is ten times as quick.
function script:Complete-Context($contexts) {
    foreach ($c in $contexts) {
        $c.PSObject.TypeNames.Insert(0, 'AzCtx.Context')
        $c.Name = $c.Name.Substring(1)
        $c.Scope = $c.Scope.Substring(1)
        $c.SignIn = $c.SignIn.Substring(1)
        if ($null -ne $c.From) { $c.From = $c.From.Substring(1) }
        $part = $c.Account
        $part.PSObject.TypeNames.Insert(0, 'AzCtx.Account')
        $part.Id = $part.Id.Substring(1)
        $part.Type = $part.Type.Substring(1)
        $part = $c.Tenant
        $part.PSObject.TypeNames.Insert(0, 'AzCtx.Tenant')
        $part.Id = $part.Id.Substring(1)
        if ($null -ne $part.Name) { $part.Name = $part.Name.Substring(1) }
        if ($null -ne $part.DefaultDomain) { $part.DefaultDomain = $part.DefaultDomain.Substring(1) }
        $part = $c.Subscription
        $part.PSObject.TypeNames.Insert(0, 'AzCtx.Subscription')
        if ($null -ne $part.Id) { $part.Id = $part.Id.Substring(1) }
        if ($null -ne $part.Name) { $part.Name = $part.Name.Substring(1) }
        if ($null -ne $part.State) { $part.State = $part.State.Substring(1) }
        if ($null -ne $part.TenantId) { $part.TenantId = $part.TenantId.Substring(1) }
        if ($null -ne $part.HomeTenantId) { $part.HomeTenantId = $part.HomeTenantId.Substring(1) }
        $part = $c.Environment
        $part.PSObject.TypeNames.Insert(0, 'AzCtx.Environment')
        $part.Name = $part.Name.Substring(1)
        if ($null -ne $part.ResourceManagerUrl) { $part.ResourceManagerUrl = $part.ResourceManagerUrl.Substring(1) }
        if ($null -ne $part.ActiveDirectoryAuthority) { $part.ActiveDirectoryAuthority = $part.ActiveDirectoryAuthority.Substring(1) }
    }
}

# Get-Visible frees a text of what would act on a terminal or turn it around.
function script:Get-Visible($text) { $text -replace '[\p{Cc}\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]', [string][char]0xFFFD }

# ---- the longer ones

function script:Get-Tenant($cmdlet, $p) {
    $script:failed = $false
    $wanted = $p['TenantId']
    $found = @(Invoke-Read $cmdlet (@('tenants', '-o', 'json') + (Get-Profile $p)) | Where-Object { -not $wanted -or $wanted -in $_.Id, $_.Name, $_.DefaultDomain })
    if ($wanted -and -not $found -and -not $script:failed) { Stop-Cmdlet $cmdlet NotFound "no tenant `"$(Get-Visible $wanted)`" is to be seen" }
    $found
}

function script:Connect-Account($cmdlet, $p) {
    if ($cmdlet.ParameterSetName -eq 'User' -and $p['Credential']) {
        Stop-Cmdlet $cmdlet Usage 'signing a user in by a password is not supported; a service principal''s secret goes with -ServicePrincipal' 'Connect-AzCtxAccount'
        return
    }
    if ($p['CertificateThumbprint']) {
        Stop-Cmdlet $cmdlet Usage 'a certificate of the store is not supported' 'Connect-AzCtxAccount -CertificatePath FILE -ApplicationId ID -Tenant TENANT'
        return
    }
    $words = @('connect', '-o', 'json')
    $words += Get-Flags $p @{ Tenant = 'tenant'; Subscription = 'subscription'; ContextName = 'name'; Environment = 'environment'; MaxContextPopulation = 'max-contexts'; ClaimsChallenge = 'claims-challenge'; AuthScope = 'scope-url'; ApplicationId = 'client-id' }
    if ($p['SkipContextPopulation']) { $words += '--max-contexts=0' }
    $text = $null
    switch ($cmdlet.ParameterSetName) {
        'User' { if ($p['UseDeviceAuthentication']) { $words += '--device-code' } }
        'Secret' {
            $words += '--service-principal', '--client-secret-stdin', "--client-id=$($p['Credential'].UserName)"
            $text = Get-Plain $p['Credential'].Password
        }
        'File' {
            $words += '--service-principal', "--certificate=$($cmdlet.GetUnresolvedProviderPathFromPSPath($p['CertificatePath']))"
            if ($p['CertificatePassword'] -and $p['CertificatePassword'].Length) { # an empty one is none
                $words += '--certificate-password-stdin'
                $text = Get-Plain $p['CertificatePassword']
            }
        }
        'Federated' { $words += '--service-principal', '--federated-token-stdin'; $text = Get-Plain $p['FederatedToken'] }
        'Identity' { $words += '--identity'; $words += Get-Flags $p @{ AccountId = 'client-id' } }
        'Token' { $words += '--access-token-stdin'; $words += Get-Flags $p @{ AccountId = 'account-id' }; $text = Get-Plain $p['AccessToken'] }
    }
    if ($text -eq '') {
        Stop-Cmdlet $cmdlet Usage 'the secret or token is empty'
        return
    }
    Invoke-Change $cmdlet $words 'a sign-in' $text -WithContext
}

# Invoke-Child runs a command, or another PowerShell with the script block, under
# `az-ctx exec`. What the block gives comes back as objects, each on a line of its
# own among what the commands in it print.
function script:Invoke-Child($cmdlet, $p) {
    $script:failed = $false
    $name = $(if ($p['Context'] -is [string]) { $p['Context'] } else { Get-Property $p['Context'] 'Name' })
    $context = Invoke-Read $cmdlet @('get', '-o', 'json', "--name=$name")
    if ($script:failed) { return }
    $block = $p['ScriptBlock']
    if (-not $block -and $p['Command'][0] -is [scriptblock]) { $block = $p['Command'][0] }
    if (-not $block) {
        Invoke-Native (@('exec', "--context=$($context.Name)", '--') + $p['Command'])
        return
    }
    $mark = [guid]::NewGuid().ToString('N')
    $script = "& {`n$block`n} | ForEach-Object { [Console]::Out.WriteLine('$mark' + [Convert]::ToBase64String([Text.Encoding]::UTF8.GetBytes([Management.Automation.PSSerializer]::Serialize(`$_, 2)))) }`n" +
        "`$ok = `$?; if (Test-Path Variable:LASTEXITCODE) { exit `$LASTEXITCODE }; exit [int](-not `$ok)"
    $shell = Join-Path $PSHOME $(if ($PSVersionTable.PSVersion.Major -ge 6) { 'pwsh' } else { 'powershell' })
    $encoded = [Convert]::ToBase64String([Text.Encoding]::Unicode.GetBytes($script))
    Invoke-Native @('exec', "--context=$($context.Name)", '--', $shell, '-NoProfile', '-OutputFormat', 'Text', '-EncodedCommand', $encoded) | ForEach-Object {
        if ($_.StartsWith($mark)) { [Management.Automation.PSSerializer]::Deserialize([Text.Encoding]::UTF8.GetString([Convert]::FromBase64String($_.Substring(32)))) }
        else { Write-Host $_ }
    }
}

# Invoke-Native runs the program as a command of this session. Before 7.3 a double
# quote in an argument would end it.
function script:Invoke-Native($words) {
    $path = Find-Program
    $PSNativeCommandArgumentPassing = 'Standard'
    if ($PSVersionTable.PSVersion -lt [version]'7.3') { $words = @($words | ForEach-Object { "$_" -replace '(\\*)"', '$1$1\"' }) }
    & $path (Get-Caller direct) @words
}

# ---- completion

# Complete-Word gives what a word may become. Names of contexts are asked for again
# only where something was written since that they come from.
function script:Complete-Word($command, $parameter, $word) {
    $typed = $word -replace "^['`"\u2018-\u201F]", '' -replace "['`"\u2018-\u201F]$", ''
    $all = switch ($parameter) {
        { $_ -in 'Subscription', 'SubscriptionName' } { Get-Candidates set, '--subscription', $typed }
        { $_ -in 'Tenant', 'TenantId' } { Get-Candidates set, '--tenant', $typed }
        'SubscriptionId' { Get-Candidates subscriptions, '--id', $typed }
        'Environment' { Get-Candidates connect, '--environment', $typed }
        'Username' { Get-Candidates disconnect, '--account', $typed }
        default { Get-KnownNames }
    }
    $all = [string[]]@($all | Where-Object { $_.StartsWith($typed, [StringComparison]::OrdinalIgnoreCase) })
    [Array]::Sort($all, [StringComparer]::Ordinal)
    # For nothing at all PowerShell would offer the names of files.
    if (-not $all -and $word) { return New-Object Management.Automation.CompletionResult $word }
    foreach ($text in $all) {
        $quoted = $text
        if ($text -notmatch '^[A-Za-z0-9_][A-Za-z0-9._/-]*$') { $quoted = "'" + ($text -replace '[''\u2018-\u201B]', '$0$0') + "'" }
        New-Object Management.Automation.CompletionResult $quoted, $text, 'ParameterValue', $text
    }
}

function script:Get-Candidates($words) { (Start-Program $null (@('complete', '--') + $words)).Objects }

function script:Get-KnownNames {
    $stamp = { param($paths) $env:AZ_CTX_SESSION + (@($paths | ForEach-Object { [IO.Directory]::GetLastWriteTimeUtc($_).Ticks }) -join ' ') }
    if ($null -eq $script:known -or (& $stamp $script:known.Watch) -ne $script:known.Stamp) {
        $result = Start-Program $null complete, '--', get, ''
        $script:known = @{ Names = $result.Objects; Watch = $result.Watch; Stamp = & $stamp $result.Watch }
    }
    $script:known.Names
}

# ---- next to Az.Accounts

$script:azLimit = 60

# Connect-AzAccounts has Az.Accounts sign in at this process's endpoint. The switch
# stands, whatever comes of it.
function script:Connect-AzAccounts($cmdlet, $azps) {
    $say = @{ Identity = $true; AccountId = $azps.Account; Tenant = $azps.Tenant; SkipContextPopulation = $true; Scope = 'Process' }
    if ($null -ne $azps.Subscription) { $say['Subscription'] = $azps.Subscription }
    $errors = $global:Error.Count
    $shell = [powershell]::Create('CurrentRunspace')
    $limit = New-Object Threading.CancellationTokenSource ([TimeSpan]::FromSeconds($script:azLimit))
    try {
        # A method and no script block: it is called on a thread that has no runspace.
        $stop = $limit.Token.Register([Delegate]::CreateDelegate([Action], $shell, 'Stop'))
        [void]$shell.AddCommand('Connect-AzAccount').AddParameters($say).AddParameter('ErrorAction', 'Stop').Invoke()
        $failure = $null
    } catch {
        $failure = $_.Exception.GetBaseException().Message
        while ($global:Error.Count -gt $errors) { $global:Error.RemoveAt(0) } # a warning says it
    } finally {
        $stop.Dispose() # it waits for a Stop that runs, which needs what goes now
        $limit.Dispose()
        $shell.Dispose()
    }
    if ($limit.IsCancellationRequested) { $failure = "no answer within $($script:azLimit) seconds" }
    if ($failure) { $cmdlet.WriteWarning("Az.Accounts did not follow: $(Get-Visible $failure)") }
}

# ---- the parameters

# parameters gives a cmdlet its parameters, as dynamic ones: PowerShell shows,
# completes and binds them like any others, and reads them when there is need.
function script:parameters($cmdlet) {
    $name = $cmdlet.MyInvocation.MyCommand.Name
    if (-not $script:taken.ContainsKey($name)) {
        . $PSScriptRoot/AzCtx.parameters.ps1
        $common = [Management.Automation.PSCmdlet]::CommonParameters
        $script:taken[$name] = @(foreach ($p in $ExecutionContext.InvokeCommand.GetCommand($name, 'Function').Parameters.Values) {
            if ($common -contains $p.Name) { continue }
            if ($script:completed -contains $p.Name) { $p.Attributes.Add((New-Object ArgumentCompleter { Complete-Word @args })) }
            $p
        })
    }
    $all = New-Object Management.Automation.RuntimeDefinedParameterDictionary
    foreach ($p in $script:taken[$name]) {
        $all.Add($p.Name, (New-Object Management.Automation.RuntimeDefinedParameter $p.Name, $p.ParameterType, $p.Attributes))
    }
    $all
}
