import {assertFailure, assertRequest, assertSpan, assertSuccess} from '../auth/asked.ts';
import type {ProfileFacts} from '../auth/facts.ts';
import type {GitAnswer, GitRequest} from '../auth/git-credential.ts';
import type {HandOut, HandOutRequest} from '../auth/hand-out.ts';
import type {ProbedProfile, ProbeOptions} from '../auth/probe-profiles.ts';
import type {RefreshOutcome} from '../auth/refresh.ts';
import type {ClearedCooldown} from '../auth/report.ts';
import {type Resolved, type ResolveRequest, resolve} from '../auth/resolve.ts';
import {aliasEntry} from '../auth/routing/aliases.ts';
import type {Failure, Success} from '../auth/routing/rotation.ts';
import type {SessionFacts} from '../auth/session-facts.ts';
import type {Which} from '../auth/which.ts';
import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import type {World} from './world.ts';

/** A profile that was used, and by whom: the default agent if absent. */
export interface UsedProfile {
	readonly agentId?: string | undefined;
	readonly profileId: string;
}

/** The provider of which a `resolve` found no profile at all to judge. */
function emptyProvider(error: unknown): string | undefined {
	if (!(error instanceof JarvisError) || error.code !== 'no_credential') return undefined;
	const {passedOver, provider} = error.details;
	const isEmpty = Array.isArray(passedOver) && passedOver.length === 0;
	return isEmpty && typeof provider === 'string' ? provider : undefined;
}

/** Whether a `resolve` may have failed because its provider has another name. */
function foundNobody(error: unknown): boolean {
	if (error instanceof JarvisError && error.code === 'profile_foreign') return true;
	return emptyProvider(error) !== undefined;
}

/** How credentials are used: which one, for whom, and how it did. */
export function credentialsOf({
	paths,
	env,
	now,
	network,
	record,
	noteHandOut,
	provider,
	providerIdOf,
	providerNamed,
	assertSomebodyKnows,
	gitProvider,
	agent,
	keepInStep,
	resolveContext,
}: World) {
	async function used({agentId, profileId}: UsedProfile) {
		return {profileId, agentId: await agent(agentId)};
	}

	/** Throws a failure anew, as `provider_unknown` where nobody knows the provider that has no profile. */
	async function failed(error: unknown): Promise<never> {
		const empty = emptyProvider(error);
		if (empty !== undefined) await assertSomebodyKnows(empty);
		throw error;
	}

	return {
		/**
		 * The credential that an agent uses now for a provider, a model or a session, refreshed if need be,
		 * and why it is this one. Throws as `resolve` does (docs/library.md).
		 */
		async resolve(request: ResolveRequest): Promise<Resolved> {
			assertRequest(request);
			const agentId = request.agentId === undefined ? undefined : await agent(request.agentId);
			// Beside a model it is only compared with the model's own, by its id.
			const providerId =
				request.providerId === undefined || request.model === undefined
					? request.providerId
					: await providerIdOf(request.providerId);
			const resolved = await resolve(resolveContext, {...request, agentId, providerId}).catch(async error => {
				// Other names of providers are known to the registry, which a good token does not load.
				if (providerId === undefined || !foundNobody(error)) return failed(error);
				const id = await providerIdOf(providerId);
				if (id === providerId) return failed(error);
				return resolve(resolveContext, {...request, agentId, providerId: id});
			});
			if (!request.unrecorded) noteHandOut(resolved, request.by);
			return resolved;
		},

		/**
		 * The whole decision that `resolve` would make now: every candidate in the order in which it would be
		 * tried, and those that would not, with the reasons. Nothing is refreshed. Throws as `prepare` does, and
		 * `provider_unknown`.
		 */
		async which(request: ResolveRequest): Promise<Which> {
			assertRequest(request);
			const [{explain}, agentId] = await Promise.all([import('../auth/which.ts'), agent(request.agentId)]);
			const which = await explain(resolveContext, {...request, agentId});
			const isEmpty = which.options.every(({candidates}) => candidates.length === 0);
			// Where jarvis.json names the provider, the decision is shown: it says where it comes from.
			if (request.providerId !== undefined && isEmpty) await assertSomebodyKnows(request.providerId);
			return which;
		},

		/**
		 * The environment for a program that is to work with an agent's credentials, refreshed if need be. Throws as
		 * `handOut` does, and `provider_unknown`.
		 * @param program what it is for, as the audit log is to name it
		 */
		async handOut(
			request: Omit<HandOutRequest, 'agentId'> & {readonly agentId?: string | undefined},
			program: string,
		): Promise<HandOut> {
			assertSpan('minTtlMs', request.minTtlMs);
			const [{handOut}, agentId] = await Promise.all([import('../auth/hand-out.ts'), agent(request.agentId)]);
			const handedOut = await handOut({...resolveContext, env, providerNamed}, {...request, agentId}).catch(
				failed,
			);
			for (const {profileId, provider} of handedOut.given)
				record('handed_out', {agentId, profileId, provider, note: `to ${program}`});
			return handedOut;
		},

		/**
		 * What git asks its credential helper for: an answer to `get`, if there is one for the host. Throws as
		 * `answerGit` does.
		 */
		async answerGit(
			request: Omit<GitRequest, 'agentId'> & {readonly agentId?: string | undefined},
		): Promise<GitAnswer | undefined> {
			const [{answerGit}, agentId] = await Promise.all([
				import('../auth/git-credential.ts'),
				agent(request.agentId),
			]);
			const answer = await answerGit({...resolveContext, providerNamed, gitProvider}, {...request, agentId});
			if (answer) {
				const {profileId, provider} = answer;
				record('handed_out', {agentId, profileId, provider, note: `to git, for ${request.asked.host}`});
			}
			return answer;
		},

		/**
		 * Notes that a git server took a credential, or refused it, if it is one that was given and still is the
		 * newest. Throws as `noteGitOutcome` does.
		 */
		async noteGitOutcome(
			request: Omit<GitRequest, 'agentId'> & {readonly agentId?: string | undefined},
			outcome: 'accepted' | 'refused',
		) {
			const [{noteGitOutcome}, agentId] = await Promise.all([
				import('../auth/git-credential.ts'),
				agent(request.agentId),
			]);
			const noted = await noteGitOutcome(
				{...resolveContext, providerNamed, gitProvider},
				{...request, agentId},
				outcome,
			);
			if (noted && outcome === 'refused')
				record('failure_reported', {agentId, ...noted, note: `${request.asked.host} refused it`});
		},

		/** What a person means by a word: a model, if it is an alias or holds a `/` or an `@`, else a provider. */
		async targetNamed(text: string): Promise<Pick<ResolveRequest, 'providerId' | 'model'>> {
			const isAlias = aliasEntry(text, (await readConfig(paths)).models) !== undefined;
			return isAlias || /[/@]/.test(text) ? {model: text} : {providerId: await providerIdOf(text)};
		},

		/**
		 * Notes that a profile worked in use. Give `startedAt` (epoch ms), when the request began: one that
		 * began before a failure does not undo it. Throws `profile_unknown`, `usage`, and what the store throws.
		 */
		async reportSuccess(profile: UsedProfile, success: Partial<Success> = {}) {
			assertSuccess(success, now());
			const {reportSuccess} = await import('../auth/report.ts');
			await reportSuccess(paths, await used(profile), {at: now(), ...success});
		},

		/**
		 * Notes that a profile failed in use, and sets it aside as docs/routing.md says. Throws
		 * `profile_unknown`, `usage`, and what the store throws.
		 */
		async reportFailure(profile: UsedProfile, failure: Omit<Failure, 'at'> & Partial<Pick<Failure, 'at'>>) {
			assertFailure(failure, now());
			const {reportFailure} = await import('../auth/report.ts');
			const of = await used(profile);
			await reportFailure(paths, of, {at: now(), ...failure});
			record('failure_reported', {...of, note: failure.reason});
		},

		/**
		 * Forgets the failures of a profile, so that it is used again at once. Throws `profile_unknown`, and what the store throws.
		 */
		async clearCooldown(profile: UsedProfile): Promise<ClearedCooldown> {
			const {clearCooldown} = await import('../auth/report.ts');
			const of = await used(profile);
			const cleared = await clearCooldown(paths, of, now());
			record('cooldown_cleared', of);
			return cleared;
		},

		/** The sessions of an agent, the one that changed last first. Throws what the store throws. */
		async sessions(agentId: string | undefined): Promise<readonly SessionFacts[]> {
			const {listSessions} = await import('../auth/session-facts.ts');
			return listSessions(paths, await agent(agentId));
		},

		/**
		 * What a session would use now, and why; nothing where no model is configured and it keeps to no profile.
		 * Throws as `prepare` does.
		 */
		async whichOfSession(agentId: string | undefined, key: string): Promise<Which | undefined> {
			const {explainSession} = await import('../auth/sessions.ts');
			return explainSession(resolveContext, await agent(agentId), key);
		},

		/**
		 * Carries out a slash command in a session. Returns what is to be told. Throws as `sendToSession` does.
		 */
		async sendToSession(agentId: string | undefined, key: string, line: string): Promise<readonly string[]> {
			const {sendToSession} = await import('../auth/sessions.ts');
			return sendToSession(resolveContext, await agent(agentId), key, line);
		},

		/**
		 * Begins a session anew: without a model or a profile of its own. Returns whether there was one. Throws as
		 * `beginAnew` does.
		 */
		async resetSession(agentId: string | undefined, key: string): Promise<boolean> {
			const {beginAnew} = await import('../auth/sessions.ts');
			return beginAnew(resolveContext, await agent(agentId), key);
		},

		/** Notes that a session's history was compacted: its automatic pin ends. Throws `session_unknown`. */
		async sessionCompacted(agentId: string | undefined, key: string) {
			const {noteCompaction} = await import('../auth/sessions.ts');
			await noteCompaction(resolveContext, await agent(agentId), key);
		},

		/**
		 * Refreshes a profile: `'expired'` only if its token is over, `'always'` also if it is still good, or if it
		 * runs out within a time (ms). Throws as `freshCredential` does.
		 */
		async refresh(
			profile: {readonly agentId: string; readonly profileId: string; readonly provider: string},
			when: 'expired' | 'always' | {readonly withinMs: number},
		): Promise<RefreshOutcome['how']> {
			const isKnown = when === 'expired' || when === 'always' || (typeof when === 'object' && when !== null);
			if (!isKnown) throw new JarvisError('usage', 'It is not said when to refresh.', 'See docs/library.md.');
			if (typeof when === 'object') assertSpan('withinMs', when.withinMs);
			const [{freshCredential}, {readCredentials}] = await Promise.all([
				import('../auth/refresh.ts'),
				import('../store/profiles.ts'),
			]);
			const {agentId, profileId} = profile;
			const present = (await readCredentials(paths, agentId)).profiles.get(profileId);
			const rejected = when === 'always' && present?.type === 'oauth' ? present.access : undefined;
			const {how} = await freshCredential({
				...{paths, agentId, profileId, network, now, keepInStep, record},
				provider: await provider(profile.provider),
				...(rejected === undefined ? {} : {rejected}),
				...(typeof when === 'object' ? {minTtlMs: when.withinMs} : {}),
			});
			return how;
		},

		/**
		 * Asks providers whether profiles work, one cheap request each, and notes what was learned. Throws what the
		 * store throws.
		 */
		async probe(profiles: readonly ProfileFacts[], options: ProbeOptions): Promise<ProbedProfile[]> {
			const {probeProfiles} = await import('../auth/probe-profiles.ts');
			return probeProfiles(resolveContext, profiles, options);
		},
	};
}
