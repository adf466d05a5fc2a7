import {parseArgs, stripVTControlCharacters} from 'node:util';
import type {CommandContext} from './commands/command.ts';
import type {CommandSpec} from './commands/table.ts';
import {type JarvisOptions, openJarvis} from './core.ts';
import {JarvisError} from './errors.ts';

/** A command with its words parsed. */
export interface Invocation {
	readonly spec: CommandSpec;
	readonly flags: Readonly<Record<string, string | true>>;
	readonly arguments: readonly string[];
}

/**
 * Parses the words of a command without commander, for the commands that scripts call often. Gives
 * `undefined` for anything out of the ordinary (help, a mistake): commander then says what it has to say.
 */
export function parseQuickly(spec: CommandSpec, words: readonly string[]): Invocation | undefined {
	try {
		const {values, positionals} = parseArgs({
			args: [...words],
			allowPositionals: true,
			strict: true,
			options: Object.fromEntries(
				spec.flags.map(flag => [flag.name, {type: flag.value ? ('string' as const) : ('boolean' as const)}]),
			),
		});
		const missing = spec.flags.some(flag => flag.required && values[flag.name] === undefined);
		if (missing || positionals.length !== spec.arguments.length) return undefined;
		const flags = Object.entries(values).filter((entry): entry is [string, string | true] => {
			return typeof entry[1] === 'string' || entry[1] === true;
		});
		return {spec, flags: Object.fromEntries(flags), arguments: positionals};
	} catch {
		return undefined;
	}
}

/** Carries a command out against the real world. Returns its exit code; throws JarvisError. */
export async function invoke(invocation: Invocation, options: JarvisOptions): Promise<number> {
	const stateDir = invocation.flags['state-dir'];
	if (stateDir === '') {
		throw new JarvisError('usage', '--state-dir names no folder.', 'Leave it out, or name one.');
	}
	const run = await invocation.spec.load();
	const tell = (text: string) => process.stderr.write(`${shown(text)}\n`);
	const context: CommandContext = {
		jarvis: openJarvis({
			...{by: invocation.spec.path.join(' '), tell},
			...options,
			...(typeof stateDir === 'string' ? {stateDir} : {}),
		}),
		flags: invocation.flags,
		arguments: invocation.arguments,
		// Opening it takes as long as all the rest of a token, which reads nothing.
		get stdin() {
			return process.stdin;
		},
		print: text => process.stdout.write(`${shown(text)}\n`),
		tell,
	};
	return run(context);
}

/** A text without what a terminal would act on, which ids of a file that another program wrote may hold. */
export function shown(text: string): string {
	return stripVTControlCharacters(text).replace(/[^\P{Cc}\n\t]/gu, '');
}
