import {JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {KeychainProvider} from '../../store/secrets-config.ts';
import {getFromKeychain, type Keychain} from './keychain.ts';
import {failed, type Resolution} from './refs.ts';
import {RefFault, type SecretBatch} from './resolve-refs.ts';
import {unseal} from './sealed.ts';

/** Sealed secrets of the state folder, or the keychain's own items where the provider names a service. */
export async function resolveFromKeychain({
	name,
	provider,
	ids,
	env,
	paths,
}: SecretBatch<'keychain'>): Promise<ReadonlyMap<string, Resolution>> {
	const keychain: Keychain = {env, limitMs: provider.timeoutMs};
	try {
		if (provider.service !== undefined) return await items(keychain, name, provider.service, ids);
		return paths ? await sealedSecrets(paths, keychain, ids) : new Map();
	} catch (error) {
		if (error instanceof JarvisError && error.code === 'keychain_unavailable') throw faultOf(error, provider);
		if (error instanceof JarvisError && error.code === 'store_damaged') {
			throw new RefFault('damaged', error.message.replace(/\.$/, ''));
		}
		throw error;
	}
}

async function items(
	keychain: Keychain,
	name: string,
	service: NonNullable<KeychainProvider['service']>,
	ids: readonly string[],
): Promise<ReadonlyMap<string, Resolution>> {
	const values = await getFromKeychain(
		keychain,
		ids.map(account => ({service, account})),
	);
	return new Map(
		ids.map((id, index): [string, Resolution] => {
			const value = values[index];
			return [id, value ? {value} : failed('not_found', `the keychain has no item ${id} of ${name}`)];
		}),
	);
}

async function sealedSecrets(
	paths: StatePaths,
	keychain: Keychain,
	ids: readonly string[],
): Promise<ReadonlyMap<string, Resolution>> {
	const opened = await unseal(paths, keychain, ids);
	return new Map(
		[...opened].map(([id, outcome]): [string, Resolution] => {
			if ('secret' in outcome) return [id, {value: outcome.secret}];
			return outcome.why === 'unknown'
				? [id, failed('not_found', `${id} is not in ${paths.sealed}`)]
				: [id, failed('unreadable', `the keychain has no key that opens ${id} in ${paths.sealed}`)];
		}),
	);
}

function faultOf({details}: JarvisError, {timeoutMs}: KeychainProvider): RefFault {
	switch (details.reason) {
		case 'timed_out':
			return new RefFault('timed_out', `the keychain did not answer within ${timeoutMs / 1000} s`);
		case 'missing':
			return new RefFault('unavailable', 'the package that reaches the keychain is not installed');
		default:
			return new RefFault('unavailable', 'the keychain is locked or absent');
	}
}
