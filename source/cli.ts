import {type CommandSpec, commandTable} from './commands/table.ts';
import {asJarvisError, isSystemError, type JarvisError} from './errors.ts';
import {invoke, parseQuickly, shown} from './invocation.ts';
import {asTyped} from './suggested.ts';

declare const JARVIS_VERSION: string;

/** Commands that scripts call often: they are parsed without commander, and load nothing else. */
const quick = new Set([
	'models status',
	'models auth token',
	'exec',
	'git-credential',
	'completion',
	'completion values',
]);

/** Runs the program with the words of its command line, and returns the exit code. */
export async function main(given: readonly string[]): Promise<number> {
	const argv = withStateDirLast(given);
	// A reader that has seen enough (`| head`) ends the printing, and is no fault.
	process.stdout.on('error', error => {
		if (isSystemError(error, 'EPIPE')) process.exit(0);
		throw error;
	});
	try {
		const spec = commandOf(argv);
		if (spec && quick.has(spec.path.join(' '))) {
			const invocation = parseQuickly(spec, argv.slice(spec.path.length));
			if (invocation) return await invoke(invocation, {});
		}
		const {openBrowser} = await import('./host/browser.ts');
		const options = {openBrowser: (url: string) => openBrowser(url, process.env)};
		const {runProgram} = await import('./program.ts');
		return await runProgram(
			argv,
			JARVIS_VERSION,
			invocation => invoke(invocation, options),
			async request => {
				const {openFace} = await import('./face.ts');
				return openFace(request, options);
			},
		);
	} catch (error) {
		return report(asJarvisError(error), asksForJson(argv), stateDirIn(argv));
	}
}

/** The command that a command line begins with: the longest, where several do. */
function commandOf(argv: readonly string[]): CommandSpec | undefined {
	const matching = commandTable.filter(({path}) => path.every((word, index) => argv[index] === word));
	return matching.sort((a, b) => b.path.length - a.path.length)[0];
}

// Of a program that is run, the words are its own.
function asksForJson(argv: readonly string[]): boolean {
	const takesNone = commandOf(argv)?.arguments.some(({foreign}) => foreign);
	return !takesNone && argv.includes('--json');
}

// `--state-dir` before a command is for the command, whose option it is.
function withStateDirLast(argv: readonly string[]): readonly string[] {
	const [first = '', second = '', ...rest] = argv;
	if (first === '--state-dir' && rest.length > 0) return withOptions(rest, [first, second]);
	if (first.startsWith('--state-dir=') && second !== '') return withOptions([second, ...rest], [first]);
	return argv;
}

/** The state folder that a command line names, if any. What follows `--` is no option of ours. */
function stateDirIn(argv: readonly string[]): string | undefined {
	const end = argv.indexOf('--');
	const words = end < 0 ? argv : argv.slice(0, end);
	const at = words.findIndex(word => /^--state-dir(=|$)/.test(word));
	const [, inOne] = /^--state-dir=(.+)$/.exec(words[at] ?? '') ?? [];
	return at < 0 ? undefined : (inOne ?? words[at + 1]);
}

// What follows `--`, or a program that is to be run, is no option of ours.
function withOptions(words: readonly string[], options: readonly string[]): readonly string[] {
	const command = commandOf(words);
	if (command) {
		const {length} = command.path;
		return [...words.slice(0, length), ...options, ...words.slice(length)];
	}
	const end = words.indexOf('--');
	return end < 0 ? [...words, ...options] : [...words.slice(0, end), ...options, ...words.slice(end)];
}

function report(error: JarvisError, json: boolean, stateDir: string | undefined): number {
	const next = asTyped(error.next, stateDir);
	const message = asTyped(error.message, stateDir);
	process.stderr.write(
		json
			? `${JSON.stringify({error: {...error.toJSON().error, message, next}})}\n`
			: `jarvis: ${shown(message)}\n${shown(next)}\n`,
	);
	// The stack and nothing else: what a fault carries with it may hold a secret.
	if (process.env.JARVIS_DEBUG && error.cause instanceof Error)
		process.stderr.write(`${error.cause.stack}\n`);
	return error.exitCode;
}
