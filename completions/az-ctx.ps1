# Completion of az-ctx for PowerShell: az-ctx itself names the candidates, from
# files alone.
Register-ArgumentCompleter -Native -CommandName az-ctx -ScriptBlock {
    param($word, $ast, $position)
    $words = @($ast.CommandElements | Select-Object -Skip 1 | ForEach-Object { if ($_.PSObject.Properties['Value']) { $_.Value } else { $_.Extent.Text } })
    if ($word -eq '') { $words += '' }
    $program = $(if (Test-Path Variable:global:__az_ctx_bin) { $global:__az_ctx_bin } else { 'az-ctx' })
    $found = @(& $program "--wrapper=pwsh,$PID,$PID,-,direct," complete -- @words)
    # For nothing at all PowerShell would offer the names of files.
    if (-not $found -and $word -and $words[0] -in 'select', 'get', 'remove', 'rm', 'rename') { return $word }
    $found | ForEach-Object {
        $text = $_
        if ($text -notmatch '^[A-Za-z0-9._/-]+$') {
            $quotes = '[' + [char]0x27 + [char]0x2018 + [char]0x2019 + [char]0x201A + [char]0x201B + ']'
            $text = "'" + [regex]::Replace($text, $quotes, '$0$0') + "'"
        }
        [System.Management.Automation.CompletionResult]::new($text, $_, 'ParameterValue', $_)
    }
}
