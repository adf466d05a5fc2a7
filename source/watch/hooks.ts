import {concernWords} from '../auth/concern-words.ts';
import type {WatchEvent} from '../auth/concerns.ts';
import {allVariables} from '../auth/environment.ts';
import {clean} from '../auth/facts.ts';
import {providersFrom} from '../auth/providers/registry.ts';
import {type Snapshot, usableFacts} from '../auth/snapshot.ts';
import type {Jarvis} from '../core.ts';
import {runHook} from '../host/hook.ts';
import {decodeConfig} from '../store/config.ts';

/** How long (ms) a hook may take, and how long one that runs is waited for at the end. */
const timeoutMs = 30_000;
const farewellMs = 2000;

export interface Hooks {
	/** Runs the hook for an event, behind those that wait already. */
	add(event: WatchEvent, snapshot: Snapshot): void;
	/** Settles when no event waits any more. */
	idle(): Promise<void>;
	/** Drops what waits, and ends what still runs after a moment. */
	stop(): Promise<void>;
}

/**
 * Runs a program for each event, one after the other. What goes wrong with it is told, and keeps nothing else from
 * being done.
 * @param file the program, which `findProgram` found under the name
 */
export function startHooks(
	jarvis: Pick<Jarvis, 'env' | 'paths' | 'providers' | 'tell'>,
	{name, file}: {readonly name: string; readonly file: string},
): Hooks {
	const unwanted = new AbortController();
	let last = Promise.resolve();
	let isStopped = false;

	async function run(event: WatchEvent, snapshot: Snapshot): Promise<void> {
		if (isStopped) return;
		const env = {
			...(await withoutSecrets(jarvis, snapshot)),
			...eventVariables(event),
			JARVIS_STATE_DIR: jarvis.paths.root,
		};
		const input = `${JSON.stringify(event)}\n`;
		const fault = await runHook({name, file, env, input, timeoutMs}, unwanted.signal);
		if (fault !== undefined) jarvis.tell(`The hook ${name} ${fault}.`);
	}

	return {
		add(event, snapshot) {
			last = last
				.then(() => run(event, snapshot))
				.catch(() => jarvis.tell(`The hook ${name} cannot be run.`));
		},
		idle: () => last,
		async stop() {
			isStopped = true;
			const timer = setTimeout(() => unwanted.abort(), farewellMs);
			await last;
			clearTimeout(timer);
		},
	};
}

/** The main facts of an event, as variables. */
export function eventVariables(event: WatchEvent): Record<string, string> {
	const {what, subject, why} = concernWords(event);
	const {expires, until} = event;
	const facts = {
		JARVIS_EVENT: event.event,
		JARVIS_LEVEL: event.level,
		JARVIS_AGENT: event.agentId,
		JARVIS_PROVIDER: event.provider,
		JARVIS_PROFILE: event.profileId,
		JARVIS_WHY: why,
		JARVIS_NEXT: event.next,
		JARVIS_EXPIRES: expires === undefined ? undefined : new Date(expires).toISOString(),
		JARVIS_UNTIL: until === undefined ? undefined : new Date(until).toISOString(),
		JARVIS_TEXT: [what, subject, why].filter(text => text !== '').join(' · '),
	};
	// Empty ones too: what is inherited must not stand for what is absent.
	return Object.fromEntries(Object.entries(facts).map(([key, value]) => [key, clean(value ?? '')]));
}

/** The environment without the variables that are known to hold secrets: a hook has no need of them. */
async function withoutSecrets(
	{env, providers}: Pick<Jarvis, 'env' | 'providers'>,
	{agents}: Snapshot,
): Promise<NodeJS.ProcessEnv> {
	const refs = agents.flatMap(usableFacts).flatMap(({ref}) => (ref?.source === 'env' ? [ref.id] : []));
	// With a damaged jarvis.json only those of plugins are not known.
	const listing = await providers().catch(() => ({providers: providersFrom(decodeConfig({}), [])}));
	const ofProviders = [...listing.providers.values()].flatMap(allVariables);
	const held = new Set([...refs, ...ofProviders]);
	return Object.fromEntries(Object.entries(env).filter(([name]) => !held.has(name)));
}
