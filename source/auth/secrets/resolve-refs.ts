import {JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {SecretRef, SecretSource} from '../../store/schema.ts';
import {type SecretProviders, type SecretsConfig, secretProviderOf} from '../../store/secrets-config.ts';
import {asOneLine, failed, isRefId, type RefFailure, type Resolution, refKey} from './refs.ts';

/** What a source is asked: secrets of one provider. */
export interface SecretBatch<Source extends SecretSource = SecretSource> {
	/** The provider's name. */
	readonly name: string;
	readonly provider: SecretProviders[Source];
	/** Each once, and of the source's form. */
	readonly ids: readonly string[];
	readonly env: NodeJS.ProcessEnv;
	/** The largest request (bytes) that a program is sent. */
	readonly maxBatchBytes: number;
	/** The state folder whose sealed secrets are meant. */
	readonly paths: StatePaths | undefined;
}

/**
 * Reads secrets of a source. What is wrong with one is said of it alone; what is not answered counts as not
 * found. May throw for what is wrong with all of them: `RefFault` says what, anything else makes them unreadable.
 */
export type ResolveBatch<Source extends SecretSource> = (
	batch: SecretBatch<Source>,
) => Promise<ReadonlyMap<string, Resolution>>;

/** What is wrong with every ref of a batch. Holds no secret. */
export class RefFault extends Error {
	readonly failure: RefFailure;

	constructor(...failure: Parameters<typeof failed>) {
		super(failure[1]);
		this.failure = failed(...failure).failure;
	}
}

// None is loaded before a ref of it is resolved.
const sources: {readonly [Source in SecretSource]?: () => Promise<ResolveBatch<Source>>} = {
	env: async () => (await import('./env.ts')).resolveFromEnv,
	file: async () => (await import('./file.ts')).resolveFromFile,
	exec: async () => (await import('./exec.ts')).resolveFromProgram,
	keychain: async () => (await import('./keychain-source.ts')).resolveFromKeychain,
};

/**
 * Resolves refs, those of one provider together, several providers at once. Never throws for a ref: each has its
 * own outcome.
 * @returns by `refKey`, all of the refs, in their order
 */
export async function resolveRefs(
	refs: Iterable<SecretRef>,
	{env, config}: {readonly env: NodeJS.ProcessEnv; readonly config: SecretsConfig},
): Promise<ReadonlyMap<string, Resolution>> {
	const wanted = new Map([...refs].map(ref => [refKey(ref), ref]));
	const outcomes = new Map<string, Resolution>();
	const batches = new Map<string, {readonly batch: SecretBatch; readonly refs: SecretRef[]}>();
	for (const [key, ref] of wanted) {
		const found = secretProviderOf(config, ref);
		if (!isRefId(ref)) outcomes.set(key, failed('invalid_ref', `its id is none of ${ref.source}`));
		else if (typeof found === 'string') outcomes.set(key, failed('unknown_provider', found));
		else {
			const ofBatch = `${ref.source}:${found.name}`;
			const together = [...(batches.get(ofBatch)?.refs ?? []), ref];
			const ids = [...new Set(together.map(({id}) => id))];
			const {maxBatchBytes} = config.resolution;
			batches.set(ofBatch, {
				refs: together,
				batch: {...found, env, maxBatchBytes, ids, paths: config.paths},
			});
		}
	}
	const waiting = [...batches.values()];
	const work = async () => {
		for (let next = waiting.shift(); next; next = waiting.shift()) {
			const resolved = await resolveBatch(next.batch, config.resolution.maxRefsPerProvider);
			for (const ref of next.refs) {
				const outcome = resolved.get(ref.id);
				if (outcome) outcomes.set(refKey(ref), asOneLine(outcome, ref));
			}
		}
	};
	await Promise.all(
		Array.from({length: Math.min(config.resolution.maxProviderConcurrency, batches.size)}, work),
	);
	const none = failed('not_found', 'its provider has no such secret');
	return new Map([...wanted.keys()].map(key => [key, outcomes.get(key) ?? none]));
}

async function resolveBatch(batch: SecretBatch, maxRefs: number): Promise<ReadonlyMap<string, Resolution>> {
	const all = (outcome: Resolution) => new Map(batch.ids.map(id => [id, outcome]));
	if (batch.ids.length > maxRefs) {
		return all(failed('too_large', `${batch.name} has more than ${maxRefs} refs (secrets.resolution)`));
	}
	try {
		return await ask(batch.provider.source, batch);
	} catch (error) {
		// What is wrong with one source is not to be in the way of another.
		return all(
			error instanceof RefFault ? {failure: error.failure} : failed('unreadable', whyNot(batch, error)),
		);
	}
}

// Of an error that is not ours nobody knows what it quotes.
function whyNot({name}: SecretBatch, error: unknown): string {
	if (error instanceof JarvisError) return error.message.replace(/\.$/, '');
	const code = error instanceof Error && 'code' in error ? ` (${error.code})` : '';
	return `what ${name} reads cannot be read${code}`;
}

async function ask<Source extends SecretSource>(
	source: Source,
	batch: SecretBatch,
): Promise<ReadonlyMap<string, Resolution>> {
	const load = sources[source];
	if (!load) throw new RefFault('unavailable', `secrets of ${source} cannot be read here`);
	const resolve = await load();
	return resolve(batch as SecretBatch<Source>);
}
