import {failed, type Resolution} from './refs.ts';
import type {SecretBatch} from './resolve-refs.ts';

/** Secrets in variables of the environment. An empty one is none. */
export async function resolveFromEnv({
	name,
	provider: {allowlist},
	ids,
	env,
}: SecretBatch<'env'>): Promise<ReadonlyMap<string, Resolution>> {
	return new Map(
		ids.map(id => {
			if (allowlist && !allowlist.includes(id)) {
				return [id, failed('not_allowed', `${id} is not in the allowlist of ${name}`)];
			}
			const value = env[id];
			return [id, value ? {value} : failed('not_found', `the environment has no ${id}`)];
		}),
	);
}
