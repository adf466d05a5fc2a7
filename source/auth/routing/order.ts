import {configOwner} from '../../store/config.ts';
import {type CredentialKind, optional} from '../../store/schema.ts';
import {clean, type ProfileFacts} from '../facts.ts';
import {spentReason} from '../grant.ts';
import {eligibility, type ReasonCode, setAsideUntil, waitsUntil} from '../health.ts';

/** Where a provider's order comes from. */
export type OrderSource = 'store' | 'main' | 'config' | 'configured profiles' | 'all profiles';

/** Why a profile stands where it stands. Stable: scripts may rely on them. */
export type PlaceReason = ReasonCode | 'unknown_profile' | 'excluded_by_pin' | 'already_tried';

/** One profile's place in the order in which a provider's profiles are tried. */
export interface OrderPlace {
	readonly profileId: string;
	/** Absent where no such profile is stored. */
	readonly kind?: CredentialKind;
	/** The place among those that are tried, from 1; absent for one that is not. */
	readonly place?: number;
	readonly reason: PlaceReason;
	/** Why it stands where it stands, in words for a person. */
	readonly why: string;
	/** When it comes back (epoch ms), if it was set aside after failures. */
	readonly until?: number;
	/** Its token is over, and its server asked not to be asked for a new one before then (epoch ms). */
	readonly waitsUntil?: number;
	/** What set it aside, as far as it is known. */
	readonly failure?: string;
	/** The agent whose profile it is, where that is another one; `jarvis.json`, where it is a key of that. */
	readonly owner?: string;
	/** The program that alone renews it, where it is that one's login. */
	readonly renewedBy?: string;
}

/** A profile that goes before the others. */
export interface Pin {
	readonly profileId: string;
	/**
	 * `auto`: it was picked for the session before, and is kept while it can be; `user`: a person pinned
	 * the session to it, and no other is tried; `request`: the caller wants this one and no other.
	 */
	readonly source: 'auto' | 'user' | 'request';
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
	readonly agentId: string;
	readonly provider: string;
	/** All profiles that the agent can use: its own, and those that it reads of the main agent. */
	readonly profiles: readonly ProfileFacts[];
	/** The store's `order[provider]`. */
	readonly storeOrder?: readonly string[] | undefined;
	/** The main agent's, where the profiles are those that are read of it. */
	readonly mainOrder?: readonly string[] | undefined;
	/** `auth.order[provider]` of `jarvis.json`. */
	readonly configOrder?: readonly string[] | undefined;
	/** The ids that `auth.profiles` of `jarvis.json` names for the provider. */
	readonly configured?: readonly string[];
	readonly pin?: Pin | undefined;
	/** Profiles that the caller has tried for the same request already. */
	readonly tried?: readonly string[] | undefined;
	/** How long (ms) what is handed out must be good for. */
	readonly minTtlMs?: number | undefined;
	readonly now: number;
}

const kindRank: Record<CredentialKind, number> = {oauth: 0, token: 1, api_key: 2};
const kindWord: Record<CredentialKind, string> = {oauth: 'OAuth', token: 'token', api_key: 'API key'};

/**
 * The order in which an agent's profiles of a provider are tried, with the reason of each place
 * (docs/routing.md): explicit order of the store, else of the main agent, else of `jarvis.json`, else the configured profiles,
 * else all; ineligible ones are dropped; without an explicit order OAuth before token before API key and
 * the least recently used first; those set aside go to the end, soonest back first. A session's pin goes
 * before all of them, and a person's pin leaves no other. A key of `jarvis.json` goes behind all that are ready, and
 * no order leaves it out.
 */
export function effectiveOrder(input: OrderInput): EffectiveOrder {
	const {provider, now} = input;
	const explicit = input.storeOrder ?? input.mainOrder ?? input.configOrder;
	const base = baseOf(input, explicit);
	const {tried, dropped} = sift(input, base.ids);
	if (!explicit) tried.sort(byKindThenLeastRecentlyUsed);

	const aside = tried
		.flatMap(facts => {
			const until = setAsideUntil(facts, now);
			return until ? [{facts, ...until}] : [];
		})
		.sort((a, b) => a.until - b.until);
	const isFallback = (facts: ProfileFacts) => isLeftOver(facts, base.ids);
	const allReady = tried.filter(facts => !setAsideUntil(facts, now));
	const ready = [...allReady.filter(facts => !isFallback(facts)), ...allReady.filter(isFallback)];
	const pinned = ready.findIndex(facts => facts.profileId === input.pin?.profileId);
	if (pinned > 0) ready.unshift(...ready.splice(pinned, 1));
	return {
		provider,
		source: base.source,
		...(explicit ? {explicit} : {}),
		places: [
			...ready.map((facts, index) => ({
				...about(input, facts),
				place: index + 1,
				reason: 'ok' as const,
				...readyWords(input, explicit, facts, isFallback(facts)),
			})),
			...aside.map(({facts, reason, until}, index) => ({
				...about(input, facts),
				place: ready.length + index + 1,
				reason,
				until,
				...failureOf(facts, reason),
			})),
			...dropped,
		],
	};
}

/**
 * The one that would be used of those that are in the order in which they are tried: one that cannot be renewed now is
 * passed over for the next, if there is one. Those without a place are not tried.
 */
export function firstTried<Place extends OrderPlace>(inTurn: readonly Place[]): Place | undefined {
	const tried = inTurn.filter(({place}) => place !== undefined);
	return tried.find(({waitsUntil}) => waitsUntil === undefined) ?? tried[0];
}

/** The profiles that the order is made of, before any is judged. */
function baseOf(
	{provider, profiles, configured = [], ...input}: OrderInput,
	explicit: readonly string[] | undefined,
): {readonly ids: readonly string[]; readonly source: OrderSource} {
	if (explicit) return {ids: explicit, source: explicitSource(input)};
	const own = profiles.filter(facts => facts.provider === provider && facts.agentId !== configOwner);
	const stored = new Set(own.map(facts => facts.profileId));
	const named = configured.filter(id => stored.has(id));
	return named.length > 0
		? {ids: named, source: 'configured profiles'}
		: {ids: [...stored], source: 'all profiles'};
}

/** Whether it is a key of `jarvis.json` that no order has given a place: it stands behind all that are ready. */
function isLeftOver({agentId, profileId}: ProfileFacts, base: readonly string[]): boolean {
	return agentId === configOwner && !base.includes(profileId);
}

function explicitSource({storeOrder, mainOrder}: Pick<OrderInput, 'storeOrder' | 'mainOrder'>): OrderSource {
	if (storeOrder) return 'store';
	return mainOrder ? 'main' : 'config';
}

/** Parts the profiles that can be used from those that cannot, which are told with the reason. */
function sift(
	input: OrderInput,
	base: readonly string[],
): {readonly tried: ProfileFacts[]; readonly dropped: OrderPlace[]} {
	const {provider, pin, profiles} = input;
	const byId = new Map(profiles.map(facts => [facts.profileId, facts]));
	const locked = pin && pin.source !== 'auto' ? pin : undefined;
	const stored = profiles.filter(facts => facts.provider === provider).map(facts => facts.profileId);
	const ordered = new Set(base);
	const tried: ProfileFacts[] = [];
	const dropped: OrderPlace[] = [];
	// A person's pin may name one that the order leaves out.
	for (const profileId of new Set([...(locked ? [locked.profileId] : []), ...base, ...stored])) {
		const facts = byId.get(profileId);
		const drop = (reason: PlaceReason, why: string, failure?: string) =>
			dropped.push({
				...(facts ? about(input, facts) : {profileId}),
				...{reason, why, ...optional('failure', failure)},
			});
		const isPinned = profileId === locked?.profileId;
		if (!facts) drop('unknown_profile', 'no such profile is stored');
		else if (facts.provider !== provider) drop('ineligible_profile', `belongs to ${clean(facts.provider)}`);
		else if (locked && !isPinned) drop('excluded_by_pin', excludedWords(locked));
		else if (!isPinned && !ordered.has(profileId) && !isLeftOver(facts, base))
			drop('excluded_by_auth_order', 'left out by the order');
		else if (input.tried?.includes(profileId)) {
			const aside = setAsideUntil(facts, input.now);
			const failure = aside && failureOf(facts, aside.reason).failure;
			drop('already_tried', 'tried for this request already', failure);
		} else {
			const reason = eligibility(facts, input.now, input.minTtlMs);
			if (reason === 'ok') tried.push(facts);
			else drop(reason, droppedWords(reason, facts));
		}
	}
	return {tried, dropped};
}

function about(
	{agentId}: OrderInput,
	facts: ProfileFacts,
): Pick<OrderPlace, 'profileId' | 'kind' | 'owner' | 'renewedBy'> {
	return {
		profileId: facts.profileId,
		kind: facts.kind,
		...(facts.agentId === agentId ? {} : {owner: facts.agentId}),
		...optional('renewedBy', facts.link && clean(facts.link.program)),
	};
}

function byKindThenLeastRecentlyUsed(a: ProfileFacts, b: ProfileFacts): number {
	return (
		kindRank[a.kind] - kindRank[b.kind] ||
		(a.usage.lastUsed ?? 0) - (b.usage.lastUsed ?? 0) ||
		(a.profileId < b.profileId ? -1 : 1)
	);
}

function pinWords(pin: Pin | undefined, {profileId}: ProfileFacts): string | undefined {
	if (pin?.profileId !== profileId) return undefined;
	return {auto: 'kept for the session', user: 'the session is pinned to it', request: 'asked for'}[
		pin.source
	];
}

function readyWords(
	{pin, minTtlMs, now}: OrderInput,
	explicit: readonly string[] | undefined,
	facts: ProfileFacts,
	isFallback: boolean,
): Pick<OrderPlace, 'why' | 'waitsUntil'> {
	const placed = isFallback ? 'for when no profile is ready' : placeWords(explicit, facts);
	const why = pinWords(pin, facts) ?? placed;
	const until = waitsUntil(facts, now, minTtlMs);
	if (until === undefined) return {why};
	return {why: `${why}; its token is over, and its server asked to wait`, waitsUntil: until};
}

function excludedWords({profileId, source}: Pin): string {
	const id = clean(profileId);
	return source === 'user' ? `the session is pinned to ${id}` : `${id} was asked for`;
}

function placeWords(explicit: readonly string[] | undefined, facts: ProfileFacts): string {
	if (explicit) return `place ${explicit.indexOf(facts.profileId) + 1} of the order`;
	return `${kindWord[facts.kind]}, ${facts.usage.lastUsed ? 'least recently used first' : 'never used'}`;
}

/** Why a profile is set aside, in words, and what did it as far as that is known. */
export function failureOf(
	{usage}: ProfileFacts,
	reason: 'cooldown' | 'disabled',
): Pick<OrderPlace, 'why' | 'failure'> {
	const failure = clean(reason === 'disabled' ? usage.disabledReason : usage.lastFailureReason);
	const state = reason === 'cooldown' ? 'cooling down' : 'disabled';
	if (!failure) return {why: `${state} after failures`};
	return {failure, why: `${state} after ${failureWords.get(failure) ?? failure}`};
}

const failureWords: ReadonlyMap<string, string> = new Map([
	['auth', 'a refusal'],
	['rate_limit', 'a rate limit'],
	['billing', 'a billing failure'],
	['format', 'a malformed request'],
]);

/** Why a profile cannot be used, in words. */
export function droppedWords(reason: ReasonCode, {unresolved, link, needsLogin}: ProfileFacts): string {
	if (link?.problem !== undefined) return link.problem;
	if (link && reason === 'expired')
		return `over, and ${clean(link.program)}, whose login it is, has not renewed it`;
	switch (reason) {
		case 'missing_credential':
			return 'holds no secret';
		case 'invalid_expires':
			return 'its expiry is not a time';
		case 'needs_login':
			return needsLogin?.reason === spentReason
				? 'its refresh token was spent before, and the newer one is gone: log in again'
				: 'the server refused its refresh token: log in again';
		case 'expired':
			return 'expired, and cannot be refreshed';
		case 'short_lived':
			return 'is not good for as long as was asked for';
		case 'unresolved_ref':
			return `its secret ref does not resolve${unresolved ? `: ${clean(unresolved.message)}` : ''}`;
		default:
			return 'is not of a form that can be used';
	}
}
