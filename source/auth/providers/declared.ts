import type {CodeManifest, Manifest} from '../../store/manifests.ts';
import {optional} from '../../store/schema.ts';
import type {AuthMethod, Provider} from './contract.ts';
import type {PluginMethod} from './plugin-host.ts';

/** The provider that a manifest declares (docs/plugins.md): its data, as it is, and its code once that is used. */
export function declared(manifest: Manifest): Provider {
	// Asked here, and not of the schema's module, which those who only look a provider up would have to load.
	if (!('module' in manifest)) {
		const {$schema: _, ...provider} = manifest;
		return {...provider, origin: 'plugin'};
	}
	const {module, export: place, from: _, auth, ...provider} = manifest;
	return {
		...provider,
		origin: 'plugin',
		auth: auth.map((entry, method) =>
			'code' in entry ? coded(entry, {providerId: provider.id, module, export: place, method}) : entry,
		),
	};
}

// What runs a plugin is loaded when one is to run.
function coded(
	{method: name, label, hint, refreshes, revokes}: Extract<CodeManifest['auth'][number], {code: true}>,
	method: PluginMethod,
): AuthMethod {
	const host = () => import('./plugin-host.ts');
	return {
		method: name,
		...optional('label', label),
		...optional('hint', hint),
		login: async io => (await host()).loginByPlugin(method, io),
		...(refreshes
			? {refresh: async (credential, io) => (await host()).refreshByPlugin(method, credential, io)}
			: {}),
		...(revokes
			? {revoke: async (credential, io) => (await host()).revokeByPlugin(method, credential, io)}
			: {}),
	};
}
