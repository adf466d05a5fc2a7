import {asJarvisError, JarvisError} from '../../errors.ts';
import type {StatePaths} from '../../store/paths.ts';
import type {SecretRef} from '../../store/schema.ts';
import {readSecretsConfig} from '../../store/secrets-config.ts';
import type {PlaceReason} from '../routing/order.ts';
import {takeRefsOut} from './ref-advice.ts';
import {failed, type RefFailure, type Resolution, refKey} from './refs.ts';
import {resolveRefs} from './resolve-refs.ts';
import type {Look, RefFailures, SecretsWorld} from './secrets.ts';
import {type Surface, surfacesOf} from './surfaces.ts';

/** What came of loading all secrets. Holds no secret. */
export interface SecretsReport {
	/** All are loaded, and what was loaded before is replaced. */
	readonly ok: boolean;
	/** `degraded` while the last loading failed: what was loaded before stays in use. */
	readonly state: 'ready' | 'degraded';
	/** Said once when the state changes so. */
	readonly change?: 'degraded' | 'recovered';
	readonly refs: readonly RefReport[];
	/** Refs that nothing uses now: they were not looked at. */
	readonly ignored: readonly IgnoredRef[];
	/** What else was in the way: a file that cannot be read, an OAuth profile that holds a ref. */
	readonly problems: readonly JarvisError[];
}

export interface RefReport {
	readonly ref: SecretRef;
	readonly usedBy: readonly {readonly agentId: string; readonly profileId: string}[];
	/** Absent where it resolves. */
	readonly failure?: RefFailure;
}

export interface IgnoredRef {
	readonly code: 'SECRETS_REF_IGNORED_INACTIVE_SURFACE';
	readonly ref: SecretRef;
	readonly agentId: string;
	readonly profileId: string;
	/** Why nothing uses it. */
	readonly reason: PlaceReason;
}

export interface SecretRuntime {
	failures(refs: readonly SecretRef[], look: Look): Promise<RefFailures>;
	valueOf(ref: SecretRef): Promise<Resolution>;
	/**
	 * Loads the secrets of all active surfaces into a snapshot, which alone is read from then on. All or nothing:
	 * where one does not resolve, what was loaded before stays. Never throws: the report says what is wrong. Calls
	 * during a loading are served by one further loading.
	 * @param start there is nothing yet: requests wait for it; with `partial`, what resolves is taken
	 */
	load(start?: {readonly partial: boolean}): Promise<SecretsReport>;
}

/** Of a ref that nothing was said of. */
const unsaid = failed('not_found', 'there is no such secret');

const changes = {ready: 'recovered', degraded: 'degraded'} as const;

interface Loaded {
	readonly values: ReadonlyMap<string, string>;
	/** Those of the last attempt. */
	readonly failures: RefFailures;
	readonly ignored: ReadonlySet<string>;
}

interface Attempt extends Omit<SecretsReport, 'ok' | 'state' | 'change'> {
	readonly outcomes: ReadonlyMap<string, Resolution>;
	/** All files could be read: there are no other refs. */
	readonly isWhole: boolean;
}

/**
 * Resolves refs for one process, and keeps what it found in memory, nowhere else. Until a snapshot is loaded,
 * each ref is resolved when it is first needed, once.
 */
export function startSecretRuntime({paths, env, now}: SecretsWorld): SecretRuntime {
	const found = new Map<string, Promise<Resolution>>();
	let loaded: Loaded | undefined;
	let state: SecretsReport['state'] = 'ready';
	let starting = false;
	let running: Promise<SecretsReport> | undefined;
	let further: Promise<SecretsReport> | undefined;

	async function resolveNow(refs: readonly SecretRef[]): Promise<ReadonlyMap<string, Resolution>> {
		try {
			return await resolveRefs(refs, {env, config: await readSecretsConfig(paths)});
		} catch {
			return new Map(refs.map(ref => [refKey(ref), failed('unavailable', 'jarvis.json cannot be read')]));
		}
	}

	function resolveOnce(refs: readonly SecretRef[]): void {
		const missing = refs.filter(ref => !found.has(refKey(ref)));
		if (missing.length === 0) return;
		const outcomes = resolveNow(missing);
		for (const key of missing.map(refKey)) {
			found.set(
				key,
				outcomes.then(all => all.get(key) ?? unsaid),
			);
		}
	}

	async function outcomesOf(refs: readonly SecretRef[]): Promise<ReadonlyMap<string, Resolution>> {
		if (starting) await running;
		const present = loaded;
		if (present) return new Map(refs.map(ref => [refKey(ref), outcomeIn(present, ref)]));
		resolveOnce(refs);
		const outcomes = refs.map(async ref => [refKey(ref), await found.get(refKey(ref))] as const);
		return new Map(
			(await Promise.all(outcomes)).flatMap(([key, outcome]) => (outcome ? [[key, outcome]] : [])),
		);
	}

	async function attempt(): Promise<Attempt> {
		const {surfaces, unreadable} = await surfacesOf(paths, now());
		const active = surfaces.filter(({inactive}) => inactive === undefined);
		const refs = active.flatMap(({ref}) => (ref ? [ref] : []));
		const outcomes = await resolveNow(refs);
		return {
			outcomes,
			isWhole: unreadable.length === 0,
			problems: [
				...unreadable,
				...active.filter(({ref}) => !ref).map(surface => refBesideOAuth(paths, surface)),
			],
			ignored: surfaces.flatMap(({ref, agentId, profileId, inactive: reason}) =>
				ref && reason
					? [{code: 'SECRETS_REF_IGNORED_INACTIVE_SURFACE' as const, ref, agentId, profileId, reason}]
					: [],
			),
			refs: [...new Map(refs.map(ref => [refKey(ref), ref]))].map(([key, ref]) => {
				const outcome = outcomes.get(key);
				return {
					ref,
					usedBy: active
						.filter(other => other.ref && refKey(other.ref) === key)
						.map(({agentId, profileId}) => ({agentId, profileId})),
					...(outcome && 'failure' in outcome ? {failure: outcome.failure} : {}),
				};
			}),
		};
	}

	async function loadOnce(partial: boolean): Promise<SecretsReport> {
		const {outcomes, isWhole, ...report} = await attempt();
		const failures = new Map(
			report.refs.flatMap(({ref, failure}) => (failure ? [[refKey(ref), failure]] : [])),
		);
		const ignored = new Set(report.ignored.map(({ref}) => refKey(ref)));
		const ok = failures.size === 0 && report.problems.length === 0;
		const isPartialStart = partial && !loaded;
		if (ok || isPartialStart) {
			const values = [...outcomes].flatMap(([key, outcome]) =>
				'value' in outcome ? [[key, outcome.value] as const] : [],
			);
			loaded = {values: new Map(values), failures, ignored};
			found.clear();
		} else if (loaded && isWhole) loaded = {...loaded, failures, ignored};
		// After such a start there is nothing older in use than what was found just now.
		return {ok, ...changedTo(ok || isPartialStart ? 'ready' : 'degraded'), ...report};
	}

	// Nobody awaits a loading that another process asked for.
	function couldNotLoad(error: unknown): SecretsReport {
		return {...changedTo('degraded'), ok: false, refs: [], ignored: [], problems: [asJarvisError(error)]};
	}

	function changedTo(next: SecretsReport['state']): Pick<SecretsReport, 'state' | 'change'> {
		const change = state === next ? {} : {change: changes[next]};
		state = next;
		return {state, ...change};
	}

	function load(start?: {readonly partial: boolean}): Promise<SecretsReport> {
		if (!running) {
			starting = start !== undefined && !loaded;
			running = loadOnce(start?.partial ?? false)
				.catch(couldNotLoad)
				.finally(() => {
					running = undefined;
					starting = false;
				});
			return running;
		}
		further ??= running.then(() => {
			further = undefined;
			return load(start);
		});
		return further;
	}

	return {
		load,
		valueOf: async ref => (await outcomesOf([ref])).get(refKey(ref)) ?? unsaid,
		async failures(refs, look) {
			const isGlance = look === 'glance';
			const asked = isGlance && !loaded ? refs.filter(({source}) => source === 'env') : refs;
			// Who only looks does not wait for a loading; the next look will know more.
			const outcomes = isGlance && starting ? await resolveNow(asked) : await outcomesOf(asked);
			return new Map(
				[...outcomes].flatMap(([key, outcome]) =>
					'failure' in outcome && !loaded?.ignored.has(key) ? [[key, outcome.failure]] : [],
				),
			);
		},
	};
}

function outcomeIn({values, failures, ignored}: Loaded, ref: SecretRef): Resolution {
	const key = refKey(ref);
	const value = values.get(key);
	if (value !== undefined) return {value};
	const failure = failures.get(key);
	if (failure) return {failure};
	return ignored.has(key)
		? failed('not_loaded', 'no order leads to it, so that it was not loaded with the others')
		: failed('not_loaded', 'it was not there when the secrets were loaded (jarvis secrets reload)');
}

function refBesideOAuth(paths: StatePaths, {agentId, profileId}: Surface): JarvisError {
	return new JarvisError(
		'secrets_unresolved',
		`${profileId} of the agent ${agentId} is an OAuth profile that holds a secret ref, which cannot be.`,
		takeRefsOut(paths.profiles(agentId)),
	);
}
