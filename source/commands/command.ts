import type {Jarvis} from '../core.ts';

/** What a command gets: its words already parsed, and the world that it may touch. */
export interface CommandContext {
	readonly jarvis: Jarvis;
	/** Flags by name: a text for one with a value, `true` for a switch. */
	readonly flags: Readonly<Record<string, string | true | undefined>>;
	readonly arguments: readonly string[];
	readonly stdin: NodeJS.ReadStream;
	/** Data, and nothing else. */
	print(text: string): void;
	/** All that is for a person: prompts, notes, progress. */
	tell(text: string): void;
}

/** Carries a command out and returns its exit code. Failures are thrown as JarvisError. */
export type CommandRun = (context: CommandContext) => Promise<number>;

/** A flag's text, if it was given. */
export function textFlag(context: CommandContext, name: string): string | undefined {
	const value = context.flags[name];
	return typeof value === 'string' ? value : undefined;
}

/** Prints data as JSON, indented for a person who looks. */
export function printJson(context: CommandContext, value: unknown): void {
	context.print(JSON.stringify(value, undefined, 2));
}
