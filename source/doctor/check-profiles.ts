import {clean, factsOf, handedOutSecret, refOf} from '../auth/facts.ts';
import {spentReason} from '../auth/grant.ts';
import {expiringWithinMs, type Health, healthOf} from '../auth/health.ts';
import {accountOf, fingerprint} from '../auth/identity.ts';
import {linkAdvice, removeCommand} from '../auth/profile-commands.ts';
import {canBeRefreshed} from '../auth/providers/contract.ts';
import {judged} from '../auth/renewable.ts';
import {refAdvice, takeRefsOut} from '../auth/secrets/ref-advice.ts';
import {type RefFailure, refKey} from '../auth/secrets/refs.ts';
import {shellWord} from '../errors.ts';
import {type AgentCredentials, type Credential, type Link, optional, unknownType} from '../store/schema.ts';
import {span} from '../words.ts';
import {renewAdvice} from './advice.ts';
import {type Finding, finding} from './findings.ts';
import {nameOf, type OAuthProfile, oauthProfiles, type Subject} from './subject.ts';

/** Profiles that cannot be used, or soon cannot, and entries that are none. */
export function checkProfiles(subject: Subject): Finding[] {
	return [...subject.agents].flatMap(([agentId, agent]) => [
		...[...agent.profiles].flatMap(([profileId, credential]) =>
			profileFindings(subject, agentId, profileId, credential, agent),
		),
		...agent.problems.map(({profileId, problem}) =>
			finding('entry_broken', {
				where: nameOf({agentId, profileId}),
				what: `The entry ${problem}.`,
				next: entryAdvice(subject.paths.profiles(agentId), problem, {agentId, profileId}),
			}),
		),
	]);
}

// What is not understood here may be good elsewhere: to remove it comes last.
function entryAdvice(file: string, problem: string, place: Parameters<typeof removeCommand>[0]): string {
	const first =
		problem === unknownType
			? `Upgrade JARVIS if a newer one wrote it, or mend its type in ${file}.`
			: `Mend it in ${file}.`;
	return `${first} To remove it: ${removeCommand(place)}`;
}

function profileFindings(
	{now, providers, refFailures, paths}: Subject,
	agentId: string,
	profileId: string,
	credential: Credential,
	{usageStats}: AgentCredentials,
): Finding[] {
	const where = nameOf({agentId, profileId});
	const stored = factsOf(agentId, profileId, credential, usageStats.get(profileId));
	const unresolved = stored.ref && refFailures.get(refKey(stored.ref));
	const facts = {
		...judged(stored, id => canBeRefreshed(providers.get(id))),
		...optional('unresolved', unresolved),
	};
	const health = healthOf(facts, now());
	const login = renewAdvice(providers, {agentId, profileId, credential});
	if (health.reason === 'needs_login') {
		const what =
			facts.needsLogin?.reason === spentReason
				? 'Its refresh token was spent before, and the newer one is gone.'
				: `${credential.provider} has refused its refresh token.`;
		return [finding('needs_login', {where, what, next: login})];
	}
	if (facts.link) return linkFindings(where, facts.link, health);
	const fault = faultOf(health, unresolved);
	if (fault !== undefined) {
		const isRef = health.reason === 'unresolved_ref' && stored.ref && unresolved;
		const next = isRef
			? refAdvice(stored.ref, unresolved, {agentId, profileId})
			: facts.malformed
				? takeRefsOut(paths.profiles(agentId))
				: login;
		return [finding('profile_unusable', {where, what: fault, next})];
	}
	const left = health.remainingMs ?? Number.POSITIVE_INFINITY;
	if (credential.type === 'oauth' && !credential.refresh) {
		const what = `It has no refresh token: it ends with its access token, in ${span(Math.max(0, left))}.`;
		return [finding('refresh_missing', {where, what, next: login})];
	}
	if (stored.refreshable && !facts.refreshable) {
		const what = `Nothing here can refresh a profile of ${stored.provider}: it ends with its access token, in ${span(Math.max(0, left))}.`;
		return [finding('refresh_unsupported', {where, what, next: login})];
	}
	if (!facts.refreshable && left <= expiringWithinMs) {
		return [finding('profile_expiring', {where, what: `It runs out in ${span(left)}.`, next: login})];
	}
	return [];
}

// Its own program renews it, and is what helps.
function linkFindings(where: string, {program, problem}: Link, {reason}: Health): Finding[] {
	const what =
		problem ??
		(reason === 'expired'
			? `It is over, and ${clean(program)}, whose login it is, has not renewed it.`
			: undefined);
	return what === undefined ? [] : [finding('profile_unusable', {where, what, next: linkAdvice(program)})];
}

function faultOf({reason}: Health, unresolved: RefFailure | undefined): string | undefined {
	switch (reason) {
		case 'missing_credential':
			return 'It holds no secret.';
		case 'expired':
			return 'It has expired, and nothing can renew it.';
		case 'invalid_expires':
			return 'Its expiry is no time.';
		case 'unresolved_ref':
			return `Its secret ref does not resolve here: ${unresolved?.message ?? 'nobody knows why'}.`;
		case 'ineligible_profile':
			return 'It is an OAuth profile with a secret ref, which cannot be.';
		default:
			return undefined;
	}
}

/** Profiles that hold one refresh token, or one account twice. */
export function checkSharing(subject: Subject): Finding[] {
	const profiles = oauthProfiles(subject);
	const byToken = groups(profiles, ({credential}) => credential.refresh && fingerprint(credential.refresh));
	const shared = byToken.map(([first, ...others]) => {
		const last = others.at(-1) ?? first;
		return finding('refresh_shared', {
			where: [first, ...others].map(nameOf).join(', '),
			what: 'They hold the same refresh token.',
			next: removeCommand(last),
		});
	});
	const byAccount = groups(profiles, ({agentId, credential}) => {
		const account = accountOf(credential);
		return account && JSON.stringify([agentId, credential.provider, account, credential.email]);
	});
	const twice = byAccount
		.filter(same => new Set(same.map(({credential}) => credential.refresh)).size > 1)
		.map(([first, ...others]) =>
			finding('account_twice', {
				where: [first, ...others].map(nameOf).join(', '),
				what: `They are logins of one account of ${first.credential.provider}.`,
				next: `jarvis models auth logout ${shellWord(others.at(-1)?.profileId ?? '')} --agent ${first.agentId}`,
			}),
		);
	return [...shared, ...twice];
}

/** Variables by which programs that are started here get another secret than the profiles have. */
export function checkEnvironment({agents, config, providers, env}: Subject): Finding[] {
	const stored = [...agents.values()].flatMap(({profiles}) => [...profiles.values()]);
	return [...providers.values()].flatMap(({id, label, env: names = []}) => {
		const own = stored.filter(({provider}) => provider === id);
		const isMeant = (name: string) =>
			config.apiKeys.get(id)?.keyRef?.id === name ||
			own.some(credential => {
				const ref = refOf(credential);
				return handedOutSecret(credential) === env[name] || (ref?.source === 'env' && ref.id === name);
			});
		return names
			.filter(name => own.length > 0 && env[name] && !isMeant(name))
			.map(name =>
				finding('env_overrides', {
					where: name,
					what: `Programs that are started from here use it, and no profile of ${label}: it may be billed elsewhere.`,
					next: `unset ${name}`,
				}),
			);
	});
}

function groups(
	profiles: readonly OAuthProfile[],
	keyOf: (profile: OAuthProfile) => string | undefined,
): [OAuthProfile, ...OAuthProfile[]][] {
	const found = new Map<string, [OAuthProfile, ...OAuthProfile[]]>();
	for (const profile of profiles) {
		const key = keyOf(profile);
		if (!key) continue;
		const group = found.get(key);
		if (group) group.push(profile);
		else found.set(key, [profile]);
	}
	return [...found.values()].filter(group => group.length > 1);
}
