import {distance} from 'fastest-levenshtein';
import {JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import {listAgentIds, peekCredentials} from '../../store/profiles.ts';
import type {Provider} from './contract.ts';

/** How many names are suggested at most. */
const maxSuggested = 3;

/**
 * The error of a name that no provider has, with those that it may have been meant for.
 * @param outOfUse how many plugins are left out: one of them may be it
 */
export function unknownProvider(providers: Iterable<Provider>, name: string, outOfUse = 0): JarvisError {
	const all = [...providers];
	const near = nearest(all, name);
	const suggestion = near.length === 0 ? '' : `Did you mean ${near.join(' or ')}? `;
	const missing = outOfUse === 0 ? '' : ' Some plugins are out of use, see why: jarvis plugins list';
	return new JarvisError(
		'provider_unknown',
		`There is no provider ${JSON.stringify(name)}.`,
		`${suggestion}Known are ${all.map(({id}) => id).join(', ')}; others can be added (docs/plugins.md).${missing}`,
	);
}

/** Whether any agent has a profile of a provider, or may have: a file that cannot be read is given the benefit. */
export function isStored(paths: StatePaths, provider: string): boolean {
	return listAgentIds(paths).some(agentId => {
		const credentials = peekCredentials(paths, agentId);
		if (!credentials) return true;
		return [...credentials.profiles.values()].some(profile => profile.provider === provider);
	});
}

/** The ids whose names differ least, in a third of their letters at most. */
function nearest(providers: readonly Provider[], name: string): string[] {
	const wanted = name.toLowerCase();
	const farthest = Math.max(1, Math.floor(wanted.length / 3));
	return providers
		.map(({id, aliases = []}) => ({
			id,
			far: Math.min(...[id, ...aliases].map(other => distance(wanted, other))),
		}))
		.filter(({far}) => far <= farthest)
		.sort((a, b) => a.far - b.far)
		.slice(0, maxSuggested)
		.map(({id}) => id);
}
