import {patchUsage} from '../store/edit.ts';
import {updateCredentials} from '../store/profiles.ts';
import type {ProfileFacts} from './facts.ts';
import {outcomeOfError, type ProbeResult, probe} from './probe.ts';
import {reportFailure} from './report.ts';
import {type ResolveContext, resolve} from './resolve.ts';
import {forgotten} from './routing/rotation.ts';

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
			const result = await probeOne(context, facts, options);
			await note(context, facts, result, options);
			results[index] = {profileId: facts.profileId, provider: facts.provider, ...result};
		}
	};
	await Promise.all(Array.from({length: Math.max(1, options.concurrency)}, work));
	return results.filter(Boolean);
}

async function probeOne(
	context: ResolveContext,
	{profileId, provider: providerId, accountId}: ProfileFacts,
	{agentId, timeoutMs, signal}: ProbeOptions,
): Promise<ProbeResult> {
	try {
		const [provider, {secret, kind}] = await Promise.all([
			context.findProvider(providerId),
			resolve(context, {providerId, profileId, agentId}),
		]);
		const {network, now} = context;
		return await probe({provider, kind, secret, accountId, network, now, timeoutMs, signal});
	} catch (error) {
		return outcomeOfError(error);
	}
}

async function note(
	context: ResolveContext,
	{profileId}: ProfileFacts,
	{outcome, resetAt}: ProbeResult,
	{agentId, report}: ProbeOptions,
): Promise<void> {
	const at = context.now();
	if (outcome === 'unknown') return;
	const saysNothing = outcome === 'timeout' || outcome === 'network';
	if (saysNothing && !report) return;
	if (report && outcome !== 'ok') {
		await reportFailure(context.paths, {agentId, profileId}, {reason: outcome, at, resetAt});
		return;
	}
	await updateCredentials(context.paths, agentId, (document, current) => {
		// One that was removed meanwhile leaves nothing behind.
		const isOwn = current.profiles.has(profileId);
		if (!isOwn && !current.usageStats.has(profileId) && outcome !== 'ok') return;
		patchUsage(document, profileId, {
			...(outcome === 'ok' ? forgotten : {}),
			lastProven: {at, outcome: outcome === 'ok' ? 'probed' : outcome},
		});
	});
}
