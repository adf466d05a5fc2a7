import type {ProbedProfile} from '../auth/probe-profiles.ts';
import {usableFacts} from '../auth/snapshot.ts';
import {JarvisError} from '../errors.ts';
import {agentOf, type CommandContext, durationFlag, textFlag} from './command.ts';
import {textTable} from './text.ts';

const usualTimeoutMs = 10_000;
const usualConcurrency = 4;

/** Probes the profiles that an agent can use, as the flags of `models status` say. */
export async function probeAll(context: CommandContext): Promise<ProbedProfile[]> {
	const {jarvis, flags} = context;
	const {agent} = await agentOf(context);
	const named = textFlag(context, 'probe-provider');
	const wanted = named === undefined ? undefined : await jarvis.providerIdOf(named);
	const profiles = usableFacts(agent).filter(({provider}) => wanted === undefined || provider === wanted);
	if (wanted !== undefined && profiles.length === 0) await jarvis.assertProvider(wanted);
	return jarvis.probe(profiles, {
		agentId: agent.id,
		timeoutMs: durationFlag(context, 'probe-timeout', 1) ?? usualTimeoutMs,
		concurrency: countFlag(context, 'probe-concurrency') ?? usualConcurrency,
		report: flags['probe-report'] === true,
	});
}

/** The results as a table, for a person. */
export function probeText(results: readonly ProbedProfile[]): Promise<string> {
	const rows = results.map(({profileId, outcome, latencyMs, why}) => [
		profileId,
		`${outcome === 'ok' ? '✓' : saysNothing.has(outcome) ? '•' : '✗'} ${outcome}`,
		latencyMs === undefined ? '–' : `${latencyMs} ms`,
		why,
	]);
	return textTable(['PROBED', 'OUTCOME', 'ANSWER', 'WHY'], rows);
}

/** Outcomes that say nothing of the credential. */
const saysNothing: ReadonlySet<ProbedProfile['outcome']> = new Set(['unknown', 'timeout', 'network']);

/** Whether a result says that a profile does not work. */
export function isBad({outcome}: ProbedProfile): boolean {
	return outcome !== 'ok' && !saysNothing.has(outcome);
}

/** That some probes had no answer, where it is so: `--check` then tells what is stored, and no more. */
export function unanswered(results: readonly ProbedProfile[]): string | undefined {
	const {length} = results.filter(({outcome}) => outcome === 'timeout' || outcome === 'network');
	if (length === 0) return undefined;
	const some = length === 1 ? 'One probe had' : `${length} probes had`;
	return `${some} no answer, which says nothing of the credentials: --check does not count it.`;
}

function countFlag(context: CommandContext, name: string): number | undefined {
	const text = textFlag(context, name);
	if (text === undefined) return undefined;
	if (/^[1-9]\d{0,2}$/.test(text)) return Number(text);
	throw new JarvisError(
		'usage',
		`--${name} ${JSON.stringify(text)} is no number from 1 to 999.`,
		'Write one.',
	);
}
