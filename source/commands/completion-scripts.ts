/** What completion offers for the value of a flag: names that JARVIS is asked for, paths, or these words. */
export type Offer = 'agent' | 'provider' | 'profile' | 'file' | 'folder' | readonly string[];

/** What a completion script is made of. */
export interface Vocabulary {
	/** What may follow each sequence of words: `'models auth'` → its commands, or a command's flags. */
	readonly after: ReadonlyMap<string, readonly string[]>;
	/** The flags that take a value, `--` and all, each with what is offered for it, if anything is. */
	readonly valued: ReadonlyMap<string, Offer | undefined>;
}

/** The loop's body over the words before the cursor, which bash and zsh read alike: commands, and flags with their values. */
const readWord = `		if [ -n "$flag" ]; then
			case "$flag" in --agent | --provider | --state-dir) of+=("$flag" "$word") ;; esac
			flag=""
			continue
		fi
		case "$word" in
		--agent=* | --provider=* | --state-dir=*) of+=("$word") ;;
		-*) [ -z "$(_jarvis_kind "$word")" ] || flag=$word ;;
		*) [ -z "$(_jarvis_words "\${prefix:+$prefix }$word")" ] || prefix="\${prefix:+$prefix }$word" ;;
		esac`;

/** The completion scripts, by the name of their shell. */
export const completionScripts: Readonly<Record<string, (vocabulary: Vocabulary) => string>> = {
	bash: vocabulary => `${posixFunctions(vocabulary)}
_jarvis() {
	local cur prefix="" word flag="" tail at=0 kind words=() of=()
	# bash parts words at : and =, of which ids are full.
	for word in "\${COMP_WORDS[@]:1:COMP_CWORD}"; do
		at=$((at + 1))
		if [ "$word" = -- ] && [ "$at" -lt "$COMP_CWORD" ]; then _jarvis_foreign $((at + 1)); return; fi
		tail=""
		[ \${#words[@]} -eq 0 ] || tail=\${words[\${#words[@]} - 1]}
		case "$tail>$word" in
		?*'>':* | ?*'>='* | *':>'* | *'=>'*) words[\${#words[@]} - 1]=$tail$word ;;
		*) words+=("$word") ;;
		esac
	done
	cur=\${words[\${#words[@]} - 1]}
	for word in "\${words[@]:0:\${#words[@]} - 1}"; do
${readWord}
	done
	case "$cur" in --*=*) flag=\${cur%%=*} cur=\${cur#*=} ;; esac
	if [ -z "$flag" ]; then
		COMPREPLY=($(compgen -W "$(_jarvis_words "$prefix")" -- "$cur"))
		return
	fi
	kind=$(_jarvis_kind "$flag")
	COMPREPLY=()
	case "$kind" in
	file) ;;
	folder)
		compopt -o filenames 2>/dev/null
		COMPREPLY=($(compgen -d -- "$cur"))
		;;
	*)
		compopt +o default 2>/dev/null
		COMPREPLY=($(compgen -W "$(_jarvis_values "$kind" \${of[@]+"\${of[@]}"})" -- "$cur"))
		# What stands before the last colon is on the line already.
		case "$COMP_WORDBREAKS" in *:*) COMPREPLY=("\${COMPREPLY[@]#"\${cur%"\${cur##*:}"}"}") ;; esac
		;;
	esac
}
# Behind -- stands another program, which bash-completion may know.
_jarvis_foreign() {
	COMPREPLY=()
	if declare -F _comp_command_offset >/dev/null; then _comp_command_offset "$1"
	elif declare -F _command_offset >/dev/null; then _command_offset "$1"
	elif [ "$COMP_CWORD" = "$1" ]; then COMPREPLY=($(compgen -c -- "\${COMP_WORDS[COMP_CWORD]}"))
	fi
}
complete -o default -F _jarvis jarvis`,
	zsh: vocabulary => `#compdef jarvis
${posixFunctions(vocabulary)}
_jarvis() {
	local prefix="" word flag="" kind
	local -a of
	local -i at=1
	for word in "\${(@)words[2,CURRENT-1]}"; do
		(( at += 1 ))
		if [ "$word" = -- ]; then shift $at words; (( CURRENT -= at )); _normal; return; fi
${readWord}
	done
	case "\${words[CURRENT]}" in --*=*) flag=\${words[CURRENT]%%=*}; compset -P '*=' ;; esac
	if [ -z "$flag" ]; then
		compadd -- \${=$(_jarvis_words "$prefix")}
		return
	fi
	kind=$(_jarvis_kind "$flag")
	case "$kind" in
	file) _files ;;
	folder) _files -/ ;;
	*) compadd -- \${=$(_jarvis_values "$kind" "\${(@)of}")} ;;
	esac
}
compdef _jarvis jarvis`,
	fish: ({after, valued}) => `function __jarvis_kind
	switch "$argv[1]"
${[...valued].map(([flag, offer]) => `		case '${flag}'\n			echo '${kindOf(offer)}'`).join('\n')}
	end
end
function __jarvis_words
	# Behind -- stands another program.
	set -l all (commandline -opc)
	set -l cur (commandline -ct)
	if set -l at (contains -i -- -- $all)
		complete -C (string join ' ' -- (string escape -- $all[(math $at + 1)..]) $cur)
		return
	end
	set -l flag ''
	set -l prefix
	set -l of
	for word in $all[2..]
		if test -n "$flag"
			contains -- $flag --agent --provider --state-dir; and set -a of $flag $word
			set flag ''
		else if string match -qr -- '^--(agent|provider|state-dir)=' $word
			set -a of $word
		else if string match -q -- '-*' $word
			set -l kind (__jarvis_kind $word)
			test -n "$kind"; and set flag $word
		else
			set -a prefix $word
		end
	end
	set -l before ''
	if string match -q -- '--*=*' $cur
		set flag (string replace -r -- '=.*' '' $cur)
		set before "$flag="
	end
	if test -n "$flag"
		set -l kind (__jarvis_kind $flag)
		set -l values
		switch "$kind"
			case file
				set values (__fish_complete_path (string replace -- "$before" '' $cur))
			case folder
				set values (__fish_complete_directories (string replace -- "$before" '' $cur))
			case agent provider profile
				set values (jarvis completion values $kind $of 2>/dev/null)
			case nothing
			case '*'
				set values (string split ' ' -- $kind)
		end
		for value in $values
			echo "$before$value"
		end
		return
	end
	switch "$prefix"
${[...after].map(([prefix, list]) => `		case '${prefix}'\n			printf '%s\\n' ${list.join(' ')}`).join('\n')}
	end
end
complete -c jarvis -f -a '(__jarvis_words)'`,
};

function posixFunctions({after, valued}: Vocabulary): string {
	const words = [...after].map(([prefix, list]) => `\t\t'${prefix}') echo '${list.join(' ')}' ;;`);
	const kinds = [...valued].map(([flag, offer]) => `\t\t${flag}) echo '${kindOf(offer)}' ;;`);
	return `_jarvis_words() {\n\tcase "$1" in\n${words.join('\n')}\n\tesac\n}
_jarvis_kind() {\n\tcase "$1" in\n${kinds.join('\n')}\n\tesac\n}
_jarvis_values() {
	local kind="$1"
	shift
	case "$kind" in
		agent | provider | profile) jarvis completion values "$kind" "$@" 2>/dev/null ;;
		nothing) ;;
		*) echo "$kind" ;;
	esac
}`;
}

function kindOf(offer: Offer | undefined): string {
	if (offer === undefined) return 'nothing';
	return typeof offer === 'string' ? offer : offer.join(' ');
}
