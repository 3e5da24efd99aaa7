# Completion of the command `atelier` for fish; what there is comes from the command.

function __atelier_sub
    set -l words (commandline -opc)
    test (count $words) -gt 1; and echo $words[2]
end

function __atelier_commands
    env LC_ALL=C atelier --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\)  *\(.*\)/\1\t\2/p'
end

function __atelier_options
    atelier (__atelier_sub) --help 2>/dev/null \
        | sed -n 's/^  \(-[a-z], \)\{0,1\}\(--[a-z-]*\)[^ ]* *\(.*\)/\2\t\3/p'
end

function __atelier_models
    atelier models 2>/dev/null | sed -n 's/^\([^ ].*\)  (.*)$/\1/p'
end

complete -c atelier -n 'test -z (__atelier_sub)' -f -a '(__atelier_commands)'
complete -c atelier -n 'test -n (__atelier_sub); and string match -q -- "-*" (commandline -ct)' -a '(__atelier_options)'
complete -c atelier -n 'test -n (__atelier_sub)' -s m -l model -x -a '(__atelier_models) (__fish_complete_suffix .safetensors)'
complete -c atelier -n 'test -n (__atelier_sub)' -l preset -x -a 'quick standard full'
complete -c atelier -n 'test -n (__atelier_sub)' -l direction -x -a 'AtoB BtoA'
complete -c atelier -n 'test -n (__atelier_sub)' -l statistics -x -a 'image running'
complete -c atelier -n 'test "$(__atelier_sub)" = train' -a 'pix2pix vqvae'
