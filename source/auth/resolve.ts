import {type ErrorCode, isSystemError, JarvisError} from '../errors.ts';
import type {Recorder} from '../store/audit-log.ts';
import {type Config, readConfig} from '../store/config.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {
	type AgentCredentials,
	type Credential,
	type CredentialKind,
	type OAuthCredential,
	optional,
} from '../store/schema.ts';
import type {Session} from '../store/sessions.ts';
import {isExpired} from './expiry.ts';
import {handedOutSecret, type ProfileFacts, refOf} from './facts.ts';
import type {Network} from './network.ts';
import {unresolvedRef} from './profile-errors.ts';
import type {Provider} from './providers/contract.ts';
import {isRefusedAccess} from './refused-access.ts';
import {type Candidate, type Decision, decide, type JudgedOption, type Target} from './routing/decision.ts';
import type {Pin, PlaceReason} from './routing/order.ts';
import {orderWordsOf, withProviderIds} from './routing/provider-names.ts';
import type {Look, SecretReader} from './secrets/secrets.ts';
import {factsOfUsable, refsOf} from './snapshot.ts';
import {type UsableProfile, usableProfiles} from './usable.ts';
import {readWaits} from './waits.ts';

/** What a credential is wanted for. */
export interface ResolveRequest {
	/** Any credential of this provider. */
	readonly providerId?: string | undefined;
	/** One to call this model with: `provider/model`, an alias of `jarvis.json`, or either with `@profileId`. */
	readonly model?: string | undefined;
	/** The default agent if absent. */
	readonly agentId?: string | undefined;
	/** The session that it is for: its model and its pin are heeded, and what is picked is kept for it. */
	readonly sessionKey?: string | undefined;
	/** This profile and no other, whether or not it is set aside. */
	readonly profileId?: string | undefined;
	/** How long (ms) it must be good for at least. */
	readonly minTtlMs?: number | undefined;
	/** Profiles that were tried for the same request already. */
	readonly tried?: readonly string[] | undefined;
	/** Rather none than one that is set aside after failures. */
	readonly readyOnly?: boolean | undefined;
	/** Who asks, for the audit log, where that is not this program. */
	readonly by?: string | undefined;
	/** It is noted by whoever asks for it, or given to nobody: the audit log is not written. */
	readonly unrecorded?: boolean | undefined;
}

export interface ResolveContext {
	readonly paths: StatePaths;
	readonly secrets: SecretReader;
	readonly now: () => number;
	readonly network: Network;
	/** Finds the provider for a refresh; only called when there is one to do, or to be foretold. */
	readonly findProvider: (id: string) => Promise<Provider>;
	/** The id of a provider by any of its names; the name itself where no provider has it. */
	readonly providerIdOf: (name: string) => Promise<string>;
	/** Brings in what older files of an agent hold, before they are first needed. Never throws. */
	readonly bringIn?: (agentId: string) => Promise<void>;
	/** Hands a new token on to programs with login files of their own. Never throws. */
	readonly keepInStep?: () => Promise<void>;
	readonly record?: Recorder;
}

/** A credential that is good now, and why it is this one. */
export interface Resolved {
	readonly agentId: string;
	readonly profileId: string;
	readonly provider: string;
	/** The model to call, where one was asked for: another one than asked where `modelWhy` says so. */
	readonly model?: string;
	readonly modelWhy?: string;
	readonly kind: CredentialKind;
	/** The secret to send. Never shown, logged or put on a command line. */
	readonly secret: string;
	/** When it runs out (epoch ms). */
	readonly expires?: number;
	/** The agent whose profile it is, where that is another one. */
	readonly owner?: string;
	/** `ok`, or `cooldown` or `disabled` where nothing else was left, or it was asked for by name. */
	readonly reason: PlaceReason;
	/** Why this one, in words for a person. */
	readonly why: string;
	/** When it comes back (epoch ms), if it is set aside. */
	readonly until?: number;
	/** What was better placed, and why it was not used. */
	readonly passedOver: readonly PassedOver[];
}

/** A profile that was not used, and why. */
export interface PassedOver {
	readonly provider: string;
	readonly model?: string;
	readonly profileId: string;
	readonly reason: PlaceReason | ErrorCode;
	readonly why: string;
	readonly until?: number;
}

/** What is asked for, and the profile that goes before the others. */
export interface Aim {
	readonly target: Target;
	readonly pin?: Pin & {readonly provider: string};
	/** The session as it is stored. */
	readonly session?: Session;
	/** The provider of the model that the session uses by itself. */
	readonly ownProvider?: string;
	/** In which providers go by their ids. */
	readonly config: Config;
}

/** What a decision was made from, and the decision. */
export interface Prepared extends Aim {
	readonly agentId: string;
	readonly decision: Decision;
	readonly profiles: readonly UsableProfile[];
}

interface Found {
	readonly credential: Credential;
	readonly secret: string;
}

/** A candidate that turned out not to be usable. */
export interface Failed {
	readonly candidate: Candidate;
	readonly error: JarvisError;
}

/**
 * The credential that an agent uses now, refreshed if it is over (seed, "Refresh + expiry"; the rules are
 * in docs/routing.md). The first candidate that is good: one that cannot be refreshed is passed over for
 * the next one.
 * @throws `no_credential`, `needs_login`, `short_lived` and `profiles_set_aside`, each with `details.passedOver`, and
 * with the first thing that went wrong where refreshing failed; `profile_unknown`, `profile_foreign`,
 * `no_model`, and what reading the store throws
 * @param renewed the profiles whose refused tokens were renewed for it already
 */
export async function resolve(
	context: ResolveContext,
	request: ResolveRequest,
	renewed: readonly string[] = [],
): Promise<Resolved> {
	const prepared = await prepare(context, request);
	const failures: Failed[] = [];
	for (const candidate of prepared.decision.candidates) {
		if (request.readyOnly && candidate.isLastResort) continue;
		// A fallback model of the same provider has the same profiles: one that failed now fails again.
		if (failures.some(failed => isSameProfile(failed.candidate, candidate))) continue;
		let found: Found;
		try {
			const fresh = await freshCandidate(context, request.minTtlMs, prepared, candidate, renewed);
			// With another token it may stand elsewhere, and is no longer set aside.
			if (fresh.wasRefused) return resolve(context, request, [...renewed, candidate.place.profileId]);
			found = await secretOf(context, prepared, candidate, fresh.credential);
		} catch (error) {
			if (!(error instanceof JarvisError) || !ofOneProfile.includes(error.code)) throw error;
			failures.push({candidate, error});
			continue;
		}
		if (request.sessionKey !== undefined) {
			const {keepForSession} = await import('./aim.ts');
			// Only a preference: where it cannot be written now, the credential is good all the same.
			const other = await keepForSession(context, request.sessionKey, prepared, candidate, failures).catch(
				unlessDamaged,
			);
			// Another process picked for the session meanwhile: that holds for both.
			if (other) return resolve(context, request);
		}
		return resolvedFrom(prepared, candidate, found, failures);
	}
	const {nothingResolved} = await import('./resolve-errors.ts');
	throw nothingResolved(request, prepared, failures, context.now());
}

/**
 * Reads what is needed to decide, and decides.
 * @param look how far to go to find out whether secret refs resolve, and whether tokens can be refreshed
 * @throws `profile_unknown`, `profile_foreign`, `no_model`, and what reading the store throws
 */
export async function prepare(
	context: ResolveContext,
	request: ResolveRequest,
	look: Look = 'glance',
): Promise<Prepared> {
	const {paths, secrets, now} = context;
	const written = await readConfig(paths);
	const agentId = request.agentId ?? written.defaultAgent ?? mainAgentId;
	// Who named the agent has looked whether there is one, and that brings in.
	if (request.agentId === undefined) await context.bringIn?.(agentId);
	const isSimple = request.sessionKey === undefined && request.model === undefined;
	const {own, profiles, mainOrder} = await usableProfiles(
		paths,
		written,
		agentId,
		isSimple ? request.providerId : undefined,
	);
	const aimed = await aim(context, request, {agentId, config: written, own, profiles});
	const {target, pin, config} = aimed;
	const refs = refsOf(profiles);
	const failures = refs.length === 0 ? undefined : await secrets.failures(refs, config, look);
	// Who is to hand one out meets a wait by itself; who explains looks for it first.
	const waits = look === 'resolve' ? readWaits(paths) : undefined;
	const facts = profiles.map(usable => factsOfUsable(usable, {failures, waits}));
	const decision = decide({
		...{agentId, target, pin, config, now: now(), storeOrder: own.order, mainOrder},
		profiles: look === 'resolve' ? await foretold(context, facts) : facts,
		...{tried: request.tried, minTtlMs: request.minTtlMs},
	});
	return {...aimed, agentId, decision, profiles};
}

// Whoever explains says beforehand what a refresh would meet.
async function foretold(
	{findProvider}: ResolveContext,
	facts: readonly ProfileFacts[],
): Promise<ProfileFacts[]> {
	const {factsWithRenewal} = await import('./renewable.ts');
	return factsWithRenewal(facts, findProvider);
}

// Most requests are for a provider and nothing else: they read no session and parse no model.
async function aim(
	context: ResolveContext,
	request: ResolveRequest,
	subject: {
		readonly agentId: string;
		readonly config: Config;
		readonly own: AgentCredentials;
		readonly profiles: readonly UsableProfile[];
	},
): Promise<Aim> {
	const {providerId, profileId, sessionKey, model} = request;
	const {own, config} = subject;
	if (providerId !== undefined && (profileId ?? sessionKey ?? model) === undefined) {
		// Where the provider has an order under its own name, no other name of it counts.
		const hasOrder = own.order.has(providerId) || config.order.has(providerId);
		const ids = hasOrder ? config : await withIds(context, subject, orderWordsOf(config));
		return {config: ids, target: {kind: 'provider', provider: providerId}};
	}
	const {takeAim} = await import('./aim.ts');
	return takeAim(context, request, subject);
}

/** A configuration in which the providers that words stand for go by their ids. */
export function withIds(
	{providerIdOf}: Pick<ResolveContext, 'providerIdOf'>,
	{
		config,
		own,
		profiles,
	}: {readonly config: Config; readonly own: AgentCredentials; readonly profiles: readonly UsableProfile[]},
	words: readonly string[],
): Promise<Config> {
	const stored = new Set([
		...[...own.profiles.values()].map(({provider}) => provider),
		...profiles.map(({credential}) => credential.provider),
	]);
	return withProviderIds(config, words, word => stored.has(word), providerIdOf);
}

function unlessDamaged(error: unknown): undefined {
	if (isSystemError(error, 'EACCES', 'EPERM', 'EROFS', 'ENOSPC', 'EDQUOT')) return undefined;
	if (error instanceof JarvisError && ['lock_timeout', 'lock_lost'].includes(error.code)) return undefined;
	throw error;
}

async function secretOf(
	{secrets}: ResolveContext,
	{config}: Prepared,
	{place}: Candidate,
	credential: Credential,
): Promise<Found> {
	const ref = refOf(credential);
	if (ref) {
		const resolution = await secrets.valueOf(ref, config);
		if ('failure' in resolution) throw unresolvedRef(place.profileId, resolution.failure);
		return {credential, secret: resolution.value};
	}
	const secret = handedOutSecret(credential);
	if (!secret) throw noSecret(place.profileId);
	return {credential, secret};
}

interface Fresh {
	readonly credential: Credential;
	/** It was refreshed because its provider had refused it. */
	readonly wasRefused?: true;
}

async function freshCandidate(
	context: ResolveContext,
	minTtlMs: number | undefined,
	{agentId, profiles}: Prepared,
	{option, place}: Candidate,
	renewed: readonly string[],
): Promise<Fresh> {
	const found = profiles.find(
		({profileId, credential}) => profileId === place.profileId && credential.provider === option.provider,
	);
	if (!found) throw noSecret(place.profileId);
	const {credential, usage, profileId} = found;
	const isRefused = !renewed.includes(profileId) && isRefusedAccess(credential, usage);
	if (!isRefused) return {credential: await freshened(context, minTtlMs, found)};
	const {renewRefused} = await import('./renew-refused.ts');
	const isRenewed = await renewRefused(context, agentId, found);
	return isRenewed ? {credential, wasRefused: true} : {credential: await freshened(context, minTtlMs, found)};
}

async function freshened(
	context: ResolveContext,
	minTtlMs: number | undefined,
	found: UsableProfile,
): Promise<Credential> {
	const {now} = context;
	const {profileId, credential} = found;
	if (credential.type !== 'oauth' || (credential.access && !isExpired(credential, now(), minTtlMs)))
		return credential;
	const fresh = await refreshed(context, found, optional('minTtlMs', minTtlMs));
	// What the server gave is stored, and serves who asks for less.
	if (minTtlMs && isExpired(fresh, now(), minTtlMs)) throw shortLived(profileId, fresh, now());
	return fresh;
}

/**
 * A profile's credential, refreshed as `freshCredential` does it for all that need it at once.
 * @throws as `freshCredential` and `findProvider` do
 */
export async function refreshed(
	{paths, network, now, findProvider, keepInStep, record}: ResolveContext,
	{owner: agentId, profileId, credential}: UsableProfile,
	wanted: {readonly minTtlMs?: number; readonly rejected?: string},
): Promise<OAuthCredential> {
	const [{freshCredential}, provider] = await Promise.all([
		import('./refresh.ts'),
		findProvider(credential.provider),
	]);
	const fresh = await freshCredential({
		...{paths, provider, agentId, profileId, network, now, ...wanted},
		...optional('keepInStep', keepInStep),
		...optional('record', record),
	});
	return fresh.credential;
}

function resolvedFrom(
	prepared: Prepared,
	{option, place}: Candidate,
	{credential, secret}: Found,
	failures: readonly Failed[],
): Resolved {
	const {agentId, decision} = prepared;
	const [first] = decision.options;
	const isFallback = option.model !== undefined && option !== first;
	return {
		...{agentId, profileId: place.profileId, provider: option.provider},
		...optional('model', option.model),
		...optional('modelWhy', isFallback ? `${option.why}: ${whyNotFirst(prepared, first)}` : undefined),
		...{kind: credential.type, secret},
		...optional('expires', typeof credential.expires === 'number' ? credential.expires : undefined),
		...optional('owner', place.owner),
		...{reason: place.reason, why: place.why},
		...optional('until', place.until),
		passedOver: passedOverBy(prepared, failures, option),
	};
}

function whyNotFirst({pin}: Prepared, first: JudgedOption | undefined): string {
	return first?.isLocked && pin
		? `${pin.profileId}, which the session is pinned to, cannot be used`
		: `every profile for ${modelName(first)} is out`;
}

function isSameProfile(a: Candidate, b: Candidate): boolean {
	return a.place.profileId === b.place.profileId && a.option.provider === b.option.provider;
}

/**
 * What was better placed than the option that was used, and why it was not: all of the options before it,
 * and what failed.
 */
export function passedOverBy(
	{decision}: Prepared,
	failures: readonly Failed[],
	used?: JudgedOption,
): PassedOver[] {
	const last = used ? decision.options.indexOf(used) : decision.options.length;
	return decision.options.flatMap((option, index) =>
		option.order.places.flatMap(({profileId, reason, why, until, place}) => {
			const failed = failures.find(
				({candidate}) => candidate.option === option && candidate.place.profileId === profileId,
			);
			// Of the options behind the one that is used, as a last resort then, only what failed was tried.
			if (!failed && index > last) return [];
			// One that is ready and did not fail is either the one that is used, or behind it.
			if (!failed && place !== undefined && (until === undefined || option === used)) return [];
			return [
				{
					provider: option.provider,
					...optional('model', option.model),
					profileId,
					reason: failed?.error.code ?? reason,
					why: failed?.error.message ?? why,
					...optional('until', until),
				},
			];
		}),
	);
}

/** A model as a person writes it. */
export function modelName(option: Pick<JudgedOption, 'provider' | 'model'> | undefined): string {
	return option?.model === undefined ? (option?.provider ?? '') : `${option.provider}/${option.model}`;
}

// What is wrong with one profile says nothing of the next one; what is wrong with the store does.
const ofOneProfile: readonly ErrorCode[] = [
	...(['needs_login', 'no_credential', 'refresh_unavailable', 'refresh_refused'] as const),
	...(['login_unsupported', 'unresolved_ref', 'short_lived'] as const),
	...(['provider_unknown', 'profile_unknown', 'insecure_endpoint', 'lock_timeout', 'lock_lost'] as const),
];

function noSecret(profileId: string): JarvisError {
	return new JarvisError('no_credential', `${profileId} holds no secret.`, 'Log in again.');
}

function shortLived(profileId: string, {expires}: OAuthCredential, now: number): JarvisError {
	const seconds = Math.max(0, Math.round((Number(expires) - now) / 1000));
	return new JarvisError(
		'short_lived',
		`The server gave ${profileId} a token for ${seconds} s, which is less than was asked for.`,
		'Ask for less with --min-ttl.',
	);
}
