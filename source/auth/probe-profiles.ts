import {configOwner} from '../store/config.ts';
import {patchUsage} from '../store/edit.ts';
import {readCredentials, updateCredentials} from '../store/profiles.ts';
import {type ProfileFacts, refOf} from './facts.ts';
import {outcomeOfError, type ProbeResult, probe} from './probe.ts';
import {reportFailure} from './report.ts';
import {type ResolveContext, resolve} from './resolve.ts';
import {afterSuccess, forgotten} from './routing/rotation.ts';

export interface ProbeOptions {
	readonly agentId: string;
	/** How long (ms) one request may take. */
	readonly timeoutMs: number;
	/** How many are under way at once. */
	readonly concurrency: number;
	/** Failures set profiles aside as those in use do; a success brings one back in any case. */
	readonly report: boolean;
	readonly signal?: AbortSignal | undefined;
}

export interface ProbedProfile extends ProbeResult {
	readonly profileId: string;
	readonly provider: string;
}

/**
 * Probes profiles by the way that their use takes: a token that is over is refreshed first. What is learned is
 * noted as last proven.
 * @throws what the store throws
 */
export async function probeProfiles(
	context: ResolveContext,
	profiles: readonly ProfileFacts[],
	options: ProbeOptions,
): Promise<ProbedProfile[]> {
	const results: ProbedProfile[] = [];
	const waiting = [...profiles.entries()];
	const work = async () => {
		for (let next = waiting.shift(); next && !options.signal?.aborted; next = waiting.shift()) {
			const [index, facts] = next;
			const startedAt = context.now();
			const {secret, ...result} = await probeOne(context, facts, options);
			await note(context, facts, {...result, startedAt, secret}, options);
			results[index] = {profileId: facts.profileId, provider: facts.provider, ...result};
		}
	};
	await Promise.all(Array.from({length: Math.max(1, options.concurrency)}, work));
	return results.filter(Boolean);
}

async function probeOne(
	context: ResolveContext,
	{profileId, provider: providerId, accountId, metadata}: ProfileFacts,
	{agentId, timeoutMs, signal}: ProbeOptions,
): Promise<ProbeResult & {readonly secret?: string}> {
	try {
		const [provider, {secret, kind}] = await Promise.all([
			context.findProvider(providerId),
			resolve(context, {providerId, profileId, agentId}),
		]);
		const {network, now} = context;
		const result = await probe({
			provider,
			kind,
			secret,
			accountId,
			metadata,
			network,
			now,
			timeoutMs,
			signal,
		});
		return {...result, secret};
	} catch (error) {
		return outcomeOfError(error);
	}
}

async function note(
	context: ResolveContext,
	{profileId, agentId: owner}: ProfileFacts,
	{
		outcome,
		resetAt,
		startedAt,
		secret,
	}: ProbeResult & {
		readonly startedAt: number;
		readonly secret: string | undefined;
	},
	{agentId, report}: ProbeOptions,
): Promise<void> {
	const at = context.now();
	if (outcome === 'unknown' || (await isReplaced(context, owner, profileId, secret))) return;
	const saysNothing = outcome === 'timeout' || outcome === 'network';
	if (saysNothing && !report) return;
	if (report && outcome !== 'ok') {
		await reportFailure(context.paths, {agentId, profileId}, {reason: outcome, at, startedAt, resetAt});
		return;
	}
	await updateCredentials(context.paths, agentId, (document, current) => {
		const usage = current.usageStats.get(profileId) ?? {};
		// One that failed in use since the probe began is not brought back by it.
		const bringsBack = outcome === 'ok' && afterSuccess(usage, {at, startedAt}).isProof;
		patchUsage(document, profileId, {
			...(bringsBack ? forgotten : {}),
			lastProven: {at, outcome: outcome === 'ok' ? 'probed' : outcome},
		});
	});
}

// One that was removed, or logged in anew, while it was probed: what the old secret did says nothing of it.
async function isReplaced(
	{paths}: ResolveContext,
	owner: string,
	profileId: string,
	probed: string | undefined,
): Promise<boolean> {
	// A probe is over before a person has changed what a file of theirs says.
	if (owner === configOwner) return false;
	const present = (await readCredentials(paths, owner)).profiles.get(profileId);
	if (!present) return true;
	// What stands in the file is not what was probed.
	if (refOf(present)) return false;
	const secret =
		present.type === 'oauth' ? present.access : present.type === 'token' ? present.token : present.key;
	return probed !== undefined && secret !== undefined && secret !== probed;
}
