# Completion of the command `atelier` for bash.  Sub-commands, options, settings
# and models are those that the command itself tells, so they are never stale.

_atelier_options ()
{
  "$1" "${@:2}" --help 2>/dev/null \
    | sed -n 's/^  \(-[a-z]\), \(--[a-z-]*\).*/\1 \2/p; s/^  \(--[a-z-]*\).*/\1/p'
}

_atelier_models ()
{
  "$1" models 2>/dev/null | sed -n 's/^\([^ ].*\)  (.*)$/\1/p'
}

# What may stand after an option.
_atelier_values ()
{
  case $2 in
    --preset) echo quick standard full ;;
    --direction) echo AtoB BtoA ;;
    --statistics) echo image running ;;
    --dropout) echo on off ;;
    --kind | --train) echo pix2pix vqvae ;;
    --form) echo folders suffixes side-by-side pictures ;;
    --arch | -a) echo unet_128 unet_256 unet_512 resnet_6 resnet_9 drunet \
                   patchgan pixel vqvae vqvae2 ;;
    --set | -s)
      [ "$3" = train ] && "$1" train "${4:-pix2pix}" --settings 2>/dev/null \
        | sed -n 's/^  \([a-z0-9_]*=\).*/\1/p' ;;
    --model | -m) _atelier_models "$1" ;;
    *) return 1 ;;
  esac
}

_atelier ()
{
  local command=${COMP_WORDS[0]} word=${COMP_WORDS[COMP_CWORD]}
  local before=${COMP_WORDS[COMP_CWORD-1]} sub=${COMP_WORDS[1]}
  local kind=${COMP_WORDS[2]} words=

  # "--preset=qu" comes as three words.
  if [ "$word" = = ]; then
    word=
  elif [ "$before" = = ]; then
    before=${COMP_WORDS[COMP_CWORD-2]}
  fi
  compopt +o nospace 2>/dev/null

  if [ "$COMP_CWORD" = 1 ]; then
    words="$(LC_ALL=C "$command" --help 2>/dev/null \
      | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p') --help --version"
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  if words=$(_atelier_values "$command" "$before" "$sub" "$kind"); then
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    case $before in
      -m | --model) COMPREPLY+=($(compgen -f -X '!*.safetensors' -- "$word")) ;;
      -s | --set) compopt -o nospace 2>/dev/null ;;
    esac
    return
  fi
  if [ "${word#-}" != "$word" ]; then
    [ "$sub" = bench ] && [[ " ${COMP_WORDS[*]} " = *" --train "* ]] \
      && words=$(_atelier_options "$command" bench --train pix2pix) \
      || words=$(_atelier_options "$command" "$sub")
    COMPREPLY=($(compgen -W "$words" -- "$word"))
    return
  fi
  case $sub in
    train) [ "$COMP_CWORD" = 2 ] && COMPREPLY=($(compgen -W "pix2pix vqvae" -- "$word")) ;;
    info | export | bench) COMPREPLY=($(compgen -W "$(_atelier_models "$command")" -- "$word")) ;;
  esac
  # Otherwise, and besides, files (see -o default).
} && complete -o bashdefault -o default -F _atelier atelier
