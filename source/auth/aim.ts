import {randomUUID} from 'node:crypto';
import {JarvisError} from '../errors.ts';
import {type Config, configOwner} from '../store/config.ts';
import {providerOfProfileId, type StatePaths} from '../store/paths.ts';
import {type AgentCredentials, optional} from '../store/schema.ts';
import {
	assertSessionKey,
	pinOf,
	readSessions,
	type Session,
	setPin,
	updateSessions,
} from '../store/sessions.ts';
import {foreignProfile, unknownProfile} from './profile-errors.ts';
import {
	type Aim,
	type Failed,
	type Prepared,
	type ResolveContext,
	type ResolveRequest,
	withIds,
} from './resolve.ts';
import type {Candidate, JudgedOption, Target} from './routing/decision.ts';
import {type ProviderProfile, parseModelRef} from './routing/model-ref.ts';
import type {Pin} from './routing/order.ts';
import {configWordsOf, providerWordsOf} from './routing/provider-names.ts';
import {modelContext, modelOfSession, pinOfSession, targetOfSession} from './routing/session-target.ts';
import {type UsableProfile, usableProfiles} from './usable.ts';

interface Subject {
	readonly agentId: string;
	readonly config: Config;
	readonly own: AgentCredentials;
	readonly profiles: readonly UsableProfile[];
}

/**
 * What a request asks for, and which profile goes before the others: the one that it names, else the one
 * that its session is pinned to.
 * @throws `profile_unknown`, `profile_foreign`, `model_unknown`, `no_model`, `session_invalid_key`, and
 * what reading the store throws
 */
export async function takeAim(
	context: Pick<ResolveContext, 'paths' | 'providerIdOf'>,
	request: ResolveRequest,
	as: Subject,
): Promise<Aim> {
	const {paths} = context;
	const {agentId} = as;
	const session =
		request.sessionKey === undefined
			? undefined
			: (await readSessions(paths, agentId)).get(assertSessionKey(request.sessionKey));
	const asked = request.providerId;
	const words = [
		...configWordsOf(as.config),
		...providerWordsOf(request.model ?? ''),
		...(session?.providerOverride ? [session.providerOverride] : []),
		// Without either, only the profiles of what was named were read.
		...(asked !== undefined && (request.model ?? request.sessionKey) !== undefined ? [asked] : []),
	];
	const config = await withIds(context, as, words);
	const subject = {...as, config};
	const providerId = asked && (config.models.providerIds?.get(asked) ?? asked);
	const {target, profileId = request.profileId} = targetOf({...request, providerId}, subject, session);
	const provider = target.kind === 'provider' ? target.provider : target.model.provider;
	const own = modelOfSession(config, session);
	const about = {
		...{target, config, ...optional('session', session)},
		...optional('ownProvider', own?.kind === 'model' ? own.model.provider : undefined),
	};
	if (profileId !== undefined) {
		await assertProfile(paths, subject, profileId, provider);
		return {...about, pin: {profileId, provider, source: 'request'}};
	}
	return {...about, ...optional('pin', pinOfSession(session, named(subject.profiles)))};
}

/**
 * Keeps a session to the profile that was picked for it, so that its provider's cache stays warm. A pin
 * that is in force stays: it moves only when its profile is set aside, gone or refused, or when the session
 * has a model of another provider by now.
 * @returns the profile that the session was given by another process meanwhile
 */
export async function keepForSession(
	{paths, now}: ResolveContext,
	sessionKey: string,
	{agentId, pin, ownProvider, decision}: Prepared,
	{option, place, isLastResort}: Candidate,
	failures: readonly Failed[],
): Promise<string | undefined> {
	const {profileId} = place;
	// A session must not keep to the key that stands in for its profiles.
	if (place.owner === configOwner && pin?.profileId !== profileId) return undefined;
	if (isLastResort || option !== decision.options[0] || pin?.profileId === profileId) return undefined;
	// What is kept is of the session's own provider: a request for another one is no reason to leave it.
	if (option.provider !== (ownProvider ?? pin?.provider ?? option.provider)) return undefined;
	if (pin && (pin.source !== 'auto' || isOutForNow(option, pin))) return undefined;
	// A server that cannot be reached now is no reason to leave a warm cache for good.
	const isTemporary = failures.some(
		({candidate, error}) => candidate.place.profileId === pin?.profileId && error.code !== 'needs_login',
	);
	if (isTemporary) return undefined;
	return updateSessions(paths, agentId, (document, current) => {
		const session = current.get(sessionKey);
		const present = session && pinOf(session);
		// What a person chose meanwhile holds, also where it is the same profile.
		const isChosen = present?.source === 'user' && pin?.source !== 'user';
		if (isChosen || present?.profileId !== pin?.profileId) return present?.profileId;
		const stamp = {now: now(), sessionId: randomUUID()};
		setPin(document, sessionKey, {pin: {profileId, source: 'auto'}}, stamp);
		return undefined;
	});
}

// Out for this one request: it was tried for it, or is not good for as long as it asks.
function isOutForNow({order}: JudgedOption, {profileId}: Pin): boolean {
	const place = order.places.find(other => other.profileId === profileId);
	if (place?.reason === 'short_lived') return true;
	return place?.reason === 'already_tried' && place.failure === undefined;
}

function targetOf(
	{providerId, model, profileId}: ResolveRequest,
	{agentId, config, profiles}: Subject,
	session: Session | undefined,
): {readonly target: Target; readonly profileId?: string} {
	if (model !== undefined) {
		const parsed = parseModelRef(model, modelContext(agentId, config, named(profiles), session));
		if ('problem' in parsed) {
			const {code, message, next} = parsed.problem;
			throw new JarvisError(code, message, next);
		}
		const {ok} = parsed;
		if (providerId !== undefined && providerId !== ok.provider) {
			throw new JarvisError(
				'usage',
				`${ok.provider}/${ok.model} is no model of ${providerId}.`,
				'Name the model alone, or a model of that provider.',
			);
		}
		return {
			target: {kind: 'model', origin: 'request', model: {provider: ok.provider, model: ok.model}},
			...optional('profileId', ok.profileId),
		};
	}
	if (providerId !== undefined) return {target: {kind: 'provider', provider: providerId}};
	if (profileId !== undefined) {
		const present = profiles.find(other => other.profileId === profileId);
		const provider = present?.credential.provider ?? providerOfProfileId(profileId);
		return {target: {kind: 'provider', provider}};
	}
	const target = targetOfSession(config, session, named(profiles));
	if (target) return {target};
	const {primary} = config.models;
	if (primary !== undefined) {
		throw new JarvisError(
			'no_model',
			`The primary model in jarvis.json, ${JSON.stringify(primary)}, names no provider, and is no alias.`,
			'Name a provider, --provider <id>, or set the model anew: jarvis models set <provider>/<model>',
		);
	}
	throw new JarvisError(
		'no_model',
		'Neither a provider nor a model was named, and jarvis.json has no primary model.',
		'Name one: --provider <id>, or set the primary model: jarvis models set <provider>/<model>',
	);
}

/** Profiles as the rules about references know them. */
export function named(profiles: readonly UsableProfile[]): ProviderProfile[] {
	return profiles.map(({profileId, credential}) => ({profileId, provider: credential.provider}));
}

async function assertProfile(
	paths: StatePaths,
	{agentId, config, profiles}: Subject,
	profileId: string,
	provider: string,
): Promise<void> {
	const isIt = (other: UsableProfile) => other.profileId === profileId;
	// Where only one provider's were read, it may be another's.
	const present = profiles.find(isIt) ?? (await usableProfiles(paths, config, agentId)).profiles.find(isIt);
	if (!present) throw unknownProfile(agentId, profileId);
	const {provider: actual} = present.credential;
	if (actual !== provider) throw foreignProfile(profileId, actual, provider);
}
