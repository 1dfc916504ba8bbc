/** Each asks `mcpctl __complete`: candidates as `word<TAB>what it is`, then `:none`, `:files` or `:dirs`. */
export const scripts: Readonly<Record<'bash' | 'zsh' | 'fish', string>> = {
  bash: `# bash completion for mcpctl, made by \`mcpctl completion bash\`
_mcpctl() {
  local line also=none current=\${COMP_WORDS[COMP_CWORD]}
  COMPREPLY=()
  while IFS= read -r line; do
    case $line in
      :*) also=\${line#:} ;;
      *) COMPREPLY+=("\${line%%$'\\t'*}") ;;
    esac
  done < <("$1" __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
  case $also in
    files) compopt -o default 2>/dev/null || COMPREPLY+=($(compgen -f -- "$current")) ;;
    dirs) compopt -o dirnames 2>/dev/null || COMPREPLY+=($(compgen -d -- "$current")) ;;
  esac
  # A word that ends in one of these is not at its end yet.
  [[ \${#COMPREPLY[@]} -eq 1 && \${COMPREPLY[0]} == *[=/.] ]] && compopt -o nospace 2>/dev/null
  return 0
}
complete -F _mcpctl mcpctl
`,
  zsh: `#compdef mcpctl
# zsh completion for mcpctl, made by \`mcpctl completion zsh\`
_mcpctl() {
  local line also=none
  local -a candidates
  while IFS= read -r line; do
    case $line in
      :*) also=\${line#:} ;;
      *) candidates+=("\${\${line//:/\\\\:}/$'\\t'/:}") ;;
    esac
  done < <("\${words[1]}" __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  (( $#candidates )) && _describe -V mcpctl candidates
  case $also in
    files) _files ;;
    dirs) _files -/ ;;
  esac
}
if [ "$funcstack[1]" = _mcpctl ]; then _mcpctl "$@"; else compdef _mcpctl mcpctl; fi
`,
  fish: `# fish completion for mcpctl, made by \`mcpctl completion fish\`
function __mcpctl_complete
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    set -e words[1]
    for line in (mcpctl __complete -- $words "$current" 2>/dev/null)
        switch $line
            case :files
                __fish_complete_path "$current"
            case :dirs
                __fish_complete_directories "$current"
            case ':*'
            case '*'
                echo $line
        end
    end
end
complete -c mcpctl -f -a '(__mcpctl_complete)'
`,
};
