import {Command, CommanderError} from 'commander';
import {type CommandSpec, commandTable, groupSummaries} from './commands/table.ts';
import {JarvisError} from './errors.ts';
import type {Invocation} from './invocation.ts';

/**
 * The whole command line as commander parses it, made from the table of commands. Not on the way of
 * commands that scripts call often (see cli.ts).
 * @param version the program's
 * @param invoke carries a command out
 * @param open what `jarvis` without a command does
 * @returns the exit code
 */
export async function runProgram(
	typed: readonly string[],
	version: string,
	invoke: (invocation: Invocation) => Promise<number>,
	open: (options: {readonly demo: boolean; readonly stateDir?: string}) => Promise<number>,
): Promise<number> {
	const argv = withHelpFlag(typed);
	let exitCode = 0;
	const program = new Command('jarvis')
		.description(
			'The token sink: one place that keeps, refreshes and hands out the credentials of your agents.',
		)
		.version(version)
		.option('--demo', 'open the dashboard on a sandbox with a server of its own')
		.option('--state-dir <folder>', 'the state folder (default: $JARVIS_STATE_DIR or ~/.jarvis)')
		.showSuggestionAfterError()
		.addHelpText(
			'after',
			'\nWithout a command, jarvis opens the dashboard; without a terminal it prints the status.',
		)
		.enablePositionalOptions()
		.exitOverride();
	if (argv.includes('--json')) program.configureOutput({writeErr: () => {}});
	// What is wrong is told as all failures are.
	else program.configureOutput({outputError: () => {}});
	// With an action of its own, the program would take a mistyped command for one word too many.
	if (wordsOf(argv).length === 0) {
		program.action(async (options: {demo?: boolean; stateDir?: string}) => {
			exitCode = await open({
				demo: options.demo === true,
				...(options.stateDir === undefined ? {} : {stateDir: options.stateDir}),
			});
		});
	}
	const groups = new Map<string, Command>([['', program]]);
	for (const spec of commandTable) {
		// One that others begin with, as `import` and `import openclaw`, is the group of those.
		addCommand(groupOf(groups, spec.path), spec, async (flags, words) => {
			exitCode = await invoke({spec, flags, arguments: words});
		});
	}
	try {
		await program.parseAsync(argv, {from: 'user'});
	} catch (error) {
		if (!(error instanceof CommanderError)) throw error;
		if (error.exitCode === 0) return 0;
		// The help of a group was asked for, in a way, and stands there.
		if (error.code === 'commander.help' && !argv.includes('--json')) return 2;
		const message = error.message.replace(/^error: /, '').replace(/\s+/g, ' ');
		throw new JarvisError('usage', `${message}.`.replace(/([.)?])\.$/, '$1'), helpFor(argv));
	}
	return exitCode;
}

/** `help models auth token` as `models auth token --help`, whichever group it is asked of: commander's takes one word. */
function withHelpFlag(argv: readonly string[]): readonly string[] {
	const at = argv.indexOf('help');
	const group = argv.slice(0, at);
	const isCommand = commandTable.some(({path}) => path.join(' ') === group.join(' '));
	// Elsewhere it is a command's argument, or an option's.
	if (at < 0 || isCommand || !isOne(group)) return argv;
	const words = [...group, ...wordsOf(argv.slice(at + 1))];
	if (isOne(words)) return [...words, '--help'];
	throw new JarvisError('usage', `There is no command "${words.join(' ')}".`, helpFor(words));
}

/** Whether there is a command, or a group of them, of these words. */
function isOne(path: readonly string[]): boolean {
	return commandTable.some(spec => path.every((word, index) => spec.path[index] === word));
}

/** The command whose help tells more: as much of what was typed as is one. */
function helpFor(argv: readonly string[]): string {
	const words = wordsOf(argv);
	let known = 0;
	while (known < words.length && isOne(words.slice(0, known + 1))) known += 1;
	return `See: ${['jarvis', ...words.slice(0, known), '--help'].join(' ')}`;
}

/** The words of a command line that are no options of the program itself. */
function wordsOf(argv: readonly string[]): string[] {
	return argv.filter((word, index) => !word.startsWith('-') && argv[index - 1] !== '--state-dir');
}

function groupOf(groups: Map<string, Command>, path: readonly string[]): Command {
	const name = path.join(' ');
	const known = groups.get(name);
	if (known) return known;
	const parent = groupOf(groups, path.slice(0, -1));
	const group = parent.command(path.at(-1) ?? '').description(groupSummaries[name] ?? '');
	group.exitOverride();
	groups.set(name, group);
	return group;
}

function addCommand(
	command: Command,
	spec: CommandSpec,
	run: (flags: Record<string, string | true>, words: string[]) => Promise<void>,
): void {
	command.description(spec.summary);
	for (const {name, value, help, required, several} of spec.flags) {
		const usage = value ? `--${name} <${value}>` : `--${name}`;
		if (required) command.requiredOption(usage, `${help} (required)`);
		else if (several) command.option(usage, `${help} (may be repeated)`, joined);
		else command.option(usage, help);
	}
	for (const {name, help, variadic, optional, foreign} of spec.arguments) {
		const word = `${name}${variadic ? '...' : ''}`;
		command.argument(optional ? `[${word}]` : `<${word}>`, help);
		if (foreign) command.passThroughOptions().usage(`[options] -- <${name}...>`);
	}
	command.action(async () => {
		await run(flagsOf(command, spec), command.args);
	});
}

function joined(value: string, before: string | undefined): string {
	return before === undefined ? value : `${before},${value}`;
}

// commander turns `--no-x` into `x: false`, and names into camel case; the table's own names are used here.
function flagsOf(command: Command, spec: CommandSpec): Record<string, string | true> {
	const flags: Record<string, string | true> = {};
	for (const option of command.options) {
		const name = option.long?.slice(2) ?? '';
		if (!spec.flags.some(flag => flag.name === name)) continue;
		const value: unknown = command.getOptionValue(option.attributeName());
		if (option.negate ? value === false : value === true) flags[name] = true;
		else if (typeof value === 'string') flags[name] = value;
	}
	return flags;
}
