import type {Resolved} from '../auth/resolve.ts';
import type {AgentSnapshot, Snapshot, SnapshotWishes} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {JarvisError} from '../errors.ts';
import {unknownAgent} from '../store/paths.ts';
import {parseSpan, span} from '../words.ts';

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

/** The values of a flag that may be given several times, or hold several, with commas between. */
export function listFlag(context: CommandContext, name: string): string[] {
	const values = textFlag(context, name)?.split(',') ?? [];
	return values.map(value => value.trim()).filter(value => value !== '');
}

/** What is added to the present must stay a time that can be told. */
export const longestSpanMs = 36_525 * 86_400_000;

/**
 * A flag's span of time in milliseconds: a number with `s`, `m`, `h` or `d`, as in `5m`.
 * @param leastMs what is shorter than this, in milliseconds, counts as no span
 * @throws `usage`
 */
export function durationFlag(context: CommandContext, name: string, leastMs = 0): number | undefined {
	const text = textFlag(context, name);
	if (text === undefined) return undefined;
	const span = parseSpan(text) ?? Number.NaN;
	if (span >= leastMs && span <= longestSpanMs) return span;
	const fault = span >= leastMs ? 'is longer than a hundred years' : 'is no span of time';
	throw new JarvisError(
		'usage',
		`--${name} ${JSON.stringify(text)} ${fault}.`,
		'Write a number and s, m, h or d, for example 5m.',
	);
}

/**
 * When a pasted secret runs out (epoch ms), if `--expires-in` says so.
 * @throws `usage`
 */
export function expiresFlag(context: CommandContext): number | undefined {
	const livesMs = durationFlag(context, 'expires-in', 1);
	return livesMs === undefined ? undefined : context.jarvis.now() + livesMs;
}

/**
 * The agent that a command is about, `--agent` or the default one, as it is on the disk now.
 * @throws `agent_unknown`, and why its file cannot be read
 */
export async function agentOf(
	context: CommandContext,
	wanted: SnapshotWishes = {},
): Promise<{readonly agent: AgentSnapshot; readonly snapshot: Snapshot}> {
	const {jarvis} = context;
	const id = await jarvis.agent(textFlag(context, 'agent'));
	const snapshot = await jarvis.snapshot({...wanted, refsOf: id});
	const agent = agentIn(context, snapshot, id);
	if (agent.problem) throw agent.problem;
	return {agent, snapshot};
}

/**
 * An agent of a snapshot.
 * @throws `agent_unknown`
 */
export function agentIn({jarvis}: CommandContext, {agents}: Snapshot, agentId: string): AgentSnapshot {
	const agent = agents.find(({id}) => id === agentId);
	if (agent) return agent;
	throw unknownAgent(jarvis.paths, agentId);
}

/** Tells a person what is unusual about a credential that they get: another model's, or one that is set aside. */
export function tellUnusual(
	{jarvis, tell}: Pick<CommandContext, 'jarvis' | 'tell'>,
	{profileId, provider, model, modelWhy, until, why}: Omit<Resolved, 'secret' | 'passedOver'>,
): void {
	if (modelWhy !== undefined) tell(`This is for ${provider}/${model}, ${modelWhy}.`);
	if (until === undefined) return;
	tell(`${profileId} is ${why}, back in ${span(until - jarvis.now())}; it is handed out all the same.`);
}

/** Tells a person what could not be read; everything else is shown all the same. */
export function tellProblems(context: Pick<CommandContext, 'tell'>, {problems}: Snapshot): void {
	for (const {message, next} of problems) context.tell(`${message} ${next}`);
}

/** Prints data as JSON, indented for a person who looks. */
export function printJson(context: CommandContext, value: unknown): void {
	context.print(JSON.stringify(value, undefined, 2));
}
