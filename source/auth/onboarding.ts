import {shellWord} from '../errors.ts';
import type {CredentialKind} from '../store/schema.ts';
import type {ProfileFacts} from './facts.ts';
import type {LoginResult} from './login/contract.ts';
import {secretId} from './login/secret-id.ts';
import {providerFlag} from './profile-commands.ts';
import type {MethodName} from './providers/contract.ts';
import type {EffectiveOrder} from './routing/order.ts';

/** The rules of onboarding (docs/login.md), for the command and for the screen. */

export const onboardingSteps = ['agent', 'provider', 'method', 'login', 'order', 'done'] as const;
export type OnboardingStep = (typeof onboardingSteps)[number];

/** Where one is: `Step 2 of 6: provider`. */
export function stepWords(step: OnboardingStep): string {
	return `Step ${onboardingSteps.indexOf(step) + 1} of ${onboardingSteps.length}: ${step}`;
}

const kindsOfSecrets: Partial<Record<MethodName, CredentialKind>> = {
	setup_token: 'token',
	token: 'token',
	api_key: 'api_key',
};

type Known = Pick<ProfileFacts, 'profileId' | 'provider' | 'kind'>;

/**
 * The profiles that a pasted secret may be meant for: a secret does not say of which account it is, so that
 * somebody must who has one of its kind already. Nothing for the other ways to log in.
 */
export function sameKind(profiles: readonly Known[], providerId: string, method: string): readonly string[] {
	const kind = kindsOfSecrets[method as MethodName];
	return profiles
		.filter(profile => profile.provider === providerId && profile.kind === kind)
		.map(({profileId}) => profileId);
}

/** The id under which a further secret is kept if its owner has no better one. */
export function freeSecretId(profiles: readonly Known[], providerId: string, method: string): string {
	const kind = kindsOfSecrets[method as MethodName] ?? 'api_key';
	return secretId(providerId, kind, id => profiles.some(({profileId}) => profileId === id));
}

/** The profile id that a person means by a name, with the provider before it or not. */
export function idNamed(providerId: string, typed: string): string {
	const name = typed.trim();
	return name.startsWith(`${providerId}:`) ? name : `${providerId}:${name}`;
}

/**
 * Whether to ask under which name a login is kept: it is new, and neither its account nor anybody else has
 * given it a name.
 * @param before the ids that the agent had before the login
 */
export function asksForName({profileId, email}: LoginResult, before: readonly string[]): boolean {
	if (email !== undefined || before.includes(profileId)) return false;
	return /:(default|oauth|token|api_key)(-[\da-f]+)?$/.test(profileId);
}

export type Place = 'leave' | 'first' | 'last';

/**
 * What may be done with a profile's place in the order; nothing where it is the provider's only one, and is
 * tried.
 * @param own the ids of the agent's own profiles of the provider
 */
export function placeChoices(
	{explicit, places}: EffectiveOrder,
	own: readonly string[],
	profileId: string,
): readonly {readonly id: Place; readonly label: string}[] {
	const present = places.find(other => other.profileId === profileId);
	const isLeftOut = present?.reason === 'excluded_by_auth_order';
	if (own.length < 2 && !isLeftOut) return [];
	const tried = places.filter(({place}) => place !== undefined).length;
	const number = present?.place === undefined ? '' : `: number ${present.place} of ${tried}`;
	const as = isLeftOut ? ': not tried, for the order leaves it out' : number;
	return [
		{id: 'leave', label: `where it is${as}${explicit ? '' : ', by kind and last use'}`},
		{id: 'first', label: 'first'},
		{id: 'last', label: 'last'},
	];
}

/** The order in which a profile is tried first or last, and the others as before. */
export function orderWith(
	{explicit, places}: EffectiveOrder,
	own: readonly string[],
	profileId: string,
	place: Exclude<Place, 'leave'>,
): readonly string[] {
	const before = explicit ?? places.map(other => other.profileId);
	const others = before.filter(id => id !== profileId && own.includes(id));
	return place === 'first' ? [profileId, ...others] : [...others, profileId];
}

/** A command that is of use after a login, and what for. */
export interface NextCommand {
	readonly what: string;
	readonly command: string;
}

/** What is told of the machine, as far as the next login goes. */
export interface LoginWorld {
	readonly browser: boolean;
	/** The command that brings a callback's port here from the person's own machine. */
	readonly forward?: (port: string) => string;
	/** The port that the provider's browser login comes back to. */
	readonly port?: string;
}

/** The commands that are of use after a login, for an agent that is the default one or not. */
export function nextCommands(
	{profileId, provider, agentId, kind = 'oauth'}: LoginResult,
	isDefaultAgent: boolean,
	{browser, forward, port}: LoginWorld,
): readonly NextCommand[] {
	const agent = isDefaultAgent ? '' : ` --agent ${agentId}`;
	const next: NextCommand[] = [
		{
			what: 'a token that is good now, for scripts',
			command: `jarvis models auth token ${providerFlag(provider)}${agent}`,
		},
		{what: 'the state of all credentials', command: `jarvis models status${agent}`},
		{what: 'the same, live', command: 'jarvis'},
	];
	if (kind !== 'oauth' || browser) return next;
	const profile = /^[\w@.:+-]+$/.test(profileId) ? profileId : shellWord(profileId);
	next.push({
		what: 'to log in again, in a browser elsewhere',
		command: `jarvis models auth login ${providerFlag(provider)} --profile-id ${profile}${agent}`,
	});
	if (forward && port)
		next.push({what: 'on your own machine, to have its browser come back here', command: forward(port)});
	return next;
}
