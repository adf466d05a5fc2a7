import {parseArgs, stripVTControlCharacters} from 'node:util';
import type {CommandContext} from './commands/command.ts';
import type {CommandSpec} from './commands/table.ts';
import {type JarvisOptions, openJarvis} from './core.ts';
import {JarvisError} from './errors.ts';
import {asTyped} from './suggested.ts';
import {unseen} from './unseen.ts';

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
	// The words of another program stand behind `--`, and are its own.
	const isForeign = spec.arguments.some(({foreign}) => foreign);
	const end = isForeign ? words.indexOf('--') : words.length;
	if (end < 0) return undefined;
	const foreign = words.slice(end + 1);
	try {
		const {values, positionals} = parseArgs({
			args: words.slice(0, end),
			allowPositionals: true,
			strict: true,
			options: Object.fromEntries(
				spec.flags.map(({name, value, several = false}) => [
					name,
					{type: value ? ('string' as const) : ('boolean' as const), multiple: several},
				]),
			),
		});
		const missing = spec.flags.some(flag => flag.required && values[flag.name] === undefined);
		if (missing || (isForeign && foreign.length === 0)) return undefined;
		if (positionals.length !== (isForeign ? 0 : spec.arguments.length)) return undefined;
		const flags: Record<string, string | true> = {};
		for (const [name, value] of Object.entries(values)) {
			if (typeof value === 'string' || value === true) flags[name] = value;
			else if (Array.isArray(value)) flags[name] = value.join(',');
		}
		return {spec, flags, arguments: [...positionals, ...foreign]};
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
	const given = typeof stateDir === 'string' ? stateDir : undefined;
	const tell = (text: string) => process.stderr.write(`${shown(asTyped(text, given))}\n`);
	const context: CommandContext = {
		jarvis: openJarvis({
			...{by: invocation.spec.path.join(' '), tell},
			...options,
			...(given === undefined ? {} : {stateDir: given}),
		}),
		flags: invocation.flags,
		arguments: invocation.arguments,
		// Opening it takes as long as all the rest of a token, which reads nothing.
		get stdin() {
			return process.stdin;
		},
		// What a program reads is data, whatever it looks like: a secret is none any more with a character less.
		print(text, isForPrograms) {
			const words = () => (isForPrograms ? text : shown(asTyped(text, given)));
			process.stdout.write(`${invocation.flags.json === true ? spelt(text) : words()}\n`);
		},
		tell,
	};
	return run(context);
}

/**
 * A text for a person, of several lines perhaps, without what a terminal would act on, which ids of a file that another
 * program wrote may hold.
 */
export function shown(text: string): string {
	return stripVTControlCharacters(text).replace(unseenInLines, '');
}

/** The same JSON with what a terminal would act on spelt out (RFC 8259, section 7). */
function spelt(json: string): string {
	return json.replace(unseenInLines, one => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

// A text may have as many line breaks as it has words: they are not looked at one by one.
const unseenInLines = new RegExp(`(?![\\n\\t])${unseen.source}`, 'gu');
