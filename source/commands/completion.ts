import {methodNames} from '../auth/providers/contract.ts';
import {JarvisError} from '../errors.ts';
import type {CommandContext} from './command.ts';
import {completionScripts, type Offer} from './completion-scripts.ts';
import {type CommandSpec, commandTable} from './table.ts';

/** What is offered for the values of flags; for those of others nothing is. */
export const offers: Readonly<Record<string, Offer>> = {
	agent: 'agent',
	provider: 'provider',
	'probe-provider': 'provider',
	'auth-choice': 'provider',
	profile: 'profile',
	'profile-id': 'profile',
	method: methodNames,
	format: ['credential-process', 'exec-credential'],
	'state-dir': 'folder',
	home: 'folder',
	workspace: 'folder',
	plan: 'file',
	socket: 'file',
};

/** `completion`: the completion script of a shell, made from the table of commands. */
export async function runCompletion(context: CommandContext): Promise<number> {
	const [shell = ''] = context.arguments;
	const script = Object.hasOwn(completionScripts, shell) ? completionScripts[shell] : undefined;
	if (!script) {
		throw new JarvisError(
			'usage',
			`There is no completion for ${JSON.stringify(shell)}.`,
			'Ask for bash, zsh or fish.',
		);
	}
	context.print(script({after: wordsAfter(), valued: valuedFlags()}));
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
		for (const word of wordsOf(command)) add(command.path.join(' '), word);
	}
	return new Map([...after].map(([prefix, words]) => [prefix, [...words]]));
}

function wordsOf(command: CommandSpec): string[] {
	const known = knownArguments[command.path.join(' ')] ?? [];
	return [...command.flags.map(flag => `--${flag.name}`), ...known];
}

const knownArguments: Readonly<Record<string, readonly string[]>> = {
	completion: Object.keys(completionScripts),
	'completion values': ['agent', 'provider', 'profile'],
};

function valuedFlags(): ReadonlyMap<string, Offer | undefined> {
	const flags = commandTable.flatMap(command => command.flags).filter(({value}) => value !== undefined);
	return new Map(flags.map(({name}) => [`--${name}`, offers[name]]));
}
