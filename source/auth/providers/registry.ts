import {JarvisError} from '../../errors.ts';
import type {Config, EndpointOverride} from '../../store/config.ts';
import type {Manifest} from '../../store/manifests.ts';
import {providerFlag} from '../profile-commands.ts';
import {amazonBedrock} from './amazon-bedrock.ts';
import {anthropic} from './anthropic.ts';
import {apiKeyProviders} from './api-keys.ts';
import {type AuthMethod, isCodeMethod, isSecretMethod, type MethodName, type Provider} from './contract.ts';
import {declared} from './declared.ts';
import {enterpriseServer, gitHosts} from './git-hosts.ts';
import {githubCopilot} from './github-copilot.ts';
import {openaiCodex} from './openai-codex.ts';
import {openrouter} from './openrouter.ts';
import {unknownProvider} from './unknown.ts';

const builtIn: readonly Provider[] = [
	...[openaiCodex, anthropic, githubCopilot, openrouter, amazonBedrock],
	...apiKeyProviders,
	...gitHosts,
];

/**
 * All providers by id: the built-in ones, and those that manifests declare (a manifest may not take a
 * built-in's id), each with the endpoints that `jarvis.json` overrides.
 */
export function providersFrom(config: Config, manifests: readonly Manifest[]): ReadonlyMap<string, Provider> {
	const providers = new Map<string, Provider>();
	// What a person added stands first: that is what they look for.
	for (const provider of [...manifests.filter(({id}) => !isBuiltInName(id)).map(declared), ...builtIn]) {
		const names = [provider.id, ...(provider.aliases ?? [])];
		const override = names.flatMap(name => config.endpointOverrides.get(name) ?? [])[0];
		providers.set(
			provider.id,
			override ? {...provider, auth: overriddenAll(provider.auth, override)} : provider,
		);
	}
	return providers;
}

/** The provider of an id, or of another name of it, in any case: a built-in one's names are its own. */
export function providerNamed(providers: ReadonlyMap<string, Provider>, name: string): Provider | undefined {
	const wanted = name.toLowerCase();
	const hasName = ({id, aliases = []}: Provider) =>
		[id, ...aliases].some(one => one.toLowerCase() === wanted);
	const others = [...providers.values()].filter(hasName);
	return providers.get(name) ?? others.find(({origin}) => origin === 'built in') ?? others[0];
}

/**
 * The provider of an id or of another name of it. Throws `provider_unknown`, naming those that there are.
 * @param outOfUse how many plugins are left out
 */
export function findProvider(providers: ReadonlyMap<string, Provider>, name: string, outOfUse = 0): Provider {
	const provider = providerNamed(providers, name);
	if (provider) return provider;
	throw unknownProvider(providers.values(), name, outOfUse);
}

/** The same for a token that was made elsewhere: a host that nobody declared is a provider by itself. */
export function findTokenProvider(providers: ReadonlyMap<string, Provider>, name: string): Provider {
	return providerNamed(providers, name) ?? enterpriseServer(name) ?? findProvider(providers, name);
}

/**
 * The way to log in that a person named, else the provider's first one.
 * @throws `login_unsupported`, naming those that it offers
 */
export function findMethod({id, label, auth}: Provider, named: string | undefined): AuthMethod {
	// As a person writes it: api-key.
	const name = named?.replaceAll('-', '_');
	const method = name === undefined ? auth[0] : auth.find(other => other.method === name);
	if (method) return method;
	// A token that was made elsewhere is taken for every provider, in the form that it gives tokens, if any.
	if (name === 'token') return auth.find(other => other.method === 'setup_token') ?? pastedToken;
	const names: MethodName[] = auth.map(other => other.method);
	throw new JarvisError(
		'login_unsupported',
		`${label} offers no login of the kind "${named ?? ''}".`,
		`It offers: ${names.join(', ')}. Log in: jarvis models auth login ${providerFlag(id)} --method ${names[0]}`,
	);
}

/** A provider's ways to log in, those first that fit the machine: a browser's where there is none come last. */
export function methodsFor(
	{auth}: Provider,
	around: {readonly browser: boolean},
): readonly [AuthMethod, ...AuthMethod[]] {
	const [first, ...others] = around.browser
		? auth
		: [...auth].sort((a, b) => Number(b.method === 'device_code') - Number(a.method === 'device_code'));
	if (!first) throw new JarvisError('unexpected', 'A provider offers no login.', 'Report this.');
	return [first, ...others];
}

/** Whether a built-in provider has this name, as its id or as another one. */
export function isBuiltInName(name: string): boolean {
	return builtInNamed(name) !== undefined;
}

/** The built-in provider of an id or of another name of it, as it is shipped: no file is read for it. */
export function builtInNamed(name: string): Provider | undefined {
	const wanted = name.toLowerCase();
	return builtIn.find(({id, aliases}) => id === wanted || aliases?.includes(wanted));
}

/** The provider whose secret a git server takes, the built-in ones first. */
export function gitProviderOf(host: string, providers: Iterable<Provider> = builtIn): Provider | undefined {
	return [...providers].find(({git}) => git?.hosts.includes(host.toLowerCase()));
}

const pastedToken: AuthMethod = {method: 'token', label: 'token'};

// A provider's own code knows its own endpoints only: at another issuer it would go past that.
function overriddenAll(auth: readonly AuthMethod[], override: EndpointOverride): readonly AuthMethod[] {
	const data = auth.filter(method => !isCodeMethod(method));
	const kept = override.issuer && data.length > 0 ? data : auth;
	return kept.map(method => overridden(method, override));
}

// Another issuer has other endpoints: those of the provider itself must not be mixed with its metadata.
function overridden(method: AuthMethod, override: EndpointOverride): AuthMethod {
	if (isCodeMethod(method) || isSecretMethod(method)) return method;
	const {authorizationEndpoint, deviceAuthorizationEndpoint, tokenEndpoint, revocationEndpoint, ...rest} =
		method;
	const own = {authorizationEndpoint, deviceAuthorizationEndpoint, tokenEndpoint, revocationEndpoint};
	const kept = override.issuer ? {} : Object.fromEntries(Object.entries(own).filter(([, value]) => value));
	return {...rest, ...kept, ...override};
}
