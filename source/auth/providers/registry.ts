import {JarvisError} from '../../errors.ts';
import type {Config, EndpointOverride} from '../../store/config.ts';
import type {Manifest} from '../../store/manifests.ts';
import {optional} from '../../store/schema.ts';
import type {OAuthMethod, Provider} from './contract.ts';
import {openaiCodex} from './openai-codex.ts';

const builtIn: readonly Provider[] = [openaiCodex];

/**
 * All providers by id: the built-in ones, and those that manifests declare (a manifest may not take a
 * built-in's id), each with the endpoints that `jarvis.json` overrides.
 */
export function providersFrom(config: Config, manifests: readonly Manifest[]): ReadonlyMap<string, Provider> {
	const providers = new Map<string, Provider>();
	for (const provider of [...builtIn, ...manifests.filter(({id}) => !isBuiltIn(id)).map(declared)]) {
		const override = config.endpointOverrides.get(provider.id);
		providers.set(
			provider.id,
			override ? {...provider, oauth: overridden(provider.oauth, override)} : provider,
		);
	}
	return providers;
}

/** The provider of an id. Throws `provider_unknown`, naming those that there are. */
export function findProvider(providers: ReadonlyMap<string, Provider>, id: string): Provider {
	const provider = providers.get(id);
	if (provider) return provider;
	throw new JarvisError(
		'provider_unknown',
		`There is no provider "${id}".`,
		`Known are ${[...providers.keys()].join(', ')}; others can be declared by a manifest (docs/plugins.md).`,
	);
}

function isBuiltIn(id: string): boolean {
	return builtIn.some(provider => provider.id === id);
}

function declared(manifest: Manifest): Provider {
	const [method] = manifest.auth;
	if (!method)
		throw new JarvisError('manifest_invalid', `${manifest.id} offers no login.`, 'See docs/plugins.md.');
	return {
		id: manifest.id,
		label: manifest.label,
		origin: 'plugin',
		oauth: {
			method: 'oauth',
			clientId: method.clientId,
			scopes: method.scopes,
			redirectUris: method.redirectUris,
			authorizeParams: method.authorizeParams,
			...optional('issuer', method.issuer),
			...optional('authorizationEndpoint', method.authorizationEndpoint),
			...optional('tokenEndpoint', method.tokenEndpoint),
			...optional('revocationEndpoint', method.revocationEndpoint),
			...optional('accountIdClaim', method.accountIdClaim),
			...optional('emailClaim', method.emailClaim),
		},
	};
}

// Another issuer has other endpoints: those of the provider itself must not be mixed with its metadata.
function overridden(method: OAuthMethod, override: EndpointOverride): OAuthMethod {
	const {authorizationEndpoint, tokenEndpoint, revocationEndpoint, ...rest} = method;
	const own = {authorizationEndpoint, tokenEndpoint, revocationEndpoint};
	const kept = override.issuer ? {} : Object.fromEntries(Object.entries(own).filter(([, value]) => value));
	return {...rest, ...kept, ...override};
}
