import {JarvisError} from '../errors.ts';
import type {CommandContext} from './command.ts';
import {type CommandSpec, commandTable} from './table.ts';

/** `completion`: the completion script of a shell, made from the table of commands. */
export async function runCompletion(context: CommandContext): Promise<number> {
	const [shell = ''] = context.arguments;
	const script = Object.hasOwn(scripts, shell) ? scripts[shell] : undefined;
	if (!script) {
		throw new JarvisError(
			'usage',
			`There is no completion for ${JSON.stringify(shell)}.`,
			'Ask for bash, zsh or fish.',
		);
	}
	context.print(script(wordsAfter()));
	return 0;
}

/** What may follow each sequence of words: `'models auth'` → its commands, or a command's flags. */
function wordsAfter(): ReadonlyMap<string, readonly string[]> {
	const after = new Map<string, Set<string>>();
	const add = (prefix: string, word: string) => after.set(prefix, (after.get(prefix) ?? new Set()).add(word));
	for (const command of commandTable) {
		command.path.forEach((word, depth) => {
			add(command.path.slice(0, depth).join(' '), word);
		});
		for (const flag of flagWords(command)) add(command.path.join(' '), flag);
	}
	return new Map([...after].map(([prefix, words]) => [prefix, [...words]]));
}

function flagWords(command: CommandSpec): string[] {
	const shells = command.path[0] === 'completion' ? ['bash', 'zsh', 'fish'] : [];
	return [...command.flags.map(flag => `--${flag.name}`), ...shells];
}

type Words = ReadonlyMap<string, readonly string[]>;

const scripts: Readonly<Record<string, (words: Words) => string>> = {
	bash: words => `${posixFunction(words)}
_jarvis() {
	local prefix="" word at=0
	for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
		at=$((at + 1))
		if [ "$word" = -- ]; then _jarvis_foreign $((at + 1)); return; fi
		case "$word" in -*) ;; *) [ -z "$(_jarvis_words "\${prefix:+$prefix }$word")" ] || prefix="\${prefix:+$prefix }$word" ;; esac
	done
	COMPREPLY=($(compgen -W "$(_jarvis_words "$prefix")" -- "\${COMP_WORDS[COMP_CWORD]}"))
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
	zsh: words => `#compdef jarvis
${posixFunction(words)}
_jarvis() {
	local prefix="" word
	local -i at=1
	for word in "\${(@)words[2,CURRENT-1]}"; do
		(( at += 1 ))
		if [ "$word" = -- ]; then shift $at words; (( CURRENT -= at )); _normal; return; fi
		case "$word" in -*) ;; *) [ -z "$(_jarvis_words "\${prefix:+$prefix }$word")" ] || prefix="\${prefix:+$prefix }$word" ;; esac
	done
	compadd -- \${=$(_jarvis_words "$prefix")}
}
compdef _jarvis jarvis`,
	fish: words => `function __jarvis_words
	# Behind -- stands another program.
	set -l all (commandline -opc)
	if set -l at (contains -i -- -- $all)
		complete -C (string join ' ' -- (string escape -- $all[(math $at + 1)..]) (commandline -ct))
		return
	end
	set -l prefix (string match -v -- '-*' (commandline -opc)[2..])
	switch "$prefix"
${[...words].map(([prefix, list]) => `		case '${prefix}'\n			printf '%s\\n' ${list.join(' ')}`).join('\n')}
	end
end
complete -c jarvis -f -a '(__jarvis_words)'`,
};

function posixFunction(words: Words): string {
	const cases = [...words].map(([prefix, list]) => `\t\t'${prefix}') echo '${list.join(' ')}' ;;`);
	return `_jarvis_words() {\n\tcase "$1" in\n${cases.join('\n')}\n\tesac\n}`;
}
