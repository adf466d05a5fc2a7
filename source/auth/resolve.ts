import {JarvisError} from '../errors.ts';
import {readConfig} from '../store/config.ts';
import {mainAgentId, type StatePaths} from '../store/paths.ts';
import {readCredentials} from '../store/profiles.ts';
import {type Credential, type CredentialKind, optional} from '../store/schema.ts';
import {isExpired} from './expiry.ts';
import {factsOf, handedOutSecret} from './facts.ts';
import type {Network} from './network.ts';
import type {Provider} from './providers/contract.ts';
import {type EffectiveOrder, effectiveOrder, type OrderPlace} from './routing/order.ts';

export interface ResolveInput {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
	readonly now: () => number;
	readonly network: Network;
	readonly providerId: string;
	readonly agentId?: string | undefined;
	/** Use this profile and no other. */
	readonly profileId?: string | undefined;
	/** Finds the provider for a refresh; only called when there is one to do. */
	readonly findProvider: (id: string) => Promise<Provider>;
}

/** A credential that is good now. */
export interface Resolved {
	readonly agentId: string;
	readonly profileId: string;
	readonly kind: CredentialKind;
	/** The secret to send. Never shown, logged or put on a command line. */
	readonly secret: string;
	/** When it runs out (epoch ms). */
	readonly expires?: number;
}

/**
 * The credential that an agent uses for a provider now, refreshed if it is over (seed, "Refresh +
 * expiry"). The first of the effective order that is good; one whose refresh token was refused is passed
 * over for the next one.
 * @throws `no_credential` naming each profile that was passed over and why, `needs_login`,
 * `profile_unknown`, `profile_foreign`, and what `freshCredential` throws
 */
export async function resolve(input: ResolveInput): Promise<Resolved> {
	const config = await readConfig(input.paths);
	const agentId = input.agentId ?? config.defaultAgent ?? mainAgentId;
	const current = await readCredentials(input.paths, agentId);
	const profiles = [...current.profiles].map(([profileId, credential]) =>
		factsOf(agentId, profileId, credential, current.usageStats.get(profileId)),
	);
	const order = effectiveOrder({
		...{provider: input.providerId, profiles, now: input.now(), env: input.env},
		storeOrder: input.profileId ? [input.profileId] : current.order.get(input.providerId),
		configOrder: config.order.get(input.providerId),
		configured: [...config.profiles].filter(([, of]) => of === input.providerId).map(([id]) => id),
	});
	if (input.profileId) assertUsable(input, agentId, current.profiles, order);
	let refused: JarvisError | undefined;
	for (const {profileId, place} of order.places) {
		const credential = current.profiles.get(profileId);
		if (place === undefined || !credential) continue;
		try {
			return await secretOf(input, agentId, profileId, credential);
		} catch (error) {
			if (!(error instanceof JarvisError) || error.code !== 'needs_login') throw error;
			refused ??= error;
		}
	}
	throw refused ? withPassedOver(refused, order) : nothingUsable(input, agentId, order);
}

async function secretOf(
	input: ResolveInput,
	agentId: string,
	profileId: string,
	credential: Credential,
): Promise<Resolved> {
	const good = await freshened(input, agentId, profileId, credential);
	const ref = good.type === 'token' ? good.tokenRef : good.type === 'api_key' ? good.keyRef : undefined;
	const secret = handedOutSecret(good) ?? (ref?.source === 'env' ? input.env[ref.id] : undefined);
	if (!secret) throw new JarvisError('no_credential', `${profileId} holds no secret.`, 'Log in again.');
	return {
		...{agentId, profileId, kind: good.type, secret},
		...optional('expires', typeof good.expires === 'number' ? good.expires : undefined),
	};
}

async function freshened(
	input: ResolveInput,
	agentId: string,
	profileId: string,
	credential: Credential,
): Promise<Credential> {
	if (credential.type !== 'oauth' || (credential.access && !isExpired(credential, input.now())))
		return credential;
	const [{freshCredential}, provider] = await Promise.all([
		import('./refresh.ts'),
		input.findProvider(input.providerId),
	]);
	const {paths, network, now} = input;
	return (await freshCredential({paths, provider, agentId, profileId, network, now})).credential;
}

function assertUsable(
	{profileId = '', providerId}: ResolveInput,
	agentId: string,
	profiles: ReadonlyMap<string, Credential>,
	order: EffectiveOrder,
): void {
	const present = profiles.get(profileId);
	if (!present) throw unknownProfile(agentId, profileId);
	if (present.provider !== providerId) throw foreignProfile(profileId, present.provider, providerId);
	const place = order.places.find(other => other.profileId === profileId);
	if (place?.place === undefined)
		throw unusable(agentId, providerId, [place ?? {profileId, reason: 'ok', why: ''}]);
}

/** The error of a profile that an agent does not have. */
export function unknownProfile(agentId: string, profileId: string): JarvisError {
	return new JarvisError(
		'profile_unknown',
		`The agent ${agentId} has no profile ${profileId}.`,
		`See those that it has: jarvis models auth list --agent ${agentId}`,
	);
}

/** The error of a profile that is of another provider than was asked for. */
export function foreignProfile(profileId: string, provider: string, wanted: string): JarvisError {
	return new JarvisError(
		'profile_foreign',
		`${profileId} belongs to ${provider}, not to ${wanted}.`,
		`Name a profile of ${wanted}, or ask for --provider ${provider}.`,
	);
}

function nothingUsable({providerId}: ResolveInput, agentId: string, order: EffectiveOrder): JarvisError {
	if (order.places.length > 0) return unusable(agentId, providerId, order.places);
	return new JarvisError(
		'no_credential',
		`The agent ${agentId} has no profile of ${providerId}.`,
		`Log in: jarvis models auth login --provider ${providerId} --agent ${agentId}`,
	);
}

function withPassedOver(refused: JarvisError, order: EffectiveOrder): JarvisError {
	const others = order.places.filter(({place}) => place === undefined);
	if (others.length === 0) return refused;
	const reasons = others.map(({profileId, reason, why}) => `${profileId}: ${why} (${reason})`);
	return new JarvisError('needs_login', `${refused.message} ${reasons.join('; ')}.`, refused.next, {
		cause: refused,
	});
}

function unusable(agentId: string, providerId: string, places: readonly OrderPlace[]): JarvisError {
	const reasons = places.map(({profileId, reason, why}) => `${profileId}: ${why} (${reason})`);
	return new JarvisError(
		places.some(place => place.reason === 'needs_login') ? 'needs_login' : 'no_credential',
		`The agent ${agentId} has no usable profile of ${providerId}. ${reasons.join('; ')}.`,
		`Log in: jarvis models auth login --provider ${providerId} --agent ${agentId}`,
	);
}
