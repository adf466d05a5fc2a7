import {JarvisError} from '../errors.ts';
import {providerFlag} from './profile-commands.ts';
import {type AuthMethod, isSecretMethod, methodNames, type Provider} from './providers/contract.ts';
import {findProvider} from './providers/registry.ts';

/** What a script may say of the login that it wants. */
export interface AuthWords {
	/** A provider, a method, or `<provider>-api-key`. */
	readonly choice?: string | undefined;
	readonly provider?: string | undefined;
	readonly method?: string | undefined;
}

export interface AuthChoice {
	readonly providerId: string;
	readonly method?: string;
}

/**
 * The login that `--auth-choice`, `--provider` and `--method` mean together; nothing where no provider is
 * named. `setup-token` alone is of the built-in provider that has one (seed, "Anthropic setup-token").
 * @throws `provider_unknown`, and `usage` where they contradict each other
 */
export function authChoice(
	providers: ReadonlyMap<string, Provider>,
	{choice, provider, method}: AuthWords,
): AuthChoice | undefined {
	const chosen = choice === undefined ? {} : readChoice(providers, choice);
	const named = provider === undefined ? undefined : findProvider(providers, provider).id;
	const providerId = agreed('provider', chosen.providerId, named) ?? ownerOf(providers, chosen.method);
	const wanted = agreed('method', chosen.method, method?.replaceAll('-', '_'));
	if (providerId !== undefined) return {providerId, ...(wanted === undefined ? {} : {method: wanted})};
	if (choice === undefined) return undefined;
	throw new JarvisError(
		'usage',
		`--auth-choice ${choice} names a way to log in, and no provider.`,
		'Add --provider <id>.',
	);
}

function readChoice(providers: ReadonlyMap<string, Provider>, choice: string): Partial<AuthChoice> {
	const method = methodNames.find(name => name === choice.toLowerCase().replaceAll('-', '_'));
	if (method) return {method};
	const [, before] = /^(.+)-api-key$/i.exec(choice) ?? [];
	if (before === undefined || providers.has(choice)) return {providerId: findProvider(providers, choice).id};
	return {providerId: findProvider(providers, before).id, method: 'api_key'};
}

function ownerOf(providers: ReadonlyMap<string, Provider>, method: string | undefined): string | undefined {
	if (method !== 'setup_token') return undefined;
	const offers = ({origin, auth}: Provider) =>
		origin === 'built in' && auth.some(other => other.method === method);
	return [...providers.values()].find(offers)?.id;
}

function agreed(what: string, one: string | undefined, other: string | undefined): string | undefined {
	if (one === undefined || other === undefined || one === other) return one ?? other;
	throw new JarvisError(
		'usage',
		`--auth-choice means the ${what} ${one}, and --${what} says ${other}.`,
		`Leave one of them out.`,
	);
}

/**
 * Makes sure that a login needs nobody who sits at a terminal and a browser.
 * @throws `terminal_required`, naming the way that does
 */
export function assertUnattended({id, label, auth}: Provider, method: AuthMethod): void {
	if (method.method !== 'oauth') return;
	const better = auth.find(other => other.method === 'device_code') ?? auth.find(isSecretMethod);
	throw new JarvisError(
		'terminal_required',
		`${label} is logged in to in a browser, by somebody who is asked.`,
		better
			? `Take another way: jarvis onboard --non-interactive ${providerFlag(id)} --method ${better.method}`
			: `Paste the address of the last page on standard input: jarvis models auth login ${providerFlag(id)} --no-browser`,
	);
}
