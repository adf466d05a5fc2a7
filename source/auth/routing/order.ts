import type {CredentialKind} from '../../store/schema.ts';
import {clean, type ProfileFacts} from '../facts.ts';
import {eligibility, type ReasonCode, setAsideUntil} from '../health.ts';

/** Where a provider's order comes from. */
export type OrderSource = 'store' | 'config' | 'configured profiles' | 'all profiles';

/** One profile's place in the order in which a provider's profiles are tried. */
export interface OrderPlace {
	readonly profileId: string;
	/** The place among those that are tried, from 1; absent for one that is not. */
	readonly place?: number;
	readonly reason: ReasonCode | 'unknown_profile';
	/** Why it stands where it stands, in words for a person. */
	readonly why: string;
	/** When it comes back (epoch ms), if it was set aside after failures. */
	readonly until?: number;
}

export interface EffectiveOrder {
	readonly provider: string;
	readonly source: OrderSource;
	/** The explicit order, if there is one. */
	readonly explicit?: readonly string[];
	/** Those that are tried, in order, and behind them those that are not. */
	readonly places: readonly OrderPlace[];
}

export interface OrderInput {
	readonly provider: string;
	/** All stored profiles of the agent. */
	readonly profiles: readonly ProfileFacts[];
	/** The store's `order[provider]`. */
	readonly storeOrder?: readonly string[] | undefined;
	/** `auth.order[provider]` of `jarvis.json`. */
	readonly configOrder?: readonly string[] | undefined;
	/** The ids that `auth.profiles` of `jarvis.json` names for the provider. */
	readonly configured?: readonly string[];
	readonly now: number;
	readonly env: NodeJS.ProcessEnv;
}

const kindRank: Record<CredentialKind, number> = {oauth: 0, token: 1, api_key: 2};
const kindWord: Record<CredentialKind, string> = {oauth: 'OAuth', token: 'token', api_key: 'API key'};

/**
 * The order in which an agent's profiles of a provider are tried, with the reason of each place
 * (docs/routing.md): explicit order of the store, else of `jarvis.json`, else the configured profiles,
 * else all; ineligible ones are dropped; without an explicit order OAuth before token before API key and
 * the least recently used first; those set aside go to the end, soonest back first.
 */
export function effectiveOrder(input: OrderInput): EffectiveOrder {
	const {provider, now, env} = input;
	const byId = new Map(input.profiles.map(facts => [facts.profileId, facts]));
	const stored = input.profiles.filter(facts => facts.provider === provider);
	const explicit = input.storeOrder ?? input.configOrder;
	const configured = (input.configured ?? []).filter(id => byId.get(id)?.provider === provider);
	const base = explicit ?? (configured.length > 0 ? configured : stored.map(facts => facts.profileId));

	const tried: ProfileFacts[] = [];
	const dropped: OrderPlace[] = [];
	for (const profileId of new Set(base)) {
		const facts = byId.get(profileId);
		if (!facts) dropped.push({profileId, reason: 'unknown_profile', why: 'no such profile is stored'});
		else if (facts.provider !== provider) {
			dropped.push({profileId, reason: 'ineligible_profile', why: `belongs to ${facts.provider}`});
		} else {
			const reason = eligibility(facts, now, env);
			if (reason === 'ok') tried.push(facts);
			else dropped.push({profileId, reason, why: droppedBecause(reason)});
		}
	}
	for (const {profileId} of stored) {
		if (base.includes(profileId)) continue;
		dropped.push({profileId, reason: 'excluded_by_auth_order', why: 'left out by the order'});
	}

	if (!explicit) tried.sort(byKindThenLeastRecentlyUsed);
	const ready = tried.filter(facts => !setAsideUntil(facts, now));
	const aside = tried
		.flatMap(facts => {
			const until = setAsideUntil(facts, now);
			return until ? [{facts, ...until}] : [];
		})
		.sort((a, b) => a.until - b.until);
	return {
		provider,
		source: input.storeOrder
			? 'store'
			: input.configOrder
				? 'config'
				: configured.length > 0
					? 'configured profiles'
					: 'all profiles',
		...(explicit ? {explicit} : {}),
		places: [
			...ready.map((facts, index) => ({
				profileId: facts.profileId,
				place: index + 1,
				reason: 'ok' as const,
				why: explicit ? `place ${explicit.indexOf(facts.profileId) + 1} of the order` : implicitReason(facts),
			})),
			...aside.map(({facts, reason, until}, index) => ({
				profileId: facts.profileId,
				place: ready.length + index + 1,
				reason,
				until,
				why:
					reason === 'cooldown'
						? 'cooling down, tried last'
						: `disabled (${clean(facts.usage.disabledReason) ?? 'failures'}), tried last`,
			})),
			...dropped,
		],
	};
}

function byKindThenLeastRecentlyUsed(a: ProfileFacts, b: ProfileFacts): number {
	return (
		kindRank[a.kind] - kindRank[b.kind] ||
		(a.usage.lastUsed ?? 0) - (b.usage.lastUsed ?? 0) ||
		(a.profileId < b.profileId ? -1 : 1)
	);
}

function implicitReason(facts: ProfileFacts): string {
	return `${kindWord[facts.kind]}, ${facts.usage.lastUsed ? 'least recently used first' : 'never used'}`;
}

function droppedBecause(reason: ReasonCode): string {
	switch (reason) {
		case 'missing_credential':
			return 'holds no secret';
		case 'invalid_expires':
			return 'its expiry is not a time';
		case 'needs_login':
			return 'the server refused its refresh token: log in again';
		case 'expired':
			return 'expired, and cannot be refreshed';
		case 'unresolved_ref':
			return 'its secret ref does not resolve';
		default:
			return 'is not of a form that can be used';
	}
}
