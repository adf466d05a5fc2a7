import type {Config} from '../../store/config.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {SecretRef} from '../../store/schema.ts';
import {asOneLine, failed, isRefId, type RefFailure, type Resolution, refKey} from './refs.ts';
import type {SecretRuntime} from './runtime.ts';

/**
 * How far to go to find out whether a ref resolves: `glance` runs no program and opens no file, and takes for good
 * what it cannot tell so; `resolve` finds out.
 */
export type Look = 'glance' | 'resolve';

/** What is asked about refs by those who decide and hand out. */
export interface SecretReader {
	/** Why refs do not resolve, by `refKey`; those that do, as far as was looked, are not in it. */
	failures(refs: readonly SecretRef[], config: RefConfig, look: Look): Promise<RefFailures>;
	/** The secret of a ref, for the one who hands it out. */
	valueOf(ref: SecretRef, config: RefConfig): Promise<Resolution>;
}

export type RefFailures = ReadonlyMap<string, RefFailure>;

/** The part of `jarvis.json` that tells whether providers are configured. */
type RefConfig = Pick<Config, 'hasSecrets'>;

/** What secrets are read from. */
export interface SecretsWorld {
	readonly paths: StatePaths;
	readonly env: NodeJS.ProcessEnv;
	readonly now: () => number;
}

export interface Secrets extends SecretReader {
	/** Loads what resolves refs, once. */
	runtime(): Promise<SecretRuntime>;
}

/**
 * The secrets that are kept elsewhere. Variables of the environment are read here, where nothing about them is
 * configured; all else is loaded when it is first needed.
 */
export function openSecrets(given: SecretsWorld): Secrets {
	let loading: Promise<SecretRuntime> | undefined;
	const runtime = () => {
		loading ??= import('./runtime.ts').then(({startSecretRuntime}) => startSecretRuntime(given));
		return loading;
	};

	// What was loaded once is the only one to answer: it may hold a snapshot.
	function plainly(ref: SecretRef, {hasSecrets}: RefConfig): Resolution | undefined {
		const {source, provider, id} = ref;
		if (loading || hasSecrets || source !== 'env' || provider !== 'default' || !isRefId(ref))
			return undefined;
		const value = given.env[id];
		return value ? asOneLine({value}, ref) : failed('not_found', `the environment has no ${id}`);
	}

	return {
		runtime,
		async failures(refs, config, look) {
			const failures = new Map<string, RefFailure>();
			const others: SecretRef[] = [];
			for (const ref of refs) {
				const outcome = plainly(ref, config);
				if (!outcome) others.push(ref);
				else if ('failure' in outcome) failures.set(refKey(ref), outcome.failure);
			}
			const isCheap = look === 'glance' && !loading && others.every(({source}) => source !== 'env');
			if (others.length === 0 || isCheap) return failures;
			return new Map([...failures, ...(await (await runtime()).failures(others, look))]);
		},
		async valueOf(ref, config) {
			return plainly(ref, config) ?? (await runtime()).valueOf(ref);
		},
	};
}
