import {JarvisError} from '../../errors.ts';
import {readPlugins} from '../../store/manifests.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {Provider} from './contract.ts';
import {providerNamed} from './registry.ts';

/**
 * Throws `provider_unknown` with the fault of a plugin's manifest, where that is why there is no provider of a name: the
 * manifest's folder has it, or the manifest means it as its id.
 */
export function assertNotLeftOut(
	paths: StatePaths,
	providers: ReadonlyMap<string, Provider>,
	name: string,
): void {
	if (providerNamed(providers, name)) return;
	const wanted = name.toLowerCase();
	const meant = readPlugins(paths).find(
		({id, meantId, problem}) => problem && [id, meantId?.toLowerCase()].includes(wanted),
	);
	if (!meant?.problem) return;
	const {message, next} = meant.problem;
	throw new JarvisError(
		'provider_unknown',
		`There is no provider ${JSON.stringify(name)}, as its plugin is out of use: ${message}`,
		next,
		{cause: meant.problem},
	);
}
